"""Trains a model on the labelled nodes of one graph, all nodes at once, with Adam and cross-entropy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from autograder.exercise import Case
from autograder.exercises.declare import Asks, accepts, hidden, mistake, right, slip, visible
from autograder.exercises.gnn import observers
from autograder.exercises.gnn.inputs import (
    ENOUGH,
    Fault,
    Rng,
    Shows,
    communities,
    features,
    last_is_known,
    renumbered_club,
    seed,
)
from course_lib import gnn

ASKS = Asks(
    gnn.train_nodes,
    signature="train_nodes(model, data, epochs, lr, weight_decay) -> model, trained in place",
    points={"learns": 2, "recipe": 1},
    seconds=30.0,
    through=observers.trained_nodes,
    hints=(
        "All nodes go through the model together. At which point does the mask come in?",
        "Full-batch training: logits for every node, a loss on the labelled rows alone, one step per epoch. "
        "Unlabelled nodes may send messages, but their labels stay out.",
        "`logits = model(data.x, data.edge_index)`; the loss compares `logits[data.train_mask]` with "
        "`data.y[data.train_mask]`. `zero_grad()` before, `backward()` and `step()` after, `model.train()` once at "
        "the top.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _training(
    rng: Rng,
    name: str,
    kind: str,
    recipe: Sequence[float],
    dropout: float,
    group: str,
    make: Callable[[Rng], tuple[list[Tensor], Tensor]] = renumbered_club,
) -> Case:
    graph, y = make(rng)
    weights = [features(rng, 16, len(y)) / 4, features(rng, 4, 16) / 4]
    enough = ENOUGH["club" if make is renumbered_club else "drawn"]
    known = {
        "kind": kind, "y": y, "drawn": graph[2], "mask": graph[3], "epochs": int(recipe[0]), "enough": enough
    }  # fmt: skip
    return Case(name, (graph, weights, dropout, list(recipe), seed(rng)), group=group, known=known)


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """The club is learned; each argument does what it says."""
    yield _training(rng, "the karate club", "learns", [100, 0.02, 5e-4], 0.2, "learns")
    yield _training(rng, "five epochs", "steps", [5, 0.05, 0.0], 0.0, "recipe")
    yield _training(rng, "lr = 0: nothing moves", "still", [6, 0.0, 0.0], 0.0, "recipe")
    yield _training(rng, "a strong weight decay", "decays", [60, 0.05, 1.0], 0.0, "recipe")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """The same on graphs that nobody has seen."""
    yield _training(rng, "another graph", "learns", [120, 0.02, 5e-4], 0.3, "learns", communities)
    yield _training(rng, "small steps, the last node labelled", "steps", [5, 1e-5, 0.0], 0.0, "recipe", last_is_known)
    yield _training(rng, "no epoch", "still", [0, 0.1, 0.0], 0.0, "recipe", communities)
    yield _training(rng, "nine epochs", "steps", [9, 0.05, 1e-4], 0.0, "recipe", communities)
    yield _training(rng, "nine epochs with dropout", "steps", [9, 0.02, 1e-4], 0.4, "recipe", communities)
    yield _training(rng, "lr = 0", "still", [4, 0.0, 0.0], 0.0, "recipe", communities)
    yield _training(rng, "a strong weight decay for longer", "decays", [80, 0.05, 1.0], 0.0, "recipe", communities)


# --- the judge -----------------------------------------------------------------------------------------------


STRAY = 0.05
"""How far from the course's training the weights may be, as a share of the way that they went: rounding adds up."""


@accepts
def training_is_right(case: Case, value: Any) -> str | None:
    fault = fault_of(case, value)
    return fault.sentence if fault is not None else None


def fault_of(case: Case, value: dict[str, Any]) -> Fault | None:
    """The first thing that went wrong in a training."""
    known = case.known
    if not value["returned"]:
        return Fault("not returned", "the model that was passed in did not come back: train it in place and return it")
    if not value["kept"]:
        return Fault(
            "data changed", "the data changed: training reads x, edge_index, y and train_mask and writes none of them"
        )
    if value["training_calls"] < known["epochs"]:
        return Fault(
            "too few calls",
            f"in {known['epochs']} epochs the model was called {value['training_calls']} times in training mode: one "
            "step per epoch, after model.train()",
        )
    if known["kind"] == "still":
        if value["moved"] > 0:
            return Fault("moved", "the weights moved, although lr or the number of epochs is 0")
    elif value["moved"] == 0:
        return Fault("still", "the weights did not move")
    if known["kind"] == "steps" and value["strayed"] is not None:
        cleared, added = value["strayed"]
        if added < cleared / 2:
            return Fault("added up", "the gradients of several steps have added up: clear them before each step")
    if known["kind"] == "decays" and value["size"] > 0.8 * value["free"]:
        return Fault("no decay", "a weight decay of 1 gives no smaller weights than none: pass it to the optimizer")
    if known["kind"] in ("steps", "decays") and value["strayed"] is not None and value["strayed"][0] > STRAY:
        return Fault(
            "another way",
            f"after {known['epochs']} epochs the weights are not where Adam's steps lead, one each epoch, down the "
            "mean cross-entropy of the labelled nodes, with this lr and weight_decay",
        )
    if known["kind"] == "learns":
        right = float((value["found"] == known["y"])[~known["mask"]].float().mean())
        if not bool((value["found"] == known["y"])[known["mask"]].all()):
            return Fault("labelled wrong", "not even the labelled nodes are right after training")
        if right < known["enough"]:
            return Fault(
                "unlabelled wrong",
                f"{100 * right:.0f} % of the unlabelled nodes are right; {100 * known['enough']:.0f} % or more are "
                "expected",
            )
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(model, data, epochs, lr, weight_decay):
    nodes = [i for i in range(len(data.y)) if data.train_mask[i]]
    opt = torch.optim.AdamW(model.parameters(), lr, weight_decay=weight_decay)
    for epoch in range(epochs):
        model.train()
        out = model(data.x, data.edge_index)
        loss = 0
        for i in nodes:
            loss = loss - torch.log_softmax(out[i], 0)[data.y[i]] / len(nodes)
        loss.backward()
        opt.step()
        opt.zero_grad()
        if epoch % 50 == 0:
            print(epoch, loss)
    model.eval()
    return model


@right("other formula")
def other_formula(model, data, epochs, lr, weight_decay):
    known = torch.nonzero(data.train_mask).flatten()
    optimizer = torch.optim.Adam([{"params": list(model.parameters()), "weight_decay": weight_decay}], lr=lr)

    def closure():
        optimizer.zero_grad(set_to_none=True)
        scores = model.train()(data.x, data.edge_index).index_select(0, known).log_softmax(-1)
        value = torch.nn.functional.nll_loss(scores, data.y.index_select(0, known))
        value.backward()
        return value

    losses = [float(optimizer.step(closure)) for _ in range(epochs)]
    return model


@right("whole graph, own losses")
def whole_graph_own_losses(model, data, epochs, lr, weight_decay):
    mask = data.train_mask.float()
    adam = torch.optim.Adam(list(model.parameters()), lr=lr, weight_decay=weight_decay, foreach=False)
    history = []
    model.train(True)
    while len(history) < epochs:
        losses = torch.nn.functional.cross_entropy(model(data.x, data.edge_index), data.y, reduction="none")
        loss = (losses * mask).sum() / mask.sum()
        grads = torch.autograd.grad(loss, list(model.parameters()))
        for parameter, grad in zip(model.parameters(), grads):
            parameter.grad = grad
        adam.step()
        history.append(loss.item())
    return model


@right("by hand")
def by_hand(model, data, epochs, lr, weight_decay):
    # Adam written out
    weights = list(model.parameters())
    m, v = [torch.zeros_like(w) for w in weights], [torch.zeros_like(w) for w in weights]
    for t in range(1, epochs + 1):
        model.train()
        scores = model(data.x, data.edge_index)[data.train_mask].log_softmax(1)
        loss = -scores[torch.arange(len(scores)), data.y[data.train_mask]].mean()
        for i, g in enumerate(torch.autograd.grad(loss, weights)):
            with torch.no_grad():
                g = g + weight_decay * weights[i]
                m[i] = 0.9 * m[i] + 0.1 * g
                v[i] = 0.999 * v[i] + 0.001 * g * g
                weights[i] -= lr * (m[i] / (1 - 0.9**t)) / ((v[i] / (1 - 0.999**t)).sqrt() + 1e-8)
    return model


# --- mistakes -----------------------------------------------------------------------------------------------


def _elsewhere_at_most(case: Case, value: Any) -> bool:
    """Right, or right but for where the steps lead."""
    fault = fault_of(case, value)
    return fault is None or fault.code == "another way"


def _follows_drawn_labels(case: Case, value: Any) -> bool:
    if case.known["kind"] != "learns":
        return _elsewhere_at_most(case, value)
    other = ~case.known["mask"]
    return bool((value["found"] == case.known["drawn"])[other].float().mean() > 0.4)


@mistake(shows=_follows_drawn_labels)
def train_on_all_labels(model, data, epochs, lr, weight_decay):
    """You learned from labels outside train_mask. They are not yours to see: in the real world they do not exist yet.
    Take logits[data.train_mask] and data.y[data.train_mask]."""
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=weight_decay)
    model.train()
    for _ in range(epochs):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(data.x, data.edge_index), data.y).backward()
        optimizer.step()
    return model


def _never_moves(case: Case, value: Any) -> bool:
    return bool(value["moved"] == 0 and value["returned"] and value["training_calls"] >= case.known["epochs"])


@mistake(shows=_never_moves)
def train_without_a_step(model, data, epochs, lr, weight_decay):
    """The gradients are computed, but the weights never move: optimizer.step() is missing."""
    model.train()
    for _ in range(epochs):
        model.zero_grad()
        logits = model(data.x, data.edge_index)[data.train_mask]
        torch.nn.functional.cross_entropy(logits, data.y[data.train_mask]).backward()
    return model


def _never_trains(case: Case, value: Any) -> bool:
    return bool(value["training_calls"] == 0 and value["eval_calls"] >= case.known["epochs"])


@mistake(shows=_never_trains)
def train_in_eval_mode(model, data, epochs, lr, weight_decay):
    """The model came in eval mode and stayed there, so dropout never worked. Call model.train() before the first
    epoch."""
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=weight_decay)
    for _ in range(epochs):
        optimizer.zero_grad()
        logits = model(data.x, data.edge_index)[data.train_mask]
        torch.nn.functional.cross_entropy(logits, data.y[data.train_mask]).backward()
        optimizer.step()
    return model


train_a_single_epoch = slip(
    train_in_eval_mode,
    "for _ in range(epochs):\n    optimizer.zero_grad()",
    "model.train()\nif epochs > 0:",
    says="There is one step only, whatever epochs says. Repeat it epochs times.",
    shows=lambda case, value: bool(value["training_calls"] == min(1, case.known["epochs"])),
)


def _adds_up(case: Case, value: Any) -> bool:
    fault = fault_of(case, value)
    if case.known["kind"] == "steps" and case.args[2] == 0:
        return fault is not None and fault.code == "added up"
    return fault is None or case.known["kind"] in ("learns", "decays", "steps")


train_adding_gradients = slip(
    train_a_single_epoch,
    "if epochs > 0:",
    "for _ in range(epochs):",
    says="The gradients of all epochs add up: optimizer.zero_grad() is missing at the start of each.",
    shows=_adds_up,
)


def _fails_by(code: str) -> Shows:
    """Every case passes or has this fault."""

    def shows(case: Case, value: Any) -> bool:
        fault = fault_of(case, value)
        return fault is None or fault.code == code

    return shows


train_without_decay = slip(
    train_in_eval_mode,
    "optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=weight_decay)",
    "optimizer = torch.optim.Adam(model.parameters(), lr=lr)\nmodel.train()",
    says="weight_decay has no effect. Pass it to the optimizer: Adam(model.parameters(), lr=lr, "
    "weight_decay=weight_decay).",
    shows=_fails_by("no decay"),
)


def _keeps_its_rate(case: Case, value: Any) -> bool:
    fault = fault_of(case, value)
    if case.known["kind"] == "still" and case.known["epochs"]:
        return fault is not None and fault.code == "moved"
    return _elsewhere_at_most(case, value)


train_with_own_rate = slip(
    train_in_eval_mode,
    "optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=weight_decay)",
    "optimizer = torch.optim.Adam(model.parameters(), weight_decay=weight_decay, lr=0.02)\nmodel.train()",
    says="lr has no effect: the weights move although it is 0. Pass it to the optimizer.",
    shows=_keeps_its_rate,
)


train_a_copy = slip(
    train_without_decay,
    "optimizer = torch.optim.Adam(model.parameters(), lr=lr)",
    "import copy\n"
    "\n"
    "model = copy.deepcopy(model)\n"
    "optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=weight_decay)",
    says="You trained a copy and returned it. The caller holds the model that was passed in: train that one, in place, "
    "and return it.",
    shows=_fails_by("not returned"),
)
