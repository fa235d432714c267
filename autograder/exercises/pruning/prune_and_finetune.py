"""Prunes a trained network step by step, and trains it further in between."""

from __future__ import annotations

import copy
import math
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case
from autograder.exercises.declare import Asks, accepts, hidden, mistake, right, slip, visible
from autograder.exercises.pruning import observers
from autograder.exercises.pruning.inputs import Cases, t
from autograder.harness import pruning as harness
from course_lib import pruning, training
from course_lib.drawn_digits import class_digits, class_hand

ASKS = Asks(
    pruning.prune_and_finetune,
    signature="prune_and_finetune(model, data (x, labels), sparsity) -> a new model, sparse and fine-tuned",
    points={"form": 2, "learns": 3},
    seconds=40.0,
    through=observers.pruned,
    hints=(
        "An optimizer step moves all weights, those at 0 too. What has to follow each step?",
        "Train a copy on while its sparsity rises along your schedule: new global masks every few steps until half "
        "time, then the last ones stay. The masks are applied after every single step.",
        "After `optimizer.step()`, under `torch.no_grad()`: `w.mul_(mask)` for each weight. Every tenth `step`: "
        "`global_masks([w.detach() for w in ws], cubic_schedule(step + 10, 0, steps / 2, 0, sparsity))`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


HELD_OUT, SEEN = 3000, 1300
"""Digits to judge by, enough to tell a point apart (their standard error is about 0.3), and digits to train on."""


def _form(name: str, rng: np.random.Generator, share: float, kind: str = "small") -> Case:
    """A network that has learned nothing, "small" with convolutions: only its form is checked."""
    weights = [each.detach().clone() + 0.1 * t(rng, *each.shape, dtype=torch.float32) for each in _parameters(kind)]
    shape, classes = ((48, 1, 8, 8), 4) if kind == "small" else ((48, 64), 10)
    x, labels = t(rng, *shape, dtype=torch.float32), torch.from_numpy(rng.integers(0, classes, 48))
    args = (kind, weights, x, labels, share, int(rng.integers(2**31)))
    return Case(name, args, group="form", through=observers.pruned)


def _parameters(kind: str) -> list[Tensor]:
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        return list(harness.network(kind).parameters())


@cache
def _trained(seed: int) -> tuple[Any, ...]:
    """Digits in a hand of their own, with other names for the classes, and LeNet-300-100 trained on them."""
    rng = np.random.default_rng(seed)
    x, labels = class_digits(rng, HELD_OUT + SEEN, class_hand(rng))
    images = torch.from_numpy(x).flatten(1)
    classes = torch.from_numpy(rng.permutation(10)[labels])
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        model = harness.network("lenet")
    training.fit(model, (images[HELD_OUT:], classes[HELD_OUT:]), 15, 2e-3, schedule=training.cosine, show=False)
    weights = [each.detach().clone() for each in model.parameters()]
    held_out = images[:HELD_OUT], classes[:HELD_OUT]
    return weights, images[HELD_OUT:], classes[HELD_OUT:], (*held_out, training.evaluate(model, held_out))


def _lenet(name: str, rng: np.random.Generator, share: float) -> Case:
    weights, x, labels, known = _trained(int(rng.integers(2**31)))
    args = ("lenet", weights, x, labels, share, int(rng.integers(2**31)))
    return Case(name, args, group="learns", known=known, through=observers.pruned)


@visible
def visible_cases(rng: np.random.Generator) -> Cases:
    """The form on a small network, then LeNet-300-100."""
    yield _form("a small network, 70 %", rng, 0.7)
    yield _lenet("LeNet-300-100, 80 %", rng, 0.8)


@hidden
def hidden_cases(rng: np.random.Generator) -> Cases:
    """Other shares, other digits."""
    yield _form("a small network, another share", rng, 0.85)
    weights = sum(each.numel() for each in _parameters("small") if each.ndim > 1)
    yield _form("a share that is not one of whole weights", rng, (weights // 2 + 0.6) / weights)
    yield _form("hardly any weight goes", rng, 5e-4, "lenet")
    yield _lenet("LeNet-300-100 on other digits", rng, 0.8)


# --- the judge -----------------------------------------------------------------------------------------------


LOST = 0.01
"""Accuracy that a pruned network may lose."""


def matrices(case: Case, value: Any) -> list[Tensor]:
    """The new network's weights of two or more dimensions."""
    return [w for w in value["weights"] if w.ndim > 1]


def zeros(case: Case, value: Any) -> float:
    """The share of zeros among them."""
    return pruning.sparsity(matrices(case, value))


@accepts
def accepts_pruned(case: Case, value: Any) -> str | None:
    """A new model of the same form, sparse enough, and as good as the old one within a point."""
    kind, old, _, _, share, _ = case.args
    names = [name for name, _ in harness.network(kind).named_parameters()]
    if list(value["names"]) != names:
        told = f"are called {', '.join(value['names'][:3])}, ..." if value["names"] else "are missing"
        return f"the new model's parameters {told}; expected {', '.join(names)}"
    if [tuple(w.shape) for w in value["weights"]] != [tuple(w.shape) for w in old]:
        return "the new model's weights have different shapes from the old one's"
    if value["same object"] or not value["untouched"]:
        return "the model that was passed in is changed: work on copy.deepcopy(model)"
    if not all(bool(torch.isfinite(w).all()) for w in value["weights"]):
        return "some weights are infinite or nan"
    found = zeros(case, value)
    if found < share - 0.5 / sum(w.numel() for w in matrices(case, value)) - 1e-12:
        return f"{found:.2%} of the weights of two or more dimensions are zero; the exercise asks for {share:.2%}"
    return _learned(case, value) if case.known is not None else None


def _learned(case: Case, value: Any) -> str | None:
    reached, before = accuracy(case, value), case.known[2]
    if reached < before - LOST - 1e-9:
        return (
            f"before pruning it read {before:.1%} of {HELD_OUT} digits that it had not seen, now {reached:.1%}: "
            "it may lose at most one point"
        )
    return None


def accuracy(case: Case, value: Any) -> float:
    """The share of held-out digits that the new weights read."""
    images, classes, _ = case.known
    model = harness.network("lenet")
    with torch.no_grad():
        for parameter, weight in zip(model.parameters(), value["weights"], strict=True):
            parameter.copy_(weight)
    return training.evaluate(model, (images, classes))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(model, data, sparsity):
    x, labels = data
    new = copy.deepcopy(model)
    named = {name: p for name, p in new.named_parameters() if p.ndim >= 2}
    optimizer = torch.optim.SGD(new.parameters(), lr=0.2, momentum=0.9)
    masks = {}
    for round in range(4):
        share = sparsity * (1 - (1 - (round + 1) / 4) ** 3)
        sizes = torch.cat([p.detach().abs().flatten() for p in named.values()])
        count = math.floor(share * len(sizes) + 0.5)
        everything = torch.ones(len(sizes))
        everything[sizes.argsort()[:count]] = 0
        start = 0
        for name, p in named.items():
            masks[name] = everything[start : start + p.numel()].view_as(p)
            start += p.numel()
            p.data.mul_(masks[name])
        for epoch in range(3 if round < 3 else 8):
            for group in optimizer.param_groups:
                group["lr"] = 0.1 if round < 3 else 0.1 * (1 - epoch / 8)
            for rows in torch.randperm(len(labels)).split(50):
                new.zero_grad()
                torch.nn.CrossEntropyLoss()(new(x[rows]), labels[rows]).backward()
                optimizer.step()
                for name, p in named.items():
                    p.data.mul_(masks[name])
    return new


@right("other formula")
def other_formula(model, data, sparsity):
    new = copy.deepcopy(model)
    layers = [m for m in new.modules() if getattr(m, "weight", None) is not None and m.weight.dim() > 1]
    sizes = torch.cat([layer.weight.detach().abs().flatten() for layer in layers])
    threshold = sizes.sort().values[math.ceil(sparsity * len(sizes))]
    masks = [layer.weight.detach().abs() >= threshold for layer in layers]

    def forget(module):
        with torch.no_grad():
            for layer, mask in zip(layers, masks):
                layer.weight[~mask] = 0

    forget(new)
    training.fit(new, data, 12, 3e-3, schedule=training.cosine, after_step=forget, show=False)
    return new


# --- mistakes -----------------------------------------------------------------------------------------------


def _old_matrices(case: Case) -> list[Tensor]:
    return [w for w in case.args[1] if w.ndim > 1]


def _sparse(case: Case, value: Any) -> bool:
    return bool(value["untouched"] and zeros(case, value) >= case.args[4] - 0.001)


def _unmoved(case: Case, value: Any) -> bool:
    """Whether every weight that is not zero is what it was."""
    pairs = zip(matrices(case, value), _old_matrices(case), strict=True)
    return all(bool(((new == old) | (new == 0)).all()) for new, old in pairs)


@mistake(shows=lambda case, value: _sparse(case, value) and _unmoved(case, value))
def finetune_never(model, data, sparsity):
    """The smallest weights are gone, and nothing else happened. What is left must learn to do without them: train
    further, and multiply by the masks after every step."""
    import copy

    new = copy.deepcopy(model)
    weights = [p for p in new.parameters() if p.dim() > 1]
    sizes = torch.cat([w.detach().abs().flatten() for w in weights])
    mask = torch.ones(len(sizes))
    mask[sizes.argsort()[: int(sparsity * len(sizes) + 0.5)]] = 0
    with torch.no_grad():
        for w, part in zip(weights, torch.split(mask, [w.numel() for w in weights]), strict=True):
            w *= part.reshape(w.shape)
    return new


def _grows_back(case: Case, value: Any) -> bool:
    return bool(value["untouched"] and zeros(case, value) < min(case.args[4], 1 - case.args[4]) - 0.05)


@mistake(shows=_grows_back)
def finetune_grows_back(model, data, sparsity):
    """The pruned weights grew back: a step of the optimizer moves zeros like all others. Multiply the weights by their
    masks after every step."""
    import copy

    new = copy.deepcopy(model)
    weights = [p for p in new.parameters() if p.dim() > 1]
    sizes = torch.cat([w.detach().abs().flatten() for w in weights])
    mask = torch.ones(len(sizes))
    mask[sizes.argsort()[: int(sparsity * len(sizes) + 0.5)]] = 0
    with torch.no_grad():
        for w, part in zip(weights, torch.split(mask, [w.numel() for w in weights]), strict=True):
            w *= part.reshape(w.shape)
    optimizer = torch.optim.Adam(new.parameters(), lr=0.003)
    for _ in range(3):
        for rows in torch.split(torch.randperm(len(data[1])), 64):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(new(data[0][rows]), data[1][rows]).backward()
            optimizer.step()
    return new


@mistake(shows=lambda case, value: value["untouched"] and abs(zeros(case, value) - (1 - case.args[4])) < 0.02)
def finetune_keeps_share(model, data, sparsity):
    """You kept the share that should go. At a sparsity of 0.8 one weight in five is left."""
    import copy

    new = copy.deepcopy(model)
    weights = [p for p in new.parameters() if p.dim() > 1]
    sizes = torch.cat([w.detach().abs().flatten() for w in weights])
    mask = torch.ones(len(sizes))
    mask[sizes.argsort()[: int((1 - sparsity) * len(sizes) + 0.5)]] = 0
    masks = [p.reshape(w.shape) for p, w in zip(torch.split(mask, [w.numel() for w in weights]), weights, strict=True)]
    optimizer = torch.optim.Adam(new.parameters(), lr=0.003)
    for _ in range(3):
        for rows in torch.split(torch.randperm(len(data[1])), 64):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(new(data[0][rows]), data[1][rows]).backward()
            optimizer.step()
            with torch.no_grad():
                for w, part in zip(weights, masks, strict=True):
                    w *= part
    return new


@mistake(shows=lambda case, value: value["same object"] or not value["untouched"])
def finetune_in_place(model, data, sparsity):
    """The model that was passed in is pruned as well: there is only one. Work on copy.deepcopy(model), so that the two
    can be compared."""
    weights = [p for p in model.parameters() if p.dim() > 1]
    sizes = torch.cat([w.detach().abs().flatten() for w in weights])
    mask = torch.ones(len(sizes))
    mask[sizes.argsort()[: int(sparsity * len(sizes) + 0.5)]] = 0
    masks = [p.reshape(w.shape) for p, w in zip(torch.split(mask, [w.numel() for w in weights]), weights, strict=True)]
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    for _ in range(3):
        for rows in torch.split(torch.randperm(len(data[1])), 64):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(data[0][rows]), data[1][rows]).backward()
            optimizer.step()
            with torch.no_grad():
                for w, part in zip(weights, masks, strict=True):
                    w *= part
    return model


def _renamed(case: Case, value: Any) -> bool:
    old = len(case.args[1])
    return len(value["names"]) != old or all("." in name and name.split(".")[0] == "0" for name in value["names"])


finetune_wraps = slip(
    finetune_keeps_share,
    ("(1 - sparsity) * len(sizes)", "sparsity * len(sizes)"),
    ("return new", "return torch.nn.Sequential(new)"),
    says="The new model's parameters have other names: yours is inside another module. Whoever loads these weights "
    "needs the old names; prune the weights of a copy directly.",
    shows=_renamed,
)


def _gap(case: Case, value: Any) -> bool:
    """Whether there is nothing between 0 and the threshold: nothing was learned after the last cut."""
    sizes = torch.cat([w.abs().flatten() for w in matrices(case, value)])
    sizes = sizes[sizes > 0].sort().values
    return bool(sizes[len(sizes) // 1000] > 0.2 * sizes.median())


def _prunes_last(case: Case, value: Any) -> bool:
    bad = case.known is None or accuracy(case, value) < case.known[2]
    return _sparse(case, value) and not _unmoved(case, value) and _gap(case, value) and bad


@mistake(shows=_prunes_last)
def finetune_then_prunes(model, data, sparsity):
    """You trained first and pruned at the very end. So the weights that are left never learned to do without the
    others: prune first, or step by step, and train with the masks."""
    import copy

    new = copy.deepcopy(model)
    weights = [p for p in new.parameters() if p.dim() > 1]
    optimizer = torch.optim.Adam(new.parameters(), lr=0.001)
    for _ in range(3):
        for rows in torch.split(torch.randperm(len(data[1])), 64):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(new(data[0][rows]), data[1][rows]).backward()
            optimizer.step()
    sizes = torch.cat([w.detach().abs().flatten() for w in weights])
    mask = torch.ones(len(sizes))
    mask[sizes.argsort()[: int(sparsity * len(sizes) + 0.5)]] = 0
    with torch.no_grad():
        for w, part in zip(weights, torch.split(mask, [w.numel() for w in weights]), strict=True):
            w *= part.reshape(w.shape)
    return new
