"""Moves an image down by `dy` and right by `dx` pixels; what leaves is lost, zeros come in."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import EXACT, twice, wide
from autograder.exercises.cnn.inputs import array
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, slip, visible
from course_lib import cnn

ASKS = Asks(
    cnn.translate,
    signature="translate(image (..., H, W), dy, dx) -> (..., H, W)",
    points={"basics": 1, "corners": 1},
    forbids=("scipy.ndimage",),
    hints=(
        "Take five pixels in a row. Which of them survive a shift by 2, and where do they land? And by -2, and by 7?",
        "Copy a rectangle of the old image into an array of zeros. Both rectangles have the same size and lie a "
        "shift apart. Limit the shift to the size of the image, so that no index turns negative.",
        "First `dy = max(-H, min(H, dy))`. Rows `max(0, -dy) : H - max(0, dy)` of the image go to rows `max(0, dy) "
        ": H + min(0, dy)` of `np.zeros_like(image)`. Columns alike, and `...` in front.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    image = np.arange(1.0, 13.0).reshape(3, 4)
    yield Case("down by one", (image, 1, 0))
    yield Case("down by one, right by two", (image, 1, 2))
    yield Case("up by one, right by one", (image, -1, 1))
    yield Case("down by two, left by one", (image, 2, -1))
    yield Case("two channels, up and left", (array(rng, 2, 4, 3), -2, -1), group="corners")
    yield Case("nowhere", (image, 0, 0), group="corners")
    yield Case("out of sight", (image, 3, 0), group="corners")


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    x = array(rng, 2, 3, 7, 6)
    for dy, dx in ((2, 3), (-3, 1), (1, -4), (-2, -2)):
        yield Case(f"by {dy} and {dx}", (x[0, 0], dy, dx))
    yield Case("a batch, float32", (x.astype(np.float32), -1, 2), group="corners")
    yield Case("far out of sight, to the left", (x, 0, -9), group="corners")
    yield Case("far out of sight, upwards", (x, -20, 1), group="corners")
    yield Case("a slice of another array", (x[:, ::2, ::-1], 2, 1), group="corners")
    yield Case("one image in a batch, one column", (x[:1, :, :, :1], 2, 0), group="corners")
    yield Case("one row", (x[0, 0, :1], 0, -3), group="corners")
    yield Case("numbers of all magnitudes", (wide(rng, 2, 5, 4), 1, -1), group="corners", tolerance=EXACT)
    yield from twice(lambda: (array(rng, 4, 5), 1, 2))


# --- properties ----------------------------------------------------------------------------------------------


@holds("there and back", group="basics")
def translate_and_back(call: Probe, rng: np.random.Generator) -> str | None:
    image = array(rng, 5, 6)
    if not np.allclose(np.asarray(call(call(image, 2, -1), -2, 1))[:-2, 1:], image[:-2, 1:]):
        return "down by 2, left by 1 and back again must give the image back, apart from what left it"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(image, dy, dx):
    moved = np.zeros_like(image)
    H, W = image.shape[-2:]
    for i in range(H):
        for j in range(W):
            if i - dy in range(H) and j - dx in range(W):
                moved[..., i, j] = image[..., i - dy, j - dx]
    return moved


@right("other formula")
def other_formula(image, dy, dx):
    H, W = image.shape[-2:]
    down = np.eye(H, k=-dy, dtype=image.dtype)
    right = np.eye(W, k=dx, dtype=image.dtype)
    return down @ image @ right


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(image, dy, dx):
    out = np.zeros_like(image)
    h, w = image.shape[-2:]
    for i in range(h):
        for j in range(w):
            if 0 <= i - dy < h and 0 <= j - dx < w:
                out[..., i, j] = image[..., i - dy, j - dx]
    return out


@mistake
def translate_rolls(image, dy, dx):
    """What leaves on one side comes back on the other: np.roll wraps around. Set the rows and columns that
    came back to 0."""
    return np.roll(image, (dy, dx), axis=(-2, -1))


translate_backwards = slip(
    answer,
    ("0 <= i - dy < h and 0 <= j - dx < w", "0 <= i + dy < h and 0 <= j + dx < w"),
    ("..., i - dy, j - dx", "..., i + dy, j + dx"),
    says="The image moves the other way. A positive dy moves down and a positive dx moves right: out[i, j] = "
    "image[i - dy, j - dx].",
)


translate_axes_swapped = slip(
    answer,
    ("0 <= i - dy < h and 0 <= j - dx < w", "0 <= i - dx < h and 0 <= j - dy < w"),
    ("..., i - dy, j - dx", "..., i - dx, j - dy"),
    says="dy and dx are swapped. dy counts rows, the axis before the last, and dx columns, the last axis.",
)


@mistake
def translate_repeats_edge(image, dy, dx):
    """The edge was repeated where nothing came in. There should be zeros."""
    h, w = image.shape[-2:]
    rows = np.clip(np.arange(h) - dy, 0, h - 1)
    columns = np.clip(np.arange(w) - dx, 0, w - 1)
    return image[..., rows[:, None], columns]


@mistake
def translate_positive_only(image, dy, dx):
    """Negative steps do not work: slices such as image[-1:] count from the end. Up and left need their own slices, or
    bound start and stop with max(0, ...)."""
    out = np.zeros_like(image)
    h, w = image.shape[-2:]
    if dy < 0 or dx < 0:
        return out
    out[..., dy:, dx:] = image[..., : max(h - dy, 0), : max(w - dx, 0)]
    return out


translate_adds_old = slip(
    answer,
    "np.zeros_like(image)",
    "image.copy()",
    says="The old image still shows where nothing came in: the moved part was written over it. Start from "
    "np.zeros_like(image).",
)
