"""What several exercises of acceleration share."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from autograder.exercise import Case

Rng = np.random.Generator
Tensor = torch.Tensor


def randn(rng: Rng, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.from_numpy(rng.standard_normal(shape)).to(dtype)


def conv_visible(rng: Rng) -> Iterator[Case]:
    yield Case("one image, one kernel", ((1, 1, 4, 4), (1, 1, 3, 3)))
    yield Case("a batch with channels", ((2, 3, 8, 6), (5, 3, 3, 3)))
    yield Case("stride 2", ((1, 2, 9, 7), (4, 2, 3, 3), 2), group="corners")
    yield Case("padding, a kernel that is not square", ((3, 2, 6, 5), (4, 2, 3, 1), 1, 1), group="corners")


def conv_hidden(rng: Rng) -> Iterator[Case]:
    for number in range(3):
        n, c, c_out, kh, kw = (int(each) for each in rng.integers(2, 6, 5))
        size = (n, c, int(rng.integers(9, 20)), int(rng.integers(21, 30)))
        yield Case(f"other sizes {number + 1}", (size, (c_out, c, kh, kw)))
        more = (int(rng.integers(2, 4)), int(rng.integers(1, 3)))
        yield Case(f"stride and padding {number + 1}", (size, (c_out, c, kh, kw), *more), group="corners")
