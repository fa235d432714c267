"""Moodle's grading worksheet, *Download grading worksheet*: who has which number, who was late, and when they came.

It is a table of one assignment, with the columns Identifier (`Participant 123`), Full name, ID number, Email address,
Status (`Submitted for grading - 3 hours 2 mins late`) and Last modified (submission), in Moodle's language. The times
are those of the person who downloads it, without a zone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from autograder.pipeline.course import CourseError
from autograder.pipeline.intake.platforms.said import Person, Said
from autograder.pipeline.records.roster import read_table

__all__ = ["Mark", "read_worksheet", "with_worksheet"]

_COLUMNS = {
    "identifier": ("identifier", "id", "teilnehmer in", "bezeichner"),
    "name": ("full name", "vollständiger name"),
    "own": ("id number", "id nummer", "matrikelnummer"),
    "email": ("email address", "e mail adresse", "email adresse"),
    "status": ("status",),
    "time": ("last modified submission", "zuletzt geändert abgabe"),
}
_LATE = re.compile(r"\blate\b|später|verspätet", re.IGNORECASE)
_IN_TIME = re.compile(r"submitted for grading|zur bewertung abgegeben", re.IGNORECASE)
_FORMATS = ("%d %B %Y, %I:%M %p", "%B %d, %Y, %I:%M %p", "%d %B %Y, %H:%M", "%d. %B %Y, %H:%M")


@dataclass(frozen=True)
class Mark:
    """What the worksheet says of one number."""

    name: str
    own: str
    email: str
    late: bool | None
    local: datetime | None


def read_worksheet(path: Path) -> dict[str, Mark]:
    """The rows of a worksheet by Moodle's numbers.

    Raises:
        CourseError: the file cannot be read, or is no grading worksheet.
    """
    header, rows = read_table(path)
    places = {
        field: next((header.index(name) for name in names if name in header), None) for field, names in _COLUMNS.items()
    }
    if places["identifier"] is None or places["status"] is None:
        raise CourseError(f"{path} is no grading worksheet of Moodle's: it has no columns Identifier and Status")
    marks = {}
    for _, row in rows:
        cells = {field: row[place] if place is not None and place < len(row) else "" for field, place in places.items()}
        if number := re.search(r"(\d+)\Z", cells["identifier"]):
            late = True if _LATE.search(cells["status"]) else False if _IN_TIME.search(cells["status"]) else None
            marks[number[1]] = Mark(cells["name"], cells["own"], cells["email"], late, _local(cells["time"]))
    return marks


def with_worksheet(
    says: Callable[[tuple[str, ...]], Said], marks: dict[str, Mark]
) -> Callable[[tuple[str, ...]], Said]:
    """Adds to what Moodle's names say what the worksheet says of the same number and the same name."""

    def said(path: tuple[str, ...]) -> Said:
        one = says(path)
        mark = marks.get(one.people[0].number) if one.platform == "Moodle" and one.people else None
        if mark is None or (one.people[0].name and mark.name and one.people[0].name != mark.name):
            return one  # also a group's number, which may be a person's as well
        (person,) = one.people
        named = Person(person.id, mark.name or person.name, mark.own, mark.email, person.number)
        return replace(one, people=(named,), late=mark.late, local=mark.local)

    return said


def _local(text: str) -> datetime | None:
    """The time without the day of the week, whatever its language."""
    for shorter in (text, text.partition(", ")[2]):
        for form in _FORMATS:
            try:
                return datetime.strptime(shorter, form)
            except ValueError:
                continue
    return None
