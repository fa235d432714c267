"""How platforms name what students hand in: one file a platform, and where in a source their names begin.

Whose a file is, is read from one part of its path alone, the first below a *root*: that part was written by the
platform, or by whoever keeps a folder for each student. What is below it was named by the student and is not believed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
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

Path = tuple[str, ...]
Node = dict[str, Any]
"""The children of a folder by their names; a file has none."""


def recognisers(
    paths: Iterable[Path], above: str, repositories: frozenset[Path], read: Callable[[Path], bytes]
) -> Callable[[Path], Said]:
    """What each of a source's paths says.

    Args:
        paths: all of them, those of folders too.
        above: the name of what holds them.
        repositories: the folders that are git repositories.
        read: the bytes of a small file; empty if there is none.
    """
    tree: Node = {}
    for path in paths:
        node = tree
        for part in path:
            node = node.setdefault(part, {})
    roots: dict[Path, tuple[Recogniser, ...]] = {}

    def root_at(place: Path, node: Node) -> Root:
        own = frozenset(one[-1] for one in repositories if one[:-1] == place)
        return Root(place[-1] if place else above, tuple(node), own, lambda name: read((*place, name)))

    for place, node in _roots((), tree, root_at):
        roots[place] = (
            *(each.recogniser(root_at(place, node)) for each in _NAMED),
            plain.recogniser(root_at(place, node)),
        )

    def said(path: Path) -> Said:
        depth = next(
            length for length in range(len(path), -1, -1) if path[:length] in roots and length < max(len(path), 1)
        )
        found = (each(path[depth:]) for each in roots[path[:depth]])
        return next(one for one in found if one is not None)

    return said


def is_assignment(name: str) -> bool:
    """Whether a folder is called after an assignment of this course, in full or by number."""
    plainer = name.casefold().replace(" ", "_")
    return any(plainer in (known.casefold(), known.partition("_")[0]) for known in ASSIGNMENTS)


def _roots(
    place: Path,
    node: Node,
    root_at: Callable[..., Root],
) -> Iterable[tuple[Path, Node]]:
    """The roots at or below a folder, with their children; a folder can be one although some of its own are."""
    if len(place) < _DEEPEST and not _is_named(root_at(place, node), node):
        folders = {name: below for name, below in node.items() if below}
        if len(node) == 1 and folders and _is_around(place, node, root_at):
            (name,) = folders
            yield from _roots((*place, name), folders[name], root_at)
            if not is_assignment(name):
                return
        else:
            for name in filter(is_assignment, folders):
                yield from _roots((*place, name), folders[name], root_at)
    yield place, node


def _is_named(root: Root, node: Node) -> bool:
    """Whether a platform named a child of this folder."""
    readers = [each.recogniser(root) for each in _NAMED]
    paths = [(name, "file") if below else (name,) for name, below in node.items()]
    return any(said is not None and said.people for path in paths for said in (read(path) for read in readers))


def _is_around(place: Path, node: Node, root_at: Callable[..., Root]) -> bool:
    """Whether a folder that holds everything is no student's, by what is in it."""
    ((name, below),) = node.items()
    if is_assignment(name) or _is_named(root_at((*place, name), below), below):
        return True
    folders = [each for each in below if below[each]]
    if any(map(is_assignment, folders)):
        return False
    holds_students = any(is_assignment(inner) and below[each][inner] for each in folders for inner in below[each])
    return holds_students or (len(folders) > 1 and len(folders) == len(below))
