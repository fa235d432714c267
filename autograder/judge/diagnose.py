"""Names the mistake: which known misconception gives the same answers as the student's function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from autograder.calls import Outcome
from autograder.exercise import Case, Exercise, Misconception
from autograder.judge.answer import apply_observed
from autograder.judge.compare import Match, compare, precision
from autograder.judge.devices import case_on_device, on_host_device
from autograder.judge.rules import broken_rule
from autograder.judge.trial import Trial

__all__ = ["diagnose"]


def diagnose(exercise: Exercise, trials: Sequence[Trial], device: str = "cpu") -> Misconception | None:
    """The misconception that explains the most failed cases; None if none is likely.

    The cause that is named must not be wrong: it has to explain at least three quarters of the failed cases and agree
    with at least half of the passed ones. Among equals the one that agrees with more of the passed cases wins, then the
    one listed first.
    """
    called = [trial for trial in trials if trial.case is not None and trial.outcome is not None]
    passed = [trial for trial in called if trial.result.passed]
    failed = [trial for trial in called if not trial.result.passed and trial.result.kind != "not_written"]
    if not failed:
        return None
    best: tuple[int, int] = (0, 0)
    chosen = None
    for misconception in exercise.misconceptions:
        agrees = partial(_agrees, exercise, misconception, device)
        agreed = _count(agrees, failed, max(-(-3 * len(failed) // 4), best[0]))
        if agreed is None:
            continue
        alike = _count(agrees, passed, -(-len(passed) // 2))
        if alike is not None and (agreed, alike) > best:
            best, chosen = (agreed, alike), misconception
    return chosen


def _count(agrees: Callable[[Trial], bool], trials: Sequence[Trial], least: int) -> int | None:
    """How many trials it agrees with; None as soon as `least` is out of reach: each may take a whole training run."""
    missed = 0
    for trial in trials:
        missed += not agrees(trial)
        if len(trials) - missed < least:
            return None
    return len(trials) - missed


def _agrees(exercise: Exercise, misconception: Misconception, device: str, trial: Trial) -> bool:
    case, outcome = trial.case, trial.outcome
    assert case is not None
    assert outcome is not None
    if misconception.shows is not None:
        return outcome.raised is None and _shows(misconception.shows, case, outcome)
    there = case_on_device(case, device)
    wrong = apply_observed(exercise, misconception.wrong, case, there.args, there.kwargs)
    if wrong.raised is not None or outcome.raised is not None:
        return _said(wrong) == _said(outcome)
    match = Match(case.tolerance or exercise.tolerance, precision((case.args, case.kwargs)))
    try:
        if compare(wrong.value, outcome.value, match) is not None:
            return False
    except TypeError:  # the misconception returns something that no reference returns
        return type(wrong.value) is type(outcome.value)
    return _rule(exercise, trial, wrong) == _rule(exercise, trial, outcome)


def _shows(shows: Callable[[Case, Any], bool], case: Case, outcome: Outcome) -> bool:
    try:
        return bool(shows(case, on_host_device(outcome.value)))
    except Exception:  # the value is the student's: anything may happen
        return False


def _said(outcome: Outcome) -> tuple[str, str]:
    return (outcome.raised.kind, outcome.raised.message) if outcome.raised is not None else ("", "")


def _rule(exercise: Exercise, trial: Trial, outcome: Outcome) -> str:
    assert trial.case is not None
    broken = broken_rule(exercise, trial.case, outcome)
    return broken.kind if broken is not None else ""
