"""Convolution, forward: what is asked and how it is probed. What notebook 05 adds stands in `cnn_training`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from autograder.exercise import Case, Exercise, Growth, Probe, Property, Rules
from autograder.exercises.cnn_mistakes import MISTAKES
from autograder.exercises.cnn_training import EXERCISES as BACKWARD
from course_lib import cnn

__all__ = ["EXERCISES"]

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
"""What would do the work that is asked."""


def _array(rng: np.random.Generator, *shape: int, dtype: DTypeLike = float) -> Array:
    return rng.standard_normal(shape).astype(dtype)


# --- counting -------------------------------------------------------------------------------------------


def _dense_visible(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("4 x 5 pixels, three channels, two nodes", (4, 5, 3, 2))
    yield Case("250 x 250 pixels, one node", (250, 250, 1, 1))
    yield Case("a photograph, 100 nodes", (480, 640, 3, 100))


def _dense_hidden(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("one number, one node", (1, 1, 1, 1))
    for number in range(3):
        yield Case(f"random sizes {number + 1}", tuple(rng.integers(2, 300, 4).tolist()))


def _conv_count_visible(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("three channels in, two out", (3, 2, 5))
    yield Case("without biases", (3, 4, 2), {"bias": False})
    yield Case("from grey to 16 channels", (1, 16, 3))


def _conv_count_hidden(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("one by one", (1, 1, 1))
    yield Case("biases by place", (*rng.integers(2, 60, 2).tolist(), 3, True))
    yield Case("no biases by place", (*rng.integers(2, 60, 2).tolist(), 7, False))
    yield Case("random sizes", tuple(rng.integers(2, 60, 3).tolist()))


def _size_visible(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("five pixels, a kernel of three", (5, 3))
    yield Case("a stride of two with a rest", (8, 3, 2))
    yield Case("padding of one", (6, 3), {"padding": 1})
    yield Case("stride and padding", (9, 4, 3, 2))
    yield Case("a dilation of two", (9, 3), {"dilation": 2})
    yield Case("all together", (20, 4, 3, 1, 2))


def _size_hidden(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("the kernel as large as the input", (7, 7))
    yield Case("only padding makes it fit", (2, 5), {"padding": 2})
    yield Case("a kernel of one", (9, 1, 4))
    for number in range(5):
        kernel, stride, padding, dilation = rng.integers([2, 2, 1, 2], [6, 5, 5, 4]).tolist()
        yield Case(f"random sizes {number + 1}", (int(rng.integers(20, 60)), kernel, stride, padding, dilation))


def _field_visible(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("one layer", ([(5, 2)],))
    yield Case("two layers of three", ([(3, 1), (3, 1)],))
    yield Case("convolution, pooling, convolution", ([(3, 1), (2, 2), (3, 1)],))
    yield Case("two strides", ([(3, 2), (4, 3), (3, 2)],))
    yield Case("three strides", ([(5, 2), (3, 2), (2, 3), (3, 1)],))
    yield Case("no layer", ([],))


def _field_hidden(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("a pixel at a time", ([(1, 1), (1, 1)],))
    yield Case("a kernel of one with a stride", ([(1, 3), (3, 2), (3, 1)],))
    for number in range(4):
        layers = [(int(rng.integers(2, 8)), int(rng.integers(1, 4))) for _ in range(int(rng.integers(3, 8)))]
        yield Case(f"random layers {number + 1}", ([*layers, (3, 1)],))


# --- the loops ------------------------------------------------------------------------------------------


def _single_visible(rng: np.random.Generator) -> Iterator[Case]:
    image = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0], [4.0, 0.0, 1.0]])
    yield Case("three by three", (image, np.array([[1.0, -1.0], [2.0, 3.0]])))
    spot = np.zeros((5, 6))
    spot[2, 3] = 1
    yield Case("a single bright pixel", (spot, np.arange(1.0, 10.0).reshape(3, 3)))
    yield Case("a wide image", (_array(rng, 4, 7), _array(rng, 3, 3)))
    yield Case("float32", (_array(rng, 6, 5, dtype=np.float32), _array(rng, 2, 2, dtype=np.float32)))


def _single_hidden(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("a tall image", (_array(rng, 11, 6), _array(rng, 4, 4)))
    yield Case("a kernel as large as the image", (_array(rng, 3, 3), _array(rng, 3, 3)))
    yield Case("a kernel as high as the image", (_array(rng, 3, 8), _array(rng, 3, 3)))
    yield Case("a kernel of one", (_array(rng, 4, 5), _array(rng, 1, 1)))
    yield Case("every second pixel", (_array(rng, 12, 10)[::2, ::2], _array(rng, 3, 6)[:, ::2]))
    yield Case("large numbers", (1e4 * _array(rng, 7, 5), 1e4 * _array(rng, 3, 3)))


def _single_adds(call: Probe, rng: np.random.Generator) -> str | None:
    image, kernel, other = _array(rng, 5, 6), _array(rng, 3, 3), _array(rng, 3, 3)
    if not np.allclose(call(image, kernel + 2 * other), call(image, kernel) + 2 * np.asarray(call(image, other))):
        return "the output for kernel k + 2m differs from the output for k plus twice the one for m"
    return None


def _channels_visible(rng: np.random.Generator) -> Iterator[Case]:
    image = np.array([[[1.0, 2.0], [3.0, 4.0]], [[0.0, 1.0], [1.0, 0.0]]])
    kernel = np.array([[[1.0, 0.0], [0.0, -1.0]], [[2.0, 5.0], [1.0, 1.0]]])
    yield Case("two channels, one place", (image, kernel))
    yield Case("three channels", (_array(rng, 3, 5, 4), _array(rng, 3, 2, 2)))
    yield Case("as many channels as rows", (_array(rng, 4, 4, 6), _array(rng, 4, 3, 3)))
    yield Case("float32", (_array(rng, 2, 4, 5, dtype=np.float32), _array(rng, 2, 3, 3, dtype=np.float32)))


def _channels_hidden(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("seven channels", (_array(rng, 7, 6, 8), _array(rng, 7, 3, 3)))
    yield Case("one channel", (_array(rng, 1, 6, 5), _array(rng, 1, 2, 2)))
    yield Case("a kernel of one", (_array(rng, 5, 4, 3), _array(rng, 5, 1, 1)))
    yield Case("every second channel", (_array(rng, 8, 5, 6)[::2], _array(rng, 4, 3, 3)[::-1]))
    yield Case("the kernel as large as the image", (_array(rng, 2, 4, 4), _array(rng, 2, 4, 4)))


# --- whole layers ---------------------------------------------------------------------------------------

Layer = tuple[Array, Array, Array | None]


def _layer(
    rng: np.random.Generator, x: tuple[int, ...], w: tuple[int, ...], dtype: DTypeLike = float, bias: bool = True
) -> Layer:
    return _array(rng, *x, dtype=dtype), _array(rng, *w, dtype=dtype), _array(rng, w[0], dtype=dtype) if bias else None


def _layer_visible(rng: np.random.Generator) -> Iterator[Case]:
    x = np.array([[[[1.0, 2.0, 0.0], [0.0, 1.0, 3.0]], [[2.0, 0.0, 1.0], [1.0, 1.0, 0.0]]]])
    w = np.array([[[[1.0, 0.0], [0.0, 2.0]], [[0.0, 1.0], [-1.0, 0.0]]], [[[0.0, 1.0], [3.0, 0.0]], [[1.0, 1.0]] * 2]])
    yield Case("two channels in, two out", (x, w, np.array([10.0, 20.0])))
    yield Case("a batch, no bias", (*_layer(rng, (3, 2, 5, 4), (4, 2, 3, 3), bias=False)[:2],))
    yield Case("bias, as many outputs as columns", _layer(rng, (2, 3, 5, 5), (3, 3, 3, 3)))
    yield Case("padding", (*_layer(rng, (2, 2, 4, 5), (3, 2, 3, 3)),), {"padding": 1}, "geometry")
    yield Case("stride", (*_layer(rng, (2, 2, 7, 8), (3, 2, 3, 3)),), {"stride": 2}, "geometry")
    yield Case("stride, padding, a wide kernel", (*_layer(rng, (2, 3, 6, 7), (2, 3, 2, 3)), 2, 1), group="geometry")
    yield Case("float32", (*_layer(rng, (2, 3, 4, 6), (4, 3, 3, 2), np.float32), 1, 2), group="geometry")


def _layer_hidden(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("a larger batch", _layer(rng, (5, 3, 9, 7), (6, 3, 3, 3)))
    yield Case("one image of one channel", _layer(rng, (1, 1, 5, 6), (1, 1, 2, 2)))
    yield Case("a kernel of one", _layer(rng, (2, 5, 3, 4), (3, 5, 1, 1)))
    yield Case("no bias", _layer(rng, (2, 3, 5, 6), (4, 3, 3, 3), bias=False))
    yield Case("the kernel as large as the image", _layer(rng, (3, 2, 4, 3), (5, 2, 4, 3)), group="geometry")
    yield Case("only padding makes it fit", (*_layer(rng, (2, 2, 2, 3), (3, 2, 4, 5)), 1, 2), group="geometry")
    yield Case("stride of three, padding of two", (*_layer(rng, (1, 3, 10, 8), (4, 3, 4, 2)), 3, 2), group="geometry")
    yield Case("a tall kernel", (*_layer(rng, (2, 2, 9, 5), (3, 2, 5, 1)), 2, 1), group="geometry")
    x, w, b = _layer(rng, (4, 6, 12, 5), (6, 3, 3, 3))
    assert b is not None
    yield Case("slices of other arrays", (x[::2, ::2, ::2], np.asfortranarray(w), b[::-1], 2, 1), group="geometry")
    yield Case("float32, strided", (*_layer(rng, (3, 2, 8, 9), (4, 2, 3, 3), np.float32), 2, 1), group="geometry")


def _moves_along(call: Probe, rng: np.random.Generator) -> str | None:
    x, w, b = _layer(rng, (1, 2, 9, 8), (3, 2, 3, 3))
    moved = np.roll(x, (2, 1), axis=(2, 3))
    if not np.allclose(np.asarray(call(moved, w, b))[:, :, 2:, 1:], np.asarray(call(x, w, b))[:, :, :-2, :-1]):
        return "an image that is moved down by 2 and right by 1 must give the same output, moved along"
    return None


def _examples_apart(call: Probe, rng: np.random.Generator) -> str | None:
    x, w, b = _layer(rng, (3, 2, 5, 6), (4, 2, 3, 3))
    alone = np.concatenate([call(x[i : i + 1], w, b) for i in range(3)])
    if not np.allclose(call(x, w, b), alone):
        return "an image's output changes with the other images of its batch: examples must not mix"
    return None


def _patches_visible(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("one channel, two places", (np.arange(1.0, 7.0).reshape(1, 1, 2, 3), (2, 2)))
    yield Case("two channels", (np.arange(1.0, 25.0).reshape(1, 2, 3, 4), (2, 2)))
    yield Case("a batch and a wide kernel", (_array(rng, 3, 2, 4, 5), (2, 3)))
    yield Case("padding", (_array(rng, 2, 2, 3, 4), (3, 2)), {"padding": 1}, "geometry")
    yield Case("stride", (_array(rng, 2, 3, 7, 6), (3, 2), 2), group="geometry")
    yield Case("float32, stride and padding", (_array(rng, 1, 2, 6, 5, dtype=np.float32), (3, 3), 2, 1), {}, "geometry")


def _patches_hidden(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("a larger batch", (_array(rng, 5, 3, 8, 7), (3, 3)))
    yield Case("a kernel of one", (_array(rng, 2, 4, 3, 5), (1, 1)))
    yield Case("the kernel as large as the image", (_array(rng, 2, 3, 4, 5), (4, 5)), group="geometry")
    yield Case("only padding makes it fit", (_array(rng, 2, 1, 2, 3), (4, 5), 1, 2), group="geometry")
    yield Case("stride of three", (_array(rng, 1, 2, 11, 9), (2, 4), 3, 1), group="geometry")
    yield Case("a slice of another array", (_array(rng, 4, 6, 9, 8)[::2, ::3, :, ::-1], (2, 3), 2, 1), group="geometry")


def _small_layer(rng: np.random.Generator) -> tuple[Any, ...]:
    return (*_layer(rng, (1, 2, 8, 8), (4, 2, 3, 3)), 1, 1)


def _large_layer(rng: np.random.Generator) -> tuple[Any, ...]:
    return (*_layer(rng, (8, 2, 64, 64), (4, 2, 3, 3)), 1, 1)


def _small_patches(rng: np.random.Generator) -> tuple[Any, ...]:
    return _array(rng, 1, 2, 8, 8), (3, 3), 1, 1


def _large_patches(rng: np.random.Generator) -> tuple[Any, ...]:
    return _array(rng, 8, 2, 64, 64), (3, 3), 1, 1


# --- pooling --------------------------------------------------------------------------------------------


def _pool_visible(rng: np.random.Generator) -> Iterator[Case]:
    x = np.array([[1.0, -5.0, 2.0, 0.0], [3.0, 0.0, -1.0, 4.0], [-2.0, -3.0, 0.0, 1.0], [-1.0, -7.0, 6.0, 2.0]])
    yield Case("four windows", (x[None, None], 2))
    yield Case("two channels, a rest of one", (_array(rng, 2, 2, 5, 7), 2))
    yield Case("a stride of one", (_array(rng, 1, 2, 4, 5), 3, 1))
    yield Case("a window that is no square", (_array(rng, 2, 3, 6, 7), (2, 3)), group="geometry")
    yield Case("float32, a stride of its own", (_array(rng, 2, 1, 8, 7, dtype=np.float32), (3, 2), 2), {}, "geometry")


def _pool_hidden(rng: np.random.Generator) -> Iterator[Case]:
    x = _array(rng, 3, 4, 9, 8)
    yield Case("a batch", (x, 3))
    yield Case("all negative", (-np.abs(x) - 1, 2))
    yield Case("a window of one", (x[:1], 1))
    yield Case("stride beyond the window", (x, 2, 3))
    yield Case("the whole image", (x, (9, 8)), group="geometry")
    yield Case("a flat window", (x, (1, 4)), group="geometry")
    yield Case("overlapping, a tall window", (x, (4, 1), 2), group="geometry")
    yield Case("a slice of another array", (x[::2, ::2, :, ::-1], 2), group="geometry")
    yield Case("zeros among the numbers", (np.round(x), (2, 3), 2), group="geometry")


# --- translation ----------------------------------------------------------------------------------------


def _translate_visible(rng: np.random.Generator) -> Iterator[Case]:
    image = np.arange(1.0, 13.0).reshape(3, 4)
    yield Case("down by one", (image, 1, 0))
    yield Case("down by one, right by two", (image, 1, 2))
    yield Case("up by one, right by one", (image, -1, 1))
    yield Case("down by two, left by one", (image, 2, -1))
    yield Case("two channels, up and left", (_array(rng, 2, 4, 3), -2, -1), group="corners")
    yield Case("nowhere", (image, 0, 0), group="corners")
    yield Case("out of sight", (image, 3, 0), group="corners")


def _translate_hidden(rng: np.random.Generator) -> Iterator[Case]:
    x = _array(rng, 2, 3, 7, 6)
    for dy, dx in ((2, 3), (-3, 1), (1, -4), (-2, -2)):
        yield Case(f"by {dy} and {dx}", (x[0, 0], dy, dx))
    yield Case("a batch, float32", (x.astype(np.float32), -1, 2), group="corners")
    yield Case("far out of sight, to the left", (x, 0, -9), group="corners")
    yield Case("far out of sight, upwards", (x, -20, 1), group="corners")
    yield Case("a slice of another array", (x[:, ::2, ::-1], 2, 1), group="corners")


def _translate_and_back(call: Probe, rng: np.random.Generator) -> str | None:
    image = _array(rng, 5, 6)
    if not np.allclose(np.asarray(call(call(image, 2, -1), -2, 1))[:-2, 1:], image[:-2, 1:]):
        return "down by 2, left by 1 and back again must give the image, apart from what left it"
    return None


def _convolution(rng: np.random.Generator, channels: int) -> Callable[[Array], Array]:
    w = rng.standard_normal((channels, channels, 3, 3))

    def convolution(image: Array) -> Array:
        padded = np.pad(image, ((0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
        return np.asarray(np.einsum("cijhw,ochw->oij", windows, w))

    return convolution


def _valid(rng: np.random.Generator) -> Callable[[Array], Array]:
    w = rng.standard_normal((3, 3))

    def convolution_without_padding(image: Array) -> Array:
        windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3), axis=(-2, -1))
        return np.asarray(np.einsum("...hw,hw->...", windows, w))

    return convolution_without_padding


def _dense(rng: np.random.Generator, *shape: int) -> Callable[[Array], Array]:
    size = int(np.prod(shape))
    w = rng.standard_normal((size, size))

    def dense(image: Array) -> Array:
        return np.asarray((w @ image.reshape(-1)).reshape(image.shape))

    return dense


def _brighter(rng: np.random.Generator) -> Callable[[Array], Array]:
    """Adds a ramp: it knows where it is, and all differences have one sign."""

    def brighter_to_the_right(image: Array) -> Array:
        return np.asarray(image + np.arange(image.shape[-1], dtype=float))

    return brighter_to_the_right


def _error_visible(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("a ramp is added, to the left", (_brighter(rng), np.ones((4, 6)), 0, -1, 1))
    yield Case("a ramp is added, to the right", (_brighter(rng), np.ones((6, 7)), 0, 2, 2))
    yield Case("a convolution", (_convolution(rng, 2), _array(rng, 2, 9, 8), 1, 2, 3))
    yield Case("a convolution up to the edge", (_convolution(rng, 1), _array(rng, 1, 6, 7), 1, 1, 0))
    yield Case("a dense layer", (_dense(rng, 1, 5, 6), _array(rng, 1, 5, 6), -1, 1, 1))


def _error_hidden(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("no padding", (_valid(rng), _array(rng, 10, 9), 2, -3, 3))
    yield Case("another convolution", (_convolution(rng, 3), _array(rng, 3, 11, 8), -2, 1, 3))
    yield Case("another dense layer", (_dense(rng, 2, 6, 5), _array(rng, 2, 6, 5), 2, -1, 1))
    yield Case("no step at all", (_dense(rng, 1, 5, 5), _array(rng, 1, 5, 5), 0, 0, 0))
    yield Case("a ramp, up and left", (_brighter(rng), _array(rng, 7, 6), -1, -2, 2))
    yield Case("a convolution too close to the edge", (_convolution(rng, 1), _array(rng, 1, 9, 9), 3, 0, 1))


FORWARD = (
    Exercise(
        id="cnn.dense_weight_count",
        reference=cnn.dense_weight_count,
        signature="dense_weight_count(height, width, channels, hidden) -> int",
        groups={"basics": 1},
        visible=_dense_visible,
        hidden=_dense_hidden,
        misconceptions=MISTAKES["dense_weight_count"],
    ),
    Exercise(
        id="cnn.conv_weight_count",
        reference=cnn.conv_weight_count,
        signature="conv_weight_count(c_in, c_out, kernel, bias=True) -> int",
        groups={"basics": 1},
        visible=_conv_count_visible,
        hidden=_conv_count_hidden,
        misconceptions=MISTAKES["conv_weight_count"],
    ),
    Exercise(
        id="cnn.conv2d_single",
        reference=cnn.conv2d_single,
        signature="conv2d_single(image (H, W), kernel (K, K)) -> (H - K + 1, W - K + 1)",
        groups={"basics": 2},
        visible=_single_visible,
        hidden=_single_hidden,
        misconceptions=MISTAKES["conv2d_single"],
        properties=(Property("linear in the kernel", _single_adds, "basics"),),
        rules=Rules(forbids=FORBIDDEN),
    ),
    Exercise(
        id="cnn.output_size",
        reference=cnn.output_size,
        signature="output_size(size, kernel, stride=1, padding=0, dilation=1) -> int",
        groups={"basics": 1},
        visible=_size_visible,
        hidden=_size_hidden,
        misconceptions=MISTAKES["output_size"],
    ),
    Exercise(
        id="cnn.conv2d_channels",
        reference=cnn.conv2d_channels,
        signature="conv2d_channels(image (C, H, W), kernel (C, K, K)) -> (H - K + 1, W - K + 1)",
        groups={"basics": 2},
        visible=_channels_visible,
        hidden=_channels_hidden,
        misconceptions=MISTAKES["conv2d_channels"],
        rules=Rules(forbids=FORBIDDEN),
    ),
    Exercise(
        id="cnn.conv2d_loops",
        reference=cnn.conv2d_loops,
        signature="conv2d_loops(x (N, C, H, W), w (C_out, C, KH, KW), b=None, stride=1, padding=0)"
        " -> (N, C_out, H', W')",
        groups={"basics": 2, "geometry": 2},
        visible=_layer_visible,
        hidden=_layer_hidden,
        misconceptions=MISTAKES["conv2d_loops"],
        properties=(Property("it moves along with its input", _moves_along, "basics"),),
        rules=Rules(forbids=FORBIDDEN),
    ),
    Exercise(
        id="cnn.im2col",
        reference=cnn.im2col,
        signature="im2col(x (N, C, H, W), kernel (KH, KW), stride=1, padding=0) -> (N, C*KH*KW, L)",
        groups={"basics": 2, "geometry": 1, "vectorised": 1},
        visible=_patches_visible,
        hidden=_patches_hidden,
        misconceptions=MISTAKES["im2col"],
        rules=Rules(vectorised=Growth(_small_patches, _large_patches), forbids=FORBIDDEN),
    ),
    Exercise(
        id="cnn.conv2d",
        reference=cnn.conv2d,
        signature="conv2d(x (N, C, H, W), w (C_out, C, KH, KW), b=None, stride=1, padding=0) -> (N, C_out, H', W')",
        groups={"basics": 2, "geometry": 1, "vectorised": 1},
        visible=_layer_visible,
        hidden=_layer_hidden,
        misconceptions=MISTAKES["conv2d"],
        properties=(
            Property("it moves along with its input", _moves_along, "basics"),
            Property("examples do not mix", _examples_apart, "basics"),
        ),
        rules=Rules(vectorised=Growth(_small_layer, _large_layer), forbids=FORBIDDEN),
    ),
    Exercise(
        id="cnn.max_pool2d",
        reference=cnn.max_pool2d,
        signature="max_pool2d(x (N, C, H, W), kernel, stride=None) -> (N, C, H', W')",
        groups={"basics": 1, "geometry": 1},
        visible=_pool_visible,
        hidden=_pool_hidden,
        misconceptions=MISTAKES["max_pool2d"],
        rules=Rules(forbids=FORBIDDEN),
    ),
    Exercise(
        id="cnn.avg_pool2d",
        reference=cnn.avg_pool2d,
        signature="avg_pool2d(x (N, C, H, W), kernel, stride=None) -> (N, C, H', W')",
        groups={"basics": 1},
        visible=lambda rng: (_regroup(case) for case in _pool_visible(rng)),
        hidden=lambda rng: (_regroup(case) for case in _pool_hidden(rng)),
        misconceptions=MISTAKES["avg_pool2d"],
        rules=Rules(forbids=FORBIDDEN),
    ),
    Exercise(
        id="cnn.receptive_field",
        reference=cnn.receptive_field,
        signature="receptive_field(layers [(kernel, stride), ...]) -> int",
        groups={"basics": 1},
        visible=_field_visible,
        hidden=_field_hidden,
        misconceptions=MISTAKES["receptive_field"],
    ),
    Exercise(
        id="cnn.translate",
        reference=cnn.translate,
        signature="translate(image (..., H, W), dy, dx) -> (..., H, W)",
        groups={"basics": 1, "corners": 1},
        visible=_translate_visible,
        hidden=_translate_hidden,
        misconceptions=MISTAKES["translate"],
        properties=(Property("there and back", _translate_and_back, "basics"),),
        rules=Rules(forbids=("scipy.ndimage",)),
    ),
    Exercise(
        id="cnn.equivariance_error",
        reference=cnn.equivariance_error,
        signature="equivariance_error(layer, image (..., H, W), dy, dx, border) -> float",
        groups={"basics": 2},
        visible=_error_visible,
        hidden=_error_hidden,
        misconceptions=MISTAKES["equivariance_error"],
    ),
)


def _regroup(case: Case) -> Case:
    return Case(case.name, case.args, case.kwargs)


EXERCISES = FORWARD + BACKWARD
