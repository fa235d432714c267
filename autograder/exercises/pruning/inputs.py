"""What several exercises of pruning share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance
from autograder.exercises.awkward import wide

Cases = Iterator[Case]
EXACT = Tolerance(relative=1e-11, absolute=0.0, absolute_single=0.0, absolute_half=0.0)
"""For numbers of 64 bits that may be tiny: what 32 bits lose is seen."""


def t(rng: np.random.Generator, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Normal numbers."""
    return torch.from_numpy(rng.standard_normal(shape)).to(dtype)


def wide_t(rng: np.random.Generator, *shape: int) -> Tensor:
    """Numbers of both signs whose magnitudes reach from 1e-30 to 1e30, float64."""
    return torch.from_numpy(wide(rng, *shape))


def kept(rng: np.random.Generator, share: float, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Normal numbers of which a random share is 0."""
    w = t(rng, *shape, dtype=dtype)
    return w * torch.from_numpy(rng.random(shape) >= share)


def mask_problem(mask: Any, w: Tensor, name: str) -> str | None:
    if not isinstance(mask, Tensor):
        return f"{name} is not a torch tensor: expected a bool tensor of shape {tuple(w.shape)}"
    if mask.dtype != torch.bool:
        return f"{name} has dtype {str(mask.dtype).removeprefix('torch.')}; a mask is bool: True where a weight stays"
    if tuple(mask.shape) != tuple(w.shape):
        return f"{name} has shape {tuple(mask.shape)}; expected {tuple(w.shape)}, the shape of the weights"
    return None


def magnitude_problem(masks: Sequence[Tensor], weights: Sequence[Tensor], share: float) -> str | None:
    mask = torch.cat([each.flatten() for each in masks])
    size = torch.cat([each.flatten() for each in weights]).abs()
    gone, right = int((~mask).sum()), math.floor(share * size.numel() + 0.5)
    if gone != right:
        return f"{gone} of {size.numel()} weights are pruned; {share:g} of them, rounded, is {right}"
    if 0 < gone < size.numel() and size[~mask].max() > size[mask].min():
        return "a pruned weight is larger, in absolute value, than one that stays"
    return None


PRUNERS = ("torch.ao.pruning", "torch.nn.utils.prune")
"""What would make the masks."""
SPARSE = ("scipy.sparse", "torch.Tensor.to_sparse_csr", "torch.sparse_compressed_tensor", "torch.sparse_csr_tensor")
"""What would make or multiply the sparse matrix."""
