"""One round: every edge j -> i carries `message(x_i, x_j)`, and every node reduces what arrives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import EXTREMES, RELATIVE
from autograder.exercises.declare import Asks, grows, hidden, holds, loop, mistake, right, right_text, slip, visible
from autograder.exercises.gnn.inputs import (
    COUNTS,
    DOUBLE,
    FEW,
    PYG_MESSAGES,
    RENUMBERED,
    TINY,
    Rng,
    edges,
    features,
    permuted,
)
from course_lib import gnn

ASKS = Asks(
    gnn.message_passing,
    signature="message_passing(x (n, F), edge_index (2, E), message(x_i, x_j), reduce) -> (n, F')",
    points={"basics": 2, "corners": 1, "vectorised": 1},
    forbids=PYG_MESSAGES,
    hints=(
        "Row 0 speaks and row 1 listens. Which row chooses x_i, which x_j, and where do the messages arrive?",
        "Gather, message, scatter: take the features at both ends of all edges, let one call turn them into "
        "messages, and reduce the messages at their targets.",
        "With `source, target = edge_index`: `message(x[target], x[source])` makes all messages. `scatter` takes "
        "them with `target`, `len(x)` and `reduce`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


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


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """Every reduction, messages of both ends."""
    x = torch.tensor([[1.0], [10.0], [100.0], [1000.0], [7.0]])
    yield Case("the small graph: the source's number", (x, TINY, copy_of_source, "sum"))
    yield Case("the small graph: source minus target", (x, TINY, difference, "sum"))
    graph = edges(rng, 8, 12)
    yield Case("mean of the differences", (features(rng, 8, 3), graph, difference, "mean"))
    yield Case("maximum of the differences", (features(rng, 8, 3), graph, difference, "max"))
    yield Case("messages twice as wide", (features(rng, 7, 2), edges(rng, 7, 8), side_by_side, "mean"), group="corners")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
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
    yield Case("one node that hears itself", (wide[:1], torch.zeros(2, 1, dtype=torch.int64), gated, "mean"))
    for scale, reduce in zip(EXTREMES, ("max", "mean"), strict=True):
        x = scale * features(rng, 12, 2, dtype=DOUBLE)
        yield Case(f"numbers around {scale:g}", (x, graph, difference, reduce), group="corners", tolerance=RELATIVE)


@grows("edges", *COUNTS)
def more_edges(rng: Rng, count: int) -> tuple[Any, ...]:
    return features(rng, FEW, 1, dtype=DOUBLE), torch.from_numpy(rng.integers(FEW, size=(2, count))), difference, "sum"


@grows("nodes", *COUNTS)
def more_nodes(rng: Rng, count: int) -> tuple[Any, ...]:
    edge_index = torch.from_numpy(rng.integers(count, size=(2, FEW)))
    return features(rng, count, 3, dtype=DOUBLE), edge_index, difference, "sum"


@loop
def one_by_one(x, edge_index, message, reduce):
    carried = message(x[edge_index[1]], x[edge_index[0]])
    out = carried.new_zeros(len(x), *carried.shape[1:])
    if reduce == "max":
        out[edge_index[1]] = -torch.inf
    rows, counts = out.unbind(), [0] * len(x)
    for node, row in zip(edge_index[1].tolist(), carried.unbind(), strict=True):
        rows[node].copy_(torch.maximum(rows[node], row)) if reduce == "max" else rows[node].add_(row)
        counts[node] += 1
    for node in range(len(x)):
        out[node] /= max(counts[node], 1) if reduce == "mean" else 1
    return out


# --- properties ----------------------------------------------------------------------------------------------


@holds(RENUMBERED, group="corners")
def message_passing_equivariant(call: Probe, rng: Rng) -> str | None:
    """Renumbering the nodes renumbers the rows of the answer and changes nothing else."""
    graph = edges(rng, 9, 14)
    x = features(rng, 9, 3)
    order, renumbered = permuted(rng, graph, 9)
    for reduce in ("sum", "max"):
        if not torch.allclose(
            call(x[order], renumbered, difference, reduce), call(x, graph, difference, reduce)[order], atol=1e-5
        ):
            return "when the nodes are renumbered, their answers change: an answer may not depend on a node's number"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(x, edge_index, message, reduce):
    sources = edge_index[0]
    targets = edge_index[1]
    carried = message(x[targets], x[sources])
    columns = []
    for feature in range(carried.shape[1]):
        column = torch.zeros(x.shape[0], dtype=carried.dtype)
        if reduce == "sum":
            column.index_add_(0, targets, carried[:, feature])
        elif reduce == "mean":
            column.index_reduce_(0, targets, carried[:, feature], "mean", include_self=False)
        elif reduce == "max":
            column.index_reduce_(0, targets, carried[:, feature], "amax", include_self=False)
        columns.append(column)
    return torch.stack(columns, dim=1)


other_formula = right_text(
    "other formula",
    """
import functools

def message_passing(nodes, arrows, say, reduce):
    j, i = arrows.unbind(0)
    said = say(torch.index_select(nodes, 0, i), torch.index_select(nodes, 0, j))
    empty = torch.zeros((nodes.size(0), said.size(-1)), dtype=said.dtype)
    index = i.unsqueeze(-1).repeat(1, said.size(-1))
    gather = functools.partial(torch.scatter_reduce, empty, 0, index, said, include_self=False)
    return gather(reduce={"sum": "sum", "mean": "mean", "max": "amax"}[reduce])
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(x, edge_index, message, reduce):
    source, target = edge_index
    out = message(x[target], x[source])
    place = target[:, None].expand(-1, out.shape[1])
    how = {"sum": "sum", "mean": "mean", "max": "amax"}[reduce]
    return out.new_zeros(len(x), out.shape[1]).scatter_reduce(0, place, out, how, include_self=False)


passing_backwards = slip(
    answer,
    "source, target",
    "target, source",
    says="Your messages run against the edges: the targets speak and the sources listen. Row 0 speaks (j), row 1 "
    "listens (i): scatter by edge_index[1].",
)


passing_swapped_ends = slip(
    answer,
    "message(x[target], x[source])",
    "message(x[source], x[target])",
    says="The arguments of message are swapped. The first is x_i, the features of the target, the second x_j, "
    "those of the source: message(x[target], x[source]).",
)


passing_to_the_source = slip(
    answer,
    "target[:, None]",
    "source[:, None]",
    says="The messages are right, but each goes back to its sender. It belongs to the node at the arrow's tip: "
    "scatter by the target, edge_index[1].",
)


passing_once_per_pair = slip(
    answer,
    "source, target = edge_index",
    "source, target = edge_index.unique(dim=1)",
    says="An edge that occurs twice carried one message. Every column of edge_index is an edge of its own: two "
    "edges, two messages.",
)


@mistake
def passing_with_loops(x, edge_index, message, reduce):
    """Every node also heard itself: loops were added on the way. message_passing uses the edges it is given and adds
    none."""
    nodes = torch.arange(len(x), device=x.device)
    missing = nodes[~torch.isin(nodes, edge_index[0][edge_index[0] == edge_index[1]])]
    source, target = torch.cat([edge_index, torch.stack([missing, missing])], dim=1)
    out = message(x[target], x[source])
    place = target[:, None].expand(-1, out.shape[1])
    how = {"sum": "sum", "mean": "mean", "max": "amax"}[reduce]
    return out.new_zeros(len(x), out.shape[1]).scatter_reduce(0, place, out, how, include_self=False)


@mistake
def passing_always_sums(x, edge_index, message, reduce):
    """You sum whatever reduce says. Pass it on: scatter(messages, target, n, reduce)."""
    source, target = edge_index
    out = message(x[target], x[source])
    return out.new_zeros(len(x), out.shape[1]).index_add(0, target, out)


passing_without_loops = slip(
    answer,
    "source, target = edge_index",
    "source, target = edge_index[:, edge_index[0] != edge_index[1]]",
    says="Loops were dropped. An edge from a node to itself carries a message like any other: keep every edge "
    "that you are given.",
)
