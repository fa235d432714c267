"""Makes an assignment ready for students: notebooks in step, a secret for the hidden cases, cells in the gradebook."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import nbformat

from autograder.pipeline.authoring.build import out_of_step
from autograder.pipeline.course import Course, CourseError
from autograder.pipeline.records.gradebook import GradebookWriter
from autograder.pipeline.secret import make_secret

__all__ = ["release"]


def release(course: Course, assignments: Iterable[str]) -> list[Path]:
    """Registers the assignments in the gradebook and returns the notebooks to hand out.

    Raises:
        CourseError: a notebook is out of step with its source; then nothing is registered.
    """
    names = list(assignments)
    problems = out_of_step(course, names)
    if problems:
        raise CourseError(problems[0])
    make_secret(course)
    with GradebookWriter(course.gradebook_url, course_id=course.course_id) as gradebook:
        for name in names:
            gradebook.register(name, nbformat.reads(course.release(name).read_text("utf-8"), as_version=4))
    return [course.release(name) for name in names]
