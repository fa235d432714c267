"""The student's side of judging: calls the student's function on what a judge sends, reports what came back.

In JupyterLab the judge sits in the same process and `loopback` replaces the wire; everything still passes through its
encoding, so that a local check and a graded run see the same values.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from autograder.calls import Call, Outcome, Raised
from autograder.sandbox.guest.edited import SECONDS, edited
from autograder.sandbox.guest.forbid import forbidding, loaded, take_called
from autograder.sandbox.guest.perform import perform, raised_by, within
from autograder.sandbox.guest.prints import kept_prints
from autograder.sandbox.guest.steps import watch_tracing
from autograder.sandbox.guest.watchdog import Watch, watched
from autograder.sandbox.wire import messages
from autograder.sandbox.wire.calls import arguments, outcome, request, respond
from autograder.sandbox.wire.frames import Frame, Reader, WireError, pack
from autograder.sandbox.wire.functions import Borrowed, Lent
from autograder.sandbox.wire.graphs import leaves_of
from autograder.sandbox.wire.values import decode

__all__ = ["Connection", "attach", "current", "loopback", "perform"]

_CHUNK = 1 << 20


def loopback(function: Any, seconds: float | None = None) -> Loopback:
    """Calls a function, or gives a plain value, as a graded run does; the inputs are copies.

    A call that takes longer than `seconds`, or on which the stop button is pressed, is ended and raises `Breach`.
    """
    return Loopback(function, seconds)


class Loopback:
    """Calls in this process.

    Attributes:
        watches: of the calls that were stopped.
    """

    def __init__(self, function: Any, seconds: float | None, forbids: tuple[str, ...] = ()) -> None:
        self._function = function
        self._seconds = seconds
        self._forbids = forbids
        self.watches: list[Watch] = []
        self._lent = Lent()
        self._borrowed = Borrowed(self._lent.answer)

    def forbidding(self, names: tuple[str, ...]) -> Call:
        """The same function, with the forbidden ones taken away during each call."""
        call = Loopback(self._function, self._seconds, names)
        call.watches = self.watches
        return call

    def __call__(
        self,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        through: str | int = "",
        *,
        cpu: bool = False,
        steps: int = 0,
        keep: bool = False,
        most: int = 0,
        edited: tuple[str, str] | None = None,
    ) -> Outcome:
        asked = request(args, kwargs, through, self._lent, steps, keep, most, edited)
        before = loaded(self._forbids)
        with kept_prints() as prints:
            done, spent = self._perform(asked)
        if loaded(self._forbids) != before:  # the call itself imported what it may not use
            with kept_prints() as prints:
                done, spent = self._perform(asked)
        leaves = leaves_of((args, kwargs)) if keep else []
        found = outcome(_answered(done, self._borrowed, asked), self._lent, leaves, self._pull)
        return replace(found, cpu=spent if cpu else None, printed=prints.text)

    def _perform(self, asked: Frame[messages.Call]) -> tuple[_Performed, float]:
        with forbidding(self._forbids) if self._forbids else nullcontext():
            take_called()
            before = time.process_time()
            with self._watched():
                done = _performed(self._function, asked, self._borrowed)
            spent = time.process_time() - before
        return done, spent

    def _pull(self, number: int, upstream: list[Any]) -> Any:
        with self._watched():
            return self._borrowed.graphs.pull(number, upstream)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Raises a `Breach` if what runs inside was stopped, whatever it returned or raised."""
        with watched(self._seconds) as watch:
            yield
        if watch.stopped:
            self.watches.append(watch)
            raise watch.breach()


@dataclass(frozen=True)
class _Performed:
    """What one call gave, and the tensors among its arguments whose gradients may be asked for."""

    outcome: Outcome
    leaves: list[Any]


def _performed(answer: Any, asked: Frame[messages.Call], borrowed: Borrowed) -> _Performed:
    call = asked[0]
    borrowed.keeps = call.keep
    try:
        args, kwargs = arguments(asked, borrowed)
    except Exception as error:  # what has to be built for the call could not be built
        return _Performed(Outcome(raised=raised_by(error)), [])
    leaves = leaves_of((args, kwargs)) if call.keep else []
    if call.edited is not None:
        done = _edited(answer, call, borrowed, args, kwargs)
    else:
        done = perform(within(answer, call.through, borrowed), args, kwargs, call.steps)
    return _Performed(replace(done, forbidden=take_called()), leaves)


def _edited(
    answer: Any, call: messages.Call, borrowed: Borrowed, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Outcome:
    """The call of an edited answer, which may not take long."""
    assert call.edited is not None
    try:
        with watched(SECONDS) as watch:
            done = perform(within(edited(answer, *call.edited), call.through, borrowed), args, kwargs, call.steps)
    except Exception as error:  # the text itself raises it
        return Outcome(raised=raised_by(error))
    return Outcome(raised=Raised("TimeoutError", "an edit took too long")) if watch.stopped else done


def _answered(done: _Performed, borrowed: Borrowed, asked: Frame[messages.Call]) -> Frame[messages.Outcome]:
    return respond(done.outcome, borrowed, asked, done.leaves)


def _differentiated(asked: Frame[messages.Differentiate], borrowed: Borrowed) -> Frame[messages.Outcome]:
    message, buffers = asked
    done = perform(borrowed.graphs.pull, (message.call, decode(message.upstream, buffers)), {})
    return respond(replace(done, inputs=None), borrowed)


class Connection:
    """The socket to the judge, in a graded process."""

    def __init__(
        self,
        channel: socket.socket,
        quiet: Callable[[], AbstractContextManager[Any]] = nullcontext,
        spent: Callable[[], None] = lambda: None,
    ) -> None:
        """Takes the socket, a context that hides what is printed, and a check of what was printed so far."""
        self._channel = channel
        self._quiet = quiet
        self._spent = spent
        self._reader = Reader(messages.FROM_HOST)
        self._lock = threading.Lock()
        self._owner = os.getpid()
        self.executing = False

    def disconnect(self) -> None:
        """Lets go of the socket in a process that the student's code forked."""
        self._channel.close()

    def move(self, channel: socket.socket) -> None:
        """Goes on with another socket in this process, a copy of the one that had the connection."""
        self._channel, self._owner = channel, os.getpid()
        self._reader, self._lock = Reader(messages.FROM_HOST), threading.Lock()

    def send(self, message: messages.FromGuest, buffers: list[bytes] | None = None) -> None:
        """Sends one message; in a process that is not the judged one it ends that process."""
        if os.getpid() != self._owner:
            os._exit(0)
        frame = pack(message, buffers)
        with self._lock:
            self._channel.sendall(frame)

    def receive(self) -> Frame[messages.FromHost]:
        """Waits for one message; ends the process when the judge is gone."""
        while (frame := self._reader.next()) is None:
            data = self._channel.recv(_CHUNK)
            if not data:
                os._exit(0)
            self._reader.feed(data)
        return frame

    def serve(self, exercise_id: str, answer: Any) -> None:
        """Announces an answer and calls it as often as the judge asks.

        Does nothing where no cell runs, on another thread, or inside a judged call.
        """
        if not self.executing or threading.current_thread() is not threading.main_thread():
            return
        self.executing = False
        borrowed = Borrowed(self._ask)
        try:
            self.send(messages.Check(str(exercise_id)))
            while True:
                message, buffers = self.receive()
                if isinstance(message, messages.Call):
                    self.send(*self._perform((message, buffers), answer, borrowed))
                elif isinstance(message, messages.Differentiate):
                    self.send(*_differentiated((message, buffers), borrowed))
                else:
                    return
        finally:
            self.executing = True

    def _perform(self, asked: Frame[messages.Call], answer: Any, borrowed: Borrowed) -> Frame[messages.Outcome]:
        if asked[0].steps:
            watch_tracing()
        with self._quiet():
            take_called()
            done = _performed(answer, asked, borrowed)
        self._spent()
        return _answered(done, borrowed, asked)

    def _ask(self, asked: Frame[messages.Invoke | messages.Differentiate]) -> Frame[messages.Answer | messages.Raise]:
        self.send(*asked)
        message, buffers = self.receive()
        if not isinstance(message, messages.Answer | messages.Raise):
            raise WireError(f"{type(message).__name__} where an answer was expected")
        return message, buffers


_current: Connection | None = None


def attach(connection: Connection | None) -> None:
    """Makes this process a judged one."""
    global _current
    _current = connection


def current() -> Connection | None:
    """The connection to the judge, or None where nobody grades."""
    return _current
