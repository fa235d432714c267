"""What is in `submitted/`, where `grade` looks for it: which attempt that is, and how another takes its place."""

from __future__ import annotations

import hashlib
from datetime import UTC

from autograder.pipeline.course import Course
from autograder.pipeline.files import write_atomically
from autograder.pipeline.intake.attempts import Attempt, Content, attempts_of, folder_of, keep
from autograder.pipeline.moments import MomentError, read_moment, written

__all__ = ["current", "put"]


def current(course: Course, student: str, assignment: str) -> Attempt | None:
    """The attempt that `grade` would take; work that came another way is one whose time is that of the file."""
    path = course.submission(student, assignment)
    if not path.is_file():
        return None
    data = path.read_bytes()
    notebook = hashlib.sha256(data).hexdigest()
    known = [one for one in attempts_of(course, student, assignment) if one.notebook == notebook]
    there = [one for one in known if all((path.parent / name).is_file() for name in one.pictures)]
    if there or known:
        return (there or known)[-1]
    moment = None
    stamp = path.parent / "timestamp.txt"
    if stamp.is_file():
        try:
            with stamp.open("rb") as file:
                moment = read_moment(file.read(200).decode("utf-8", "replace").strip(), without_zone=UTC)
        except (OSError, MomentError):
            moment = None
    return Attempt(
        student,
        assignment,
        Content(data).digest,
        notebook,
        source=course.submitted.name,
        path=f"{student}/{assignment}/{path.name}",
        submitted_at=moment,
        clock=path.stat().st_mtime,
        time_source="timestamp.txt" if moment else "",
        collected=0.0,
    )


def put(course: Course, newest: Attempt, before: Attempt | None) -> None:
    """Puts an attempt where `grade` looks for it: notebook, pictures, and the time if it is known.

    Work that came another way is kept as an attempt before it is replaced.

    Raises:
        CourseError: the folder cannot be written.
    """
    place = course.submission(newest.student, newest.assignment)
    if before is not None and before.digest != newest.digest and not folder_of(course, before).is_dir():
        keep(course, before, Content(place.read_bytes()))
    kept = folder_of(course, newest)
    for name in (place.name, *newest.pictures):
        data = (kept / name).read_bytes()
        if not (place.parent / name).is_file() or (place.parent / name).read_bytes() != data:
            write_atomically(place.parent / name, data)
    for name in set(before.pictures if before is not None else ()) - set(newest.pictures):
        (place.parent / name).unlink(missing_ok=True)
    stamp = place.parent / "timestamp.txt"
    if newest.submitted_at is not None:
        write_atomically(stamp, written(newest.submitted_at))
    elif before is not None and before.digest != newest.digest:
        stamp.unlink(missing_ok=True)
