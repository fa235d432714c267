"""How far rounding lies below the signal, in decibels: about 6 more for each bit (Bennett, 1948)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch

from autograder.calls import Probe
from autograder.exercise import Case, Tolerance
from autograder.exercises.awkward import magnitudes
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, slip, visible
from autograder.exercises.quantization.inputs import LIBRARY, Rng, normal
from course_lib import quantization

DECIBELS = Tolerance(relative=0.0001, absolute=0.001, relative_single=0.001, absolute_single=0.001)
ASKS = Asks(
    quantization.quantization_error,
    signature="quantization_error(x, bits) -> decibels, a float",
    points={"basics": 1, "exact": 1},
    forbids=LIBRARY,
    tolerance=DECIBELS,
    hints=(
        "What is the signal and what is the noise here? Are you comparing powers or amplitudes?",
        "Quantize over the range of the data and go back. Signal is the sum of squares of the numbers, noise the "
        "sum of squares of what was lost; their ratio in decibels is the answer. Add up in float64.",
        "The grid is `affine_qparams(float(x.min()), float(x.max()), bits)`. Back in float64: `(quantize(x, s, z, "
        "bits).double() - z) * s`. Then `10 * math.log10(signal / noise)`, or `math.inf` where the noise is 0.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """Smallest first."""
    yield Case("four numbers, two bits", (torch.tensor([0.0, 1.2, 1.8, 3.0]), 2))
    yield Case("a hundred normal numbers, four bits", (normal(rng, 100), 4))
    yield Case("a matrix, eight bits", (normal(rng, 9, 20), 8))
    yield Case("nothing below 5", (5 + normal(rng, 60).abs(), 4))
    yield Case("nothing is lost", (torch.tensor([-2.0, -1.0, 0.0, 1.0]), 2), group="exact")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """Other bits and dtypes."""
    for bits in (2, 3, 6, 8):
        yield Case(f"{bits} bits", (normal(rng, 300) * float(rng.uniform(0.1, 30)) + 0.3, bits))
    yield Case("float64", (normal(rng, 20, 30, dtype=torch.float64), 5))
    yield from magnitudes(lambda unit: (unit * normal(rng, 40, dtype=torch.float64), 4), tolerance=DECIBELS)
    for unit in (-1e-8, 1e-8):
        one_sided = unit * (5 + normal(rng, 30, dtype=torch.float64).abs())
        yield Case(f"nothing but numbers beyond {5 * unit:g}", (one_sided, 4))
    yield Case("nothing above -3", (-3 - normal(rng, 50).abs(), 6))
    yield Case("a slice", (normal(rng, 30, 4)[:, ::2], 4))
    yield Case("nothing but zeros", (torch.zeros(7), 8), group="exact")
    yield Case("all of eight bits", (torch.arange(-128.0, 128), 8), group="exact")


# --- properties ----------------------------------------------------------------------------------------------


@holds("a unit does not matter", group="basics")
def error_ignores_units(call: Probe, rng: Rng) -> str | None:
    """Decibels compare the error with the signal, so a unit cancels."""
    x = normal(rng, 200, dtype=torch.float64)
    if abs(call(x, 5) - call(8 * x, 5)) > 1e-3:
        return "the signal-to-noise ratio changes when all numbers are 8 times as large: a ratio has no unit"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(x, bits):
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    numbers = x.reshape(-1).tolist()
    low, high = min(numbers + [0.0]), max(numbers + [0.0])
    step = (high - low) / (most - least) or 1.0
    zero = round(least - low / step)
    signal = noise = 0.0
    for number in numbers:
        q = max(least, min(most, round(number / step) + zero))
        signal += number**2
        noise += ((q - zero) * step - number) ** 2
    return math.inf if noise == 0 else 10 * math.log10(signal) - 10 * math.log10(noise)


@right("other formula")
def other_formula(x, bits):
    numbers = x.numpy().astype(np.float64).ravel()
    low, high = min(numbers.min(), 0.0), max(numbers.max(), 0.0)
    step = (high - low) / (2**bits - 1) or 1.0
    zero = np.rint(-low / step)
    back = (np.clip(np.rint(numbers / step) + zero, 0, 2**bits - 1) - zero) * step
    if np.array_equal(back, numbers):
        return float("inf")
    return float(20 * np.log10(np.linalg.norm(numbers) / np.linalg.norm(numbers - back)))


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def error_twenty(x, bits):
    """You took 20 log10 of a ratio of powers. Decibels are 10 log10 of powers, or 20 log10 of amplitudes."""
    import math

    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    low, high = min(float(x.min()), 0.0), max(float(x.max()), 0.0)
    scale = (high - low) / (most - least) or 1.0
    zero = min(max(round(least - low / scale), least), most)
    error = ((torch.round(x / scale) + zero).clamp(least, most) - zero) * scale - x
    noise = float((error.double() ** 2).sum())
    return 20 * math.log10(float((x.double() ** 2).sum()) / noise) if noise else math.inf


error_inverted = slip(
    error_twenty,
    "20 * math.log10(float((x.double() ** 2).sum()) / noise) if noise else math.inf",
    "10 * math.log10(noise / float((x.double() ** 2).sum())) if noise else -math.inf",
    says="This is noise over signal. Turn the fraction upside down: more bits must give more decibels.",
)


error_natural_log = slip(
    error_twenty,
    "20 * math.log10(float((x.double() ** 2).sum()) / noise)",
    "10 * math.log(float((x.double() ** 2).sum()) / noise)",
    says="This is a natural logarithm. Decibels are 10 times the logarithm to base 10: math.log10.",
)


@mistake
def error_symmetric(x, bits):
    """This is the error of a symmetric grid. Here the grid runs from the smallest number to the largest, as
    affine_qparams gives it."""
    import math

    most = 2 ** (bits - 1) - 1
    scale = float(x.abs().max()) / most or 1.0
    error = torch.round(x / scale).clamp(-most - 1, most) * scale - x
    noise = float((error.double() ** 2).sum())
    return 10 * math.log10(float((x.double() ** 2).sum()) / noise) if noise else math.inf


error_around_mean = slip(
    error_twenty,
    "return 20 * math.log10(float((x.double() ** 2).sum()) / noise) if noise else math.inf",
    "signal = float(((x - x.mean()).double() ** 2).sum())\n"
    "return 10 * math.log10(signal / noise) if noise else math.inf",
    says="The signal was measured around its mean. Its power is the sum of squares of the numbers themselves.",
)


error_of_amplitudes = slip(
    error_twenty,
    ("(error.double() ** 2).sum", "error.double().abs().sum"),
    (
        "20 * math.log10(float((x.double() ** 2).sum()) / noise)",
        "10 * math.log10(float(x.double().abs().sum()) / noise)",
    ),
    says="The absolute values were added up instead of the squares. A power is a sum of squares.",
)
