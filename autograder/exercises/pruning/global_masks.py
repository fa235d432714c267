"""Masks of several layers that share one threshold: layers with small weights lose more."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes, nearly_tied
from autograder.exercises.declare import Asks, accepts, hidden, mistake, right, slip, visible
from autograder.exercises.pruning.inputs import PRUNERS, Cases, magnitude_problem, mask_problem, t
from course_lib import pruning

ASKS = Asks(
    pruning.global_masks,
    signature="global_masks(weights [tensor, ...], sparsity) -> [bool, ...], one mask for each layer",
    points={"basics": 2, "corners": 1},
    forbids=PRUNERS,
    hints=(
        "If all weights stood in one queue, which would go? And how do you find the way back to the layers?",
        "One long vector of all layers gets one magnitude mask. Cut the mask at the sizes of the layers, and give "
        "each piece its layer's shape.",
        "`magnitude_mask(torch.cat([w.flatten() for w in weights]), sparsity)` is the long mask. `torch.split` cuts "
        "it at `[w.numel() for w in weights]`; `reshape` each piece to its `w.shape`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _near(rng: np.random.Generator, *shape: int) -> Tensor:
    return torch.from_numpy(nearly_tied(rng, *shape))


@visible
def visible_cases(rng: np.random.Generator) -> Cases:
    """Two layers by hand, then others."""
    two = [
        torch.tensor([[3.0, -0.2], [0.4, -5.0]], dtype=torch.float64),
        torch.tensor([0.1, -0.3], dtype=torch.float64),
    ]
    yield Case("two layers", (two, 0.5))
    yield Case("a layer of small weights", ([t(rng, 4, 3), 0.1 * t(rng, 5, 4)], 0.6))
    yield Case("kernels and a matrix", ([t(rng, 2, 1, 3, 3), t(rng, 3, 8), t(rng, 2, 3)], 0.7))
    yield Case("half of fifteen rounds up", ([t(rng, 2, 4), t(rng, 7)], 0.5), group="corners")
    yield Case("half of seventeen rounds up", ([t(rng, 2, 5), t(rng, 7)], 0.5), group="corners")
    yield Case("all of the same size", ([torch.ones(2, 3), -torch.ones(4)], 0.3), group="corners")


@hidden
def hidden_cases(rng: np.random.Generator) -> Cases:
    """Other sizes and layouts."""
    yield Case("three matrices", ([t(rng, 9, 7), 2 * t(rng, 5, 9), 0.5 * t(rng, 3, 5)], 0.85))
    yield Case("one layer", ([t(rng, 4, 6)], 0.25))
    single = [t(rng, 3, 8, dtype=torch.float32).T, t(rng, 4, 6, dtype=torch.float32)[:, ::2]]
    yield Case("views, single precision", (single, 0.4))
    yield Case("a layer dies altogether", ([0.001 * t(rng, 3, 2), 1 + t(rng, 4, 6).abs()], 0.4))
    yield Case("numbers that differ by a few billionths", ([_near(rng, 3, 4), -_near(rng, 9)], 0.5))
    yield Case("a row and a column", ([t(rng, 1, 6), t(rng, 5, 1)], 0.5))
    yield from magnitudes(lambda scale: ([scale * t(rng, 3, 4), scale * t(rng, 9)], 0.5))
    yield Case("nothing goes", ([t(rng, 3, 2), t(rng, 4)], 0.0), group="corners")
    yield Case("everything goes", ([t(rng, 3, 2), t(rng, 4)], 1.0), group="corners")
    yield Case("many of the same size", ([t(rng, 6, 5).round(), t(rng, 5, 5).round()], 0.62), group="corners")


# --- the judge -----------------------------------------------------------------------------------------------


@accepts
def accepts_masks(case: Case, value: Any) -> str | None:
    """As for one layer, with all layers together."""
    weights, share = case.args
    if not isinstance(value, (list, tuple)) or len(value) != len(weights):
        return f"expected a list of {len(weights)} masks, one per layer"
    for index, (mask, w) in enumerate(zip(value, weights, strict=True)):
        problem = mask_problem(mask, w, f"mask {index}")
        if problem is not None:
            return problem
    return magnitude_problem(value, weights, share)


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(weights, sparsity):
    everything = []
    for layer, w in enumerate(weights):
        for place, value in enumerate(w.abs().reshape(-1).tolist()):
            everything.append((value, -layer, -place))
    everything.sort()
    masks = [torch.ones(w.numel(), dtype=torch.bool) for w in weights]
    for _, layer, place in everything[: math.floor(sparsity * len(everything) + 0.5)]:
        masks[-layer][-place] = False
    return tuple(mask.view(w.shape) for mask, w in zip(masks, weights))


@right("other formula")
def other_formula(weights, sparsity):
    sizes = torch.cat([w.abs().reshape(-1) for w in weights])
    ranks = torch.empty(len(sizes), dtype=torch.int64)
    ranks[torch.argsort(sizes)] = torch.arange(len(sizes))
    alive = ranks >= int(len(sizes) * sparsity + 0.5)
    masks, start = [], 0
    for w in weights:
        masks.append(alive[start : start + w.numel()].reshape(w.shape))
        start += w.numel()
    return masks


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(weights, sparsity):
    sizes = torch.cat([w.abs().flatten() for w in weights])
    mask = torch.ones(len(sizes), dtype=torch.bool)
    mask[sizes.argsort(stable=True)[: int(sparsity * len(sizes) + 0.5)]] = False
    parts = torch.split(mask, [w.numel() for w in weights])
    return [part.reshape(w.shape) for part, w in zip(parts, weights, strict=True)]


@mistake
def masks_each_layer(weights, sparsity):
    """Every layer lost the same share. Here all weights are in one queue: one sort over all layers together, so that a
    layer of small weights loses more."""
    masks = []
    for w in weights:
        mask = torch.ones(w.numel(), dtype=torch.bool)
        mask[w.abs().flatten().argsort(stable=True)[: int(sparsity * w.numel() + 0.5)]] = False
        masks.append(mask.reshape(w.shape))
    return masks


masks_inverted = slip(
    answer,
    ("torch.ones", "torch.zeros"),
    ("False", "True"),
    says="Your masks are True where a weight goes. True means: this one stays.",
)


masks_signed = slip(
    answer,
    "w.abs()",
    "w",
    says="The most negative weights went, not the smallest: sort absolute values.",
)


@mistake
def masks_flat(weights, sparsity):
    """The masks are right, but flat. Each needs the shape of its weight: part.reshape(w.shape)."""
    sizes = torch.cat([w.abs().flatten() for w in weights])
    mask = torch.ones(len(sizes), dtype=torch.bool)
    mask[sizes.argsort(stable=True)[: int(sparsity * len(sizes) + 0.5)]] = False
    return list(torch.split(mask, [w.numel() for w in weights]))


@mistake
def masks_threshold(weights, sparsity):
    """Weights that equal the threshold all went together. Exactly round(sparsity * N) go, even where some are equal:
    cut the sorted order, not the values."""
    sizes = torch.cat([w.abs().flatten() for w in weights])
    count = int(sparsity * len(sizes) + 0.5)
    threshold = sizes.sort().values[count - 1] if count else -1.0
    return [w.abs() > threshold for w in weights]


masks_truncated = slip(
    answer,
    "sparsity * len(sizes) + 0.5",
    "sparsity * len(sizes)",
    says="The number of pruned weights was rounded down. Round to the nearest, halves up: floor(sparsity * N + 0.5).",
)
