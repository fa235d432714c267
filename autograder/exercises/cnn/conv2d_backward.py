"""The gradients of a convolution layer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import EXTREMES, RELATIVE
from autograder.exercises.cnn.inputs import FORBIDDEN_BACKWARD, Shape, array
from autograder.exercises.declare import Asks, hidden, holds, right, slip, visible
from course_lib import cnn

ASKS = Asks(
    cnn.conv2d_backward,
    signature=(
        "conv2d_backward(dout (N, C_out, H', W'), x (N, C, H, W), w (C_out, C, KH, KW), stride=1, padding=0) -> "
        "(dx, dw, db)"
    ),
    points={"basics": 3, "geometry": 2},
    forbids=FORBIDDEN_BACKWARD,
    hints=(
        "Forward, each image was kernel rows times columns. What are the two gradients of a matrix product? And "
        "over what else are dw and db summed?",
        "With dout as (N, C_out, L): dw is dout times the transposed columns, summed over images. The kernels "
        "transposed, times dout, is the gradient of the columns, and col2im takes it back to pixels. db sums images "
        "and positions.",
        "`dy = dout.reshape(N, C_out, -1)`. `dw` is `(dy @ cols.transpose(0, 2, 1)).sum(axis=0)` in the shape of "
        "`w`. `dx` is `col2im` of `w.reshape(C_out, -1).T @ dy`. `db` is `dy.sum(axis=(0, 2))`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _backward(
    rng: np.random.Generator,
    x: Shape,
    w: tuple[int, int, int, int],
    stride: int = 1,
    padding: int = 0,
    dtype: DTypeLike = float,
) -> tuple[Any, ...]:
    rows, columns = (cnn.output_size(size, side, stride, padding) for size, side in zip(x[2:], w[2:], strict=True))
    arrays = [array(rng, *shape, dtype=dtype) for shape in ((x[0], w[0], rows, columns), x, w)]
    return (*arrays, stride, padding)


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    x = np.array([[[[1.0, 2.0, 0.0], [0.0, 1.0, 3.0]]]])
    w, dout = np.array([[[[1.0, -1.0], [2.0, 3.0]]]]), np.array([[[[1.0, 10.0]]]])
    yield Case("one channel, two positions", (dout, x, w))
    yield Case("a batch of two", _backward(rng, (2, 1, 4, 5), (3, 1, 2, 2)))
    yield Case("several channels", _backward(rng, (3, 2, 4, 5), (4, 2, 3, 3)))
    yield Case("padding", _backward(rng, (2, 2, 4, 3), (3, 2, 3, 3), 1, 1), group="geometry")
    yield Case("stride", _backward(rng, (2, 3, 6, 7), (2, 3, 3, 2), 2), group="geometry")
    yield Case(
        "float32, stride and padding", _backward(rng, (2, 2, 5, 6), (3, 2, 3, 3), 2, 1, np.float32), group="geometry"
    )


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("a larger batch", _backward(rng, (5, 3, 7, 6), (4, 3, 3, 3)))
    yield Case("one image", _backward(rng, (1, 2, 5, 4), (3, 2, 2, 2)))
    yield Case("a kernel of one", _backward(rng, (2, 4, 3, 5), (3, 4, 1, 1)))
    for scale in EXTREMES:
        dout, x, w, *rest = _backward(rng, (2, 2, 4, 5), (3, 2, 2, 3))
        yield Case(f"an upstream gradient around {scale:g}", (scale * dout, x, w, *rest), tolerance=RELATIVE)
        yield Case(f"numbers around {scale:g}", (dout, scale * x, scale * w, *rest), tolerance=RELATIVE)
    yield Case("a stride that leaves a remainder", _backward(rng, (2, 2, 8, 9), (3, 2, 3, 2), 3), group="geometry")
    yield Case("a tall kernel", _backward(rng, (2, 2, 7, 4), (3, 2, 4, 1), 2, 1), group="geometry")
    yield Case("only padding makes it fit", _backward(rng, (2, 2, 2, 3), (3, 2, 4, 5), 1, 2), group="geometry")
    dout, x, w, stride, padding = _backward(rng, (4, 4, 6, 5), (6, 4, 3, 3), 2, 1)
    yield Case(
        "slices of other arrays",
        (dout[::2, ::2], x[::2, ::2, :, ::-1], np.asfortranarray(w[::2, ::2]), stride, padding),
        group="geometry",
    )


# --- properties ----------------------------------------------------------------------------------------------


@holds("the gradients predict a small step", group="geometry")
def backward_is_the_slope(call: Probe, rng: np.random.Generator) -> str | None:
    dout, x, w, stride, padding = _backward(rng, (2, 2, 5, 4), (3, 2, 3, 2), 2, 1)
    dx, dw, db = call(dout, x, w, stride, padding)
    steps = [1e-5 * rng.standard_normal(each.shape) for each in (x, w, np.zeros(3))]
    ahead = cnn.conv2d(x + steps[0], w + steps[1], steps[2], stride, padding)
    behind = cnn.conv2d(x - steps[0], w - steps[1], -steps[2], stride, padding)
    change = np.vdot(dout, ahead - behind) / 2
    for name, gradient, step in (("dx", dx, steps[0]), ("dw", dw, steps[1]), ("db", db, steps[2])):
        if np.shape(gradient) != step.shape:
            return f"{name} has shape {np.shape(gradient)}; a gradient has the shape of its argument, {step.shape}"
    predicted = sum(float(np.vdot(gradient, step)) for gradient, step in zip((dx, dw, db), steps, strict=True))
    if not np.isclose(change, predicted, rtol=1e-4, atol=1e-9):
        return f"a small step of x, w and b changed the loss by {change:.6g}; your gradients predict {predicted:.6g}"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(dout, x, w, stride=1, padding=0):
    dx, dw, db = np.zeros(x.shape), np.zeros(w.shape), np.zeros(len(w))
    N, C, H, W = x.shape
    for n, o, i, j in np.ndindex(dout.shape):
        g = dout[n, o, i, j]
        db[o] += g
        for u in range(w.shape[2]):
            for v in range(w.shape[3]):
                y, z = i * stride + u - padding, j * stride + v - padding
                if 0 <= y < H and 0 <= z < W:
                    for c in range(C):
                        dw[o, c, u, v] += g * x[n, c, y, z]
                        dx[n, c, y, z] += g * w[o, c, u, v]
    return [dx, dw, db]


@right("other formula")
def other_formula(dout, x, w, stride=1, padding=0):
    from functools import partial

    KH, KW = w.shape[2:]
    H, W = x.shape[2:]
    pad = partial(np.pad, pad_width=((0, 0), (0, 0), (padding, padding), (padding, padding)))
    spread = np.zeros(dout.shape[:2] + tuple((side - 1) * stride + 1 for side in dout.shape[2:]), dout.dtype)
    spread[:, :, ::stride, ::stride] = dout
    windows = np.lib.stride_tricks.sliding_window_view
    big = pad(x)
    dw = np.einsum("ncuvij,noij->ocuv", windows(big, spread.shape[2:], axis=(2, 3))[:, :, :KH, :KW], spread)
    full = np.pad(spread, ((0, 0), (0, 0), (KH - 1, KH - 1), (KW - 1, KW - 1)))
    dbig = np.zeros_like(big)
    part = np.einsum("noijuv,ocuv->ncij", windows(full, (KH, KW), axis=(2, 3)), w[:, :, ::-1, ::-1])
    dbig[:, :, : part.shape[2], : part.shape[3]] = part
    return dbig[:, :, padding : padding + H, padding : padding + W], dw, np.einsum("noij->o", dout)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(dout, x, w, stride=1, padding=0):
    H, W = x.shape[2:]
    KH, KW = w.shape[2:]
    big = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    dbig, dw = np.zeros(big.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            down, right = slice(i * stride, i * stride + KH), slice(j * stride, j * stride + KW)
            dw += np.einsum("no,nchw->ochw", dout[:, :, i, j], big[:, :, down, right])
            dbig[:, :, down, right] += np.einsum("no,ochw->nchw", dout[:, :, i, j], w)
    return dbig[:, :, padding : padding + H, padding : padding + W], dw, dout.sum(axis=(0, 2, 3))


backward_flipped_kernel = slip(
    answer,
    'np.einsum("no,ochw->nchw", dout[:, :, i, j], w)',
    'np.einsum("no,ochw->nchw", dout[:, :, i, j], w[:, :, ::-1, ::-1])',
    says="dw and db are right, but dx used the flipped kernels. Each output number spreads back along the weights "
    "that made it: dx[i*s + u, j*s + v] += dout[i, j] * w[u, v].",
)


backward_batch_mean = slip(
    answer,
    "dbig[:, :, padding : padding + H, padding : padding + W], dw, dout.sum(axis=(0, 2, 3))",
    "dbig[:, :, padding : padding + H, padding : padding + W], dw / len(x), dout.sum(axis=(0, 2, 3)) / len(x)",
    says="dw and db were divided by the batch. The division by N belongs to the loss and is already in dout: here "
    "the shares of all images are added up.",
)


backward_first_image = slip(
    answer,
    'np.einsum("no,nchw->ochw", dout[:, :, i, j], big[:, :, down, right])',
    'np.einsum("no,nchw->ochw", dout[:1, :, i, j], big[:1, :, down, right])',
    says="dw holds the share of the first image only. All images used the same kernels, so their shares are added "
    "up: sum over the batch.",
)


backward_bias_mean = slip(
    answer,
    "dout.sum",
    "dout.mean",
    says="db is a mean. Every output number contains the bias once, so its gradient is the sum of dout over images, "
    "rows and columns.",
)


backward_bias_each_image = slip(
    answer,
    "(0, 2, 3)",
    "(2, 3)",
    says="db still has a row for each image. The bias is shared by all images: sum over the batch as well, "
    "axis=(0, 2, 3).",
)


backward_overwrites_dx = slip(
    answer,
    'dbig[:, :, down, right] += np.einsum("no,ochw->nchw", dout[:, :, i, j], w)',
    'dbig[:, :, down, right] = np.einsum("no,ochw->nchw", dout[:, :, i, j], w)',
    says="In dx only the last patch is left in each pixel. A pixel took part in several outputs and gets a share "
    "from each: use +=.",
)


backward_other_order = slip(
    answer,
    "dbig[:, :, padding : padding + H, padding : padding + W], dw, dout.sum(axis=(0, 2, 3))",
    "dw, dout.sum(axis=(0, 2, 3)), dbig[:, :, padding : padding + H, padding : padding + W]",
    says="The gradients are right, but in another order. Return (dx, dw, db).",
)


backward_ignores_dout_in_dw = slip(
    answer,
    'np.einsum("no,nchw->ochw", dout[:, :, i, j], big[:, :, down, right])',
    "big[:, :, down, right].sum(axis=0)",
    says="dw was computed as if every number of dout were 1. Weight each patch by the gradient of the output that it "
    "made.",
)
