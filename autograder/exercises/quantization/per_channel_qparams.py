"""A symmetric grid for each slice of a tensor along one axis, so that a wide channel costs the others nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes
from autograder.exercises.declare import Asks, accepts, hidden, mistake, right, visible
from autograder.exercises.quantization.inputs import LIBRARY, Rng, normal
from course_lib import quantization

ASKS = Asks(
    quantization.per_channel_qparams,
    signature="per_channel_qparams(w, axis, bits=8) -> (scales (channels,), zero_points (channels,))",
    points={"basics": 1, "corners": 1},
    forbids=LIBRARY,
    hints=(
        "There is one scale for each entry along axis. Over which axes does the maximum run, then?",
        "Put the channels into rows. The scale of a row is its largest absolute value over the largest integer, or "
        "1 for a row of zeros. The zero points are all 0, as integers.",
        "`rows = w.abs().movedim(axis, 0).reshape(w.shape[axis], -1)`; the scales are `rows.amax(1) / (2 ** (bits - "
        "1) - 1)`. Put 1 where one is 0 (`torch.where`). Zero points: `torch.int64` zeros.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """Smallest first."""
    yield Case("two rows", (torch.tensor([[0.5, -1.0], [0.1, -12.7]]), 0))
    yield Case("its columns, four bits", (torch.tensor([[0.5, -1.4, 0.7], [0.1, 0.2, -3.5]]), 1, 4))
    yield Case("kernels", (normal(rng, 3, 2, 3, 3), 0))
    yield Case("a channel of zeros", (torch.tensor([[0.0, 0.0], [1.0, -2.0]]), 0), group="corners")
    yield Case("counted from the end", (normal(rng, 3, 4, 2), -1, 3), group="corners")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """Other shapes, axes and dtypes."""
    for axis in range(4):
        yield Case(f"axis {axis}", (normal(rng, 4, 3, 2, 5), axis, int(rng.integers(2, 9))))
    yield Case("a row", (normal(rng, 1, 5), 0))
    yield Case("a column", (normal(rng, 5, 1), 0))
    yield from magnitudes(lambda scale: (scale * normal(rng, 3, 4, dtype=torch.float64), 0))
    yield Case("a vector", (normal(rng, 6), 0), group="corners")
    yield Case("float64", (normal(rng, 3, 7, dtype=torch.float64), 0, 6), group="corners")
    yield Case("stored by columns", (normal(rng, 5, 3).T, 0), group="corners")
    yield Case("nothing but zeros", (torch.zeros(2, 3), 1), group="corners")


# --- the judge -----------------------------------------------------------------------------------------------


@accepts
def channel_accepts(case: Case, value: Any) -> str | None:
    """Integers of any type will do."""
    given: tuple[Any, ...] = case.args + (8,)[len(case.args) - 2 :]
    w, axis, bits = given
    if not isinstance(value, (tuple, list)) or len(value) != 2 or not all(isinstance(each, Tensor) for each in value):
        return "expected two tensors: the scales and the zero points, one of each per channel"
    scales, zeros = value
    wanted = (w.shape[axis],)
    for name, found in (("scales", scales), ("zero points", zeros)):
        if tuple(found.shape) != wanted:
            return f"the {name} have shape {tuple(found.shape)}; expected {wanted}, one per channel"
    if scales.dtype != w.dtype:
        return f"the scales have dtype {scales.dtype}; expected {w.dtype}, like the weights"
    if zeros.is_floating_point():
        return "the zero points are floating-point numbers; expected integers"
    if bool((zeros != 0).any()):
        return "a zero point is not 0; these grids are symmetric"
    if not bool((torch.isfinite(scales) & (scales > 0)).all()):
        return "a scale is not above 0; every channel needs a step, even a channel of zeros"
    expected, _ = quantization.per_channel_qparams(w, axis, bits)
    off = ~torch.isclose(scales.detach(), expected, rtol=1e-10 if w.dtype == torch.float64 else 1e-5, atol=0)
    if bool(off.any()):
        channel = int(off.nonzero()[0])
        return f"the scale of channel {channel} is {scales[channel]:.6g}; expected {expected[channel]:.6g}"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(w, axis, bits=8):
    scales = w.new_ones(w.shape[axis])
    for channel in range(w.shape[axis]):
        largest = w.select(axis, channel).abs().max()
        if largest > 0:
            scales[channel] = largest / (2 ** (bits - 1) - 1)
    return scales, torch.zeros(w.shape[axis], dtype=torch.int32)


@right("other formula")
def other_formula(w, axis, bits=8):
    others = [each for each in range(w.dim()) if each != axis % w.dim()]
    low, high = (w.amin(others), w.amax(others)) if others else (w, w)
    scales = torch.maximum(-low, high) / (2 ** (bits - 1) - 1)
    return scales.masked_fill(scales == 0, 1), torch.zeros(len(scales)).long()


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def channel_one_for_all(w, axis, bits=8):
    """All channels got the same scale, that of the widest. Take the maximum of each channel alone, over all other
    axes."""
    scale = w.abs().max() / (2 ** (bits - 1) - 1)
    scales = (scale if scale > 0 else torch.ones_like(scale)).repeat(w.shape[axis])
    return scales, torch.zeros(w.shape[axis], dtype=torch.int64)


@mistake
def channel_other_axis(w, axis, bits=8):
    """The maximum was taken along `axis`. That axis has to stay: there is one scale for each of its entries, and the
    maximum runs over all others."""
    scales = w.abs().amax(axis) / (2 ** (bits - 1) - 1)
    return torch.where(scales > 0, scales, 1), torch.zeros_like(scales, dtype=torch.int64)


@mistake
def channel_largest_positive(w, axis, bits=8):
    """Negative weights were forgotten: the scale follows the largest absolute value. Take abs() before the maximum."""
    scales = w.movedim(axis, 0).flatten(1).amax(1) / (2 ** (bits - 1) - 1)
    return torch.where(scales > 0, scales, 1), torch.zeros_like(scales, dtype=torch.int64)


@mistake
def channel_divides_by_power(w, axis, bits=8):
    """The maximum was divided by 2^(b-1). The largest integer is one less, and the largest weight would saturate:
    divide by 2^(b-1) - 1."""
    scales = w.abs().movedim(axis, 0).flatten(1).amax(1) / 2 ** (bits - 1)
    return torch.where(scales > 0, scales, 1), torch.zeros_like(scales, dtype=torch.int64)


@mistake
def channel_dead_scale(w, axis, bits=8):
    """A channel of zeros got the scale 0, and everything that is divided by it becomes nan. Give it 1."""
    scales = w.abs().movedim(axis, 0).flatten(1).amax(1) / (2 ** (bits - 1) - 1)
    return scales, torch.zeros_like(scales, dtype=torch.int64)
