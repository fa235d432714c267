"""Says in plain words why a jailed run may not start a process or reach a network; the kernel refuses it either way."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

__all__ = ["explain", "forking", "refuse_process"]

_PROCESS = (
    "no new processes here: a graded notebook is one process, so subprocess, os.system, multiprocessing, ! and %%bash "
    "do not work; write it in Python"
)
_NETWORK = "no network here: a graded notebook reaches no other machine; use the data that the course ships"
_SENTENCES = {
    **dict.fromkeys(
        (
            "os.exec",
            "os.fork",
            "os.forkpty",
            "os.posix_spawn",
            "os.spawn",
            "os.system",
            "pty.spawn",
            "subprocess.Popen",
        ),
        _PROCESS,
    ),
    **dict.fromkeys(
        ("socket.bind", "socket.connect", "socket.getaddrinfo", "socket.gethostbyaddr", "socket.gethostbyname"),
        _NETWORK,
    ),
}
"""By Python's audit events."""

_forks = False


def explain() -> None:
    """From now on such calls raise a PermissionError that says why, in this process and for good."""
    sys.addaudithook(_refuse)


def refuse_process(*_: object, **__: object) -> NoReturn:
    """Replaces what starts a process.

    Raises:
        PermissionError: always.
    """
    raise PermissionError(errno.EPERM, _PROCESS)


@contextmanager
def forking() -> Iterator[None]:
    """Inside, nothing is said about a fork: the server has allowed one, which is what the kernel goes by."""
    global _forks
    _forks = True
    try:
        yield
    finally:
        _forks = False


def _refuse(event: str, _: object, sentences: dict[str, str] = _SENTENCES) -> None:
    if event in sentences and not (_forks and event == "os.fork"):
        raise PermissionError(errno.EPERM, sentences[event])
