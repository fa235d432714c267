"""The calls that notebooks make, above all `check("linear.scores", scores)`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from autograder import local_progress

if TYPE_CHECKING:
    from autograder.exercise import Case
    from autograder.machine import Findings
    from autograder.reports.progress import CoursePlan, ProgressReport
    from autograder.reports.student import Report
    from course_lib.viz.diagram import Diagram

__all__ = ["case", "check", "course_map", "course_plan", "preview", "progress", "run_case", "this_machine"]


def _watch_kernel() -> None:
    """In a Jupyter kernel, follows from now on what its cells do: a check tells the student which of them failed."""
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = get_ipython() if get_ipython is not None else None
    if hasattr(shell, "kernel"):
        from autograder.notebook_state.kernel import watch

        watch(shell)


_watch_kernel()


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
        KeyboardInterrupt: the stop button was pressed; what was found until then is shown.
    """
    from autograder.sandbox.guest import messenger

    judge = messenger.current()
    if judge is not None:
        judge.serve(exercise_id, answer)
        return None
    from autograder.local_check import local_check

    return local_check(exercise_id, answer)


def preview(exercise_id: str, answer: Any, hints: int = 0) -> Report | None:
    """The report of a check on somebody's answer, without remembering it: to show what reports look like.

    `progress()` knows nothing of it, and under the grader nothing happens.

    Args:
        exercise_id: `<topic>.<function>`.
        answer: the function, class or value to be judged.
        hints: how many steps of help are open.

    Raises:
        LookupError: no exercise has that id.
    """
    from autograder.sandbox.guest import messenger

    if messenger.current() is not None:
        return None
    from autograder.local_check import shown_only

    report = shown_only(exercise_id, answer)
    return report.hint(hints) if hints else report


def case(exercise_id: str, name: str) -> Case:
    """One of the cases that a check tries, with its `args` and `kwargs`: to call a function on it oneself.

    Raises:
        LookupError: no exercise has that id, or none of its visible cases that name.
    """
    from autograder.exercises import find
    from autograder.judge.cases import visible_cases

    cases = {each.name: each for each in visible_cases(find(exercise_id))}
    if name not in cases:
        raise LookupError(f"{exercise_id} has no case called {name!r}; there are {', '.join(map(repr, cases))}")
    return cases[name]


def run_case(exercise_id: str, name: str, answer: Any) -> Any:
    """Calls an answer as a check does on one of its cases, without judging it: prints are seen, and errors are raised.

    It is for cases whose inputs are no plain values, but a model, a loader or a chip that is lent. Nothing happens
    under the grader.

    Args:
        exercise_id: `<topic>.<function>`.
        name: the case, as the report calls it.
        answer: what would be checked.

    Returns:
        What the answer returned when it was called last.

    Raises:
        LookupError: no exercise has that id, or none of its visible cases that name.
        Exception: what the answer raised.
    """
    from autograder.sandbox.guest import messenger

    if messenger.current() is not None:
        return None
    from autograder.exercises import find
    from autograder.judge.answer import called_as_observed

    return called_as_observed(find(exercise_id), case(exercise_id, name), answer)


def progress() -> ProgressReport | None:
    """Shows how much of this notebook and of the course is done, from the latest checks; nothing under the grader."""
    from autograder.sandbox.guest import messenger

    if messenger.current() is not None:
        return None
    from autograder.reports.progress import ProgressReport

    return ProgressReport(local_progress.rows())


def course_plan() -> CoursePlan | None:
    """Shows the notebooks of the course with links, hours, needs and what is done; nothing under the grader.

    It loads no exercise, so it works where packages are missing.
    """
    from autograder.sandbox.guest import messenger

    if messenger.current() is not None:
        return None
    from autograder.reports.progress import CoursePlan

    return CoursePlan(local_progress.rows(with_points=False))


def course_map() -> Diagram | None:
    """Draws the notebooks of the course with an arrow from each to those that build on it; nothing under the grader."""
    plan = course_plan()
    if plan is None:
        return None
    from course_lib.viz.course_map import course_map

    return course_map(plan.rows)


def this_machine() -> Findings | None:
    """Says in one line each what this machine has of what the course needs; nothing under the grader."""
    from autograder.sandbox.guest import messenger

    if messenger.current() is not None:
        return None
    from autograder.machine import this_machine

    return this_machine()
