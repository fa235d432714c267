"""Keeps the n largest of every m neighbours along dimension 1, the inputs (Mishra et al., 2021)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes, nearly_tied
from autograder.exercises.declare import Asks, accepts, hidden, mistake, right, slip, visible
from autograder.exercises.pruning import observers
from autograder.exercises.pruning.inputs import Cases, mask_problem, t
from course_lib import pruning

ASKS = Asks(
    pruning.n_m_mask,
    signature="n_m_mask(w (out, in, ...), n=2, m=4) -> bool (out, in, ...)",
    points={"basics": 1, "corners": 1, "refuses": 1},
    hints=(
        "Which m numbers compete with each other? In a convolution, which axis do you walk along to find them?",
        "Bring dimension 1 to the end and cut it into rows of m neighbours. In each row mark the n largest sizes by "
        "their places, not by a threshold, then restore shape and order.",
        "`swapped = w.abs().transpose(1, -1)`, `rows = swapped.reshape(-1, m)`. Put True at `rows.topk(n, "
        "dim=1).indices` with `scatter(1, ..., True)`, `reshape` to `swapped.shape`, `transpose(1, -1)`. First the "
        "`ValueError` if `w.shape[1] % m`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Cases:
    """By hand, then others, then what must be refused."""
    w = torch.tensor([[0.1, -3.0, 2.0, 0.5, 1.0, 4.0, -6.0, 5.0]], dtype=torch.float64)
    yield Case("two groups", (w,))
    yield Case("a matrix", (t(rng, 4, 12),))
    yield Case("one of four", (t(rng, 3, 8), 1, 4), group="corners")
    yield Case("three of six", (t(rng, 2, 12), 3, 6), group="corners")
    yield Case("kernels", (t(rng, 4, 8, 3, 3),), group="corners")
    yield Case("all of the same size", (torch.ones(4, 4, dtype=torch.float64),), group="corners")
    yield Case("six inputs, groups of four", (t(rng, 4, 6),), group="refuses", through=observers.refused)


@hidden
def hidden_cases(rng: np.random.Generator) -> Cases:
    """Other sizes, layouts and groups."""
    yield Case("a larger matrix", (t(rng, 9, 20),))
    yield Case("one row, single precision", (t(rng, 1, 8, dtype=torch.float32),))
    yield Case("a transposed view", (t(rng, 8, 5).T,))
    yield Case("numbers that differ by a few billionths", (torch.from_numpy(nearly_tied(rng, 3, 12)),))
    yield from magnitudes(lambda scale: (scale * t(rng, 3, 8),))
    yield Case("kernels of one", (t(rng, 3, 8, 1, 1),), group="corners")
    yield Case("one of one", (t(rng, 3, 5), 1, 1), group="corners")
    yield Case("five of eight", (t(rng, 4, 16), 5, 8), group="corners")
    yield Case("all of four", (t(rng, 4, 8), 4, 4), group="corners")
    yield Case("wide kernels", (t(rng, 2, 4, 1, 5), 1, 2), group="corners")
    yield Case("rounded weights", (t(rng, 6, 12).round(),), group="corners")
    yield Case("ten inputs, groups of eight", (t(rng, 8, 10), 4, 8), group="refuses", through=observers.refused)


# --- the judge -----------------------------------------------------------------------------------------------


@accepts
def accepts_group_mask(case: Case, value: Any) -> str | None:
    """Kind and shape, then the count in each group, then the order inside each."""
    if case.through is not None:
        return None if value == "ValueError" else f"groups that are not full need a ValueError; you raise {value}"
    w, n, m = (*case.args, 2, 4)[:3] if len(case.args) == 1 else case.args
    problem = mask_problem(value, w, "the mask")
    if problem is not None:
        return problem
    size, stays = (each.movedim(1, -1).reshape(-1, m) for each in (w.abs(), value))
    counts = stays.sum(dim=1)
    if (counts != n).any():
        wrong = int(counts[counts != n][0])
        return f"of a group of {m} neighbours along dimension 1, {wrong} stay; expected {n} in every group"
    most = size.masked_fill(stays, -1).amax(dim=1)
    if (most > size.masked_fill(~stays, math.inf).amin(dim=1)).any():
        return "in some group a pruned weight is larger, in absolute value, than one that stays"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(w, n=2, m=4):
    if w.shape[1] % m:
        raise ValueError("the inputs must fill groups of " + str(m))
    mask = torch.zeros(w.shape, dtype=torch.bool, device=w.device)
    rows, marks = w.reshape(w.shape[0], w.shape[1], -1), mask.view(w.shape[0], w.shape[1], -1)
    for o in range(rows.shape[0]):
        for k in range(rows.shape[2]):
            for start in range(0, rows.shape[1], m):
                group = rows[o, start : start + m, k].abs().tolist()
                for place in sorted(range(m), key=lambda i: -group[i])[:n]:
                    marks[o, start + place, k] = True
    return mask


@right("other formula")
def other_formula(w, n=2, m=4):
    groups, rest = divmod(w.shape[1], m)
    if rest:
        raise ValueError(f"a rest of {rest}")
    split = w.abs().unflatten(1, (groups, m))
    order = split.argsort(dim=2, descending=True)
    mask = torch.zeros_like(split, dtype=torch.bool)
    mask.scatter_(2, order.narrow(2, 0, n), torch.ones_like(order.narrow(2, 0, n), dtype=torch.bool))
    return mask.flatten(1, 2)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(w, n=2, m=4):
    if w.shape[1] % m:
        raise ValueError("no whole groups")
    rows = w.abs().movedim(1, -1)
    order = rows.reshape(-1, m).argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    return (order < n).reshape(rows.shape).movedim(-1, 1)


@mistake
def group_along_outputs(w, n=2, m=4):
    """You grouped along dimension 0. Neighbours are inputs of the same output, since the hardware skips them within one
    sum: group along dimension 1."""
    if w.shape[1] % m:
        raise ValueError("no whole groups")
    if w.shape[0] % m:
        raise RuntimeError("the rows do not fill groups")
    groups = w.abs().movedim(0, -1)
    shape = groups.shape
    order = groups.reshape(-1, m).argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    return (order < n).reshape(shape).movedim(-1, 0)


@mistake
def group_smallest(w, n=2, m=4):
    """The n smallest of each group stay. Keep the n largest."""
    if w.shape[1] % m:
        raise ValueError("no whole groups")
    groups = w.abs().movedim(1, -1)
    shape = groups.shape
    order = groups.reshape(-1, m).argsort(dim=1, stable=True).argsort(dim=1)
    return (order < n).reshape(shape).movedim(-1, 1)


@mistake
def group_of_the_row(w, n=2, m=4):
    """In each row n / m of the weights stay, but not in each group of m. The hardware needs exactly n in every group:
    compare only neighbours with each other."""
    if w.shape[1] % m:
        raise ValueError("no whole groups")
    rows = w.abs().movedim(1, -1)
    order = rows.argsort(dim=-1, descending=True, stable=True).argsort(dim=-1)
    return (order < w.shape[1] * n // m).movedim(-1, 1)


@mistake
def group_strided(w, n=2, m=4):
    """Your groups take inputs at regular distances. A group is m neighbours: inputs 0 to m - 1, then m to 2m - 1, and
    so on."""
    if w.shape[1] % m:
        raise ValueError("no whole groups")
    rows = w.abs().movedim(1, -1)
    groups = rows.reshape(*rows.shape[:-1], m, rows.shape[-1] // m)
    order = groups.argsort(dim=-2, descending=True, stable=True).argsort(dim=-2)
    return (order < n).reshape(rows.shape).movedim(-1, 1)


@mistake
def group_threshold(w, n=2, m=4):
    """Where weights of a group are equal, more than n stay. Exactly n may: rank the members of each group."""
    if w.shape[1] % m:
        raise ValueError("no whole groups")
    rows = w.abs().movedim(1, -1)
    groups = rows.reshape(-1, m)
    least = groups.sort(dim=1, descending=True).values[:, n - 1 : n]
    return (groups >= least).reshape(rows.shape).movedim(-1, 1)


group_signed = slip(
    answer,
    "w.abs()",
    "w",
    says="The n most positive weights of each group stay. The size matters, not the sign: compare w.abs().",
)


@mistake
def group_leaves_a_rest(w, n=2, m=4):
    """Inputs that do not fill a group were let through. Hardware for n:m cannot store them: raise a ValueError."""
    whole = w.shape[1] - w.shape[1] % m
    rows = w[:, :whole].abs().movedim(1, -1)
    order = rows.reshape(-1, m).argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    mask = torch.ones(w.shape, dtype=torch.bool)
    mask[:, :whole] = (order < n).reshape(rows.shape).movedim(-1, 1)
    return mask
