"""Brightspace (D2L), *Download All*: folders `<number>-<number> - <full name> - <Nov 2, 2026 1033 AM>`, one an attempt.

Without folders that is the beginning of each file's name, before another ` - `. Beside them is `index.html`. The first
number is the person's where it differs between them. Times are the server's, without a zone.
"""

from __future__ import annotations

import re
from datetime import datetime

from autograder.pipeline.intake.platforms.said import Person, Recogniser, Root, Said, without_ending

__all__ = ["recogniser"]

_NAMED = re.compile(
    r"(?P<number>\d+)-\d+ - (?P<name>.+?) - (?P<time>[^\d-]*\d[^-]*?\b\d{4}\b[^-]*?)(?: - (?P<file>.+))?", re.DOTALL
)
_FORMATS = (
    "%b %d, %Y %I%M %p", "%B %d, %Y %I%M %p", "%b %d, %Y %I:%M %p", "%B %d, %Y %I:%M %p", "%d %B, %Y %H%M",
    "%d %b, %Y %H%M", "%d %b %Y %H%M", "%d %B %Y %H%M", "%b %d, %Y %H%M",
)  # fmt: skip


def recogniser(root: Root) -> Recogniser:
    """Reads names that Brightspace gives; the id is the full name."""
    matches = [match for name in root.names if (match := _NAMED.fullmatch(without_ending(name)))]
    numbered = len({match["number"] for match in matches}) > 1

    def said(path: tuple[str, ...]) -> Said | None:
        if matches and path == ("index.html",):
            return Said("Brightspace", (), path, by_platform=True)
        match = _NAMED.fullmatch(path[0])
        if match is None:
            return None
        name, number = match["name"].strip(), match["number"] if numbered else ""
        file = (match["file"],) if match["file"] else ()
        return Said(
            "Brightspace", (Person(name, name=name, number=number),), (*file, *path[1:]), local=_time(match["time"])
        )

    return said


def _time(text: str) -> datetime | None:
    for form in _FORMATS:
        try:
            return datetime.strptime(" ".join(without_ending(text).split()), form)
        except ValueError:
            continue
    return None
