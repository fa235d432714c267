"""One case or property, tried on a student's function."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograder.calls import Breach, Call, Outcome, Raised
from autograder.exercise import Case, CaseResult, Exercise, Property
from autograder.judge.answer import call_observed, observed, observer_of
from autograder.judge.apply import fresh
from autograder.judge.compare import Difference, Match, compare, compare_seen
from autograder.judge.describe import describe, describe_call
from autograder.judge.details import Asked, details, details_of_property, printed
from autograder.judge.devices import on_host_device, sent_to_device
from autograder.judge.prepared import Ready
from autograder.judge.rules import broken_rule
from autograder.judge.sizes import UNKNOWN, allowed_bytes
from autograder.judge.unwritten import unwritten
from autograder.objects import NOTHING_RETURNED, in_words

__all__ = ["Trial", "difference", "try_case", "try_property"]

CONCEALED = {
    "type": "an answer of the wrong type, or one that the judge cannot follow",
    "shape": "an answer of the wrong shape",
    "dtype": "an answer of the wrong dtype: integers in place of floats, say, or fewer bits than the inputs",
    "device": "an answer on the wrong device",
    "values": "the numbers differ from the reference's",
    "property": "does not hold",
    "exception": "your function raised an exception",
    "not_written": "not written yet",
    "inputs": "your function changed its inputs",
    "warning": "NumPy warned about an overflow or an invalid value",
    "vectorised": "the work done in Python grows with the input",
    "forbidden": "your function uses something that is forbidden here",
}
"""What a student learns about a hidden case: what kind of thing differs, never a number from it."""


_NOTHING = Difference("type", f"the result is None{NOTHING_RETURNED}")


@dataclass(frozen=True)
class Trial:
    """A judged case with what is needed to diagnose it afterwards."""

    result: CaseResult
    case: Case | None = None
    outcome: Outcome | None = None
    remarks: tuple[str, ...] = ()


def difference(exercise: Exercise, case: Case, expected: Outcome, outcome: Outcome, match: Match) -> Difference | None:
    """What is wrong with one outcome, or None: an exception, another value, a broken rule, in this order.

    If something is wrong and a forbidden function was called, that call is what is reported.
    """
    problem = _problem(exercise, case, expected, outcome, match)
    if problem is not None and outcome.forbidden:
        return _forbidden(outcome.forbidden[0])
    return problem


def _forbidden(name: str) -> Difference:
    return Difference("forbidden", f"{name} does the work that this exercise asks of you: write it yourself")


def _problem(exercise: Exercise, case: Case, expected: Outcome, outcome: Outcome, match: Match) -> Difference | None:
    if outcome.raised is not None:
        return _raised(outcome.raised)
    if exercise.accepts is not None:
        problem = _accepted(exercise, case, outcome.value)
    else:
        compared = compare if observer_of(exercise, case) is None else compare_seen
        problem = compared(expected.value, outcome.value, match)
    return problem or broken_rule(exercise, case, outcome)


def _raised(raised: Raised) -> Difference:
    if raised.kind == "UnexpectedAnswer":
        return Difference("type", raised.message)
    if raised.kind == "NotImplementedError" and (problem := unwritten(raised)):
        return problem
    said = f"{raised.kind}: {raised.message}" if raised.message else raised.kind
    return Difference("exception", f"your function raised {said}")


def _accepted(exercise: Exercise, case: Case, value: Any) -> Difference | None:
    assert exercise.accepts is not None
    try:
        problem = exercise.accepts(case, on_host_device(value))
    except Exception as error:  # the value is the student's: anything may happen
        if value is None:
            return _NOTHING
        problem = f"the answer {describe(value)} could not be used ({in_words(error)})"
    return Difference("property", problem) if problem else None


def try_case(exercise: Exercise, ready: Ready, call: Call, *, hidden: bool, measured: bool = False) -> Trial:
    """Calls the student's function on one case, judges what came back and, if asked to, measures it.

    A hidden case is not measured: an answer could put what it was called with into the numbers.
    """
    case, expected = ready.case, ready.expected
    there = ready.on_device
    with _shown(exercise, case, case.args, case.kwargs, hidden=hidden):
        outcome = call_observed(call, ready.through, there.args, there.kwargs, most=ready.most)
    match = Match(case.tolerance or exercise.tolerance, ready.precision)
    problem = difference(exercise, case, expected, outcome, match)
    found = _measured(exercise, case, outcome) if measured and not hidden else ()
    if problem is None:
        told = () if hidden else printed(outcome)
        result = CaseResult(case.name, case.group, hidden, True, details=told, measured=found)
        remarks = () if hidden else match.remarks  # a place in an answer may be a number from the case's inputs
        return Trial(result, case, outcome, tuple(remarks))
    message = CONCEALED[problem.kind] if hidden else problem.message
    told = () if hidden else details(exercise, case, expected, outcome, match)
    missing = outcome.raised.missing if outcome.raised is not None and not hidden else ""
    result = CaseResult(case.name, case.group, hidden, False, message, problem.kind, told, found, missing)
    return Trial(result, case, outcome)


@contextmanager
def _shown(
    exercise: Exercise, probed: Case | Property, args: tuple[Any, ...], kwargs: Mapping[str, Any], *, hidden: bool
) -> Iterator[None]:
    """Notes the arguments of a call that breaks a limit, unless they are hidden."""
    try:
        yield
    except Breach as breach:
        if not hidden:
            breach.called_with = describe_call(observed(exercise, exercise.reference, probed), args, kwargs)
        raise


def _measured(exercise: Exercise, case: Case, outcome: Outcome) -> tuple[tuple[str, float], ...]:
    """What the exercise measures about an answer."""
    if exercise.measures is None or outcome.raised is not None:
        return ()
    try:
        found = exercise.measures(case, on_host_device(outcome.value))
    except Exception:  # the value is the student's: anything may happen
        return ()
    return tuple((name, float(value)) for name, value in found.items() if math.isfinite(value))


class _Unusable(Exception):
    def __init__(self, problem: Difference):
        super().__init__(problem.message)
        self.problem = problem


def try_property(
    exercise: Exercise, prop: Property, call: Call, rng: np.random.Generator, *, hidden: bool, device: str = "cpu"
) -> Trial:
    """Probes one property of the student's function on inputs drawn from `rng`.

    Whatever the device, the probe itself computes on the CPU.
    """
    through = observer_of(exercise, prop)
    forbidden: list[str] = []
    calls: list[Asked] = []
    prints: list[str] = []

    def probe(*args: Any, **kwargs: Any) -> Any:
        most = allowed_bytes(args, kwargs) + (UNKNOWN if through is not None else 0)
        there = sent_to_device(args, device), sent_to_device(kwargs, device)
        sent_args, sent_kwargs = ((), {}) if hidden else (fresh(args), fresh(kwargs))
        with _shown(exercise, prop, args, kwargs, hidden=hidden):
            outcome = call_observed(call, through, *there, most=most)
        forbidden.extend(outcome.forbidden)
        prints.append(outcome.printed)
        calls[:-1] = []
        calls.append(Asked(sent_args, sent_kwargs, outcome))
        if outcome.raised is not None:
            raise _Unusable(_raised(outcome.raised))
        return on_host_device(outcome.value)

    problem = _probe(prop, probe, rng)
    last = calls[-1].outcome if calls else None
    if problem is not None and problem.kind == "property" and last and last.raised is None and last.value is None:
        problem = _NOTHING
    if problem is not None and forbidden:
        problem = _forbidden(forbidden[0])
    told = () if hidden else printed(Outcome(printed="\n".join(filter(None, prints))))
    if problem is None:
        return Trial(CaseResult(prop.name, prop.group, hidden, True, details=told))
    if not hidden and calls:
        told = (*details_of_property(exercise, prop, calls), *told)
    message = CONCEALED[problem.kind] if hidden else problem.message
    return Trial(CaseResult(prop.name, prop.group, hidden, False, message, problem.kind, told))


def _probe(prop: Property, probe: Any, rng: np.random.Generator) -> Difference | None:
    try:
        sentence = prop.probe(probe, rng)
    except Breach:
        raise
    except _Unusable as error:
        return error.problem
    except Exception as error:  # the probe computes with the student's values: anything may happen
        return Difference("property", f"the answer could not be used ({in_words(error)})")
    return Difference("property", sentence) if sentence else None
