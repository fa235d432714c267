"""Multiply-accumulates of a convolution of a whole batch; padded positions count, the bias does not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.exercise import Case
from autograder.exercises.acceleration.inputs import conv_hidden, conv_visible
from autograder.exercises.declare import Asks, hidden, mistake, right, slip, visible
from course_lib import acceleration

ASKS = Asks(
    acceleration.conv_macs,
    signature="conv_macs(shape (N, C, H, W), w_shape (C_out, C, KH, KW), stride=1, padding=0) -> int",
    points={"basics": 1, "corners": 1},
    hints=(
        "How many numbers does the output have, and how many products go into each of them?",
        "Find the output's rows and columns from size, padding, kernel and stride. Each output number, in every "
        "image and output channel, sums over all input channels and all places of the kernel.",
        "`rows = (h + 2 * padding - kh) // stride + 1`, `columns` alike. Multiply `n * c_out * rows * columns` by "
        "`c * kh * kw`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    return conv_visible(rng)


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    return conv_hidden(rng)


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(shape, w_shape, stride=1, padding=0):
    total = 0
    for image in range(shape[0]):
        for channel in range(w_shape[0]):
            top = 0
            while top + w_shape[2] <= shape[2] + 2 * padding:
                left = 0
                while left + w_shape[3] <= shape[3] + 2 * padding:
                    total += w_shape[1] * w_shape[2] * w_shape[3]
                    left += stride
                top += stride
    return total


@right("other formula")
def other_formula(shape, w_shape, stride=1, padding=0):
    import math

    out = [(size + 2 * padding - kernel + stride) // stride for size, kernel in zip(shape[2:], w_shape[2:])]
    return shape[0] * math.prod(w_shape) * math.prod(out)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def macs_of_one_image(shape, w_shape, stride=1, padding=0):
    """These are the multiply-accumulates of one image. The exercise asks for the whole batch: multiply by N."""
    _, c, h, w = shape
    c_out, _, kh, kw = w_shape
    return c_out * ((h + 2 * padding - kh) // stride + 1) * ((w + 2 * padding - kw) // stride + 1) * c * kh * kw


@mistake
def macs_at_every_input(shape, w_shape, stride=1, padding=0):
    """This counts one kernel for every pixel of the input. There is one for every pixel of the output, which is smaller
    without padding or with a stride."""
    n, c, h, w = shape
    c_out, _, kh, kw = w_shape
    return n * c_out * h * w * c * kh * kw


flops_for_macs = slip(
    macs_at_every_input,
    "n * c_out * h * w",
    "2 * n * c_out * ((h + 2 * padding - kh) // stride + 1) * ((w + 2 * padding - kw) // stride + 1)",
    says="These are floating-point operations, two for each multiply-accumulate. The exercise asks for MACs: leave "
    "out the 2.",
)


@mistake
def channels_apart(shape, w_shape, stride=1, padding=0):
    """The input channels are missing: every output number is a sum over all C of them."""
    n, _, h, w = shape
    c_out, _, kh, kw = w_shape
    return n * c_out * ((h + 2 * padding - kh) // stride + 1) * ((w + 2 * padding - kw) // stride + 1) * kh * kw


stride_forgotten = slip(
    macs_at_every_input,
    "n * c_out * h * w",
    "n * c_out * (h + 2 * padding - kh + 1) * (w + 2 * padding - kw + 1)",
    says="The stride is left out: with a stride of 2 the kernel stops only at every second position, in both "
    "directions.",
)


padding_on_one_side = slip(
    macs_at_every_input,
    "n * c_out * h * w",
    "n * c_out * ((h + padding - kh) // stride + 1) * ((w + padding - kw) // stride + 1)",
    says="The padding is counted on one side only. It is added on both, so the image grows by twice as much.",
)
