"""The gradient of `f` at `x` by central differences: each number is nudged up and down on its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from autograder.calls import Probe
from autograder.exercise import Case, Tolerance
from autograder.exercises.awkward import magnitudes
from autograder.exercises.backprop.inputs import Array, Rng
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, slip, visible
from autograder.forbidden_names import BY_HAND
from course_lib import backprop

DIFFERENCES = (
    "scipy.differentiate",
    "scipy.optimize._numdiff._dense_difference",
    "scipy.optimize._numdiff._sparse_difference",
    "scipy.optimize._numdiff.approx_derivative",
    "scipy.optimize.approx_fprime",
    "scipy.optimize.check_grad",
)
"""What takes differences for gradients elsewhere."""

ASKS = Asks(
    backprop.numerical_gradient,
    signature="numerical_gradient(f, x (...), eps=1e-5) -> (...), same shape",
    points={"basics": 1, "corners": 1},
    forbids=(*BY_HAND, *DIFFERENCES),
    tolerance=Tolerance(relative=1e-6, absolute=1e-8),
    hints=(
        "While you measure the slope of one entry, where do all the other entries have to be?",
        "A central difference for each entry: move this one alone up and down, and divide the difference of the two "
        "values of f by the distance between them. On a copy, x itself is never touched and nothing has to be added "
        "back.",
        "With `moved = x.copy()` loop over `np.ndindex(x.shape)`: set `moved[index]` to `x[index] + eps`, then to "
        "`x[index] - eps`, then to `x[index]` again. The slope is the difference of the two `f(moved)` over `2 * "
        "eps`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def x0_squared_times_x1(x: Array) -> float:
    """A function that cases lend to the student."""
    return float(x[0] ** 2 * x[1])


def sum_of_cubes(x: Array) -> float:
    """A function that cases lend to the student."""
    return float(np.sum(np.asarray(x) ** 3))


def sum_of_squares(x: Array) -> float:
    """A function that cases lend to the student."""
    return float(np.sum(np.asarray(x) ** 2))


def sum_of_fast_waves(x: Array) -> float:
    """A function so curved that the gradient depends on `eps` even where that is 1e-5 or less."""
    return float(np.sum(np.sin(1000 * np.asarray(x))))


def _waves(rng: Rng, shape: tuple[int, ...]) -> Callable[[Array], float]:
    a, b = rng.uniform(1, 2, shape), rng.uniform(1, 3, shape)

    def sum_of_a_sin_bx(x: Array) -> float:
        return float(np.sum(a * np.sin(b * x)))

    return sum_of_a_sin_bx


def _coupled(rng: Rng, size: int) -> Callable[[Array], float]:
    weights = rng.standard_normal((size, size))

    def sum_of_x_W_exp_x(x: Array) -> float:
        flat = np.ravel(x)
        return float(flat @ weights @ np.exp(flat / 2))

    return sum_of_x_W_exp_x


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    yield Case("two numbers", (x0_squared_times_x1, np.array([2.0, 3.0])))
    yield Case("four numbers", (_waves(rng, (4,)), rng.standard_normal(4)))
    yield Case("a matrix", (_waves(rng, (2, 3)), rng.standard_normal((2, 3))))
    yield Case("eps = 0.1", (sum_of_cubes, np.array([0.7, -1.1, 0.3]), 0.1), group="corners")
    yield Case("a transposed matrix", (_waves(rng, (3, 2)), rng.standard_normal((2, 3)).T), group="corners")
    yield Case("a single number, shape ()", (sum_of_cubes, np.array(1.3)), group="corners")
    yield Case("seven numbers, each with all others", (_coupled(rng, 7), rng.standard_normal(7)))


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    yield Case("a longer vector", (_coupled(rng, 7), rng.standard_normal(7)))
    yield Case("a wide matrix", (_coupled(rng, 10), rng.standard_normal((2, 5))))
    yield Case("one number", (_waves(rng, (1,)), rng.standard_normal(1)))
    yield Case("three axes", (_waves(rng, (2, 3, 2)), rng.standard_normal((2, 3, 2))), group="corners")
    yield Case("Fortran order", (_coupled(rng, 6), np.asfortranarray(rng.standard_normal((2, 3)))), group="corners")
    yield Case("every third number", (_waves(rng, (3,)), rng.standard_normal(9)[::3]), group="corners")
    yield Case("another eps", (sum_of_cubes, rng.standard_normal((2, 2))), {"eps": 0.02}, group="corners")
    yield Case("eps left out", (sum_of_fast_waves, np.array([0.3, -0.7])), group="corners")
    yield from magnitudes(lambda scale: (sum_of_squares, np.array([2 * scale, -3 * scale]), scale / 8), group="corners")
    yield Case("shape ()", (_waves(rng, ()), np.asarray(rng.standard_normal())), group="corners")


# --- properties ----------------------------------------------------------------------------------------------


@holds("the slope of a plane is its weights", group="basics")
def slope_of_a_plane(call: Probe, rng: Rng) -> str | None:
    weights, x = rng.standard_normal((2, 3)), rng.standard_normal((2, 3))

    def plane(z: Array) -> float:
        return float((weights * z).sum())

    if not np.allclose(call(plane, x), weights, rtol=1e-6, atol=1e-8):
        return "f(x) = sum(w * x) must have the gradient w everywhere; here it does not"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(f, x, eps=1e-5):
    slopes = []
    for k in range(x.size):
        up = x.copy()
        up.flat[k] = up.flat[k] + eps
        down = x.copy()
        down.flat[k] = down.flat[k] - eps
        slopes.append((f(up) - f(down)) / eps / 2)
    print(len(slopes), "slopes")
    return np.array(slopes).reshape(x.shape)


@right("other formula")
def other_formula(f, x, eps=1e-5):
    units = np.eye(x.size).reshape(x.size, *x.shape)
    return np.reshape([(f(x + eps * unit) - f(x - eps * unit)) / (2 * eps) for unit in units], x.shape)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(f, x, eps=1e-5):
    x = x.copy()
    grad = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        old = x[i]
        x[i] = old + eps
        up = f(x)
        x[i] = old - eps
        grad[i] = (up - f(x)) / (2 * eps)
        x[i] = old
    return grad


@mistake
def numerical_forward_difference(f, x, eps=1e-5):
    """You nudge in one direction only: (f(x + eps) - f(x)) / eps. Its error shrinks with eps, that of the
    central difference with eps squared: (f(x + eps) - f(x - eps)) / (2 * eps)."""
    x = x.copy()
    grad = np.zeros_like(x)
    start = f(x)
    for i in np.ndindex(x.shape):
        old = x[i]
        x[i] = old + eps
        grad[i] = (f(x) - start) / eps
        x[i] = old
    return grad


numerical_one_eps = slip(
    answer,
    "(up - f(x)) / (2 * eps)",
    "(up - f(x)) / eps",
    says="Every slope is twice as large as it should be: x - eps and x + eps are 2 * eps apart, so divide by that.",
)


@mistake
def numerical_never_restored(f, x, eps=1e-5):
    """An entry of x was nudged and not put back, so the next slopes are measured at another point. Put the old value
    back before you go on."""
    grad = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        x[i] += eps
        up = f(x)
        x[i] -= 2 * eps
        grad[i] = (up - f(x)) / (2 * eps)
    return grad


numerical_added_back = slip(
    numerical_never_restored,
    "grad[i] = (up - f(x)) / (2 * eps)",
    "grad[i] = (up - f(x)) / (2 * eps)\nx[i] += eps",
    says="The slopes are right, but x is not quite what it was: x + eps - 2 * eps + eps is rounded at each step. "
    "Keep the old value and put it back.",
)


@mistake
def numerical_all_at_once(f, x, eps=1e-5):
    """All entries were nudged together, which gives one slope for all of them. Nudge one entry at a time and
    leave the others alone."""
    slope = (f(x + eps) - f(x - eps)) / (2 * eps)
    return np.full(x.shape, slope)


numerical_own_eps = slip(
    answer,
    ("old + eps", "old + 1e-5"),
    ("old - eps", "old - 1e-5"),
    ("(up - f(x)) / (2 * eps)", "(up - f(x)) / 2e-5"),
    says="The eps that was passed in is not used: these are the numbers for 1e-5. Callers may want another one.",
)


@mistake
def numerical_flat_copy(f, x, eps=1e-5):
    """Where the numbers of x are not side by side in memory, x.reshape(-1) is a copy: nudging it does not nudge x. Loop
    over np.ndindex(x.shape) and write to x[i]."""
    flat = x.reshape(-1)
    grad = np.zeros(x.size)
    for i in range(x.size):
        old = flat[i]
        flat[i] = old + eps
        up = f(x)
        flat[i] = old - eps
        grad[i] = (up - f(x)) / (2 * eps)
        flat[i] = old
    return grad.reshape(x.shape)


numerical_rows_only = slip(
    answer,
    ("np.ndindex(x.shape)", "range(len(x))"),
    ("old = x[i]", "old = np.copy(x[i])"),
    says="for i in range(len(x)) nudges whole rows of a matrix together. Every number is nudged alone: loop over "
    "np.ndindex(x.shape).",
)
