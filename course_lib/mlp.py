r"""The forward pass of a multilayer perceptron: fully connected layers with a non-linear function between them.

Each layer multiplies by a matrix and adds a bias, which gives its pre-activations, and sends each of them through an
activation function. The last layer has none: its outputs are the logits, one for each class.

Symbols
    x       (N, D)          a batch of N examples, one per row; also written a_0
    sizes   [n_0, ..., n_L] widths of the layers; n_0 = D inputs, n_L outputs
    W_l     (n_l, n_{l-1})  weights of layer l, one row for each output, as in `torch.nn.Linear`
    b_l     (n_l,)          bias of layer l
    z_l     (N, n_l)        pre-activations
    a_l     (N, n_l)        activations
    f       elementwise     the activation: ReLU, sigmoid, tanh, ...

Equations
    z_l = a_{l-1} W_l^T + b_l
    a_l = f(z_l)  for l < L,   logits = z_L
    ReLU(z) = max(z, 0),       sigmoid(z) = 1 / (1 + e^{-z})
    He initialisation: W_l ~ Normal(0, 2 / n_{l-1}),  b_l = 0
    parameters = sum_l n_l (n_{l-1} + 1),   MACs = N sum_l n_l n_{l-1}

Papers
    G. Cybenko, "Approximation by superpositions of a sigmoidal function", 1989
    M. Leshno et al., "Multilayer feedforward networks with a nonpolynomial activation function can approximate any
        function", 1993
    X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010
    G. Montufar et al., "On the number of linear regions of deep neural networks", 2014
    K. He et al., "Delving deep into rectifiers", 2015
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "forward",
    "he_init",
    "linear",
    "mac_count",
    "parameter_count",
    "relu",
    "sigmoid",
]

Array = NDArray[Any]
Params = list[tuple[Array, Array]]


def linear(x: Array, W: Array, b: Array) -> Array:
    """One layer without its activation: every example through `W x + b`.

    Args:
        x: (N, D), one example per row.
        W: (out, D), one row for each output.
        b: (out,), added to every example.

    Returns:
        (N, out), in the wider of the arguments' dtypes.

    Raises:
        ValueError: the shapes do not match.
    """
    if x.ndim != 2:
        raise ValueError(f"x has shape {x.shape}; linear expects (N, D): pass one example as x[None, :]")
    if W.ndim != 2 or W.shape[1] != x.shape[1]:
        raise ValueError(
            f"W has shape {W.shape} and x has {x.shape[1]} features; linear expects W as "
            f"(out, {x.shape[1]}): one row for each output, so weights stored as (in, out) go in as W.T"
        )
    if b.shape != W.shape[:1]:
        raise ValueError(f"b has shape {b.shape}; linear expects ({W.shape[0]},): one for each row of W")
    return np.asarray(x @ W.T + b)


def relu(x: Array) -> Array:
    """Rectified linear unit, `max(x, 0)` for each number.

    Args:
        x: any shape.

    Returns:
        A new array of x's shape and dtype.
    """
    return np.maximum(x, 0)


def sigmoid(x: Array) -> Array:
    r"""Logistic sigmoid, `1 / (1 + e^{-x})` for each number, without overflow.

    Only `e^{-|x|}` is computed, which never exceeds 1. Where x is negative the fraction is expanded by `e^x`:
    `1 / (1 + e^{-x}) = e^x / (e^x + 1)`.

    Args:
        x: any shape, any size of numbers.

    Returns:
        Values in [0, 1] of x's shape and float dtype; integers give float64.
    """
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(np.asarray(x) >= 0, 1, small) / (1 + small))


def forward(x: Array, params: Params, activation: Callable[[Array], Array]) -> list[Array]:
    """The forward pass, with all intermediate results.

    Args:
        x: (N, n_0), one example per row.
        params: `[(W_1, b_1), ..., (W_L, b_L)]` with W_l (n_l, n_{l-1}) and b_l (n_l,).
        activation: elementwise, from an array to an array of the same shape; not used on the last layer.

    Returns:
        `[x, a_1, ..., a_{L-1}, logits]`, L + 1 arrays; the entry l has shape (N, n_l).

    Raises:
        ValueError: there is no layer, or a layer does not fit its input.
    """
    if not params:
        raise ValueError("params is empty; a network has at least one layer: pass [(W, b)]")
    values = [x]
    *hidden, (W_last, b_last) = params
    for W, b in hidden:
        values.append(activation(linear(values[-1], W, b)))
    values.append(linear(values[-1], W_last, b_last))
    return values


def he_init(sizes: Sequence[int], rng: np.random.Generator) -> Params:
    """Random weights that keep the size of the signal through ReLU layers (He et al., 2015).

    Args:
        sizes: `[n_0, ..., n_L]`, at least two widths of at least 1.
        rng: drawn from layer by layer, `standard_normal((n_l, n_{l-1}))` for each.

    Returns:
        `[(W_1, b_1), ..., (W_L, b_L)]` in float64: weights of variance 2 / n_{l-1}, biases of zero.

    Raises:
        ValueError: `sizes` names no layer or an empty one.
    """
    return [
        (rng.standard_normal((fan_out, fan_in)) * np.sqrt(2 / fan_in), np.zeros(fan_out))
        for fan_in, fan_out in _layers(sizes)
    ]


def parameter_count(sizes: Sequence[int]) -> int:
    """How many numbers a network stores: all weights and all biases.

    Args:
        sizes: `[n_0, ..., n_L]`, at least two widths of at least 1.

    Raises:
        ValueError: `sizes` names no layer or an empty one.
    """
    return sum(fan_out * (fan_in + 1) for fan_in, fan_out in _layers(sizes))


def mac_count(sizes: Sequence[int], batch: int = 1) -> int:
    """How many multiply-accumulate operations one forward pass needs; additions of biases are not counted.

    Args:
        sizes: `[n_0, ..., n_L]`, at least two widths of at least 1.
        batch: how many examples are passed together.

    Raises:
        ValueError: `sizes` names no layer or an empty one.
    """
    return batch * sum(fan_out * fan_in for fan_in, fan_out in _layers(sizes))


def _layers(sizes: Sequence[int]) -> list[tuple[int, int]]:
    widths = [int(size) for size in sizes]
    if len(widths) < 2 or min(widths) < 1:
        raise ValueError(
            f"sizes is {widths}; a network has an input width and at least one layer, each of at least 1: "
            "for example [64, 32, 10]"
        )
    return list(pairwise(widths))
