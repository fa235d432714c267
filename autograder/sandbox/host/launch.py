"""How the warm server is started on each rung: its command line, its environment, its folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import msgspec

from autograder.sandbox.host import bubblewrap, visible
from autograder.sandbox.host.isolation import Rung
from autograder.sandbox.kernel.jail import SCRATCH, Jail
from autograder.sandbox.kernel.scratch import temporary

__all__ = ["Launch", "prepare"]

_PASSED_ON = (
    "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "COURSE_DATA", "CUDA_VISIBLE_DEVICES",
)  # fmt: skip
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_INLINE = "module://matplotlib_inline.backend_inline"
_ONE_PROCESS = {"JOBLIB_MULTIPROCESSING": "0"}
"""Tells libraries that would try to start more processes, and complain, not to."""
_OWN_PROC = (
    "/proc/self", "/proc/cpuinfo", "/proc/filesystems", "/proc/meminfo", "/proc/stat", "/proc/sys/vm",
    "/sys/devices/system/cpu",
)  # fmt: skip


@dataclass(frozen=True)
class Launch:
    """A server that is about to start.

    Attributes:
        before: what precedes the server's own command line.
        jail: how its runs are confined.
        environment: its variables.
        root: its folder on this machine; None if it sees only a scratch folder that disappears with it.
    """

    before: tuple[str, ...]
    jail: Jail
    environment: dict[str, str]
    root: Path | None

    def on(self, processor: int | None) -> Self:
        """The same with runs that keep to one processor."""
        return replace(self, jail=msgspec.structs.replace(self.jail, processor=processor))

    def without_programs(self) -> Self:
        """The same with runs in which Python itself starts no programs and reaches no network."""
        return replace(self, jail=msgspec.structs.replace(self.jail, programs=False))

    def command(self, control: int, preload: Iterable[str]) -> list[str]:
        """The whole command line; `control` is the descriptor of the control socket."""
        root = str(self.root) if self.root is not None else SCRATCH
        server = [sys.executable, "-P", "-m", "autograder.sandbox.guest.server"]
        return [*self.before, *server, str(control), root, self.jail.to_json(), *preload]


def prepare(rung: Rung, library: Path | None, view: visible.View, scratch_bytes: int, stack: ExitStack) -> Launch:
    """What a rung needs; `library` replaces the repository's visible parts, `stack` removes the folder."""
    if rung.name == "bubblewrap":
        return _bubblewrap(rung, library, view, scratch_bytes)
    root = stack.enter_context(temporary("autograder-"))
    packages = {str(folder): names for folder, names in view.packages.items()}
    temporary_files = {"TMPDIR": str(root)}
    if rung.name == "process":
        environment = _environment(library or visible.REPOSITORY) | temporary_files
        return Launch((), Jail(packages=packages, programs=True), environment, root)
    if library is None:
        library = root / "course"
        visible.copy_parts(library)
    readable = (*map(str, (*view.roots, library)), *_OWN_PROC)
    jail = Jail("landlock", readable, packages=packages, hidden=tuple(map(str, view.hidden)))
    return Launch((), jail, _environment(library) | _ONE_PROCESS | temporary_files, root)


def _bubblewrap(rung: Rung, library: Path | None, view: visible.View, scratch_bytes: int) -> Launch:
    user = bubblewrap.fresh_user()
    if library is not None and user is not None:
        _let_read(library)
    program = bubblewrap.find() or "bwrap"
    before = bubblewrap.command(program, [], library=library, view=view, scratch_bytes=scratch_bytes)
    environment = _environment(Path(bubblewrap.COURSE)) | _ONE_PROCESS | {"HOME": SCRATCH}
    return Launch(tuple(before), Jail("bubblewrap", (), user, rung.private), environment, None)


def _let_read(library: Path) -> None:
    """Lets the user that runs switch to read the library, which contains nothing secret."""
    for path in (library, *library.rglob("*")):
        mode = path.stat().st_mode
        wanted = mode | (0o055 if path.is_dir() else 0o044)
        if wanted != mode:
            path.chmod(wanted)


def _environment(library: Path) -> dict[str, str]:
    """A short list of the host's variables, one thread for each library, and the path of the course's packages.

    Nothing is written to that path, so that a server killed while it starts does not prevent its library's removal.
    """
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    fixed = {"PYTHONPATH": str(library), "MPLBACKEND": _INLINE, "MALLOC_ARENA_MAX": "4", "PYTHONDONTWRITEBYTECODE": "1"}
    return kept | dict.fromkeys(_THREADS, "1") | fixed
