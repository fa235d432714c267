"""Two methods that are not enough, for comparison: pruning alone, quantization alone; and what a model costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib.capstone.compression import SKELETON, CompressedModel
from course_lib.capstone.networks import folded, network
from course_lib.capstone.packing import pack, unpack
from course_lib.capstone.tasks import Task, inputs_of
from course_lib.program import Program, record, run

__all__ = ["Measured", "charged", "measured", "prune_only", "quantize_only", "recorded", "uncompressed"]


@dataclass(frozen=True)
class Measured:
    """A model's accuracy and cost.

    Attributes:
        accuracy: the share of held-out examples that it classifies correctly.
        bytes: bytes that it takes to write it down, without the skeleton.
        macs: multiply-accumulates per example.
    """

    accuracy: float
    bytes: int
    macs: float


def recorded(model: Any, x: Any) -> Program:
    """What `model.predict(x)` executes, with every number that it needs."""
    return record(model.predict, x, inputs_of(x))


def charged(program: Program) -> int:
    """Bytes that count against a budget: the whole program, without the skeleton that every network needs."""
    return max(0, program.size - SKELETON)


def measured(model: Any, task: Task) -> Measured:
    """Accuracy, bytes and multiply-accumulates, counted as the judge counts them."""
    program = recorded(model, task.example)
    results = [run(program, inputs_of(batch)) for batch in task.batches]
    logits, macs = torch.cat([found for found, _ in results]), sum(cost.macs for _, cost in results)
    right = float((logits.argmax(dim=1) == task.labels).double().mean())
    return Measured(right, charged(program), macs / len(task.labels))


def uncompressed(model: nn.Module) -> CompressedModel:
    """The network, uncompressed."""
    return CompressedModel(dict(model.state_dict()), lambda _, x: model(x))


def _state(weights: Sequence[Tensor], biases: Sequence[Tensor]) -> dict[str, Tensor]:
    pairs = zip(weights, biases, strict=True)
    return {f"{name}{n}": each for n, pair in enumerate(pairs) for name, each in zip("wb", pair, strict=True)}


def _floats(state: Mapping[str, Tensor], x: Any) -> Tensor:
    layers = range(len(state) // 2)
    return network([state[f"w{n}"] for n in layers], [state[f"b{n}"] for n in layers], x)


def _fit(
    numbers: list[Tensor], data: Any, rounding: Callable[[Tensor], Tensor], epochs: int = 12
) -> tuple[list[Tensor], list[Tensor]]:
    """Trains weights and biases, with `rounding` applied to the weights."""
    half = len(numbers) // 2
    leaves = [each.clone().requires_grad_() for each in numbers]
    optimizer = torch.optim.Adam(leaves, lr=8e-3)
    order = torch.Generator().manual_seed(0)
    for _ in range(epochs if isinstance(data, tuple) else 8 * epochs):
        rows = torch.split(torch.randperm(len(data[1]), generator=order), 64) if isinstance(data, tuple) else (None,)
        for some in rows:
            x, labels = (data[0][some], data[1][some]) if isinstance(data, tuple) else (data, data.y)
            optimizer.zero_grad()
            logits = network([rounding(w) for w in leaves[:half]], leaves[half:], x)
            functional.cross_entropy(logits, labels).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    done = [each.detach() for each in leaves]
    return done[:half], done[half:]


def prune_only(model: nn.Module, data: Any, widths: Sequence[int]) -> CompressedModel:
    """Removes hidden channels of small norm and fine-tunes the others; numbers stay 32-bit floats.

    Args:
        model: a `digits_cnn()` or a `GCN()`, trained.
        data: its training data.
        widths: channels that stay in each hidden layer, two for the CNN, one for the GCN.
    """
    weights, biases = folded(model)
    for layer, width in enumerate(widths):
        keep = weights[layer].flatten(1).norm(dim=1).topk(width).indices
        after = weights[layer + 1]
        if after.ndim == 2:  # a channel may enter a linear layer as several numbers
            after = after.view(len(after), len(weights[layer]), -1)
        after = after[:, keep]
        weights[layer], biases[layer] = weights[layer][keep], biases[layer][keep]
        weights[layer + 1] = after if after.ndim == 4 else after.flatten(1)
    return CompressedModel(_state(*_fit([*weights, *biases], data, lambda w: w)), _floats)


def quantize_only(model: nn.Module, data: Any, bits: int) -> CompressedModel:
    """Keeps every channel and fine-tunes with weights of few bits, packed; biases take 16 bits.

    Args:
        model: a `digits_cnn()` or a `GCN()`, trained.
        data: its training data.
        bits: bits per weight, 2 to 8.
    """
    most = 2 ** (bits - 1) - 1

    def step(w: Tensor) -> Tensor:
        largest: Tensor = w.detach().abs().amax() / most
        return largest

    def rounded(w: Tensor) -> Tensor:
        return w + (torch.round(w / step(w)).clamp(-most, most) * step(w) - w).detach()

    weights, biases = folded(model)
    shapes = [w.shape for w in weights]
    weights, biases = _fit([*weights, *biases], data, rounded)
    state = {f"b{n}": b.half() for n, b in enumerate(biases)}
    for n, w in enumerate(weights):
        state[f"s{n}"] = step(w)
        state[f"q{n}"] = pack((torch.round(w / step(w)).clamp(-most, most) + most).to(torch.uint8), bits)

    def forward(state: Mapping[str, Tensor], x: Any) -> Tensor:
        found = [
            (unpack(state[f"q{n}"], bits, shape.numel()).float() - most).view(shape) * state[f"s{n}"]
            for n, shape in enumerate(shapes)
        ]
        return network(found, [state[f"b{n}"].float() for n in range(len(shapes))], x)

    return CompressedModel(state, forward)
