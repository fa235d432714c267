"""Gradescope, *Export Submissions*: `assignment_<number>_export/submission_<number>/`, with `submission_metadata.yml`.

The number of a submission is nobody's: only the metadata say whose it is, with name, student id and e-mail of each
member of a group, and the moment in UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import yaml

from autograder.pipeline.intake.platforms.said import Person, Recogniser, Root, Said, without_ending
from autograder.pipeline.moments import read_moment

__all__ = ["recogniser"]

_METADATA = "submission_metadata.yml"
_NAMED = re.compile(r"submission_(?P<number>\d+)")
_UNKNOWN = (
    "Gradescope names submissions by number; submission_metadata.yml, which says whose they are, is not beside them"
)
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MOST_PEOPLE = 20


def recogniser(root: Root) -> Recogniser:
    """Reads names that Gradescope gives; the id is the student id, else the e-mail, else the name."""
    records = _records(root.read(_METADATA)) if _METADATA in root.names else {}

    def said(path: tuple[str, ...]) -> Said | None:
        if path == (_METADATA,):
            return Said("Gradescope", (), path, by_platform=True)
        match = _NAMED.fullmatch(without_ending(path[0]))
        if match is None or (len(path) == 1 and path[0] == match[0] and not records):
            return None
        record = records.get(path[0], records.get(match[0], {}))
        people = _people(record)
        return Said(
            "Gradescope",
            people or (Person(""),),
            path[1:],
            moment=_moment(record.get(":created_at")),
            sequence=int(match["number"][:18]),
            trouble="" if people else _UNKNOWN,
        )

    return said


def _records(data: bytes) -> dict[str, dict[str, Any]]:
    try:
        found = yaml.load(data.decode("utf-8-sig", "replace"), Loader=_LOADER)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, OverflowError):
        return {}
    records = found.items() if isinstance(found, dict) else ()
    return {str(key): record for key, record in records if isinstance(record, dict)}


def _people(record: dict[str, Any]) -> tuple[Person, ...]:
    listed = record.get(":submitters")
    people = []
    for each in listed[:_MOST_PEOPLE] if isinstance(listed, list) else ():
        words = {key: _text(each.get(f":{key}")) for key in ("name", "sid", "email")} if isinstance(each, dict) else {}
        if any(words.values()):
            own = words["sid"] or words["email"] or words["name"]
            people.append(Person(own, words["name"], words["sid"], words["email"], words["email"]))
    return tuple(people)


def _text(value: object) -> str:
    """A value as text that can be written anywhere."""
    return str(value or "").encode("utf-8", "replace").decode("utf-8").strip()


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo is not None else None
    try:
        return read_moment(value) if isinstance(value, str) else None
    except ValueError:
        return None
