"""A student's own check: the state of the notebook first, then the visible cases, with a limit on each call."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from autograder import local_progress
from autograder.calls import Status
from autograder.exercise import Exercise, Verdict
from autograder.exercises import ASSIGNMENTS, assignment_of, find
from autograder.judge.evaluate import stopped
from autograder.local_judge import SearchStopped, judged
from autograder.notebook_state import kernel
from autograder.notebook_state.stale import Trouble
from autograder.reports.student import Report
from autograder.sandbox.guest import messenger

__all__ = ["local_check", "seconds_of", "shown_only"]

_USUAL_SECONDS = Exercise.seconds
"""Of an exercise that asks for no more time."""


def local_check(exercise_id: str, answer: Any) -> Report | None:
    """Judges an answer in this process; see `autograder.check.check`."""
    exercise = find(exercise_id)
    trouble = kernel.older_answer(answer, exercise.name)
    if trouble is not None:
        return _told(exercise, _instead(exercise, trouble))
    call, assignment = messenger.loopback(answer, seconds_of(exercise)), assignment_of(exercise.id)
    is_stopped = False
    try:
        verdict = judged(exercise, answer, call, lambda name: kernel.missing_name(name, assignment) is not None)
    except SearchStopped as stop:
        verdict, is_stopped = stop.verdict, True
    except KeyboardInterrupt:
        raise kernel.Interrupted("the check was stopped") from None
    verdict = _with_state(exercise, verdict)
    report = _told(exercise, verdict)
    if is_stopped or any(watch.by_hand for watch in call.watches):
        kernel.show(report)
        raise kernel.Interrupted("the check was stopped")
    return report


def shown_only(exercise_id: str, answer: Any) -> Report:
    """Judges an answer in this process and remembers nothing; see `autograder.check.preview`."""
    exercise = find(exercise_id)
    verdict = judged(exercise, answer, messenger.loopback(answer, seconds_of(exercise)))
    return _report(exercise, verdict)


def seconds_of(exercise: Exercise) -> float:
    """How long one call of an answer may take: what the course says, or what a long training is given."""
    usual = ASSIGNMENTS.table.help.seconds
    return max(usual, exercise.seconds) if exercise.seconds > _USUAL_SECONDS else usual


def _told(exercise: Exercise, verdict: Verdict) -> Report | None:
    """The report; under stock nbgrader an error in its place."""
    if os.environ.get("NBGRADER_EXECUTION"):
        if verdict.status != "passed":
            raise AssertionError(f"{exercise.id}: {verdict.message}")
        return None
    if verdict.cases:
        local_progress.remember(verdict)
    return _report(exercise, verdict)


def _report(exercise: Exercise, verdict: Verdict) -> Report:
    ask = f'check("{exercise.id}", {exercise.name}).hint({{}})'
    return Report(verdict, local=True, groups=exercise.groups, ask=ask)


def _with_state(exercise: Exercise, verdict: Verdict) -> Verdict:
    """The verdict, unless the answer needs a name of a cell that has not run: then that alone."""
    for name in dict.fromkeys(case.missing for case in verdict.cases if case.missing):
        trouble = kernel.missing_name(name, assignment_of(exercise.id))
        if trouble is not None:
            return _instead(exercise, trouble)
    return verdict


def _instead(exercise: Exercise, trouble: Trouble) -> Verdict:
    """A verdict without cases: nothing was judged."""
    verdict = stopped(exercise.id, exercise.points, Status.ERROR, trouble.message)
    return replace(verdict, cure=trouble.cure)
