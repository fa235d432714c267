"""The course's secret, which seeds the hidden cases."""

from __future__ import annotations

import secrets

from autograder.pipeline.course import Course, CourseError
from autograder.pipeline.files import write_atomically

__all__ = ["make_secret", "read_secret"]


def make_secret(course: Course) -> None:
    """Draws the course's secret once; an existing one is kept, since a new one would change the hidden cases."""
    if course.secret.exists():
        return
    write_atomically(course.secret, secrets.token_bytes(32))
    course.secret.chmod(0o600)


def read_secret(course: Course) -> bytes:
    """The course's secret.

    Raises:
        CourseError: there is none yet.
    """
    try:
        return course.secret.read_bytes()
    except OSError:
        raise CourseError(
            f"{course.secret} does not exist: run autograder release, which makes the course's secret"
        ) from None
