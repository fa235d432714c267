"""Quantized and back in one step, still floating-point, with the straight-through estimator (Bengio et al., 2013)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes
from autograder.exercises.declare import Asks, hidden, mistake, right, slip, visible
from autograder.exercises.quantization import observers
from autograder.exercises.quantization.inputs import EXACT, LIBRARY, Rng, far_from_ties, normal, random_scale
from course_lib import quantization

ASKS = Asks(
    quantization.fake_quantize,
    signature=(
        "fake_quantize(x, scale, zero_point, bits) -> float of x's shape and dtype, with the straight-through gradient"
    ),
    points={"basics": 2, "corners": 1},
    forbids=LIBRARY,
    through=observers.differentiated,
    hints=(
        "Look at the 9 in the example: it has saturated. Which integer would it have got before clipping? That "
        "decides whether its gradient passes.",
        "Straight-through estimator: the value of quantize and dequantize, a gradient of 1 where the rounded integer "
        "lies within the limits and of 0 where it is clipped. Add to a function with that gradient the difference to "
        "the value, detached.",
        "`q = torch.round(x / scale) + zero_point`, not clipped yet. `inside = x * ((q >= least) & (q <= most))` "
        "carries the gradient, `rounded = (q.clamp(least, most) - zero_point) * scale` the value: add `(rounded - "
        "inside).detach()` to `inside`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """Smallest first."""
    x = torch.tensor([-3.0, -0.4, 0.6, 1.3, 9.0])
    yield Case("five numbers, three bits", (x, 1.0, 1, 3, torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])))
    yield Case("eight bits", _fake(rng, (3, 4), 8, 5))
    yield Case("two bits", _fake(rng, (4, 5), 2, 0))
    rows = torch.tensor([[0.5], [0.05], [0.005]])
    yield Case("a scale for each row", _fake(rng, (3, 4), 3, 0, scale=rows), group="corners")
    yield Case("float64", _fake(rng, (6,), 4, -2, torch.float64), group="corners")


def _fake(
    rng: Rng, shape: tuple[int, ...], bits: int, zero: int, dtype: torch.dtype = torch.float32, scale: Any = None
) -> tuple[Any, ...]:
    """Numbers of which a part lies clearly beyond the grid."""
    step = random_scale(rng) if scale is None else scale
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    x = far_from_ties(rng, shape, step, least - zero, most - zero, dtype)
    beyond = torch.from_numpy(rng.permutation(math.prod(shape)).reshape(shape) % 4 == 0)
    away = torch.from_numpy(np.where(rng.random(shape) < 0.5, least - 2.3 - zero, most + 2.3 - zero))
    x = torch.where(beyond, (away * step).to(dtype), x)
    return x, step, zero, bits, normal(rng, *shape, dtype=dtype)


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """Other bits, shapes and layouts."""
    for bits in (2, 3, 5, 8):
        yield Case(f"{bits} bits", _fake(rng, (30,), bits, int(rng.integers(-1, 2))))
    yield from magnitudes(lambda scale: _fake(rng, (9,), 4, -2, torch.float64, 0.07 * scale), tolerance=EXACT)
    columns = torch.tensor([0.3, 0.02, 7.0, 0.1])
    yield Case("a scale for each column", _fake(rng, (5, 4), 4, 1, scale=columns), group="corners")
    x, *rest = _fake(rng, (6, 4), 4, 0, torch.float64)
    yield Case("stored by columns", (x.T.contiguous().T, *rest), group="corners")
    yield Case("one number", _fake(rng, (1,), 6, 0), group="corners")


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(x, scale, zero_point, bits):
    class Straight(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            q = torch.round(x / scale) + zero_point
            least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
            ctx.save_for_backward((q < least) | (q > most))
            return ((q.clip(least, most) - zero_point) * scale).to(x.dtype)

        @staticmethod
        def backward(ctx, upstream):
            return upstream.masked_fill(ctx.saved_tensors[0], 0.0)

    return Straight.apply(x)


@right("other formula")
def other_formula(x, scale, zero_point, bits):
    low, high = -(2 ** (bits - 1)) - 0.5 - zero_point, 2 ** (bits - 1) - 0.5 - zero_point
    ramp = x.clamp(torch.as_tensor(low * scale).to(x), torch.as_tensor(high * scale).to(x))
    with torch.no_grad():
        q = torch.round(x / scale).clamp(low + 0.5, high - 0.5) * scale
        missing = q - ramp
    return ramp + missing


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def fake_without_gradient(x, scale, zero_point, bits):
    """The gradient is 0 everywhere, because rounding is flat. Let it pass as if nothing was rounded: x + (rounded -
    x).detach(), or a torch.autograd.Function."""
    q = (torch.round(x / scale) + zero_point).clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return (q - zero_point) * scale


@mistake
def fake_passes_everywhere(x, scale, zero_point, bits):
    """The gradient passes beyond the grid too. There x can move and nothing changes, so it must be 0 where the integer
    round(x / scale) + zero_point is clipped, and 1 where it lies within the limits."""
    q = (torch.round(x / scale) + zero_point).clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return x + ((q - zero_point) * scale - x).detach()


@mistake
def fake_clamps_at_the_marks(x, scale, zero_point, bits):
    """The gradient stops half a step too early: x was clamped at the last marks. A number that is rounded to the last
    mark has not saturated. Let the gradient pass where round(x / scale) + zero_point lies within the limits."""
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    clamped = x.clamp((least - zero_point) * scale, (most - zero_point) * scale)
    q = (torch.round(x / scale) + zero_point).clamp(least, most)
    return clamped + ((q - zero_point) * scale - clamped).detach()


@mistake
def fake_scaled_gradient(x, scale, zero_point, bits):
    """The gradient is off by the scale: the way to the integers divides by it, and the way back multiplies by it. Let
    both, or neither, have a gradient."""
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    inside = (x / scale + zero_point).clamp(least, most)
    q = (torch.round(x / scale) + zero_point).clamp(least, most)
    return inside + ((q - zero_point) * scale - inside).detach()


fake_stays_integer = slip(
    fake_scaled_gradient,
    "(q - zero_point) * scale",
    "q",
    says="These are the integers. Go back to real numbers in the same step: (q - z) times the scale.",
)


@mistake
def fake_never_saturates(x, scale, zero_point, bits):
    """Numbers were rounded, but those beyond the grid stayed there. Clamp the integers to -2^(b-1) ... 2^(b-1) - 1."""
    return x + (torch.round(x / scale) * scale - x).detach()
