r"""Backpropagation: the gradient of the loss is passed back, step by step, and every weight moves against its own.

Each step of the forward pass has a step back. It takes the gradient of the loss with respect to its output and gives
the gradient with respect to its inputs, using values that the forward pass kept.

Symbols
    L       ()              the loss, a mean over the batch
    dout    as the output   dL / d output of a step; dx, dW, db are named the same way
    x, W, b (N, D), (C, D), (C,)   input, weights and biases of a layer
    z, p    (N, C)          logits, and their softmax
    labels  (N,)            the right class of each example, 0 to C-1
    g, v, m as a parameter  its gradient, and running averages of it
    t                       the number of the step, from 1

Equations
    difference      df/dx_i ~ (f(x + eps e_i) - f(x - eps e_i)) / (2 eps)
    linear          dx = dout W,   dW = dout^T x,   db = column sums of dout
    ReLU, sigmoid   dx = dout [x > 0],   dx = dout s (1 - s)
    cross-entropy   L = -1/N sum_n log p_n,labels[n],   dL/dz = (p - one_hot(labels)) / N
    SGD             p <- p - lr g
    momentum        v <- beta v + g,   p <- p - lr v
    Adam            m <- b1 m + (1 - b1) g,   v <- b2 v + (1 - b2) g^2,
                    p <- p - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)

Papers
    D. Rumelhart, G. Hinton, R. Williams, "Learning representations by back-propagating errors", 1986
    B. Polyak, "Some methods of speeding up the convergence of iteration methods", 1964
    D. Kingma, J. Ba, "Adam: a method for stochastic optimization", 2015
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.tape import Node

__all__ = [
    "adam_step",
    "backward",
    "linear_backward",
    "mlp_gradients",
    "momentum_step",
    "numerical_gradient",
    "relu_backward",
    "sgd_step",
    "sigmoid_backward",
    "softmax_cross_entropy",
    "topological_order",
    "train",
    "unbroadcast",
]

Array = NDArray[Any]
Params = list[tuple[Array, Array]]


# --- slopes by nudging ------------------------------------------------------------------------------------


def numerical_gradient(f: Callable[[Array], Any], x: Array, eps: float = 1e-5) -> Array:
    """The gradient of `f` at `x` by central differences: each number is nudged up and down on its own.

    Args:
        f: from an array of x's shape to one number.
        x: any shape; left unchanged.
        eps: how far to nudge. The formula's error is about eps^2, the rounding error about 1e-16 / eps.

    Returns:
        x's shape, float64: in float32 the rounding error would exceed many gradients.
    """
    moved = np.array(x, dtype=np.float64)
    gradient = np.empty_like(moved)
    for index in np.ndindex(moved.shape):
        kept = moved[index]
        moved[index] = kept + eps
        above = f(moved)
        moved[index] = kept - eps
        below = f(moved)
        moved[index] = kept
        gradient[index] = (above - below) / (2 * eps)
    return gradient


# --- one step back ----------------------------------------------------------------------------------------


def linear_backward(dout: Array, x: Array, W: Array) -> tuple[Array, Array, Array]:
    """One step back through `x @ W.T + b`.

    Args:
        dout: gradient of the output, (N, C).
        x: input, (N, D).
        W: weights, (C, D).

    Returns:
        dx (N, D), dW (C, D) and db (C,).

    Raises:
        ValueError: the shapes do not match.
    """
    if x.ndim != 2 or W.ndim != 2 or dout.shape != (len(x), len(W)) or x.shape[1] != W.shape[1]:
        raise ValueError(
            f"dout, x, W have shapes {dout.shape}, {x.shape}, {W.shape}; linear_backward expects (N, C), (N, D), "
            "(C, D): dout has the shape of the layer's output, and one example keeps its axis with x[None, :]"
        )
    return np.asarray(dout @ W), np.asarray(dout.T @ x), np.asarray(dout.sum(axis=0))


def relu_backward(dout: Array, x: Array) -> Array:
    """One step back through `max(x, 0)`: inactive units pass no gradient. At 0, where no slope exists, it is 0.

    Args:
        dout: gradient of the output, any shape.
        x: what went into the ReLU, the same shape.

    Raises:
        ValueError: the shapes differ.
    """
    _need_same("relu_backward", "x", dout, x)
    return np.where(x > 0, dout, np.zeros_like(dout))


def sigmoid_backward(dout: Array, out: Array) -> Array:
    """One step back through the sigmoid s, from its output: the slope is s (1 - s).

    Args:
        dout: gradient of the output, any shape.
        out: what came out of the sigmoid, the same shape.

    Raises:
        ValueError: the shapes differ.
    """
    _need_same("sigmoid_backward", "out", dout, out)
    return np.asarray(dout * out * (1 - out))


def softmax_cross_entropy(logits: Array, labels: Array) -> tuple[float, Array]:
    """The mean cross-entropy of a batch in nats, and its gradient; both safe for logits of any size.

    Args:
        logits: (N, C).
        labels: right classes, (N,), integers from 0 to C-1.

    Returns:
        The loss, and dlogits (N, C) in the dtype of the logits.

    Raises:
        ValueError: the shapes do not match, or a label is not a class.
    """
    _need_labels(logits, labels)
    shifted = logits - logits.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    totals = powers.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    loss = float(np.mean(np.log(totals[:, 0]) - shifted[rows, labels]))
    surprise = powers / totals
    surprise[rows, labels] -= 1
    return loss, surprise / len(labels)


# --- a whole network --------------------------------------------------------------------------------------


def mlp_gradients(x: Array, labels: Array, params: Params) -> tuple[float, Params]:
    """The loss of a ReLU network on a batch, and its gradient with respect to every weight and bias.

    Args:
        x: (N, n_0).
        labels: right classes, (N,), integers from 0 to n_L - 1.
        params: `[(W_1, b_1), ..., (W_L, b_L)]` with W_l (n_l, n_{l-1}) and b_l (n_l,).

    Returns:
        The mean cross-entropy, and `[(dW_1, db_1), ..., (dW_L, db_L)]`.

    Raises:
        ValueError: there is no layer, a layer does not fit its input, or a label is not a class.
    """
    if not params:
        raise ValueError("params is empty; a network has at least one layer: pass [(W, b)]")
    inputs, mixed = [x], []
    for W, b in params:
        mixed.append(inputs[-1] @ W.T + b)
        inputs.append(np.maximum(mixed[-1], 0))
    loss, gradient = softmax_cross_entropy(mixed[-1], labels)
    grads: Params = []
    for layer in reversed(range(len(params))):
        below, dW, db = linear_backward(gradient, inputs[layer], params[layer][0])
        grads.append((dW, db))
        if layer > 0:
            gradient = relu_backward(below, mixed[layer - 1])
    return loss, grads[::-1]


# --- any expression ---------------------------------------------------------------------------------------


def unbroadcast(grad: Array, shape: tuple[int, ...]) -> Array:
    """Sums a gradient back to the shape before broadcasting: what was copied collects all its shares.

    Args:
        grad: the gradient, with the shape after broadcasting.
        shape: the shape before.

    Raises:
        ValueError: `shape` does not broadcast to the shape of `grad`.
    """
    extra = grad.ndim - len(shape)
    if extra < 0 or any(size not in (1, wide) for size, wide in zip(shape, grad.shape[extra:], strict=True)):
        raise ValueError(f"grad has shape {grad.shape}, and {shape} does not broadcast to it: swap the two shapes?")
    summed = np.asarray(grad.sum(axis=tuple(range(extra))))
    stretched = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return np.asarray(summed.sum(axis=stretched, keepdims=True))


def topological_order(root: Node) -> list[Node]:
    """All nodes that `root` was computed from, each once, parents before children, the root last."""
    order: list[Node] = []
    seen = {root}
    open_nodes = [(root, iter(root.parents))]
    while open_nodes:
        node, parents = open_nodes[-1]
        parent = next((parent for parent in parents if parent not in seen), None)
        if parent is None:
            order.append(node)
            open_nodes.pop()
        else:
            seen.add(parent)
            open_nodes.append((parent, iter(parent.parents)))
    return order


def backward(root: Node) -> dict[Node, Array]:
    """The gradient of the sum of the root's value with respect to every node it was computed from.

    Shares of a node add up over all its uses. No array is changed in place: a share may be the very array that
    another node holds.

    Returns:
        A gradient with the shape of its value for each node, including the root and the leaves.
    """
    gradients: dict[Node, Array] = {root: np.ones_like(root.value)}
    for node in reversed(topological_order(root)):
        for parent, vjp in zip(node.parents, node.vjps, strict=True):
            share = vjp(gradients[node])
            gradients[parent] = gradients[parent] + share if parent in gradients else share
    return gradients


# --- steps downhill ---------------------------------------------------------------------------------------


def sgd_step(params: Sequence[Array], grads: Sequence[Array], lr: float) -> list[Array]:
    """Moves every parameter one step against its gradient; returns new arrays of the same shapes."""
    return [p - lr * g for p, g in zip(params, grads, strict=True)]


def momentum_step(
    params: Sequence[Array], grads: Sequence[Array], velocity: Sequence[Array], lr: float, beta: float = 0.9
) -> tuple[list[Array], list[Array]]:
    """A step along the velocity, which remembers earlier gradients (Polyak, 1964), as in `torch.optim.SGD`.

    Args:
        params: arrays of any shape.
        grads: a gradient for each.
        velocity: a velocity for each, zeros at first.
        lr: learning rate.
        beta: the share of the velocity that is kept.

    Returns:
        New parameters and the new velocity.
    """
    velocity = [beta * v + g for v, g in zip(velocity, grads, strict=True)]
    return sgd_step(params, velocity, lr), velocity


def adam_step(
    params: Sequence[Array],
    grads: Sequence[Array],
    state: dict[str, Any],
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> tuple[list[Array], dict[str, Any]]:
    """A step of Adam (Kingma and Ba, 2015, Algorithm 1): every number moves by about lr, whatever its gradient's size.

    Args:
        params: arrays of any shape.
        grads: a gradient for each.
        state: `{"t": steps so far, "m": list, "v": list}`; at first 0 and zeros.
        lr: learning rate.
        betas: the shares of the averages of g and of g^2 that are kept.
        eps: added to the square root.

    Returns:
        New parameters and the new state.
    """
    t = state["t"] + 1
    first, second = betas
    ms = [first * m + (1 - first) * g for m, g in zip(state["m"], grads, strict=True)]
    vs = [second * v + (1 - second) * g**2 for v, g in zip(state["v"], grads, strict=True)]
    params = [
        p - lr * (m / (1 - first**t)) / (np.sqrt(v / (1 - second**t)) + eps)
        for p, m, v in zip(params, ms, vs, strict=True)
    ]
    return params, {"t": t, "m": ms, "v": vs}


def train(
    x: Array,
    labels: Array,
    sizes: Sequence[int],
    epochs: int,
    lr: float,
    batch_size: int,
    rng: np.random.Generator,
) -> Params:
    """Trains a ReLU network by plain SGD on mini-batches, in a new random order each epoch.

    Args:
        x: (N, n_0).
        labels: right classes, (N,), integers from 0 to n_L - 1.
        sizes: `[n_0, ..., n_L]`.
        epochs: number of passes through all examples.
        lr: learning rate.
        batch_size: examples per step; the last batch of an epoch takes what is left.
        rng: draws the weights (He et al., 2015) and the order of the examples.

    Returns:
        `[(W_1, b_1), ..., (W_L, b_L)]`.

    Raises:
        ValueError: `sizes` does not fit the data.
    """
    if len(sizes) < 2 or sizes[0] != x.shape[1]:
        raise ValueError(f"sizes is {list(sizes)} and x has {x.shape[1]} features; sizes starts with {x.shape[1]}")
    params = [
        (rng.standard_normal((fan_out, fan_in)) * np.sqrt(2 / fan_in), np.zeros(fan_out))
        for fan_in, fan_out in pairwise(sizes)
    ]
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            rows = order[start : start + batch_size]
            _, grads = mlp_gradients(x[rows], labels[rows], params)
            params = [(W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, grads, strict=True)]
    return params


# --- what must hold ---------------------------------------------------------------------------------------


def _need_same(function: str, name: str, dout: Array, other: Array) -> None:
    if dout.shape != other.shape:
        raise ValueError(f"dout has shape {dout.shape} and {name} has {other.shape}; {function} expects them equal")


def _need_labels(logits: Array, labels: Array) -> None:
    if logits.ndim != 2 or labels.shape != (len(logits),):
        raise ValueError(
            f"logits has shape {logits.shape} and labels has {labels.shape}; softmax_cross_entropy expects (N, C) and "
            "(N,): one example keeps its axis with logits[None, :]"
        )
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels holds {labels.dtype}; softmax_cross_entropy expects integers: labels.astype(int)")
    if not len(labels) or labels.min() < 0 or labels.max() >= logits.shape[1]:
        raise ValueError(
            f"softmax_cross_entropy expects at least one label, each from 0 to {logits.shape[1] - 1}: "
            "one column of logits for each class"
        )
