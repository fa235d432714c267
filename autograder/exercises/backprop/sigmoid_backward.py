"""One step back through the sigmoid s, from its output: the slope is s (1 - s)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import DTypeLike

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import RELATIVE, wide
from autograder.exercises.backprop.inputs import Array, Rng, normal
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, right_text, visible
from autograder.forbidden_names import BY_HAND
from course_lib import backprop

ASKS = Asks(
    backprop.sigmoid_backward,
    signature="sigmoid_backward(dout (...), out (...)) -> (...), same shape",
    points={"basics": 1},
    forbids=BY_HAND,
    hints=(
        "You are given what came out of the sigmoid. How steep is the curve where its height is 0.5, and where it "
        "is nearly 1?",
        "The slope needs no exponential: with s the output it is s times (1 - s). By the chain rule it multiplies "
        "what arrives.",
        "Three factors, element by element: `dout`, `out` and `1 - out`. Take no `sigmoid` of `out`: it has been "
        "through it.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _shares(rng: Rng, *shape: int, dtype: DTypeLike = float) -> tuple[Array, Array]:
    """A gradient from above, and outputs of a sigmoid."""
    return normal(rng, shape, dtype=dtype)[0], rng.uniform(0.02, 0.98, shape).astype(dtype)


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    yield Case("three numbers", (np.array([1.0, 2.0, -10.0]), np.array([0.5, 0.5, 0.9])))
    yield Case("saturated", (np.array([3.0, -4.0, 5.0]), np.array([0.0, 1.0, 0.25])))
    yield Case("a batch", _shares(rng, 3, 4))
    yield Case("float32", _shares(rng, 2, 3, dtype=np.float32))


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    dout, out = _shares(rng, 6, 8)
    yield Case("a larger batch", (dout, out))
    yield Case("a batch of one", (dout[:1], out[:1]))
    yield Case("one column", (dout[:, :1], out[:, :1]))
    yield Case("gradients from 1e-30 to 1e30", (wide(rng, 6, 8), out), tolerance=RELATIVE)
    yield Case("large gradients", (dout * 1e4, out))
    yield Case("three axes", _shares(rng, 2, 3, 4))
    yield Case("Fortran order and slices", (np.asfortranarray(dout[:, ::2]), out[:, ::2]))


# --- properties ----------------------------------------------------------------------------------------------


@holds("the slope of the sigmoid", group="basics")
def sigmoid_slope(call: Probe, rng: Rng) -> str | None:
    x, eps = rng.standard_normal((3, 2)), 1e-5

    def sigmoid(z: Array) -> Array:
        return np.asarray(1 / (1 + np.exp(-z)))

    slope = (sigmoid(x + eps) - sigmoid(x - eps)) / (2 * eps)
    if not np.allclose(call(np.ones((3, 2)), sigmoid(x)), slope, rtol=1e-6, atol=1e-8):
        return "with dout = 1 the result is not the slope of the sigmoid as a small difference measures it"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(dout, out):
    dx = np.empty(out.shape, dtype=out.dtype)
    for place, s in np.ndenumerate(out):
        dx[place] = dout[place] * (s - s * s)
    return dx


other_formula = right_text(
    "other formula",
    """
def sigmoid_backward(dout: np.ndarray, out: np.ndarray) -> np.ndarray:
    return dout / 4 - dout * (out - 0.5) ** 2
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def sigmoid_from_input(dout, out):
    """You took the sigmoid of out, but out has been through it already. The slope is out * (1 - out)."""
    s = 1 / (1 + np.exp(-out))
    return dout * s * (1 - s)


@mistake
def sigmoid_half_a_slope(dout, out):
    """dout was multiplied by out alone. The slope of the sigmoid is out * (1 - out)."""
    return dout * out


@mistake
def sigmoid_as_tanh(dout, out):
    """1 - out ** 2 is the slope of tanh. The slope of the sigmoid is out * (1 - out)."""
    return dout * (1 - out**2)


@mistake
def sigmoid_slope_alone(dout, out):
    """This is the slope without dout. Multiply by dout: the slope scales the gradient from above."""
    return out * (1 - out)


@mistake
def sigmoid_as_relu(dout, out):
    """The gradient passes unchanged where out > 0, which is the rule of the ReLU. The sigmoid scales it by out
    * (1 - out)."""
    return dout * (out > 0)


@mistake
def sigmoid_sign(dout, out):
    """The sign is wrong: out * (out - 1) is negative, but the sigmoid rises everywhere. Its slope is out * (1
    - out)."""
    return dout * out * (out - 1)
