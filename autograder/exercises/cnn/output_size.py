"""Along one axis: in how many positions a kernel fits."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.exercise import Case
from autograder.exercises.declare import Asks, hidden, mistake, right, right_text, visible
from course_lib import cnn

ASKS = Asks(
    cnn.output_size,
    signature="output_size(size, kernel, stride=1, padding=0, dilation=1) -> int",
    points={"basics": 1},
    hints=(
        "How far can the kernel move from its first position? Ten moves visit eleven positions.",
        "Padding widens the image on both sides; dilation stretches the kernel. The pixels that are left over are "
        "the room to move. Count the whole strides in it, then add the position where the kernel starts.",
        "The kernel spans `dilation * (kernel - 1) + 1` pixels. Subtract that from `size + 2 * padding`, divide by "
        "`stride` with `//`, and add 1 after the division.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("five pixels, a kernel of three", (5, 3))
    yield Case("a stride of two with a rest", (8, 3, 2))
    yield Case("padding of one", (6, 3), {"padding": 1})
    yield Case("stride and padding", (9, 4, 3, 2))
    yield Case("a dilation of two", (9, 3), {"dilation": 2})
    yield Case("all together", (20, 4, 3, 1, 2))


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("the kernel as large as the input", (7, 7))
    yield Case("only padding makes it fit", (2, 5), {"padding": 2})
    yield Case("a kernel of one", (9, 1, 4))
    for number in range(5):
        kernel, stride, padding, dilation = rng.integers([2, 2, 1, 2], [6, 5, 5, 4]).tolist()
        yield Case(f"random sizes {number + 1}", (int(rng.integers(20, 60)), kernel, stride, padding, dilation))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(size, kernel, stride=1, padding=0, dilation=1):
    last = padding + size + padding
    places, start = 0, 0
    while start + (kernel - 1) * dilation < last:
        places += 1
        start += stride
    return places


other_formula = right_text(
    "other formula",
    """
import math

def output_size(size, kernel, stride=1, padding=0, dilation=1):
    effective = kernel + (kernel - 1) * (dilation - 1)
    return math.floor((size - effective + 2 * padding + stride) / stride)
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def output_one_short(size, kernel, stride=1, padding=0, dilation=1):
    """You are one short. Where the kernel has room to move by m there are m + 1 positions: the start counts
    too."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride


@mistake
def output_padded_once(size, kernel, stride=1, padding=0, dilation=1):
    """The padding was counted once. There are zeros on both sides: size + 2 * padding."""
    return (size + padding - dilation * (kernel - 1) - 1) // stride + 1


@mistake
def output_rounded_up(size, kernel, stride=1, padding=0, dilation=1):
    """You rounded up. Where the kernel would stick out at the end there is no output: // rounds down."""
    return -(-(size + 2 * padding - dilation * (kernel - 1) - 1) // stride) + 1


@mistake
def output_true_division(size, kernel, stride=1, padding=0, dilation=1):
    """You divided with /, so there are half outputs. A kernel fits or it does not: // rounds down."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1


@mistake
def output_dilated_kernel(size, kernel, stride=1, padding=0, dilation=1):
    """A dilated kernel does not span dilation * kernel. There are kernel - 1 gaps between its weights, so it
    spans dilation * (kernel - 1) + 1."""
    return (size + 2 * padding - dilation * kernel) // stride + 1


@mistake
def output_without_dilation(size, kernel, stride=1, padding=0, dilation=1):
    """The dilation was not used. It pulls the kernel's weights apart, so the kernel spans dilation * (kernel - 1) +
    1."""
    return (size + 2 * padding - kernel) // stride + 1


@mistake
def output_stride_of_all(size, kernel, stride=1, padding=0, dilation=1):
    """The + 1 went into the division. First find how many steps fit, room // stride, then add the position
    where it starts."""
    return (size + 2 * padding - dilation * (kernel - 1)) // stride
