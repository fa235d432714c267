"""Every attempt of every student, kept in `classroom/attempts/<student>/<assignment>/<moment>-<digest>/`.

An attempt is the notebook, the pictures beside it, and `attempt.json`, which says where it came from and when. The
newest is also in `submitted/`. The same bytes are kept once, and a student's attempts of an assignment are bounded.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cmp_to_key
from pathlib import Path
from typing import Literal

import msgspec

from autograder.pipeline.course import Course
from autograder.pipeline.files import write_atomically

__all__ = ["Attempt", "Content", "attempts_of", "folder_of", "is_newer", "keep", "latest", "note", "thin_out"]

MOST = 50
MOST_BYTES = 500_000_000
_RECORD = "attempt.json"
_TOLD = ("name", "login", "email", "submitted_at", "local", "time_source", "late", "late_source")
_LARGEST_RECORD = 100_000


@dataclass(frozen=True)
class Content:
    """What a student handed in: the notebook, and the pictures beside it by their paths from there."""

    notebook: bytes
    pictures: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Changes with any byte of it."""
        whole = hashlib.sha256(hashlib.sha256(self.notebook).digest())
        for name, data in sorted(self.pictures.items()):
            whole.update(name.encode("utf-8", "surrogateescape") + b"\0" + hashlib.sha256(data).digest())
        return whole.hexdigest()


@dataclass(frozen=True)
class Attempt:
    """One piece of work as it was handed in.

    Attributes:
        digest: that of its content; `notebook` is the notebook's alone.
        source: the file or folder that was collected, and `path` within it.
        platform: what named it; empty for a plain folder.
        name, login, email, number: whose it is, as the platform says. `per_assignment`: for each assignment the
            platform draws another number.
        submitted_at: when it was handed in, in UTC; None where nobody says so with a time zone.
        local: the same on the platform's clock, whose zone is unknown.
        clock: when the file was written, in seconds of this machine's clock; for order alone.
        time_source: who says so.
        sequence: the platform's running number of uploads; `copy` the number that it or a browser appended.
        late: what the platform says of it.
        pictures: the files beside the notebook, by their paths from there.
        collected: when it was collected, in seconds since the epoch.
        folder: the name of the folder that it is kept in; empty before it is kept.
    """

    student: str
    assignment: str
    digest: str
    notebook: str
    source: str = ""
    path: str = ""
    platform: str = ""
    name: str = ""
    login: str = ""
    email: str = ""
    number: str = ""
    per_assignment: bool = False
    submitted_at: datetime | None = None
    local: datetime | None = None
    clock: float | None = None
    time_source: str = ""
    sequence: int | None = None
    copy: int = 0
    late: bool | Literal["unknown"] = "unknown"
    late_source: str = ""
    pictures: tuple[str, ...] = ()
    collected: float = field(default_factory=time.time)
    folder: str = ""
    schema: int = 1

    @property
    def seconds(self) -> float | None:
        """When it came, as well as it is known, for order alone."""
        if self.submitted_at is not None:
            return self.submitted_at.timestamp()
        try:
            return self.local.timestamp() if self.local is not None else self.clock
        except (ValueError, OverflowError, OSError):
            return self.clock

    def is_again(self, other: Attempt) -> bool:
        """Whether it is the very attempt that is known already: the same bytes, and no other upload of them."""
        if self.digest != other.digest:
            return False
        ours, theirs = (self.sequence, self.submitted_at, self.local), (other.sequence, other.submitted_at, other.local)
        pairs = ((one, two) for one, two in zip(ours, theirs, strict=True) if one is not None and two is not None)
        return all(one == two for one, two in pairs)

    def told_by(self, other: Attempt) -> Attempt:
        """This attempt with what another account of it says of person, time and lateness."""
        known = {name: value for name in _TOLD if (value := getattr(other, name)) not in ("", None, "unknown")}
        return replace(self, **known)


def attempts_of(course: Course, student: str, assignment: str) -> tuple[Attempt, ...]:
    """Everything that a student handed in for an assignment and `collect` has seen, the oldest first."""
    found = []
    for record in sorted((course.attempts / student / assignment).glob(f"*/{_RECORD}")):
        with suppress(OSError, msgspec.DecodeError), record.open("rb") as file:
            one = msgspec.json.decode(file.read(_LARGEST_RECORD), type=Attempt)
            found.append(replace(one, folder=record.parent.name))
    return tuple(sorted(found, key=cmp_to_key(_compare)))


def folder_of(course: Course, attempt: Attempt) -> Path:
    """Where an attempt is kept."""
    if attempt.folder:
        return course.attempts / attempt.student / attempt.assignment / attempt.folder
    moment = "undated"
    with suppress(ValueError, OverflowError, OSError):
        if attempt.submitted_at is not None:
            moment = attempt.submitted_at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        elif attempt.seconds is not None:
            moment = datetime.fromtimestamp(attempt.seconds).strftime("%Y%m%dT%H%M%S")
    return course.attempts / attempt.student / attempt.assignment / f"{moment}-{attempt.digest[:12]}"


def is_newer(attempt: Attempt, other: Attempt) -> bool:
    """Whether an attempt came after another; of two whose times are equal or unknown, the one collected later."""
    return _compare(attempt, other) > 0


def latest(attempts: Iterable[Attempt]) -> Attempt:
    """The newest of some attempts."""
    first, *others = attempts
    for other in others:
        first = other if is_newer(other, first) else first
    return first


def _compare(one: Attempt, two: Attempt) -> int:
    """Negative if `one` is older: by the platform's own count, then by time, then by appended numbers."""
    pairs: list[tuple[float | None, float | None]] = []
    if one.platform == two.platform and one.per_assignment == two.per_assignment:
        pairs.append((one.sequence, two.sequence))
    pairs += [(one.seconds, two.seconds), (one.copy, two.copy), (one.collected, two.collected)]
    for first, second in pairs:
        if first is not None and second is not None and first != second:
            return -1 if first < second else 1
    return 0


def keep(course: Course, attempt: Attempt, content: Content) -> None:
    """Writes an attempt; its record comes last, and says that the rest is there.

    Raises:
        CourseError: the folder cannot be written.
    """
    place = folder_of(course, attempt)
    if (place / _RECORD).is_file():
        return
    known = attempts_of(course, attempt.student, attempt.assignment)
    twin = next((folder_of(course, each) for each in known if each.digest == attempt.digest), None)
    for name, data in {f"{attempt.assignment}.ipynb": content.notebook, **content.pictures}.items():
        if twin is None or not _linked(twin / name, place / name):
            write_atomically(place / name, data)
    note(course, attempt)


def note(course: Course, attempt: Attempt) -> None:
    """Writes what is known of an attempt beside its files.

    Raises:
        CourseError: the folder cannot be written.
    """
    place = folder_of(course, attempt)
    record = msgspec.json.encode(replace(attempt, folder=place.name))
    write_atomically(place / _RECORD, msgspec.json.format(record, indent=2) + b"\n")


def _linked(old: Path, new: Path) -> bool:
    """Gives bytes that are kept already another name, where the file system can."""
    try:
        new.parent.mkdir(parents=True, exist_ok=True)
        os.link(old, new)
    except OSError:
        return False
    return True


def thin_out(course: Course, student: str, assignment: str, current: str) -> int:
    """Removes the oldest attempts beyond what is kept, never the one with the digest `current`; returns how many."""
    kept, total, removed = 0, 0, 0
    for attempt in reversed(attempts_of(course, student, assignment)):
        place = folder_of(course, attempt)
        size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
        if attempt.digest != current and (kept >= MOST or total + size > MOST_BYTES):
            shutil.rmtree(place, ignore_errors=True)
            removed += 1
        else:
            kept, total = kept + 1, total + size
    return removed
