"""Random weights that keep the size of the signal through ReLU layers (He et al., 2015)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import RELATIVE
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, visible
from course_lib import mlp

ASKS = Asks(
    mlp.he_init,
    signature="he_init(sizes [n_0, ..., n_L], rng) -> [(W (n_1, n_0), b (n_1,)), ...]",
    points={"basics": 1, "corners": 1},
    hints=(
        "A unit adds up how many products? That number sets the scale, anew for each layer.",
        "Go through the widths in neighbouring pairs. Draw a standard normal matrix with a row for each output, "
        "from the generator that you were given, and multiply it by the standard deviation, the root of 2 / inputs.",
        "For `n_in, n_out` in `pairwise(sizes)`: `rng.standard_normal((n_out, n_in)) * np.sqrt(2 / n_in)`, paired "
        "with `np.zeros(n_out)`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _child(rng: np.random.Generator) -> np.random.Generator:
    return np.random.default_rng(int(rng.integers(1, 2**32)))


def _next_is_small(rng: np.random.Generator) -> np.random.Generator:
    """A generator whose next normal number is about 1e-6."""
    seed = int(rng.integers(1, 2**32))
    at = int(np.argmin(np.abs(np.random.default_rng(seed).standard_normal(300_000))))
    found = np.random.default_rng(seed)
    found.standard_normal(at)
    return found


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("three inputs, two outputs", ([3, 2], _child(rng)))
    yield Case("three layers", ([4, 3, 5, 2], _child(rng)))
    yield Case("sizes in a tuple", ((6, 2, 5), _child(rng)), group="corners")


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("a wide layer", ([30, 20], _child(rng)))
    yield Case("five layers", ([5, 9, 3, 7, 2, 4], _child(rng)))
    yield Case("width one", ([1, 1, 1], _child(rng)), group="corners")
    yield Case("one output", ((9, 1), _child(rng)), group="corners")
    yield Case("a weight near 0", ([5000, 1], _next_is_small(rng)), tolerance=RELATIVE)
    used = _child(rng)
    used.random(7)
    yield Case("a generator that has drawn before", ([7, 4, 3], used), group="corners")


# --- properties ----------------------------------------------------------------------------------------------


@holds("the generator alone decides", group="basics")
def he_repeats(call: Probe, rng: np.random.Generator) -> str | None:
    seed = int(rng.integers(2**32))
    once, again, other = (call([3, 4], np.random.default_rng(seed + step))[0][0] for step in (0, 0, 1))
    if not np.array_equal(once, again):
        return "the same generator gave two different networks: draw from rng, never from np.random itself"
    if np.array_equal(once, other):
        return "two different generators gave the same network: draw from the rng that is passed in"
    return None


@holds("the variance is 2 / in", group="corners")
def he_spread(call: Probe, rng: np.random.Generator) -> str | None:
    W = np.asarray(call([200, 300], rng)[0][0])
    ratio = float(W.var()) * 200 / 2
    if not 0.95 < ratio < 1.05:
        return f"the variance of 60,000 weights is {ratio:.3g} times 2 / in: the scale is the square root of 2 / in"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(sizes, rng):
    params = []
    for layer in range(1, len(sizes)):
        W = np.zeros((sizes[layer], sizes[layer - 1]))
        for i in range(W.shape[0]):
            for j in range(W.shape[1]):
                W[i, j] = rng.standard_normal() * (2 / W.shape[1]) ** 0.5
        params.append([W, np.array([0.0] * sizes[layer])])
    return params


@right("other formula")
def other_formula(widths, generator):
    class Layer:
        def __init__(self, fan_in, fan_out):
            self.W = generator.normal(0.0, np.sqrt(2.0 / fan_in), size=(fan_out, fan_in))
            self.b = np.zeros_like(self.W[:, 0])

        def pair(self):
            return self.W, self.b

    return tuple(Layer(n, m).pair() for n, m in zip(widths, widths[1:]))


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def he_init_transposed(sizes, rng):
    """Your weights have shape (in, out). The course stores (out, in), one row for each output, as torch
    does."""
    return [(rng.standard_normal((n, m)) * np.sqrt(2 / n), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]


@mistake
def he_init_without_two(sizes, rng):
    """The scale is sqrt(1 / in). ReLU sets half of the numbers to 0, and the 2 makes up for it: sqrt(2 /
    in)."""
    return [(rng.standard_normal((m, n)) * np.sqrt(1 / n), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]


@mistake
def he_init_by_outputs(sizes, rng):
    """The scale is sqrt(2 / out). Each output is a sum over the inputs, so their number counts: sqrt(2 /
    in)."""
    return [(rng.standard_normal((m, n)) * np.sqrt(2 / m), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]


@mistake
def he_init_variance_as_scale(sizes, rng):
    """You multiplied by 2 / in. That is the variance; the draws are multiplied by its root, sqrt(2 /
    in)."""
    return [(rng.standard_normal((m, n)) * (2 / n), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]


@mistake
def he_init_unscaled(sizes, rng):
    """These are plain standard normal draws. Multiply each matrix by sqrt(2 / in)."""
    return [(rng.standard_normal((m, n)), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]


@mistake
def he_init_glorot(sizes, rng):
    """The scale is sqrt(2 / (in + out)), which is Glorot's, made for tanh. For ReLU it is He's, sqrt(2 /
    in)."""
    return [(rng.standard_normal((m, n)) * np.sqrt(2 / (n + m)), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]


@mistake
def he_init_first_width(sizes, rng):
    """Every layer was scaled by the width of the input, sizes[0]. Each layer has its own number of
    inputs."""
    return [(rng.standard_normal((m, n)) * np.sqrt(2 / sizes[0]), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]


@mistake
def he_init_uniform(sizes, rng):
    """These draws are uniform. Their variance is right, but the exercise asks for normal ones:
    rng.standard_normal((out, in))."""
    return [(rng.uniform(-1, 1, (m, n)) * np.sqrt(6 / n), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]


@mistake
def he_init_own_generator(sizes, rng):
    """The draws come from a generator made inside the function, so every call gives the same network. Draw
    from the rng that is passed in."""
    rng = np.random.default_rng(0)
    return [(rng.standard_normal((m, n)) * np.sqrt(2 / n), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]
