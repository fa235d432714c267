"""Known mistakes of convolution backward and of trained networks: each docstring is the sentence that helps."""

# Written as students write, since each is also submitted as one: mypy asks for more.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, no-any-return"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.exercise import Case, Misconception
from autograder.harness.cnn import LARGEST

__all__ = ["MISTAKES", "are_probabilities", "is_affine"]


# --- col2im --------------------------------------------------------------------------------------------


def col2im_overwrites(cols, image_shape, kernel, stride=1, padding=0):
    """Only the last patch that wrote to a pixel is left. A pixel lies in several patches and their numbers add
    up: use += in place of =."""
    N, C, H, W = image_shape
    KH, KW = kernel
    rows, columns = (H + 2 * padding - KH) // stride + 1, (W + 2 * padding - KW) // stride + 1
    patches = cols.reshape(N, C, KH, KW, rows, columns)
    out = np.zeros((N, C, H + 2 * padding, W + 2 * padding))
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            out[:, :, top : top + KH, left : left + KW] = patches[..., i, j]
    return out[:, :, padding : padding + H, padding : padding + W]


def col2im_averages(cols, image_shape, kernel, stride=1, padding=0):
    """You divided each pixel by the number of patches that it is in. That would undo im2col; the adjoint only
    adds up."""
    N, C, H, W = image_shape
    KH, KW = kernel
    rows, columns = (H + 2 * padding - KH) // stride + 1, (W + 2 * padding - KW) // stride + 1
    patches = cols.reshape(N, C, KH, KW, rows, columns)
    out = np.zeros((N, C, H + 2 * padding, W + 2 * padding))
    count = np.zeros((H + 2 * padding, W + 2 * padding))
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            out[:, :, top : top + KH, left : left + KW] += patches[..., i, j]
            count[top : top + KH, left : left + KW] += 1
    return (out / np.maximum(count, 1))[:, :, padding : padding + H, padding : padding + W]


def col2im_keeps_padding(cols, image_shape, kernel, stride=1, padding=0):
    """The zeros around the image are still there. What fell on the padding is dropped: cut `padding` rows and
    columns off all four sides."""
    N, C, H, W = image_shape
    KH, KW = kernel
    rows, columns = (H + 2 * padding - KH) // stride + 1, (W + 2 * padding - KW) // stride + 1
    patches = cols.reshape(N, C, KH, KW, rows, columns)
    out = np.zeros((N, C, H + 2 * padding, W + 2 * padding))
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            out[:, :, top : top + KH, left : left + KW] += patches[..., i, j]
    return out


def col2im_cuts_one_corner(cols, image_shape, kernel, stride=1, padding=0):
    """You kept the upper left H x W of the padded image. The image begins `padding` pixels further in, along both
    axes."""
    N, C, H, W = image_shape
    KH, KW = kernel
    rows, columns = (H + 2 * padding - KH) // stride + 1, (W + 2 * padding - KW) // stride + 1
    patches = cols.reshape(N, C, KH, KW, rows, columns)
    out = np.zeros((N, C, H + 2 * padding, W + 2 * padding))
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            out[:, :, top : top + KH, left : left + KW] += patches[..., i, j]
    return out[:, :, :H, :W]


def col2im_channel_last(cols, image_shape, kernel, stride=1, padding=0):
    """You read the columns as (KH, KW, C). The channel comes first along a column: reshape to (N, C, KH, KW, H',
    W')."""
    N, C, H, W = image_shape
    KH, KW = kernel
    rows, columns = (H + 2 * padding - KH) // stride + 1, (W + 2 * padding - KW) // stride + 1
    patches = cols.reshape(N, KH, KW, C, rows, columns).transpose(0, 3, 1, 2, 4, 5)
    out = np.zeros((N, C, H + 2 * padding, W + 2 * padding))
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            out[:, :, top : top + KH, left : left + KW] += patches[..., i, j]
    return out[:, :, padding : padding + H, padding : padding + W]


def col2im_places_by_column(cols, image_shape, kernel, stride=1, padding=0):
    """You read the places column by column. They come row by row: the last axis is (H', W') in this order."""
    N, C, H, W = image_shape
    KH, KW = kernel
    rows, columns = (H + 2 * padding - KH) // stride + 1, (W + 2 * padding - KW) // stride + 1
    patches = cols.reshape(N, C, KH, KW, columns, rows).swapaxes(4, 5)
    out = np.zeros((N, C, H + 2 * padding, W + 2 * padding))
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            out[:, :, top : top + KH, left : left + KW] += patches[..., i, j]
    return out[:, :, padding : padding + H, padding : padding + W]


# --- conv2d_backward -----------------------------------------------------------------------------------


def backward_flipped_kernel(dout, x, w, stride=1, padding=0):
    """dw and db are right, but dx went through the flipped kernels. Each output number spreads back along the
    weights that made it: dx[i*s + u, j*s + v] += dout[i, j] * w[u, v]."""
    H, W = x.shape[2:]
    KH, KW = w.shape[2:]
    big = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    dbig, dw = np.zeros(big.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            down, right = slice(i * stride, i * stride + KH), slice(j * stride, j * stride + KW)
            dw += np.einsum("no,nchw->ochw", dout[:, :, i, j], big[:, :, down, right])
            dbig[:, :, down, right] += np.einsum("no,ochw->nchw", dout[:, :, i, j], w[:, :, ::-1, ::-1])
    return dbig[:, :, padding : padding + H, padding : padding + W], dw, dout.sum(axis=(0, 2, 3))


def backward_batch_mean(dout, x, w, stride=1, padding=0):
    """dw and db were divided by the batch. The division by N belongs to the loss and already sits in dout: here the
    shares of all images are added up."""
    H, W = x.shape[2:]
    KH, KW = w.shape[2:]
    big = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    dbig, dw = np.zeros(big.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            down, right = slice(i * stride, i * stride + KH), slice(j * stride, j * stride + KW)
            dw += np.einsum("no,nchw->ochw", dout[:, :, i, j], big[:, :, down, right])
            dbig[:, :, down, right] += np.einsum("no,ochw->nchw", dout[:, :, i, j], w)
    return dbig[:, :, padding : padding + H, padding : padding + W], dw / len(x), dout.sum(axis=(0, 2, 3)) / len(x)


def backward_first_image(dout, x, w, stride=1, padding=0):
    """dw holds the share of the first image only. All images used the same kernels, so their shares are added up:
    sum over the batch."""
    H, W = x.shape[2:]
    KH, KW = w.shape[2:]
    big = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    dbig, dw = np.zeros(big.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            down, right = slice(i * stride, i * stride + KH), slice(j * stride, j * stride + KW)
            dw += np.einsum("no,nchw->ochw", dout[:1, :, i, j], big[:1, :, down, right])
            dbig[:, :, down, right] += np.einsum("no,ochw->nchw", dout[:, :, i, j], w)
    return dbig[:, :, padding : padding + H, padding : padding + W], dw, dout.sum(axis=(0, 2, 3))


def backward_bias_mean(dout, x, w, stride=1, padding=0):
    """db is a mean. Every output number had the bias in it once, so its gradient is the sum of dout over images,
    rows and columns."""
    H, W = x.shape[2:]
    KH, KW = w.shape[2:]
    big = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    dbig, dw = np.zeros(big.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            down, right = slice(i * stride, i * stride + KH), slice(j * stride, j * stride + KW)
            dw += np.einsum("no,nchw->ochw", dout[:, :, i, j], big[:, :, down, right])
            dbig[:, :, down, right] += np.einsum("no,ochw->nchw", dout[:, :, i, j], w)
    return dbig[:, :, padding : padding + H, padding : padding + W], dw, dout.mean(axis=(0, 2, 3))


def backward_bias_each_image(dout, x, w, stride=1, padding=0):
    """db still has a row for each image. The bias is shared by all images: sum over the batch as well, axis=(0, 2,
    3)."""
    H, W = x.shape[2:]
    KH, KW = w.shape[2:]
    big = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    dbig, dw = np.zeros(big.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            down, right = slice(i * stride, i * stride + KH), slice(j * stride, j * stride + KW)
            dw += np.einsum("no,nchw->ochw", dout[:, :, i, j], big[:, :, down, right])
            dbig[:, :, down, right] += np.einsum("no,ochw->nchw", dout[:, :, i, j], w)
    return dbig[:, :, padding : padding + H, padding : padding + W], dw, dout.sum(axis=(2, 3))


def backward_overwrites_dx(dout, x, w, stride=1, padding=0):
    """In dx only the last patch is left in each pixel. A pixel took part in several outputs and gets a share from
    each: use +=."""
    H, W = x.shape[2:]
    KH, KW = w.shape[2:]
    big = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    dbig, dw = np.zeros(big.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            down, right = slice(i * stride, i * stride + KH), slice(j * stride, j * stride + KW)
            dw += np.einsum("no,nchw->ochw", dout[:, :, i, j], big[:, :, down, right])
            dbig[:, :, down, right] = np.einsum("no,ochw->nchw", dout[:, :, i, j], w)
    return dbig[:, :, padding : padding + H, padding : padding + W], dw, dout.sum(axis=(0, 2, 3))


def backward_other_order(dout, x, w, stride=1, padding=0):
    """The gradients are right, in another order. Return (dx, dw, db)."""
    H, W = x.shape[2:]
    KH, KW = w.shape[2:]
    big = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    dbig, dw = np.zeros(big.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            down, right = slice(i * stride, i * stride + KH), slice(j * stride, j * stride + KW)
            dw += np.einsum("no,nchw->ochw", dout[:, :, i, j], big[:, :, down, right])
            dbig[:, :, down, right] += np.einsum("no,ochw->nchw", dout[:, :, i, j], w)
    return dw, dout.sum(axis=(0, 2, 3)), dbig[:, :, padding : padding + H, padding : padding + W]


def backward_ignores_dout_in_dw(dout, x, w, stride=1, padding=0):
    """dw was computed as if every number of dout were 1. Weigh each patch with the gradient of the output that it
    made."""
    H, W = x.shape[2:]
    KH, KW = w.shape[2:]
    big = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    dbig, dw = np.zeros(big.shape), np.zeros(w.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            down, right = slice(i * stride, i * stride + KH), slice(j * stride, j * stride + KW)
            dw += big[:, :, down, right].sum(axis=0)
            dbig[:, :, down, right] += np.einsum("no,ochw->nchw", dout[:, :, i, j], w)
    return dbig[:, :, padding : padding + H, padding : padding + W], dw, dout.sum(axis=(0, 2, 3))


# --- max_pool2d_backward -------------------------------------------------------------------------------


def pool_backward_all_maxima(dout, x, kernel, stride=None):
    """Where several numbers of a window are the largest, all of them got the whole gradient. The first one takes it
    all, as in torch."""
    KH, KW = (kernel, kernel) if isinstance(kernel, int) else kernel
    down, right = (KH, KW) if stride is None else (stride, stride)
    dx = np.zeros(x.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            window = x[:, :, i * down : i * down + KH, j * right : j * right + KW]
            best = window == window.max(axis=(2, 3), keepdims=True)
            dx[:, :, i * down : i * down + KH, j * right : j * right + KW] += best * dout[:, :, i : i + 1, j : j + 1]
    return dx


def pool_backward_shared(dout, x, kernel, stride=None):
    """Where several numbers of a window are the largest, they shared the gradient. The first one takes it all, as in
    torch."""
    KH, KW = (kernel, kernel) if isinstance(kernel, int) else kernel
    down, right = (KH, KW) if stride is None else (stride, stride)
    dx = np.zeros(x.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            window = x[:, :, i * down : i * down + KH, j * right : j * right + KW]
            best = window == window.max(axis=(2, 3), keepdims=True)
            best = best / best.sum(axis=(2, 3), keepdims=True)
            dx[:, :, i * down : i * down + KH, j * right : j * right + KW] += best * dout[:, :, i : i + 1, j : j + 1]
    return dx


def pool_backward_last_maximum(dout, x, kernel, stride=None):
    """Where several numbers of a window are the largest, the last one got the gradient. It goes to the first, in
    reading order."""
    KH, KW = (kernel, kernel) if isinstance(kernel, int) else kernel
    down, right = (KH, KW) if stride is None else (stride, stride)
    dx = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(dout.shape):
        window = x[n, c, i * down : i * down + KH, j * right : j * right + KW]
        u, v = np.argwhere(window == window.max())[-1]
        dx[n, c, i * down + u, j * right + v] += dout[n, c, i, j]
    return dx


def pool_backward_spread(dout, x, kernel, stride=None):
    """The gradient was spread over the whole window. Only the largest number went on to the output, so it alone gets
    the gradient."""
    KH, KW = (kernel, kernel) if isinstance(kernel, int) else kernel
    down, right = (KH, KW) if stride is None else (stride, stride)
    dx = np.zeros(x.shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            share = dout[:, :, i : i + 1, j : j + 1] / (KH * KW)
            dx[:, :, i * down : i * down + KH, j * right : j * right + KW] += share
    return dx


def pool_backward_overwrites(dout, x, kernel, stride=None):
    """Where windows overlap, a pixel can be the largest of several. Their gradients add up: use += in place of =."""
    KH, KW = (kernel, kernel) if isinstance(kernel, int) else kernel
    down, right = (KH, KW) if stride is None else (stride, stride)
    dx = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(dout.shape):
        window = x[n, c, i * down : i * down + KH, j * right : j * right + KW]
        u, v = np.unravel_index(window.argmax(), window.shape)
        dx[n, c, i * down + u, j * right + v] = dout[n, c, i, j]
    return dx


def pool_backward_marks(dout, x, kernel, stride=None):
    """The places of the maxima are right, but each got a 1. They get the gradient of their output, dout[n, c, i,
    j]."""
    KH, KW = (kernel, kernel) if isinstance(kernel, int) else kernel
    down, right = (KH, KW) if stride is None else (stride, stride)
    dx = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(dout.shape):
        window = x[n, c, i * down : i * down + KH, j * right : j * right + KW]
        u, v = np.unravel_index(window.argmax(), window.shape)
        dx[n, c, i * down + u, j * right + v] += 1
    return dx


# --- batch_norm2d --------------------------------------------------------------------------------------


def norm_each_image(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    """Every image was normalised by itself: that is instance normalisation. Mean and variance of a channel run over
    the whole batch too, axis=(0, 2, 3)."""
    shape = (1, -1, 1, 1)
    if training:
        mean, var = x.mean(axis=(2, 3), keepdims=True), x.var(axis=(2, 3), keepdims=True)
        n = x.size / x.shape[1]
        running_mean = (1 - momentum) * running_mean + momentum * x.mean(axis=(0, 2, 3))
        running_var = (1 - momentum) * running_var + momentum * x.var(axis=(0, 2, 3)) * n / (n - 1)
    else:
        mean, var = running_mean.reshape(shape), running_var.reshape(shape)
    y = gamma.reshape(shape) * (x - mean) / np.sqrt(var + eps) + beta.reshape(shape)
    return y, running_mean.copy(), running_var.copy()


def norm_each_pixel(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    """Every place of a channel has its own mean here. A channel has one mean and one variance, over the batch and all
    places: axis=(0, 2, 3)."""
    shape = (1, -1, 1, 1)
    if training:
        mean, var = x.mean(axis=0, keepdims=True), x.var(axis=0, keepdims=True)
        n = x.size / x.shape[1]
        running_mean = (1 - momentum) * running_mean + momentum * x.mean(axis=(0, 2, 3))
        running_var = (1 - momentum) * running_var + momentum * x.var(axis=(0, 2, 3)) * n / (n - 1)
    else:
        mean, var = running_mean.reshape(shape), running_var.reshape(shape)
    y = gamma.reshape(shape) * (x - mean) / np.sqrt(var + eps) + beta.reshape(shape)
    return y, running_mean.copy(), running_var.copy()


def norm_biased_average(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    """The output is right, but the running variance took the variance with divisor n. It takes the unbiased one, n -
    1: times n / (n - 1)."""
    shape = (1, -1, 1, 1)
    mean, var = running_mean, running_var
    if training:
        mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var
    y = gamma.reshape(shape) * (x - mean.reshape(shape)) / np.sqrt(var.reshape(shape) + eps) + beta.reshape(shape)
    return y, running_mean.copy(), running_var.copy()


def norm_unbiased_output(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    """The output was divided by the unbiased deviation. In the output the variance has divisor n; only the running
    average takes n - 1."""
    shape = (1, -1, 1, 1)
    mean, var = running_mean, running_var
    if training:
        mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3), ddof=1)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var
    y = gamma.reshape(shape) * (x - mean.reshape(shape)) / np.sqrt(var.reshape(shape) + eps) + beta.reshape(shape)
    return y, running_mean.copy(), running_var.copy()


def norm_momentum_swapped(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    """The running averages forget too fast: momentum was given to the old value. In torch it is the weight of the new
    batch: (1 - momentum) old + momentum new."""
    shape = (1, -1, 1, 1)
    mean, var = running_mean, running_var
    if training:
        mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
        n = x.size / x.shape[1]
        running_mean = momentum * running_mean + (1 - momentum) * mean
        running_var = momentum * running_var + (1 - momentum) * var * n / (n - 1)
    y = gamma.reshape(shape) * (x - mean.reshape(shape)) / np.sqrt(var.reshape(shape) + eps) + beta.reshape(shape)
    return y, running_mean.copy(), running_var.copy()


def norm_eps_outside(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    """eps was added to the deviation. It stands under the root: sqrt(var + eps)."""
    shape = (1, -1, 1, 1)
    mean, var = running_mean, running_var
    if training:
        mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
        n = x.size / x.shape[1]
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    y = gamma.reshape(shape) * (x - mean.reshape(shape)) / (np.sqrt(var.reshape(shape)) + eps) + beta.reshape(shape)
    return y, running_mean.copy(), running_var.copy()


def norm_always_by_batch(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    """The batch's own mean and variance were used although training is False. Then the running ones stand in for them,
    and they stay as they are."""
    shape = (1, -1, 1, 1)
    mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
    if training:
        n = x.size / x.shape[1]
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    y = gamma.reshape(shape) * (x - mean.reshape(shape)) / np.sqrt(var.reshape(shape) + eps) + beta.reshape(shape)
    return y, running_mean.copy(), running_var.copy()


def norm_forgets(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    """The running averages came back unchanged after a training batch. Without them there is nothing to use once
    training is over."""
    shape = (1, -1, 1, 1)
    mean, var = running_mean, running_var
    if training:
        mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
    y = gamma.reshape(shape) * (x - mean.reshape(shape)) / np.sqrt(var.reshape(shape) + eps) + beta.reshape(shape)
    return y, running_mean.copy(), running_var.copy()


# --- build_cnn -----------------------------------------------------------------------------------------


def cnn_dense(classes=10):
    """This network does not convolve: it flattens the image and joins everything to everything. Begin with nn.Conv2d,
    whose small kernels look at every place."""
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, classes))


def cnn_too_large(classes=10):
    """The network has too many parameters. Count them: a dense layer behind wide feature maps is the usual reason, and
    pooling before it the cure."""
    from torch import nn

    return nn.Sequential(nn.Conv2d(1, 128, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(128 * 64, classes))


def cnn_probabilities(classes=10):
    """The outputs are probabilities: a softmax ends your network. Return the logits. The loss contains its own
    softmax, and a second one makes the gradients small."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64, classes),
        nn.Softmax(dim=1),
    )


def cnn_without_activation(classes=10):
    """There is no activation between the layers, so all of them together are one straight map. Put a ReLU behind each
    convolution."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 8, 3, stride=2, padding=1), nn.Flatten(), nn.Linear(128, classes)
    )


def cnn_always_ten(classes=10):
    """The number of classes is ignored: there are always ten logits. Give `classes` to the last layer."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(128, 10),
    )


def cnn_squeezes(classes=10):
    """A batch of one image loses its batch axis: squeeze() drops every axis of length 1. Use nn.Flatten(), or
    x.flatten(1), which keep the first axis."""
    from torch import nn

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(1, 16, 3, padding=1),
                nn.BatchNorm2d(16),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.Conv2d(16, 32, 3, padding=1),
                nn.BatchNorm2d(32),
                nn.ReLU(),
                nn.AdaptiveAvgPool2d(1),
            )
            self.last = nn.Linear(32, classes)

        def forward(self, x):
            return self.last(self.body(x).squeeze())

    return Network()


# --- train_epoch ---------------------------------------------------------------------------------------


def epoch_keeps_gradients(model, loader, optimizer, device):
    """The gradients of all batches so far pile up. Clear them before each backward pass: optimizer.zero_grad()."""
    from torch.nn.functional import cross_entropy

    model.train()
    total, count = 0.0, 0
    optimizer.zero_grad()
    for inputs, labels in loader:
        loss = cross_entropy(model(inputs.to(device)), labels.to(device))
        loss.backward()
        optimizer.step()
        total, count = total + loss.item() * len(labels), count + len(labels)
    return total / count


def epoch_in_eval_mode(model, loader, optimizer, device):
    """The model stayed in eval mode, where batch normalisation learns no averages and dropout does nothing. Call
    model.train() first."""
    from torch.nn.functional import cross_entropy

    total, count = 0.0, 0
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = cross_entropy(model(inputs.to(device)), labels.to(device))
        loss.backward()
        optimizer.step()
        total, count = total + loss.item() * len(labels), count + len(labels)
    return total / count


def epoch_mean_of_means(model, loader, optimizer, device):
    """You averaged over batches. The last one is smaller, and its samples then count more: weigh each loss with its
    batch, and divide by the samples."""
    from torch.nn.functional import cross_entropy

    model.train()
    losses = []
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = cross_entropy(model(inputs.to(device)), labels.to(device))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


def epoch_sum(model, loader, optimizer, device):
    """The losses of the batches were added up. Asked is the mean over the samples."""
    from torch.nn.functional import cross_entropy

    model.train()
    total = 0.0
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = cross_entropy(model(inputs.to(device)), labels.to(device))
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total


def epoch_never_steps(model, loader, optimizer, device):
    """The weights did not move: backward only computes gradients. optimizer.step() uses them."""
    from torch.nn.functional import cross_entropy

    model.train()
    total, count = 0.0, 0
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = cross_entropy(model(inputs.to(device)), labels.to(device))
        loss.backward()
        total, count = total + loss.item() * len(labels), count + len(labels)
    return total / count


def epoch_one_step(model, loader, optimizer, device):
    """There was one step, at the end of the epoch. Mini-batches step after every batch: zero_grad, backward and step
    all stand inside the loop."""
    from torch.nn.functional import cross_entropy

    model.train()
    total, count = 0.0, 0
    optimizer.zero_grad()
    for inputs, labels in loader:
        loss = cross_entropy(model(inputs.to(device)), labels.to(device))
        loss.backward()
        total, count = total + loss.item() * len(labels), count + len(labels)
    optimizer.step()
    return total / count


def epoch_last_loss(model, loader, optimizer, device):
    """This is the loss of the last batch. Asked is the mean over all samples of the epoch."""
    from torch.nn.functional import cross_entropy

    model.train()
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = cross_entropy(model(inputs.to(device)), labels.to(device))
        loss.backward()
        optimizer.step()
    return loss.item()


# --- evaluate ------------------------------------------------------------------------------------------


def evaluate_in_training_mode(model, loader, device):
    """The model stayed in training mode: batch normalisation used each batch's own mean, and an image's class depends
    on its neighbours. Call model.eval() first."""
    import torch

    right, count = 0, 0
    with torch.no_grad():
        for inputs, labels in loader:
            found = model(inputs.to(device)).argmax(dim=1)
            right, count = right + (found == labels.to(device)).sum().item(), count + len(labels)
    return right / count


def evaluate_with_gradients(model, loader, device):
    """The accuracy is right, but torch kept everything for a backward pass that never comes. Put the loop under `with
    torch.no_grad():`."""
    model.eval()
    right, count = 0, 0
    for inputs, labels in loader:
        found = model(inputs.to(device)).argmax(dim=1)
        right, count = right + (found == labels.to(device)).sum().item(), count + len(labels)
    return right / count


def evaluate_mean_of_means(model, loader, device):
    """You averaged the accuracies of the batches. The last batch is smaller and would count too much: add up the right
    ones, and divide by the samples."""
    import torch

    model.eval()
    shares = []
    with torch.no_grad():
        for inputs, labels in loader:
            found = model(inputs.to(device)).argmax(dim=1)
            shares.append((found == labels.to(device)).double().mean().item())
    return sum(shares) / len(shares)


def evaluate_counts(model, loader, device):
    """This is how many were right. Asked is the share: divide by the number of samples."""
    import torch

    model.eval()
    right = 0
    with torch.no_grad():
        for inputs, labels in loader:
            right += (model(inputs.to(device)).argmax(dim=1) == labels.to(device)).sum().item()
    return right


def evaluate_errors(model, loader, device):
    """This is the share of wrong answers. Asked is the share of right ones."""
    import torch

    model.eval()
    wrong, count = 0, 0
    with torch.no_grad():
        for inputs, labels in loader:
            found = model(inputs.to(device)).argmax(dim=1)
            wrong, count = wrong + (found != labels.to(device)).sum().item(), count + len(labels)
    return wrong / count


def evaluate_last_batch(model, loader, device):
    """This is the accuracy of the last batch alone. Keep counting over all batches: set the counters to 0 before the
    loop."""
    import torch

    model.eval()
    with torch.no_grad():
        for inputs, labels in loader:
            found = model(inputs.to(device)).argmax(dim=1)
            right, count = (found == labels.to(device)).sum().item(), len(labels)
    return right / count


# --- what shows in a network ---------------------------------------------------------------------------


def are_probabilities(logits: Any) -> bool:
    """Whether every row is positive and adds up to 1."""
    rows = np.asarray(logits)
    return bool((rows >= 0).all() and np.allclose(rows.sum(axis=-1), 1, atol=1e-4))


def is_affine(logits: Any) -> bool:
    """Whether the third probe, which is the mean of the first two, gets the mean of their logits."""
    rows = np.asarray(logits)
    one, other, middle = rows
    return bool(np.allclose(middle, (one + other) / 2, atol=1e-4 * max(1.0, float(np.abs(rows).max()))))


def _shows_dense(_: Case, value: Any) -> bool:
    return value["kernels"] == 0


def _shows_size(_: Case, value: Any) -> bool:
    return value["parameters"] > LARGEST


def _shows_probabilities(_: Case, value: Any) -> bool:
    return are_probabilities(value["logits"])


def _shows_affine(_: Case, value: Any) -> bool:
    return value["kernels"] > 0 and is_affine(value["logits"])


def _shows_ten(_: Case, value: Any) -> bool:
    return tuple(value["logits"].shape) == (3, 10)


def _shows_squeezed(_: Case, value: Any) -> bool:
    return value["single"].ndim == 1


_NETWORKS = (
    (cnn_dense, _shows_dense),
    (cnn_too_large, _shows_size),
    (cnn_probabilities, _shows_probabilities),
    (cnn_without_activation, _shows_affine),
    (cnn_squeezes, _shows_squeezed),
    (cnn_always_ten, _shows_ten),
)

_WRONG: dict[str, tuple[Callable[..., Any], ...]] = {
    "col2im": (
        col2im_overwrites,
        col2im_averages,
        col2im_keeps_padding,
        col2im_cuts_one_corner,
        col2im_channel_last,
        col2im_places_by_column,
    ),
    "conv2d_backward": (
        backward_flipped_kernel,
        backward_batch_mean,
        backward_first_image,
        backward_bias_mean,
        backward_bias_each_image,
        backward_overwrites_dx,
        backward_other_order,
        backward_ignores_dout_in_dw,
    ),
    "max_pool2d_backward": (
        pool_backward_all_maxima,
        pool_backward_shared,
        pool_backward_last_maximum,
        pool_backward_spread,
        pool_backward_overwrites,
        pool_backward_marks,
    ),
    "batch_norm2d": (
        norm_each_image,
        norm_each_pixel,
        norm_biased_average,
        norm_unbiased_output,
        norm_momentum_swapped,
        norm_eps_outside,
        norm_always_by_batch,
        norm_forgets,
    ),
    "train_epoch": (
        epoch_keeps_gradients,
        epoch_in_eval_mode,
        epoch_mean_of_means,
        epoch_sum,
        epoch_never_steps,
        epoch_one_step,
        epoch_last_loss,
    ),
    "evaluate": (
        evaluate_in_training_mode,
        evaluate_with_gradients,
        evaluate_mean_of_means,
        evaluate_counts,
        evaluate_errors,
        evaluate_last_batch,
    ),
}

MISTAKES = {name: tuple(map(Misconception.of, wrong)) for name, wrong in _WRONG.items()}
"""The known mistakes of each exercise, the most telling first."""
MISTAKES["build_cnn"] = tuple(Misconception.of(wrong, shows) for wrong, shows in _NETWORKS)
