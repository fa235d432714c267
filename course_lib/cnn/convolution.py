r"""Convolution: the same few weights are applied at every position of an image, multiplied and added up.

What deep learning calls convolution is cross-correlation: the kernel is not flipped. Sizes are as in
`torch.nn.functional`: stride and padding are integers that apply to both axes.

Symbols
    x       (N, C, H, W)            a batch of images of C channels
    w       (C_out, C, KH, KW)      one kernel for each output channel, as deep as the input
    b       (C_out,)                biases
    s, p                            stride and padding
    y       (N, C_out, H', W')      the output; H' = floor((H + 2 p - KH) / s) + 1
    cols    (N, C KH KW, L)         every patch as a column; L = H' W' patches, row by row

Equations
    y[n, o, i, j] = b[o] + sum_{c, u, v} w[o, c, u, v] x_padded[n, c, i s + u, j s + v]
    y = w.reshape(C_out, C KH KW) @ cols + b          (the same sum as one matrix product)
    layer(translate(x)) = translate(layer(x))         (equivariance, away from the edges)
    mean(layer(roll(x))) = mean(layer(x))             (invariance, where borders wrap around)

Papers
    Y. LeCun et al., "Gradient-based learning applied to document recognition", 1998
    K. Chellapilla, S. Puri, P. Simard, "High performance convolutional neural networks for document processing", 2006
    M. Lin, Q. Chen, S. Yan, "Network in network", 2013
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.cnn.counting import output_size, pair

__all__ = [
    "avg_pool2d",
    "conv2d",
    "conv2d_channels",
    "conv2d_loops",
    "conv2d_single",
    "equivariance_error",
    "global_average_pool",
    "im2col",
    "max_pool2d",
    "taps",
    "translate",
]

Array = NDArray[Any]
Kernel = int | tuple[int, int]


# --- the loops written out --------------------------------------------------------------------------------


def conv2d_single(image: Array, kernel: Array) -> Array:
    """One image with one channel under one kernel, in every position where the kernel fits.

    Args:
        image: (H, W).
        kernel: (K, K), not flipped.

    Returns:
        (H - K + 1, W - K + 1).

    Raises:
        ValueError: an argument is not two-dimensional, or the kernel fits nowhere.
    """
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError(
            f"image has shape {image.shape} and kernel {kernel.shape}; conv2d_single expects (H, W) and (K, K)"
        )
    rows, columns = (output_size(*sides) for sides in zip(image.shape, kernel.shape, strict=True))
    result = np.zeros((rows, columns), np.result_type(image, kernel))
    for i in range(rows):
        for j in range(columns):
            for u in range(kernel.shape[0]):
                for v in range(kernel.shape[1]):
                    result[i, j] += image[i + u, j + v] * kernel[u, v]
    return result


def conv2d_channels(image: Array, kernel: Array) -> Array:
    """One image with several channels under one kernel of the same depth: the channels' results are added up.

    Args:
        image: (C, H, W).
        kernel: (C, K, K), one slice for each channel.

    Returns:
        (H - K + 1, W - K + 1): one map, not C of them.

    Raises:
        ValueError: the arguments have different depths.
    """
    if image.ndim != 3 or kernel.ndim != 3 or len(image) != len(kernel):
        raise ValueError(
            f"image has shape {image.shape} and kernel {kernel.shape}; conv2d_channels expects (C, H, W) and "
            "(C, K, K): a kernel is as deep as its input"
        )
    rows, columns = (output_size(*sides) for sides in zip(image.shape[1:], kernel.shape[1:], strict=True))
    result = np.zeros((rows, columns), np.result_type(image, kernel))
    for slice_, weights in zip(image, kernel, strict=True):
        result += conv2d_single(slice_, weights)
    return result


def conv2d_loops(x: Array, w: Array, b: Array | None = None, stride: int = 1, padding: int = 0) -> Array:
    """The whole layer, number by number: four loops over the outputs, the sum over a patch inside.

    Args:
        x: (N, C, H, W).
        w: (C_out, C, KH, KW).
        b: (C_out,), or None.
        stride: steps between two positions.
        padding: zeros around each image.

    Returns:
        (N, C_out, H', W').

    Raises:
        ValueError: the shapes do not match.
    """
    n, c_out, rows, columns = _output_shape(x, w, b, stride, padding)
    kh, kw = w.shape[2:]
    padded = _pad(x, padding)
    result = np.zeros((n, c_out, rows, columns), np.result_type(x, w))
    for example in range(n):
        for channel in range(c_out):
            for i in range(rows):
                for j in range(columns):
                    top, left = i * stride, j * stride
                    patch = padded[example, :, top : top + kh, left : left + kw]
                    result[example, channel, i, j] = (patch * w[channel]).sum()
    return result if b is None else result + b[:, None, None].astype(result.dtype)


# --- the fast way -----------------------------------------------------------------------------------------


def im2col(x: Array, kernel: Kernel, stride: int = 1, padding: int = 0) -> Array:
    """Every patch that a kernel looks at, written out as a column.

    Args:
        x: (N, C, H, W).
        kernel: side of the kernel, or (KH, KW).
        stride: steps between two positions.
        padding: zeros around each image.

    Returns:
        (N, C * KH * KW, L): within a column the channel varies slowest, then the row, then the column of the patch; the
        L patches are in row order. This is the layout of `torch.nn.functional.unfold`.

    Raises:
        ValueError: x is not a batch of images, or the kernel fits nowhere.
    """
    _check_images(x)
    kh, kw = pair(kernel)
    n, c, height, width = x.shape
    rows, columns = output_size(height, kh, stride, padding), output_size(width, kw, stride, padding)
    padded = _pad(x, padding)
    cols = np.empty((n, c, kh, kw, rows, columns), x.dtype)
    for u, v, window in taps((kh, kw), stride, (rows, columns)):
        cols[:, :, u, v] = padded[:, :, *window]
    return cols.reshape(n, c * kh * kw, rows * columns)


def conv2d(x: Array, w: Array, b: Array | None = None, stride: int = 1, padding: int = 0) -> Array:
    """The whole layer as one matrix product: kernels as rows, the patches of all images as columns.

    Internally the batch is the last axis: overlapping patches are copied in long runs, and one large product is faster
    than one per image.

    Args:
        x: (N, C, H, W).
        w: (C_out, C, KH, KW).
        b: (C_out,), or None.
        stride: steps between two positions.
        padding: zeros around each image.

    Returns:
        (N, C_out, H', W'), a view with the batch innermost in memory.

    Raises:
        ValueError: the shapes do not match.
    """
    n, c_out, rows, columns = _output_shape(x, w, b, stride, padding)
    kh, kw = w.shape[2:]
    padded = np.ascontiguousarray(_pad(x, padding).transpose(1, 2, 3, 0))
    cols = np.empty((x.shape[1], kh, kw, rows, columns, n), x.dtype)
    for u, v, window in taps((kh, kw), stride, (rows, columns)):
        cols[:, u, v] = padded[:, *window]
    result = w.reshape(c_out, -1) @ cols.reshape(-1, rows * columns * n)
    if b is not None:
        result += b[:, None].astype(result.dtype)
    return result.reshape(c_out, rows, columns, n).transpose(3, 0, 1, 2)


def max_pool2d(x: Array, kernel: Kernel, stride: int | None = None) -> Array:
    """The largest number of each window, channel by channel.

    Args:
        x: (N, C, H, W).
        kernel: side of the window, or (KH, KW).
        stride: steps between two windows; None for adjacent windows without overlap.

    Returns:
        (N, C, H', W'); rows and columns that fill no window are left out.

    Raises:
        ValueError: x is not a batch of images, or the window fits nowhere.
    """
    return np.asarray(_windows(x, kernel, stride).max(axis=(-2, -1)))


def avg_pool2d(x: Array, kernel: Kernel, stride: int | None = None) -> Array:
    """The mean of each window, channel by channel; arguments and result as in `max_pool2d`."""
    return np.asarray(_windows(x, kernel, stride).mean(axis=(-2, -1)))


def global_average_pool(x: Array) -> Array:
    """The mean of each channel over the whole image: what was found, not where (Lin et al., 2013).

    Args:
        x: (N, C, H, W).

    Returns:
        (N, C).

    Raises:
        ValueError: x is not a batch of images.
    """
    _check_images(x)
    return np.asarray(x.mean(axis=(2, 3)))


# --- translation ------------------------------------------------------------------------------------------


def translate(image: Array, dy: int, dx: int) -> Array:
    """Moves an image down by `dy` and right by `dx` pixels; what leaves the image is lost, zeros come in.

    Args:
        image: (..., H, W).
        dy, dx: integers, negative for up and left.

    Returns:
        A new array of the same shape.
    """
    result = np.zeros_like(image)
    height, width = image.shape[-2:]
    (to_y, from_y), (to_x, from_x) = _overlap(dy, height), _overlap(dx, width)
    result[..., to_y, to_x] = image[..., from_y, from_x]
    return result


def equivariance_error(layer: Callable[[Array], Array], image: Array, dy: int, dx: int, border: int) -> float:
    """How much it matters whether an image is translated before a layer or after it.

    Args:
        layer: from an image to an image, (..., H, W) to (..., H', W').
        image: (..., H, W).
        dy, dx: the translation.
        border: pixels along every edge of the output that do not count, because zeros came in there.

    Returns:
        The largest `|layer(translate(image)) - translate(layer(image))|` inside the border; 0 for a convolution.

    Raises:
        ValueError: the border leaves nothing.
    """
    before, after = layer(translate(image, dy, dx)), translate(layer(image), dy, dx)
    difference = np.abs(before - after)
    height, width = difference.shape[-2:]
    inside = difference[..., border : height - border, border : width - border]
    if not inside.size:
        raise ValueError(f"a border of {border} leaves nothing of an output of {height} x {width}: use a smaller one")
    return float(inside.max())


# --- helpers ----------------------------------------------------------------------------------------------


def taps(kernel: tuple[int, int], stride: int, size: tuple[int, int]) -> Iterator[tuple[int, int, tuple[slice, slice]]]:
    """For each weight (u, v) of a kernel: the slices of a padded image that it multiplies, one number per output."""
    for u in range(kernel[0]):
        for v in range(kernel[1]):
            rows = slice(u, u + stride * (size[0] - 1) + 1, stride)
            columns = slice(v, v + stride * (size[1] - 1) + 1, stride)
            yield u, v, (rows, columns)


def _windows(x: Array, kernel: Kernel, stride: int | None) -> Array:
    """(N, C, H', W', KH, KW), a view."""
    _check_images(x)
    kh, kw = pair(kernel)
    down, right = (kh, kw) if stride is None else (stride, stride)
    output_size(x.shape[2], kh, down)
    output_size(x.shape[3], kw, right)
    return np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::down, ::right]


def _pad(x: Array, padding: int) -> Array:
    if not padding:
        return x
    n, c, height, width = x.shape
    padded = np.zeros((n, c, height + 2 * padding, width + 2 * padding), x.dtype)
    padded[:, :, padding:-padding, padding:-padding] = x
    return padded


def _overlap(shift: int, size: int) -> tuple[slice, slice]:
    """The slices of the remaining part, after the shift and before it."""
    kept = max(0, size - abs(shift))
    to, start = max(0, shift), max(0, -shift)
    return slice(to, to + kept), slice(start, start + kept)


def _check_images(x: Array) -> None:
    if x.ndim != 4:
        cure = {3: "add a batch dimension with x[None]", 2: "add batch and channel with x[None, None]"}
        raise ValueError(f"x has shape {x.shape}; expected (N, C, H, W): {cure.get(x.ndim, 'see its axes')}")


def _output_shape(x: Array, w: Array, b: Array | None, stride: int, padding: int) -> tuple[int, int, int, int]:
    _check_images(x)
    if w.ndim != 4 or w.shape[1] != x.shape[1]:
        raise ValueError(
            f"w has shape {w.shape} and x has {x.shape[1]} channels; expected (C_out, {x.shape[1]}, KH, KW): "
            "every kernel is as deep as the input"
        )
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {b.shape}; expected ({len(w)},): one for each kernel")
    rows = output_size(x.shape[2], w.shape[2], stride, padding)
    return len(x), len(w), rows, output_size(x.shape[3], w.shape[3], stride, padding)
