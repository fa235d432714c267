"""The range that a grid should cover, from numbers that were seen."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case
from autograder.exercises.awkward import EXTREMES, SCALES
from autograder.exercises.declare import Asks, accepts, hidden, mistake, right, slip, visible
from autograder.exercises.quantization.inputs import LIBRARY, Rng, normal
from course_lib import quantization

ASKS = Asks(
    quantization.calibrate,
    signature='calibrate(samples, method) -> (low, high), with method "minmax", "percentile" or "mse"',
    points={"basics": 1, "percentile": 1, "mse": 1},
    forbids=LIBRARY,
    hints=(
        "Is the input one tensor or a list of them? Make one row of all the numbers before anything else.",
        "Pool all numbers. Two methods read the range off: extremes or quantiles. The third searches: for many "
        "narrower ranges quantize, go back, and measure; the smallest mean squared error wins.",
        "For `k` from 0.01 to 1: `s, z = affine_qparams(k * low, k * high)`, the error is `((dequantize(quantize(x, "
        "s, z), s, z) - x) ** 2).mean()`; return the best `k * low, k * high`. For percentile: `torch.quantile(x, "
        "0.001)`, and 0.999.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _heavy(rng: Rng, count: int = 150_000) -> Tensor:
    """So many numbers, and two so far out, that giving up the two is worth the finer step for all others."""
    values = rng.laplace(size=count)
    values[rng.permutation(count)[:2]] = -16, 16
    return torch.from_numpy(values).float()


def _outlier_below(rng: Rng) -> Tensor:
    """None lies above 0, half of them are 0, and the least is so far out that it pays to stop short of it."""
    return -torch.cat([normal(rng, 40_000).relu(), torch.tensor([40.0])])


def _on_a_grid(rng: Rng, low: int, high: int, step: float) -> Tensor:
    """Multiples of a step that fill a grid of 8 bits: the whole range loses nothing, and any other loses much.

    Most of them lie halfway between two steps of a grid that is one step longer, or one shorter.
    """
    most = 128 if high > 128 else -128
    steps = np.concatenate([np.full(10_000, most), rng.integers(low, high + 1, 200), [low, high]])
    return torch.from_numpy(rng.permutation(steps) * step).float()


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """Smallest first."""
    yield Case("the range of four numbers", (torch.tensor([0.5, -1.0, 2.0, 0.0]), "minmax"))
    yield Case("float64", (torch.tensor([0.1, -2 / 3, 0.7, 0.3], dtype=torch.float64), "minmax"))
    yield Case("two batches", ([normal(rng, 3, 4), 2 * normal(rng, 5, 4) + 1], "minmax"))
    yield Case("percentiles of 0 to 1000", (torch.arange(1001.0), "percentile"), group="percentile")
    parts = [normal(rng, 700), 3 * normal(rng, 20, 40), torch.tensor([90.0])]
    yield Case("percentiles of three batches", (parts, "percentile"), group="percentile")
    yield Case("a heavy tail", (_heavy(rng), "mse"), group="mse")
    yield Case("a heavy tail in two batches, no minus", ([_heavy(rng).relu(), 0.5 * _heavy(rng).relu()], "mse"),
               group="mse")  # fmt: skip


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """Other sizes, shapes and dtypes."""
    yield Case("all positive", (3 + normal(rng, 50).abs(), "minmax"))
    yield Case("one number", (torch.tensor([-2.5]), "minmax"))
    yield Case("batches of other shapes", ([normal(rng, 2, 3, 4), normal(rng, 7), -5 - normal(rng, 1, 2)], "minmax"))
    yield Case("all of a heavy tail", (_outlier_below(rng), "minmax"))
    for scale in SCALES:
        yield Case(f"numbers around {scale:g}", (scale * normal(rng, 9, dtype=torch.float64), "minmax"))
    yield Case("float64", (normal(rng, 3000, dtype=torch.float64), "percentile"), group="percentile")
    for scale in EXTREMES:
        numbers = scale * normal(rng, 90, dtype=torch.float64)
        yield Case(f"percentiles around {scale:g}", (numbers, "percentile"), group="percentile")
    yield Case("few numbers", ([normal(rng, 20), normal(rng, 13)], "percentile"), group="percentile")
    yield Case("one side", (_heavy(rng, 5000).abs(), "percentile"), group="percentile")
    for name, low, high, step in (("around 0", -100, 155, 2**-10), ("above 0", 27, 255, 2**-26),
                                  ("below 0", -255, -27, 2**-26)):  # fmt: skip
        yield Case(f"multiples of a step, {name}", (_on_a_grid(rng, low, high, step), "mse"), group="mse")
    yield Case("one number far below", (_outlier_below(rng), "mse"), group="mse")
    yield Case("another heavy tail", (_heavy(rng, 160_000) - 0.5, "mse"), group="mse")
    yield Case("a flat distribution", (torch.from_numpy(rng.uniform(-2, 1, 3000)), "mse"), group="mse")


# --- the judge -----------------------------------------------------------------------------------------------


NEARLY = 1.02
"""So many times the error of the best range is nearly as good: lists of 50 ranges come within half of that."""


@accepts
def calibrate_accepts(case: Case, value: Any) -> str | None:
    """By "mse" any range will do whose error is nearly as small as the reference's."""
    samples, method = case.args
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        return "expected a pair: low and high"
    low, high = float(value[0]), float(value[1])
    values = torch.cat([each.flatten() for each in ([samples] if isinstance(samples, Tensor) else samples)])
    if method == "mse":
        least, most = quantization.calibrate(samples, method)
        found, best = _error(values, low, high), _error(values, least, most)
        if not found <= NEARLY * best + (1e-5 * (most - least)) ** 2:
            return (
                f"the range from {low:.4g} to {high:.4g} has a mean squared error of {found:.3g} with 8 bits; "
                f"there is a range with {best:.3g}"
            )
        return None
    for name, got, share in (("low", low, 0.001), ("high", high, 0.999)):
        want, rounding = _end(values, share if method == "percentile" else round(share))
        if not abs(got - want) <= rounding:
            return f"{name} is {got:.7g}; expected {want:.7g}"
    return None


def _end(values: Tensor, share: float) -> tuple[float, float]:
    """A quantile, and how far off rounding may lead: of the numbers, and of the place between two of them."""
    ordered, digits = values.double().sort().values, 1e-6 if values.dtype == torch.float32 else 1e-12
    place = share * (len(ordered) - 1)
    under, over = (float(ordered[int(end)]) for end in (math.floor(place), math.ceil(place)))
    rounding = digits * (max(abs(under), abs(over)) + len(ordered) * (over - under))
    return under + (over - under) * (place - math.floor(place)), rounding


def _error(values: Tensor, low: float, high: float) -> float:
    if not low <= high:
        return math.inf
    scale, zero = quantization.affine_qparams(low, high)
    back = (quantization.quantize(values, scale, zero).double() - zero) * scale
    return float(((back - values) ** 2).mean())


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(samples, method):
    if torch.is_tensor(samples):
        samples = [samples]
    numbers = torch.hstack([part.reshape(-1) for part in samples]).sort().values
    low, high = numbers[0].item(), numbers[-1].item()
    if method == "minmax":
        return low, high
    if method == "percentile":
        ends = []
        for share in (0.001, 0.999):
            place = share * (len(numbers) - 1)
            under, over = numbers[math.floor(place)].double(), numbers[math.ceil(place)].double()
            ends.append((under + (over - under) * (place - math.floor(place))).item())
        return tuple(ends)
    best = None
    for percent in range(4, 101, 2):
        a, b = min(low * percent / 100, 0.0), max(high * percent / 100, 0.0)
        step = (b - a) / 255
        zero = round(-128 - a / step)
        error = 0.0
        for part in numbers.split(10_000):
            back = (torch.clip(torch.round(part / step) + zero, -128, 127) - zero) * step
            error += ((back - part) ** 2).sum().item()
        if best is None or error < best[0]:
            best = error, low * percent / 100, high * percent / 100
    return best[1:]


@right("other formula")
def other_formula(samples, method):
    parts = [samples] if isinstance(samples, torch.Tensor) else list(samples)
    numbers = np.concatenate([part.numpy().ravel() for part in parts])

    def error(low, high):
        low, high = min(low, 0.0), max(high, 0.0)
        step = (high - low) / 255 or 1.0
        zero = np.rint(-low / step)
        back = (np.clip(np.rint(numbers / step) + zero, 0, 255) - zero) * step
        return np.square(back - numbers).mean()

    low, high = float(numbers.min()), float(numbers.max())
    if method == "percentile":
        low, high = np.percentile(numbers, [0.1, 99.9])
    elif method == "mse":
        low, high = min(((k * low, k * high) for k in np.linspace(0.02, 1, 60)), key=lambda ends: error(*ends))
    return low, high


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(samples, method):
    parts = [samples] if isinstance(samples, torch.Tensor) else samples
    values = torch.cat([part.flatten() for part in parts]).double()
    low, high = float(values.min()), float(values.max())
    if method == "percentile":
        return float(torch.quantile(values, 0.001)), float(torch.quantile(values, 0.999))
    if method == "mse":
        errors = []
        for step in range(1, 101):
            a, b = min(low * step / 100, 0.0), max(high * step / 100, 0.0)
            scale = (b - a) / 255 or 1.0
            zero = round(-128 - a / scale)
            back = ((torch.round(values / scale) + zero).clamp(-128, 127) - zero) * scale
            errors.append((float(((back - values) ** 2).mean()), step))
        return low * min(errors)[1] / 100, high * min(errors)[1] / 100
    return low, high


@mistake
def calibrate_mean_of_ranges(samples, method):
    """Each batch got a range of its own, and the ranges were averaged. Take all numbers together: torch.cat, then one
    range."""
    ranges = []
    for part in [samples] if isinstance(samples, torch.Tensor) else samples:
        values = part.flatten().double()
        low, high = float(values.min()), float(values.max())
        if method == "percentile":
            low, high = (float(torch.quantile(values, share)) for share in (0.001, 0.999))
        if method == "mse":
            errors = []
            for step in range(1, 101):
                a, b = min(low * step / 100, 0.0), max(high * step / 100, 0.0)
                scale = (b - a) / 255 or 1.0
                zero = round(-128 - a / scale)
                back = ((torch.round(values / scale) + zero).clamp(-128, 127) - zero) * scale
                errors.append((float(((back - values) ** 2).mean()), step))
            low, high = low * min(errors)[1] / 100, high * min(errors)[1] / 100
        ranges.append((low, high))
    return sum(low for low, _ in ranges) / len(ranges), sum(high for _, high in ranges) / len(ranges)


calibrate_one_percent = slip(
    answer,
    "float(torch.quantile(values, 0.001)), float(torch.quantile(values, 0.999))",
    "float(torch.quantile(values, 0.01)), float(torch.quantile(values, 0.99))",
    says="One percent was cut off on each side. The exercise asks for 99.9: the quantiles 0.001 and 0.999.",
)


calibrate_first_batch = slip(
    answer,
    "parts = [samples] if isinstance(samples, torch.Tensor) else samples\n"
    "values = torch.cat([part.flatten() for part in parts]).double()",
    "values = (samples if isinstance(samples, torch.Tensor) else samples[0]).flatten().double()",
    says="Only the first batch was looked at. `samples` may be a list: the range covers all of them.",
)


@mistake
def calibrate_mirrored(samples, method):
    """The range is as wide below 0 as above it. Data rarely is: take the low end and the high end separately."""
    parts = [samples] if isinstance(samples, torch.Tensor) else samples
    values = torch.cat([part.flatten() for part in parts]).double()
    high = float(values.abs().max())
    if method == "percentile":
        high = float(torch.quantile(values.abs(), 0.999))
    if method == "mse":
        errors = []
        for step in range(1, 101):
            scale = 2 * high * step / 100 / 255 or 1.0
            back = torch.round(values / scale).clamp(-128, 127) * scale
            errors.append((float(((back - values) ** 2).mean()), step))
        high *= min(errors)[1] / 100
    return -high, high


@mistake
def calibrate_mse_is_minmax(samples, method):
    """ "mse" gave the whole range. Try narrower ones too: quantize with each, go back, and keep the range with the
    smallest mean squared error."""
    parts = [samples] if isinstance(samples, torch.Tensor) else samples
    values = torch.cat([part.flatten() for part in parts]).double()
    if method == "percentile":
        return float(torch.quantile(values, 0.001)), float(torch.quantile(values, 0.999))
    return float(values.min()), float(values.max())


calibrate_cuts_above_only = slip(
    answer,
    "float(torch.quantile(values, 0.001))",
    "low",
    says="Only the upper end was cut off. There are outliers at the lower end too: its percentile is the quantile "
    "0.001.",
)
