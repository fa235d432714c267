"""The words that declare an exercise, each written at the function that it is about.

`ASKS = Asks(...)` says what is asked. `@visible` and `@hidden` mark the generators of cases, `@grows` the inputs of the
rule against loops and `@loop` the loop that answers are compared with, `@holds` a property, `@accepts` and `@measures`
judges that take the reference's place, `@right` a right answer in another style, `@mistake` a wrong answer whose
docstring helps whoever gave it. `slip` is a wrong answer written as an edit of another answer.

Nothing happens when these are used: a function comes back as it was, with a mark that `loader.load` reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, TypeVar, overload

import numpy as np

from autograder.calls import Harness, Probe
from autograder.exercise import Case, Tolerance
from autograder.exercises.slips import slip

__all__ = [
    "Asks",
    "Mark",
    "RightText",
    "accepts",
    "grows",
    "hidden",
    "holds",
    "loop",
    "mark_of",
    "measures",
    "mistake",
    "right",
    "right_text",
    "slip",
    "visible",
]

Rng = np.random.Generator
Cases = Callable[[Rng], Iterable[Case]]
Sized = Callable[[Rng, int], tuple[Any, ...]]
Finds = Callable[[Probe, Rng], str | None]
Accepts = Callable[[Case, Any], str | None]
Measures = Callable[[Case, Any], Mapping[str, float]]
Shows = Callable[[Case, Any], bool | None]
Compares = Callable[[Callable[..., Any], Case, Any], bool]
Wrong = TypeVar("Wrong", bound=Callable[..., Any])


@dataclass(frozen=True)
class Asks:
    """What an exercise asks for.

    Attributes:
        reference: the function or class of course_lib; the exercise's file has its name.
        signature: what the student reads, with shapes: `relu(x (...)) -> (...), same shape`.
        points: of each group of cases, whole numbers; a group is all or nothing.
        forbids, silent, keeps_inputs: see `autograder.exercise.Rules`.
        tolerance, seconds, judge_seconds, through, helpers, hints: see `autograder.exercise.Exercise`.
    """

    reference: Callable[..., Any]
    _: KW_ONLY
    signature: str
    points: Mapping[str, float]
    forbids: tuple[str, ...] = ()
    silent: bool = False
    keeps_inputs: bool = True
    tolerance: Tolerance = field(default_factory=Tolerance)
    seconds: float = 10.0
    judge_seconds: float = 60.0
    through: Harness | None = None
    helpers: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mark:
    """What a decorator says about its function: `kind` is the decorator's name."""

    kind: str
    name: str = ""
    group: str = ""
    through: Harness | None = None
    shows: Shows | None = None
    compares: Compares | None = None
    sizes: tuple[int, int, int] | None = None


def mark_of(function: object) -> Mark | None:
    """The mark of a decorated function; None where there is none."""
    found = getattr(function, "_mark", None)
    return found if isinstance(found, Mark) else None


def _marked(function: Wrong, mark: Mark) -> Wrong:
    function._mark = mark  # type: ignore[attr-defined]
    return function


def visible(cases: Callable[[Rng], Iterator[Case]]) -> Callable[[Rng], Iterator[Case]]:
    """The cases that the student sees, smallest first."""
    return _marked(cases, Mark("visible"))


def hidden(cases: Callable[[Rng], Iterator[Case]]) -> Callable[[Rng], Iterator[Case]]:
    """The cases that only the grader uses: other sizes, awkward corners."""
    return _marked(cases, Mark("hidden"))


def grows(name: str, small: int, medium: int, large: int) -> Callable[[Sized], Sized]:
    """The arguments of a call, from a generator and one of three sizes; Python's own work may not grow with the size.

    The batch does not grow, nor what is a matter of a few (heads, features, the places of a kernel). `name` says what
    does: "height". The fewer numbers belong to one step of the size, the more a loop over it stands out.
    """
    return lambda arguments: _marked(arguments, Mark("grows", name, sizes=(small, medium, large)))


def loop(answer: Wrong) -> Wrong:
    """A right answer that loops over what `@grows`: the processor time of an answer is compared with its own."""
    return _marked(answer, Mark("loop"))


def holds(name: str, *, group: str = "properties", through: Harness | None = None) -> Callable[[Finds], Finds]:
    """Something that holds whatever the numbers are; see `autograder.exercise.Property`."""
    return lambda probe: _marked(probe, Mark("holds", name, group, through))


def accepts(judge: Accepts) -> Accepts:
    """Judges an answer in the reference's place, where many are right: None, or one sentence on what is wrong."""
    return _marked(judge, Mark("accepts"))


def measures(judge: Measures) -> Measures:
    """What is measured about an answer besides whether it is right."""
    return _marked(judge, Mark("measures"))


@overload
def mistake(wrong: Wrong) -> Wrong: ...
@overload
def mistake(*, shows: Shows | None = None, compares: Compares | None = None) -> Callable[[Wrong], Wrong]: ...
def mistake(wrong: Any = None, *, shows: Shows | None = None, compares: Compares | None = None) -> Any:
    """A wrong answer; its docstring is the sentence for whoever gave it, its arguments those of the reference.

    Args:
        wrong: the function, where the decorator is used without brackets.
        shows: where `@accepts` judges, whether the mistake shows in the answer to a case: `shows(case, answer)`; None
            where it neither does nor is ruled out.
        compares: the same for a judge that runs the wrong function itself: `compares(wrong, case, answer)`.
    """
    mark = Mark("mistake", shows=shows, compares=compares)
    return _marked(wrong, mark) if wrong is not None else lambda function: _marked(function, mark)


def right(style: str) -> Callable[[Wrong], Wrong]:
    """A right answer in another style than the reference's ("loops", say); it must get full marks."""
    return lambda answer: _marked(answer, Mark("right", style))


@dataclass(frozen=True)
class RightText:
    """A right answer as the text of a cell."""

    style: str
    source: str


def right_text(style: str, source: str) -> RightText:
    """Like `@right`, for an answer that is more than one function: it imports, or has a helper or a class."""
    return RightText(style, source)
