"""The forked process of one run: settles in, then runs the cells that the host sends."""

from __future__ import annotations

import os
import random
import signal
import socket
import sys
import tempfile
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, NoReturn

from autograder.sandbox.guest import copies, messenger
from autograder.sandbox.guest.capture import Capture
from autograder.sandbox.guest.forbid import Plan, install, plan
from autograder.sandbox.guest.refusals import explain, leave_uncompiled
from autograder.sandbox.kernel.jail import Jail
from autograder.sandbox.kernel.limits import Limits, apply
from autograder.sandbox.kernel.priority import give_way
from autograder.sandbox.kernel.processes import die_with_parent
from autograder.sandbox.wire import messages
from autograder.sandbox.wire.calls import failure, skipped
from autograder.sandbox.wire.frames import pack

__all__ = ["Job", "run"]

_KEPT = (
    "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "PYTHONPATH", "LD_LIBRARY_PATH", "COURSE_DATA", "MPLBACKEND",
    "CUDA_VISIBLE_DEVICES", "JOBLIB_MULTIPROCESSING", "MALLOC_ARENA_MAX", "OMP_NUM_THREADS", "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
)  # fmt: skip


@dataclass(frozen=True)
class Job:
    """One run: its sockets to the host and to the server, the folder that it may write to, its limits, its jail.

    `forbids` names what no code in it can use. Where something is forbidden, statements that fail do not keep the rest
    of their cell from running: given cells may use what the student's may not.
    """

    channel: socket.socket
    server: socket.socket
    folder: Path
    limits: Limits
    jail: Jail
    forbids: tuple[str, ...] = ()


def run(job: Job) -> NoReturn:
    """Becomes the run's process; never returns."""
    try:
        try:
            lost = plan(job.forbids) if job.forbids else None
            _settle(job, lost)
            run = _prepare(job, lost)
        except Exception:
            job.channel.sendall(pack(messages.Failed(traceback.format_exc()[-messages.LONGEST_REASON :])))
            os._exit(1)
        run.connection.send(messages.Ready())
        _serve(run)
    finally:
        os._exit(1)


def _settle(job: Job, lost: Plan | None) -> None:
    """Gives the process a group, signals, descriptors, a jail, folders, environment and seeds of its own."""
    os.setsid()
    die_with_parent()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    first, second = sorted((job.channel.fileno(), job.server.fileno()))
    for start, end in ((3, first), (first + 1, second), (second + 1, 4096)):
        os.closerange(start, end)
    give_way(job.jail.processor)
    hand_over = partial(copies.hand_over, job.server)
    job.jail.enter(job.folder, job.limits.scratch_bytes, hand_over, lost.hidden if lost is not None else ())
    for name in ("work", "home"):
        (job.folder / name).mkdir()
    os.chdir(job.folder / "work")
    home = str(job.folder / "home")
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    os.environ.clear()
    os.environ.update(
        kept, HOME=home, TMPDIR=home, IPYTHONDIR=f"{home}/.ipython", MPLCONFIGDIR=home, PAGER="cat", LOGNAME="student"
    )
    sys.argv = [""]
    sys.path.insert(0, "")
    tempfile.tempdir = home
    sys.dont_write_bytecode = True
    random.seed()
    for name, seed in (("numpy.random", "seed"), ("torch", "seed")):
        if name in sys.modules:
            getattr(sys.modules[name], seed)()


@dataclass(frozen=True)
class _Run:
    """What serves the host."""

    shell: Any
    capture: Capture
    connection: messenger.Connection
    server: socket.socket


def _prepare(job: Job, lost: Plan | None) -> _Run:
    """The shell and the connection; from here on the limits apply."""
    from autograder.sandbox.guest.shell import CellShell

    limits = job.limits
    capture = Capture(limits.output_bytes, limits.notebook_output_bytes, lambda: _give_up(connection, "output"))
    connection = messenger.Connection(job.channel, lambda: _unseen(capture))
    capture.take_descriptors()
    shell = CellShell(job.folder / "home" / ".ipython", capture, forgiving=bool(job.forbids))
    if not job.jail.programs:
        leave_uncompiled()
    if lost is not None:
        install(lost)
    messenger.attach(connection)
    os.register_at_fork(after_in_child=connection.disconnect)
    if not job.jail.programs:
        explain()
        shell.refuse_programs()
    apply(limits, threads=job.jail.counts_threads)
    return _Run(shell, capture, connection, job.server)


def _serve(run: _Run) -> NoReturn:
    while True:
        try:
            message, _ = run.connection.receive()
            if isinstance(message, messages.Fork):
                copies.fork(run.server, run.connection, run.capture)
            elif isinstance(message, messages.Execute | messages.Judge):
                _cell(run.shell, run.connection, message)
        except MemoryError:
            _give_up(run.connection, "memory")


def _cell(shell: Any, connection: messenger.Connection, asked: messages.Execute | messages.Judge) -> None:
    connection.executing = True
    if isinstance(asked, messages.Execute):
        done = shell.run(asked.source, asked.forgives)
    else:
        done = _judged(shell, connection, asked.name)
    connection.executing = False
    if done.error is not None and done.error.kind == "MemoryError":
        _give_up(connection, "memory")
    error = failure(done.error) if done.error is not None else None
    statements = tuple(map(skipped, done.skipped))
    connection.send(messages.Finished(done.outputs, done.execution_count, error, done.seconds, statements))


def _judged(shell: Any, connection: messenger.Connection, name: str) -> Any:
    """Serves the judge with what the notebook calls by that name, whatever has become of `check` in it."""
    return shell.use(name, lambda answer: connection.serve(name, answer))


def _give_up(connection: messenger.Connection, status: Literal["memory", "output"]) -> NoReturn:
    """Names the limit that was exceeded and ends the process."""
    try:
        connection.send(messages.Breach(status))
    finally:
        os._exit(1)


@contextmanager
def _unseen(capture: Capture) -> Any:
    """Hides what a judged call shows, including figures that it leaves open."""
    pyplot: Any = sys.modules.get("matplotlib.pyplot")
    before = set(pyplot.get_fignums()) if pyplot is not None else set()
    with capture.muted():
        yield
        if pyplot is not None:
            for number in set(pyplot.get_fignums()) - before:
                pyplot.close(number)
