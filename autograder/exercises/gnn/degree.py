"""How often each node occurs in a row of an edge_index."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from autograder.exercise import Case
from autograder.exercises.declare import Asks, hidden, mistake, right, visible
from autograder.exercises.gnn.inputs import PYG_MESSAGES, TINY, TINY_NODES, Rng, edges
from course_lib import gnn

ASKS = Asks(
    gnn.degree,
    signature="degree(index (E,), n) -> (n,) int64",
    points={"basics": 1},
    forbids=PYG_MESSAGES,
    hints=(
        "Which nodes never occur in index? Do they have a place in your result?",
        "It is a count of whole numbers with n bins. A counting function has to be told n, or it stops at the "
        "largest number that it meets.",
        "`torch.bincount` counts; give it `minlength=n` besides `index`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """Rows of edge_index."""
    yield Case("the targets of the small graph", (TINY[1], TINY_NODES))
    yield Case("its sources", (TINY[0], TINY_NODES))
    yield Case("a graph of eight", (edges(rng, 8, 12)[1], 8))


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """Larger graphs and none."""
    graph = edges(rng, 20, 60, loops=5, repeats=9)
    yield Case("a graph of twenty", (graph[1], 20))
    yield Case("its sources, not contiguous", (graph.T.contiguous().T[0], 20))
    yield Case("many nodes, few edges", (edges(rng, 40, 6)[1], 40))
    yield Case("no edges", (torch.empty(0, dtype=torch.int64), 3))
    yield Case("one node, three loops", (torch.zeros(3, dtype=torch.int64), 1))
    yield Case("one edge", (torch.tensor([2]), 4))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(index, n):
    counts = [0] * n
    for node in index.tolist():
        counts[node] += 1
    print(counts)
    return torch.tensor(counts)


@right("other formula")
def other_formula(index, n):
    return torch.nn.functional.one_hot(index, num_classes=n).sum(0)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def degree_cut_short(index, n):
    """The list ends at the largest number in index, so isolated nodes after it are missing. There are n nodes: use
    minlength=n."""
    return torch.bincount(index)


@mistake
def degree_written_once(index, n):
    """A node that occurs three times was counted once: deg[index] += 1 writes each entry only once. Use torch.bincount,
    or index_add_, which adds up."""
    deg = torch.zeros(n, dtype=torch.int64, device=index.device)
    deg[index] += 1
    return deg


@mistake
def degree_as_floats(index, n):
    """The counts are right, but they are floats. A degree is a whole number: return int64, as torch.bincount
    does."""
    return torch.bincount(index, minlength=n).float()


@mistake
def degree_at_least_one(index, n):
    """Nodes without an edge got 1 here. Their degree is 0: a loop or a clamp belongs in the code that uses the degree,
    not here."""
    return torch.bincount(index, minlength=n).clamp(min=1)
