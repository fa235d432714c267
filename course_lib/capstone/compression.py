"""A network within a budget: channels are removed, the rest is trained on a coarse grid, and the integers packed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib import training
from course_lib.capstone.networks import folded, network
from course_lib.capstone.packing import pack, unpack

__all__ = ["Budget", "CompressedModel", "compress"]

BITS = 4
SPARE_BYTES, SPARE_MACS = 64, 1.02
"""The cost of unpacking: a few numbers written into the code, and work that is shared by all examples."""


@dataclass(frozen=True)
class Budget:
    """What a compressed network may cost.

    Attributes:
        bytes: bytes of everything that it stores.
        macs: multiply-accumulates per example: one image, or one node of a graph.
    """

    bytes: int
    macs: int


@dataclass(frozen=True)
class CompressedModel:
    """What is stored, and how it is used.

    Attributes:
        state: tensors by name; nothing else is stored.
        forward: from the state and an input to logits.
    """

    state: Mapping[str, Tensor]
    forward: Callable[[Mapping[str, Tensor], Any], Tensor]

    def predict(self, x: Any) -> Tensor:
        """Logits, one row per example."""
        return self.forward(self.state, x)


def compress(model: nn.Module, data: Any, budget: Budget) -> CompressedModel:
    """Prunes channels, fine-tunes what is left on the grid of its weights, and packs the integers.

    Args:
        model: a `digits_cnn()` or a `GCN()`, trained; left unchanged.
        data: its training data: `(images, labels)`, or a PyG `Data` with x, edge_index and y.
        budget: bytes and multiply-accumulates.

    Returns:
        A model within the budget. Its `predict` takes the same input as the given network.

    Raises:
        ValueError: no network is small enough.
    """
    weights, biases = folded(model)
    if isinstance(data, tuple):
        narrow = _cut(weights, biases, _widths_of_cnn(budget))
        x, labels = data
        steps = [(x[rows], labels[rows]) for rows in _batches(len(labels), 12, 64)]
        return CompressedModel(_packed(*_tuned(*narrow, steps, 8e-3)), _predict)
    heard = data.edge_index.shape[1] / len(data.x) + 3  # sums for each number that a node sends to others
    narrow = _cut(weights, biases, _widths_of_gcn(weights, heard, budget))
    return CompressedModel(_packed(*_tuned(*narrow, [(data, data.y)] * 80, 2e-2)), _predict)


# --- which channels stay --------------------------------------------------------------------------------


def _bytes(weights: Sequence[int], outputs: Sequence[int]) -> int:
    """Packed weights, a scale and a bias of 16 bits per output, and the cost of unpacking."""
    return sum((count * BITS + 7) // 8 for count in weights) + 4 * sum(outputs) + SPARE_BYTES


def _widths_of_cnn(budget: Budget) -> tuple[int, ...]:
    """Channels of both convolutions: as many weights as fit, one to three times as many channels in the second."""
    best: tuple[int, ...] = (0, 0, 0)
    for a in range(1, 17):
        for b in range(a, min(32, 3 * a) + 1):
            macs = 64 * 9 * a + 16 * 9 * a * b + 40 * b
            stored = _bytes([9 * a, 9 * a * b, 40 * b], [a, b, 10])
            if stored <= budget.bytes and SPARE_MACS * macs <= budget.macs:
                best = max(best, (9 * a + 9 * a * b + 40 * b, a, b))
    if not best[0]:
        raise ValueError(f"{budget} is too small for any network")
    return best[1:]


def _widths_of_gcn(weights: Sequence[Tensor], heard: float, budget: Budget) -> tuple[int, ...]:
    hidden, features, classes = *weights[0].shape, len(weights[1])
    for width in range(hidden, 0, -1):
        macs = width * features + classes * width + heard * (width + classes)
        stored = _bytes([width * features, classes * width], [width, classes])
        if stored <= budget.bytes and SPARE_MACS * macs <= budget.macs:
            return (width,)
    raise ValueError(f"{budget} is too small for any network")


def _cut(
    weights: Sequence[Tensor], biases: Sequence[Tensor], widths: Sequence[int]
) -> tuple[list[Tensor], list[Tensor]]:
    """Keeps the hidden channels whose incoming and outgoing weights are largest."""
    weights, biases = list(weights), list(biases)
    for layer, width in enumerate(widths):
        here, following = weights[layer], weights[layer + 1]
        leaving = following.view(len(following), len(here), -1)
        scores = here.flatten(1).norm(dim=1) * leaving.transpose(0, 1).flatten(1).norm(dim=1)
        keep = scores.topk(width).indices.sort().values
        weights[layer], biases[layer] = here[keep], biases[layer][keep]
        weights[layer + 1] = leaving[:, keep].reshape(len(following), -1, *following.shape[2:])
        if following.ndim == 4:
            weights[layer + 1] = following[:, keep]
    return weights, biases


# --- fine-tuning on the grid ------------------------------------------------------------------------------


def _scales(w: Tensor) -> Tensor:
    """One grid step per output, rounded to the 16 bits in which it is stored."""
    largest: Tensor = w.detach().flatten(1).abs().amax(dim=1) / (2 ** (BITS - 1) - 1)
    return largest.clamp(min=1e-4).half().float().view(-1, *[1] * (w.ndim - 1))


def _codes(w: Tensor) -> Tensor:
    """The nearest points of the grid, as integers in floating point."""
    most = 2 ** (BITS - 1) - 1
    codes: Tensor = torch.round(w / _scales(w)).clamp(-most, most)
    return codes


def _on_grid(w: Tensor) -> Tensor:
    """Rounds in the forward pass; the gradient passes unchanged (straight-through estimator)."""
    return w + (_codes(w) * _scales(w) - w).detach()


def _batches(count: int, epochs: int, size: int) -> list[Tensor]:
    order = torch.Generator().manual_seed(0)
    return [rows for _ in range(epochs) for rows in torch.split(torch.randperm(count, generator=order), size)]


def _tuned(
    weights: Sequence[Tensor], biases: Sequence[Tensor], steps: Sequence[tuple[Any, Tensor]], lr: float
) -> tuple[list[Tensor], list[Tensor]]:
    """Weights and biases fine-tuned on the grid: rounded in every step."""
    count = len(weights)
    numbers = [each.clone().requires_grad_() for each in (*weights, *biases)]
    optimizer = torch.optim.Adam(numbers, lr=lr)
    for step, (x, labels) in enumerate(steps):
        optimizer.param_groups[0]["lr"] = lr * training.cosine(step / len(steps))
        optimizer.zero_grad()
        logits = network([_on_grid(w) for w in numbers[:count]], numbers[count:], x)
        functional.cross_entropy(logits, labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    done = [each.detach() for each in numbers]
    return done[:count], done[count:]


# --- what is stored -------------------------------------------------------------------------------------


def _packed(weights: Sequence[Tensor], biases: Sequence[Tensor]) -> dict[str, Tensor]:
    """Integers of a few bits side by side, scales and biases in 16 bits."""
    state: dict[str, Tensor] = {}
    for number, (w, b) in enumerate(zip(weights, biases, strict=True)):
        codes = (_codes(w) + 2 ** (BITS - 1)).to(torch.uint8)
        state |= {f"codes{number}": pack(codes, BITS), f"scales{number}": _scales(w).half(), f"bias{number}": b.half()}
    return state


def _predict(state: Mapping[str, Tensor], x: Any) -> Tensor:
    """Unpacks the weights and runs the network."""
    weights, biases, layers = [], [], range(len(state) // 3)
    rows = [len(state[f"bias{number}"]) for number in layers]
    inputs = {after: before for before, after in pairwise(layers)}
    for number in layers:
        scales, packed = state[f"scales{number}"].float(), state[f"codes{number}"]
        count = 8 * len(packed) // BITS // rows[number] * rows[number]
        codes = unpack(packed, BITS, count).float() - 2 ** (BITS - 1)
        channels = rows[inputs[number]] if number in inputs else 1
        shape = (rows[number], channels, 3, 3) if scales.ndim == 4 else (rows[number], -1)
        weights.append(codes.view(shape) * scales)
        biases.append(state[f"bias{number}"].float())
    return network(weights, biases, x)
