"""The largest number of each window, channel by channel."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.exercise import Case
from autograder.exercises.awkward import EXACT, wide
from autograder.exercises.cnn.inputs import FORBIDDEN, pool_hidden, pool_visible
from autograder.exercises.declare import Asks, hidden, mistake, right, right_text, slip, visible
from course_lib import cnn

ASKS = Asks(
    cnn.max_pool2d,
    signature="max_pool2d(x (N, C, H, W), kernel, stride=None) -> (N, C, H', W')",
    points={"basics": 1, "geometry": 1},
    forbids=FORBIDDEN,
    hints=(
        "How far apart do the windows start when no stride is given? Is that the same in both directions for a "
        "kernel of (2, 3)?",
        "View all windows of the kernel's size, keep those that start on a multiple of the stride, and take the "
        "maximum over the two axes of the window. A window that would stick out is not among them.",
        "`windows = np.lib.stride_tricks.sliding_window_view(x, (KH, KW), axis=(2, 3))`, then every `down`-th and "
        "`right`-th of axes 2 and 3, then `max(axis=(4, 5))`. Without a stride `down, right = KH, KW`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    return pool_visible(rng)


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield from pool_hidden(rng)
    yield Case("numbers of all magnitudes", (wide(rng, 2, 3, 6, 7), (3, 2)), group="geometry", tolerance=EXACT)


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
        top, left = i * steps[0], j * steps[1]
        out[n, c, i, j] = max(x[n, c, top : top + kernel[0], left : left + kernel[1]].ravel())
    return out


other_formula = right_text(
    "other formula",
    """
from functools import reduce

def max_pool2d(x, kernel, stride=None):
    kh, kw = np.broadcast_to(kernel, 2).tolist()
    sy, sx = (kh, kw) if stride is None else (stride, stride)
    rows, columns = (x.shape[2] - kh) // sy + 1, (x.shape[3] - kw) // sx + 1
    shifted = (x[:, :, u::sy, v::sx][:, :, :rows, :columns] for u in range(kh) for v in range(kw))
    return reduce(np.maximum, shifted)
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(x, kernel, stride=None):
    kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
    sy, sx = (kh, kw) if stride is None else (stride, stride)
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::sy, ::sx]
    return windows.max(axis=(4, 5))


max_pool_averages = slip(
    answer,
    "windows.max",
    "windows.mean",
    says="These are the means of the windows. Max pooling keeps the largest number of each.",
)


max_pool_stride_one = slip(
    answer,
    ("sy, sx = (kh, kw) if stride is None else (stride, stride)", "stride = 1 if stride is None else stride"),
    ("::sy, ::sx", "::stride, ::stride"),
    says="The windows overlap when no stride is given. stride=None means that they touch: the stride is the kernel's "
    "size.",
)


max_pool_ignores_stride = slip(
    answer,
    ("sy, sx = (kh, kw) if stride is None else (stride, stride)\nwindows", "windows"),
    ("::sy, ::sx", "::kh, ::kw"),
    says="The stride that was given is not used. Windows start `stride` pixels apart; the kernel's size is used only "
    "when no stride is given.",
)


@mistake
def max_pool_part_windows(x, kernel, stride=None):
    """You made outputs for windows that stick out at the end. Where the window does not fit there is no output."""
    kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
    sy, sx = (kh, kw) if stride is None else (stride, stride)
    rows, columns = -(-(x.shape[2] - kh) // sy) + 1, -(-(x.shape[3] - kw) // sx) + 1
    out = np.zeros((*x.shape[:2], rows, columns), x.dtype)
    for i in range(rows):
        for j in range(columns):
            out[:, :, i, j] = x[:, :, i * sy : i * sy + kh, j * sx : j * sx + kw].max(axis=(2, 3))
    return out


max_pool_over_channels = slip(
    answer,
    "(4, 5)",
    "(1, 4, 5)",
    says="The channels were pooled together. Each channel keeps its own map: take the maximum over the window's "
    "two axes only.",
)


max_pool_absolute = slip(
    answer,
    "return windows.max(axis=(4, 5))",
    "highest, lowest = windows.max(axis=(4, 5)), windows.min(axis=(4, 5))\n"
    "return np.where(highest >= -lowest, highest, lowest)",
    says="You took the number that is largest when signs are ignored. -5 is smaller than 1: compare the numbers as "
    "they are.",
)


max_pool_from_zero = slip(
    answer,
    "windows.max(axis=(4, 5))",
    "np.maximum(windows.max(axis=(4, 5)), 0)",
    says="No output is below 0: the search for the maximum began at 0. Begin with the window's first number, or "
    "with -inf.",
)
