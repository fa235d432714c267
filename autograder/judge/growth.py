"""The rule `vectorised`: the work done in Python may not grow with the input.

Two things are measured, on a small and on a large input. Python's own steps are counted inside the student's process,
which finds an honest loop exactly and lets the message give numbers. Tampering with that count does not help against
the second: the processor time, which the judge reads from outside and compares with the reference's at the same sizes.
An honest answer may well be many times slower than the reference (an einsum without BLAS, copies of everything), and
the machine may be busy: so the quickest of several calls counts, and only a clear excess fails.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from autograder.exercise import Call, Case, CaseResult, Exercise, Outcome, Steps
from autograder.judge.answer import call_observed, observed
from autograder.judge.apply import fresh
from autograder.judge.compare import Difference, Match
from autograder.judge.prepared import Prepared, Ready
from autograder.judge.tensors import is_array, is_tensor
from autograder.judge.trial import CONCEALED, Trial, difference

__all__ = ["NAME", "try_growth"]

NAME = "no loop over the input"

MOST_STEPS = 1_000_000
"""Limit for the small input; a higher count ends the call."""
SHOWN_STEPS = 100_000
"""A loop over the large input is counted up to here, so that the student sees how many steps it takes."""
ROUNDS = 4
SLOWER = 100.0
"""Up to this many times the reference's growth of processor time counts as a slow use of arrays, not as a loop."""
SLACK_SECONDS = 0.02
SECONDS_PER_BYTE = 1e-8
"""Allowance for the transfer over the wire, which the reference does not need."""

_allowances: dict[tuple[str, bytes | None], float] = {}


def try_growth(exercise: Exercise, call: Call, plan: Prepared) -> Trial:
    """Calls the student's function on the two inputs of `exercise.rules.vectorised` and judges how the work grows."""
    growth = exercise.rules.vectorised
    assert growth is not None
    small, large = plan.growth
    problem = _values_and_steps(exercise, call, small, large) or _seconds(exercise, call, small, large, plan.secret)
    if problem is None:
        return Trial(CaseResult(NAME, growth.group, False, True))
    message = problem.message
    if plan.secret is not None and problem.kind != "vectorised":
        message = CONCEALED[problem.kind]
    return Trial(CaseResult(NAME, growth.group, False, False, message, problem.kind))


# --- steps ----------------------------------------------------------------------------------------------


def _values_and_steps(exercise: Exercise, call: Call, small: Ready, large: Ready) -> Difference | None:
    """Checks the answers on both inputs first, then the steps: a wrong answer that is quick proves nothing."""
    few = _called(call, small, MOST_STEPS)
    if few.steps is not None and few.steps.own > MOST_STEPS:
        return Difference("vectorised", f"on a small input your function takes more than {MOST_STEPS:,} Python steps")
    problem = _wrong(exercise, small, few)
    if problem is not None:
        return problem
    most = _most(few.steps)
    many = _called(call, large, most)
    if few.steps is not None and many.steps is not None:
        problem = _more_steps(small.on_device, large.on_device, few.steps, many.steps, most)
        if problem is not None:
            return problem
    return _wrong(exercise, large, many)


def _called(call: Call, ready: Ready, steps: int) -> Outcome:
    return call_observed(call, ready.through, ready.on_device.args, {}, steps=steps)


def _own_limit(steps: Steps) -> int:
    return steps.own + steps.own // 2 + 20


def _library_limit(steps: Steps) -> int:
    return 2 * steps.library + 200


def _most(steps: Steps | None) -> int:
    """Where counting stops: somewhat above the limit, so that a loop costs little time."""
    return max(SHOWN_STEPS, 2 * _own_limit(steps), 2 * _library_limit(steps)) if steps is not None else MOST_STEPS


def _more_steps(small: Case, large: Case, few: Steps, many: Steps, most: int) -> Difference | None:
    if many.own > _own_limit(few):
        counts, where = (few.own, many.own), "Python steps"
    elif many.library > _library_limit(few):
        counts, where = (few.library, many.library), "calls inside a library, which loops for it in Python"
    else:
        return None
    sizes = _sizes(small.args, large.args)
    count = f"more than {most:,}" if counts[1] > most else f"{counts[1]:,}"
    library = "torch" if any(is_tensor(leaf) for leaf in _leaves(large.args)) else "NumPy"
    text = (
        f"on {sizes[0]} your function takes {counts[0]:,} {where}, on {sizes[1]} {count}: "
        f"work on whole arrays and let {library} do the loop"
    )
    return Difference("vectorised", text)


def _sizes(small: Any, large: Any) -> tuple[str, str]:
    """The two inputs by the shape of the first array that grows."""
    for one, other in zip(_leaves(small), _leaves(large), strict=False):
        if tuple(one.shape) != tuple(other.shape):
            shapes = [" x ".join(map(str, leaf.shape)) for leaf in (one, other)]
            if one.ndim == 1:
                return f"{shapes[0]} numbers", f"{shapes[1]} numbers"
            return f"an array of {shapes[0]}", f"one of {shapes[1]}"
    return "a small input", "a large one"


def _leaves(value: Any) -> Iterator[Any]:
    if is_array(value):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)


def _wrong(exercise: Exercise, ready: Ready, outcome: Outcome) -> Difference | None:
    problem = difference(exercise, ready.on_device, ready.expected, outcome, Match(exercise.tolerance, ready.precision))
    if problem is None or problem.kind == "not_written":
        return problem
    return Difference(problem.kind, f"{ready.case.name}: {problem.message}")


# --- processor time -------------------------------------------------------------------------------------


def _seconds(exercise: Exercise, call: Call, small: Ready, large: Ready, secret: bytes | None) -> Difference | None:
    allowed = _allowed(exercise, small, large, secret)
    quickest: list[float] = []
    for _ in range(ROUNDS):
        spent = [_spent(call, ready) for ready in (small, large)]
        quickest = [min(pair) for pair in zip(quickest or spent, spent, strict=True)]
        if quickest[1] - quickest[0] <= allowed:
            return None
    sizes = _sizes(small.on_device.args, large.on_device.args)
    text = (
        f"on {sizes[0]} your function takes {1000 * quickest[0]:.3g} ms of processor time, on {sizes[1]} "
        f"{1000 * quickest[1]:.3g} ms: far more than working on whole arrays takes"
    )
    return Difference("vectorised", text)


def _spent(call: Call, ready: Ready) -> float:
    outcome = call_observed(call, ready.through, ready.on_device.args, {}, cpu=True)
    return outcome.cpu if outcome.cpu is not None else outcome.seconds


def _allowed(exercise: Exercise, small: Ready, large: Ready, secret: bytes | None) -> float:
    """How much more processor time the large input may cost than the small one; measured once."""
    key = exercise.id, secret
    if key not in _allowances:
        before, _ = _reference(exercise, small.on_device)
        after, value = _reference(exercise, large.on_device)
        size = sum(_bytes(leaf) for leaf in _leaves((large.on_device.args, value)))
        _allowances[key] = SLOWER * max(0.0, after - before) + SLACK_SECONDS + SECONDS_PER_BYTE * size
    return _allowances[key]


def _reference(exercise: Exercise, case: Case) -> tuple[float, Any]:
    """The reference's processor time, the quickest of several calls, and its value."""
    function = observed(exercise, exercise.reference, case)
    quickest, value = np.inf, None
    for _ in range(ROUNDS):
        args = fresh(case.args)
        started = time.process_time()
        value = function(*args)
        quickest = min(quickest, time.process_time() - started)
    return float(quickest), value


def _bytes(leaf: Any) -> int:
    return int(leaf.numel() * leaf.element_size()) if is_tensor(leaf) else int(leaf.nbytes)
