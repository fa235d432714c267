"""GraphSAGE with the mean: a node's own features and its neighbours' average, each through its own weights."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, slip, visible
from autograder.exercises.gnn.inputs import (
    PYG_MESSAGES,
    RENUMBERED,
    TINY,
    Rng,
    X,
    layer_equivariant,
    layer_hidden,
    layer_visible,
)
from course_lib import gnn

ASKS = Asks(
    gnn.sage_layer,
    signature="sage_layer(x (n, F), edge_index (2, E), W_self (F', F), W_neigh (F', F), b (F',)) -> (n, F')",
    points={"basics": 2, "gradients": 1},
    forbids=PYG_MESSAGES,
    hints=(
        "Which matrix is for the node itself, and which for what it hears? Is the node among those it hears?",
        "Average what arrives over the edges as they are, without loops. Two linear maps, of the node and of that "
        "average, are added, with one bias.",
        '`mean = message_passing(x, edge_index, lambda x_i, x_j: x_j, "mean")`. Multiply `x` by `W_self.T` and '
        "`mean` by `W_neigh.T`; add both and `b`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """GraphSAGE layers."""
    own, neigh = torch.tensor([[1.0, 2.0], [-1.0, 1.0], [3.0, 0.0]]), torch.tensor([[0.0, 1.0], [2.0, 0.0], [1.0, 1.0]])
    yield from layer_visible(rng, 2, (X, TINY, own, neigh, torch.tensor([10.0, 20.0, 30.0])))


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """Larger GraphSAGE layers."""
    yield from layer_hidden(rng, 2)


# --- properties ----------------------------------------------------------------------------------------------


@holds(RENUMBERED, group="basics")
def sage_equivariant(call: Probe, rng: Rng) -> str | None:
    """Renumbering the nodes renumbers the answer."""
    return layer_equivariant(call, rng, 2)


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(x, edge_index, W_self, W_neigh, b):
    rows = []
    for i in range(len(x)):
        row = W_self @ x[i] + b
        hears = edge_index[0][edge_index[1] == i]
        if len(hears) > 0:
            row = row + W_neigh @ x[hears].mean(dim=0)
        rows.append(row)
    return torch.stack(rows)


@right("other formula")
def other_formula(x, edge_index, W_self, W_neigh, b):
    A = torch.zeros(len(x), len(x), dtype=x.dtype)
    A = A.index_put((edge_index[1], edge_index[0]), torch.ones((), dtype=x.dtype), accumulate=True)
    A = A / A.sum(1, keepdim=True).clamp(min=1)
    return torch.nn.functional.linear(torch.hstack([x, A @ x]), torch.hstack([W_self, W_neigh]), b)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(x, edge_index, W_self, W_neigh, b):
    source, target = edge_index
    count = torch.bincount(target, minlength=len(x)).clamp(min=1)[:, None]
    mean = torch.zeros_like(x).index_add(0, target, x[source]) / count
    return x @ W_self.T + mean @ W_neigh.T + b


sage_backwards = slip(
    answer,
    "source, target",
    "target, source",
    says="Your messages run against the edges. Row 0 of edge_index speaks, row 1 listens: average the sources of "
    "the edges that enter a node.",
)


@mistake
def sage_sums(x, edge_index, W_self, W_neigh, b):
    """The neighbours were summed. GraphSAGE averages them, so that a node with many neighbours is not louder: divide
    by their number."""
    source, target = edge_index
    return x @ W_self.T + torch.zeros_like(x).index_add(0, target, x[source]) @ W_neigh.T + b


@mistake
def sage_hears_itself(x, edge_index, W_self, W_neigh, b):
    """The node's own features went into the mean as well: loops were added. W_self is there for them, and the mean is
    over the given edges alone."""
    nodes = torch.arange(len(x), device=x.device)
    missing = nodes[~torch.isin(nodes, edge_index[0][edge_index[0] == edge_index[1]])]
    source, target = torch.cat([edge_index, torch.stack([missing, missing])], dim=1)
    count = torch.bincount(target, minlength=len(x)).clamp(min=1)[:, None]
    mean = torch.zeros_like(x).index_add(0, target, x[source]) / count
    return x @ W_self.T + mean @ W_neigh.T + b


sage_swapped_weights = slip(
    answer,
    "x @ W_self.T + mean @ W_neigh.T",
    "x @ W_neigh.T + mean @ W_self.T",
    says="The two matrices are swapped: W_self belongs to the node's own features, W_neigh to the mean of its "
    "neighbours.",
)


@mistake
def sage_forgets_itself(x, edge_index, W_self, W_neigh, b):
    """The node's own features are missing: this is the neighbours' part alone. Add x @ W_self.T."""
    source, target = edge_index
    count = torch.bincount(target, minlength=len(x)).clamp(min=1)[:, None]
    return (torch.zeros_like(x).index_add(0, target, x[source]) / count) @ W_neigh.T + b


@mistake
def sage_empty_is_nan(x, edge_index, W_self, W_neigh, b):
    """Nodes without a neighbour got nan, from 0 / 0. The mean of no neighbours is 0, and the node keeps its own
    part: your scatter does that."""
    source, target = edge_index
    mean = torch.zeros_like(x).index_add(0, target, x[source]) / torch.bincount(target, minlength=len(x))[:, None]
    return x @ W_self.T + mean @ W_neigh.T + b


sage_without_bias = slip(
    answer,
    "x @ W_self.T + mean @ W_neigh.T + b",
    "x @ W_self.T + mean @ W_neigh.T",
    says="The bias is missing. Add b once at the end, to both parts together.",
)
