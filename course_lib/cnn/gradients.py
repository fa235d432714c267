r"""Backward through convolution and pooling; batch normalisation, forward and backward.

Symbols
    x       (N, C, H, W)            the layer's input
    w       (C_out, C, KH, KW)      its kernels
    dout    (N, C_out, H', W')      gradient of the loss with respect to the layer's output
    cols    (N, C KH KW, L)         the patches of x as columns, L = H' W'
    g, m, v (C,)                    scale gamma, mean and variance of batch normalisation; beta is its shift

Equations
    y = w_rows cols + b             forward, as one matrix product
    db = sum of dout over n and positions,   dw_rows = sum over n of dout_n cols_n^T,   dcols = w_rows^T dout
    dx = col2im(dcols)              col2im is the transpose of im2col: <im2col(x), c> = <x, col2im(c)>
    batch normalisation: y = gamma (x - m) / sqrt(v + eps) + beta, m and v over the batch and all positions
    running <- (1 - momentum) running + momentum (mean, unbiased variance) of the batch
    backward, with z = (x - m) / sqrt(v + eps), means and sums over the batch and all positions:
    dbeta = sum dout,   dgamma = sum dout z,   dx = gamma / sqrt(v + eps) (dout - mean(dout) - z mean(dout z))

Papers
    Y. LeCun et al., "Gradient-based learning applied to document recognition", 1998
    S. Ioffe, C. Szegedy, "Batch normalization", 2015
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.cnn.convolution import im2col, taps
from course_lib.cnn.counting import output_size, pair

__all__ = ["batch_norm2d", "batch_norm2d_backward", "col2im", "conv2d_backward", "max_pool2d_backward"]

Array = NDArray[Any]
Kernel = int | tuple[int, int]


def col2im(
    cols: Array, image_shape: tuple[int, int, int, int], kernel: Kernel, stride: int = 1, padding: int = 0
) -> Array:
    """Adds every column back to the pixels that it was cut from: the adjoint of `im2col`, not its inverse.

    Args:
        cols: (N, C * KH * KW, L), laid out as `im2col` does.
        image_shape: (N, C, H, W).
        kernel: side of the kernel, or (KH, KW).
        stride: steps between two positions.
        padding: zeros around each image; what falls on them is dropped.

    Returns:
        (N, C, H, W): each pixel is the sum over all columns that contain it.

    Raises:
        ValueError: the columns do not belong to such images.
    """
    kh, kw = pair(kernel)
    n, c, height, width = (int(side) for side in image_shape)
    rows, columns = output_size(height, kh, stride, padding), output_size(width, kw, stride, padding)
    if cols.shape != (n, c * kh * kw, rows * columns):
        raise ValueError(
            f"cols has shape {cols.shape}; images of shape {(n, c, height, width)} have columns of shape "
            f"{(n, c * kh * kw, rows * columns)}: check kernel, stride and padding"
        )
    patches = cols.reshape(n, c, kh, kw, rows, columns)
    padded = np.zeros((n, c, height + 2 * padding, width + 2 * padding), cols.dtype)
    for u, v, window in taps((kh, kw), stride, (rows, columns)):
        padded[:, :, *window] += patches[:, :, u, v]
    return padded[:, :, padding : padding + height, padding : padding + width]


def conv2d_backward(dout: Array, x: Array, w: Array, stride: int = 1, padding: int = 0) -> tuple[Array, Array, Array]:
    """The gradients of a convolution layer.

    Args:
        dout: (N, C_out, H', W'), gradient of the loss with respect to the output.
        x: (N, C, H, W), the input of the forward pass.
        w: (C_out, C, KH, KW), its kernels.
        stride, padding: as in the forward pass.

    Returns:
        `(dx, dw, db)` of the shapes of x, w and (C_out,).

    Raises:
        ValueError: dout is not shaped like the output.
    """
    kh, kw = w.shape[2:]
    shape = (
        len(x),
        len(w),
        output_size(x.shape[2], kh, stride, padding),
        output_size(x.shape[3], kw, stride, padding),
    )
    if dout.shape != shape:
        raise ValueError(f"dout has shape {dout.shape}; the output of this convolution has shape {shape}")
    flat = dout.reshape(len(x), len(w), -1)
    cols = im2col(x, (kh, kw), stride, padding)
    dw = (flat @ cols.transpose(0, 2, 1)).sum(axis=0).reshape(w.shape)
    dx = col2im(w.reshape(len(w), -1).T @ flat, (x.shape[0], *x.shape[1:]), (kh, kw), stride, padding)
    return dx, dw, flat.sum(axis=(0, 2))


def max_pool2d_backward(dout: Array, x: Array, kernel: Kernel, stride: int | None = None) -> Array:
    """The gradient of max pooling: all of it goes to the first maximum of each window, in reading order.

    Args:
        dout: (N, C, H', W'), gradient of the loss with respect to the output.
        x: (N, C, H, W), the input of the forward pass.
        kernel: side of the window, or (KH, KW).
        stride: steps between two windows; None for adjacent windows.

    Returns:
        (N, C, H, W); where windows overlap, the shares of a pixel add up.

    Raises:
        ValueError: dout is not shaped like the output.
    """
    kh, kw = pair(kernel)
    down, right = (kh, kw) if stride is None else (stride, stride)
    n, c = x.shape[:2]
    rows, columns = output_size(x.shape[2], kh, down), output_size(x.shape[3], kw, right)
    if dout.shape != (n, c, rows, columns):
        raise ValueError(f"dout has shape {dout.shape}; the output of this pooling has {(n, c, rows, columns)}")
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::down, ::right]
    first = windows.reshape(n, c, rows, columns, kh * kw).argmax(axis=-1)
    dx = np.zeros(x.shape, dout.dtype)
    image, channel, i, j = np.indices(first.shape)
    np.add.at(dx, (image, channel, i * down + first // kw, j * right + first % kw), dout)
    return dx


def batch_norm2d(
    x: Array,
    gamma: Array,
    beta: Array,
    running_mean: Array,
    running_var: Array,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Array, Array, Array]:
    """Gives every channel mean `beta` and standard deviation `gamma`, like torch's `BatchNorm2d`.

    Args:
        x: (N, C, H, W).
        gamma, beta: (C,), scale and shift.
        running_mean, running_var: (C,), averages over the batches so far.
        training: whether the batch's own mean and variance are used, or the running ones.
        momentum: the weight of the new batch in the running averages.
        eps: added to the variance, under the square root.

    Returns:
        `(y, running_mean, running_var)`: the output, (N, C, H, W), and the running averages after this call, new
        arrays. In training the output uses the variance with divisor n = N H W, and the running average takes the
        unbiased one, with divisor n - 1. Otherwise the averages are returned unchanged.

    Raises:
        ValueError: in training a channel has only one number.
    """
    mean, var = running_mean, running_var
    if training:
        count = x.size // x.shape[1]
        if count < 2:
            raise ValueError(f"x has shape {x.shape}: in training a channel needs at least two numbers to vary")
        mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * (count / (count - 1))
    scale = gamma / np.sqrt(var + eps)
    y = scale[:, None, None] * (x - mean[:, None, None]) + beta[:, None, None]
    kept = tuple(np.array(each, dtype=each.dtype) for each in (running_mean, running_var))
    return y.astype(x.dtype), kept[0], kept[1]


def batch_norm2d_backward(dout: Array, x: Array, gamma: Array, eps: float = 1e-5) -> tuple[Array, Array, Array]:
    """The gradients of batch normalisation in training mode, where mean and variance depend on x as well.

    Args:
        dout: (N, C, H, W), gradient of the loss with respect to the output.
        x: (N, C, H, W), the input of the forward pass.
        gamma: (C,), the scale.
        eps: added to the variance, under the square root, as in the forward pass.

    Returns:
        `(dx, dgamma, dbeta)` of the shapes of x, (C,) and (C,). Within a channel dx adds up to 0: adding the same
        number to all of x changes nothing.

    Raises:
        ValueError: dout is not shaped like x.
    """
    if dout.shape != x.shape or x.ndim != 4:
        raise ValueError(f"dout has shape {dout.shape} and x {x.shape}; both are (N, C, H, W) in batch normalisation")
    axes = (0, 2, 3)
    deviation = np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    z = (x - x.mean(axis=axes, keepdims=True)) / deviation
    through_mean = dout.mean(axis=axes, keepdims=True)
    through_variance = z * (dout * z).mean(axis=axes, keepdims=True)
    dx = gamma[:, None, None] / deviation * (dout - through_mean - through_variance)
    return dx.astype(x.dtype), (dout * z).sum(axis=axes), dout.sum(axis=axes)
