"""Answers that are no plain functions are observed by the judge, which never hands the answer to a harness."""

import numpy as np
import pytest

from autograder.calls import Status
from autograder.exercise import Case, Exercise, Misconception, Property
from autograder.judge.evaluate import evaluate
from autograder.objects import Kept, UnexpectedAnswer, harness_name
from autograder.sandbox.guest.messenger import loopback
from autograder.sandbox.wire.frames import WireError
from autograder.sandbox.wire.functions import harness


class Doubler:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, x):
        return self.factor * x


def built(answer, factor, x):
    """Builds the class with the factor and calls it."""
    made = answer(factor)
    if not isinstance(made, Kept):
        raise UnexpectedAnswer("a class is asked: write `class Doubler:`")
    return answer.of(made, x)


def shouted(answer, x):
    return answer.of(answer(10), x).tolist()


def ten_times(call, rng):
    x = rng.standard_normal(3)
    return None if np.allclose(call(x), 10 * x) else "not ten times as much"


class Adder(Doubler):
    def __call__(self, x):
        """This adds the factor where it should multiply by it, so look at the operator again."""
        return self.factor + x


EXERCISE = Exercise(
    "sample.Doubler",
    Doubler,
    "Doubler(factor)",
    {"basics": 1, "properties": 1},
    visible=lambda rng: [Case("two numbers", (2.0, np.array([1.0, 3.0])))],
    hidden=lambda rng: [Case("more numbers", (3.0, rng.standard_normal(5)))],
    misconceptions=(Misconception("adder", Adder, Adder.__call__.__doc__ or ""),),
    properties=(Property("ten times", ten_times, through=shouted),),
    through=built,
)


def test_a_class_is_built_and_called_on_the_students_side():
    verdict = evaluate(EXERCISE, loopback(Doubler), secret=b"any")
    assert (verdict.status, verdict.points) == (Status.PASSED, 2)


def test_a_mistake_is_shown_with_the_observer_s_arguments_and_named():
    verdict = evaluate(EXERCISE, loopback(Adder), secret=b"any")
    assert verdict.misconception == "adder"
    assert dict(verdict.cases[0].details)["called with"].startswith("factor = 2")


def test_an_answer_of_another_kind_is_told_what_is_asked():
    verdict = evaluate(EXERCISE, loopback(abs), secret=b"any")
    assert verdict.cases[0].kind == "type"
    assert verdict.cases[0].message == "a class is asked: write `class Doubler:`"
    assert verdict.points == 0


def test_what_an_observer_cannot_use_is_no_answer():
    verdict = evaluate(EXERCISE, loopback(lambda factor: lambda x: {}), secret=b"any")
    assert "could not be used (AttributeError" in verdict.cases[1].message
    assert verdict.points == 0


@pytest.mark.parametrize("name", ["os:system", "autograder.harness.models:_Recorder", "autograder.harness:", "x"])
def test_only_harnesses_can_be_named(name):
    with pytest.raises(WireError, match="no harness"):
        harness(name)
    with pytest.raises(ValueError, match="not a public function"):
        harness_name(built)
