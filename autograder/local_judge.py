"""Judges a student's answer in the student's own kernel, on the visible cases, and looks for the slip in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from autograder.calls import Call, Forbidding
from autograder.exercise import Exercise, Verdict
from autograder.judge.aside import aside
from autograder.judge.evaluate import Evaluation
from autograder.mutations.own_text import cell_of, own_text
from autograder.sandbox.guest.messenger import loopback

__all__ = ["GRACE", "SEARCH_SECONDS", "SearchStopped", "judged"]

SEARCH_SECONDS = 1.6
"""How long a slip is looked for; the student waits."""
GRACE = 0.3
"""How much longer the last edit may take."""


class SearchStopped(KeyboardInterrupt):
    """The stop button was pressed while the slip was looked for: everything else is known.

    Attributes:
        verdict: without a slip.
    """

    def __init__(self, verdict: Verdict) -> None:
        super().__init__("the search was stopped")
        self.verdict = verdict


def judged(
    exercise: Exercise, answer: Any, call: Call | None = None, is_elsewhere: Callable[[str], bool] | None = None
) -> Verdict:
    """The verdict on the visible cases.

    Args:
        exercise: what was asked.
        answer: the student's.
        call: calls it; without one it may take as long as it likes.
        is_elsewhere: says of a name that is not defined whether a cell that has not run defines it: then no slip of
            the answer is to blame.

    Raises:
        SearchStopped: the stop button was pressed while the slip was looked for.
    """
    call = call or loopback(answer)
    if exercise.rules.forbids and isinstance(call, Forbidding):
        call = call.forbidding(exercise.rules.forbids)
    evaluation = Evaluation(exercise, None)
    evaluation.try_visible(call)
    evaluation.try_hidden(call)
    if evaluation.all_passed:
        return evaluation.verdict()
    began = time.monotonic()
    evaluation.diagnosis()  # before the fork, where it would be lost
    left = SEARCH_SECONDS - (time.monotonic() - began)
    text = own_text(cell_of(answer), exercise.name)
    elsewhere = is_elsewhere is not None and any(map(is_elsewhere, evaluation.missing))
    if text and not elsewhere and exercise.slip_steps and left > 0:
        try:
            evaluation.slip = aside(partial(evaluation.explain, call, text, left), left + GRACE)
        except KeyboardInterrupt:
            raise SearchStopped(evaluation.verdict()) from None
    return evaluation.verdict()
