"""Ctrl-C comes between two steps, and whatever it breaks on its way out still counts as Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["came_of_ctrl_c", "deaf_children", "later"]


@contextmanager
def later() -> Iterator[None]:
    """A Ctrl-C within the block is raised at its end, a second one at once.

    Not every step can be broken anywhere: a bar that is half started cannot be stopped. Outside of the main thread,
    where Ctrl-C never comes, this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came = False

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal came
        if came:
            raise KeyboardInterrupt
        came = True

    usual = signal.signal(signal.SIGINT, remember)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
        if came:
            signal.raise_signal(signal.SIGINT)


@contextmanager
def deaf_children() -> Iterator[None]:
    """A process that this thread starts in the block starts deaf to Ctrl-C: while it imports, that would end it with a
    traceback."""
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)


def came_of_ctrl_c(error: BaseException) -> bool:
    """Whether the error is Ctrl-C's, or was raised while something gave way to it."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__context__
    return cause is not None
