"""One layer without its activation: every example through `W x + b`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import DTypeLike

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, right_text, visible
from autograder.exercises.mlp.inputs import Array
from course_lib import mlp

ASKS = Asks(
    mlp.linear,
    signature="linear(x (N, D), W (out, D), b (out,)) -> (N, out)",
    points={"basics": 1, "corners": 1},
    hints=(
        "A row of W belongs to one output. With which axis of x does it have to be multiplied and summed?",
        "The whole batch is one matrix product: examples as rows on the left, weights transposed on the right. The "
        "bias has one number per output and broadcasts over the examples.",
        "`x @ W.T` gives (N, out). Add `b` as it is: NumPy lines its shape (out,) up with the last axis.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _layer(rng: np.random.Generator, n: int, d: int, out: int, dtype: DTypeLike = float) -> tuple[Array, ...]:
    shapes: tuple[tuple[int, ...], ...] = ((n, d), (out, d), (out,))
    return tuple(rng.standard_normal(shape).astype(dtype) for shape in shapes)


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    x = np.array([[1.0, 2.0]])
    W = np.array([[3.0, 1.0], [0.0, 2.0], [-1.0, -4.0]])
    yield Case("one example, three outputs", (x, W, np.array([10.0, 20.0, 5.0])))
    x = np.array([[1.0, 2.0], [0.0, 1.0], [-1.0, 3.0]])
    yield Case("square weights", (x, np.array([[1.0, 2.0], [5.0, -1.0]]), np.array([0.5, -2.0])))
    yield Case("as many examples as outputs", (x, W, np.array([1.0, 2.0, 3.0])))
    yield Case("a batch of five", _layer(rng, 5, 4, 3))
    yield Case("float32", _layer(rng, 2, 3, 4, np.float32), group="corners")


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("a larger batch", _layer(rng, 37, 11, 6))
    yield Case("one example of many features", _layer(rng, 1, 50, 7))
    yield Case("one feature, one output", _layer(rng, 4, 1, 1), group="corners")
    yield Case("one output", _layer(rng, 6, 5, 1, np.float32), group="corners")
    x, W, b = _layer(rng, 8, 6, 3)
    yield Case("Fortran order", (np.asfortranarray(x), np.asfortranarray(W), b), group="corners")
    yield Case("every second row and column", (x[::2, ::2], W[:, ::2], b[::-1]), group="corners")
    yield Case("large numbers", (x * 1e4, W * 1e4, b * 1e4), group="corners")
    yield from magnitudes(lambda scale: (scale * x, W, scale * b), group="corners")
    yield Case("zero weights", (x, np.zeros_like(W), b), group="corners")


# --- properties ----------------------------------------------------------------------------------------------


@holds("the map is linear", group="basics")
def linear_adds(call: Probe, rng: np.random.Generator) -> str | None:
    x, W, b = _layer(rng, 4, 3, 5)
    both, first = call(x + 2 * x[::-1], W, 3 * b), call(x, W, b)
    if not np.allclose(both, first + 2 * call(x[::-1].copy(), W, b)):
        return "linear(x + 2y, W, 3b) differs from linear(x, W, b) + 2 linear(y, W, b): the map is not linear"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(x, W, b):
    rows = []
    for example in x:
        row = []
        for weights, bias in zip(W, b):
            total = 0.0
            for value, weight in zip(example, weights):
                total = total + value * weight
            row.append(total + bias)
        rows.append(row)
    print("layer of", len(rows), "rows")
    return np.array(rows)


other_formula = right_text(
    "other formula",
    '''
from numpy.typing import NDArray

def linear(batch: NDArray, weights: NDArray, biases: NDArray) -> NDArray:
    """Another contraction, the bias as one more input that is always 1."""
    ones = np.ones((batch.shape[0], 1), dtype=batch.dtype)
    return np.einsum("ni,oi->no", np.hstack([batch, ones]), np.column_stack([weights, biases]))
''',
)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def linear_without_transpose(x, W, b):
    """These are the numbers of x @ W + b. W is stored as (out, in), one row for each output: write x @ W.T
    + b."""
    return x @ W + b


@mistake
def linear_transposed(x, W, b):
    """Your examples are in columns: this is W @ x.T, of shape (out, N). Every example keeps its row: x @ W.T."""
    return W @ x.T + b[:, None]


@mistake
def linear_without_bias(x, W, b):
    """This is x @ W.T alone. The bias is missing: add b, and NumPy adds it to every row."""
    return x @ W.T


@mistake
def linear_bias_by_example(x, W, b):
    """The bias runs down the examples here: each row gets one number. It belongs to the outputs, so every
    row gets the whole of b: x @ W.T + b, without b[:, None]."""
    return x @ W.T + b[:, None]


@mistake
def linear_first_example(x, W, b):
    """Only the first example went through. x is a batch: every row is an example and gives a row of the
    result."""
    return W @ x[0] + b


@mistake
def linear_with_relu(x, W, b):
    """The negative numbers became 0: this layer already has its ReLU inside. linear stops before the
    activation."""
    return np.maximum(x @ W.T + b, 0)


@mistake
def linear_into_integers(x, W, b):
    """The result was collected in an array of integers, which cuts off everything after the decimal point. Create it
    with np.zeros((N, out)), without dtype=int."""
    result = np.zeros((x.shape[0], W.shape[0]), dtype=int)
    result[...] = x @ W.T + b
    return result
