"""The warm server: loads the libraries once, then forks one process for every run. Knows no answers.

Started by the host as `python -m autograder.sandbox.guest.server DESCRIPTOR ROOT JAIL MODULE...`. The control socket
brings one request for each run, with two descriptors: the run's channel, which the child keeps, and its lifeline, which
stays here. On the lifeline the host reads the process id and in the end the exit status. A "c" from the host asks for
the processor time of the run, an "s" for that, its threads and the bytes of its files, all read here, where no student
can reach; any other byte, or the lifeline's end, kills the run.
When the control socket ends, so does everything else.

Inside bubblewrap ROOT is a scratch folder that only this server sees; a run then has process numbers and a scratch
folder of its own where the host allows it, else a folder in ROOT.
"""

from __future__ import annotations

import gc
import importlib
import os
import select
import signal
import socket
import sys
import tempfile
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from autograder.sandbox.guest import child, forbid
from autograder.sandbox.kernel.control import START, Exited, FromServer, Processor, Start, Started, Usage
from autograder.sandbox.kernel.jail import Jail, PidNamespace
from autograder.sandbox.kernel.processes import (
    adopt_orphans,
    cpu_nanoseconds,
    kill_group,
    kill_orphans,
    kill_rest,
    threads,
)
from autograder.sandbox.kernel.scratch import remove, size

__all__ = ["REQUEST_BYTES", "main"]

REQUEST_BYTES = 1 << 16
_WARM = (
    "numpy", "IPython", "matplotlib.pyplot", "matplotlib_inline.backend_inline", "autograder.sandbox.guest.shell",
    "IPython.core.completer", "IPython.core.completerlib", "IPython.core.crashhandler", "IPython.core.magics.ast_mod",
    "IPython.core.magics.execution", "resource",
)  # fmt: skip


@dataclass(frozen=True)
class _Run:
    lifeline: socket.socket
    space: PidNamespace | None
    folder: Path | None
    """Where its files are, if other runs' files are there as well."""
    most_bytes: int


@dataclass
class _Server:
    control: socket.socket
    root: Path
    jail: Jail
    runs: dict[int, _Run] = field(default_factory=dict)
    """By process id."""

    def __post_init__(self) -> None:
        self.woken, self.waker = socket.socketpair()
        self.waker.setblocking(False)
        self.woken.setblocking(False)
        signal.set_wakeup_fd(self.waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def loop(self) -> child.Job | None:
        """Serves until the host is gone (None); in a forked child, that child's job."""
        while True:
            poll = select.poll()
            lifelines = {run.lifeline.fileno(): pid for pid, run in self.runs.items()}
            for number in (self.control.fileno(), self.woken.fileno(), *lifelines):
                poll.register(number, select.POLLIN)
            ready = {number for number, _ in poll.poll()}
            if self.woken.fileno() in ready:
                with suppress(BlockingIOError):
                    self.woken.recv(4096)
                self.reap()
            for number in ready & set(lifelines):
                if lifelines[number] in self.runs:
                    self.answer(lifelines[number])
            if self.control.fileno() in ready:
                data, descriptors, _, _ = socket.recv_fds(self.control, REQUEST_BYTES, 2)
                if not data:
                    return None
                job = self.fork(START.decode(data), descriptors)
                if job is not None:
                    return job

    def fork(self, asked: Start, descriptors: list[int]) -> child.Job | None:
        """Starts a run; returns its job in the new process only."""
        for number in descriptors:
            os.set_inheritable(number, False)
        channel, lifeline = (socket.socket(fileno=number) for number in descriptors)
        space = PidNamespace() if self.jail.private else None
        folder, limits = self.folder(asked.folder), asked.limits
        with space.entered() if space is not None else nullcontext():
            pid = os.fork()
        if pid:
            channel.close()
            self.runs[pid] = _Run(lifeline, space, None if self.jail.private else folder, limits.scratch_bytes)
            _tell(lifeline, Started(pid))
            return None
        for other in (self.control, self.woken, self.waker, lifeline, *(run.lifeline for run in self.runs.values())):
            other.close()
        return child.Job(channel, folder, limits, self.jail, asked.forbids)

    def folder(self, named: str | None) -> Path:
        """Where a run may write: what the host made, what the run itself will mount, or a fresh folder here."""
        if named is not None:
            return Path(named)
        return self.root if self.jail.private else Path(tempfile.mkdtemp(prefix="run-", dir=self.root))

    def answer(self, pid: int) -> None:
        """Does what the host says on a run's lifeline."""
        try:
            word = self.runs[pid].lifeline.recv(1, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            word = b""
        if word == b"c":
            _tell(self.runs[pid].lifeline, Processor(cpu_nanoseconds(pid)))
        elif word == b"s":
            run = self.runs[pid]
            files = size(run.folder, run.most_bytes) if run.folder is not None else 0
            _tell(run.lifeline, Usage(cpu_nanoseconds(pid), threads(pid), files))
        else:
            kill_group(pid)

    def reap(self) -> None:
        """Collects the dead, kills what they left and tells the host."""
        for pid in list(self.runs):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                run = self.runs.pop(pid)
                self.clear(pid, run)
                _tell(run.lifeline, Exited(os.waitstatus_to_exitcode(status)))
                run.lifeline.close()
        with suppress(ChildProcessError):
            while not self.runs and os.waitpid(-1, os.WNOHANG)[0]:
                pass

    def clear(self, pid: int, run: _Run) -> None:
        """Ends what a dead run left behind."""
        if run.space is not None:
            run.space.end()
        else:
            kill_rest(pid)
            kill_orphans(set(self.runs))
        if run.folder is not None:
            remove(run.folder)

    def close(self) -> None:
        """Kills every run."""
        for pid, run in self.runs.items():
            kill_group(pid)
            run.lifeline.close()
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)
            if run.space is not None:
                run.space.end()
        kill_orphans(set())


def _tell(lifeline: socket.socket, message: FromServer) -> None:
    with suppress(OSError):
        lifeline.sendall(msgspec.json.encode(message) + b"\n")


def _warm_torch(torch: Any) -> None:
    """What torch loads or makes when it is first used: without this every run that trains would wait for it again.

    Nothing is differentiated here: where there is a GPU that would start threads, and forks do not copy those.
    """
    importlib.import_module("torch._dynamo")  # which every optimizer imports
    torch.set_num_threads(1)
    torch.nn.LSTM(2, 2)(torch.ones(1, 1, 2))
    torch.nn.functional.conv2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2))


def _only_the_library() -> None:
    """Takes away the finders of editable installs: they lead past the sealed library to the judge's own checkout."""
    sys.meta_path[:] = [one for one in sys.meta_path if not getattr(one, "__module__", "").startswith("__editable__")]


def _warm_up(modules: list[str]) -> None:
    for name in (*_WARM, *modules):
        importlib.import_module(name)
    if "torch" in sys.modules:
        _warm_torch(sys.modules["torch"])
    forbid.warm()
    sys.modules["autograder.sandbox.guest.shell"].prepare()
    gc.collect()
    gc.freeze()


def main(arguments: list[str]) -> None:
    """Serves the host at the other end of a descriptor."""
    control = socket.socket(fileno=int(arguments[0]))
    os.set_inheritable(control.fileno(), False)
    root, jail = Path(arguments[1]), Jail.from_json(arguments[2])
    adopt_orphans()
    _only_the_library()
    _warm_up(arguments[3:])
    server = _Server(control, root, jail)
    with suppress(OSError):  # the host may be gone by now: then the loop ends at once
        control.sendall(b"ready")
    job = server.loop()
    if job is not None:
        del server, control
        child.run(job)
    server.close()
    remove(root)


if __name__ == "__main__":
    main(sys.argv[1:])
