"""Makes an assignment ready for students: notebooks in step, a secret for the hidden cases, cells in the gradebook."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from pathlib import Path

import nbformat

from autograder.pipeline.authoring.build import out_of_step
from autograder.pipeline.course import Course, CourseError
from autograder.pipeline.files import write_atomically
from autograder.pipeline.records.gradebook import GradebookWriter

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


def make_secret(course: Course) -> None:
    """Draws the course's secret once; an existing one is kept, since a new one would change the hidden cases."""
    if course.secret.exists():
        return
    write_atomically(course.secret, secrets.token_bytes(32))
    course.secret.chmod(0o600)
