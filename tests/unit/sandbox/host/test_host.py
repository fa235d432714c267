"""One warm server, one process for each run, and nothing that leaks in or stays behind."""

import ast
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from process_tree import descendants, parents
from rungs import opened

from autograder.calls import Breach
from autograder.sandbox.host.isolation import LADDER, available, choose
from autograder.sandbox.host.sandbox import Sandbox, SandboxError
from autograder.sandbox.kernel import scratch
from autograder.sandbox.kernel.jail import Jail

ROOT = Path(__file__).parents[4]


def value(run, source: str):
    """The value of a cell's last expression."""
    result = run.execute(source)
    assert result.error is None, result.error
    return ast.literal_eval(result.outputs[-1]["data"]["text/plain"])


def test_the_environment_is_a_short_list(monkeypatch):
    monkeypatch.setenv("GRADER_TOKEN", "secret")
    with Sandbox() as sandbox, sandbox.start() as run:
        seen = value(run, "import os; dict(os.environ)")
        process = value(run, "open('/proc/self/environ').read()")
        home, work = value(run, "os.environ['HOME'], os.getcwd()")
    assert "GRADER_TOKEN" not in seen
    assert "secret" not in process
    assert set(seen) <= {
        "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "PYTHONPATH", "LD_LIBRARY_PATH", "COURSE_DATA", "MPLBACKEND",
        "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "HOME", "TMPDIR",
        "IPYTHONDIR", "JOBLIB_MULTIPROCESSING", "LOGNAME", "MALLOC_ARENA_MAX", "MPLCONFIGDIR", "PAGER",
    }  # fmt: skip
    assert Path(home).parent == Path(work).parent != Path.home().parent
    assert not Path(home).exists()


LINKS = """
import os
[os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd') if os.path.islink(f'/proc/self/fd/{n}')]
"""


def test_no_descriptor_of_the_server_or_of_another_run_is_there(sandbox, run):
    with sandbox.start() as other:
        for each in (run, other):
            links = value(each, LINKS)
            assert sum(link.startswith("socket:") for link in links) == 2  # to the host and to the server
            rest = [link for link in links if not link.startswith(("socket:", "/dev/null"))]
            assert all(
                link.startswith("/proc/") or link.endswith(("/.stdout (deleted)", "/.stderr (deleted)"))
                for link in rest
            )


def test_runs_share_nothing(sandbox):
    with sandbox.start() as one:
        one.execute("x = 1; import numpy as np; np.secret = 2; open('note', 'w').write('3')")
        with sandbox.start() as two:
            source = "import os, numpy as np; 'x' in globals(), hasattr(np, 'secret'), os.listdir('.'), In[:-1]"
            assert value(two, source) == (False, False, [], [""])
            assert value(one, "os = __import__('os'); x, np.secret, os.listdir('.')") == (1, 2, ["note"])


def test_the_shell_that_runs_copy_is_each_run_s_own(sandbox):
    source = (
        "import os\nip = get_ipython()\n"
        "print(ip.ipython_dir, ip.profile_dir.location, ip.home_dir, ip.starting_dir, *_dh, sep='\\n')\n"
        "assert os.path.isdir(ip.profile_dir.location) and len(In) == 2 and not Out\n"
        "assert not hasattr(ip, 'left')\nip.left = 1\nip.db['left'] = 1\nos.path.expanduser('~'), os.getcwd()"
    )
    for _ in range(2):
        with sandbox.start() as run:
            result = run.execute(source)
            assert result.error is None
            printed, value = result.outputs
            home, work = ast.literal_eval(value["data"]["text/plain"])
            assert printed["text"].split("\n")[:-1] == [
                f"{home}/.ipython", f"{home}/.ipython/profile_default", home, work, work,
            ]  # fmt: skip


def test_every_run_draws_its_own_numbers(sandbox):
    draws = set()
    for _ in range(3):
        with sandbox.start() as run:
            draws.add(value(run, "import random, numpy as np; random.random(), float(np.random.rand())"))
    assert len({draw[0] for draw in draws}) == len({draw[1] for draw in draws}) == 3


def test_a_run_is_its_own_main_module_with_its_own_folder_on_the_path(run):
    assert value(run, "import sys, os; __name__, sys.path[0], sys.argv") == ("__main__", "", [""])
    assert value(run, "import __main__; x = 5; __main__.x") == 5


def test_no_answer_is_loaded(run):
    loaded = value(run, "import sys; [name for name in sys.modules if name.startswith(('autograder.', 'course_lib'))]")
    assert "autograder.check" in loaded
    assert not [name for name in loaded if name.startswith(("autograder.judge", "autograder.exercises", "course_lib"))]


def test_preloaded_modules_are_there():
    with Sandbox(preload=("course_lib.viz",)) as sandbox, sandbox.start() as run:
        assert value(run, "import sys; 'course_lib.viz' in sys.modules") is True


def test_a_library_takes_the_place_of_the_repository(tmp_path):
    shutil.copytree(ROOT / "autograder", tmp_path / "autograder", ignore=shutil.ignore_patterns("judge", "__pycache__"))
    (tmp_path / "course_lib").mkdir()
    (tmp_path / "course_lib" / "__init__.py").write_text("sealed = True\n")
    with Sandbox(library=tmp_path, preload=("course_lib",)) as sandbox, sandbox.start() as run:
        assert value(run, "import course_lib; course_lib.sealed")
        assert value(run, "import autograder; autograder.__file__").startswith(str(tmp_path))


def test_a_module_that_cannot_be_preloaded_is_named():
    with Sandbox(preload=("no_such_module",)) as sandbox, pytest.raises(SandboxError, match="no_such_module"):
        sandbox.start()


def test_a_closed_run_and_a_closed_sandbox_say_so():
    with Sandbox() as sandbox:
        run = sandbox.start()
    run.close()
    with pytest.raises(Breach, match="closed"):
        run.execute("1")
    with pytest.raises(SandboxError, match="closed"):
        sandbox.start()


def test_isolation_is_chosen_by_name():
    assert [rung.name for rung in available()] == list(LADDER)
    assert choose("process") == "process"
    with pytest.raises(ValueError, match="choose one of"):
        Sandbox(isolation="wishful")


def test_a_warm_server_starts_a_run_without_delay(sandbox):
    sandbox.start().close()
    started = time.perf_counter()
    with sandbox.start() as run:
        run.execute("1 + 1")
        seconds = time.perf_counter() - started
    assert seconds < 10  # it takes 30 ms


HOST = """
import sys
from autograder.sandbox.host.sandbox import Sandbox
with Sandbox(sys.argv[1]) as sandbox, sandbox.start() as run:
    run.execute("1 + 1")
    print('running', flush=True)
    run.execute("open('file', 'w').write('x'); " + sys.argv[2])
"""
BUSY = "exec('while True: pass')"
DEAF = "import signal; [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)]; exec('while True: pass')"


@pytest.mark.parametrize("rung", LADDER)
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("source", [BUSY, DEAF], ids=["busy", "deaf"])
def test_however_the_host_ends_nothing_is_left(rung, end, source, tmp_path):
    opened(rung)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", HOST, rung, source], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as host:
        assert host.stdout.readline() == b"running\n"
        started = descendants(host.pid)
        assert len(started) >= 2
        host.send_signal(end)
        host.wait(60)
    deadline = time.monotonic() + 60
    while (started & set(parents()) or list(tmp_path.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert started & set(parents()) == set()
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_in_the_temporary_folder(process_sandbox):
    with process_sandbox.start() as run:
        folder = Path(value(run, "import os; os.getcwd()"))
        assert folder.is_relative_to(Path(scratch.PLACE).resolve())
        assert folder.stat().st_uid == os.getuid()
        assert folder.parents[1].stat().st_mode & 0o077 == 0
    assert not folder.parent.exists()


def test_a_server_whose_host_died_while_it_warmed_up_leaves_nothing(tmp_path):
    root = tmp_path / "autograder-root"
    root.mkdir()
    ours, theirs = socket.socketpair()
    ours.close()
    with theirs:
        words = ["-P", "-m", "autograder.sandbox.guest.server", str(theirs.fileno()), str(root), Jail().to_json()]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[4])}
        done = subprocess.run(
            [sys.executable, *words],
            pass_fds=[theirs.fileno()],
            env=environment,
            capture_output=True,
            timeout=120,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")
    assert not root.exists()
