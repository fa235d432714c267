"""Appends the edge i -> i for every node i that has none, in the order of the nodes."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from autograder.exercise import Case
from autograder.exercises.declare import Asks, hidden, mistake, right, right_text, slip, visible
from autograder.exercises.gnn.inputs import PYG_MESSAGES, TINY, TINY_NODES, Rng, edges
from course_lib import gnn

ASKS = Asks(
    gnn.add_self_loops,
    signature="add_self_loops(edge_index (2, E), n) -> (2, E')",
    points={"basics": 1, "corners": 1},
    forbids=PYG_MESSAGES,
    hints=(
        "How do the two rows show that an edge is a loop? And which nodes do you never meet among the edges?",
        "Keep n truth values: does this node have a loop? Mark the nodes of all edges whose ends are equal. Those "
        "that are not marked, in rising order, are appended as source and as target.",
        "`has_loop = torch.zeros(n, dtype=torch.bool)`, `has_loop[source[source == target]] = True`, `missing = "
        "(~has_loop).nonzero().ravel()`. `torch.cat` the edges and `torch.stack([missing, missing])` along `dim=1`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """Graphs with some loops."""
    yield Case("the small graph", (TINY, TINY_NODES))
    yield Case("a graph of eight", (edges(rng, 8, 9, loops=3), 8))
    yield Case("no edges", (torch.empty(2, 0, dtype=torch.int64), 3), group="corners")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """Larger graphs, no loops, all loops."""
    yield Case("a graph of twenty", (edges(rng, 20, 50, loops=7, repeats=5), 20))
    yield Case("no loop yet", (edges(rng, 9, 12, loops=0), 9))
    yield Case("not contiguous", (edges(rng, 10, 9).T.contiguous().T, 10), group="corners")
    yield Case("loops everywhere", (torch.arange(4).expand(2, 4).flip(1), 4), group="corners")
    yield Case("a loop that occurs twice", (torch.tensor([[2, 0, 2, 1], [2, 1, 2, 0]]), 4), group="corners")
    yield Case("one node alone", (torch.empty(2, 0, dtype=torch.int64), 1), group="corners")
    yield Case("one edge", (torch.tensor([[2], [0]]), 4), group="corners")


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(edge_index, n):
    pairs = [tuple(pair) for pair in edge_index.T.tolist()]
    for node in range(n):
        if (node, node) not in pairs:
            pairs.append((node, node))
    return torch.tensor(pairs).T


other_formula = right_text(
    "other formula",
    '''
def add_self_loops(edges: torch.Tensor, count: int) -> torch.Tensor:
    """Loops among the edges have source - target = 0."""
    everyone = torch.arange(count)
    looped = edges[0, edges[0] - edges[1] == 0]
    rest = everyone[torch.isin(everyone, looped, invert=True)]
    return torch.hstack((edges, rest.repeat(2, 1)))
''',
)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(edge_index, n):
    looped = edge_index[0][edge_index[0] == edge_index[1]].tolist()
    nodes = [i for i in range(n) if i not in looped]
    new = torch.tensor([nodes, nodes], dtype=torch.int64, device=edge_index.device)
    return torch.cat([edge_index, new], dim=1)


@mistake
def loops_for_everyone(edge_index, n):
    """Nodes that had a loop now have two, so they would hear themselves twice. Append a loop only where there is
    none."""
    nodes = torch.arange(n, device=edge_index.device)
    return torch.cat([edge_index, torch.stack([nodes, nodes])], dim=1)


@mistake
def loops_moved_to_the_end(edge_index, n):
    """The old loops were removed and all n appended at the end: the right graph, but the given edges must stay as they
    are, where they are, and only missing loops are appended."""
    edge_index = edge_index[:, edge_index[0] != edge_index[1]]
    nodes = torch.arange(n, device=edge_index.device)
    return torch.cat([edge_index, torch.stack([nodes, nodes])], dim=1)


loops_for_known_nodes = slip(
    answer,
    "range(n)",
    "edge_index.unique().tolist()",
    says="Isolated nodes got no loop: you looked for nodes among the edges, and they do not occur there. The "
    "nodes are 0 to n - 1.",
)


loops_in_front = slip(
    answer,
    "[edge_index, new]",
    "[new, edge_index]",
    says="The loops come before the edges. Append them: the given edges first, then the loops, in the order of the "
    "nodes.",
)
