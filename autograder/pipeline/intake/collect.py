"""Collects what students handed in, from a folder or a ZIP, into `submitted/<student>/<assignment>/`.

None of it is trusted. Names only help to tell whose file it is and which assignment it answers; they are never used as
paths unchanged. Only notebooks are taken, as bytes; links, pipes and oversized files are left out and named.

These names are understood: `<student>/<assignment>/...` as nbgrader keeps them, Canvas's
`<name>_<user id>_<file id>_<file>` and `<name>_LATE_<user id>_<file id>_<file>`, Moodle's
`<full name>_<number>_assignsubmission_file[_]/<file>`, `<student>/<file>`, and `<assignment> <student>.ipynb`.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autograder.exercises import ASSIGNMENTS
from autograder.pipeline.course import Course, CourseError
from autograder.pipeline.files import write_atomically
from autograder.pipeline.intake.archive import Found, walk
from autograder.pipeline.intake.reader_process import close
from autograder.pipeline.intake.recognise import assignment_by_content, assignment_by_name

__all__ = ["Collected", "collect", "read_roster"]

_CANVAS = re.compile(r"(?P<name>[^_]+)_(?:LATE_)?(?P<id>\d+)_(?:question_\d+_)?\d{3,}_.+\Z")
_MOODLE = re.compile(r"(?P<name>.+)_(?P<number>\d+)_assignsubmission_(?:file|onlinetext)_?\Z")
_COPY = re.compile(r"[ _-]*(?:\(\d+\)|-\d+|copy\d*|copy \d+)\Z", re.IGNORECASE)
_ENDINGS = (".txt", ".json", ".ipynb")
_LONGEST = 200


@dataclass
class _Taken:
    """The file chosen so far for one student's assignment: its order, path and owner, and the digests of its bytes."""

    order: tuple[float, int, str]
    shown: str
    owner: str
    before: bytes | None
    after: bytes


@dataclass
class Collected:
    """The outcome: (student, assignment) pairs by what happened, and a sentence for each file left out."""

    new: list[tuple[str, str]] = field(default_factory=list)
    replaced: list[tuple[str, str]] = field(default_factory=list)
    unchanged: list[tuple[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def collect(course: Course, source: Path, assignment: str | None = None, roster: Path | None = None) -> Collected:
    """Writes each student's latest notebook of each assignment where `grade` looks for it.

    Args:
        course: whose assignments these are.
        source: a folder or a ZIP file.
        assignment: the one that all files answer; if None, names and then contents decide.
        roster: a CSV file with a header and the column `id`; every other column holds another name of the same student.

    Raises:
        CourseError: the source or the roster cannot be read, or contains nothing usable.
    """
    aliases = read_roster(roster) if roster is not None else {}
    done = Collected()
    taken: dict[tuple[str, str], _Taken] = {}
    try:
        for found in walk(source, ASSIGNMENTS, done.problems):
            key = _place(course, found, assignment, aliases, done.problems)
            if key is not None:
                _take(course, taken, key, found, done.problems)
    finally:
        close()
    if not taken:
        causes = "".join(f"; {problem}" for problem in done.problems[:3])
        raise CourseError(f"{source} holds no usable notebook{causes}")
    for key, one in sorted(taken.items()):
        kind = done.new if one.before is None else done.unchanged if one.before == one.after else done.replaced
        kind.append(key)
    return done


def read_roster(path: Path) -> dict[str, str]:
    """Every known spelling of a student's name, simplified, with the student's id.

    Raises:
        CourseError: the file cannot be read, or has no column `id`.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CourseError(f"{path} cannot be read as CSV: {error}") from error
    if not rows or "id" not in rows[0]:
        raise CourseError(f"{path} has no column id: its first line must name the columns, one of them id")
    meant: dict[str, set[str]] = {}
    for row in rows:
        for text in row.values():
            for alias in _aliases(text) if isinstance(text, str) and text.strip() else ():
                meant.setdefault(alias, set()).add(row["id"].strip())
    return {alias: ids.pop() for alias, ids in meant.items() if len(ids) == 1}


def _aliases(text: str) -> tuple[str, str]:
    """The words in their order and in alphabetical order, each joined without spaces, as Canvas does."""
    words = _words(text)
    return "".join(words), "".join(sorted(words))


def _words(text: str) -> list[str]:
    """Words of letters and digits without accents: `Doe, José` and `José Doe` then differ only in order."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return re.findall(
        r"\w+", "".join(letter for letter in plain if not unicodedata.combining(letter)).replace("_", " ")
    )


# --- which student, which assignment ---------------------------------------------------------------------


def _place(
    course: Course, found: Found, assignment: str | None, aliases: Mapping[str, str], problems: list[str]
) -> tuple[str, str] | None:
    """The student and the assignment of a file, or None after noting why not."""
    named = next(filter(None, map(assignment_by_name, reversed(found.parts))), None)
    name = assignment or named or assignment_by_content(course, found.data)
    if name is None:
        problems.append(f"{found.shown}: belongs to no assignment of this course; name it with --assignment")
        return None
    said = _said(found.parts, name)
    student = next((aliases[alias] for text in said for alias in _aliases(text) if alias in aliases), said[0])
    trouble = _unusable(student)
    if trouble:
        problems.append(f"{found.shown}: {trouble}; name its folder after the student")
        return None
    return student, name


def _said(parts: tuple[str, ...], assignment: str) -> tuple[str, ...]:
    """Candidates for the student, taken from the path; the first is used if the roster knows none of them."""
    *folders, file = parts
    for part in folders:
        if match := _MOODLE.match(part):
            return (match["name"].strip(),)
    for part in (*folders, file):
        if match := _CANVAS.match(part):
            return match["id"], match["name"]
    if assignment in folders and folders.index(assignment) > 0:
        return (folders[folders.index(assignment) - 1],)
    if folders:
        return (folders[0],)
    for ending in _ENDINGS:
        file = file[: -len(ending)] if file.casefold().endswith(ending) else file
    plain = re.compile(re.escape(assignment).replace("_", "[ _]"), re.IGNORECASE)
    return (_COPY.sub("", plain.sub("", file)).strip(" _-.,"),)


def _owner(parts: tuple[str, ...]) -> str:
    """Moodle's number, which differs between two people of the same name."""
    return next((match["number"] for part in parts if (match := _MOODLE.match(part))), "")


def _unusable(student: str) -> str:
    """Why a name cannot be a student's id; empty if it can."""
    if not student or student in (".", "..") or student.startswith("."):
        return "the names do not say whose it is"
    if any(letter in "/\\" or not letter.isprintable() for letter in student):
        return "the student's name has characters that a folder name cannot have"
    if len(os.fsencode(student)) > _LONGEST:
        return "the student's name is too long"
    return ""


# --- choosing among several ------------------------------------------------------------------------------


def _take(
    course: Course, taken: dict[tuple[str, str], _Taken], key: tuple[str, str], found: Found, problems: list[str]
) -> None:
    """Writes a file; of several from one student the latest stays."""
    path, other = course.submission(*key), taken.get(key)
    one = _Taken(_order(found), found.shown, _owner(found.parts), None, _digest(found.data))
    if other is None:
        one.before = _digest(path.read_bytes()) if path.is_file() else None
    elif other.owner != one.owner:
        problems.append(f"{one.shown}: someone else is also called {key[0]}; it was left out: rename its folder")
        return
    else:
        one.before = other.before
        first, last = sorted((other, one), key=lambda each: each.order)
        problems.append(f"{first.shown}: {last.shown} is newer and was used instead")
        if last is other:
            return
    if one.after != (_digest(path.read_bytes()) if path.is_file() else None):
        write_atomically(path, found.data)
    if found.timestamp:
        write_atomically(path.parent / "timestamp.txt", found.timestamp)
    taken[key] = one


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _order(found: Found) -> tuple[float, int, str]:
    """By time, then by the number that Canvas and browsers append, then by name."""
    number = re.search(r"[-(](\d+)\)?(?:\.ipynb)?(?:\.txt|\.json)?\Z", found.parts[-1])
    return found.moment, int(number[1]) if number else 0, found.shown
