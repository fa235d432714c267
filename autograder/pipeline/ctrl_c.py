"""Ctrl-C comes between two steps, and whatever it breaks on its way out still counts as Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["came_of_ctrl_c", "later"]


@contextmanager
def later() -> Iterator[None]:
    """A Ctrl-C within the block is raised at its end; a process that is started in the block starts deaf to it.

    Not every step can be broken anywhere: a bar that is half started cannot be stopped, and a process that is hit
    while it still imports ends with a traceback. Outside of the main thread, where Ctrl-C never comes, this does
    nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    usual = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # what a new process inherits
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)  # other threads may have taken it before
        signal.signal(signal.SIGINT, usual)
        if came:
            signal.raise_signal(signal.SIGINT)


def came_of_ctrl_c(error: BaseException) -> bool:
    """Whether the error is Ctrl-C's, or was raised while something gave way to it."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__context__
    return cause is not None
