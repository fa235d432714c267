"""Known mistakes of forward propagation: each docstring is the sentence that helps whoever made it."""

# Written as students write, since each is also submitted as one: mypy and two rules of ruff ask for more.
# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: B905, RUF007

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.exercise import Misconception

__all__ = ["MISTAKES"]


# --- linear --------------------------------------------------------------------------------------------


def linear_without_transpose(x, W, b):
    """These are the numbers of x @ W + b. W is stored as (out, in), one row for each output: write x @ W.T
    + b."""
    return x @ W + b


def linear_transposed(x, W, b):
    """Your examples stand in columns: this is W @ x.T, of shape (out, N). Every example keeps its row: x @
    W.T."""
    return W @ x.T + b[:, None]


def linear_without_bias(x, W, b):
    """This is x @ W.T alone. The bias is missing: add b, and NumPy adds it to every row."""
    return x @ W.T


def linear_bias_by_example(x, W, b):
    """The bias runs down the examples here: each row gets one number. It belongs to the outputs, so every
    row gets the whole of b: x @ W.T + b, without b[:, None]."""
    return x @ W.T + b[:, None]


def linear_first_example(x, W, b):
    """Only the first example went through. x is a batch: every row is an example and gives a row of the
    result."""
    return W @ x[0] + b


def linear_with_relu(x, W, b):
    """The negative numbers became 0: this layer already has its ReLU inside. linear stops before the
    activation."""
    return np.maximum(x @ W.T + b, 0)


def linear_into_integers(x, W, b):
    """The result was collected in an array of integers, which cuts off everything behind the point. Make
    it with np.zeros((N, out)), without dtype=int."""
    result = np.zeros((x.shape[0], W.shape[0]), dtype=int)
    result[...] = x @ W.T + b
    return result


# --- relu ----------------------------------------------------------------------------------------------


def relu_column_maximum(x):
    """np.max(x, 0) is the largest number along axis 0, so the shape shrinks. np.maximum(x, 0) compares
    each number with 0."""
    return np.max(x, 0)


def relu_in_place(x):
    """The answer is right, but the caller's x was overwritten on the way. Leave x alone: np.maximum(x, 0)
    makes a new array."""
    x[x < 0] = 0
    return x


def relu_python_max(x):
    """Python's max and if want one yes or no, and an array has many. np.maximum(x, 0) decides for each
    number."""
    return max(0, x)


def relu_step(x):
    """You return 1 where x is positive: that is the slope of the ReLU. Its value is x itself there."""
    return (x > 0).astype(x.dtype)


def relu_absolute(x):
    """The negative numbers came back positive: this is the absolute value. ReLU gives 0 for every negative
    one."""
    return np.abs(x)


def relu_drops(x):
    """x[x > 0] keeps the positive numbers and drops the rest, and the shape is lost. A negative number
    stays in its place as a 0."""
    return x[x > 0]


def relu_leaky(x):
    """A hundredth of every negative number is left: this is the leaky ReLU. The plain one gives exactly
    0."""
    return np.where(x > 0, x, 0.01 * x).astype(x.dtype)


def relu_negative_part(x):
    """You kept the negative numbers: this is min(x, 0). ReLU keeps the positive ones, max(x, 0)."""
    return np.minimum(x, 0)


def relu_capped(x):
    """Everything above 1 was cut to 1. ReLU has no ceiling: a positive number passes unchanged."""
    return np.clip(x, 0, 1)


# --- sigmoid -------------------------------------------------------------------------------------------


def sigmoid_overflows(x):
    """The formula is right, but np.exp(-x) overflows where x is very negative. Use np.exp(-np.abs(x)),
    which is at most 1, and treat the two signs apart."""
    return 1 / (1 + np.exp(-x))


def sigmoid_other_half(x):
    """e^x / (1 + e^x) is right on paper, but for a large x it is inf / inf, which is nan. Use
    np.exp(-np.abs(x)), which is at most 1, and treat the two signs apart."""
    return np.exp(x) / (1 + np.exp(x))


def sigmoid_where_both(x):
    """np.where computes both formulas everywhere and picks afterwards, so the unused one still overflows.
    Take the exponential of -np.abs(x) first, then pick."""
    return np.where(x >= 0, 1 / (1 + np.exp(-x)), np.exp(x) / (1 + np.exp(x)))


def sigmoid_clipped_wide(x):
    """Clipping at 500 saves float64, but float32 overflows from exp(89) on. Use np.exp(-np.abs(x)), which
    is at most 1 and needs no limit."""
    return 1 / (1 + np.exp(-np.clip(x, -500, 500)))


def sigmoid_sign(x):
    """Your curve falls where it should rise: this is sigmoid(-x). The exponent carries a minus, e^(-x)."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, small, 1) / (1 + small)


def sigmoid_tanh(x):
    """This is tanh, which runs from -1 to 1. The sigmoid runs from 0 to 1: (1 + tanh(x / 2)) / 2."""
    return np.tanh(x)


def sigmoid_softmax(x):
    """Your numbers add up to 1: this is a softmax. The sigmoid looks at each number alone."""
    e = np.exp(x - np.max(x))
    return e / np.sum(e)


def sigmoid_slope(x):
    """This is s(x) (1 - s(x)), the slope of the sigmoid. Return s(x) itself."""
    small = np.exp(-np.abs(x))
    return small / (1 + small) ** 2


# --- forward -------------------------------------------------------------------------------------------


def forward_activates_logits(x, params, activation):
    """The activation was applied to the last layer too. Logits may be any number: the last layer stops
    after linear."""
    values = [x]
    for W, b in params:
        values.append(activation(values[-1] @ W.T + b))
    return values


def forward_only_logits(x, params, activation):
    """The logits alone came back. Return the whole list [x, a_1, ..., logits]: backpropagation needs every
    entry."""
    for W, b in params[:-1]:
        x = activation(x @ W.T + b)
    return x @ params[-1][0].T + params[-1][1]


def forward_without_input(x, params, activation):
    """The list starts with the first layer. Its first entry is the input x, so there is one entry more
    than layers."""
    values = []
    for W, b in params[:-1]:
        x = activation(x @ W.T + b)
        values.append(x)
    return [*values, x @ params[-1][0].T + params[-1][1]]


def forward_keeps_pre_activations(x, params, activation):
    """The logits are right, but the list holds each z, from before the activation. Append a =
    activation(z)."""
    values = [x]
    for W, b in params:
        values.append(x @ W.T + b)
        x = activation(values[-1])
    return values


def forward_never_bends(x, params, activation):
    """The activation was never called, so the whole network is one straight map. Bend after every layer
    but the last."""
    values = [x]
    for W, b in params:
        values.append(values[-1] @ W.T + b)
    return values


def forward_always_relu(x, params, activation):
    """These are the numbers with a ReLU inside. Call the function that came in as activation: it may be
    another one."""
    values = [x]
    for W, b in params[:-1]:
        values.append(np.maximum(values[-1] @ W.T + b, 0))
    return [*values, values[-1] @ params[-1][0].T + params[-1][1]]


def forward_always_from_x(x, params, activation):
    """Every layer was given the input x. A layer reads what the layer before it wrote: the last entry of
    the list."""
    values = [x]
    for W, b in params[:-1]:
        values.append(activation(x @ W.T + b))
    return [*values, x @ params[-1][0].T + params[-1][1]]


def forward_without_transpose(x, params, activation):
    """Each layer computed a @ W + b. W is stored as (out, in): use your linear, or a @ W.T + b."""
    values = [x]
    for W, b in params[:-1]:
        values.append(activation(values[-1] @ W + b))
    return [*values, values[-1] @ params[-1][0] + params[-1][1]]


def forward_without_bias(x, params, activation):
    """The biases were left out: these are the numbers with every b at 0. Each layer is a @ W.T + b."""
    values = [x]
    for W, _ in params[:-1]:
        values.append(activation(values[-1] @ W.T))
    return [*values, values[-1] @ params[-1][0].T]


# --- he_init -------------------------------------------------------------------------------------------


def he_init_transposed(sizes, rng):
    """Your weights have shape (in, out). The course stores (out, in), one row for each output, as torch
    does."""
    return [(rng.standard_normal((n, m)) * np.sqrt(2 / n), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]


def he_init_without_two(sizes, rng):
    """The scale is sqrt(1 / in). ReLU sets half of the numbers to 0, and the 2 makes up for it: sqrt(2 /
    in)."""
    return [(rng.standard_normal((m, n)) * np.sqrt(1 / n), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]


def he_init_by_outputs(sizes, rng):
    """The scale is sqrt(2 / out). Each output is a sum over the inputs, so their number counts: sqrt(2 /
    in)."""
    return [(rng.standard_normal((m, n)) * np.sqrt(2 / m), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]


def he_init_variance_as_scale(sizes, rng):
    """You multiplied by 2 / in. That is the variance; the draws are multiplied by its root, sqrt(2 /
    in)."""
    return [(rng.standard_normal((m, n)) * (2 / n), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]


def he_init_unscaled(sizes, rng):
    """These are plain standard normal draws. Multiply each matrix by sqrt(2 / in)."""
    return [(rng.standard_normal((m, n)), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]


def he_init_glorot(sizes, rng):
    """The scale is sqrt(2 / (in + out)), which is Glorot's, made for tanh. For ReLU it is He's, sqrt(2 /
    in)."""
    return [(rng.standard_normal((m, n)) * np.sqrt(2 / (n + m)), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]


def he_init_first_width(sizes, rng):
    """Every layer was scaled by the width of the input, sizes[0]. Each layer has its own number of
    inputs."""
    return [(rng.standard_normal((m, n)) * np.sqrt(2 / sizes[0]), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]


def he_init_uniform(sizes, rng):
    """These draws are uniform. Their variance is right, but normal ones are asked:
    rng.standard_normal((out, in))."""
    return [(rng.uniform(-1, 1, (m, n)) * np.sqrt(6 / n), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]


def he_init_own_generator(sizes, rng):
    """The draws come from a generator made inside the function, so every call gives the same network. Draw
    from the rng that is passed in."""
    rng = np.random.default_rng(0)
    return [(rng.standard_normal((m, n)) * np.sqrt(2 / n), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]


# --- parameter_count -----------------------------------------------------------------------------------


def parameter_count_without_biases(sizes):
    """These are the weights alone. Every output of a layer has a bias as well: out more numbers a
    layer."""
    return sum(n * m for n, m in zip(sizes[:-1], sizes[1:]))


def parameter_count_input_biases(sizes):
    """You counted a bias for each input of a layer. A bias belongs to an output: out * in + out a
    layer."""
    return sum(n * m + n for n, m in zip(sizes[:-1], sizes[1:]))


def parameter_count_one_bias(sizes):
    """You counted one bias for a whole layer. Every output has its own: out * in + out a layer."""
    return sum(n * m + 1 for n, m in zip(sizes[:-1], sizes[1:]))


def parameter_count_units(sizes):
    """This is the number of units. The parameters sit on the lines between them: out * in + out a
    layer."""
    return sum(sizes)


def parameter_count_bias_for_all(sizes):
    """You gave the inputs biases as well. Nothing is added to the input: only layers have biases."""
    return sum(n * m for n, m in zip(sizes[:-1], sizes[1:])) + sum(sizes)


def parameter_count_product(sizes):
    """All widths were multiplied together. Each layer stands alone: add up out * in + out over the
    layers."""
    result = 1
    for size in sizes:
        result *= size
    return result + sum(sizes[1:])


# --- mac_count -----------------------------------------------------------------------------------------


def mac_count_one_example(sizes, batch=1):
    """This is the count for one example. Every example is multiplied by every weight: times batch."""
    return sum(n * m for n, m in zip(sizes[:-1], sizes[1:]))


def mac_count_with_biases(sizes, batch=1):
    """The biases were counted. Adding a bias is no multiplication: out * in a layer for each example."""
    return batch * sum(n * m + m for n, m in zip(sizes[:-1], sizes[1:]))


def mac_count_flops(sizes, batch=1):
    """This is twice the count. One MAC is a multiplication and its addition together, so it counts
    once."""
    return 2 * batch * sum(n * m for n, m in zip(sizes[:-1], sizes[1:]))


def mac_count_units(sizes, batch=1):
    """You counted one MAC for each unit. A unit needs one for each of its inputs: out * in a layer."""
    return batch * sum(sizes[1:])


def mac_count_batch_once(sizes, batch=1):
    """Only the first layer was multiplied by the batch. Every layer sees the whole batch."""
    layers = [n * m for n, m in zip(sizes[:-1], sizes[1:])]
    return batch * layers[0] + sum(layers[1:])


_WRONG: dict[str, tuple[Callable[..., Any], ...]] = {
    "linear": (
        linear_without_transpose,
        linear_transposed,
        linear_without_bias,
        linear_bias_by_example,
        linear_first_example,
        linear_with_relu,
        linear_into_integers,
    ),
    "relu": (
        relu_column_maximum,
        relu_in_place,
        relu_python_max,
        relu_step,
        relu_absolute,
        relu_drops,
        relu_leaky,
        relu_negative_part,
        relu_capped,
    ),
    "sigmoid": (
        sigmoid_overflows,
        sigmoid_other_half,
        sigmoid_where_both,
        sigmoid_clipped_wide,
        sigmoid_sign,
        sigmoid_tanh,
        sigmoid_softmax,
        sigmoid_slope,
    ),
    "forward": (
        forward_activates_logits,
        forward_only_logits,
        forward_without_input,
        forward_keeps_pre_activations,
        forward_never_bends,
        forward_always_relu,
        forward_always_from_x,
        forward_without_transpose,
        forward_without_bias,
    ),
    "he_init": (
        he_init_transposed,
        he_init_without_two,
        he_init_by_outputs,
        he_init_variance_as_scale,
        he_init_unscaled,
        he_init_glorot,
        he_init_first_width,
        he_init_uniform,
        he_init_own_generator,
    ),
    "parameter_count": (
        parameter_count_without_biases,
        parameter_count_input_biases,
        parameter_count_one_bias,
        parameter_count_units,
        parameter_count_bias_for_all,
        parameter_count_product,
    ),
    "mac_count": (
        mac_count_one_example,
        mac_count_with_biases,
        mac_count_flops,
        mac_count_units,
        mac_count_batch_once,
    ),
}

MISTAKES = {name: tuple(map(Misconception.of, wrong)) for name, wrong in _WRONG.items()}
"""The known mistakes of each exercise, the most telling first."""
