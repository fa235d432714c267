"""Beyond nodes: whole graphs, missing links; how alike neighbours have become; a hop for a mini-batch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from course_lib.gnn.messages import scatter

__all__ = ["dirichlet_energy", "global_pool", "link_loss", "link_scores", "negative_edges", "sample_neighbors"]


def global_pool(x: Tensor, batch: Tensor, reduce: str) -> Tensor:
    """One row for each graph of a batch: its nodes reduced.

    Args:
        x: (n, F), the nodes of all graphs.
        batch: (n,) int64, the index of each node's graph.
        reduce: "sum", "mean" or "max".

    Returns:
        (graphs, F) with `graphs = batch.max() + 1`; 0 for a graph without nodes.
    """
    graphs = int(batch.max()) + 1 if batch.numel() else 0
    return scatter(x, batch, graphs, reduce)


def dirichlet_energy(x: Tensor, edge_index: Tensor) -> float:
    """How much neighbours differ: half the sum over all edges of `|x_i - x_j|^2`.

    Args:
        x: (n, F).
        edge_index: (2, E) int64; a friendship is two edges, which the half counts as one.
    """
    source, target = edge_index
    return 0.5 * float((x[source] - x[target]).square().sum())


def negative_edges(edge_index: Tensor, n: int, count: int, generator: torch.Generator) -> Tensor:
    """Pairs of different nodes that no edge joins, drawn uniformly with replacement.

    Args:
        edge_index: (2, E) int64; u -> v forbids the pair (u, v), not the pair (v, u).
        n: number of nodes.
        count: how many pairs.
        generator: the only source of randomness, on the CPU.

    Returns:
        (2, count) int64.

    Raises:
        ValueError: every pair is an edge.
    """
    loops = torch.arange(n, device=edge_index.device) * (n + 1)
    taken = torch.unique(torch.cat([edge_index[0] * n + edge_index[1], loops]))
    free = n * n - taken.numel()
    if count and not free:
        raise ValueError(f"all {n * (n - 1)} pairs of {n} nodes are edges: no negative edge can be drawn")
    # A pair's key is source * n + target. `below` counts the free keys under each taken one; the r-th free key is
    # r plus the number of taken keys under it.
    drawn = torch.randint(max(free, 1), (count,), generator=generator).to(edge_index.device)
    below = taken - torch.arange(taken.numel(), device=edge_index.device)
    keys = drawn + torch.searchsorted(below, drawn, right=True)
    return torch.stack([keys // n, keys % n])


def sample_neighbors(
    edge_index: Tensor, seeds: Tensor, fanout: int, n: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """One hop for a mini-batch: at most `fanout` of the edges that enter each seed, drawn without replacement.

    All edges that enter a seed are shuffled together; the first `fanout` of each seed are kept, so every subset of that
    size is equally likely. Repeated edges are edges of their own (Hamilton et al., 2017).

    Args:
        edge_index: (2, E) int64, sources above targets.
        seeds: (S,) int64, the different nodes whose next embedding is wanted.
        fanout: how many edges of a seed are kept; all of them where there are no more.
        n: number of nodes.
        generator: the only source of randomness, on the CPU.

    Returns:
        `nodes`, (M,) int64: the seeds in their order, then every other node that was drawn, ascending, each once. And
        the drawn edges in numbers of `nodes`, (2, E'): row 0 sources, row 1 seeds.
    """
    entering = edge_index[:, torch.isin(edge_index[1], seeds)]
    shuffled = entering[:, torch.randperm(entering.shape[1], generator=generator).to(edge_index.device)]
    listener, order = shuffled[1].sort()
    before = torch.searchsorted(listener, listener)  # how many edges stand before the first one of this listener
    drawn = shuffled[:, order[torch.arange(len(order), device=order.device) - before < fanout]]
    others = torch.unique(drawn[0][~torch.isin(drawn[0], seeds)])
    nodes = torch.cat([seeds, others])
    number = edge_index.new_zeros(n)
    number[nodes] = torch.arange(len(nodes), device=nodes.device)
    return nodes, number[drawn]


def link_scores(z: Tensor, edges: Tensor) -> Tensor:
    """How likely a link is, as a logit: the dot product of both ends' embeddings.

    Args:
        z: (n, F).
        edges: (2, M) int64.

    Returns:
        (M,).
    """
    return (z.index_select(0, edges[0]) * z.index_select(0, edges[1])).sum(dim=-1)


def link_loss(pos: Tensor, neg: Tensor) -> Tensor:
    """Binary cross-entropy of links that exist against pairs that do not, the mean over both together.

    Args:
        pos: (P,), logits of the edges.
        neg: (Q,), logits of the pairs without an edge.

    Returns:
        One number, with gradients, exact at scores of any size.
    """
    return torch.cat([functional.softplus(-pos), functional.softplus(neg)]).mean()
