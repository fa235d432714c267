"""Rectified linear unit, `max(x, 0)` for each number."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import ACROSS_ZERO, EXACT, wide
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, right_text, visible
from course_lib import mlp

ASKS = Asks(
    mlp.relu,
    signature="relu(x (...)) -> (...), same shape",
    points={"basics": 1},
    hints=(
        "What should happen to the shape? And who may still be using the array that you were given?",
        "Compare every number with 0 and keep the larger one, element by element. That is not the maximum of an "
        "array or along an axis.",
        "NumPy's elementwise function is `np.maximum`, with `x` and `0` as its two arguments. It makes a new array; "
        "`np.max(x, 0)` would reduce axis 0.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("four numbers", (np.array([-2.0, 0.0, 3.0, 0.5]),))
    yield Case("two rows", (np.array([[1.0, -1.0, 2.0], [-3.0, 4.0, -5.0]]),))
    yield Case("float32", (rng.standard_normal((3, 4)).astype(np.float32),))


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    x = rng.standard_normal((6, 5))
    yield Case("a batch", (x,))
    yield Case("one number", (-np.abs(x[:1, :1]),))
    yield Case("one row of positive numbers", (np.abs(x[:1]),))
    yield Case("one column of positive numbers", (np.abs(x[:, :1]),))
    yield Case("on both sides of 0", (ACROSS_ZERO,), tolerance=EXACT)
    yield Case("from 1e-30 to 1e30", (wide(rng, 6, 5),), tolerance=EXACT)
    yield Case("all negative", (-np.abs(x),))
    yield Case("large numbers", (x * 1e4,))
    yield Case("three axes", (rng.standard_normal((2, 3, 4)),))
    yield Case("every second column", (x[:, ::2],))
    yield Case("Fortran order", (np.asfortranarray(x.astype(np.float32)),))


# --- properties ----------------------------------------------------------------------------------------------


@holds("relu(c x) = c relu(x) for c > 0", group="basics")
def relu_scales(call: Probe, rng: np.random.Generator) -> str | None:
    x = rng.standard_normal((3, 4))
    if not np.allclose(call(7.5 * x), 7.5 * call(x)):
        return "relu(7.5 x) differs from 7.5 relu(x): a positive factor passes through a ReLU unchanged"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(x):
    out = np.empty_like(x)
    for index in np.ndindex(x.shape):
        if x[index] > 0:
            out[index] = x[index]
        else:
            out[index] = 0
    return out


other_formula = right_text(
    "other formula",
    """
relu = lambda z: (z + np.abs(z)) / 2
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def relu_column_maximum(x):
    """np.max(x, 0) is the largest number along axis 0, so the shape shrinks. np.maximum(x, 0) compares
    each number with 0."""
    return np.max(x, 0)


@mistake
def relu_in_place(x):
    """The answer is right, but the caller's x was overwritten on the way. Leave x alone: np.maximum(x, 0)
    makes a new array."""
    x[x < 0] = 0
    return x


@mistake
def relu_python_max(x):
    """Python's max and if want one yes or no, and an array has many. np.maximum(x, 0) decides for each
    number."""
    return max(0, x)


@mistake
def relu_step(x):
    """You return 1 where x is positive: that is the slope of the ReLU. Its value is x itself there."""
    return (x > 0).astype(x.dtype)


@mistake
def relu_absolute(x):
    """The negative numbers came back positive: this is the absolute value. ReLU gives 0 for every negative
    one."""
    return np.abs(x)


@mistake
def relu_drops(x):
    """x[x > 0] keeps the positive numbers and drops the rest, and the shape is lost. A negative number
    becomes a 0 where it is."""
    return x[x > 0]


@mistake
def relu_leaky(x):
    """A hundredth of every negative number is left: this is the leaky ReLU. The plain one gives exactly
    0."""
    return np.where(x > 0, x, 0.01 * x).astype(x.dtype)


@mistake
def relu_negative_part(x):
    """You kept the negative numbers: this is min(x, 0). ReLU keeps the positive ones, max(x, 0)."""
    return np.minimum(x, 0)


@mistake
def relu_capped(x):
    """Everything above 1 was cut to 1. ReLU has no ceiling: a positive number passes unchanged."""
    return np.clip(x, 0, 1)
