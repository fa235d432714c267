"""What a student has checked so far: kept beside the notebooks, for `progress()` only. No grade depends on it."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


def rows() -> tuple[ProgressRow, ...]:
    """A row for each notebook of the course, with exercises done and points from the latest checks."""
    from autograder.exercises import ASSIGNMENTS, exercises_of
    from autograder.reports.progress import ProgressRow

    known = _load() | _latest
    found = []
    for name, assignment in ASSIGNMENTS.items():
        entries = [known.get(id_, {}) for id_ in assignment.ids]
        found.append(
            ProgressRow(
                title=f"{name.split('_')[0]} {assignment.title}",
                done=sum(entry.get("status") == "passed" for entry in entries),
                total=len(entries),
                points=sum(float(entry.get("points", 0)) for entry in entries),
                max_points=sum(exercise.points for exercise in exercises_of(name)),
                here=any(id_ in _latest for id_ in assignment.ids),
            )
        )
    return tuple(found)
