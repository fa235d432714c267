"""Inputs on which answers that are nearly right go wrong: extreme magnitudes, both sides of a border, ties, long ones.

An exercise's file takes from here what its text allows; what the text does not allow, it does not ask for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograder.exercise import Case, Tolerance

__all__ = [
    "ACROSS_ZERO",
    "CLOSE",
    "EXACT",
    "EXTREMES",
    "LENGTHS",
    "RELATIVE",
    "SCALES",
    "SCALES_SINGLE",
    "beside",
    "log_losses",
    "magnitudes",
    "nearly_tied",
    "tied",
    "twice",
    "whole_range",
    "wide",
]

Array = NDArray[Any]
Rng = np.random.Generator

RELATIVE = Tolerance(absolute=0.0, absolute_single=0.0, absolute_half=0.0)
"""Only a relative error counts: for numbers that may be tiny and do not come about by cancellation."""

CLOSE = Tolerance(relative=1e-14, absolute=1e-15)
"""The last digits alone may differ: for numbers around 1, computed from few others."""

EXACT = Tolerance(relative=1e-13, absolute=0.0, relative_single=1e-6, absolute_single=0.0, absolute_half=0.0)
"""The last digits alone may differ, of tiny numbers too: for products, and for what is copied or chosen."""

EXTREMES = (1e-30, 1e30)
"""The smallest and the largest of the magnitudes, for functions whose numbers are only added and multiplied."""

SCALES = (1e-30, 1e-14, 1e-8, 1e-4, 1e4, 1e10, 1e30)
"""Magnitudes on both sides of the borders at which careless answers round, flush or clip."""

SCALES_SINGLE = (1e-12, 1e-8, 1e-4, 1e4, 1e10)
"""The same for numbers of 32 bits, whose squares must not leave their range."""

LENGTHS = (1, 2, 7, 13, 131)
"""Lengths at which blocks and borders go wrong: one, primes, and one beyond a hundred."""

ACROSS_ZERO = np.array(
    [-1.0, -2e-3, -5e-4, -2e-6, -5e-7, -2e-12, -5e-13, -1e-30, 0.0, 1e-30, 5e-13, 2e-12, 5e-7, 2e-6, 5e-4, 2e-3, 1.0]
)
"""Numbers on both sides of zero and of 1e-12, 1e-6 and 1e-3."""


def log_losses(*, group: str = "basics", large: str = "large") -> Iterator[Case]:
    """Logits and labels whose cross-entropy tells small logits from 0, small losses from 0, and logits of 1e10.

    The absolute error that is allowed is what rounding makes of `log(sum(exp(z))) - z` at a z of 28.
    """
    close = Tolerance(relative=1e-14, absolute=1e-13)
    for small in (5e-4, 5e-7, 9e-13):
        nearly = np.array([[0.0, small]]), np.array([1])
        yield Case(f"logits of 0 and {small:g}", nearly, group=group, tolerance=close)
    for ahead in (7.6, 14.5, 28.0):
        right = np.array([[ahead, 0.0]]), np.array([0])
        yield Case(f"the right class ahead by {ahead}", right, group=group, tolerance=close)
    far = np.array([[1e10, 0.0, -1e10], [3e10, 3e10 - 2, 3e10 - 1]]), np.array([1, 1])
    yield Case("logits of 1e10", far, group=large)


def magnitudes(
    arguments: Callable[[float], tuple[Any, ...]],
    *,
    scales: Sequence[float] = SCALES,
    group: str = "basics",
    tolerance: Tolerance = RELATIVE,
) -> Iterator[Case]:
    """One case for each scale; `arguments(scale)` gives those of the call."""
    for scale in scales:
        yield Case(f"numbers around {scale:g}", arguments(scale), group=group, tolerance=tolerance)


def twice(arguments: Callable[[], tuple[Any, ...]], *, group: str = "basics") -> Iterator[Case]:
    """Two calls with the same shapes and other numbers, one after the other: nothing may be left of the first."""
    for which in ("one call", "another call with the same shapes"):
        yield Case(which, arguments(), group=group)


def wide(rng: Rng, *shape: int, smallest: float = 1e-30, largest: float = 1e30) -> Array:
    """Numbers of both signs whose magnitudes are spread evenly over the powers of ten."""
    powers = rng.uniform(np.log10(smallest), np.log10(largest), shape)
    return np.asarray(rng.choice([-1.0, 1.0], shape) * 10.0**powers)


def beside(*borders: float) -> Array:
    """Every border, and numbers a little below and above it, from 1e-12 of it away to a tenth."""
    steps = np.array([0.0, 1e-12, 1e-9, 1e-6, 1e-3, 0.1])
    found = [border + sign * steps * max(abs(border), 1e-3) for border in borders for sign in (-1, 1)]
    return np.unique(np.concatenate(found))


def tied(rng: Rng, *shape: int, kinds: int = 3) -> Array:
    """Few different numbers, so that the largest and the smallest of a row often occur more than once."""
    return np.asarray(rng.integers(0, kinds, shape) - kinds // 2, float)


def nearly_tied(rng: Rng, *shape: int) -> Array:
    """Numbers of which the largest lie within 1e-9 of each other."""
    return np.asarray(1.0 + 1e-9 * rng.permuted(np.arange(np.prod(shape))).reshape(shape))


def whole_range(rng: Rng, dtype: str, *shape: int) -> Array:
    """Integers over the whole range of a type; the smallest and the largest of them are there."""
    limits = np.iinfo(dtype)
    numbers = rng.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)
    flat = numbers.reshape(-1)
    flat[0], flat[-1] = limits.min, limits.max
    return numbers
