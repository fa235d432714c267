"""Known mistakes of quantization; each docstring is the sentence for whoever made it. Networks: see the other module.

Every function stands alone: its source is submitted by tests and by `simulate`.
"""

# Written as students write, since each is also submitted as one: mypy asks for more.
# mypy: disable-error-code="no-untyped-def,no-untyped-call,assignment,var-annotated,misc,no-any-return"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from autograder.exercise import Misconception
from autograder.exercises.quantization_network_mistakes import NETWORK_MISTAKES

__all__ = ["MISTAKES"]

# --- affine_qparams -----------------------------------------------------------------------------------------


def affine_without_zero(low, high, bits=8, signed=True, symmetric=False):
    """The range was taken as it is. Widen it first, so that it holds 0: then 0 has an integer of its own, and padding
    and ReLU cost no error."""
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if symmetric:
        return max(abs(low), abs(high)) / (2 ** (bits - 1) - 1) or 1.0, 0 if signed else 2 ** (bits - 1)
    scale = (high - low) / (most - least) or 1.0
    return scale, min(max(round(least - low / scale), least), most)


def affine_too_many_steps(low, high, bits=8, signed=True, symmetric=False):
    """The range was divided by the number of integers. Between 2^b integers lie only 2^b - 1 steps."""
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    low, high = min(low, 0.0), max(high, 0.0)
    if symmetric:
        return max(-low, high) / 2 ** (bits - 1) or 1.0, 0 if signed else 2 ** (bits - 1)
    scale = (high - low) / (most - least + 1) or 1.0
    return scale, min(max(round(least - low / scale), least), most)


def affine_from_zero(low, high, bits=8, signed=True, symmetric=False):
    """This zero point counts from 0, but signed integers begin at -2^(b-1): `low` must land on the least integer, so
    z = round(q_min - low / scale)."""
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    low, high = min(low, 0.0), max(high, 0.0)
    if symmetric:
        return max(-low, high) / (2 ** (bits - 1) - 1) or 1.0, 0 if signed else 2 ** (bits - 1)
    scale = (high - low) / (most - least) or 1.0
    return scale, round(-low / scale)


def affine_never_symmetric(low, high, bits=8, signed=True, symmetric=False):
    """`symmetric` is ignored. A symmetric grid has the scale max(|low|, |high|) / (2^(b-1) - 1), and its zero point is
    in the middle."""
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / (most - least) or 1.0
    return scale, min(max(round(least - low / scale), least), most)


def affine_zero_scale(low, high, bits=8, signed=True, symmetric=False):
    """Where there is nothing but 0, the scale came out as 0, or its division failed. A step needs some length: return
    1.0 then."""
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    low, high = min(low, 0.0), max(high, 0.0)
    if symmetric:
        return max(-low, high) / (2 ** (bits - 1) - 1), 0 if signed else 2 ** (bits - 1)
    scale = (high - low) / (most - least)
    return scale, min(max(round(least - low / scale), least), most)


def affine_float_zero_point(low, high, bits=8, signed=True, symmetric=False):
    """The zero point is not rounded. It is one of the integers, otherwise 0 falls between two of them."""
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    low, high = min(low, 0.0), max(high, 0.0)
    if symmetric:
        return max(-low, high) / (2 ** (bits - 1) - 1) or 1.0, 0 if signed else 2 ** (bits - 1)
    scale = (high - low) / (most - least) or 1.0
    return scale, float(least - low / scale)


# --- quantize -----------------------------------------------------------------------------------------------


def quantize_cuts(x, scale, zero_point, bits=8, signed=True):
    """The fraction was cut off, which is what a cast to integers does. Round to the nearest integer first:
    torch.round."""
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    q = (torch.trunc(x / scale) + zero_point).clamp(least, most)
    return q.to(torch.int8 if signed else torch.uint8)


def quantize_half_up(x, scale, zero_point, bits=8, signed=True):
    """Halves were all rounded up, which shifts the mean. Round half to even, as torch.round does: 0.5 becomes 0, and
    1.5 becomes 2."""
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    q = (torch.floor(x / scale + 0.5) + zero_point).clamp(least, most)
    return q.to(torch.int8 if signed else torch.uint8)


def quantize_wraps(x, scale, zero_point, bits=8, signed=True):
    """Numbers beyond the grid wrapped around: 130 became -126 in int8. Clamp to the grid before the cast, so that they
    saturate."""
    q = (torch.round(x / scale) + zero_point).clamp(-(2**62), 2**62).to(torch.int64)
    least = -(2 ** (bits - 1)) if signed else 0
    q = (q - least) % 2**bits + least
    return q.to(torch.int8 if signed else torch.uint8)


def quantize_shifts_first(x, scale, zero_point, bits=8, signed=True):
    """The zero point was added before rounding. An odd one then sends halves to the other neighbour: round first, add
    afterwards."""
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    q = torch.round(x / scale + zero_point).clamp(least, most)
    return q.to(torch.int8 if signed else torch.uint8)


def quantize_stays_float(x, scale, zero_point, bits=8, signed=True):
    """The numbers are whole, but still stored as floats, at four times the memory. Cast them at the end, to torch.int8
    or torch.uint8."""
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return (torch.round(x / scale) + zero_point).clamp(least, most)


def quantize_always_eight(x, scale, zero_point, bits=8, signed=True):
    """`bits` is ignored: the numbers saturate at the ends of eight bits. With b bits the grid ends at 2^(b-1) - 1, or
    at 2^b - 1 where it is unsigned."""
    least, most = (-128, 127) if signed else (0, 255)
    q = (torch.round(x / scale) + zero_point).clamp(least, most)
    return q.to(torch.int8 if signed else torch.uint8)


# --- dequantize ---------------------------------------------------------------------------------------------


def dequantize_wraps(q, scale, zero_point):
    """The zero point was subtracted in 8 bits, where -128 - 100 is 28. Make the integers wider or floating before you
    subtract."""
    return (q - torch.as_tensor(zero_point).to(q.dtype)).to(torch.float32) * torch.as_tensor(scale).float()


def dequantize_adds(q, scale, zero_point):
    """The zero point was added. It is the integer that stands for 0, so it is subtracted: scale (q - z)."""
    return ((q.to(torch.float32) + zero_point) * scale).to(torch.float32)


def dequantize_scales_first(q, scale, zero_point):
    """The integers were scaled before the zero point was taken away. It is counted in steps, so it is subtracted first:
    scale (q - z), not scale q - z."""
    return (q.to(torch.float32) * scale - zero_point).to(torch.float32)


def dequantize_in_double(q, scale, zero_point):
    """The numbers are right, but in float64. Asked is float32, the dtype of networks."""
    return (q.to(torch.float64) - zero_point) * scale


# --- quantization_error -------------------------------------------------------------------------------------


def error_twenty(x, bits):
    """You took 20 log10 of a ratio of powers. Decibels are 10 log10 of powers, or 20 log10 of amplitudes."""
    import math

    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    low, high = min(float(x.min()), 0.0), max(float(x.max()), 0.0)
    scale = (high - low) / (most - least) or 1.0
    zero = min(max(round(least - low / scale), least), most)
    error = ((torch.round(x / scale) + zero).clamp(least, most) - zero) * scale - x
    noise = float((error.double() ** 2).sum())
    return 20 * math.log10(float((x.double() ** 2).sum()) / noise) if noise else math.inf


def error_inverted(x, bits):
    """This is noise over signal. Turn the fraction over: more bits must give more decibels."""
    import math

    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    low, high = min(float(x.min()), 0.0), max(float(x.max()), 0.0)
    scale = (high - low) / (most - least) or 1.0
    zero = min(max(round(least - low / scale), least), most)
    error = ((torch.round(x / scale) + zero).clamp(least, most) - zero) * scale - x
    noise = float((error.double() ** 2).sum())
    return 10 * math.log10(noise / float((x.double() ** 2).sum())) if noise else -math.inf


def error_natural_log(x, bits):
    """This is a natural logarithm. Decibels are 10 times the logarithm to base 10: math.log10."""
    import math

    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    low, high = min(float(x.min()), 0.0), max(float(x.max()), 0.0)
    scale = (high - low) / (most - least) or 1.0
    zero = min(max(round(least - low / scale), least), most)
    error = ((torch.round(x / scale) + zero).clamp(least, most) - zero) * scale - x
    noise = float((error.double() ** 2).sum())
    return 10 * math.log(float((x.double() ** 2).sum()) / noise) if noise else math.inf


def error_symmetric(x, bits):
    """This is the error of a symmetric grid. Here the grid reaches from the least number to the largest, as
    affine_qparams gives it."""
    import math

    most = 2 ** (bits - 1) - 1
    scale = float(x.abs().max()) / most or 1.0
    error = torch.round(x / scale).clamp(-most - 1, most) * scale - x
    noise = float((error.double() ** 2).sum())
    return 10 * math.log10(float((x.double() ** 2).sum()) / noise) if noise else math.inf


def error_around_mean(x, bits):
    """The signal was measured around its mean. Its power is the sum of squares of the numbers themselves."""
    import math

    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    low, high = min(float(x.min()), 0.0), max(float(x.max()), 0.0)
    scale = (high - low) / (most - least) or 1.0
    zero = min(max(round(least - low / scale), least), most)
    error = ((torch.round(x / scale) + zero).clamp(least, most) - zero) * scale - x
    noise = float((error.double() ** 2).sum())
    signal = float(((x - x.mean()).double() ** 2).sum())
    return 10 * math.log10(signal / noise) if noise else math.inf


def error_of_amplitudes(x, bits):
    """The absolute values were added up in place of the squares. A power is a sum of squares."""
    import math

    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    low, high = min(float(x.min()), 0.0), max(float(x.max()), 0.0)
    scale = (high - low) / (most - least) or 1.0
    zero = min(max(round(least - low / scale), least), most)
    error = ((torch.round(x / scale) + zero).clamp(least, most) - zero) * scale - x
    noise = float(error.double().abs().sum())
    return 10 * math.log10(float(x.double().abs().sum()) / noise) if noise else math.inf


# --- per_channel_qparams ------------------------------------------------------------------------------------


def channel_one_for_all(w, axis, bits=8):
    """All channels got the same scale, that of the widest. Take the maximum of each channel alone, over all other
    axes."""
    scale = w.abs().max() / (2 ** (bits - 1) - 1)
    scales = (scale if scale > 0 else torch.ones_like(scale)).repeat(w.shape[axis])
    return scales, torch.zeros(w.shape[axis], dtype=torch.int64)


def channel_other_axis(w, axis, bits=8):
    """The maximum was taken along `axis`. That axis is to stay: there is one scale for each of its entries, and the
    maximum runs over all others."""
    scales = w.abs().amax(axis) / (2 ** (bits - 1) - 1)
    return torch.where(scales > 0, scales, 1), torch.zeros_like(scales, dtype=torch.int64)


def channel_largest_positive(w, axis, bits=8):
    """Negative weights were forgotten: the scale follows the largest absolute value. Take abs() before the maximum."""
    scales = w.movedim(axis, 0).flatten(1).amax(1) / (2 ** (bits - 1) - 1)
    return torch.where(scales > 0, scales, 1), torch.zeros_like(scales, dtype=torch.int64)


def channel_divides_by_power(w, axis, bits=8):
    """The maximum was divided by 2^(b-1). The largest integer is one less, and the largest weight would saturate:
    divide by 2^(b-1) - 1."""
    scales = w.abs().movedim(axis, 0).flatten(1).amax(1) / 2 ** (bits - 1)
    return torch.where(scales > 0, scales, 1), torch.zeros_like(scales, dtype=torch.int64)


def channel_dead_scale(w, axis, bits=8):
    """A channel of zeros got the scale 0, and everything that is divided by it becomes nan. Give it 1."""
    scales = w.abs().movedim(axis, 0).flatten(1).amax(1) / (2 ** (bits - 1) - 1)
    return scales, torch.zeros_like(scales, dtype=torch.int64)


# --- calibrate ----------------------------------------------------------------------------------------------


def calibrate_mean_of_ranges(samples, method):
    """Each batch got a range of its own, and the ranges were averaged. Take all numbers together: torch.cat, then one
    range."""
    ranges = []
    for part in [samples] if isinstance(samples, torch.Tensor) else samples:
        values = part.flatten().double()
        low, high = float(values.min()), float(values.max())
        if method == "percentile":
            low, high = (float(torch.quantile(values, share)) for share in (0.001, 0.999))
        if method == "mse":
            errors = []
            for step in range(1, 101):
                a, b = min(low * step / 100, 0.0), max(high * step / 100, 0.0)
                scale = (b - a) / 255 or 1.0
                zero = round(-128 - a / scale)
                back = ((torch.round(values / scale) + zero).clamp(-128, 127) - zero) * scale
                errors.append((float(((back - values) ** 2).mean()), step))
            low, high = low * min(errors)[1] / 100, high * min(errors)[1] / 100
        ranges.append((low, high))
    return sum(low for low, _ in ranges) / len(ranges), sum(high for _, high in ranges) / len(ranges)


def calibrate_one_percent(samples, method):
    """One percent was cut off on each side. Asked is 99.9: the quantiles 0.001 and 0.999."""
    parts = [samples] if isinstance(samples, torch.Tensor) else samples
    values = torch.cat([part.flatten() for part in parts]).double()
    low, high = float(values.min()), float(values.max())
    if method == "percentile":
        return float(torch.quantile(values, 0.01)), float(torch.quantile(values, 0.99))
    if method == "mse":
        errors = []
        for step in range(1, 101):
            a, b = min(low * step / 100, 0.0), max(high * step / 100, 0.0)
            scale = (b - a) / 255 or 1.0
            zero = round(-128 - a / scale)
            back = ((torch.round(values / scale) + zero).clamp(-128, 127) - zero) * scale
            errors.append((float(((back - values) ** 2).mean()), step))
        return low * min(errors)[1] / 100, high * min(errors)[1] / 100
    return low, high


def calibrate_first_batch(samples, method):
    """Only the first batch was looked at. `samples` may be a list: the range covers all of them."""
    values = (samples if isinstance(samples, torch.Tensor) else samples[0]).flatten().double()
    low, high = float(values.min()), float(values.max())
    if method == "percentile":
        return float(torch.quantile(values, 0.001)), float(torch.quantile(values, 0.999))
    if method == "mse":
        errors = []
        for step in range(1, 101):
            a, b = min(low * step / 100, 0.0), max(high * step / 100, 0.0)
            scale = (b - a) / 255 or 1.0
            zero = round(-128 - a / scale)
            back = ((torch.round(values / scale) + zero).clamp(-128, 127) - zero) * scale
            errors.append((float(((back - values) ** 2).mean()), step))
        return low * min(errors)[1] / 100, high * min(errors)[1] / 100
    return low, high


def calibrate_mirrored(samples, method):
    """The range is as wide below 0 as above it. Numbers seldom are: take the low end and the high end each for
    itself."""
    parts = [samples] if isinstance(samples, torch.Tensor) else samples
    values = torch.cat([part.flatten() for part in parts]).double()
    high = float(values.abs().max())
    if method == "percentile":
        high = float(torch.quantile(values.abs(), 0.999))
    if method == "mse":
        errors = []
        for step in range(1, 101):
            scale = 2 * high * step / 100 / 255 or 1.0
            back = torch.round(values / scale).clamp(-128, 127) * scale
            errors.append((float(((back - values) ** 2).mean()), step))
        high *= min(errors)[1] / 100
    return -high, high


def calibrate_mse_is_minmax(samples, method):
    """ "mse" gave the whole range. Try narrower ones too: quantize with each, go back, and keep the range with the
    smallest mean squared error."""
    parts = [samples] if isinstance(samples, torch.Tensor) else samples
    values = torch.cat([part.flatten() for part in parts]).double()
    if method == "percentile":
        return float(torch.quantile(values, 0.001)), float(torch.quantile(values, 0.999))
    return float(values.min()), float(values.max())


def calibrate_cuts_above_only(samples, method):
    """Only the upper end was cut off. There are outliers at the lower end too: its percentile is the quantile 0.001."""
    parts = [samples] if isinstance(samples, torch.Tensor) else samples
    values = torch.cat([part.flatten() for part in parts]).double()
    low, high = float(values.min()), float(values.max())
    if method == "percentile":
        return low, float(torch.quantile(values, 0.999))
    if method == "mse":
        errors = []
        for step in range(1, 101):
            a, b = min(low * step / 100, 0.0), max(high * step / 100, 0.0)
            scale = (b - a) / 255 or 1.0
            zero = round(-128 - a / scale)
            back = ((torch.round(values / scale) + zero).clamp(-128, 127) - zero) * scale
            errors.append((float(((back - values) ** 2).mean()), step))
        return low * min(errors)[1] / 100, high * min(errors)[1] / 100
    return low, high


# --- int8_matmul --------------------------------------------------------------------------------------------


def matmul_wraps(qx, zx, qw, zw):
    """The zero points were subtracted in 8 bits, where -128 - 1 is 127. Make the integers wider first:
    to(torch.int32)."""
    rows = torch.as_tensor(zw)
    rows = rows[:, None] if rows.dim() == 1 else rows
    x, w = qx - torch.as_tensor(zx).to(qx.dtype), qw - rows.to(qw.dtype)
    return x.to(torch.int32) @ w.to(torch.int32).T


def matmul_float32(qx, zx, qw, zw):
    """These are products of float32 numbers. float32 holds whole numbers up to 2^24 only, and no integer unit was used:
    multiply and add in torch.int32."""
    rows = zw[:, None] if isinstance(zw, torch.Tensor) and zw.dim() == 1 else zw
    return ((qx.float() - zx) @ (qw.float() - rows).T).to(torch.int32)


def matmul_float64(qx, zx, qw, zw):
    """The sums are right, but they were made of float64 numbers, eight bytes each. Multiply and add integers: make both
    torch.int32, then @."""
    rows = zw[:, None] if isinstance(zw, torch.Tensor) and zw.dim() == 1 else zw
    return ((qx.double() - zx) @ (qw.double() - rows).T).to(torch.int32)


def matmul_ignores_zero_points(qx, zx, qw, zw):
    """The zero points were left out. They stand for 0, so each integer counts from there: (q - z)."""
    return qx.to(torch.int32) @ qw.to(torch.int32).T


def matmul_adds_zero_points(qx, zx, qw, zw):
    """The zero points were added. They stand for 0, so they are subtracted."""
    rows = zw[:, None] if isinstance(zw, torch.Tensor) and zw.dim() == 1 else zw
    return ((qx.to(torch.int32) + zx) @ (qw.to(torch.int32) + rows).to(torch.int32).T).to(torch.int32)


def matmul_int64(qx, zx, qw, zw):
    """The sums are right, but in 64 bits. The accumulators of hardware have 32, and so has the answer: torch.int32."""
    rows = zw[:, None] if isinstance(zw, torch.Tensor) and zw.dim() == 1 else zw
    return (qx.to(torch.int64) - zx) @ (qw.to(torch.int64) - rows).T


# --- requantize ---------------------------------------------------------------------------------------------


def requantize_cuts(acc, scale_in, scale_w, scale_out, zero_out, bits=8, signed=True):
    """The fraction was cut off. Round to the nearest step of the new grid, halves to even: torch.round."""
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if isinstance(scale_w, torch.Tensor) and scale_w.dim() == 1:
        scale_w = scale_w.double().view(1, -1, *[1] * (acc.dim() - 2))
    q = torch.trunc(acc.double() * (scale_in * scale_w / scale_out)) + zero_out
    return q.clamp(least, most).to(torch.int8 if signed else torch.uint8)


def requantize_half_up(acc, scale_in, scale_w, scale_out, zero_out, bits=8, signed=True):
    """Halves were all rounded up. Round half to even, as torch.round does."""
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if isinstance(scale_w, torch.Tensor) and scale_w.dim() == 1:
        scale_w = scale_w.double().view(1, -1, *[1] * (acc.dim() - 2))
    q = torch.floor(acc.double() * (scale_in * scale_w / scale_out) + 0.5) + zero_out
    return q.clamp(least, most).to(torch.int8 if signed else torch.uint8)


def requantize_shifts_first(acc, scale_in, scale_w, scale_out, zero_out, bits=8, signed=True):
    """The zero point was added before rounding, which sends halves to the other neighbour where it is odd. Round first,
    then add."""
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if isinstance(scale_w, torch.Tensor) and scale_w.dim() == 1:
        scale_w = scale_w.double().view(1, -1, *[1] * (acc.dim() - 2))
    q = torch.round(acc.double() * (scale_in * scale_w / scale_out) + zero_out)
    return q.clamp(least, most).to(torch.int8 if signed else torch.uint8)


def requantize_wraps(acc, scale_in, scale_w, scale_out, zero_out, bits=8, signed=True):
    """What lies beyond the grid wrapped around. Clamp before the cast, so that it saturates."""
    if isinstance(scale_w, torch.Tensor) and scale_w.dim() == 1:
        scale_w = scale_w.double().view(1, -1, *[1] * (acc.dim() - 2))
    q = (torch.round(acc.double() * (scale_in * scale_w / scale_out)) + zero_out).to(torch.int64)
    least = -(2 ** (bits - 1)) if signed else 0
    q = (q - least) % 2**bits + least
    return q.to(torch.int8 if signed else torch.uint8)


def requantize_upside_down(acc, scale_in, scale_w, scale_out, zero_out, bits=8, signed=True):
    """The factor is upside down. One unit of the sums is worth scale_in * scale_w, and one step of the new grid
    scale_out: multiply by the former, divide by the latter."""
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if isinstance(scale_w, torch.Tensor) and scale_w.dim() == 1:
        scale_w = scale_w.double().view(1, -1, *[1] * (acc.dim() - 2))
    q = torch.round(acc.double() * (scale_out / (scale_in * scale_w))) + zero_out
    return q.clamp(least, most).to(torch.int8 if signed else torch.uint8)


def requantize_last_axis(acc, scale_in, scale_w, scale_out, zero_out, bits=8, signed=True):
    """The scales of the channels were laid along the last axis. The channels are dimension 1: give the scales the shape
    (1, -1, 1, 1) for four dimensions."""
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    scale_w = scale_w.double() if isinstance(scale_w, torch.Tensor) else scale_w
    q = torch.round(acc.double() * (scale_in * scale_w / scale_out)) + zero_out
    return q.clamp(least, most).to(torch.int8 if signed else torch.uint8)


# --- int8_linear --------------------------------------------------------------------------------------------


def linear_in_floats(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out):
    """This layer goes back to real numbers, multiplies floats, and rounds again. Multiply the integers themselves, add
    in 32 bits, and rescale once at the end."""
    least, most = (-128, 127) if qx.dtype == torch.int8 else (0, 255)
    sums = (qx.double() - zero_in) @ (qw.double() - zero_w).T + (0 if bias is None else bias)
    q = torch.round(sums * (scale_in * scale_w / scale_out)) + zero_out
    return q.clamp(least, most).to(qx.dtype)


def linear_without_bias(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out):
    """The bias is missing. It is int32 in the units of the sums: add it to them where it is not None."""
    least, most = (-128, 127) if qx.dtype == torch.int8 else (0, 255)
    acc = (qx.to(torch.int32) - zero_in) @ (qw.to(torch.int32) - zero_w).T
    q = torch.round(acc.double() * (scale_in * scale_w / scale_out)) + zero_out
    return q.clamp(least, most).to(qx.dtype)


def linear_bias_at_the_end(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out):
    """The bias was added after rescaling, in steps of the outputs. Its unit is scale_in * scale_w, that of the sums:
    add it before."""
    least, most = (-128, 127) if qx.dtype == torch.int8 else (0, 255)
    acc = (qx.to(torch.int32) - zero_in) @ (qw.to(torch.int32) - zero_w).T
    q = torch.round(acc.double() * (scale_in * scale_w / scale_out)) + zero_out
    return (q if bias is None else q + bias).clamp(least, most).to(qx.dtype)


def linear_ignores_zero_in(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out):
    """The zero point of the inputs was left out. Each integer counts from there: (qx - zero_in)."""
    least, most = (-128, 127) if qx.dtype == torch.int8 else (0, 255)
    acc = qx.to(torch.int32) @ (qw.to(torch.int32) - zero_w).T
    acc = acc if bias is None else acc + bias
    q = torch.round(acc.double() * (scale_in * scale_w / scale_out)) + zero_out
    return q.clamp(least, most).to(qx.dtype)


def linear_ignores_zero_out(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out):
    """The zero point of the outputs was left out. The result counts from there: add it after rounding."""
    least, most = (-128, 127) if qx.dtype == torch.int8 else (0, 255)
    acc = (qx.to(torch.int32) - zero_in) @ (qw.to(torch.int32) - zero_w).T
    acc = acc if bias is None else acc + bias
    q = torch.round(acc.double() * (scale_in * scale_w / scale_out))
    return q.clamp(least, most).to(qx.dtype)


def linear_always_signed(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out):
    """The output is always int8. It has the dtype of the inputs: uint8 for uint8, with a grid from 0 to 255."""
    acc = (qx.to(torch.int32) - zero_in) @ (qw.to(torch.int32) - zero_w).T
    acc = acc if bias is None else acc + bias
    q = torch.round(acc.double() * (scale_in * scale_w / scale_out)) + zero_out
    return q.clamp(-128, 127).to(torch.int8)


# --- int8_conv2d --------------------------------------------------------------------------------------------


def conv_pads_with_zeros(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out, stride=1, padding=0):
    """The border was padded with the integer 0. What stands for 0 is the zero point: pad with zero_in, or subtract it
    before you pad."""
    x = torch.nn.functional.pad(qx.to(torch.int32), (padding,) * 4)
    acc = torch.conv2d(x - zero_in, qw.to(torch.int32) - zero_w, None, stride)
    acc = acc if bias is None else acc + bias[:, None, None]
    scales = scale_w.double()[:, None, None] if isinstance(scale_w, torch.Tensor) else scale_w
    least, most = (-128, 127) if qx.dtype == torch.int8 else (0, 255)
    q = torch.round(acc.double() * (scale_in * scales / scale_out)) + zero_out
    return q.clamp(least, most).to(qx.dtype)


def conv_in_floats(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out, stride=1, padding=0):
    """This is a convolution of floating numbers, rounded at the end. Convolve the integers themselves: cut out windows
    and use int8_matmul, or make both int32."""
    acc = torch.conv2d(qx.double() - zero_in, qw.double() - zero_w, None, stride, padding)
    acc = acc if bias is None else acc + bias[:, None, None]
    scales = scale_w.double()[:, None, None] if isinstance(scale_w, torch.Tensor) else scale_w
    least, most = (-128, 127) if qx.dtype == torch.int8 else (0, 255)
    q = torch.round(acc * (scale_in * scales / scale_out)) + zero_out
    return q.clamp(least, most).to(qx.dtype)


def conv_flips(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out, stride=1, padding=0):
    """These are the numbers with the kernels flipped. Convolution in deep learning does not flip."""
    x = (qx.to(torch.int32) - zero_in).contiguous()
    acc = torch.conv2d(x, qw.flip(2, 3).to(torch.int32) - zero_w, None, stride, padding)
    acc = acc if bias is None else acc + bias[:, None, None]
    scales = scale_w.double()[:, None, None] if isinstance(scale_w, torch.Tensor) else scale_w
    least, most = (-128, 127) if qx.dtype == torch.int8 else (0, 255)
    q = torch.round(acc.double() * (scale_in * scales / scale_out)) + zero_out
    return q.clamp(least, most).to(qx.dtype)


def conv_without_bias(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out, stride=1, padding=0):
    """The bias is missing. It is int32, one for each output channel: add it to the sums where it is not None."""
    x = (qx.to(torch.int32) - zero_in).contiguous()
    acc = torch.conv2d(x, qw.to(torch.int32) - zero_w, None, stride, padding)
    scales = scale_w.double()[:, None, None] if isinstance(scale_w, torch.Tensor) else scale_w
    least, most = (-128, 127) if qx.dtype == torch.int8 else (0, 255)
    q = torch.round(acc.double() * (scale_in * scales / scale_out)) + zero_out
    return q.clamp(least, most).to(qx.dtype)


def conv_ignores_geometry(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out, stride=1, padding=0):
    """`stride` and `padding` are ignored: the kernel visits every place, and nothing is added at the border."""
    x = (qx.to(torch.int32) - zero_in).contiguous()
    acc = torch.conv2d(x, qw.to(torch.int32) - zero_w)
    acc = acc if bias is None else acc + bias[:, None, None]
    scales = scale_w.double()[:, None, None] if isinstance(scale_w, torch.Tensor) else scale_w
    least, most = (-128, 127) if qx.dtype == torch.int8 else (0, 255)
    q = torch.round(acc.double() * (scale_in * scales / scale_out)) + zero_out
    return q.clamp(least, most).to(qx.dtype)


def conv_ignores_zero_in(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out, stride=1, padding=0):
    """The zero point of the inputs was left out of the sums. Each integer counts from there: (qx - zero_in)."""
    x = torch.nn.functional.pad(qx.to(torch.int32), (padding,) * 4, value=zero_in)
    acc = torch.conv2d(x.contiguous(), qw.to(torch.int32) - zero_w, None, stride)
    acc = acc if bias is None else acc + bias[:, None, None]
    scales = scale_w.double()[:, None, None] if isinstance(scale_w, torch.Tensor) else scale_w
    least, most = (-128, 127) if qx.dtype == torch.int8 else (0, 255)
    q = torch.round(acc.double() * (scale_in * scales / scale_out)) + zero_out
    return q.clamp(least, most).to(qx.dtype)


# --- fold_batch_norm ----------------------------------------------------------------------------------------


def fold_forgets_eps(conv, bn):
    """eps is missing. Batch normalisation divides by sqrt(var + eps)."""
    import copy

    new = copy.deepcopy(conv)
    gain = bn.weight / torch.sqrt(bn.running_var)
    bias = 0 if conv.bias is None else conv.bias
    new.weight = torch.nn.Parameter((conv.weight * gain[:, None, None, None]).detach())
    new.bias = torch.nn.Parameter(((bias - bn.running_mean) * gain + bn.bias).detach())
    return new


def fold_divides_by_variance(conv, bn):
    """This divides by the variance. Batch normalisation divides by its root: sqrt(var + eps)."""
    import copy

    new = copy.deepcopy(conv)
    gain = bn.weight / (bn.running_var + bn.eps)
    bias = 0 if conv.bias is None else conv.bias
    new.weight = torch.nn.Parameter((conv.weight * gain[:, None, None, None]).detach())
    new.bias = torch.nn.Parameter(((bias - bn.running_mean) * gain + bn.bias).detach())
    return new


def fold_leaves_bias_unscaled(conv, bn):
    """The bias of the convolution was not scaled. It passes through the normalisation like everything else:
    (bias - mean) * gain + beta."""
    import copy

    new = copy.deepcopy(conv)
    gain = bn.weight / torch.sqrt(bn.running_var + bn.eps)
    bias = 0 if conv.bias is None else conv.bias
    new.weight = torch.nn.Parameter((conv.weight * gain[:, None, None, None]).detach())
    new.bias = torch.nn.Parameter((bias - bn.running_mean * gain + bn.bias).detach())
    return new


def fold_scales_input_channels(conv, bn):
    """The gains were laid along the input channels. Batch normalisation scales what comes out, and that is dimension 0
    of the weight."""
    import copy

    new = copy.deepcopy(conv)
    gain = bn.weight / torch.sqrt(bn.running_var + bn.eps)
    bias = 0 if conv.bias is None else conv.bias
    new.weight = torch.nn.Parameter((conv.weight * gain[None, :, None, None]).detach())
    new.bias = torch.nn.Parameter(((bias - bn.running_mean) * gain + bn.bias).detach())
    return new


def fold_in_place(conv, bn):
    """The given convolution itself was changed. Whoever still uses it now gets other numbers: build a new one, with
    copy.deepcopy for example."""
    gain = bn.weight / torch.sqrt(bn.running_var + bn.eps)
    bias = 0 if conv.bias is None else conv.bias
    conv.weight = torch.nn.Parameter((conv.weight * gain[:, None, None, None]).detach())
    conv.bias = torch.nn.Parameter(((bias - bn.running_mean) * gain + bn.bias).detach())
    return conv


# --- fake_quantize ------------------------------------------------------------------------------------------


def fake_without_gradient(x, scale, zero_point, bits):
    """The gradient is 0 everywhere, because rounding is flat. Let it pass as if nothing was rounded: x + (rounded -
    x).detach(), or a torch.autograd.Function."""
    q = (torch.round(x / scale) + zero_point).clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return (q - zero_point) * scale


def fake_passes_everywhere(x, scale, zero_point, bits):
    """The gradient passes beyond the grid too. There x can move and nothing changes, so it must be zero: clamp x with a
    gradient before you round."""
    q = (torch.round(x / scale) + zero_point).clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return x + ((q - zero_point) * scale - x).detach()


def fake_scaled_gradient(x, scale, zero_point, bits):
    """The gradient is off by the scale: the step there divides by it, and the step back multiplies again. Let both, or
    neither, have a gradient."""
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    inside = (x / scale + zero_point).clamp(least, most)
    q = (torch.round(x / scale) + zero_point).clamp(least, most)
    return inside + ((q - zero_point) * scale - inside).detach()


def fake_stays_integer(x, scale, zero_point, bits):
    """These are the integers. Go back to real numbers in the same step: (q - z) times the scale."""
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    inside = (x / scale + zero_point).clamp(least, most)
    q = (torch.round(x / scale) + zero_point).clamp(least, most)
    return inside + (q - inside).detach()


def fake_never_saturates(x, scale, zero_point, bits):
    """Numbers were rounded, but those beyond the grid stayed there. Clamp the integers to -2^(b-1) ... 2^(b-1) - 1."""
    return x + (torch.round(x / scale) * scale - x).detach()


_WRONG: dict[str, tuple[Callable[..., Any], ...]] = {
    "affine_qparams": (
        affine_without_zero,
        affine_too_many_steps,
        affine_from_zero,
        affine_never_symmetric,
        affine_zero_scale,
        affine_float_zero_point,
    ),
    "quantize": (
        quantize_cuts,
        quantize_half_up,
        quantize_wraps,
        quantize_shifts_first,
        quantize_stays_float,
        quantize_always_eight,
    ),
    "dequantize": (dequantize_wraps, dequantize_adds, dequantize_scales_first, dequantize_in_double),
    "quantization_error": (
        error_twenty,
        error_inverted,
        error_natural_log,
        error_symmetric,
        error_around_mean,
        error_of_amplitudes,
    ),
    "per_channel_qparams": (
        channel_one_for_all,
        channel_other_axis,
        channel_largest_positive,
        channel_divides_by_power,
        channel_dead_scale,
    ),
    "calibrate": (
        calibrate_mean_of_ranges,
        calibrate_one_percent,
        calibrate_first_batch,
        calibrate_mirrored,
        calibrate_mse_is_minmax,
        calibrate_cuts_above_only,
    ),
    "int8_matmul": (
        matmul_float64,
        matmul_float32,
        matmul_wraps,
        matmul_ignores_zero_points,
        matmul_adds_zero_points,
        matmul_int64,
    ),
    "requantize": (
        requantize_cuts,
        requantize_half_up,
        requantize_shifts_first,
        requantize_wraps,
        requantize_upside_down,
        requantize_last_axis,
    ),
    "int8_linear": (
        linear_in_floats,
        linear_without_bias,
        linear_bias_at_the_end,
        linear_ignores_zero_in,
        linear_ignores_zero_out,
        linear_always_signed,
    ),
    "int8_conv2d": (
        conv_pads_with_zeros,
        conv_in_floats,
        conv_flips,
        conv_without_bias,
        conv_ignores_geometry,
        conv_ignores_zero_in,
    ),
    "fold_batch_norm": (
        fold_forgets_eps,
        fold_divides_by_variance,
        fold_leaves_bias_unscaled,
        fold_scales_input_channels,
        fold_in_place,
    ),
    "fake_quantize": (
        fake_without_gradient,
        fake_passes_everywhere,
        fake_scaled_gradient,
        fake_stays_integer,
        fake_never_saturates,
    ),
}

MISTAKES = {name: tuple(map(Misconception.of, wrong)) for name, wrong in _WRONG.items()} | NETWORK_MISTAKES
"""The known mistakes of each exercise, the most telling first."""
