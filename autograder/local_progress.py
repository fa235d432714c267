"""What a student has checked so far: kept beside the notebooks, for `progress()` only. No grade depends on it."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from autograder.exercise import Verdict
    from autograder.reports.progress import ProgressRow

__all__ = ["remember", "rows"]

FILE = ".progress.json"

_latest: dict[str, dict[str, Any]] = {}


def _path() -> Path:
    """`.progress.json` in the folder of all notebooks, or where the notebook runs if that folder is not found."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if folder.name == "notebooks":
            return folder / FILE
        if (folder / "notebooks").is_dir() and (folder / "nbgrader_config.py").is_file():
            return folder / "notebooks" / FILE
    return here / FILE


def _load() -> dict[str, dict[str, Any]]:
    try:
        kept = json.loads(_path().read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {id_: entry for id_, entry in kept.items() if isinstance(entry, dict)} if isinstance(kept, dict) else {}


def remember(verdict: Verdict) -> None:
    """Keeps the latest verdict of an exercise; if the folder is not writable, for this session only."""
    _latest[verdict.id] = {"status": str(verdict.status), "points": verdict.points}
    everything = _load() | _latest
    with suppress(OSError):
        _path().write_text(json.dumps(everything, indent=1, sort_keys=True) + "\n", "utf-8")


def rows(*, with_points: bool = True) -> tuple[ProgressRow, ...]:
    """A row for each notebook of the course, with exercises done and points from the latest checks.

    Args:
        with_points: without them no exercise is loaded, and nothing that exercises import.
    """
    from autograder.exercises import ASSIGNMENTS, exercises_of
    from autograder.reports.progress import ProgressRow

    known, folder = _load() | _latest, Path.cwd()
    found = []
    for name, assignment in ASSIGNMENTS.items():
        entries = {each: known.get(id_, {}) for each, id_ in zip(assignment.exercises, assignment.ids, strict=True)}
        left = [each for each, entry in entries.items() if entry.get("status") != "passed"]
        found.append(
            ProgressRow(
                title=f"{name.split('_')[0].lstrip('0') or '0'} · {assignment.title}",
                done=len(entries) - len(left),
                total=len(entries),
                points=sum(float(entry.get("points", 0)) for entry in entries.values()),
                max_points=sum(exercise.points for exercise in exercises_of(name)) if with_points else 0.0,
                here=folder.name == name or any(id_ in _latest for id_ in assignment.ids),
                name=name,
                address=_address(name, folder),
                todo=left[0] if left else "",
                needs=assignment.needs,
                hours=assignment.hours,
            )
        )
    return tuple(found)


def _address(name: str, here: Path) -> str:
    """Of a notebook, relative to the open one: beside the open one's folder, else in the folder of all notebooks."""
    for folder in (here.parent, _path().parent):
        if (folder / name / f"{name}.ipynb").is_file():
            return quote(os.path.relpath(folder / name / f"{name}.ipynb", here).replace(os.sep, "/"))
    return ""
