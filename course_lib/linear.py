r"""Linear classification: every class has a template, and the class whose template fits the input best wins.

One template separates two classes with a straight line (the perceptron); many of them, with softmax on top,
give probabilities that are trained by their gradient. What no line can do, two hidden units can.

Symbols
    X         (N, D)          N inputs of D numbers each, one per row
    W, b      (C, D), (C,)    one row of weights and one bias for each of C classes
    z         (N, C)          scores, also called logits
    labels    (N,)            the right class of each input, 0 to C-1
    w, b      (D,), ()        the perceptron's weights and bias
    y         (N,)            the perceptron's targets, -1 or +1

Equations
    scores          z_nc = sum_d X_nd W_cd + b_c
    perceptron      where y (w.x + b) <= 0:  w <- w + y x,  b <- b + y
    softmax         p_nc = exp(z_nc) / sum_k exp(z_nk)
    cross-entropy   L = -1/N sum_n log p_n,labels[n]
    its gradient    dL/dz = (p - one_hot(labels)) / N,  dL/dW = (dL/dz)^T X,  dL/db = column sums of dL/dz

Papers
    F. Rosenblatt, "The perceptron: a probabilistic model for information storage and organization", 1958
    A. Novikoff, "On convergence proofs on perceptrons", 1962
    M. Minsky, S. Papert, "Perceptrons", 1969
    J. Bridle, "Probabilistic interpretation of feedforward classification network outputs", 1990
    I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", section 6.1 (XOR), 2016
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "accuracy",
    "cross_entropy",
    "perceptron_fit",
    "perceptron_step",
    "predict",
    "relu_xor",
    "scores",
    "softmax",
    "softmax_gradient",
]

Array = NDArray[Any]


def scores(X: Array, W: Array, b: Array) -> Array:
    """How well each input fits each class.

    Args:
        X: inputs, (N, D).
        W: weights, (C, D), one row per class.
        b: biases, (C,).

    Returns:
        Scores, (N, C).

    Raises:
        ValueError: the shapes do not match.
    """
    _need_batch("X", X, "scores", "(N, D)")
    _need_batch("W", W, "scores", "(C, D)")
    if X.shape[1] != W.shape[1]:
        raise ValueError(
            f"X has shape {X.shape} and W has shape {W.shape}; scores expects (N, D) and (C, D): "
            "both need D columns, so W may have to be transposed with W.T"
        )
    if b.shape != (W.shape[0],):
        raise ValueError(f"b has shape {b.shape}; scores expects ({W.shape[0]},): one bias for each row of W")
    return np.asarray(X @ W.T + b)


def predict(scores: Array) -> Array:
    """The class with the highest score, (N, C) -> (N,) integers; of equal scores the lowest class wins.

    Raises:
        ValueError: `scores` is not (N, C).
    """
    _need_batch("scores", scores, "predict", "(N, C)")
    return np.asarray(np.argmax(scores, axis=1))


def accuracy(predicted: Array, labels: Array) -> float:
    """The share of predictions, (N,), that equal their label, (N,): between 0 and 1.

    Raises:
        ValueError: the shapes differ, or there is nothing to average.
    """
    if predicted.shape != labels.shape or predicted.ndim != 1:
        raise ValueError(
            f"predicted has shape {predicted.shape} and labels has shape {labels.shape}; accuracy expects "
            "(N,) twice: flatten them with .ravel()"
        )
    if not labels.size:
        raise ValueError("there are no labels; accuracy is not defined without any: pass at least one")
    return float(np.mean(predicted == labels))


def perceptron_step(w: Array, b: float, x: Array, y: int) -> tuple[Array, float]:
    """One look at one example: an update with rate 1 where `y (w.x + b) <= 0`, else none (Rosenblatt, 1958).

    Args:
        w: weights, (D,).
        b: bias.
        x: one input, (D,).
        y: its target, -1 or +1.

    Returns:
        The new weights, (D,), and the new bias.

    Raises:
        ValueError: `x` does not have `w`'s shape, or `y` is neither -1 nor +1.
    """
    if x.shape != w.shape or w.ndim != 1:
        raise ValueError(
            f"w has shape {w.shape} and x has shape {x.shape}; perceptron_step expects (D,) twice: "
            "pass one row of X, X[i]"
        )
    if y not in (-1, 1):
        raise ValueError(f"y is {y}; perceptron_step expects -1 or +1: turn 0 and 1 into 2 * y - 1")
    if y * (w @ x + b) > 0:
        return w, b
    sign = float(y)  # a Python float does not change the precision of x
    return w + sign * x, b + sign


def perceptron_fit(X: Array, y: Array, epochs: int) -> tuple[Array, float, list[int]]:
    """Goes through the examples in order until an epoch has no mistake or `epochs` are over.

    Write (x, 1) for an input with a 1 appended. If some plane through the origin has every such point on its
    right side, at a distance of gamma or more, and none is longer than R, then there are at most
    (R / gamma)^2 mistakes in all (Novikoff, 1962).

    Args:
        X: inputs, (N, D).
        y: targets, (N,), each -1 or +1.
        epochs: how often to go through all examples, at most.

    Returns:
        The weights, (D,), the bias, and the number of mistakes in each epoch; a final 0 means that it is done.

    Raises:
        ValueError: the shapes do not match, or a target is neither -1 nor +1.
    """
    _need_batch("X", X, "perceptron_fit", "(N, D)")
    if y.shape != X.shape[:1]:
        raise ValueError(f"y has shape {y.shape}; perceptron_fit expects ({len(X)},): one target for each row of X")
    w = np.zeros(X.shape[1], dtype=X.dtype if np.issubdtype(X.dtype, np.floating) else float)
    b = 0.0
    mistakes: list[int] = []
    while len(mistakes) < epochs and (not mistakes or mistakes[-1] > 0):
        count = 0
        for x, target in zip(X, y.tolist(), strict=True):
            count += bool(target * (w @ x + b) <= 0)
            w, b = perceptron_step(w, b, x, target)
        mistakes.append(count)
    return w, b, mistakes


def softmax(logits: Array) -> Array:
    """Scores turned into probabilities, row by row, (N, C) -> (N, C); safe for logits of any size.

    Every row is shifted by its maximum, which changes nothing and keeps the exponentials at 1 or below.

    Raises:
        ValueError: `logits` is not (N, C).
    """
    _need_batch("logits", logits, "softmax", "(N, C)")
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def cross_entropy(logits: Array, labels: Array) -> float:
    """The mean of -log(probability of the right class), in nats; safe for logits of any size.

    The logarithm is taken before the exponential can vanish: -log p_y = log(sum_k exp(z_k - m)) - (z_y - m).

    Args:
        logits: scores, (N, C).
        labels: right classes, (N,), integers from 0 to C-1.

    Raises:
        ValueError: the shapes do not match, or a label is not a class.
    """
    _need_batch("logits", logits, "cross_entropy", "(N, C)")
    _need_labels(labels, logits.shape, "cross_entropy")
    shifted = logits - logits.max(axis=1, keepdims=True)
    right = shifted[np.arange(len(labels)), labels]
    return float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - right))


def softmax_gradient(X: Array, labels: Array, W: Array, b: Array) -> tuple[Array, Array]:
    """The gradient of `cross_entropy(scores(X, W, b), labels)`.

    Args:
        X: inputs, (N, D).
        labels: right classes, (N,), integers from 0 to C-1.
        W: weights, (C, D).
        b: biases, (C,).

    Returns:
        dW, (C, D), and db, (C,).

    Raises:
        ValueError: the shapes do not match, or a label is not a class.
    """
    surprise = softmax(scores(X, W, b))
    _need_labels(labels, surprise.shape, "softmax_gradient")
    surprise[np.arange(len(labels)), labels] -= 1
    surprise /= len(labels)
    return np.asarray(surprise.T @ X), np.asarray(surprise.sum(axis=0))


def relu_xor() -> tuple[Array, Array, Array, float]:
    """Weights `(W1 (2, 2), b1 (2,), w2 (2,), b2)` with `w2.relu(W1 x + b1) + b2` = XOR of two bits `x`.

    The hidden units ask "how many bits are on" and "are both on" (Goodfellow, Bengio and Courville, 6.1).
    """
    return np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([0.0, -1.0]), np.array([1.0, -2.0]), 0.0


def _need_batch(name: str, value: Array, function: str, shape: str) -> None:
    if value.ndim != 2:
        cure = f": add a batch dimension with {name}[None]" if value.ndim == 1 else ""
        raise ValueError(f"{name} has shape {value.shape}; {function} expects {shape}{cure}")
    if value.shape[1] == 0:
        raise ValueError(f"{name} has shape {value.shape}; {function} expects {shape}: add at least one column")


def _need_labels(labels: Array, shape: tuple[int, ...], function: str) -> None:
    rows, classes = shape
    if labels.shape != (rows,):
        raise ValueError(f"labels has shape {labels.shape}; {function} expects ({rows},): one class per row")
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels holds {labels.dtype}; {function} expects integers: use labels.astype(int)")
    if rows == 0:
        raise ValueError(f"the batch is empty; {function} is a mean and needs at least one row")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"labels run from {labels.min()} to {labels.max()}; {function} expects 0 to {classes - 1}: "
            "one column of logits for each class"
        )
