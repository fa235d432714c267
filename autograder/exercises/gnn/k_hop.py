"""The nodes whose features can have reached `node` after k rounds: itself, and all with a path of at most k edges to
it."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from autograder.exercise import Case
from autograder.exercises.declare import Asks, hidden, right, slip, visible
from autograder.exercises.gnn import observers
from autograder.exercises.gnn.inputs import PYG_MESSAGES, Rng, edges
from course_lib import gnn

ASKS = Asks(
    gnn.k_hop,
    signature="k_hop(edge_index (2, E), node, k, n) -> sorted node numbers that reach node in at most k steps",
    points={"basics": 1, "corners": 1},
    forbids=PYG_MESSAGES,
    through=observers.node_ids,
    hints=(
        "Stand at the node and walk against the arrows. Whom do you meet after one step? And do you forget those "
        "from before?",
        "A breadth-first search against the edges. Begin with the node alone, then k times: whoever has an edge "
        "into a known node becomes known. Nobody is ever struck off.",
        "`known = torch.zeros(n, dtype=torch.bool)` with `known[node] = True`. In each of the `k` rounds "
        "`known[source[known[target]]] = True`. The numbers are `known.nonzero().ravel()`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


_CHAIN = torch.tensor([[0, 1, 2, 3, 5, 5, 2, 2, 6, 6], [1, 2, 3, 4, 2, 2, 6, 2, 3, 6]])
"""0 -> 1 -> 2 -> 3 -> 4, a detour 2 -> 6 -> 3, 5 -> 2 twice, loops at 2 and 6, and node 7 alone."""


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """One, two and three rounds on one graph."""
    yield Case("one round, node 3", (_CHAIN, 3, 1, 8))
    yield Case("two rounds, node 3", (_CHAIN, 3, 2, 8))
    yield Case("three rounds, node 4", (_CHAIN, 4, 3, 8))
    yield Case("a node that nobody reaches", (_CHAIN, 5, 2, 8), group="corners")
    yield Case("no round at all", (_CHAIN, 2, 0, 8), group="corners")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """Random graphs in which two or three rounds do not reach everybody."""
    for k in (1, 2, 3):
        graph = edges(rng, 30, 40, loops=5, repeats=6)
        target = int(torch.bincount(graph[1]).argmax())
        yield Case(f"thirty nodes, {k} rounds", (graph, target, k, 30))
    yield Case("an isolated node", (edges(rng, 9, 12), 8, 4, 9), group="corners")
    yield Case("more rounds than nodes", (edges(rng, 9, 14), 3, 20, 9), group="corners")
    ring = torch.stack([torch.arange(9), (torch.arange(9) + 1) % 9])
    yield Case("a ring", (ring, 2, 4, 11), group="corners")
    yield Case("one edge", (torch.tensor([[2], [1]]), 1, 1, 4), group="corners")
    yield Case("no edges", (torch.empty(2, 0, dtype=torch.int64), 1, 3, 4), group="corners")


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(edge_index, node, k, n):
    enters = {}
    for a, b in edge_index.T.tolist():
        enters.setdefault(b, set()).add(a)
    known = {node}
    frontier = {node}
    while k > 0 and frontier:
        frontier = {a for b in frontier for a in enters.get(b, ())} - known
        known |= frontier
        k -= 1
    return sorted(known)


@right("other formula")
def other_formula(edge_index, node, k, n):
    A = torch.eye(n, dtype=torch.float64)
    A[edge_index[1], edge_index[0]] = 1
    v = torch.nn.functional.one_hot(torch.tensor(node), n).double()
    for _ in range(k):
        v = torch.clamp(v @ A, max=1)
    return torch.nonzero(v).flatten()


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(edge_index, node, k, n):
    source, target = edge_index
    heard = torch.zeros(n, dtype=torch.bool, device=edge_index.device)
    heard[node] = True
    for _ in range(k):
        heard[source[heard[target]]] = True
    return heard.nonzero().ravel()


hops_forwards = slip(
    answer,
    "source[heard[target]]",
    "target[heard[source]]",
    says="These are the nodes that this node can reach. The exercise asks for those that can reach it: walk the edges "
    "backwards, from target to source.",
)


hops_without_itself = slip(
    answer,
    "return heard.nonzero().ravel()",
    "heard[node] = False\nreturn heard.nonzero().ravel()",
    says="The node itself is missing. It knows its own features from the beginning: a path of 0 steps counts as well.",
)


hops_exactly = slip(
    answer,
    "heard[source[heard[target]]] = True",
    "now = torch.zeros_like(heard)\nnow[source[heard[target]]] = True\nheard = now",
    says="These are the nodes at the end of walks of exactly k steps. The exercise asks for at most k steps: keep "
    "everyone you have already found.",
)


hops_one_too_many = slip(
    answer,
    "range(k)",
    "range(k + 1)",
    says="You walked one step too far: after k rounds only paths of k edges or fewer have arrived.",
)


hops_both_ways = slip(
    answer,
    "heard[source[heard[target]]] = True",
    "found = torch.cat([source[heard[target]], target[heard[source]]])\nheard[found] = True",
    says="You walked the edges in both directions. A message only runs along an edge: from the node back to the "
    "sources of the edges that enter it.",
)


hops_only_one = slip(
    answer,
    ("for _ in range(k):", "if k > 0:"),
    ("heard[target]", "target == node"),
    says="You stop after one step, whatever k is. Repeat it k times, each time from everyone found so far.",
)
