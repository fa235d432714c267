"""Answers that are no plain functions are probed through a harness, which runs on the student's side of the wire."""

import sys
from types import ModuleType

import numpy as np
import pytest

from autograder.exercise import Case, Exercise, Misconception, Property, Status
from autograder.harness import UnexpectedAnswer
from autograder.judge.evaluate import evaluate
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
    if not isinstance(answer, type):
        raise UnexpectedAnswer("a class is asked: write `class Doubler:`")
    return answer(factor)(x)


def shouted(answer, x):
    return answer(10)(x).tolist()


built.__module__ = shouted.__module__ = "autograder.harness.sample"


@pytest.fixture(autouse=True)
def sample(monkeypatch):
    module = ModuleType("autograder.harness.sample")
    module.built, module.shouted = built, shouted
    monkeypatch.setitem(sys.modules, module.__name__, module)


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


def test_a_mistake_is_shown_with_the_harness_arguments_and_named():
    verdict = evaluate(EXERCISE, loopback(Adder), secret=b"any")
    assert verdict.misconception == "adder"
    assert dict(verdict.cases[0].details)["called with"].startswith("factor = 2")


def test_an_answer_of_another_kind_is_told_what_is_asked():
    verdict = evaluate(EXERCISE, loopback(abs), secret=b"any")
    assert verdict.cases[0].kind == "type"
    assert verdict.cases[0].message == "a class is asked: write `class Doubler:`"
    assert verdict.points == 0


@pytest.mark.parametrize("name", ["os:system", "autograder.harness.sample:_built", "autograder.harness:", "x"])
def test_only_harnesses_can_be_named(name):
    with pytest.raises(WireError, match="no harness"):
        harness(name)
