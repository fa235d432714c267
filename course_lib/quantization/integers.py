"""Integer layers: integers in, 32-bit sums, integers out. Real numbers appear only in `requantize`."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from course_lib.quantization.grids import limits

__all__ = ["int8_conv2d", "int8_linear", "int8_matmul", "requantize"]


def int8_matmul(qx: Tensor, zx: int, qw: Tensor, zw: int | Tensor) -> Tensor:
    """The product of two matrices of integers, as ONNX's MatMulInteger.

    Args:
        qx: (N, D), int8 or uint8.
        zx: the integer that means 0 in qx.
        qw: (out, D), int8 or uint8.
        zw: the integer that means 0 in qw; also (out,), one for each row.

    Returns:
        (N, out) int32, `(qx - zx)(qw - zw)^T`, exact while the sums fit into 32 bits.

    Raises:
        ValueError: the shapes do not match.
    """
    if qx.dim() != 2 or qw.dim() != 2 or qx.shape[1] != qw.shape[1]:
        raise ValueError(
            f"qx has shape {tuple(qx.shape)} and qw has {tuple(qw.shape)}; int8_matmul expects (N, D) and (out, D)"
        )
    rows = zw[:, None] if isinstance(zw, Tensor) and zw.dim() == 1 else zw
    x, w = qx.to(torch.int32) - zx, (qw.to(torch.int32) - rows).to(torch.int32)
    if x.device.type == "cpu":
        return x @ w.T
    return torch.stack([(x * row).sum(1, dtype=torch.int32) for row in w], 1)  # CUDA has no such product


def requantize(
    acc: Tensor,
    scale_in: float,
    scale_w: float | Tensor,
    scale_out: float,
    zero_out: int,
    bits: int = 8,
    signed: bool = True,
) -> Tensor:
    """Sums of products as integers of the next grid.

    Args:
        acc: (N, out, ...), int32; one unit is worth `scale_in * scale_w`.
        scale_in: scale of the inputs.
        scale_w: scale of the weights, a number or (out,), one for each channel along dimension 1.
        scale_out: scale of the outputs.
        zero_out: the integer that means 0 in the outputs.
        bits: bits of the outputs.
        signed: whether they are signed.

    Returns:
        int8 or uint8 (int32 for more than 8 bits), acc's shape; ties go to the even integer before the zero point is
        added.
    """
    least, most = limits(bits, signed)
    scales = scale_w
    if isinstance(scale_w, Tensor) and scale_w.dim() == 1:
        scales = scale_w.double().view(1, -1, *[1] * (acc.dim() - 2))
    dtype = (torch.int8 if signed else torch.uint8) if bits <= 8 else torch.int32
    steps = torch.round(acc.double() * (scale_in * scales / scale_out))
    return (steps + zero_out).clamp_(least, most).to(dtype)


def int8_linear(
    qx: Tensor,
    scale_in: float,
    zero_in: int,
    qw: Tensor,
    scale_w: float | Tensor,
    zero_w: int | Tensor,
    bias: Tensor | None,
    scale_out: float,
    zero_out: int,
) -> Tensor:
    """A linear layer in integers, as ONNX's QLinearMatMul with a bias.

    Args:
        qx: (N, D), int8 or uint8.
        scale_in: scale of qx.
        zero_in: zero point of qx.
        qw: (out, D), int8 or uint8.
        scale_w: a number or (out,).
        zero_w: an integer or (out,).
        bias: (out,) int32 in units of `scale_in * scale_w`, added to the sums; or None.
        scale_out: scale of the outputs.
        zero_out: zero point of the outputs.

    Returns:
        (N, out), in qx's dtype.
    """
    acc = int8_matmul(qx, zero_in, qw, zero_w)
    if bias is not None:
        acc = acc + bias
    return requantize(acc, scale_in, scale_w, scale_out, zero_out, signed=qx.dtype == torch.int8)


def int8_conv2d(
    qx: Tensor,
    scale_in: float,
    zero_in: int,
    qw: Tensor,
    scale_w: float | Tensor,
    zero_w: int | Tensor,
    bias: Tensor | None,
    scale_out: float,
    zero_out: int,
    stride: int = 1,
    padding: int = 0,
) -> Tensor:
    """A convolution in integers, as ONNX's QLinearConv: the border is padded with the zero point, which means 0.

    Args:
        qx: (N, C, H, W), int8 or uint8.
        scale_in: scale of qx.
        zero_in: zero point of qx.
        qw: (out, C, KH, KW), int8 or uint8.
        scale_w: a number or (out,).
        zero_w: an integer or (out,).
        bias: (out,) int32 in units of `scale_in * scale_w`, or None.
        scale_out: scale of the outputs.
        zero_out: zero point of the outputs.
        stride: in both directions.
        padding: on all four sides.

    Returns:
        (N, out, H', W'), in qx's dtype.
    """
    kernel = qw.shape[2:]
    padded = functional.pad(qx, (padding,) * 4, value=int(zero_in))
    windows = padded.unfold(2, kernel[0], stride).unfold(3, kernel[1], stride).permute(0, 2, 3, 1, 4, 5)
    acc = int8_matmul(windows.flatten(3).flatten(0, 2), zero_in, qw.flatten(1), zero_w)
    if bias is not None:
        acc = acc + bias
    maps = acc.view(*windows.shape[:3], len(qw)).permute(0, 3, 1, 2).contiguous()
    return requantize(maps, scale_in, scale_w, scale_out, zero_out, signed=qx.dtype == torch.int8)
