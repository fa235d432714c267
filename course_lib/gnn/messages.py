"""Graphs as lists of edges, and the round of messages that every layer is made of."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["add_self_loops", "degree", "gcn_norm", "k_hop", "message_passing", "scatter", "to_edge_index"]


def to_edge_index(adjacency: Tensor) -> Tensor:
    """The edges of an adjacency matrix.

    Args:
        adjacency: (n, n), any dtype; a non-zero entry in row i and column j is an edge i -> j.

    Returns:
        (2, E) int64, sources above targets, sorted by source and then by target.

    Raises:
        ValueError: the matrix is not square.
    """
    if adjacency.ndim != 2 or adjacency.shape[0] != adjacency.shape[1]:
        raise ValueError(f"adjacency has shape {tuple(adjacency.shape)}; to_edge_index expects (n, n)")
    return adjacency.nonzero().T.contiguous()


def degree(index: Tensor, n: int) -> Tensor:
    """How often each node occurs in a row of an edge_index.

    Args:
        index: (E,) int64: `edge_index[1]` for edges that enter a node, `edge_index[0]` for those that leave it.
        n: number of nodes, also those without an edge.

    Returns:
        (n,) int64.
    """
    _check_index(index, n)
    return torch.bincount(index, minlength=n)


def add_self_loops(edge_index: Tensor, n: int) -> Tensor:
    """Appends the edge i -> i for every node i that has none, in the order of the nodes.

    Existing loops stay as they are, so no node hears itself more often than before. (PyG's
    `add_remaining_self_loops` moves all loops to the end and turns repeated ones into one.)

    Args:
        edge_index: (2, E) int64.
        n: number of nodes.

    Returns:
        (2, E') int64, the given edges first.
    """
    _check_edges(edge_index)
    source, target = edge_index
    lacking = torch.ones(n, dtype=torch.bool, device=edge_index.device)
    lacking[source[source == target]] = False
    nodes = lacking.nonzero().T
    return torch.cat([edge_index, nodes.expand(2, -1)], dim=1)


def gcn_norm(edge_index: Tensor, n: int) -> tuple[Tensor, Tensor]:
    r"""Self loops, and the weight `1 / sqrt(d_i d_j)` of every edge j -> i (Kipf and Welling, 2017).

    As in PyG, every node has exactly one loop afterwards, after all other edges: a loop that is given twice counts
    once. An edge between two nodes that is given twice counts twice.

    Args:
        edge_index: (2, E) int64.
        n: number of nodes.

    Returns:
        The edges with loops, (2, E') int64, and their weights, (E',) in torch's default dtype. `d_i` counts the edges
        that enter node i, its loop included, so it is at least 1.
    """
    _check_edges(edge_index)
    nodes = torch.arange(n, device=edge_index.device).expand(2, n)
    looped = torch.cat([edge_index[:, edge_index[0] != edge_index[1]], nodes], dim=1)
    scale = degree(looped[1], n).to(torch.get_default_dtype()).rsqrt()
    return looped, scale.index_select(0, looped[0]) * scale.index_select(0, looped[1])


def scatter(messages: Tensor, index: Tensor, n: int, reduce: str) -> Tensor:
    """Delivers messages to their nodes: those with the same index are reduced to one.

    Args:
        messages: (E, ...), one per row.
        index: (E,) int64, the node that receives each.
        n: number of nodes.
        reduce: "sum", "mean" or "max".

    Returns:
        (n, ...), in the messages' dtype and on their device; 0 where nothing arrives.

    Raises:
        ValueError: an unknown `reduce`, or shapes that do not fit.
    """
    if reduce not in ("sum", "mean", "max"):
        raise ValueError(f"reduce is {reduce!r}; scatter expects 'sum', 'mean' or 'max'")
    if len(messages) != len(index):
        raise ValueError(f"{len(messages)} messages for {len(index)} receivers: scatter expects one index per message")
    _check_index(index, n)
    empty = messages.new_zeros((n, *messages.shape[1:]))
    places = index.view(-1, *[1] * (messages.ndim - 1)).expand_as(messages)
    if reduce == "max":
        return empty.scatter_reduce_(0, places, messages, "amax", include_self=False)
    total = empty.scatter_add_(0, places, messages)
    if reduce == "sum":
        return total
    arrived = torch.bincount(index, minlength=n).clamp_(min=1).to(messages.dtype)
    return total.div_(arrived.view(-1, *[1] * (messages.ndim - 1)))


def message_passing(x: Tensor, edge_index: Tensor, message: Callable[[Tensor, Tensor], Tensor], reduce: str) -> Tensor:
    """One round: every edge j -> i carries `message(x_i, x_j)`, and every node reduces what arrives.

    Args:
        x: (n, F).
        edge_index: (2, E) int64, sources above targets.
        message: called once with x_i and x_j, both (E, F): the features of each edge's target and source; returns
            (E, F').
        reduce: "sum", "mean" or "max".

    Returns:
        (n, F').

    Raises:
        ValueError: an unknown `reduce`, or shapes that do not fit.
    """
    _check_edges(edge_index)
    source, target = edge_index
    x_i, x_j = x.index_select(0, target), x.index_select(0, source)
    return scatter(message(x_i, x_j), target, x.shape[0], reduce)


def k_hop(edge_index: Tensor, node: int, k: int, n: int) -> Tensor:
    """The nodes whose features can have reached `node` after k rounds: itself, and all with a path of at most k edges.

    Args:
        edge_index: (2, E) int64.
        node: where the messages arrive.
        k: rounds, 0 or more.
        n: number of nodes.

    Returns:
        Their numbers in increasing order, int64.
    """
    _check_edges(edge_index)
    source, target = edge_index
    heard = torch.zeros(n, dtype=torch.bool, device=edge_index.device)
    heard[node] = True
    for _ in range(k):
        heard[source[heard[target]]] = True
    return heard.nonzero().ravel()


def _check_edges(edge_index: Tensor) -> None:
    if edge_index.ndim != 2 or edge_index.shape[0] != 2:
        raise ValueError(
            f"edge_index has shape {tuple(edge_index.shape)}; expected (2, E), sources above targets: "
            "pass a list of pairs as torch.tensor(pairs).T"
        )


def _check_index(index: Tensor, n: int) -> None:
    if index.ndim != 1 or index.is_floating_point():
        raise ValueError(f"index has shape {tuple(index.shape)} and dtype {index.dtype}; expected (E,) of int64")
