"""`course.toml`: the assignments in order, and the points that the course changes.

The file that counts is that of the course around the current folder (beside `notebooks/`), else the one beside the
exercises, which is a link to the former and is installed with them. It is read once, when it is first needed.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

__all__ = ["ASSIGNMENTS", "FILE", "Assignment", "CourseTable", "CourseTableError", "Help", "read", "weighted"]

FILE = "course.toml"
_EXERCISES = Path(__file__).parent
_KEYS = {"name": str, "title": str, "topic": str, "exercises": list, "needs": list}
_MOST_HOURS = 100


class CourseTableError(Exception):
    """course.toml is missing or wrong; the message names the file, the entry and the cure."""


@dataclass(frozen=True)
class Assignment:
    """One notebook.

    Attributes:
        title: as reports show it.
        topic: of its exercises.
        exercises: their names, in the notebook's order.
        needs: the earlier notebooks that it builds on.
        hours: how long it takes, an estimate; 0 where nobody has estimated it.
    """

    title: str
    topic: str
    exercises: tuple[str, ...]
    needs: tuple[str, ...] = ()
    hours: float = 0.0

    @property
    def ids(self) -> tuple[str, ...]:
        """The exercises' ids, in the notebook's order."""
        return tuple(f"{self.topic}.{name}" for name in self.exercises)


@dataclass(frozen=True)
class Help:
    """How much help an answer that fails gets.

    Attributes:
        hints: how many of an exercise's hints are offered, 0 to 3.
        slip_steps: how many steps are told of a slip found in the student's own code: the line, the kind, the edit.
        seconds: how long a call may take in a student's own check before it is stopped.
    """

    hints: int = 3
    slip_steps: int = 3
    seconds: float = 10.0


@dataclass(frozen=True)
class CourseTable:
    """The assignments by name, in order, and the totals of points that override those of the exercises, by id."""

    assignments: Mapping[str, Assignment]
    points: Mapping[str, float]
    help: Help = Help()

    @cached_property
    def asked(self) -> dict[str, str]:
        """The assignment that asks for each exercise, by the exercise's id."""
        return {id_: name for name, assignment in self.assignments.items() for id_ in assignment.ids}


class _Assignments(Mapping[str, Assignment]):
    """The assignments of the course at hand, by name; nothing is read before it is needed."""

    def __init__(self) -> None:
        self._chosen: CourseTable | None = None

    @property
    def table(self) -> CourseTable:
        """The whole table."""
        return self._chosen or read(_place(Path.cwd()))

    def use_that_of(self, course: Path) -> None:
        """From now on a course's own table counts in this process, if it has one, wherever the current folder is."""
        self._chosen = read(course / FILE) if (course / FILE).is_file() else None

    @contextmanager
    def using(self, table: CourseTable | None) -> Iterator[None]:
        """This table counts as long as the block lasts, wherever the current folder is; None changes nothing."""
        before = self._chosen
        self._chosen = table or before
        try:
            yield
        finally:
            self._chosen = before

    def __getitem__(self, name: str) -> Assignment:
        return self.table.assignments[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.table.assignments)

    def __len__(self) -> int:
        return len(self.table.assignments)


ASSIGNMENTS = _Assignments()


def weighted(groups: Mapping[str, float], total: float) -> dict[str, float]:
    """The points of groups in the same proportions, with another total."""
    worth = sum(groups.values())
    points = {group: total * share / worth for group, share in groups.items()}
    last = next(reversed(points))
    points[last] = total - sum(each for group, each in points.items() if group != last)
    return points


def _place(here: Path) -> Path:
    for folder in (here, *here.parents):
        if (folder / FILE).is_file() and (folder / "notebooks").is_dir():
            return folder / FILE
    return _EXERCISES / FILE


@cache
def read(path: Path) -> CourseTable:
    """The table that a file holds.

    Raises:
        CourseTableError: the first thing that is wrong with it.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CourseTableError(f"{path} cannot be read: {error}") from error
    unknown = sorted(content.keys() - {"assignment", "points", "help"})
    if unknown:
        raise CourseTableError(f"{path}: {unknown[0]!r} means nothing here; write [[assignment]], [points] or [help]")
    entries = content.get("assignment")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise CourseTableError(f"{path} lists no assignments: each is a table that starts with [[assignment]]")
    assignments: dict[str, Assignment] = {}
    for number, entry in enumerate(entries, start=1):
        name, assignment = _assignment(f"{path}, assignment {number}", entry, assignments)
        assignments[name] = assignment
    return CourseTable(assignments, _points(path, content.get("points", {}), assignments), _help(path, content))


def _assignment(where: str, entry: dict[str, Any], earlier: Mapping[str, Assignment]) -> tuple[str, Assignment]:
    for key in entry:
        if key not in (*_KEYS, "hours"):
            known = f"{', '.join(_KEYS)}, hours"
            raise CourseTableError(f"{where}: {key!r} is not a key of an assignment; known keys are {known}")
    for key, kind in _KEYS.items():
        value = entry.get(key, [] if key == "needs" else None)
        if not isinstance(value, kind) or not all(isinstance(each, str) for each in value):
            wanted = "text" if kind is str else "a list of names"
            found = "missing" if value is None else repr(value)
            raise CourseTableError(f"{where}: {key} must be {wanted}; it is {found}")
    name, topic, exercises = entry["name"], entry["topic"], entry["exercises"]
    where = f"{where} ({name})"
    if name in earlier:
        raise CourseTableError(f"{where}: the name is taken by an earlier assignment; give each its own")
    _check_exercises(where, topic, exercises, {id_ for other in earlier.values() for id_ in other.ids})
    for need in entry.get("needs", []):
        if need not in earlier:
            raise CourseTableError(f"{where}: it needs {need!r}, which is not an earlier assignment; correct its name")
    hours = _hours(where, entry.get("hours", 0))
    return name, Assignment(entry["title"], topic, tuple(exercises), tuple(entry.get("needs", [])), hours)


def _hours(where: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= _MOST_HOURS:
        raise CourseTableError(f"{where}: hours is {value!r}; it must be a number from 0 to {_MOST_HOURS}")
    return value


def _check_exercises(where: str, topic: str, exercises: list[str], taken: set[str]) -> None:
    if not exercises:
        raise CourseTableError(f"{where}: it asks for no exercise; name one or more")
    there = {path.stem for path in (_EXERCISES / topic).glob("*.py")} - {"__init__"}
    for name in exercises:
        if name not in there:
            file = f"autograder/exercises/{topic}/{name}.py"
            raise CourseTableError(f"{where}: no exercise is called {topic}.{name}; correct its name or write {file}")
        if f"{topic}.{name}" in taken:
            raise CourseTableError(f"{where}: {topic}.{name} is asked for twice; name it once")
        taken.add(f"{topic}.{name}")


def _points(path: Path, entries: Any, assignments: Mapping[str, Assignment]) -> dict[str, float]:
    if not isinstance(entries, dict):
        raise CourseTableError(f'{path}: points must be a table: [points], then lines such as "cnn.im2col" = 6')
    known = {id_ for assignment in assignments.values() for id_ in assignment.ids}
    for id_, total in entries.items():
        if id_ not in known:
            near = difflib.get_close_matches(id_, known, n=1)
            cure = f'did you mean "{near[0]}"?' if near else 'write an id in quotes, such as "cnn.im2col" = 6'
            raise CourseTableError(f"{path}, [points]: no assignment asks for {id_!r}; {cure}")
        if isinstance(total, bool) or not isinstance(total, (int, float)) or not 0 < total < float("inf"):
            raise CourseTableError(f"{path}, [points]: {id_} gives {total!r}; points are a number above 0")
    return dict(entries)


_HELP = {"hints": ((int,), 0, 3), "slip_steps": ((int,), 0, 3), "seconds": ((int, float), 0.1, 3600)}


def _help(path: Path, content: Mapping[str, Any]) -> Help:
    entries = content.get("help", {})
    if not isinstance(entries, dict):
        raise CourseTableError(f"{path}: help must be a table: [help], then lines such as hints = 2")
    for key, value in entries.items():
        if key not in _HELP:
            raise CourseTableError(f"{path}, [help]: {key!r} is not known; known keys are {', '.join(_HELP)}")
        kind, least, most = _HELP[key]
        if isinstance(value, bool) or not isinstance(value, kind) or not least <= value <= most:
            raise CourseTableError(f"{path}, [help]: {key} is {value!r}; it must be a number from {least} to {most}")
    return Help(**entries)
