"""The one call that notebooks make: `check("linear.scores", scores)`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from autograder import local_progress

if TYPE_CHECKING:
    from autograder.reports.progress import ProgressReport
    from autograder.reports.student import Report

__all__ = ["check", "progress"]


def check(exercise_id: str, answer: Any) -> Report | None:
    """Judges an answer on the visible cases and draws what is right, what is wrong and what to do next.

    Under the grader nothing is judged here: the call only connects the trusted judge to the answer. Under stock
    nbgrader (its Validate button) a check that does not pass raises, so that nothing scores without being judged.

    Args:
        exercise_id: `<topic>.<function>`, for example `"linear.scores"`.
        answer: the function, class or value asked for.

    Raises:
        LookupError: no exercise has that id.
        AssertionError: under stock nbgrader, if a case fails.
    """
    from autograder.sandbox.guest import messenger

    judge = messenger.current()
    if judge is not None:
        judge.serve(exercise_id, answer)
        return None
    from autograder.exercises import find
    from autograder.local_judge import judged
    from autograder.reports.student import Report

    exercise = find(exercise_id)
    verdict = judged(exercise, answer)
    if os.environ.get("NBGRADER_EXECUTION"):
        if verdict.status != "passed":
            raise AssertionError(f"{exercise_id}: {verdict.message}")
        return None
    local_progress.remember(verdict)
    return Report(verdict, local=True, groups=exercise.groups)


def progress() -> ProgressReport | None:
    """Shows how much of this notebook and of the course is done, from the latest checks; nothing under the grader."""
    from autograder.sandbox.guest import messenger

    if messenger.current() is not None:
        return None
    from autograder.reports.progress import ProgressReport

    return ProgressReport(local_progress.rows())
