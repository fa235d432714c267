"""One step back through `x @ W.T + b`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import DTypeLike

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes
from autograder.exercises.backprop.inputs import Array, Rng, normal
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, visible
from autograder.forbidden_names import BY_HAND
from course_lib import backprop

ASKS = Asks(
    backprop.linear_backward,
    signature="linear_backward(dout (N, C), x (N, D), W (C, D)) -> (dx (N, D), dW (C, D), db (C,))",
    points={"basics": 2, "corners": 1},
    forbids=BY_HAND,
    hints=(
        "Write down the shapes of dout, x and W, and those of the three gradients. Which axis has to vanish in each?",
        "dx sums over the outputs, dW and db over the examples. A sum of products over a shared axis is a matrix "
        "product, and the shapes allow only one order. Divide by nothing: dout holds the 1/N already.",
        "`dx` is `dout @ W`, without a transpose. `dW` is `dout.T` times `x`. `db` is the sum of `dout` over `axis=0`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _layer(rng: Rng, n: int, d: int, out: int, dtype: DTypeLike = float) -> tuple[Array, ...]:
    return normal(rng, (n, out), (n, d), (out, d), dtype=dtype)


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    hidden = np.array([[0.0, 3.0, 0.0]])
    yield Case("one example", (np.array([[1.0, -1.0]]), hidden, np.array([[1.0, 2.0, 3.0], [0.0, -1.0, 2.0]])))
    yield Case("two examples, square weights", _layer(rng, 2, 3, 3))
    yield Case("five examples", _layer(rng, 5, 4, 3))
    yield Case("float32", _layer(rng, 3, 2, 4, np.float32), group="corners")
    yield Case("as many examples as inputs and outputs", _layer(rng, 3, 3, 3), group="corners")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    yield Case("a larger batch", _layer(rng, 37, 11, 6))
    yield Case("one example of many features", _layer(rng, 1, 50, 7))
    yield Case("one feature, one output", _layer(rng, 4, 1, 1), group="corners")
    yield Case("a batch of one, float32", _layer(rng, 1, 5, 2, np.float32), group="corners")
    dout, x, W = _layer(rng, 8, 6, 4)
    yield Case("Fortran order", (np.asfortranarray(dout), np.asfortranarray(x), np.asfortranarray(W)), group="corners")
    yield Case("every second row and column", (dout[::2, ::2], x[::2, ::2], W[::2, ::2]), group="corners")
    yield from magnitudes(lambda scale: (dout, scale * x, scale * W), group="corners")
    yield from magnitudes(lambda scale: (scale * dout, x, W), group="corners")
    yield Case("no gradient from above", (np.zeros((8, 4)), x, W), group="corners")


# --- properties ----------------------------------------------------------------------------------------------


@holds("a small move changes the output as the gradients predict", group="basics")
def steps_are_adjoint(call: Probe, rng: Rng) -> str | None:
    dout, x, W = rng.standard_normal((4, 5)), rng.standard_normal((4, 3)), rng.standard_normal((5, 3))
    v, V, u = rng.standard_normal((4, 3)), rng.standard_normal((5, 3)), rng.standard_normal(5)
    dx, dW, db = call(dout, x, W)
    for name, share, moved, change in (
        ("x", dx, v, v @ W.T),
        ("W", dW, V, x @ V.T),
        ("b", db, u, np.tile(u, (4, 1))),
    ):
        if not np.isclose((np.asarray(share) * moved).sum(), (dout * change).sum()):
            return f"{name} was moved a little: sum(dout * change of the output) is not what d{name} predicts"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(dout, x, W):
    dx, dW, db = np.zeros_like(x), np.zeros_like(W), np.zeros(W.shape[0], W.dtype)
    for n in range(dout.shape[0]):
        for o in range(dout.shape[1]):
            db[o] += dout[n, o]
            for i in range(x.shape[1]):
                dx[n, i] += dout[n, o] * W[o, i]
                dW[o, i] += dout[n, o] * x[n, i]
    return [dx, dW, db]


@right("other formula")
def other_formula(upstream, inputs, weights):
    ones = np.ones(len(inputs), upstream.dtype)
    return (
        np.einsum("no,oi->ni", upstream, weights),
        np.tensordot(upstream, inputs, axes=(0, 0)),
        ones @ upstream,
    )


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def linear_weights_transposed(dout, x, W):
    """Your dW has shape (D, C). A gradient has the shape of what it belongs to, and W is (C, D): dout.T @
    x."""
    return dout @ W, x.T @ dout, dout.sum(axis=0)


@mistake
def linear_input_by_transpose(dout, x, W):
    """For dx you multiply by W.T, as in the forward pass. In the backward pass it is W itself: dout (N, C) times W (C,
    D) gives (N, D)."""
    return dout @ W.T, dout.T @ x, dout.sum(axis=0)


@mistake
def linear_bias_mean(dout, x, W):
    """db is the mean over the batch here. The bias was added to every example, so it collects all their
    shares: dout.sum(axis=0)."""
    return dout @ W, dout.T @ x, dout.mean(axis=0)


@mistake
def linear_batch_mean(dout, x, W):
    """dW and db were divided by the number of examples. The loss is a mean, and dout already contains the division by
    N. Here shares only add up."""
    return dout @ W, dout.T @ x / len(x), dout.sum(axis=0) / len(x)


@mistake
def linear_bias_by_example(dout, x, W):
    """db has one row for each example. All examples share one bias: sum over them, dout.sum(axis=0)."""
    return dout @ W, dout.T @ x, dout


@mistake
def linear_bias_keeps_axis(dout, x, W):
    """db has shape (1, C), and b has (C,). Sum without keepdims, or each training step gives the bias another axis."""
    return dout @ W, dout.T @ x, dout.sum(axis=0, keepdims=True)


@mistake
def linear_other_order(dout, x, W):
    """dW comes where dx is expected. The order is that of the arguments of linear(x, W, b): dx, dW, db."""
    return dout.T @ x, dout @ W, dout.sum(axis=0)


@mistake
def linear_bias_over_outputs(dout, x, W):
    """db was summed over the outputs, which leaves one number for each example. Sum over the examples:
    axis=0."""
    return dout @ W, dout.T @ x, dout.sum(axis=1)
