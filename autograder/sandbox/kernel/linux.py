"""Linux system calls that Python does not offer, with errors as OSError."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from functools import cache

__all__ = [
    "NEW_IPC",
    "NEW_MOUNTS",
    "NEW_PIDS",
    "PRIVATE",
    "READ_ONLY",
    "SAFE",
    "drop_capabilities",
    "machine",
    "mount",
    "prctl",
    "setns",
    "syscall",
    "unshare",
]

NEW_MOUNTS, NEW_IPC, NEW_PIDS = 0x00020000, 0x08000000, 0x20000000
"""Kinds of namespaces."""
READ_ONLY, SAFE, PRIVATE = 0x1, 0x2 | 0x4 | 0x8, 0x4000 | 0x40000
"""Mount flags; SAFE means no setuid, no devices, no programs; PRIVATE applies to everything below as well."""

_CAPSET = {"x86_64": 126, "aarch64": 91}
_CAPABILITY_VERSION = 0x20080522
_AMBIENT, _CLEAR_ALL, _DROP_BOUNDING, _NO_NEW_PRIVILEGES = 47, 4, 24, 38


def machine() -> str:
    """`x86_64`, `aarch64` or another processor's name; empty if this is not Linux."""
    return platform.machine() if sys.platform == "linux" else ""


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def syscall(number: int, *arguments: object) -> int:
    """A system call by its number; integers are passed as 64 bits.

    Raises:
        OSError: the kernel refuses.
    """
    given = [ctypes.c_ulong(each) if isinstance(each, int) else each for each in arguments]
    return _checked(_libc().syscall(ctypes.c_long(number), *given), f"system call {number}")


def prctl(option: int, *arguments: int) -> int:
    """Changes or reads a setting of this process.

    Raises:
        OSError: the kernel refuses.
    """
    given = [ctypes.c_ulong(each) for each in (*arguments, 0, 0, 0, 0)[:4]]
    return _checked(_libc().prctl(option, *given), f"prctl {option}")


def unshare(kinds: int) -> None:
    """Moves this process to new namespaces of these kinds.

    Raises:
        OSError: the kernel refuses.
    """
    _checked(_libc().unshare(kinds), "unshare")


def setns(descriptor: int, kind: int) -> None:
    """Moves this process to the namespace behind a descriptor.

    Raises:
        OSError: the kernel refuses.
    """
    _checked(_libc().setns(descriptor, kind), "setns")


def mount(kind: str | None, place: str, flags: int, options: str = "") -> None:
    """Mounts a file system of that kind, or changes what is mounted there if the kind is None.

    Raises:
        OSError: the kernel refuses.
    """
    name = kind.encode() if kind else None
    _checked(_libc().mount(name, os.fsencode(place), name, ctypes.c_ulong(flags), options.encode()), f"mount {place}")


def drop_capabilities() -> None:
    """Gives up every capability for good, and the way back through programs that have some.

    Raises:
        OSError: the kernel refuses.
    """
    prctl(_AMBIENT, _CLEAR_ALL)
    for number in range(64):
        try:
            prctl(_DROP_BOUNDING, number)
        except OSError:  # no such capability, or not permitted: without privileges nothing can be gained anyway
            break
    prctl(_NO_NEW_PRIVILEGES, 1)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    syscall(_CAPSET[machine()], ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)()))
