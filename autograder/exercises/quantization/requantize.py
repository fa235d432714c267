"""Sums of products as integers of the next grid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes
from autograder.exercises.declare import Asks, hidden, mistake, right, slip, visible
from autograder.exercises.quantization import observers
from autograder.exercises.quantization.inputs import INT32, LIBRARY, Rng, random_scale
from course_lib import quantization

ASKS = Asks(
    quantization.requantize,
    signature=(
        "requantize(acc (N, out, ...) int32, scale_in, scale_w, scale_out, zero_out, bits=8, signed=True) -> integers"
    ),
    points={"basics": 1, "channels": 1, "rounding": 1},
    forbids=LIBRARY,
    through=observers.requantized,
    hints=(
        "How many steps of the new grid is one unit of acc worth? And on which dimension do the scales of the "
        "channels lie?",
        "One real factor turns sums into steps: multiply by s_x s_w, divide by s_y. Work in float64, with the "
        "channels' scales on dimension 1. Rounding, zero point, clipping and cast are quantize with a scale of 1.",
        "Give a `scale_w` per channel the shape `(1, -1, *[1] * (acc.dim() - 2))`, in double. Then "
        "`quantize(acc.double() * factor, 1.0, zero_out, bits, signed)`, where `factor` is `scale_in * scale_w / "
        "scale_out`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _sums(rng: Rng, shape: tuple[int, ...], multiplier: Any, low: int, high: int) -> Tensor:
    """Sums that land between `low` and `high` on the next grid, away from ties."""
    steps = rng.integers(low, high + 1, shape) + rng.uniform(-0.4, 0.4, shape)
    return torch.from_numpy(np.round(steps / np.asarray(multiplier))).to(INT32)


def _channels(rng: Rng, out: int) -> Tensor:
    return torch.from_numpy(rng.uniform(0.001, 0.02, out)).float()


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """Smallest first."""
    yield Case("three sums", (torch.tensor([[40, -50, 101]], dtype=INT32), 0.5, 0.1, 2.5, 0))
    yield Case("a zero point", (torch.tensor([[40, -50], [101, 7]], dtype=INT32), 0.5, 0.1, 2.5, 4))
    yield Case("unsigned", (_sums(rng, (2, 4), 0.003 * 0.1 / 0.07, -60, 150), 0.003, 0.1, 0.07, 80, 8, False))
    scales = _channels(rng, 3)
    factors = 0.1 * scales.numpy().astype(float) / 0.2
    yield Case("a scale for each column", (_sums(rng, (4, 3), factors, -100, 100), 0.1, scales, 0.2, 5),
               group="channels")  # fmt: skip
    maps = _sums(rng, (2, 3, 2, 3), factors[:, None, None], -100, 100)
    yield Case("a scale for each map", (maps, 0.1, scales, 0.2, -3), group="channels")
    yield Case("halves", (torch.tensor([[1, 3, 5, -1, -3]], dtype=INT32), 0.5, 0.25, 0.25, 1), group="rounding")
    yield Case("beyond the grid", (torch.tensor([[900, -700, 20]], dtype=INT32), 0.5, 0.5, 0.25, 3), group="rounding")
    yield Case("beyond four bits", (torch.tensor([[9, -11, 3]], dtype=INT32), 1.0, 1.0, 1.0, -1, 4), group="rounding")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """Other bits, shapes and sizes."""
    scale_in, scale_w, scale_out = random_scale(rng), random_scale(rng), 7.3 * random_scale(rng)
    one = scale_in * scale_w / scale_out
    yield Case("a column", (_sums(rng, (5, 1), one, -120, 90), scale_in, scale_w, scale_out, 17))
    yield Case("large sums", (_sums(rng, (2, 6), 3e-7, -120, 120), 3e-5, 1e-2, 1.0, 0))
    scales = _channels(rng, 4)
    factors = scale_in * scales.numpy().astype(float) / scale_out
    maps = _sums(rng, (1, 4, 5, 4), factors[:, None, None], -60, 60)
    yield Case("more maps, unsigned", (maps, scale_in, scales, scale_out, 70, 8, False), group="channels")
    yield Case("as many rows as columns", (_sums(rng, (4, 4), factors, -90, 90), scale_in, scales, scale_out, 9),
               group="channels")  # fmt: skip
    odd = torch.from_numpy(2 * rng.integers(-60, 60, (3, 4)) + 1).to(INT32)
    yield Case("many halves", (odd, 0.25, 1.0, 0.5, -5), group="rounding")
    yield Case("many halves, unsigned", (odd, 0.5, 1.0, 1.0, 33, 8, False), group="rounding")
    near = torch.tensor([[1005, -1005, 905]], dtype=INT32), 0.1 * (1 - 1e-8), 1.0, 1.0, 0
    yield Case("a little below halves", near, group="rounding")
    sums = torch.tensor([[40, -50, 101]], dtype=INT32)
    yield from magnitudes(lambda scale: (sums, 0.5 * scale, 0.1, 2.5 * scale, 0), group="rounding")
    yield from magnitudes(lambda scale: (sums, 0.5, 0.1 * scale, 2.5 * scale, 3), group="rounding")
    most = torch.tensor([[2**31 - 1, -(2**31), 2**24 + 1]], dtype=INT32)
    yield Case("the largest sums", (most, 1.0, 1.0, 1.0, 3), group="rounding")
    yield Case("signed, as is said", (-sums, 0.5, 0.1, 2.5, 0, 8, True), group="rounding")


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(acc, scale_in, scale_w, scale_out, zero_out, bits=8, signed=True):
    least = -(2 ** (bits - 1)) if signed else 0
    out = torch.empty(acc.shape, dtype=torch.int8 if signed else torch.uint8)
    for channel in range(acc.shape[1]):
        each = scale_w[channel].item() if torch.is_tensor(scale_w) and scale_w.dim() else float(scale_w)
        numbers = acc[:, channel].reshape(-1).tolist()
        q = [round(number * scale_in * each / scale_out) + zero_out for number in numbers]
        q = [max(least, min(least + 2**bits - 1, value)) for value in q]
        out[:, channel] = torch.tensor(q, dtype=out.dtype).reshape(acc[:, channel].shape)
    return out


@right("other formula")
def other_formula(acc, scale_in, scale_w, scale_out, zero_out, bits=8, signed=True):
    # the channels go last, where numpy broadcasts
    factor = scale_in * np.asarray(scale_w, dtype=np.float64) / scale_out
    steps = np.rint(np.moveaxis(acc.numpy().astype(np.float64), 1, -1) * factor)
    least = -(2 ** (bits - 1)) if signed else 0
    q = np.clip(np.moveaxis(steps, -1, 1) + zero_out, least, least + 2**bits - 1)
    return torch.from_numpy(q.astype(np.int8 if signed else np.uint8))


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def requantize_cuts(acc, scale_in, scale_w, scale_out, zero_out, bits=8, signed=True):
    """The fraction was cut off. Round to the nearest step of the new grid, halves to even: torch.round."""
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if isinstance(scale_w, torch.Tensor) and scale_w.dim() == 1:
        scale_w = scale_w.double().view(1, -1, *[1] * (acc.dim() - 2))
    q = torch.trunc(acc.double() * (scale_in * scale_w / scale_out)) + zero_out
    return q.clamp(least, most).to(torch.int8 if signed else torch.uint8)


requantize_half_up = slip(
    requantize_cuts,
    "torch.trunc(acc.double() * (scale_in * scale_w / scale_out))",
    "torch.floor(acc.double() * (scale_in * scale_w / scale_out) + 0.5)",
    says="Halves were all rounded up. Round half to even, as torch.round does.",
)


requantize_shifts_first = slip(
    requantize_cuts,
    "torch.trunc(acc.double() * (scale_in * scale_w / scale_out)) + zero_out",
    "torch.round(acc.double() * (scale_in * scale_w / scale_out) + zero_out)",
    says="The zero point was added before rounding, which sends halves to the other neighbour where it is odd. "
    "Round first, then add.",
)


@mistake
def requantize_wraps(acc, scale_in, scale_w, scale_out, zero_out, bits=8, signed=True):
    """What lies beyond the grid wrapped around. Clamp before the cast, so that it saturates."""
    if isinstance(scale_w, torch.Tensor) and scale_w.dim() == 1:
        scale_w = scale_w.double().view(1, -1, *[1] * (acc.dim() - 2))
    q = (torch.round(acc.double() * (scale_in * scale_w / scale_out)) + zero_out).to(torch.int64)
    least = -(2 ** (bits - 1)) if signed else 0
    q = (q - least) % 2**bits + least
    return q.to(torch.int8 if signed else torch.uint8)


requantize_upside_down = slip(
    requantize_cuts,
    "torch.trunc(acc.double() * (scale_in * scale_w / scale_out))",
    "torch.round(acc.double() * (scale_out / (scale_in * scale_w)))",
    says="The factor is upside down. One unit of the sums is worth scale_in * scale_w, and one step of the new "
    "grid scale_out: multiply by the former, divide by the latter.",
)


@mistake
def requantize_last_axis(acc, scale_in, scale_w, scale_out, zero_out, bits=8, signed=True):
    """The scales of the channels were applied along the last axis. The channels are dimension 1: give the scales the
    shape (1, -1, 1, 1) for four dimensions."""
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    scale_w = scale_w.double() if isinstance(scale_w, torch.Tensor) else scale_w
    q = torch.round(acc.double() * (scale_in * scale_w / scale_out)) + zero_out
    return q.clamp(least, most).to(torch.int8 if signed else torch.uint8)
