"""What a grading process keeps warm: one sandbox, for the current assignment, and the notebook reader."""

from __future__ import annotations

import atexit
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Timer

import nbformat
from nbformat import NotebookNode

from autograder.pipeline.course import CourseError
from autograder.pipeline.grading.preload import preload
from autograder.pipeline.grading.seal import seal
from autograder.pipeline.intake import reader_process
from autograder.sandbox.host.isolation import choose
from autograder.sandbox.host.sandbox import Sandbox
from autograder.sandbox.kernel.scratch import temporary

__all__ = ["Setup", "check_device", "close", "open_sandbox", "warm_sandbox"]

_IDLE_SECONDS = 60.0


@dataclass(frozen=True)
class Setup:
    """How notebooks are run: an isolation level (or `auto`, the strongest available), a device, what none may see.

    Without `programs` no code starts any or reaches a network, whatever the isolation.
    """

    isolation: str = "auto"
    device: str = "cpu"
    hidden: tuple[Path, ...] = ()
    programs: bool = True


def check_device(device: str) -> None:
    """Refuses a device that this machine lacks.

    Raises:
        CourseError: the device is not available.
    """
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise CourseError("--device cuda: torch finds no CUDA device here; omit the option to grade on the CPU")


@contextmanager
def open_sandbox(assignment: str, master: NotebookNode, setup: Setup) -> Iterator[Sandbox]:
    """A sandbox in which this assignment's notebooks run, with a library that contains none of its answers.

    Raises:
        ValueError: this machine lacks the isolation.
    """
    with _opened(assignment, master, setup) as (sandbox, files), _temporary_files_in(files):
        yield sandbox


@contextmanager
def _opened(assignment: str, master: NotebookNode, setup: Setup) -> Iterator[tuple[Sandbox, Path]]:
    """The sandbox, and a folder for what this process leaves among the temporary files while it works."""
    isolation = choose(setup.isolation)
    with temporary("autograder-") as place:
        library, files = place / "library", place / "files"
        files.mkdir()
        with _temporary_files_in(files):
            modules = preload(assignment, master)
            seal(assignment, library, master)
        with Sandbox(
            isolation, preload=modules, library=library, hidden=setup.hidden, programs=setup.programs
        ) as sandbox:
            yield sandbox, files


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    """What libraries of this process leave among the temporary files goes to a folder that is removed in the end.

    PyG, for one, writes a module for each kind of layer, and leaves it there.
    """
    before = tempfile.tempdir
    tempfile.tempdir = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before


class _Warm:
    """The one sandbox of this process; it ends after a while without work, and with the process."""

    def __init__(self) -> None:
        self.lock = Lock()
        self._made_for: tuple[str, str, Setup] | None = None
        self._sandbox: Sandbox | None = None
        self._files = Path()
        self._opened = ExitStack()
        self._timer: Timer | None = None

    def sandbox(self, assignment: str, master: str, setup: Setup) -> tuple[Sandbox, Path]:
        if self._timer is not None:
            self._timer.cancel()
        if self._sandbox is None or self._made_for != (assignment, master, setup):
            self.end()
            opened = _opened(assignment, nbformat.reads(master, as_version=4), setup)
            self._sandbox, self._files = self._opened.enter_context(opened)
            self._made_for = (assignment, master, setup)
            self._sandbox.prove()
        return self._sandbox, self._files

    def start_idle_timer(self) -> None:
        self._timer = Timer(_IDLE_SECONDS, close)
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._sandbox = None
        self._opened.close()
        reader_process.close()


_warm = _Warm()


@contextmanager
def warm_sandbox(assignment: str, master: str, setup: Setup) -> Iterator[Sandbox]:
    """This process's sandbox for an assignment, for as long as the block lasts; other threads wait.

    Args:
        assignment: the assignment's name.
        master: its release, as text.
        setup: how notebooks are run.

    Raises:
        ValueError: this machine lacks the isolation, or (JailBroken) it does not hold.
        SandboxError: the warm server does not start.
    """
    with _warm.lock:
        try:
            sandbox, files = _warm.sandbox(assignment, master, setup)
            with _temporary_files_in(files):
                yield sandbox
        finally:
            _warm.start_idle_timer()


def close() -> None:
    """Ends the warm server of this process, if there is one."""
    with _warm.lock:
        _warm.end()


atexit.register(close)
