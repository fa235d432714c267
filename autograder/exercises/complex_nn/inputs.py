"""What several exercises of complex_nn share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.calls import Harness
from autograder.exercise import Case, Tolerance
from autograder.exercises.awkward import ACROSS_ZERO, RELATIVE, magnitudes, twice
from autograder.exercises.complex_nn import observers

Cases = Iterator[Case]
EXACT = Tolerance(relative=1e-11, absolute=0.0, absolute_single=0.0, absolute_half=0.0)
"""For numbers of 64 bits that may be tiny: what 32 bits lose is seen."""
ONE = torch.complex64
TWO = torch.complex128


def z_(rng: np.random.Generator, *shape: int, dtype: torch.dtype = TWO) -> Tensor:
    """Complex normal numbers."""
    return torch.from_numpy(rng.standard_normal((*shape, 2))).view(TWO)[..., 0].clone().to(dtype)


def generator(rng: np.random.Generator) -> torch.Generator:
    """A torch generator with a seed from `rng`."""
    return torch.Generator().manual_seed(int(rng.integers(1, 2**31)))


def seed(rng: np.random.Generator) -> int:
    """A seed for what an observer draws."""
    return int(rng.integers(1, 2**31))


def pair(rng: np.random.Generator, n: int, m: int, p: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
    shapes = ((n, m), (n, m), (m, p), (m, p))
    return tuple(torch.from_numpy(rng.standard_normal(shape)).to(dtype) for shape in shapes)


def product_visible(rng: np.random.Generator, count: Harness = observers.counted) -> Cases:
    """Values first, then the same with the products counted."""
    one = tuple(torch.tensor([[value]]) for value in (1.0, 2.0, 3.0, 4.0))
    yield Case("(1 + 2i)(3 + 4i)", one)
    yield Case("(2, 3) times (3, 2)", tuple(value.round() for value in pair(rng, 2, 3, 2)))
    yield Case("counted: (2, 3) times (3, 4)", (*pair(rng, 2, 3, 4), seed(rng)), group="counted", through=count)


def product_hidden(rng: np.random.Generator, count: Harness = observers.counted) -> Cases:
    """Other sizes and layouts."""
    yield Case("larger matrices", pair(rng, 7, 11, 5))
    yield Case("single precision", pair(rng, 4, 6, 3, torch.float32))
    ar, ai, br, bi = pair(rng, 6, 4, 5)
    yield Case("transposed views", (ai.T.contiguous().T, ar, br[:, ::2], bi[:, ::2]))
    for scale in (1e-14, 1e10):
        scaled = tuple(scale * each for each in pair(rng, 2, 4, 3))
        yield Case(f"numbers around {scale:g}", scaled, tolerance=RELATIVE)
    yield Case("a row times a column", pair(rng, 1, 9, 1))
    yield Case("a column times a row", pair(rng, 5, 1, 3))
    yield Case("counted: other sizes", (*pair(rng, 3, 5, 2), seed(rng)), group="counted", through=count)
    yield Case("counted: one number", (*pair(rng, 1, 1, 1), seed(rng)), group="counted", through=count)


QUADRANTS = torch.tensor([3 + 4j, -3 + 4j, 3 - 4j, -3 - 4j, 0.6 + 0.8j], dtype=TWO)


def activation_visible(rng: np.random.Generator, *rest: Any) -> Cases:
    """One number of each quadrant, a batch, zeros, gradients; `rest` are further arguments."""
    yield Case("one of each quadrant", (QUADRANTS, *rest))
    yield Case("a batch", (z_(rng, 2, 3), *rest))
    yield Case("zero", (torch.zeros(2, dtype=TWO), *rest), group="gradients", through=observers.at_zero)
    z = z_(rng, 2, 2)
    yield Case("gradients", (z_(rng, 2, 2), z, *rest), group="gradients", through=observers.differentiated)


def activation_hidden(rng: np.random.Generator, *rest: Any) -> Cases:
    """Other shapes, sizes, precision and layouts."""
    yield Case("many numbers", (z_(rng, 40, 5), *rest))
    yield Case("three axes", (z_(rng, 2, 3, 4), *rest))
    yield Case("one number", (z_(rng)[None], *rest))
    yield Case("large and small numbers", (z_(rng, 6) * torch.tensor([1e-3, 1e-2, 0.1, 10, 1e3, 1e4]), *rest))
    yield from twice(lambda: (z_(rng, 3, 2), *rest))
    yield from magnitudes(lambda scale: (scale * z_(rng, 5), *rest))
    yield Case("single precision", (z_(rng, 7, 3, dtype=ONE), *rest))
    yield Case("every second column", (z_(rng, 4, 6)[:, ::2], *rest))
    some = z_(rng, 3, 3)
    some[1] = 0
    yield Case("zeros among others", (some, *rest), group="gradients", through=observers.at_zero)
    single = torch.zeros(3, dtype=ONE)
    yield Case("zero in single precision", (single, *rest), group="gradients", through=observers.at_zero)
    z = z_(rng, 5, 4)
    yield Case("gradients", (z_(rng, 5, 4), z, *rest), group="gradients", through=observers.differentiated)


def across_zero() -> Cases:
    """On the diagonals, at both sides of zero and of what is taken for it."""
    parts = torch.from_numpy(ACROSS_ZERO)
    yield Case("numbers across zero", (torch.complex(parts, parts),), tolerance=RELATIVE)
    yield Case("numbers across zero, parts of other signs", (torch.complex(parts, -parts),), tolerance=RELATIVE)


def power(z: Tensor) -> Tensor:
    """|z|^2, a real number."""
    return z.real**2 + z.imag**2
