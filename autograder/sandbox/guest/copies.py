"""A run leaves copies of itself at its checks: each is a fork with the state at that check, which waits to be judged.

A fork has only the thread that made it. What an earlier cell started is mended where that can be done: an executor
starts threads again, torch computes on one.
"""

from __future__ import annotations

import functools
import os
import queue
import signal
import socket
import sys
import threading
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from autograder.sandbox.guest.capture import Capture
from autograder.sandbox.guest.messenger import Connection
from autograder.sandbox.guest.refusals import forking
from autograder.sandbox.wire import messages

__all__ = ["fork", "hand_over", "know_executors"]


_executors: weakref.WeakSet[ThreadPoolExecutor] = weakref.WeakSet()


def know_executors() -> None:
    """From now on every executor of threads is known, so that a copy can mend it."""
    true = ThreadPoolExecutor.__init__

    @functools.wraps(true)
    def __init__(self: ThreadPoolExecutor, *args: Any, **kwargs: Any) -> None:
        true(self, *args, **kwargs)
        _executors.add(self)

    ThreadPoolExecutor.__init__ = __init__  # type: ignore[method-assign]


def hand_over(server: socket.socket, listener: int) -> None:
    """Gives the server what decides about this process's forks and signals."""
    socket.send_fds(server, [b"l"], [listener])
    os.close(listener)


def fork(server: socket.socket, connection: Connection, capture: Capture) -> None:
    """Leaves a copy of this process, once the server has handed out its channel and let one fork through.

    Returns in both processes; in the copy the connection is the copy's own.
    """
    _, numbers, _, _ = socket.recv_fds(server, 1, 1)
    channel = socket.socket(fileno=numbers[0])
    threads = _threads() - 1
    waiting, settled = os.pipe()
    try:
        with forking(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a process with threads forks: what they leave behind is mended below
            pid = os.fork()
    except OSError as error:
        os.close(settled)
        connection.send(messages.Failed(f"the process could not be copied ({error.strerror})"))
    else:
        if pid == 0:
            _settle(server, channel, connection, capture, threads)
        os.close(settled)
        if pid:
            channel.close()
            os.read(waiting, 1)  # until the copy has settled, or is dead
            connection.send(messages.Forked(max(threads, 0)))
    finally:
        os.close(waiting)


def _settle(
    server: socket.socket, channel: socket.socket, connection: Connection, capture: Capture, threads: int
) -> None:
    """Makes a copy a process of its own: a group, outputs, a connection; then tells the server, who sees its id."""
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # sent to a stopped process whose parent ends
        os.setpgid(0, 0)
        connection.move(channel)
        capture.part()
        if threads > 0:
            _mend_threads()
        server.send(b"c")
        server.close()
    except BaseException:
        os._exit(1)


def _threads() -> int:
    """How many threads this process has, those of libraries included."""
    try:
        return len(os.listdir("/proc/self/task"))  # noqa: PTH208
    except OSError:
        return threading.active_count()


def _mend_threads() -> None:
    """Lets executors that an earlier cell made start their threads again, and torch do without any."""
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)
        torch.set_num_threads = lambda count: None  # OpenMP would wait for the threads that it had
    for each in list(_executors):
        with suppress(Exception):
            each._threads, each._work_queue = set(), queue.SimpleQueue()
            each._idle_semaphore, each._shutdown_lock = threading.Semaphore(0), threading.Lock()
