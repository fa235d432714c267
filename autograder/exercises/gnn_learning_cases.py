"""Inputs and judgements of notebook 09: attention, PyG's frame, trained models, whole graphs, links."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case, Probe
from autograder.exercises.gnn_graphs import TINY, TINY_NODES, edges, features, permuted
from autograder.harness import gnn as harness
from course_lib import gnn, graphs

__all__ = [
    "ENOUGH",
    "ENOUGH_CORA",
    "accept_negatives",
    "accept_network",
    "accept_training",
    "build_hidden",
    "build_visible",
    "conv_equivariant",
    "conv_hidden",
    "conv_starts_at_random",
    "conv_visible",
    "dirichlet_hidden",
    "dirichlet_shift",
    "dirichlet_visible",
    "gat_equivariant",
    "gat_hidden",
    "gat_visible",
    "link_loss_hidden",
    "link_loss_mirror",
    "link_loss_visible",
    "link_scores_hidden",
    "link_scores_visible",
    "negatives_hidden",
    "negatives_visible",
    "pool_hidden",
    "pool_visible",
    "train_hidden",
    "train_visible",
]

Rng = np.random.Generator
DOUBLE = torch.float64
ENOUGH = 0.65
"""Of the karate club's other members, in the mean of five trainings."""
ENOUGH_CORA = 0.80
_X = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-1.0, 4.0], [3.0, -2.0], [5.0, 6.0]])


def _seed(rng: Rng) -> int:
    return int(rng.integers(1, 2**31))


# --- gat_layer ------------------------------------------------------------------------------------------


def _gat(rng: Rng, n: int, graph: Tensor, inputs: int, heads: int, width: int, dtype: Any = torch.float32) -> list[Any]:
    return [
        features(rng, n, inputs, dtype=dtype),
        graph,
        features(rng, heads * width, inputs, dtype=dtype),
        features(rng, heads, width, dtype=dtype),
        features(rng, heads, width, dtype=dtype),
    ]


def gat_visible(rng: Rng) -> Iterator[Case]:
    """One head, several, a steep slope, large scores."""
    W = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    yield Case("the small graph", (_X, TINY, W, torch.tensor([[1.0, -0.5]]), torch.tensor([[0.5, 1.0]])))
    yield Case("two heads", tuple(_gat(rng, 8, edges(rng, 8, 12), 3, 2, 4)))
    yield Case("three heads of two, steep slope", (*_gat(rng, 9, edges(rng, 9, 14), 4, 3, 2, DOUBLE), 0.7))
    x, graph, W, a_src, a_dst = _gat(rng, 8, edges(rng, 8, 12), 3, 2, 3)
    yield Case("scores of hundreds", (x, graph, W, 300 * a_src, 300 * a_dst), group="corners")
    numbers = _gat(rng, 7, edges(rng, 7, 9), 3, 2, 2, DOUBLE)
    yield Case("gradients", (features(rng, 7, 4, dtype=DOUBLE), numbers), group="gradients", through=harness.gradients)


def gat_hidden(rng: Rng) -> Iterator[Case]:
    """Larger graphs, one of everything, layouts."""
    yield Case("twenty nodes", tuple(_gat(rng, 20, edges(rng, 20, 60, loops=5, repeats=8), 6, 3, 5)))
    yield Case("one feature, one head of one", tuple(_gat(rng, 9, edges(rng, 9, 14), 1, 1, 1, DOUBLE)))
    yield Case("four heads", (*_gat(rng, 10, edges(rng, 10, 16, loops=0), 5, 4, 1), 0.05))
    x, graph, W, a_src, a_dst = _gat(rng, 12, edges(rng, 12, 20), 4, 2, 3, DOUBLE)
    turned = W.T.contiguous().T
    yield Case("not contiguous", (x, graph.T.contiguous().T, turned, a_src.T.contiguous().T, a_dst), group="corners")
    yield Case("no edges", (x[:3], torch.empty(2, 0, dtype=torch.int64), W, a_src, a_dst), group="corners")
    yield Case("huge scores", (x, graph, W, 4000 * a_src, -4000 * a_dst), group="corners")
    numbers = _gat(rng, 10, edges(rng, 10, 18), 4, 3, 2, DOUBLE)
    yield Case(
        "gradients of three heads",
        (features(rng, 10, 6, dtype=DOUBLE), numbers),
        group="gradients",
        through=harness.gradients,
    )


def gat_equivariant(call: Probe, rng: Rng) -> str | None:
    """Renumbering the nodes renumbers the answer."""
    x, graph, *weights = _gat(rng, 9, edges(rng, 9, 14), 3, 2, 2, DOUBLE)
    order, renumbered = permuted(rng, graph, 9)
    if not torch.allclose(call(x[order], renumbered, *weights), call(x, graph, *weights)[order], atol=1e-6):
        return "when the nodes get other numbers, their answers change: a node may not depend on its number"
    return None


# --- GCNConv --------------------------------------------------------------------------------------------


def _conv(rng: Rng, n: int, graph: Tensor, inputs: int, outputs: int, dtype: Any = torch.float32) -> list[Any]:
    return [
        features(rng, n, inputs, dtype=dtype),
        graph,
        features(rng, outputs, inputs, dtype=dtype),
        features(rng, outputs, dtype=dtype),
    ]


def conv_visible(rng: Rng) -> Iterator[Case]:
    """Layers with given weights."""
    W, b = torch.tensor([[1.0, 2.0], [-1.0, 1.0], [3.0, 0.0]]), torch.tensor([10.0, 20.0, 30.0])
    yield Case("the small graph", (_X, TINY, W, b))
    yield Case("five features to two", tuple(_conv(rng, 8, edges(rng, 8, 12), 5, 2)))
    yield Case("two to six, float64", tuple(_conv(rng, 9, edges(rng, 9, 13), 2, 6, DOUBLE)))
    upstream = features(rng, 7, 2, dtype=DOUBLE)
    numbers = _conv(rng, 7, edges(rng, 7, 9), 3, 2, DOUBLE)
    yield Case("gradients", (upstream, numbers), group="gradients", through=harness.conv_gradients)


def conv_hidden(rng: Rng) -> Iterator[Case]:
    """Larger layers."""
    yield Case("twenty nodes", tuple(_conv(rng, 20, edges(rng, 20, 60, loops=5, repeats=8), 7, 4)))
    yield Case("one feature to six", tuple(_conv(rng, 12, edges(rng, 12, 25), 1, 6, DOUBLE)))
    yield Case("many to one, no loop yet", tuple(_conv(rng, 10, edges(rng, 10, 17, loops=0), 9, 1)))
    x, _, W, b = _conv(rng, 3, TINY, 4, 2)
    yield Case("no edges", (x, torch.empty(2, 0, dtype=torch.int64), W, b))
    upstream = features(rng, 11, 6, dtype=DOUBLE)
    numbers = _conv(rng, 11, edges(rng, 11, 20), 4, 6, DOUBLE)
    yield Case("gradients of a wider layer", (upstream, numbers), group="gradients", through=harness.conv_gradients)


def conv_equivariant(call: Probe, rng: Rng) -> str | None:
    """Renumbering the nodes renumbers the answer."""
    x, graph, W, b = _conv(rng, 9, edges(rng, 9, 14), 3, 2, DOUBLE)
    order, renumbered = permuted(rng, graph, 9)
    if not torch.allclose(call(x[order], renumbered, W, b), call(x, graph, W, b)[order], atol=1e-5):
        return "when the nodes get other numbers, their answers change: a node may not depend on its number"
    return None


def conv_starts_at_random(call: Probe, rng: Rng) -> str | None:
    """Two new layers differ, and their weights have a sensible size."""
    first, second = call(int(rng.integers(30, 60)), int(rng.integers(20, 40)))
    if torch.equal(first, second):
        return "two new layers start with the same weight: draw it at random, or all units learn the same"
    if not 0.005 < float(first.abs().mean()) < 1:
        return f"the weight of a new layer is {float(first.abs().mean()):.2g} in the mean: start at about 1 / sqrt(in)"
    return None


# --- build_gcn ------------------------------------------------------------------------------------------


def _structure(rng: Rng, n: int, count: int, sizes: Sequence[int]) -> Case:
    graph = edges(rng, n, count)
    order, renumbered = permuted(rng, graph, n)
    near, far = (torch.zeros(n, n, dtype=torch.bool) for _ in range(2))
    for node in range(n):
        near[node, gnn.k_hop(graph, node, 2, n)] = True
        far[node, gnn.k_hop(graph, node, n, n)] = True
    known = {"kind": "structure", "sizes": list(sizes), "n": n, "order": order, "near": near, "far": far}
    args = (list(sizes), features(rng, n, sizes[0]), graph, order, renumbered, _seed(rng))
    return Case(f"a new model on {n} nodes", args, known=known, through=harness.network)


def _renumbered_club(rng: Rng) -> tuple[list[Tensor], Tensor]:
    """The karate club under new numbers and with its classes renamed; labels outside the mask are wrong ones."""
    club = graphs.karate()
    order, renumbered = permuted(rng, club.edge_index, 34)
    y = torch.from_numpy(rng.permutation(4))[club.y[order]]
    return _poisoned(rng, club.x, renumbered, y, club.train_mask[order], 4), y


def _poisoned(rng: Rng, x: Tensor, edge_index: Tensor, y: Tensor, mask: Tensor, classes: int) -> list[Tensor]:
    wrong = (y + torch.from_numpy(rng.integers(1, classes, len(y)))) % classes
    return [x, edge_index, torch.where(mask, y, wrong), mask]


def _learning(rng: Rng, name: str, hidden: int) -> Case:
    graph, y = _renumbered_club(rng)
    seeds = [_seed(rng) for _ in range(5)]
    known = {"kind": "learning", "y": y, "mask": graph[3], "enough": ENOUGH}
    return Case(
        name,
        ([34, hidden, 4], graph, [100, 0.02, 5e-4], seeds),
        group="karate",
        known=known,
        through=harness.trained_network,
    )


def build_visible(rng: Rng) -> Iterator[Case]:
    """Two new models, one trained."""
    yield _structure(rng, 12, 14, (5, 16, 3))
    yield _structure(rng, 15, 18, (3, 24, 2))
    yield _learning(rng, "the karate club, trained five times", 16)


def build_hidden(rng: Rng) -> Iterator[Case]:
    """Other sizes; Cora where COURSE_DATA names a folder with its files."""
    yield _structure(rng, 14, 16, (7, 21, 5))
    yield _structure(rng, 18, 20, (1, 32, 4))
    yield _learning(rng, "the karate club under other numbers", 20)
    cora = graphs.cora() if os.environ.get("COURSE_DATA") else None
    if cora is not None:
        graph = _poisoned(rng, cora.x, cora.edge_index, cora.y, cora.train_mask, 7)
        known = {"kind": "learning", "y": cora.y, "mask": ~cora.test_mask, "enough": ENOUGH_CORA}
        args = ([cora.x.shape[1], 16, 7], graph, [200, 0.01, 5e-4], [_seed(rng)])
        yield Case("Cora", args, group="karate", known=known, through=harness.trained_network)


def accept_network(case: Case, value: Any) -> str | None:
    """One sentence on the first thing that a model lacks."""
    if case.known["kind"] == "learning":
        score = _score(case, value)
        if score < case.known["enough"]:
            return (
                f"after training {100 * score:.0f} % of the other nodes are right; a graph network gets "
                f"{100 * case.known['enough']:.0f} % or more"
            )
        return None
    return _structural(case.known, value)


def _score(case: Case, found: Sequence[Tensor]) -> float:
    other = ~case.known["mask"]
    return float(np.mean([float((each.cpu() == case.known["y"])[other].float().mean()) for each in found]))


def _structural(known: dict[str, Any], value: dict[str, Any]) -> str | None:
    n, (_, hidden, classes), logits = known["n"], known["sizes"], value["logits"]
    if tuple(logits.shape) != (n, classes):
        return f"the model gives {tuple(logits.shape)}; expected are logits ({n}, {classes}), one row for each node"
    if not torch.equal(logits, value["again"]):
        return "in eval mode two calls give two answers: dropout must stop there, so hand it self.training"
    if not any(hidden in shape for shape in value["shapes"]):
        return f"no parameter has the hidden width {hidden}: use the argument"
    if _like_shares(logits):
        return "the rows are probabilities: return logits, the loss takes the softmax itself"
    hears = value["hears"]
    if bool((hears & ~known["far"]).any()):
        return "a node's logits depend on nodes from which no path leads to it: mind the direction of the edges"
    if bool((known["near"] & ~hears).any()):
        return "a node does not hear what is two steps away: two graph convolutions carry a message that far"
    bends = value["double"] - 2 * logits + value["nothing"], value["mirrored"] + logits - 2 * value["nothing"]
    if max(float(bend.abs().max()) for bend in bends) < 1e-4 * max(1e-3, float(logits.abs().max())):
        return "the model is one straight map of x: put an activation between the two convolutions"
    if not torch.allclose(value["renumbered"], logits[known["order"]], atol=1e-4):
        return "when the nodes get other numbers, their logits change: a node may not depend on its number"
    return None


def _like_shares(logits: Tensor) -> bool:
    return bool((logits >= 0).all()) and torch.allclose(logits.sum(1), torch.ones(len(logits)), atol=1e-4)


# --- train_nodes ----------------------------------------------------------------------------------------


def _training(rng: Rng, name: str, kind: str, recipe: Sequence[float], dropout: float, group: str) -> Case:
    graph, y = _renumbered_club(rng)
    weights = [features(rng, 16, 34) / 4, features(rng, 4, 16) / 4]
    once = _pull(graph, weights) if kind == "still" else 0.0
    known = {
        "kind": kind, "y": y, "false": graph[2], "mask": graph[3], "epochs": int(recipe[0]), "once": once
    }  # fmt: skip
    return Case(name, (graph, weights, dropout, list(recipe), _seed(rng)), group=group, known=known)


def _pull(graph: list[Tensor], weights: list[Tensor]) -> float:
    """The size of one step's gradient on the harness's model."""

    def answer(model: Any, data: Any, *_: Any) -> Any:
        logits = model(data.x, data.edge_index)[data.train_mask]
        torch.nn.functional.cross_entropy(logits, data.y[data.train_mask]).backward()  # type: ignore[no-untyped-call]
        return model

    return float(harness.trained_nodes(answer, graph, weights, 0.0, [1, 0.0, 0.0], 0)["pull"])


def train_visible(rng: Rng) -> Iterator[Case]:
    """The club is learned; each argument does what it says."""
    yield _training(rng, "the karate club", "learns", [100, 0.02, 5e-4], 0.2, "learns")
    yield _training(rng, "five epochs", "steps", [5, 0.01, 0.0], 0.5, "recipe")
    yield _training(rng, "lr = 0: nothing moves", "still", [6, 0.0, 0.0], 0.0, "recipe")
    yield _training(rng, "a strong weight decay", "decays", [60, 0.05, 1.0], 0.0, "recipe")


def train_hidden(rng: Rng) -> Iterator[Case]:
    """The same under other numbers."""
    yield _training(rng, "the karate club under other numbers", "learns", [120, 0.02, 5e-4], 0.3, "learns")
    yield _training(rng, "no epoch", "still", [0, 0.1, 0.0], 0.0, "recipe")
    yield _training(rng, "nine epochs", "steps", [9, 0.02, 1e-4], 0.4, "recipe")
    yield _training(rng, "lr = 0", "still", [4, 0.0, 0.0], 0.0, "recipe")
    yield _training(rng, "a strong weight decay for longer", "decays", [80, 0.05, 1.0], 0.0, "recipe")


def accept_training(case: Case, value: dict[str, Any]) -> str | None:
    """One sentence on the first thing that went wrong in a training."""
    known = case.known
    if not value["returned"]:
        return "the model that came in did not come back: train it in place and return it"
    if not value["kept"]:
        return "the data changed: training reads x, edge_index, y and train_mask and writes none of them"
    if value["training_calls"] < known["epochs"]:
        return (
            f"in {known['epochs']} epochs the model was called {value['training_calls']} times in training mode: one "
            "step an epoch, after model.train()"
        )
    if known["kind"] == "still":
        if value["moved"] > 0:
            return "the weights moved, although lr or the number of epochs is 0"
        if value["pull"] > 1.5 * known["once"]:
            return "the gradients of several steps have added up: clear them before each step"
    elif value["moved"] == 0:
        return "the weights did not move"
    if known["kind"] == "decays" and value["size"] > 0.8 * value["free"]:
        return "a weight decay of 1 gives no smaller weights than none: hand it to the optimizer"
    if known["kind"] == "learns":
        right = float((value["found"] == known["y"])[~known["mask"]].float().mean())
        if not bool((value["found"] == known["y"])[known["mask"]].all()):
            return "not even the labelled nodes are right after training"
        if right < ENOUGH:
            return f"{100 * right:.0f} % of the unlabelled nodes are right; {100 * ENOUGH:.0f} % or more are expected"
    return None


# --- global_pool and dirichlet_energy -------------------------------------------------------------------


def pool_visible(rng: Rng) -> Iterator[Case]:
    """Three graphs in a batch; one without nodes."""
    x = torch.tensor([[1.0, -1.0], [3.0, -5.0], [5.0, -3.0], [2.0, -8.0]])
    for reduce in ("sum", "mean", "max"):
        yield Case(f"two graphs, {reduce}", (x, torch.tensor([0, 0, 0, 1]), reduce))
    yield Case("a graph without nodes", (features(rng, 5, 3), torch.tensor([0, 0, 2, 2, 2]), "mean"), group="corners")


def pool_hidden(rng: Rng) -> Iterator[Case]:
    """More graphs, any order."""
    for reduce in ("sum", "mean", "max"):
        batch = torch.from_numpy(np.sort(rng.integers(0, 6, 30)))
        yield Case(f"six graphs, {reduce}", (features(rng, 30, 4, dtype=DOUBLE), batch, reduce))
        mixed = torch.from_numpy(rng.permutation([0, 0, 1, 3, 3, 3, 4, 6, 6, 6]))
        yield Case(f"nodes in any order, {reduce}", (features(rng, 10, 6)[:, ::2] - 4, mixed, reduce), group="corners")
    yield Case("one node", (features(rng, 1, 2), torch.tensor([0]), "max"), group="corners")


def dirichlet_visible(rng: Rng) -> Iterator[Case]:
    """Energies of small graphs."""
    yield Case("one number a node", (torch.tensor([[1.0], [3.0], [6.0], [6.0], [9.0]]), TINY))
    yield Case("two numbers a node", (_X, TINY))
    yield Case("a graph of eight", (features(rng, 8, 3, dtype=DOUBLE), edges(rng, 8, 12)))


def dirichlet_hidden(rng: Rng) -> Iterator[Case]:
    """Larger graphs, no edges, equal rows."""
    graph = edges(rng, 20, 60, loops=5, repeats=8)
    yield Case("twenty nodes", (features(rng, 20, 6), graph))
    yield Case("every second feature", (features(rng, 20, 6, dtype=DOUBLE)[:, ::2], graph.T.contiguous().T))
    yield Case("all alike", (torch.ones(20, 3), graph))
    yield Case("no edges", (features(rng, 4, 2), torch.empty(2, 0, dtype=torch.int64)))
    yield Case("every friendship twice", (features(rng, 20, 2), torch.cat([graph, graph.flip(0)], dim=1)))


def dirichlet_shift(call: Probe, rng: Rng) -> str | None:
    """The energy is blind to a constant and grows with the square."""
    x, graph = features(rng, 9, 3, dtype=DOUBLE), edges(rng, 9, 14)
    energy = float(call(x, graph))
    if not np.isclose(float(call(x + 5, graph)), energy):
        return "adding 5 to all features changes the energy: only differences between neighbours count"
    if not np.isclose(float(call(3 * x, graph)), 9 * energy):
        return "three times the features do not give nine times the energy: the differences are squared"
    return None


# --- links ----------------------------------------------------------------------------------------------


def _crowded(rng: Rng, n: int, free: int) -> Tensor:
    """A graph in which only `free` pairs of different nodes are no edge; the last node has none at all."""
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
    return Case(name, (graph, n, count, _seed(rng)), group=group, known=known)


def negatives_visible(rng: Rng) -> Iterator[Case]:
    """Few edges, many edges."""
    yield _negatives(rng, "the small graph", TINY, TINY_NODES, 40)
    yield _negatives(rng, "a graph of eight", edges(rng, 8, 12), 8, 60)
    yield _negatives(rng, "few pairs are free", _crowded(rng, 7, 16), 7, 1600, "corners")


def negatives_hidden(rng: Rng) -> Iterator[Case]:
    """A large graph, hardly a free pair, none asked."""
    yield _negatives(rng, "a graph of twenty", edges(rng, 20, 60, loops=5, repeats=8), 20, 200)
    yield _negatives(rng, "hardly a pair is free", _crowded(rng, 9, 18), 9, 2000, "corners")
    yield _negatives(rng, "no edges", torch.empty(2, 0, dtype=torch.int64), 4, 1200, "corners")
    yield _negatives(rng, "one pair", edges(rng, 30, 80), 30, 1, "corners")


def accept_negatives(case: Case, value: dict[str, Any]) -> str | None:
    """One sentence on the first thing that is wrong with the pairs."""
    n, count, joined, pairs = case.known["n"], case.known["count"], case.known["joined"], value["pairs"]
    if tuple(pairs.shape) != (2, count):
        return f"the result has shape {tuple(pairs.shape)}; expected is (2, {count}): exactly as many pairs as asked"
    if pairs.dtype != torch.int64 or bool((pairs < 0).any()) or bool((pairs >= n).any()):
        return f"the pairs are no node numbers: expected are int64 from 0 to {n - 1}"
    source, target = pairs
    if bool((source == target).any()):
        return "a node is paired with itself: a link joins two different nodes"
    if bool(joined[source, target].any()):
        place = int(joined[source, target].nonzero()[0])
        return f"the pair {int(source[place])} -> {int(target[place])} is an edge of the graph"
    if not torch.equal(pairs, value["again"]):
        return "the same generator gave two different results: draw from it and from nothing else"
    if count > 20 and torch.equal(pairs, value["other"]):
        return "two different generators gave the same pairs: draw from the generator that is passed in"
    free = (~joined).nonzero()
    if count >= 60 * len(free):
        share = torch.bincount(source * n + target, minlength=n * n)[free[:, 0] * n + free[:, 1]] / (count / len(free))
        if float(share.min()) < 0.6 or float(share.max()) > 1.5:
            u, v = free[int(share.argmin())].tolist()
            return f"some pairs come far more often than others ({u} -> {v} hardly at all): each must be as likely"
    return None


def link_scores_visible(rng: Rng) -> Iterator[Case]:
    """Scores of a few pairs."""
    pairs = torch.tensor([[0, 2, 1, 0, 3], [1, 1, 3, 4, 3]])
    yield Case("five pairs", (_X, pairs))
    yield Case("a graph of eight", (features(rng, 8, 3), edges(rng, 8, 12)))
    numbers = [features(rng, 7, 3, dtype=DOUBLE), edges(rng, 7, 9)]
    upstream = features(rng, numbers[1].shape[1], dtype=DOUBLE)
    yield Case("gradients", (upstream, numbers), group="gradients", through=harness.gradients)


def link_scores_hidden(rng: Rng) -> Iterator[Case]:
    """More pairs, one, none."""
    yield Case("twenty nodes", (features(rng, 20, 8, dtype=DOUBLE), edges(rng, 20, 60)))
    yield Case("one pair", (features(rng, 6, 1), torch.tensor([[4], [2]])))
    yield Case("no pair", (features(rng, 6, 3), torch.empty(2, 0, dtype=torch.int64)))
    yield Case("not contiguous", (features(rng, 12, 6)[:, ::2], edges(rng, 12, 9).T.contiguous().T))
    numbers = [features(rng, 9, 4, dtype=DOUBLE), edges(rng, 9, 14)]
    upstream = features(rng, numbers[1].shape[1], dtype=DOUBLE)
    yield Case("gradients of more pairs", (upstream, numbers), group="gradients", through=harness.gradients)


def link_loss_visible(rng: Rng) -> Iterator[Case]:
    """Scores of both kinds, moderate and large."""
    yield Case("two links, one without", (torch.tensor([0.0, 2.0]), torch.tensor([-1.0])))
    yield Case("five and three", (features(rng, 5, dtype=DOUBLE) * 2, features(rng, 3, dtype=DOUBLE) * 2))
    yield Case("very sure and wrong", (torch.tensor([-300.0, 5.0]), torch.tensor([300.0, -2.0, 0.5])), group="extremes")
    yield Case("very sure and right", (torch.tensor([300.0]), torch.tensor([-300.0, -250.0])), group="extremes")
    numbers = [features(rng, 4, dtype=DOUBLE), features(rng, 6, dtype=DOUBLE)]
    yield Case("gradients", (torch.tensor(1.7, dtype=DOUBLE), numbers), group="extremes", through=harness.gradients)


def link_loss_hidden(rng: Rng) -> Iterator[Case]:
    """Other numbers of links, other extremes."""
    yield Case("many", (features(rng, 70), features(rng, 41)))
    yield Case("one and one", (features(rng, 1), features(rng, 1)))
    yield Case(
        "from small to huge", (torch.tensor([-1e4, -90.0, 0.0, 90.0]), torch.tensor([1e4, 88.0])), group="extremes"
    )
    numbers = [300 * features(rng, 5, dtype=DOUBLE), 300 * features(rng, 3, dtype=DOUBLE)]
    yield Case(
        "gradients at huge scores",
        (torch.tensor(-0.6, dtype=DOUBLE), numbers),
        group="extremes",
        through=harness.gradients,
    )


def link_loss_mirror(call: Probe, rng: Rng) -> str | None:
    """Swapping both kinds and all signs changes nothing."""
    pos, neg = features(rng, 6, dtype=DOUBLE), features(rng, 4, dtype=DOUBLE)
    if not np.isclose(float(call(pos, neg)), float(call(-neg, -pos))):
        return "link_loss(pos, neg) differs from link_loss(-neg, -pos): both kinds are judged alike"
    return None
