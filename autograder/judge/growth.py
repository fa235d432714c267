"""The rule `vectorised`: the work done in Python may not grow with the input.

The judge reads the processor time of the student's process from outside, at three sizes, and compares how it grows
with two things measured on the same machine: the reference, which works on whole arrays, and a loop. Nearer to the
loop, in factors, fails. An honest answer may be many times slower than the reference (an einsum without BLAS, copies of
everything), and the machine may be busy: so the quickest of several calls counts, each on other numbers, and before an
answer fails reference and loop are measured once more.

Python's own steps are counted inside the student's process, which may say what it likes. The count gives numbers to
the message, and tells a cheap loop from slow work on arrays where the time is between the two. An answer that takes as
long as a loop fails whatever the count says; one that is as quick as the reference is not even counted.

In a grading the inputs are hidden, and every number that the student's process chooses could tell one. So the counts
and its own times are told in JupyterLab alone; a grading tells what a loop and the reference take.
"""

from __future__ import annotations

import math

from autograder.calls import Call, Outcome, Steps
from autograder.exercise import CaseResult, Exercise
from autograder.judge.answer import call_observed
from autograder.judge.compare import Difference, Match
from autograder.judge.pace import LARGE, MEDIUM, SMALL, Pace, leaves, pace_of
from autograder.judge.prepared import Growing, Prepared, Ready
from autograder.judge.tensors import is_tensor
from autograder.judge.trial import CONCEALED, Trial, difference

__all__ = ["NAME", "try_growth"]

NAME = "no loop over the input"

ROUNDS = 4
CLEAR = 2.0
"""Up to this many times what the reference takes, an answer passes without a count of its steps."""
DOUBTFUL_SECONDS = 0.0005
"""Up to this much more time than on the small input, the medium one is not compared with a loop: it may be noise."""
PATIENCE = 1.0
"""Seconds of processor time after which an answer is not called again to see whether it can be quicker."""
MOST_STEPS = 1_000_000
"""Limit for the small input; a higher count ends the call."""
SHOWN_STEPS = 100_000
"""A loop over the medium input is counted up to here, so that the student sees how many steps it takes."""


def try_growth(exercise: Exercise, call: Call, plan: Prepared) -> Trial:
    """Calls the student's function on growing inputs, in every direction in which they grow, and judges the work."""
    growth = exercise.rules.vectorised
    assert growth is not None
    is_hidden = plan.secret is not None
    problems = (_Attempt(exercise, call, growing, is_hidden).problem() for growing in plan.growth)
    problem = next((problem for problem in problems if problem is not None), None)
    if problem is None:
        return Trial(CaseResult(NAME, growth.group, False, True))
    message = problem.message
    if is_hidden and problem.kind != "vectorised":
        message = CONCEALED[problem.kind]
    return Trial(CaseResult(NAME, growth.group, False, False, message, problem.kind))


class _Attempt:
    """One answer along one direction; where that is hidden, no number that the answer's process chooses is told."""

    def __init__(self, exercise: Exercise, call: Call, growing: Growing, is_hidden: bool) -> None:
        self._exercise, self._call, self._growing, self._is_hidden = exercise, call, growing, is_hidden
        self._spent = [math.inf] * 3
        self._total = 0.0

    def problem(self) -> Difference | None:
        """What is wrong: another value, or work that grows as a loop's does."""
        pace = pace_of(self._exercise, self._growing)
        for draw in range(ROUNDS):
            problem = self._called(draw, pace)
            if problem is not None:
                return problem
            pace.refresh()
            if not self._exceeds(LARGE, CLEAR * pace.arrays(LARGE)):
                return None
            counted = self._counted() if draw == 0 else None
            if counted is not None:
                return counted
            if not self._exceeds(LARGE, pace.middle(LARGE)):
                return None
            if draw and self._total > PATIENCE:
                break
        return self._last_word(Pace(self._exercise, self._growing))

    def _called(self, draw: int, pace: Pace) -> Difference | None:
        """Calls the answer on one input of each size, and says what is wrong with a value."""
        for size in (SMALL, MEDIUM, LARGE):
            problem = self._called_on(size, draw)
            if problem is not None:
                return problem
            if size == MEDIUM and self._loops_already(pace):
                break  # the large input would only take long
        return None

    def _called_on(self, size: int, draw: int) -> Difference | None:
        ready = self._growing.ready(size, draw)
        outcome = call_observed(self._call, ready.through, ready.on_device.args, {}, cpu=True, most=ready.most)
        seconds = outcome.cpu if outcome.cpu is not None else outcome.seconds
        self._spent[size] = min(self._spent[size], seconds)
        self._total += seconds
        return _wrong(self._exercise, ready, outcome)

    def _exceeds(self, size: int, limit: float) -> bool:
        """Whether it takes so many seconds more than on the small input, where waste beyond half of them is no help."""
        return self._spent[size] - min(self._spent[SMALL], limit / 2) > limit

    def _loops_already(self, pace: Pace) -> bool:
        doubtful = self._spent[MEDIUM] - self._spent[SMALL] <= DOUBTFUL_SECONDS
        return not doubtful and self._exceeds(MEDIUM, pace.loop(MEDIUM) / 2)

    def _last_word(self, pace: Pace) -> Difference | None:
        """On an answer that was never quick, by a pace measured at the same time.

        The medium input alone only saves time on what is clearly a loop. Where it may be none after all, the large one
        decides, whose limit lies far from both.
        """
        if self._spent[LARGE] == math.inf:
            if self._loops_already(pace):
                return self._slow(pace, MEDIUM)
            for draw in range(ROUNDS):
                problem = self._called_on(LARGE, draw)
                if problem is not None:
                    return problem
                if not self._exceeds(LARGE, pace.middle(LARGE)) or self._total > PATIENCE:
                    break
        return self._slow(pace, LARGE) if self._exceeds(LARGE, pace.middle(LARGE)) else None

    def _slow(self, pace: Pace, size: int) -> Difference:
        first, second = _named(self._growing, SMALL, size)
        grown = [f"{1000 * seconds:.2g} ms" for seconds in (pace.loop(size), pace.arrays(size))]
        text = (
            f"on {first} your function takes {1000 * self._spent[SMALL]:.2g} ms of processor time, on {second} "
            f"{1000 * self._spent[size]:.3g} ms"
        )
        if self._is_hidden:
            text = f"from {first} to {second} the processor time of your function grows as a loop's does"
        loop = f"A loop over the {self._growing.direction.name} takes about {grown[0]} more there"
        library = _library(self._growing)
        return Difference("vectorised", f"{text}. {loop}, work on whole arrays {grown[1]}: let {library} do the loop")

    # --- steps ---

    def _counted(self) -> Difference | None:
        """Whether the steps grow, by the count that the student's process gives."""
        small, medium = (self._growing.ready(size, 0) for size in (SMALL, MEDIUM))
        few = self._steps(small, MOST_STEPS)
        if few is None:
            return None
        if few.own > MOST_STEPS:
            return Difference(
                "vectorised", f"on a small input your function takes more than {MOST_STEPS:,} Python steps"
            )
        most = max(SHOWN_STEPS, 2 * _own_limit(few), 2 * _library_limit(few))
        many = self._steps(medium, most)
        return _more_steps(self._growing, few, many, most, self._is_hidden) if many is not None else None

    def _steps(self, ready: Ready, most: int) -> Steps | None:
        done = call_observed(self._call, ready.through, ready.on_device.args, {}, steps=most, most=ready.most)
        return done.steps


def _own_limit(steps: Steps) -> int:
    return steps.own + steps.own // 2 + 20


def _library_limit(steps: Steps) -> int:
    return 2 * steps.library + 200


def _more_steps(growing: Growing, few: Steps, many: Steps, most: int, is_hidden: bool) -> Difference | None:
    if many.own > _own_limit(few):
        counts, where = (few.own, many.own), "Python steps"
    elif many.library > _library_limit(few):
        counts, where = (few.library, many.library), "calls inside a library, which loops for it in Python"
    else:
        return None
    sizes = _named(growing, SMALL, MEDIUM)
    count = f"more than {most:,}" if counts[1] > most else f"{counts[1]:,}"
    text = f"on {sizes[0]} your function takes {counts[0]:,} {where}, on {sizes[1]} {count}"
    if is_hidden:
        text = f"from {sizes[0]} to {sizes[1]} the {where} grow with the input"
    return Difference("vectorised", f"{text}: work on whole arrays and let {_library(growing)} do the loop")


# --- words ----------------------------------------------------------------------------------------------


def _library(growing: Growing) -> str:
    return "torch" if any(is_tensor(leaf) for leaf in leaves(growing.ready(SMALL, 0).case.args)) else "NumPy"


def _named(growing: Growing, small: int, large: int) -> tuple[str, str]:
    """The inputs of two sizes by the shape of the first array that grows, or by what else does."""
    few, many = (growing.ready(size, 0).case.args for size in (small, large))
    for one, other in zip(leaves(few), leaves(many), strict=False):
        if tuple(one.shape) != tuple(other.shape):
            shapes = [" x ".join(map(str, leaf.shape)) for leaf in (one, other)]
            if one.ndim == 1:
                return f"{shapes[0]} numbers", f"{shapes[1]} numbers"
            return f"an array of {shapes[0]}", f"one of {shapes[1]}"
    return f"{growing.direction.sizes[small]} {growing.direction.name}", f"{growing.direction.sizes[large]}"


def _wrong(exercise: Exercise, ready: Ready, outcome: Outcome) -> Difference | None:
    problem = difference(exercise, ready.on_device, ready.expected, outcome, Match(exercise.tolerance, ready.precision))
    if problem is None or problem.kind == "not_written":
        return problem
    return Difference(problem.kind, f"{ready.case.name}: {problem.message}")
