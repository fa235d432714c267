"""Stops a call that takes too long in a student's own check, or on which the stop button is pressed.

Where there is a timer for signals, and on the main thread, its signal interrupts the call between two steps of Python,
and the line at which it was is known. Elsewhere a second thread asks for the interrupt. A call that never comes back
from code written in C, a single product of huge matrices for example, is stopped when that code ends.

An `except:` of the student's that catches the interrupt does not keep a loop alive: from the second time on the call is
ended at a line where its exception leaves the loop that is running.
"""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Any

from autograder.calls import Breach, Status
from autograder.sandbox.guest.perform import is_library, perform, source_line
from autograder.sandbox.guest.ways_out import leaves_loop

__all__ = ["Stopped", "Watch", "watched"]

_AGAIN_SECONDS = 0.2
"""Between one attempt to stop a call and the next."""


class Stopped(BaseException):
    """Ends the call; not an Exception, so that few `except` clauses catch it."""


@dataclass
class Watch:
    """What became of one call.

    Attributes:
        seconds: the limit that the call broke, or how long it had run when it was stopped by hand; None if it was not.
        by_hand: whether it was the stop button.
        line, source, function: the student's own line at which it was, if there is one.
    """

    seconds: float | None = None
    by_hand: bool = False
    line: int | None = None
    source: str = ""
    function: str = ""

    @property
    def stopped(self) -> bool:
        """Whether the call was ended."""
        return self.seconds is not None

    def breach(self) -> Breach:
        """The same in words."""
        seconds = self.seconds or 0.0
        code = f" (`{self.source.strip()}`)" if self.source else ""
        where = f" at line {self.line} of `{self.function}`{code}" if self.line is not None else ""
        if self.by_hand:
            return Breach(Status.TIMEOUT, f"you stopped the code after {seconds:.3g} s{where}")
        said = f"the code ran longer than {seconds:.3g} s and was stopped{where}"
        return Breach(Status.TIMEOUT, f"{said}: look for a loop that never ends or waits")


@contextmanager
def watched(seconds: float | None) -> Iterator[Watch]:
    """Ends what runs inside with `Stopped` after that time, if there is a limit, or when the stop button is pressed.

    `Stopped` does not leave the block; the watch tells afterwards what happened.
    """
    guard = _Guard(seconds)
    traced = sys.gettrace()
    try:
        with guard.armed():
            yield guard.watch
    except Stopped:
        pass
    finally:
        if sys.gettrace() is not traced:
            sys.settrace(traced)


class _Guard:
    """One call's watchdog."""

    def __init__(self, seconds: float | None) -> None:
        self.watch = Watch()
        self.over = False
        self._limit = seconds
        self._began = time.perf_counter()

    # --- alarms ---

    @contextmanager
    def armed(self) -> Iterator[None]:
        """Sets the alarm that suits this thread, and takes everything back afterwards."""
        if threading.current_thread() is not threading.main_thread():
            ident = threading.get_ident()
            with self._thread(partial(self._ask_thread, ident)):
                yield
            _raise_in(ident, None)
        elif hasattr(signal, "setitimer"):
            before = signal.getitimer(signal.ITIMER_REAL)
            with self._handling(signal.SIGINT), self._handling(signal.SIGALRM):
                signal.setitimer(signal.ITIMER_REAL, self._limit or 0.0, _AGAIN_SECONDS)
                if self.watch.stopped:  # by the button, while the alarm was set
                    self._soon_again()
                try:
                    yield
                finally:
                    self.over = True
                    signal.setitimer(signal.ITIMER_REAL, *before)
        else:
            ident = threading.get_ident()
            with self._handling(signal.SIGINT), self._thread(partial(self._ask_thread, ident)):
                yield
            _raise_in(ident, None)

    @contextmanager
    def _handling(self, number: int) -> Iterator[None]:
        before = signal.signal(number, self._on_signal)
        try:
            yield
        finally:
            self.over = True
            signal.signal(number, before)

    @contextmanager
    def _thread(self, ask: Callable[[], Any]) -> Iterator[None]:
        """A thread that asks for the interrupt when time is up, again and again until the call is over."""
        done = threading.Event()

        def wait() -> None:
            left = self._limit
            while not done.wait(left):
                ask()
                left = _AGAIN_SECONDS

        waiting = threading.Thread(target=wait, daemon=True)
        waiting.start()
        try:
            yield
        finally:
            self.over = True
            done.set()
            waiting.join()

    def _ask_thread(self, ident: int) -> None:
        """Raises in another thread, where no signal arrives."""
        frame = sys._current_frames().get(ident)
        if frame is not None and not self.over and not _enters_or_leaves(frame):
            self._note(frame, by_hand=False)
            _raise_in(ident, Stopped)

    # --- the end of the call ---

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.over or frame is None:
            return
        if _enters_or_leaves(frame):  # an exception here would leave an alarm behind
            if number == signal.SIGINT:
                self._note(frame, by_hand=True)
                self._soon_again()
            return
        again = self.watch.stopped
        late = self._limit is not None and time.perf_counter() - self._began >= self._limit
        timed = number != signal.SIGINT or late
        self._note(frame, by_hand=not timed)
        if again:
            _trace(frame)  # the call caught the first attempt, and may catch this one
        elif not timed:
            self._soon_again()
        raise Stopped

    def _note(self, frame: FrameType, *, by_hand: bool) -> None:
        if self.watch.stopped:
            return
        self.watch.by_hand = by_hand
        self.watch.seconds = time.perf_counter() - self._began if by_hand else self._limit
        own = next(_own_frames(frame), None)
        if own is not None:
            self.watch.line, self.watch.function = own.f_lineno, own.f_code.co_name
            self.watch.source = source_line(own, own.f_lineno)

    def _soon_again(self) -> None:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS, _AGAIN_SECONDS)


def _raise_in(ident: int, error: type[BaseException] | None) -> None:
    """Raises an exception in a thread at its next step; None takes back one that has not been raised yet."""
    asked = ctypes.py_object(error) if error is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), asked)


def _enters_or_leaves(frame: FrameType | None) -> bool:
    """Whether a frame belongs to the beginning or the end of a `with` block and not to what runs inside."""
    doors = contextmanager.__code__.co_filename, watched.__wrapped__.__code__.co_filename  # type: ignore[attr-defined]
    while frame is not None and frame.f_code is not perform.__code__ and is_library(frame.f_code.co_filename):
        if frame.f_code.co_filename in doors:
            return True
        frame = frame.f_back
    return False


def _own_frames(frame: FrameType | None) -> Iterator[FrameType]:
    """The student's frames, the innermost first."""
    while frame is not None and frame.f_code is not perform.__code__:
        if not is_library(frame.f_code.co_filename):
            yield frame
        frame = frame.f_back


def _trace(frame: FrameType) -> None:
    """Ends the call at the next line from which an exception leaves the loop that is running."""

    def trace(at: FrameType, event: str, _: Any) -> Callable[..., Any] | None:
        if is_library(at.f_code.co_filename):
            return None
        if event == "line" and all(map(leaves_loop, _own_frames(at))):
            raise Stopped
        return trace

    for own in _own_frames(frame):
        own.f_trace = trace
    sys.settrace(trace)
