"""A run's share of the processors: it gives way to the grader, and keeps with all its threads to one processor."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["NICE", "give_way", "waited_nanoseconds"]

NICE = 5
"""How much nicer than the grader a run is: the judge, and the server that watches it, come first."""


def give_way(processor: int | None) -> None:
    """Lowers this process's priority for good and, if a processor is named, keeps it there.

    What the system does not have or does not allow is left out.
    """
    with suppress(OSError):
        os.nice(NICE)
    if hasattr(os, "SCHED_BATCH"):
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    if processor is not None and hasattr(os, "sched_setaffinity"):
        with suppress(OSError):
            os.sched_setaffinity(0, {processor})


def waited_nanoseconds(pid: int) -> int:
    """How long a process's first thread was ready to run but had no processor; -1 if the system does not report it."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text("ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return -1
