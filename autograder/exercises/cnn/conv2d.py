"""The whole layer as one matrix product: kernels as rows, the patches of all images as columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.cnn.inputs import FORBIDDEN, SIDES, layer, layer_hidden, layer_visible, moves_along
from autograder.exercises.declare import Asks, grows, hidden, holds, loop, mistake, right, slip, visible
from course_lib import cnn

ASKS = Asks(
    cnn.conv2d,
    signature="conv2d(x (N, C, H, W), w (C_out, C, KH, KW), b=None, stride=1, padding=0) -> (N, C_out, H', W')",
    points={"basics": 2, "geometry": 1, "vectorised": 1},
    forbids=FORBIDDEN,
    hints=(
        "What must a kernel look like to be multiplied with im2col's columns? And along which axis of the result "
        "does the bias run?",
        "Each kernel becomes a row, in the order of the columns: channel, row, column. One matrix product per image "
        "gives every output of a channel in one line; add the channel's bias and fold the line into an image.",
        "`w.reshape(len(w), -1) @ im2col(x, (KH, KW), stride, padding)` has the shape (N, C_out, L). Add `b[:, "
        "None]` unless `b is None`, then `reshape` to (N, C_out, rows, columns) with the sizes from `output_size`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    return layer_visible(rng)


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    return layer_hidden(rng)


@grows("height", *SIDES)
def tall(rng: np.random.Generator, height: int) -> tuple[Any, ...]:
    return layer(rng, (1, 1, height, 1), (1, 1, 2, 1))


@grows("width", *SIDES)
def wide(rng: np.random.Generator, width: int) -> tuple[Any, ...]:
    return layer(rng, (1, 1, 1, width), (1, 1, 1, 2))


@loop
def every_place(x, w, b=None, stride=1, padding=0):
    KH, KW = w.shape[2:]
    x = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    rows, columns = (x.shape[2] - KH) // stride + 1, (x.shape[3] - KW) // stride + 1
    out = np.zeros((len(x), len(w), rows, columns), dtype=x.dtype)
    for n in range(len(x)):
        for o in range(len(w)):
            for i in range(rows):
                for j in range(columns):
                    patch = x[n, :, i * stride : i * stride + KH, j * stride : j * stride + KW]
                    out[n, o, i, j] = np.sum(patch * w[o])
    return out if b is None else out + b[:, None, None]


# --- properties ----------------------------------------------------------------------------------------------


@holds("it moves along with its input", group="basics")
def moves_along_with_its_input(call: Probe, rng: np.random.Generator) -> str | None:
    return moves_along(call, rng)


@holds("examples do not mix", group="basics")
def examples_apart(call: Probe, rng: np.random.Generator) -> str | None:
    x, w, b = layer(rng, (3, 2, 5, 6), (4, 2, 3, 3))
    alone = np.concatenate([call(x[i : i + 1], w, b) for i in range(3)])
    if not np.allclose(call(x, w, b), alone):
        return "an image's output changes with the other images of its batch: examples must not mix"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(x, w, b=None, stride=1, padding=0):
    KH, KW = w.shape[2:]
    x = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    rows, columns = (x.shape[2] - KH) // stride + 1, (x.shape[3] - KW) // stride + 1
    out = np.zeros((len(x), len(w), rows, columns), dtype=x.dtype)
    for u in range(KH):
        for v in range(KW):
            seen = x[:, :, u : u + stride * (rows - 1) + 1 : stride, v : v + stride * (columns - 1) + 1 : stride]
            out += np.tensordot(seen, w[:, :, u, v], axes=([1], [1])).transpose(0, 3, 1, 2)
    if b is not None:
        for o in range(len(w)):
            out[:, o] += b[o]
    return out


@right("other formula")
def other_formula(x, w, b=None, stride=1, padding=0):
    # By the convolution theorem: the sum over places is a product of spectra.
    N, C, H, W = x.shape
    O, _, KH, KW = w.shape
    padded = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    size = padded.shape[2:]
    spectrum = np.einsum("nchw,ochw->nohw", np.fft.rfft2(padded), np.conj(np.fft.rfft2(w, s=size)))
    full = np.fft.irfft2(spectrum, s=size)[:, :, : size[0] - KH + 1, : size[1] - KW + 1]
    out = full[:, :, ::stride, ::stride]
    return (out if b is None else out + b[:, None, None]).astype(np.float64)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(x, w, b=None, stride=1, padding=0):
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    out = np.einsum("ncijhw,ochw->noij", windows, w)
    return out if b is None else out + b[:, None, None]


@mistake
def conv2d_without_bias(x, w, b=None, stride=1, padding=0):
    """The bias is missing. b[o] is added to every number of output channel o, where b is not None."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    return np.einsum("ncijhw,ochw->noij", windows, w)


conv2d_bias_by_example = slip(
    answer,
    "b[:, None, None]",
    "b",
    says="The bias runs along the wrong axis. It belongs to the output channels, the second axis: b[:, None, None].",
)


conv2d_flipped = slip(
    answer,
    'np.einsum("ncijhw,ochw->noij", windows, w)',
    'np.einsum("ncijhw,ochw->noij", windows, w[:, :, ::-1, ::-1])',
    says="These are the numbers with the kernels flipped, as mathematicians convolve. Deep learning does not flip.",
)


conv2d_first_channel = slip(
    answer,
    'np.einsum("ncijhw,ochw->noij", windows, w)',
    'np.einsum("nijhw,ohw->noij", windows[:, 0], w[:, 0])',
    says="Only the first input channel was read. A kernel is as deep as the input: sum over all its channels.",
)


conv2d_scrambled_kernels = slip(
    answer,
    'out = np.einsum("ncijhw,ochw->noij", windows, w)',
    "n, _, rows, columns = windows.shape[:4]\n"
    "cols = windows.transpose(0, 1, 4, 5, 2, 3).reshape(n, -1, rows * columns)\n"
    "out = (w.reshape(-1, len(w)).T @ cols).reshape(n, len(w), rows, columns)",
    says="The kernels were reshaped to (C * KH * KW, C_out), which mixes them up. Each kernel is one row: "
    "w.reshape(C_out, -1).",
)


conv2d_left_flat = slip(
    answer,
    "return out if b is None else out + b[:, None, None]",
    "out = out if b is None else out + b[:, None, None]\nreturn out.reshape(len(x), len(w), -1)",
    says="The numbers are right, but still in one line, (N, C_out, L). Put the positions back into rows and columns: "
    "reshape to (N, C_out, H', W').",
)


conv2d_without_padding = slip(
    answer,
    "x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))",
    "",
    says="The padding was not used. Put `padding` zeros around every image first.",
)


conv2d_without_stride = slip(
    answer,
    "np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]",
    "np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))",
    says="The stride was not used: there is an output for every pixel. Keep every stride-th position along both axes.",
)
