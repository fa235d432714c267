"""The forward pass, with everything that is computed on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import DTypeLike

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, right_text, slip, visible
from autograder.exercises.mlp.inputs import Array
from course_lib import mlp

ASKS = Asks(
    mlp.forward,
    signature="forward(x (N, n_0), params [(W, b), ...], activation) -> [x, a_1, ..., logits (N, n_L)]",
    points={"basics": 2, "corners": 2},
    hints=(
        "How many entries has the list for two layers? Which of them have been through the activation, and which not?",
        "Begin the list with the input. Each layer reads the last entry and appends its result. All layers but the "
        "last send it through the activation first.",
        "For `W, b` in `params[:-1]` append `activation(linear(values[-1], W, b))`, starting from `values = [x]`. "
        "For `params[-1]` do the same without the activation.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


Params = list[tuple[Array, Array]]


def relu(z: Array) -> Array:
    """An activation that cases pass to the student."""
    return np.maximum(z, 0)


def tanh(z: Array) -> Array:
    """An activation that cases pass to the student."""
    return np.asarray(np.tanh(z))


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


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
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


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
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
    yield from magnitudes(lambda scale: (scale * x, [(W, scale * b) for W, b in params], relu), group="corners")
    yield Case("zeros", (np.zeros((2, 6)), params, relu), group="corners")


# --- properties ----------------------------------------------------------------------------------------------


def identity(z: Array) -> Array:
    """No nonlinearity at all."""
    return z


@holds("without a bend, layers collapse into one", group="basics")
def forward_collapses(call: Probe, rng: np.random.Generator) -> str | None:
    x, params = _batch(rng, 3, [4, 5, 2])
    (W1, b1), (W2, b2) = params
    if not np.allclose(call(x, params, identity)[-1], x @ (W2 @ W1).T + (W2 @ b1 + b2)):
        return "with activation(z) = z, two layers must equal the one map x @ (W2 @ W1).T + (W2 @ b1 + b2)"
    return None


@holds("examples do not mix", group="corners")
def forward_by_rows(call: Probe, rng: np.random.Generator) -> str | None:
    x, params = _batch(rng, 4, [3, 5, 2])
    alone = np.concatenate([call(row[None], params, tanh)[-1] for row in x])
    if not np.allclose(call(x, params, tanh)[-1], alone):
        return "an example's logits change with the other examples of its batch: rows must not mix"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(x, params, activation):
    def mix(a, W, b):
        z = np.zeros((len(a), len(W)), a.dtype)
        for n in range(len(a)):
            for k in range(len(W)):
                z[n, k] = sum(a[n, i] * W[k, i] for i in range(a.shape[1])) + b[k]
        return z

    everything = []
    everything.append(x)
    number = 0
    while number < len(params):
        W, b = params[number]
        z = mix(everything[-1], W, b)
        number += 1
        if number == len(params):
            everything.append(z)
        else:
            everything.append(activation(z))
    return everything


other_formula = right_text(
    "other formula",
    """
import functools
import itertools

def forward(inputs, layers, bend):
    *hidden, (W_out, b_out) = layers
    step = lambda a, layer: bend(np.dot(a, np.transpose(layer[0])) + layer[1])
    kept = tuple(itertools.accumulate(hidden, step, initial=inputs))
    return kept + ((W_out @ kept[-1].T).T + b_out,)
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(x, params, activation):
    values = [x]
    for W, b in params[:-1]:
        x = activation(x @ W.T + b)
        values.append(x)
    return [*values, x @ params[-1][0].T + params[-1][1]]


@mistake
def forward_activates_logits(x, params, activation):
    """The activation was applied to the last layer too. Logits may be any number: the last layer stops
    after linear."""
    values = [x]
    for W, b in params:
        values.append(activation(values[-1] @ W.T + b))
    return values


@mistake
def forward_only_logits(x, params, activation):
    """Only the logits came back. Return the whole list [x, a_1, ..., logits]: backpropagation needs every entry."""
    for W, b in params[:-1]:
        x = activation(x @ W.T + b)
    return x @ params[-1][0].T + params[-1][1]


forward_without_input = slip(
    answer,
    "values = [x]",
    "values = []",
    says="The list starts with the first layer. Its first entry is the input x, so there is one more entry than there "
    "are layers.",
)


@mistake
def forward_keeps_pre_activations(x, params, activation):
    """The logits are right, but the list holds each z, from before the activation. Append a =
    activation(z)."""
    values = [x]
    for W, b in params:
        values.append(x @ W.T + b)
        x = activation(values[-1])
    return values


forward_never_bends = slip(
    forward_activates_logits,
    "activation(values[-1] @ W.T + b)",
    "values[-1] @ W.T + b",
    says="The activation was never called, so the whole network is one linear map. Call it after every layer but the "
    "last.",
)


@mistake
def forward_always_relu(x, params, activation):
    """These are the numbers with a ReLU inside. Call the function that is passed in as activation: it may be another
    one."""
    values = [x]
    for W, b in params[:-1]:
        values.append(np.maximum(values[-1] @ W.T + b, 0))
    return [*values, values[-1] @ params[-1][0].T + params[-1][1]]


forward_always_from_x = slip(
    answer,
    "x = activation(x @ W.T + b)\nvalues.append(x)",
    "values.append(activation(x @ W.T + b))",
    says="Every layer was given the input x. A layer reads what the layer before it wrote: the last entry of the list.",
)


forward_without_transpose = slip(
    forward_always_relu,
    ("np.maximum(values[-1] @ W.T + b, 0)", "activation(values[-1] @ W + b)"),
    ("params[-1][0].T", "params[-1][0]"),
    says="Each layer computed a @ W + b. W is stored as (out, in): use your linear, or a @ W.T + b.",
)


@mistake
def forward_without_bias(x, params, activation):
    """The biases were left out: these are the numbers with every b at 0. Each layer is a @ W.T + b."""
    values = [x]
    for W, _ in params[:-1]:
        values.append(activation(values[-1] @ W.T))
    return [*values, values[-1] @ params[-1][0].T]
