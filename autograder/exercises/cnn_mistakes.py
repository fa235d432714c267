"""Known mistakes of convolution: each docstring is the sentence that helps whoever made it."""

# Written as students write, since each is also submitted as one: mypy asks for more.
# mypy: disable-error-code="no-untyped-def, no-untyped-call"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.exercise import Misconception

__all__ = ["MISTAKES"]


# --- dense_weight_count --------------------------------------------------------------------------------


def dense_without_channels(height, width, channels, hidden):
    """The channels are missing. A colour image has three numbers in every pixel, and each has its own
    weight."""
    return height * width * hidden


def dense_with_biases(height, width, channels, hidden):
    """You counted the biases as well: one more for each hidden node. Here only the weights are asked."""
    return (height * width * channels + 1) * hidden


def dense_hidden_added(height, width, channels, hidden):
    """You added the hidden nodes. Every one of them is joined to every number of the image: multiply by
    hidden."""
    return height * width * channels + hidden


def dense_one_node(height, width, channels, hidden):
    """This is the count for one hidden node. Each node has its own set of weights: times hidden."""
    return height * width * channels


# --- conv_weight_count ---------------------------------------------------------------------------------


def conv_count_flat_kernel(c_in, c_out, kernel, bias=True):
    """The depth of the kernels is missing: a kernel has a slice for each input channel, so it holds c_in *
    kernel * kernel weights."""
    return c_out * (kernel * kernel + bias)


def conv_count_side_once(c_in, c_out, kernel, bias=True):
    """You counted one side of the kernel. A slice of it is a square: kernel * kernel weights."""
    return c_out * (c_in * kernel + bias)


def conv_count_one_bias(c_in, c_out, kernel, bias=True):
    """You counted one bias for the whole layer. Each output channel has its own: c_out of them."""
    return c_out * c_in * kernel * kernel + bias


def conv_count_bias_each_slice(c_in, c_out, kernel, bias=True):
    """You counted a bias for each slice of a kernel. The slices are added up first, then one bias is added:
    c_out of them in all."""
    return c_out * c_in * (kernel * kernel + bias)


def conv_count_always_bias(c_in, c_out, kernel, bias=True):
    """The biases are counted even where bias=False was asked. Add c_out only if bias is true."""
    return c_out * (c_in * kernel * kernel + 1)


def conv_count_never_bias(c_in, c_out, kernel, bias=True):
    """The biases are missing. There is one for each output channel, unless bias=False."""
    return c_out * c_in * kernel * kernel


# --- output_size ---------------------------------------------------------------------------------------


def output_one_short(size, kernel, stride=1, padding=0, dilation=1):
    """You are one short. Where the kernel has room to move by m there are m + 1 places: the start counts
    too."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride


def output_padded_once(size, kernel, stride=1, padding=0, dilation=1):
    """The padding was counted once. Zeros stand on both sides: size + 2 * padding."""
    return (size + padding - dilation * (kernel - 1) - 1) // stride + 1


def output_rounded_up(size, kernel, stride=1, padding=0, dilation=1):
    """You rounded up. Where the kernel would stick out at the end there is no output: // rounds down."""
    return -(-(size + 2 * padding - dilation * (kernel - 1) - 1) // stride) + 1


def output_true_division(size, kernel, stride=1, padding=0, dilation=1):
    """You divided with /, so there are halves of outputs. A kernel fits or it does not: // rounds down."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1


def output_dilated_kernel(size, kernel, stride=1, padding=0, dilation=1):
    """A dilated kernel does not span dilation * kernel. There are kernel - 1 gaps between its weights, so it
    spans dilation * (kernel - 1) + 1."""
    return (size + 2 * padding - dilation * kernel) // stride + 1


def output_without_dilation(size, kernel, stride=1, padding=0, dilation=1):
    """The dilation was not used. It pulls the weights of the kernel apart, which then spans dilation *
    (kernel - 1) + 1."""
    return (size + 2 * padding - kernel) // stride + 1


def output_stride_of_all(size, kernel, stride=1, padding=0, dilation=1):
    """The + 1 went into the division. First find how many steps fit, room // stride, then add the place
    where it starts."""
    return (size + 2 * padding - dilation * (kernel - 1)) // stride


# --- receptive_field -----------------------------------------------------------------------------------


def field_added_kernels(layers):
    """You added up the kernels. Neighbouring patches overlap: each layer adds kernel - 1, and it all starts
    from 1."""
    return sum(kernel for kernel, stride in layers)


def field_without_strides(layers):
    """The strides were not used. After a stride of 2, one step of the next layer is two steps in the
    image."""
    return 1 + sum(kernel - 1 for kernel, stride in layers)


def field_own_stride(layers):
    """Each layer was stretched by its own stride too. A layer's stride matters only to the layers after
    it."""
    field, jump = 1, 1
    for kernel, stride in layers:
        jump *= stride
        field += (kernel - 1) * jump
    return field


def field_last_stride_only(layers):
    """Only the stride of the layer just before was used. All strides so far multiply: two of 2 make a jump of
    4."""
    field, before = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * before
        before = stride
    return field


def field_strides_added(layers):
    """You added the strides up. They multiply: after two strides of 2, neighbours are 4 pixels apart."""
    field, jump = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * jump
        jump += stride - 1
    return field


def field_wrong_direction(layers):
    """(field - 1) * stride + kernel is a right step, but it walks from the last layer to the first. Use
    reversed(layers)."""
    field = 1
    for kernel, stride in layers:
        field = (field - 1) * stride + kernel
    return field


# --- conv2d_single -------------------------------------------------------------------------------------


def single_flipped(image, kernel):
    """These are the numbers with the kernel flipped, as mathematicians convolve. Deep learning does not flip:
    image[i + u, j + v] meets kernel[u, v]."""
    k = len(kernel)
    rows, columns = image.shape[0] - k + 1, image.shape[1] - k + 1
    out = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            out[i, j] = np.sum(image[i : i + k, j : j + k] * kernel[::-1, ::-1])
    return out


def single_one_short(image, kernel):
    """The last row and column of outputs are missing. A side of H has room for H - K + 1 places."""
    k = len(kernel)
    rows, columns = image.shape[0] - k, image.shape[1] - k
    out = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            out[i, j] = np.sum(image[i : i + k, j : j + k] * kernel)
    return out


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


def single_transposed(image, kernel):
    """The kernel lies on its side: row u of the patch met column u of the kernel. Multiply image[i + u, j + v]
    by kernel[u, v]."""
    k = len(kernel)
    rows, columns = image.shape[0] - k + 1, image.shape[1] - k + 1
    out = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            out[i, j] = np.sum(image[i : i + k, j : j + k] * kernel.T)
    return out


def single_mean(image, kernel):
    """You took the mean over the patch. A convolution adds the products up; if it is to average, the kernel
    says so itself."""
    k = len(kernel)
    rows, columns = image.shape[0] - k + 1, image.shape[1] - k + 1
    out = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            out[i, j] = np.mean(image[i : i + k, j : j + k] * kernel)
    return out


def single_tiles(image, kernel):
    """The kernel jumped by its own size. It moves by one pixel at a time, so neighbouring patches overlap."""
    k = len(kernel)
    rows, columns = image.shape[0] // k, image.shape[1] // k
    out = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            out[i, j] = np.sum(image[i * k : i * k + k, j * k : j * k + k] * kernel)
    return out


def single_overwrites(image, kernel):
    """Only the last product of each patch is left. Add the products up: out[i, j] += ..., starting from
    zeros."""
    k = len(kernel)
    rows, columns = image.shape[0] - k + 1, image.shape[1] - k + 1
    out = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            for u in range(k):
                for v in range(k):
                    out[i, j] = image[i + u, j + v] * kernel[u, v]
    return out


# --- conv2d_channels -----------------------------------------------------------------------------------


def channels_first_only(image, kernel):
    """Only the first channel was used. Every channel has its own slice of the kernel, and the results are
    added up."""
    rows, columns = image.shape[1] - kernel.shape[1] + 1, image.shape[2] - kernel.shape[2] + 1
    out = np.zeros((rows, columns))
    for u in range(kernel.shape[1]):
        for v in range(kernel.shape[2]):
            out += kernel[0, u, v] * image[0, u : u + rows, v : v + columns]
    return out


def channels_last_only(image, kernel):
    """Only the last channel is left: the sum began anew for each channel. Make the zeros once, before the
    loop over the channels."""
    rows, columns = image.shape[1] - kernel.shape[1] + 1, image.shape[2] - kernel.shape[2] + 1
    for c in range(len(image)):
        out = np.zeros((rows, columns))
        for u in range(kernel.shape[1]):
            for v in range(kernel.shape[2]):
                out += kernel[c, u, v] * image[c, u : u + rows, v : v + columns]
    return out


def channels_kept_apart(image, kernel):
    """You return one map for each channel. One kernel makes one map: add the channels' maps up."""
    rows, columns = image.shape[1] - kernel.shape[1] + 1, image.shape[2] - kernel.shape[2] + 1
    out = np.zeros((len(image), rows, columns))
    for c in range(len(image)):
        for u in range(kernel.shape[1]):
            for v in range(kernel.shape[2]):
                out[c] += kernel[c, u, v] * image[c, u : u + rows, v : v + columns]
    return out


def channels_averaged(image, kernel):
    """You averaged over the channels. Their results are added up, not divided."""
    rows, columns = image.shape[1] - kernel.shape[1] + 1, image.shape[2] - kernel.shape[2] + 1
    out = np.zeros((rows, columns))
    for c in range(len(image)):
        for u in range(kernel.shape[1]):
            for v in range(kernel.shape[2]):
                out += kernel[c, u, v] * image[c, u : u + rows, v : v + columns]
    return out / len(image)


def channels_same_slice(image, kernel):
    """Every channel met the first slice of the kernel. Channel c meets kernel[c]."""
    rows, columns = image.shape[1] - kernel.shape[1] + 1, image.shape[2] - kernel.shape[2] + 1
    out = np.zeros((rows, columns))
    for c in range(len(image)):
        for u in range(kernel.shape[1]):
            for v in range(kernel.shape[2]):
                out += kernel[0, u, v] * image[c, u : u + rows, v : v + columns]
    return out


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


def channels_flipped(image, kernel):
    """These are the numbers with the kernel flipped. Deep learning does not flip: image[c, i + u, j + v] meets
    kernel[c, u, v]."""
    kernel = kernel[:, ::-1, ::-1]
    rows, columns = image.shape[1] - kernel.shape[1] + 1, image.shape[2] - kernel.shape[2] + 1
    out = np.zeros((rows, columns))
    for c in range(len(image)):
        for u in range(kernel.shape[1]):
            for v in range(kernel.shape[2]):
                out += kernel[c, u, v] * image[c, u : u + rows, v : v + columns]
    return out


# --- conv2d_loops --------------------------------------------------------------------------------------


def loops_without_bias(x, w, b=None, stride=1, padding=0):
    """The bias is missing. b[o] is added to every number of output channel o, where b is not None."""
    n, _, h, width = x.shape
    o, _, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    out = np.zeros((n, o, (h + 2 * padding - kh) // stride + 1, (width + 2 * padding - kw) // stride + 1))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            patch = padded[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw]
            out[:, :, i, j] = np.einsum("nchw,ochw->no", patch, w)
    return out


def loops_bias_each_channel(x, w, b=None, stride=1, padding=0):
    """The bias was added once for each input channel. Add it once, when the channels are summed up."""
    n, c, h, width = x.shape
    o, _, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    out = np.zeros((n, o, (h + 2 * padding - kh) // stride + 1, (width + 2 * padding - kw) // stride + 1))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            patch = padded[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw]
            out[:, :, i, j] = np.einsum("nchw,ochw->no", patch, w)
    return out if b is None else out + c * b[:, None, None]


def loops_stride_in_size_only(x, w, b=None, stride=1, padding=0):
    """The output has the right size, but the patches still start one pixel apart. Output (i, j) looks from (i
    * stride, j * stride) on."""
    n, _, h, width = x.shape
    o, _, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    out = np.zeros((n, o, (h + 2 * padding - kh) // stride + 1, (width + 2 * padding - kw) // stride + 1))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            out[:, :, i, j] = np.einsum("nchw,ochw->no", padded[:, :, i : i + kh, j : j + kw], w)
    return out if b is None else out + b[:, None, None]


def loops_padding_at_the_end(x, w, b=None, stride=1, padding=0):
    """All zeros stand below and to the right of the image. Padding goes around it, the same on all four
    sides."""
    n, _, h, width = x.shape
    o, _, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (0, 2 * padding), (0, 2 * padding)))
    out = np.zeros((n, o, (h + 2 * padding - kh) // stride + 1, (width + 2 * padding - kw) // stride + 1))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            patch = padded[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw]
            out[:, :, i, j] = np.einsum("nchw,ochw->no", patch, w)
    return out if b is None else out + b[:, None, None]


def loops_edge_repeated(x, w, b=None, stride=1, padding=0):
    """The pixels of the edge were repeated outwards. Padding is zeros: np.pad's own default, or an array of
    zeros with the image in it."""
    n, _, h, width = x.shape
    o, _, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), mode="edge")
    out = np.zeros((n, o, (h + 2 * padding - kh) // stride + 1, (width + 2 * padding - kw) // stride + 1))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            patch = padded[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw]
            out[:, :, i, j] = np.einsum("nchw,ochw->no", patch, w)
    return out if b is None else out + b[:, None, None]


def loops_flipped(x, w, b=None, stride=1, padding=0):
    """These are the numbers with the kernels flipped, as mathematicians convolve. Deep learning does not
    flip."""
    n, _, h, width = x.shape
    o, _, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    out = np.zeros((n, o, (h + 2 * padding - kh) // stride + 1, (width + 2 * padding - kw) // stride + 1))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            patch = padded[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw]
            out[:, :, i, j] = np.einsum("nchw,ochw->no", patch, w[:, :, ::-1, ::-1])
    return out if b is None else out + b[:, None, None]


def loops_first_channel(x, w, b=None, stride=1, padding=0):
    """Only the first input channel was read. A kernel is as deep as the input: sum over all its channels."""
    n, _, h, width = x.shape
    o, _, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    out = np.zeros((n, o, (h + 2 * padding - kh) // stride + 1, (width + 2 * padding - kw) // stride + 1))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            patch = padded[:, 0, i * stride : i * stride + kh, j * stride : j * stride + kw]
            out[:, :, i, j] = np.einsum("nhw,ohw->no", patch, w[:, 0])
    return out if b is None else out + b[:, None, None]


def loops_square_kernel(x, w, b=None, stride=1, padding=0):
    """The kernel's height was used for both of its sides. Kernels need not be square: KH, KW = w.shape[2:]."""
    n, _, h, width = x.shape
    o, _, k, _ = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    out = np.zeros((n, o, (h + 2 * padding - k) // stride + 1, (width + 2 * padding - k) // stride + 1))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            patch = padded[:, :, i * stride : i * stride + k, j * stride : j * stride + k]
            out[:, :, i, j] = np.einsum("nchw,ochw->no", patch, w)
    return out if b is None else out + b[:, None, None]


# --- im2col --------------------------------------------------------------------------------------------


def im2col_transposed(x, kernel, stride=1, padding=0):
    """Your patches are rows, of shape (N, L, C * KH * KW). Each patch is to be a column: swap the last two
    axes."""
    kh, kw = kernel
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::stride, ::stride]
    n, c, rows, columns = windows.shape[:4]
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(n, rows * columns, c * kh * kw)


def im2col_channel_last(x, kernel, stride=1, padding=0):
    """The channel runs fastest along your columns. The order is channel, row, column of the patch, the order
    of w.reshape(C_out, -1)."""
    kh, kw = kernel
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::stride, ::stride]
    n, c, rows, columns = windows.shape[:4]
    return windows.transpose(0, 4, 5, 1, 2, 3).reshape(n, c * kh * kw, rows * columns)


def im2col_only_reshaped(x, kernel, stride=1, padding=0):
    """The shape is right, but reshape never moves a number: patch and place are mixed up. Bring the axes into
    the order (N, C, KH, KW, H', W') with transpose first."""
    kh, kw = kernel
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::stride, ::stride]
    n, c, rows, columns = windows.shape[:4]
    return windows.reshape(n, c * kh * kw, rows * columns)


def im2col_places_by_column(x, kernel, stride=1, padding=0):
    """The patches come column by column. They come row by row, as one reads: all places of the first row, then
    the second."""
    kh, kw = kernel
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::stride, ::stride]
    n, c, rows, columns = windows.shape[:4]
    return windows.transpose(0, 1, 4, 5, 3, 2).reshape(n, c * kh * kw, rows * columns)


def im2col_flipped_inside(x, kernel, stride=1, padding=0):
    """The pixels of each patch come in reverse order: the kernel would be flipped. Keep them as they stand in
    the image."""
    kh, kw = kernel
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::stride, ::stride]
    n, c, rows, columns = windows.shape[:4]
    return windows[..., ::-1, ::-1].transpose(0, 1, 4, 5, 2, 3).reshape(n, c * kh * kw, rows * columns)


def im2col_without_stride(x, kernel, stride=1, padding=0):
    """The stride was not used: there is a column for every pixel. Keep every stride-th place along both
    axes."""
    kh, kw = kernel
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))
    n, c, rows, columns = windows.shape[:4]
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(n, c * kh * kw, rows * columns)


def im2col_without_padding(x, kernel, stride=1, padding=0):
    """The padding was not used. Put `padding` zeros around every image before you cut out the patches."""
    kh, kw = kernel
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::stride, ::stride]
    n, c, rows, columns = windows.shape[:4]
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(n, c * kh * kw, rows * columns)


def im2col_batch_in_columns(x, kernel, stride=1, padding=0):
    """All images stand side by side in one matrix. Keep them apart: the result is (N, C * KH * KW, L)."""
    kh, kw = kernel
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::stride, ::stride]
    n, c, rows, columns = windows.shape[:4]
    return windows.transpose(1, 4, 5, 0, 2, 3).reshape(c * kh * kw, n * rows * columns)


# --- conv2d --------------------------------------------------------------------------------------------


def conv2d_without_bias(x, w, b=None, stride=1, padding=0):
    """The bias is missing. b[o] is added to every number of output channel o, where b is not None."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    return np.einsum("ncijhw,ochw->noij", windows, w)


def conv2d_bias_by_example(x, w, b=None, stride=1, padding=0):
    """The bias runs along the wrong axis. It belongs to the output channels, the second axis: b[:, None,
    None]."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    out = np.einsum("ncijhw,ochw->noij", windows, w)
    return out if b is None else out + b


def conv2d_flipped(x, w, b=None, stride=1, padding=0):
    """These are the numbers with the kernels flipped, as mathematicians convolve. Deep learning does not
    flip."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    out = np.einsum("ncijhw,ochw->noij", windows, w[:, :, ::-1, ::-1])
    return out if b is None else out + b[:, None, None]


def conv2d_first_channel(x, w, b=None, stride=1, padding=0):
    """Only the first input channel was read. A kernel is as deep as the input: sum over all its channels."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    out = np.einsum("nijhw,ohw->noij", windows[:, 0], w[:, 0])
    return out if b is None else out + b[:, None, None]


def conv2d_scrambled_kernels(x, w, b=None, stride=1, padding=0):
    """The kernels were reshaped to (C * KH * KW, C_out), which mixes them up. Each kernel is one row:
    w.reshape(C_out, -1)."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    n, _, rows, columns = windows.shape[:4]
    cols = windows.transpose(0, 1, 4, 5, 2, 3).reshape(n, -1, rows * columns)
    out = (w.reshape(-1, len(w)).T @ cols).reshape(n, len(w), rows, columns)
    return out if b is None else out + b[:, None, None]


def conv2d_left_flat(x, w, b=None, stride=1, padding=0):
    """The numbers are right, but still in one line, (N, C_out, L). Give the places their rows and columns
    back: reshape to (N, C_out, H', W')."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    out = np.einsum("ncijhw,ochw->noij", windows, w)
    out = out if b is None else out + b[:, None, None]
    return out.reshape(len(x), len(w), -1)


def conv2d_without_padding(x, w, b=None, stride=1, padding=0):
    """The padding was not used. Put `padding` zeros around every image first."""
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    out = np.einsum("ncijhw,ochw->noij", windows, w)
    return out if b is None else out + b[:, None, None]


def conv2d_without_stride(x, w, b=None, stride=1, padding=0):
    """The stride was not used: there is an output for every pixel. Keep every stride-th place along both
    axes."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))
    out = np.einsum("ncijhw,ochw->noij", windows, w)
    return out if b is None else out + b[:, None, None]


# --- max_pool2d ----------------------------------------------------------------------------------------


def max_pool_averages(x, kernel, stride=None):
    """These are the means of the windows. Max pooling keeps the largest number of each."""
    kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
    sy, sx = (kh, kw) if stride is None else (stride, stride)
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::sy, ::sx]
    return windows.mean(axis=(4, 5))


def max_pool_stride_one(x, kernel, stride=None):
    """The windows overlap where no stride is given. stride=None means that they touch: the stride is the
    kernel's size."""
    kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
    stride = 1 if stride is None else stride
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::stride, ::stride]
    return windows.max(axis=(4, 5))


def max_pool_ignores_stride(x, kernel, stride=None):
    """The stride that was given is not used. Windows start `stride` pixels apart; only without one does the
    kernel's size stand for it."""
    kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::kh, ::kw]
    return windows.max(axis=(4, 5))


def max_pool_part_windows(x, kernel, stride=None):
    """You made outputs of windows that stick out at the end. Where the window does not fit there is no
    output."""
    kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
    sy, sx = (kh, kw) if stride is None else (stride, stride)
    rows, columns = -(-(x.shape[2] - kh) // sy) + 1, -(-(x.shape[3] - kw) // sx) + 1
    out = np.zeros((*x.shape[:2], rows, columns), x.dtype)
    for i in range(rows):
        for j in range(columns):
            out[:, :, i, j] = x[:, :, i * sy : i * sy + kh, j * sx : j * sx + kw].max(axis=(2, 3))
    return out


def max_pool_over_channels(x, kernel, stride=None):
    """The channels were pooled together. Each channel keeps its own map: take the maximum over the window's
    two axes only."""
    kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
    sy, sx = (kh, kw) if stride is None else (stride, stride)
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::sy, ::sx]
    return windows.max(axis=(1, 4, 5))


def max_pool_absolute(x, kernel, stride=None):
    """You took the number that is largest without its sign. -5 is smaller than 1: compare the numbers as they
    are."""
    kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
    sy, sx = (kh, kw) if stride is None else (stride, stride)
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::sy, ::sx]
    highest, lowest = windows.max(axis=(4, 5)), windows.min(axis=(4, 5))
    return np.where(highest >= -lowest, highest, lowest)


def max_pool_from_zero(x, kernel, stride=None):
    """No output is below 0: the search for the maximum began at 0. Begin with the window's first number, or
    with -inf."""
    kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
    sy, sx = (kh, kw) if stride is None else (stride, stride)
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::sy, ::sx]
    return np.maximum(windows.max(axis=(4, 5)), 0)


# --- avg_pool2d ----------------------------------------------------------------------------------------


def avg_pool_maximum(x, kernel, stride=None):
    """These are the largest numbers of the windows. Average pooling takes the mean of each."""
    kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
    sy, sx = (kh, kw) if stride is None else (stride, stride)
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::sy, ::sx]
    return windows.max(axis=(4, 5))


def avg_pool_sums(x, kernel, stride=None):
    """The windows were added up and not divided. The mean divides by KH * KW, the numbers in a window."""
    kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
    sy, sx = (kh, kw) if stride is None else (stride, stride)
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::sy, ::sx]
    return windows.sum(axis=(4, 5))


def avg_pool_divides_by_side(x, kernel, stride=None):
    """You divided by one side of the window. A window holds KH * KW numbers."""
    kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
    sy, sx = (kh, kw) if stride is None else (stride, stride)
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::sy, ::sx]
    return windows.sum(axis=(4, 5)) / kh


def avg_pool_stride_one(x, kernel, stride=None):
    """The windows overlap where no stride is given. stride=None means that they touch: the stride is the
    kernel's size."""
    kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
    stride = 1 if stride is None else stride
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::stride, ::stride]
    return windows.mean(axis=(4, 5))


def avg_pool_ignores_stride(x, kernel, stride=None):
    """The stride that was given is not used. Windows start `stride` pixels apart; only without one does the
    kernel's size stand for it."""
    kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::kh, ::kw]
    return windows.mean(axis=(4, 5))


def avg_pool_without_zeros(x, kernel, stride=None):
    """Zeros were left out of the mean. A 0 is a number like every other: divide by KH * KW."""
    kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
    sy, sx = (kh, kw) if stride is None else (stride, stride)
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::sy, ::sx]
    return windows.sum(axis=(4, 5)) / np.maximum((windows != 0).sum(axis=(4, 5)), 1)


# --- translate -----------------------------------------------------------------------------------------


def translate_rolls(image, dy, dx):
    """What leaves on one side comes back on the other: np.roll wraps around. Set the rows and columns that
    came back to 0."""
    return np.roll(image, (dy, dx), axis=(-2, -1))


def translate_backwards(image, dy, dx):
    """The image moves the other way. A positive dy moves down and a positive dx moves right: out[i, j] =
    image[i - dy, j - dx]."""
    out = np.zeros_like(image)
    h, w = image.shape[-2:]
    for i in range(h):
        for j in range(w):
            if 0 <= i + dy < h and 0 <= j + dx < w:
                out[..., i, j] = image[..., i + dy, j + dx]
    return out


def translate_axes_swapped(image, dy, dx):
    """dy and dx are swapped. dy counts rows, the axis before the last, and dx columns, the last axis."""
    out = np.zeros_like(image)
    h, w = image.shape[-2:]
    for i in range(h):
        for j in range(w):
            if 0 <= i - dx < h and 0 <= j - dy < w:
                out[..., i, j] = image[..., i - dx, j - dy]
    return out


def translate_repeats_edge(image, dy, dx):
    """The edge was repeated where nothing came in. Zeros come in."""
    h, w = image.shape[-2:]
    rows = np.clip(np.arange(h) - dy, 0, h - 1)
    columns = np.clip(np.arange(w) - dx, 0, w - 1)
    return image[..., rows[:, None], columns]


def translate_positive_only(image, dy, dx):
    """Negative steps do not work: slices such as image[-1:] count from the end. Up and left need their own
    slices, or start and stop bounded with max(0, ...)."""
    out = np.zeros_like(image)
    h, w = image.shape[-2:]
    if dy < 0 or dx < 0:
        return out
    out[..., dy:, dx:] = image[..., : max(h - dy, 0), : max(w - dx, 0)]
    return out


def translate_adds_old(image, dy, dx):
    """The old image still shows where nothing came in: the moved part was written over it. Start from
    np.zeros_like(image)."""
    out = image.copy()
    h, w = image.shape[-2:]
    for i in range(h):
        for j in range(w):
            if 0 <= i - dy < h and 0 <= j - dx < w:
                out[..., i, j] = image[..., i - dy, j - dx]
    return out


# --- equivariance_error --------------------------------------------------------------------------------


def error_mean(layer, image, dy, dx, border):
    """You took the mean of the differences. The largest one is asked: one wrong pixel is enough."""

    def move(picture):
        out = np.zeros_like(picture)
        h, w = picture.shape[-2:]
        out[..., max(dy, 0) : h + min(dy, 0), max(dx, 0) : w + min(dx, 0)] = picture[
            ..., max(-dy, 0) : h + min(-dy, 0), max(-dx, 0) : w + min(-dx, 0)
        ]
        return out

    difference = np.abs(layer(move(image)) - move(layer(image)))
    h, w = difference.shape[-2:]
    return float(difference[..., border : h - border, border : w - border].mean())


def error_signed(layer, image, dy, dx, border):
    """Negative differences were lost. Take np.abs before the maximum."""

    def move(picture):
        out = np.zeros_like(picture)
        h, w = picture.shape[-2:]
        out[..., max(dy, 0) : h + min(dy, 0), max(dx, 0) : w + min(dx, 0)] = picture[
            ..., max(-dy, 0) : h + min(-dy, 0), max(-dx, 0) : w + min(-dx, 0)
        ]
        return out

    difference = layer(move(image)) - move(layer(image))
    h, w = difference.shape[-2:]
    return float(difference[..., border : h - border, border : w - border].max())


def error_with_border(layer, image, dy, dx, border):
    """The border was not left out. At the edges zeros come in, and there even a convolution differs: cut
    `border` pixels off all four sides."""

    def move(picture):
        out = np.zeros_like(picture)
        h, w = picture.shape[-2:]
        out[..., max(dy, 0) : h + min(dy, 0), max(dx, 0) : w + min(dx, 0)] = picture[
            ..., max(-dy, 0) : h + min(-dy, 0), max(-dx, 0) : w + min(-dx, 0)
        ]
        return out

    return float(np.abs(layer(move(image)) - move(layer(image))).max())


def error_border_at_start(layer, image, dy, dx, border):
    """The border was cut off above and on the left only. It is left out on all four sides."""

    def move(picture):
        out = np.zeros_like(picture)
        h, w = picture.shape[-2:]
        out[..., max(dy, 0) : h + min(dy, 0), max(dx, 0) : w + min(dx, 0)] = picture[
            ..., max(-dy, 0) : h + min(-dy, 0), max(-dx, 0) : w + min(-dx, 0)
        ]
        return out

    return float(np.abs(layer(move(image)) - move(layer(image)))[..., border:, border:].max())


def error_invariance(layer, image, dy, dx, border):
    """You compared layer(translate(image)) with layer(image). That asks for the same answer; the answer is to
    move along: compare with translate(layer(image))."""

    def move(picture):
        out = np.zeros_like(picture)
        h, w = picture.shape[-2:]
        out[..., max(dy, 0) : h + min(dy, 0), max(dx, 0) : w + min(dx, 0)] = picture[
            ..., max(-dy, 0) : h + min(-dy, 0), max(-dx, 0) : w + min(-dx, 0)
        ]
        return out

    difference = np.abs(layer(move(image)) - layer(image))
    h, w = difference.shape[-2:]
    return float(difference[..., border : h - border, border : w - border].max())


def error_moved_twice(layer, image, dy, dx, border):
    """Both sides were computed from the moved image. The right side begins with the image as it was: first
    layer(image), then translate."""

    def move(picture):
        out = np.zeros_like(picture)
        h, w = picture.shape[-2:]
        out[..., max(dy, 0) : h + min(dy, 0), max(dx, 0) : w + min(dx, 0)] = picture[
            ..., max(-dy, 0) : h + min(-dy, 0), max(-dx, 0) : w + min(-dx, 0)
        ]
        return out

    difference = np.abs(layer(move(image)) - move(layer(move(image))))
    h, w = difference.shape[-2:]
    return float(difference[..., border : h - border, border : w - border].max())


_WRONG: dict[str, tuple[Callable[..., Any], ...]] = {
    "dense_weight_count": (dense_without_channels, dense_with_biases, dense_hidden_added, dense_one_node),
    "conv_weight_count": (
        conv_count_flat_kernel,
        conv_count_side_once,
        conv_count_one_bias,
        conv_count_bias_each_slice,
        conv_count_always_bias,
        conv_count_never_bias,
    ),
    "output_size": (
        output_one_short,
        output_padded_once,
        output_rounded_up,
        output_true_division,
        output_dilated_kernel,
        output_without_dilation,
        output_stride_of_all,
    ),
    "receptive_field": (
        field_added_kernels,
        field_without_strides,
        field_own_stride,
        field_last_stride_only,
        field_strides_added,
        field_wrong_direction,
    ),
    "conv2d_single": (
        single_flipped,
        single_one_short,
        single_padded,
        single_transposed,
        single_mean,
        single_tiles,
        single_overwrites,
    ),
    "conv2d_channels": (
        channels_first_only,
        channels_last_only,
        channels_kept_apart,
        channels_averaged,
        channels_same_slice,
        channels_summed_first,
        channels_flipped,
    ),
    "conv2d_loops": (
        loops_without_bias,
        loops_bias_each_channel,
        loops_stride_in_size_only,
        loops_padding_at_the_end,
        loops_edge_repeated,
        loops_flipped,
        loops_first_channel,
        loops_square_kernel,
    ),
    "im2col": (
        im2col_transposed,
        im2col_channel_last,
        im2col_only_reshaped,
        im2col_places_by_column,
        im2col_flipped_inside,
        im2col_without_stride,
        im2col_without_padding,
        im2col_batch_in_columns,
    ),
    "conv2d": (
        conv2d_without_bias,
        conv2d_bias_by_example,
        conv2d_flipped,
        conv2d_first_channel,
        conv2d_scrambled_kernels,
        conv2d_left_flat,
        conv2d_without_padding,
        conv2d_without_stride,
    ),
    "max_pool2d": (
        max_pool_averages,
        max_pool_stride_one,
        max_pool_ignores_stride,
        max_pool_part_windows,
        max_pool_over_channels,
        max_pool_absolute,
        max_pool_from_zero,
    ),
    "avg_pool2d": (
        avg_pool_maximum,
        avg_pool_sums,
        avg_pool_divides_by_side,
        avg_pool_stride_one,
        avg_pool_ignores_stride,
        avg_pool_without_zeros,
    ),
    "translate": (
        translate_rolls,
        translate_backwards,
        translate_axes_swapped,
        translate_repeats_edge,
        translate_positive_only,
        translate_adds_old,
    ),
    "equivariance_error": (
        error_mean,
        error_signed,
        error_with_border,
        error_border_at_start,
        error_invariance,
        error_moved_twice,
    ),
}

MISTAKES = {name: tuple(map(Misconception.of, wrong)) for name, wrong in _WRONG.items()}
"""The known mistakes of each exercise, the most telling first."""
