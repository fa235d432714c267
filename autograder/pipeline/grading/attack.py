"""`autograder doctor --attack`: everything that is tried against the jail, on every isolation level of this machine.

What a run tries from inside is in `sandbox/guest/attack.py`. What ends a run, such as a loop without end, has a run of
its own here, and so has what would stay behind it.
"""

from __future__ import annotations

import os
import secrets
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from autograder.calls import Breach, Status
from autograder.pipeline.course import Course
from autograder.pipeline.grading.doctor import sandbox_of
from autograder.sandbox.host.isolation import TRUSTWORTHY, available
from autograder.sandbox.host.packages import OWN
from autograder.sandbox.host.proof import targets
from autograder.sandbox.host.run import CellResult, JailBroken
from autograder.sandbox.host.sandbox import Run, Sandbox
from autograder.sandbox.host.visible import REPOSITORY, View

__all__ = ["Line", "Tried", "attack_jails", "attacked"]

_VARIABLE = "AUTOGRADER_UNSEEN"
_FOUND = msgspec.json.Decoder(list[tuple[str, bool]])
_SECONDS = 60.0
_NOTE = "import os\nopen('note', 'w').write({marker!r})\nprint(os.getcwd(), os.getpid())"
_TRY = """
import json, warnings
warnings.simplefilter("ignore")
from autograder.sandbox.guest.attack import Targets, attack
found = [*attack(Targets(**json.loads({targets!r})))]
print(json.dumps(found))
"""
_PLACES = "{{'/tmp', '/dev/shm', '/var/tmp', tempfile.gettempdir(), os.getcwd()}}"
_LEAVE = f"""
import os, tempfile
for place in {_PLACES}:
    try:
        open(os.path.join(place, {{marker!r}}), "w").close()
    except OSError:
        pass
"""
_LEFT = f"""
import json, os, tempfile
print(json.dumps([place for place in {_PLACES} if os.path.exists(os.path.join(place, {{marker!r}}))]))
"""
_STAY = """
import os, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, [{marker!r}, "-c", "import time; time.sleep(60)"])
    os._exit(0)
"""
_LIMITS: dict[str, tuple[str, tuple[Status, ...]]] = {
    "run without end": ("while True: pass", (Status.TIMEOUT,)),
    "run without end and ignore being asked to stop": (
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        (Status.TIMEOUT,),
    ),
    "use 16 GB of memory": ("kept = bytearray(16 << 30)", (Status.MEMORY,)),
    "fill memory with lists": ("kept = []\nwhile True: kept.append([0] * 1_000_000)", (Status.MEMORY,)),
    "print without end": ("while True: print('x' * 10_000)", (Status.OUTPUT,)),
    "write a file of 4 GB": (
        "with open('huge', 'wb') as file:\n    for _ in range(4096): file.write(bytes(1 << 20))",
        (Status.OUTPUT, Status.CRASHED),
    ),
    "start 5,000 threads": (
        "import threading, time\nthreading.stack_size(65536)\nfor _ in range(5000):\n"
        "    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n    time.sleep(0.001)",
        (Status.MEMORY,),
    ),
    "disturb the grader's connection": (
        "import os\nfor number in range(3, 64):\n    try:\n        os.write(number, b'x' * 4096)\n"
        "    except OSError:\n        pass",
        (Status.BLOCKED, Status.CRASHED, Status.EXITED),
    ),
}
"""What a run does, in words that follow "it could"; the code; how it must end, unless the code fails with an error."""


@dataclass(frozen=True)
class Tried:
    """One attempt on one isolation level.

    Attributes:
        isolation: the level.
        what: in words that follow "it could".
        worked: whether it could.
        promised: whether this level promises that it cannot.
    """

    isolation: str
    what: str
    worked: bool
    promised: bool

    @property
    def state(self) -> str:
        """What became of it, in one word."""
        return ("BROKE" if self.promised else "open") if self.worked else "held"


@dataclass(frozen=True)
class Line:
    """A line of the report: as `doctor.Finding`."""

    line: str
    ok: bool = True
    needed: bool = True


def attacked(course: Course) -> Iterator[Line]:
    """The report: each attempt and what became of it, and the sum of each isolation level."""
    for name, tried in groupby(attack_jails(course), lambda each: each.isolation):
        yield Line(
            f"isolation {name}" + ("" if name in TRUSTWORTHY else ", which does not hold against malicious code")
        )
        sums = dict.fromkeys(("held", "open", "BROKE"), 0)
        for each in tried:
            sums[each.state] += 1
            yield Line(f"{each.state:7}  {each.what}", each.state != "BROKE")
        yield Line(f"{name}: {sums['held']} held, {sums['open']} open as said, {sums['BROKE']} broke\n")


def attack_jails(course: Course) -> Iterator[Tried]:
    """Attacks every isolation level that this machine has, the weakest first."""
    for rung in available():
        if rung.ok:
            with _watched() as known, sandbox_of(course, rung.name) as sandbox:
                yield from _attack(course, sandbox, known)


def _attack(course: Course, sandbox: Sandbox, known: dict[str, Any]) -> Iterator[Tried]:
    name = sandbox.isolation
    if name in TRUSTWORTHY:
        try:
            for what, worked in _inside(course, sandbox, known):
                yield Tried(name, what, worked, True)
        except (JailBroken, Breach) as error:  # the quick test before the first run, or the attack itself
            yield Tried(name, f"stop the attack: {error}", True, True)
            return
        yield Tried(name, "leave files for the next submission", _leaves_files(sandbox), True)
    else:
        yield Tried(name, "read and write files, use the network, start programs (not tried)", True, False)
    for what, (source, ends) in _LIMITS.items():
        yield Tried(name, what, not _held(sandbox, source, ends), True)
    yield Tried(name, "leave a process behind", _leaves_a_process(sandbox), True)


@contextmanager
def _watched() -> Iterator[dict[str, Any]]:
    """A value in this process's environment and sockets that answer, all of which no run may reach."""
    marker = secrets.token_hex(16)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="autograder-"))
        names = (f"\0autograder-{marker}", str(Path(folder) / "socket"))
        for name in names:
            local = stack.enter_context(socket.socket(socket.AF_UNIX))
            local.bind(name)
            local.listen()
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        os.environ[_VARIABLE] = marker
        stack.callback(os.environ.pop, _VARIABLE, None)
        yield {"marker": marker, "port": server.getsockname()[1], "names": names}


def _inside(course: Course, sandbox: Sandbox, known: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """What one run tries while another one is there."""
    view = sandbox.view
    with sandbox.start() as neighbour, sandbox.start() as run, targets(view, sandbox.library) as (files, folders):
        said = _text(neighbour.execute(_NOTE.format(marker=known["marker"]))).split()
        places = [course.secret, Path(course.classroom, "gradebook.db"), *_one_each(course.submitted, course.verdicts)]
        everything = known | {
            "files": [*dict.fromkeys([*files, *(str(path) for path in places if path.is_file())])],
            "folders": folders,
            "packages": _hidden_modules(view),
            "neighbour": said[0],
            "pids": [1, os.getpid(), os.getppid(), int(said[1])],
            "roots": [*map(str, _searched(course, view))],
        }
        result = run.execute(_TRY.format(targets=msgspec.json.encode(everything).decode()), seconds=_SECONDS)
        yield from _FOUND.decode(_text(result))
        with suppress(Breach):  # where each run has its own process numbers, it kills itself
            run.execute(f"import os\nos.kill({said[1]}, 9)")
        there = neighbour.execute("import os\nprint(os.path.exists('mine'))")
        yield "write into another submission's folder", _text(there).strip() != "False"
        yield "kill another submission's process", not _alive(neighbour)


def _searched(course: Course, view: View) -> list[Path]:
    """Where a run looks for answers: everywhere, and by name where it may not list what is above."""
    return [Path("/"), *view.roots, REPOSITORY, course.root, Path.home()]


def _hidden_modules(view: View) -> list[str]:
    """What runs are not meant to import, though it is installed."""
    shown = {name.partition(".")[0] for names in view.packages.values() for name in names}
    entries = (path for folder in view.packages for path in folder.iterdir())
    modules = {path.stem for path in entries if path.suffix == ".py" or (path / "__init__.py").exists()}
    return sorted(name for name in modules - shown if name.isidentifier() and name not in OWN)


def _one_each(*folders: Path) -> list[Path]:
    """One file of each folder that has any."""
    return [path for folder in folders if (path := next((p for p in folder.rglob("*") if p.is_file()), None))]


def _alive(run: Run) -> bool:
    try:
        return run.execute("1").error is None
    except Breach:
        return False


def _held(sandbox: Sandbox, source: str, ends: tuple[Status, ...]) -> bool:
    """Whether a run that does this ends as it must, or is refused it."""
    with sandbox.start() as run:
        try:
            return run.execute(source, seconds=3.0).error is not None
        except Breach as breach:
            return breach.status in (*ends, Status.TIMEOUT)


def _leaves_files(sandbox: Sandbox) -> bool:
    marker = secrets.token_hex(8)
    with sandbox.start() as run:
        run.execute(_LEAVE.format(marker=marker))
    with sandbox.start() as run:
        return _text(run.execute(_LEFT.format(marker=marker))).strip() != "[]"


def _leaves_a_process(sandbox: Sandbox) -> bool:
    marker = secrets.token_hex(8)
    with sandbox.start() as run:
        run.execute(_STAY.format(marker=marker))
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if path.read_bytes().startswith(marker.encode()):
                return True
    return False


def _text(result: CellResult) -> str:
    """What a cell printed.

    Raises:
        Breach: it failed before it could.
    """
    if result.error is not None or not result.outputs:
        said = f"the attack itself failed: {result.error or 'it printed nothing'}"
        raise Breach(Status.ERROR, said)
    return str(result.outputs[-1].get("text", ""))
