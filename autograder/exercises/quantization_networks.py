"""Networks that are quantized or trained for few bits: the judge trains them, keeps the labels, reads what came back.

Held-out digits are disturbed copies of images that no training saw, under names of classes that the case drew.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from autograder.exercise import Case
from course_lib import data, quantization

__all__ = [
    "aware_accepts",
    "aware_hidden",
    "aware_visible",
    "compressed_accepts",
    "compressed_hidden",
    "compressed_visible",
]

Layers = list[tuple[Any, ...]]
SEEN, COPIES, NOISE = 1000, 3, 0.05
"""Images to train on; disturbed copies of each other image, and their noise, where 1 is black."""
LOST, LOST_AWARE = 0.01, 0.04
"""How much accuracy may be lost with 8 bits, and with few bits after training."""
LARGEST_SHARE = 1 / 3
"""Of the bytes before; the weights alone take a quarter."""


@dataclass(frozen=True)
class Trained:
    """A network with the data that it is judged on.

    Attributes:
        layers: as plain values.
        train: inputs and labels that it has seen.
        held_out: inputs and labels that it has not seen.
        right: the share of held-out labels that it finds.
    """

    layers: Layers
    train: tuple[Tensor, Tensor]
    held_out: tuple[Tensor, Tensor]
    right: float


@lru_cache(maxsize=12)
def _trained(kind: str, seed: int) -> Trained:
    rng = np.random.default_rng(seed)
    train, held_out = _digits(rng)
    if kind == "cnn":
        train, held_out = ((x.view(-1, 1, 8, 8), labels) for x, labels in (train, held_out))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            model = _built(kind)
            _fit(model, *train, epochs=6 if kind == "cnn" else 20)
        with torch.no_grad():
            right = float((model(held_out[0]).argmax(1) == held_out[1]).double().mean())
    finally:
        torch.set_num_threads(threads)
    layers = [_plain(layer) for layer in model]
    if kind == "shifted":
        return _moved(layers, train, held_out, right)
    return Trained(layers, train, held_out, right)


def _digits(rng: np.random.Generator) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    digits = data.digits()
    pixels = np.concatenate([digits.train.x, digits.test.x])
    labels = np.concatenate([digits.train.labels, digits.test.labels])
    order, names = rng.permutation(len(labels)), rng.permutation(10)
    pixels, labels = pixels[order], names[labels[order]]
    left = pixels[SEEN:]
    held = np.concatenate([left + NOISE * rng.standard_normal(left.shape) for _ in range(COPIES)])
    return (
        (torch.from_numpy(pixels[:SEEN]).float(), torch.from_numpy(labels[:SEEN])),
        (torch.from_numpy(held).float(), torch.from_numpy(np.tile(labels[SEEN:], COPIES))),
    )


def _built(kind: str) -> nn.Sequential:
    if kind == "cnn":
        return nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(64, 10),
        )  # fmt: skip
    layers: list[nn.Module] = []
    for into, out in pairwise((64, 64, 64, 10)):
        layers += [nn.Linear(into, out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _fit(model: nn.Sequential, x: Tensor, labels: Tensor, epochs: int) -> None:
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    steps, done = epochs * math.ceil(len(labels) / 64), 0
    for _ in range(epochs):
        for rows in torch.split(torch.randperm(len(labels)), 64):
            optimizer.param_groups[0]["lr"] = 0.01 * (1 + math.cos(math.pi * done / steps)) / 2
            optimizer.zero_grad()
            functional.cross_entropy(model(x[rows]), labels[rows]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            done += 1


def _plain(layer: nn.Module) -> tuple[Any, ...]:
    if isinstance(layer, nn.Linear):
        return "linear", layer.weight.detach().clone(), layer.bias.detach().clone()
    if isinstance(layer, nn.Conv2d):
        assert layer.bias is not None
        numbers = layer.weight.detach().clone(), layer.bias.detach().clone()
        return "conv", *numbers, layer.stride[0], int(layer.padding[0])
    return {"ReLU": ("relu",), "Flatten": ("flatten",), "MaxPool2d": ("pool", 2)}[type(layer).__name__]


def _moved(layers: Layers, train: Any, held_out: Any, right: float) -> Trained:
    """The same network for inputs in other units, 30 x - 12: the first layer takes that back."""
    kind, weight, bias = layers[0]
    first = kind, weight / 30, bias + 12 / 30 * weight.sum(1)
    moved = [(30 * x - 12, labels) for x, labels in (train, held_out)]
    return Trained([first, *layers[1:]], moved[0], moved[1], right)


# --- quantize_model -----------------------------------------------------------------------------------------


def _compression(name: str, kind: str, seed: int, group: str) -> Case:
    made = _trained(kind, seed)
    return Case(name, (made.layers, made.train[0][:300], made.held_out[0]), group=group, known=made)


def compressed_visible(rng: np.random.Generator) -> Iterator[Case]:
    """A network of linear layers, then one that convolves."""
    linear, cnn = (int(each) for each in rng.integers(2**31, size=2))
    yield _compression("three linear layers", "linear", linear, "stores")
    yield _compression("three linear layers, read", "linear", linear, "accuracy")
    yield _compression("three linear layers, counted", "linear", linear, "integers")
    yield _compression("convolutions", "cnn", cnn, "stores")
    yield _compression("convolutions, read", "cnn", cnn, "accuracy")
    yield _compression("convolutions, counted", "cnn", cnn, "integers")


def compressed_hidden(rng: np.random.Generator) -> Iterator[Case]:
    """Other networks, and inputs in other units."""
    linear, cnn = (int(each) for each in rng.integers(2**31, size=2))
    yield _compression("other convolutions", "cnn", cnn, "stores")
    yield _compression("other convolutions, read", "cnn", cnn, "accuracy")
    yield _compression("inputs in other units, read", "shifted", linear, "accuracy")
    yield _compression("inputs in other units, counted", "shifted", linear, "integers")


def compressed_accepts(case: Case, value: Any) -> str | None:
    """What is stored, what is computed and what is found, each in a group of its own."""
    if case.group == "stores":
        return _stores(case, value)
    if case.group == "integers":
        if value["float products"]:
            return (
                f"one pass multiplied {value['float products']} matrices of floating numbers; "
                "a layer multiplies integers and adds them up in 32 bits"
            )
        return None
    made: Trained = case.known
    return _finds(value["logits"], made, LOST)


def _stores(case: Case, value: Any) -> str | None:
    if not value["as it was"]:
        return "the given network was changed; build a new one, so that both can be compared"
    missing = missing_integers(case, value)
    if missing:
        shape, count = missing[0]
        return f"nothing in the state_dict holds the {count} weights of shape {shape} as int8"
    if not all(reacts for weights, reacts in _matched(case, value) if reacts is not None):
        return "the logits stay the same when stored integers are set to 0: the network computes with something else"
    before, after = value["bytes"]
    if after > LARGEST_SHARE * before:
        return f"the state takes {after:,} bytes, before it took {before:,}; at most a third is allowed"
    return None


def weights_of(case: Case) -> list[Tensor]:
    """The floating weights of a case's network."""
    return [layer[1] for layer in case.args[0] if layer[0] in ("linear", "conv")]


def _matched(case: Case, value: Any) -> list[tuple[Tensor, bool | None]]:
    """For each weight whether the logits react to the integers in its place, None where there are none."""
    found = []
    left = list(zip(value["integers"], value["react"], strict=True))
    for weight in weights_of(case):
        place = next((i for i, (integers, _) in enumerate(left) if integers.numel() == weight.numel()), None)
        found.append((weight, None if place is None else left.pop(place)[1]))
    return found


def missing_integers(case: Case, value: Any) -> list[tuple[tuple[int, ...], int]]:
    """Shape and size of each weight that no tensor of integers holds."""
    return [(tuple(weight.shape), weight.numel()) for weight, reacts in _matched(case, value) if reacts is None]


def _finds(logits: Any, made: Trained, lost: float) -> str | None:
    labels = made.held_out[1]
    if not isinstance(logits, Tensor) or tuple(logits.shape) != (len(labels), 10):
        return f"the new network gives no logits of shape {(len(labels), 10)}"
    share = float((logits.argmax(1) == labels).double().mean())
    if not made.right - share <= lost:
        return (
            f"it reads {100 * share:.1f} % of {len(labels)} digits that it has not seen, where the given network reads "
            f"{100 * made.right:.1f} %; at most {100 * lost:g} points may be lost"
        )
    return None


# --- train_aware --------------------------------------------------------------------------------------------


def _awareness(name: str, seed: int, bits: int, group: str) -> Case:
    made = _trained("linear", seed)
    return Case(name, (made.layers, *made.train, bits, seed), group=group, known=made)


def aware_visible(rng: np.random.Generator) -> Iterator[Case]:
    """Two bits, once for the grid and once for the accuracy."""
    seed = int(rng.integers(2**31))
    yield _awareness("two bits", seed, 2, "grid")
    yield _awareness("two bits, read", seed, 2, "accuracy")


def aware_hidden(rng: np.random.Generator) -> Iterator[Case]:
    """Other networks, and three bits."""
    one, other = (int(each) for each in rng.integers(2**31, size=2))
    yield _awareness("three bits", one, 3, "grid")
    yield _awareness("two bits for another network", other, 2, "accuracy")


def aware_accepts(case: Case, value: Any) -> str | None:
    """What came back is plain weights: their values are counted, and the judge itself computes with them."""
    layers, bits = case.args[0], case.args[3]
    problem = _same_layers(layers, value)
    if problem is not None:
        return problem
    if case.group == "grid":
        if not value["as it was"]:
            return "the given network was changed; train a copy"
        for number, (weight, _) in enumerate(stored(layers, value)):
            most = max(len(row.unique()) for row in weight)
            if most > 2**bits:
                return (
                    f"a channel of linear layer {number + 1} takes {most} values; "
                    f"with {bits} bits there are at most {2**bits}"
                )
        return None
    return _finds(forward(stored(layers, value), case.known.held_out[0]), case.known, LOST_AWARE)


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
            f"the state_dict holds {', '.join(sorted(found))}; the same layers as before are asked, with "
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


def rounded(weight: Tensor, bits: int) -> Tensor:
    """The integers of a weight on the symmetric grids of its channels."""
    scales, _ = quantization.per_channel_qparams(weight, 0, bits)
    return torch.round(weight / scales[:, None])
