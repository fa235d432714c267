"""Marks the weights that stay when the smallest ones go (Han et al., 2015)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes, nearly_tied
from autograder.exercises.declare import Asks, accepts, hidden, mistake, right, slip, visible
from autograder.exercises.pruning.inputs import PRUNERS, Cases, magnitude_problem, mask_problem, t
from course_lib import pruning

ASKS = Asks(
    pruning.magnitude_mask,
    signature="magnitude_mask(w (...), sparsity) -> bool (...), True where a weight stays",
    points={"basics": 1, "corners": 1, "ties": 1},
    forbids=PRUNERS,
    hints=(
        "How many weights go? Find that number first. Can equal weights spoil it?",
        "Sort the places by the size of their weight and cut the sorted list after the right number. Unlike a "
        "threshold, that keeps the count exact where weights are equal.",
        "`order = w.abs().flatten().argsort()`. In a flat mask of True set the places `order[:count]` to False, "
        "with `count = math.floor(sparsity * w.numel() + 0.5)`; then give it the shape of `w`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Cases:
    """By hand, then a matrix, a kernel, roundings, and equal weights."""
    yield Case("five weights", (torch.tensor([0.5, -2.0, 0.1, -0.3, 1.0], dtype=torch.float64), 0.6))
    yield Case("a matrix", (t(rng, 3, 4), 0.5))
    yield Case("kernels, single precision", (t(rng, 2, 2, 3, 3, dtype=torch.float32), 0.75))
    yield Case("nothing goes", (t(rng, 2, 3), 0.0), group="corners")
    yield Case("half of five rounds up", (t(rng, 5), 0.5), group="corners")
    yield Case("half of seven rounds up", (t(rng, 7), 0.5), group="corners")
    ties = torch.tensor([[1.0, -1.0, 1.0], [-1.0, 1.0, 1.0]], dtype=torch.float64)
    yield Case("all of the same size", (ties, 0.5), group="ties")
    yield Case("rounded weights", (t(rng, 4, 5).round(), 0.4), group="ties")


@hidden
def hidden_cases(rng: np.random.Generator) -> Cases:
    """Other sizes, layouts and roundings."""
    yield Case("a larger matrix", (t(rng, 17, 9), 0.9))
    yield Case("a slice of another tensor", (t(rng, 6, 10).T[::2], 0.3))
    yield Case("all positive", (t(rng, 30).abs(), 0.2))
    yield Case("numbers that differ by a few billionths", (torch.from_numpy(nearly_tied(rng, 4, 5)), 0.5))
    yield from magnitudes(lambda scale: (scale * t(rng, 4, 5), 0.5))
    yield Case("everything goes", (t(rng, 3, 3), 1.0), group="corners")
    yield Case("one weight", (t(rng, 1), 0.4), group="corners")
    yield Case("a share of one and three quarters", (t(rng, 7), 0.25), group="corners")
    yield Case("a share of four and a half", (t(rng, 9), 0.5), group="corners")
    yield Case("nothing but zeros", (torch.zeros(3, 6), 0.5), group="ties")
    yield Case("many of the same size", ((2 * t(rng, 12, 10)).round(), 0.35), group="ties")


# --- the judge -----------------------------------------------------------------------------------------------


@accepts
def accepts_mask(case: Case, value: Any) -> str | None:
    """Kind and shape, then the count, then the order of magnitudes: among equals any may go."""
    w, share = case.args
    return mask_problem(value, w, "the mask") or magnitude_problem([value], [w], share)


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(w, sparsity):
    flat = w.abs().reshape(-1).tolist()
    count = math.floor(sparsity * len(flat) + 0.5)
    mask = [True] * len(flat)
    for place in sorted(range(len(flat)), key=lambda i: flat[i])[:count]:
        mask[place] = False
    print("pruned", count, "weights")
    return torch.tensor(mask, device=w.device).reshape(w.shape)


@right("other formula")
def other_formula(w, sparsity):
    stay = w.numel() - int(sparsity * w.numel() + 0.5)
    chosen = torch.topk(w.abs().flatten(), stay).indices
    return torch.zeros(w.numel(), dtype=torch.bool).scatter(0, chosen, True).view_as(w)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(w, sparsity):
    count = int(sparsity * w.numel() + 0.5)
    mask = torch.ones(w.numel(), dtype=torch.bool)
    mask[w.abs().flatten().argsort(stable=True)[:count]] = False
    return mask.reshape(w.shape)


mask_signed = slip(
    answer,
    "w.abs()",
    "w",
    says="The most negative weights went, not the smallest. A weight of -5 matters as much as one of 5: sort w.abs().",
)


mask_inverted = slip(
    answer,
    ("torch.ones", "torch.zeros"),
    ("False", "True"),
    says="Your mask is True where a weight goes. It multiplies the weights, so True means: this one stays.",
)


@mistake
def mask_share_of_largest(w, sparsity):
    """You kept what is larger than sparsity times the largest weight. Sparsity is a share of the number of weights:
    count how many go, and take that many of the smallest."""
    return w.abs() > sparsity * w.abs().max()


@mistake
def mask_threshold(w, sparsity):
    """Weights that equal the threshold all went together. Exactly round(sparsity * numel) weights go, even where some
    are equal: sort them and cut the order, not the values."""
    count = int(sparsity * w.numel() + 0.5)
    if count == 0:
        return torch.ones_like(w, dtype=torch.bool)
    return w.abs() > w.abs().flatten().sort().values[count - 1]


mask_truncated = slip(
    answer,
    "sparsity * w.numel() + 0.5",
    "sparsity * w.numel()",
    says="The number of pruned weights was rounded down. Round to the nearest, halves up: floor(sparsity * numel "
    "+ 0.5).",
)


mask_weights = slip(
    answer,
    "mask.reshape",
    "w * mask.reshape",
    says="This is the pruned weight, not the mask. The exercise asks for a bool tensor: True where a weight stays.",
)
