"""Files in a folder that a stranger filled: a bounded walk, and nothing outside of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from autograder.pipeline.intake.names import shown

__all__ = ["is_file_within", "printable", "walk"]

_DEPTH = 8
_MAX_ENTRIES = 10_000


def walk(folder: Path, wanted: Callable[[str], bool], hidden: str = "") -> Iterator[Path]:
    """The files whose names are wanted, without hidden folders and files.

    Args:
        folder: where to look; nothing comes of one that is not there, or that is a link to another.
        wanted: decides by a file's name.
        hidden: one hidden folder's name that is looked into all the same.
    """
    seen = 0
    if folder.is_symlink():
        return
    for place, folders, files in os.walk(folder, followlinks=False):
        here = Path(place)
        deep = len(here.relative_to(folder).parts) >= _DEPTH
        kept = sorted(name for name in folders if name == hidden or not name.startswith((".", "__MACOSX")))
        folders[:] = [] if deep else kept
        for name in files:
            seen += 1
            if seen > _MAX_ENTRIES:
                return
            if not name.startswith(".") and wanted(name):
                yield here / name


def is_file_within(path: Path, folder: Path) -> bool:
    """Whether a path, links followed, is a regular file inside a folder."""
    try:
        real = path.resolve(strict=True)
        return real.is_relative_to(folder.resolve()) and stat.S_ISREG(real.stat().st_mode)
    except (OSError, RuntimeError, ValueError):
        return False


def printable(path: Path | str) -> str:
    """A path for a sentence: short, and without what a terminal would act on."""
    return shown(str(path), longest=120)
