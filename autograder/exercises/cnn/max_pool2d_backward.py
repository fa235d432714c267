"""The gradient of max pooling: all of it goes to the first maximum of each window, in reading order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograder.exercise import Case
from autograder.exercises.awkward import EXACT, EXTREMES, nearly_tied, twice, wide
from autograder.exercises.cnn.inputs import FORBIDDEN_BACKWARD, Array, array
from autograder.exercises.declare import Asks, hidden, mistake, right, slip, visible
from course_lib import cnn

ASKS = Asks(
    cnn.max_pool2d_backward,
    signature="max_pool2d_backward(dout (N, C, H', W'), x (N, C, H, W), kernel, stride=None) -> (N, C, H, W)",
    points={"basics": 1, "corners": 1, "ties": 1},
    forbids=FORBIDDEN_BACKWARD,
    hints=(
        "Which single pixel of a window had a say in its output? What if it wins in two windows, or if two pixels "
        "are equal?",
        "Visit each output, find the first maximum of its window, and add the output's gradient to that pixel. All "
        "others keep 0.",
        "`u, v = np.unravel_index(window.argmax(), window.shape)` for the window that starts at `(i * down, j * "
        "right)`. Then `dx[n, c, i * down + u, j * right + v] += dout[n, c, i, j]`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _pool_backward(
    rng: np.random.Generator,
    x: Array,
    kernel: int | tuple[int, int],
    stride: int | None = None,
    dtype: DTypeLike = float,
) -> tuple[Any, ...]:
    dout = rng.standard_normal(cnn.max_pool2d(x, kernel, stride).shape).astype(dtype)
    return (dout, x.astype(dtype), kernel) if stride is None else (dout, x.astype(dtype), kernel, stride)


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    x = np.array([[[[1.0, 2.0, 0.0, 3.0], [4.0, 0.0, 5.0, 1.0]]]])
    yield Case("two windows", (np.array([[[[10.0, 20.0]]]]), x, 2))
    yield Case("a batch with a remainder", _pool_backward(rng, array(rng, 2, 2, 5, 6), 2))
    yield Case("windows that overlap", _pool_backward(rng, array(rng, 1, 2, 5, 4), 3, 1), group="corners")
    yield Case("a window that is not square", _pool_backward(rng, array(rng, 2, 2, 4, 6), (2, 3)), group="corners")
    tied = np.array([[[[2.0, 2.0, 1.0], [0.0, 2.0, 1.0]]]])
    yield Case("ties", (np.array([[[[6.0, 12.0]]]]), tied, 2, 1), group="ties")
    yield Case("after a ReLU", _pool_backward(rng, np.maximum(np.round(array(rng, 2, 2, 6, 6)), 0), 3), group="ties")


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    x = array(rng, 3, 2, 8, 7)
    yield Case("a larger batch", _pool_backward(rng, x, 3))
    yield Case("all negative", _pool_backward(rng, -np.abs(x) - 1, 2))
    yield Case("one column", _pool_backward(rng, x[..., :1], (3, 1)))
    yield from twice(lambda: _pool_backward(rng, array(rng, 2, 2, 4, 5), 2))
    yield Case("numbers of all magnitudes", _pool_backward(rng, wide(rng, 2, 2, 6, 5), (2, 3)), group="corners")
    hardly = _pool_backward(rng, nearly_tied(rng, 2, 2, 5, 4), 3, 1)
    yield Case("numbers that hardly differ", hardly, group="corners")
    for scale in EXTREMES:
        dout, *rest = _pool_backward(rng, array(rng, 2, 2, 4, 6), 2)
        yield Case(f"gradients around {scale:g}", (scale * dout, *rest), group="corners", tolerance=EXACT)
    yield Case("float32", _pool_backward(rng, x, (3, 2), dtype=np.float32), group="corners")
    yield Case("overlapping, tall windows", _pool_backward(rng, x, (4, 1), 2), group="corners")
    yield Case("a stride beyond the window", _pool_backward(rng, x, 2, 3), group="corners")
    dout, _, kernel = _pool_backward(rng, x[::2, :, :, ::-1], 2)
    yield Case("a slice of another array", (dout, x[::2, :, :, ::-1], kernel), group="corners")
    yield Case("rounded numbers", _pool_backward(rng, np.round(x), (2, 3), 2), group="ties")
    yield Case("nothing but zeros", _pool_backward(rng, np.zeros((2, 1, 4, 6)), 2), group="ties")


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(dout, x, kernel, stride=None):
    if isinstance(kernel, int):
        kernel = (kernel, kernel)
    steps = kernel if stride is None else (stride, stride)
    dx = np.zeros(x.shape, x.dtype)
    for n, c, i, j in np.ndindex(dout.shape):
        best = None
        for u in range(i * steps[0], i * steps[0] + kernel[0]):
            for v in range(j * steps[1], j * steps[1] + kernel[1]):
                if best is None or x[n, c, u, v] > x[n, c][best]:
                    best = (u, v)
        dx[n, c][best] += dout[n, c, i, j]
    return dx


@right("other formula")
def other_formula(dout, x, kernel, stride=None):
    kh, kw = np.broadcast_to(kernel, 2).tolist()
    sy, sx = (kh, kw) if stride is None else (stride, stride)
    rows, columns = dout.shape[2:]
    cut = [
        (slice(u, u + sy * (rows - 1) + 1, sy), slice(v, v + sx * (columns - 1) + 1, sx))
        for u in range(kh)
        for v in range(kw)
    ]
    winner = np.argmax(np.stack([x[:, :, a, b] for a, b in cut]), axis=0)
    dx = np.zeros_like(x)
    for number, (a, b) in enumerate(cut):
        dx[:, :, a, b] += np.where(winner == number, dout, 0)
    return dx


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(dout, x, kernel, stride=None):
    KH, KW = (kernel, kernel) if isinstance(kernel, int) else kernel
    down, right = (KH, KW) if stride is None else (stride, stride)
    dx = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(dout.shape):
        window = x[n, c, i * down : i * down + KH, j * right : j * right + KW]
        u, v = np.unravel_index(window.argmax(), window.shape)
        dx[n, c, i * down + u, j * right + v] += dout[n, c, i, j]
    return dx


@mistake
def pool_backward_all_maxima(dout, x, kernel, stride=None):
    """Where several numbers of a window are the largest, all of them got the whole gradient. The first one takes it
    all, as in torch."""
    KH, KW = (kernel, kernel) if isinstance(kernel, int) else kernel
    down, right = (KH, KW) if stride is None else (stride, stride)
    dx = np.zeros(x.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            window = x[:, :, i * down : i * down + KH, j * right : j * right + KW]
            best = window == window.max(axis=(2, 3), keepdims=True)
            dx[:, :, i * down : i * down + KH, j * right : j * right + KW] += best * dout[:, :, i : i + 1, j : j + 1]
    return dx


pool_backward_shared = slip(
    pool_backward_all_maxima,
    "dx[:, :, i * down : i * down + KH, j * right : j * right + KW] += best * dout[:, :, i : i + 1, j : j + 1]",
    "best = best / best.sum(axis=(2, 3), keepdims=True)\n"
    "dx[:, :, i * down : i * down + KH, j * right : j * right + KW] += best * dout[:, :, i : i + 1, j : j + 1]",
    says="Where several numbers of a window are the largest, they shared the gradient. The first one takes it "
    "all, as in torch.",
)


pool_backward_last_maximum = slip(
    answer,
    "np.unravel_index(window.argmax(), window.shape)",
    "np.argwhere(window == window.max())[-1]",
    says="Where several numbers of a window are the largest, the last one got the gradient. It goes to the first, "
    "in reading order.",
)


@mistake
def pool_backward_spread(dout, x, kernel, stride=None):
    """The gradient was spread over the whole window. Only the largest number reached the output, so it alone gets the
    gradient."""
    KH, KW = (kernel, kernel) if isinstance(kernel, int) else kernel
    down, right = (KH, KW) if stride is None else (stride, stride)
    dx = np.zeros(x.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            share = dout[:, :, i : i + 1, j : j + 1] / (KH * KW)
            dx[:, :, i * down : i * down + KH, j * right : j * right + KW] += share
    return dx


pool_backward_overwrites = slip(
    answer,
    "dx[n, c, i * down + u, j * right + v] += dout[n, c, i, j]",
    "dx[n, c, i * down + u, j * right + v] = dout[n, c, i, j]",
    says="Where windows overlap, a pixel can be the largest of several. Their gradients add up: use += instead of =.",
)


pool_backward_marks = slip(
    answer,
    "dout[n, c, i, j]",
    "1",
    says="The positions of the maxima are right, but each got a 1. They get the gradient of their output, dout[n, c, "
    "i, j].",
)
