"""Calls that wait in the kernel until someone outside has decided about them: forks, and signals to processes."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Callable
from contextlib import suppress

from autograder.sandbox.kernel.linux import machine
from autograder.sandbox.kernel.syscalls import NUMBERS

__all__ = ["Permits"]

_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_ASKED = struct.Struct("=QIIiIQ6Q")
"""The id of the call, the thread, flags; the call's number, the architecture, the instruction, six arguments."""
_ANSWER = struct.Struct("=QqiI")
_GO_ON = 1


class Permits:
    """The end of `seccomp.supervise` that answers; holds the listener."""

    def __init__(self, listener: int) -> None:
        self._listener = listener
        os.set_inheritable(listener, False)

    def fileno(self) -> int:
        """For poll."""
        return self._listener

    def answer(self, may_fork: Callable[[], bool], may_signal: Callable[[int], bool]) -> None:
        """Decides about one call that waits.

        Args:
            may_fork: whether one more process may be made; asked once for each.
            may_signal: whether a process, by the id that the caller uses, may be sent signals.
        """
        asked = bytearray(_ASKED.size)
        with suppress(OSError):  # the caller was killed in the meantime
            fcntl.ioctl(self._listener, _RECEIVE, asked)
            id_, _, _, call, _, _, first, *_ = _ASKED.unpack(asked)
            known = NUMBERS[machine()]
            if call == known["clone"]:
                allowed = may_fork()
            else:
                target = struct.unpack("=i", struct.pack("=I", first & 0xFFFFFFFF))[0]
                allowed = may_signal(abs(target) if call == known["kill"] else target)
            said = _ANSWER.pack(id_, 0, 0, _GO_ON) if allowed else _ANSWER.pack(id_, 0, -errno.EPERM, 0)
            fcntl.ioctl(self._listener, _SEND, bytearray(said))

    def close(self) -> None:
        """Closes the listener: from then on the calls fail."""
        os.close(self._listener)
