"""The grid that covers a range."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from torch import Tensor

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.declare import Asks, accepts, hidden, holds, right, slip, visible
from autograder.exercises.quantization.inputs import LIBRARY, Rng
from course_lib import quantization

ASKS = Asks(
    quantization.affine_qparams,
    signature="affine_qparams(low, high, bits=8, signed=True, symmetric=False) -> (scale, zero_point)",
    points={"basics": 1, "symmetric": 1, "zero": 1},
    forbids=LIBRARY,
    hints=(
        "How many steps are there between 2^b integers? And on which integer does the low end have to land?",
        "Widen the range until it holds 0. Its length over the number of steps is the scale; the zero point makes "
        "low land on the least integer. The symmetric grid needs the wider side alone.",
        "With `least, most = limits(bits, signed)`: `scale = (high - low) / (most - least)`, or 1.0 where that is "
        "0, and `round(least - low / scale)`, kept in `least ... most`. Symmetric: `max(-low, high) / (2 ** (bits - "
        "1) - 1)`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """Smallest first."""
    yield Case("from -1 to 3, two bits", (-1.0, 3.0, 2))
    yield Case("from -2 to 6, eight bits", (-2.0, 6.0))
    yield Case("unsigned", (-0.3, 1.1, 8, False))
    yield Case("symmetric", (-0.5, 0.2, 8, True, True), group="symmetric")
    yield Case("symmetric, mostly positive, four bits", (-0.25, 1.5, 4, True, True), group="symmetric")
    yield Case("nothing below 1", (1.0, 4.0), group="zero")
    yield Case("nothing above -2", (-5.0, -2.0, 8, False), group="zero")
    yield Case("nothing but zeros", (0.0, 0.0), group="zero")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """Other ranges and bits."""
    for bits in (2, 3, 5, 8):
        yield Case(f"{bits} bits", (float(rng.uniform(-9, -1)), float(rng.uniform(1, 9)), bits, bits % 2 == 0))
    low, high = float(rng.uniform(-3, -2)), float(rng.uniform(4, 9))
    yield Case("symmetric, six bits", (low, high, 6, True, True), group="symmetric")
    yield Case("symmetric, unsigned", (low, high, 8, False, True), group="symmetric")
    yield Case("symmetric, nothing but zeros", (0.0, 0.0, 8, True, True), group="symmetric")
    yield Case("symmetric, nothing but zeros, unsigned", (0.0, 0.0, 5, False, True), group="symmetric")
    yield Case("not symmetric, and it is said", (low, high, 6, True, False), group="symmetric")
    yield Case("one positive number", (high, high), group="zero")
    yield Case("one negative number, unsigned", (low, low, 4, False), group="zero")
    for near in (5e-13, 5e-7, 5e-4, 0.5):
        yield Case(f"nothing below {near}", (near, 3 * near), group="zero")
        yield Case(f"nothing above -{near}", (-3 * near, -near), group="zero")
    yield Case("a tiny range", (1e-20 * low, 1e-20 * high), group="zero")
    yield Case("a huge range", (1e20 * low, 1e20 * high, 8, False), group="zero")


# --- properties ----------------------------------------------------------------------------------------------


@holds("0 is stored exactly", group="zero")
def zero_is_exact(call: Probe, rng: Rng) -> str | None:
    """The integer of 0 is one of the grid's, and means exactly 0."""
    for _ in range(4):
        low, high = sorted(float(each) for each in rng.uniform(-5, 5, 2))
        scale, zero = call(low, high, 4, False)
        if int(zero) != zero or not 0 <= zero <= 15:
            return "the zero point must be one of the grid's integers, so that 0 is stored without an error"
        if (0 - zero) * scale > low + scale or (15 - zero) * scale < high - scale:
            return "the grid does not reach both ends of the range"
    return None


# --- the judge -----------------------------------------------------------------------------------------------


@accepts
def affine_accepts(case: Case, value: Any) -> str | None:
    """Any integer will do where there is nothing but 0, and either neighbour where the zero point is a tie."""
    given: tuple[Any, ...] = case.args + (8, True, False)[len(case.args) - 2 :]
    low, high, bits, signed, symmetric = given
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        return "expected a pair: the scale and the zero point"
    scale, zero = value
    if isinstance(zero, float) or (isinstance(zero, Tensor) and zero.is_floating_point()):
        return f"the zero point is {zero}, a floating-point number; it is one of the integers, so return an int"
    scale, zero = float(scale), int(zero)
    if not math.isfinite(scale) or scale <= 0:
        return f"the scale is {scale:g}; a scale is above 0, even where there is nothing but zeros"
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if not least <= zero <= most:
        return f"the zero point is {zero}; the integers of this grid run from {least} to {most}"
    wanted, exact = quantization.affine_qparams(low, high, bits, signed, symmetric)
    if not math.isclose(scale, wanted, rel_tol=1e-5):
        return f"the scale is {scale:.7g}; expected {wanted:.7g}"
    if low == high == 0 and not symmetric:
        return None
    place = exact if symmetric else least - min(low, 0.0) / wanted
    if abs(zero - place) > 0.5 + 1e-6:
        return f"the zero point is {zero}; expected {exact}"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(low, high, bits=8, signed=True, symmetric=False):
    smallest = -(2 ** (bits - 1)) if signed else 0
    largest = smallest + 2**bits - 1
    if low > 0:
        low = 0.0
    if high < 0:
        high = 0.0
    if symmetric:
        middle = 0 if signed else 2 ** (bits - 1)
        reach = max(abs(low), abs(high))
        if reach == 0:
            return 1.0, middle
        return reach / (2 ** (bits - 1) - 1), middle
    if high == low:
        return 1.0, smallest
    scale = (high - low) / (largest - smallest)
    zero = smallest
    while zero < largest and abs((zero + 1 - smallest) * scale + low) < abs((zero - smallest) * scale + low):
        zero += 1
    return scale, zero


@right("other formula")
def other_formula(low, high, bits=8, signed=True, symmetric=False):
    steps, shift = 2**bits - 1, 2 ** (bits - 1)
    low, high = np.minimum(low, 0.0), np.maximum(high, 0.0)
    if symmetric:
        reach = np.max(np.abs([low, high])) / (shift - 1)
        return (float(reach) if reach else 1.0), shift - shift * signed
    scale = float((high - low) / steps)
    if not scale:
        return 1.0, -shift * signed
    return scale, int(np.clip(np.rint(-low / scale), 0, steps)) - shift * signed


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(low, high, bits=8, signed=True, symmetric=False):
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    low, high = min(low, 0.0), max(high, 0.0)
    if symmetric:
        return max(-low, high) / (2 ** (bits - 1) - 1) or 1.0, 0 if signed else 2 ** (bits - 1)
    scale = (high - low) / (most - least) or 1.0
    return scale, min(max(round(least - low / scale), least), most)


affine_without_zero = slip(
    answer,
    ("low, high = min(low, 0.0), max(high, 0.0)", ""),
    ("max(-low, high)", "max(abs(low), abs(high))"),
    says="The range was taken as it is. Widen it first, so that it holds 0: then 0 has an integer of its own, and "
    "padding and ReLU cost no error.",
)


affine_too_many_steps = slip(
    answer,
    ("max(-low, high) / (2 ** (bits - 1) - 1)", "max(-low, high) / 2 ** (bits - 1)"),
    ("most - least", "most - least + 1"),
    says="The range was divided by the number of integers. Between 2^b integers lie only 2^b - 1 steps.",
)


affine_from_zero = slip(
    answer,
    "min(max(round(least - low / scale), least), most)",
    "round(-low / scale)",
    says="This zero point counts from 0, but signed integers begin at -2^(b-1): `low` must land on the least "
    "integer, so z = round(q_min - low / scale).",
)


affine_never_symmetric = slip(
    answer,
    "if symmetric:\n    return max(-low, high) / (2 ** (bits - 1) - 1) or 1.0, 0 if signed else 2 ** (bits - 1)",
    "",
    says="`symmetric` is ignored. A symmetric grid has the scale max(|low|, |high|) / (2^(b-1) - 1), and its zero "
    "point is in the middle.",
)


affine_zero_scale = slip(
    answer,
    ("max(-low, high) / (2 ** (bits - 1) - 1) or 1.0", "max(-low, high) / (2 ** (bits - 1) - 1)"),
    ("(high - low) / (most - least) or 1.0", "(high - low) / (most - least)"),
    says="Where there is nothing but 0, the scale came out as 0, or its division failed. A step needs some "
    "length: return 1.0 then.",
)


affine_float_zero_point = slip(
    answer,
    "min(max(round(least - low / scale), least), most)",
    "float(least - low / scale)",
    says="The zero point is not rounded. It is one of the integers, otherwise 0 falls between two of them.",
)
