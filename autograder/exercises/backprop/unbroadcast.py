"""Sums a gradient back to the shape that broadcasting had stretched: what was copied collects all its shares."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes
from autograder.exercises.backprop.inputs import Rng
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, slip, visible
from autograder.forbidden_names import BY_HAND
from course_lib import backprop

ASKS = Asks(
    backprop.unbroadcast,
    signature="unbroadcast(grad (...), shape) -> an array of that shape",
    points={"basics": 1, "corners": 1},
    forbids=BY_HAND,
    hints=(
        "Write grad.shape above shape, aligned on the right. Which axes are new, and which have grown from length 1?",
        "Undo the two kinds of stretching in turn. Sum away the axes in front until the numbers of axes agree. Then "
        "sum along each axis where the target has length 1, and keep that axis.",
        "While `grad.ndim > len(shape)`: `grad = grad.sum(axis=0)`. Then for each axis with `shape[axis] == 1`: "
        "`grad = grad.sum(axis=axis, keepdims=True)`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    yield Case("nothing was stretched", (np.array([[1.0, 2.0], [3.0, 4.0]]), (2, 2)))
    yield Case("a row for two rows", (np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]]), (3,)))
    yield Case("a column for three columns", (np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]]), (2, 1)))
    yield Case("a row that was two-dimensional", (rng.standard_normal((4, 3)), (1, 3)), group="corners")
    yield Case("one number for all", (rng.standard_normal((2, 3)), ()), group="corners")
    yield Case("a new axis and a stretched one", (rng.standard_normal((4, 2, 3)), (2, 1)), group="corners")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    wide = rng.standard_normal((5, 4, 3))
    yield Case("a bias", (wide[0], (3,)))
    yield Case("a scale for each row", (wide[0], (4, 1)))
    yield Case("a single row", (wide[:1, 0], (3,)))
    yield Case("a single column", (wide[0, :, :1], (4, 1)))
    yield Case("two new axes", (wide, (3,)), group="corners")
    yield Case("the middle axis", (wide, (5, 1, 3)), group="corners")
    yield Case("all axes of length one", (wide, (1, 1, 1)), group="corners")
    yield Case("an axis that was one before and after", (wide[:, :1], (1, 3)), group="corners")
    yield Case("one number stays one", (np.asarray(wide[0, 0, 0]), ()), group="corners")
    yield Case("float32", (wide.astype(np.float32), (4, 1)), group="corners")
    yield from magnitudes(lambda scale: (scale * wide, (4, 1)), group="corners")
    yield Case("every second column", (wide[..., ::2], (4, 2)), group="corners")


# --- properties ----------------------------------------------------------------------------------------------


@holds("the total stays", group="basics")
def nothing_is_lost(call: Probe, rng: Rng) -> str | None:
    wide = rng.standard_normal((2, 3, 4))
    for shape in ((4,), (3, 1), (2, 1, 4), ()):
        if not np.isclose(np.asarray(call(wide, shape)).sum(), wide.sum()):
            return "the total of all shares has changed: summing must lose nothing"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(grad, shape):
    result = np.zeros(shape, grad.dtype)
    for place in np.ndindex(grad.shape):
        home = place[len(place) - len(shape) :]
        home = tuple(0 if size == 1 else index for index, size in zip(home, shape))
        result[home] += grad[place]
    return result


@right("other formula")
def other_formula(grad, shape):
    if grad.shape == shape:
        return grad
    padded = (1,) * (grad.ndim - len(shape)) + tuple(shape)
    axes = [axis for axis, (have, want) in enumerate(zip(grad.shape, padded)) if have != want]
    return np.add.reduce(grad, axis=tuple(axes)).reshape(shape)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def unbroadcast_keeps_new_axes(grad, shape):
    """A new axis in front was summed but kept, with length 1: (1, 3) instead of (3,). Axes that shape does not have
    must go: sum them without keepdims."""
    extra = grad.ndim - len(shape)
    padded = (1,) * extra + tuple(shape)
    axes = tuple(i for i, n in enumerate(padded) if n == 1)
    return grad.sum(axis=axes, keepdims=True)


unbroadcast_drops_ones = slip(
    unbroadcast_keeps_new_axes,
    "grad.sum(axis=axes, keepdims=True)",
    "np.asarray(grad.sum(axis=axes))",
    says="An axis of length 1 has vanished: (2,) instead of (2, 1). Where shape has a 1, sum with keepdims=True.",
)


@mistake
def unbroadcast_new_axes_only(grad, shape):
    """You sum over the axes that came in front. An axis of length 1 was stretched as well: sum it too, with
    keepdims=True."""
    return np.asarray(grad.sum(axis=tuple(range(grad.ndim - len(shape)))))


@mistake
def unbroadcast_ones_only(grad, shape):
    """You sum where shape has a 1. Broadcasting also puts new axes in front: sum those away first."""
    for i, n in enumerate(shape):
        if n == 1:
            grad = grad.sum(axis=i, keepdims=True)
    return grad


@mistake
def unbroadcast_mean(grad, shape):
    """You took the mean. A value that was copied has a share in every copy, and shares add up: sum."""
    axes = tuple(range(grad.ndim - len(shape)))
    grad = np.asarray(grad.mean(axis=axes)) if axes else grad
    for i, n in enumerate(shape):
        if n == 1:
            grad = grad.mean(axis=i, keepdims=True)
    return grad


@mistake
def unbroadcast_first_copy(grad, shape):
    """Only the first copy's gradient came back. All copies are the same value, so all their gradients count:
    sum them."""
    while grad.ndim > len(shape):
        grad = np.asarray(grad[0])
    for i, n in enumerate(shape):
        if n == 1:
            grad = np.take(grad, [0], axis=i)
    return grad


@mistake
def unbroadcast_total_everywhere(grad, shape):
    """Every entry is the total of all numbers. Sum only over the axes that were stretched; along the others each entry
    keeps its own."""
    if grad.shape == tuple(shape):
        return grad
    return np.full(shape, grad.sum())
