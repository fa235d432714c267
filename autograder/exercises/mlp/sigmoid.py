"""Logistic sigmoid, `1 / (1 + e^{-x})` for each number, without overflow."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import ACROSS_ZERO, CLOSE
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, right_text, visible
from course_lib import mlp

ASKS = Asks(
    mlp.sigmoid,
    signature="sigmoid(x (...)) -> (...), same shape",
    points={"basics": 1, "extremes": 1},
    silent=True,
    hints=(
        "For which x does e^-x overflow? Can you write the same value with an exponential that is never above 1?",
        "Multiply top and bottom by e^x: the sigmoid is also e^x / (1 + e^x), which is safe for negative x. Both "
        "forms need e to the power -|x|, so compute that once and let the sign choose the form.",
        "`e = np.exp(-np.abs(x))` never overflows. The value is `1 / (1 + e)` where `x >= 0`, and `e / (1 + e)` "
        "elsewhere: let `np.where` choose between the two.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("four numbers", (np.array([0.0, 1.0, -2.0, 3.0]),))
    yield Case("two rows", (rng.standard_normal((2, 3)) * 4,))
    yield Case("very positive", (np.array([800.0, 1e4]),), group="extremes")
    yield Case("very negative", (np.array([-800.0, -1e4]),), group="extremes")
    yield Case("float32", (np.array([-1e4, -200.0, -1.5, 2.5, 200.0, 1e4], np.float32),), group="extremes")


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    x = rng.standard_normal((5, 7)) * 3
    yield Case("a batch", (x,))
    yield Case("one number", (x[:1, :1],))
    yield Case("three axes", (rng.standard_normal((2, 3, 4)),))
    yield Case("Fortran order", (np.asfortranarray(x),))
    yield Case("every second column, float32", (x.astype(np.float32)[:, ::2],))
    yield Case("on both sides of 0", (ACROSS_ZERO,), tolerance=CLOSE)
    yield Case("far from 0", (np.array([-28.0, -21.0, -14.0, -7.0, 7.0, 14.0, 21.0, 28.0]),), tolerance=CLOSE)
    yield Case("zeros", (np.zeros((2, 2)),))
    yield Case("from small to huge", (np.outer([1.0, -1.0], [1e-3, 1.0, 30.0, 700.0, 750.0, 1e4]),), group="extremes")
    yield Case("huge float32", (np.array([[88.0, 1e4], [-1e4, -95.0]], np.float32),), group="extremes")


# --- properties ----------------------------------------------------------------------------------------------


@holds("sigmoid(-x) = 1 - sigmoid(x)", group="basics")
def sigmoid_mirror(call: Probe, rng: np.random.Generator) -> str | None:
    x = rng.standard_normal((4, 3)) * 5
    if not np.allclose(call(-x), 1 - call(x)):
        return "sigmoid(-x) differs from 1 - sigmoid(x): the curve is not symmetric about (0, 1/2)"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(x):
    import math

    def one(z):
        if z >= 0:
            return 1 / (1 + math.exp(-z))
        e = math.exp(z)
        return e / (1 + e)

    values = [one(float(z)) for z in x.ravel()]
    return np.array(values, dtype=x.dtype).reshape(x.shape)


other_formula = right_text(
    "other formula",
    """
def sigmoid(t: np.ndarray) -> np.ndarray:
    return (1 + np.tanh(t / 2)) / 2
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def sigmoid_overflows(x):
    """The formula is right, but np.exp(-x) overflows where x is very negative. Use np.exp(-np.abs(x)), which is at most
    1, and treat the two signs separately."""
    return 1 / (1 + np.exp(-x))


@mistake
def sigmoid_other_half(x):
    """e^x / (1 + e^x) is right on paper, but for a large x it is inf / inf, which is nan. Use np.exp(-np.abs(x)), which
    is at most 1, and treat the two signs separately."""
    return np.exp(x) / (1 + np.exp(x))


@mistake
def sigmoid_where_both(x):
    """np.where computes both formulas everywhere and picks afterwards, so the unused one still overflows.
    Take the exponential of -np.abs(x) first, then pick."""
    return np.where(x >= 0, 1 / (1 + np.exp(-x)), np.exp(x) / (1 + np.exp(x)))


@mistake
def sigmoid_clipped_wide(x):
    """Clipping at 500 saves float64, but float32 overflows from exp(89) on. Use np.exp(-np.abs(x)), which
    is at most 1 and needs no limit."""
    return 1 / (1 + np.exp(-np.clip(x, -500, 500)))


@mistake
def sigmoid_sign(x):
    """Your curve falls where it should rise: this is sigmoid(-x). The exponent has a minus, e^(-x)."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, small, 1) / (1 + small)


@mistake
def sigmoid_tanh(x):
    """This is tanh, which runs from -1 to 1. The sigmoid runs from 0 to 1: (1 + tanh(x / 2)) / 2."""
    return np.tanh(x)


@mistake
def sigmoid_softmax(x):
    """Your numbers add up to 1: this is a softmax. The sigmoid looks at each number alone."""
    e = np.exp(x - np.max(x))
    return e / np.sum(e)


@mistake
def sigmoid_slope(x):
    """This is s(x) (1 - s(x)), the slope of the sigmoid. Return s(x) itself."""
    small = np.exp(-np.abs(x))
    return small / (1 + small) ** 2
