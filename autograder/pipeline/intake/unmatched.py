"""What belongs to nobody waits in `classroom/unmatched/<name>-<digest>/` until someone says whose it is.

`collect classroom/unmatched/<name>-<digest> --student ID` takes it from there with all that was known of it,
which is in `why.json`.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

import msgspec

from autograder.pipeline.course import Course
from autograder.pipeline.files import write_atomically
from autograder.pipeline.intake.attempts import Attempt, Content

__all__ = ["RECORD", "Waiting", "facts_of", "let_go", "set_aside", "waiting_place"]

MOST = 1_000
RECORD = "why.json"
_LARGEST_RECORD = 100_000


class Waiting(msgspec.Struct, frozen=True):
    """A notebook of nobody's: why, and what is known of it; the attempt's `student` is empty."""

    reason: str
    attempt: Attempt


def waiting_place(course: Course, attempt: Attempt) -> Path:
    """Where a notebook waits, the same whenever it is collected."""
    label = re.sub(r"[^\w.@-]+", "_", attempt.name or attempt.login or attempt.number or "nobody")[:40].strip("._")
    mark = hashlib.sha256(f"{attempt.assignment}\0{attempt.path}\0{attempt.digest}".encode("utf-8", "replace"))
    return course.unmatched / f"{label or 'nobody'}-{mark.hexdigest()[:10]}"


def set_aside(course: Course, waiting: Waiting, content: Content) -> bool:
    """Keeps a notebook that belongs to nobody; False if too many wait already.

    Raises:
        CourseError: the folder cannot be written.
    """
    place = waiting_place(course, waiting.attempt)
    if not place.exists() and course.unmatched.is_dir() and len(list(course.unmatched.iterdir())) >= MOST:
        return False
    for name, data in {f"{waiting.attempt.assignment}.ipynb": content.notebook, **content.pictures}.items():
        write_atomically(place / name, data)
    write_atomically(place / RECORD, msgspec.json.format(msgspec.json.encode(waiting), indent=2) + b"\n")
    return True


def facts_of(course: Course, source: Path) -> Waiting | None:
    """What is known of a notebook that waits, where the source is one."""
    place = (source if source.is_dir() else source.parent).resolve()
    if place.parent != course.unmatched.resolve():
        return None
    try:
        with (place / RECORD).open("rb") as file:
            return msgspec.json.decode(file.read(_LARGEST_RECORD), type=Waiting)
    except (OSError, msgspec.DecodeError):
        return None


def let_go(course: Course, attempt: Attempt) -> None:
    """Ends the waiting of a notebook that has found its student."""
    place = waiting_place(course, attempt)
    if place.is_dir():
        shutil.rmtree(place, ignore_errors=True)
