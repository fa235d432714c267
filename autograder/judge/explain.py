"""What can be said of an answer that fails and that no known mistake explains: the slip in it, or where it departs.

The student's text is edited and run where the answer itself runs. Whatever comes back only chooses what is told: no
point depends on it.
"""

from __future__ import annotations

import ast
import math
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from autograder.calls import Breach, Call
from autograder.exercise import Case, Exercise
from autograder.judge.apply import fresh_call
from autograder.judge.called import as_called
from autograder.judge.namesakes import namesakes
from autograder.judge.on_the_way import Departure, Notes, Ways, noted, notes_of
from autograder.judge.prepared import Prepared, Ready
from autograder.judge.repeated import FIRST_CALL_RIGHT, right_at_first
from autograder.judge.rules import parameters_of
from autograder.judge.slips import OwnText, find_slip
from autograder.judge.swaps import swappable_lines
from autograder.judge.tensors import is_array
from autograder.judge.trial import Trial
from autograder.judge.where import Where
from autograder.mutations.donors import Lender, donors_of
from autograder.mutations.subject import Subject, subject_of
from autograder.mutations.watching import telling
from autograder.mutations.words import steps

__all__ = ["explained"]


def explained(
    exercise: Exercise, plan: Prepared, trials: Sequence[Trial], call: Call, text: str, *, seconds: float
) -> tuple[str, ...]:
    """The steps in which a slip is told: the line, the kind, the edit; one step where only a line is known.

    Args:
        exercise: what was asked.
        plan: its cases.
        trials: what was tried; visible cases first.
        call: calls the answer, and edits of it.
        text: the answer's definitions, on the lines of their cell.
        seconds: how long the search may take.
    """
    failed = [trial for trial in trials if not trial.result.passed and not trial.result.hidden]
    if not text or not failed:
        return ()
    own = OwnText(text, exercise.name, call)
    began = time.monotonic()
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            names = {trial.result.name for trial in failed}
            if right_at_first(exercise, [each for each in plan.visible if each.case.name in names], own):
                return (FIRST_CALL_RIGHT,)
            right = _right_answers(exercise)
            way = _way(exercise, plan, failed, own, right)
            where = Where(own.text, failed, way.left, way.swaps)
            lines = {**way.doubts, **dict.fromkeys([*where.stops, *way.swaps], 0.0)}
            donors = donors_of(way.lenders, exercise.name, _parameters(exercise, text))
            rest = seconds - (time.monotonic() - began)
            slip = find_slip(exercise, plan, trials, own, donors, seconds=rest, lines=lines, probe=way.probe)
    except (Breach, SyntaxError, RecursionError):  # the answer's process is gone, or its text is beyond reading
        return ()
    if slip is not None:
        return steps(slip.edits, text)
    said = where.said()
    return (said,) if said else ()


def _right_answers(exercise: Exercise) -> list[Subject]:
    """The reference and the other styles, as texts with the names that they may use."""
    try:
        reference = subject_of(exercise.reference, guards=True)
    except (OSError, TypeError):  # the source is not at hand
        return []
    names: Mapping[str, Any] = reference.names
    return [reference, *(Subject(style, exercise.name, text, names) for style, text in exercise.right.items())]


def _parameters(exercise: Exercise, text: str) -> list[str]:
    """The names of the student's parameters, or of the reference's where they cannot be read."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name == exercise.name:
            return [each.arg for each in node.args.args]
    return parameters_of(exercise)


@dataclass(frozen=True)
class _Way:
    """An answer's way on the smallest failing case beside those of right answers."""

    lenders: Sequence[Lender]
    probe: Ready | None = None
    left: Departure | None = None
    swaps: Sequence[int] = ()
    doubts: Mapping[int, float] = field(default_factory=dict)


def _way(exercise: Exercise, plan: Prepared, failed: Sequence[Trial], own: OwnText, right: Sequence[Subject]) -> _Way:
    """Where the answer leaves all right ones, as far as that can be said, on a case that is one plain call."""
    names = {each.result.name for each in failed}
    plain = [each for each in plan.visible if each.case.name in names and each.through is None]
    is_one = exercise.accepts is None  # where many answers are right, the reference's is not what to look for
    if not plain and is_one:
        plain = [called for each in failed if (called := as_called(exercise, each, own)) is not None][:2]
    if not plain or not right:
        return _Way([Lender(each.text) for each in right])
    case = next((each.case for each in plain if _tells(each.case)), plain[0].case)
    arguments = partial(fresh_call, case.args, case.kwargs)
    told = own.call(telling(own.text, own.name))(*arguments())
    mine = notes_of(told.value if told.raised is None else None)
    given = Notes()
    for value in (*case.args, *case.kwargs.values()):
        given(0, value)
    ways, lenders = list[Notes](), list[Lender]()
    for each in right:
        try:
            ways.append(noted(each.text, each.name, each.names, arguments, parts=True))
            kept = noted(each.text, each.name, each.names, arguments, parts=False)
        except Exception:  # a style that needs what its own file imports says nothing here
            lenders.append(Lender(each.text))
            continue
        lenders.append(Lender(each.text, namesakes(each.text, kept, own.text, mine)))
    swaps = swappable_lines(exercise, plain, own, mine, right) if mine.lines and is_one else []
    beside = Ways(mine, ways, given)
    return _Way(lenders, plain[0] if is_one else None, beside.departure, swaps, beside.doubts)


def _tells(case: Case) -> bool:
    """Whether numbers that agree with a right answer's say something: of single numbers too many agree by chance."""
    sizes = [math.prod(part.shape) for part in (*case.args, *case.kwargs.values()) if is_array(part)]
    return not sizes or max(sizes) >= FEWEST_NUMBERS


FEWEST_NUMBERS = 4
