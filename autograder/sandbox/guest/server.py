"""The warm server: loads the libraries once, then forks one process for every run. Knows no answers.

Started by the host as `python -m autograder.sandbox.guest.server DESCRIPTOR ROOT JAIL MODULE...`. The control socket
brings one request for each run, with two descriptors: the run's channel, which the child keeps, and its lifeline, which
stays here. On the lifeline the host reads the process id and in the end the exit status. A "c" from the host asks for
the processor time of the run, an "s" for that, its threads and the bytes of its files, all read here, where no student
can reach; any other byte, or the lifeline's end, kills the run.

A run has a socket to this server as well. On the host's request for a copy the run gets the copy's channel there, and
one fork is let through; the copy then says so, and the kernel puts its process id on what it says. An "m" on a copy's
lifeline asks for the memory of all copies and stops this one until a "g". Copies share the run's namespaces and folder
and outlive it. All other forks, and signals to anyone else, are refused, see `seccomp`.
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
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from autograder.sandbox.guest import child, copies, forbid
from autograder.sandbox.guest.family import Family
from autograder.sandbox.guest.importing import show_only
from autograder.sandbox.kernel.control import (
    REQUEST,
    Copy,
    Exited,
    FromServer,
    Kept,
    Processor,
    Start,
    Started,
    Usage,
)
from autograder.sandbox.kernel.jail import Jail, PidNamespace
from autograder.sandbox.kernel.priority import waited_nanoseconds
from autograder.sandbox.kernel.processes import (
    adopt_orphans,
    cpu_nanoseconds,
    kill_group,
    kill_orphans,
    kill_rest,
    threads,
)
from autograder.sandbox.kernel.scratch import remove

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
    family: Family
    watch: int | None = None
    """Of a copy, which is no child of this process: readable once it is dead."""


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
            poll, sources = select.poll(), self.sources()
            for number in (self.control.fileno(), *sources):
                poll.register(number, select.POLLIN)
            ready = {number for number, _ in poll.poll()}
            for number in ready & set(sources):
                if number in self.sources():  # what came before may have ended it
                    sources[number]()
            if self.control.fileno() in ready:
                data, descriptors, _, _ = socket.recv_fds(self.control, REQUEST_BYTES, 2)
                if not data:
                    return None
                job = self.serve(REQUEST.decode(data), descriptors)
                if job is not None:
                    return job

    def sources(self) -> dict[int, Callable[[], None]]:
        """What to wait for besides the host's requests, and what to do then."""
        found: dict[int, Callable[[], None]] = {self.woken.fileno(): self.wake}
        for family in self.families():
            found |= family.sources()
            if family.line.fileno() >= 0:
                found[family.line.fileno()] = partial(self.hear, family)
            if family.asked is not None:
                found[family.asked.fileno()] = partial(self.decide, family)
        for pid, run in self.runs.items():
            found[run.lifeline.fileno()] = partial(self.answer, pid)
            if run.watch is not None:
                found[run.watch] = partial(self.end_copy, pid)
        return found

    def families(self) -> list[Family]:
        """Each family once."""
        return list({id(run.family): run.family for run in self.runs.values()}.values())

    def serve(self, asked: Start | Copy, descriptors: list[int]) -> child.Job | None:
        """Does what the host asks for; returns the job in a new process only."""
        for number in descriptors:
            os.set_inheritable(number, False)
        channel, lifeline = (socket.socket(fileno=number) for number in descriptors)
        if isinstance(asked, Start):
            return self.fork(asked, channel, lifeline)
        run = self.runs.get(asked.pid)
        if run is not None:
            run.family.ask(channel, lifeline)
        else:
            lifeline.close()
        channel.close()
        return None

    def fork(self, asked: Start, channel: socket.socket, lifeline: socket.socket) -> child.Job | None:
        """Starts a run; returns its job in the new process only."""
        space = PidNamespace() if self.jail.private else None
        folder, limits = self.folder(asked.folder), asked.limits
        line, server = socket.socketpair()
        shared = None if self.jail.private else folder
        family = Family(line, space, shared, limits, self.jail.user)
        with space.entered() if space is not None else nullcontext():
            pid = os.fork()
        if pid:
            channel.close()
            server.close()
            family.join(pid)
            self.runs[pid] = _Run(lifeline, family)
            _tell(lifeline, Started(pid))
            return None
        for other in (self.control, self.woken, self.waker, lifeline, line, *self.sockets()):
            other.close()
        return child.Job(channel, server, folder, limits, self.jail, asked.forbids)

    def sockets(self) -> list[socket.socket]:
        """The sockets of all runs."""
        families = self.families()
        asked = [family.asked for family in families if family.asked is not None]
        return [*(run.lifeline for run in self.runs.values()), *(family.line for family in families), *asked]

    def folder(self, named: str | None) -> Path:
        """Where a run may write: what the host made, what the run itself will mount, or a fresh folder here."""
        if named is not None:
            return Path(named)
        return self.root if self.jail.private else Path(tempfile.mkdtemp(prefix="run-", dir=self.root))

    def answer(self, pid: int) -> None:
        """Does what the host says on a run's lifeline."""
        run = self.runs[pid]
        try:
            word = run.lifeline.recv(1, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            word = b""
        if word == b"c":
            _tell(run.lifeline, Processor(cpu_nanoseconds(pid)))
        elif word == b"s":
            _tell(run.lifeline, Usage(cpu_nanoseconds(pid), threads(pid), run.family.files(), waited_nanoseconds(pid)))
        elif word == b"m":
            copies = {
                each for each, other in self.runs.items() if other.family is run.family and other.watch is not None
            }
            _tell(run.lifeline, Kept(run.family.kept(copies)))
            run.family.freeze(pid)
        elif word == b"g":
            run.family.thaw(pid)
        else:
            kill_group(pid)

    # --- copies ---

    def hear(self, family: Family) -> None:
        """Takes in a copy that says that it is there."""
        copy = family.hear()
        if copy is not None:
            self.runs[copy.pid] = _Run(copy.lifeline, family, copy.watch)
            _tell(copy.lifeline, Started(copy.pid))

    def decide(self, family: Family) -> None:
        """The host asks after a copy, or no longer wants it: one that is not there by now is given up."""
        while family.asked is not None and family.line.fileno() >= 0 and select.select([family.line], [], [], 0)[0]:
            self.hear(family)
        family.give_up_copy()

    # --- the end of a run ---

    def wake(self) -> None:
        """Collects children that died."""
        with suppress(BlockingIOError):
            self.woken.recv(4096)
        for pid in [pid for pid, run in self.runs.items() if run.watch is None]:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                self.end(pid, status)
        with suppress(ChildProcessError):
            while not self.runs and os.waitpid(-1, os.WNOHANG)[0]:
                pass

    def end_copy(self, pid: int) -> None:
        """A copy has died."""
        run = self.runs[pid]
        status = run.family.status(pid)
        assert run.watch is not None
        os.close(run.watch)
        self.end(pid, signal.SIGKILL if status is None else status)

    def end(self, pid: int, status: int) -> None:
        """Kills what a dead run left and tells the host."""
        run = self.runs.pop(pid)
        family = run.family
        family.members.pop(pid, None)
        family.frozen -= {pid}
        kill_rest(pid)
        if run.watch is None:
            self.decide(family)
            for copy in family.frozen:  # the kernel lets stopped processes go on when their parent ends
                family.freeze(copy)
        if not any(other.family is family for other in self.runs.values()):
            family.clear(set(self.runs))
        elif family.strays > 0 or self.jail.rung == "process":
            family.clear_strays(set(self.runs))
        _tell(run.lifeline, Exited(os.waitstatus_to_exitcode(status)))
        run.lifeline.close()

    def close(self) -> None:
        """Kills every run."""
        families = self.families()
        for pid, run in self.runs.items():
            kill_group(pid)
            run.lifeline.close()
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)
        for family in families:
            if family.space is not None:
                family.space.end()
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
    for name in [name for name in sys.modules if name.startswith("__editable__")]:
        del sys.modules[name]


def _warm_up(modules: list[str]) -> None:
    for name in (*_WARM, *modules):
        importlib.import_module(name)
    if "torch" in sys.modules:
        _warm_torch(sys.modules["torch"])
    forbid.warm()
    copies.know_executors()
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
    show_only(jail.packages)
    jail = jail.opened() if jail.rung == "landlock" else jail
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
