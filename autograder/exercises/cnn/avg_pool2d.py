"""The mean of each window, channel by channel; arguments and result as in `max_pool2d`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from autograder.exercise import Case
from autograder.exercises.cnn.inputs import FORBIDDEN, pool_hidden, pool_visible
from autograder.exercises.declare import Asks, hidden, right, slip, visible
from course_lib import cnn

ASKS = Asks(
    cnn.avg_pool2d,
    signature="avg_pool2d(x (N, C, H, W), kernel, stride=None) -> (N, C, H', W')",
    points={"basics": 1},
    forbids=FORBIDDEN,
    hints=(
        "What differs from your max pooling, and what stays exactly as it is?",
        "The windows and their starts are those of max pooling. Only the reduction changes: all numbers of the "
        "window count alike, zeros among them.",
        "Take the windows as in `max_pool2d` and end with `mean(axis=(4, 5))`; in a loop that is the window's sum "
        "over `KH * KW`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    return _in_one_group(pool_visible(rng))


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    return _in_one_group(pool_hidden(rng))


def _in_one_group(cases: Iterator[Case]) -> Iterator[Case]:
    return (replace(case, group="basics") for case in cases)


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(x, kernel, stride=None):
    if isinstance(kernel, int):
        kernel = (kernel, kernel)
    steps = kernel if stride is None else (stride, stride)
    rows = (x.shape[2] - kernel[0]) // steps[0] + 1
    columns = (x.shape[3] - kernel[1]) // steps[1] + 1
    out = np.empty(x.shape[:2] + (rows, columns), x.dtype)
    for n, c, i, j in np.ndindex(out.shape):
        window = x[n, c, i * steps[0] : i * steps[0] + kernel[0], j * steps[1] : j * steps[1] + kernel[1]]
        out[n, c, i, j] = sum(window.ravel()) / window.size
    return out


@right("other formula")
def other_formula(x, kernel, stride=None):
    kh, kw = np.broadcast_to(kernel, 2).tolist()
    sy, sx = (kh, kw) if stride is None else (stride, stride)
    sums = np.pad(x.cumsum(axis=2, dtype=float).cumsum(axis=3), [(0, 0), (0, 0), (1, 0), (1, 0)])
    windows = sums[:, :, kh:, kw:] - sums[:, :, :-kh, kw:] - sums[:, :, kh:, :-kw] + sums[:, :, :-kh, :-kw]
    return windows[:, :, ::sy, ::sx] / (kh * kw)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(x, kernel, stride=None):
    kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
    sy, sx = (kh, kw) if stride is None else (stride, stride)
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::sy, ::sx]
    return windows.mean(axis=(4, 5))


avg_pool_maximum = slip(
    answer,
    "windows.mean",
    "windows.max",
    says="These are the largest numbers of the windows. Average pooling takes the mean of each.",
)


avg_pool_sums = slip(
    answer,
    "windows.mean",
    "windows.sum",
    says="The windows were added up but not divided. The mean divides by KH * KW, the numbers in a window.",
)


avg_pool_divides_by_side = slip(
    answer,
    "windows.mean(axis=(4, 5))",
    "windows.sum(axis=(4, 5)) / kh",
    says="You divided by one side of the window. A window holds KH * KW numbers.",
)


avg_pool_stride_one = slip(
    answer,
    ("sy, sx = (kh, kw) if stride is None else (stride, stride)", "stride = 1 if stride is None else stride"),
    ("::sy, ::sx", "::stride, ::stride"),
    says="The windows overlap when no stride is given. stride=None means that they touch: the stride is the kernel's "
    "size.",
)


avg_pool_ignores_stride = slip(
    answer,
    ("sy, sx = (kh, kw) if stride is None else (stride, stride)\nwindows", "windows"),
    ("::sy, ::sx", "::kh, ::kw"),
    says="The stride that was given is not used. Windows start `stride` pixels apart; the kernel's size is used only "
    "when no stride is given.",
)


avg_pool_without_zeros = slip(
    answer,
    "windows.mean(axis=(4, 5))",
    "windows.sum(axis=(4, 5)) / np.maximum((windows != 0).sum(axis=(4, 5)), 1)",
    says="Zeros were left out of the mean. A 0 is a number like any other: divide by KH * KW.",
)
