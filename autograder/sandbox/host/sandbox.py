"""The trusted end of the sandbox: one warm server, and one forked process for each run."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

import msgspec

from autograder.sandbox.host import visible
from autograder.sandbox.host.isolation import TRUSTWORTHY, find_rung
from autograder.sandbox.host.launch import Launch, prepare
from autograder.sandbox.host.pipes import Channel, Gone, Lifeline
from autograder.sandbox.host.processors import claim
from autograder.sandbox.host.proof import prove
from autograder.sandbox.host.run import CellResult, JailBroken, Run, SandboxError
from autograder.sandbox.kernel.control import Copy, Start, Started
from autograder.sandbox.kernel.limits import Limits
from autograder.sandbox.kernel.processes import kill_group, kill_tree

__all__ = ["CellResult", "JailBroken", "Run", "Sandbox", "SandboxError"]

_WARM_SECONDS = 180.0
_FORK_SECONDS = 30.0
_STOP_SECONDS = 10.0


class Sandbox:
    """Runs untrusted notebooks; a context manager around one warm server.

    If the rung is one that must hold, the first run of every server tries to break out; students' code runs only after
    that has failed.

    Args:
        isolation: a rung of `isolation.LADDER`.
        limits: what each run may use.
        preload: modules that are already loaded in every run.
        library: a folder with `course_lib` and the visible part of `autograder`, which runs import in place of this
            repository's own; None to use those.
        hidden: files and folders that no run may read, wherever they are.
        programs: False where no code may start programs or reach a network, though the rung would let it.

    Raises:
        ValueError: there is no such rung, or this machine lacks it.
    """

    def __init__(
        self,
        isolation: str = "process",
        limits: Limits | None = None,
        preload: tuple[str, ...] = (),
        library: Path | None = None,
        hidden: tuple[Path, ...] = (),
        programs: bool = True,
    ) -> None:
        self._rung = find_rung(isolation)
        self.isolation = self._rung.name
        self._limits = limits or Limits()
        self._preload = preload
        self.library = library.resolve() if library is not None else None
        self._hidden = hidden
        self._programs = programs
        self._lock = Lock()
        self._server: _Server | None = None
        self._is_proven = False
        self._runs: list[Run] = []

    def __enter__(self) -> Self:
        self._server = self._serve()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for run in self._runs:
            run.close()
        if self._server is not None:
            self._server.close()
            self._server = None

    def start(self, forbids: tuple[str, ...] = ()) -> Run:
        """Forks one process, in its own scratch folder.

        Args:
            forbids: dotted names of functions, classes and modules that no code in it can use, from the start.

        Raises:
            SandboxError: the server does not start, or the jail does not hold; the message says why.
        """
        with self._lock:
            server = self._proven()
            try:
                run = server.fork(self._limits, forbids)
            except Gone:  # a student's code may have killed it
                server.close()
                self._server, self._is_proven = self._serve(), False
                run = self._proven().fork(self._limits, forbids)
            self._runs = [*(known for known in self._runs if not known.closed), run]
        return run

    @property
    def makes_copies(self) -> bool:
        """Whether runs can leave copies of themselves: they need to be watched as only Linux can."""
        return hasattr(os, "pidfd_open") and hasattr(socket, "SO_PASSCRED")

    def prove(self) -> None:
        """Starts the server and tests whether the jail holds, if that is not known yet.

        Raises:
            JailBroken: the jail does not hold.
            SandboxError: the server does not start.
        """
        with self._lock:
            self._proven()

    def _proven(self) -> _Server:
        if self._server is None:
            raise SandboxError("the sandbox is closed: use it in a with statement")
        if not self._is_proven and self.isolation in TRUSTWORTHY:
            with self._server.fork(Limits(), ()) as run:
                prove(run, self.isolation, self.view, self.library)
        self._is_proven = True
        return self._server

    def _serve(self) -> _Server:
        with ExitStack() as stack:
            self.view = visible.look(self._preload, self._hidden)
            launch = prepare(self._rung, self.library, self.view, self._limits.scratch_bytes, stack)
            launch = launch.on(claim(stack))
            launch = launch if self._programs else launch.without_programs()
            return _Server(launch, self._preload, stack)


class _Server:
    """The server's process, its control socket, and its folder if it has one on this machine.

    What `stack` holds is released with the server.
    """

    def __init__(self, launch: Launch, preload: tuple[str, ...], stack: ExitStack) -> None:
        self._root = launch.root
        self._control, theirs = socket.socketpair()
        self._ready = False
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        with theirs:
            self._process = subprocess.Popen(
                launch.command(theirs.fileno(), preload),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                cwd=self._root or "/",
                env=launch.environment,
                start_new_session=True,
            )
        self._opened = stack.pop_all()

    def fork(self, limits: Limits, forbids: tuple[str, ...]) -> Run:
        """One run, ready for cells.

        Raises:
            Gone: the server no longer exists.
            SandboxError: the server or the run does not start.
        """
        self._wait_until_ready()
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=self._root)) if self._root is not None else None
        channel, their_channel = socket.socketpair()
        line, their_line = socket.socketpair()
        try:
            lifeline = Lifeline(line)
            with their_channel, their_line:
                asked = Start(str(folder) if folder is not None else None, limits, forbids)
                self._request(asked, their_channel, their_line)
            started = lifeline.hear(Started, _FORK_SECONDS)
            if started is None:
                raise SandboxError("the warm server does not answer")
            run = Run(started.pid, Channel(channel, lifeline), lifeline, folder, limits, self)
        except BaseException:
            channel.close()
            line.close()
            raise
        try:
            run.settle()
        except BaseException:
            run.close()
            raise
        return run

    def request_copy(self, pid: int, channel: socket.socket, lifeline: socket.socket) -> None:
        """Lets a run fork once; the sockets are the copy's ends.

        Raises:
            Gone: the server no longer exists.
        """
        self._request(Copy(pid), channel, lifeline)

    def force(self, pid: int) -> None:
        """Ends a run that does not end when it is asked to, and everything else where its process id means nothing."""
        if self._root is not None:
            kill_group(pid)
        else:
            self.kill()

    def _request(self, asked: Start | Copy, *descriptors: socket.socket) -> None:
        try:
            socket.send_fds(self._control, [msgspec.json.encode(asked)], [each.fileno() for each in descriptors])
        except OSError:
            raise Gone from None

    def _wait_until_ready(self) -> None:
        if self._process.poll() is not None and self._ready:
            raise Gone
        if self._ready:
            return
        self._control.settimeout(_WARM_SECONDS)
        try:
            self._ready = self._control.recv(16) == b"ready"
        except OSError:
            self._ready = False
        if not self._ready:
            self._log.seek(0)
            said = self._log.read().decode("utf-8", "replace").strip()[-2000:]
            raise SandboxError(f"the warm server did not start: {said or 'it printed nothing'}")

    def kill(self) -> None:
        """Kills the server and everything it started."""
        kill_tree(self._process.pid)

    def close(self) -> None:
        """Ends the server, which ends its runs."""
        self._control.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()
        self._log.close()
        self._opened.close()
