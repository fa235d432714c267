"""A convolution in integers, as ONNX's QLinearConv: the border is padded with the zero point, which means 0."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.nn import functional

from autograder.exercise import Case
from autograder.exercises.declare import Asks, hidden, right, slip, visible
from autograder.exercises.quantization import observers
from autograder.exercises.quantization.inputs import INT8, INT32, LIBRARY, UINT8, Rng, layer, long
from course_lib import quantization

ASKS = Asks(
    quantization.int8_conv2d,
    signature=(
        "int8_conv2d(qx (N, C, H, W), scale_in, zero_in, qw (out, C, KH, KW), scale_w, zero_w, bias, scale_out, "
        "zero_out, stride=1, padding=0) -> (N, out, H', W') in qx's dtype"
    ),
    points={"basics": 2, "geometry": 2},
    forbids=LIBRARY,
    through=observers.convolved,
    hints=(
        "Which integer represents 0 at the border? And in which order do a kernel's numbers lie in memory?",
        "Pad with the zero point, cut out the windows, and flatten each to a row in the order channel, row, column. "
        "Integer products, bias, back to maps, new grid.",
        "`windows.permute(0, 2, 3, 1, 4, 5).reshape(n * height * width, -1)` are the rows for `int8_matmul`, "
        "`qw.reshape(out, -1)` the weights. Back: `reshape(n, height, width, out).permute(0, 3, 1, 2)`, then "
        "`requantize`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _conv(
    rng: Rng, x: tuple[int, ...], w: tuple[int, ...], dtype: torch.dtype = INT8, stride: int = 1, padding: int = 0,
    **has: bool,
) -> tuple[Any, ...]:  # fmt: skip
    return (*layer(rng, x, w, dtype, (stride, padding), **has), stride, padding)


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """Smallest first."""
    qx, qw = torch.tensor([[[[1, 2, 3], [4, 5, 6]]]], dtype=INT8), torch.tensor([[[[1, 0], [0, -2]]]], dtype=INT8)
    yield Case("by hand", (qx, 1.0, 1, qw, 0.5, 0, torch.tensor([4], dtype=INT32), 0.5, 0))
    yield Case("two channels", _conv(rng, (1, 2, 4, 5), (3, 2, 2, 2), channels=False))
    yield Case("a batch, no bias", _conv(rng, (2, 2, 4, 4), (3, 2, 3, 3), bias=False))
    yield Case("padding", _conv(rng, (1, 1, 3, 4), (2, 1, 3, 3), padding=1), group="geometry")
    yield Case("stride", _conv(rng, (1, 2, 6, 7), (2, 2, 3, 2), stride=2), group="geometry")
    yield Case("unsigned, stride and padding", _conv(rng, (2, 3, 5, 5), (4, 3, 3, 3), UINT8, 2, 1), group="geometry")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """Other sizes, kernels and layouts."""
    yield Case("more channels", _conv(rng, (2, 4, 6, 5), (5, 4, 3, 3)))
    yield Case("one column", _conv(rng, (2, 2, 4, 1), (3, 2, 2, 1))[:-2])
    for unit in (1e-14, 1e10):
        qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, *rest = _conv(rng, (1, 2, 4, 3), (2, 2, 2, 2))
        scaled = qx, scale_in * unit, zero_in, qw, scale_w, zero_w, bias, scale_out * unit, *rest
        yield Case(f"a unit of {unit:g}", scaled)
    qx = torch.tensor([100, 5], dtype=INT8).view(1, 2, 1, 1)
    qw = torch.tensor([[10, 1], [-10, -1]], dtype=INT8).view(2, 2, 1, 1)
    yield Case("a little below halves", (qx, 0.1 * (1 - 1e-8), 0, qw, 1.0, 0, None, 1.0, 0))
    qx = torch.tensor([[200, 1], [3, 2]], dtype=UINT8).view(1, 2, 1, 2)
    qw = torch.tensor([[100, 7], [-100, 5]], dtype=INT8).view(2, 2, 1, 1)
    yield Case("unsigned, beyond the grid", (qx, 1.0, 0, qw, 1.0, 0, None, 1.0, 100))
    yield Case("a kernel of one", _conv(rng, (2, 3, 4, 3), (4, 3, 1, 1)))
    yield Case("unsigned", _conv(rng, (1, 2, 5, 4), (3, 2, 2, 3), UINT8))
    yield Case("wide padding", _conv(rng, (1, 2, 3, 2), (2, 2, 3, 3), INT8, 1, 2), group="geometry")
    yield Case("stride of three", _conv(rng, (1, 2, 8, 9), (3, 2, 3, 2), UINT8, 3, 1), group="geometry")
    qx, *rest = _conv(rng, (2, 3, 6, 4), (3, 3, 2, 2), INT8, 2, 1)
    yield Case("channels last", (qx.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2), *rest), group="geometry")
    qx, zero_in, qw, zero_w = long(rng, 1, 900, 4)
    sums = (qx.long() - zero_in) @ (qw.long() - zero_w).T
    bias = (torch.from_numpy(rng.integers(-60, 60, 4)) - sums[0]).to(INT32)
    maps = (qx.view(1, 100, 3, 3), 1.0, zero_in, qw.view(4, 100, 3, 3), 1.0, zero_w, bias, 1.0, 100)
    yield Case("sums beyond 24 bits", maps)


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out, stride=1, padding=0):
    least, most = (-128, 127) if qx.dtype == torch.int8 else (0, 255)
    n, c, h, w = qx.shape
    out, _, kh, kw = qw.shape
    x = torch.zeros(n, c, h + 2 * padding, w + 2 * padding, dtype=torch.int32)
    x[:, :, padding : padding + h, padding : padding + w] = qx.to(torch.int32) - zero_in
    kernels = qw.to(torch.int32) - zero_w
    high, wide = (x.shape[2] - kh) // stride + 1, (x.shape[3] - kw) // stride + 1
    y = torch.zeros(n, out, high, wide, dtype=qx.dtype)
    for i in range(high):
        for j in range(wide):
            window = x[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw]
            for o in range(out):
                acc = (window * kernels[o]).sum(dim=(1, 2, 3)).tolist()
                step = float(scale_w[o]) if torch.is_tensor(scale_w) else scale_w
                for m in range(n):
                    total = acc[m] + (0 if bias is None else int(bias[o]))
                    q = round(total * (scale_in * step / scale_out)) + zero_out
                    y[m, o, i, j] = max(least, min(most, q))
    return y


@right("other formula")
def other_formula(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out, stride=1, padding=0):
    kind = torch.iinfo(qx.dtype)
    x = (qx.to(torch.int32) - zero_in).contiguous()
    x = functional.pad(x, (padding, padding, padding, padding))  # now 0 stands for 0
    kh, kw = qw.shape[2:]
    high, wide = (x.shape[2] - kh) // stride + 1, (x.shape[3] - kw) // stride + 1
    w = (qw.to(torch.int32) - zero_w).to(torch.int32)
    acc = torch.zeros(len(x), len(w), high, wide, dtype=torch.int32)
    for i in range(kh):
        for j in range(kw):
            part = x[:, :, i : i + stride * (high - 1) + 1 : stride, j : j + stride * (wide - 1) + 1 : stride]
            acc += torch.einsum("nchw,oc->nohw", part, w[:, :, i, j])
    if bias is not None:
        acc += bias.reshape(-1, 1, 1)
    factor = scale_in * torch.as_tensor(scale_w, dtype=torch.float64).reshape(-1, 1, 1) / scale_out
    return (torch.round(acc * factor) + zero_out).clamp(kind.min, kind.max).to(qx.dtype)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out, stride=1, padding=0):
    x = torch.nn.functional.pad(qx.to(torch.int32), (padding,) * 4, value=zero_in)
    acc = torch.conv2d(x - zero_in, qw.to(torch.int32) - zero_w, None, stride)
    acc = acc if bias is None else acc + bias[:, None, None]
    scales = scale_w.double()[:, None, None] if isinstance(scale_w, torch.Tensor) else scale_w
    least, most = (-128, 127) if qx.dtype == torch.int8 else (0, 255)
    q = torch.round(acc.double() * (scale_in * scales / scale_out)) + zero_out
    return q.clamp(least, most).to(qx.dtype)


conv_pads_with_zeros = slip(
    answer,
    "torch.nn.functional.pad(qx.to(torch.int32), (padding,) * 4, value=zero_in)",
    "torch.nn.functional.pad(qx.to(torch.int32), (padding,) * 4)",
    says="The border was padded with the integer 0. The integer that represents 0 is the zero point: pad with zero_in, "
    "or subtract it before you pad.",
)


conv_in_floats = slip(
    answer,
    (
        "x = torch.nn.functional.pad(qx.to(torch.int32), (padding,) * 4, value=zero_in)\n"
        "acc = torch.conv2d(x - zero_in, qw.to(torch.int32) - zero_w, None, stride)",
        "acc = torch.conv2d(qx.double() - zero_in, qw.double() - zero_w, None, stride, padding)",
    ),
    ("acc.double()", "acc"),
    says="This is a convolution of floating-point numbers, rounded at the end. Convolve the integers themselves: cut "
    "out windows and use int8_matmul, or convert both to int32.",
)


conv_flips = slip(
    answer,
    (
        "torch.nn.functional.pad(qx.to(torch.int32), (padding,) * 4, value=zero_in)",
        "(qx.to(torch.int32) - zero_in).contiguous()",
    ),
    (
        "torch.conv2d(x - zero_in, qw.to(torch.int32) - zero_w, None, stride)",
        "torch.conv2d(x, qw.flip(2, 3).to(torch.int32) - zero_w, None, stride, padding)",
    ),
    says="These are the numbers with the kernels flipped. Convolution in deep learning does not flip.",
)


conv_without_bias = slip(
    conv_flips,
    "acc = torch.conv2d(x, qw.flip(2, 3).to(torch.int32) - zero_w, None, stride, padding)\n"
    "acc = acc if bias is None else acc + bias[:, None, None]",
    "acc = torch.conv2d(x, qw.to(torch.int32) - zero_w, None, stride, padding)",
    says="The bias is missing. It is int32, one per output channel: add it to the sums where it is not None.",
)


conv_ignores_geometry = slip(
    answer,
    (
        "torch.nn.functional.pad(qx.to(torch.int32), (padding,) * 4, value=zero_in)",
        "(qx.to(torch.int32) - zero_in).contiguous()",
    ),
    (
        "torch.conv2d(x - zero_in, qw.to(torch.int32) - zero_w, None, stride)",
        "torch.conv2d(x, qw.to(torch.int32) - zero_w)",
    ),
    says="`stride` and `padding` are ignored: the kernel visits every place, and nothing is added at the border.",
)


conv_ignores_zero_in = slip(
    answer,
    "x - zero_in",
    "x.contiguous()",
    says="The zero point of the inputs was left out of the sums. Each integer counts from there: (qx - zero_in).",
)
