"""What several exercises of gnn share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.calls import Probe
from autograder.exercise import Case, Tolerance
from autograder.exercises import observe
from autograder.exercises.awkward import EXTREMES
from course_lib import graphs

TINY = torch.tensor([[0, 2, 1, 0, 3], [1, 1, 3, 1, 3]])
"""0 -> 1 twice, 2 -> 1, 1 -> 3, a loop at 3, and node 4 without an edge."""
TINY_NODES = 5


def edges(rng: np.random.Generator, n: int, count: int, loops: int = 2, repeats: int = 2) -> Tensor:
    """A random graph of at least six nodes, (2, count + loops + repeats), in random order.

    Two nodes are isolated, the last one and another. One node only speaks and one only listens. No edge between the
    others has a reverse edge, so that the graph differs from its reverse everywhere. Loops are at different nodes;
    repeated edges are not loops.
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
    """A new numbering of the nodes: `order`, (n,), so that row i of `x[order]` is node i, and the edges renumbered."""
    order = torch.from_numpy(rng.permutation(n))
    new = torch.empty_like(order)
    new[order] = torch.arange(n)
    return order, new[edge_index]


Rng = np.random.Generator
DOUBLE = torch.float64

COUNTS = (500, 5_000, 40_000)
"""Numbers of edges and of nodes of the rule `vectorised`: while one grows, there are FEW of the other.

Messages have one feature there, in double precision. `np.add.at` into an array of zeros, which are doubles, converts
single numbers one at a time, and would take as long as a loop; and where a message is one number, a loop cannot do many
of them in one step.
"""
FEW = 4


def layer(rng: Rng, n: int, graph: Tensor, inputs: int, outputs: int, matrices: int, dtype: Any) -> tuple[Any, ...]:
    weights = [features(rng, outputs, inputs, dtype=dtype) for _ in range(matrices)]
    return (features(rng, n, inputs, dtype=dtype), graph, *weights, features(rng, outputs, dtype=dtype))


def layer_visible(rng: Rng, matrices: int, tiny: tuple[Any, ...]) -> Iterator[Case]:
    yield Case("the small graph", tiny)
    yield Case("a square weight", layer(rng, 7, edges(rng, 7, 9), 3, 3, matrices, torch.float32))
    yield Case("five features to two", layer(rng, 8, edges(rng, 8, 12), 5, 2, matrices, torch.float32))
    yield Case("float64", layer(rng, 9, edges(rng, 9, 13), 2, 4, matrices, DOUBLE))
    yield from gradient(rng, "gradients", 7, 9, 3, 2, matrices)


def gradient(rng: Rng, name: str, n: int, count: int, inputs: int, outputs: int, matrices: int) -> Iterator[Case]:
    numbers = list(layer(rng, n, edges(rng, n, count), inputs, outputs, matrices, DOUBLE))
    upstream = features(rng, n, outputs, dtype=DOUBLE)
    yield Case(name, (upstream, numbers), group="gradients", through=observe.gradients)


def layer_hidden(rng: Rng, matrices: int) -> Iterator[Case]:
    graph = edges(rng, 20, 60, loops=5, repeats=8)
    yield Case("twenty nodes", layer(rng, 20, graph, 7, 4, matrices, torch.float32))
    yield Case("one feature to six", layer(rng, 12, edges(rng, 12, 25), 1, 6, matrices, DOUBLE))
    yield Case("many to one", layer(rng, 10, edges(rng, 10, 17), 9, 1, matrices, torch.float32))
    x, _, *weights = layer(rng, 24, graph, 8, 3, matrices, DOUBLE)
    turned = [W.T.contiguous().T if W.ndim == 2 else W for W in weights]
    yield Case("not contiguous", (x[::2], edges(rng, 12, 20).T.contiguous().T, *turned))
    yield Case("no edges", (x[:3], torch.empty(2, 0, dtype=torch.int64), *weights))
    for scale in EXTREMES:
        x, graph, *weights = layer(rng, 9, edges(rng, 9, 12), 3, 4, matrices, DOUBLE)
        positive = [each.abs() for each in (scale * x, *weights[:-1], scale * weights[-1])]
        yield Case(f"numbers around {scale:g}", (positive[0], graph, *positive[1:]), tolerance=SINGLE_RELATIVE)
    yield from gradient(rng, "gradients of a wider layer", 11, 20, 4, 6, matrices)


def layer_equivariant(call: Probe, rng: Rng, matrices: int) -> str | None:
    graph = edges(rng, 9, 14)
    x, _, *weights = layer(rng, 9, graph, 3, 2, matrices, DOUBLE)
    order, renumbered = permuted(rng, graph, 9)
    if not torch.allclose(call(x[order], renumbered, *weights), call(x, graph, *weights)[order], atol=1e-5):
        return "when the nodes are renumbered, their answers change: an answer may not depend on a node's number"
    return None


X = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-1.0, 4.0], [3.0, -2.0], [5.0, 6.0]])
ENOUGH = {"club": 0.65, "drawn": 0.80, "Cora": 0.80}
"""The share of unlabelled nodes to get right, on average over the trainings of a case, by graph."""


def seed(rng: Rng) -> int:
    return int(rng.integers(1, 2**31))


def renumbered_club(rng: Rng) -> tuple[list[Tensor], Tensor]:
    """The karate club under new numbers and with its classes renamed; labels outside the mask are drawn."""
    club = graphs.karate()
    order, renumbered = permuted(rng, club.edge_index, 34)
    y = torch.from_numpy(rng.permutation(4))[club.y[order]]
    return poisoned(rng, club.x, renumbered, y, club.train_mask[order], 4), y


def communities(rng: Rng, nodes: int = 48, known: int = 2, classes: int = 4) -> tuple[list[Tensor], Tensor]:
    """A graph that is drawn here and nowhere else: nodes mostly know others of their own class (a stochastic block
    model). Features are one-hot, as the karate club's, so only the edges tell the classes.

    Returns:
        x, edge_index, y with drawn labels outside the mask, and the mask, which has `known` nodes of each class; and
        the true labels.
    """
    y = torch.from_numpy(rng.permutation(np.arange(nodes) % classes))
    share = torch.where(y[:, None] == y, 0.45, 0.03).numpy()
    above = torch.from_numpy(np.triu(rng.random((nodes, nodes)) < share, 1))
    pairs = above.nonzero().T
    edge_index = torch.cat([pairs, pairs.flip(0)], dim=1)[:, torch.from_numpy(rng.permutation(2 * pairs.shape[1]))]
    first = torch.stack([(y[:node] == y[node]).sum() for node in range(nodes)])
    return poisoned(rng, torch.eye(nodes), edge_index, y, first < known, classes), y


def last_is_known(rng: Rng) -> tuple[list[Tensor], Tensor]:
    """Communities in which the last node has a label, and the first one has none."""
    (x, edge_index, drawn, mask), y = communities(rng)
    return [x, len(y) - 1 - edge_index, drawn.flip(0), mask.flip(0)], y.flip(0)


def poisoned(rng: Rng, x: Tensor, edge_index: Tensor, y: Tensor, mask: Tensor, classes: int) -> list[Tensor]:
    """x, edge_index, labels and mask; labels outside the mask are drawn, so that they tell nothing."""
    drawn = torch.from_numpy(rng.integers(0, classes, len(y)))
    return [x, edge_index, torch.where(mask, y, drawn), mask]


RENUMBERED = "renumbering the nodes renumbers the answer"
SINGLE_NORM = Tolerance(relative=1e-6, absolute=1e-6)
"""Weights of gcn_norm are single precision, whatever the features are."""
SINGLE_RELATIVE = Tolerance(relative=1e-6, absolute=0.0)
"""The same for numbers that may be tiny, where all are positive, so that nothing cancels."""
PYG_MESSAGES = tuple(
    f"torch_geometric.{name}"
    for name in (
        "EdgeIndex",
        "nn",
        "utils.add_remaining_self_loops",
        "utils.add_self_loops",
        "utils.degree",
        "utils.dense_to_sparse",
        "utils.k_hop_subgraph",
        "utils.scatter",
        "utils.segment",
        "utils.spmm",
    )
)
"""What PyG has of notebook 08; one set for all of its exercises, since each set needs a process of its own."""
PYG_LEARNING = tuple(
    f"torch_geometric.{name}"
    for name in (
        "nn.APPNP",
        "nn.ARMAConv",
        "nn.ClusterGCNConv",
        "nn.DenseGATConv",
        "nn.DenseGCNConv",
        "nn.EGConv",
        "nn.FAConv",
        "nn.FusedGATConv",
        "nn.GATConv",
        "nn.GATv2Conv",
        "nn.GCN2Conv",
        "nn.GCNConv",
        "nn.InnerProductDecoder",
        "nn.LGConv",
        "nn.LabelPropagation",
        "nn.MixHopConv",
        "nn.PDNConv",
        "nn.SGConv",
        "nn.SSGConv",
        "nn.TAGConv",
        "nn.global_add_pool",
        "nn.global_max_pool",
        "nn.global_mean_pool",
        "utils.negative_sampling",
        "utils.softmax",
        "utils.structured_negative_sampling",
    )
)
"""What PyG has of notebook 09: its layers that are, or contain, the ones asked for; not MessagePassing, on which the
answers build."""


@dataclass(frozen=True)
class Fault:
    """The first thing that is wrong with an answer: a code that mistakes are told apart by, and the sentence on it."""

    code: str
    sentence: str


Shows = Callable[[Case, Any], bool | None]
