"""Removes output channels of one layer, and the inputs of the next layer that read them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, visible
from autograder.exercises.pruning.inputs import EXACT, Cases, t, wide_t
from course_lib import pruning

ASKS = Asks(
    pruning.prune_channels,
    signature=(
        "prune_channels(w1 (C, ...), b1 (C,), w2 (out, C, ...), keep (k,) int64) -> (w1 (k, ...), b1 (k,), w2 "
        "(out, k, ...))"
    ),
    points={"basics": 2},
    hints=(
        "A channel goes. What does the first layer lose by it, and what does the second? On which dimension does "
        "each count channels?",
        "Choose the kept channels among the outputs of the first layer, in its bias, and among the inputs of the "
        "second layer, each in the order of keep.",
        "`keep` indexes dimension 0 of `w1` and of `b1`, and dimension 1 of `w2`: `w2[:, keep]`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _pair(
    rng: np.random.Generator, *shapes: tuple[int, ...], dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor, Tensor]:
    first, second = shapes
    return t(rng, *first, dtype=dtype), t(rng, first[0], dtype=dtype), t(rng, *second, dtype=dtype)


@visible
def visible_cases(rng: np.random.Generator) -> Cases:
    """By hand, then convolutions."""
    w1 = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], dtype=torch.float64)
    b1, w2 = torch.tensor([7.0, 8.0, 9.0], dtype=torch.float64), torch.tensor([[1.0, 2.0, 3.0]], dtype=torch.float64)
    yield Case("three units, two stay", (w1, b1, w2, torch.tensor([0, 2])))
    yield Case("linear layers", (*_pair(rng, (5, 3), (6, 5)), torch.tensor([1, 2, 4])))
    yield Case("convolutions", (*_pair(rng, (4, 2, 3, 3), (5, 4, 2, 2)), torch.tensor([3, 0])))


@hidden
def hidden_cases(rng: np.random.Generator) -> Cases:
    """Other sizes and orders."""
    yield Case("one channel stays", (*_pair(rng, (6, 1, 3, 3), (7, 6, 3, 1)), torch.tensor([4])))
    yield Case("all stay, in another order", (*_pair(rng, (4, 5), (4, 4)), torch.tensor([2, 0, 3, 1])))
    single = _pair(rng, (8, 3), (9, 8), dtype=torch.float32)
    yield Case("single precision", (*single, torch.tensor([0, 7, 3])))
    w1, b1, w2 = _pair(rng, (6, 4, 3, 3), (12, 6, 3, 3))
    every = wide_t(rng, 5, 3), wide_t(rng, 5), wide_t(rng, 4, 5), torch.tensor([3, 1, 4])
    yield Case("numbers of all magnitudes", every, tolerance=EXACT)
    yield Case("slices", (w1[::2], b1[::2], w2[:, ::2], torch.tensor([2, 1])))


# --- properties ----------------------------------------------------------------------------------------------


@holds("removing is zeroing", group="basics")
def removal_is_zeroing(call: Probe, rng: np.random.Generator) -> str | None:
    """The smaller pair computes what the old one does with zeros."""
    (w1, b1, w2), x = _pair(rng, (6, 4), (8, 6)), t(rng, 5, 4)
    keep = torch.from_numpy(rng.permutation(6)[:3])
    small1, small_b, small2 = call(w1, b1, w2, keep)
    hidden = (x @ w1.T + b1).relu()
    stays = torch.zeros(6, dtype=w1.dtype).index_fill(0, keep, 1)
    if not torch.allclose((x @ small1.T + small_b).relu() @ small2.T, (hidden * stays) @ w2.T):
        return "the smaller pair of layers must compute what the old one does with the other units set to 0"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(w1, b1, w2, keep):
    order = keep.tolist()
    return [
        torch.stack([w1[c] for c in order]),
        torch.stack([b1[c] for c in order]),
        torch.stack([w2[:, c] for c in order], dim=1),
    ]


@right("other formula")
def other_formula(w1, b1, w2, keep):
    chosen = torch.eye(len(b1), dtype=w1.dtype)[keep]
    return torch.tensordot(chosen, w1, 1), chosen @ b1, torch.einsum("kc,oc...->ok...", chosen, w2)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def removal_rows_of_next(w1, b1, w2, keep):
    """You cut outputs of the second layer. What it loses are inputs, those that read the removed channels: w2[:,
    keep]."""
    return w1[keep], b1[keep], w2[keep]


@mistake
def removal_forgets_next(w1, b1, w2, keep):
    """The second layer still expects all channels. It loses the inputs that read the removed ones: w2[:, keep]."""
    return w1[keep], b1[keep], w2.clone()


@mistake
def removal_forgets_bias(w1, b1, w2, keep):
    """The bias still has a number for every old channel: b1[keep]."""
    return w1[keep], b1.clone(), w2[:, keep]


@mistake
def removal_zeroes(w1, b1, w2, keep):
    """The channels are zero, but still there, and cost what they cost before. Return smaller tensors, with only the
    channels in keep."""
    stays = torch.zeros(len(b1), dtype=w1.dtype).index_fill(0, keep, 1)
    shape = (-1, *[1] * (w1.dim() - 1))
    return w1 * stays.reshape(shape), b1 * stays, w2 * stays.reshape(1, -1, *[1] * (w2.dim() - 2))


@mistake
def removal_of_keep(w1, b1, w2, keep):
    """The channels in keep were removed, and the others stayed. It is the other way round."""
    others = torch.tensor([channel for channel in range(len(b1)) if channel not in keep.tolist()], dtype=torch.int64)
    return w1[others], b1[others], w2[:, others]


@mistake
def removal_sorted(w1, b1, w2, keep):
    """The channels are in their old order. keep gives the new order: index with it as it is."""
    order = keep.sort().values
    return w1[order], b1[order], w2[:, order]
