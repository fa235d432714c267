"""A run and the copies that it leaves at its checks, as the warm server sees them."""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from autograder.sandbox.kernel.jail import PidNamespace
from autograder.sandbox.kernel.limits import Limits
from autograder.sandbox.kernel.permits import Permits
from autograder.sandbox.kernel.processes import as_user, exit_status, inner_id, kill_orphans, memory, shared_memory
from autograder.sandbox.kernel.scratch import remove, size

__all__ = ["Copy", "Family"]

_CREDENTIALS = struct.Struct("3i")
_PASS_CREDENTIALS = getattr(socket, "SO_PASSCRED", None)


@dataclass(frozen=True)
class Copy:
    """A copy that has just come to be; `watch` is readable once it is dead."""

    pid: int
    lifeline: socket.socket
    watch: int


@dataclass
class Family:
    """One run, its copies, and what they share: namespaces, a folder, and the one fork that may be allowed.

    Attributes:
        line: the server's end of the socket between it and the run.
        space: the process ids' own namespace, if there is one.
        folder: where the files are, if other runs' files are there as well.
        limits: what they may use up.
        user: whom the processes belong to, if not to this process's own user.
        members: process ids, with what each is called in its own namespace.
        permits: holds the forks and signals that wait for an answer.
        asked: the lifeline of the copy that the host has asked for.
        strays: how many forks that were let through have not become such copies.
        frozen: copies that are stopped until they are judged; nobody in the family may signal them.
    """

    line: socket.socket
    space: PidNamespace | None
    folder: Path | None
    limits: Limits
    user: int | None = None
    members: dict[int, int] = field(default_factory=dict)
    permits: Permits | None = None
    asked: socket.socket | None = None
    strays: int = 0
    frozen: set[int] = field(default_factory=set)
    _may_fork: bool = False

    def __post_init__(self) -> None:
        if _PASS_CREDENTIALS is not None:
            self.line.setsockopt(socket.SOL_SOCKET, _PASS_CREDENTIALS, 1)
        self.line.setblocking(False)
        self._baseline = memory(os.getpid())

    def join(self, pid: int) -> None:
        """Takes a process in."""
        with suppress(OSError):
            self.members[pid] = inner_id(pid)

    def sources(self) -> dict[int, Callable[[], None]]:
        """What to wait for, besides what is said about copies, and what to do then."""
        return {self.permits.fileno(): self._decide} if self.permits is not None else {}

    def _decide(self) -> None:
        assert self.permits is not None
        poll = select.poll()
        poll.register(self.permits, select.POLLIN)
        if any(events & select.POLLIN for _, events in poll.poll(0)):
            self.permits.answer(self._fork, self._may_be_signalled)
        else:  # nobody is left who could ask
            self.permits.close()
            self.permits = None

    def _fork(self) -> bool:
        allowed, self._may_fork = self._may_fork, False
        self.strays += allowed
        return allowed

    def _may_be_signalled(self, target: int) -> bool:
        return any(inner == target and pid not in self.frozen for pid, inner in self.members.items())

    def freeze(self, pid: int) -> None:
        """Stops a copy, whatever threads it may have started."""
        self.frozen = self.frozen | {pid}
        with suppress(OSError):
            os.kill(pid, signal.SIGSTOP)

    def thaw(self, pid: int) -> None:
        """Lets a copy go on."""
        self.frozen = self.frozen - {pid}
        with suppress(OSError):
            os.kill(pid, signal.SIGCONT)

    # --- copies ---

    def ask(self, channel: socket.socket, lifeline: socket.socket) -> None:
        """Hands the copy's channel to the run and lets one fork through."""
        self.give_up_copy()
        self.asked, self._may_fork = lifeline, True
        with suppress(OSError):
            socket.send_fds(self.line, [b"c"], [channel.fileno()])

    def give_up_copy(self) -> None:
        """Waits for no copy any more, and lets no fork through."""
        self._may_fork = False
        if self.asked is not None:
            self.asked.close()
            self.asked = None

    def hear(self) -> Copy | None:
        """Takes one message from the run or a copy of it; returns a new copy. Whoever says anything else is cut off."""
        space = socket.CMSG_SPACE(_CREDENTIALS.size) + socket.CMSG_SPACE(struct.calcsize("i"))
        try:
            data, extras, _, _ = self.line.recvmsg(1, space)
        except BlockingIOError:
            return None
        except OSError:
            data, extras = b"", []
        pid, found = 0, None
        for level, kind, content in extras:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                self._take(struct.unpack_from("i", content)[0])
            elif (level, kind) == (socket.SOL_SOCKET, getattr(socket, "SCM_CREDENTIALS", None)):
                pid = _CREDENTIALS.unpack_from(content)[0]
        if data == b"c":
            found = self._copied(pid)
        if found is None and data != b"l":
            self.line.close()
        return found

    def _take(self, listener: int) -> None:
        if self.permits is None:
            self.permits = Permits(listener)
        else:
            os.close(listener)

    def _copied(self, pid: int) -> Copy | None:
        """The copy behind a process id, if one was asked for and this is not a process that is known already."""
        if self.asked is None or pid <= 0 or pid in self.members:
            return None
        try:
            watch = os.pidfd_open(pid)
            self.members[pid] = inner_id(pid)
        except OSError:
            return None
        lifeline, self.asked = self.asked, None
        self.strays -= 1
        self._may_fork = False
        return Copy(pid, lifeline, watch)

    def status(self, pid: int) -> int | None:
        """How a dead copy ended."""
        with as_user(self.user):
            return exit_status(pid)

    def kept(self, copies: set[int]) -> int:
        """Bytes of memory that copies hold; exact only where it looks like too much, because that takes longer."""
        rough = sum(max(0, memory(pid) - self._baseline) for pid in copies)
        if rough <= self.limits.memory_bytes:
            return rough
        with as_user(self.user):
            return sum(map(shared_memory, copies))

    # --- the end ---

    def files(self) -> int:
        """Bytes of the files, where this process can see them."""
        return size(self.folder, self.limits.scratch_bytes) if self.folder is not None else 0

    def clear(self, known: set[int]) -> None:
        """Ends what is left once every member is dead; `known` processes are of other families."""
        if self.space is not None:
            self.space.end()
        else:
            kill_orphans(known)
        if self.folder is not None:
            remove(self.folder)
        self.give_up_copy()
        self.line.close()
        if self.permits is not None:
            self.permits.close()

    def clear_strays(self, known: set[int]) -> None:
        """Ends processes that a dead member left behind while others live on."""
        kill_orphans(known, parent=self.space.first if self.space is not None else None)
        self.strays = 0
