"""The trusted end of the sandbox: one warm server, and one forked process for each run."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from autograder.sandbox.isolation import choose
from autograder.sandbox.limits import Limits
from autograder.sandbox.pipes import Channel, Gone, Lifeline
from autograder.sandbox.run import CellResult, Run, SandboxError, remove

__all__ = ["CellResult", "Run", "Sandbox", "SandboxError"]

_PASSED_ON = (
    "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "COURSE_DATA", "CUDA_VISIBLE_DEVICES",
)  # fmt: skip
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_INLINE = "module://matplotlib_inline.backend_inline"
_WARM_SECONDS = 180.0
_FORK_SECONDS = 30.0
_STOP_SECONDS = 10.0


class Sandbox:
    """Runs untrusted notebooks; a context manager around one warm server.

    Args:
        isolation: a rung of `isolation.LADDER`.
        limits: what each run may use up.
        preload: modules that every run finds loaded.
        library: a folder with `course_lib` and the visible part of `autograder`, which runs import in place of this
            repository's own; None for those.

    Raises:
        ValueError: there is no such rung, or this machine lacks it.
    """

    def __init__(
        self,
        isolation: str = "process",
        limits: Limits | None = None,
        preload: tuple[str, ...] = (),
        library: Path | None = None,
    ) -> None:
        self.isolation = choose(isolation)
        self._limits = limits or Limits()
        self._preload = preload
        self._library = (library or Path(__file__).parents[2]).resolve()
        self._lock = Lock()
        self._server: _Server | None = None
        self._runs: list[Run] = []

    def __enter__(self) -> Self:
        self._server = _Server(self._preload, self._library)
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
        """Forks one process, in a scratch folder of its own.

        Args:
            forbids: dotted names of functions, classes and modules that no code in it can use, from its start on.

        Raises:
            SandboxError: the server does not start; the message is what it said.
        """
        with self._lock:
            if self._server is None:
                raise SandboxError("the sandbox is closed: use it in a with statement")
            try:
                run = self._server.fork(self._limits, forbids)
            except Gone:  # a student's code may have killed it
                self._server.close()
                self._server = _Server(self._preload, self._library)
                run = self._server.fork(self._limits, forbids)
            self._runs = [*(known for known in self._runs if not known.closed), run]
        return run


class _Server:
    """The server's process, its control socket and the folder that holds the runs' folders."""

    def __init__(self, preload: tuple[str, ...], library: Path) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="autograder-")).resolve()
        self._control, theirs = socket.socketpair()
        self._ready = False
        command = [sys.executable, "-P", "-m", "autograder.sandbox.server", str(theirs.fileno()), str(self._root)]
        with theirs, (self._root / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*command, *preload],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._root,
                env=_environment(library),
                start_new_session=True,
            )

    def fork(self, limits: Limits, forbids: tuple[str, ...]) -> Run:
        """One run, ready for cells.

        Raises:
            Gone: the server is not there any more.
            SandboxError: the server or the run does not start.
        """
        self._wait_until_ready()
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=self._root))
        for name in ("work", "home"):
            (folder / name).mkdir()
        channel, their_channel = socket.socketpair()
        line, their_line = socket.socketpair()
        try:
            lifeline = Lifeline(line)
            with their_channel, their_line:
                asked: dict[str, object] = {"folder": str(folder), "limits": asdict(limits), "forbids": forbids}
                self._request(asked, their_channel, their_line)
            pid = lifeline.hear("pid", _FORK_SECONDS)
            if pid is None:
                raise SandboxError("the warm server does not answer")
            run = Run(pid, Channel(channel, lifeline), lifeline, folder, limits)
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

    def _request(self, request: dict[str, object], *descriptors: socket.socket) -> None:
        try:
            socket.send_fds(self._control, [json.dumps(request).encode()], [each.fileno() for each in descriptors])
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
            said = (self._root / "server.log").read_text("utf-8", "replace").strip()[-2000:]
            raise SandboxError(f"the warm server did not start: {said or 'it said nothing'}")

    def close(self) -> None:
        """Ends the server, which ends its runs."""
        self._control.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        remove(self._root)


def _environment(library: Path) -> dict[str, str]:
    """A short list of the host's variables, one thread for each library, and where the course's packages lie."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    threads = dict.fromkeys(_THREADS, "1")
    return kept | threads | {"PYTHONPATH": str(library), "MPLBACKEND": _INLINE}
