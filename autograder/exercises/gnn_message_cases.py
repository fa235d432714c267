"""Inputs and properties of notebook 08: edges, rounds of messages, three layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case, Growth, Probe
from autograder.exercises.gnn_graphs import TINY, TINY_NODES, edges, features, permuted
from autograder.harness import gnn as harness

__all__ = [
    "add_self_loops_hidden",
    "add_self_loops_visible",
    "degree_hidden",
    "degree_visible",
    "gcn_equivariant",
    "gcn_hidden",
    "gcn_norm_hidden",
    "gcn_norm_visible",
    "gcn_visible",
    "gin_equivariant",
    "gin_hidden",
    "gin_visible",
    "k_hop_hidden",
    "k_hop_visible",
    "message_passing_equivariant",
    "message_passing_growth",
    "message_passing_hidden",
    "message_passing_visible",
    "sage_equivariant",
    "sage_hidden",
    "sage_visible",
    "scatter_growth",
    "scatter_hidden",
    "scatter_visible",
    "to_edge_index_hidden",
    "to_edge_index_visible",
]

Rng = np.random.Generator
DOUBLE = torch.float64


# --- to_edge_index --------------------------------------------------------------------------------------


def to_edge_index_visible(rng: Rng) -> Iterator[Case]:
    """Adjacency matrices."""
    yield Case("three nodes", (torch.tensor([[0, 1, 0], [0, 0, 0], [1, 1, 0]]),))
    yield Case("a loop, and a node without edges", (torch.tensor([[1, 0, 0], [0, 0, 0], [1, 0, 0]]),))
    weighted = torch.tensor([[0.0, 0.5, 0.0, -1.0], [2.0, 0.0, 0.0, 0.0], [0.0, 0.0, 3.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    yield Case("weights: whatever is not zero is an edge", (weighted,), group="corners")
    yield Case("true and false", (torch.from_numpy(rng.random((5, 5)) < 0.3),), group="corners")


def to_edge_index_hidden(rng: Rng) -> Iterator[Case]:
    """Larger and odder ones."""
    matrix = torch.from_numpy((rng.random((9, 9)) < 0.25) * rng.integers(1, 4, (9, 9)))
    yield Case("nine nodes", (matrix,))
    yield Case("thirty nodes", (torch.from_numpy((rng.random((30, 30)) < 0.1).astype(np.int64)),))
    yield Case("a transposed view", (matrix.T,), group="corners")
    yield Case("every second node", (matrix[::2, ::2],), group="corners")
    yield Case("no edges", (torch.zeros(4, 4),), group="corners")
    yield Case("one node with a loop", (torch.ones(1, 1),), group="corners")
    sparse = features(rng, 7, 7, dtype=DOUBLE) * torch.from_numpy(rng.random((7, 7)) < 0.3)
    yield Case("float64 weights of both signs", (sparse * 1e-3,), group="corners")


# --- degree and add_self_loops --------------------------------------------------------------------------


def degree_visible(rng: Rng) -> Iterator[Case]:
    """Rows of edge_index."""
    yield Case("the targets of the small graph", (TINY[1], TINY_NODES))
    yield Case("its sources", (TINY[0], TINY_NODES))
    yield Case("a graph of eight", (edges(rng, 8, 12)[1], 8))


def degree_hidden(rng: Rng) -> Iterator[Case]:
    """Larger graphs and none."""
    graph = edges(rng, 20, 60, loops=5, repeats=9)
    yield Case("a graph of twenty", (graph[1], 20))
    yield Case("its sources, not contiguous", (graph.T.contiguous().T[0], 20))
    yield Case("many nodes, few edges", (edges(rng, 40, 6)[1], 40))
    yield Case("no edges", (torch.empty(0, dtype=torch.int64), 3))
    yield Case("one node, three loops", (torch.zeros(3, dtype=torch.int64), 1))


def add_self_loops_visible(rng: Rng) -> Iterator[Case]:
    """Graphs with some loops."""
    yield Case("the small graph", (TINY, TINY_NODES))
    yield Case("a graph of eight", (edges(rng, 8, 9, loops=3), 8))
    yield Case("no edges", (torch.empty(2, 0, dtype=torch.int64), 3), group="corners")


def add_self_loops_hidden(rng: Rng) -> Iterator[Case]:
    """Larger graphs, no loops, all loops."""
    yield Case("a graph of twenty", (edges(rng, 20, 50, loops=7, repeats=5), 20))
    yield Case("no loop yet", (edges(rng, 9, 12, loops=0), 9))
    yield Case("pairs turned round, not contiguous", (edges(rng, 10, 9).T.contiguous().T, 10), group="corners")
    yield Case("loops everywhere", (torch.arange(4).expand(2, 4).flip(1), 4), group="corners")
    yield Case("a loop that occurs twice", (torch.tensor([[2, 0, 2, 1], [2, 1, 2, 0]]), 4), group="corners")
    yield Case("one node alone", (torch.empty(2, 0, dtype=torch.int64), 1), group="corners")


# --- gcn_norm -------------------------------------------------------------------------------------------


def gcn_norm_visible(rng: Rng) -> Iterator[Case]:
    """Graphs whose loops occur once at most."""
    yield Case("two edges into one node", (torch.tensor([[0, 2, 3], [1, 1, 3]]), 5))
    yield Case("the small graph", (TINY, TINY_NODES))
    yield Case("a graph of eight", (edges(rng, 8, 11), 8))
    yield Case("no edges", (torch.empty(2, 0, dtype=torch.int64), 3), group="corners")


def gcn_norm_hidden(rng: Rng) -> Iterator[Case]:
    """Larger graphs, no loops, all loops."""
    yield Case("a graph of twenty", (edges(rng, 20, 60, loops=6, repeats=8), 20))
    yield Case("no loop yet", (edges(rng, 9, 14, loops=0), 9))
    yield Case("a hub", (torch.stack([torch.arange(1, 12), torch.zeros(11, dtype=torch.int64)]), 14), group="corners")
    yield Case("only loops", (torch.arange(4).expand(2, 4), 5), group="corners")
    yield Case("not contiguous", (edges(rng, 10, 9).T.contiguous().T, 10), group="corners")


# --- scatter --------------------------------------------------------------------------------------------


def scatter_visible(rng: Rng) -> Iterator[Case]:
    """Three reductions of the same messages, then of others."""
    messages = torch.tensor([[1.0, -2.0], [3.0, -4.0], [5.0, -6.0], [10.0, -20.0], [7.0, -8.0]])
    for reduce in ("sum", "mean", "max"):
        yield Case(f"the small graph, {reduce}", (messages, TINY[1], TINY_NODES, reduce), group=reduce)
        graph = edges(rng, 8, 14)
        yield Case(f"a graph of eight, {reduce}", (features(rng, graph.shape[1], 3), graph[1], 8, reduce), group=reduce)


def scatter_hidden(rng: Rng) -> Iterator[Case]:
    """Sizes, dtypes and layouts."""
    for reduce in ("sum", "mean", "max"):
        graph = edges(rng, 25, 90, loops=6, repeats=12)
        count = graph.shape[1]
        wide = features(rng, count, 8, dtype=DOUBLE)
        yield Case(f"twenty-five nodes, {reduce}", (wide, graph[1], 25, reduce), group=reduce)
        yield Case(f"one feature, {reduce}", (features(rng, count, 1), graph[1], 27, reduce), group=reduce)
        yield Case(f"every second column, {reduce}", (wide[:, ::2], graph.flip(1)[1], 26, reduce), group=reduce)
        yield Case(
            f"all below zero, {reduce}", (-features(rng, count, 2).abs() - 1, graph[0], 25, reduce), group=reduce
        )
        none = torch.empty(0, dtype=torch.int64)
        yield Case(f"no messages, {reduce}", (torch.empty(0, 3), none, 4, reduce), group=reduce)
        yield Case(f"all for one node, {reduce}", (wide[:6], torch.full((6,), 2), 4, reduce), group=reduce)


def scatter_growth() -> Growth:
    """A hundred and a hundred thousand messages."""

    def of(count: int) -> Callable[[Rng], tuple[Any, ...]]:
        def draw(rng: Rng) -> tuple[Any, ...]:
            return features(rng, count, 4), torch.from_numpy(rng.integers(50, size=count)), 50, "mean"

        return draw

    return Growth(of(100), of(100_000))


# --- message_passing ------------------------------------------------------------------------------------


def difference(x_i: Tensor, x_j: Tensor) -> Tensor:
    """How the source differs from the target."""
    return x_j - x_i


def copy_of_source(x_i: Tensor, x_j: Tensor) -> Tensor:
    """The source's features as they are."""
    return 1.0 * x_j


def side_by_side(x_i: Tensor, x_j: Tensor) -> Tensor:
    """Both, one after the other: twice as many features."""
    return torch.cat([x_i, 10 * x_j], dim=-1)


def gated(x_i: Tensor, x_j: Tensor) -> Tensor:
    """The source, as far as the target lets it in."""
    return torch.sigmoid(x_i[..., :1]) * x_j


def message_passing_visible(rng: Rng) -> Iterator[Case]:
    """Every reduction, messages of both ends."""
    x = torch.tensor([[1.0], [10.0], [100.0], [1000.0], [7.0]])
    yield Case("the small graph: the source's number", (x, TINY, copy_of_source, "sum"))
    yield Case("the small graph: source minus target", (x, TINY, difference, "sum"))
    graph = edges(rng, 8, 12)
    yield Case("mean of the differences", (features(rng, 8, 3), graph, difference, "mean"))
    yield Case("maximum of the differences", (features(rng, 8, 3), graph, difference, "max"))
    yield Case("messages twice as wide", (features(rng, 7, 2), edges(rng, 7, 8), side_by_side, "mean"), group="corners")


def message_passing_hidden(rng: Rng) -> Iterator[Case]:
    """Sizes, dtypes, layouts, unusual messages."""
    for reduce in ("sum", "mean", "max"):
        graph = edges(rng, 20, 60, loops=5, repeats=8)
        yield Case(f"twenty nodes, {reduce}", (features(rng, 20, 4, dtype=DOUBLE), graph, gated, reduce))
    graph = edges(rng, 12, 20)
    yield Case("one feature", (features(rng, 12, 1), graph, difference, "max"), group="corners")
    wide = features(rng, 12, 6)
    yield Case("every second feature", (wide[:, ::2], graph, side_by_side, "sum"), group="corners")
    yield Case("edges not contiguous", (wide, graph.T.contiguous().T, gated, "mean"), group="corners")
    nothing = torch.empty(2, 0, dtype=torch.int64)
    yield Case("no edges", (wide[:3], nothing, difference, "max"), group="corners")


def message_passing_equivariant(call: Probe, rng: Rng) -> str | None:
    """Renumbering the nodes renumbers the rows of the answer and changes nothing else."""
    graph = edges(rng, 9, 14)
    x = features(rng, 9, 3)
    order, renumbered = permuted(rng, graph, 9)
    for reduce in ("sum", "max"):
        if not torch.allclose(
            call(x[order], renumbered, difference, reduce), call(x, graph, difference, reduce)[order], atol=1e-5
        ):
            return "when the nodes get other numbers, their answers change: a node may not depend on its number"
    return None


def message_passing_growth() -> Growth:
    """A hundred and a hundred thousand edges."""

    def of(count: int) -> Callable[[Rng], tuple[Any, ...]]:
        def draw(rng: Rng) -> tuple[Any, ...]:
            return features(rng, 50, 4), torch.from_numpy(rng.integers(50, size=(2, count))), difference, "sum"

        return draw

    return Growth(of(100), of(100_000))


# --- the layers -----------------------------------------------------------------------------------------


def _layer(rng: Rng, n: int, graph: Tensor, inputs: int, outputs: int, matrices: int, dtype: Any) -> tuple[Any, ...]:
    weights = [features(rng, outputs, inputs, dtype=dtype) for _ in range(matrices)]
    return (features(rng, n, inputs, dtype=dtype), graph, *weights, features(rng, outputs, dtype=dtype))


def _layer_visible(rng: Rng, matrices: int, tiny: tuple[Any, ...]) -> Iterator[Case]:
    yield Case("the small graph", tiny)
    yield Case("a square weight", _layer(rng, 7, edges(rng, 7, 9), 3, 3, matrices, torch.float32))
    yield Case("five features to two", _layer(rng, 8, edges(rng, 8, 12), 5, 2, matrices, torch.float32))
    yield Case("float64", _layer(rng, 9, edges(rng, 9, 13), 2, 4, matrices, DOUBLE))
    yield from _gradient(rng, "gradients", 7, 9, 3, 2, matrices)


def _gradient(rng: Rng, name: str, n: int, count: int, inputs: int, outputs: int, matrices: int) -> Iterator[Case]:
    numbers = list(_layer(rng, n, edges(rng, n, count), inputs, outputs, matrices, DOUBLE))
    upstream = features(rng, n, outputs, dtype=DOUBLE)
    yield Case(name, (upstream, numbers), group="gradients", through=harness.gradients)


def _layer_hidden(rng: Rng, matrices: int) -> Iterator[Case]:
    graph = edges(rng, 20, 60, loops=5, repeats=8)
    yield Case("twenty nodes", _layer(rng, 20, graph, 7, 4, matrices, torch.float32))
    yield Case("one feature to six", _layer(rng, 12, edges(rng, 12, 25), 1, 6, matrices, DOUBLE))
    yield Case("many to one", _layer(rng, 10, edges(rng, 10, 17), 9, 1, matrices, torch.float32))
    x, _, *weights = _layer(rng, 24, graph, 8, 3, matrices, DOUBLE)
    turned = [W.T.contiguous().T if W.ndim == 2 else W for W in weights]
    yield Case("not contiguous", (x[::2], edges(rng, 12, 20).T.contiguous().T, *turned))
    yield Case("no edges", (x[:3], torch.empty(2, 0, dtype=torch.int64), *weights))
    yield from _gradient(rng, "gradients of a wider layer", 11, 20, 4, 6, matrices)


def _layer_equivariant(call: Probe, rng: Rng, matrices: int) -> str | None:
    graph = edges(rng, 9, 14)
    x, _, *weights = _layer(rng, 9, graph, 3, 2, matrices, DOUBLE)
    order, renumbered = permuted(rng, graph, 9)
    if not torch.allclose(call(x[order], renumbered, *weights), call(x, graph, *weights)[order], atol=1e-5):
        return "when the nodes get other numbers, their answers change: a node may not depend on its number"
    return None


_X = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-1.0, 4.0], [3.0, -2.0], [5.0, 6.0]])


def gcn_visible(rng: Rng) -> Iterator[Case]:
    """GCN layers."""
    tiny = (_X, TINY, torch.tensor([[1.0, 2.0], [-1.0, 1.0], [3.0, 0.0]]), torch.tensor([10.0, 20.0, 30.0]))
    yield from _layer_visible(rng, 1, tiny)


def gcn_hidden(rng: Rng) -> Iterator[Case]:
    """Larger GCN layers."""
    yield from _layer_hidden(rng, 1)


def gcn_equivariant(call: Probe, rng: Rng) -> str | None:
    """Renumbering the nodes renumbers the answer."""
    return _layer_equivariant(call, rng, 1)


def sage_visible(rng: Rng) -> Iterator[Case]:
    """GraphSAGE layers."""
    own, neigh = torch.tensor([[1.0, 2.0], [-1.0, 1.0], [3.0, 0.0]]), torch.tensor([[0.0, 1.0], [2.0, 0.0], [1.0, 1.0]])
    yield from _layer_visible(rng, 2, (_X, TINY, own, neigh, torch.tensor([10.0, 20.0, 30.0])))


def sage_hidden(rng: Rng) -> Iterator[Case]:
    """Larger GraphSAGE layers."""
    yield from _layer_hidden(rng, 2)


def sage_equivariant(call: Probe, rng: Rng) -> str | None:
    """Renumbering the nodes renumbers the answer."""
    return _layer_equivariant(call, rng, 2)


# --- gin ------------------------------------------------------------------------------------------------


def square(h: Tensor) -> Tensor:
    """An mlp that is no linear map."""
    return h**2


def _gin(rng: Rng, n: int, count: int, inputs: int, outputs: int, eps: float, dtype: Any = torch.float32) -> list[Any]:
    x = features(rng, n, inputs, dtype=dtype)
    weights = features(rng, outputs, inputs, dtype=dtype) / 2, features(rng, outputs, dtype=dtype)
    return [x, edges(rng, n, count), *weights, eps]


def gin_visible(rng: Rng) -> Iterator[Case]:
    """Layers with a given mlp."""
    yield Case("the small graph, squared", (_X, TINY, square, 0.0))
    yield Case("eps = 0.5", (_X, TINY, square, 0.5))
    yield Case("a square weight", tuple(_gin(rng, 7, 9, 3, 3, 0.2)), through=harness.gin)
    yield Case("three features to five", tuple(_gin(rng, 8, 12, 3, 5, -0.3, DOUBLE)), through=harness.gin)
    numbers = _gin(rng, 7, 9, 3, 2, 0.4, DOUBLE)
    yield Case(
        "gradients", (features(rng, 7, 2, dtype=DOUBLE), numbers), group="gradients", through=harness.gin_gradients
    )


def gin_hidden(rng: Rng) -> Iterator[Case]:
    """Larger layers."""
    yield Case("twenty nodes", tuple(_gin(rng, 20, 60, 6, 4, 0.1)), through=harness.gin)
    yield Case("eps = -1: the node forgets itself", tuple(_gin(rng, 9, 14, 2, 3, -1.0)), through=harness.gin)
    yield Case("one feature", (features(rng, 12, 1), edges(rng, 12, 20), square, 2.0))
    wide = features(rng, 10, 6, dtype=DOUBLE)
    yield Case("every second feature", (wide[:, ::2], edges(rng, 10, 15).T.contiguous().T, square, 0.7))
    yield Case("no edges", (wide[:3], torch.empty(2, 0, dtype=torch.int64), square, 0.5))
    numbers = _gin(rng, 11, 20, 4, 6, 1.5, DOUBLE)
    yield Case(
        "gradients of a wider layer",
        (features(rng, 11, 6, dtype=DOUBLE), numbers),
        group="gradients",
        through=harness.gin_gradients,
    )


def gin_equivariant(call: Probe, rng: Rng) -> str | None:
    """Renumbering the nodes renumbers the answer."""
    graph = edges(rng, 9, 14)
    x = features(rng, 9, 3, dtype=DOUBLE)
    order, renumbered = permuted(rng, graph, 9)
    if not torch.allclose(call(x[order], renumbered, square, 0.3), call(x, graph, square, 0.3)[order], atol=1e-5):
        return "when the nodes get other numbers, their answers change: a node may not depend on its number"
    return None


# --- k_hop ----------------------------------------------------------------------------------------------

_CHAIN = torch.tensor([[0, 1, 2, 3, 5, 5, 2, 2, 6, 6], [1, 2, 3, 4, 2, 2, 6, 2, 3, 6]])
"""0 -> 1 -> 2 -> 3 -> 4, a way 2 -> 6 -> 3 round it, 5 -> 2 twice, loops at 2 and 6, and node 7 alone."""


def k_hop_visible(rng: Rng) -> Iterator[Case]:
    """One, two and three rounds on one graph."""
    yield Case("one round, node 3", (_CHAIN, 3, 1, 8))
    yield Case("two rounds, node 3", (_CHAIN, 3, 2, 8))
    yield Case("three rounds, node 4", (_CHAIN, 4, 3, 8))
    yield Case("a node that nobody reaches", (_CHAIN, 5, 2, 8), group="corners")
    yield Case("no round at all", (_CHAIN, 2, 0, 8), group="corners")


def k_hop_hidden(rng: Rng) -> Iterator[Case]:
    """Random graphs in which two or three rounds do not reach everybody."""
    for k in (1, 2, 3):
        graph = edges(rng, 30, 40, loops=5, repeats=6)
        target = int(torch.bincount(graph[1]).argmax())
        yield Case(f"thirty nodes, {k} rounds", (graph, target, k, 30))
    yield Case("an isolated node", (edges(rng, 9, 12), 8, 4, 9), group="corners")
    yield Case("more rounds than nodes", (edges(rng, 9, 14), 3, 20, 9), group="corners")
    ring = torch.stack([torch.arange(9), (torch.arange(9) + 1) % 9])
    yield Case("a ring", (ring, 2, 4, 11), group="corners")
    yield Case("no edges", (torch.empty(2, 0, dtype=torch.int64), 1, 3, 4), group="corners")
