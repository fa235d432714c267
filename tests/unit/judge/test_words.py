"""Sentences about answers that are not what was asked for say in words what they are."""

from dataclasses import replace

import numpy as np
import pytest

from autograder.calls import Status
from autograder.exercise import Case, Exercise, Property
from autograder.judge.evaluate import evaluate
from autograder.sandbox.guest.messenger import loopback


def double(x):
    return 2 * x


EXERCISE = Exercise(
    id="toy.double",
    reference=double,
    signature="double(x (N,)) -> (N,)",
    groups={"basics": 1},
    visible=lambda rng: [Case("two", (np.array([1.0, 3.0]),))],
    hidden=lambda rng: [],
)


class Mine:
    """A student's own class."""


NO_FUNCTION = "and not a function: give check the function itself, by its name, without calling it"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda x: None, "two: the result is None (is a return missing?); expected a NumPy array"),
        (lambda x: print, "the result is a function (is a call missing?); expected a NumPy array"),
        (lambda x: Mine, "the result is a class (is a call missing?)"),
        (lambda x: (y for y in x), "the result is a generator (it has a yield: return the value as a whole)"),
        (lambda x: np, "the result is a module"),
        (lambda x: {1, 2}, "the result is a set"),
        (lambda x: Mine(), "the result is an object of type Mine"),
        (lambda x: np.array([None, 1]), "a NumPy array of objects (are its rows of different lengths?)"),
        (None, f"the answer is None {NO_FUNCTION}"),
        (double(np.ones(2)), f"the answer is an object of type ndarray {NO_FUNCTION}"),
    ],
)
def test_what_came_back_is_said_in_words(answer, words):
    verdict = evaluate(EXERCISE, loopback(answer))
    assert words in verdict.message
    assert (verdict.status, verdict.points) == (Status.FAILED, 0)
    assert "Foreign" not in repr(verdict)


def test_a_return_is_missing_only_where_nothing_came_back():
    pair = replace(EXERCISE, reference=lambda x: (x, x))
    message = evaluate(pair, loopback(lambda x: (None, x))).message
    assert message == "two: result[0] is None; expected a NumPy array"


def largest(call, rng):
    return "not the largest" if call(np.ones(2)).max() > 2 else None


@pytest.mark.parametrize(
    "change",
    [
        {"accepts": lambda case, value: None if value.sum() else "the sum is 0"},
        {"visible": lambda rng: [], "properties": (Property("largest", largest, "basics"),)},
    ],
    ids=["accepts", "property"],
)
def test_a_missing_return_is_one_where_many_answers_are_right(change):
    message = evaluate(replace(EXERCISE, **change), loopback(lambda x: None)).message
    assert message.endswith("the result is None (is a return missing?)")
