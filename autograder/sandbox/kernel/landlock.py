"""Landlock: restricts for good which files a process may read and write, without needing privileges."""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from autograder.sandbox.kernel.linux import machine, prctl, syscall

__all__ = ["ENOUGH", "restrict", "version"]

ENOUGH = 3
"""The first version that controls truncation: before it, a read-only file could be emptied."""

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_BEFORE_REFER, _REFER, _TRUNCATE, _DEVICE = (1 << 13) - 1, 1 << 13, 1 << 14, 1 << 15
_EXECUTE, _WRITE = 1 << 0, 1 << 1
_MADE = 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11
"""Creating devices, sockets and named pipes."""
_OF_FILES = _EXECUTE | _WRITE | _READ_FILE | _TRUNCATE | _DEVICE
_TCP, _SCOPES = 0b11, 0b11
"""Binding and connecting; abstract sockets and signals that leave the domain."""
_NO_NEW_PRIVILEGES = 38


def version() -> int:
    """The kernel's version of Landlock; 0 if it has none."""
    if not machine():
        return 0
    try:
        return syscall(_CREATE, None, 0, 1)
    except OSError:
        return 0


def _handled(known: int) -> int:
    later = {2: _REFER, 3: _TRUNCATE, 5: _DEVICE}
    return _BEFORE_REFER | sum(right for since, right in later.items() if known >= since)


def restrict(
    readable: Iterable[str], writable: Iterable[str], listed: Iterable[str] = (), hidden: Iterable[str] = ()
) -> None:
    """Restricts this process to these files and folders and their contents; programs cannot be started.

    Of the folders in `listed` and those inside them only the names can be read. A path that does not exist is left out.
    What is hidden cannot be opened, also where it is inside something readable.

    Raises:
        OSError: the kernel has no Landlock.
    """
    known = version()
    handled = _handled(known)
    words = [handled] + ([_TCP] if known >= 4 else []) + ([_SCOPES] if known >= 6 else [])
    attributes = struct.pack(f"={len(words)}Q", *words)
    rules = syscall(_CREATE, ctypes.c_char_p(attributes), len(attributes), 0)
    try:
        for path, whole in _around(readable, hidden):
            _allow(rules, path, _READ_FILE | _READ_FOLDER if whole else _READ_FOLDER)
        for path in listed:
            _allow(rules, path, _READ_FOLDER)
        for path in writable:
            _allow(rules, path, handled & ~_EXECUTE & ~_MADE)
        prctl(_NO_NEW_PRIVILEGES, 1)
        syscall(_RESTRICT, rules, 0)
    finally:
        os.close(rules)


def _around(readable: Iterable[str], hidden: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """The paths to allow so that what is hidden is not, and whether each is allowed whole or may only be listed.

    Files are known by their numbers: a folder can be mounted in more than one place.
    """
    gone = {_identity(path) for path in hidden}
    above = {_identity(str(parent)) for path in hidden for parent in Path(path).resolve().parents}
    waiting = list(readable)
    while waiting:
        path = waiting.pop()
        known = _identity(path)
        if known in above:
            yield path, False
            with suppress(OSError), os.scandir(path) as entries:
                waiting += [entry.path for entry in entries if not entry.is_symlink()]
        elif known not in gone:
            yield path, True


def _identity(path: str) -> tuple[int, int] | None:
    """The device and number of a file; None if there is none."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _allow(rules: int, path: str, rights: int) -> None:
    with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not stat.S_ISDIR(os.fstat(place).st_mode):
                rights &= _OF_FILES
            syscall(_ADD, rules, 1, ctypes.c_char_p(struct.pack("=Qi", rights, place)), 0)
        finally:
            os.close(place)
