"""Some of the edges that enter each seed, drawn without replacement: one hop for a mini-batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from autograder.exercise import Case
from autograder.exercises.declare import Asks, accepts, hidden, mistake, right, slip, visible
from autograder.exercises.gnn import observers
from autograder.exercises.gnn.draws import Fault, fault_of
from autograder.exercises.gnn.inputs import PYG_LEARNING, TINY, TINY_NODES, Rng, Shows, edges, seed
from course_lib import gnn

ASKS = Asks(
    gnn.sample_neighbors,
    signature=(
        "sample_neighbors(edge_index (2, E), seeds (S,), fanout, n, generator) -> (nodes (M,), edge_index (2, E'))"
    ),
    points={"basics": 2, "uniform": 1},
    forbids=PYG_LEARNING,
    through=observers.sampled,
    hints=(
        "Take one seed alone. Which columns of edge_index enter it, and how would you draw a few cards from a deck?",
        "For each seed, list the positions of its entering edges, shuffle the list with the generator and keep the "
        "first few. At the end, number the seeds first and the other sources after them, and translate both rows.",
        "`entering = (edge_index[1] == seed).nonzero().ravel()`, then "
        "`entering[torch.randperm(len(entering), generator=generator)[:fanout]]`. To translate: "
        "`number[nodes] = torch.arange(len(nodes))`, then `number[edge_index[:, kept]]`.",
    ),
)

DRAWS = 400
"""Calls of a case that counts how often each subset comes."""


# --- cases ---------------------------------------------------------------------------------------------------


def star(rng: Rng, degrees: tuple[int, ...], n: int, again: int = 0) -> Tensor:
    """A graph in which node i is entered by `degrees[i]` edges from different nodes, `again` of them a second time."""
    pairs = []
    for target, count in enumerate(degrees):
        others = [node for node in rng.permutation(n).tolist() if node != target][:count]
        pairs += [(source, target) for source in (*others, *others[:again])]
    return torch.tensor([pairs[place] for place in rng.permutation(len(pairs)).tolist()]).T.contiguous()


def _sampled(
    rng: Rng, name: str, graph: Tensor, seeds: list[int], fanout: int, n: int, draws: int = 2, group: str = "basics"
) -> Case:
    return Case(name, (graph, torch.tensor(seeds, dtype=torch.int64), fanout, n, seed(rng), draws), group=group)


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """The small graph, a random one, and how often each pair of a node's four edges comes."""
    yield _sampled(rng, "the small graph", TINY, [3, 1], 2, TINY_NODES)
    yield _sampled(rng, "twelve nodes", edges(rng, 12, 26), rng.permutation(12)[:5].tolist(), 2, 12)
    yield _sampled(rng, "more than there are", edges(rng, 9, 16), rng.permutation(9)[:4].tolist(), 50, 9)
    yield _sampled(rng, "400 times two of four edges", star(rng, (4,), 7), [0], 2, 7, DRAWS, "uniform")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """Larger graphs, no seeds, no edges, repeated edges."""
    graph = edges(rng, 30, 140, loops=6, repeats=20)
    yield _sampled(rng, "thirty nodes", graph, rng.permutation(30)[:12].tolist(), 3, 30)
    yield _sampled(rng, "all nodes, one edge each", graph, rng.permutation(30).tolist(), 1, 30)
    yield _sampled(rng, "loops and repeated edges", torch.tensor([[2, 2, 2, 0, 1], [2, 0, 0, 0, 0]]), [0, 2], 3, 4)
    yield _sampled(rng, "no seeds", graph, [], 3, 30)
    yield _sampled(rng, "no edges", torch.empty(2, 0, dtype=torch.int64), [4, 1], 3, 6)
    yield _sampled(rng, "nothing may be drawn", graph, [7, 3], 0, 30)
    yield _sampled(rng, "three seeds", star(rng, (3, 5, 4), 9), [2, 0, 1], 2, 9, DRAWS, "uniform")
    yield _sampled(rng, "repeated edges", star(rng, (3,), 6, again=1), [0], 2, 6, DRAWS, "uniform")
    yield _sampled(rng, "one of five edges", star(rng, (2, 5), 8), [1, 0], 1, 8, DRAWS, "uniform")


# --- the judge -----------------------------------------------------------------------------------------------


@accepts
def neighbours_are_right(case: Case, value: Any) -> str | None:
    fault = _fault(case, value)
    return fault.sentence if fault is not None else None


def _fault(case: Case, value: Any) -> Fault | None:
    graph, seeds, fanout, n, _, _ = case.args
    return fault_of(graph, seeds, fanout, n, value)


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(edge_index, seeds, fanout, n, generator):
    chosen, seeds = [], seeds.tolist()
    for node in seeds:
        left = [int(source) for source, target in edge_index.T if target == node]
        for _ in range(min(fanout, len(left))):
            place = int(torch.randint(len(left), (1,), generator=generator))
            chosen.append((left.pop(place), node))
    nodes = seeds + sorted({source for source, _ in chosen} - set(seeds))
    columns = [[nodes.index(source), nodes.index(target)] for source, target in chosen]
    return torch.tensor(nodes, dtype=torch.int64), torch.tensor(columns, dtype=torch.int64).reshape(-1, 2).T


@right("other formula")
def other_formula(edge_index, seeds, fanout, n, generator):
    rank = torch.rand(edge_index.shape[1], generator=generator)
    same = edge_index[1][:, None] == edge_index[1][None]
    earlier = (same & (rank[None] < rank[:, None])).sum(dim=1)
    source, target = edge_index[:, torch.isin(edge_index[1], seeds) & (earlier < fanout)]
    others = torch.unique(source[~torch.isin(source, seeds)])
    nodes = torch.cat([seeds, others])
    where = torch.zeros(n, dtype=torch.int64).scatter(0, nodes, torch.arange(len(nodes)))
    return nodes, torch.stack([where[source], where[target]])


# --- mistakes -----------------------------------------------------------------------------------------------


def _fails_by(*codes: str) -> Shows:
    """Every case passes or has one of these faults."""

    def shows(case: Case, value: Any) -> bool:
        fault = _fault(case, value)
        return fault is None or fault.code in codes

    return shows


def answer(edge_index, seeds, fanout, n, generator):
    kept = [torch.empty(0, dtype=torch.int64)]
    for node in seeds.tolist():
        entering = (edge_index[1] == node).nonzero().ravel()
        kept.append(entering[torch.randperm(len(entering), generator=generator)[:fanout]])
    drawn = edge_index[:, torch.cat(kept)]
    others = drawn[0][~torch.isin(drawn[0], seeds)].unique()
    nodes = torch.cat([seeds, others])
    number = torch.zeros(n, dtype=torch.int64)
    number[nodes] = torch.arange(len(nodes))
    return nodes, number[drawn]


def _in_old_numbers(case: Case, value: Any) -> bool:
    """Every column of every draw is an edge that enters a seed, in the numbers of the whole graph."""
    there = set(map(tuple, case.args[0].T.tolist()))
    return all(set(map(tuple, drawn.T.tolist())) <= there for _, drawn in value)


neighbours_in_old_numbers = slip(
    answer,
    "number[drawn]",
    "drawn",
    says="The edges still have the numbers of the whole graph. Translate both rows: an end is its position in nodes, "
    "because the mini-batch only has the rows x[nodes].",
    shows=_in_old_numbers,
)


def _backwards(case: Case, value: Any) -> bool:
    """Every drawn edge runs the other way in the graph."""
    there = set(map(tuple, case.args[0].flip(0).T.tolist()))
    return all(set(map(tuple, nodes[drawn].T.tolist())) <= there for nodes, drawn in value)


neighbours_that_leave = slip(
    answer,
    ("drawn = edge_index[:, torch.cat(kept)]", "drawn = edge_index[:, torch.cat(kept)].flip(0)"),
    ("edge_index[1] == node", "edge_index[0] == node"),
    says="You drew edges that leave the seeds. A seed listens to those from whom an edge enters it: look for the seed "
    "among the targets, in row 1.",
    shows=_backwards,
)

neighbours_always_the_first = slip(
    answer,
    "entering[torch.randperm(len(entering), generator=generator)[:fanout]]",
    "entering[:fanout]",
    says="You always take the first edges of the list, so some neighbours are never heard. Shuffle the list first: "
    "torch.randperm(len(entering), generator=generator).",
    shows=_fails_by("same for all"),
)

neighbours_by_chance_of_torch = slip(
    answer,
    "torch.randperm(len(entering), generator=generator)",
    "torch.randperm(len(entering))",
    says="The generator that is passed in has no effect. Draw from it, and from nothing else: torch.randperm(..., "
    "generator=generator).",
    shows=_fails_by("random"),
)

neighbours_seeds_among_the_others = slip(
    answer,
    "torch.cat([seeds, others])",
    "torch.cat([seeds, others]).unique()",
    says="The seeds must come first in nodes, in the order in which they were given. Sorted among the others, nobody "
    "knows any more which rows the mini-batch asked for.",
    shows=_fails_by("seeds"),
)


@mistake(shows=_fails_by("twice"))
def neighbours_with_replacement(edge_index, seeds, fanout, n, generator):
    """An edge was drawn twice: you draw with replacement. Shuffle the edges of a seed and keep the first ones; then
    each of them comes at most once."""
    kept = [torch.empty(0, dtype=torch.int64)]
    for node in seeds.tolist():
        entering = (edge_index[1] == node).nonzero().ravel()
        if len(entering) > 0:
            count = min(fanout, len(entering))
            kept.append(entering[torch.randint(len(entering), (count,), generator=generator)])
    drawn = edge_index[:, torch.cat(kept)]
    nodes = torch.cat([seeds, drawn[0][~torch.isin(drawn[0], seeds)].unique()])
    number = torch.zeros(n, dtype=torch.int64)
    number[nodes] = torch.arange(len(nodes))
    return nodes, number[drawn]


@mistake(shows=_fails_by("uneven"))
def neighbours_in_a_row(edge_index, seeds, fanout, n, generator):
    """You start at a random edge and take those that follow it in the list. Neighbours far apart in the list then never
    come together. Shuffle the whole list."""
    kept = [torch.empty(0, dtype=torch.int64)]
    for node in seeds.tolist():
        entering = (edge_index[1] == node).nonzero().ravel()
        if len(entering) > 0:
            start = int(torch.randint(len(entering), (1,), generator=generator))
            kept.append(entering.roll(start)[:fanout])
    drawn = edge_index[:, torch.cat(kept)]
    nodes = torch.cat([seeds, drawn[0][~torch.isin(drawn[0], seeds)].unique()])
    number = torch.zeros(n, dtype=torch.int64)
    number[nodes] = torch.arange(len(nodes))
    return nodes, number[drawn]
