"""Writes the class report from everything graded so far, by the judge and by hand."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from autograder.pipeline.course import Course
from autograder.pipeline.files import write_atomically
from autograder.pipeline.records.final_scores import final_grading

__all__ = ["write_class_report"]


def write_class_report(course: Course, assignments: Iterable[str], output: Path | None) -> Path:
    """Writes `report.html` into the class's folder, beside the feedback pages it links to; returns its path.

    Raises:
        CourseError: nothing is graded yet, or the file cannot be written.
    """
    from autograder.reports.class_page import class_page

    path = output or course.classroom / "report.html"
    linked = path.resolve().parent == course.classroom and course.feedback.is_dir()
    write_atomically(path, class_page(final_grading(course, assignments), feedback_links=linked))
    return path
