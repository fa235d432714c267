"""What a jailed run must not be able to do, tried from inside, on every rung that claims to hold."""

import ast
import os
import shutil
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import msgspec
import pytest
from rungs import HERE, opened

from autograder.calls import Breach, Status
from autograder.sandbox.host import bubblewrap, isolation, proof, visible
from autograder.sandbox.host.isolation import TRUSTWORTHY
from autograder.sandbox.host.sandbox import JailBroken, Sandbox
from autograder.sandbox.kernel import landlock, seccomp
from autograder.sandbox.kernel.jail import Jail
from autograder.sandbox.kernel.syscalls import ALLOWED, NUMBERS, OWNERS

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module", params=TRUSTWORTHY)
def jail(request):
    with opened(request.param) as sandbox:
        yield sandbox


@pytest.fixture
def inmate(jail):
    with jail.start() as run:
        yield run


def shown(run, source: str) -> str:
    result = run.execute(source)
    assert result.error is None, result.error
    return result.outputs[-1]["text"] if "text" in result.outputs[-1] else result.outputs[-1]["data"]["text/plain"]


def refused(run, source: str) -> str:
    """The message of the error that the cell must raise."""
    result = run.execute(source)
    assert result.error is not None, result.outputs
    assert result.error.kind in ("PermissionError", "OSError", "FileNotFoundError", "BlockingIOError"), result.error
    return result.error.message


PROCESSES = {
    "fork": "import os; os.fork()",
    "spawn": "import os; os.posix_spawn('/bin/true', ['true'], {})",
    "exec": "import os; os.execv('/bin/true', ['true'])",
    "subprocess": "import subprocess; subprocess.run(['true'])",
    "a shell cell": "%%bash\ntrue",
    "multiprocessing": "import multiprocessing as m; m.get_context('fork').Process(target=print).start()",
    "a pool": "from concurrent.futures import ProcessPoolExecutor as P\nwith P(1) as p: p.submit(print).result()",
}


@pytest.mark.parametrize("name", PROCESSES)
def test_no_process_is_started_and_the_message_says_so(inmate, name):
    said = refused(inmate, PROCESSES[name])
    assert "no new processes here" in said or "no second processes here" in said
    assert inmate.execute("1 + 1").error is None


@pytest.mark.parametrize(
    ("source", "returns"),
    [
        ("import os; os.system('touch made')", str(127 << 8)),
        ("import os; os.popen('touch made').read()", "''"),
        ("!touch made\n_exit_code", "127"),
        ("made = !touch made\nlen(made)", "1"),
    ],
)
def test_a_shell_line_goes_on_and_starts_nothing(inmate, source, returns):
    said, value = inmate.execute(source).outputs
    assert said["text"] == "no programs can be started here: `touch made` was skipped\n"
    assert value["data"]["text/plain"] == returns
    assert shown(inmate, "import pathlib; pathlib.Path('made').exists()") == "False"


BENEATH_PYTHON = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
{call}
"""


@pytest.mark.parametrize("call", ["libc.fork()", "libc.vfork()", "libc.system(b'true')", "libc.daemon(1, 1)"])
def test_processes_are_refused_beneath_python_too(inmate, call):
    assert shown(inmate, BENEATH_PYTHON.format(call=f"print({call})")).strip() in ("-1", "256", "32512", "-1 ")


NETWORK = {
    "a name": "import urllib.request; urllib.request.urlopen('http://example.org')",
    "a connection": "import socket; socket.create_connection(('127.0.0.1', 80))",
}


@pytest.mark.parametrize("name", NETWORK)
def test_no_network_and_the_message_says_so(inmate, name):
    result = inmate.execute(NETWORK[name])
    assert result.error.kind in ("PermissionError", "URLError")
    assert "no network here" in result.error.message


@pytest.mark.parametrize(
    "made",
    [
        "socket.socket()", "socket.socket(socket.AF_UNIX)", "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        "socket.socketpair(type=socket.SOCK_DGRAM)", "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    ],
)  # fmt: skip
def test_no_sockets(inmate, made):
    refused(inmate, f"import socket; {made}")


def test_no_abstract_socket_outside_is_reached(inmate):
    name = f"\0autograder-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()
        assert "no network here" in refused(inmate, f"import socket\na, b = socket.socketpair()\na.connect({name!r})")
        server.settimeout(0.2)
        with pytest.raises(TimeoutError):
            server.accept()


UNSEEN = [
    "autograder/judge/evaluate.py", "autograder/exercises/linear/scores.py", "autograder/pipeline/grading/grade.py",
    "autograder/sandbox/host/sandbox.py", "README.md", "solutions/01_linear_classification.py", "pyproject.toml",
]  # fmt: skip


@pytest.mark.parametrize("path", UNSEEN)
def test_answers_cannot_be_read(inmate, path):
    assert (ROOT / path).is_file()
    refused(inmate, f"open({str(ROOT / path)!r})")
    assert inmate.execute(f"import {'.'.join(Path(path).with_suffix('').parts)}").error is not None


@pytest.mark.parametrize("path", ["/etc/shadow", "/etc/passwd", "/etc/hostname", "/proc/1/environ", "/proc/1/maps"])
def test_the_machine_cannot_be_read(inmate, path):
    assert Path(path).exists()
    if path == "/proc/1/maps":
        result = inmate.execute(f"open({path!r}).read()")
        assert result.error is not None or result.outputs[-1]["data"]["text/plain"] == "''"
    else:
        refused(inmate, f"open({path!r}).read(1) or open('/nowhere')")


def test_another_runs_files_and_memory_are_out_of_reach(jail, inmate):
    with jail.start() as other:
        other.execute("open('note', 'w').write('mine'); marker = 'x' * 10")
        place = shown(other, "import os; print(os.getcwd())").strip()
        seen = inmate.execute(f"open({place + '/note'!r}).read()")
        assert seen.error is not None
        for name in ("mem", "maps", "environ", "root", "cwd", "fd"):
            source = f"import os\nopen('/proc/{other.pid}/{name}', 'rb').read(1) or os.listdir('/nowhere')"
            assert inmate.execute(source).error is not None
        assert inmate.execute(f"import os; os.kill({other.pid}, 9)").error is not None
        assert inmate.execute(f"import os; os.kill({os.getpid()}, 0)").error is not None
        assert shown(other, "marker") == repr("x" * 10)


SCAN = """
import re
wanted = bytes(reversed({turned!r}.encode()))
count = 0
with open('/proc/self/maps') as maps, open('/proc/self/mem', 'rb', 0) as memory:
    for line in maps:
        first, last = (int(number, 16) for number in line.split()[0].split('-'))
        if line.split()[1].startswith('rw'):
            memory.seek(first)
            count += memory.read(last - first).count(wanted)
print(count)
"""


def test_nothing_is_left_of_the_run_before(jail):
    marker = f"answer-{os.getpid()}-of-the-run-before"
    with jail.start() as run:
        run.execute(f"kept = [{marker!r} + str(n) for n in range(1000)]\ndef f(): return {marker!r}")
        assert int(shown(run, SCAN.format(turned=marker[::-1]))) > 100
    with jail.start() as run:
        assert int(shown(run, SCAN.format(turned=marker[::-1]))) <= 2  # what it looks for
        assert shown(
            run, "import linecache; print(len(In), [key for key in linecache.cache if 'ipykernel' in key][:-1])"
        )


def test_nothing_is_written_outside(inmate, tmp_path):
    tmp_path.chmod(0o777)
    for folder in (tmp_path, ROOT, Path.home(), Path("/etc"), Path("/dev/shm"), Path("/var/tmp"), Path(sys.prefix)):
        refused(inmate, f"open({str(folder / 'mine')!r}, 'w')")
    refused(inmate, "import os; os.mkfifo('pipe')")
    refused(inmate, "open('/proc/self/oom_score_adj', 'w').write('-1000')")
    assert list(tmp_path.iterdir()) == []


def test_what_others_own_keeps_its_permissions_and_times(inmate, tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    file.chmod(0o666)
    tmp_path.chmod(0o777)
    before = file.stat()
    inmate.execute(f"import os; os.chmod({str(file)!r}, 0)")
    inmate.execute(f"import os; os.utime({str(file)!r}, (0, 0))")
    inmate.execute(f"import os; os.truncate({str(file)!r}, 0)")
    inmate.execute(f"import os; os.unlink({str(file)!r})")
    inmate.execute(f"import os; os.rename({str(file)!r}, 'taken')")
    after = file.stat()
    assert (after.st_mode, after.st_mtime, after.st_size) == (before.st_mode, before.st_mtime, before.st_size)


def test_links_lead_nowhere(inmate):
    inmate.execute(f"import os; os.symlink({str(ROOT)!r}, 'course'); os.symlink('/', 'root')")
    refused(inmate, "open('course/autograder/judge/evaluate.py')")
    refused(inmate, "open('root/etc/passwd')")
    refused(inmate, f"os.link({sys.executable!r}, 'python')")


def test_no_privileges_are_left(inmate):
    facts = dict(
        line.partition(":\t")[::2] for line in shown(inmate, "print(open('/proc/self/status').read())").splitlines()
    )
    assert {int(facts[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}
    assert (facts["NoNewPrivs"], facts["Seccomp"]) == ("1", "2")
    refused(inmate, "import os; os.setuid(0) if os.getuid() else os.setuid(1)")


def test_only_two_sockets_and_the_outputs_are_open(inmate):
    inmate.execute("import os")
    inmate.execute("places = [f'/proc/self/fd/{number}' for number in os.listdir('/proc/self/fd')]")
    links = shown(inmate, "print(*[os.readlink(place) for place in places if os.path.lexists(place)])").split()
    kinds = {link.split(":")[0] for link in links if not link.startswith("/")}
    assert kinds <= {"socket", "anon_inode", "(deleted)"}
    assert sum(link.startswith("socket:") for link in links) == 2  # to the host and to the server
    paths = {link for link in links if link.startswith("/")}
    assert all(path == "/dev/null" or path.endswith(("/.stdout", "/.stderr")) for path in paths)


def test_signals_reach_only_the_run_itself(inmate):
    for target in ("1", "-1", "os.getppid() or 1"):
        refused(inmate, f"import os; os.kill({target}, 0)")
    with pytest.raises(Breach) as caught:
        inmate.execute("os.kill(os.getpid(), 9)")
    assert (caught.value.status, "SIGKILL" in caught.value.message) == (Status.CRASHED, True)


THREADS = """
import threading, time
threading.stack_size(64 << 10)
started = []
try:
    while len(started) < 5000:
        thread = threading.Thread(target=time.sleep, args=(60,), daemon=True)
        thread.start()
        started.append(thread)
        {pause}
except RuntimeError as error:
    print(error)
print(len(started) <= 200)
"""


def test_threads_are_counted(jail):
    with jail.start() as run:
        if jail.isolation == "bubblewrap":
            assert shown(run, THREADS.format(pause="")) == "can't start new thread\nTrue\n"
            assert run.execute("1 + 1").error is None
        else:
            with pytest.raises(Breach, match="threads") as caught:
                run.execute(THREADS.format(pause="time.sleep(0.001)"))
            assert caught.value.status is Status.MEMORY


def test_files_are_limited_together(jail):
    many = "for n in range(400):\n    with open(f'file{n}', 'wb') as file: file.write(bytes(1 << 20))"
    with jail.start() as run:
        if jail.isolation == "bubblewrap":
            assert "No space left" in refused(run, many)
            assert run.execute("import os; [os.unlink(name) for name in os.listdir('.')]; print(1)").error is None
        else:
            with pytest.raises(Breach, match="files") as caught:
                run.execute(many + "\nimport time; time.sleep(20)")
            assert caught.value.status is Status.OUTPUT


def test_memory_without_a_limit_is_refused(inmate):
    refused(inmate, "import os; os.memfd_create('hidden')")
    refused(inmate, "from multiprocessing.shared_memory import SharedMemory; SharedMemory(create=True, size=4096)")


HONEST = """
import numpy as np, matplotlib.pyplot as plt, threading, tempfile, os, shutil, asyncio, signal, platform
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(4) as pool: squares = list(pool.map(lambda n: n * n, range(8)))
np.save('a.npy', np.eye(3)); shutil.copy('a.npy', 'b.npy'); loaded = np.load('b.npy', mmap_mode='r')
with tempfile.TemporaryDirectory() as folder: open(os.path.join(folder, 'x'), 'w').write('x')
plt.plot([1, 2]); plt.savefig('figure.pdf'); plt.close()
slept = await asyncio.to_thread(lambda: 'slept')
signal.signal(signal.SIGALRM, lambda *_: None); signal.setitimer(signal.ITIMER_REAL, 0.01); signal.pause()
platform.platform(), platform.processor()
np.linalg.svd(np.random.default_rng(0).standard_normal((50, 50)))
print(squares[-1], loaded[1, 1], slept, os.path.getsize('figure.pdf') > 0, os.cpu_count() > 0)
"""
TORCH = """
import torch, numpy as np, torch_geometric
from sklearn.linear_model import LogisticRegression
from sklearn.datasets import load_digits
x = torch.randn(8, 3, 8, 8, requires_grad=True)
torch.nn.functional.conv2d(x, torch.randn(4, 3, 3, 3)).sum().backward()
net = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
step = torch.optim.Adam(net.parameters()); net(torch.ones(2, 8)).sum().backward(); step.step()
torch.save(net.state_dict(), 'net.pt'); net.load_state_dict(torch.load('net.pt'))
batches = [len(batch[0]) for batch in torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(5, 2)), 2)]
torch.set_num_threads(2); torch.ones(500, 500) @ torch.ones(500, 500)
from torch_geometric.nn import GCNConv
out = GCNConv(2, 2)(torch.ones(3, 2), torch.tensor([[0, 1], [1, 2]]))
data = load_digits(); score = LogisticRegression(max_iter=20, solver='newton-cg').fit(data.data[:50], data.target[:50])
print(batches, tuple(out.shape), x.grad.shape[0])
"""


def test_honest_code_works(inmate):
    assert shown(inmate, HONEST) == "49 1.0 slept True True\n"


@pytest.mark.filterwarnings("ignore")
def test_honest_libraries_work(jail):
    preload = ("torch", "torch_geometric", "sklearn.linear_model", "sklearn.datasets")
    with Sandbox(jail.isolation, preload=preload) as sandbox, sandbox.start() as run:
        assert (
            shown(run, "import sys, torch\nprint(torch.get_num_threads(), 'torch._dynamo' in sys.modules)")
            == "1 True\n"
        )
        assert shown(run, TORCH) == "[2, 2, 1] (3, 2) 8\n"


def test_a_server_with_torch_has_one_thread_so_that_forks_are_safe():
    with Sandbox("process", preload=("torch",)) as sandbox, sandbox.start() as run:
        assert shown(run, "import os\nprint(len(os.listdir(f'/proc/{os.getppid()}/task')))") == "1\n"


# --- the proof, and what is visible ---


def test_a_visible_answer_stops_everything(monkeypatch):
    name = next(name for name in TRUSTWORTHY if HERE[name].ok)
    monkeypatch.setattr(visible, "data", lambda: [ROOT / "autograder" / "judge"])
    with Sandbox(name) as sandbox, pytest.raises(JailBroken, match=r"let a run read .*judge.*COURSE_DATA.* names"):
        sandbox.start()


NOT_FOR_NOTEBOOKS = ("onnx", "torchcvnn", "pytest", "hypothesis", "jupyterlab", "sqlalchemy")
LOOKS_FOR_PACKAGES = f"""
import importlib.metadata, numpy as np
for name in {NOT_FOR_NOTEBOOKS}:
    try:
        __import__(name)
        print("imported", name)
    except ModuleNotFoundError:
        pass
print([each.name for each in importlib.metadata.distributions() if each.name in ("onnx", "pytest")])
print(importlib.metadata.version("numpy") == np.__version__)
"""


def test_packages_that_notebooks_do_not_need_look_as_if_they_were_not_installed(sandbox):
    assert all(map(find_spec, NOT_FOR_NOTEBOOKS)), "what is not installed proves nothing"
    with sandbox.start() as run:
        assert shown(run, LOOKS_FOR_PACKAGES) == "[]\nTrue\n"


def test_packages_that_notebooks_do_not_need_cannot_be_read(inmate):
    for module in (pytest, msgspec):
        source = f"open({module.__file__!r}).close()"
        if module is pytest:
            refused(inmate, source)
        else:
            assert inmate.execute(source).error is None


@pytest.mark.parametrize(
    ("attempt", "says"),
    [
        ("print('[]')", None),
        ('print(\'["eat", "sleep"]\')', "let a run eat, sleep"),
        ("print('{}')", "could not be tested"),
        ("print('[1]')", "could not be tested"),
        ("print('nothing')", "could not be tested"),
        ("pass", "could not be tested"),
        ("print('[]'); 1 / 0", "could not be tested.*ZeroDivisionError"),
        ("import os; os._exit(0)", "could not be tested"),
    ],
)
def test_nothing_runs_where_the_attempt_to_break_out_says_anything_but_no(monkeypatch, attempt, says):
    name = next(name for name in TRUSTWORTHY if HERE[name].ok)
    monkeypatch.setattr(proof, "attempt", lambda readable, writable: attempt)
    with Sandbox(name) as sandbox:
        if says is None:
            sandbox.prove()
        else:
            with pytest.raises(JailBroken, match=says):
                sandbox.prove()


def test_what_lies_in_a_visible_folder_can_be_hidden(monkeypatch, tmp_path):
    if not HERE["bubblewrap"].ok:
        pytest.skip(f"this machine lacks bubblewrap: {HERE['bubblewrap'].reason}")
    for name in ("open/closed/secret", "open/closed/open/file", "open/file", "open/single"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("seen")
    tmp_path.chmod(0o755)
    monkeypatch.setattr(visible, "data", lambda: [tmp_path / "open", tmp_path / "open" / "closed" / "open"])
    hidden = (tmp_path / "open" / "closed", tmp_path / "open" / "single")
    with Sandbox("bubblewrap", hidden=hidden) as sandbox, sandbox.start() as run:
        assert shown(run, f"print(open({str(tmp_path / 'open/file')!r}).read())") == "seen\n"
        assert shown(run, f"print(open({str(tmp_path / 'open/closed/open/file')!r}).read())") == "seen\n"
        refused(run, f"open({str(hidden[0] / 'secret')!r})")
        refused(run, f"open({str(hidden[1])!r})")


def test_a_library_is_all_of_the_course_that_is_there(jail, tmp_path):
    visible.copy_parts(tmp_path / "sealed")
    (tmp_path / "sealed" / "course_lib" / "linear.py").write_text("answer = 42\n")
    (tmp_path / "sealed").chmod(0o700)
    with Sandbox(jail.isolation, library=tmp_path / "sealed") as sandbox, sandbox.start() as run:
        assert (
            shown(run, "from course_lib import linear; print(linear.answer, hasattr(linear, 'scores'))") == "42 False\n"
        )
        assert run.execute("import autograder.judge.evaluate").error is not None


def test_the_copy_of_a_course_without_write_permission_can_be_written(tmp_path, monkeypatch):
    course, copy = tmp_path / "course", tmp_path / "copy"
    (course / "course_lib" / "viz").mkdir(parents=True)
    for place in (course / "course_lib" / "viz" / "cnn.py", course / "course_lib" / "viz", course / "course_lib"):
        place.touch()
        place.chmod(0o555 if place.is_dir() else 0o444)
    monkeypatch.setattr(visible, "REPOSITORY", course)
    monkeypatch.setattr(visible, "PARTS", ("course_lib",))
    visible.copy_parts(copy)
    assert {path.name: path.stat().st_mode & 0o200 for path in copy.rglob("*")} == dict.fromkeys(
        ("course_lib", "viz", "cnn.py"), 0o200
    )
    for folder in (course / "course_lib", course / "course_lib" / "viz"):
        folder.chmod(0o755)  # so that pytest can remove it


def test_given_cells_run_in_the_jail(inmate):
    assert inmate.execute("import autograder, course_lib.viz.live\nautograder.progress()").outputs == []


def test_the_visible_parts_import_nothing_that_is_not_there():
    shown = [ROOT / part for part in visible.PARTS if part.startswith("autograder")]
    files = [path for part in shown for path in ([part] if part.is_file() else part.rglob("*.py"))]
    names = {str(path.relative_to(ROOT).with_suffix("")).replace("/", ".") for path in files}
    sandbox = {f"autograder.sandbox.{part}" for part in ("guest", "kernel", "wire")}
    packages = {"autograder", "autograder.harness", *sandbox}
    for path in files:
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("autograder"):
                assert node.module in names | packages, f"{path} imports {node.module}"


def test_the_visible_parts_are_there():
    assert all((ROOT / part).exists() for part in visible.PARTS)
    assert visible.REPOSITORY == ROOT


def test_without_mounts_a_folder_with_something_hidden_is_opened_entry_by_entry(tmp_path):
    for name in ("open/file", "half/shown", "half/closed/file", "packages/numpy/file", "packages/onnx"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "link").symlink_to(tmp_path)
    hidden = (str(tmp_path / "half" / "closed"), "/nowhere/else")
    jail = Jail("landlock", (str(tmp_path),), packages={str(tmp_path / "packages"): ("numpy",)}, hidden=hidden).opened()
    assert set(jail.readable) == {str(tmp_path / name) for name in ("open", "half/shown", "packages/numpy")}
    assert set(jail.listed) == {str(tmp_path), str(tmp_path / "half"), str(tmp_path / "packages")}


# --- the ladder ---


@pytest.fixture
def fresh_ladder():
    isolation.probe.cache_clear()
    yield
    isolation.probe.cache_clear()


def test_the_strongest_rung_is_taken(monkeypatch):
    for missing, expected in (((), "bubblewrap"), (("bubblewrap",), "landlock")):
        rungs = {name: isolation.Rung(name, name not in missing, "so") for name in TRUSTWORTHY}
        monkeypatch.setattr(isolation, "probe", rungs.__getitem__)
        assert isolation.choose("auto") == expected


def test_a_machine_without_bubblewrap_says_what_to_install(monkeypatch, fresh_ladder):
    monkeypatch.setattr(bubblewrap, "find", lambda: None)
    rung = isolation.probe("bubblewrap")
    assert not rung.ok
    assert "apt install bubblewrap" in rung.reason


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has bubblewrap")
def test_the_package_stands_in_where_the_system_has_no_bubblewrap(monkeypatch, fresh_ladder):
    with_the_systems = isolation.probe("bubblewrap")
    isolation.probe.cache_clear()
    monkeypatch.setenv("PATH", os.devnull)
    assert Path(bubblewrap.find()).is_relative_to(sys.prefix)
    rung = isolation.probe("bubblewrap")
    if not rung.ok and not with_the_systems.ok:
        pytest.skip(f"no namespaces on this machine: {rung.reason}")
    assert rung.ok, rung.reason
    with opened("bubblewrap") as sandbox, sandbox.start() as run:
        assert "no new processes here" in refused(run, PROCESSES["fork"])


def test_a_bubblewrap_that_fails_says_why(monkeypatch, fresh_ladder, tmp_path):
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho bwrap: No permissions to create new namespace >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(bubblewrap, "find", lambda: str(broken))
    rung = isolation.probe("bubblewrap")
    assert not rung.ok
    assert "No permissions to create new namespace" in rung.reason


def test_an_old_kernel_has_no_landlock(monkeypatch, fresh_ladder):
    monkeypatch.setattr(landlock, "version", lambda: 2)
    assert "this kernel has version 2" in isolation.probe("landlock").reason
    isolation.probe.cache_clear()
    monkeypatch.setattr(landlock, "version", lambda: 0)
    assert "this kernel has none" in isolation.probe("landlock").reason


def test_other_systems_and_processors_have_only_the_weakest(monkeypatch, fresh_ladder):
    monkeypatch.setattr(isolation, "machine", lambda: "")
    assert "on Linux only" in isolation.probe("landlock").reason
    assert "on Linux only" in isolation.probe("bubblewrap").reason
    isolation.probe.cache_clear()
    monkeypatch.setattr(isolation, "machine", lambda: "riscv64")
    assert "riscv64" in isolation.probe("landlock").reason


def test_files_that_only_root_may_read_are_named(monkeypatch, fresh_ladder, tmp_path):
    closed = tmp_path / "site-packages"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(bubblewrap, "fresh_user", lambda: 60_200)
    monkeypatch.setattr(bubblewrap, "find", lambda: "bwrap")
    monkeypatch.setattr(visible, "interpreter", lambda: [closed])
    assert f"chmod -R o+rX {closed}" in isolation.probe("bubblewrap").reason


@pytest.mark.parametrize("name", NUMBERS)
def test_every_call_of_the_lists_is_known(name):
    everywhere = set(NUMBERS["x86_64"]) | set(NUMBERS["aarch64"])
    assert set(ALLOWED) | set(OWNERS) <= everywhere
    assert {"clone", "clone3", "kill", "tgkill", "prctl", "prlimit64", "setpgid", "socketpair", "ioctl"} <= set(
        NUMBERS[name]
    )
    assert len(set(NUMBERS[name].values())) == len(NUMBERS[name])


def test_the_filter_jumps_only_forwards_and_ends(monkeypatch):
    for name in NUMBERS:
        monkeypatch.setattr(seccomp, "machine", lambda name=name: name)
        for steps in (seccomp.program(own_files=True), seccomp.asking()):
            assert len(steps) < 4096
            for place, (code, yes, no, _) in enumerate(steps):
                assert place + 1 + max(yes, no) < len(steps) or code == 0x06
            assert steps[-1][0] == 0x06
    monkeypatch.setattr(seccomp, "machine", lambda: "riscv64")
    with pytest.raises(OSError, match="riscv64"):
        seccomp.program(own_files=True)


# --- an ordinary user ---

ORDINARY = """
import os, sys
from autograder.calls import Breach
from autograder.sandbox.host.sandbox import Sandbox
from autograder.sandbox.host.isolation import available
assert os.getuid() == 64321
for rung in available():
    if rung.name == 'process' or not rung.ok:
        print(rung.name, rung.ok, rung.reason)
        continue
    with Sandbox(rung.name) as sandbox, sandbox.start() as run:
        result = run.execute('print(6 * 7)')
        with run.copy() as copy:
            try:
                copy.execute('import os; os._exit(3)')
            except Breach as breach:
                assert 'exit code 3' in breach.message, breach.message
            else:
                raise AssertionError('the copy lives on')
    print(rung.name, rung.private, result.outputs[0]['text'].strip())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user for the test")
@pytest.mark.skipif(shutil.which("unshare") is None, reason="this machine lacks unshare")
def test_an_ordinary_user_has_the_same_ladder(tmp_path):
    base = Path(sys.base_prefix).resolve()
    top = Path("/", base.parts[1])
    script = "set -e\n"
    if not top.stat().st_mode & 0o001:  # Python lies in a folder of root's: show that part of it alone
        script += (
            f"mkdir -p {tmp_path}/python; mount --bind {base} {tmp_path}/python\n"
            f"mount -t tmpfs -o mode=755 none {top}; mkdir -p {base}; mount --bind {tmp_path}/python {base}\n"
        )
    script += f'exec setpriv --reuid 64321 --regid 64321 --clear-groups {sys.executable} -c "$CODE"\n'
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "CODE": ORDINARY, "HOME": "/nonexistent"}
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    if "unshare failed" in done.stderr:
        pytest.skip(f"this machine refuses a mount namespace: {done.stderr}")
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        name, _, rest = line.split(" ", 2)
        assert rest == "42" or not HERE[name].ok or name == "process", line
