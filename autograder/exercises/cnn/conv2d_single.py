"""One image of one channel under one kernel, in every position where the kernel fits."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import EXTREMES, RELATIVE, magnitudes, twice
from autograder.exercises.cnn.inputs import FORBIDDEN, array
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, right_text, slip, visible
from course_lib import cnn

ASKS = Asks(
    cnn.conv2d_single,
    signature="conv2d_single(image (H, W), kernel (K, K)) -> (H - K + 1, W - K + 1)",
    points={"basics": 2},
    forbids=FORBIDDEN,
    hints=(
        "In how many rows can the top edge of the kernel lie? Try 3 pixels and a kernel of 2.",
        "Slide the kernel pixel by pixel. At each position multiply patch and kernel number by number, without "
        "flipping, and add the products up.",
        "With `K = len(kernel)`: `out[i, j]` is the sum of `image[i : i + K, j : j + K] * kernel`, for `i` in "
        "`range(H - K + 1)` and `j` in `range(W - K + 1)`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    image = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0], [4.0, 0.0, 1.0]])
    yield Case("three by three", (image, np.array([[1.0, -1.0], [2.0, 3.0]])))
    spot = np.zeros((5, 6))
    spot[2, 3] = 1
    yield Case("a single bright pixel", (spot, np.arange(1.0, 10.0).reshape(3, 3)))
    yield Case("a wide image", (array(rng, 4, 7), array(rng, 3, 3)))
    yield Case("float32", (array(rng, 6, 5, dtype=np.float32), array(rng, 2, 2, dtype=np.float32)))


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("a tall image", (array(rng, 11, 6), array(rng, 4, 4)))
    yield Case("a kernel as large as the image", (array(rng, 3, 3), array(rng, 3, 3)))
    yield Case("a kernel as high as the image", (array(rng, 3, 8), array(rng, 3, 3)))
    yield Case("a kernel of one", (array(rng, 4, 5), array(rng, 1, 1)))
    yield Case("every second pixel", (array(rng, 12, 10)[::2, ::2], array(rng, 3, 6)[:, ::2]))
    yield Case("large numbers", (1e4 * array(rng, 7, 5), 1e4 * array(rng, 3, 3)))
    yield from twice(lambda: (array(rng, 5, 6), array(rng, 3, 3)))
    yield from magnitudes(lambda scale: (scale * array(rng, 5, 6), array(rng, 3, 3)), scales=EXTREMES)
    yield Case("a kernel of tiny numbers", (array(rng, 5, 6), 1e-30 * array(rng, 3, 3)), tolerance=RELATIVE)


# --- properties ----------------------------------------------------------------------------------------------


@holds("linear in the kernel", group="basics")
def single_adds(call: Probe, rng: np.random.Generator) -> str | None:
    image, kernel, other = array(rng, 5, 6), array(rng, 3, 3), array(rng, 3, 3)
    if not np.allclose(call(image, kernel + 2 * other), call(image, kernel) + 2 * np.asarray(call(image, other))):
        return "the output for kernel k + 2m differs from the output for k plus twice the one for m"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(image, kernel):
    K = len(kernel)
    rows = []
    for i in range(image.shape[0] - K + 1):
        row = []
        for j in range(image.shape[1] - K + 1):
            total = 0.0
            for u in range(K):
                for v in range(K):
                    total += image[i + u][j + v] * kernel[u][v]
            row.append(total)
        rows.append(row)
    print("done")
    return np.array(rows)


other_formula = right_text(
    "other formula",
    """
from numpy.lib.stride_tricks import sliding_window_view

def conv2d_single(picture, weights):
    return np.tensordot(sliding_window_view(picture, weights.shape), weights, axes=2)
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(image, kernel):
    k = len(kernel)
    rows, columns = image.shape[0] - k + 1, image.shape[1] - k + 1
    out = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            out[i, j] = np.sum(image[i : i + k, j : j + k] * kernel)
    return out


single_flipped = slip(
    answer,
    "image[i : i + k, j : j + k] * kernel",
    "image[i : i + k, j : j + k] * kernel[::-1, ::-1]",
    says="These are the numbers with the kernel flipped, as mathematicians convolve. Deep learning does not flip: "
    "image[i + u, j + v] meets kernel[u, v].",
)


single_one_short = slip(
    answer,
    "image.shape[0] - k + 1, image.shape[1] - k + 1",
    "image.shape[0] - k, image.shape[1] - k",
    says="The last row and column of outputs are missing. A side of H has room for H - K + 1 positions.",
)


@mistake
def single_padded(image, kernel):
    """Your output is as large as the image: zeros were put around it. Here the kernel stays inside, so the
    output is H - K + 1 by W - K + 1."""
    k = len(kernel)
    padded = np.zeros((image.shape[0] + k - 1, image.shape[1] + k - 1))
    padded[(k - 1) // 2 : (k - 1) // 2 + image.shape[0], (k - 1) // 2 : (k - 1) // 2 + image.shape[1]] = image
    out = np.zeros(image.shape)
    for i in range(image.shape[0]):
        for j in range(image.shape[1]):
            out[i, j] = np.sum(padded[i : i + k, j : j + k] * kernel)
    return out


single_transposed = slip(
    answer,
    "image[i : i + k, j : j + k] * kernel",
    "image[i : i + k, j : j + k] * kernel.T",
    says="The kernel is on its side: row u of the patch met column u of the kernel. Multiply image[i + u, j + v] by "
    "kernel[u, v].",
)


single_mean = slip(
    answer,
    "np.sum",
    "np.mean",
    says="You took the mean over the patch. A convolution adds the products up; a kernel that averages contains the "
    "division itself.",
)


single_tiles = slip(
    answer,
    ("image.shape[0] - k + 1, image.shape[1] - k + 1", "image.shape[0] // k, image.shape[1] // k"),
    ("image[i : i + k, j : j + k]", "image[i * k : i * k + k, j * k : j * k + k]"),
    says="The kernel jumped by its own size. It moves by one pixel at a time, so neighbouring patches overlap.",
)


single_overwrites = slip(
    answer,
    "out[i, j] = np.sum(image[i : i + k, j : j + k] * kernel)",
    "for u in range(k):\n    for v in range(k):\n        out[i, j] = image[i + u, j + v] * kernel[u, v]",
    says="Only the last product of each patch is left. Add the products up: out[i, j] += ..., starting from zeros.",
)
