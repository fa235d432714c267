"""The mean of each channel over the whole image: what was found, not where."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import EXTREMES, magnitudes
from autograder.exercises.cnn.inputs import FORBIDDEN, Array, array
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, slip, visible
from course_lib import cnn

ASKS = Asks(
    cnn.global_average_pool,
    signature="global_average_pool(x (N, C, H, W)) -> (N, C)",
    points={"basics": 1, "invariance": 1},
    forbids=FORBIDDEN,
    hints=(
        "How many numbers are left of an image of three channels, whatever its height and width?",
        "Each channel of each image becomes one number, the mean over all its rows and columns. The axes of rows and "
        "columns disappear.",
        "Rows and columns are the last two axes: take the mean over `axis=(2, 3)`, without `keepdims`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("one image, two channels", (np.array([[[[1.0, 2.0], [3.0, 6.0]], [[0.0, -4.0], [0.0, 0.0]]]]),))
    yield Case("a batch, not square", (array(rng, 3, 2, 4, 5),))
    yield Case("float32", (array(rng, 2, 3, 3, 4, dtype=np.float32),))


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("as many images as channels, rows and columns", (array(rng, 3, 3, 3, 3),))
    yield Case("one number", (array(rng, 1, 1, 1, 1),))
    yield Case("one row", (array(rng, 2, 3, 1, 7),))
    yield Case("one column", (array(rng, 2, 3, 6, 1),))
    yield Case("zeros among the numbers", (np.maximum(array(rng, 3, 4, 5, 6), 0),))
    yield Case("a channel of zeros", (array(rng, 2, 3, 4, 4) * np.array([1.0, 0.0, 2.0])[:, None, None],))
    yield Case("a slice of another array", (array(rng, 4, 6, 5, 8)[::2, ::2, :, ::-1],))
    yield from magnitudes(lambda scale: (scale * array(rng, 2, 2, 4, 5),), scales=EXTREMES)


# --- properties ----------------------------------------------------------------------------------------------


@holds("an image that is rolled changes nothing", group="invariance")
def rolling_changes_nothing(call: Probe, rng: np.random.Generator) -> str | None:
    x, w = array(rng, 2, 2, 6, 5), array(rng, 3, 2, 3, 3)
    still, rolled = (np.asarray(call(_layer(each, w))) for each in (x, np.roll(x, (2, -1), axis=(2, 3))))
    if still.shape != (2, 3) or rolled.shape != (2, 3):
        return f"2 images of 3 channels give a result of shape {still.shape}; expected (2, 3)"
    if not np.allclose(still, rolled):
        return (
            "after a convolution whose borders wrap around and a ReLU, an image that is rolled by two rows and one "
            f"column gives other numbers: they differ by {np.abs(still - rolled).max():.2g}"
        )
    other = np.asarray(call(_layer(x + array(rng, *x.shape), w)))
    return "another image gives the same numbers" if np.allclose(still, other) else None


def _layer(x: Array, w: Array) -> Array:
    """A convolution of 3 x 3 whose borders wrap around, and a ReLU: (N, C, H, W) to (N, C_out, H, W)."""
    wrapped = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="wrap")
    return np.asarray(np.maximum(cnn.conv2d(wrapped, w), 0))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(x):
    N, C, H, W = x.shape
    out = np.zeros((N, C), x.dtype)
    for n in range(N):
        for c in range(C):
            for i in range(H):
                out[n, c] += x[n, c, i].sum()
            out[n, c] /= H * W
    return out


@right("other formula")
def other_formula(x):
    pixels = x.shape[2] * x.shape[3]
    return x.reshape(len(x), -1, pixels) @ np.full(pixels, 1 / pixels, x.dtype)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(x):
    return x.mean(axis=(2, 3))


global_maximum = slip(
    answer,
    "x.mean",
    "x.max",
    says="This is the largest number of each channel. Average pooling takes the mean over all rows and columns.",
)


global_sum = slip(
    answer,
    "x.mean",
    "x.sum",
    says="The pixels were added up but not divided: the mean is their sum over H * W, so that the size of the "
    "image does not matter.",
)


@mistake
def global_keeps_axes(x):
    """The result still has axes for rows and columns, of length 1. The exercise asks for one number for each channel,
    with shape (N, C)."""
    return x.mean(axis=(2, 3), keepdims=True)


global_over_rows = slip(
    answer,
    "axis=(2, 3)",
    "axis=2",
    says="You took the mean down the rows only, so every column is still there. Take it over rows and columns, "
    "axis=(2, 3).",
)


global_over_channels = slip(
    answer,
    "axis=(2, 3)",
    "axis=(1, 2, 3)",
    says="The channels were averaged as well. Each channel has found something else and keeps a number of its own: "
    "axis=(2, 3).",
)


global_over_batch = slip(
    answer,
    "axis=(2, 3)",
    "axis=(0, 2, 3)",
    says="The images of the batch were averaged as well. Each image keeps its own numbers: axis=(2, 3).",
)


@mistake
def global_without_zeros(x):
    """Zeros were left out of the mean. A 0 is a number like any other: divide by H * W."""
    return x.sum(axis=(2, 3)) / np.maximum((x != 0).sum(axis=(2, 3)), 1)
