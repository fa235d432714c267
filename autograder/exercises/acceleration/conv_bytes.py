"""The fewest bytes that a convolution can move: input, weights and output, each once."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from autograder.exercise import Case
from autograder.exercises.acceleration.inputs import Rng, conv_hidden, conv_visible
from autograder.exercises.declare import Asks, hidden, mistake, right, slip, visible
from course_lib import acceleration

ASKS = Asks(
    acceleration.conv_bytes,
    signature="conv_bytes(shape, w_shape, stride=1, padding=0, dtype_bytes=4) -> int",
    points={"basics": 1, "corners": 1},
    hints=(
        "Which three arrays have to move at least once? Which of them does not grow with the batch?",
        "Count the input without padding, the weights once, and the output of the whole batch. Each number takes "
        "dtype_bytes.",
        "Add `n * c * h * w`, `c_out * c * kh * kw` and `n * c_out * rows * columns`, with `rows` and `columns` as "
        "in `conv_macs`. Multiply the sum by `dtype_bytes`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    yield from conv_visible(rng)
    yield Case("one byte per number", ((1, 1, 5, 5), (2, 1, 3, 3), 1, 1, 1), group="corners")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    yield from conv_hidden(rng)
    yield Case("two bytes per number", ((4, 3, 7, 9), (2, 3, 3, 2), 2, 1, 2), group="corners")


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(shape, w_shape, stride=1, padding=0, dtype_bytes=4):
    x, w = torch.empty(shape, device="meta"), torch.empty(w_shape, device="meta")
    y = torch.nn.functional.conv2d(x, w, stride=stride, padding=padding)
    total = 0
    for tensor in (x, w, y):
        total += tensor.numel()
    return total * dtype_bytes


@right("other formula")
def other_formula(shape, w_shape, stride=1, padding=0, dtype_bytes=4):
    from math import prod

    out = [1 + (size + 2 * padding - kernel) // stride for size, kernel in zip(shape[2:], w_shape[2:])]
    return (prod(shape) + prod(w_shape) + shape[0] * w_shape[0] * prod(out)) * dtype_bytes


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def numbers_for_bytes(shape, w_shape, stride=1, padding=0, dtype_bytes=4):
    """This counts numbers. A float32 number takes 4 bytes: multiply by dtype_bytes."""
    n, c, h, w = shape
    c_out, _, kh, kw = w_shape
    out = n * c_out * ((h + 2 * padding - kh) // stride + 1) * ((w + 2 * padding - kw) // stride + 1)
    return n * c * h * w + c_out * c * kh * kw + out


@mistake
def output_stays(shape, w_shape, stride=1, padding=0, dtype_bytes=4):
    """The output is missing: what is computed has to be written to memory too."""
    n, c, h, w = shape
    c_out, _, kh, kw = w_shape
    return dtype_bytes * (n * c * h * w + c_out * c * kh * kw)


weights_for_every_image = slip(
    numbers_for_bytes,
    "n * c * h * w + c_out * c * kh * kw + out",
    "dtype_bytes * (n * c * h * w + n * c_out * c * kh * kw + out)",
    says="The weights are counted once for every image. They are the same for all of them, so they are loaded once.",
)


zeros_are_moved = slip(
    numbers_for_bytes,
    "n * c * h * w + c_out * c * kh * kw + out",
    "dtype_bytes * (n * c * (h + 2 * padding) * (w + 2 * padding) + c_out * c * kh * kw + out)",
    says="The zeros of the padding are counted as if they came from memory. They are made on the chip: only the C "
    "x H x W numbers of each image are moved.",
)
