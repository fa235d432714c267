"""How many numbers a network stores: all weights and all biases."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.exercise import Case
from autograder.exercises.declare import Asks, hidden, mistake, right, visible
from course_lib import mlp

ASKS = Asks(
    mlp.parameter_count,
    signature="parameter_count(sizes [n_0, ..., n_L]) -> int",
    points={"basics": 1},
    hints=(
        "Draw the network [2, 3, 2]. Which of its circles have a bias, and how many lines enter each of them?",
        "A layer stores one weight for each pair of an input and an output, and one bias for each output. Add that "
        "up over the neighbouring widths.",
        "Sum `n_out * n_in + n_out` over the pairs `n_in, n_out` of `pairwise(sizes)`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("one layer", ([2, 3],))
    yield Case("the digits network", ([64, 32, 10],))
    yield Case("five layers", ([3, 1, 4, 1, 5, 9],))


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("width one", ([1, 1],))
    yield Case("random widths", (rng.integers(1, 50, 4).tolist(),))
    yield Case("many layers", (rng.integers(1, 9, 30).tolist(),))
    yield Case("a tuple", (tuple(rng.integers(2, 90, 3).tolist()),))
    yield Case("wide", ([60_000, 50_000, 1_000],))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(sizes):
    total = 0
    for layer in range(1, len(sizes)):
        total += sizes[layer] * sizes[layer - 1]
        total += sizes[layer]
    return total


@right("other formula")
def other_formula(sizes):
    with_one = np.array(sizes[:-1]) + 1
    return np.dot(with_one, np.array(sizes[1:]))


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def parameter_count_without_biases(sizes):
    """These are the weights alone. Every output of a layer has a bias as well: out more numbers per layer."""
    return sum(n * m for n, m in zip(sizes[:-1], sizes[1:]))


@mistake
def parameter_count_input_biases(sizes):
    """You counted a bias for each input of a layer. A bias belongs to an output: out * in + out per layer."""
    return sum(n * m + n for n, m in zip(sizes[:-1], sizes[1:]))


@mistake
def parameter_count_one_bias(sizes):
    """You counted one bias for a whole layer. Every output has its own: out * in + out per layer."""
    return sum(n * m + 1 for n, m in zip(sizes[:-1], sizes[1:]))


@mistake
def parameter_count_units(sizes):
    """This is the number of units. The parameters sit on the lines between them: out * in + out per layer."""
    return sum(sizes)


@mistake
def parameter_count_bias_for_all(sizes):
    """You gave the inputs biases as well. Nothing is added to the input: only layers have biases."""
    return sum(n * m for n, m in zip(sizes[:-1], sizes[1:])) + sum(sizes)


@mistake
def parameter_count_product(sizes):
    """All widths were multiplied together. Each layer stands alone: add up out * in + out over the
    layers."""
    result = 1
    for size in sizes:
        result *= size
    return result + sum(sizes[1:])
