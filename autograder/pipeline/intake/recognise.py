"""Which assignment a notebook answers, by its cells' grade ids and sources, whatever the file is called."""

from __future__ import annotations

from collections.abc import Iterable

import nbformat

from autograder.exercises import ASSIGNMENTS
from autograder.pipeline.cells import grade_id
from autograder.pipeline.course import Course
from autograder.pipeline.intake.notebook_file import StudentCell, Unreadable
from autograder.pipeline.intake.reader_process import read_apart

__all__ = ["assignment_by_content", "assignment_by_name"]

_ALIKE = 0.3


def assignment_by_content(course: Course, data: bytes) -> str | None:
    """The assignment whose cells a notebook file holds, if that is clear."""
    try:
        cells = read_apart(data).cells
    except Unreadable:
        return None
    shares = {name: _share(course, name, cells) for name in ASSIGNMENTS if course.release(name).is_file()}
    best = max(shares, key=lambda name: shares[name], default=None)
    return best if best is not None and shares[best] > _ALIKE else None


def assignment_by_name(name: str) -> str | None:
    """The one assignment whose name is in a file's or a folder's."""
    plain = name.casefold().replace(" ", "_")
    named = [each for each in ASSIGNMENTS if each.casefold() in plain]
    return named[0] if len(named) == 1 else None


def _share(course: Course, name: str, cells: Iterable[StudentCell]) -> float:
    """How much of an assignment's notebook is there: of its grade ids, or of its cells' sources."""
    given = nbformat.reads(course.release(name).read_text("utf-8"), as_version=4).cells
    there = list(cells)
    ids = {grade_id(cell) for cell in given} - {""}
    sources = {cell.source.strip() for cell in given} - {""}
    return max(
        len(ids & {cell.grade_id for cell in there}) / max(len(ids), 1),
        len(sources & {cell.source.strip() for cell in there}) / max(len(sources), 1),
    )
