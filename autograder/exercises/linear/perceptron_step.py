"""One look at one example: an update with rate 1 where `y (w.x + b) <= 0`, else none (Rosenblatt, 1958)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes
from autograder.exercises.declare import Asks, hidden, mistake, right, right_text, slip, visible
from autograder.exercises.linear.inputs import Array, Rng, eighths, float32, sliced
from course_lib import linear

ASKS = Asks(
    linear.perceptron_step,
    signature="perceptron_step(w (D,), b, x (D,), y) -> (w (D,), b)",
    points={"basics": 2, "on the line": 1},
    hints=(
        "What is the sign of y times the score when the perceptron is right? And when the point lies exactly on the "
        "line?",
        "Test for a mistake first, and move only then: the weights by y times the input, the bias by y. A score of "
        "0 counts as a mistake, so that learning can start from zeros.",
        "The test is `y * (w @ x + b) <= 0`. Where it holds, return `w + y * x` and `b + y`. Plus makes a new "
        "array; `+=` would write into the caller's.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _off_the_line(rng: Rng, d: int, y: int, right: bool) -> tuple[Array, float, Array, int]:
    """A perceptron with a point that it gets right, or wrong, by a margin of at least 1/64."""
    while True:
        w, x, b = eighths(rng, d), eighths(rng, d), float(eighths(rng))
        margin = y * (w @ x + b)
        if margin != 0 and (margin > 0) == right:
            return w, b, x, y


def _scaled(scale: float, w: Array, b: float, x: Array, y: int) -> tuple[Array, float, Array, int]:
    """The same perceptron and point, with both vectors so many times as long: the margin grows by the square."""
    return scale * w, scale**2 * b, scale * x, y


def _by_a_hair(margin: float) -> Iterator[Case]:
    """Points that are right, and wrong, by no more than `margin`, which one number alone decides."""
    for at, y in ((0, 1), (1, -1)):
        w = np.zeros(2)
        w[at] = y * margin
        yield Case(f"right by {margin:g}, class {y:+d}", (w, 0.0, np.array([1.0, 1.0]), y), group="on the line")
        yield Case(f"wrong by {margin:g}, class {-y:+d}", (w, 0.0, np.array([1.0, 1.0]), -y), group="on the line")


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    yield Case("a mistake", (np.array([1.0, 2.0]), -1.0, np.array([3.0, 1.0]), -1))
    yield Case("already right", (np.array([1.0, 2.0]), -1.0, np.array([3.0, 1.0]), 1))
    yield Case("right, thanks to the bias", (np.array([1.0, 1.0]), -3.0, np.array([1.0, 1.0]), -1))
    yield Case("a mistake in class +1, five numbers", _off_the_line(rng, 5, 1, right=False))
    yield Case("zeros at the start", (np.zeros(3), 0.0, np.array([1.0, 2.0, -1.0]), -1), group="on the line")
    yield Case("a point on the line", (np.array([2.0, -1.0]), 1.0, np.array([0.5, 2.0]), 1), group="on the line")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    for y in (-1, 1):
        yield Case(f"class {y:+d}, a mistake, forty numbers", _off_the_line(rng, 40, y, right=False))
        yield Case(f"class {y:+d}, right, forty numbers", _off_the_line(rng, 40, y, right=True))
    yield Case("one number", _off_the_line(rng, 1, -1, right=False))
    yield Case("float32", float32(*_off_the_line(rng, 6, 1, right=False)))
    w, b, x, y = _off_the_line(rng, 4, 1, right=False)
    yield Case("slices of larger arrays", (sliced(w), b, sliced(x), y))
    passes, fails = (_off_the_line(rng, 4, -1, right=right_side) for right_side in (True, False))
    yield from magnitudes(lambda scale: _scaled(scale, *passes))
    yield from magnitudes(lambda scale: _scaled(scale, *fails))
    w, x = eighths(rng, 4), eighths(rng, 4)
    yield Case("on the line, four numbers", (w, -float(w @ x), x, -1), group="on the line")
    for margin in (5e-4, 5e-7, 5e-13, 1e-30):
        yield from _by_a_hair(margin)
    close = np.array([1 + 2.0**-40, -1.0]), 0.0, np.array([1.0, 1.0]), 1
    yield Case("right in the thirteenth digit", close, group="on the line")


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(w, b, x, y):
    total = b
    for i in range(len(w)):
        total += w[i] * x[i]
    if total * y > 0:
        return [w, b]
    new = w.copy()
    for i in range(len(w)):
        new[i] += y * x[i]
    return [new, b + y]


other_formula = right_text(
    "other formula",
    """
def perceptron_step(weights: np.ndarray, bias: float, point: np.ndarray, sign: int):
    def homogeneous(vector, last):
        return np.append(vector, vector.dtype.type(last))

    v, u = homogeneous(weights, bias), homogeneous(point, 1)
    v = v + sign * u * (sign * np.dot(v, u) <= 0)
    return v[:-1], v[-1]
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def nothing_on_the_line(w, b, x, y):
    """A point exactly on the line, where w.x + b is 0, counts as a mistake: the test is <= 0. With < 0 a perceptron
    that starts from zeros never moves."""
    if y * (w @ x + b) < 0:
        w, b = w + y * x, b + y
    return w, b


@mistake
def always_updates(w, b, x, y):
    """This updates on every example. A perceptron learns from mistakes only: leave w and b alone where
    y (w.x + b) > 0."""
    return w + y * x, b + y


@mistake
def label_left_out(w, b, x, y):
    """The update adds x whatever the label is. Add y x and y: towards a point of class +1, away from one of
    class -1."""
    if y * (w @ x + b) <= 0:
        w, b = w + x, b + 1
    return w, b


away_from_the_point = slip(
    label_left_out,
    "w + x, b + 1",
    "w - y * x, b - y",
    says="The update has the opposite sign: it makes the mistake larger. Add y x and y; subtract nothing.",
)


bias_stays = slip(
    label_left_out,
    "w, b = w + x, b + 1",
    "w = w + y * x",
    says="The weights move but the bias stays. It learns too: b + y, as if every input had one more number that "
    "is always 1.",
)


bias_not_in_the_test = slip(
    nothing_on_the_line,
    "y * (w @ x + b) < 0",
    "y * (w @ x) <= 0",
    says="The test for a mistake leaves the bias out. The side of the line is the sign of w.x + b.",
)


@mistake
def two_steps_at_once(w, b, x, y):
    """The update is y minus the predicted sign, which is twice too large after a mistake: with labels -1 and +1 the
    step is y x."""
    error = y - np.sign(w @ x + b)
    return w + error * x, float(b + error)


weights_changed_in_place = slip(
    label_left_out,
    "w, b = w + x, b + 1",
    "w += y * x\nb += y",
    says="The numbers are right, but w += ... writes into the caller's array, so the old weights are lost. Make a "
    "new array: w = w + y * x.",
)
