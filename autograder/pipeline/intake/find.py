"""Which files of a student's folder may be the notebook of an assignment, the likeliest first.

Only names are looked at here; `choose` looks into the files where there are several.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autograder.pipeline.intake.files_within import is_file_within, printable, walk
from autograder.pipeline.intake.names import is_notebook_name

__all__ = ["Candidate", "Found", "find_notebooks", "plain_name"]

_CHECKPOINTS = ".ipynb_checkpoints"
_MOST = 6


@dataclass(frozen=True)
class Candidate:
    """A notebook file that may be the one.

    Attributes:
        path: the file.
        shown: its name for people, from the assignment's folder or from the student's.
        rank: 0 the expected name in its place, 1 the same name written otherwise or in a subfolder, 2 a name that holds
            the expected one, as copies have, 3 another name, 4 a checkpoint of Jupyter.
    """

    path: Path
    shown: str
    rank: int


@dataclass(frozen=True)
class Found:
    """The candidates, the likeliest first, and a sentence where something else deserves one."""

    candidates: tuple[Candidate, ...] = ()
    remarks: tuple[str, ...] = ()


def find_notebooks(folder: Path, assignment: str, elsewhere: Iterable[Path] = ()) -> Found:
    """The notebooks that may be the one handed in for an assignment.

    Links that lead out of the folder, pipes and devices are ignored, checkpoints too where there is anything else.

    Args:
        folder: the assignment's, in the student's folder; it may be missing.
        assignment: its name, which is also the notebook's.
        elsewhere: notebooks of the assignment that lie outside of the folder, as `class_folder` finds them.
    """
    expected = folder / f"{assignment}.ipynb"
    remarks = []
    if expected.is_symlink() and not is_file_within(expected, folder):
        remarks.append(f"{expected.name} is a link that leads out of the submission or nowhere; it was not followed")
    if folder.is_symlink():
        remarks.append(f"{folder.name} is a link instead of a folder; it was not followed")
    inside = [path for path in walk(folder, is_notebook_name) if is_file_within(path, folder)]
    found = [Candidate(path, printable(path.relative_to(folder)), _rank(path, folder, assignment)) for path in inside]
    found += [_elsewhere(path, folder, assignment) for path in elsewhere]
    if not found:
        found = [
            Candidate(path, printable(path.relative_to(folder)), 4)
            for path in walk(folder, is_notebook_name, _CHECKPOINTS)
            if path.parent.name == _CHECKPOINTS and is_file_within(path, folder)
        ]
    found.sort(key=lambda each: (each.rank, len(each.path.parts), str(each.path)))
    if not found and (others := _others(folder)):
        remarks.append(f"{expected.name} was not handed in; what lies there instead: {', '.join(others)}")
    if len(found) > _MOST:
        remarks.append(f"{len(found)} notebooks lie there; only {_MOST} of them were looked at")
    return Found(tuple(found[:_MOST]), tuple(remarks))


def _others(folder: Path) -> list[str]:
    """What else is in the folder, a few names of regular files; placeholders of iCloud are hidden files."""
    hidden = list(folder.glob(".*.icloud")) if folder.is_dir() else []
    files = sorted([*walk(folder, lambda name: name != "timestamp.txt"), *hidden])
    return [printable(path.relative_to(folder)) for path in files if is_file_within(path, folder)][:4]


def _elsewhere(path: Path, folder: Path, assignment: str) -> Candidate:
    """A candidate outside of the assignment's folder, which is less likely than one inside of the same name."""
    room = folder.parent.parent  # submitted/<student>/<assignment>
    shown = path.relative_to(room) if path.is_relative_to(room) else path.name
    return Candidate(path, printable(shown), max(1, _rank(path, path.parent, assignment)))


def _rank(path: Path, folder: Path, assignment: str) -> int:
    if path.parent == folder and path.name == f"{assignment}.ipynb":
        return 0
    plain, wanted = plain_name(_stem(path.name)), plain_name(assignment)
    return 1 if plain == wanted else 2 if wanted in plain else 3


def plain_name(name: str) -> str:
    """A name without what people and systems change in it: letter case, and what stands between words."""
    return re.sub(r"[\s_\-.]+", "_", name.casefold()).strip("_")


def _stem(name: str) -> str:
    return re.sub(r"\.ipynb(?:\.txt|\.json)?\Z", "", name, flags=re.IGNORECASE)
