"""Who is in `submitted/`, and which notebooks lie elsewhere than in `<student>/<assignment>/`.

A folder of another spelling, a notebook without a folder, and the layout `<assignment>/<student>/` are understood. A
folder called like an assignment is never a student.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from autograder.exercises import ASSIGNMENTS
from autograder.pipeline.course import Course
from autograder.pipeline.intake.files_within import is_file_within, printable, walk
from autograder.pipeline.intake.find import plain_name
from autograder.pipeline.intake.names import is_notebook_name
from autograder.pipeline.intake.reader_process import close
from autograder.pipeline.intake.recognise import assignment_by_content, assignment_by_name

__all__ = ["ClassFolder", "look_into"]

_NO_STUDENTS = (".git", ".ipynb_checkpoints", "__MACOSX")
_LARGEST = 20_000_000
_MOST = 12
"""Notebooks outside of their folders that are considered, of one student."""


@dataclass(frozen=True)
class ClassFolder:
    """What `submitted/` holds.

    Attributes:
        students: in alphabetical order.
        elsewhere: notebooks outside of their folders, by student and assignment.
        remarks: one line for each thing that belongs to nobody or lies in another layout.
    """

    students: tuple[str, ...]
    elsewhere: Mapping[tuple[str, str], tuple[Path, ...]]
    remarks: tuple[str, ...]

    def handed_in(self, course: Course) -> tuple[str, ...]:
        """The assignments that anyone handed in; all of them if nobody did."""
        found = tuple(
            name
            for name in ASSIGNMENTS
            if any(name == assignment for _, assignment in self.elsewhere)
            or any((course.submitted / student / name).is_dir() for student in self.students)
        )
        return found or tuple(ASSIGNMENTS)


def look_into(course: Course) -> ClassFolder:
    """Lists the class; the only files that are read are notebooks whose names do not say what they answer."""
    listing = _Listing(course)
    places = sorted(course.submitted.iterdir()) if course.submitted.is_dir() else []
    try:
        for place in places:
            listing.add(place)
    finally:
        close()
    students = tuple(sorted(listing.students))
    elsewhere = {key: tuple(paths) for key, paths in listing.elsewhere.items()}
    return ClassFolder(students, elsewhere, tuple(listing.remarks))


class _Listing:
    """What has been found so far."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.students: set[str] = set()
        self.elsewhere: dict[tuple[str, str], list[Path]] = {}
        self.remarks: list[str] = []

    def add(self, place: Path) -> None:
        """One entry of `submitted/`."""
        if place.name in _NO_STUDENTS or place.is_symlink():
            return
        if not place.is_dir():
            if is_notebook_name(place.name):
                self.remarks.append(
                    f"{printable(place.name)} lies in no student's folder and is nobody's: the layout is {_LAYOUT}"
                )
            return
        assignment = _named(place.name)
        if assignment:
            self._other_way_round(place, assignment)
            return
        self.students.add(place.name)
        self._strays(place)

    def _strays(self, folder: Path) -> None:
        """A student's notebooks outside of the folders called like an assignment."""
        found = []
        for entry in sorted(folder.iterdir()):
            if entry.name.startswith(".") or entry.is_symlink():
                continue
            if entry.name in ASSIGNMENTS:
                self._astray(folder, entry)
            elif entry.is_dir():
                found += [path for path in walk(entry, is_notebook_name) if is_file_within(path, folder)]
            elif is_notebook_name(entry.name) and is_file_within(entry, folder):
                found.append(entry)
        for path in found[:_MOST]:
            said = reversed(path.relative_to(folder).parts)
            assignment = next(filter(None, map(assignment_by_name, said)), None) or _content(self.course, path)
            if assignment:
                self.elsewhere.setdefault((folder.name, assignment), []).append(path)
            else:
                shown = printable(path.relative_to(folder.parent))
                self.remarks.append(f"{shown} belongs to no assignment of this course: the layout is {_LAYOUT}")

    def _astray(self, folder: Path, place: Path) -> None:
        """Notebooks in an assignment's folder that are called like another assignment: they may be that one's."""
        for path in list(walk(place, is_notebook_name))[:_MOST]:
            said = assignment_by_name(path.name)
            if said is not None and said != place.name and is_file_within(path, folder):
                self.elsewhere.setdefault((folder.name, said), []).append(path)

    def _other_way_round(self, place: Path, assignment: str) -> None:
        """`<assignment>/<student>/`: each folder in it is a student's."""
        understood = False
        for entry in sorted(place.iterdir()):
            if entry.name.startswith((".", "__MACOSX")) or entry.is_symlink():
                continue
            if entry.is_dir() and not _named(entry.name):
                found = [path for path in walk(entry, is_notebook_name) if is_file_within(path, entry)][:_MOST]
                self.students.add(entry.name)
                self.elsewhere.setdefault((entry.name, assignment), []).extend(found)
                understood = True
            elif entry.is_dir() or is_notebook_name(entry.name):
                shown = printable(entry.relative_to(place.parent))
                self.remarks.append(f"{shown} lies in no student's folder and is nobody's: the layout is {_LAYOUT}")
        if understood:
            self.remarks.append(
                f"{printable(place.name)}/ is called like an assignment; each folder in it was taken for a student's: "
                f"the layout is {_LAYOUT}"
            )


_LAYOUT = "submitted/<student>/<assignment>/"


def _named(name: str) -> str:
    """The assignment that a folder is called after, in whatever spelling; empty if none."""
    return next((each for each in ASSIGNMENTS if plain_name(each) == plain_name(name)), "")


def _content(course: Course, path: Path) -> str | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return _known_content(course, os.fspath(path), state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=4096)
def _known_content(course: Course, path: str, moment: int, size: int) -> str | None:
    """The assignment whose cells a file holds; a file that has not changed is not read again."""
    if size > _LARGEST:
        return None
    try:
        return assignment_by_content(course, Path(path).read_bytes())
    except OSError:
        return None
