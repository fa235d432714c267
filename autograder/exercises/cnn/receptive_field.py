"""How many inputs, along one axis, one output of the last layer can see."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.exercise import Case
from autograder.exercises.declare import Asks, hidden, mistake, right, visible
from course_lib import cnn

ASKS = Asks(
    cnn.receptive_field,
    signature="receptive_field(layers [(kernel, stride), ...]) -> int",
    points={"basics": 1},
    hints=(
        "Two neighbouring outputs of a layer: how many pixels apart are they in the image, after all the strides so "
        "far?",
        "Carry two numbers from the first layer to the last: the field, and the jump between neighbours. A layer "
        "widens the field by kernel - 1 jumps. Its own stride stretches the jump only for the layers after it.",
        "Both begin at 1. Per layer first `R += (K - 1) * J`, then `J *= s`: the order of these two matters.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("one layer", ([(5, 2)],))
    yield Case("two layers of three", ([(3, 1), (3, 1)],))
    yield Case("convolution, pooling, convolution", ([(3, 1), (2, 2), (3, 1)],))
    yield Case("two strides", ([(3, 2), (4, 3), (3, 2)],))
    yield Case("three strides", ([(5, 2), (3, 2), (2, 3), (3, 1)],))
    yield Case("no layer", ([],))


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("a pixel at a time", ([(1, 1), (1, 1)],))
    yield Case("a kernel of one with a stride", ([(1, 3), (3, 2), (3, 1)],))
    for number in range(4):
        layers = [(int(rng.integers(2, 8)), int(rng.integers(1, 4))) for _ in range(int(rng.integers(3, 8)))]
        yield Case(f"random layers {number + 1}", ([*layers, (3, 1)],))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(layers):
    low, high = 0, 0
    for kernel, stride in reversed(layers):
        low, high = low * stride, high * stride + kernel - 1
    return high - low + 1


@right("other formula")
def other_formula(layers):
    strides = [1, *(stride for _, stride in layers)]
    return 1 + sum((kernel - 1) * np.prod(strides[: place + 1], dtype=int) for place, (kernel, _) in enumerate(layers))


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def field_added_kernels(layers):
    """You added up the kernels. Neighbouring patches overlap: each layer adds kernel - 1, and it all starts
    from 1."""
    return sum(kernel for kernel, stride in layers)


@mistake
def field_without_strides(layers):
    """The strides were not used. After a stride of 2, one step of the next layer is two steps in the
    image."""
    return 1 + sum(kernel - 1 for kernel, stride in layers)


@mistake
def field_own_stride(layers):
    """Each layer was stretched by its own stride too. A layer's stride matters only to the layers after
    it."""
    field, jump = 1, 1
    for kernel, stride in layers:
        jump *= stride
        field += (kernel - 1) * jump
    return field


@mistake
def field_last_stride_only(layers):
    """Only the stride of the layer just before was used. All strides so far multiply: two of 2 make a jump of
    4."""
    field, before = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * before
        before = stride
    return field


@mistake
def field_strides_added(layers):
    """You added the strides up. They multiply: after two strides of 2, neighbours are 4 pixels apart."""
    field, jump = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * jump
        jump += stride - 1
    return field


@mistake
def field_wrong_direction(layers):
    """(field - 1) * stride + kernel is a correct step, but it goes from the last layer to the first. Use
    reversed(layers)."""
    field = 1
    for kernel, stride in layers:
        field = (field - 1) * stride + kernel
    return field
