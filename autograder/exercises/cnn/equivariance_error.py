"""How much it matters whether an image is translated before a layer or after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from autograder.exercise import Case, Tolerance
from autograder.exercises.awkward import RELATIVE, twice
from autograder.exercises.cnn.inputs import Array, array
from autograder.exercises.declare import Asks, hidden, mistake, right, slip, visible
from course_lib import cnn

ASKS = Asks(
    cnn.equivariance_error,
    signature="equivariance_error(layer, image (..., H, W), dy, dx, border) -> float",
    points={"basics": 2},
    hints=(
        "In which order do the layer and the move act on each side of the equation? Both sides start from the "
        "original image.",
        "Move then layer, and layer then move: subtract, take absolute values, cut a frame off all four sides, and "
        "keep the largest number.",
        "Compare `layer(translate(image, dy, dx))` with `translate(layer(image), dy, dx)`. With `H, W` of their "
        "difference, `[..., border : H - border, border : W - border]` cuts the frame, also for a border of 0.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _convolution(rng: np.random.Generator, channels: int) -> Callable[[Array], Array]:
    w = rng.standard_normal((channels, channels, 3, 3))

    def convolution(image: Array) -> Array:
        padded = np.pad(image, ((0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
        return np.asarray(np.einsum("cijhw,ochw->oij", windows, w))

    return convolution


def _valid(rng: np.random.Generator) -> Callable[[Array], Array]:
    w = rng.standard_normal((3, 3))

    def convolution_without_padding(image: Array) -> Array:
        windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3), axis=(-2, -1))
        return np.asarray(np.einsum("...hw,hw->...", windows, w))

    return convolution_without_padding


def _dense(rng: np.random.Generator, *shape: int) -> Callable[[Array], Array]:
    size = int(np.prod(shape))
    w = rng.standard_normal((size, size))

    def dense(image: Array) -> Array:
        return np.asarray((w @ image.reshape(-1)).reshape(image.shape))

    return dense


def _brighter(rng: np.random.Generator) -> Callable[[Array], Array]:
    """Adds a ramp: the answer depends on the position, and all differences have the same sign."""

    def brighter_to_the_right(image: Array) -> Array:
        return np.asarray(image + np.arange(image.shape[-1], dtype=float))

    return brighter_to_the_right


def _added(pattern: Array) -> Callable[[Array], Array]:
    """Adds a fixed pattern."""

    def pattern_added(image: Array) -> Array:
        return np.asarray(image + pattern)

    return pattern_added


def _beside_the_border(rng: np.random.Generator) -> Iterator[Case]:
    """Every image leaves on translation, so the differences are the pattern's numbers. Those in the border are the
    largest, and the largest of the others lies right beside the border, along one edge after the other."""
    border = 2
    for edge, place in (
        ("top", (border, 4)), ("bottom", (-border - 1, 4)), ("left", (3, border)), ("right", (3, -border - 1)),
    ):  # fmt: skip
        pattern = rng.uniform(5.0, 6.0, (2, 8, 9))
        pattern[:, border:-border, border:-border] -= 5.0
        pattern[(rng.integers(2), *place)] = rng.choice([-2.0, 2.0])
        yield Case(f"largest beside the {edge} border", (_added(pattern), np.zeros((2, 8, 9)), -8, 0, border))


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("a ramp is added, to the left", (_brighter(rng), np.ones((4, 6)), 0, -1, 1))
    yield Case("a ramp is added, to the right", (_brighter(rng), np.ones((6, 7)), 0, 2, 2))
    yield Case("a convolution", (_convolution(rng, 2), array(rng, 2, 9, 8), 1, 2, 3))
    yield Case("a convolution up to the edge", (_convolution(rng, 1), array(rng, 1, 6, 7), 1, 1, 0))
    yield Case("a fully connected layer", (_dense(rng, 1, 5, 6), array(rng, 1, 5, 6), -1, 1, 1))


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("no padding", (_valid(rng), array(rng, 10, 9), 2, -3, 3))
    yield Case("another convolution", (_convolution(rng, 3), array(rng, 3, 11, 8), -2, 1, 3))
    yield Case("another fully connected layer", (_dense(rng, 2, 6, 5), array(rng, 2, 6, 5), 2, -1, 1))
    yield Case("no step at all", (_dense(rng, 1, 5, 5), array(rng, 1, 5, 5), 0, 0, 0))
    yield Case("a ramp, up and left", (_brighter(rng), array(rng, 7, 6), -1, -2, 2))
    yield Case("a convolution too close to the edge", (_convolution(rng, 1), array(rng, 1, 9, 9), 3, 0, 1))
    yield from _beside_the_border(rng)
    yield from twice(lambda: (_dense(rng, 1, 4, 5), array(rng, 1, 4, 5), 1, -1, 0))
    for scale in (1e-30, 1e30):
        arguments = (_dense(rng, 1, 4, 5), scale * array(rng, 1, 4, 5), 1, 1, 1)
        yield Case(f"numbers around {scale:g}", arguments, tolerance=RELATIVE)
    fine = Tolerance(relative=1e-11, absolute=0.0)
    yield Case("to many digits", (_dense(rng, 1, 6, 5), array(rng, 1, 6, 5), 1, 0, 1), tolerance=fine)
    yield Case("one row", (_brighter(rng), array(rng, 1, 3), 0, 1, 0))
    yield Case("one column", (_added(array(rng, 4, 1)), array(rng, 4, 1), 1, 0, 0))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(layer, image, dy, dx, border):
    def move(picture):
        moved = np.zeros_like(picture)
        H, W = picture.shape[-2:]
        for i in range(H):
            for j in range(W):
                if 0 <= i - dy < H and 0 <= j - dx < W:
                    moved[..., i, j] = picture[..., i - dy, j - dx]
        return moved

    one, two = layer(move(image)), move(layer(image))
    worst = 0.0
    for i in range(border, one.shape[-2] - border):
        for j in range(border, one.shape[-1] - border):
            for a, b in zip(np.ravel(one[..., i, j]), np.ravel(two[..., i, j])):
                worst = max(worst, abs(a - b))
    return worst


@right("other formula")
def other_formula(layer, image, dy, dx, border):
    def move(a):
        return np.eye(a.shape[-2], k=-dy) @ a @ np.eye(a.shape[-1], k=dx)

    gap = layer(move(image)) - move(layer(image))
    keep = np.pad(np.ones([side - 2 * border for side in gap.shape[-2:]]), border)
    return np.max(np.abs(gap * keep))


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(layer, image, dy, dx, border):

    def move(picture):
        out = np.zeros_like(picture)
        h, w = picture.shape[-2:]
        out[..., max(dy, 0) : h + min(dy, 0), max(dx, 0) : w + min(dx, 0)] = picture[
            ..., max(-dy, 0) : h + min(-dy, 0), max(-dx, 0) : w + min(-dx, 0)
        ]
        return out

    difference = np.abs(layer(move(image)) - move(layer(image)))
    h, w = difference.shape[-2:]
    return float(difference[..., border : h - border, border : w - border].max())


error_mean = slip(
    answer,
    "difference[..., border : h - border, border : w - border].max",
    "difference[..., border : h - border, border : w - border].mean",
    says="You took the mean of the differences. The exercise asks for the largest: one wrong pixel is enough.",
)


error_signed = slip(
    answer,
    "np.abs(layer(move(image)) - move(layer(image)))",
    "layer(move(image)) - move(layer(image))",
    says="Negative differences were lost. Take np.abs before the maximum.",
)


@mistake
def error_with_border(layer, image, dy, dx, border):
    """The border was not left out. Zeros come in at the edges, and there even a convolution differs: cut `border`
    pixels off all four sides."""

    def move(picture):
        out = np.zeros_like(picture)
        h, w = picture.shape[-2:]
        out[..., max(dy, 0) : h + min(dy, 0), max(dx, 0) : w + min(dx, 0)] = picture[
            ..., max(-dy, 0) : h + min(-dy, 0), max(-dx, 0) : w + min(-dx, 0)
        ]
        return out

    return float(np.abs(layer(move(image)) - move(layer(image))).max())


error_border_at_start = slip(
    error_with_border,
    "np.abs(layer(move(image)) - move(layer(image)))",
    "np.abs(layer(move(image)) - move(layer(image)))[..., border:, border:]",
    says="The border was cut off above and on the left only. It is left out on all four sides.",
)


error_invariance = slip(
    answer,
    "move(layer(image))",
    "layer(image)",
    says="You compared layer(translate(image)) with layer(image). That tests for the same answer; the answer has to "
    "move along: compare with translate(layer(image)).",
)


error_moved_twice = slip(
    answer,
    "layer(image)",
    "layer(move(image))",
    says="Both sides were computed from the moved image. The right side starts from the original image: first "
    "layer(image), then translate.",
)
