"""The gradients of batch normalisation in training mode, through the mean and the variance too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import EXTREMES, RELATIVE
from autograder.exercises.cnn.inputs import Array, array
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, slip, visible
from autograder.forbidden_names import AUTOGRAD
from course_lib import cnn

ASKS = Asks(
    cnn.batch_norm2d_backward,
    signature="batch_norm2d_backward(dout (N, C, H, W), x (N, C, H, W), gamma (C,), eps=1e-5) -> (dx, dgamma, dbeta)",
    points={"basics": 3, "corners": 1},
    forbids=("torch.batch_norm", "torch.nn.BatchNorm2d", "torch.nn.functional.batch_norm", *AUTOGRAD),
    hints=(
        "By which three ways does one number of x reach the outputs of its channel? Only one of them is direct.",
        "dbeta is the sum of dout, dgamma the sum of dout times the normalised input. For dx take dout, subtract its "
        "mean (that is the way through the mean), then the normalised input times the mean of their product (the way "
        "through the variance), and scale.",
        "With `z` the normalised input and every mean over `axis=(0, 2, 3)`, kept as axes: `dx` is `gamma / "
        "np.sqrt(var + eps) * (dout - dout.mean(...) - z * (dout * z).mean(...))`, gamma as `gamma[:, None, None]`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _normed(rng: np.random.Generator, *shape: int, dtype: DTypeLike = float) -> tuple[Any, ...]:
    spread, shift = rng.uniform(0.5, 3, shape[1]), rng.uniform(-4, 4, shape[1])
    x = spread[:, None, None] * rng.standard_normal(shape) + shift[:, None, None]
    dout = array(rng, *shape) + rng.standard_normal(shape[1])[:, None, None]
    return tuple(each.astype(dtype) for each in (dout, x, rng.uniform(0.5, 2, shape[1])))


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    x = np.array([[[[3.0, 3.0]]], [[[5.0, 5.0]]]])
    dout = np.array([[[[4.0, 0.0]]], [[[0.0, 0.0]]]])
    yield Case("one channel, four numbers", (dout, x, np.array([2.0])))
    yield Case("three channels", _normed(rng, 4, 3, 3, 2))
    yield Case("a large eps", (*_normed(rng, 3, 2, 2, 3), 0.5), group="corners")
    yield Case("float32", _normed(rng, 3, 2, 4, 2, dtype=np.float32), group="corners")


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("a larger batch", _normed(rng, 6, 4, 5, 3))
    yield Case("as many images as channels, rows and columns", _normed(rng, 3, 3, 3, 3))
    yield Case("one image", _normed(rng, 1, 3, 4, 5))
    yield Case("one pixel per channel", _normed(rng, 5, 3, 1, 1))
    yield Case("a constant channel", _constant(_normed(rng, 2, 2, 3, 4)), group="corners")
    dout, x, gamma = _normed(rng, 8, 6, 4, 5)
    yield Case("slices", (dout[::2, ::2, ::-1], x[::2, ::2, :, ::-1], gamma[::-2], 0.1), group="corners")
    for scale in EXTREMES:
        dout, x, gamma = _normed(rng, 3, 2, 3, 4)
        yield Case(
            f"an upstream gradient around {scale:g}", (scale * dout, x, gamma), {}, "corners", tolerance=RELATIVE
        )
        yield Case(f"a scale around {scale:g}", (dout, x, scale * gamma), {}, "corners", tolerance=RELATIVE)
    yield Case("numbers around 1e-30", (dout, 1e-30 * x, gamma), {}, "corners", tolerance=RELATIVE)


def _constant(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    dout, x, gamma = arguments
    x[:, 0] = 4.0
    return dout, x, gamma


# --- properties ----------------------------------------------------------------------------------------------


@holds("the gradients predict a small step", group="corners")
def backward_is_the_slope(call: Probe, rng: np.random.Generator) -> str | None:
    dout, x, gamma = _normed(rng, 3, 2, 3, 4)
    beta, eps = rng.standard_normal(2), float(rng.uniform(0.05, 0.5))
    gradients = call(dout, x, gamma, eps)
    steps = [1e-5 * rng.standard_normal(each.shape) for each in (x, gamma, beta)]
    for name, gradient, step in zip(("dx", "dgamma", "dbeta"), gradients, steps, strict=True):
        if np.shape(gradient) != step.shape:
            return f"{name} has shape {np.shape(gradient)}; a gradient has the shape of its argument, {step.shape}"
    ahead, behind = (
        _forward(x + sign * steps[0], gamma + sign * steps[1], beta + sign * steps[2], eps) for sign in (1, -1)
    )
    change = float(np.vdot(dout, ahead - behind)) / 2
    predicted = sum(float(np.vdot(gradient, step)) for gradient, step in zip(gradients, steps, strict=True))
    if not np.isclose(change, predicted, rtol=1e-4, atol=1e-9):
        return f"a small step of x, gamma and beta changed the loss by {change:.6g}; you predict {predicted:.6g}"
    return None


def _forward(x: Array, gamma: Array, beta: Array, eps: float) -> Array:
    zeros = np.zeros_like(gamma)
    return cnn.batch_norm2d(x, gamma, beta, zeros, zeros, True, eps=eps)[0]


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(dout, x, gamma, eps=1e-5):
    dx, dgamma, dbeta = np.zeros_like(x), np.zeros_like(gamma), np.zeros_like(gamma)
    for c in range(x.shape[1]):
        m, v = np.mean(x[:, c]), np.var(x[:, c])
        centred, s = x[:, c] - m, (v + eps) ** 0.5
        n = centred.size
        dbeta[c] = np.sum(dout[:, c])
        dgamma[c] = np.sum(dout[:, c] * centred) / s
        dz = gamma[c] * dout[:, c]
        dv = -0.5 * np.sum(dz * centred) / s**3
        dm = -np.sum(dz) / s
        dx[:, c] = dz / s + 2 * dv * centred / n + dm / n
    return dx, dgamma, dbeta


@right("other formula")
def other_formula(dout, x, gamma, eps=1e-5):
    rows, upstream = (np.moveaxis(each, 1, -1).reshape(-1, len(gamma)) for each in (x, dout))
    count = len(rows)
    inverse = (np.var(rows, axis=0) + eps) ** -0.5
    z = inverse * (rows - np.mean(rows, axis=0))
    dbeta, dgamma = np.sum(upstream, axis=0), np.sum(z * upstream, axis=0)
    flat = inverse * gamma / count * (count * upstream - dbeta - dgamma * z)
    N, C, H, W = x.shape
    return np.moveaxis(flat.reshape(N, H, W, C), -1, 1), dgamma, dbeta


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(dout, x, gamma, eps=1e-5):
    axes = (0, 2, 3)
    deviation = np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    z = (x - x.mean(axis=axes, keepdims=True)) / deviation
    dx = dout - dout.mean(axis=axes, keepdims=True) - z * (dout * z).mean(axis=axes, keepdims=True)
    dx = dx * gamma[:, None, None] / deviation
    return dx, (dout * z).sum(axis=axes), dout.sum(axis=axes)


norm_back_constants = slip(
    answer,
    "dout - dout.mean(axis=axes, keepdims=True) - z * (dout * z).mean(axis=axes, keepdims=True)",
    "dout",
    says="Mean and variance were taken for constants. In training they are computed from x, so each number of x also "
    "acts through them: two more terms. (In evaluation this would be right.)",
)


norm_back_without_variance = slip(
    answer,
    " - z * (dout * z).mean(axis=axes, keepdims=True)",
    "",
    says="The way through the variance is missing. Subtract z times the mean of dout times z as well.",
)


norm_back_without_mean = slip(
    answer,
    " - dout.mean(axis=axes, keepdims=True)",
    "",
    says="The way through the mean is missing: subtract the mean of dout over batch, rows and columns.",
)


norm_back_without_gamma = slip(
    answer,
    "gamma[:, None, None] / deviation",
    "1 / deviation",
    says="gamma is missing in dx. The output is gamma times the normalised input, so what flows back is multiplied by "
    "gamma too.",
)


norm_back_without_deviation = slip(
    answer,
    "gamma[:, None, None] / deviation",
    "gamma[:, None, None]",
    says="dx was not divided by the deviation. x was divided by sqrt(var + eps) on the way forward, so its gradient is "
    "too.",
)


norm_back_raw_input = slip(
    answer,
    "(dout * z).sum(axis=axes)",
    "(dout * x).sum(axis=axes)",
    says="dgamma was computed from x as it came in. gamma multiplies the normalised input: use z.",
)


norm_back_means = slip(
    answer,
    ("(dout * z).sum(axis=axes)", "(dout * z).mean(axis=axes)"),
    ("dout.sum(axis=axes)", "dout.mean(axis=axes)"),
    says="dgamma and dbeta were averaged. The same two numbers are used in every position of every image, and all "
    "their shares add up: take sums.",
)


@mistake
def norm_back_each_image(dout, x, gamma, eps=1e-5):
    """Mean and variance were taken over each image by itself. A channel has one mean and one variance, over the batch
    and all positions: axis=(0, 2, 3)."""
    axes = (2, 3)
    deviation = np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    z = (x - x.mean(axis=axes, keepdims=True)) / deviation
    dx = dout - dout.mean(axis=axes, keepdims=True) - z * (dout * z).mean(axis=axes, keepdims=True)
    return dx * gamma[:, None, None] / deviation, (dout * z).sum(axis=(0, 2, 3)), dout.sum(axis=(0, 2, 3))


norm_back_eps_outside = slip(
    answer,
    "np.sqrt(x.var(axis=axes, keepdims=True) + eps)",
    "(np.sqrt(x.var(axis=axes, keepdims=True)) + eps)",
    says="eps was added to the deviation. It belongs under the root: sqrt(var + eps).",
)
