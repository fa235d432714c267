"""One row per graph of a batch: its nodes reduced."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from autograder.exercise import Case
from autograder.exercises.awkward import EXTREMES, RELATIVE
from autograder.exercises.declare import Asks, hidden, mistake, right, slip, visible
from autograder.exercises.gnn.inputs import DOUBLE, PYG_LEARNING, Rng, features
from course_lib import gnn

ASKS = Asks(
    gnn.global_pool,
    signature='global_pool(x (n, F), batch (n,), reduce "sum" | "mean" | "max") -> (graphs, F)',
    points={"basics": 1, "corners": 1},
    forbids=PYG_LEARNING,
    hints=(
        "Where have you already reduced rows by an index? What is the index here, and how many rows come out?",
        "Pooling is a scatter in which each node sends its features to its graph. There is one more graph than the "
        "largest number says, and an empty graph keeps its row.",
        "`scatter` does it: `x` are the messages, `batch` is the index, `int(batch.max()) + 1` the number of rows.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """Three graphs in a batch; one without nodes."""
    x = torch.tensor([[1.0, -1.0], [3.0, -5.0], [5.0, -3.0], [2.0, -8.0]])
    for reduce in ("sum", "mean", "max"):
        yield Case(f"two graphs, {reduce}", (x, torch.tensor([0, 0, 0, 1]), reduce))
    yield Case("a graph without nodes", (features(rng, 5, 3), torch.tensor([0, 0, 2, 2, 2]), "mean"), group="corners")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """More graphs, any order."""
    for reduce in ("sum", "mean", "max"):
        batch = torch.from_numpy(np.sort(rng.integers(0, 6, 30)))
        yield Case(f"six graphs, {reduce}", (features(rng, 30, 4, dtype=DOUBLE), batch, reduce))
        mixed = torch.from_numpy(rng.permutation([0, 0, 1, 3, 3, 3, 4, 6, 6, 6]))
        yield Case(f"nodes in any order, {reduce}", (features(rng, 10, 6)[:, ::2] - 4, mixed, reduce), group="corners")
    yield Case("one node", (features(rng, 1, 2), torch.tensor([0]), "max"), group="corners")
    for scale, reduce in zip(EXTREMES, ("max", "mean"), strict=True):
        x = scale * features(rng, 6, 2, dtype=DOUBLE)
        yield Case(f"numbers around {scale:g}", (x, torch.tensor([0, 0, 1, 1, 1, 2]), reduce), tolerance=RELATIVE)


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(x, batch, reduce):
    rows = []
    for g in range(max(batch.tolist()) + 1):
        mine = x[batch == g]
        if not len(mine):
            rows.append(torch.zeros_like(x[0]))
        else:
            rows.append({"sum": mine.sum(0), "mean": mine.mean(0), "max": mine.max(0)[0]}[reduce])
    return torch.stack(rows)


@right("other formula")
def other_formula(x, batch, reduce):
    order = batch.argsort(stable=True)
    sizes = torch.bincount(batch)
    groups = torch.split(x[order], sizes.tolist())
    pool = getattr(torch, {"sum": "sum", "mean": "mean", "max": "amax"}[reduce])
    return torch.vstack([pool(rows, 0) if len(rows) else torch.zeros(x.shape[1], dtype=x.dtype) for rows in groups])


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(x, batch, reduce):
    place = batch[:, None].expand_as(x)
    out = x.new_zeros(int(batch.max()) + 1, x.shape[1])
    how = {"sum": "sum", "mean": "mean", "max": "amax"}[reduce]
    return out.scatter_reduce(0, place, x, how, include_self=False)


@mistake
def pool_everything(x, batch, reduce):
    """All nodes of the batch became one row. Every graph gets its own: batch says which graph a node belongs to."""
    return {"sum": x.sum(0), "mean": x.mean(0), "max": x.amax(0)}[reduce][None]


@mistake
def pool_always_sums(x, batch, reduce):
    """You sum whatever reduce says. "mean" divides by the graph's number of nodes, "max" takes the largest of each
    feature."""
    return x.new_zeros(int(batch.max()) + 1, x.shape[1]).index_add(0, batch, x)


pool_max_with_zero = slip(
    answer,
    "False",
    'reduce == "max"',
    says="Your maximum never falls below 0: the zeros you started from take part in it. Only the graph's own "
    "nodes compete.",
)


pool_skips_empty_graphs = slip(
    answer,
    "place = batch[:, None].expand_as(x)",
    "_, batch = batch.unique(return_inverse=True)\nplace = batch[:, None].expand_as(x)",
    says="The graphs without nodes are missing, and the rows after them moved up. Row g belongs to graph g: there are "
    "batch.max() + 1 rows.",
)


@mistake
def pool_one_graph_short(x, batch, reduce):
    """The last graph is missing. Graphs are numbered from 0, so there are batch.max() + 1 of them."""
    keep = batch < batch.max()
    x, batch, graphs = x[keep], batch[keep], int(batch.max())
    place = batch[:, None].expand_as(x)
    how = {"sum": "sum", "mean": "mean", "max": "amax"}[reduce]
    return x.new_zeros(graphs, x.shape[1]).scatter_reduce(0, place, x, how, include_self=False)
