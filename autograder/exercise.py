"""The plain values that every part of the autograder shares.

Nothing here computes a verdict: an `Exercise` says what the student has to write and how it is probed, a `Case` is one
call of the student's function, a `Verdict` is what the judge made of what came back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from autograder.calls import Harness, Probe, Status

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "Case",
    "CaseResult",
    "ClassGrading",
    "DeclarationError",
    "Direction",
    "Exercise",
    "Graded",
    "Growth",
    "Misconception",
    "Property",
    "Rules",
    "Tolerance",
    "Verdict",
]


class DeclarationError(Exception):
    """An exercise's file does not say what it must; the message names the file and the cure."""


# --- what an exercise asks for ---------------------------------------------------------------------------


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
class Case:
    """One call of the student's function, judged against the reference on the same arguments.

    `args` may hold None, bool, int, float, complex, str, lists, tuples, dictionaries with string keys, NumPy
    arrays (any layout), NumPy scalars and random generators, torch tensors, and plain functions of such values, which
    must not keep state: the same case is used for a whole class.
    Order matters: smallest first, because the student is shown the first failing case.

    Attributes:
        known: what only the judge may know about this case (the labels of held-out inputs, say); never sent.
        through: a harness for this case, in place of the exercise's own.
        tolerance: how close is close enough here, in place of the exercise's own: where the numbers are tiny, only a
            relative error counts.
    """

    name: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    group: str = "basics"
    known: Any = None
    through: Harness | None = None
    tolerance: Tolerance | None = None


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
            the answer to a case, None where it neither does nor is ruled out; used instead of running `wrong` again and
            comparing.
    """

    name: str
    wrong: Callable[..., Any]
    sentence: str
    shows: Callable[[Case, Any], bool | None] | None = None


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
        hints: a nudge, the idea, nearly the answer: help that opens step by step.
        slip_steps: how many steps are told of a slip found in the student's code; the course decides.
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
    hints: tuple[str, ...] = ()
    slip_steps: int = 3

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
    `details` are pairs of a label and a text, only for visible cases: called with, your answer, expected, raised at, to
    try it (the call as code), printed. Entries of an answer that differ are between » and «.
    `measured` are pairs of a name and a number, where the exercise measures something.
    `missing` is the name that is not defined where the exception is a NameError, only for visible cases.
    """

    name: str
    group: str
    hidden: bool
    passed: bool
    message: str = ""
    kind: str = ""
    details: tuple[tuple[str, str], ...] = ()
    measured: tuple[tuple[str, float], ...] = ()
    missing: str = ""


@dataclass(frozen=True)
class Verdict:
    """What the judge says about one exercise.

    Attributes:
        diagnosis: the sentence of a known mistake, whose name is `misconception`.
        slip: what was found in the student's own code, in steps that open: the line, the kind of slip, the edit; or
            how far the values on the way are those of a right solution.
        hints: of the exercise, from a nudge to nearly the answer; empty where nothing is wrong.
        remarks: what passes but is worth mentioning.
        cure: what to do first, where the answer is not what is wrong: a line that was left, a cell that has not run.
            Without cases nothing was judged.
    """

    id: str
    status: Status
    points: float
    max_points: float
    message: str = ""
    diagnosis: str = ""
    misconception: str = ""
    cases: tuple[CaseResult, ...] = ()
    remarks: tuple[str, ...] = ()
    slip: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    cure: str = ""

    def helped(self, *, hints: int, slip_steps: int) -> Verdict:
        """The same with no more help than that."""
        return replace(self, hints=self.hints[:hints], slip=self.slip[:slip_steps])


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
