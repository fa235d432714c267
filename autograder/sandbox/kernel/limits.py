"""What a student's process may use."""

from __future__ import annotations

import math
from pathlib import Path

from msgspec import Struct

__all__ = ["Limits", "apply"]


_OTHERS = 40
"""The run's first thread, the copies that wait at its checks, and whatever else the same user has in the jail."""
_DEPTH = 400
"""Calls from C into Python, of a few kilobytes each: more than it takes to report that memory has run out."""
_CPU_GRACE = 2
"""Seconds of processor time between the signal that gives the reason and the kill of a process that ignores it."""


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds are wall clock; bytes are bytes.

    `memory_bytes` is on top of what the warm server has mapped, `scratch_bytes` is for all files together, and
    `threads` counts those besides the first. `cores` times the seconds is the limit of processor seconds.
    """

    cell_seconds: float = 60.0
    notebook_seconds: float = 600.0
    memory_bytes: int = 2 << 30
    output_bytes: int = 1_000_000
    notebook_output_bytes: int = 10_000_000
    file_bytes: int = 256 << 20
    open_files: int = 256
    scratch_bytes: int = 512 << 20
    threads: int = 64
    cores: float = 2.0

    @property
    def most_threads(self) -> int:
        """Threads that the kernel or the host allows, including the others that it counts."""
        return self.threads + _OTHERS


def apply(limits: Limits, *, threads: bool = False) -> None:
    """Lowers this process's own limits for good; a limit that the system does not have is left out.

    `threads` limits threads: only where runs are counted alone, because elsewhere the limit covers the whole user.
    """
    import resource

    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: limits.file_bytes,
        resource.RLIMIT_NOFILE: limits.open_files,
    }
    if threads:
        wanted[resource.RLIMIT_NPROC] = limits.most_threads
    _deepen_stack(_DEPTH)
    mapped = _mapped_bytes()
    if mapped is not None:
        wanted[resource.RLIMIT_AS] = mapped + limits.memory_bytes
    for kind, value in wanted.items():
        _, hard = resource.getrlimit(kind)
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (bound, bound))
    _limit_processor_time(math.ceil(limits.cores * limits.notebook_seconds))


def _deepen_stack(depth: int) -> list[int]:
    """Takes address space for a deeper stack: where none is left, a stack that grows is a segmentation fault."""
    return sorted([depth - 1], key=_deepen_stack) if depth else []


def _limit_processor_time(seconds: int) -> None:
    """At the limit the kernel sends SIGXCPU, which says what happened; a process that ignores it is killed later.

    The host checks as well, is usually quicker and gives a better message: this is for when it has no time to look.
    """
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    most = seconds + _CPU_GRACE
    bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (min(seconds, bound), bound))


def _mapped_bytes() -> int | None:
    """The address space in use, or None if the system does not report it (macOS does not enforce it either)."""
    import resource

    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except OSError:
        return None
    return pages * resource.getpagesize()
