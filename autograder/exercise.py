"""The plain values that every part of the autograder shares.

Nothing here computes a verdict: an `Exercise` says what the student has to write and how it is probed, a `Case` is one
call of the student's function, an `Outcome` is what came back, a `Verdict` is what the judge made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "Breach",
    "Call",
    "Case",
    "CaseResult",
    "ClassGrading",
    "DeclarationError",
    "Direction",
    "Exercise",
    "Forbidding",
    "Foreign",
    "Graded",
    "Growth",
    "Harness",
    "Misconception",
    "Outcome",
    "Probe",
    "Property",
    "Raised",
    "Rules",
    "Status",
    "Steps",
    "Tolerance",
    "Verdict",
]


class DeclarationError(Exception):
    """An exercise's file does not say what it must; the message names the file and the cure."""


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
    """The student's process broke a limit or died; `status` says how, the message tells the student."""

    def __init__(self, status: Status, message: str):
        super().__init__(message)
        self.status = status
        self.message = message


# --- one call of a student's function and what came back -------------------------------------------------


@dataclass(frozen=True)
class Raised:
    """An exception in the student's code: type, message and the student's own line that raised it."""

    kind: str
    message: str
    line: int | None = None
    source: str = ""


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


class Call(Protocol):
    """Calls the student's answer with positional and keyword arguments; raises `Breach` when its process is gone.

    `through` names what is called in place of the answer: a function of `autograder.harness`, or an object that the
    answer returned. `keep` leaves there what is not plain data, and lets gradients pass. `cpu` requests the processor
    time of the call. `steps` requests a count of Python's steps and is its limit: a higher count ends the call. An
    answer of more than `most` bytes is thrown away unread and comes back as an `UnexpectedAnswer`; 0 sets no limit.
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


# --- what an exercise asks for ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One call of the student's function, judged against the reference on the same arguments.

    `args` may hold None, bool, int, float, complex, str, lists, tuples, dictionaries with string keys, NumPy
    arrays (any layout), NumPy scalars and random generators, torch tensors, and plain functions of such values, which
    must not keep state: the same case is used for a whole class.
    Order matters: smallest first, because the student is shown the first failing case.

    Attributes:
        known: what only the judge may know about this case (the labels of held-out inputs, say); never sent.
        through: a harness for this case, in place of the exercise's own.
    """

    name: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    group: str = "basics"
    known: Any = None
    through: Harness | None = None


@dataclass(frozen=True)
class Property:
    """Something that holds for any numbers.

    `probe(call, rng)` calls the student's function through `call` on inputs it draws from `rng` and returns None,
    or one sentence that says what does not hold. It must not reveal more about a hidden input than that sentence.
    """

    name: str
    probe: Callable[[Probe, np.random.Generator], str | None]
    group: str = "properties"
    through: Harness | None = None


@dataclass(frozen=True)
class Misconception:
    """A wrong implementation with the sentence that helps whoever wrote it.

    When a student's answer equals it, the student reads the sentence; the test suite submits its source and
    requires that it loses points and is named. The function must be self-contained: it may use its arguments, `np`,
    `torch` (from notebook 06 on) and what it imports itself.

    Attributes:
        shows: where answers are judged by `Exercise.accepts` (trained models, say), tells whether the mistake shows in
            the answer to a case; used instead of running `wrong` again and comparing.
    """

    name: str
    wrong: Callable[..., Any]
    sentence: str
    shows: Callable[[Case, Any], bool] | None = None


@dataclass(frozen=True)
class Direction:
    """Something that grows: `inputs(rng, size)` gives the arguments of one call; sizes are small, medium, large."""

    name: str
    sizes: tuple[int, int, int]
    inputs: Callable[[np.random.Generator, int], tuple[Any, ...]]


@dataclass(frozen=True)
class Growth:
    """What Python's own work may not grow with, and a right answer that loops over it, to compare with."""

    directions: tuple[Direction, ...]
    loop: Callable[..., Any]
    group: str = "vectorised"


@dataclass(frozen=True)
class Rules:
    """How the function must behave, whatever it returns.

    Attributes:
        keeps_inputs: the arguments are unchanged afterwards.
        silent: no RuntimeWarning (overflow, invalid value) on any case.
        vectorised: the work done in Python does not grow with the input.
        forbids: dotted names of functions, classes or modules that may not do the work, such as "torch.conv2d",
            "torch.nn.LSTM" or "scipy.signal".
    """

    keeps_inputs: bool = True
    silent: bool = False
    vectorised: Growth | None = None
    forbids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tolerance:
    """`|got - expected| <= absolute + relative * |expected|`, chosen by the lowest precision of inputs and answer.

    `single` is for 32-bit floats, `half` for 16-bit ones. On a GPU, where sums run in a different order each time, both
    are ten times as wide.
    """

    relative: float = 1e-7
    absolute: float = 1e-9
    relative_single: float = 1e-4
    absolute_single: float = 1e-5
    relative_half: float = 2e-2
    absolute_half: float = 5e-3


@dataclass(frozen=True)
class Exercise:
    """One exercise: what it asks for, the reference that knows the answer, and how answers are probed.

    Attributes:
        id: `<topic>.<function>`, for example `linear.scores`.
        reference: the function of course_lib of the same name.
        signature: what the student reads, with shapes: `scores(X (N, D), W (C, D), b (C,)) -> (N, C)`.
        groups: points of each named group of cases; a group is all or nothing.
        visible: cases that the student sees, drawn from a generator with a fixed public seed.
        hidden: cases drawn from a generator seeded by the course's secret: other sizes, awkward corner cases.
        misconceptions: wrong implementations, the most telling first.
        properties: what holds for any numbers.
        rules: how the function must behave.
        tolerance: how close is close enough.
        seconds: wall-clock limit for all calls together.
        judge_seconds: limit of the judge's own time, besides those calls: trainings that the judge runs need more.
        accepts: where many answers are right, judges a value in place of the reference: `accepts(case, value)`
            returns None or one sentence that says what is wrong. The reference is then not run.
        through: the harness that every call goes through, unless a case or property names its own.
        measures: what a grading measures about an answer to a visible case, besides whether it is right (a network's
            accuracy and costs, say), by name: `measures(case, value)`. It earns no points; reports may draw it.
        right: independent right answers by style ("loops"), as texts; each has to get full marks.
        helpers: functions of shared modules of course_lib, such as "training.fit", that hold a part of the answer;
            they are emptied where the library is sealed for this exercise.
    """

    id: str
    reference: Callable[..., Any]
    signature: str
    groups: Mapping[str, float]
    visible: Callable[[np.random.Generator], Iterable[Case]]
    hidden: Callable[[np.random.Generator], Iterable[Case]]
    misconceptions: tuple[Misconception, ...] = ()
    properties: tuple[Property, ...] = ()
    rules: Rules = Rules()
    tolerance: Tolerance = Tolerance()
    seconds: float = 10.0
    judge_seconds: float = 60.0
    accepts: Callable[[Case, Any], str | None] | None = None
    through: Harness | None = None
    measures: Callable[[Case, Any], Mapping[str, float]] | None = None
    right: Mapping[str, str] = field(default_factory=dict)
    helpers: tuple[str, ...] = ()

    @property
    def topic(self) -> str:
        """The name of its module in course_lib and in autograder.exercises."""
        return self.id.partition(".")[0]

    @property
    def name(self) -> str:
        """The function's name."""
        return self.id.partition(".")[2]

    @property
    def points(self) -> float:
        """The sum over all groups."""
        return sum(self.groups.values())


# --- what the judge says --------------------------------------------------------------------------------


@dataclass(frozen=True)
class CaseResult:
    """One case or property, judged.

    `kind` names what differs and decides how it is drawn: "" if it passed, else one of `type`, `shape`,
    `dtype`, `device`, `values`, `property`, `exception`, `not_written`, `inputs`, `warning`, `vectorised`,
    `forbidden`, `breach`, `judge` (the judge itself failed on it).
    `details` are pairs of a label and a text (input, your answer, expected), only for visible cases.
    `measured` are pairs of a name and a number, where the exercise measures something.
    """

    name: str
    group: str
    hidden: bool
    passed: bool
    message: str = ""
    kind: str = ""
    details: tuple[tuple[str, str], ...] = ()
    measured: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What the judge says about one exercise."""

    id: str
    status: Status
    points: float
    max_points: float
    message: str = ""
    diagnosis: str = ""
    misconception: str = ""
    cases: tuple[CaseResult, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Graded:
    """One submission with a verdict for every exercise."""

    student: str
    assignment: str
    score: float
    max_score: float
    seconds: float
    flags: tuple[str, ...] = ()
    exercises: tuple[Verdict, ...] = ()


@dataclass(frozen=True)
class ClassGrading:
    """A whole run of `grade`."""

    isolation: str
    device: str
    submissions: tuple[Graded, ...] = ()
