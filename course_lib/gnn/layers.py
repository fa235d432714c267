"""Three layers, one round each. Their messages are features times a factor, so they need not be stored.

A matrix A with the factor of each edge j -> i in row i and column j turns the whole round into the product A x. A is
sparse: E numbers and their indices, where `message_passing` stores E rows of F numbers. On small graphs, whose messages
fit into a processor's cache, storing them is quicker all the same.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.gnn.messages import degree

__all__ = ["gcn_layer", "gin_layer", "sage_layer"]

_FEW = 1 << 21
"""Messages are stored if they hold at most this many numbers in all."""


def gcn_layer(x: Tensor, edge_index: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """Graph convolution: a node's own and its neighbours' features, weighted by degree, through one linear map.

    Args:
        x: (n, F).
        edge_index: (2, E) int64; every node also hears itself, exactly once.
        W: (F', F).
        b: (F',), added once at the end.

    Returns:
        (n, F').
    """
    source, target = edge_index
    others = (source != target).to(x.dtype)
    scale = x.new_ones(x.shape[0]).index_add_(0, target, others).rsqrt_()[:, None]
    narrow = W.shape[0] < W.shape[1]  # the round is linear, so it is done where there are fewer features
    h = scale * (x @ W.T if narrow else x)
    h = scale * (_sum_of_neighbours(h, edge_index, others) + h)
    return (h if narrow else h @ W.T) + b


def sage_layer(x: Tensor, edge_index: Tensor, W_self: Tensor, W_neigh: Tensor, b: Tensor) -> Tensor:
    """GraphSAGE with the mean: a node's own features and its neighbours' average, each through its own weights.

    Args:
        x: (n, F).
        edge_index: (2, E) int64; no self loops are added.
        W_self: (F', F).
        W_neigh: (F', F).
        b: (F',).

    Returns:
        (n, F').
    """
    arrived = degree(edge_index[1], x.shape[0]).clamp_(min=1).to(x.dtype)[:, None]
    return x @ W_self.T + (_sum_of_neighbours(x, edge_index) / arrived) @ W_neigh.T + b


def gin_layer(x: Tensor, edge_index: Tensor, mlp: Callable[[Tensor], Tensor], eps: float) -> Tensor:
    """Graph isomorphism network: the neighbours' sum plus (1 + eps) times a node's own features, through an MLP.

    Args:
        x: (n, F).
        edge_index: (2, E) int64; no self loops are added.
        mlp: from (n, F) to (n, F').
        eps: how much more the node's own features weigh than a neighbour's.

    Returns:
        (n, F').
    """
    return mlp((1 + eps) * x + _sum_of_neighbours(x, edge_index))


def _sum_of_neighbours(x: Tensor, edge_index: Tensor, factors: Tensor | None = None) -> Tensor:
    source, target = edge_index
    n, values = x.shape[0], x.new_ones(source.shape[0]) if factors is None else factors
    if values.numel() * x.shape[1] < _FEW:
        messages = x.index_select(0, source)
        if factors is not None:
            messages = messages * factors[:, None]
        return torch.zeros_like(x).index_add_(0, target, messages)
    adjacency = torch.sparse_coo_tensor(edge_index.flip(0), values, (n, n), check_invariants=False)
    total: Tensor = torch.sparse.mm(adjacency, x)
    return total
