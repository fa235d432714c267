"""The bytes that weights take, packed without gaps."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case
from autograder.exercises.declare import Asks, hidden, mistake, right, slip, visible
from autograder.exercises.pruning.inputs import Cases
from course_lib import pruning

ASKS = Asks(
    pruning.model_bytes,
    signature="model_bytes(weights [tensor, ...], masks [bool or None, ...], bits, index_bits) -> int",
    points={"basics": 1, "packed": 1},
    hints=(
        "What does a weight of a sparse layer need that a weight of a dense one does not? And when do bits become "
        "bytes?",
        "Add up bits: in a dense layer for all weights, in a sparse one for each weight that stays, its number and "
        "its place. Only the total is rounded up to bytes.",
        "A layer takes `bits * w.numel()` where its mask is `None`, else `(bits + index_bits) * int(mask.sum())`. "
        "At the end `(total + 7) // 8`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def bools(rng: np.random.Generator, *shape: int) -> Tensor:
    """Random bools, True half of the time."""
    return torch.from_numpy(rng.random(shape) < 0.5)


@visible
def visible_cases(rng: np.random.Generator) -> Cases:
    """By hand, then a dense and a sparse layer."""
    some = torch.tensor([[True, False, False, True], [False, False, True, False]])
    yield Case("one sparse layer", ([torch.ones(2, 4)], [some], 8, 4))
    yield Case("a dense layer", ([torch.ones(3, 5)], [None], 32, 10))
    yield Case("a sparse and a dense layer", ([torch.ones(5, 7), torch.ones(3, 5)], [bools(rng, 5, 7), None], 8, 5))
    three = [torch.ones(3), torch.ones(3), torch.ones(3)]
    yield Case("bits that fill no byte", (three, [None, None, torch.ones(3, dtype=torch.bool)], 3, 4), group="packed")
    yield Case("5 bits in two layers", ([torch.ones(5), torch.ones(5)], [None, None], 5, 3), group="packed")


@hidden
def hidden_cases(rng: np.random.Generator) -> Cases:
    """Other layers."""
    shapes = ((30, 20), (10, 30), (4, 2, 3, 3))
    weights = [torch.ones(shape) for shape in shapes]
    yield Case("three sparse layers", (weights, [bools(rng, *shape) for shape in shapes], 32, 16))
    yield Case("one is dense", (weights, [bools(rng, 30, 20), None, bools(rng, 4, 2, 3, 3)], 4, 6))
    yield Case("no index at all", (weights, [bools(rng, *shape) for shape in shapes], 8, 0))
    yield Case("one bit", ([torch.ones(3, 3)], [None], 1, 0), group="packed")
    yield Case("nothing is left", ([torch.ones(3, 3)], [torch.zeros(3, 3, dtype=torch.bool)], 8, 8), group="packed")
    odd = [torch.ones(7), torch.ones(11), torch.ones(13)]
    yield Case("odd sizes", (odd, [None, bools(rng, 11), bools(rng, 13)], 3, 2), group="packed")


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(weights, masks, bits, index_bits):
    total = 0
    for i in range(len(weights)):
        if masks[i] is None:
            for _ in range(weights[i].numel()):
                total += bits
        else:
            for stays in masks[i].reshape(-1).tolist():
                if stays:
                    total += bits + index_bits
    return math.ceil(total / 8)


@right("other formula")
def other_formula(weights, masks, bits, index_bits):
    from fractions import Fraction

    dense = sum(w.numel() for w, mask in zip(weights, masks) if mask is None)
    stored = sum(torch.count_nonzero(mask).item() for mask in masks if mask is not None)
    return math.ceil(Fraction(dense * bits + stored * (bits + index_bits), 8))


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(weights, masks, bits, index_bits):
    total = 0
    for w, mask in zip(weights, masks, strict=True):
        total += w.numel() * bits if mask is None else int(mask.sum()) * (bits + index_bits)
    return -(-total // 8)


@mistake
def bytes_index_everywhere(weights, masks, bits, index_bits):
    """Indices were counted for dense layers too. Where the mask is None every weight is there, in order, and nothing
    needs to say where it is."""
    total = 0
    for w, mask in zip(weights, masks, strict=True):
        total += (w.numel() if mask is None else int(mask.sum())) * (bits + index_bits)
    return -(-total // 8)


@mistake
def bytes_without_index(weights, masks, bits, index_bits):
    """The indices are missing. A sparse layer must say where each of its weights is: bits + index_bits for each."""
    total = 0
    for w, mask in zip(weights, masks, strict=True):
        total += (w.numel() if mask is None else int(mask.sum())) * bits
    return -(-total // 8)


bytes_of_all_weights = slip(
    bytes_without_index,
    "(w.numel() if mask is None else int(mask.sum())) * bits",
    "w.numel() * (bits if mask is None else bits + index_bits)",
    says="The pruned weights were counted too. Only what stays is stored: mask.sum() weights.",
)


bytes_of_pruned = slip(
    answer,
    "mask.sum",
    "(~mask).sum",
    says="You counted the weights that went. True marks those that stay.",
)


@mistake
def bytes_each_layer(weights, masks, bits, index_bits):
    """Every layer was rounded up by itself. The layers are packed one after the other: add all bits, then round up
    once."""
    total = 0
    for w, mask in zip(weights, masks, strict=True):
        layer = w.numel() * bits if mask is None else int(mask.sum()) * (bits + index_bits)
        total += -(-layer // 8)
    return total


bytes_rounded_down = slip(
    answer,
    "-(-total // 8)",
    "total // 8",
    says="The last bits are lost: you rounded down. A byte that is partly filled is a byte: (total + 7) // 8.",
)


bytes_are_bits = slip(
    answer,
    "-(-total // 8)",
    "total",
    says="These are bits. The exercise asks for bytes, eight bits each.",
)
