"""Runs something beside this process, so that nothing of it stays: no value changed, no random number drawn, no print.

Where a process can be forked the work happens in a fork, which ends with its time. Elsewhere it happens here, and only
what is printed is kept back.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import select
import signal
import sys
import warnings
from collections.abc import Callable

__all__ = ["aside"]

_CAN_FORK = sys.platform == "linux"


def aside(work: Callable[[], tuple[str, ...]], seconds: float) -> tuple[str, ...]:
    """What the work returns; nothing if it fails, ends its process, or takes longer than that.

    Args:
        work: returns texts.
        seconds: how long it may take.
    """
    if not _CAN_FORK:
        return _quietly(work)
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other threads of a kernel hold nothing that is used here
        child = os.fork()
    if child == 0:
        os.close(reading)
        _work_in_child(work, writing)
    os.close(writing)
    try:
        return _received(reading, seconds)
    finally:
        os.close(reading)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(child, 0)


def _quietly(work: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            return work()
        except Exception:  # help that fails must not hide the verdict
            return ()


def _work_in_child(work: Callable[[], tuple[str, ...]], writing: int) -> None:
    """Sends the result and ends the process, whatever happens."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the stop button ends this process through its parent
        sys.stdout = sys.stderr = io.StringIO()
        data = json.dumps(_quietly(work)).encode()
        while data:
            data = data[os.write(writing, data) :]
    finally:
        os._exit(0)


def _received(reading: int, seconds: float) -> tuple[str, ...]:
    data = b""
    while select.select([reading], [], [], seconds)[0]:
        part = os.read(reading, 1 << 16)
        if not part:
            try:
                return tuple(map(str, json.loads(data)))
            except ValueError:  # it ended before it was done
                return ()
        data += part
    return ()
