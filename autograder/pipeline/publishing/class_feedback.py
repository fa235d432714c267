"""Writes the feedback pages for everything graded so far; what is wrong with one notebook stays in its page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import nbformat

from autograder.calls import Status
from autograder.exercise import Graded
from autograder.pipeline.course import Course, CourseError
from autograder.pipeline.publishing.feedback import NoGrades, write_feedback
from autograder.pipeline.publishing.plain_feedback import write_plain_feedback
from autograder.pipeline.records.final_scores import comments_on, final_graded
from autograder.pipeline.records.verdict_store import class_grading
from autograder.reports.class_front import class_fronts
from autograder.reports.words import one_line

__all__ = ["Pages", "feedback_for_class"]


@dataclass(frozen=True)
class Pages:
    """The pages of a class.

    Attributes:
        written: their files.
        plain: a line for each that holds plain text because its notebook cannot be drawn.
        left_out: a line for each submission that the gradebook does not have.
    """

    written: tuple[Path, ...]
    plain: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def feedback_for_class(
    course: Course, assignments: Iterable[str], student: str | None, progress: Callable[[int, int], None] | None = None
) -> Pages:
    """One page for each submission that was handed in; none for missing ones.

    Raises:
        CourseError: nothing is graded yet, or not for this student; or the gradebook or a file is out of reach, or the
            gradebook has none of them.
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
    pages, plain, left_out = [], [], []
    for done, graded in enumerate(handed_in, start=1):
        try:
            path, fault = _page(course, graded, drawn[graded.assignment])
        except NoGrades as error:
            left_out.append(str(error))
            continue
        pages.append(path)
        if fault:
            plain.append(f"{graded.student}, {graded.assignment}: the page has plain text only ({fault})")
        if progress is not None:
            progress(done, len(handed_in))
    if not pages:
        raise CourseError(left_out[0])
    return Pages(tuple(pages), tuple(plain), tuple(left_out))


def _page(course: Course, graded: Graded, fronts: dict[str, str]) -> tuple[Path, str]:
    """Writes one page; returns its file and what kept the notebook from being drawn."""
    text = ""
    try:
        path = course.autograded / graded.student / graded.assignment / f"{graded.assignment}.ipynb"
        text = path.read_text("utf-8")
        notebook = nbformat.reads(text, as_version=4)
        return write_feedback(course, graded.student, graded.assignment, notebook, graded, fronts), ""
    except CourseError:  # the gradebook or the disk: that is everyone's trouble
        raise
    except Exception as error:
        fault = one_line(f"{type(error).__name__}: {error}", 160)
    final, comments = final_graded(course, graded), comments_on(course, graded)
    return write_plain_feedback(course, final, _sources(text), fault, comments), fault


def _sources(text: str) -> list[str]:
    """The texts of a notebook's cells, as far as they can be read."""
    with suppress(ValueError, RecursionError, TypeError, AttributeError, KeyError):
        return ["".join(cell["source"]) for cell in json.loads(text)["cells"]]
    return [text]
