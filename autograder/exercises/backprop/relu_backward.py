"""One step back through `max(x, 0)`: an inactive unit passes no gradient. At 0, where no slope exists, it is 0."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import ACROSS_ZERO, EXACT, wide
from autograder.exercises.backprop.inputs import Rng, normal
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, right_text, visible
from autograder.forbidden_names import BY_HAND
from course_lib import backprop

ASKS = Asks(
    backprop.relu_backward,
    signature="relu_backward(dout (...), x (...)) -> (...), same shape",
    points={"basics": 1},
    forbids=BY_HAND,
    hints=(
        "What decides whether a number of dout may pass: its own sign, or what its unit did in the forward pass?",
        "Chain rule: what arrives, times the slope. The slope of the ReLU is 1 where its input was above 0, and 0 "
        "elsewhere, at exactly 0 as well.",
        "The mask `x > 0` holds True and False, which count as 1 and 0. Multiply `dout` by it, into a new array.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    yield Case("three numbers", (np.array([1.0, 3.0, 1.0]), np.array([-1.0, 3.0, -1.0])))
    yield Case("exactly 0", (np.array([2.0, 5.0, -7.0]), np.array([0.0, 1.5, -0.5])))
    yield Case("a batch", normal(rng, (3, 4), (3, 4)))
    yield Case("float32", normal(rng, (2, 3), (2, 3), dtype=np.float32))


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    dout, x = normal(rng, (6, 8), (6, 8))
    yield Case("a larger batch", (dout, x))
    yield Case("a batch of one", (dout[:1], x[:1]))
    yield Case("one column, all active", (dout[:, :1], np.abs(x[:, :1])))
    yield Case("on both sides of 0", (wide(rng, ACROSS_ZERO.size), ACROSS_ZERO), tolerance=EXACT)
    yield Case("gradients from 1e-30 to 1e30", (wide(rng, 6, 8), x), tolerance=EXACT)
    yield Case("all inactive", (dout, -np.abs(x)))
    yield Case("all at 0", (dout, np.zeros_like(x)))
    yield Case("large numbers", (dout, x * 1e4))
    yield Case("three axes", normal(rng, (2, 3, 4), (2, 3, 4)))
    yield Case("Fortran order and slices", (np.asfortranarray(dout[:, ::2]), x[:, ::2]))


# --- properties ----------------------------------------------------------------------------------------------


@holds("linear in dout", group="basics")
def passes_on_straight(call: Probe, rng: Rng) -> str | None:
    one, two, x = (rng.standard_normal((3, 4)) for _ in range(3))
    if not np.allclose(call(3 * one - two, x), 3 * call(one, x) - call(two, x)):
        return "the result must be linear in dout: for 3a - b it must be 3 times the one for a minus the one for b"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(dout, x):
    dx = dout.copy()
    for place in np.ndindex(x.shape):
        if not x[place] > 0:
            dx[place] = 0
    return dx


other_formula = right_text(
    "other formula",
    """
relu_backward = lambda dout, x: dout * np.heaviside(x, 0).astype(dout.dtype)
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def relu_awake_at_zero(dout, x):
    """At exactly 0 you let the gradient pass. The course, like PyTorch, takes the slope 0 there: x > 0, not x
    >= 0."""
    return dout * (x >= 0)


@mistake
def relu_looks_at_gradient(dout, x):
    """Only the positive numbers of dout passed. Its sign does not matter: what decides is whether the unit was active
    in the forward pass, x > 0."""
    return dout * (dout > 0)


@mistake
def relu_slope_alone(dout, x):
    """This is the slope of the ReLU, 1 or 0. Multiply by dout: the gradient that arrives from above passes
    or stops."""
    return (x > 0).astype(dout.dtype)


@mistake
def relu_times_value(dout, x):
    """dout was multiplied by relu(x), the value. It is the slope that counts: 1 where x > 0, else 0."""
    return dout * np.maximum(x, 0)


@mistake
def relu_leaks(dout, x):
    """A hundredth of the gradient passes where x is negative: that is the leaky ReLU. Here an inactive unit gets
    exactly 0."""
    return np.where(x > 0, dout, 0.01 * dout).astype(dout.dtype)


@mistake
def relu_in_place(dout, x):
    """The answer is right, but dout was overwritten on the way, and another branch may still need it. Make a
    new array: dout * (x > 0)."""
    dout[x <= 0] = 0
    return dout
