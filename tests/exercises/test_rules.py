"""The rules that exercises declare: sizes that tell a loop from array code, names that mean something."""

import functools

import pytest

from autograder.exercise import Exercise
from autograder.exercises import ASSIGNMENTS, exercises_of
from autograder.judge.evaluate import evaluate
from autograder.judge.growth import NAME
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
        for number in range(count):
            total += number
        return exercise.reference(*args, **kwargs)

    return looped


@each_vectorised
@pytest.mark.parametrize("along_one_axis", [False, True], ids=["every number", "one axis"])
@pytest.mark.parametrize("secret", [None, b"any"], ids=["own check", "graded"])
def test_a_loop_over_the_input_costs_the_group(exercise: Exercise, along_one_axis: bool, secret: bytes | None):
    verdict = evaluate(exercise, loopback(looping(exercise, along_one_axis)), secret=secret)
    failed = [case for case in verdict.cases if not case.passed]
    assert [case.name for case in failed] == [NAME]
    assert failed[0].kind == "vectorised"
    assert exercise.rules.vectorised is not None
    assert verdict.points == exercise.points - exercise.groups[exercise.rules.vectorised.group]


@pytest.mark.parametrize("exercise", FORBIDDING, ids=lambda exercise: exercise.id)
def test_every_forbidden_name_means_something(exercise: Exercise):
    forbid.load(exercise.rules.forbids)
    assert forbid.loaded(exercise.rules.forbids) == exercise.rules.forbids
    with forbid.forbidding(exercise.rules.forbids):
        pass
