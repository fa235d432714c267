"""Trains a network to do well with weights of few bits."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from autograder.exercise import Case
from autograder.exercises.declare import Asks, accepts, hidden, mistake, right, slip, visible
from autograder.exercises.quantization import observers
from autograder.exercises.quantization.inputs import LIBRARY, finds, shows_in_place, trained
from autograder.harness.quantization import Layers
from course_lib import quantization

ASKS = Asks(
    quantization.train_aware,
    signature="train_aware(model, data, bits) -> a new model of the same layers, with data = (x, labels)",
    points={"grid": 1, "accuracy": 3},
    forbids=LIBRARY,
    seconds=40.0,
    through=observers.trained_aware,
    hints=(
        "Which weights does the forward pass use, and which does the optimizer move? They are not the same.",
        "In each forward pass round the current weights, with a grid for each output channel, with a gradient that "
        "passes straight through to the exact ones. Train on with a falling rate. At the end, and only then, store "
        "the rounded ones.",
        "`scales, _ = per_channel_qparams(weight.detach(), 0, bits)`, `rounded = fake_quantize(weight, scales[:, "
        "None], 0, bits)`, `functional.linear(x, rounded, layer.bias)`. At the end round each weight once more and "
        "write it with `layer.weight.copy_(...)`, under `torch.no_grad()`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _awareness(name: str, seed: int, bits: int, group: str) -> Case:
    made = trained("linear", seed)
    return Case(name, (made.layers, *made.train, bits), group=group, known=made)


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Two bits, once for the grid and once for the accuracy."""
    seed = int(rng.integers(2**31))
    yield _awareness("two bits", seed, 2, "grid")
    yield _awareness("two bits, read", seed, 2, "accuracy")


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Other networks, and more bits."""
    one, other = (int(each) for each in rng.integers(2**31, size=2))
    yield _awareness("eight bits", one, 8, "grid")
    yield _awareness("three bits", one, 3, "accuracy")
    yield _awareness("two bits for another network", other, 2, "accuracy")


# --- the judge -----------------------------------------------------------------------------------------------


LOST = 0.04
"""How much accuracy may be lost with few bits."""


@accepts
def aware_accepts(case: Case, value: Any) -> str | None:
    """What came back is plain weights: their values are counted, and the judge itself computes with them."""
    layers, bits = case.args[0], case.args[3]
    problem = _same_layers(layers, value)
    if problem is not None:
        return problem
    if case.group == "grid" and not value["as it was"]:
        return "the given network was changed; train a copy"
    for number, (weight, _) in enumerate(stored(layers, value)):
        most = max(len(row.unique()) for row in weight)
        if most > 2**bits:
            return (
                f"a channel of linear layer {number + 1} takes {most} values; "
                f"with {bits} bits there are at most {2**bits}"
            )
    if case.group == "grid":
        return _few_values(case, value)
    return finds(forward(stored(layers, value), case.known.held_out[0]), case.known, LOST)


def _few_values(case: Case, value: Any) -> str | None:
    """What is wrong with weights of which many are the same, although there are bits enough to tell them apart."""
    bits = case.args[3]
    for number, (weight, _) in enumerate(stored(case.args[0], value)):
        columns, values = weight.shape[1], sum(len(row.unique()) for row in weight) / len(weight)
        if 2**bits >= 4 * columns and values <= columns / 2:
            return (
                f"the {columns} weights of a channel of linear layer {number + 1} take {values:.0f} values on average; "
                f"with {bits} bits more than half of them differ"
            )
    return None


def _same_layers(layers: Layers, value: Any) -> str | None:
    state = value["state"]
    wanted = {
        f"{place}.{name}": tuple(numbers.shape)
        for place, layer in enumerate(layers)
        if layer[0] == "linear"
        for name, numbers in zip(("weight", "bias"), layer[1:], strict=True)
    }
    found = {name: tuple(numbers.shape) for name, numbers in state.items()}
    if found != wanted:
        return (
            f"the state_dict holds {', '.join(sorted(found))}; expected the same layers as before, with "
            f"{', '.join(sorted(wanted))}: write the rounded weights into a copy of the given network"
        )
    return None


def stored(layers: Layers, value: Any) -> list[tuple[Tensor, Tensor]]:
    """Weight and bias of each linear layer as they came back."""
    state = value["state"]
    return [
        (state[f"{place}.weight"], state[f"{place}.bias"])
        for place, layer in enumerate(layers)
        if layer[0] == "linear"
    ]  # fmt: skip


def forward(params: list[tuple[Tensor, Tensor]], x: Tensor) -> Tensor:
    """The logits of linear layers with ReLUs between them."""
    for number, (weight, bias) in enumerate(params):
        x = functional.linear(functional.relu(x) if number else x, weight.float(), bias.float())
    return x


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(model, data, bits):
    x, labels = data
    new = copy.deepcopy(model)
    linears = [layer for layer in new if isinstance(layer, nn.Linear)]
    optimizer = torch.optim.SGD(new.parameters(), lr=0.05, momentum=0.9)

    def rounded(w):
        step = w.abs().max(dim=1, keepdim=True).values / (2 ** (bits - 1) - 1)
        return torch.round(w / step) * step

    for epoch in range(30):
        optimizer.param_groups[0]["lr"] = 0.05 * (1 - epoch / 30)
        for rows in torch.randperm(len(labels)).split(50):
            exact = [layer.weight.data.clone() for layer in linears]
            for layer in linears:
                layer.weight.data = rounded(layer.weight.data)
            optimizer.zero_grad()
            functional.cross_entropy(new(x[rows]), labels[rows]).backward()
            for layer, w in zip(linears, exact):
                layer.weight.data = w  # the gradient of the rounded weights moves the exact ones
            optimizer.step()
    for layer in linears:
        layer.weight.data = rounded(layer.weight.data)
    return new


@right("other formula")
def other_formula(model, data, bits):
    from torch.nn.utils import parametrize

    class Rounded(nn.Module):
        def forward(self, w):
            step = w.detach().abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
            return w + (torch.round(w / step) * step - w).detach()

    new = copy.deepcopy(model)
    linears = [layer for layer in new.modules() if isinstance(layer, nn.Linear)]
    for layer in linears:
        parametrize.register_parametrization(layer, "weight", Rounded())
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*data), batch_size=50, shuffle=True)
    optimizer = torch.optim.AdamW(new.parameters(), lr=0.01)
    falls = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)
    for _ in range(20):
        for x, labels in loader:
            optimizer.zero_grad()
            nn.CrossEntropyLoss()(new(x), labels).backward()
            optimizer.step()
        falls.step()
    for layer in linears:
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
    return new


# --- mistakes -----------------------------------------------------------------------------------------------


def rounded(weight: Tensor, bits: int) -> Tensor:
    """The integers of a weight on the symmetric grids of its channels."""
    scales, _ = quantization.per_channel_qparams(weight, 0, bits)
    return torch.round(weight / scales[:, None])


def _linear(case: Case) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(layer[1], layer[2]) for layer in case.args[0] if layer[0] == "linear"]


def _weights_stayed(case: Case, value: Any) -> bool:
    """Whether the weights are on the grid, at the same steps as the given ones, up to the scale."""
    bits = case.args[3]
    pairs = zip(_linear(case), stored(case.args[0], value), strict=True)
    return all(
        torch.equal(rounded(given, bits), rounded(found, bits)) and _few(found, bits)
        for (given, _), (found, _) in pairs
    )


def _few(weight: torch.Tensor, bits: int) -> bool:
    return bool(max(len(row.unique()) for row in weight) <= 2**bits)


def _biases_stayed(case: Case, value: Any) -> bool:
    pairs = zip(_linear(case), stored(case.args[0], value), strict=True)
    return all(torch.equal(given, found) for (_, given), (_, found) in pairs)


@mistake(shows=lambda case, value: _weights_stayed(case, value) and _biases_stayed(case, value))
def aware_rounds_without_training(model, data, bits):
    """The given weights were rounded, and nothing was trained. Train with rounded weights in the forward pass, so that
    the network learns to do without the bits."""
    import copy

    new = copy.deepcopy(model)
    with torch.no_grad():
        for layer in new:
            if isinstance(layer, torch.nn.Linear):
                scale = layer.weight.abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
                layer.weight.copy_(torch.round(layer.weight / scale) * scale)
    return new


@mistake(shows=shows_in_place)
def aware_in_place(model, data, bits):
    """The given network itself was trained. Train a copy of it, with copy.deepcopy, so that both can be compared."""
    x, labels = data
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(8):
        for rows in torch.split(torch.randperm(len(labels)), 64):
            h = x[rows]
            for layer in model:
                if isinstance(layer, torch.nn.Linear):
                    scale = layer.weight.detach().abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
                    grid = torch.round(layer.weight / scale) * scale
                    h = torch.nn.functional.linear(h, layer.weight + (grid - layer.weight).detach(), layer.bias)
                else:
                    h = layer(h)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(h, labels[rows]).backward()
            optimizer.step()
    with torch.no_grad():
        for layer in model:
            if isinstance(layer, torch.nn.Linear):
                scale = layer.weight.abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
                layer.weight.copy_(torch.round(layer.weight / scale) * scale)
    return model


def _shows_flat(case: Case, value: Any) -> bool:
    return value["as it was"] and _weights_stayed(case, value) and not _biases_stayed(case, value)


@mistake(shows=_shows_flat)
def aware_flat_rounding(model, data, bits):
    """The biases learned, but no weight moved: the gradient of rounding is 0. Let it pass straight through, as
    fake_quantize does."""
    import copy

    new, (x, labels) = copy.deepcopy(model), data
    optimizer = torch.optim.Adam(new.parameters(), lr=0.01)

    def on_grid(weight):
        scale = weight.detach().abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
        return torch.round(weight / scale) * scale

    for _ in range(4):
        for rows in torch.split(torch.randperm(len(labels)), 64):
            h = x[rows]
            for layer in new:
                linear = isinstance(layer, torch.nn.Linear)
                h = torch.nn.functional.linear(h, on_grid(layer.weight), layer.bias) if linear else layer(h)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(h, labels[rows]).backward()
            optimizer.step()
    with torch.no_grad():
        for layer in new:
            if isinstance(layer, torch.nn.Linear):
                layer.weight.copy_(on_grid(layer.weight))
    return new


def _shows_late_rounding(case: Case, value: Any) -> bool:
    found = stored(case.args[0], value)
    few = all(_few(weight, case.args[3]) for weight, _ in found)
    x, labels = case.known.train
    seen = float((forward(found, x).argmax(1) == labels).float().mean())
    return value["as it was"] and few and seen < 0.9 and not _weights_stayed(case, value)


@mistake(shows=_shows_late_rounding)
def aware_trains_then_rounds(model, data, bits):
    """The network was trained with floats and rounded at the end. It never saw the grid: round the weights in every
    forward pass, with fake_quantize."""
    import copy

    new, (x, labels) = copy.deepcopy(model), data
    optimizer = torch.optim.Adam(new.parameters(), lr=0.01)
    for _ in range(4):
        for rows in torch.split(torch.randperm(len(labels)), 64):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(new(x[rows]), labels[rows]).backward()
            optimizer.step()
    with torch.no_grad():
        for layer in new:
            if isinstance(layer, torch.nn.Linear):
                scale = layer.weight.abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
                layer.weight.copy_(torch.round(layer.weight / scale) * scale)
    return new


def _on_eight_bits(weight: torch.Tensor) -> bool:
    steps = weight / (weight.abs().amax(1, keepdim=True) / 127)
    return bool(((steps - torch.round(steps)).abs() < 1e-2).all())


def _shows_floats(case: Case, value: Any) -> bool:
    weights = [weight for weight, _ in stored(case.args[0], value)]
    return all(not _few(weight, case.args[3]) and not _on_eight_bits(weight) for weight in weights)


@mistake(shows=_shows_floats)
def aware_keeps_floats(model, data, bits):
    """The network came back with the floats that it was trained with. They were rounded in the forward pass only: at
    the end write the rounded weights into the layers."""
    import copy

    new, (x, labels) = copy.deepcopy(model), data
    optimizer = torch.optim.Adam(new.parameters(), lr=0.01)
    for _ in range(4):
        for rows in torch.split(torch.randperm(len(labels)), 64):
            h = x[rows]
            for layer in new:
                if isinstance(layer, torch.nn.Linear):
                    scale = layer.weight.detach().abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
                    grid = torch.round(layer.weight / scale) * scale
                    h = torch.nn.functional.linear(h, layer.weight + (grid - layer.weight).detach(), layer.bias)
                else:
                    h = layer(h)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(h, labels[rows]).backward()
            optimizer.step()
    return new


def _shows_eight(case: Case, value: Any) -> bool:
    weights = [weight for weight, _ in stored(case.args[0], value)]
    return all(_on_eight_bits(weight) and not _few(weight, case.args[3]) for weight in weights)


aware_always_eight = slip(
    aware_rounds_without_training,
    "layer.weight.abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)",
    "layer.weight.abs().amax(1, keepdim=True) / 127",
    says="The weights lie on a grid of 8 bits: `bits` is ignored. With b bits a channel takes at most 2^b values.",
    shows=_shows_eight,
)
