"""Calls a student's function and records what came of it."""

from __future__ import annotations

import linecache
import sysconfig
import time
import traceback
import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from autograder.calls import Outcome, Raised
from autograder.sandbox.guest.root_causes import cause_of
from autograder.sandbox.guest.steps import counting
from autograder.sandbox.guest.unwritten import unwritten
from autograder.sandbox.wire.functions import Borrowed, harness
from autograder.sandbox.wire.messages import LONGEST_MESSAGE, MOST_WARNINGS

__all__ = ["is_library", "perform", "raised_by", "source_line", "within"]


def perform(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], steps: int = 0) -> Outcome:
    """Calls a function and records everything about it: the value or exception, the inputs afterwards, warnings.

    Where `steps` is not 0, Python's steps are counted too, and more than that end the call. An answer that is not a
    function, a number for example, is its own value when it is called without arguments.
    """
    if not callable(function):
        return Outcome(raised=_no_function(function)) if args or kwargs else Outcome(value=function)
    value: Any = None
    raised: Raised | None = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        started = time.perf_counter()
        with counting(steps, _libraries()) if steps else nullcontext() as counter:
            try:
                value = function(*args, **kwargs)
            except BaseException as error:
                raised = raised_by(error)
        seconds = time.perf_counter() - started
    names = dict.fromkeys(f"{each.category.__name__}: {_message(each.message)}" for each in caught)
    counted = counter.steps if counter is not None else None
    return Outcome(value, raised, (args, kwargs), tuple(names)[:MOST_WARNINGS], seconds, steps=counted)


def _no_function(value: Any) -> Raised:
    kind = "None" if value is None else f"an object of type {type(value).__name__}"
    text = f"the answer is {kind} and not a function: give check the function itself, by its name, without calling it"
    return Raised("UnexpectedAnswer", text)


def within(answer: Any, through: str | int, borrowed: Borrowed) -> Any:
    """What a request wants called: the answer, the kept object of that number, or a harness, on its own.

    Raises:
        WireError: there is no such harness or object.
    """
    if isinstance(through, int):
        return borrowed.kept(through)
    return harness(through) if through else answer


# --- exceptions -------------------------------------------------------------------------------------------


def raised_by(error: BaseException) -> Raised:
    """An exception with the student's own line that raised it: the deepest one outside any library."""
    kind = "MemoryError" if _no_memory(error) else type(error).__name__
    if isinstance(error, SyntaxError) and type(error.lineno) is int and type(error.text) is str:
        return Raised(kind, _message(error), error.lineno, error.text.strip("\n"))
    line, source = _own_line(error.__traceback__)
    raised = Raised(kind, _message(error), line, source)
    cause = cause_of(error) if isinstance(error, Exception) else None
    if cause is not None:
        return replace(raised, kind=cause[0], message=cause[1])
    if type(error) is NotImplementedError:
        left, function = unwritten(error.__traceback__, is_library)
        return replace(raised, unwritten=left, function=function)
    if type(error) is NameError and type(error.name) is str:
        return replace(raised, missing=error.name)
    return raised


def _no_memory(error: BaseException) -> bool:
    """NumPy has its own MemoryError; torch reports an allocation that failed as a RuntimeError."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in _message(error)


def _message(error: Any) -> str:
    try:
        return str.__getitem__(str(error), slice(LONGEST_MESSAGE))  # it may be the student's own subclass of str
    except BaseException:  # an exception's own __str__ may do anything
        return ""


def _own_line(trace: TracebackType | None) -> tuple[int | None, str]:
    for frame, line in reversed(list(traceback.walk_tb(trace))):
        name = frame.f_code.co_filename
        if not is_library(name):
            return line, source_line(frame, line)
    return None, ""


def source_line(frame: FrameType, line: int) -> str:
    """A line of the source that a frame runs; empty if it cannot be read."""
    return linecache.getline(frame.f_code.co_filename, line, frame.f_globals).rstrip("\n")


def is_library(filename: str) -> bool:
    """Whether code of that file is not the student's: Python's own, an installed package's, the course's."""
    return filename.startswith(_libraries())


@cache
def _libraries() -> tuple[str, ...]:
    here = Path(__file__).resolve().parents[3]
    paths = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    known = {str(path) for name in paths if name for path in (Path(name), Path(name).resolve())}
    return (*sorted(known), str(here / "autograder"), str(here / "course_lib"), "<frozen ", "<__array_function__")
