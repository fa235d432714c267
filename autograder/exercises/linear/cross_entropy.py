"""The mean of -log(probability of the right class), in nats; safe for logits of any size."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.exercise import Case
from autograder.exercises.awkward import log_losses, twice
from autograder.exercises.declare import Asks, hidden, mistake, right, slip, visible
from autograder.exercises.linear.inputs import Rng, float32, sliced
from course_lib import linear

ASKS = Asks(
    linear.cross_entropy,
    signature="cross_entropy(logits (N, C), labels (N,)) -> float",
    points={"basics": 2, "large": 1},
    silent=True,
    hints=(
        "Does your code take the logarithm of a probability anywhere? That number may have been rounded to 0.",
        "Skip the probabilities. The loss of one row is the log of the summed exponentials of its shifted logits, "
        "minus the shifted logit of the right class. Average over the rows.",
        "With `z = logits - logits.max(axis=1, keepdims=True)`: the losses are `np.log(np.exp(z).sum(axis=1))` "
        "minus `z[np.arange(len(labels)), labels]`. Return their mean as a float.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    yield Case("two examples, three classes", (np.array([[2.0, 0.0, 1.0], [0.0, 3.0, 1.0]]), np.array([0, 2])))
    yield Case("5 examples, 4 classes", (2 * rng.standard_normal((5, 4)), np.array([3, 0, 0, 2, 1])))
    sure = np.array([[1e4, 0.0, -1e4], [0.0, 1e4, 9999.0]])
    yield Case("logits of 10000, right", (sure, np.array([0, 1])), group="large")
    yield Case("logits of 10000, wrong", (sure, np.array([2, 2])), group="large")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    yield from twice(lambda: (rng.standard_normal((3, 4)), rng.integers(0, 4, 3)))
    yield Case("many examples", (3 * rng.standard_normal((128, 10)), rng.integers(0, 10, 128)))
    yield Case("one example", (rng.standard_normal((1, 6)), np.array([4])))
    yield Case("one class", (rng.standard_normal((3, 1)), np.zeros(3, dtype=int)))
    yield Case("float32", (*float32(2 * rng.standard_normal((9, 3))), rng.integers(0, 3, 9)))
    z, labels = rng.standard_normal((8, 5)), rng.integers(0, 5, 8).astype(np.int32)
    yield Case("slices, 32-bit labels", (sliced(z), sliced(labels)))
    yield Case("column by column", (np.asfortranarray(z), labels))
    yield from log_losses()
    yield Case(
        "logits of 10000 with decimals", (1e4 + rng.uniform(-1, 1, (5, 3)), np.array([0, 2, 1, 1, 0])), group="large"
    )
    large, right = np.round(1e4 * rng.uniform(-1, 1, (12, 5))), rng.integers(0, 5, 12)
    yield Case("random large logits", (large, right), group="large")
    yield Case("large logits in float32", (*float32(large), right), group="large")
    yield Case("all logits equal and large", (np.full((4, 7), 1e4), np.array([6, 0, 3, 3])), group="large")


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(logits, labels):
    import math

    losses = []
    for row, label in zip(logits.tolist(), labels.tolist()):
        top = max(row)
        losses.append(top + math.log(sum(math.exp(v - top) for v in row)) - row[label])
    return sum(losses) / len(losses)


@right("other formula")
def other_formula(logits, labels):
    from functools import reduce

    totals = reduce(np.logaddexp, logits.T)
    return np.asarray((totals - np.take_along_axis(logits, labels[:, None], 1)[:, 0]).mean())


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def loss_summed(logits, labels):
    """This is the sum over the batch. The loss is the mean, so that it does not depend on the batch's size: divide
    by N."""
    z = logits - logits.max(axis=1, keepdims=True)
    return float(np.sum(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(labels)), labels]))


@mistake
def mean_over_all_entries(logits, labels):
    """The mean runs over N times C numbers, zeros included. There is one loss per example: divide by N alone."""
    z = logits - logits.max(axis=1, keepdims=True)
    return float(np.sum(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(labels)), labels]) / logits.size)


@mistake
def sign_missing(logits, labels):
    """This is the mean of log p, which is negative. The loss is -log p: 0 when the right class is certain, large when
    it is thought unlikely."""
    z = logits - logits.max(axis=1, keepdims=True)
    return float(np.mean(z[np.arange(len(labels)), labels] - np.log(np.exp(z).sum(axis=1))))


@mistake
def exponential_overflows(logits, labels):
    """exp(710) is already infinity, so the probabilities become nan. Subtract each row's maximum before the
    exponential."""
    powers = np.exp(logits)
    p = powers / powers.sum(axis=1, keepdims=True)
    return float(-np.mean(np.log(p[np.arange(len(labels)), labels])))


log_of_zero = slip(
    exponential_overflows,
    "np.exp(logits)",
    "np.exp(logits - logits.max(axis=1, keepdims=True))",
    says="The probability of the right class was rounded to 0 before the logarithm, and log 0 is minus infinity. "
    "Take the logarithm on paper first: -log p = log(sum of exp(z - m)) - (z_y - m), with m the row's "
    "maximum.",
)


small_number_in_the_log = slip(
    log_of_zero,
    "p[np.arange(len(labels)), labels]",
    "p[np.arange(len(labels)), labels] + 1e-12",
    says="A small number inside the logarithm hides the zero: the loss never passes 28, however wrong the answer "
    "is. Take the logarithm on paper first: -log p = log(sum of exp(z - m)) - (z_y - m), with m the row's "
    "maximum.",
)


@mistake
def logarithm_to_base_two(logits, labels):
    """This is the loss in bits, with np.log2. The exercise asks for the natural logarithm, np.log, whose derivative has
    no extra factor."""
    z = logits - logits.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(labels)), labels]) / np.log(2))


@mistake
def all_pairs_picked(logits, labels):
    """p[:, labels] takes every label's column for every row, N times N numbers. Pair the two: row n with label n,
    p[np.arange(N), labels]."""
    z = logits - logits.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(z).sum(axis=1, keepdims=True)) - z[:, labels]))


@mistake
def only_the_right_score(logits, labels):
    """This is minus the score of the right class. What the other classes got counts as well: add the logarithm of the
    sum of all exponentials."""
    return float(-np.mean(logits[np.arange(len(labels)), labels]))
