"""Whether a recorded model can have learned what it knows: what is left of it without its numbers, and what it learns.

A formula for the answer needs no training, and might be switched on by the numbers that the model holds. So the same
model with its numbers in another order has to know nothing, to learn again, and to be reached without a jump.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from autograder.exercises.replay import Replay

__all__ = ["JUMP", "KNOWS", "LEARNS", "batch", "jump", "knows", "learns", "shuffled"]

KNOWS, LEARNS, JUMP = 0.95, 0.1, 0.2
"""What a single number inside a model may follow without training; the error, of 0.167, that it has to fall below when
it is trained again; and how much of what it predicts may hang on a switch."""

ORDERS = 2
STEPS, WINDOW, LAST = 200, 8, 20
"""Training steps, the last steps of a sequence in which both marks are set, and how many losses make the result."""
HALVINGS = 14


def batch(generator: torch.Generator, n: int, length: int) -> tuple[Tensor, Tensor]:
    """Sequences (n, length, 2) of the adding problem, whose marks are near the end, and their sums (n,)."""
    xs = torch.zeros(n, length, 2)
    xs[..., 0] = torch.rand(n, length, generator=generator)
    start = max(0, length - WINDOW)
    half, rows = start + (length - start) // 2, torch.arange(n)
    for low, high in ((start, half), (half, length)):
        xs[rows, torch.randint(low, high, (n,), generator=generator), 1] = 1
    return xs, (xs[..., 0] * xs[..., 1]).sum(1)


def shuffled(model: Replay, seed: int = 0) -> Replay:
    """The model with the numbers in each of its parameters in another order."""
    order = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for each in model.own.values():
            each.copy_(each.flatten()[torch.randperm(each.numel(), generator=order)].reshape(each.shape))
    return model


def knows(model: Replay, xs: Tensor) -> float:
    """How well a single number that the model computes on its way follows the sum, or one of the two numbers in it, for
    the best of two orders of its numbers: the largest correlation, from 0 to 1. It shuffles the model."""
    numbers, half = xs[..., 0] * xs[..., 1], xs.shape[1] // 2
    wanted = _centred(torch.stack([numbers.sum(1), numbers[:, :half].sum(1), numbers[:, half:].sum(1)], dim=1))
    best = 0.0
    with torch.no_grad():
        for seed in range(ORDERS):
            for ran in shuffled(model, seed).watched(xs):
                made = [ran.values[slot] for slot in ran.made if slot in ran.values]
                best = max([best, *(_follows(each, wanted) for each in made if each.is_floating_point())])
    return best


def _follows(values: Tensor, wanted: Tensor) -> float:
    count = len(wanted)
    axis = next((axis for axis, size in enumerate(values.shape) if size == count), None)
    if axis is None:
        return 0.0
    columns = _centred(values.movedim(axis, 0).reshape(count, -1))
    return float((columns.T @ wanted).abs().nan_to_num().max()) if columns.numel() else 0.0


def _centred(columns: Tensor) -> Tensor:
    """Columns of mean 0 and length 1; those that do not change become 0."""
    columns = columns.double() - columns.double().mean(0)
    sizes = columns.norm(dim=0)
    return torch.where(sizes > 1e-9, columns / sizes, 0.0)


def learns(model: Replay, length: int) -> float:
    """The mean squared error that a model reaches in a short training, recorded in training mode on 64 sequences.

    The training ends early where the error falls below half of LEARNS.
    """
    own = [each.requires_grad_() for each in model.own.values()]
    if not own:
        return torch.inf
    generator, losses = torch.Generator().manual_seed(1), []
    optimizer = torch.optim.Adam(own, lr=0.01)
    for _ in range(STEPS):
        xs, targets = batch(generator, 64, length)
        loss = (model(xs).reshape(targets.shape) - targets).square().mean()
        if not loss.requires_grad:
            return torch.inf
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(own, 1.0)
        optimizer.step()
        losses.append(float(loss.detach()))
        if len(losses) >= LAST and sum(losses[-LAST:]) / LAST < LEARNS / 2:
            break
    return sum(losses[-LAST:]) / LAST


def jump(model: Replay, start: Sequence[Tensor], xs: Tensor) -> float:
    """How much of the way from the predictions with the numbers in `start` to those with the model's present ones is
    gone in one place, as its numbers move evenly from one to the other: 0 where they follow without a jump."""
    ends = [each.detach().clone() for each in model.own.values()]

    def at(share: float) -> Tensor:
        for each, first, last in zip(model.own.values(), start, ends, strict=True):
            each.copy_(first + share * (last - first))
        predictions: Tensor = model(xs)
        return predictions

    with torch.no_grad():
        low, high, before, after = 0.0, 1.0, at(0.0), at(1.0)
        whole = _apart(before, after)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            there = at(middle)
            if _apart(before, there) > _apart(there, after):
                high, after = middle, there
            else:
                low, before = middle, there
    return _apart(before, after) / whole if whole > 0 else 0.0


def _apart(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().mean())
