"""Children, their groups and what they leave behind."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

__all__ = [
    "adopt_orphans",
    "cpu_nanoseconds",
    "die_with_parent",
    "kill_group",
    "kill_orphans",
    "kill_rest",
    "kill_tree",
    "threads",
]

_SET_PDEATHSIG = 1
_SET_CHILD_SUBREAPER = 36
_CPU_SCHEDULED = 2
"""The low bits of a clock id for a whole process's scheduled time; the bits above hold the process id, inverted."""


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def adopt_orphans() -> None:
    """Makes this process the parent of every descendant whose own parent died (Linux)."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Makes the kernel kill this process when its parent dies (Linux)."""
    _prctl(_SET_PDEATHSIG, signal.SIGKILL)


def cpu_nanoseconds(pid: int) -> int:
    """Processor time of another process, summed over its threads; -1 if the system does not report it (not Linux)."""
    try:
        return time.clock_gettime_ns((~pid << 3) | _CPU_SCHEDULED)
    except (OSError, OverflowError):
        return -1


def threads(pid: int) -> int:
    """How many threads another process has; -1 if the system does not report it (not Linux)."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[17])
    except OSError:
        return -1


def kill_group(leader: int) -> None:
    """Kills a process that has not been reaped, and everything in its group."""
    kill_rest(leader)
    with suppress(ProcessLookupError, PermissionError):
        os.kill(leader, signal.SIGKILL)


def kill_rest(leader: int) -> None:
    """Kills what is left of a group, whose leader may be gone."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def kill_tree(top: int) -> None:
    """Kills a process on this machine and all its descendants."""
    for pid in _children(top):
        kill_tree(pid)
    with suppress(ProcessLookupError, PermissionError):
        os.kill(top, signal.SIGKILL)


def kill_orphans(known: set[int], seconds: float = 2.0) -> None:
    """Kills and reaps every unknown child of this process: what a dead run left behind in other groups."""
    deadline = time.monotonic() + seconds
    while strays := _children(os.getpid()) - known:
        for pid in strays:
            kill_group(pid)
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        if time.monotonic() > deadline:
            return
        time.sleep(0.002)


def _children(parent: int) -> set[int]:
    own = str(parent)
    found = set()
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if place.read_text("utf-8", "replace").rpartition(")")[2].split()[1] == own:
                found.add(int(place.parent.name))
    return found
