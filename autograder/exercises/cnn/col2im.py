"""Adds every column back to the pixels that it was cut from: the adjoint of `im2col`, not its inverse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import EXTREMES, RELATIVE
from autograder.exercises.cnn.inputs import FORBIDDEN_BACKWARD, Shape, array
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, slip, visible
from course_lib import cnn

ASKS = Asks(
    cnn.col2im,
    signature=(
        "col2im(cols (N, C*KH*KW, L), image_shape (N, C, H, W), kernel (KH, KW), stride=1, padding=0) -> (N, C, H, W)"
    ),
    points={"basics": 1, "geometry": 1},
    forbids=FORBIDDEN_BACKWARD,
    hints=(
        "im2col copied a pixel into several columns. What has to happen to the numbers that come back to it?",
        "Use the strided slices of im2col in the other direction, and add where it copied. Work on an array of the "
        "padded size, so that nothing has to be skipped, and cut the padding off in the end.",
        "With `patches = cols.reshape(N, C, KH, KW, rows, columns)`: for each `u, v` do `padded[:, :, down, across] "
        "+= patches[:, :, u, v]`, where `down` is `slice(u, u + stride * (rows - 1) + 1, stride)` and `across` the "
        "same from `v`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _columns(
    rng: np.random.Generator,
    shape: Shape,
    kernel: tuple[int, int],
    stride: int = 1,
    padding: int = 0,
    dtype: DTypeLike = float,
) -> tuple[Any, ...]:
    sides = [cnn.output_size(size, side, stride, padding) for size, side in zip(shape[2:], kernel, strict=True)]
    cols = array(rng, shape[0], shape[1] * kernel[0] * kernel[1], sides[0] * sides[1], dtype=dtype)
    return cols, shape, kernel, stride, padding


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    cols = np.array([[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]])
    yield Case("two patches that share a column", (cols, (1, 1, 2, 3), (2, 2)))
    yield Case("two channels", _columns(rng, (1, 2, 3, 4), (2, 2)))
    yield Case("a batch and a wide kernel", _columns(rng, (2, 2, 4, 6), (2, 3)))
    yield Case("padding", _columns(rng, (2, 1, 3, 4), (3, 2), 1, 1), group="geometry")
    yield Case("stride of two", _columns(rng, (1, 2, 7, 6), (3, 2), 2), group="geometry")
    yield Case("float32, stride and padding", _columns(rng, (2, 2, 5, 6), (3, 3), 2, 1, np.float32), group="geometry")


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("a larger batch", _columns(rng, (4, 3, 7, 6), (3, 3)))
    yield Case("a kernel of one", _columns(rng, (2, 3, 4, 3), (1, 1)))
    yield Case("patches that do not touch", _columns(rng, (1, 2, 8, 7), (2, 2), 3), group="geometry")
    yield Case("only padding makes it fit", _columns(rng, (2, 1, 2, 3), (4, 5), 1, 2), group="geometry")
    yield Case("the kernel as large as the image", _columns(rng, (2, 2, 4, 3), (4, 3)), group="geometry")
    cols, *rest = _columns(rng, (2, 2, 6, 5), (2, 3), 1, 1)
    yield Case("columns in Fortran order", (np.asfortranarray(cols), *rest), group="geometry")
    for scale in EXTREMES:
        cols, *rest = _columns(rng, (2, 2, 4, 5), (2, 3), 1, 1)
        yield Case(f"numbers around {scale:g}", (scale * cols, *rest), group="geometry", tolerance=RELATIVE)


# --- properties ----------------------------------------------------------------------------------------------


@holds("the adjoint of im2col", group="geometry")
def col2im_is_adjoint(call: Probe, rng: np.random.Generator) -> str | None:
    x = array(rng, 2, 2, 5, 6)
    patches = cnn.im2col(x, (3, 2), 2, 1)
    cols = rng.standard_normal(patches.shape)
    if not np.isclose(np.vdot(patches, cols), np.vdot(x, call(cols, x.shape, (3, 2), 2, 1))):
        return "the sum of im2col(x) * c must equal the sum of x * col2im(c): that is what makes it the adjoint"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(cols, image_shape, kernel, stride=1, padding=0):
    N, C, H, W = image_shape
    KH, KW = kernel
    rows = (H + 2 * padding - KH) // stride + 1
    columns = (W + 2 * padding - KW) // stride + 1
    dx = np.zeros((N, C, H, W), cols.dtype)
    for n in range(N):
        for k in range(C * KH * KW):
            c, rest = divmod(k, KH * KW)
            u, v = divmod(rest, KW)
            for place in range(rows * columns):
                i, j = divmod(place, columns)
                y, x = i * stride + u - padding, j * stride + v - padding
                if 0 <= y < H and 0 <= x < W:
                    dx[n, c, y, x] += cols[n, k, place]
    return dx


@right("other formula")
def other_formula(cols, image_shape, kernel, stride=1, padding=0):
    # The transpose of the matrix that im2col is, found by numbering the pixels.
    N, C, H, W = image_shape
    KH, KW = kernel
    number = np.pad(np.arange(1, H * W + 1).reshape(H, W), padding)
    view = np.lib.stride_tricks.sliding_window_view(number, (KH, KW))[::stride, ::stride]
    where = view.transpose(2, 3, 0, 1).reshape(KH * KW, -1)
    flat = cols.reshape(N * C, KH * KW, -1)
    sums = [np.bincount(where.ravel(), weights=each.ravel(), minlength=H * W + 1) for each in flat]
    return np.stack(sums)[:, 1:].reshape(N, C, H, W)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(cols, image_shape, kernel, stride=1, padding=0):
    N, C, H, W = image_shape
    KH, KW = kernel
    rows, columns = (H + 2 * padding - KH) // stride + 1, (W + 2 * padding - KW) // stride + 1
    patches = cols.reshape(N, C, KH, KW, rows, columns)
    out = np.zeros((N, C, H + 2 * padding, W + 2 * padding))
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            out[:, :, top : top + KH, left : left + KW] += patches[..., i, j]
    return out[:, :, padding : padding + H, padding : padding + W]


col2im_overwrites = slip(
    answer,
    "out[:, :, top : top + KH, left : left + KW] += patches[..., i, j]",
    "out[:, :, top : top + KH, left : left + KW] = patches[..., i, j]",
    says="Only the last patch that wrote to a pixel is left. A pixel is in several patches and their numbers add up: "
    "use += instead of =.",
)


@mistake
def col2im_averages(cols, image_shape, kernel, stride=1, padding=0):
    """You divided each pixel by the number of patches that it is in. That would undo im2col; the adjoint only
    adds up."""
    N, C, H, W = image_shape
    KH, KW = kernel
    rows, columns = (H + 2 * padding - KH) // stride + 1, (W + 2 * padding - KW) // stride + 1
    patches = cols.reshape(N, C, KH, KW, rows, columns)
    out = np.zeros((N, C, H + 2 * padding, W + 2 * padding))
    count = np.zeros((H + 2 * padding, W + 2 * padding))
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            out[:, :, top : top + KH, left : left + KW] += patches[..., i, j]
            count[top : top + KH, left : left + KW] += 1
    return (out / np.maximum(count, 1))[:, :, padding : padding + H, padding : padding + W]


col2im_keeps_padding = slip(
    answer,
    "out[:, :, padding : padding + H, padding : padding + W]",
    "out",
    says="The zeros around the image are still there. What fell on the padding is dropped: cut `padding` rows and "
    "columns off all four sides.",
)


col2im_cuts_one_corner = slip(
    answer,
    "out[:, :, padding : padding + H, padding : padding + W]",
    "out[:, :, :H, :W]",
    says="You kept the upper left H x W of the padded image. The image begins `padding` pixels further in, along "
    "both axes.",
)


col2im_channel_last = slip(
    answer,
    "cols.reshape(N, C, KH, KW, rows, columns)",
    "cols.reshape(N, KH, KW, C, rows, columns).transpose(0, 3, 1, 2, 4, 5)",
    says="You read the columns as (KH, KW, C). The channel comes first along a column: reshape to (N, C, KH, KW, "
    "H', W').",
)


col2im_places_by_column = slip(
    answer,
    "cols.reshape(N, C, KH, KW, rows, columns)",
    "cols.reshape(N, C, KH, KW, columns, rows).swapaxes(4, 5)",
    says="You read the positions column by column. They come row by row: the last axis is (H', W') in that order.",
)
