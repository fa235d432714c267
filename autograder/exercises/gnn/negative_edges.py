"""Pairs of different nodes that no edge joins, drawn uniformly with replacement."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case
from autograder.exercises.declare import Asks, accepts, hidden, mistake, right, slip, visible
from autograder.exercises.gnn import observers
from autograder.exercises.gnn.inputs import PYG_LEARNING, TINY, TINY_NODES, Fault, Rng, Shows, edges, seed
from course_lib import gnn

ASKS = Asks(
    gnn.negative_edges,
    signature="negative_edges(edge_index (2, E), n, count, generator) -> (2, count) int64",
    points={"basics": 1, "corners": 1},
    forbids=PYG_LEARNING,
    through=observers.negatives,
    hints=(
        "Cross out the forbidden pairs in an n times n table. What can you do with the squares that are left?",
        "Mark all pairs as free, strike out the diagonal and the edges in their own direction, list the free "
        "places, and draw from the list with replacement. Then every pair is equally likely.",
        "`free = ~torch.eye(n, dtype=torch.bool)`, `free[edge_index[0], edge_index[1]] = False`, `pairs = "
        "free.nonzero()`. Index `pairs` with `torch.randint(len(pairs), (count,), generator=generator)` and "
        "transpose.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _crowded(rng: Rng, n: int, free: int) -> Tensor:
    """A graph in which only `free` pairs of different nodes are not edges; the last node has no edge at all."""
    pairs = [(u, v) for u in range(n) for v in range(n) if u != v]
    isolated = [pair for pair in pairs if n - 1 in pair]
    others = [pair for pair in pairs if n - 1 not in pair]
    kept = [others[i] for i in rng.permutation(len(others))[max(0, free - len(isolated)) :]]
    chosen = [*kept, kept[0], kept[1], (2, 2)]
    return torch.from_numpy(np.array(chosen)[rng.permutation(len(chosen))].T.copy())


def _negatives(rng: Rng, name: str, graph: Tensor, n: int, count: int, group: str = "basics") -> Case:
    joined = torch.eye(n, dtype=torch.bool)
    joined[graph[0], graph[1]] = True
    known = {"joined": joined, "count": count, "n": n}
    return Case(name, (graph, n, count, seed(rng)), group=group, known=known)


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """Few edges, many edges."""
    yield _negatives(rng, "the small graph", TINY, TINY_NODES, 40)
    yield _negatives(rng, "a graph of eight", edges(rng, 8, 12), 8, 60)
    yield _negatives(rng, "few pairs are free", _crowded(rng, 7, 16), 7, 1600, "corners")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """A large graph, hardly a free pair, no pairs requested."""
    yield _negatives(rng, "a graph of twenty", edges(rng, 20, 60, loops=5, repeats=8), 20, 200)
    yield _negatives(rng, "hardly a pair is free", _crowded(rng, 9, 18), 9, 2000, "corners")
    yield _negatives(rng, "no edges", torch.empty(2, 0, dtype=torch.int64), 4, 1200, "corners")
    yield _negatives(rng, "one pair", edges(rng, 30, 80), 30, 1, "corners")
    yield _negatives(rng, "one edge", torch.tensor([[1], [0]]), 4, 50, "corners")
    only = torch.tensor([[0, 1, 1, 2, 2], [1, 0, 2, 0, 1]])
    yield _negatives(rng, "one pair is free", only, 3, 15, "corners")


# --- the judge -----------------------------------------------------------------------------------------------


@accepts
def pairs_are_right(case: Case, value: Any) -> str | None:
    fault = fault_of(case, value)
    return fault.sentence if fault is not None else None


def fault_of(case: Case, value: dict[str, Any]) -> Fault | None:
    """The first thing that is wrong with the pairs."""
    n, count, joined, pairs = case.known["n"], case.known["count"], case.known["joined"], value["pairs"]
    if tuple(pairs.shape) != (2, count):
        return Fault(
            "shape",
            f"the result has shape {tuple(pairs.shape)}; expected (2, {count}): exactly as many pairs as requested",
        )
    if pairs.dtype != torch.int64 or bool((pairs < 0).any()) or bool((pairs >= n).any()):
        return Fault("no nodes", f"the pairs are not node numbers: expected int64 from 0 to {n - 1}")
    source, target = pairs
    if bool((source == target).any()):
        return Fault("loop", "a node is paired with itself: a link joins two different nodes")
    if bool(joined[source, target].any()):
        place = int(joined[source, target].nonzero()[0])
        return Fault("edge", f"the pair {int(source[place])} -> {int(target[place])} is an edge of the graph")
    if not torch.equal(pairs, value["again"]):
        return Fault("random", "the same generator gave two different results: draw from it and from nothing else")
    if count > 20 and torch.equal(pairs, value["other"]):
        return Fault(
            "same for all", "two different generators gave the same pairs: draw from the generator that is passed in"
        )
    free = (~joined).nonzero()
    if count >= 60 * len(free):
        share = torch.bincount(source * n + target, minlength=n * n)[free[:, 0] * n + free[:, 1]] / (count / len(free))
        if float(share.min()) < 0.6 or float(share.max()) > 1.5:
            u, v = free[int(share.argmin())].tolist()
            return Fault(
                "uneven",
                f"some pairs are drawn far more often than others ({u} -> {v} hardly at all): draw them uniformly",
            )
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(edge_index, n, count, generator):
    taken = set(map(tuple, edge_index.T.tolist()))
    pairs = []
    while len(pairs) < count:
        u, v = torch.randint(n, (2,), generator=generator).tolist()
        if u != v and (u, v) not in taken:
            pairs.append((u, v))
    return torch.tensor(pairs, dtype=torch.long).reshape(-1, 2).T


@right("other formula")
def other_formula(edge_index, n, count, generator):
    weight = torch.ones(n, n)
    weight[edge_index[0], edge_index[1]] = 0
    weight.fill_diagonal_(0)
    flat = torch.multinomial(weight.flatten(), count, replacement=True, generator=generator)
    return torch.stack([torch.div(flat, n, rounding_mode="floor"), flat % n])


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(edge_index, n, count, generator):
    taken = torch.eye(n, dtype=torch.bool)
    taken[edge_index[0], edge_index[1]] = True
    pairs = (~taken).nonzero()
    return pairs[torch.randint(len(pairs), (count,), generator=generator)].T


negatives_as_pairs = slip(
    answer,
    "pairs[torch.randint(len(pairs), (count,), generator=generator)].T",
    "pairs[torch.randint(len(pairs), (count,), generator=generator)]",
    says="These are right pairs, one per row. As everywhere, sources are above targets, (2, count): transpose it with "
    ".T.",
    shows=lambda case, value: tuple(value["pairs"].shape) == (case.known["count"], 2),
)


def _too_few(case: Case, value: Any) -> bool:
    pairs = value["pairs"]
    fewer = pairs.ndim == 2 and pairs.shape[0] == 2 and pairs.shape[1] < case.known["count"]
    return fewer or fault_of(case, value) is None


@mistake(shows=_too_few)
def negatives_too_few(edge_index, n, count, generator):
    """There are fewer pairs than requested: those already taken were dropped and not replaced. Draw until there are
    count of them."""
    pairs = torch.randint(n, (2, count), generator=generator)
    taken = torch.eye(n, dtype=torch.bool)
    taken[edge_index[0], edge_index[1]] = True
    return pairs[:, ~taken[pairs[0], pairs[1]]]


def _fails_by(code: str) -> Shows:
    """Every case passes or has this fault."""

    def shows(case: Case, value: Any) -> bool:
        fault = fault_of(case, value)
        return fault is None or fault.code == code

    return shows


@mistake(shows=_fails_by("edge"))
def negatives_any_pair(edge_index, n, count, generator):
    """Some of your pairs are edges of the graph. Draw again wherever a pair is taken."""
    source = torch.randint(n, (count,), generator=generator)
    target = (source + torch.randint(1, n, (count,), generator=generator)) % n
    return torch.stack([source, target])


@mistake(shows=_fails_by("loop"))
def negatives_with_loops(edge_index, n, count, generator):
    """A node is paired with itself. That is no link: forbid the diagonal as well as the edges."""
    free = torch.ones(n, n, dtype=torch.bool)
    free[edge_index[0], edge_index[1]] = False
    free.fill_diagonal_(True)
    pairs = free.nonzero()
    return pairs[torch.randint(len(pairs), (count,), generator=generator)].T


negatives_by_chance_of_torch = slip(
    answer,
    "torch.randint(len(pairs), (count,), generator=generator)",
    "torch.randint(len(pairs), (count,))",
    says="The generator that is passed in has no effect. Draw from it: torch.randint(..., generator=generator).",
    shows=_fails_by("random"),
)


negatives_always_the_same = slip(
    answer,
    "generator=generator",
    "generator=torch.Generator().manual_seed(0)",
    says="Every generator gives the same pairs: you made one of your own, with a fixed seed. Use the one that is "
    "passed in.",
    shows=_fails_by("same for all"),
)


def _rising(case: Case, value: Any) -> bool:
    pairs = value["pairs"]
    return bool((pairs[0] < pairs[1]).all()) and not bool(case.known["joined"][pairs[0], pairs[1]].any())


negatives_one_way = slip(
    answer,
    "(~taken).nonzero",
    "torch.triu(~taken).nonzero",
    says="You only ever draw pairs with the smaller number first. u -> v and v -> u are two pairs, and both may be "
    "drawn.",
    shows=_rising,
)
