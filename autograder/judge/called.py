"""The first call that an observer made of an answer, as a case of its own: a plain call that can be tried quickly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from autograder.exercise import Case, Exercise
from autograder.judge.answer import PLAIN
from autograder.judge.compare import Match, compare
from autograder.judge.prepared import Ready
from autograder.judge.slips import OwnText
from autograder.judge.tensors import is_array
from autograder.judge.trial import Trial

__all__ = ["as_called"]


def as_called(exercise: Exercise, trial: Trial, own: OwnText) -> Ready | None:
    """What a case called the answer with first, if that was plain data, the reference knows the answer, and it differs.

    Args:
        exercise: what was asked.
        trial: a failing case.
        own: the answer's text.
    """
    case, outcome = trial.case, trial.outcome
    if case is None or outcome is None:
        return None
    args, kwargs = outcome.called if outcome.called is not None else (case.args, case.kwargs)
    if not args or not _is_plain((args, dict(kwargs))):
        return None
    called = Case(f"{case.name}, the first call", args, dict(kwargs), group=case.group, tolerance=case.tolerance)
    ready = Ready(replace(exercise, through=None, accepts=None), called)
    try:
        expected = ready.expected.value
        if not _is_plain(expected) or expected is None:
            return None
        match = Match(case.tolerance or exercise.tolerance, ready.precision)
        done = own.call(own.text)(args, kwargs, most=ready.most)
        wrong = done.raised is not None or compare(expected, done.value, match) is not None
    except Exception:  # the reference needs its observer
        return None
    return ready if wrong else None


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    return isinstance(value, PLAIN) or is_array(value)
