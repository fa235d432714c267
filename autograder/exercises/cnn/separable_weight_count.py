"""Weights of a depthwise-separable convolution: one square for each input channel, then a mixture of 1 x 1."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.exercise import Case
from autograder.exercises.declare import Asks, hidden, mistake, right, visible
from course_lib import cnn

ASKS = Asks(
    cnn.separable_weight_count,
    signature="separable_weight_count(c_in, c_out, kernel) -> int",
    points={"basics": 1},
    hints=(
        "There are two steps, one after the other. How many weights has the first one, before any channels are mixed?",
        "The depthwise step has one square of weights for each input channel. The pointwise step is an ordinary "
        "convolution whose kernels have a side of 1. Count both and add.",
        "The depthwise step stores `c_in * kernel**2` weights, the pointwise one `c_in * c_out`. Return their sum.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("three channels in, two out", (3, 2, 5))
    yield Case("a middle layer of a MobileNet, 512 channels", (512, 512, 3))
    yield Case("fewer in than out", (4, 9, 2))


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("one by one", (1, 1, 1))
    yield Case("a kernel of one", (6, 5, 1))
    for number in range(3):
        yield Case(f"random sizes {number + 1}", tuple(rng.integers(2, 60, 3).tolist()))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(c_in, c_out, kernel):
    count = 0
    for channel in range(c_in):
        count += kernel * kernel
        for output in range(c_out):
            count += 1
    return count


@right("other formula")
def other_formula(c_in, c_out, kernel):
    depthwise, pointwise = np.empty((c_in, 1, kernel, kernel)), np.empty((c_out, c_in, 1, 1))
    return depthwise.size + pointwise.size


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def separable_multiplied(c_in, c_out, kernel):
    """This is the count of an ordinary convolution, where every kernel has a slice for each input channel. Here the two
    steps are counted one by one, and added."""
    return c_out * c_in * kernel**2


@mistake
def separable_depthwise_only(c_in, c_out, kernel):
    """The second step is missing. After the depthwise step nothing has been mixed yet: the pointwise kernels add c_in *
    c_out weights."""
    return c_in * kernel**2


@mistake
def separable_squares_of_outputs(c_in, c_out, kernel):
    """You gave every output channel a square. The depthwise step comes first, and it has one square for each input
    channel."""
    return c_out * kernel**2 + c_in * c_out


@mistake
def separable_side_once(c_in, c_out, kernel):
    """You counted one side of the kernel. Each depthwise kernel is a square: kernel * kernel weights."""
    return c_in * kernel + c_in * c_out


@mistake
def separable_with_biases(c_in, c_out, kernel):
    """You counted biases as well, one for each channel of the two steps. The exercise asks only for the weights."""
    return c_in * (kernel**2 + 1) + c_out * (c_in + 1)
