"""Every patch that a kernel looks at, written out as a column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograder.exercise import Case
from autograder.exercises.awkward import EXACT, twice
from autograder.exercises.awkward import wide as wide_numbers
from autograder.exercises.cnn.inputs import FORBIDDEN, SIDES, array
from autograder.exercises.declare import Asks, grows, hidden, loop, right, right_text, slip, visible
from course_lib import cnn

ASKS = Asks(
    cnn.im2col,
    signature="im2col(x (N, C, H, W), kernel (KH, KW), stride=1, padding=0) -> (N, C*KH*KW, L)",
    points={"basics": 2, "geometry": 1, "vectorised": 1},
    forbids=FORBIDDEN,
    hints=(
        "Fix one weight (u, v) of the kernel. Which pixels does it meet while the kernel slides? They form a "
        "regular grid.",
        "Loop over the weights of the kernel, never over the image. What one weight meets is a strided slice of the "
        "padded image. Collect the slices along the axes (N, C, KH, KW, H', W'), then merge axes with reshape.",
        "In an array of shape (N, C, KH, KW, rows, columns): `cols[:, :, u, v]` is `padded[:, :, u : u + stride * "
        "(rows - 1) + 1 : stride, ...]`, with the same slice from `v` for the columns. Then `reshape(N, C * KH * "
        "KW, -1)`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("one channel, two positions", (np.arange(1.0, 7.0).reshape(1, 1, 2, 3), (2, 2)))
    yield Case("two channels", (np.arange(1.0, 25.0).reshape(1, 2, 3, 4), (2, 2)))
    yield Case("a batch and a wide kernel", (array(rng, 3, 2, 4, 5), (2, 3)))
    yield Case("padding", (array(rng, 2, 2, 3, 4), (3, 2)), {"padding": 1}, "geometry")
    yield Case("stride", (array(rng, 2, 3, 7, 6), (3, 2), 2), group="geometry")
    yield Case("float32, stride and padding", (array(rng, 1, 2, 6, 5, dtype=np.float32), (3, 3), 2, 1), {}, "geometry")


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("a larger batch", (array(rng, 5, 3, 8, 7), (3, 3)))
    yield Case("a kernel of one", (array(rng, 2, 4, 3, 5), (1, 1)))
    yield Case("one column", (array(rng, 2, 3, 4, 1), (2, 1)))
    yield Case("numbers of all magnitudes", (wide_numbers(rng, 2, 2, 4, 5), (2, 3)), tolerance=EXACT)
    yield from twice(lambda: (array(rng, 2, 2, 4, 3), (2, 2)))
    yield Case("the kernel as large as the image", (array(rng, 2, 3, 4, 5), (4, 5)), group="geometry")
    yield Case("only padding makes it fit", (array(rng, 2, 1, 2, 3), (4, 5), 1, 2), group="geometry")
    yield Case("stride of three", (array(rng, 1, 2, 11, 9), (2, 4), 3, 1), group="geometry")
    yield Case("a slice of another array", (array(rng, 4, 6, 9, 8)[::2, ::3, :, ::-1], (2, 3), 2, 1), group="geometry")


@grows("height", *SIDES)
def tall(rng: np.random.Generator, height: int) -> tuple[Any, ...]:
    return array(rng, 1, 1, height, 1), (2, 1)


@grows("width", *SIDES)
def wide(rng: np.random.Generator, width: int) -> tuple[Any, ...]:
    return array(rng, 1, 1, 1, width), (1, 2)


@loop
def every_place(x, kernel, stride=1, padding=0):
    KH, KW = kernel
    x = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    N, _, H, W = x.shape
    patches = []
    for i in range(0, H - KH + 1, stride):
        for j in range(0, W - KW + 1, stride):
            patches.append(x[:, :, i : i + KH, j : j + KW].reshape(N, -1))
    return np.stack(patches, axis=2)


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(x, kernel, stride=1, padding=0):
    KH, KW = kernel
    x = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    N, C, H, W = x.shape
    rows, columns = (H - KH) // stride + 1, (W - KW) // stride + 1
    parts = []
    for c in range(C):
        for u in range(KH):
            for v in range(KW):
                seen = x[:, c, u : u + stride * rows : stride, v : v + stride * columns : stride]
                parts.append(seen[:, :rows, :columns].reshape(N, 1, -1))
    return np.concatenate(parts, axis=1)


other_formula = right_text(
    "other formula",
    """
def im2col(x: np.ndarray, kernel: tuple, stride: int = 1, padding: int = 0) -> np.ndarray:
    padded = np.pad(x, ((0,), (0,), (padding,), (padding,)))
    N, C, H, W = padded.shape
    rows, columns = (H - kernel[0]) // stride + 1, (W - kernel[1]) // stride + 1
    i = np.arange(kernel[0])[:, None, None, None] + stride * np.arange(rows)[None, None, :, None]
    j = np.arange(kernel[1])[None, :, None, None] + stride * np.arange(columns)[None, None, None, :]
    return padded[:, :, i, j].reshape(N, C * kernel[0] * kernel[1], rows * columns)
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(x, kernel, stride=1, padding=0):
    kh, kw = kernel
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::stride, ::stride]
    n, c, rows, columns = windows.shape[:4]
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(n, c * kh * kw, rows * columns)


im2col_transposed = slip(
    answer,
    "windows.transpose(0, 1, 4, 5, 2, 3).reshape(n, c * kh * kw, rows * columns)",
    "windows.transpose(0, 2, 3, 1, 4, 5).reshape(n, rows * columns, c * kh * kw)",
    says="Your patches are rows, of shape (N, L, C * KH * KW). Each patch has to be a column: swap the last two axes.",
)


im2col_channel_last = slip(
    answer,
    "windows.transpose(0, 1, 4, 5, 2, 3)",
    "windows.transpose(0, 4, 5, 1, 2, 3)",
    says="The channel runs fastest along your columns. The order is channel, row, column of the patch, as in "
    "w.reshape(C_out, -1).",
)


im2col_only_reshaped = slip(
    answer,
    "windows.transpose(0, 1, 4, 5, 2, 3)",
    "windows",
    says="The shape is right, but reshape never moves a number: patch and position are mixed up. Bring the axes into "
    "the order (N, C, KH, KW, H', W') with transpose first.",
)


im2col_places_by_column = slip(
    answer,
    "windows.transpose(0, 1, 4, 5, 2, 3)",
    "windows.transpose(0, 1, 4, 5, 3, 2)",
    says="The patches come column by column. They come row by row, as one reads: all positions of the first row, "
    "then the second.",
)


im2col_flipped_inside = slip(
    answer,
    "windows.transpose",
    "windows[..., ::-1, ::-1].transpose",
    says="The pixels of each patch come in reverse order: the kernel would be flipped. Keep them as they are in the "
    "image.",
)


im2col_without_stride = slip(
    answer,
    "np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::stride, ::stride]",
    "np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))",
    says="The stride was not used: there is a column for every pixel. Keep every stride-th position along both axes.",
)


im2col_without_padding = slip(
    answer,
    "x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))",
    "",
    says="The padding was not used. Put `padding` zeros around every image before you cut out the patches.",
)


im2col_batch_in_columns = slip(
    answer,
    "windows.transpose(0, 1, 4, 5, 2, 3).reshape(n, c * kh * kw, rows * columns)",
    "windows.transpose(1, 4, 5, 0, 2, 3).reshape(c * kh * kw, n * rows * columns)",
    says="All images are side by side in one matrix. Keep them apart: the result is (N, C * KH * KW, L).",
)
