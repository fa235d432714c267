"""The whole layer, number by number: four loops over the outputs, the sum over a patch inside."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.cnn.inputs import FORBIDDEN, layer_hidden, layer_visible, moves_along
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, slip, visible
from course_lib import cnn

ASKS = Asks(
    cnn.conv2d_loops,
    signature="conv2d_loops(x (N, C, H, W), w (C_out, C, KH, KW), b=None, stride=1, padding=0) -> (N, C_out, H', W')",
    points={"basics": 2, "geometry": 2},
    forbids=FORBIDDEN,
    hints=(
        "With a stride of 2, at which pixel does the patch of output (i, j) begin? And how many axes does the patch "
        "have?",
        "Pad first. Loop over images, kernels, and the rows and columns of the output. The patch holds all input "
        "channels: multiply it by the kernel, sum everything, add that kernel's bias once.",
        "`patch = padded[n, :, i * stride : i * stride + KH, j * stride : j * stride + KW]`, and `y[n, o, i, j]` is "
        "`np.sum(patch * w[o])`, plus `b[o]` unless `b is None`. `output_size` tells how many `i` and `j` there "
        "are.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    return layer_visible(rng)


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    return layer_hidden(rng)


# --- properties ----------------------------------------------------------------------------------------------


@holds("it moves along with its input", group="basics")
def moves_along_with_its_input(call: Probe, rng: np.random.Generator) -> str | None:
    return moves_along(call, rng)


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(x, w, b=None, stride=1, padding=0):
    N, C, H, W = x.shape
    O, _, KH, KW = w.shape
    big = np.zeros((N, C, H + 2 * padding, W + 2 * padding))
    big[:, :, padding : padding + H, padding : padding + W] = x
    out = np.zeros((N, O, (H + 2 * padding - KH) // stride + 1, (W + 2 * padding - KW) // stride + 1))
    for n in range(N):
        for o in range(O):
            for i in range(out.shape[2]):
                for j in range(out.shape[3]):
                    total = 0.0 if b is None else b[o]
                    for c in range(C):
                        for u in range(KH):
                            for v in range(KW):
                                total += big[n, c, i * stride + u, j * stride + v] * w[o, c, u, v]
                    out[n, o, i, j] = total
    return out


@right("other formula")
def other_formula(images, kernels, biases=None, step=1, zeros=0, **named):
    step, zeros = named.get("stride", step), named.get("padding", zeros)
    big = np.pad(images, ((0, 0), (0, 0), (zeros, zeros), (zeros, zeros)))
    view = np.lib.stride_tricks.sliding_window_view(big, kernels.shape[2:], axis=(2, 3))[:, :, ::step, ::step]
    maps = np.einsum("nchwij,ocij->nohw", view, kernels, optimize=True)
    return maps + (0 if biases is None else biases.reshape(1, -1, 1, 1))


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(x, w, b=None, stride=1, padding=0):
    n, _, h, width = x.shape
    o, _, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    out = np.zeros((n, o, (h + 2 * padding - kh) // stride + 1, (width + 2 * padding - kw) // stride + 1))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            patch = padded[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw]
            out[:, :, i, j] = np.einsum("nchw,ochw->no", patch, w)
    return out if b is None else out + b[:, None, None]


loops_without_bias = slip(
    answer,
    "out if b is None else out + b[:, None, None]",
    "out",
    says="The bias is missing. b[o] is added to every number of output channel o, where b is not None.",
)


loops_bias_each_channel = slip(
    answer,
    ("n, _, h, width", "n, c, h, width"),
    ("b[:, None, None]", "c * b[:, None, None]"),
    says="The bias was added once for each input channel. Add it once, when the channels have been summed.",
)


loops_stride_in_size_only = slip(
    answer,
    "patch = padded[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw]\n"
    'out[:, :, i, j] = np.einsum("nchw,ochw->no", patch, w)',
    'out[:, :, i, j] = np.einsum("nchw,ochw->no", padded[:, :, i : i + kh, j : j + kw], w)',
    says="The output has the right size, but the patches still start one pixel apart. Output (i, j) starts at (i * "
    "stride, j * stride).",
)


loops_padding_at_the_end = slip(
    answer,
    "((0, 0), (0, 0), (padding, padding), (padding, padding))",
    "((0, 0), (0, 0), (0, 2 * padding), (0, 2 * padding))",
    says="All the zeros are below and to the right of the image. Padding goes around it, the same on all four sides.",
)


loops_edge_repeated = slip(
    answer,
    "((0, 0), (0, 0), (padding, padding), (padding, padding))",
    '((0, 0), (0, 0), (padding, padding), (padding, padding)), mode="edge"',
    says="The pixels of the edge were repeated outwards. Padding means zeros: np.pad's default, or an array of zeros "
    "with the image in it.",
)


loops_flipped = slip(
    answer,
    'np.einsum("nchw,ochw->no", patch, w)',
    'np.einsum("nchw,ochw->no", patch, w[:, :, ::-1, ::-1])',
    says="These are the numbers with the kernels flipped, as mathematicians convolve. Deep learning does not flip.",
)


loops_first_channel = slip(
    answer,
    (
        "padded[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw]",
        "padded[:, 0, i * stride : i * stride + kh, j * stride : j * stride + kw]",
    ),
    ('np.einsum("nchw,ochw->no", patch, w)', 'np.einsum("nhw,ohw->no", patch, w[:, 0])'),
    says="Only the first input channel was read. A kernel is as deep as the input: sum over all its channels.",
)


@mistake
def loops_square_kernel(x, w, b=None, stride=1, padding=0):
    """The kernel's height was used for both of its sides. Kernels need not be square: KH, KW = w.shape[2:]."""
    n, _, h, width = x.shape
    o, _, k, _ = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    out = np.zeros((n, o, (h + 2 * padding - k) // stride + 1, (width + 2 * padding - k) // stride + 1))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            patch = padded[:, :, i * stride : i * stride + k, j * stride : j * stride + k]
            out[:, :, i, j] = np.einsum("nchw,ochw->no", patch, w)
    return out if b is None else out + b[:, None, None]
