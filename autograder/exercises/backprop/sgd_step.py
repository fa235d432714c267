"""Moves every parameter a step against its gradient; returns new arrays of the same shapes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes
from autograder.exercises.backprop.inputs import SHAPES, Rng, arrays
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, right_text, visible
from course_lib import backprop

ASKS = Asks(
    backprop.sgd_step,
    signature="sgd_step(params [array, ...], grads [array, ...], lr) -> [array, ...]",
    points={"basics": 1},
    hints=(
        "Where does the gradient point: up or down the loss? Which way do you want to go?",
        "Every array, biases too, moves against its gradient, and the learning rate scales the gradient. Pair the "
        "two lists and build a new one.",
        "Each new entry is `p - lr * g`, for `p` and `g` side by side from `zip`. `p -= lr * g` would overwrite the "
        "caller's array.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    yield Case("one number", ([np.array([1.0])], [np.array([4.0])], 0.25))
    yield Case("weights and biases", (*arrays(rng, (2, 3), (2,)), 0.1))
    yield Case("two layers", (*arrays(rng, *SHAPES), 0.3))
    yield Case("float32", (*arrays(rng, (2, 2), (2,), dtype=np.float32), 0.5))


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    yield Case("five arrays", (*arrays(rng, *SHAPES, (4, 1)), 0.03))
    yield Case("three axes", (*arrays(rng, (2, 3, 4), (1,)), 1.5))
    yield Case("a rate of 0", (*arrays(rng, (2, 3)), 0.0))
    params, grads = arrays(rng, (4, 6), (6,))
    yield Case("slices", ([p[..., ::2] for p in params], [g[..., ::2] for g in grads], 0.2))
    yield Case("large gradients", (params, [1e4 * g for g in grads], 0.1))
    yield from magnitudes(lambda scale: ([scale * p for p in params], [scale * g for g in grads], 0.2))


# --- properties ----------------------------------------------------------------------------------------------


@holds("two half steps make a whole one", group="basics")
def halves_make_a_whole(call: Probe, rng: Rng) -> str | None:
    params, grads = arrays(rng, (2, 3), (2,))
    whole, half = call(params, grads, 0.4), call(call(params, grads, 0.2), grads, 0.2)
    if not all(np.allclose(p, q) for p, q in zip(whole, half, strict=True)):
        return "two steps of half the rate along the same gradient must end where one whole step does"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(params, grads, lr):
    moved = []
    for i in range(len(params)):
        step = lr * grads[i]
        moved.append(params[i] - step)
    return moved


other_formula = right_text(
    "other formula",
    """
from operator import sub

def sgd_step(params, grads, lr):
    return tuple(map(sub, params, map(lambda g: np.multiply(g, lr), grads)))
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def sgd_uphill(params, grads, lr):
    """You add the gradient, which points uphill. The loss falls against it: p - lr * g."""
    return [p + lr * g for p, g in zip(params, grads)]


@mistake
def sgd_in_place(params, grads, lr):
    """The answer is right, but p -= ... overwrote the caller's parameters. Make new arrays: p - lr * g."""
    for p, g in zip(params, grads):
        p -= lr * g
    return params


@mistake
def sgd_step_alone(params, grads, lr):
    """This is the step, -lr * g, and not where it leads. Add it to the parameter: p - lr * g."""
    return [-lr * g for g in grads]


@mistake
def sgd_biases_stay(params, grads, lr):
    """Arrays with one axis came back unchanged. They are the biases, and they have gradients too: every array takes a
    step."""
    return [p - lr * g if p.ndim > 1 else p for p, g in zip(params, grads)]


@mistake
def sgd_without_rate(params, grads, lr):
    """The whole gradient was subtracted. Scale it first: p - lr * g."""
    return [p - g for p, g in zip(params, grads)]


@mistake
def sgd_signs_only(params, grads, lr):
    """Every number moved by exactly lr, whatever its gradient. SGD takes a larger step where the slope is
    larger: p - lr * g."""
    return [p - lr * np.sign(g) for p, g in zip(params, grads)]
