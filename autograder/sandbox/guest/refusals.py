"""Says in plain words why a jailed run may not start a process or reach a network; the kernel refuses it either way.

As in Jupyter when a program is missing, `!command`, `os.system` and `os.popen` say so and the cell goes on. What needs
a process raises an error.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from IPython.utils.text import LSString, SList

__all__ = [
    "NO_PROGRAMS",
    "NO_WINDOWS",
    "Refused",
    "explain",
    "forking",
    "leave_uncompiled",
    "note",
    "refuse_programs",
    "take",
]

NO_PROGRAMS = "no programs can be started here"
NO_WINDOWS = "no windows can be opened here"
_NO_NETWORK = "no network here"
_PROCESS = (
    "no new processes here: a graded notebook is one process, so subprocess, os.system, multiprocessing, ! and %%bash "
    "do not work; write it in Python"
)
_NETWORK = f"{_NO_NETWORK}: a graded notebook reaches no other machine; use the data that the course ships"
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
_NOT_FOUND = 127 << 8
"""What `os.system` returns where the shell finds no such program."""
_LONGEST = 100

_forks = False


@dataclass
class Refused:
    """What was refused of late.

    Attributes:
        raised: why, in a few words, where an exception said so.
        noted: the same where the statement went on.
    """

    raised: list[str] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)


_refused = Refused()


def take() -> Refused:
    """What was refused since the last call."""
    global _refused
    taken = _refused
    if taken.raised or taken.noted:
        _refused = Refused()
    return taken


def note(reason: str, sentence: str) -> None:
    """Says on stderr what is left out, and notes it; the statement goes on."""
    _refused.noted.append(reason)
    print(sentence, file=sys.stderr)


def explain() -> None:
    """From now on such calls raise a PermissionError that says why, in this process and for good."""
    sys.addaudithook(_refuse)


def refuse_programs(shell: Any) -> None:
    """`!command`, `os.system` and `os.popen` say that they do nothing, and return what they would without a program."""

    def system(command: object = "", *_: object, **__: object) -> None:
        shell.user_ns["_exit_code"] = _skip(command)

    def getoutput(command: object = "", split: bool = True, *_: object, **__: object) -> Any:
        _skip(command)
        said = f"sh: {str(command)[:_LONGEST]}: {NO_PROGRAMS}"
        return SList([said]) if split else LSString(said)

    shell.system = shell.system_piped = shell.system_raw = system
    shell.getoutput = getoutput
    os.system, os.popen = lambda command: _skip(command) << 8, _popen  # type: ignore[assignment]


def leave_uncompiled() -> None:
    """`torch.compile` gives back what it is given: its compiler is a program, which takes seconds to fail."""
    torch: Any = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "compile"):
        torch.compile = _as_it_is


def _as_it_is(model: Any = None, **_: Any) -> Any:
    return (lambda function: function) if model is None else model


class _Nothing(io.StringIO):
    """What a program that did not start has written."""

    def close(self) -> int:  # type: ignore[override]
        """Returns the status of a shell that finds no program."""
        super().close()
        return _NOT_FOUND


def _popen(command: object, *_: object, **__: object) -> _Nothing:
    _skip(command)
    return _Nothing()


def _skip(command: object) -> int:
    """Notes a program that is not started; returns a shell's status."""
    text = " ".join((command if isinstance(command, str) else os.fsdecode(command)).split())  # type: ignore[arg-type]
    note(NO_PROGRAMS, f"{NO_PROGRAMS}: `{text[:_LONGEST]}` was skipped")
    return _NOT_FOUND >> 8


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
        sentence = sentences[event]
        _refused.raised.append(_NO_NETWORK if sentence is _NETWORK else NO_PROGRAMS)
        raise PermissionError(errno.EPERM, sentence)
