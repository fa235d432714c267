"""The share of predictions, (N,), that equal their label, (N,): between 0 and 1."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.exercise import Case
from autograder.exercises.awkward import twice
from autograder.exercises.declare import Asks, hidden, mistake, right, right_text, visible
from autograder.exercises.linear.inputs import Array, Rng
from course_lib import linear

ASKS = Asks(
    linear.accuracy,
    signature="accuracy(predicted (N,), labels (N,)) -> float",
    points={"basics": 1},
    hints=(
        "What do you get when you compare the two arrays with each other, entry by entry?",
        "A comparison gives True and False, which count as 1 and 0. So the mean of them is the share that agrees.",
        "`predicted == labels` is an array of truth values. Take `np.mean` of it and make it a Python number with "
        "`float(...)`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _some_right(rng: Rng, n: int, number: int) -> tuple[Array, Array]:
    """Predictions and labels, (n,), of which so many are equal."""
    labels = rng.integers(0, 10, n)
    wrong = rng.permutation(n) >= number
    return labels + wrong, labels


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    yield Case("three of four right", (np.array([2, 0, 1, 3]), np.array([2, 0, 1, 0])))
    yield Case("ten examples", (rng.integers(0, 3, 10), rng.integers(0, 3, 10)))
    yield Case("all right", (np.array([4, 1, 1]), np.array([4, 1, 1])))
    yield Case("all wrong", (np.array([0, 1]), np.array([1, 2])))


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    numbers = iter((7, 13))
    yield from twice(lambda: _some_right(rng, 20, next(numbers)))
    labels = rng.integers(0, 10, 500)
    predicted = np.where(rng.random(500) < 0.8, labels, rng.integers(0, 10, 500))
    yield Case("500 examples", (predicted, labels))
    yield Case("one example, right", (np.array([7]), np.array([7])))
    yield Case("32-bit labels", (predicted[:33], labels[:33].astype(np.int32)))
    yield Case("slices of larger arrays", (predicted[::3], labels[::3]))
    yield Case("one of 2003 right", _some_right(rng, 2003, 1))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(predicted, labels):
    right = 0
    for a, b in zip(predicted, labels):
        if a == b:
            right += 1
    print("right:", right)
    return right / len(labels)


other_formula = right_text(
    "other formula",
    """
def accuracy(guess: np.ndarray, truth: np.ndarray):
    return np.float64(1.0) - np.count_nonzero(guess - truth) / guess.size
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def accuracy_in_percent(predicted, labels):
    """This is the accuracy in percent. The exercise asks for the share between 0 and 1: leave out the 100."""
    return 100 * float(np.mean(predicted == labels))


@mistake
def number_right(predicted, labels):
    """This is how many are right. Divide by how many there are."""
    return float(np.sum(predicted == labels))


@mistake
def error_rate(predicted, labels):
    """This is the share that is wrong. The accuracy counts where the two are equal: ==, not !=."""
    return float(np.mean(predicted != labels))


@mistake
def all_or_nothing(predicted, labels):
    """This is 1 when all are right and 0 otherwise: either the arrays are compared as a whole, or // drops everything
    after the decimal point. Compare one by one with ==, and divide with /."""
    return float(np.array_equal(predicted, labels))


@mistake
def distance_between_classes(predicted, labels):
    """This measures how far apart the class numbers are. Class 7 is not closer to 8 than to 2: they are names, so
    only == counts."""
    return float(1 - np.mean(np.abs(predicted - labels)))
