"""Where an answer leaves the ways that right answers go: the first line whose values no right answer has.

The student's function and right answers run on the same small input, and the numbers on their ways are compared. A
line is at fault if it is the first whose numbers no right answer has, if something before it has been right, and if
nothing after it is right again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograder.judge.tensors import is_tensor, numbers
from autograder.mutations.watching import NOTE, noting

__all__ = ["Departure", "Notes", "departure", "doubts", "noted", "notes_of", "printed_form"]

MOST_NOTES = 4000
MOST_NUMBERS = 20_000
_PLACES = 6
"""Numbers that agree in this many places are the same."""


@dataclass
class Notes:
    """The values on the way of one call, line by line, in the order in which the lines ran first."""

    lines: dict[int, list[Any]] = field(default_factory=dict)
    count: int = 0

    def __call__(self, line: int, value: Any) -> Any:
        """Notes a value and gives it back."""
        if self.count < MOST_NOTES:
            for part in _parts(value):
                self.count += 1
                self.lines.setdefault(line, []).append(part)
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


def departure(own: Notes, right: Sequence[Notes], given: Notes) -> Departure:
    """Where an answer departs from all right answers.

    Args:
        own: what the answer noted, and `right`: what right answers did.
        given: the arguments.
    """
    states = _states(own, right, given)
    first = next((at for at, state in enumerate(states) if not state.holds), len(states))
    before = [state.line for state in states[:first] if state.says]
    again = any(state.holds and state.says for state in states[first:])
    enough = first < len(states) and len(before) >= FEWEST_RIGHT and not again
    return Departure(states[first].line if first < len(states) else None, before[-1] if before else None, enough)


def doubts(own: Notes, right: Sequence[Notes], given: Notes) -> dict[int, float]:
    """How unlikely the mistake is on each line that ran, from 0, in the scale of `repairs`."""
    states = _states(own, right, given)
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
        flat = [np.ravel(value).astype(complex) for value in arrays if value.dtype.kind != "b"]
        everything = np.concatenate(flat) if flat else np.zeros(0, complex)
        self._numbers = {_rounded(number) for number in np.unique(everything[:2_000_000])}

    def holds(self, values: Sequence[Any]) -> bool:
        """Whether every value is one of a right answer's."""
        return all(
            printed_form(value) in self._prints or (value.ndim == 0 and _rounded(complex(value)) in self._numbers)
            for value in values
        )

    def says_something(self, values: Sequence[Any]) -> bool:
        """Whether the values could not be anything: not just zeros, ones and small counts."""
        return any(value.dtype.kind in "fc" and not np.isin(value, (0, 1, 2, -1)).all() for value in values)


def _rounded(number: complex) -> str:
    return f"{number.real:.{_PLACES}e} {number.imag:.{_PLACES}e}".replace("-0.000000e+00", "0.000000e+00")


def printed_form(value: Any) -> tuple[tuple[int, ...], str]:
    """What two arrays share that hold the same numbers, without axes of length 1."""
    array = np.squeeze(np.asarray(value))
    flat = np.ravel(array).astype(complex)
    return array.shape, " ".join(_rounded(number) for number in flat[:200]) + f" {_rounded(flat.sum())}"
