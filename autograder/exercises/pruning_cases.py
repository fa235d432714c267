"""Pruning: the cases, what holds whatever the numbers are, and how answers are judged where several are right."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case, Probe
from autograder.harness import pruning as harness
from course_lib import data, pruning, training

__all__ = ["accepts_factors", "accepts_group_mask", "accepts_mask", "accepts_masks", "accepts_pruned"]

Cases = Iterator[Case]


def t(rng: np.random.Generator, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Normal numbers."""
    return torch.from_numpy(rng.standard_normal(shape)).to(dtype)


def kept(rng: np.random.Generator, share: float, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Normal numbers of which a random share is 0."""
    w = t(rng, *shape, dtype=dtype)
    return w * torch.from_numpy(rng.random(shape) >= share)


def bools(rng: np.random.Generator, *shape: int) -> Tensor:
    """Coins."""
    return torch.from_numpy(rng.random(shape) < 0.5)


# --- masks by magnitude ---------------------------------------------------------------------------------


def mask_visible(rng: np.random.Generator) -> Cases:
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


def mask_hidden(rng: np.random.Generator) -> Cases:
    """Other sizes, layouts and roundings."""
    yield Case("a larger matrix", (t(rng, 17, 9), 0.9))
    yield Case("a slice of another tensor", (t(rng, 6, 10).T[::2], 0.3))
    yield Case("all positive", (t(rng, 30).abs(), 0.2))
    yield Case("everything goes", (t(rng, 3, 3), 1.0), group="corners")
    yield Case("one weight", (t(rng, 1), 0.4), group="corners")
    yield Case("a share of one and three quarters", (t(rng, 7), 0.25), group="corners")
    yield Case("a share of four and a half", (t(rng, 9), 0.5), group="corners")
    yield Case("nothing but zeros", (torch.zeros(3, 6), 0.5), group="ties")
    yield Case("many of the same size", ((2 * t(rng, 12, 10)).round(), 0.35), group="ties")


def _mask_problem(mask: Any, w: Tensor, name: str) -> str | None:
    if not isinstance(mask, Tensor):
        return f"{name} is no torch tensor: expected is a bool tensor of shape {tuple(w.shape)}"
    if mask.dtype != torch.bool:
        return f"{name} has dtype {str(mask.dtype).removeprefix('torch.')}; a mask is bool: True where a weight stays"
    if tuple(mask.shape) != tuple(w.shape):
        return f"{name} has shape {tuple(mask.shape)}; expected is {tuple(w.shape)}, the shape of the weights"
    return None


def _magnitude_problem(masks: Sequence[Tensor], weights: Sequence[Tensor], share: float) -> str | None:
    mask = torch.cat([each.flatten() for each in masks])
    size = torch.cat([each.flatten() for each in weights]).abs()
    gone, right = int((~mask).sum()), math.floor(share * size.numel() + 0.5)
    if gone != right:
        return f"{gone} of {size.numel()} weights are pruned; {share:g} of them, rounded, are {right}"
    if 0 < gone < size.numel() and size[~mask].max() > size[mask].min():
        return "a pruned weight is larger, in absolute value, than one that stays"
    return None


def accepts_mask(case: Case, value: Any) -> str | None:
    """Kind and shape, then the count, then the order of magnitudes: among equals any may go."""
    w, share = case.args
    return _mask_problem(value, w, "the mask") or _magnitude_problem([value], [w], share)


def masks_visible(rng: np.random.Generator) -> Cases:
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


def masks_hidden(rng: np.random.Generator) -> Cases:
    """Other sizes and layouts."""
    yield Case("three matrices", ([t(rng, 9, 7), 2 * t(rng, 5, 9), 0.5 * t(rng, 3, 5)], 0.85))
    yield Case("one layer", ([t(rng, 4, 6)], 0.25))
    single = [t(rng, 3, 8, dtype=torch.float32).T, t(rng, 4, 6, dtype=torch.float32)[:, ::2]]
    yield Case("views, single precision", (single, 0.4))
    yield Case("a layer dies altogether", ([0.001 * t(rng, 3, 2), 1 + t(rng, 4, 6).abs()], 0.4))
    yield Case("nothing goes", ([t(rng, 3, 2), t(rng, 4)], 0.0), group="corners")
    yield Case("everything goes", ([t(rng, 3, 2), t(rng, 4)], 1.0), group="corners")
    yield Case("many of the same size", ([t(rng, 6, 5).round(), t(rng, 5, 5).round()], 0.62), group="corners")


def accepts_masks(case: Case, value: Any) -> str | None:
    """As `accepts_mask`, for all layers together."""
    weights, share = case.args
    if not isinstance(value, (list, tuple)) or len(value) != len(weights):
        return f"expected is a list of {len(weights)} masks, one for each layer"
    for index, (mask, w) in enumerate(zip(value, weights, strict=True)):
        problem = _mask_problem(mask, w, f"mask {index}")
        if problem is not None:
            return problem
    return _magnitude_problem(value, weights, share)


# --- the share of zeros ---------------------------------------------------------------------------------


def share_visible(rng: np.random.Generator) -> Cases:
    """By hand, then layers of different sizes."""
    yield Case("one layer", ([torch.tensor([[0.0, 2.0], [-1.0, 0.5]], dtype=torch.float64)],))
    yield Case("a large and a small layer", ([kept(rng, 0.7, 6, 5), kept(rng, 0.2, 2, 3)],))
    yield Case("tiny weights are no zeros", ([1e-6 * t(rng, 3, 2), torch.zeros(2, dtype=torch.float64)],))


def share_hidden(rng: np.random.Generator) -> Cases:
    """Other layers."""
    yield Case("three layers", ([kept(rng, 0.9, 8, 7), kept(rng, 0.5, 3, 2, 3, 3), kept(rng, 0.1, 4)],))
    yield Case("no zero", ([t(rng, 4, 4), t(rng, 3)],))
    yield Case("nothing but zeros", ([torch.zeros(2, 3), torch.zeros(5)],))
    yield Case("zeros with a sign", ([torch.tensor([-0.0, 0.0, -1.0, 1e-38])],))


# --- n of m ---------------------------------------------------------------------------------------------


def group_visible(rng: np.random.Generator) -> Cases:
    """By hand, then others, then what must be refused."""
    w = torch.tensor([[0.1, -3.0, 2.0, 0.5, 1.0, 4.0, -6.0, 5.0]], dtype=torch.float64)
    yield Case("two groups", (w,))
    yield Case("a matrix", (t(rng, 4, 12),))
    yield Case("one of four", (t(rng, 3, 8), 1, 4), group="corners")
    yield Case("three of six", (t(rng, 2, 12), 3, 6), group="corners")
    yield Case("kernels", (t(rng, 4, 8, 3, 3),), group="corners")
    yield Case("all of the same size", (torch.ones(4, 4, dtype=torch.float64),), group="corners")
    yield Case("six inputs, groups of four", (t(rng, 4, 6),), group="refuses", through=harness.refused)


def group_hidden(rng: np.random.Generator) -> Cases:
    """Other sizes, layouts and groups."""
    yield Case("a larger matrix", (t(rng, 9, 20),))
    yield Case("one row, single precision", (t(rng, 1, 8, dtype=torch.float32),))
    yield Case("a transposed view", (t(rng, 8, 5).T,))
    yield Case("five of eight", (t(rng, 4, 16), 5, 8), group="corners")
    yield Case("all of four", (t(rng, 4, 8), 4, 4), group="corners")
    yield Case("wide kernels", (t(rng, 2, 4, 1, 5), 1, 2), group="corners")
    yield Case("rounded weights", (t(rng, 6, 12).round(),), group="corners")
    yield Case("ten inputs, groups of eight", (t(rng, 8, 10), 4, 8), group="refuses", through=harness.refused)


def accepts_group_mask(case: Case, value: Any) -> str | None:
    """Kind and shape, then the count in each group, then the order inside of each."""
    if case.through is not None:
        return None if value == "ValueError" else f"a ValueError is asked where groups do not fill; you raise {value}"
    w, n, m = (*case.args, 2, 4)[:3] if len(case.args) == 1 else case.args
    problem = _mask_problem(value, w, "the mask")
    if problem is not None:
        return problem
    size, stays = (each.movedim(1, -1).reshape(-1, m) for each in (w.abs(), value))
    counts = stays.sum(dim=1)
    if (counts != n).any():
        wrong = int(counts[counts != n][0])
        return f"of a group of {m} neighbours along dimension 1, {wrong} stay; expected are {n} in every group"
    most = size.masked_fill(stays, -1).amax(dim=1)
    if (most > size.masked_fill(~stays, math.inf).amin(dim=1)).any():
        return "in some group a pruned weight is larger, in absolute value, than one that stays"
    return None


# --- channels -------------------------------------------------------------------------------------------


def importance_visible(rng: np.random.Generator) -> Cases:
    """By hand, then kernels."""
    yield Case("two channels", (torch.tensor([[1.0, -2.0, 0.5], [0.0, 1.0, -1.0]], dtype=torch.float64),))
    yield Case("kernels", (t(rng, 3, 2, 3, 3),))
    yield Case("a linear layer, single precision", (t(rng, 4, 6, dtype=torch.float32),))


def importance_hidden(rng: np.random.Generator) -> Cases:
    """Other shapes."""
    yield Case("wide kernels", (t(rng, 6, 3, 1, 5),))
    yield Case("one channel", (t(rng, 1, 4, 2, 2),))
    yield Case("square weights", (t(rng, 5, 5),))
    yield Case("a view", (t(rng, 3, 8, 2, 2).transpose(0, 1)[::2],))
    yield Case("kernels in one dimension", (t(rng, 4, 3, 7),))


def _pair(
    rng: np.random.Generator, *shapes: tuple[int, ...], dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor, Tensor]:
    first, second = shapes
    return t(rng, *first, dtype=dtype), t(rng, first[0], dtype=dtype), t(rng, *second, dtype=dtype)


def removal_visible(rng: np.random.Generator) -> Cases:
    """By hand, then convolutions."""
    w1 = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], dtype=torch.float64)
    b1, w2 = torch.tensor([7.0, 8.0, 9.0], dtype=torch.float64), torch.tensor([[1.0, 2.0, 3.0]], dtype=torch.float64)
    yield Case("three units, two stay", (w1, b1, w2, torch.tensor([0, 2])))
    yield Case("linear layers", (*_pair(rng, (5, 3), (6, 5)), torch.tensor([1, 2, 4])))
    yield Case("convolutions", (*_pair(rng, (4, 2, 3, 3), (5, 4, 2, 2)), torch.tensor([3, 0])))


def removal_hidden(rng: np.random.Generator) -> Cases:
    """Other sizes and orders."""
    yield Case("one channel stays", (*_pair(rng, (6, 1, 3, 3), (7, 6, 3, 1)), torch.tensor([4])))
    yield Case("all stay, in another order", (*_pair(rng, (4, 5), (4, 4)), torch.tensor([2, 0, 3, 1])))
    single = _pair(rng, (8, 3), (9, 8), dtype=torch.float32)
    yield Case("single precision", (*single, torch.tensor([0, 7, 3])))
    w1, b1, w2 = _pair(rng, (6, 4, 3, 3), (12, 6, 3, 3))
    yield Case("slices", (w1[::2], b1[::2], w2[:, ::2], torch.tensor([2, 1])))


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


# --- sensitivity and schedule ---------------------------------------------------------------------------


def weighted_size(weights: Sequence[Tensor]) -> float:
    """Layer 1 counts once, layer 2 twice, and so on."""
    return float(sum((index + 1) * w.abs().sum() for index, w in enumerate(weights)))


def answer_size(weights: Sequence[Tensor]) -> float:
    """How large the answer of a ReLU network with these weights is, on an input of ones."""
    hidden = torch.ones(weights[0].shape[1], dtype=weights[0].dtype)
    for w in weights:
        hidden = (w @ hidden).relu() + 0.1
    return float(hidden.sum())


def sensitivity_visible(rng: np.random.Generator) -> Cases:
    """By hand, then more layers and shares."""
    two = [torch.tensor([[1.0, -4.0]], dtype=torch.float64), torch.tensor([[2.0], [3.0]], dtype=torch.float64)]
    yield Case("two layers, one share", (weighted_size, two, [0.5]))
    yield Case("three layers", (weighted_size, [t(rng, 4, 3), t(rng, 5, 4), t(rng, 2, 5)], [0.2, 0.5, 0.9]))
    yield Case("a network", (answer_size, [t(rng, 4, 3), t(rng, 3, 4)], [0.25, 0.75]))


def sensitivity_hidden(rng: np.random.Generator) -> Cases:
    """Other layers and orders."""
    yield Case("shares in falling order", (weighted_size, [t(rng, 3, 4), t(rng, 2, 3)], [0.8, 0.4, 0.0]))
    yield Case("one layer", (weighted_size, [t(rng, 5, 5)], [0.1, 0.3, 0.6]))
    single = [t(rng, *shape, dtype=torch.float32) for shape in ((6, 5), (4, 6), (3, 4), (2, 3))]
    yield Case("four layers, single precision", (answer_size, single, [0.3, 0.6]))
    yield Case("kernels", (weighted_size, [t(rng, 3, 2, 3, 3), t(rng, 4, 3, 1, 1)], [0.5, 0.95]))


def schedule_visible(rng: np.random.Generator) -> Cases:
    """By hand, at both ends, and beyond them."""
    yield Case("half of the way", (50, 0, 100, 0.0, 0.8))
    yield Case("a quarter of the way", (35, 10, 110, 0.2, 0.9))
    yield Case("at the start", (10, 10, 60, 0.3, 0.9))
    yield Case("at the end", (60, 10, 60, 0.3, 0.9))
    yield Case("before the start", (4, 10, 60, 0.3, 0.9), group="corners")
    yield Case("after the end", (100, 10, 60, 0.3, 0.9), group="corners")


def schedule_hidden(rng: np.random.Generator) -> Cases:
    """Other places."""
    for name, step in (("early", 21), ("in the middle", 33), ("late", 47)):
        yield Case(name, (step, 20, 50, float(rng.uniform(0.05, 0.3)), float(rng.uniform(0.7, 1))))
    yield Case("long before the start", (0, 200, 300, 0.15, 0.7), group="corners")
    yield Case("long after the end", (5000, 200, 300, 0.15, 0.7), group="corners")
    yield Case("one step", (1, 0, 1, 0.1, 0.6), group="corners")


# --- compressed sparse rows -----------------------------------------------------------------------------


def csr_visible(rng: np.random.Generator) -> Cases:
    """By hand, then with empty rows."""
    w = torch.tensor([[0.0, 5.0, 0.0, -2.0], [0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]], dtype=torch.float64)
    yield Case("three rows", (w,))
    yield Case("a sparse matrix", (kept(rng, 0.6, 4, 6),))
    yield Case("a last row without a number", (torch.cat([kept(rng, 0.5, 3, 4), torch.zeros(1, 4)]),), group="corners")
    yield Case("nothing but zeros", (torch.zeros(2, 3, dtype=torch.float64),), group="corners")


def csr_hidden(rng: np.random.Generator) -> Cases:
    """Other shapes and layouts."""
    yield Case("a tall matrix", (kept(rng, 0.8, 20, 3),))
    yield Case("single precision", (kept(rng, 0.5, 5, 9, dtype=torch.float32),))
    yield Case("no zero", (t(rng, 3, 4),), group="corners")
    yield Case("one column", (kept(rng, 0.5, 7, 1),), group="corners")
    yield Case("a view", (kept(rng, 0.5, 8, 6).T[::2],), group="corners")
    first = torch.cat([torch.zeros(2, 5, dtype=torch.float64), kept(rng, 0.3, 2, 5)])
    yield Case("first rows without a number", (first,), group="corners")


def _csr(rng: np.random.Generator, share: float, rows: int, columns: int, dtype: torch.dtype = torch.float64) -> Case:
    w, x = kept(rng, share, rows, columns, dtype=dtype), t(rng, columns, dtype=dtype)
    return Case(f"{rows} x {columns}", (pruning.to_csr(w), x))


def matvec_visible(rng: np.random.Generator) -> Cases:
    """By hand, then with empty rows."""
    w = torch.tensor([[0.0, 5.0, 0.0, -2.0], [3.0, 0.0, 0.0, 0.0], [1.0, 0.0, 4.0, 0.0]], dtype=torch.float64)
    yield Case("three rows", (pruning.to_csr(w), torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)))
    yield _csr(rng, 0.4, 4, 4)
    yield _csr(rng, 0.3, 3, 7)
    w = torch.tensor([[0.0, 0.0, 2.0], [0.0, 0.0, 0.0], [1.0, 3.0, 0.0], [0.0, 0.0, 0.0]], dtype=torch.float64)
    yield Case("rows without a number", (pruning.to_csr(w), t(rng, 3)), group="corners")


def matvec_hidden(rng: np.random.Generator) -> Cases:
    """Other shapes."""
    yield _csr(rng, 0.7, 12, 9)
    yield _csr(rng, 0.5, 6, 5, torch.float32)
    yield Case("one row", (pruning.to_csr(kept(rng, 0.3, 1, 6)), t(rng, 6)), group="corners")
    yield Case("nothing but zeros", (pruning.to_csr(torch.zeros(3, 2, dtype=torch.float64)), t(rng, 2)), {}, "corners")
    first = torch.cat([torch.zeros(2, 5, dtype=torch.float64), kept(rng, 0.3, 3, 5)])
    yield Case("first rows without a number", (pruning.to_csr(first), t(rng, 5)), group="corners")


# --- bytes ----------------------------------------------------------------------------------------------


def bytes_visible(rng: np.random.Generator) -> Cases:
    """By hand, then a dense and a sparse layer."""
    some = torch.tensor([[True, False, False, True], [False, False, True, False]])
    yield Case("one sparse layer", ([torch.ones(2, 4)], [some], 8, 4))
    yield Case("a dense layer", ([torch.ones(3, 5)], [None], 32, 10))
    yield Case("a sparse and a dense layer", ([torch.ones(5, 7), torch.ones(3, 5)], [bools(rng, 5, 7), None], 8, 5))
    three = [torch.ones(3), torch.ones(3), torch.ones(3)]
    yield Case("bits that fill no byte", (three, [None, None, torch.ones(3, dtype=torch.bool)], 3, 4), group="packed")
    yield Case("5 bits in two layers", ([torch.ones(5), torch.ones(5)], [None, None], 5, 3), group="packed")


def bytes_hidden(rng: np.random.Generator) -> Cases:
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


# --- shared values and codes ----------------------------------------------------------------------------


def share_values_visible(rng: np.random.Generator) -> Cases:
    """By hand, then matrices; an empty cluster."""
    hand = torch.tensor([0.0, 1.0, 2.0, 8.0, 10.0], dtype=torch.float64)
    yield Case("five weights, two values", (hand, 2, 1))
    yield Case("a matrix", (t(rng, 4, 6), 3, 2))
    yield Case("a matrix, more values", (t(rng, 6, 8), 6, 3))
    yield Case("no iteration", (t(rng, 3, 5), 4, 0), group="corners")
    empty = torch.tensor([[1.0, 1.5], [9.0, 10.0]], dtype=torch.float64)
    yield Case("a value that nobody chooses", (empty, 3, 2), group="corners")


def share_values_hidden(rng: np.random.Generator) -> Cases:
    """Other sizes and layouts."""
    yield Case("many iterations", (t(rng, 10, 7), 4, 12))
    yield Case("kernels", (t(rng, 3, 2, 3, 3), 5, 2))
    yield Case("a view", (t(rng, 6, 10).T[::2], 4, 2))
    yield Case("single precision", (t(rng, 5, 7, dtype=torch.float32), 4, 3))
    yield Case("one value", (t(rng, 3, 4), 1, 2), group="corners")
    gap = torch.cat([t(rng, 6) * 0.1 - 5, t(rng, 6) * 0.1 + 5])
    yield Case("several values that nobody chooses", (gap, 7, 3), group="corners")


def code_visible(rng: np.random.Generator) -> Cases:
    """By hand, then others; one kind of symbol."""
    yield Case("four kinds", (torch.tensor([0, 0, 0, 0, 1, 1, 2, 3]),))
    yield Case("five kinds, equally often", (torch.arange(5).repeat(3),))
    fib = torch.repeat_interleave(torch.tensor([7, 1, 9, 4, 2, 3]), torch.tensor([1, 1, 2, 3, 5, 8]))
    yield Case("very unlike counts", (fib,))
    yield Case("a matrix of codes", (torch.from_numpy(rng.binomial(6, 0.3, (5, 8))),))
    yield Case("one kind", (torch.full((6,), 3),), group="corners")


def code_hidden(rng: np.random.Generator) -> Cases:
    """Other symbols."""
    yield Case("many symbols", (torch.from_numpy(rng.geometric(0.3, 400)),))
    yield Case("sixty kinds", (torch.from_numpy(rng.integers(0, 60, 500)),))
    yield Case("symbols below 0", (torch.from_numpy(rng.binomial(9, 0.5, 60) - 4),))
    yield Case("two kinds", (torch.tensor([[5, 5, 5], [5, 5, 8]]),), group="corners")
    yield Case("one symbol", (torch.tensor([2]),), group="corners")


def code_within_bounds(call: Probe, rng: np.random.Generator) -> str | None:
    """Shannon: at least the entropy, less than one bit more."""
    symbols = rng.binomial(12, 0.35, 300)
    counts = np.unique(symbols, return_counts=True)[1]
    entropy = -(counts * np.log2(counts / counts.sum())).sum()
    bits = call(torch.from_numpy(symbols))
    if not entropy - 1e-6 <= bits < entropy + len(symbols):
        return f"{bits} bits for 300 symbols: no code is below {entropy:.1f}, and Huffman's is less than 300 above"
    return None


# --- low rank -------------------------------------------------------------------------------------------


def rank_visible(rng: np.random.Generator) -> Cases:
    """By hand, then others."""
    yield Case("rank 1 of a diagonal", (torch.diag(torch.tensor([3.0, -5.0], dtype=torch.float64)), 1))
    yield Case("rank 2 of a wide matrix", (t(rng, 4, 6), 2))
    yield Case("rank 3 of a tall matrix", (t(rng, 7, 5), 3))


def rank_hidden(rng: np.random.Generator) -> Cases:
    """Other shapes."""
    yield Case("single precision", (t(rng, 8, 6, dtype=torch.float32), 2))
    yield Case("the full rank", (t(rng, 3, 5), 3))
    yield Case("a view", (t(rng, 8, 9).T[::2], 2))
    yield Case("a matrix of rank 2", (t(rng, 6, 2) @ t(rng, 2, 7), 2))


def accepts_factors(case: Case, value: Any) -> str | None:
    """Shapes, dtype, then how near the product is: signs and scales of the factors are free."""
    w, rank = case.args
    if not isinstance(value, (tuple, list)) or len(value) != 2 or not all(isinstance(part, Tensor) for part in value):
        return "two tensors are asked: u (out, rank) and v (rank, in)"
    u, v = value
    shapes = (w.shape[0], rank), (rank, w.shape[1])
    if (tuple(u.shape), tuple(v.shape)) != shapes:
        return f"u has shape {tuple(u.shape)} and v {tuple(v.shape)}; expected are {shapes[0]} and {shapes[1]}"
    if u.dtype != w.dtype or v.dtype != w.dtype:
        return f"u has dtype {u.dtype} and v {v.dtype}; expected is {w.dtype}, as w has"
    best = float(torch.linalg.svdvals(w)[rank:].norm())
    far = float((w - u @ v).norm())
    if not far <= best + 1e-4 * (float(w.norm()) if w.dtype == torch.float32 else 1e-4):
        return f"|w - u @ v| is {far:.4g}; with rank {rank} it can be {best:.4g}"
    return None


# --- distillation ---------------------------------------------------------------------------------------


def _logits(rng: np.random.Generator, n: int, classes: int, dtype: torch.dtype = torch.float64) -> tuple[Any, ...]:
    student, teacher = (2 * t(rng, n, classes, dtype=dtype) for _ in range(2))
    return student, teacher, torch.from_numpy(rng.integers(0, classes, n))


def distil_visible(rng: np.random.Generator) -> Cases:
    """By hand, both ends of alpha, large logits, gradients."""
    third = math.log(3)
    student = torch.tensor([[0.0, 0.0]], dtype=torch.float64)
    teacher = torch.tensor([[2 * third, 0.0]], dtype=torch.float64)
    yield Case("one example", (student, teacher, torch.tensor([1]), 2.0, 0.5))
    yield Case("four examples", (*_logits(rng, 4, 3), 3.0, 0.7))
    yield Case("the labels alone", (*_logits(rng, 3, 4), 4.0, 0.0))
    yield Case("the teacher alone", (*_logits(rng, 3, 4), 1.5, 1.0))
    huge = torch.tensor([[1e4, 0.0, -1e4], [0.0, 1e4, 3.0]], dtype=torch.float64)
    yield Case("huge logits", (huge, huge.flip(1), torch.tensor([2, 1]), 2.0, 0.4), group="safe")
    yield Case("gradients", (*_logits(rng, 3, 3), 2.0, 0.6), group="gradients", through=harness.differentiated)


def distil_hidden(rng: np.random.Generator) -> Cases:
    """Other sizes and temperatures."""
    yield Case("many classes", (*_logits(rng, 6, 20), 5.0, 0.9))
    yield Case("a batch of one", (*_logits(rng, 1, 5), 2.5, 0.3))
    yield Case("single precision", (*_logits(rng, 8, 4, torch.float32), 3.0, 0.5))
    yield Case("a low temperature", (*_logits(rng, 5, 3), 0.5, 0.8))
    student, teacher, labels = _logits(rng, 4, 5)
    yield Case("a huge student", (1e4 * student, teacher, labels, 3.0, 0.6), group="safe")
    yield Case("a huge teacher", (student, 1e4 * teacher, labels, 1.0, 0.6), group="safe")
    yield Case("gradients", (*_logits(rng, 7, 4), 4.0, 0.25), group="gradients", through=harness.differentiated)


# --- pruned and fine-tuned ------------------------------------------------------------------------------

HELD_OUT = 500
LOST = 0.01
"""Accuracy that a pruned network may lose."""


def _small(name: str, rng: np.random.Generator, share: float) -> Case:
    """A network with convolutions that has learned nothing: only its form is looked at."""
    weights = [each.detach().clone() + 0.1 * t(rng, *each.shape, dtype=torch.float32) for each in _parameters("small")]
    x, labels = t(rng, 48, 1, 8, 8, dtype=torch.float32), torch.from_numpy(rng.integers(0, 4, 48))
    args = ("small", weights, x, labels, share, int(rng.integers(2**31)))
    return Case(name, args, group="form", through=harness.pruned)


def _parameters(kind: str) -> list[Tensor]:
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        return list(harness.network(kind).parameters())


@cache
def _trained(seed: int) -> tuple[Any, ...]:
    """Digits in another order, with other names for the classes and some noise, and LeNet-300-100 trained on them."""
    rng = np.random.default_rng(seed)
    digits = data.digits()
    x, labels = (
        np.concatenate([getattr(part, field) for part in (digits.train, digits.test)]) for field in ("x", "labels")
    )
    order, names = rng.permutation(len(labels)), rng.permutation(10)
    images = torch.from_numpy((x[order] + 0.05 * rng.standard_normal(x.shape)).astype(np.float32))
    classes = torch.from_numpy(names[labels[order]])
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        model = harness.network("lenet")
    training.fit(model, (images[HELD_OUT:], classes[HELD_OUT:]), 15, 2e-3, schedule=training.cosine, show=False)
    weights = [each.detach().clone() for each in model.parameters()]
    held_out = images[:HELD_OUT], classes[:HELD_OUT]
    return weights, images[HELD_OUT:], classes[HELD_OUT:], (*held_out, training.evaluate(model, held_out))


def _lenet(name: str, rng: np.random.Generator, share: float) -> Case:
    weights, x, labels, known = _trained(int(rng.integers(2**31)))
    args = ("lenet", weights, x, labels, share, int(rng.integers(2**31)))
    return Case(name, args, group="learns", known=known, through=harness.pruned)


def finetune_visible(rng: np.random.Generator) -> Cases:
    """The form on a small network, then LeNet-300-100."""
    yield _small("a small network, 70 %", rng, 0.7)
    yield _lenet("LeNet-300-100, 80 %", rng, 0.8)


def finetune_hidden(rng: np.random.Generator) -> Cases:
    """Other shares, other digits."""
    yield _small("a small network, another share", rng, 0.85)
    yield _lenet("LeNet-300-100 on other digits", rng, 0.8)


def matrices(case: Case, value: Any) -> list[Tensor]:
    """The new network's weights of two or more dimensions."""
    return [w for w in value["weights"] if w.ndim > 1]


def zeros(case: Case, value: Any) -> float:
    """The share of zeros among them."""
    return pruning.sparsity(matrices(case, value))


def accepts_pruned(case: Case, value: Any) -> str | None:
    """A new model of the same form, sparse enough, and as good as the old one within a point."""
    kind, old, _, _, share, _ = case.args
    names = [name for name, _ in harness.network(kind).named_parameters()]
    if list(value["names"]) != names:
        return f"the new model's parameters are called {value['names'][0]}, ...; expected are {', '.join(names)}"
    if [tuple(w.shape) for w in value["weights"]] != [tuple(w.shape) for w in old]:
        return "the new model's weights have other shapes than the old one's"
    if value["same object"] or not value["untouched"]:
        return "the model that was passed in is changed: work on copy.deepcopy(model)"
    if not all(bool(torch.isfinite(w).all()) for w in value["weights"]):
        return "some weights are infinite or nan"
    found = zeros(case, value)
    if found < share - 0.5 / sum(w.numel() for w in matrices(case, value)) - 1e-12:
        return f"{found:.2%} of the weights of two or more dimensions are zero; asked are {share:.2%}"
    return _learned(case, value) if case.known is not None else None


def _learned(case: Case, value: Any) -> str | None:
    reached, before = accuracy(case, value), case.known[2]
    if reached < before - LOST - 1e-9:
        return (
            f"before it read {before:.1%} of {HELD_OUT} digits that it had not seen, pruned it reads {reached:.1%}: "
            "at most one point may be lost"
        )
    return None


def accuracy(case: Case, value: Any) -> float:
    """The share of held-out digits that the new weights read."""
    images, classes, _ = case.known
    model = harness.network("lenet")
    with torch.no_grad():
        for parameter, weight in zip(model.parameters(), value["weights"], strict=True):
            parameter.copy_(weight)
    return training.evaluate(model, (images, classes))
