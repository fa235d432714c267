"""The student's side of judging: calls the student's function on what a judge sends, reports what came back.

In JupyterLab the judge sits in the same process and `loopback` replaces the wire; everything still passes through its
encoding, so that a local check and a graded run see the same values.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

from autograder.exercise import Call, Outcome
from autograder.sandbox.guest.forbid import forbidding, loaded, take_called
from autograder.sandbox.guest.perform import perform, within
from autograder.sandbox.guest.steps import watch_tracing
from autograder.sandbox.wire import messages
from autograder.sandbox.wire.calls import arguments, outcome, request, respond
from autograder.sandbox.wire.frames import Frame, Reader, WireError, pack
from autograder.sandbox.wire.functions import Borrowed, Lent

__all__ = ["Connection", "attach", "current", "loopback", "perform"]

_CHUNK = 1 << 20


def loopback(function: Any) -> Call:
    """Calls a function, or gives a plain value, as a graded run does; the inputs are copies.

    An interrupt (the stop button) is not the function's own exception: it ends the check.
    """
    return _Loopback(function, ())


class _Loopback:
    def __init__(self, function: Any, forbids: tuple[str, ...]) -> None:
        self._function = function
        self._forbids = forbids

    def forbidding(self, names: tuple[str, ...]) -> Call:
        """The same function, with the forbidden ones taken away during each call."""
        return _Loopback(self._function, names)

    def __call__(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], through: str = "", *, cpu: bool = False, steps: int = 0
    ) -> Outcome:
        lent = Lent()
        borrowed = Borrowed(lent.answer)
        asked = request(args, kwargs, through, lent, steps)
        before = loaded(self._forbids)
        done, spent = self._perform(asked, borrowed)
        if loaded(self._forbids) != before:  # the call itself imported what it may not use
            done, spent = self._perform(asked, borrowed)
        if done.raised is not None and done.raised.kind == "KeyboardInterrupt":
            raise KeyboardInterrupt
        return replace(outcome(respond(done, borrowed, asked), lent), cpu=spent if cpu else None)

    def _perform(self, asked: Frame[messages.Call], borrowed: Borrowed) -> tuple[Outcome, float]:
        given, named = arguments(asked, borrowed)
        answer, steps = within(self._function, asked[0].through), asked[0].steps
        with forbidding(self._forbids) if self._forbids else nullcontext():
            take_called()
            before = time.process_time()
            done = perform(answer, given, named, steps)
            spent = time.process_time() - before
        return replace(done, forbidden=take_called()), spent


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
        try:
            self.send(messages.Check(str(exercise_id)))
            while True:
                message, buffers = self.receive()
                if not isinstance(message, messages.Call):
                    return
                self.send(*self._perform((message, buffers), answer))
        finally:
            self.executing = True

    def _perform(self, asked: Frame[messages.Call], answer: Any) -> Frame[messages.Outcome]:
        borrowed = Borrowed(self._ask)
        args, kwargs = arguments(asked, borrowed)
        through, steps = asked[0].through, asked[0].steps
        if steps:
            watch_tracing()
        with self._quiet():
            take_called()
            done = perform(within(answer, through), args, kwargs, steps)
        self._spent()
        return respond(replace(done, forbidden=take_called()), borrowed, asked)

    def _ask(self, asked: Frame[messages.Invoke]) -> Frame[messages.Answer | messages.Raise]:
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
