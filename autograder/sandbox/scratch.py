"""Folders that runs write to."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

__all__ = ["remove", "size"]


def remove(folder: Path) -> None:
    """Removes a folder, also one whose parts the owner may not enter."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        for place in (folder, *folder.rglob("*")):
            if place.is_dir() and not place.is_symlink():
                with suppress(OSError):
                    place.chmod(0o700)
        shutil.rmtree(folder, ignore_errors=True)


def size(folder: Path, most: int) -> int:
    """Bytes of everything in a folder, each file with a block more; stops counting above `most`."""
    total, left = 0, [folder]
    while left and total <= most:
        with suppress(OSError):
            for entry in left.pop().iterdir():
                facts = entry.lstat()
                total += facts.st_blocks * 512 + 4096
                if entry.is_dir() and not entry.is_symlink():
                    left.append(entry)
    return total
