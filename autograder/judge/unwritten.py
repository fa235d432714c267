"""Exceptions that are not about the answer: a function that is not written yet, the line `raise NotImplementedError()`
left in one that is, and something that is not there when a notebook is graded."""

from __future__ import annotations

from autograder.calls import Raised, Unwritten
from autograder.judge.compare import Difference
from autograder.surroundings import advice

__all__ = ["cure", "unwritten"]


def unwritten(raised: Raised) -> Difference | None:
    """What is wrong if an exception comes from a line that students are given; None for any other exception."""
    line = f"line {raised.line}, " if raised.line is not None else ""
    left = f"{line}`raise NotImplementedError()`, still stands"
    match raised.unwritten:
        case Unwritten.STUB:
            return Difference("not_written", "not written yet")
        case Unwritten.ELSEWHERE:
            return Difference("exception", f"`{raised.function}`, which your function calls, is not written yet")
        case Unwritten.BELOW:
            return Difference("exception", f"{left} below your code, and is what the function ends with")
        case Unwritten.ABOVE:
            return Difference("exception", f"{left} above your code, so that the function ends before it")
    return None


def cure(raised: Raised | None) -> str:
    """What to do first about such an exception, or one for want of what a graded notebook lacks; else empty."""
    if raised is None or raised.unwritten is Unwritten.STUB:
        return ""
    if raised.unwritten is Unwritten.NO:
        return advice(raised.kind)
    if raised.unwritten is Unwritten.ELSEWHERE:
        return f"Write {raised.function} and run its cell, then run this cell again."
    return "Delete the line raise NotImplementedError(), run the cell that it is in, then run this cell again."
