"""The mean cross-entropy of a batch in nats, and its gradient; both safe for logits of any size."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import DTypeLike, NDArray

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import log_losses
from autograder.exercises.backprop.inputs import Array, Rng
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, slip, visible
from autograder.forbidden_names import BY_HAND
from course_lib import backprop

ASKS = Asks(
    backprop.softmax_cross_entropy,
    signature="softmax_cross_entropy(logits (N, C), labels (N,)) -> (loss, dlogits (N, C))",
    points={"basics": 2, "extremes": 1},
    forbids=BY_HAND,
    silent=True,
    hints=(
        "Which safe quantity gives you both results: the loss directly, and the probabilities by an exponential?",
        "Compute log-probabilities: shifted logits minus the log of the row's summed exponentials. The loss is "
        "minus the mean of the right ones. The gradient is p minus one-hot, divided by N, with p = exp(log p).",
        "With `z` shifted by its row maxima: `log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))`. Loss: "
        "`-log_p[rows, labels].mean()`, `rows = np.arange(N)`. Gradient: `np.exp(log_p)`, minus 1 at `[rows, "
        "labels]`, over N.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _scores(
    rng: Rng, n: int, classes: int, size: float = 1.0, dtype: DTypeLike = float
) -> tuple[Array, NDArray[np.int64]]:
    return (size * rng.standard_normal((n, classes))).astype(dtype), rng.integers(0, classes, n)


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    yield Case("one example", (np.array([[0.0, np.log(3.0)]]), np.array([0])))
    yield Case("two examples", (np.array([[0.0, np.log(3.0)], [np.log(2.0), 0.0]]), np.array([1, 0])))
    yield Case("five examples, three classes", _scores(rng, 5, 3))
    yield Case("float32", _scores(rng, 3, 4, dtype=np.float32))
    yield Case("logits of 1e4", (np.array([[1e4, 0.0, -1e4], [0.0, 1e4, 9e3]]), np.array([0, 2])), group="extremes")
    rows = np.array([[-1e4, 1.0 - 1e4, -1e4], [2.0, 0.0, 1.0]])
    yield Case("one row far below the other", (rows, np.array([1, 2])), group="extremes")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    yield Case("a larger batch", _scores(rng, 40, 10))
    yield Case("a batch of one", _scores(rng, 1, 6))
    yield Case("one class", (rng.standard_normal((3, 1)), np.zeros(3, np.int64)))
    yield Case("as many examples as classes", _scores(rng, 4, 4))
    logits, labels = _scores(rng, 8, 5)
    yield Case("Fortran order and slices", (np.asfortranarray(logits[::2]), labels[::2]))
    yield Case("equal logits", (np.full((3, 4), 7.0), np.array([0, 3, 1])))
    yield from log_losses(large="extremes")
    yield Case("huge logits", _scores(rng, 6, 4, 1e4), group="extremes")
    yield Case("huge logits, float32", _scores(rng, 5, 3, 3e3, np.float32), group="extremes")
    logits, labels = _scores(rng, 3, 4)
    yield Case("rows far apart", (logits + np.array([[1e4], [0.0], [-1e4]]), labels), group="extremes")


# --- properties ----------------------------------------------------------------------------------------------


@holds("every row of dlogits sums to 0", group="basics")
def surprises_cancel(call: Probe, rng: Rng) -> str | None:
    logits, labels = rng.standard_normal((6, 4)), rng.integers(0, 4, 6)
    _, dlogits = call(logits, labels)
    if not np.allclose(np.asarray(dlogits).sum(axis=1), 0):
        return "a row of dlogits does not sum to 0: what the right class gains, the others lose"
    return None


@holds("a batch given twice has the same loss", group="basics")
def copies_change_no_mean(call: Probe, rng: Rng) -> str | None:
    logits, labels = rng.standard_normal((3, 4)), rng.integers(0, 4, 3)
    loss, twice = call(logits, labels)[0], call(np.tile(logits, (2, 1)), np.tile(labels, 2))[0]
    if not np.isclose(loss, twice):
        return "every example was given twice, and the loss changed: a mean would not"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(logits, labels):
    import math

    loss, gradient = 0.0, np.zeros(logits.shape, logits.dtype)
    count = len(logits)
    for n, row in enumerate(logits.tolist()):
        top = max(row)
        total = 0.0
        for z in row:
            total += math.exp(z - top)
        loss += math.log(total) - (row[labels[n]] - top)
        for c, z in enumerate(row):
            gradient[n, c] = (math.exp(z - top) / total - (c == labels[n])) / count
    return loss / count, gradient


@right("other formula")
def other_formula(logits, labels):
    log_total = np.logaddexp.reduce(logits, axis=1, keepdims=True)
    one_hot = np.equal.outer(labels, np.arange(logits.shape[1]))
    log_p = logits - log_total
    return -(log_p[one_hot]).mean(), (np.exp(log_p) - one_hot) / np.float32(len(labels))


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(logits, labels):
    shifted = logits - logits.max(axis=1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    grad = np.exp(logp)
    grad[rows, labels] -= 1
    return -logp[rows, labels].mean(), grad / len(labels)


entropy_gradient_summed = slip(
    answer,
    "grad / len(labels)",
    "grad",
    says="The loss is a mean over the batch, so its gradient is one too: divide p - one_hot by the number of examples.",
)


entropy_summed = slip(
    answer,
    "-logp[rows, labels].mean(), grad / len(labels)",
    "-logp[rows, labels].sum(), grad",
    says="Both are sums over the batch. The course's losses are means: divide the loss and its gradient by the "
    "number of examples.",
)


@mistake
def entropy_overflows(logits, labels):
    """The formula is right, but np.exp overflows for large logits. Subtract the largest logit of each row first: it
    changes no probability."""
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    loss = -np.log(p[rows, labels]).mean()
    p[rows, labels] -= 1
    return loss, p / len(labels)


@mistake
def entropy_log_of_zero(logits, labels):
    """The softmax is safe, its logarithm is not: a probability of e^-20000 is rounded to 0, and log(0) is
    infinite. Take the logarithm on paper: log p = z - max - log(sum of exp(z - max))."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    loss = -np.log(p[rows, labels]).mean()
    p[rows, labels] -= 1
    return loss, p / len(labels)


entropy_small_number_added = slip(
    entropy_log_of_zero,
    "np.log(p[rows, labels])",
    "np.log(p[rows, labels] + 1e-12)",
    says="log(p + 1e-12) hides the log of 0 and caps the loss near 27.6, where it should be thousands. Take the "
    "logarithm on paper: log p = z - max - log(sum of exp(z - max)).",
)


@mistake
def entropy_right_class_forgotten(logits, labels):
    """dlogits holds the probabilities alone. Subtract 1 at the right class of each row: dlogits[np.arange(N),
    labels] -= 1, before you divide by N."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -logp[np.arange(len(labels)), labels].mean(), np.exp(logp) / len(labels)


entropy_sign = slip(
    answer,
    ("np.exp(logp)", "-np.exp(logp)"),
    ("grad[rows, labels] -= 1", "grad[rows, labels] += 1"),
    says="The gradient points the other way: one_hot - p. A gradient points uphill, so the right class gets a "
    "negative number: p - one_hot.",
)


@mistake
def entropy_one_maximum(logits, labels):
    """You subtract the largest logit of the whole batch. A row that lies far below it becomes 0 / 0. Each row
    has its own maximum: logits.max(axis=1, keepdims=True)."""
    e = np.exp(logits - logits.max())
    total = e.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    loss = np.mean(np.log(total[:, 0]) - (logits - logits.max())[rows, labels])
    grad = e / total
    grad[rows, labels] -= 1
    return loss, grad / len(labels)
