"""What several exercises of capstone share."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case
from autograder.exercises.awkward import twice


def codes(rng: np.random.Generator, bits: int, *shape: int) -> Tensor:
    return torch.from_numpy(rng.integers(0, 2**bits, shape))


def pack_visible(rng: np.random.Generator) -> Iterator[Case]:
    """Codes that fill bytes, then codes that lie across two bytes."""
    yield Case("two codes of 4 bits", (torch.tensor([1, 2]), 4))
    yield Case("eight bits", (torch.tensor([1, 0, 1, 1, 0, 0, 0, 1]), 1))
    yield Case("a matrix, 2 bits", (codes(rng, 2, 3, 4), 2))
    yield Case("a byte that is not full", (torch.tensor([1, 2, 3]), 4))
    yield Case("three bits", (torch.tensor([1, 2, 3, 4, 5]), 3), group="across bytes")
    yield Case("five bits", (codes(rng, 5, 9), 5), group="across bytes")


def pack_hidden(rng: np.random.Generator) -> Iterator[Case]:
    """Other numbers of bits, other integer types, no codes."""
    yield Case("eight bits each", (codes(rng, 8, 7), 8))
    yield Case("codes of uint8", (codes(rng, 4, 5, 5).to(torch.uint8), 4))
    yield Case("a transposed tensor", (codes(rng, 2, 4, 6).T, 2))
    yield Case("a row", (codes(rng, 4, 1, 5), 4))
    yield Case("a column", (codes(rng, 4, 5, 1), 4))
    yield Case("one bit too many for a byte", (codes(rng, 1, 9), 1))
    yield from twice(lambda: (codes(rng, 4, 6), 4))
    yield Case("six bits", (codes(rng, 6, 3, 5), 6), group="across bytes")
    yield Case("seven bits, uint8", (codes(rng, 7, 11).to(torch.uint8), 7), group="across bytes")
    yield Case("nothing", (torch.zeros(0, dtype=torch.int64), 3), group="across bytes")
