"""Numbers that a convolution stores: its kernels, and with `bias` one more for each output channel."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.exercise import Case
from autograder.exercises.declare import Asks, hidden, mistake, right, visible
from course_lib import cnn

ASKS = Asks(
    cnn.conv_weight_count,
    signature="conv_weight_count(c_in, c_out, kernel, bias=True) -> int",
    points={"basics": 1},
    hints=(
        "How deep is one kernel? And how many kernels does the layer have?",
        "Each output channel has its own kernel, with a square slice for each input channel, and at most one bias. "
        "The size of the image plays no part.",
        "One kernel holds `c_in * kernel**2` weights, and one number more if `bias` is true. Multiply by `c_out`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("three channels in, two out", (3, 2, 5))
    yield Case("without biases", (3, 4, 2), {"bias": False})
    yield Case("from grey to 16 channels", (1, 16, 3))


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("one by one", (1, 1, 1))
    yield Case("bias by position", (*rng.integers(2, 60, 2).tolist(), 3, True))
    yield Case("no bias, by position", (*rng.integers(2, 60, 2).tolist(), 7, False))
    yield Case("random sizes", tuple(rng.integers(2, 60, 3).tolist()))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(c_in, c_out, kernel, bias=True):
    count = 0
    for channel in range(c_out):
        for slice_ in range(c_in):
            count += kernel**2
        if bias:
            count = count + 1
    return count


@right("other formula")
def other_formula(c_in, c_out, kernel, bias=True):
    shape = (c_out, c_in, kernel, kernel)
    return np.empty(shape).size + len(range(c_out)) * int(bias)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def conv_count_flat_kernel(c_in, c_out, kernel, bias=True):
    """The depth of the kernels is missing: a kernel has a slice for each input channel, so it holds c_in *
    kernel * kernel weights."""
    return c_out * (kernel * kernel + bias)


@mistake
def conv_count_side_once(c_in, c_out, kernel, bias=True):
    """You counted one side of the kernel. A slice of it is a square: kernel * kernel weights."""
    return c_out * (c_in * kernel + bias)


@mistake
def conv_count_one_bias(c_in, c_out, kernel, bias=True):
    """You counted one bias for the whole layer. Each output channel has its own: c_out of them."""
    return c_out * c_in * kernel * kernel + bias


@mistake
def conv_count_bias_each_slice(c_in, c_out, kernel, bias=True):
    """You counted one bias for each slice of a kernel. The slices are added up first, then one bias is added: c_out of
    them in all."""
    return c_out * c_in * (kernel * kernel + bias)


@mistake
def conv_count_always_bias(c_in, c_out, kernel, bias=True):
    """The biases are counted even with bias=False. Add c_out only if bias is true."""
    return c_out * (c_in * kernel * kernel + 1)


@mistake
def conv_count_never_bias(c_in, c_out, kernel, bias=True):
    """The biases are missing. There is one for each output channel, unless bias=False."""
    return c_out * c_in * kernel * kernel
