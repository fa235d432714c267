"""Makes Ctrl-C arrive between two steps, and recognises the errors it causes on its way out."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["caused_by_interrupt", "delay_sigint"]


@contextmanager
def delay_sigint() -> Iterator[None]:
    """A Ctrl-C within the block is raised at its end, a second one at once.

    Not every step can be interrupted anywhere: a half-started progress bar cannot be stopped. Outside the main thread,
    where Ctrl-C never arrives, this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received = False

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal received
        if received:
            raise KeyboardInterrupt
        received = True

    previous = signal.signal(signal.SIGINT, remember)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
        if received:
            signal.raise_signal(signal.SIGINT)


def caused_by_interrupt(error: BaseException) -> bool:
    """Whether the error is a KeyboardInterrupt, or was raised while one was being handled."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__context__
    return cause is not None
