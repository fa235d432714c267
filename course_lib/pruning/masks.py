"""Which weights stay: the largest of a layer, of a network, of each group of neighbours, or whole channels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["channel_importance", "global_masks", "magnitude_mask", "n_m_mask", "prune_channels", "sparsity"]


def magnitude_mask(w: Tensor, sparsity: float) -> Tensor:
    """Marks the weights that stay when the smallest ones are removed (Han et al., 2015).

    Args:
        w: weights of any shape.
        sparsity: the share to remove, 0 to 1.

    Returns:
        bool, w's shape: False at exactly `floor(sparsity * w.numel() + 0.5)` entries of the smallest absolute values,
        even if several are equal.

    Raises:
        ValueError: the sparsity is not between 0 and 1.
    """
    if not 0 <= sparsity <= 1:
        raise ValueError(f"sparsity is {sparsity}; expected a share between 0 and 1")
    order = w.abs().flatten().argsort(stable=True)
    mask = torch.ones(w.numel(), dtype=torch.bool, device=w.device)
    mask[order[: math.floor(sparsity * w.numel() + 0.5)]] = False
    return mask.view(w.shape)


def global_masks(weights: Sequence[Tensor], sparsity: float) -> list[Tensor]:
    """Masks of several layers that share one threshold: layers with small weights lose more.

    Args:
        weights: of any shapes.
        sparsity: the share of all weights together to remove.

    Returns:
        A bool mask for each tensor; of all N entries together exactly `floor(sparsity * N + 0.5)` are False.
    """
    together = magnitude_mask(torch.cat([w.flatten() for w in weights]), sparsity)
    parts = torch.split(together, [w.numel() for w in weights])
    return [part.view(w.shape) for part, w in zip(parts, weights, strict=True)]


def sparsity(weights: Sequence[Tensor]) -> float:
    """The share of zeros among all weights together, 0 to 1."""
    zeros = sum(int((w == 0).sum()) for w in weights)
    return zeros / sum(w.numel() for w in weights)


def n_m_mask(w: Tensor, n: int = 2, m: int = 4) -> Tensor:
    """Keeps the n largest of every m neighbours along dimension 1, the inputs (Mishra et al., 2021).

    Args:
        w: (out, in, ...), `in` a multiple of m.
        n: how many stay in each group.
        m: size of a group.

    Returns:
        bool, w's shape, with exactly n entries True in each group.

    Raises:
        ValueError: dimension 1 is not a multiple of m.
    """
    if w.shape[1] % m:
        raise ValueError(f"w has {w.shape[1]} inputs, not a multiple of {m}: {w.shape[1] % m} are left over")
    groups = w.abs().movedim(1, -1)
    shape = groups.shape
    groups = groups.reshape(*shape[:-1], shape[-1] // m, m)
    ranks = groups.argsort(dim=-1, descending=True, stable=True).argsort(dim=-1)
    return (ranks < n).reshape(shape).movedim(-1, 1).contiguous()


def channel_importance(w: Tensor) -> Tensor:
    """The sum of absolute weights of each output channel (Li et al., 2017).

    Args:
        w: (C_out, ...), of a convolution or a linear layer.

    Returns:
        (C_out,).
    """
    return w.abs().flatten(1).sum(dim=1)


def prune_channels(w1: Tensor, b1: Tensor, w2: Tensor, keep: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Removes output channels of one layer, and the inputs of the next layer that read them.

    With any activation in between that leaves 0 at 0, the two smaller layers compute what the two old ones compute
    when weights and biases of the other channels are zero.

    Args:
        w1: (C, ...), weights of the first layer.
        b1: (C,), its biases.
        w2: (out, C, ...), weights of the second layer.
        keep: (k,), int64, the channels that stay, in their new order.

    Returns:
        The smaller w1 (k, ...), b1 (k,) and w2 (out, k, ...).
    """
    return w1[keep], b1[keep], w2[:, keep]
