"""From real numbers to integers on a grid and back, where to put the grid, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = [
    "affine_qparams",
    "calibrate",
    "dequantize",
    "limits",
    "per_channel_qparams",
    "quantization_error",
    "quantize",
]

SHRINKS = 100
"""How many ranges "mse" tries, evenly spaced from one hundredth of the whole range to all of it."""


def limits(bits: int, signed: bool = True) -> tuple[int, int]:
    """The smallest and the largest integer of `bits` bits."""
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)


def affine_qparams(
    low: float, high: float, bits: int = 8, signed: bool = True, symmetric: bool = False
) -> tuple[float, int]:
    """The grid that covers a range.

    Args:
        low: the smallest number that occurs.
        high: the largest, at least `low`. The range is widened to include 0, which has its own integer.
        bits: bits of the integers.
        signed: whether they are signed.
        symmetric: whether as many steps lie above 0 as below; the most negative integer is then not used.

    Returns:
        The scale, above 0 (1.0 if there is nothing but 0), and the zero point, an integer of the grid: for a symmetric
        grid 0 if the integers are signed, 2^(bits-1) if they are unsigned.

    Raises:
        ValueError: `low` is above `high`.
    """
    low, high = float(low), float(high)
    if low > high:
        raise ValueError(f"low is {low} and high is {high}; affine_qparams expects low <= high")
    least, most = limits(bits, signed)
    low, high = min(low, 0.0), max(high, 0.0)
    if symmetric:
        return max(-low, high) / (2 ** (bits - 1) - 1) or 1.0, 0 if signed else 2 ** (bits - 1)
    scale = (high - low) / (most - least) or 1.0
    return scale, min(max(round(least - low / scale), least), most)


def quantize(x: Tensor, scale: float | Tensor, zero_point: int | Tensor, bits: int = 8, signed: bool = True) -> Tensor:
    """Each number as the nearest integer of the grid, as ONNX's QuantizeLinear.

    Args:
        x: any shape, floating point.
        scale: above 0; a tensor broadcasts against x.
        zero_point: the integer that means 0; a tensor broadcasts against x.
        bits: bits of the integers.
        signed: whether they are signed.

    Returns:
        Integers of x's shape: int8 or uint8 for up to 8 bits, else int32. Ties go to the even integer before the zero
        point is added; what lies beyond the grid becomes its last integer.
    """
    least, most = limits(bits, signed)
    dtype = (torch.int8 if signed else torch.uint8) if bits <= 8 else torch.int32
    return (torch.round(x / scale) + zero_point).clamp(least, most).to(dtype)


def dequantize(q: Tensor, scale: float | Tensor, zero_point: int | Tensor) -> Tensor:
    """The real numbers that integers represent, `scale (q - zero_point)`.

    Args:
        q: integers of any dtype and shape.
        scale: a number, or a tensor that broadcasts against q.
        zero_point: an integer, or a tensor that broadcasts against q.

    Returns:
        float32, of q's shape.
    """
    return ((q.to(torch.int32) - zero_point) * scale).to(torch.float32)


def per_channel_qparams(w: Tensor, axis: int, bits: int = 8) -> tuple[Tensor, Tensor]:
    """A symmetric grid for each slice of a tensor along one axis, so that a wide channel does not hurt the others.

    Args:
        w: any shape.
        axis: the axis of the channels; may be negative.
        bits: bits of the signed integers.

    Returns:
        The scales, (channels,), of w's dtype (1 for a channel of zeros), and the zero points, zeros in int64.
    """
    largest = w.abs().movedim(axis, 0).reshape(w.shape[axis], -1).amax(1)
    scales = largest / (2 ** (bits - 1) - 1)
    return torch.where(scales > 0, scales, 1), torch.zeros_like(scales, dtype=torch.int64)


def calibrate(samples: Tensor | Sequence[Tensor], method: str) -> tuple[float, float]:
    """The range that a grid should cover, from observed numbers.

    Args:
        samples: a tensor of any shape, or several of any shapes, taken together.
        method: "minmax" for all of them; "percentile" for the 0.1 % and the 99.9 % quantile; "mse" for the range whose
            8-bit grid has the smallest mean squared error: the whole range or a fraction of it.

    Returns:
        `(low, high)`.

    Raises:
        ValueError: there is no such method.
    """
    parts = [samples] if isinstance(samples, Tensor) else list(samples)
    values = torch.cat([part.detach().flatten() for part in parts])
    low, high = float(values.min()), float(values.max())
    if method == "minmax":
        return low, high
    if method == "percentile":
        ends = torch.quantile(values, torch.tensor([0.001, 0.999], dtype=values.dtype, device=values.device))
        return float(ends[0]), float(ends[1])
    if method == "mse":
        ranges = [(low * step / SHRINKS, high * step / SHRINKS) for step in range(1, SHRINKS + 1)]
        return min(ranges, key=lambda ends: _squared_error(values, *affine_qparams(*ends), 8))
    raise ValueError(f"method is {method!r}; calibrate expects 'minmax', 'percentile' or 'mse'")


def quantization_error(x: Tensor, bits: int) -> float:
    """How far the rounding error is below the signal, in decibels: about 6 more for each bit (Bennett, 1948).

    Args:
        x: any shape; the grid covers its range, widened to include 0, with signed integers.
        bits: bits of the grid.

    Returns:
        10 log10(sum x^2 / sum (x - x')^2), infinite if nothing is lost.
    """
    noise = _squared_error(x, *affine_qparams(float(x.min()), float(x.max()), bits), bits)
    signal = float((x.double() ** 2).sum())
    return 10 * math.log10(signal / noise) if noise > 0 else math.inf


def _squared_error(x: Tensor, scale: float, zero_point: int, bits: int) -> float:
    least, most = limits(bits)
    q = (torch.round(x / scale) + zero_point).clamp_(least, most)
    error = (q - zero_point) * scale - x
    return float((error.double() ** 2).sum())
