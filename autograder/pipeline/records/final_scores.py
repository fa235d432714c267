"""The scores that count: the gradebook's, including manual grades and late penalties."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from nbgrader.api import Gradebook, MissingEntry

from autograder.exercise import ClassGrading, Graded, Verdict
from autograder.pipeline.cells import checked_name
from autograder.pipeline.course import Course
from autograder.pipeline.records.database import open_gradebook
from autograder.pipeline.records.verdict_store import class_grading

__all__ = ["comments_on", "final_graded", "final_grading", "waiting"]


def final_grading(course: Course, assignments: Iterable[str]) -> ClassGrading:
    """Everything graded so far, with the gradebook's points in place of the judge's where they differ.

    Raises:
        CourseError: nothing is graded yet, or the gradebook cannot be read.
    """
    grading = class_grading(course, assignments)
    with open_gradebook(course.gradebook_url) as book:
        return replace(grading, submissions=tuple(_final(book, one) for one in grading.submissions))


def final_graded(course: Course, graded: Graded) -> Graded:
    """One submission, with the gradebook's points in place of the judge's where they differ.

    Raises:
        CourseError: the gradebook cannot be read.
    """
    with open_gradebook(course.gradebook_url) as book:
        return _final(book, graded)


def comments_on(course: Course, graded: Graded) -> dict[str, str]:
    """What a person wrote about a submission, by grade id.

    Raises:
        CourseError: the gradebook cannot be read.
    """
    with open_gradebook(course.gradebook_url) as book:
        try:
            notebook = book.find_submission_notebook(graded.assignment, graded.assignment, graded.student)
        except MissingEntry:
            return {}
        return {comment.name: str(comment.comment) for comment in notebook.comments if comment.comment}


def waiting(course: Course, grading: ClassGrading) -> int:
    """How many submissions still wait to be graded by hand."""
    with open_gradebook(course.gradebook_url) as book:
        return sum(_waits(book, one) for one in grading.submissions)


def _waits(book: Gradebook, graded: Graded) -> bool:
    try:
        return bool(book.find_submission(graded.assignment, graded.student).needs_manual_grade)
    except MissingEntry:
        return False


def _final(book: Gradebook, graded: Graded) -> Graded:
    try:
        notebook = book.find_submission_notebook(graded.assignment, graded.assignment, graded.student)
    except MissingEntry:  # nothing was handed in
        return graded
    given = {checked_name(grade.name): grade.score for grade in notebook.grades}
    verdicts = tuple(_with_points(verdict, given) for verdict in graded.exercises)
    off = notebook.late_submission_penalty
    flags = (*graded.flags, f"points deducted for lateness: {off:g}") if off else graded.flags
    return replace(graded, score=max(0.0, notebook.score - (off or 0.0)), flags=flags, exercises=verdicts)


def _with_points(verdict: Verdict, given: dict[str, float]) -> Verdict:
    points = given.get(verdict.id.partition(".")[2])
    return verdict if points is None else replace(verdict, points=float(points))
