"""Where a worker is in its work, written to a page of memory that its parent reads, alive or dead.

The worker notes the stage, the exercise and the moment by which the stage must be over. The parent compares that moment
with the clock, and, when the worker has died, reads which exercise was at fault. Noting costs a microsecond.
"""

from __future__ import annotations

import mmap
import struct
import time
from collections.abc import Sequence

__all__ = ["EXERCISE_AT_FAULT", "IDLE", "NOBODY_AT_FAULT", "SIZE", "Stages", "attach", "here"]

SIZE = mmap.PAGESIZE
IDLE = "waiting for work"
NOBODY_AT_FAULT = ("starting", "opening the sandbox", IDLE)
"""Stages in which no submission has been looked at."""
EXERCISE_AT_FAULT = ("running", "judging", "diagnosing")

_DEADLINE = struct.Struct("@d")
_LONGEST = 500


class Stages:
    """One process's page: written by that process, read by its parent."""

    def __init__(self, memory: mmap.mmap | bytearray) -> None:
        """Takes `SIZE` bytes, zero at first."""
        self._memory = memory
        self.failures: list[str] = []
        """What could not be done in this submission, for the instructor; kept by this process alone."""

    def enter(self, stage: str, exercise: str = "", seconds: float = 0.0) -> None:
        """Notes the stage, and its exercise if it has one; it may take that many seconds, or any time if they are 0."""
        text = f"{stage}\n{exercise}".encode()[:_LONGEST]
        self._memory[_DEADLINE.size : _DEADLINE.size + len(text) + 1] = text + b"\0"
        self.extend(seconds)

    def extend(self, seconds: float) -> None:
        """The present stage may take that many seconds from now, and any time if they are 0."""
        _DEADLINE.pack_into(self._memory, 0, time.monotonic() + seconds if seconds else 0.0)

    @property
    def overdue(self) -> bool:
        """Whether the present stage should be over."""
        (deadline,) = _DEADLINE.unpack_from(self._memory, 0)
        return bool(0.0 < deadline < time.monotonic())

    def read(self) -> tuple[str, str]:
        """The stage and its exercise; reliable once the process that writes is dead."""
        text = bytes(self._memory[_DEADLINE.size : _DEADLINE.size + _LONGEST]).partition(b"\0")[0]
        stage, _, exercise = text.decode("utf-8", "replace").partition("\n")
        return stage, exercise

    def take_failures(self) -> Sequence[str]:
        """The failures so far, which are then forgotten."""
        failures, self.failures = self.failures, []
        return failures


_here = Stages(bytearray(SIZE))


def here() -> Stages:
    """This process's page; nobody else reads it unless the process was started as a worker."""
    return _here


def attach(descriptor: int) -> None:
    """From now on this process writes to the page that its parent gave it."""
    global _here
    _here = Stages(mmap.mmap(descriptor, SIZE))
