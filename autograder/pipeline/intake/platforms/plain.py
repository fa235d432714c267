"""No platform: `<student>/<file>`, nbgrader's `<student>/<assignment>/<file>`, or `<assignment> <student>.ipynb`."""

from __future__ import annotations

import re

from autograder.exercises import ASSIGNMENTS
from autograder.pipeline.intake.platforms.said import Person, Recogniser, Root, Said, without_ending

__all__ = ["recogniser"]

_COPY = re.compile(r"[ _-]*(?:\(\d+\)|-\d+|copy\d*|copy \d+)\Z", re.IGNORECASE)
_ENDINGS = (".zip", ".txt", ".json", ".ipynb")


def recogniser(root: Root) -> Recogniser:
    """Takes folders for students, and of a single file what its name says besides the assignment."""
    return _said


def _said(path: tuple[str, ...]) -> Said | None:
    if len(path) == 1:
        name = _without_assignment(path[0])
        return Said("", (Person(name, name=name),), path)
    name = without_ending(path[0]).strip()
    return Said("", (Person(name, name=name),), path[1:], by_platform=len(path) == 3 and path[2] == "timestamp.txt")


def _without_assignment(file: str) -> str:
    for ending in _ENDINGS:
        file = file[: -len(ending)] if file.casefold().endswith(ending) else file
    for assignment in ASSIGNMENTS:
        plain = re.compile(re.escape(assignment).replace("_", "[ _-]+"), re.IGNORECASE)
        file = plain.sub("", file)
    return _COPY.sub("", file).strip(" _-.,")
