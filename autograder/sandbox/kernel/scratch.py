"""Folders that runs write to."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["PLACE", "remove", "size", "temporary"]

PLACE = tempfile.gettempdir()
"""Wherever temporary files go later: a folder that outlives others must not lie in one of them."""
_WATCH = 'read -r word || for pause in 0 1 2; do sleep $pause; rm -rf "$1"; done'
"""Without a last word this process was killed, and one that it had started may write for a moment longer."""


@contextmanager
def temporary(prefix: str) -> Iterator[Path]:
    """A folder that is removed afterwards even if this process is killed: a shell waits for that and removes it.

    The shell is there before the folder, which nothing else would remove if this process were killed in between.
    """
    folder = Path(PLACE).resolve() / f"{prefix}{secrets.token_hex(8)}"
    watcher = subprocess.Popen(
        ["/bin/sh", "-c", _WATCH, "sh", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
    try:
        folder.mkdir(0o700)
        yield folder
    finally:
        remove(folder)
        watcher.communicate(b"removed\n")


def remove(folder: Path) -> None:
    """Removes a folder, even one with parts that the owner may not enter."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        for place in (folder, *folder.rglob("*")):
            if place.is_dir() and not place.is_symlink():
                with suppress(OSError):
                    place.chmod(0o700)
        shutil.rmtree(folder, ignore_errors=True)


def size(folder: Path, most: int) -> int:
    """Bytes of everything in a folder, plus one block per file; stops counting above `most`."""
    total, left = 0, [folder]
    while left and total <= most:
        with suppress(OSError):
            for entry in left.pop().iterdir():
                facts = entry.lstat()
                total += facts.st_blocks * 512 + 4096
                if entry.is_dir() and not entry.is_symlink():
                    left.append(entry)
    return total
