"""One convolution in place of a convolution and the batch normalisation after it, for inference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from autograder.exercise import Case
from autograder.exercises.acceleration.inputs import Rng, Tensor, randn
from autograder.exercises.awkward import magnitudes, twice
from autograder.exercises.declare import Asks, hidden, mistake, right, slip, visible
from course_lib import acceleration

ASKS = Asks(
    acceleration.fuse_conv_bn,
    signature=(
        "fuse_conv_bn(w (C_out, C, KH, KW), b (C_out,) or None, gamma, beta, mean, var (C_out,), eps=1e-5) -> (w, b)"
    ),
    points={"basics": 1, "no bias": 1},
    hints=(
        "Once training is over, by what does the normalisation multiply a channel, and what does it add?",
        "A factor for each output channel: gamma over the deviation. The kernels are multiplied by it. The bias, 0 "
        "where there is none, loses the mean, is multiplied by the factor, and gets beta added.",
        "`factor = gamma / torch.sqrt(var + eps)`. New kernels: `w * factor.reshape(-1, 1, 1, 1)`. New bias: `(b - "
        "mean) * factor + beta`, with 0 in place of `b` where that is `None`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _norm(rng: Rng, c_out: int, c: int, kernel: tuple[int, int], dtype: torch.dtype = torch.float64) -> list[Tensor]:
    scale = torch.from_numpy(rng.uniform(0.01, 2.0, c_out)).to(dtype)
    rest = [randn(rng, c_out, dtype=dtype) for _ in range(4)]
    return [randn(rng, c_out, c, *kernel, dtype=dtype), *rest, scale]


def _scaled(rng: Rng, scale: float) -> tuple[Any, ...]:
    """Everything in another unit; the variance in its square."""
    *numbers, var = _norm(rng, 3, 2, (2, 1))
    return (*(scale * each for each in numbers), scale**2 * var, 0.0)


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    numbers = [torch.tensor([each], dtype=torch.float64) for each in (0.5, 2.0, 1.0, 3.0, 0.25)]
    yield Case("one channel, one weight", (torch.ones(1, 1, 1, 1, dtype=torch.float64), *numbers, 0.0))
    yield Case("three channels", (*_norm(rng, 3, 2, (3, 3)),))
    yield Case("a large eps", (*_norm(rng, 2, 2, (1, 1)), 0.1))
    w, _, *rest = _norm(rng, 2, 3, (2, 2))
    yield Case("no bias", (w, None, *rest), group="no bias")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    yield Case("more channels", (*_norm(rng, 6, 4, (3, 2)), 1e-3))
    yield Case("float32", (*_norm(rng, 4, 4, (3, 3), torch.float32), 1e-2))
    yield from twice(lambda: (*_norm(rng, 3, 2, (2, 2)), 1e-3))
    yield from magnitudes(lambda scale: _scaled(rng, scale))
    w, b, gamma, beta, mean, var = _norm(rng, 3, 2, (3, 3))
    yield Case("a variance of zero", (w, b, gamma, beta, mean, var * torch.tensor([0.0, 1.0, 1.0]), 1e-3))
    yield Case("no bias, other sizes", (w, None, gamma, beta, mean, var, 1e-3), group="no bias")


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(w, b, gamma, beta, mean, var, eps=1e-5):
    weights, biases = [], []
    for c in range(len(w)):
        factor = gamma[c] / (var[c] + eps) ** 0.5
        weights.append(w[c] * factor)
        own = b[c] if b is not None else 0
        biases.append((own - mean[c]) * factor + beta[c])
    return torch.stack(weights), torch.stack(biases)


@right("other formula")
def other_formula(w, b, gamma, beta, mean, var, eps=1e-5):
    factor = (var + eps).rsqrt().mul(gamma)
    new = beta - factor * mean
    if b is not None:
        new = new + factor * b
    return torch.einsum("o,oikl->oikl", factor, w), new


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def variance_for_deviation(w, b, gamma, beta, mean, var, eps=1e-5):
    """This divides by the variance. Normalisation divides by the standard deviation, the square root of var + eps."""
    scale = gamma / (var + eps)
    bias = torch.zeros_like(mean) if b is None else b
    return w * scale[:, None, None, None], (bias - mean) * scale + beta


mean_not_scaled = slip(
    variance_for_deviation,
    ("gamma / (var + eps)", "gamma / torch.sqrt(var + eps)"),
    ("(bias - mean) * scale", "bias * scale - mean"),
    says="The weights are right, but the mean is subtracted without being scaled: (b - mean) as a whole is "
    "multiplied by gamma / sqrt(var + eps).",
)


eps_left_out = slip(
    variance_for_deviation,
    "gamma / (var + eps)",
    "gamma / torch.sqrt(var)",
    says="eps is left out. It matters where the variance is small; where that is 0, you divide by zero. eps belongs "
    "under the root: var + eps.",
)


@mistake
def own_bias_lost(w, b, gamma, beta, mean, var, eps=1e-5):
    """The convolution's own bias is lost. It comes before the normalisation, so it is shifted by the mean and scaled
    with everything else."""
    scale = gamma / torch.sqrt(var + eps)
    return w * scale[:, None, None, None], beta - mean * scale


beta_scaled_too = slip(
    mean_not_scaled,
    "bias * scale - mean + beta",
    "(bias - mean + beta) * scale",
    says="beta is scaled as well. It is added at the very end, after the division by the deviation: leave it as it is.",
)
