"""A run leaves copies of itself, which keep the state of that moment and outlive it; nothing else is ever forked."""

import time
from contextlib import ExitStack

import pytest
from rungs import LIMITS, opened

from autograder.calls import Breach, Status
from autograder.sandbox.host.isolation import LADDER, TRUSTWORTHY
from autograder.sandbox.kernel import processes


@pytest.fixture(scope="module", params=LADDER)
def sandbox(request):
    with opened(request.param) as sandbox:
        yield sandbox


@pytest.fixture
def run(sandbox):
    with sandbox.start() as run:
        yield run


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


def value(run, name: str, *args):
    """What the notebook's function of that name returns."""
    found = []
    run.judge(name, lambda call: found.append(call(args, {})))
    assert found[0].raised is None, found[0].raised
    return found[0].value


def jailed(sandbox) -> None:
    if sandbox.isolation not in TRUSTWORTHY:
        pytest.skip("only a jail holds against hostile code")


def test_each_copy_keeps_its_state_and_lives_on(run):
    run.execute("x = 1\ndef f():\n    print('unseen')\n    return x")
    first = run.copy()
    run.execute("x = 2")
    second = run.copy()
    run.execute("x = 3")
    run.close()
    with first, second:
        assert (value(second, "f"), value(first, "f"), value(second, "f")) == (2, 1, 2)


DEATHS = {
    "exit": ("import os; os._exit(3)", Status.EXITED, "exit code 3"),
    "abort": ("import os; os.abort()", Status.CRASHED, "an abort"),
    "segmentation fault": ("import ctypes; ctypes.string_at(0)", Status.CRASHED, "segmentation"),
    "its own signal": ("import os; os.kill(os.getpid(), 9)", Status.CRASHED, "SIGKILL"),
    "memory": ("kept = bytes(10 << 30)", Status.MEMORY, "512 MB"),
    "output": ("while True: print('again' * 1000)", Status.OUTPUT, "print"),
    "an endless loop": ("while True: pass", Status.TIMEOUT, "longer than 0.7 s"),
}


def test_a_copy_ends_with_the_very_status_of_a_run(run):
    copies = {name: run.copy() for name in DEATHS}
    run.close()
    for name, (source, status, says) in DEATHS.items():
        with pytest.raises(Breach) as caught, copies[name] as copy:
            copy.execute(source, seconds=0.7 if status is Status.TIMEOUT else 20.0)
        assert (name, caught.value.status) == (name, status)
        assert says in caught.value.message


COUNTS = """
import mmap, os, signal, threading, time
counter = mmap.mmap(-1, 8)
def count():
    while True:
        counter[:] = (int.from_bytes(counter[:]) + 1).to_bytes(8)
        time.sleep(0.001)
os.register_at_fork(after_in_child=lambda: threading.Thread(target=count, daemon=True).start())
"""
THAWS = """
for pid in {pids}:
    try:
        os.kill(pid, signal.SIGCONT)
    except PermissionError:
        print('refused')
"""


def test_a_waiting_copy_does_nothing(sandbox, run):
    run.execute(COUNTS)
    copy = run.copy()
    if sandbox.isolation in TRUSTWORTHY:
        tried = run.execute(THAWS.format(pids=[copy.pid, *range(2, 40)]))
        assert tried.outputs[0]["text"].count("refused") >= 38
    before = run.execute("time.sleep(0.1); int.from_bytes(counter[:])").outputs[0]["data"]["text/plain"]
    after = run.execute("time.sleep(0.2); int.from_bytes(counter[:])").outputs[0]["data"]["text/plain"]
    assert before == after
    run.close()
    with copy:
        counted = copy.execute("time.sleep(0.2); int.from_bytes(counter[:])").outputs[0]["data"]["text/plain"]
        assert int(counted) > int(after)


def test_what_one_copy_shows_does_not_count_for_another(run):
    run.execute("def f():\n    print('x' * 40_000)\n    return 1")
    copies = [run.copy() for _ in range(4)]  # together more than a notebook may show
    run.close()
    for copy in copies:
        with copy:
            assert value(copy, "f") == 1


def test_an_executor_of_an_earlier_cell_works_in_a_copy(run):
    run.execute("from concurrent.futures import ThreadPoolExecutor as T\npool = T(4)\nlist(pool.map(abs, range(9)))")
    run.execute("def f(n):\n    return sum(pool.map(abs, range(n)))")
    with run.copy() as copy:
        assert copy.lost_threads > 0
        assert value(copy, "f", 5) == 10


# --- hostile code ---

STOLEN = """
import ctypes, os, socket, time
from autograder.sandbox.guest import copies
def fork(server, connection, capture):
    socket.recv_fds(server, 1, 1)
    libc = ctypes.CDLL(None, use_errno=True)
    made = libc.fork()
    if made == 0:
        time.sleep(100)
    second = libc.fork()
    if second == 0:
        os._exit(0)
    connection.send(copies.messages.Forked(int(second > 0)))
copies.fork = fork
"""
"""Forks where it may, but leaves no copy; then once more; and says whether that worked."""

ALIVE = """
stats = {n: open(f'/proc/{n}/stat').read() for n in sorted(os.listdir('/proc')) if n.isdigit()}
print(os.getpid(), *[n for n, stat in stats.items() if stat.rpartition(')')[2].split()[0] != 'Z'])
"""

LIES = {
    "no fork": "copies.fork = lambda server, connection, capture: connection.send(copies.messages.Forked(0))",
    "itself as the copy": (
        "def fork(server, connection, capture):\n    server.send(b'c')\n"
        "    connection.send(copies.messages.Forked(0))\ncopies.fork = fork"
    ),
    "noise": (
        "def fork(server, connection, capture):\n    server.sendall(b'x' * 10000)\n"
        "    connection.send(copies.messages.Forked(0))\ncopies.fork = fork"
    ),
    "another message": "copies.fork = lambda server, connection, capture: connection.send(copies.messages.Ready())",
    "a closed socket": "copies.fork = lambda server, *_: server.close() or _[0].send(copies.messages.Forked(0))",
    "a hook that raises": "import os\nos.register_at_fork(after_in_child=lambda: os._exit(1))",
}


@pytest.mark.parametrize("name", LIES)
def test_whoever_lies_about_a_copy_has_none(sandbox, run, name):
    run.execute(f"from autograder.sandbox.guest import copies\n{LIES[name]}")
    for _ in range(2):
        started = time.monotonic()
        with pytest.raises(Breach) as caught:
            run.copy()
        assert caught.value.status in (Status.BLOCKED, Status.EXITED)  # some end themselves that way
        assert time.monotonic() - started < 8
    with sandbox.start() as other:
        assert other.execute("1 + 1").error is None


def test_a_request_lets_one_fork_through_and_what_it_made_dies_with_the_run(sandbox, run):
    jailed(sandbox)
    run.execute("import os, ctypes")
    assert run.execute("assert ctypes.CDLL(None).fork() == -1").error is None
    honest = run.copy()
    run.execute(STOLEN)
    with pytest.raises(Breach) as caught:
        run.copy()
    assert caught.value.status is Status.BLOCKED
    assert run.execute("assert ctypes.CDLL(None).fork() == -1").error is None
    run.close()
    with honest:
        if sandbox.isolation == "landlock":
            assert processes._children(sandbox._server._process.pid, dead=False) == {honest.pid}
        else:
            own, alive = honest.execute(ALIVE).outputs[0]["text"].split(maxsplit=1)
            assert alive.split() == ["1", own]  # the namespace's first process, and the copy itself


def test_a_run_that_never_answers_costs_some_seconds(run, monkeypatch):
    monkeypatch.setattr("autograder.sandbox.host.run._COPY_SECONDS", 0.5)
    run.execute("import time\nfrom autograder.sandbox.guest import copies\ncopies.fork = lambda *_: time.sleep(100)")
    with pytest.raises(Breach) as caught:
        run.copy()
    assert caught.value.status is Status.TIMEOUT
    assert run.over


def test_copies_hold_no_more_memory_together_than_a_run_may(run, stack):
    run.execute("import os\nkept = os.urandom(1 << 20) * 200")
    with run.copy(), run.copy(), run.copy(), run.copy():  # one state four times
        assert not run.over
    for _ in range(2):
        run.execute("kept = os.urandom(1 << 20) * 200")
        stack.enter_context(run.copy())
    run.execute("kept = os.urandom(1 << 20) * 200")
    with pytest.raises(Breach, match=f"{LIMITS.memory_bytes >> 20} MB") as caught:
        run.copy()
    assert caught.value.status is Status.MEMORY
    assert run.execute("1 + 1").error is None
