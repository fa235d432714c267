"""Code that uses too much, dies or breaks the protocol: exactly one status, one sentence, nothing left behind."""

import json
import os
import sys
import time
from pathlib import Path

import pytest
from process_tree import descendants, parents

from autograder.calls import Breach, Status
from autograder.pipeline.grading.guarded import limited_memory
from autograder.sandbox.host.sandbox import Sandbox
from autograder.sandbox.kernel.limits import Limits

CHECK = "import autograder; autograder.check('toy.f', f)"

STUBBORN = """
import signal
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
while True:
    try:
        while True: pass
    except BaseException:
        pass
"""

SOCKETS = """
import os
from autograder.sandbox.guest import messenger
mine = messenger.current()._channel.fileno()
"""


LOCKED = "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()"
FIGURES = "import matplotlib.pyplot as plt\nwhile True: plt.plot(range(9)); plt.show()"
SLOWLY = "import numpy as np, time\nkept = []\nwhile True: kept.append(np.ones(1 << 20)); time.sleep(0.001)"
THREAD = "import os, threading, time\nthreading.Thread(target=lambda: os._exit(0)).start()\ntime.sleep(20)"
FINISHED = {"kind": "finished", "outputs": [], "execution_count": 1, "error": None, "seconds": 0}


def frame(text: str) -> str:
    return f"os.write(mine, b'NNAG' + (len({text!r})).to_bytes(4, 'big') + bytes(4) + {text!r}.encode())"


def sent(message: dict[str, object], **fields: object) -> str:
    """A cell that writes a message of its own, in a frame that is right."""
    return SOCKETS + frame(json.dumps([[], {**message, **fields}]))


LARGE = """
item = b'{{"output_type":"display_data","metadata":{{}},"data":{{"application/json":[' + b'[],' * 100_000 + b'[]]}}}}'
text = b'[[],{{"kind":"finished","execution_count":1,"error":null,"seconds":0,"outputs":[' + (item + b',') * 90 + item
text += b']}}]'
head = b'NNAG' + len(text).to_bytes(4, 'big') + bytes(4)
os.set_blocking({0}, True)
with os.fdopen({0}, 'wb', closefd=False) as line: line.write(head + text)
"""
"""27 MB of text, 500 MB of lists once it is decoded."""
BUFFERS = """
size = 400 << 20
text = b'[[%d],{"kind":"finished","execution_count":1,"error":null,"seconds":0,"outputs":[]}]' % size
if b'ready' in text: text = b'[[%d],{"kind":"ready"}]' % size
os.set_blocking(mine, True)
with os.fdopen(mine, 'wb', closefd=False) as line:
    line.write(b'NNAG' + len(text).to_bytes(4, 'big') + size.to_bytes(4, 'big') + text)
    for _ in range(400): line.write(bytes(1 << 20))
"""
CASES = {
    "endless loop": ("while True: pass", Status.TIMEOUT, "loop"),
    "endless loop that ignores signals": (STUBBORN, Status.TIMEOUT, "loop"),
    "deadlock": (LOCKED, Status.TIMEOUT, ""),
    "os._exit": ("import os; os._exit(3)", Status.EXITED, "exit code 3"),
    "exit in a thread": (THREAD, Status.EXITED, "exit code 0"),
    "segmentation fault": ("import ctypes; ctypes.string_at(0)", Status.CRASHED, "segmentation fault"),
    "abort": ("import os; os.abort()", Status.CRASHED, "abort"),
    "kills itself": ("import os; os.kill(os.getpid(), 9)", Status.CRASHED, "SIGKILL"),
    "terminates itself": ("import os; os.kill(os.getpid(), 15)", Status.CRASHED, "SIGTERM"),
    "kills its group": ("import os; os.killpg(0, 9)", Status.CRASHED, "SIGKILL"),
    "a long sleep": ("import time; time.sleep(60)", Status.TIMEOUT, "waits"),
    "input without end": ("import sys\nwhile True: sys.stdin.read()", Status.TIMEOUT, ""),
    "a flood of figures": (FIGURES, Status.OUTPUT, ""),
    "memory, slowly": (SLOWLY, Status.MEMORY, "512 MB"),
    "memory of torch": ("import torch\nkept = torch.ones(10 << 30)", Status.MEMORY, ""),
    "endless print": ("while True: print('all work and no play')", Status.OUTPUT, "print"),
    "one long line": ("print('x' * 50_000_000)", Status.OUTPUT, "50 kB"),
    "endless display": ("while True: display('x' * 1000)", Status.OUTPUT, ""),
    "past sys.stdout": ("import os\nos.write(1, b'x' * 200_000)\nprint('so')", Status.OUTPUT, ""),
    "bytes": ("b'x' * (10 << 30)", Status.MEMORY, "512 MB"),
    "an array": ("import numpy as np; np.ones(10 << 30)", Status.MEMORY, ""),
    "lists, slowly": ("kept = []\nwhile True: kept.append([0] * 1_000_000)", Status.MEMORY, ""),
    "closed channel": (SOCKETS + "os.close(mine)\nimport time; time.sleep(20)", Status.BLOCKED, "connection"),
    "random bytes": (SOCKETS + "os.write(mine, bytes(range(256)))", Status.BLOCKED, ""),
    "half a frame": (SOCKETS + "os.write(mine, b'NNAG' + bytes([0, 0, 9, 9, 0, 0, 0, 0]))", Status.TIMEOUT, ""),
    "a frame too large": (SOCKETS + "os.write(mine, b'NNAG' + bytes([255]) * 8)", Status.BLOCKED, ""),
    "no JSON": (SOCKETS + frame("not json at all"), Status.BLOCKED, ""),
    "deep JSON": (SOCKETS + frame("[" * 100_000), Status.BLOCKED, ""),
    "a deep tree": (SOCKETS + frame('[[],{"kind":"outcome","seconds":0,"body":' + "[" * 100_000), Status.BLOCKED, ""),
    "unknown kind": (sent({"kind": "verdict", "points": 10}), Status.BLOCKED, ""),
    "outcome out of turn": (sent({"kind": "outcome", "body": None, "seconds": 0}), Status.BLOCKED, ""),
    "a message of the host": (sent({"kind": "answer", "value": None}), Status.BLOCKED, ""),
    "forged result": (sent(FINISHED, outputs=[{"output_type": "verdict"}]), Status.BLOCKED, ""),
    "an unknown field": (sent(FINISHED, points=10), Status.BLOCKED, ""),
    "a field too few": (sent({"kind": "finished", "outputs": []}), Status.BLOCKED, ""),
    "an impossible time": (sent(FINISHED, seconds=10**400), Status.BLOCKED, ""),
    "no number": (sent(FINISHED, seconds=float("nan")), Status.BLOCKED, ""),
    "sizes that lie": (SOCKETS + frame(json.dumps([[9], FINISHED])), Status.BLOCKED, ""),
    "outputs without end": (SOCKETS + LARGE.format("mine"), Status.OUTPUT, "print"),
    "buffers without end": (SOCKETS + BUFFERS, Status.OUTPUT, "print"),
    "buffers of another message": (SOCKETS + BUFFERS.replace("finished", "ready"), Status.BLOCKED, ""),
    "forged breach": (sent({"kind": "breach", "status": "passed"}), Status.BLOCKED, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_every_breach_has_its_status(run, name):
    source, status, says = CASES[name]
    seconds = 0.7 if status is Status.TIMEOUT else 60.0
    with pytest.raises(Breach) as caught:
        run.execute(source, seconds=seconds)
    assert caught.value.status is status
    assert says in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="this system does not limit a process's memory")
@pytest.mark.parametrize("name", ["outputs without end", "buffers without end"])
def test_a_large_message_while_a_cell_runs_takes_no_memory_of_the_host(run, name):
    """Neither for what comes, nor for what it would become."""
    source, status, _ = CASES[name]
    with limited_memory(100 << 20), pytest.raises(Breach) as caught:
        run.execute(source)
    assert caught.value.status is status


def test_memory_that_runs_out_while_a_cell_is_read_costs_the_cell(run, monkeypatch):
    def no_memory(outputs):
        raise MemoryError

    monkeypatch.setattr("autograder.sandbox.host.run.checked_outputs", no_memory)
    with pytest.raises(Breach) as caught:
        run.execute("print(1)")
    assert caught.value.status is Status.OUTPUT


def test_a_message_that_is_as_it_must_be_is_read(run):
    """So what is refused above is refused for what it says, not for its frame."""
    assert run.execute(sent(FINISHED, execution_count=77) + "\nprint('unread')").execution_count == 77


def test_processor_time_is_limited_as_well_as_the_clock(sandbox):
    for source in (
        "while True: pass",
        "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass",
    ):
        limits = Limits(cores=0.002, cell_seconds=300.0, notebook_seconds=300.0)
        with Sandbox(sandbox.isolation, limits=limits) as slow, slow.start() as run:
            with pytest.raises(Breach, match="processor time") as caught:
                run.execute(source)
            assert caught.value.status is Status.TIMEOUT


def test_after_a_breach_every_method_raises_it(run):
    with pytest.raises(Breach) as first:
        run.execute("import os; os._exit(1)")
    with pytest.raises(Breach) as second:
        run.execute("1 + 1")
    assert second.value is first.value


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("def f():\n    while True: pass", Status.TIMEOUT),
        ("def f():\n    import os; os._exit(0)", Status.EXITED),
        ("def f():\n    import ctypes; ctypes.string_at(0)", Status.CRASHED),
        ("def f():\n    while True: print('again')", Status.OUTPUT),
        ("def f():\n    import os; os.write(1, b'x' * 200_000)", Status.OUTPUT),
    ],
)
def test_a_breach_inside_of_a_judged_call_reaches_the_judge(run, source, status):
    run.execute(source)
    caught = []

    def judge(call):
        with pytest.raises(Breach) as breach:
            call((), {})
        caught.append(breach.value.status)

    with pytest.raises(Breach) as after:
        run.execute(CHECK, judge=judge, seconds=1.0 if status is Status.TIMEOUT else 60.0)
    assert caught == [status] == [after.value.status]


def test_memory_in_a_judged_call_is_an_exception_of_that_call(run):
    run.execute("import numpy as np\ndef f(): return np.ones(10 << 30)")
    outcomes = []
    run.execute(CHECK, judge=lambda call: outcomes.append(call((), {})))
    assert outcomes[0].raised.kind == "MemoryError"


def test_the_judges_own_time_does_not_count(run):
    run.execute("def f(): return 1")

    def judge(call):
        call((), {})
        time.sleep(2.5)
        call((), {})

    run.execute(CHECK, judge=judge, seconds=2.0)


def test_many_short_calls_add_up(run):
    run.execute("import time\ndef f(): time.sleep(0.25)")
    with pytest.raises(Breach) as caught:
        run.execute(CHECK, judge=lambda call: [call((), {}) for _ in range(20)], seconds=0.7)
    assert caught.value.status is Status.TIMEOUT


def test_the_whole_notebook_has_a_clock():
    with Sandbox(limits=Limits(notebook_seconds=3.0)) as sandbox, sandbox.start() as run:
        run.execute("import time; time.sleep(0.4)")
        with pytest.raises(Breach) as caught:
            run.execute("time.sleep(60)")
        assert caught.value.status is Status.TIMEOUT
        assert "notebook" in caught.value.message


def test_the_whole_notebook_has_an_output_limit(run):
    for _ in range(2):
        run.execute("print('x' * 49_000)")
    with pytest.raises(Breach) as caught:
        run.execute("print('x' * 49_000)")
    assert caught.value.status is Status.OUTPUT


def test_files_and_descriptors_are_limited(run):
    flood = "with open('big', 'wb') as file:\n    for _ in range(300): file.write(bytes(1 << 20))"
    assert run.execute(flood).error.kind == "OSError"
    assert run.execute("files = [open('many', 'w') for _ in range(1000)]").error.kind == "OSError"


FORK = """
import os, time
for apart in (False, True):
    if os.fork() == 0:
        if apart:
            os.setsid()
            if os.fork():
                os._exit(0)
        open(f'pid{apart}', 'w').write(str(os.getpid()))
        while True: time.sleep(60)
while not all(os.path.exists(f'pid{apart}') and os.path.getsize(f'pid{apart}') for apart in (False, True)):
    time.sleep(0.01)
[int(open(f'pid{apart}').read()) for apart in (False, True)]
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone_soon(pid: int) -> bool:
    deadline = time.monotonic() + 30
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not alive(pid)


def left_behind(run) -> list[int]:
    result = run.execute(FORK)
    assert result.error is None
    return [int(pid) for pid in result.outputs[-1]["data"]["text/plain"].strip("[]").split(",")]


def test_processes_left_behind_are_killed(process_sandbox):
    with process_sandbox.start() as run:
        pids = left_behind(run)
        assert all(map(alive, pids))
    assert not any(map(alive, pids))


def test_processes_left_behind_by_a_dead_run_are_killed(process_sandbox):
    with process_sandbox.start() as run:
        pids = left_behind(run)
        with pytest.raises(Breach):
            run.execute("os._exit(0)")
        assert not any(map(alive, pids))


def test_a_forked_copy_of_the_cell_does_not_speak_for_it(process_run):
    run = process_run
    forked = "import os\npid = os.fork()\nprint('parent' if pid else 'child')"
    assert run.execute(forked).outputs[0]["text"].splitlines()[-1] == "parent"
    assert run.execute("1 + 1").error is None


def test_the_death_of_the_server_ends_only_that_run():
    with Sandbox() as sandbox:
        with sandbox.start() as run:
            with pytest.raises(Breach) as caught:
                run.execute("import os, time; os.kill(os.getppid(), 9); time.sleep(60)", seconds=60)
            assert caught.value.status is Status.CRASHED
            assert gone_soon(run.pid)
        with sandbox.start() as run:
            assert run.execute("1 + 1").error is None


def test_a_judge_that_fails_ends_the_run(sandbox):
    before = descendants(os.getpid())
    with sandbox.start() as run:
        started = descendants(os.getpid()) - before
        assert started
        run.execute("def f(): return 1")

        def judge(call):
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            run.execute(CHECK, judge=judge)
        with pytest.raises(Breach):
            run.execute("1 + 1")
        deadline = time.monotonic() + 30
        while started & set(parents()) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not started & set(parents())


def test_a_scratch_folder_that_resists_is_removed(process_sandbox):
    with process_sandbox.start() as run:
        made = run.execute("import os\nos.makedirs('a/b'); open('a/b/c', 'w').close(); os.chmod('a', 0); os.getcwd()")
        folder = Path(made.outputs[-1]["data"]["text/plain"].strip("'"))
        assert folder.is_dir()
    assert not folder.exists()


def test_this_process_has_no_children_but_the_server(sandbox):
    path = Path(f"/proc/self/task/{os.getpid()}/children")
    before = set(path.read_text().split())
    for _ in range(2):
        with sandbox.start() as run:
            run.execute("1 + 1")
    children = [int(pid) for pid in set(path.read_text().split()) - before]
    assert all(alive(pid) for pid in children)
