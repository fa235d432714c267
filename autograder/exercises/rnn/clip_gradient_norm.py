"""Shortens a gradient that is too long and keeps its direction (Pascanu, Mikolov and Bengio, 2013)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from autograder.calls import Probe
from autograder.exercise import Case, Tolerance
from autograder.exercises.awkward import magnitudes
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, visible
from autograder.exercises.rnn.inputs import DOUBLE, SINGLE, normal, weights
from course_lib import rnn

ASKS = Asks(
    rnn.clip_gradient_norm,
    signature="clip_gradient_norm(grads [tensor, ...], max_norm) -> ([tensor, ...], total_norm)",
    points={"basics": 1, "corners": 1},
    forbids=("torch.nn.utils.clip_grad",),
    tolerance=Tolerance(relative=1e-5, absolute=1e-6),
    hints=(
        "How long is the one vector that all tensors make together? And what happens to gradients that are short "
        "enough?",
        "One norm for everything: the root of the sum of all squares. One factor for everything: max_norm over the "
        "norm where that is too long, else 1, so that nothing is ever divided by 0.",
        "`total_norm = math.sqrt(sum(float((g**2).sum()) for g in grads))`. The factor is `max_norm / total_norm` "
        "only if `total_norm > max_norm`, else `1.0`. Multiply each `g` by it; return the norm from before.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Smallest first."""
    yield Case("one gradient of length 5", ([torch.tensor([3.0, 4.0], dtype=DOUBLE)], 1.0))
    two = [torch.tensor([2.0, -1.0], dtype=DOUBLE), torch.tensor([[2.0], [4.0]], dtype=DOUBLE)]
    yield Case("two gradients together", (two, 2.5))
    yield Case("short enough", ([normal(rng, 3, scale=0.1), normal(rng, 2, 2, scale=0.1)], 5.0))
    yield Case(
        "nothing but zeros", ([torch.zeros(2, dtype=DOUBLE), torch.zeros(1, 3, dtype=DOUBLE)], 1.0), group="corners"
    )
    yield Case("float32", ([normal(rng, 4, dtype=SINGLE, scale=9)], 0.5), group="corners")


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Many tensors, long ones, short ones."""
    yield Case("many tensors", ([normal(rng, n, 3, scale=2) for n in range(1, 9)], 1.5))
    yield Case("a network's gradients", ([each * 7 for each in weights(rng, 3, 8)], 5.0))
    yield Case("just short enough", ([torch.tensor([3.0, 4.0], dtype=DOUBLE)], 5.0), group="corners")
    mixed = [normal(rng, 1, scale=2), normal(rng, 3, 1), normal(rng, 2, 4)]
    never = Tolerance(relative=1e-12, absolute=0.0)
    yield from magnitudes(lambda scale: ([scale * each for each in mixed], 1e32), group="corners", tolerance=never)
    long = Tolerance(relative=1e-5, absolute=0.0)
    for scale in (1e4, 1e10, 1e30):
        yield Case(f"far too long, {scale:g}", ([scale * each for each in mixed], 1.0), group="corners", tolerance=long)
    yield Case("a very long gradient", ([normal(rng, 20, scale=1e8), normal(rng, 5)], 1.0), group="corners")
    yield Case("in a tuple", ((normal(rng, 6, scale=4), normal(rng, 2, 3, 2)), 2.0), group="corners")
    yield Case("stored by columns, float32", ([normal(rng, 5, 4, dtype=SINGLE, scale=3).T], 1.0), group="corners")


# --- properties ----------------------------------------------------------------------------------------------


@holds("the direction stays", group="basics")
def clip_keeps_the_direction(call: Probe, rng: np.random.Generator) -> str | None:
    """The clipped gradient is a multiple of the gradient, as long as allowed."""
    grads = [normal(rng, 4), normal(rng, 3, 2, scale=5)]
    clipped = torch.cat([each.reshape(-1) for each in call(grads, 0.75)[0]])
    whole = torch.cat([each.reshape(-1) for each in grads])
    if not torch.allclose(clipped / clipped.norm(), whole / whole.norm(), atol=1e-6):
        return "the clipped gradient does not point in the direction of the gradient"
    if abs(float(clipped.norm()) - 0.75) > 1e-5:
        return "a gradient that is too long must have length max_norm afterwards, over all its tensors together"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(grads, max_norm):
    total = 0.0
    for g in grads:
        for value in g.reshape(-1).tolist():
            total += value * value
    total = total**0.5
    if total <= max_norm:
        return list(grads), total
    out = []
    for g in grads:
        out.append(g / total * max_norm)
    return out, total


@right("other formula")
def other_formula(grads, max_norm):
    flat = torch.cat([g.flatten() for g in grads])
    total = flat.norm()
    factor = torch.clamp(max_norm / (total + 1e-12), max=1.0)
    return tuple(g.mul(factor) for g in grads), total


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def clip_each_tensor(grads, max_norm):
    """Each tensor was clipped by its own norm, which turns the direction of the whole. All tensors together are one
    long vector: one norm and one factor for all."""
    norms = [float(g.norm()) for g in grads]
    clipped = [g * min(1.0, max_norm / max(n, 1e-12)) for g, n in zip(grads, norms)]
    return clipped, sum(n**2 for n in norms) ** 0.5


@mistake
def clip_each_number(grads, max_norm):
    """Every number was clamped on its own, which turns the direction. Scale all numbers by the same factor,
    max_norm / total_norm."""
    total = sum(float((g**2).sum()) for g in grads) ** 0.5
    return [g.clamp(-max_norm, max_norm) for g in grads], total


@mistake
def clip_always(grads, max_norm):
    """Short gradients were stretched to max_norm. Clipping only shortens: where the norm is at most max_norm, the
    gradients stay as they are."""
    total = sum(float((g**2).sum()) for g in grads) ** 0.5
    return [g * (max_norm / max(total, 1e-12)) for g in grads], total


@mistake
def clip_in_place(grads, max_norm):
    """The numbers are right, but the caller's gradients were overwritten. Make new tensors: g * scale instead of
    g.mul_(scale)."""
    total = sum(float((g**2).sum()) for g in grads) ** 0.5
    for g in grads:
        g.mul_(min(1.0, max_norm / max(total, 1e-12)))
    return grads, total


@mistake
def clip_by_the_square(grads, max_norm):
    """Your norm is the sum of the squares. The root is missing: the length of (3, 4) is 5, not 25."""
    total = sum(float((g**2).sum()) for g in grads)
    return [g * min(1.0, max_norm / max(total, 1e-12)) for g in grads], total


@mistake
def clip_returns_the_new_norm(grads, max_norm):
    """The gradients are right, but you returned their norm after clipping. The exercise asks for the norm before: it
    tells whether anything was clipped."""
    total = sum(float((g**2).sum()) for g in grads) ** 0.5
    return [g * min(1.0, max_norm / max(total, 1e-12)) for g in grads], min(total, max_norm)


@mistake
def clip_adds_norms(grads, max_norm):
    """You added the norms of the tensors. Lengths of perpendicular parts add as squares: the root of the sum of
    their squares."""
    total = sum(float(g.norm()) for g in grads)
    return [g * min(1.0, max_norm / max(total, 1e-12)) for g in grads], total


@mistake
def clip_divides_by_zero(grads, max_norm):
    """max_norm / total_norm divides by zero where all gradients are 0. Divide only where the norm is larger than
    max_norm."""
    total = sum(float((g**2).sum()) for g in grads) ** 0.5
    return [g * min(1.0, max_norm / total) for g in grads], total
