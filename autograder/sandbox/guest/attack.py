"""What attackers try against the jail, at length, from inside a run; `autograder doctor --attack` prints the outcome.

The self-test before every grading is quick and asks the kernel. This goes where students went: through every folder,
through links and /proc, to sockets, and to the packages and the submissions of others.
"""

from __future__ import annotations

import ctypes
import importlib
import multiprocessing
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autograder.sandbox.guest.selftest import attempts, happens

__all__ = ["Targets", "attack"]

_ANSWERS = (
    "autograder/exercises/",
    "autograder/judge/",
    "autograder/pipeline/",
    "autograder/sandbox/host/",
    "solutions/",
)
_CLASS = ("gradebook.db", "classroom/secret", "classroom/submitted", "classroom/verdicts")
_NOT_FILES = ("/proc", "/sys", "/dev")
_FORKS = 20
_FIRST = "cat\0"
"""The command line of the first process of a run's own namespace."""


@dataclass(frozen=True)
class Targets:
    """What the host knows and a run should not reach.

    Attributes:
        files: files that no run may read.
        folders: folders that no run may write to.
        packages: modules that runs are not meant to import.
        marker: a value in the environment of the host, and in files of another run.
        port: an internet port of this machine that answers.
        names: addresses of local sockets that answer; an abstract one begins with a null character.
        neighbour: the folder of another run.
        pids: processes of the grader, and another run.
        roots: folders to search for answers.
    """

    files: tuple[str, ...]
    folders: tuple[str, ...]
    packages: tuple[str, ...]
    marker: str
    port: int
    names: tuple[str, ...]
    neighbour: str
    pids: tuple[int, ...]
    roots: tuple[str, ...]


def attack(targets: Targets) -> Iterator[tuple[str, bool]]:
    """Everything tried, in words that follow "it could", and whether it worked."""
    yield from attempts(targets.files, targets.folders)
    yield from _detours(targets.files)
    yield from _search(targets.roots)
    yield from _elsewhere(targets)
    yield from _others_in_proc(targets)
    yield from _connections(targets)
    yield from _processes()


def _detours(files: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Other ways to a file than its name."""
    first = next(iter(files))
    steps = "../" * len(Path.cwd().parts)
    ways: dict[str, Callable[[], object]] = {
        "a symbolic link": lambda: _through_a_link(first),
        "a hard link": lambda: os.link(first, "hard"),
        "a relative path": lambda: Path(steps + first.lstrip("/")).read_bytes(),
        "/proc/self/root": lambda: Path("/proc/self/root" + first).read_bytes(),
        "/proc/self/cwd": lambda: Path(f"/proc/self/cwd/{steps}{first.lstrip('/')}").read_bytes(),
        "a renamed copy": lambda: Path(first).rename("renamed"),
        "an open descriptor of its folder": lambda: _through_a_descriptor(first),
    }
    for way, attempt in ways.items():
        yield f"reach a file through {way}", happens(attempt)


def _through_a_link(path: str) -> None:
    Path("link").unlink(missing_ok=True)
    Path("link").symlink_to(path)
    Path("link").read_bytes()


def _through_a_descriptor(path: str) -> None:
    folder = os.open(Path(path).parent, os.O_PATH)
    try:
        os.close(os.open(Path(path).name, os.O_RDONLY, dir_fd=folder))
    finally:
        os.close(folder)


def _search(roots: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Looks through everything that can be listed for answers and for the class."""
    own = Path(sys.modules["autograder"].__file__ or "").parents[1]
    seen = {str(own), *_NOT_FILES}
    found: dict[str, list[str]] = {"the answers": [], "another copy of the library": [], "the class": []}
    for place, folders, names in (step for root in roots for step in os.walk(root)):
        above = place.rstrip("/")
        if place in seen:
            folders.clear()
            continue
        seen.add(place)
        for path in (f"{above}/{name}" for name in names):
            kind = _kind(path)
            if kind and happens(lambda path=path: Path(path).open("rb").close()):  # type: ignore[misc]
                found[kind].append(path)
    for kind, paths in found.items():
        yield f"find {kind} in any folder" + (f": {paths[0]} and {len(paths) - 1} more" if paths else ""), bool(paths)


def _kind(path: str) -> str:
    """What a file would give away, by its path; empty for most."""
    if any(part in path for part in _CLASS):
        return "the class"
    if not path.endswith((".py", ".pyc", ".whl")):
        return ""
    if any(f"/{part}" in path for part in _ANSWERS) or (path.endswith(".whl") and "self_grading_course" in path):
        return "the answers"
    return "another copy of the library" if "/course_lib/" in path else ""


def _elsewhere(targets: Targets) -> Iterator[tuple[str, bool]]:
    """The environment, the folder of another run, packages that are not for notebooks, the judge's own modules."""
    values = "\n".join(f"{name}={value}" for name, value in os.environ.items())
    yield "see the grader's environment", targets.marker in values or targets.marker in _text("/proc/self/environ")
    yield "read another submission's file", happens(lambda: Path(targets.neighbour, "note").read_bytes())
    with suppress(OSError):
        Path(targets.neighbour, "mine").touch()  # the host looks whether it is there
    for name in ("autograder.judge", "autograder.exercises", "autograder.pipeline"):
        yield f"import {name}", _imports(name)
    imported = [name for name in targets.packages if _imports(name)]
    says = f"import any of {len(targets.packages)} packages that are not for notebooks"
    yield says + (f": {imported[0]}" if imported else ""), bool(imported)


def _imports(name: str) -> bool:
    try:
        importlib.import_module(name)
    except Exception:
        return False
    return True


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace")
    except OSError:
        return ""


def _others_in_proc(targets: Targets) -> Iterator[tuple[str, bool]]:
    """What /proc says of other processes; the first process of the run's own namespace is none of them."""
    listed: list[str] = []
    with suppress(OSError):
        listed = [name for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208
    pids = {*map(int, listed), *targets.pids} - {os.getpid()}
    others = [pid for pid in sorted(pids) if _text(f"/proc/{pid}/cmdline") != _FIRST]
    for what in ("environ", "cmdline", "maps", "mem", "cwd", "root", "fd"):
        seen = [pid for pid in others if _gives(f"/proc/{pid}/{what}")]
        yield f"see another process's {what} in /proc", bool(seen)
    yield (
        "find the grader's environment in /proc",
        any(targets.marker in _text(f"/proc/{pid}/environ") for pid in others),
    )


def _gives(path: str) -> bool:
    """Whether a place in /proc says anything to this process."""
    with suppress(OSError):
        if path.endswith(("cwd", "root")):
            return bool(os.listdir(path))  # noqa: PTH208
        if path.endswith("fd"):
            return any(os.readlink(f"{path}/{name}") for name in os.listdir(path))  # noqa: PTH208, PTH115
        with Path(path).open("rb", 0) as file:
            return path.endswith("mem") or bool(file.read(1))
    return False


def _connections(targets: Targets) -> Iterator[tuple[str, bool]]:
    """Servers that answer on this machine, and sockets of one's own."""
    yield "connect to a port of this machine", happens(lambda: _connect(socket.AF_INET, ("127.0.0.1", targets.port)))
    for name in targets.names:
        kind = "an abstract" if name.startswith("\0") else "a local"
        yield f"connect to {kind} socket", happens(lambda name=name: _connect(socket.AF_UNIX, name))  # type: ignore[misc]
    yield "listen on a port", happens(lambda: _listen())
    yield "look up a name", happens(lambda: socket.getaddrinfo("localhost", 80))


def _connect(family: int, address: str | tuple[str, int]) -> None:
    with socket.socket(family) as line:
        line.settimeout(2.0)
        line.connect(address)


def _listen() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()


def _processes() -> Iterator[tuple[str, bool]]:
    """Ways to start a process, a bounded fork bomb, and signals."""
    ways: dict[str, Callable[[], object]] = {
        "os.system": lambda: _worked(os.system("true") == 0),
        "subprocess": lambda: subprocess.run([sys.executable, "-c", ""], check=True),
        "posix_spawn": lambda: os.waitpid(os.posix_spawn(sys.executable, ["python", "-c", ""], {}), 0),
        "multiprocessing": lambda: multiprocessing.get_context("fork").Process(target=str).start(),
    }
    for way, attempt in ways.items():
        yield f"start a program with {way}", happens(attempt)
    forked = sum(happens(_fork_once) for _ in range(_FORKS))
    yield f"start {_FORKS} processes at once" + (f": {forked} started" if forked else ""), forked > 0
    yield "signal its parent", os.getppid() > 0 and happens(lambda: os.kill(os.getppid(), 0))


def _worked(done: bool) -> None:
    if not done:
        raise OSError("it did not work")


def _fork_once() -> None:
    pid = ctypes.CDLL(None, use_errno=True).fork()
    if pid == 0:
        os._exit(0)
    _worked(pid > 0)
    os.waitpid(pid, 0)
