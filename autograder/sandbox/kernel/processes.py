"""Children, their groups and what they leave behind."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = [
    "adopt_orphans",
    "as_user",
    "cpu_nanoseconds",
    "die_with_parent",
    "exit_status",
    "inner_id",
    "kill_group",
    "kill_orphans",
    "kill_rest",
    "kill_tree",
    "memory",
    "shared_memory",
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


def kill_orphans(known: set[int], seconds: float = 2.0, parent: int | None = None) -> None:
    """Kills and reaps every unknown child of this process, or of another: what a dead run left in other groups."""
    deadline = time.monotonic() + seconds
    while strays := _children(parent or os.getpid(), dead=parent is None) - known:
        for pid in strays:
            kill_group(pid)
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        if time.monotonic() > deadline:
            return
        time.sleep(0.002)


def _children(parent: int, *, dead: bool = True) -> set[int]:
    own = str(parent)
    found = set()
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, above, *_ = place.read_text("utf-8", "replace").rpartition(")")[2].split()
            if above == own and (dead or state != "Z"):
                found.add(int(place.parent.name))
    return found


# --- copies: forks of a run, which are no children of whoever supervises them ---------------------------


@contextmanager
def as_user(user: int | None) -> Iterator[None]:
    """Inside, this process has another user's rights to look at that user's processes; None changes nothing."""
    if user is None:
        yield
        return
    own_group, own_user = os.getegid(), os.geteuid()
    os.setegid(user)
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(own_user)
        os.setegid(own_group)


def exit_status(pid: int) -> int | None:
    """How a process ended that `pidfd_open` has reported dead, as `waitpid` gives it; None if nobody knows."""
    with suppress(ChildProcessError):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
    try:
        facts = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return None
    return int(facts[49]) if facts[0] == "Z" else None


def inner_id(pid: int) -> int:
    """The process id that a process has in its own namespace.

    Raises:
        OSError: there is no such process.
    """
    text = Path(f"/proc/{pid}/status").read_text("utf-8", "replace")
    ids = [line.split()[-1] for line in text.splitlines() if line.startswith("NSpid:")]
    return int(ids[0]) if ids else pid


def memory(pid: int) -> int:
    """Bytes of memory of its own that a process holds, those that it shares with its copies included; 0 if unknown."""
    try:
        _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text("ascii").split()
    except OSError:
        return 0
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGESIZE")


def shared_memory(pid: int) -> int:
    """Bytes of a process's own memory, each divided among all processes that share it; takes some milliseconds."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    except OSError:
        return memory(pid)
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss_Anon:"))
