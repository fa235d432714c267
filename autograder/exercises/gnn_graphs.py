"""Graphs that hide nothing: directed, asymmetric, with isolated nodes, self loops and repeated edges, all at once.

On a symmetric graph a reversed edge gives the right numbers, on one without loops a forgotten loop does. So every
graph that an exercise is tried on holds them all, the smallest one too.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

__all__ = ["TINY", "TINY_NODES", "edges", "features", "permuted"]

TINY = torch.tensor([[0, 2, 1, 0, 3], [1, 1, 3, 1, 3]])
"""0 -> 1 twice, 2 -> 1, 1 -> 3, a loop at 3, and node 4 that nobody knows."""
TINY_NODES = 5


def edges(rng: np.random.Generator, n: int, count: int, loops: int = 2, repeats: int = 2) -> Tensor:
    """A random graph of at least six nodes, (2, count + loops + repeats), in random order.

    Two nodes are isolated, the last one and another. One node only speaks and one only listens. No edge between the
    others comes back, so that the graph differs from its reverse everywhere. Loops stand at different nodes; what is
    repeated is no loop.
    """
    order = rng.permutation(n - 1)
    _, speaker, listener, *rest = order.tolist()
    middle = [(a, b) if rng.random() < 0.5 else (b, a) for i, a in enumerate(rest) for b in rest[:i]]
    picked = [middle[i] for i in rng.permutation(len(middle))[: max(0, count - 2)]]
    picked += [(speaker, rest[0]), (rest[-1], listener)]
    again = [picked[i] for i in rng.integers(len(picked), size=repeats)]
    alone = [(node, node) for node in rng.permutation([*rest, listener])[:loops].tolist()]
    pairs = np.array([*picked, *again, *alone])
    return torch.from_numpy(np.ascontiguousarray(rng.permutation(pairs).T))


def features(rng: np.random.Generator, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Standard normal numbers of any shape."""
    return torch.from_numpy(rng.standard_normal(shape)).to(dtype)


def permuted(rng: np.random.Generator, edge_index: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """Another numbering of the nodes: `order`, (n,), so that row i of `x[order]` is node i, and the edges in it."""
    order = torch.from_numpy(rng.permutation(n))
    new = torch.empty_like(order)
    new[order] = torch.arange(n)
    return order, new[edge_index]
