"""What is kept of a grading: one file per submission, with the judge's full verdicts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.exercise import ClassGrading, Graded
from autograder.pipeline.course import Course, CourseError
from autograder.pipeline.files import write_atomically
from autograder.reports.store import from_plain, plain

__all__ = ["StoredVerdicts", "class_grading", "combine", "load_verdicts", "save_verdicts"]


@dataclass(frozen=True)
class StoredVerdicts:
    """One graded submission, what it was graded from, and where."""

    graded: Graded
    fingerprint: str
    isolation: str
    device: str


def save_verdicts(course: Course, one: StoredVerdicts) -> None:
    """Writes a submission's verdicts; the last step of its grading.

    Raises:
        CourseError: the folder cannot be written.
    """
    record = {"fingerprint": one.fingerprint, "isolation": one.isolation, "device": one.device}
    text = json.dumps(record | {"graded": plain(one.graded)})  # on one line: ten times as fast
    write_atomically(_path(course, one.graded.student, one.graded.assignment), text)


def load_verdicts(course: Course, student: str, assignment: str) -> StoredVerdicts | None:
    """What was kept of a submission, or None if there is nothing readable."""
    try:
        record: dict[str, Any] = json.loads(_path(course, student, assignment).read_text("utf-8"))
        return StoredVerdicts(
            from_plain(record["graded"]), str(record["fingerprint"]), str(record["isolation"]), str(record["device"])
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def combine(found: Iterable[StoredVerdicts | None]) -> ClassGrading:
    """Several submissions as one grading, which names every isolation and device that was used."""
    there = [one for one in found if one is not None]
    return ClassGrading(
        isolation=", ".join(sorted({one.isolation for one in there} - {""})),
        device=", ".join(sorted({one.device for one in there})),
        submissions=tuple(one.graded for one in there),
    )


def class_grading(course: Course, assignments: Iterable[str]) -> ClassGrading:
    """Everything graded so far.

    Raises:
        CourseError: nothing is graded yet.
    """
    grading = combine(
        load_verdicts(course, path.stem, assignment)
        for assignment in assignments
        for path in sorted((course.verdicts / assignment).glob("*.json"))
    )
    if not grading.submissions:
        raise CourseError(f"nothing is graded yet in {course.classroom}: run autograder grade")
    return grading


def _path(course: Course, student: str, assignment: str) -> Path:
    return course.verdicts / assignment / f"{student}.json"
