"""Backpropagation: the inputs that answers are tried on, visible and hidden, smallest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from autograder.exercise import Case
from course_lib import data

__all__ = ["CASES", "HeldOut", "Params", "adam_state", "arrays", "clouds", "network"]

Array = NDArray[Any]
Rng = np.random.Generator
Params = list[tuple[Array, Array]]
Cases = Callable[[Rng], Iterator[Case]]


def _normal(rng: Rng, *shapes: tuple[int, ...], dtype: DTypeLike = float) -> tuple[Array, ...]:
    return tuple(np.asarray(rng.standard_normal(shape)).astype(dtype) for shape in shapes)


# --- numerical_gradient -----------------------------------------------------------------------------------


def x0_squared_times_x1(x: Array) -> float:
    """A function that cases lend to the student."""
    return float(x[0] ** 2 * x[1])


def sum_of_cubes(x: Array) -> float:
    """A function that cases lend to the student."""
    return float(np.sum(np.asarray(x) ** 3))


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


def _numerical_visible(rng: Rng) -> Iterator[Case]:
    yield Case("two numbers", (x0_squared_times_x1, np.array([2.0, 3.0])))
    yield Case("four numbers", (_waves(rng, (4,)), rng.standard_normal(4)))
    yield Case("a matrix", (_waves(rng, (2, 3)), rng.standard_normal((2, 3))))
    yield Case("eps = 0.1", (sum_of_cubes, np.array([0.7, -1.1, 0.3]), 0.1), group="corners")
    yield Case("a transposed matrix", (_waves(rng, (3, 2)), rng.standard_normal((2, 3)).T), group="corners")
    yield Case("a single number, shape ()", (sum_of_cubes, np.array(1.3)), group="corners")


def _numerical_hidden(rng: Rng) -> Iterator[Case]:
    yield Case("a longer vector", (_coupled(rng, 7), rng.standard_normal(7)))
    yield Case("a wide matrix", (_coupled(rng, 10), rng.standard_normal((2, 5))))
    yield Case("one number", (_waves(rng, (1,)), rng.standard_normal(1)))
    yield Case("three axes", (_waves(rng, (2, 3, 2)), rng.standard_normal((2, 3, 2))), group="corners")
    yield Case("Fortran order", (_coupled(rng, 6), np.asfortranarray(rng.standard_normal((2, 3)))), group="corners")
    yield Case("every third number", (_waves(rng, (3,)), rng.standard_normal(9)[::3]), group="corners")
    yield Case("another eps", (sum_of_cubes, rng.standard_normal((2, 2))), {"eps": 0.02}, group="corners")
    yield Case("shape ()", (_waves(rng, ()), np.asarray(rng.standard_normal())), group="corners")


# --- one step back ----------------------------------------------------------------------------------------


def _layer(rng: Rng, n: int, d: int, out: int, dtype: DTypeLike = float) -> tuple[Array, ...]:
    return _normal(rng, (n, out), (n, d), (out, d), dtype=dtype)


def _linear_visible(rng: Rng) -> Iterator[Case]:
    hidden = np.array([[0.0, 3.0, 0.0]])
    yield Case("one example", (np.array([[1.0, -1.0]]), hidden, np.array([[1.0, 2.0, 3.0], [0.0, -1.0, 2.0]])))
    yield Case("two examples, square weights", _layer(rng, 2, 3, 3))
    yield Case("five examples", _layer(rng, 5, 4, 3))
    yield Case("float32", _layer(rng, 3, 2, 4, np.float32), group="corners")
    yield Case("as many examples as inputs and outputs", _layer(rng, 3, 3, 3), group="corners")


def _linear_hidden(rng: Rng) -> Iterator[Case]:
    yield Case("a larger batch", _layer(rng, 37, 11, 6))
    yield Case("one example of many features", _layer(rng, 1, 50, 7))
    yield Case("one feature, one output", _layer(rng, 4, 1, 1), group="corners")
    yield Case("a batch of one, float32", _layer(rng, 1, 5, 2, np.float32), group="corners")
    dout, x, W = _layer(rng, 8, 6, 4)
    yield Case("Fortran order", (np.asfortranarray(dout), np.asfortranarray(x), np.asfortranarray(W)), group="corners")
    yield Case("every second row and column", (dout[::2, ::2], x[::2, ::2], W[::2, ::2]), group="corners")
    yield Case("no gradient from above", (np.zeros((8, 4)), x, W), group="corners")


def _relu_visible(rng: Rng) -> Iterator[Case]:
    yield Case("three numbers", (np.array([1.0, 3.0, 1.0]), np.array([-1.0, 3.0, -1.0])))
    yield Case("exactly 0", (np.array([2.0, 5.0, -7.0]), np.array([0.0, 1.5, -0.5])))
    yield Case("a batch", _normal(rng, (3, 4), (3, 4)))
    yield Case("float32", _normal(rng, (2, 3), (2, 3), dtype=np.float32))


def _relu_hidden(rng: Rng) -> Iterator[Case]:
    dout, x = _normal(rng, (6, 8), (6, 8))
    yield Case("a larger batch", (dout, x))
    yield Case("a batch of one", (dout[:1], x[:1]))
    yield Case("all asleep", (dout, -np.abs(x)))
    yield Case("all at 0", (dout, np.zeros_like(x)))
    yield Case("large numbers", (dout, x * 1e4))
    yield Case("three axes", _normal(rng, (2, 3, 4), (2, 3, 4)))
    yield Case("Fortran order and slices", (np.asfortranarray(dout[:, ::2]), x[:, ::2]))


def _shares(rng: Rng, *shape: int, dtype: DTypeLike = float) -> tuple[Array, Array]:
    """A gradient from above, and outputs of a sigmoid."""
    return _normal(rng, shape, dtype=dtype)[0], rng.uniform(0.02, 0.98, shape).astype(dtype)


def _sigmoid_visible(rng: Rng) -> Iterator[Case]:
    yield Case("three numbers", (np.array([1.0, 2.0, -10.0]), np.array([0.5, 0.5, 0.9])))
    yield Case("saturated", (np.array([3.0, -4.0, 5.0]), np.array([0.0, 1.0, 0.25])))
    yield Case("a batch", _shares(rng, 3, 4))
    yield Case("float32", _shares(rng, 2, 3, dtype=np.float32))


def _sigmoid_hidden(rng: Rng) -> Iterator[Case]:
    dout, out = _shares(rng, 6, 8)
    yield Case("a larger batch", (dout, out))
    yield Case("a batch of one", (dout[:1], out[:1]))
    yield Case("large gradients", (dout * 1e4, out))
    yield Case("three axes", _shares(rng, 2, 3, 4))
    yield Case("Fortran order and slices", (np.asfortranarray(dout[:, ::2]), out[:, ::2]))


def _scores(
    rng: Rng, n: int, classes: int, size: float = 1.0, dtype: DTypeLike = float
) -> tuple[Array, NDArray[np.int64]]:
    return (size * rng.standard_normal((n, classes))).astype(dtype), rng.integers(0, classes, n)


def _entropy_visible(rng: Rng) -> Iterator[Case]:
    yield Case("one example", (np.array([[0.0, np.log(3.0)]]), np.array([0])))
    yield Case("two examples", (np.array([[0.0, np.log(3.0)], [np.log(2.0), 0.0]]), np.array([1, 0])))
    yield Case("five examples, three classes", _scores(rng, 5, 3))
    yield Case("float32", _scores(rng, 3, 4, dtype=np.float32))
    yield Case("logits of 1e4", (np.array([[1e4, 0.0, -1e4], [0.0, 1e4, 9e3]]), np.array([0, 2])), group="extremes")
    rows = np.array([[-1e4, 1.0 - 1e4, -1e4], [2.0, 0.0, 1.0]])
    yield Case("one row far below the other", (rows, np.array([1, 2])), group="extremes")


def _entropy_hidden(rng: Rng) -> Iterator[Case]:
    yield Case("a larger batch", _scores(rng, 40, 10))
    yield Case("a batch of one", _scores(rng, 1, 6))
    yield Case("one class", (rng.standard_normal((3, 1)), np.zeros(3, np.int64)))
    yield Case("as many examples as classes", _scores(rng, 4, 4))
    logits, labels = _scores(rng, 8, 5)
    yield Case("Fortran order and slices", (np.asfortranarray(logits[::2]), labels[::2]))
    yield Case("equal logits", (np.full((3, 4), 7.0), np.array([0, 3, 1])))
    yield Case("huge logits", _scores(rng, 6, 4, 1e4), group="extremes")
    yield Case("huge logits, float32", _scores(rng, 5, 3, 3e3, np.float32), group="extremes")
    logits, labels = _scores(rng, 3, 4)
    yield Case("rows far apart", (logits + np.array([[1e4], [0.0], [-1e4]]), labels), group="extremes")


# --- a whole network --------------------------------------------------------------------------------------


def network(rng: Rng, sizes: Sequence[int], dtype: DTypeLike = float) -> Params:
    """Random weights and biases."""
    return [
        ((rng.standard_normal((m, n)) / np.sqrt(n)).astype(dtype), rng.standard_normal(m).astype(dtype))
        for n, m in pairwise(sizes)
    ]


def _task(rng: Rng, n: int, sizes: Sequence[int], dtype: DTypeLike = float) -> tuple[Any, ...]:
    x = rng.standard_normal((n, sizes[0])).astype(dtype)
    return x, rng.integers(0, sizes[-1], n), network(rng, sizes, dtype)


def _mlp_visible(rng: Rng) -> Iterator[Case]:
    hidden = np.array([[1.0, -1.0], [2.0, 1.0], [-1.0, 0.0]]), np.array([0.0, -1.0, 0.0])
    last = np.array([[1.0, 2.0, 3.0], [0.0, -1.0, 2.0]]), np.array([1.0, -2.0])
    yield Case("the network of this notebook", (np.array([[1.0, 2.0]]), np.array([1]), [hidden, last]))
    yield Case("two examples, two layers", _task(rng, 2, [2, 3, 2]))
    yield Case("all layers of width three", _task(rng, 4, [3, 3, 3]))
    yield Case("three layers", _task(rng, 5, [4, 6, 5, 3]))
    yield Case("one layer", _task(rng, 3, [4, 2]), group="corners")
    silent = [(W, np.zeros_like(b)) for W, b in network(rng, [3, 4, 2])]
    x = np.array([[0.0, 0.0, 0.0], [1.0, -1.0, 2.0]])
    yield Case("units at exactly 0", (x, np.array([0, 1]), silent), group="corners")
    yield Case("float32", _task(rng, 3, [2, 5, 4], np.float32), group="corners")


def _mlp_hidden(rng: Rng) -> Iterator[Case]:
    yield Case("a larger network", _task(rng, 20, [9, 16, 7, 5]))
    yield Case("a larger batch", _task(rng, 50, [4, 8, 3]))
    yield Case("a batch of one", _task(rng, 1, [6, 4, 3]), group="corners")
    yield Case("five layers", _task(rng, 4, [3, 7, 2, 6, 5, 4]), group="corners")
    yield Case("width one", _task(rng, 4, [1, 1, 2]), group="corners")
    x, labels, params = _task(rng, 8, [6, 5, 3])
    strided = [(np.asfortranarray(W), b[::-1]) for W, b in params]
    yield Case("Fortran order and slices", (x[::2], labels[::2], strided), group="corners")
    yield Case("large numbers", (x * 1e3, labels, params), group="corners")
    yield Case("zeros", (np.zeros((2, 6)), labels[:2], [(W, 0 * b) for W, b in params]), group="corners")


# --- any expression ---------------------------------------------------------------------------------------


def _unbroadcast_visible(rng: Rng) -> Iterator[Case]:
    yield Case("nothing was stretched", (np.array([[1.0, 2.0], [3.0, 4.0]]), (2, 2)))
    yield Case("a row for two rows", (np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]]), (3,)))
    yield Case("a column for three columns", (np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]]), (2, 1)))
    yield Case("a row that was two-dimensional", (rng.standard_normal((4, 3)), (1, 3)), group="corners")
    yield Case("one number for all", (rng.standard_normal((2, 3)), ()), group="corners")
    yield Case("a new axis and a stretched one", (rng.standard_normal((4, 2, 3)), (2, 1)), group="corners")


def _unbroadcast_hidden(rng: Rng) -> Iterator[Case]:
    wide = rng.standard_normal((5, 4, 3))
    yield Case("a bias", (wide[0], (3,)))
    yield Case("a scale for each row", (wide[0], (4, 1)))
    yield Case("two new axes", (wide, (3,)), group="corners")
    yield Case("the middle axis", (wide, (5, 1, 3)), group="corners")
    yield Case("all axes of length one", (wide, (1, 1, 1)), group="corners")
    yield Case("an axis that was one before and after", (wide[:, :1], (1, 3)), group="corners")
    yield Case("one number stays one", (np.asarray(wide[0, 0, 0]), ()), group="corners")
    yield Case("float32", (wide.astype(np.float32), (4, 1)), group="corners")
    yield Case("every second column", (wide[..., ::2], (4, 2)), group="corners")


def _leaf(name: str, value: Any) -> tuple[Any, ...]:
    return (name, "leaf", np.asarray(value, dtype=float))


def _diamond(a: Any, b: Any) -> list[tuple[Any, ...]]:
    """`a` reaches `e` by ways of different length."""
    return [
        _leaf("a", a),
        _leaf("b", b),
        ("c", "multiply", "a", "b"),
        ("d", "sine", "c"),
        ("e", "add", "c", "d"),
    ]


def _chain(length: int, value: Any) -> list[tuple[Any, ...]]:
    steps = [_leaf("n0", value)]
    return steps + [(f"n{i + 1}", "sine", f"n{i}") for i in range(length)]


def _doubling(times: int, value: Any) -> list[tuple[Any, ...]]:
    """Each step adds the last one to itself: 2^times ways through the graph."""
    steps = [_leaf("n0", value)]
    return steps + [(f"n{i + 1}", "add", f"n{i}", f"n{i}") for i in range(times)]


def _tangle(rng: Rng, leaves: int, steps: int, shape: tuple[int, ...]) -> list[tuple[Any, ...]]:
    """Every step takes any two of the nodes before it; the last node's name is that of the last step."""
    program = [_leaf(f"x{i}", rng.standard_normal(shape)) for i in range(leaves)]
    for i in range(steps):
        operation = str(rng.choice(["add", "subtract", "multiply"]))
        near, far = program[-1][0], program[int(rng.integers(len(program)))][0]
        pair = (near, far) if rng.random() < 0.5 else (far, near)
        program.append((f"s{i}", operation, *pair))
        if operation == "multiply":
            program.append((f"t{i}", "sine", f"s{i}"))
    return program


def _stretched(rng: Rng, rows: int, columns: int) -> list[tuple[Any, ...]]:
    """A row that is copied and a column that is widened, multiplied and added up."""
    return [
        _leaf("row", rng.standard_normal(columns)),
        _leaf("column", rng.standard_normal((rows, 1))),
        ("copied", "copies", "row", rows),
        ("widened", "widen", "column", 1, columns),
        ("product", "multiply", "copied", "widened"),
        ("turned", "transpose", "product"),
        ("loss", "total", "turned"),
    ]


def _graph_visible(rng: Rng) -> Iterator[Case]:
    yield Case("one leaf", ([_leaf("a", 2.0)], "a"))
    yield Case("a chain", (_chain(2, 0.5), "n2"))
    yield Case("a product and a sum", ([*_diamond(2.0, -3.0)[:3], ("e", "add", "c", "b")], "e"))
    yield Case("ways of different length", (_diamond([0.5, 1.0], [2.0, -1.0]), "e"))
    squared = [_leaf("a", 3.0), ("b", "multiply", "a", "a"), ("c", "add", "b", "a")]
    yield Case("a times a, plus a", (squared, "c"), group="shared")
    sums = [_leaf("a", [1.0, 2.0]), _leaf("b", [3.0, 4.0]), ("c", "add", "a", "b"), ("d", "add", "c", "a")]
    yield Case("sums of sums", ([*sums, ("e", "add", "d", "c")], "e"), group="shared")
    yield Case("each step doubles", (_doubling(4, 1.5), "n4"), group="shared")
    yield Case("the root is not the last that was computed", (_diamond(1.0, 2.0), "d"), group="shared")


def _graph_hidden(rng: Rng) -> Iterator[Case]:
    yield Case("another diamond", (_diamond(*_normal(rng, (2, 3), (2, 3))), "e"))
    yield Case("a chain of two hundred", (_chain(200, rng.standard_normal(2)), "n200"))
    yield Case("copies and sums", (_stretched(rng, 3, 4), "loss"))
    yield Case("two leaves of equal value", ([*_diamond(1.0, 1.0)[:2], ("c", "multiply", "a", "b")], "c"))
    yield Case("doubled ten times", (_doubling(10, rng.standard_normal((2, 2))), "n10"), group="shared")
    for number, shape in enumerate(((), (3,), (2, 3)), start=1):
        program = _tangle(rng, 3, 9, shape)
        yield Case(f"a tangle, number {number}", (program, program[-1][0]), group="shared")
    program = _tangle(rng, 2, 12, (4,))
    yield Case("a root in the middle of a tangle", (program, program[-4][0]), group="shared")


# --- steps downhill ---------------------------------------------------------------------------------------


def arrays(
    rng: Rng, *shapes: tuple[int, ...], dtype: DTypeLike = float, sets: int = 2, size: float = 1.0
) -> tuple[list[Array], ...]:
    """Parameters, gradients, ...: lists of arrays of these shapes."""
    return tuple([(size * each).astype(dtype) for each in _normal(rng, *shapes)] for _ in range(sets))


SHAPES = ((3, 2), (3,), (2, 3), (2,))


def _sgd_visible(rng: Rng) -> Iterator[Case]:
    yield Case("one number", ([np.array([1.0])], [np.array([4.0])], 0.25))
    yield Case("weights and biases", (*arrays(rng, (2, 3), (2,)), 0.1))
    yield Case("two layers", (*arrays(rng, *SHAPES), 0.3))
    yield Case("float32", (*arrays(rng, (2, 2), (2,), dtype=np.float32), 0.5))


def _sgd_hidden(rng: Rng) -> Iterator[Case]:
    yield Case("five arrays", (*arrays(rng, *SHAPES, (4, 1)), 0.03))
    yield Case("three axes", (*arrays(rng, (2, 3, 4), (1,)), 1.5))
    yield Case("a rate of 0", (*arrays(rng, (2, 3)), 0.0))
    params, grads = arrays(rng, (4, 6), (6,))
    yield Case("slices", ([p[..., ::2] for p in params], [g[..., ::2] for g in grads], 0.2))
    yield Case("large gradients", (params, [1e4 * g for g in grads], 0.1))


def _momentum_visible(rng: Rng) -> Iterator[Case]:
    yield Case("the first step", ([np.array([1.0])], [np.array([4.0])], [np.array([0.0])], 0.25))
    yield Case("a later step", ([np.array([1.0])], [np.array([4.0])], [np.array([10.0])], 0.25, 0.5))
    yield Case("weights and biases", (*arrays(rng, (2, 3), (2,), sets=3), 0.1))
    yield Case("another beta", (*arrays(rng, *SHAPES, sets=3), 0.3, 0.6), group="corners")
    yield Case("float32", (*arrays(rng, (2, 2), (2,), sets=3, dtype=np.float32), 0.5), group="corners")


def _momentum_hidden(rng: Rng) -> Iterator[Case]:
    yield Case("four arrays", (*arrays(rng, *SHAPES, sets=3), 0.03))
    yield Case("five arrays, beta by name", (*arrays(rng, *SHAPES, (1, 1), sets=3), 0.2), {"beta": 0.75})
    yield Case("no momentum", (*arrays(rng, (2, 3), (2,), sets=3), 0.1, 0.0), group="corners")
    yield Case("three axes", (*arrays(rng, (2, 3, 4), (1,), sets=3), 1.5), group="corners")
    strided = tuple([each[..., ::2] for each in part] for part in arrays(rng, (4, 6), (6,), sets=3))
    yield Case("slices", (*strided, 0.2), group="corners")


def adam_state(rng: Rng, t: int, *shapes: tuple[int, ...], size: float = 1.0, dtype: DTypeLike = float) -> Any:
    """What Adam remembers after `t` steps."""
    [m] = arrays(rng, *shapes, sets=1, size=size if t else 0.0, dtype=dtype)
    return {"t": t, "m": m, "v": [(each**2 + (0.1 * size**2 if t else 0)).astype(dtype) for each in m]}


def _adam(rng: Rng, t: int, *shapes: tuple[int, ...], size: float = 1.0, dtype: DTypeLike = float) -> tuple[Any, ...]:
    [params], [grads] = arrays(rng, *shapes, sets=1, dtype=dtype), arrays(rng, *shapes, sets=1, size=size, dtype=dtype)
    return params, grads, adam_state(rng, t, *shapes, size=size, dtype=dtype)


def _adam_visible(rng: Rng) -> Iterator[Case]:
    first = {"t": 0, "m": [np.zeros(2)], "v": [np.zeros(2)]}
    yield Case("the first step", ([np.array([1.0, 2.0])], [np.array([4.0, -0.1])], first, 0.5))
    yield Case("the second step", (*_adam(rng, 1, (2,)), 0.1))
    yield Case("weights and biases, step 8", (*_adam(rng, 7, (2, 3), (2,)), 0.01))
    yield Case("other betas", (*_adam(rng, 3, *SHAPES), 0.05, (0.5, 0.8)), group="corners")
    yield Case("a large eps", (*_adam(rng, 4, (2, 2)), 0.05, (0.9, 0.999), 0.5), group="corners")
    yield Case("tiny gradients", (*_adam(rng, 5, (2,), (3,), size=1e-6), 0.01), group="corners")
    yield Case("float32", (*_adam(rng, 2, (2, 2), (2,), dtype=np.float32), 0.05), group="corners")


def _adam_hidden(rng: Rng) -> Iterator[Case]:
    yield Case("four arrays, step 101", (*_adam(rng, 100, *SHAPES), 0.03))
    yield Case("five arrays, the first step", (*_adam(rng, 0, *SHAPES, (1, 1)), 0.2))
    yield Case("betas and eps by name", (*_adam(rng, 2, (3,), (2, 2)), 0.2), {"betas": (0.7, 0.9), "eps": 1e-2})
    yield Case("three axes", (*_adam(rng, 9, (2, 3, 4), (1,)), 1.5), group="corners")
    yield Case("a gradient of 0 at the first step", (*_adam(rng, 0, (2, 3), size=0.0), 0.1), group="corners")
    params, grads, state = _adam(rng, 6, (4, 6), (6,))
    halves = {"t": 6, "m": [m[..., ::2] for m in state["m"]], "v": [v[..., ::2] for v in state["v"]]}
    strided = [p[..., ::2] for p in params], [g[..., ::2] for g in grads]
    yield Case("slices", (*strided, halves, 0.2), group="corners")
    yield Case("large gradients", (params, [1e4 * g for g in grads], state, 0.01), group="corners")


# --- train ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HeldOut:
    """Inputs that were not trained on, with their labels, and how many of them must be read rightly.

    `kind` says what the training data are like: "clouds", "digits" or "sorted" digits.
    """

    x: Array
    labels: Array
    at_least: float
    kind: str

    def accuracy(self, params: Any) -> float:
        """The share of them that a ReLU network reads rightly."""
        a = self.x
        for W, b in params[:-1]:
            a = np.maximum(a @ np.asarray(W).T + b, 0)
        logits = a @ np.asarray(params[-1][0]).T + params[-1][1]
        return float((logits.argmax(axis=1) == self.labels).mean())


def _child(rng: Rng) -> Rng:
    return np.random.default_rng(int(rng.integers(1, 2**32)))


def clouds(rng: Rng, count: int, sizes: Sequence[int], epochs: int, batch_size: int) -> tuple[tuple[Any, ...], HeldOut]:
    """Arguments for `train` on a few clouds in the plane, and what to try the network on."""
    points = data.blobs(count + 150, sizes[-1], seed=int(rng.integers(2**32)), spread=0.35)
    held = HeldOut(points.x[count:], points.labels[count:], 0.9, "clouds")
    return (points.x[:count], points.labels[:count], list(sizes), epochs, 0.2, batch_size, _child(rng)), held


def _digits(rng: Rng, sizes: Sequence[int], *, in_order: bool) -> tuple[tuple[Any, ...], HeldOut]:
    """Digits under other names and with specks of dust: no network or table made elsewhere can read them."""
    split = data.digits(seed=int(rng.integers(2**32)), held_out=597)
    names = rng.permutation(10)
    parts = []
    for part in (split.train, split.test):
        dusty = part.x + 0.05 * rng.standard_normal(part.x.shape)
        parts.append((np.clip(dusty, 0, 1), names[part.labels].astype(np.int64)))
    (x, labels), (held_x, held_labels) = parts
    if in_order:
        order = np.argsort(labels, kind="stable")
        x, labels = x[order], labels[order]
    held = HeldOut(held_x, held_labels, 0.93, "sorted" if in_order else "digits")
    return (x, labels, list(sizes), 30, 0.03, 10, _child(rng)), held


def _training(name: str, made: tuple[tuple[Any, ...], HeldOut], group: str) -> Case:
    args, held = made
    return Case(name, args, group=group, known=held)


def _train_visible(rng: Rng) -> Iterator[Case]:
    yield _training("three clouds", clouds(rng, 60, [2, 12, 3], 30, 10), "learns")
    yield _training("a batch larger than the data", clouds(rng, 40, [2, 12, 2], 60, 64), "learns")
    yield _training("digits", _digits(rng, [64, 64, 10], in_order=False), "learns")
    yield _training("digits sorted by their labels", _digits(rng, [64, 64, 10], in_order=True), "any order")


def _train_hidden(rng: Rng) -> Iterator[Case]:
    yield _training("other clouds", clouds(rng, 70, [2, 16, 4], 40, 16), "learns")
    yield _training("other digits", _digits(rng, [64, 48, 10], in_order=False), "learns")
    yield _training("other digits, sorted", _digits(rng, [64, 64, 10], in_order=True), "any order")


CASES: dict[str, tuple[Cases, Cases]] = {
    "numerical_gradient": (_numerical_visible, _numerical_hidden),
    "linear_backward": (_linear_visible, _linear_hidden),
    "relu_backward": (_relu_visible, _relu_hidden),
    "sigmoid_backward": (_sigmoid_visible, _sigmoid_hidden),
    "softmax_cross_entropy": (_entropy_visible, _entropy_hidden),
    "mlp_gradients": (_mlp_visible, _mlp_hidden),
    "unbroadcast": (_unbroadcast_visible, _unbroadcast_hidden),
    "topological_order": (_graph_visible, _graph_hidden),
    "backward": (_graph_visible, _graph_hidden),
    "sgd_step": (_sgd_visible, _sgd_hidden),
    "momentum_step": (_momentum_visible, _momentum_hidden),
    "adam_step": (_adam_visible, _adam_hidden),
    "train": (_train_visible, _train_hidden),
}
"""The visible and the hidden cases of each exercise."""
