"""The host's ends of one run: the channel to the student's process, the lifeline to the server, and the clock."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

import msgspec

from autograder.sandbox.kernel.control import FROM_SERVER, Exited, FromServer, Kept, Processor, Usage
from autograder.sandbox.wire import messages
from autograder.sandbox.wire.frames import Frame, Reader, pack

__all__ = ["Channel", "Clock", "Facts", "Gone", "Late", "Lifeline", "Server"]

_CHUNK = 1 << 20
_ANSWER_SECONDS = 5.0
_LOOK_SECONDS = 0.25
_MOST_WAITING = 10
"""No run takes more than this many times its limit by the clock on the wall, however busy the machine is."""

Told = TypeVar("Told", bound=FromServer)


class Late(Exception):
    """The clock ran out."""


class Gone(Exception):
    """The other end closed, or the process behind it ended."""


@dataclass(frozen=True)
class Facts:
    """What the server sees of a run from outside; -1 if unknown.

    `cpu` are processor seconds, `waited` those in which the first thread was ready but others had the processor.
    """

    cpu: float
    threads: int
    files: int
    waited: float = 0.0


class Clock:
    """Counts down while the student's process works and stops while the judge does.

    Time in which the process was ready but others had the processor does not count: a busy machine costs no marks.
    """

    def __init__(self, seconds: float, over: str = "", before: Facts | None = None, used: float = 0.0) -> None:
        """Starts the clock, `used` of whose seconds are gone; `over` is the message when no time is left.

        What the process had used and waited before is that of `before`, the last look, or nothing.
        """
        self.seconds = seconds
        self.over = over
        self.before = before or Facts(0.0, 0, 0)
        self._excused = 0.0
        self._used = used
        self._since: float | None = time.monotonic()

    @property
    def used(self) -> float:
        """Seconds that count so far."""
        return max(self._passed() - self._excused, 0.0)

    def _passed(self) -> float:
        return self._used + (time.monotonic() - self._since if self._since is not None else 0.0)

    def excuse(self, facts: Facts) -> None:
        """Leaves out the time that the process waited for a processor, but not for one that its own threads had."""
        passed, before = self._passed(), self.before
        waited = min(facts.waited - before.waited, passed - (facts.cpu - before.cpu))
        self._excused = max(self._excused, min(waited, (_MOST_WAITING - 1) * self.seconds))

    @property
    def left(self) -> float:
        """Seconds left; zero or negative once time is up."""
        return self.seconds - self.used

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Inside, time does not count."""
        self._used, self._since = self._passed(), None
        try:
            yield
        finally:
            self._since = time.monotonic()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Inside, time counts again."""
        self._since = time.monotonic()
        try:
            yield
        finally:
            self._used, self._since = self._passed(), None


class Lifeline:
    """The server's messages about one run; closing it kills the run."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._data = b""
        self._told: dict[type, FromServer] = {}

    def fileno(self) -> int:
        """For poll."""
        return self._line.fileno()

    def hear(self, kind: type[Told], seconds: float) -> Told | None:
        """The message of that type that the server sends; None if it sends none in time.

        Raises:
            Gone: the server itself is gone, or what it sends is not a message.
        """
        deadline = time.monotonic() + seconds
        while kind not in self._told:
            self._line.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                data = self._line.recv(4096)
            except TimeoutError:
                return None
            except OSError:
                raise Gone from None
            if not data:
                raise Gone
            self._take(data)
        return cast(Told, self._told.pop(kind))

    def listen(self) -> None:
        """Reads messages that arrived unasked.

        Raises:
            Gone: the run has ended, or the server.
        """
        self._line.settimeout(0.001)
        try:
            data = self._line.recv(4096)
        except TimeoutError:
            return
        except OSError:
            data = b""
        self._take(data)
        if not data or Exited in self._told:
            raise Gone

    def _take(self, data: bytes) -> None:
        *lines, self._data = (self._data + data).split(b"\n")
        for line in lines:
            try:
                told = FROM_SERVER.decode(line)
            except (msgspec.MsgspecError, ValueError, RecursionError):  # whoever says this is not the server
                raise Gone from None
            self._told[type(told)] = told

    def cpu(self) -> float | None:
        """Processor seconds of the run so far; None if the system does not report them.

        Raises:
            Gone: the server or the run is gone.
        """
        self._say(b"c")
        if Exited in self._told:
            raise Gone
        spent = self.hear(Processor, _ANSWER_SECONDS)
        return spent.nanoseconds / 1e9 if spent is not None and spent.nanoseconds >= 0 else None

    def look(self) -> Facts | None:
        """What the server sees of the run now; None if it does not answer in time.

        Raises:
            Gone: the server or the run is gone.
        """
        self._say(b"s")
        if Exited in self._told:
            raise Gone
        usage = self.hear(Usage, _ANSWER_SECONDS)
        if usage is None:
            return None
        return Facts(usage.nanoseconds / 1e9, usage.threads, usage.files, usage.waited / 1e9)

    def kept(self) -> int:
        """Bytes of memory that the copies of this copy's notebook hold; 0 if the server does not answer in time.

        From then on the copy is stopped, until `thaw`.

        Raises:
            Gone: there is no such run.
        """
        self._say(b"m")
        kept = self.hear(Kept, _ANSWER_SECONDS)
        return kept.memory if kept is not None else 0

    def thaw(self) -> None:
        """Lets a copy go on."""
        self._say(b"g")

    def kill(self) -> None:
        """Asks the server to kill the run."""
        self._say(b"k")

    def _say(self, word: bytes) -> None:
        with suppress(OSError):
            self._line.settimeout(1.0)
            self._line.send(word)

    def close(self) -> None:
        """Closes the socket."""
        self._line.close()


class Server(Protocol):
    """The warm server, as far as a run needs it."""

    def request_copy(self, pid: int, channel: socket.socket, lifeline: socket.socket) -> None:
        """Lets a run fork once and passes on the copy's ends of two sockets; raises `Gone` without a server."""

    def force(self, pid: int) -> None:
        """Ends a run that does not end when it is asked to."""


class Channel:
    """Messages to and from the student's process, none of which may take longer than the clock allows."""

    def __init__(self, channel: socket.socket, lifeline: Lifeline) -> None:
        self._channel = channel
        self._lifeline = lifeline
        self._reader = Reader(messages.FROM_GUEST)

    def send(self, message: messages.FromHost, clock: Clock, buffers: list[bytes] | None = None) -> None:
        """Sends a message.

        Raises:
            Late: the clock ran out.
            Gone: the other end is closed.
        """
        self._channel.settimeout(max(clock.left, 0.001))
        try:
            self._channel.sendall(pack(message, buffers))
        except TimeoutError:
            raise Late from None
        except OSError:
            raise Gone from None

    def receive(self, clock: Clock, look: Callable[[], None] | None = None, most: int = 0) -> Frame[messages.FromGuest]:
        """The next message; `look` is called now and then while nothing arrives; 0 for `most` sets no limit here.

        Raises:
            Late: the clock ran out.
            Gone: the process ended or closed its end.
            TooLarge: it has more than `most` bytes.
            WireError: what arrived is not a message of a run.
        """
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        poll.register(self._lifeline, select.POLLIN)
        while (frame := self._reader.next(most)) is None:
            if clock.left <= 0 and look is not None:
                look()  # it may have waited
            if clock.left <= 0:
                raise Late
            patience = min(clock.left, _LOOK_SECONDS) if look is not None else clock.left
            ready: Any = {number for number, _ in poll.poll(max(1, patience * 1000))}
            if self._channel.fileno() in ready:
                self._reader.feed(self._some())
            elif ready:
                self._lifeline.listen()
            elif look is not None:
                look()
        return frame

    def _some(self) -> bytes:
        try:
            data = self._channel.recv(_CHUNK)
        except OSError:
            raise Gone from None
        if not data:
            raise Gone
        return data

    def close(self) -> None:
        """Closes the socket."""
        self._channel.close()
