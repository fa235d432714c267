"""One call of a student's function and what came back: shared by the judge, the sandbox and the notebooks' check."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

__all__ = [
    "CONSEQUENCE",
    "Breach",
    "Call",
    "Forbidding",
    "Foreign",
    "Forgives",
    "Harness",
    "Outcome",
    "Probe",
    "Raised",
    "Skipped",
    "Status",
    "Steps",
    "Unwritten",
]


class Status(StrEnum):
    """The result of one exercise for one student: always exactly one of these."""

    PASSED = "passed"
    PARTIAL = "partial"
    FAILED = "failed"
    ERROR = "error"
    NOT_WRITTEN = "not_written"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    CRASHED = "crashed"
    EXITED = "exited"
    OUTPUT = "output"
    BLOCKED = "blocked"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    NEEDS_MANUAL = "needs_manual"


class Breach(Exception):
    """The student's process broke a limit or died; `status` says how, the message tells the student.

    `called_with` shows the arguments of the call that did, where the student may see them.
    """

    def __init__(self, status: Status, message: str):
        super().__init__(message)
        self.status = status
        self.message = message
        self.called_with = ""


class Unwritten(StrEnum):
    """What a NotImplementedError says of the student's code.

    Attributes:
        NO: nothing; a library raised it, or the student's own branch.
        STUB: the function as it was given, with nothing in it.
        ELSEWHERE: such a function of another cell, which the answer calls.
        BELOW: the line that was given still stands below the student's code.
        ABOVE: the student's code stands below that line, which ends the function before it.
    """

    NO = ""
    STUB = "stub"
    ELSEWHERE = "elsewhere"
    BELOW = "below"
    ABOVE = "above"


@dataclass(frozen=True)
class Raised:
    """An exception in the student's code: type, message and the student's own line that raised it.

    Attributes:
        missing: of a NameError, the name that is not defined.
        unwritten: of a NotImplementedError, what it says of the student's code; `function` is the one it is about.
    """

    kind: str
    message: str
    line: int | None = None
    source: str = ""
    missing: str = ""
    unwritten: Unwritten = Unwritten.NO
    function: str = ""


class Forgives(StrEnum):
    """Which statements of a cell may fail without keeping the rest of the cell from running.

    Attributes:
        NOTHING: none, as in a kernel.
        SURROUNDINGS: those that fail for want of something that a student's own machine has: a program, a network, a
            window, a package, a file, a GPU, a person who types.
        STATEMENTS: all that fail with an ordinary error.
    """

    NOTHING = ""
    SURROUNDINGS = "surroundings"
    STATEMENTS = "statements"


CONSEQUENCE = "comes from a line that was skipped"
"""What the reason of such a line ends with that lacks nothing itself."""


@dataclass(frozen=True)
class Skipped:
    """A statement of a cell that did not do all that it says; the rest of the cell ran.

    Attributes:
        line: where it begins in the cell.
        names: what it would have given names to.
        reason: what it lacked, in a few words; empty for an ordinary error.
        raised: how it failed; None if it ran to its end without.
    """

    line: int
    names: tuple[str, ...]
    reason: str
    raised: Raised | None = None


@dataclass(frozen=True)
class Foreign:
    """Takes the place of a value that is not plain data, and says what it was."""

    type_name: str


@dataclass(frozen=True)
class Steps:
    """Python's own work in one call: lines and calls in the student's code, and calls inside libraries."""

    own: int
    library: int


@dataclass(frozen=True)
class Outcome:
    """The result of one call: a value or an exception, the inputs as they were afterwards, and the warnings.

    Attributes:
        inputs: None if the call left them unchanged.
        seconds: wall clock, including the transfer over the wire.
        cpu: processor seconds of the student's process during the call, summed over its threads, read from outside
            that process; None if not requested or if the system does not report them.
        steps: Python's own work, counted inside the student's process; None if not requested.
        forbidden: the forbidden functions that were called, as the student's process reports them.
        given: the positional arguments of the call that `inputs` belongs to, if they are not the case's own.
        called: positional and keyword arguments of the first call that an observer made; None without an observer.
        printed: what was printed meanwhile, where that is kept.
    """

    value: Any = None
    raised: Raised | None = None
    inputs: tuple[tuple[Any, ...], Mapping[str, Any]] | None = None
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    cpu: float | None = None
    steps: Steps | None = None
    forbidden: tuple[str, ...] = ()
    given: tuple[Any, ...] | None = None
    called: tuple[tuple[Any, ...], Mapping[str, Any]] | None = None
    printed: str = ""


class Call(Protocol):
    """Calls the student's answer with positional and keyword arguments; raises `Breach` when its process is gone.

    `through` names what is called in place of the answer: a function of `autograder.harness`, or an object that the
    answer returned. `keep` leaves there what is not plain data, and lets gradients pass. `cpu` requests the processor
    time of the call. `steps` requests a count of Python's steps and is its limit: a higher count ends the call. An
    answer of more than `most` bytes is thrown away unread and comes back as an `UnexpectedAnswer`; 0 sets no limit.
    `edited` is a name and a text: what the text defines is called in the answer's place, among the answer's names.
    The student's function works on copies, so the arguments stay unchanged.
    """

    def __call__(
        self,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        through: str | int = "",
        *,
        cpu: bool = False,
        steps: int = 0,
        keep: bool = False,
        most: int = 0,
        edited: tuple[str, str] | None = None,
    ) -> Outcome:
        """One call."""


@runtime_checkable
class Forbidding(Protocol):
    """A call in the judge's own process (the student's own check): takes functions away while it lasts."""

    def forbidding(self, names: tuple[str, ...]) -> Call:
        """The same answer, without those functions."""


Probe = Callable[..., Any]
"""What a property receives: calls the student's function and returns its value."""

Harness = Callable[..., Any]
"""A function of `autograder.harness`: `harness(answer, *args, **kwargs)` runs on the student's side of the wire and
returns plain values. Classes, models, graphs and whole training runs are probed through one."""
