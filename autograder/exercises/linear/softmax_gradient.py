"""The gradient of `cross_entropy(scores(X, W, b), labels)`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes, twice
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, slip, visible
from autograder.exercises.linear.inputs import Array, Rng, float32, layer, sliced
from autograder.forbidden_names import BY_HAND
from course_lib import linear

ASKS = Asks(
    linear.softmax_gradient,
    signature="softmax_gradient(X (N, D), labels (N,), W (C, D), b (C,)) -> (dW (C, D), db (C,))",
    points={"basics": 2, "corners": 1, "slope": 1},
    forbids=BY_HAND,
    hints=(
        "Compare the probabilities with what a perfect machine would say: 1 for the right class, 0 elsewhere. How "
        "far off is each?",
        "The gradient of the scores is p minus one-hot, divided by N. A weight passes its share on times the input, "
        "a bias times 1. Summed over the batch that is a matrix product for W and a plain sum for b.",
        "From `p = softmax(scores(X, W, b))` subtract 1 at `p[np.arange(len(labels)), labels]`, and divide by "
        "`len(labels)`. Then `dW` is `p.T @ X`, and `db` sums `p` over `axis=0`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def batch(rng: Rng, n: int, d: int, c: int, size: float = 1.0) -> tuple[Array, Array, Array, Array]:
    """Inputs, labels, weights and biases; `size` scales the last two."""
    x, w, b = layer(rng, n, d, c)
    return x, rng.integers(0, c, n), size * w, size * b


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    tiny = np.array([[1.0, 0.0], [2.0, 4.0]]), np.array([1, 0]), np.zeros((3, 2)), np.zeros(3)
    yield Case("two examples, three classes, weights zero", tiny)
    x, _, w, b = batch(rng, 5, 4, 3)
    yield Case("5 examples, 4 numbers, 3 classes", (x, np.array([2, 0, 0, 1, 2]), w, b))
    yield Case("one example", batch(rng, 1, 3, 4), group="corners")
    yield Case("float32", float32(*batch(rng, 6, 2, 3)), group="corners")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    yield Case("a batch of 64", batch(rng, 64, 20, 10))
    yield Case(
        "a class that no example has",
        (rng.standard_normal((6, 3)), np.array([0, 2, 2, 0, 0, 2]), *layer(rng, 1, 3, 4)[1:]),
    )
    yield from twice(lambda: batch(rng, 3, 2, 4))
    yield Case("one class", batch(rng, 5, 3, 1), group="corners")
    yield Case("scores of 10000", batch(rng, 7, 4, 3, size=5e3), group="corners")
    x, labels, w, b = batch(rng, 8, 6, 3)
    yield Case("column by column", (np.asfortranarray(x), labels, np.asfortranarray(w), b), group="corners")
    yield from magnitudes(lambda scale: (scale * x, labels, w / scale, b), group="corners")
    yield Case("slices of larger arrays", (sliced(x), sliced(labels), sliced(w), sliced(b)), group="corners")


# --- properties ----------------------------------------------------------------------------------------------


def _loss(x: Array, labels: Array, w: Array, b: Array) -> float:
    z = x @ w.T + b
    return float(np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), labels]))


@holds("the gradient is the slope of the loss", group="slope")
def slope_of_the_loss(call: Probe, rng: Rng) -> str | None:
    x, labels, w, b = batch(rng, 6, 3, 4, size=0.5)
    dw, db = (np.asarray(part) for part in call(x, labels, w, b))
    if dw.shape != w.shape or db.shape != b.shape:
        return f"the gradients have shapes {dw.shape} and {db.shape}, the weights and biases {w.shape} and {b.shape}"
    eps = 1e-5
    v, u = rng.standard_normal(w.shape), rng.standard_normal(b.shape)
    up, down = _loss(x, labels, w + eps * v, b), _loss(x, labels, w - eps * v, b)
    if not np.isclose((up - down) / (2 * eps), (dw * v).sum(), rtol=1e-5, atol=1e-7):
        return "W was moved a little: the loss does not change by the amount that dW says"
    up, down = _loss(x, labels, w, b + eps * u), _loss(x, labels, w, b - eps * u)
    if not np.isclose((up - down) / (2 * eps), (db * u).sum(), rtol=1e-5, atol=1e-7):
        return "b was moved a little: the loss does not change by the amount that db says"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(X, labels, W, b):
    N, D = X.shape
    C = len(b)
    dW = np.zeros((C, D))
    db = np.zeros(C)
    for n in range(N):
        z = W @ X[n] + b
        e = np.exp(z - z.max())
        p = e / e.sum()
        for c in range(C):
            error = p[c]
            if c == labels[n]:
                error -= 1
            dW[c] += error * X[n] / N
            db[c] += error / N
    return dW, db


@right("other formula")
def other_formula(X, labels, W, b):
    import torch

    x = torch.tensor(np.ascontiguousarray(X))
    w, bias = (torch.tensor(np.ascontiguousarray(each)) for each in (W, b))
    target = torch.tensor(np.ascontiguousarray(labels)).long()
    with torch.no_grad():
        p = torch.nn.functional.log_softmax(x @ w.T + bias, dim=1).exp()
        error = (p - torch.nn.functional.one_hot(target, len(w))) / len(x)
    return torch.einsum("nc,nd->cd", error, x).numpy(), error.sum(0).numpy()


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(X, labels, W, b):
    z = X @ W.T + b
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p = p / p.sum(axis=1, keepdims=True) - np.eye(len(b), dtype=X.dtype)[labels]
    return p.T @ X / len(X), p.sum(axis=0) / len(X)


gradient_summed = slip(
    answer,
    "p.T @ X / len(X), p.sum(axis=0) / len(X)",
    "p.T @ X, p.sum(axis=0)",
    says="These are the gradients of the summed loss, N times too large. The loss is a mean over the batch: "
    "divide by N.",
)


@mistake
def gradient_reversed(X, labels, W, b):
    """The sign is reversed: this is one-hot minus p, the direction in which the loss falls. The gradient points
    uphill, p minus one-hot, and the training step subtracts it."""
    z = X @ W.T + b
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p = np.eye(len(b), dtype=X.dtype)[labels] - p / p.sum(axis=1, keepdims=True)
    return p.T @ X / len(X), p.sum(axis=0) / len(X)


one_hot_forgotten = slip(
    answer,
    "p / p.sum(axis=1, keepdims=True) - np.eye(len(b), dtype=X.dtype)[labels]",
    "p / p.sum(axis=1, keepdims=True)",
    says="The labels do not enter at all: this is p^T X / N. Take 1 off the probability of each example's right "
    "class first.",
)


gradient_transposed = slip(
    answer,
    "p.T @ X",
    "X.T @ p",
    says="dW is transposed, (D, C). A gradient has the shape of what it belongs to, and W is (C, D): the errors come "
    "first in the product.",
)


bias_gradient_summed = slip(
    answer,
    "p.sum(axis=0) / len(X)",
    "p.sum(axis=0)",
    says="dW is right, but db is the sum over the batch. It is part of the same mean: divide it by N too.",
)


bias_not_in_the_scores = slip(
    answer,
    "X @ W.T + b",
    "X @ W.T",
    says="The probabilities are those without the bias. The scores are X W^T + b, as in the first exercise.",
)


divided_by_all_entries = slip(
    answer,
    "p.T @ X / len(X), p.sum(axis=0) / len(X)",
    "p.T @ X / p.size, p.sum(axis=0) / p.size",
    says="These are divided by N times C, C times too small. The mean runs over the N examples alone.",
)


label_numbers_subtracted = slip(
    answer,
    "np.eye(len(b), dtype=X.dtype)[labels]",
    "labels[:, None]",
    says="The label itself is subtracted from a whole row, so class 3 weighs three times as much as class 1. A "
    "label is a name: take 1 off at that index, p[np.arange(N), labels] -= 1.",
)
