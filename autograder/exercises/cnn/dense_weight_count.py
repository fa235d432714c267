"""Weights between an image and a fully connected layer of `hidden` nodes; biases are not counted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.exercise import Case
from autograder.exercises.declare import Asks, hidden, mistake, right, visible
from course_lib import cnn

ASKS = Asks(
    cnn.dense_weight_count,
    signature="dense_weight_count(height, width, channels, hidden) -> int",
    points={"basics": 1},
    hints=(
        "How many numbers does a colour image hold? And how many of them does a single hidden node look at?",
        "In a fully connected layer every node has a weight for each number of the image: one for every channel of "
        "every pixel.",
        "`height * width * channels` weights belong to one node. Multiply by `hidden`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("4 x 5 pixels, three channels, two nodes", (4, 5, 3, 2))
    yield Case("250 x 250 pixels, one node", (250, 250, 1, 1))
    yield Case("a photograph, 100 nodes", (480, 640, 3, 100))


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("one number, one node", (1, 1, 1, 1))
    for number in range(3):
        yield Case(f"random sizes {number + 1}", tuple(rng.integers(2, 300, 4).tolist()))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(height, width, channels, hidden):
    total = 0
    for node in range(hidden):
        total += height * width * channels
    return total


@right("other formula")
def other_formula(*sizes):
    return int(np.prod(np.array(sizes, dtype=np.int64)))


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def dense_without_channels(height, width, channels, hidden):
    """The channels are missing. A colour image has three numbers in every pixel, and each has its own
    weight."""
    return height * width * hidden


@mistake
def dense_with_biases(height, width, channels, hidden):
    """You counted the biases as well: one more for each hidden node. The exercise asks only for the weights."""
    return (height * width * channels + 1) * hidden


@mistake
def dense_hidden_added(height, width, channels, hidden):
    """You added the hidden nodes. Every one of them is connected to every number of the image: multiply by hidden."""
    return height * width * channels + hidden


@mistake
def dense_one_node(height, width, channels, hidden):
    """This is the count for one hidden node. Each node has its own set of weights: multiply by hidden."""
    return height * width * channels
