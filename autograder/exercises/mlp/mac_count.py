"""How many multiply-accumulate operations one forward pass needs; additions of biases are not counted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.exercise import Case
from autograder.exercises.declare import Asks, hidden, mistake, right, right_text, visible
from course_lib import mlp

ASKS = Asks(
    mlp.mac_count,
    signature="mac_count(sizes [n_0, ..., n_L], batch=1) -> int",
    points={"basics": 1},
    hints=(
        "Which of the stored numbers are multiplied with something when one example passes? How often in a batch?",
        "Each weight makes one multiply-accumulate per example. A bias is only added. So count the weights of all "
        "layers, then multiply by the batch.",
        "The weights are the sum of `n_in * n_out` over `pairwise(sizes)`. Multiply the whole sum by `batch`, not a "
        "single layer.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("one layer", ([2, 3],))
    yield Case("two layers, batch of five", ([4, 3, 2], 5))
    yield Case("the digits network, batch by name", ([64, 32, 10],), {"batch": 100})


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("width one", ([1, 1],))
    yield Case("random widths", (rng.integers(2, 50, 5).tolist(), int(rng.integers(2, 99))))
    yield Case("batch left out", (rng.integers(2, 50, 3).tolist(),))
    yield Case("a tuple and a batch by name", (tuple(rng.integers(2, 90, 3).tolist()),), {"batch": 7})
    yield Case("wide", ([60_000, 50_000, 1_000], 512))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(sizes, batch=1):
    macs = 0
    previous = None
    for size in sizes:
        if previous is not None:
            macs += previous * size * batch
        previous = size
    return macs


other_formula = right_text(
    "other formula",
    """
from functools import reduce
from operator import mul

def mac_count(sizes, batch=1):
    if len(sizes) < 2:
        return 0
    return batch * reduce(mul, sizes[:2]) + mac_count(sizes[1:], batch)
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def mac_count_one_example(sizes, batch=1):
    """This is the count for one example. Every example is multiplied by every weight: times batch."""
    return sum(n * m for n, m in zip(sizes[:-1], sizes[1:]))


@mistake
def mac_count_with_biases(sizes, batch=1):
    """The biases were counted. Adding a bias is not a multiplication: out * in per layer for each example."""
    return batch * sum(n * m + m for n, m in zip(sizes[:-1], sizes[1:]))


@mistake
def mac_count_flops(sizes, batch=1):
    """This is twice the count. One MAC is a multiplication and its addition together, so it counts
    once."""
    return 2 * batch * sum(n * m for n, m in zip(sizes[:-1], sizes[1:]))


@mistake
def mac_count_units(sizes, batch=1):
    """You counted one MAC for each unit. A unit needs one for each of its inputs: out * in per layer."""
    return batch * sum(sizes[1:])


@mistake
def mac_count_batch_once(sizes, batch=1):
    """Only the first layer was multiplied by the batch. Every layer sees the whole batch."""
    layers = [n * m for n, m in zip(sizes[:-1], sizes[1:])]
    return batch * layers[0] + sum(layers[1:])
