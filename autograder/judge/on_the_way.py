"""Where an answer leaves the ways that right answers go: the first line whose values no right answer has.

The student's function and right answers run on the same small input, and the numbers on their ways are compared. A
line is at fault if it is the first whose numbers no right answer has, if something before it has been right, and if
nothing after it is right again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograder.judge.tensors import is_tensor, numbers
from autograder.mutations.watching import NOTE, noting

__all__ = ["Departure", "Notes", "Ways", "noted", "notes_of", "printed_form"]

MOST_NOTES = 4000
MOST_OF_A_LINE = 50
MOST_SECONDS = 0.15
"""A call that takes longer, a training, say, is noted up to there."""
MOST_NUMBERS = 5_000
_PLACES = 1e6
"""Numbers that agree in so many units of their first place are the same."""


@dataclass
class Notes:
    """The values on the way of one call, line by line, in the order in which the lines ran first."""

    lines: dict[int, list[Any]] = field(default_factory=dict)
    count: int = 0
    end: float = field(default_factory=lambda: time.perf_counter() + MOST_SECONDS)

    def __call__(self, line: int, value: Any) -> Any:
        """Notes a value and gives it back.

        Raises:
            TimeoutError: the time for noting is over.
        """
        if time.perf_counter() > self.end:
            raise TimeoutError
        if self.count < MOST_NOTES:
            for part in _parts(value):
                kept = self.lines.setdefault(line, [])
                if len(kept) < MOST_OF_A_LINE:
                    self.count += 1
                    kept.append(part)
        return value


def _parts(value: Any) -> Iterator[Any]:
    """The numbers in a value, as arrays of their own."""
    if isinstance(value, (tuple, list)) and len(value) <= 50:
        if value and all(isinstance(each, (bool, int, float, complex, np.number)) for each in value):
            yield np.asarray(value)
            return
        for each in value:
            yield from _parts(each)
    elif isinstance(value, (bool, int, float, complex, np.number, np.bool_)):
        yield np.asarray(value)
    elif (isinstance(value, np.ndarray) or is_tensor(value)) and np.prod(value.shape) <= MOST_NUMBERS:
        found = np.array(numbers(value.detach() if is_tensor(value) else value))
        if found.dtype.kind in "biufc":
            yield found


def noted(
    text: str,
    name: str,
    names: Mapping[str, Any],
    arguments: Callable[[], tuple[Any, Any]],
    *,
    parts: bool,
    apart: bool = False,
) -> Notes:
    """Runs a text's function on fresh arguments and notes the values on its way, up to an exception if there is one.

    Raises:
        SyntaxError: the text is not Python.
    """
    notes = Notes()
    place = {**names, NOTE: notes}
    try:
        exec(compile(noting(text, parts=parts, apart=apart), "<noted>", "exec"), place)
        args, kwargs = arguments()
        place[name](*args, **kwargs)
    except SyntaxError:
        raise
    except Exception:
        pass  # what was noted until then counts
    return notes


def notes_of(told: Any) -> Notes:
    """The notes in a list of pairs that a student's process has told; what is no such pair is left out."""
    notes = Notes()
    for pair in told if isinstance(told, (list, tuple)) else ():
        if isinstance(pair, (list, tuple)) and len(pair) == 2 and type(pair[0]) is int and 0 < pair[0] < 100_000:
            notes(pair[0], pair[1])
    return notes


FEWEST_RIGHT = 2
"""So many lines have to be right before the first that is not is believed to be at fault: others go their own way."""


@dataclass(frozen=True)
class Departure:
    """The first line whose numbers no right answer has, from 1, and the last before it that says something.

    Attributes:
        line, last_right: None if there is none.
        enough: whether so much before it is right that it has to be the line at fault.
    """

    line: int | None
    last_right: int | None
    enough: bool


class Ways:
    """An answer's way beside those of right answers.

    Attributes:
        departure: where it leaves them.
        doubts: how unlikely the mistake is on each line that ran, from 0, in the scale of `repairs`.
    """

    def __init__(self, own: Notes, right: Sequence[Notes], given: Notes) -> None:
        """Takes what the answer noted, what right answers noted, and the arguments."""
        states = _states(own, right, given)
        self.departure = _departure(states)
        self.doubts = _doubts(states)


def _departure(states: Sequence[_State]) -> Departure:
    first = next((at for at, state in enumerate(states) if not state.holds), len(states))
    before = [state.line for state in states[:first] if state.says]
    again = any(state.holds and state.says for state in states[first:])
    enough = first < len(states) and len(before) >= FEWEST_RIGHT and not again
    return Departure(states[first].line if first < len(states) else None, before[-1] if before else None, enough)


def _doubts(states: Sequence[_State]) -> dict[int, float]:
    last = max((index for index, state in enumerate(states) if state.holds and state.says), default=-1)
    found = {}
    for index, state in enumerate(states):
        if state.holds:
            found[state.line] = _RIGHT if state.says else _PLAIN
        else:
            found[state.line] = _AFTER if index > last else _UNKNOWN
    return found


_AFTER, _UNKNOWN, _PLAIN, _RIGHT = 0.0, 0.5, 1.0, 2.5
"""Doubts of a line: after the last one that is right, with numbers nobody has, with mere counts, with right ones."""


@dataclass(frozen=True)
class _State:
    """One line that ran: whether its values are a right answer's, and whether they could not be anything."""

    line: int
    holds: bool
    says: bool


def _states(own: Notes, right: Sequence[Notes], given: Notes) -> list[_State]:
    known, plain = _Known([*right, given]), _Known([given])
    found = []
    for line, values in own.lines.items():
        holds = known.holds(values)
        found.append(_State(line, holds, holds and known.says_something(values) and not plain.holds(values)))
    return found


class _Known:
    """All numbers and arrays of right answers' ways."""

    def __init__(self, right: Sequence[Notes]) -> None:
        arrays = [value for notes in right for values in notes.lines.values() for value in values]
        self._prints = {printed_form(value) for value in arrays}
        flat = [np.ravel(value).astype(complex)[:_MOST_OF_ONE] for value in arrays if value.dtype.kind != "b"]
        everything = np.concatenate(flat) if flat else np.zeros(0, complex)
        self._numbers = {*zip(*_rounded(everything), strict=True)}

    def holds(self, values: Sequence[Any]) -> bool:
        """Whether every value is one of a right answer's."""
        return all(
            printed_form(value) in self._prints or (value.ndim == 0 and self._is_known_number(value))
            for value in values
        )

    def _is_known_number(self, value: Any) -> bool:
        (real,), (imaginary,) = _rounded(np.ravel(value).astype(complex))
        return (real, imaginary) in self._numbers

    def says_something(self, values: Sequence[Any]) -> bool:
        """Whether the values could not be anything: not just zeros, ones and small counts."""
        return any(value.dtype.kind in "fc" and not np.isin(value, (0, 1, 2, -1)).all() for value in values)


_MOST_OF_ONE = 500


def _rounded(numbers: Any) -> tuple[list[int], list[int]]:
    """The real and the imaginary parts as whole numbers, equal where they agree in the leading places."""
    return _leading(numbers.real).tolist(), _leading(numbers.imag).tolist()


def _leading(parts: Any) -> Any:
    with np.errstate(all="ignore"):
        usual = np.isfinite(parts) & (parts != 0)
        size = np.where(usual, np.floor(np.log10(np.abs(np.where(usual, parts, 1.0)))), 0.0)
        places = np.rint(np.where(usual, parts, 0.0) / 10.0**size * _PLACES)
        over = np.abs(places) >= 10 * _PLACES
        places, size = np.where(over, np.rint(places / 10), places), np.where(over, size + 1, size)
        found = places.astype(np.int64) * 1000 + size.astype(np.int64)
        return np.where(np.isfinite(parts), found, np.where(np.isnan(parts), 1, np.where(parts > 0, 2, 3)))


def printed_form(value: Any) -> tuple[tuple[int, ...], bytes]:
    """What two arrays share that hold the same numbers, without axes of length 1."""
    array = np.squeeze(np.asarray(value))
    flat = np.ravel(array).astype(complex)
    shown = np.append(flat[:200], flat.sum()) if flat.size > 200 else flat
    return array.shape, _leading(shown.real).tobytes() + _leading(shown.imag).tobytes()
