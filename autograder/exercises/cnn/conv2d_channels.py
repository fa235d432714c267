"""One image of several channels under one kernel of the same depth: the channels' results are added up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.exercise import Case
from autograder.exercises.awkward import EXTREMES, RELATIVE, magnitudes, twice
from autograder.exercises.cnn.inputs import FORBIDDEN, array
from autograder.exercises.declare import Asks, hidden, mistake, right, slip, visible
from course_lib import cnn

ASKS = Asks(
    cnn.conv2d_channels,
    signature="conv2d_channels(image (C, H, W), kernel (C, K, K)) -> (H - K + 1, W - K + 1)",
    points={"basics": 2},
    forbids=FORBIDDEN,
    hints=(
        "How many maps does one kernel make, however many channels the image has?",
        "Each channel meets its own slice of the kernel, as an image of one channel would. The maps that come out "
        "are added, position by position.",
        "Add up `conv2d_single(image[c], kernel[c])` for `c` in `range(len(image))`; do not return inside the loop.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    image = np.array([[[1.0, 2.0], [3.0, 4.0]], [[0.0, 1.0], [1.0, 0.0]]])
    kernel = np.array([[[1.0, 0.0], [0.0, -1.0]], [[2.0, 5.0], [1.0, 1.0]]])
    yield Case("two channels, one position", (image, kernel))
    yield Case("three channels", (array(rng, 3, 5, 4), array(rng, 3, 2, 2)))
    yield Case("as many channels as rows", (array(rng, 4, 4, 6), array(rng, 4, 3, 3)))
    yield Case("float32", (array(rng, 2, 4, 5, dtype=np.float32), array(rng, 2, 3, 3, dtype=np.float32)))


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("seven channels", (array(rng, 7, 6, 8), array(rng, 7, 3, 3)))
    yield Case("one channel", (array(rng, 1, 6, 5), array(rng, 1, 2, 2)))
    yield Case("a kernel of one", (array(rng, 5, 4, 3), array(rng, 5, 1, 1)))
    yield Case("every second channel", (array(rng, 8, 5, 6)[::2], array(rng, 4, 3, 3)[::-1]))
    yield Case("the kernel as large as the image", (array(rng, 2, 4, 4), array(rng, 2, 4, 4)))
    yield from twice(lambda: (array(rng, 3, 5, 6), array(rng, 3, 2, 2)))
    yield from magnitudes(lambda scale: (scale * array(rng, 3, 5, 6), array(rng, 3, 2, 2)), scales=EXTREMES)
    yield Case("a kernel of tiny numbers", (array(rng, 3, 5, 6), 1e-30 * array(rng, 3, 2, 2)), tolerance=RELATIVE)


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(image, kernel):
    C, H, W = image.shape
    K = kernel.shape[1]
    out = np.zeros((H - K + 1, W - K + 1), dtype=image.dtype)
    for c in range(C):
        for i in range(H - K + 1):
            for j in range(W - K + 1):
                for u in range(K):
                    for v in range(K):
                        out[i, j] += image[c, i + u, j + v] * kernel[c, u, v]
    return out


@right("other formula")
def other_formula(image, kernel):
    K = kernel.shape[-1]
    view = np.lib.stride_tricks.sliding_window_view(image, (K, K), axis=(1, 2))
    return (view * kernel[:, None, None]).sum(axis=(0, 3, 4))


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(image, kernel):
    rows, columns = image.shape[1] - kernel.shape[1] + 1, image.shape[2] - kernel.shape[2] + 1
    out = np.zeros((rows, columns))
    for c in range(len(image)):
        for u in range(kernel.shape[1]):
            for v in range(kernel.shape[2]):
                out += kernel[c, u, v] * image[c, u : u + rows, v : v + columns]
    return out


@mistake
def channels_first_only(image, kernel):
    """Only the first channel was used. Every channel has its own slice of the kernel, and the results are
    added up."""
    rows, columns = image.shape[1] - kernel.shape[1] + 1, image.shape[2] - kernel.shape[2] + 1
    out = np.zeros((rows, columns))
    for u in range(kernel.shape[1]):
        for v in range(kernel.shape[2]):
            out += kernel[0, u, v] * image[0, u : u + rows, v : v + columns]
    return out


channels_last_only = slip(
    answer,
    ("out = np.zeros((rows, columns))", ""),
    ("for u in range(kernel.shape[1]):", "out = np.zeros((rows, columns))\nfor u in range(kernel.shape[1]):"),
    says="Only the last channel is left: the sum started again for each channel. Make the zeros once, before the "
    "loop over the channels.",
)


channels_kept_apart = slip(
    answer,
    ("(rows, columns)", "(len(image), rows, columns)"),
    (
        "out += kernel[c, u, v] * image[c, u : u + rows, v : v + columns]",
        "out[c] += kernel[c, u, v] * image[c, u : u + rows, v : v + columns]",
    ),
    says="You return one map for each channel. One kernel makes one map: add the channels' maps up.",
)


channels_averaged = slip(
    answer,
    "return out",
    "return out / len(image)",
    says="You averaged over the channels. Their results are added up, not divided.",
)


channels_same_slice = slip(
    answer,
    "c, u, v",
    "0, u, v",
    says="Every channel met the first slice of the kernel. Channel c meets kernel[c].",
)


@mistake
def channels_summed_first(image, kernel):
    """You added the channels up before multiplying. Multiply each channel by its own slice of the kernel,
    then add."""
    grey, flat = image.sum(axis=0), kernel.sum(axis=0)
    rows, columns = grey.shape[0] - flat.shape[0] + 1, grey.shape[1] - flat.shape[1] + 1
    out = np.zeros((rows, columns))
    for u in range(flat.shape[0]):
        for v in range(flat.shape[1]):
            out += flat[u, v] * grey[u : u + rows, v : v + columns]
    return out


channels_flipped = slip(
    answer,
    "rows, columns = image.shape[1] - kernel.shape[1] + 1, image.shape[2] - kernel.shape[2] + 1",
    "kernel = kernel[:, ::-1, ::-1]\n"
    "rows, columns = image.shape[1] - kernel.shape[1] + 1, image.shape[2] - kernel.shape[2] + 1",
    says="These are the numbers with the kernel flipped. Deep learning does not flip: image[c, i + u, j + v] "
    "meets kernel[c, u, v].",
)
