"""The course's reference, which the points are measured against: pruning and quantization as notebooks 12 and 13 do it.

Channels are cut until the budget fits, and what is left is fine-tuned with weights rounded to 4 bits. Nothing is
tuned to the budget. It is on the judge's side alone; `course_lib.capstone.compress` goes further.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from course_lib import training
from course_lib.capstone import Budget, CompressedModel, folded, network, pack, unpack

BITS = 4
_WIDTHS = {
    "digits": ((6, 16), (6, 14), (5, 11), (4, 10), (4, 8), (3, 6), (3, 5), (2, 5), (2, 4)),
    "graph": ((16,), (10,), (8,), (6,), (5,), (4,), (3,)),
}


def compress(model: Any, data: Any, budget: Budget) -> CompressedModel:
    """The widest of a few networks that fits."""
    weights, biases = folded(model)
    images = isinstance(data, tuple)
    for widths in _WIDTHS["digits" if images else "graph"]:
        narrow = _cut(weights, biases, widths)
        if _fits(*narrow, data, budget):
            return _packed(*_tuned(*narrow, data))
    raise ValueError(f"{budget} is too small for any network")


def _cut(weights: list[Tensor], biases: list[Tensor], widths: tuple[int, ...]) -> tuple[list[Tensor], list[Tensor]]:
    weights, biases = list(weights), list(biases)
    for layer, width in enumerate(widths):
        keep = weights[layer].flatten(1).norm(dim=1).topk(width).indices
        after = weights[layer + 1]
        entering = after.reshape(len(after), len(weights[layer]), -1)[:, keep]
        weights[layer], biases[layer] = weights[layer][keep], biases[layer][keep]
        weights[layer + 1] = entering.reshape(-1, width, 3, 3) if after.ndim == 4 else entering.flatten(1)
    return weights, biases


def _fits(weights: list[Tensor], biases: list[Tensor], data: Any, budget: Budget) -> bool:
    outputs = sum(map(len, biases))
    stored = sum(w.numel() for w in weights) * BITS / 8 + outputs + 16
    if isinstance(data, tuple):
        macs = sum(w.numel() * places for w, places in zip(weights, (64, 16, 1), strict=True))
        macs += 64 * len(biases[0]) + 16 * len(biases[1])
    else:
        macs = sum(w.numel() for w in weights) + outputs * (data.edge_index.shape[1] / len(data.x) + 3)
    return stored <= budget.bytes and 1.03 * macs <= budget.macs


def _step(w: Tensor) -> Tensor:
    return (w.detach().abs().max() / 7).half().float()


def _codes(w: Tensor) -> Tensor:
    return torch.round(w / _step(w)).clamp(-7, 7)


def _tuned(weights: list[Tensor], biases: list[Tensor], data: Any) -> tuple[list[Tensor], list[Tensor]]:
    count, images = len(weights), isinstance(data, tuple)
    leaves = [each.clone().requires_grad_() for each in (*weights, *biases)]
    order = torch.Generator().manual_seed(0)
    feed: list[tuple[Any, Tensor]] = (
        [batch for _ in range(8) for batch in training.batches(data, 64, order)] if images else [(data, data.y)] * 60
    )
    optimizer, rate = torch.optim.Adam(leaves), 8e-3 if images else 2e-2
    for number, (x, labels) in enumerate(feed):
        optimizer.param_groups[0]["lr"] = rate * training.cosine(number / len(feed))
        optimizer.zero_grad()
        rounded = [w + (_codes(w) * _step(w) - w).detach() for w in leaves[:count]]
        functional.cross_entropy(network(rounded, leaves[count:], x), labels).backward()
        optimizer.step()
    done = [each.detach() for each in leaves]
    return done[:count], done[count:]


def _packed(weights: list[Tensor], biases: list[Tensor]) -> CompressedModel:
    steps, step = [float(_step(w)) for w in weights], float((torch.cat(biases).abs().max() / 127).half())
    state = {
        "codes": pack(torch.cat([(_codes(w) + 8).flatten() for w in weights]).to(torch.uint8), BITS),
        "biases": torch.round(torch.cat(biases) / step).clamp(-127, 127).to(torch.int8),
    }
    shapes, sizes = [w.shape for w in weights], [w.numel() for w in weights]
    outputs = [len(b) for b in biases]

    def forward(state: Any, x: Any) -> Tensor:
        row = (unpack(state["codes"], BITS, sum(sizes)).float() - 8).split(sizes)
        scaled = [part.view(shape) * each for part, shape, each in zip(row, shapes, steps, strict=True)]
        return network(scaled, (state["biases"] * step).split(outputs), x)

    return CompressedModel(state, forward)
