"""Two graph convolutions with a ReLU between them and dropout of one half before each (Kipf and Welling, 2017)."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case
from autograder.exercises.declare import Asks, accepts, hidden, mistake, right, slip, visible
from autograder.exercises.gnn import observers
from autograder.exercises.gnn.inputs import (
    ENOUGH,
    PYG_LEARNING,
    Fault,
    Rng,
    Shows,
    communities,
    edges,
    features,
    permuted,
    poisoned,
    renumbered_club,
    seed,
)
from course_lib import gnn, graphs

ASKS = Asks(
    gnn.build_gcn,
    signature="build_gcn(features, hidden, classes) -> nn.Module, called as model(x, edge_index) -> (n, classes)",
    points={"basics": 2, "karate": 2},
    forbids=PYG_LEARNING,
    seconds=60.0,
    hints=(
        "How does dropout learn whether the model is training? And what comes between the two convolutions?",
        "Create the two convolutions in the constructor, so that their parameters are found. Forward: dropout, "
        "convolution, ReLU, dropout, convolution. Both convolutions get the edges; nothing comes after the second.",
        "`functional.dropout(..., 0.5, self.training)` before `self.first` and again before `self.second`; "
        "`functional.relu` around the first only. The widths are `features`, `hidden`, `classes`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _structure(rng: Rng, n: int, count: int, sizes: Sequence[int]) -> Case:
    graph = edges(rng, n, count)
    order, renumbered = permuted(rng, graph, n)
    near, far = (torch.zeros(n, n, dtype=torch.bool) for _ in range(2))
    for node in range(n):
        near[node, gnn.k_hop(graph, node, 2, n)] = True
        far[node, gnn.k_hop(graph, node, n, n)] = True
    known = {"kind": "structure", "sizes": list(sizes), "n": n, "order": order, "near": near, "far": far}
    args = (list(sizes), features(rng, n, sizes[0]), graph, order, renumbered, seed(rng))
    return Case(f"a new model on {n} nodes", args, known=known, through=observers.network)


def _dropout(rng: Rng, name: str, n: int, hidden: int) -> Case:
    args = (hidden, edges(rng, n, 2 * n), n, seed(rng))
    return Case(name, args, known={"kind": "dropout"}, through=observers.thinned)


def _learning(rng: Rng, name: str, hidden: int, made: tuple[list[Tensor], Tensor], enough: float) -> Case:
    graph, y = made
    seeds = [seed(rng) for _ in range(5)]
    known = {"kind": "learning", "y": y, "mask": graph[3], "enough": enough}
    return Case(
        name,
        ([len(y), hidden, 4], graph, [100, 0.02, 5e-4], seeds),
        group="karate",
        known=known,
        through=observers.trained_network,
    )


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """Two new models, one in training mode, one trained."""
    yield _structure(rng, 12, 14, (5, 16, 3))
    yield _structure(rng, 15, 18, (3, 24, 2))
    yield _dropout(rng, "dropout in training mode", 24, 64)
    yield _learning(rng, "the karate club, trained five times", 16, renumbered_club(rng), ENOUGH["club"])


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """Other sizes, a graph that nobody has seen; Cora where COURSE_DATA names a folder with its files."""
    yield _structure(rng, 14, 16, (7, 21, 5))
    yield _structure(rng, 18, 20, (1, 32, 4))
    yield _dropout(rng, "dropout in training mode, other sizes", 30, 80)
    yield _learning(rng, "another graph, trained five times", 20, communities(rng), ENOUGH["drawn"])
    cora = graphs.cora() if os.environ.get("COURSE_DATA") else None
    if cora is not None:
        graph = poisoned(rng, cora.x, cora.edge_index, cora.y, cora.train_mask, 7)
        known = {"kind": "learning", "y": cora.y, "mask": ~cora.test_mask, "enough": ENOUGH["Cora"]}
        args = ([cora.x.shape[1], 16, 7], graph, [200, 0.01, 5e-4], [seed(rng)])
        yield Case("Cora", args, group="karate", known=known, through=observers.trained_network)


# --- the judge -----------------------------------------------------------------------------------------------


@accepts
def network_is_right(case: Case, value: Any) -> str | None:
    fault = fault_of(case, value)
    return fault.sentence if fault is not None else None


def fault_of(case: Case, value: Any) -> Fault | None:
    """The first thing that a model lacks."""
    if case.known["kind"] == "learning":
        score = _score(case, value)
        if score < case.known["enough"]:
            return Fault(
                "trained badly",
                f"after training {100 * score:.0f} % of the other nodes are right; a graph network gets "
                f"{100 * case.known['enough']:.0f} % or more",
            )
        return None
    return _dropped(value) if case.known["kind"] == "dropout" else _structural(case.known, value)


def _dropped(value: dict[str, float]) -> Fault | None:
    if math.isnan(value["hidden"]):
        return Fault("width", "no weight leads from the hidden numbers to the classes: use the argument hidden")
    for share, where in ((value["inputs"], "first"), (value["hidden"], "second")):
        if not _is_half(share):
            return Fault(
                "dropout",
                f"in training mode {100 * share:.0f} % of the numbers before the {where} convolution are set to 0; "
                "dropout of one half sets half of them to 0, before either convolution",
            )
    return None


def _is_half(share: float) -> bool:
    """Whether a share that was counted is one half but for chance; nan is not."""
    return 0.35 < share < 0.65


def _score(case: Case, found: Sequence[Tensor]) -> float:
    other = ~case.known["mask"]
    return float(np.mean([float((each.cpu() == case.known["y"])[other].float().mean()) for each in found]))


def _structural(known: dict[str, Any], value: dict[str, Any]) -> Fault | None:
    n, (_, hidden, classes), logits = known["n"], known["sizes"], value["logits"]
    if tuple(logits.shape) != (n, classes):
        return Fault(
            "shape",
            f"the model gives {tuple(logits.shape)}; expected logits ({n}, {classes}), one row per node",
        )
    if not torch.equal(logits, value["again"]):
        return Fault(
            "never still", "in eval mode two calls give two answers: dropout must stop there, so pass it self.training"
        )
    if not any(hidden in shape for shape in value["shapes"]):
        return Fault("width", f"no parameter has the hidden width {hidden}: use the argument")
    if _like_shares(logits):
        return Fault("probabilities", "the rows are probabilities: return logits, the loss takes the softmax itself")
    hears = value["hears"]
    if bool((hears & ~known["far"]).any()):
        return Fault(
            "backwards",
            "a node's logits depend on nodes from which no path leads to it: check the direction of the edges",
        )
    if bool((known["near"] & ~hears).any()):
        return Fault(
            "one step", "a node does not hear what is two steps away: two graph convolutions carry a message that far"
        )
    even, odd, once, nothing = (  # differences between classes: log_softmax leaves them as they are
        value[name] - value[name].mean(1, keepdim=True) for name in ("even", "odd", "logits", "nothing")
    )
    if float((even + odd - once - nothing).abs().max()) < 1e-4 * max(1e-3, float(logits.abs().max())):
        return Fault(
            "straight", "what a node hears only adds up in its logits: put an activation between the two convolutions"
        )
    if not torch.allclose(value["renumbered"], logits[known["order"]], atol=1e-4):
        return Fault(
            "numbering",
            "when the nodes are renumbered, their logits change: an answer may not depend on a node's number",
        )
    return None


def _like_shares(logits: Tensor) -> bool:
    return bool((logits >= 0).all()) and torch.allclose(logits.sum(1), torch.ones(len(logits)), atol=1e-4)


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(features, hidden, classes):
    class Layer(torch.nn.Module):
        def __init__(self, a, b):
            super().__init__()
            self.lin = torch.nn.Linear(a, b)

        def forward(self, x, edge_index):
            A = torch.eye(len(x)).index_put((edge_index[1], edge_index[0]), torch.tensor(1.0), accumulate=True)
            d = A.sum(1) ** -0.5
            return self.lin(d[:, None] * (A @ (d[:, None] * x)))

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.ModuleList([Layer(features, hidden), Layer(hidden, classes)])
            self.drop = torch.nn.Dropout(0.5)

        def forward(self, x, edge_index):
            for i, layer in enumerate(self.layers):
                if i > 0:
                    x = torch.nn.functional.elu(x)
                x = layer(self.drop(x), edge_index)
            return torch.log_softmax(x, dim=1)

    return Net()


@right("other formula")
def other_formula(features, hidden, classes):
    import torch_geometric.nn as pyg

    class Round(pyg.MessagePassing):
        def __init__(self, a, b):
            super().__init__(aggr="mean")
            self.lin = torch.nn.Linear(a, b)

        def forward(self, x, edge_index):
            loops = torch.arange(len(x)).expand(2, -1)
            return self.lin(self.propagate(torch.hstack([edge_index, loops]), x=x))

    return pyg.Sequential(
        "x, edge_index",
        [
            (torch.nn.Dropout(0.5), "x -> x"),
            (Round(features, hidden), "x, edge_index -> x"),
            torch.nn.ReLU(),
            torch.nn.Dropout(0.5),
            (Round(hidden, classes), "x, edge_index -> x"),
        ],
    )


# --- mistakes -----------------------------------------------------------------------------------------------


def _alone(case: Case, value: Any) -> bool | None:
    if case.known["kind"] != "structure":
        return _fails_by("")(case, value)
    return bool(torch.equal(value["hears"], torch.eye(case.known["n"], dtype=torch.bool)))


@mistake(shows=_alone)
def build_without_graph(features, hidden, classes):
    """The model never looks at edge_index: it is a plain perceptron on each node alone. Pass the edges to both
    convolutions."""

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = torch.nn.Linear(features, hidden), torch.nn.Linear(hidden, classes)

        def forward(self, x, edge_index):
            return self.second(torch.relu(self.first(x)))

    return Net()


def _nothing_dropped(case: Case, value: Any) -> bool | None:
    if case.known["kind"] == "dropout":  # a few hidden numbers may be 0 of themselves
        return bool(value["inputs"] < 0.1 and value["hidden"] < 0.3)
    return None if case.known["kind"] == "learning" or fault_of(case, value) is None else False


build_without_dropout = slip(
    build_without_graph,
    "return self.second(torch.relu(self.first(x)))",
    "A = torch.eye(len(x))\n"
    "A[edge_index[1], edge_index[0]] = 1\n"
    "A = A / A.sum(1, keepdim=True)\n"
    "return self.second(A @ torch.relu(self.first(A @ x)))",
    says="Nothing is dropped in training mode. Before each convolution stands functional.dropout(x, 0.5, "
    "self.training).",
    shows=_nothing_dropped,
)


def _fails_by(code: str) -> Shows:
    """The structural cases have this fault; dropout and the training result are no evidence for it."""

    def shows(case: Case, value: Any) -> bool | None:
        fault = fault_of(case, value)
        if fault is None or fault.code == code:
            return None if fault is None else True
        if case.known["kind"] == "dropout":
            if code == "never still":  # where every call drops something more seems to be dropped than is
                return None if min(value.values()) > 0.35 else False
            return False if any(map(_is_half, value.values())) else None
        return None if case.known["kind"] == "learning" else False

    return shows


def _only_one_step(case: Case, value: Any) -> bool | None:
    if case.known["kind"] == "structure" and _alone(case, value):
        return False
    return _fails_by("one step")(case, value)


build_one_layer = slip(
    build_without_graph,
    "return self.second(torch.relu(self.first(x)))",
    "A = torch.eye(len(x))\n"
    "A[edge_index[1], edge_index[0]] = 1\n"
    "return self.second(torch.relu(self.first(A @ x / A.sum(1, keepdim=True))))",
    says="A message travels only one step in this model: there is one convolution. The exercise asks for two, features "
    "to hidden and hidden to classes.",
    shows=_only_one_step,
)


build_backwards = slip(
    build_without_graph,
    "return self.second(torch.relu(self.first(x)))",
    "A = torch.eye(len(x))\n"
    "A[edge_index[0], edge_index[1]] = 1\n"
    "A = A / A.sum(1, keepdim=True)\n"
    "return self.second(A @ torch.relu(self.first(A @ x)))",
    says="The messages of this model run against the edges. Row 0 of edge_index speaks, row 1 listens.",
    shows=_fails_by("backwards"),
)


build_without_activation = slip(
    build_without_graph,
    "return self.second(torch.relu(self.first(x)))",
    "A = torch.eye(len(x))\n"
    "A[edge_index[1], edge_index[0]] = 1\n"
    "A = A / A.sum(1, keepdim=True)\n"
    "return self.second(A @ self.first(A @ x))",
    says="There is no activation between the two convolutions, so together they are one linear map of x. Put a ReLU "
    "there.",
    shows=_fails_by("straight"),
)


build_with_softmax = slip(
    build_without_graph,
    "return self.second(torch.relu(self.first(x)))",
    "A = torch.eye(len(x))\n"
    "A[edge_index[1], edge_index[0]] = 1\n"
    "A = A / A.sum(1, keepdim=True)\n"
    "return torch.softmax(self.second(A @ torch.relu(self.first(A @ x))), dim=1)",
    says="The model ends in a softmax, and the loss applies another one: learning slows down. Return the logits as "
    "they are.",
    shows=_fails_by("probabilities"),
)


build_dropout_never_stops = slip(
    build_without_activation,
    "return self.second(A @ self.first(A @ x))",
    "drop = torch.nn.functional.dropout\nreturn self.second(A @ drop(torch.relu(self.first(A @ drop(x)))))",
    says="Dropout stays on in eval mode, so every prediction is a lottery. functional.dropout needs "
    "training=self.training; its default is True.",
    shows=_fails_by("never still"),
)


build_ignores_hidden = slip(
    build_without_activation,
    (
        "torch.nn.Linear(features, hidden), torch.nn.Linear(hidden, classes)",
        "torch.nn.Linear(features, 19), torch.nn.Linear(19, classes)",
    ),
    ("self.first(A @ x)", "torch.relu(self.first(A @ x))"),
    says="hidden has no effect: the width between the convolutions is fixed. Use the argument for both of them.",
    shows=_fails_by("width"),
)
