"""Writes the feedback pages for everything graded so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import nbformat

from autograder.calls import Status
from autograder.pipeline.course import Course, CourseError
from autograder.pipeline.publishing.feedback import write_feedback
from autograder.pipeline.records.verdict_store import class_grading
from autograder.reports.class_front import class_fronts

__all__ = ["feedback_for_class"]


def feedback_for_class(
    course: Course, assignments: Iterable[str], student: str | None, progress: Callable[[int, int], None] | None = None
) -> list[Path]:
    """One page for each submission that was handed in; none for missing ones.

    Raises:
        CourseError: nothing is graded yet, or not for this student.
    """
    grading = class_grading(course, assignments)
    handed_in = [
        graded
        for graded in grading.submissions
        if student in (None, graded.student)
        and not all(verdict.status is Status.MISSING for verdict in graded.exercises)
    ]
    if not handed_in:
        raise CourseError(f"nothing from {student or 'the class'} is graded yet: run autograder grade")
    drawn = {
        name: class_fronts([graded for graded in grading.submissions if graded.assignment == name])
        for name in {graded.assignment for graded in handed_in}
    }
    pages = []
    for done, graded in enumerate(handed_in, start=1):
        path = course.autograded / graded.student / graded.assignment / f"{graded.assignment}.ipynb"
        notebook = nbformat.reads(path.read_text("utf-8"), as_version=4)
        pages.append(
            write_feedback(course, graded.student, graded.assignment, notebook, graded, drawn[graded.assignment])
        )
        if progress is not None:
            progress(done, len(handed_in))
    return pages
