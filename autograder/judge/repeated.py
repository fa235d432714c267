"""Whether an answer is right when it is called for the first time and wrong later: it keeps something between calls."""

from __future__ import annotations

from collections.abc import Sequence

from autograder.exercise import Exercise
from autograder.judge.compare import Match
from autograder.judge.prepared import Ready
from autograder.judge.slips import OwnText
from autograder.judge.trial import difference

__all__ = ["FIRST_CALL_RIGHT", "right_at_first"]

FIRST_CALL_RIGHT = (
    "Only later calls fail: each of these cases passes when it is the first call of all. Something is kept from one "
    "call to the next: a list or an array as a default, a name outside of the function, an attribute."
)
MOST_CASES = 8


def right_at_first(exercise: Exercise, failing: Sequence[Ready], own: OwnText) -> bool:
    """Whether every failing case passes when the answer has been defined anew and never been called.

    Args:
        exercise: what was asked.
        failing: the failing visible cases.
        own: the answer's text.
    """
    if not failing or any(ready.through is not None for ready in failing):
        return False
    for at, ready in enumerate(failing[:MOST_CASES]):
        anew = own.call(f"{own.text}\n# defined for call {at}\n")
        there = ready.on_device
        outcome = anew(there.args, there.kwargs, most=ready.most)
        match = Match(ready.case.tolerance or exercise.tolerance, ready.precision)
        if difference(exercise, ready.case, ready.expected, outcome, match) is not None:
            return False
    return True
