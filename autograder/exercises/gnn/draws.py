"""Whether drawn neighbours are what `sample_neighbors` promises: the right edges, and all subsets equally often.

A right answer is turned away by chance at most once in a million submissions: in each case a subset's count has to lie
where a fair draw leaves it with a probability of ALARM at most, on either side, and there are fewer than 100 counts.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from autograder.exercises.gnn.inputs import Fault

__all__ = ["Fault", "fault_of"]

ALARM = 5e-9
"""Probability, on each side, that a fair count is called uneven."""
SUBSETS = 40
"""Seeds with more subsets than this are not counted."""
MANY = 50
"""Draws of a case that looks for evenness."""


def fault_of(graph: Tensor, seeds: Tensor, fanout: int, n: int, draws: Sequence[Any]) -> Fault | None:
    """The first thing that is wrong with several draws, of which the last was made with the first one's generator."""
    found = []
    for nodes, edge_index in draws:
        fault = _fault_of_one(graph, seeds, fanout, n, nodes, edge_index)
        if fault is not None:
            return fault
        found.append(sorted(map(tuple, nodes[edge_index].T.tolist())))
    if found[0] != found[-1]:
        return Fault("random", "the same generator gave two different results: draw from it and from nothing else")
    return _uneven(graph, seeds, fanout, found[:-1]) if len(found) > MANY else None


# --- one draw ---------------------------------------------------------------------------------------------


def _fault_of_one(graph: Tensor, seeds: Tensor, fanout: int, n: int, nodes: Tensor, drawn: Tensor) -> Fault | None:
    return _fault_of_nodes(seeds, n, nodes) or _fault_of_edges(graph, seeds, fanout, nodes, drawn)


def _fault_of_nodes(seeds: Tensor, n: int, nodes: Tensor) -> Fault | None:
    if nodes.ndim != 1 or nodes.dtype != torch.int64:
        told = f"shape {tuple(nodes.shape)} and dtype {nodes.dtype}"
        return Fault("nodes", f"nodes has {told}; expected a list of node numbers, (M,) of int64")
    if bool((nodes < 0).any()) or bool((nodes >= n).any()):
        return Fault("nodes", f"nodes holds numbers that are no nodes: expected 0 to {n - 1}")
    if not torch.equal(nodes[: len(seeds)], seeds):
        return Fault("seeds", f"nodes begins with {nodes[: len(seeds)].tolist()}; expected the seeds {seeds.tolist()}")
    others = nodes[len(seeds) :]
    if bool((others[1:] <= others[:-1]).any()):
        return Fault("others", "after the seeds, the other nodes have to ascend, each once")
    if bool(torch.isin(others, seeds).any()):
        return Fault("others", "a seed occurs in nodes a second time: each node is there once")
    return None


def _fault_of_edges(graph: Tensor, seeds: Tensor, fanout: int, nodes: Tensor, drawn: Tensor) -> Fault | None:
    if drawn.ndim != 2 or drawn.shape[0] != 2 or drawn.dtype != torch.int64:
        told = f"shape {tuple(drawn.shape)} and dtype {drawn.dtype}"
        return Fault("shape", f"edge_index has {told}; expected (2, E') of int64, sources above targets")
    if bool((drawn < 0).any()) or bool((drawn >= len(nodes)).any()):
        return Fault(
            "numbers", f"edge_index holds numbers that are no positions in nodes: expected 0 to {len(nodes) - 1}"
        )
    if bool((drawn[1] >= len(seeds)).any()):
        return Fault("target", "an edge does not end at a seed: row 1 holds the positions of the seeds, 0 to S - 1")
    there, found = (Counter(map(tuple, each.T.tolist())) for each in (graph, nodes[drawn]))
    for edge, count in sorted(found.items()):
        if edge not in there:
            return Fault("no edge", f"the edge {edge[0]} -> {edge[1]} is not in the graph")
        if count > there[edge]:
            return Fault("twice", f"the edge {edge[0]} -> {edge[1]} was drawn more often than it occurs")
    return _fault_of_counts(graph, seeds, fanout, nodes, drawn)


def _fault_of_counts(graph: Tensor, seeds: Tensor, fanout: int, nodes: Tensor, drawn: Tensor) -> Fault | None:
    for position, node in enumerate(seeds.tolist()):
        expected = min(fanout, int((graph[1] == node).sum()))
        count = int((drawn[1] == position).sum())
        if count != expected:
            return Fault("count", f"{count} edges were drawn for the seed {node}; expected {expected}")
    silent = set(range(len(seeds), len(nodes))) - set(drawn[0].tolist())
    if silent:
        return Fault("others", f"node {int(nodes[min(silent)])} is in nodes, and no drawn edge comes from it")
    return None


# --- many draws -------------------------------------------------------------------------------------------


def _uneven(graph: Tensor, seeds: Tensor, fanout: int, draws: Sequence[Sequence[tuple[int, int]]]) -> Fault | None:
    if all(each == draws[0] for each in draws):
        return Fault(
            "same for all", "different generators always gave the same edges: draw with the generator that is passed in"
        )
    for node in seeds.tolist():
        sources = sorted(graph[0][graph[1] == node].tolist())
        ways = math.comb(len(sources), fanout)
        if not 1 < ways <= SUBSETS:
            continue
        chances = Counter(combinations(sources, fanout))
        counts = Counter(tuple(source for source, target in each if target == node) for each in draws)
        for subset, count in chances.items():
            if _improbable(counts[subset], len(draws), count / ways):
                told = f"{counts[subset]} times in {len(draws)} draws; expected about {len(draws) * count / ways:.0f}"
                return Fault("uneven", f"the edges from {list(subset)} to {node} came together {told}: draw uniformly")
    return None


def _improbable(count: int, draws: int, chance: float) -> bool:
    """Whether a fair draw gives so few, or so many, with a probability below ALARM."""
    likely = [math.comb(draws, k) * chance**k * (1 - chance) ** (draws - k) for k in range(draws + 1)]
    return sum(likely[: count + 1]) < ALARM or sum(likely[count:]) < ALARM
