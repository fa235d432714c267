"""Counts Python's own work in one call: what a loop over the input costs, whatever NumPy or torch do inside."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from autograder.calls import Steps

__all__ = ["Counter", "TooManySteps", "counting", "watch_tracing"]


class TooManySteps(BaseException):
    """Ends a call that took more steps than it may; not an Exception, so that few `except` clauses catch it."""


class Counter:
    """Lines and calls of the student's code, calls of library code; the grader's own frames do not count."""

    def __init__(self, most: int, libraries: tuple[str, ...]) -> None:
        self._most = most
        self._libraries = libraries
        self._own = 0
        self._library = 0
        self._kinds: dict[str, str] = {}

    @property
    def steps(self) -> Steps:
        """The count so far."""
        return Steps(self._own, self._library)

    def spoil(self) -> None:
        """Sets the count above the limit: whoever switches the counter off has something to hide."""
        self._own = self._most + 1

    def trace(self, frame: FrameType, event: str, _: Any) -> Callable[..., Any] | None:
        """For sys.settrace."""
        kind = self._kind(frame.f_code.co_filename)
        if kind == "grader" or event != "call":
            return None
        if kind == "library":
            self._library += 1
            self._check(self._library)
            return None
        self._own += 1
        self._check(self._own)
        return self._line

    def _line(self, frame: FrameType, event: str, _: Any) -> Callable[..., Any] | None:
        if event == "line":
            self._own += 1
            self._check(self._own)
        return self._line

    def _check(self, count: int) -> None:
        if count > self._most:
            raise TooManySteps(f"more than {self._most} steps of Python")

    def _kind(self, filename: str) -> str:
        kind = self._kinds.get(filename)
        if kind is None:
            own = filename.startswith(_GRADER)
            kind = "grader" if own else "library" if filename.startswith(self._libraries) else "student"
            self._kinds[filename] = kind
        return kind


_GRADER = str(Path(__file__).resolve().parents[2])

_counter: Counter | None = None
_watching = False


@contextmanager
def counting(most: int, libraries: tuple[str, ...]) -> Iterator[Counter]:
    """Counts what runs inside, new threads included; a debugger's own trace function is put back afterwards."""
    global _counter
    counter = Counter(most, libraries)
    before, before_threads = sys.gettrace(), threading.gettrace()
    threading.settrace(counter.trace)
    sys.settrace(counter.trace)
    _counter = counter
    try:
        yield counter
    finally:
        _counter = None
        sys.settrace(before)
        threading.settrace(before_threads)


def watch_tracing() -> None:
    """From now on, code that switches tracing off while its steps are counted spoils the count. Cannot be undone."""
    global _watching
    if _watching:
        return
    _watching = True

    def hook(event: str, _: Any) -> None:
        if event == "sys.settrace" and _counter is not None:
            _counter.spoil()

    sys.addaudithook(hook)
