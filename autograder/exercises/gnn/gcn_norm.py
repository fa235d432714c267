"""Self loops, and the weight `1 / sqrt(d_i d_j)` of every edge j -> i (Kipf and Welling, 2017)."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from autograder.exercise import Case
from autograder.exercises.awkward import twice
from autograder.exercises.declare import Asks, hidden, mistake, right, right_text, slip, visible
from autograder.exercises.gnn import observers
from autograder.exercises.gnn.inputs import PYG_MESSAGES, TINY, TINY_NODES, Rng, edges
from course_lib import gnn

ASKS = Asks(
    gnn.gcn_norm,
    signature="gcn_norm(edge_index (2, E), n) -> (edge_index with loops (2, E'), weight (E',) float32)",
    points={"basics": 2, "corners": 1},
    forbids=PYG_MESSAGES,
    through=observers.sorted_edges,
    hints=(
        "Which degree counts: edges that leave or that enter? And do you count before or after the loops are added?",
        "Add the missing loops, count what enters each node, and take that to the power -1/2. The weight of an edge "
        "is the product of these factors at its two ends.",
        "`scale = degree(looped[1], n).float() ** -0.5`, where `looped = add_self_loops(edge_index, n)`. An edge "
        "weighs `scale[looped[0]]` times `scale[looped[1]]`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """Graphs whose loops occur at most once."""
    yield Case("two edges into one node", (torch.tensor([[0, 2, 3], [1, 1, 3]]), 5))
    yield Case("the small graph", (TINY, TINY_NODES))
    yield Case("a graph of eight", (edges(rng, 8, 11), 8))
    yield Case("no edges", (torch.empty(2, 0, dtype=torch.int64), 3), group="corners")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """Larger graphs, no loops, all loops."""
    yield Case("a graph of twenty", (edges(rng, 20, 60, loops=6, repeats=8), 20))
    yield Case("no loop yet", (edges(rng, 9, 14, loops=0), 9))
    yield Case("a hub", (torch.stack([torch.arange(1, 12), torch.zeros(11, dtype=torch.int64)]), 14), group="corners")
    yield Case("only loops", (torch.arange(4).expand(2, 4), 5), group="corners")
    yield Case("not contiguous", (edges(rng, 10, 9).T.contiguous().T, 10), group="corners")
    yield Case("one edge", (torch.tensor([[2], [0]]), 3), group="corners")
    yield from twice(lambda: (edges(rng, 9, 10), 9))
    yield Case("two hubs", (torch.tensor([[0, 1, 2], [1, 0, 0]]).repeat(1, 1_001), 3), group="corners")


# --- right answers in other styles ------------------------------------------------------------------------


loops = right_text(
    "loops",
    """
import math

def gcn_norm(edge_index, n):
    pairs = [pair for pair in edge_index.T.tolist() if pair[0] != pair[1]]
    pairs = [[i, i] for i in range(n)] + pairs
    d = [0] * n
    for j, i in pairs:
        d[i] += 1
    weights = [1 / math.sqrt(d[i] * d[j]) for j, i in pairs]
    return [torch.tensor(pairs).T, torch.tensor(weights)]
""",
)


@right("other formula")
def other_formula(edge_index, n):
    off = edge_index[:, edge_index[0].ne(edge_index[1])]
    all_edges = torch.cat((torch.arange(n).repeat(2, 1), off), 1)
    D = torch.zeros(n).index_add(0, all_edges[1], torch.ones(all_edges.shape[1]))
    return all_edges, torch.rsqrt(D[all_edges[0]] * D[all_edges[1]])


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(edge_index, n):
    keep = edge_index[0] != edge_index[1]
    nodes = torch.arange(n, device=edge_index.device)
    looped = torch.cat([edge_index[:, keep], torch.stack([nodes, nodes])], dim=1)
    scale = torch.bincount(looped[1], minlength=n).float() ** -0.5
    return looped, scale[looped[0]] * scale[looped[1]]


norm_of_the_sources = slip(
    answer,
    "torch.bincount(looped[1], minlength=n)",
    "torch.bincount(looped[0], minlength=n)",
    says="You counted the edges that leave a node. The degree here is that of the target row: the edges that "
    "enter, looped[1]. On a symmetric graph nobody would notice.",
)


norm_degree_before_loops = slip(
    answer,
    "scale = torch.bincount(looped[1], minlength=n).float() ** -0.5",
    'scale = torch.bincount(edge_index[1], minlength=n).float() ** -0.5\nscale[scale == float("inf")] = 0',
    says="The degree was counted before the loops were added, so each is one too small, and isolated nodes divide "
    "by 0. Add the loops first, then count.",
)


@mistake
def norm_of_a_mean(edge_index, n):
    """These weights are 1 / d of the target: a plain mean. The symmetric norm shares it between both ends: 1 /
    sqrt(d_i d_j)."""
    keep = edge_index[0] != edge_index[1]
    nodes = torch.arange(n, device=edge_index.device)
    looped = torch.cat([edge_index[:, keep], torch.stack([nodes, nodes])], dim=1)
    return looped, 1 / torch.bincount(looped[1], minlength=n).float()[looped[1]]


@mistake
def norm_without_loops(edge_index, n):
    """No loops were added. Without its loop a node forgets its own features, and an isolated one divides by a degree
    of 0."""
    scale = torch.bincount(edge_index[1], minlength=n).float().clamp(min=1) ** -0.5
    return edge_index, scale[edge_index[0]] * scale[edge_index[1]]


norm_without_root = slip(
    answer,
    "torch.bincount(looped[1], minlength=n).float() ** -0.5",
    "1 / torch.bincount(looped[1], minlength=n).float()",
    says="These are 1 / (d_i d_j): the square root is missing. Each end contributes d to the power -1/2.",
)


norm_double_loops = slip(
    answer,
    ("keep = edge_index[0] != edge_index[1]", ""),
    ("edge_index[:, keep]", "edge_index"),
    says="A node that had a loop got a second one, so its degree is one too large. Use your add_self_loops, which "
    "appends only the missing ones.",
)
