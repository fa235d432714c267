"""Forward propagation: what is asked and how it is probed. The known mistakes stand in `mlp_mistakes`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from autograder.exercise import Case, Exercise, Probe, Property, Rules
from autograder.exercises.mlp_mistakes import MISTAKES
from course_lib import mlp

__all__ = ["EXERCISES"]

Array = NDArray[Any]
Params = list[tuple[Array, Array]]


# --- linear ---------------------------------------------------------------------------------------------


def _layer(rng: np.random.Generator, n: int, d: int, out: int, dtype: DTypeLike = float) -> tuple[Array, ...]:
    shapes: tuple[tuple[int, ...], ...] = ((n, d), (out, d), (out,))
    return tuple(rng.standard_normal(shape).astype(dtype) for shape in shapes)


def _linear_visible(rng: np.random.Generator) -> Iterator[Case]:
    x = np.array([[1.0, 2.0]])
    W = np.array([[3.0, 1.0], [0.0, 2.0], [-1.0, -4.0]])
    yield Case("one example, three outputs", (x, W, np.array([10.0, 20.0, 5.0])))
    x = np.array([[1.0, 2.0], [0.0, 1.0], [-1.0, 3.0]])
    yield Case("square weights", (x, np.array([[1.0, 2.0], [5.0, -1.0]]), np.array([0.5, -2.0])))
    yield Case("as many examples as outputs", (x, W, np.array([1.0, 2.0, 3.0])))
    yield Case("a batch of five", _layer(rng, 5, 4, 3))
    yield Case("float32", _layer(rng, 2, 3, 4, np.float32), group="corners")


def _linear_hidden(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("a larger batch", _layer(rng, 37, 11, 6))
    yield Case("one example of many features", _layer(rng, 1, 50, 7))
    yield Case("one feature, one output", _layer(rng, 4, 1, 1), group="corners")
    yield Case("one output", _layer(rng, 6, 5, 1, np.float32), group="corners")
    x, W, b = _layer(rng, 8, 6, 3)
    yield Case("Fortran order", (np.asfortranarray(x), np.asfortranarray(W), b), group="corners")
    yield Case("every second row and column", (x[::2, ::2], W[:, ::2], b[::-1]), group="corners")
    yield Case("large numbers", (x * 1e4, W * 1e4, b * 1e4), group="corners")
    yield Case("zero weights", (x, np.zeros_like(W), b), group="corners")


def _linear_adds(call: Probe, rng: np.random.Generator) -> str | None:
    x, W, b = _layer(rng, 4, 3, 5)
    both, first = call(x + 2 * x[::-1], W, 3 * b), call(x, W, b)
    if not np.allclose(both, first + 2 * call(x[::-1].copy(), W, b)):
        return "linear(x + 2y, W, 3b) differs from linear(x, W, b) + 2 linear(y, W, b): the map is not straight"
    return None


# --- relu -----------------------------------------------------------------------------------------------


def _relu_visible(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("four numbers", (np.array([-2.0, 0.0, 3.0, 0.5]),))
    yield Case("two rows", (np.array([[1.0, -1.0, 2.0], [-3.0, 4.0, -5.0]]),))
    yield Case("float32", (rng.standard_normal((3, 4)).astype(np.float32),))


def _relu_hidden(rng: np.random.Generator) -> Iterator[Case]:
    x = rng.standard_normal((6, 5))
    yield Case("a batch", (x,))
    yield Case("one number", (-np.abs(x[:1, :1]),))
    yield Case("all negative", (-np.abs(x),))
    yield Case("large numbers", (x * 1e4,))
    yield Case("three axes", (rng.standard_normal((2, 3, 4)),))
    yield Case("every second column", (x[:, ::2],))
    yield Case("Fortran order", (np.asfortranarray(x.astype(np.float32)),))


def _relu_scales(call: Probe, rng: np.random.Generator) -> str | None:
    x = rng.standard_normal((3, 4))
    if not np.allclose(call(7.5 * x), 7.5 * call(x)):
        return "relu(7.5 x) differs from 7.5 relu(x): a positive factor passes through a ReLU unchanged"
    return None


# --- sigmoid --------------------------------------------------------------------------------------------


def _sigmoid_visible(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("four numbers", (np.array([0.0, 1.0, -2.0, 3.0]),))
    yield Case("two rows", (rng.standard_normal((2, 3)) * 4,))
    yield Case("very positive", (np.array([800.0, 1e4]),), group="extremes")
    yield Case("very negative", (np.array([-800.0, -1e4]),), group="extremes")
    yield Case("float32", (np.array([-1e4, -200.0, -1.5, 2.5, 200.0, 1e4], np.float32),), group="extremes")


def _sigmoid_hidden(rng: np.random.Generator) -> Iterator[Case]:
    x = rng.standard_normal((5, 7)) * 3
    yield Case("a batch", (x,))
    yield Case("one number", (x[:1, :1],))
    yield Case("three axes", (rng.standard_normal((2, 3, 4)),))
    yield Case("Fortran order", (np.asfortranarray(x),))
    yield Case("every second column, float32", (x.astype(np.float32)[:, ::2],))
    yield Case("zeros", (np.zeros((2, 2)),))
    yield Case("from small to huge", (np.outer([1.0, -1.0], [1e-3, 1.0, 30.0, 700.0, 750.0, 1e4]),), group="extremes")
    yield Case("huge float32", (np.array([[88.0, 1e4], [-1e4, -95.0]], np.float32),), group="extremes")


def _sigmoid_mirror(call: Probe, rng: np.random.Generator) -> str | None:
    x = rng.standard_normal((4, 3)) * 5
    if not np.allclose(call(-x), 1 - call(x)):
        return "sigmoid(-x) differs from 1 - sigmoid(x): the curve is not symmetric about (0, 1/2)"
    return None


# --- forward --------------------------------------------------------------------------------------------


def relu(z: Array) -> Array:
    """An activation that cases pass to the student."""
    return np.maximum(z, 0)


def tanh(z: Array) -> Array:
    """An activation that cases pass to the student."""
    return np.asarray(np.tanh(z))


def identity(z: Array) -> Array:
    """No bend at all."""
    return z


def bump(z: Array) -> Array:
    """An activation that nobody guesses: z times a bell."""
    return np.asarray(z * np.exp(-(z**2)))


def _network(rng: np.random.Generator, sizes: Sequence[int], dtype: DTypeLike = float) -> Params:
    return [
        ((rng.standard_normal((m, n)) / np.sqrt(n)).astype(dtype), rng.standard_normal(m).astype(dtype))
        for n, m in pairwise(sizes)
    ]


def _batch(rng: np.random.Generator, n: int, sizes: Sequence[int], dtype: DTypeLike = float) -> tuple[Array, Params]:
    return rng.standard_normal((n, sizes[0])).astype(dtype), _network(rng, sizes, dtype)


def _forward_visible(rng: np.random.Generator) -> Iterator[Case]:
    hidden = np.array([[1.0, -1.0], [2.0, 1.0], [-1.0, 0.0]]), np.array([0.0, -1.0, 0.0])
    last = np.array([[1.0, 2.0, 3.0], [0.0, -1.0, 2.0]]), np.array([1.0, -2.0])
    yield Case("one hidden layer of three", (np.array([[1.0, 2.0]]), [hidden, last], relu))
    square = np.array([[1.0, 2.0], [-1.0, 1.0]]), np.array([1.0, 0.5])
    again = np.array([[0.0, 1.0], [3.0, -2.0]]), np.array([-1.0, 2.0])
    x = np.array([[1.0, 0.0], [-1.0, 2.0], [0.5, -3.0]])
    yield Case("all layers of width two", (x, [square, again], relu))
    yield Case("three layers with tanh", (*_batch(rng, 5, [4, 3, 6, 2]), tanh))
    yield Case("one layer, so no activation", (*_batch(rng, 3, [4, 2]), relu), group="corners")
    yield Case("float32", (*_batch(rng, 3, [2, 5, 4], np.float32), relu), group="corners")


def _forward_hidden(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("a larger network", (*_batch(rng, 20, [9, 16, 7, 5]), relu))
    yield Case("an unusual activation", (*_batch(rng, 6, [3, 8, 8, 2]), bump))
    yield Case("a batch of one", (*_batch(rng, 1, [6, 4, 3]), tanh), group="corners")
    yield Case("five layers", (*_batch(rng, 4, [3, 7, 2, 6, 5, 4]), bump), group="corners")
    yield Case("width one", (*_batch(rng, 4, [1, 1, 1]), tanh), group="corners")
    yield Case("six layers, float32", (*_batch(rng, 3, [2, 3, 4, 5, 4, 3, 2], np.float32), tanh), group="corners")
    x, params = _batch(rng, 8, [6, 5, 3])
    strided = [(np.asfortranarray(W), b[::-1]) for W, b in params]
    yield Case("Fortran order and slices", (x[::2], strided, relu), group="corners")
    yield Case("large numbers", (x * 1e4, params, relu), group="corners")
    yield Case("zeros", (np.zeros((2, 6)), params, relu), group="corners")


def _forward_collapses(call: Probe, rng: np.random.Generator) -> str | None:
    x, params = _batch(rng, 3, [4, 5, 2])
    (W1, b1), (W2, b2) = params
    if not np.allclose(call(x, params, identity)[-1], x @ (W2 @ W1).T + (W2 @ b1 + b2)):
        return "with activation(z) = z, two layers must equal the one map x @ (W2 @ W1).T + (W2 @ b1 + b2)"
    return None


def _forward_by_rows(call: Probe, rng: np.random.Generator) -> str | None:
    x, params = _batch(rng, 4, [3, 5, 2])
    alone = np.concatenate([call(row[None], params, tanh)[-1] for row in x])
    if not np.allclose(call(x, params, tanh)[-1], alone):
        return "an example's logits change with the other examples of its batch: rows must not mix"
    return None


# --- he_init --------------------------------------------------------------------------------------------


def _child(rng: np.random.Generator) -> np.random.Generator:
    return np.random.default_rng(int(rng.integers(1, 2**32)))


def _he_visible(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("three inputs, two outputs", ([3, 2], _child(rng)))
    yield Case("three layers", ([4, 3, 5, 2], _child(rng)))
    yield Case("sizes in a tuple", ((6, 2, 5), _child(rng)), group="corners")


def _he_hidden(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("a wide layer", ([30, 20], _child(rng)))
    yield Case("five layers", ([5, 9, 3, 7, 2, 4], _child(rng)))
    yield Case("width one", ([1, 1, 1], _child(rng)), group="corners")
    yield Case("one output", ((9, 1), _child(rng)), group="corners")
    used = _child(rng)
    used.random(7)
    yield Case("a generator that has drawn before", ([7, 4, 3], used), group="corners")


def _he_repeats(call: Probe, rng: np.random.Generator) -> str | None:
    seed = int(rng.integers(2**32))
    once, again, other = (call([3, 4], np.random.default_rng(seed + step))[0][0] for step in (0, 0, 1))
    if not np.array_equal(once, again):
        return "the same generator gave two different networks: draw from rng, never from np.random itself"
    if np.array_equal(once, other):
        return "two different generators gave the same network: draw from the rng that is passed in"
    return None


def _he_spread(call: Probe, rng: np.random.Generator) -> str | None:
    W = np.asarray(call([200, 300], rng)[0][0])
    ratio = float(W.var()) * 200 / 2
    if not 0.95 < ratio < 1.05:
        return f"the variance of 60,000 weights is {ratio:.3g} times 2 / in: the scale is the square root of 2 / in"
    return None


# --- counting -------------------------------------------------------------------------------------------


def _parameters_visible(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("one layer", ([2, 3],))
    yield Case("the digits network", ([64, 32, 10],))
    yield Case("five layers", ([3, 1, 4, 1, 5, 9],))


def _parameters_hidden(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("width one", ([1, 1],))
    yield Case("random widths", (rng.integers(1, 50, 4).tolist(),))
    yield Case("many layers", (rng.integers(1, 9, 30).tolist(),))
    yield Case("a tuple", (tuple(rng.integers(2, 90, 3).tolist()),))
    yield Case("wide", ([60_000, 50_000, 1_000],))


def _macs_visible(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("one layer", ([2, 3],))
    yield Case("two layers, batch of five", ([4, 3, 2], 5))
    yield Case("the digits network, batch by name", ([64, 32, 10],), {"batch": 100})


def _macs_hidden(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("width one", ([1, 1],))
    yield Case("random widths", (rng.integers(2, 50, 5).tolist(), int(rng.integers(2, 99))))
    yield Case("batch left out", (rng.integers(2, 50, 3).tolist(),))
    yield Case("a tuple and a batch by name", (tuple(rng.integers(2, 90, 3).tolist()),), {"batch": 7})
    yield Case("wide", ([60_000, 50_000, 1_000], 512))


EXERCISES = (
    Exercise(
        id="mlp.linear",
        reference=mlp.linear,
        signature="linear(x (N, D), W (out, D), b (out,)) -> (N, out)",
        groups={"basics": 1, "corners": 1},
        visible=_linear_visible,
        hidden=_linear_hidden,
        misconceptions=MISTAKES["linear"],
        properties=(Property("the map is straight", _linear_adds, "basics"),),
    ),
    Exercise(
        id="mlp.relu",
        reference=mlp.relu,
        signature="relu(x (...)) -> (...), same shape",
        groups={"basics": 1},
        visible=_relu_visible,
        hidden=_relu_hidden,
        misconceptions=MISTAKES["relu"],
        properties=(Property("relu(c x) = c relu(x) for c > 0", _relu_scales, "basics"),),
    ),
    Exercise(
        id="mlp.sigmoid",
        reference=mlp.sigmoid,
        signature="sigmoid(x (...)) -> (...), same shape",
        groups={"basics": 1, "extremes": 1},
        visible=_sigmoid_visible,
        hidden=_sigmoid_hidden,
        misconceptions=MISTAKES["sigmoid"],
        properties=(Property("sigmoid(-x) = 1 - sigmoid(x)", _sigmoid_mirror, "basics"),),
        rules=Rules(silent=True),
    ),
    Exercise(
        id="mlp.forward",
        reference=mlp.forward,
        signature="forward(x (N, n_0), params [(W, b), ...], activation) -> [x, a_1, ..., logits (N, n_L)]",
        groups={"basics": 2, "corners": 2},
        visible=_forward_visible,
        hidden=_forward_hidden,
        misconceptions=MISTAKES["forward"],
        properties=(
            Property("without a bend, layers collapse into one", _forward_collapses, "basics"),
            Property("examples do not mix", _forward_by_rows, "corners"),
        ),
    ),
    Exercise(
        id="mlp.he_init",
        reference=mlp.he_init,
        signature="he_init(sizes [n_0, ..., n_L], rng) -> [(W (n_1, n_0), b (n_1,)), ...]",
        groups={"basics": 1, "corners": 1},
        visible=_he_visible,
        hidden=_he_hidden,
        misconceptions=MISTAKES["he_init"],
        properties=(
            Property("the generator alone decides", _he_repeats, "basics"),
            Property("the variance is 2 / in", _he_spread, "corners"),
        ),
    ),
    Exercise(
        id="mlp.parameter_count",
        reference=mlp.parameter_count,
        signature="parameter_count(sizes [n_0, ..., n_L]) -> int",
        groups={"basics": 1},
        visible=_parameters_visible,
        hidden=_parameters_hidden,
        misconceptions=MISTAKES["parameter_count"],
    ),
    Exercise(
        id="mlp.mac_count",
        reference=mlp.mac_count,
        signature="mac_count(sizes [n_0, ..., n_L], batch=1) -> int",
        groups={"basics": 1},
        visible=_macs_visible,
        hidden=_macs_hidden,
        misconceptions=MISTAKES["mac_count"],
    ),
)
