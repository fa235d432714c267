"""Collects what one exercise's file declares into the frozen `Exercise`."""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

from autograder.exercise import DeclarationError, Direction, Exercise, Growth, Misconception, Property, Rules
from autograder.exercises.declare import Asks, Mark, RightText, mark_of
from autograder.exercises.slips import Slip, submitted

__all__ = ["declared", "load"]

_EXERCISES = str(Path(__file__).parent)
_OURS = ("autograder", "course_lib")


def declared(exercise_id: str) -> Exercise:
    """The exercise that the file of an id declares.

    Raises:
        DeclarationError: the file does not say what it must, or raises an exception.
        ModuleNotFoundError: it needs a package that is not installed.
    """
    module = f"autograder.exercises.{exercise_id}"
    try:
        return load(importlib.import_module(module))
    except DeclarationError:
        raise
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] not in _OURS:
            raise
        raise DeclarationError(f"{module}{_line(error)}: {type(error).__name__}: {error}") from error


def _line(error: Exception) -> str:
    """The line to blame: where Python stops reading, or the last one that ran in the files of the exercises."""
    if isinstance(error, SyntaxError):
        return f", line {error.lineno} of {Path(error.filename or '').name}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename.startswith(_EXERCISES):
            return f", line {frame.lineno} of {Path(frame.filename).name}"
    return ""


def load(module: ModuleType) -> Exercise:
    """The exercise that a module `autograder.exercises.<topic>.<name>` declares.

    Raises:
        DeclarationError: something is missing, said twice, or does not fit together.
    """
    topic, name = module.__name__.split(".")[-2:]
    asks = _asks(module, name)
    marked = list(_marked(module))
    single = {kind: _single(module, kind, marked) for kind in ("visible", "hidden", "accepts", "measures")}
    for kind in ("visible", "hidden"):
        if single[kind] is None:
            raise DeclarationError(f"{module.__name__} has no cases marked @{kind}: write a generator of cases")
    properties = [
        Property(each.mark.name, each.value, each.mark.group, each.mark.through)
        for each in marked
        if each.mark.kind == "holds"
    ]
    for each in properties:
        if each.group not in asks.points:
            raise DeclarationError(
                f"{module.__name__}: the property {each.name!r} belongs to the group {each.group!r}, to which ASKS "
                f"gives no points; the groups are {', '.join(asks.points)}"
            )
    return Exercise(
        id=f"{topic}.{name}",
        reference=asks.reference,
        signature=asks.signature,
        groups=asks.points,
        visible=single["visible"],
        hidden=single["hidden"],
        misconceptions=tuple(_mistakes(module, marked)),
        properties=tuple(properties),
        rules=Rules(asks.keeps_inputs, asks.silent, _growth(module, marked), asks.forbids),
        tolerance=asks.tolerance,
        seconds=asks.seconds,
        judge_seconds=asks.judge_seconds,
        accepts=single["accepts"],
        through=asks.through,
        measures=single["measures"],
        right=_right(module, name, marked),
        helpers=asks.helpers,
        hints=tuple(" ".join(hint.split()) for hint in asks.hints),
    )


class _Declared(NamedTuple):
    """A name in the module, the value that it is bound to, and the mark of that value."""

    name: str
    value: Any
    mark: Mark


def _marked(module: ModuleType) -> Iterator[_Declared]:
    """What this module itself declares, in order; slips and texts count as marked."""
    for name, value in vars(module).items():
        if isinstance(value, Slip):
            yield _Declared(name, value, Mark("mistake", shows=value.shows, compares=value.compares))
        elif isinstance(value, RightText):
            yield _Declared(name, value, Mark("right", value.style))
        elif getattr(value, "__module__", "") == module.__name__ and (mark := mark_of(value)):
            if not isinstance(value, FunctionType):
                raise DeclarationError(
                    f"{module.__name__}: {name} is marked @{mark.kind}, but only a function can be: write one that "
                    f"calls {name}, or returns it"
                )
            yield _Declared(name, value, mark)


def _asks(module: ModuleType, name: str) -> Asks:
    asks = getattr(module, "ASKS", None)
    if not isinstance(asks, Asks):
        raise DeclarationError(
            f"{module.__name__} does not say what it asks for: ASKS = Asks(reference, signature=...)"
        )
    if (found := getattr(asks.reference, "__name__", repr(asks.reference))) != name:
        raise DeclarationError(f"{module.__name__} asks for {found}: give the file the name of its reference")
    points = asks.points
    if not isinstance(points, Mapping) or not points or not all(map(_whole, points.values())):
        raise DeclarationError(
            f"{module.__name__}: points is {points!r}; it gives each group of cases a whole number above 0, such as "
            '{"basics": 2, "corners": 1}'
        )
    return asks


def _whole(points: object) -> bool:
    return isinstance(points, int) and not isinstance(points, bool) and points > 0


def _single(module: ModuleType, kind: str, marked: list[_Declared]) -> Any:
    found = [each for each in marked if each.mark.kind == kind]
    if len(found) > 1:
        names = " and ".join(each.name for each in found)
        raise DeclarationError(f"{module.__name__}: {names} are both marked @{kind}; an exercise has one")
    return found[0].value if found else None


def _growth(module: ModuleType, marked: list[_Declared]) -> Growth | None:
    loop = _single(module, "loop", marked)
    found = [
        Direction(each.mark.name, each.mark.sizes, each.value)
        for each in marked
        if each.mark.kind == "grows" and each.mark.sizes is not None
    ]
    if (loop is None) != (not found):
        raise DeclarationError(f"{module.__name__}: @grows and @loop go together; one of them is missing")
    return Growth(tuple(found), loop) if found else None


def _mistakes(module: ModuleType, marked: list[_Declared]) -> Iterator[Misconception]:
    """Functions and slips, in the order in which they are written."""
    for name, wrong, mark in marked:
        if mark.kind != "mistake":
            continue
        sentence = wrong.says if isinstance(wrong, Slip) else " ".join((wrong.__doc__ or "").split())
        if not sentence:
            raise DeclarationError(
                f"{module.__name__}: the mistake {name} has no docstring, or no `says`: the sentence that helps"
            )
        shows = partial(mark.compares, wrong) if mark.compares is not None else mark.shows
        yield Misconception(name, wrong, sentence, shows)


class _Answers(Mapping[str, str]):
    """Right answers by style, as a student hands them in; the text of a function is only read when it is needed."""

    def __init__(self, name: str, answers: Mapping[str, RightText | Callable[..., Any]]) -> None:
        self._name, self._answers = name, answers

    def __getitem__(self, style: str) -> str:
        answer = self._answers[style]
        return answer.source if isinstance(answer, RightText) else submitted(self._name, answer)

    def __iter__(self) -> Iterator[str]:
        return iter(self._answers)

    def __len__(self) -> int:
        return len(self._answers)


def _right(module: ModuleType, name: str, marked: list[_Declared]) -> Mapping[str, str]:
    found: dict[str, RightText | Callable[..., Any]] = {}
    for each in marked:
        if each.mark.kind != "right":
            continue
        if each.mark.name in found:
            raise DeclarationError(f"{module.__name__} has two right answers in the style {each.mark.name!r}")
        found[each.mark.name] = each.value
    return _Answers(name, found)
