"""Scores turned into probabilities, row by row, (N, C) -> (N, C); safe for logits of any size."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import ACROSS_ZERO, RELATIVE, twice
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, visible
from autograder.exercises.linear.inputs import Rng, float32, sliced
from course_lib import linear

ASKS = Asks(
    linear.softmax,
    signature="softmax(logits (N, C)) -> (N, C)",
    points={"basics": 1, "large": 1, "properties": 1},
    silent=True,
    hints=(
        "Which numbers have to add up to 1: those of a row, of a column, or all? And what does the computer make of "
        "e to the power 10,000?",
        "Subtract the largest logit of each row before the exponential. The shift cancels in the quotient, and no "
        "exponent is above 0. Then divide each row by its sum.",
        "`logits.max(axis=1, keepdims=True)` is a column, (N, 1), that you can subtract. Divide `np.exp` of the "
        "difference by its own `sum`, with the same `axis` and `keepdims`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    yield Case("two examples, two classes", (np.array([[0.0, 1.0], [3.0, 1.0]]),))
    yield Case("3 examples, 4 classes", (2 * rng.standard_normal((3, 4)),))
    yield Case("logits of 10000", (np.array([[1e4, 1e4 + 1, 0.0], [2.0, -1e4, 1.0]]),), group="large")
    far = np.array([[1e4, 1e4 - 2, 1e4 - 1], [-1e4, 1 - 1e4, 3 - 1e4]])
    yield Case("one row far above the other", (far,), group="large")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    yield from twice(lambda: (rng.standard_normal((3, 4)),))
    yield Case("many examples", (3 * rng.standard_normal((150, 10)),))
    yield Case("one example", (rng.standard_normal((1, 5)),))
    yield Case("one class", (rng.standard_normal((3, 1)),))
    yield Case("float32", float32(4 * rng.standard_normal((6, 3))))
    yield Case("a slice of a larger array", (sliced(rng.standard_normal((5, 7))),))
    yield Case("column by column", (np.asfortranarray(rng.standard_normal((4, 6))),))
    for size in ACROSS_ZERO[-6:-1]:
        yield Case(f"logits of {size:g} and 0", (np.array([[size, 0.0], [0.0, -size]]),))
    yield Case("probabilities down to 1e-130", (np.arange(0.0, -300.0, -37.0).reshape(3, 3),), tolerance=RELATIVE)
    yield Case("logits of 1e10", (np.round(1e10 + rng.uniform(-3, 3, (4, 3))),), group="large")
    yield Case("random large logits", (1e4 * rng.uniform(-1, 1, (12, 5)),), group="large")
    yield Case("large logits in float32", float32(np.round(1e4 * rng.uniform(-1, 1, (8, 4)))), group="large")
    yield Case("all logits -10000", (np.full((2, 3), -1e4),), group="large")


# --- properties ----------------------------------------------------------------------------------------------


@holds("rows sum to one")
def rows_sum_to_one(call: Probe, rng: Rng) -> str | None:
    p = np.asarray(call(5 * rng.standard_normal((7, 4))))
    if p.shape != (7, 4):
        return f"7 examples with 4 classes gave an answer of shape {p.shape}"
    if (p < 0).any():
        return "a probability is negative"
    return None if np.allclose(p.sum(axis=1), 1) else "a row of probabilities does not sum to one"


@holds("a shift changes nothing")
def shift_changes_nothing(call: Probe, rng: Rng) -> str | None:
    z = rng.standard_normal((5, 3))
    shifted = call(z + np.array([[-3.0], [0.0], [2.0], [10.0], [40.0]]))
    same = np.allclose(call(z), shifted, rtol=1e-7, atol=1e-10)
    return None if same else "adding the same number to all scores of a row changes its probabilities"


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(logits):
    import math

    rows = []
    for row in logits:
        top = max(row)
        powers = [math.exp(v - top) for v in row]
        rows.append([p / sum(powers) for p in powers])
    return np.array(rows)


@right("other formula")
def other_formula(logits):
    differences = logits[:, None, :] - logits[:, :, None]
    return 1 / np.exp(np.minimum(differences, 700 if logits.dtype == np.float64 else 80)).sum(axis=2)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def softmax_overflows(logits):
    """exp(710) is already infinity, and infinity over infinity is nan. Subtract each row's maximum first: the
    probabilities stay the same and the largest exponential is exp(0) = 1."""
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True)


@mistake
def softmax_down_the_columns(logits):
    """The columns sum to one, so the examples compete with each other. The classes of one example compete: axis=1."""
    powers = np.exp(logits - logits.max(axis=0, keepdims=True))
    return powers / powers.sum(axis=0, keepdims=True)


@mistake
def softmax_over_everything(logits):
    """The whole array sums to one. Each row is one example and sums to one by itself: axis=1, keepdims=True."""
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


@mistake
def keepdims_missing(logits):
    """The row sums have shape (N,), and NumPy lines them up with the columns. Keep them as a column, (N, 1), with
    keepdims=True."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1)


@mistake
def one_maximum_for_all(logits):
    """One maximum is subtracted from all rows. A row that lies far below it turns into zeros, and 0 / 0 is nan:
    subtract each row's own maximum."""
    powers = np.exp(logits - logits.max())
    return powers / powers.sum(axis=1, keepdims=True)


@mistake
def logits_clipped(logits):
    """Clipping avoids the overflow but changes the answer: 10000 and 10001 become the same. Subtract the row's maximum
    instead, which changes nothing."""
    powers = np.exp(np.clip(logits, -500, 500))
    return powers / powers.sum(axis=1, keepdims=True)


@mistake
def sigmoid_of_each(logits):
    """This is the sigmoid of each number by itself, and the rows do not sum to one. In a softmax the classes share one
    denominator: the sum of the row's exponentials."""
    return 0.5 * (1 + np.tanh(0.5 * logits))


@mistake
def without_exponential(logits):
    """The scores are divided by their sum, without the exponential. A negative score then gives a negative
    probability: take np.exp first."""
    return logits / logits.sum(axis=1, keepdims=True)
