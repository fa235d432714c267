"""The rules that exercises declare: sizes that tell a loop from array code, names that mean something."""

import functools
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from loop_styles import ARRAYS, CHEAP_LOOPS, LOOPS, SLOWEST

from autograder.calls import Steps
from autograder.exercise import Exercise, Verdict
from autograder.exercises import ASSIGNMENTS, exercises_of
from autograder.judge.apply import fresh
from autograder.judge.evaluate import evaluate
from autograder.judge.growth import NAME
from autograder.judge.pace import LARGE, Pace
from autograder.judge.prepared import prepared
from autograder.judge.tensors import is_array, numbers
from autograder.sandbox.guest import forbid
from autograder.sandbox.guest.messenger import loopback

EXERCISES = [exercise for name in ASSIGNMENTS for exercise in exercises_of(name)]
VECTORISED = [exercise for exercise in EXERCISES if exercise.rules.vectorised is not None]
FORBIDDING = [exercise for exercise in EXERCISES if exercise.rules.forbids]

each_vectorised = pytest.mark.parametrize("exercise", VECTORISED, ids=lambda exercise: exercise.id)


def arrays(value):
    if is_array(value):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from arrays(item)


def looping(exercise: Exercise, along_one_axis: bool):
    """The reference with a loop over its largest input beside it: over every number, or along the longest axis."""

    @functools.wraps(exercise.reference)
    def looped(*args, **kwargs):
        largest = max(arrays((args, tuple(kwargs.values()))), key=lambda array: numbers(array).size)
        count = max(largest.shape) if along_one_axis else numbers(largest).size
        total = 0.0
        for number in largest.reshape(-1)[:count]:
            total += float(number)
        return exercise.reference(*args, **kwargs)

    return looped


@each_vectorised
@pytest.mark.parametrize(
    ("along_one_axis", "secret"), [(False, None), (True, b"any")], ids=["every number, own check", "one axis, graded"]
)
def test_a_loop_over_the_input_costs_the_group(exercise: Exercise, along_one_axis: bool, secret: bytes | None):
    verdict = evaluate(exercise, loopback(looping(exercise, along_one_axis)), secret=secret)
    failed = [case for case in verdict.cases if not case.passed]
    assert [case.name for case in failed] == [NAME]
    assert failed[0].kind == "vectorised"
    assert exercise.rules.vectorised is not None
    assert verdict.points == exercise.points - exercise.groups[exercise.rules.vectorised.group]


def written(exercise: Exercise, source: str):
    namespace = {"np": np, "torch": torch}
    exec(source, namespace)
    return namespace[exercise.name]


def forged(function):
    """A process that says of itself that it takes no steps, whatever it does."""
    honest = loopback(function)

    def call(args, kwargs, through="", *, steps=0, **asked):
        done = honest(args, kwargs, through, **asked)
        return replace(done, steps=Steps(7, 3) if steps else None)

    return call


def lost(verdict: Verdict) -> list[str]:
    return [case.name for case in verdict.cases if not case.passed]


@each_vectorised
def test_array_code_keeps_the_group_however_it_is_written(exercise: Exercise):
    found = {
        style: lost(evaluate(exercise, loopback(written(exercise, source)), secret=b"any"))
        for style, source in ARRAYS[exercise.id].items()
    }
    assert found == {style: [] for style in ARRAYS[exercise.id]}


@each_vectorised
def test_a_loop_costs_the_group_whatever_is_counted(exercise: Exercise):
    found = {
        style: lost(evaluate(exercise, forged(written(exercise, source)), secret=b"any"))
        for style, source in LOOPS[exercise.id].items()
    }
    assert found == {style: [NAME] for style in LOOPS[exercise.id]}


@pytest.mark.parametrize("exercise", [each for each in VECTORISED if each.id in CHEAP_LOOPS], ids=lambda each: each.id)
def test_a_loop_that_is_as_quick_as_array_code_is_known_by_its_steps(exercise: Exercise):
    for style, source in CHEAP_LOOPS[exercise.id].items():
        verdict = evaluate(exercise, loopback(written(exercise, source)), secret=b"any")
        assert lost(verdict) == [NAME], style
        assert "Python steps" in verdict.message


@pytest.mark.parametrize("exercise", [each for each in VECTORISED if each.id in CHEAP_LOOPS], ids=lambda each: each.id)
def test_the_slowest_array_code_is_far_from_what_is_allowed(exercise: Exercise):
    answer = written(exercise, ARRAYS[exercise.id][SLOWEST])
    for growing in prepared(exercise, b"any").growth:
        spent = []
        for draw in range(4):
            args, started = fresh(growing.ready(LARGE, draw).on_device.args), time.process_time()
            answer(*args)
            spent.append(time.process_time() - started)
        assert 1.4 * min(spent) < Pace(exercise, growing).middle(LARGE), growing.direction.name


@each_vectorised
def test_the_loop_to_compare_with_is_right_and_stands_out(exercise: Exercise):
    growth = exercise.rules.vectorised
    assert growth is not None
    assert lost(evaluate(exercise, loopback(growth.loop), secret=b"any")) == [NAME]
    for growing in prepared(exercise, b"any").growth:
        pace = Pace(exercise, growing)
        assert 20 * pace.arrays(LARGE) < pace.loop(LARGE) < 1.0, growing.direction.name


@pytest.mark.parametrize("exercise", FORBIDDING, ids=lambda exercise: exercise.id)
def test_every_forbidden_name_means_something(exercise: Exercise):
    forbid.load(exercise.rules.forbids)
    assert forbid.loaded(exercise.rules.forbids) == exercise.rules.forbids
    with forbid.forbidding(exercise.rules.forbids):
        pass
