"""A graph convolutional network whose numbers are rounded by given functions, and the degree of its nodes.

Symbols
    n, F, H, C                  nodes, features, hidden units, classes
    params                      W_1 (H, F), b_1 (H,), W_2 (C, H), b_2 (C,)
    A           (n, n)          adjacency with loops, each edge with its weight: h_i = sum_j A_ij W x_j + b

A node of high degree adds up many messages, so its sums are the largest: it decides on the grid of all others, or it
saturates. Degree-Quant lets such nodes keep their exact numbers for some steps of training (Tailor et al., 2021).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["aggregated", "as_it_is", "gcn_logits", "spared", "train_gcn"]

Rounding = Callable[[Tensor], Tensor]


def as_it_is(x: Tensor) -> Tensor:
    """No rounding."""
    return x


def gcn_logits(
    params: Sequence[Tensor],
    x: Tensor,
    adjacency: Tensor,
    on_weights: Rounding = as_it_is,
    on_nodes: Rounding = as_it_is,
) -> Tensor:
    """The logits of two graph convolutions with a ReLU between them.

    Args:
        params: W_1, b_1, W_2, b_2.
        x: (n, F).
        adjacency: (n, n), row i holds the weights of what reaches node i.
        on_weights: rounds each weight matrix.
        on_nodes: rounds each node's inputs and sums, (n, ...), in both layers, except for the logits.

    Returns:
        (n, C).
    """
    w1, b1, w2, b2 = params
    summed = on_nodes(adjacency @ on_nodes(x) @ on_weights(w1).T)
    hidden = on_nodes(functional.relu(summed + b1))
    return adjacency @ (hidden @ on_weights(w2).T) + b2


def aggregated(params: Sequence[Tensor], x: Tensor, adjacency: Tensor) -> Tensor:
    """What each node adds up in the first layer, (n, H)."""
    return adjacency @ x @ params[0].T


def spared(on_nodes: Rounding, chance: Tensor, generator: torch.Generator) -> Rounding:
    """A rounding that leaves some nodes unchanged, drawn anew at each call (Degree-Quant's protective mask).

    Args:
        on_nodes: rounds (n, ...).
        chance: (n,), the probability that each node is spared.
        generator: the only source of randomness.
    """

    def rounded(h: Tensor) -> Tensor:
        safe = torch.rand(len(h), generator=generator) < chance
        return torch.where(safe[:, None], h, on_nodes(h))

    return rounded


def train_gcn(
    data: tuple[Tensor, Tensor, Tensor, Tensor],
    hidden: int,
    epochs: int,
    start: Sequence[Tensor] | None = None,
    on_weights: Rounding = as_it_is,
    on_nodes: Rounding = as_it_is,
    lr: float = 0.01,
    seed: int = 0,
) -> list[Tensor]:
    """Trains a graph convolutional network on all labelled nodes at once, with Adam.

    Args:
        data: x (n, F), adjacency (n, n), labels (n,), and which labels may be seen, bool (n,).
        hidden: units between the two layers.
        epochs: steps.
        start: params to begin with; None draws them.
        on_weights: rounds each weight matrix in the forward pass.
        on_nodes: rounds the numbers at the nodes in the forward pass.
        lr: Adam's initial rate; it falls to 0 along half a cosine.
        seed: seed for the initial weights and the dropout.

    Returns:
        W_1, b_1, W_2, b_2, not rounded.
    """
    x, adjacency, labels, seen = data
    generator = torch.Generator().manual_seed(seed)
    drawn = _drawn(x.shape[1], hidden, int(labels.max()) + 1, generator) if start is None else start
    params = [each.detach().clone().requires_grad_() for each in drawn]
    optimizer = torch.optim.Adam(params, lr=lr, weight_decay=5e-4)
    for step in range(epochs):
        optimizer.param_groups[0]["lr"] = lr * (1 + math.cos(math.pi * step / epochs)) / 2
        optimizer.zero_grad()
        kept = (torch.rand(x.shape, generator=generator) < 0.8) / 0.8
        logits = gcn_logits(params, x * kept, adjacency, on_weights, on_nodes)
        functional.cross_entropy(logits[seen], labels[seen]).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return [each.detach() for each in params]


def _drawn(features: int, hidden: int, classes: int, generator: torch.Generator) -> list[Tensor]:
    """Glorot and Bengio's initialisation."""
    shapes = (hidden, features), (classes, hidden)
    weights = [torch.randn(shape, generator=generator) * math.sqrt(2 / sum(shape)) for shape in shapes]
    return [weights[0], torch.zeros(hidden), weights[1], torch.zeros(classes)]
