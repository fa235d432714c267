"""A signal that comes at the worst moment: just before a timer is set or put off."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

__all__ = ["ring_before"]

_LATE = """
def late(which, seconds, *again):
    if is_moment(which, seconds):
        raise_signal(number)
    return put(which, seconds, *again)
"""


def ring_before(patch: pytest.MonkeyPatch, number: int, is_moment: Callable[[int, float], bool]) -> None:
    """Sends this process a signal before each `setitimer` with such a timer and seconds; what is put off has 0 seconds.

    It comes in a frame of Python's own `signal`, as it might: a frame of these tests would be taken for a student's.
    """
    space: dict[str, Any] = {
        "is_moment": is_moment, "number": number, "put": signal.setitimer, "raise_signal": signal.raise_signal
    }  # fmt: skip
    exec(compile(_LATE, signal.__file__, "exec"), space)
    patch.setattr(signal, "setitimer", space["late"])
