"""What several exercises of cnn share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import EXTREMES, RELATIVE, magnitudes
from autograder.forbidden_names import AUTOGRAD

Array = NDArray[Any]
FORBIDDEN = (
    "scipy.ndimage",
    "scipy.signal",
    "torch.conv2d",
    "torch.nn.Conv2d",
    "torch.nn.Fold",
    "torch.nn.Unfold",
    "torch.nn.functional.avg_pool2d",
    "torch.nn.functional.conv2d",
    "torch.nn.functional.fold",
    "torch.nn.functional.max_pool2d",
    "torch.nn.functional.unfold",
)
"""Functions that would do the work for the student, forward."""

SIDES = (512, 5_120, 40_960)
"""Heights and widths of the rule `vectorised`. The images are one number across and the kernels two numbers long, so
that a loop has little to do at each position; lengths without large prime factors suit the Fourier transform."""


def array(rng: np.random.Generator, *shape: int, dtype: DTypeLike = float) -> Array:
    return rng.standard_normal(shape).astype(dtype)


Layer = tuple[Array, Array, Array | None]


def layer(
    rng: np.random.Generator, x: tuple[int, ...], w: tuple[int, ...], dtype: DTypeLike = float, bias: bool = True
) -> Layer:
    return array(rng, *x, dtype=dtype), array(rng, *w, dtype=dtype), array(rng, w[0], dtype=dtype) if bias else None


def layer_visible(rng: np.random.Generator) -> Iterator[Case]:
    x = np.array([[[[1.0, 2.0, 0.0], [0.0, 1.0, 3.0]], [[2.0, 0.0, 1.0], [1.0, 1.0, 0.0]]]])
    w = np.array([[[[1.0, 0.0], [0.0, 2.0]], [[0.0, 1.0], [-1.0, 0.0]]], [[[0.0, 1.0], [3.0, 0.0]], [[1.0, 1.0]] * 2]])
    yield Case("two channels in, two out", (x, w, np.array([10.0, 20.0])))
    yield Case("a batch, no bias", (*layer(rng, (3, 2, 5, 4), (4, 2, 3, 3), bias=False)[:2],))
    yield Case("bias, as many outputs as columns", layer(rng, (2, 3, 5, 5), (3, 3, 3, 3)))
    yield Case("padding", (*layer(rng, (2, 2, 4, 5), (3, 2, 3, 3)),), {"padding": 1}, "geometry")
    yield Case("stride", (*layer(rng, (2, 2, 7, 8), (3, 2, 3, 3)),), {"stride": 2}, "geometry")
    yield Case("stride, padding, a wide kernel", (*layer(rng, (2, 3, 6, 7), (2, 3, 2, 3)), 2, 1), group="geometry")
    yield Case("float32", (*layer(rng, (2, 3, 4, 6), (4, 3, 3, 2), np.float32), 1, 2), group="geometry")


def layer_hidden(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("a larger batch", layer(rng, (5, 3, 9, 7), (6, 3, 3, 3)))
    yield Case("one image of one channel", layer(rng, (1, 1, 5, 6), (1, 1, 2, 2)))
    yield Case("a kernel of one", layer(rng, (2, 5, 3, 4), (3, 5, 1, 1)))
    yield Case("no bias", layer(rng, (2, 3, 5, 6), (4, 3, 3, 3), bias=False))
    yield Case("the kernel as large as the image", layer(rng, (3, 2, 4, 3), (5, 2, 4, 3)), group="geometry")
    yield Case("only padding makes it fit", (*layer(rng, (2, 2, 2, 3), (3, 2, 4, 5)), 1, 2), group="geometry")
    yield Case("stride of three, padding of two", (*layer(rng, (1, 3, 10, 8), (4, 3, 4, 2)), 3, 2), group="geometry")
    yield Case("a tall kernel", (*layer(rng, (2, 2, 9, 5), (3, 2, 5, 1)), 2, 1), group="geometry")
    x, w, b = layer(rng, (4, 6, 12, 5), (6, 3, 3, 3))
    assert b is not None
    yield Case("slices of other arrays", (x[::2, ::2, ::2], np.asfortranarray(w), b[::-1], 2, 1), group="geometry")
    yield Case("float32, strided", (*layer(rng, (3, 2, 8, 9), (4, 2, 3, 3), np.float32), 2, 1), group="geometry")
    for scale in EXTREMES:
        x, w, b = layer(rng, (2, 3, 5, 4), (4, 3, 2, 3))
        assert b is not None
        yield Case(f"numbers around {scale:g}", (scale * x, w, scale * b), tolerance=RELATIVE)
        yield Case(f"weights around {scale:g}", (x, scale * w, scale * b, 2, 1), group="geometry", tolerance=RELATIVE)


def moves_along(call: Probe, rng: np.random.Generator) -> str | None:
    x, w, b = layer(rng, (1, 2, 9, 8), (3, 2, 3, 3))
    moved = np.roll(x, (2, 1), axis=(2, 3))
    if not np.allclose(np.asarray(call(moved, w, b))[:, :, 2:, 1:], np.asarray(call(x, w, b))[:, :, :-2, :-1]):
        return "an image that is moved down by 2 and right by 1 must give the same output, moved in the same way"
    return None


def pool_visible(rng: np.random.Generator) -> Iterator[Case]:
    x = np.array([[1.0, -5.0, 2.0, 0.0], [3.0, 0.0, -1.0, 4.0], [-2.0, -3.0, 0.0, 1.0], [-1.0, -7.0, 6.0, 2.0]])
    yield Case("four windows", (x[None, None], 2))
    yield Case("two channels, a remainder of one", (array(rng, 2, 2, 5, 7), 2))
    yield Case("a stride of one", (array(rng, 1, 2, 4, 5), 3, 1))
    yield Case("a window that is not square", (array(rng, 2, 3, 6, 7), (2, 3)), group="geometry")
    yield Case("float32, a stride of its own", (array(rng, 2, 1, 8, 7, dtype=np.float32), (3, 2), 2), {}, "geometry")


def pool_hidden(rng: np.random.Generator) -> Iterator[Case]:
    x = array(rng, 3, 4, 9, 8)
    yield Case("one number", (x[:1, :1, :1, :1], 1))
    yield Case("one column", (x[..., :1], (2, 1)), group="geometry")
    yield Case("a batch", (x, 3))
    yield Case("all negative", (-np.abs(x) - 1, 2))
    yield Case("a window of one", (x[:1], 1))
    yield Case("stride beyond the window", (x, 2, 3))
    yield Case("the whole image", (x, (9, 8)), group="geometry")
    yield Case("a flat window", (x, (1, 4)), group="geometry")
    yield Case("overlapping, a tall window", (x, (4, 1), 2), group="geometry")
    yield Case("a slice of another array", (x[::2, ::2, :, ::-1], 2), group="geometry")
    yield Case("zeros among the numbers", (np.round(x), (2, 3), 2), group="geometry")
    yield from magnitudes(lambda scale: (scale * array(rng, 2, 2, 4, 7), (2, 3)), scales=EXTREMES, group="geometry")


FORBIDDEN_BACKWARD = (
    "scipy.ndimage",
    "scipy.signal",
    "torch.conv2d",
    "torch.nn.Conv2d",
    "torch.nn.Fold",
    "torch.nn.functional.conv2d",
    "torch.nn.functional.fold",
    "torch.nn.functional.max_pool2d",
    *AUTOGRAD,
)
"""Functions that would do the work for the student, backward."""
Shape = tuple[int, int, int, int]


def small(rng: np.random.Generator, count: int, features: int, classes: int) -> tuple[Any, Any, Any]:
    """Weights of a small network with 5 hidden units, inputs and labels."""
    import torch

    shapes: tuple[tuple[int, ...], ...] = ((5, features), (5,), (5,), (5,), (classes, 5), (classes,))
    weights = [torch.from_numpy(rng.standard_normal(shape)) for shape in shapes]
    x = torch.from_numpy(2 * rng.standard_normal((count, features)) + 1)
    return weights, x, torch.from_numpy(rng.integers(0, classes, count))


def decided(rng: np.random.Generator, count: int, bias: float) -> tuple[Any, Any, Any]:
    """The same with two classes, of which the biases alone choose one for all inputs: class 0 if `bias` is positive.
    The labels are 0."""
    weights, x, labels = small(rng, count, 3, 2)
    weights[-2].zero_()
    weights[-1][0], weights[-1][1] = bias, 0.0
    return weights, x, labels.zero_()
