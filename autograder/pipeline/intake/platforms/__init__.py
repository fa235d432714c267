"""How platforms name what students hand in: one file a platform, and where in a source their names begin.

Whose a file is, is read from one part of its path alone, the first below a *root*: that part was written by the
platform, or by whoever keeps a folder for each student. What is below it was named by the student and is not believed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from autograder.exercises import ASSIGNMENTS
from autograder.pipeline.intake.platforms import (
    blackboard,
    brightspace,
    canvas,
    github_classroom,
    gradescope,
    moodle,
    nbgrader,
    plain,
)
from autograder.pipeline.intake.platforms.said import Person, Recogniser, Root, Said

__all__ = ["Person", "Said", "is_assignment", "recognisers"]

_NAMED = (moodle, nbgrader, blackboard, brightspace, gradescope, canvas, github_classroom)
_DEEPEST = 5
_LONGEST = 300
"""No platform writes longer names, and no file system keeps them."""

Path = tuple[str, ...]
Node = dict[str, Any]
"""The children of a folder by their names; a file has none."""


def recognisers(
    paths: Iterable[Path],
    above: str,
    repositories: frozenset[Path],
    read: Callable[[Path], bytes],
    is_student: Callable[[str], bool] = lambda name: False,
) -> Callable[[Path], Said]:
    """What each of a source's paths says.

    Args:
        paths: all of them, those of folders too.
        above: the name of what holds them.
        repositories: the folders that are git repositories.
        read: the bytes of a small file; empty if there is none.
        is_student: whether a folder is called after someone who is known already.
    """
    tree: Node = {}
    for path in paths:
        node = tree
        for part in path:
            node = node.setdefault(part, {})

    def root_at(place: Path, node: Node) -> Root:
        own = frozenset(one[-1] for one in repositories if one[:-1] == place)
        names = tuple(name for name in node if len(name) <= _LONGEST)
        return Root(place[-1] if place else above, names, own, lambda name: read((*place, name)))

    roots: dict[Path, list[Recogniser]] = {
        place: _by_votes([each.recogniser(root_at(place, node)) for each in _NAMED], node)
        for place, node in _Roots(root_at, is_student).at((), tree)
    }

    def said(path: Path) -> Said:
        depth = next(length for length in range(max(len(path) - 1, 0), -1, -1) if path[:length] in roots)
        readers = roots[path[:depth]]
        found = (read_name(path[depth:]) for read_name in (readers if len(path[depth]) <= _LONGEST else readers[-1:]))
        return next(one for one in found if one is not None)

    return said


def _by_votes(readers: list[Recogniser], node: Node) -> list[Recogniser]:
    """Readers of a root's names, the one that understands most of them first, and last what reads any name.

    The end of a name is often the student's: one that looks like another platform's must not be read as that. Where
    several platforms understand equally many, a name that they read differently is nobody's.
    """
    paths = [(name, "file") if node[name] else (name,) for name in node if len(name) <= _LONGEST]
    votes = {each: sum(said is not None and bool(said.people) for said in map(each, paths)) for each in readers}
    ranked = sorted(readers, key=lambda each: -votes[each])

    def certain(reader: Recogniser) -> Recogniser:
        rivals = [each for each in ranked if each is not reader and votes[each] == votes[reader]]

        def said(path: Path) -> Said | None:
            one = reader(path)
            if one is None or not one.people:
                return one
            others = (each(path) for each in rivals)
            other = next((each for each in others if each and each.people and each.people != one.people), None)
            return replace(one, trouble=_unclear(one, other)) if other else one

        return said

    return [*map(certain, ranked), plain.recogniser(Root("", ()))]


def _unclear(one: Said, other: Said) -> str:
    return f"its name could be {one.platform}'s or {other.platform}'s, which would be different people"


def is_assignment(name: str) -> bool:
    """Whether a folder is called after an assignment of this course, in full or by number."""
    plainer = name.casefold().replace(" ", "_")
    return any(plainer in (known.casefold(), known.partition("_")[0]) for known in ASSIGNMENTS)


@dataclass(frozen=True)
class _Roots:
    """Finds the roots of a tree: the source itself, or folders around everything and folders of assignments."""

    root_at: Callable[[Path, Node], Root]
    is_student: Callable[[str], bool]

    def at(self, place: Path, node: Node) -> Iterator[tuple[Path, Node]]:
        """The roots at or below a folder, with their children; a folder can be one although some of its own are."""
        folders = {name: below for name, below in node.items() if below}
        if len(place) < _DEEPEST and folders and not self._is_named(place, node):
            if len(node) == 1 and self._is_around(place, *next(iter(node.items()))):
                ((name, below),) = node.items()
                yield from self.at((*place, name), below)
                if not is_assignment(name):
                    return
            else:
                for name in filter(is_assignment, folders):
                    yield from self.at((*place, name), folders[name])
        yield place, node

    def _is_named(self, place: Path, node: Node) -> bool:
        """Whether a platform named a child of this folder."""
        root = replace(self.root_at(place, node), read=lambda name: b"")
        readers = [each.recogniser(root) for each in _NAMED]
        paths = [(name, "file") if node[name] else (name,) for name in root.names]
        return any(said is not None and said.people for path in paths for said in (read(path) for read in readers))

    def _leads_to_names(self, place: Path, node: Node) -> bool:
        """Whether a platform named a child of this folder, or of the only folder in it."""
        if self._is_named(place, node) or len(node) != 1 or len(place) >= _DEEPEST:
            return self._is_named(place, node)
        ((name, below),) = node.items()
        return not self.is_student(name) and self._leads_to_names((*place, name), below)

    def _is_around(self, place: Path, name: str, below: Node) -> bool:
        """Whether a folder that holds everything is no student's, by its name and by what is in it."""
        if is_assignment(name):
            return True
        if self.is_student(name):
            return False
        if self._leads_to_names((*place, name), below):
            return True
        folders = [each for each in below if below[each]]
        if any(map(is_assignment, folders)):
            return False
        hold_assignments = any(is_assignment(inner) and below[each][inner] for each in folders for inner in below[each])
        return hold_assignments or (len(folders) > 1 and len(folders) == len(below))
