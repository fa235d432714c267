"""The inputs on which linear classification is tried: visible ones for students, hidden ones for the grader.

Inputs of the perceptron are multiples of 1/8, so that sums are exact in any order and in any precision, and
whether a point lies on the line is never a matter of rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograder.exercise import Case

__all__ = ["CASES", "CORNERS", "batch", "separable"]

Array = NDArray[Any]
Rng = np.random.Generator
CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def _float32(*arrays: Any) -> tuple[Any, ...]:
    return tuple(a.astype(np.float32) if isinstance(a, np.ndarray) and a.dtype == float else a for a in arrays)


def _sliced(array: Array) -> Array:
    """The same numbers in an array with gaps: every second entry of the last axis of a larger one."""
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


# --- scores, predict, accuracy ----------------------------------------------------------------------------


def _layer(rng: Rng, n: int, d: int, c: int) -> tuple[Array, Array, Array]:
    return rng.standard_normal((n, d)), rng.standard_normal((c, d)), rng.standard_normal(c)


def _scores_visible(rng: Rng) -> Iterator[Case]:
    tiny = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([[1.0, 3.0], [0.0, 2.0]]), np.array([10.0, -10.0])
    yield Case("two examples, two classes", tiny)
    yield Case("5 examples, 4 numbers, 3 classes", _layer(rng, 5, 4, 3))
    yield Case("one example", _layer(rng, 1, 3, 4), group="corners")
    yield Case("float32", _float32(*_layer(rng, 4, 3, 2)), group="corners")


def _scores_hidden(rng: Rng) -> Iterator[Case]:
    yield Case("more examples than a screen holds", _layer(rng, 301, 17, 10))
    yield Case("one class", _layer(rng, 6, 5, 1), group="corners")
    yield Case("one number an example", _layer(rng, 4, 1, 3), group="corners")
    x, w, b = _layer(rng, 7, 6, 3)
    yield Case("arrays stored column by column", (np.asfortranarray(x), np.asfortranarray(w), b), group="corners")
    yield Case("slices of larger arrays", (_sliced(x), _sliced(w), _sliced(b)), group="corners")
    yield Case("one example in float32", _float32(*_layer(rng, 1, 64, 10)), group="corners")


def _predict_visible(rng: Rng) -> Iterator[Case]:
    yield Case("two examples, three classes", (np.array([[1.0, 5.0, 2.0], [3.0, 0.0, 7.0]]),))
    yield Case("all scores negative", (-1 - rng.random((5, 4)),))
    ties = np.array([[2.0, 2.0, 1.0], [0.0, 4.0, 4.0], [3.0, 3.0, 3.0], [-1.0, -2.0, -1.0]])
    yield Case("equal scores", (ties,), group="ties")


def _predict_hidden(rng: Rng) -> Iterator[Case]:
    yield Case("many examples", (rng.standard_normal((200, 10)),))
    yield Case("one example", (rng.standard_normal((1, 6)),))
    yield Case("one class", (rng.standard_normal((4, 1)),))
    yield Case("large float32 scores", (np.float32(1e4) * rng.standard_normal((9, 3)).astype(np.float32),))
    yield Case("a slice of a larger array", (_sliced(rng.standard_normal((8, 5))),))
    yield Case("many equal scores", (rng.integers(-2, 2, (60, 5)).astype(float),), group="ties")
    yield Case("equal scores, column by column", (np.asfortranarray(rng.integers(0, 2, (9, 4)) / 2),), group="ties")


def _accuracy_visible(rng: Rng) -> Iterator[Case]:
    yield Case("three of four right", (np.array([2, 0, 1, 3]), np.array([2, 0, 1, 0])))
    yield Case("ten examples", (rng.integers(0, 3, 10), rng.integers(0, 3, 10)))
    yield Case("all right", (np.array([4, 1, 1]), np.array([4, 1, 1])))
    yield Case("all wrong", (np.array([0, 1]), np.array([1, 2])))


def _accuracy_hidden(rng: Rng) -> Iterator[Case]:
    labels = rng.integers(0, 10, 500)
    predicted = np.where(rng.random(500) < 0.8, labels, rng.integers(0, 10, 500))
    yield Case("500 examples", (predicted, labels))
    yield Case("one example, right", (np.array([7]), np.array([7])))
    yield Case("32-bit labels", (predicted[:33], labels[:33].astype(np.int32)))
    yield Case("slices of larger arrays", (predicted[::3], labels[::3]))


# --- the perceptron ---------------------------------------------------------------------------------------


def _eighths(rng: Rng, *shape: int) -> Array:
    return np.asarray(rng.integers(-24, 25, shape) / 8)


def _off_the_line(rng: Rng, d: int, y: int, right: bool) -> tuple[Array, float, Array, int]:
    """A perceptron with a point that it gets right, or wrong, by a margin of at least 1/64."""
    while True:
        w, x, b = _eighths(rng, d), _eighths(rng, d), float(_eighths(rng))
        margin = y * (w @ x + b)
        if margin != 0 and (margin > 0) == right:
            return w, b, x, y


def _step_visible(rng: Rng) -> Iterator[Case]:
    yield Case("a mistake", (np.array([1.0, 2.0]), -1.0, np.array([3.0, 1.0]), -1))
    yield Case("already right", (np.array([1.0, 2.0]), -1.0, np.array([3.0, 1.0]), 1))
    yield Case("right, thanks to the bias", (np.array([1.0, 1.0]), -3.0, np.array([1.0, 1.0]), -1))
    yield Case("a mistake in class +1, five numbers", _off_the_line(rng, 5, 1, right=False))
    yield Case("zeros at the start", (np.zeros(3), 0.0, np.array([1.0, 2.0, -1.0]), -1), group="on the line")
    yield Case("a point on the line", (np.array([2.0, -1.0]), 1.0, np.array([0.5, 2.0]), 1), group="on the line")


def _step_hidden(rng: Rng) -> Iterator[Case]:
    for y in (-1, 1):
        yield Case(f"class {y:+d}, a mistake, forty numbers", _off_the_line(rng, 40, y, right=False))
        yield Case(f"class {y:+d}, right, forty numbers", _off_the_line(rng, 40, y, right=True))
    yield Case("one number", _off_the_line(rng, 1, -1, right=False))
    yield Case("float32", _float32(*_off_the_line(rng, 6, 1, right=False)))
    w, b, x, y = _off_the_line(rng, 4, 1, right=False)
    yield Case("slices of larger arrays", (_sliced(w), b, _sliced(x), y))
    w, x = _eighths(rng, 4), _eighths(rng, 4)
    yield Case("on the line, four numbers", (w, -float(w @ x), x, -1), group="on the line")


def separable(rng: Rng, n: int, d: int, margin: float = 0.5) -> tuple[Array, Array]:
    """Points, multiples of 1/8, at least `margin` off a hidden plane on either side."""
    plane, offset = _eighths(rng, d), float(_eighths(rng)) / 2
    plane[0] = plane[0] or 1.0
    rows: list[Array] = []
    while len(rows) < n:
        x = _eighths(rng, d)
        if abs(plane @ x + offset) >= margin * np.linalg.norm(plane):
            rows.append(x)
    X = np.array(rows)
    return X, np.where(X @ plane + offset > 0, 1, -1)


def _fit_visible(rng: Rng) -> Iterator[Case]:
    yield Case("two points", (np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([1, -1]), 10))
    yield Case("integer inputs", (np.array([[3, 1], [1, 2], [0, -1]]), np.array([1, -1, 1]), 20))
    yield Case("12 points that a line separates", (*separable(rng, 12, 2), 200))
    yield Case("XOR, which no line separates", (CORNERS, np.array([-1, 1, 1, -1]), 6), group="stopping")
    yield Case(
        "fewer epochs than it takes", (np.array([[1.0, 2.0], [3.0, 1.0]]), np.array([1, -1]), 2), group="stopping"
    )


def _fit_hidden(rng: Rng) -> Iterator[Case]:
    yield Case("40 points in five dimensions", (*separable(rng, 40, 5), 300))
    yield Case("one number a point", (np.array([[-2.0], [-0.5], [0.25], [3.0]]), np.array([-1, -1, 1, 1]), 60))
    x, y = separable(rng, 15, 3)
    yield Case("float32", (*_float32(x, y), 200))
    yield Case("column by column", (np.asfortranarray(x), y, 200))
    yield Case("one class alone", (x, np.ones(15, dtype=int), 50), group="stopping")
    yield Case("a single point", (x[:1], y[:1], 5), group="stopping")
    yield Case("random labels", (_eighths(rng, 30, 2), rng.choice([-1, 1], 30), 7), group="stopping")
    yield Case("one epoch", (x, y, 1), group="stopping")


# --- softmax and its loss ---------------------------------------------------------------------------------


def _softmax_visible(rng: Rng) -> Iterator[Case]:
    yield Case("two examples, two classes", (np.array([[0.0, 1.0], [3.0, 1.0]]),))
    yield Case("3 examples, 4 classes", (2 * rng.standard_normal((3, 4)),))
    yield Case("logits of 10000", (np.array([[1e4, 1e4 + 1, 0.0], [2.0, -1e4, 1.0]]),), group="large")
    far = np.array([[1e4, 1e4 - 2, 1e4 - 1], [-1e4, 1 - 1e4, 3 - 1e4]])
    yield Case("one row far above the other", (far,), group="large")


def _softmax_hidden(rng: Rng) -> Iterator[Case]:
    yield Case("many examples", (3 * rng.standard_normal((150, 10)),))
    yield Case("one example", (rng.standard_normal((1, 5)),))
    yield Case("one class", (rng.standard_normal((3, 1)),))
    yield Case("float32", _float32(4 * rng.standard_normal((6, 3))))
    yield Case("a slice of a larger array", (_sliced(rng.standard_normal((5, 7))),))
    yield Case("column by column", (np.asfortranarray(rng.standard_normal((4, 6))),))
    yield Case("random large logits", (1e4 * rng.uniform(-1, 1, (12, 5)),), group="large")
    yield Case("large logits in float32", _float32(np.round(1e4 * rng.uniform(-1, 1, (8, 4)))), group="large")
    yield Case("all logits -10000", (np.full((2, 3), -1e4),), group="large")


def _loss_visible(rng: Rng) -> Iterator[Case]:
    yield Case("two examples, three classes", (np.array([[2.0, 0.0, 1.0], [0.0, 3.0, 1.0]]), np.array([0, 2])))
    yield Case("5 examples, 4 classes", (2 * rng.standard_normal((5, 4)), np.array([3, 0, 0, 2, 1])))
    sure = np.array([[1e4, 0.0, -1e4], [0.0, 1e4, 9999.0]])
    yield Case("logits of 10000, right", (sure, np.array([0, 1])), group="large")
    yield Case("logits of 10000, wrong", (sure, np.array([2, 2])), group="large")


def _loss_hidden(rng: Rng) -> Iterator[Case]:
    yield Case("many examples", (3 * rng.standard_normal((128, 10)), rng.integers(0, 10, 128)))
    yield Case("one example", (rng.standard_normal((1, 6)), np.array([4])))
    yield Case("one class", (rng.standard_normal((3, 1)), np.zeros(3, dtype=int)))
    yield Case("float32", (*_float32(2 * rng.standard_normal((9, 3))), rng.integers(0, 3, 9)))
    z, labels = rng.standard_normal((8, 5)), rng.integers(0, 5, 8).astype(np.int32)
    yield Case("slices, 32-bit labels", (_sliced(z), _sliced(labels)))
    yield Case("column by column", (np.asfortranarray(z), labels))
    large, right = np.round(1e4 * rng.uniform(-1, 1, (12, 5))), rng.integers(0, 5, 12)
    yield Case("random large logits", (large, right), group="large")
    yield Case("large logits in float32", (*_float32(large), right), group="large")
    yield Case("all logits equal and large", (np.full((4, 7), 1e4), np.array([6, 0, 3, 3])), group="large")


def batch(rng: Rng, n: int, d: int, c: int, size: float = 1.0) -> tuple[Array, Array, Array, Array]:
    """Inputs, labels, weights and biases; `size` scales the last two."""
    x, w, b = _layer(rng, n, d, c)
    return x, rng.integers(0, c, n), size * w, size * b


def _gradient_visible(rng: Rng) -> Iterator[Case]:
    tiny = np.array([[1.0, 0.0], [2.0, 4.0]]), np.array([1, 0]), np.zeros((3, 2)), np.zeros(3)
    yield Case("two examples, three classes, weights zero", tiny)
    x, _, w, b = batch(rng, 5, 4, 3)
    yield Case("5 examples, 4 numbers, 3 classes", (x, np.array([2, 0, 0, 1, 2]), w, b))
    yield Case("one example", batch(rng, 1, 3, 4), group="corners")
    yield Case("float32", _float32(*batch(rng, 6, 2, 3)), group="corners")


def _gradient_hidden(rng: Rng) -> Iterator[Case]:
    yield Case("a batch of 64", batch(rng, 64, 20, 10))
    yield Case(
        "a class that no example has",
        (rng.standard_normal((6, 3)), np.array([0, 2, 2, 0, 0, 2]), *_layer(rng, 1, 3, 4)[1:]),
    )
    yield Case("one class", batch(rng, 5, 3, 1), group="corners")
    yield Case("scores of 10000", batch(rng, 7, 4, 3, size=5e3), group="corners")
    x, labels, w, b = batch(rng, 8, 6, 3)
    yield Case("column by column", (np.asfortranarray(x), labels, np.asfortranarray(w), b), group="corners")
    yield Case("slices of larger arrays", (_sliced(x), _sliced(labels), _sliced(w), _sliced(b)), group="corners")


def _xor_visible(rng: Rng) -> Iterator[Case]:
    yield Case("the four corners")


def _nothing_hidden(rng: Rng) -> Iterator[Case]:
    return iter(())


CASES = {
    "scores": (_scores_visible, _scores_hidden),
    "predict": (_predict_visible, _predict_hidden),
    "accuracy": (_accuracy_visible, _accuracy_hidden),
    "perceptron_step": (_step_visible, _step_hidden),
    "perceptron_fit": (_fit_visible, _fit_hidden),
    "softmax": (_softmax_visible, _softmax_hidden),
    "cross_entropy": (_loss_visible, _loss_hidden),
    "softmax_gradient": (_gradient_visible, _gradient_hidden),
    "relu_xor": (_xor_visible, _nothing_hidden),
}
"""The visible and the hidden cases of each function."""
