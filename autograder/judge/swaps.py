"""On which line another value would make an answer right: one that a right answer has on its way.

If the result is right with a right answer's values in the place of what one line computes, on every failing case that
is tried, then all that follows the line is right, and the mistake is on it or before it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from autograder.exercise import Exercise
from autograder.judge.apply import fresh_call
from autograder.judge.compare import Match, compare
from autograder.judge.on_the_way import Notes, noted, printed_form
from autograder.judge.prepared import Ready
from autograder.judge.slips import OwnText
from autograder.mutations.subject import Subject
from autograder.mutations.swapping import VALUES, swapping

__all__ = ["swappable_lines"]

MOST_CASES = 2
MOST_TRIES = 300
_SECONDS = 0.15
_EACH = 0.05


@dataclass(frozen=True)
class _Place:
    """A place in a right answer, and the values that it had, one after the other."""

    lender: int
    place: int
    values: list[Any]


def swappable_lines(
    exercise: Exercise, ready: Sequence[Ready], own: OwnText, mine: Notes, right: Sequence[Subject]
) -> list[int]:
    """The lines whose values, if they were a right answer's, would make the result right; in the order they ran first.

    Args:
        exercise: what was asked.
        ready: the failing cases that are plain calls.
        own: the answer's text.
        mine: the values of its statements on the first of these cases.
        right: right answers.
    """
    end = time.monotonic() + 3 * _SECONDS
    tries: list[tuple[int, tuple[int, int]]] | None = None
    for each in ready[:MOST_CASES]:
        places = _places(each, right)
        if tries is None:
            tries = _tries(mine, places, each.expected.value)
        if not tries or time.monotonic() > end:
            return []
        tries = _working(exercise, each, own, places, tries)
    lines = {line for line, _ in tries or ()}
    return [line for line in mine.lines if line in lines]


def _places(ready: Ready, right: Sequence[Subject]) -> dict[tuple[int, int], list[Any]]:
    """What each place of each right answer computes on a case, by answer and place."""
    case, found = ready.case, dict[tuple[int, int], list[Any]]()
    for at, each in enumerate(right):
        try:
            arguments: Callable[[], tuple[Any, Any]] = partial(fresh_call, case.args, case.kwargs)
            notes = noted(each.text, each.name, each.names, arguments, parts=True, apart=True)
        except Exception:  # a style that needs what its own file imports says nothing here
            continue
        found |= {(at, place): values for place, values in notes.lines.items()}
    return found


def _tries(mine: Notes, places: dict[tuple[int, int], list[Any]], expected: Any) -> list[tuple[int, tuple[int, int]]]:
    """Lines and places whose first values have the same form, but are not the same, nor the whole result."""
    whole = Notes()
    whole(0, expected)
    results = {printed_form(value) for value in whole.lines.get(0, ())}
    seen: set[Any] = set()
    found = []
    for line, values in mine.lines.items():
        first, form = values[0], printed_form(values[0])
        for key, theirs in places.items():
            other = printed_form(theirs[0])
            mark = line, other, len(theirs)
            if theirs[0].shape == first.shape and other != form and other not in results and mark not in seen:
                seen.add(mark)
                found.append((line, key))
    return found[:MOST_TRIES]


def _working(
    exercise: Exercise,
    ready: Ready,
    own: OwnText,
    places: dict[tuple[int, int], list[Any]],
    tries: Sequence[tuple[int, tuple[int, int]]],
) -> list[tuple[int, tuple[int, int]]]:
    """Those with which the result is right."""
    kept = [(line, key) for line, key in tries if key in places]
    keys = list(dict.fromkeys(key for _, key in kept))
    text = swapping(
        own.text,
        own.name,
        [(line, keys.index(key)) for line, key in kept],
        most=4 * ready.most,
        seconds=_SECONDS,
        each=_EACH,
    )
    there = ready.on_device
    values = [places[key] for key in keys]
    results = own.call(text)(there.args, {**there.kwargs, VALUES: values}).value
    match = Match(ready.case.tolerance or exercise.tolerance, ready.precision)
    return [
        each
        for each, result in zip(kept, results if isinstance(results, list) else (), strict=False)
        if isinstance(result, list) and len(result) == 2 and result[0] is True and _same(ready, result[1], match)
    ]


def _same(ready: Ready, value: Any, match: Match) -> bool:
    return compare(ready.expected.value, value, match) is None
