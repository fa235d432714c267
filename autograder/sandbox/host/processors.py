"""A processor for each warm server, so that what one submission does costs others no time.

Servers of one machine agree without files: each binds an abstract socket whose name has the processor's number, which
nobody else can bind until it is closed, whatever becomes of the process.
"""

from __future__ import annotations

import os
import socket
import sys
from contextlib import ExitStack

__all__ = ["claim"]

_MOST_ON_ONE = 8
_NAME = "autograder-processor"


def claim(stack: ExitStack) -> int | None:
    """A processor that as few other servers as possible have; `stack` gives it back.

    None where there is only one, where the system cannot bind a process to one, or where all have many servers.
    """
    if sys.platform != "linux":
        return None
    own = sorted(os.sched_getaffinity(0))
    for turn in range(_MOST_ON_ONE if len(own) > 1 else 0):
        for processor in own:
            if (held := _bound(f"\0{_NAME}-{processor}-{turn}")) is not None:
                stack.enter_context(held)
                return processor
    return None


def _bound(name: str) -> socket.socket | None:
    """A socket of that name; None if there is one already."""
    held = socket.socket(socket.AF_UNIX)
    try:
        held.bind(name)
    except OSError:
        held.close()
        return None
    return held
