"""A network within a budget: channels are removed, the rest is trained on a coarse grid, and the integers packed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib import training
from course_lib.capstone.networks import folded, network
from course_lib.capstone.packing import pack, unpack

__all__ = ["SKELETON", "Budget", "CompressedModel", "compress"]

SKELETON = 200
"""Bytes of a program that are free. The code of `compress` takes 160 to 180, that of other plain networks up to 200."""
BITS = 3
SPARE_BYTES, SPARE_MACS = 12, 1.03
"""The cost of unpacking: bytes beyond the skeleton, and work that is shared by all examples."""


@dataclass(frozen=True)
class Budget:
    """What a compressed network may cost.

    Attributes:
        bytes: bytes that it takes to write its program down, beyond the first `SKELETON`.
        macs: multiply-accumulates per example: one image, or one node of a graph.
    """

    bytes: int
    macs: int


@dataclass(frozen=True)
class CompressedModel:
    """What is stored, and how it is used.

    Attributes:
        state: tensors by name.
        forward: from the state and an input to logits.
    """

    state: Mapping[str, Tensor]
    forward: Callable[[Mapping[str, Tensor], Any], Tensor]

    def predict(self, x: Any) -> Tensor:
        """Logits, one row per example."""
        return self.forward(self.state, x)


def compress(model: nn.Module, data: Any, budget: Budget) -> CompressedModel:
    """Prunes channels, fine-tunes what is left on a grid with a learned step, and packs the integers.

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
        return _packed(*_tuned(*narrow, _batches(data, 16), 16 * len(data[1]) // 64, 2e-2))
    heard = data.edge_index.shape[1] / len(data.x) + 3  # sums for each number that a node sends to others
    narrow = _cut(weights, biases, _widths_of_gcn(weights, heard, budget))
    return _packed(*_tuned(*narrow, _masked(data, 100), 100, 2e-2))


# --- which channels stay --------------------------------------------------------------------------------


def _bytes(weights: int, outputs: int) -> int:
    """Packed weights, a bias of 8 bits per output, and the cost of unpacking."""
    return (weights * BITS + 7) // 8 + outputs + SPARE_BYTES


def _widths_of_cnn(budget: Budget) -> tuple[int, ...]:
    """Channels of both convolutions: as many weights as fit, two to four times as many channels in the second."""
    best: tuple[int, ...] = (0, 0, 0)
    for a in range(1, 17):
        for b in range(2 * a, min(32, 4 * a) + 1):
            macs = 64 * 10 * a + 16 * (9 * a + 1) * b + 40 * b
            weights = 9 * a + 9 * a * b + 40 * b
            if _bytes(weights, a + b + 10) <= budget.bytes and SPARE_MACS * macs <= budget.macs:
                best = max(best, (weights, a, b))
    if not best[0]:
        raise ValueError(f"{budget} is too small for any network")
    return best[1:]


def _widths_of_gcn(weights: Sequence[Tensor], heard: float, budget: Budget) -> tuple[int, ...]:
    hidden, features, classes = *weights[0].shape, len(weights[1])
    for width in range(hidden, 0, -1):
        macs = width * features + classes * width + heard * (width + classes)
        stored = _bytes(width * features + classes * width, width + classes)
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


def _codes(w: Tensor, step: Tensor) -> Tensor:
    """The nearest points of the grid, from -2^(BITS-1), as integers in floating point."""
    return torch.round((w / step).clamp(-(2 ** (BITS - 1)), 2 ** (BITS - 1) - 1))


def _on_grid(w: Tensor, step: Tensor) -> Tensor:
    """Rounds in the forward pass; the gradient passes unchanged to weight and step (Esser et al., 2020)."""
    within = (w / step).clamp(-(2 ** (BITS - 1)), 2 ** (BITS - 1) - 1)
    grid: Tensor = (within + (torch.round(within) - within).detach()) * step
    return grid


def _batches(data: tuple[Tensor, Tensor], epochs: int) -> Iterator[tuple[Tensor, Tensor]]:
    order = torch.Generator().manual_seed(0)
    for _ in range(epochs):
        yield from training.batches(data, 64, order)


def _masked(graph: Any, count: int) -> Iterator[tuple[Any, Tensor]]:
    """The same graph again and again, each time with half of its features set to 0, so that none is relied on alone."""
    order = torch.Generator().manual_seed(0)
    for _ in range(count):
        masked = copy(graph)
        masked.x = 2 * graph.x * (torch.rand(graph.x.shape, generator=order) < 0.5)
        yield masked, graph.y


def _tuned(
    weights: Sequence[Tensor], biases: Sequence[Tensor], feed: Iterator[tuple[Any, Tensor]], count: int, lr: float
) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Weights, biases and one grid step per layer, all learned; `count` is about how many batches `feed` has."""
    numbers = [each.clone().requires_grad_() for each in (*weights, *biases)]
    steps = [(2 * w.abs().mean() / (2 ** (BITS - 1) - 0.5) ** 0.5).requires_grad_() for w in weights]
    optimizer = torch.optim.Adam([{"params": numbers}, {"params": steps}])
    for done, (x, labels) in enumerate(feed):
        rate = lr * training.cosine(min(1.0, done / count))
        optimizer.param_groups[0]["lr"], optimizer.param_groups[1]["lr"] = rate, 0.05 * rate
        optimizer.zero_grad()
        rounded = [_on_grid(w, step) for w, step in zip(numbers, steps, strict=False)]
        logits = network(rounded, numbers[len(weights) :], x)
        functional.cross_entropy(logits, labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    done_numbers = [each.detach() for each in numbers]
    return done_numbers[: len(weights)], done_numbers[len(weights) :], [step.detach() for step in steps]


# --- what is stored -------------------------------------------------------------------------------------


def _packed(weights: Sequence[Tensor], biases: Sequence[Tensor], steps: Sequence[Tensor]) -> CompressedModel:
    """All codes in one row, so that the code that unpacks them is there once; biases in 8 bits."""
    codes = torch.cat([_codes(w, step).flatten() for w, step in zip(weights, steps, strict=True)])
    all_biases = torch.cat(list(biases))
    step = float((all_biases.abs().max() / 127).half())
    state = {
        "codes": pack((codes + 2 ** (BITS - 1)).to(torch.uint8), BITS),
        "biases": torch.round(all_biases / step).clamp(-127, 127).to(torch.int8),
    }
    shapes, numbers = [tuple(w.shape) for w in weights], [float(each.half()) for each in steps]
    sizes, outputs = [w.numel() for w in weights], [len(b) for b in biases]

    def forward(state: Mapping[str, Tensor], x: Any) -> Tensor:
        """Unpacks the weights and runs the network."""
        row = torch.split(unpack(state["codes"], BITS, sum(sizes)).float() - 2 ** (BITS - 1), sizes)
        scaled = [part.view(shape) * number for part, shape, number in zip(row, shapes, numbers, strict=True)]
        return network(scaled, torch.split(state["biases"] * step, outputs), x)

    return CompressedModel(state, forward)
