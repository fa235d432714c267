"""A step along the velocity, which remembers earlier gradients (Polyak, 1964), as in `torch.optim.SGD`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes
from autograder.exercises.backprop.inputs import SHAPES, Rng, arrays
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, visible
from course_lib import backprop

ASKS = Asks(
    backprop.momentum_step,
    signature="momentum_step(params, grads, velocity, lr, beta=0.9) -> (params, velocity), all lists of arrays",
    points={"basics": 1, "corners": 1},
    hints=(
        "Two things change in a step. Which one first? And which velocity do the parameters follow, the old or the "
        "new one?",
        "The velocity keeps the share beta of itself and adds the whole gradient. Then the parameters move along "
        "this new velocity, times the learning rate. Both lists are new.",
        "First `new = [beta * v + g for v, g in zip(velocity, grads)]`. Then each parameter is `p - lr * v` with "
        "its `v` from `new`. Return both lists.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    yield Case("the first step", ([np.array([1.0])], [np.array([4.0])], [np.array([0.0])], 0.25))
    yield Case("a later step", ([np.array([1.0])], [np.array([4.0])], [np.array([10.0])], 0.25, 0.5))
    yield Case("weights and biases", (*arrays(rng, (2, 3), (2,), sets=3), 0.1))
    yield Case("another beta", (*arrays(rng, *SHAPES, sets=3), 0.3, 0.6), group="corners")
    yield Case("float32", (*arrays(rng, (2, 2), (2,), sets=3, dtype=np.float32), 0.5), group="corners")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    yield Case("four arrays", (*arrays(rng, *SHAPES, sets=3), 0.03))
    yield Case("five arrays, beta by name", (*arrays(rng, *SHAPES, (1, 1), sets=3), 0.2), {"beta": 0.75})
    yield Case("no momentum", (*arrays(rng, (2, 3), (2,), sets=3), 0.1, 0.0), group="corners")
    yield Case("three axes", (*arrays(rng, (2, 3, 4), (1,), sets=3), 1.5), group="corners")
    strided = tuple([each[..., ::2] for each in part] for part in arrays(rng, (4, 6), (6,), sets=3))
    yield Case("slices", (*strided, 0.2), group="corners")
    yield from magnitudes(lambda scale: (*([scale * each for each in part] for part in strided), 0.2), group="corners")


# --- properties ----------------------------------------------------------------------------------------------


@holds("the velocity builds up", group="basics")
def velocity_builds_up(call: Probe, rng: Rng) -> str | None:
    params, grads = arrays(rng, (2, 3), (2,))
    velocity: Any = [np.zeros((2, 3)), np.zeros(2)]
    for _ in range(8):
        params, velocity = call(params, grads, velocity, 0.1, 0.5)
    reached = (1 - 0.5**8) / (1 - 0.5)
    if not all(np.allclose(v, reached * g) for v, g in zip(velocity, grads, strict=True)):
        return "eight steps along the same gradient g with beta = 0.5 must build up a velocity of 1.992 g"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(params, grads, velocity, lr, beta=0.9):
    new_params, new_velocity = [], []
    for i in range(len(params)):
        v = velocity[i].copy()
        v *= beta
        v += grads[i]
        p = params[i].copy()
        p -= lr * v
        new_params.append(p)
        new_velocity.append(v)
    return [new_params, new_velocity]


@right("other formula")
def other_formula(params, grads, velocity, lr, beta=0.9):
    pairs = [(p - lr * (v * beta + g), np.add(beta * v, g)) for p, g, v in zip(params, grads, velocity)]
    moved, speeds = zip(*pairs)
    return moved, speeds


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def momentum_averaged(params, grads, velocity, lr, beta=0.9):
    """You weight the gradient by 1 - beta, which makes the velocity an average. Here, as in PyTorch, it is a sum: beta
    * v + g."""
    velocity = [beta * v + (1 - beta) * g for v, g in zip(velocity, grads)]
    return [p - lr * v for p, v in zip(params, velocity)], velocity


@mistake
def momentum_rate_inside(params, grads, velocity, lr, beta=0.9):
    """The learning rate went into the velocity: beta * v + lr * g. Here it stays outside: v = beta * v + g,
    and then p - lr * v."""
    velocity = [beta * v + lr * g for v, g in zip(velocity, grads)]
    return [p - v for p, v in zip(params, velocity)], velocity


@mistake
def momentum_old_velocity(params, grads, velocity, lr, beta=0.9):
    """The parameters moved along the velocity from before this step, so the gradient takes effect one step late. Update
    v first, then step along the new one."""
    moved = [p - lr * v for p, v in zip(params, velocity)]
    return moved, [beta * v + g for v, g in zip(velocity, grads)]


@mistake
def momentum_nesterov(params, grads, velocity, lr, beta=0.9):
    """The velocity is right, but the step is g + beta * v: Nesterov's variant. Plain momentum steps along v
    alone."""
    velocity = [beta * v + g for v, g in zip(velocity, grads)]
    return [p - lr * (g + beta * v) for p, g, v in zip(params, grads, velocity)], velocity


@mistake
def momentum_forgets(params, grads, velocity, lr, beta=0.9):
    """The parameters are right, but you returned the old velocity. Return the new one, or the next step remembers
    nothing."""
    new = [beta * v + g for v, g in zip(velocity, grads)]
    return [p - lr * v for p, v in zip(params, new)], velocity


@mistake
def momentum_in_place(params, grads, velocity, lr, beta=0.9):
    """The numbers are right, but v *= beta and v += g overwrote the caller's velocity. Make new arrays: beta *
    v + g."""
    for v, g in zip(velocity, grads):
        v *= beta
        v += g
    return [p - lr * v for p, v in zip(params, velocity)], velocity


@mistake
def momentum_downhill_velocity(params, grads, velocity, lr, beta=0.9):
    """Your velocity points downhill: beta * v - g, and then p + lr * v. Here it carries the sign of the
    gradient: beta * v + g, and then p - lr * v."""
    velocity = [beta * v - g for v, g in zip(velocity, grads)]
    return [p + lr * v for p, v in zip(params, velocity)], velocity


@mistake
def momentum_plain(params, grads, velocity, lr, beta=0.9):
    """The velocity that was passed in is not used: this is a plain SGD step. Keep part of it: v = beta * v + g."""
    return [p - lr * g for p, g in zip(params, grads)], grads
