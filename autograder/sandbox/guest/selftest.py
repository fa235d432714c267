"""Tries, from inside the jail, what the jail must refuse. Runs as the first run of every warm server."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import signal
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from autograder.sandbox.kernel.linux import machine, syscall

__all__ = ["attempts", "breaches", "happens"]

_CALLS: dict[str, tuple[int, int, tuple[int, ...]]] = {
    "open an internet socket": (41, 198, (2, 1, 0)),
    "open a local socket": (41, 198, (1, 1, 0)),
    "open a pair of datagram sockets": (53, 199, (1, 2, 0, 0)),
    "mount": (165, 40, (0, 0, 0, 0, 0)),
    "unmount": (166, 39, (0, 0)),
    "change its root folder": (161, 51, (0,)),
    "enter a namespace": (308, 268, (-1, 0)),
    "make namespaces": (272, 97, (0x10000000,)),
    "trace processes": (101, 117, (0, 0, 0, 0)),
    "load BPF": (321, 280, (0, 0, 0)),
    "use io_uring": (425, 425, (1, 0)),
    "use the kernel's keys": (250, 219, (0, -3, 0)),
    "read other processes' memory": (310, 270, (1, 0, 0, 0, 0, 0)),
    "write other processes' memory": (311, 271, (1, 0, 0, 0, 0, 0)),
    "use performance counters": (298, 241, (0, 0, -1, -1, 0)),
    "handle page faults": (323, 282, (0,)),
    "make memory that no limit counts": (319, 279, (0, 0)),
    "share memory with others": (29, 194, (0, 4096, 0o1600)),
    "hold on to another process": (434, 434, (1, 0)),
    "signal another process": (62, 129, (1, 0)),
    "signal all processes": (62, 129, (-1, 0)),
    "start a program": (59, 221, (0, 0, 0)),
    "change its user": (105, 146, (0,)),
    "leave its processor": (203, 122, (0, 0, 0)),
    "raise its priority": (141, 140, (0, 0, -20)),
    "open files by handle": (304, 265, (-1, 0, 0)),
    "see what is in the page cache": (27, 232, (0, 0, 0)),
    "read only what is in the page cache": (327, 286, (-1, 0, 0, 0, 0, 8)),
    "write only what is in the page cache": (328, 287, (-1, 0, 0, 0, 0, 8)),
    "open only what is in the cache of names": (437, 437, (-1, 0, 0, 0)),
    "watch files": (294, 26, (0,)),
    "watch file systems": (300, 262, (0, 0)),
    "open a queue of messages": (240, 180, (0, 0, 0, 0)),
    "open a queue of System V": (68, 186, (0, 0o1600)),
    "make semaphores that others see": (64, 190, (0, 1, 0o1600)),
    "wake others through shared memory": (202, 98, (0, 1, 1, 0, 0, 0)),
    "see who locks a file": (72, 25, (-1, 5, 0)),
    "be told who opens a file": (72, 25, (-1, 1024, 0)),
    "be told what happens in a folder": (72, 25, (-1, 1026, 0)),
    "have a process signalled when data arrive": (72, 25, (-1, 8, 1)),
}
"""By what it would do: the call's number on x86_64 and aarch64, and harmless arguments."""

_LOCK_OPEN_FILE = 37
_REFUSED = {errno.EPERM, errno.EACCES, errno.ENOSYS}
_OUTSIDE = ("/", "/dev", "/dev/shm", "/etc", "/proc/self", "/usr/lib", "/var/tmp", "/course", "/jail")


def breaches(readable: Iterable[str], writable: Iterable[str]) -> list[str]:
    """What this process could do although it must not, in words that follow "it could"; arguments as `attempts`."""
    return [what for what, happened in attempts(readable, writable) if happened]


def attempts(readable: Iterable[str], writable: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Everything tried, in words that follow "it could", and whether it worked.

    Args:
        readable: files that this process must not be able to read.
        writable: folders that it must not be able to write to, besides the usual ones.
    """
    for path in readable:
        yield f"read {path}", happens(lambda path=path: _read(path))  # type: ignore[misc]
    own = Path.cwd().parent
    for place in dict.fromkeys((*_OUTSIDE, *writable)):
        if not Path(place).resolve().is_relative_to(own):
            yield f"write to {place}", happens(lambda place=place: _write(place))  # type: ignore[misc]
    for what, numbers in _CALLS.items():
        yield what, not _refused(*numbers)
    yield "start a process", happens(_fork)
    for what, lock in (("flock", fcntl.flock), ("lockf", _lock_owner)):
        yield f"lock a file so that others notice ({what})", _locks(lock)
    yield from _kept()


def happens(attempt: Callable[[], object]) -> bool:
    """Whether something is possible: it raises no OSError."""
    try:
        attempt()
    except OSError:
        return False
    return True


def _read(path: str) -> None:
    with open(path, "rb") as file:  # noqa: PTH123
        file.read(1)


def _write(folder: str) -> None:
    place = Path(folder) / f"autograder-{os.getpid()}"
    place.touch(exist_ok=False)
    with suppress(OSError):
        place.unlink()


def _refused(first: int, second: int, arguments: tuple[int, ...]) -> bool:
    try:
        made = syscall(first if machine() == "x86_64" else second, *arguments)
    except OSError as error:
        return error.errno in _REFUSED
    with suppress(OSError):
        os.close(made)
    return False


def _lock_owner(file: int, how: int) -> None:
    """A lock that belongs to the open file: one that belongs to a process never keeps that process itself out."""
    kind = fcntl.F_WRLCK if how & fcntl.LOCK_EX else fcntl.F_RDLCK
    fcntl.fcntl(file, _LOCK_OPEN_FILE, struct.pack("hhqqi4x", kind, os.SEEK_SET, 0, 0, 0))


def _locks(lock: Callable[[int, int], object]) -> bool:
    """Whether a lock that one open file holds is noticed by another."""
    path = Path(f"lock-{os.getpid()}")
    with path.open("w") as one, path.open("w") as other:
        path.unlink()
        lock(one.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        return not happens(lambda: lock(other.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB))


def _fork() -> None:
    pid = ctypes.CDLL(None, use_errno=True).fork()
    if pid == 0:
        os.kill(os.getpid(), signal.SIGKILL)
        os._exit(0)
    if pid < 0:
        raise OSError(ctypes.get_errno(), "fork")
    os.waitpid(pid, 0)


def _kept() -> Iterator[tuple[str, bool]]:
    """Rights that this process may still have."""
    facts = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text("utf-8").splitlines())
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        yield f"use capabilities ({name})", int(facts[name], 16) != 0
    yield "gain privileges from programs", facts["NoNewPrivs"].strip() != "1"
    yield "call the kernel without a filter", facts["Seccomp"].strip() != "2"
