"""The average of some numbers, (N,), and 0.0 where there are none: an exercise to meet the check with."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.exercise import Case
from autograder.exercises.awkward import EXACT, magnitudes
from autograder.exercises.declare import Asks, hidden, mistake, right, right_text, slip, visible
from course_lib import start

Rng = np.random.Generator

ASKS = Asks(
    start.average,
    signature="average(numbers (N,)) -> float",
    points={"basics": 1},
    hints=(
        "How would you do it on paper for three numbers? And what is there to divide by when there are none?",
        "Look at the length first: an empty array has its answer already. Otherwise it is the sum, divided by the "
        "length.",
        "`len(numbers) == 0` tells the empty array, whose average is to be `0.0`. For all others divide "
        "`np.sum(numbers)` by the length.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    yield Case("three numbers", (np.array([1.0, 2.0, 6.0]),))
    yield Case("no numbers", (np.array([]),))
    yield Case("one number", (np.array([-2.5]),))
    yield Case("whole numbers", (np.array([3, 4, 4, 4]),))
    yield Case("ten numbers", (rng.standard_normal(10),))


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    yield Case("seven numbers", (rng.standard_normal(7),))
    yield Case("131 numbers", (rng.uniform(1, 3, 131),))
    yield Case("six numbers, all digits", (rng.uniform(1, 3, 6),), tolerance=EXACT)
    yield Case("whole numbers, some negative", (rng.integers(-9, 3, 13),))
    yield Case("numbers of 32 bits", (rng.standard_normal(12).astype(np.float32),))
    yield Case("no whole numbers", (np.array([], dtype=int),))
    yield from magnitudes(lambda scale: (scale * rng.uniform(1, 2, 5),))
    yield from magnitudes(lambda scale: (-scale * rng.uniform(1, 2, 5),))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(numbers):
    total = 0.0
    count = 0
    for number in numbers:
        total = total + number
        count = count + 1
    if count == 0:
        return 0.0
    return total / count


other_formula = right_text(
    "other formula",
    """
def average(numbers: np.ndarray) -> float:
    return float(np.mean(numbers)) if numbers.size else 0.0
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def forgets_the_empty_array(numbers):
    """This is right as long as there are numbers. An empty array has none to divide by: look at its length first, and
    return 0.0."""
    return float(np.sum(numbers) / np.float64(len(numbers)))


@mistake
def total_of_the_numbers(numbers):
    """This is the sum. The average divides it by how many numbers there are."""
    return float(np.sum(numbers))


@mistake
def median_of_the_numbers(numbers):
    """This is the median: the number in the middle of the sorted ones. The average is the sum divided by the count."""
    return float(np.median(numbers)) if len(numbers) else 0.0


@mistake
def divides_by_one_less(numbers):
    """This divides by one less than there are numbers, as an estimate of a variance does. An average divides by how
    many there are, len(numbers)."""
    if len(numbers) == 0:
        return 0.0
    return float(np.sum(numbers) / max(len(numbers) - 1, 1))


drops_what_follows_the_point = slip(
    loops,
    "total / count",
    "total // count",
    says="// rounds the quotient down to a whole number. An average may lie between two whole numbers: divide with /.",
)
