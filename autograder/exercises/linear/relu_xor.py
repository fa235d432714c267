"""Weights `(W1 (2, 2), b1 (2,), w2 (2,), b2)` with `w2.relu(W1 x + b1) + b2` = XOR of two bits `x`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograder.calls import Foreign, Probe
from autograder.exercise import Case
from autograder.exercises.declare import Asks, accepts, hidden, holds, mistake, right_text, visible
from autograder.exercises.linear.inputs import CORNERS, Array, Rng
from autograder.objects import described_type
from course_lib import linear

ASKS = Asks(
    linear.relu_xor,
    signature="relu_xor() -> (W1 (2, 2), b1 (2,), w2 (2,), b2)",
    points={"basics": 2, "bend": 1},
    hints=(
        "Look at the last row of the table. The first unit says 2 there: how much does the second one have to take "
        "away?",
        "One hidden unit counts the ones, another wakes up only at (1, 1). The output takes the first and subtracts "
        "the second so strongly that 2 becomes 0.",
        "Let both rows of `W1` be `[1, 1]` and `b1` be `[0, -1]`. At (0, 1) the units give 1 and 0, so `w2[0] = 1`. "
        "At (1, 1) they give 2 and 1: solve `2 * w2[0] + w2[1] = 0`. `b2` is 0.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    yield Case("the four corners")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    return iter(())


# --- properties ----------------------------------------------------------------------------------------------


def _xor_outputs(value: Any) -> Array:
    """What a network `(W1, b1, w2, b2)` says at the four corners, (4,).

    Raises:
        ValueError: a part is missing or has another shape; the message is for the student.
    """
    if not isinstance(value, (tuple, list)) or len(value) != 4:
        raise ValueError("the exercise asks for four things, in this order: return W1, b1, w2, b2")
    shapes = (("W1", (2, 2)), ("b1", (2,)), ("w2", (2,)), ("b2", ()))
    parts = []
    for part, (name, shape) in zip(value, shapes, strict=True):
        if isinstance(part, Foreign):
            raise ValueError(f"{name} is {described_type(part.type_name)}; expected an array of shape {shape}")
        array = np.asarray(part)
        if array.dtype.kind not in "iuf":
            raise ValueError(f"{name} holds {array.dtype} instead of real numbers")
        if array.shape != shape and not (name == "b2" and array.shape == (1,)):
            wanted = "a single number" if shape == () else f"shape {shape}"
            raise ValueError(f"{name} has shape {array.shape}; expected {wanted}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} holds nan or inf")
        parts.append(array.astype(float).reshape(shape))
    w1, b1, w2, b2 = parts
    with np.errstate(all="ignore"):
        return np.asarray(np.maximum(CORNERS @ w1.T + b1, 0) @ w2 + b2)


@holds("the output bends between the corners", group="bend")
def bends_between_the_corners(call: Probe, rng: Rng) -> str | None:
    got = _xor_outputs(call())
    if np.isclose(got[0] + got[3], got[1] + got[2]):
        return (
            "the outputs at (0,0) and (1,1) have the same sum as those at (0,1) and (1,0), as for any plane: no unit "
            "bends between the corners, so move the bend of one with b1"
        )
    return None


# --- the judge -----------------------------------------------------------------------------------------------


GATES: dict[tuple[int, ...], str] = {
    (0, 1, 1, 1): "OR",
    (0, 0, 0, 1): "AND",
    (1, 1, 1, 0): "NAND",
    (1, 0, 0, 0): "NOR",
    (1, 0, 0, 1): "XNOR, the opposite of XOR",
    (0, 0, 1, 1): "x1 alone",
    (0, 1, 0, 1): "x2 alone",
}


@accepts
def is_xor(case: Case, value: Any) -> str | None:
    try:
        got = _xor_outputs(value)
    except ValueError as problem:
        return str(problem)
    if np.allclose(got, [0, 1, 1, 0], rtol=0, atol=1e-3):
        return None
    said = ", ".join(f"({int(x1)},{int(x2)}) gives {out:.4g}" for (x1, x2), out in zip(CORNERS, got, strict=True))
    gate = GATES.get(tuple(int(out) for out in got.round())) if np.isin(got.round(3), (0, 1)).all() else None
    return f"{said}{f': this is {gate}' if gate else ''}; XOR is 0, 1, 1, 0"


# --- right answers in other styles ------------------------------------------------------------------------


loops = right_text(
    "loops",
    '''
def relu_xor():
    """One unit for each way of being different."""
    return [[1, -1], [-1, 1]], [0, 0], [1, 1], 0
''',
)


other_formula = right_text(
    "other formula",
    """
def relu_xor():
    W1 = np.array([[2.0, 2.0], [3.0, 3.0]], dtype=np.float32)
    return W1, np.array([-1.0, -4.5]), np.array([1.0, -2.0]), np.array([0.0]) + relu_xor_bias()

def relu_xor_bias():
    return 0
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def or_in_place_of_xor():
    """This network is OR: it is right at three corners and says 1 at (1, 1). There the second hidden unit has to take
    back more: it needs a larger negative weight in w2."""
    return np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([0.0, -1.0]), np.array([1.0, -1.0]), 0.0


@mistake
def no_shift():
    """Both hidden units bend in the same corner, (0, 0), so between the corners the network is a plane.
    Give one unit a negative bias in b1, so that only (1, 1) switches it on."""
    return np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([0.0, 0.0]), np.array([1.0, -2.0]), 0.0


@mistake
def equality():
    """This network is 1 where the bits are equal: XNOR, the opposite. Flip every sign in w2, and make b2 fit the corner
    (0, 0)."""
    return np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([0.0, -1.0]), np.array([-1.0, 2.0]), 1.0


@mistake
def one_way_only():
    """This is 1 at (1, 0) but not at (0, 1): x1 - x2 is negative there and the ReLU cuts it off. Let the second hidden
    unit look the other way, x2 - x1."""
    return np.array([[1.0, -1.0], [1.0, -1.0]]), np.array([0.0, 0.0]), np.array([0.5, 0.5]), 0.0


@mistake
def output_weights_in_a_row():
    """The numbers are right, but w2 is a matrix with one row, (1, 2). The exercise asks for two numbers, (2,): drop one
    pair of brackets."""
    return np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([0.0, -1.0]), np.array([[1.0, -2.0]]), 0.0
