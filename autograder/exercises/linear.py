"""Linear classification: what is asked, and what holds whatever the numbers are.

The inputs stand in `linear_cases`, the mistakes that are known by name in `linear_mistakes`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograder.exercise import Case, Exercise, Foreign, Probe, Property, Rules
from autograder.exercises.linear_cases import CASES, CORNERS, batch, separable
from autograder.exercises.linear_mistakes import MISTAKES
from course_lib import linear

__all__ = ["EXERCISES"]

Array = NDArray[Any]
Rng = np.random.Generator


def _learns_what_a_line_can(call: Probe, rng: Rng) -> str | None:
    X, y = separable(rng, 25, 2)
    w, b, mistakes = call(X, y, 2000)
    if len(mistakes) == 0 or mistakes[-1] != 0:
        return "a line separates these 25 points, so the last epoch must be one without a mistake"
    if not (y * (X @ np.asarray(w) + float(b)) > 0).all():
        return "the list ends with 0, but some of the points still lie on the wrong side of the line returned"
    return None


def _rows_sum_to_one(call: Probe, rng: Rng) -> str | None:
    p = np.asarray(call(5 * rng.standard_normal((7, 4))))
    if p.shape != (7, 4):
        return f"7 examples with 4 classes gave an answer of shape {p.shape}"
    if (p < 0).any():
        return "a probability is negative"
    return None if np.allclose(p.sum(axis=1), 1) else "a row of probabilities does not sum to one"


def _shift_changes_nothing(call: Probe, rng: Rng) -> str | None:
    z = rng.standard_normal((5, 3))
    shifted = call(z + np.array([[-3.0], [0.0], [2.0], [10.0], [40.0]]))
    same = np.allclose(call(z), shifted, rtol=1e-7, atol=1e-10)
    return None if same else "adding the same number to all scores of a row changes its probabilities"


def _loss(x: Array, labels: Array, w: Array, b: Array) -> float:
    z = x @ w.T + b
    return float(np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), labels]))


def _slope_of_the_loss(call: Probe, rng: Rng) -> str | None:
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


GATES: dict[tuple[int, ...], str] = {
    (0, 1, 1, 1): "OR",
    (0, 0, 0, 1): "AND",
    (1, 1, 1, 0): "NAND",
    (1, 0, 0, 0): "NOR",
    (1, 0, 0, 1): "XNOR, the opposite of XOR",
    (0, 0, 1, 1): "x1 alone",
    (0, 1, 0, 1): "x2 alone",
}


def _xor_outputs(value: Any) -> Array:
    """What a network `(W1, b1, w2, b2)` says at the four corners, (4,).

    Raises:
        ValueError: a part is missing or has another shape; the message is for the student.
    """
    if not isinstance(value, (tuple, list)) or len(value) != 4:
        raise ValueError("four things are asked, in this order: return W1, b1, w2, b2")
    shapes = (("W1", (2, 2)), ("b1", (2,)), ("w2", (2,)), ("b2", ()))
    parts = []
    for part, (name, shape) in zip(value, shapes, strict=True):
        if isinstance(part, Foreign):
            raise ValueError(f"{name} is a {part.type_name}; expected is an array of shape {shape}")
        array = np.asarray(part)
        if array.dtype.kind not in "iuf":
            raise ValueError(f"{name} holds {array.dtype} in place of real numbers")
        if array.shape != shape and not (name == "b2" and array.shape == (1,)):
            wanted = "a single number" if shape == () else f"shape {shape}"
            raise ValueError(f"{name} has shape {array.shape}; asked is {wanted}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} holds nan or inf")
        parts.append(array.astype(float).reshape(shape))
    w1, b1, w2, b2 = parts
    with np.errstate(all="ignore"):
        return np.asarray(np.maximum(CORNERS @ w1.T + b1, 0) @ w2 + b2)


def _is_xor(case: Case, value: Any) -> str | None:
    try:
        got = _xor_outputs(value)
    except ValueError as problem:
        return str(problem)
    if np.allclose(got, [0, 1, 1, 0], rtol=0, atol=1e-3):
        return None
    said = ", ".join(f"({int(x1)},{int(x2)}) gives {out:.4g}" for (x1, x2), out in zip(CORNERS, got, strict=True))
    gate = GATES.get(tuple(int(out) for out in got.round())) if np.isin(got.round(3), (0, 1)).all() else None
    return f"{said}{f': this is {gate}' if gate else ''}; XOR is 0, 1, 1, 0"


def _bends_between_the_corners(call: Probe, rng: Rng) -> str | None:
    got = _xor_outputs(call())
    if np.isclose(got[0] + got[3], got[1] + got[2]):
        return (
            "the outputs at (0,0) and (1,1) add up to as much as those at (0,1) and (1,0), as for any plane: no unit "
            "bends between the corners, so move the bend of one with b1"
        )
    return None


def _exercise(reference: Callable[..., Any], signature: str, groups: dict[str, float], **more: Any) -> Exercise:
    name = reference.__name__
    visible, hidden = CASES[name]
    return Exercise(
        id=f"linear.{name}",
        reference=reference,
        signature=signature,
        groups=groups,
        visible=visible,
        hidden=hidden,
        misconceptions=MISTAKES[name],
        **more,
    )


EXERCISES: tuple[Exercise, ...] = (
    _exercise(
        linear.scores,
        signature="scores(X (N, D), W (C, D), b (C,)) -> (N, C)",
        groups={"basics": 1, "corners": 1},
    ),
    _exercise(
        linear.predict,
        signature="predict(scores (N, C)) -> (N,) integers",
        groups={"basics": 1, "ties": 1},
    ),
    _exercise(
        linear.accuracy,
        signature="accuracy(predicted (N,), labels (N,)) -> float",
        groups={"basics": 1},
    ),
    _exercise(
        linear.perceptron_step,
        signature="perceptron_step(w (D,), b, x (D,), y) -> (w (D,), b)",
        groups={"basics": 2, "on the line": 1},
    ),
    _exercise(
        linear.perceptron_fit,
        signature="perceptron_fit(X (N, D), y (N,), epochs) -> (w (D,), b, mistakes)",
        groups={"basics": 2, "stopping": 1, "guarantee": 1},
        properties=(Property("what a line can separate is learned", _learns_what_a_line_can, "guarantee"),),
    ),
    _exercise(
        linear.softmax,
        signature="softmax(logits (N, C)) -> (N, C)",
        groups={"basics": 1, "large": 1, "properties": 1},
        properties=(
            Property("rows sum to one", _rows_sum_to_one),
            Property("a shift changes nothing", _shift_changes_nothing),
        ),
        rules=Rules(silent=True),
    ),
    _exercise(
        linear.cross_entropy,
        signature="cross_entropy(logits (N, C), labels (N,)) -> float",
        groups={"basics": 2, "large": 1},
        rules=Rules(silent=True),
    ),
    _exercise(
        linear.softmax_gradient,
        signature="softmax_gradient(X (N, D), labels (N,), W (C, D), b (C,)) -> (dW (C, D), db (C,))",
        groups={"basics": 2, "corners": 1, "slope": 1},
        properties=(Property("the gradient is the slope of the loss", _slope_of_the_loss, "slope"),),
    ),
    _exercise(
        linear.relu_xor,
        signature="relu_xor() -> (W1 (2, 2), b1 (2,), w2 (2,), b2)",
        groups={"basics": 2, "bend": 1},
        properties=(Property("the output bends between the corners", _bends_between_the_corners, "bend"),),
        accepts=_is_xor,
    ),
)
