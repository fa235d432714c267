"""The inputs that quantization is tried on, and what holds whatever the numbers. Networks: `quantization_networks`.

Numbers keep away from ties, unless a case is about ties: right answers may differ in the last bit before they round.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case, Probe
from course_lib import quantization

Rng = np.random.Generator
INT8, UINT8, INT32 = torch.int8, torch.uint8, torch.int32


def _normal(rng: Rng, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.from_numpy(np.asarray(rng.standard_normal(shape))).to(dtype)


def _integers(rng: Rng, *shape: int, dtype: torch.dtype = INT8) -> Tensor:
    info = torch.iinfo(dtype)
    return torch.from_numpy(rng.integers(info.min, info.max + 1, shape)).to(dtype)


def _scale(rng: Rng) -> float:
    return float(rng.uniform(0.013, 0.09))


def _far_from_ties(
    rng: Rng, shape: tuple[int, ...], scale: Any, low: int, high: int, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Numbers that round to steps from `low` to `high`."""
    steps = rng.integers(low, high + 1, shape) + rng.uniform(-0.4, 0.4, shape)
    numbers: Tensor = torch.from_numpy(np.asarray(steps)) * scale
    return numbers.to(dtype)


# --- affine_qparams -----------------------------------------------------------------------------------------


def affine_visible(rng: Rng) -> Iterator[Case]:
    """Smallest first."""
    yield Case("from -1 to 3, two bits", (-1.0, 3.0, 2))
    yield Case("from -2 to 6, eight bits", (-2.0, 6.0))
    yield Case("unsigned", (-0.3, 1.1, 8, False))
    yield Case("symmetric", (-0.5, 0.2, 8, True, True), group="symmetric")
    yield Case("symmetric, mostly positive, four bits", (-0.25, 1.5, 4, True, True), group="symmetric")
    yield Case("nothing below 1", (1.0, 4.0), group="zero")
    yield Case("nothing above -2", (-5.0, -2.0, 8, False), group="zero")
    yield Case("nothing but zeros", (0.0, 0.0), group="zero")


def affine_hidden(rng: Rng) -> Iterator[Case]:
    """Other ranges and bits."""
    for bits in (2, 3, 5, 8):
        yield Case(f"{bits} bits", (float(rng.uniform(-9, -1)), float(rng.uniform(1, 9)), bits, bits % 2 == 0))
    low, high = float(rng.uniform(-3, -2)), float(rng.uniform(4, 9))
    yield Case("symmetric, six bits", (low, high, 6, True, True), group="symmetric")
    yield Case("symmetric, unsigned", (low, high, 8, False, True), group="symmetric")
    yield Case("symmetric, nothing but zeros", (0.0, 0.0, 8, True, True), group="symmetric")
    yield Case("one positive number", (high, high), group="zero")
    yield Case("one negative number, unsigned", (low, low, 4, False), group="zero")
    yield Case("a tiny range", (1e-20 * low, 1e-20 * high), group="zero")
    yield Case("a huge range", (1e20 * low, 1e20 * high, 8, False), group="zero")


def affine_accepts(case: Case, value: Any) -> str | None:
    """Any scale will do where there is nothing but 0, and either neighbour where the zero point is a tie."""
    given: tuple[Any, ...] = case.args + (8, True, False)[len(case.args) - 2 :]
    low, high, bits, signed, symmetric = given
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        return "a pair is asked: the scale and the zero point"
    scale, zero = value
    if isinstance(zero, float) or (isinstance(zero, Tensor) and zero.is_floating_point()):
        return f"the zero point is {zero}, a floating number; it is one of the integers, so return an int"
    scale, zero = float(scale), int(zero)
    if not math.isfinite(scale) or scale <= 0:
        return f"the scale is {scale:g}; a scale is above 0, also where there is nothing but zeros"
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if not least <= zero <= most:
        return f"the zero point is {zero}; the integers of this grid reach from {least} to {most}"
    if low == high == 0:
        return None
    wanted, exact = quantization.affine_qparams(low, high, bits, signed, symmetric)
    if not math.isclose(scale, wanted, rel_tol=1e-5):
        return f"the scale is {scale:.7g}; expected is {wanted:.7g}"
    place = exact if symmetric else least - min(low, 0.0) / wanted
    if abs(zero - place) > 0.5 + 1e-6:
        return f"the zero point is {zero}; expected is {exact}"
    return None


def zero_is_exact(call: Probe, rng: Rng) -> str | None:
    """The integer of 0 is one of the grid's, and stands for exactly 0."""
    for _ in range(4):
        low, high = sorted(float(each) for each in rng.uniform(-5, 5, 2))
        scale, zero = call(low, high, 4, False)
        if int(zero) != zero or not 0 <= zero <= 15:
            return "the zero point must be one of the grid's integers, so that 0 is stored without an error"
        if (0 - zero) * scale > low + scale or (15 - zero) * scale < high - scale:
            return "the grid does not reach both ends of the range"
    return None


# --- quantize and dequantize --------------------------------------------------------------------------------


def quantize_visible(rng: Rng) -> Iterator[Case]:
    """Smallest first."""
    yield Case("four numbers, three bits", (torch.tensor([-1.2, 0.4, 0.8, 1.7]), 1.0, 1, 3))
    s = _scale(rng)
    yield Case("a matrix", (_far_from_ties(rng, (3, 4), s, -120, 100), s, 7))
    yield Case("unsigned", (_far_from_ties(rng, (6,), s, -90, 120), s, 100, 8, False))
    rows = torch.tensor([[0.5], [0.05], [0.005]])
    yield Case("a scale for each row", (_far_from_ties(rng, (3, 4), rows, -60, 60), rows, 0))
    ties = torch.tensor([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])
    yield Case("halves", (ties, 1.0, 1), group="ties")
    yield Case("halves of a step of 0.25, unsigned", (0.25 * ties, 0.25, 3, 4, False), group="ties")
    yield Case("beyond the grid", (torch.tensor([-9.0, -4.4, 4.4, 9.0]), 1.0, -1, 3), group="saturation")
    yield Case("far beyond, unsigned", (torch.tensor([-40.0, 300.2, 1000.3]), 1.0, 10, 8, False), group="saturation")


def quantize_hidden(rng: Rng) -> Iterator[Case]:
    """Other bits, dtypes and layouts."""
    for bits in (2, 4, 6):
        s = _scale(rng)
        yield Case(f"{bits} bits", (_far_from_ties(rng, (40,), s, -70, 70), s, -1, bits))
        yield Case(f"{bits} bits, unsigned", (_far_from_ties(rng, (40,), s, -70, 70), s, 2, bits, False))
    s = _scale(rng)
    double = _far_from_ties(rng, (5, 6), s, -100, 100, torch.float64)
    yield Case("float64, every second column", (double[:, ::2], s, 3))
    columns = torch.tensor([0.3, 0.02, 7.0, 0.1], dtype=torch.float64)
    zeros = torch.tensor([0, 3, -7, 50])
    yield Case("a grid for each column", (_far_from_ties(rng, (5, 4), columns, -60, 60), columns.float(), zeros))
    yield Case("one number", (torch.tensor(0.7), 0.5, 0))
    yield Case("with a gradient", (_far_from_ties(rng, (4,), s, -100, 100).requires_grad_(), s, 5))
    halves = torch.from_numpy(rng.integers(-20, 20, 12) + 0.5)
    yield Case("many halves", (halves, 1.0, 3), group="ties")
    yield Case("many halves of 2", ((2 * halves).float(), 2.0, 101, 8, False), group="ties")
    yield Case("huge numbers", (torch.tensor([-1e30, 1e30, 3e38]), 0.1, 5), group="saturation")
    yield Case("infinity", (torch.tensor([-math.inf, 0.0, math.inf]), 0.1, 5, 4), group="saturation")
    yield Case("both ends", (torch.tensor([-128.4, -127.6, 126.6, 127.4]), 1.0, 0), group="saturation")


def dequantize_visible(rng: Rng) -> Iterator[Case]:
    """Smallest first."""
    yield Case("three integers", (torch.tensor([-3, 0, 5], dtype=INT8), 0.5, 1))
    yield Case("a zero point far away", (torch.tensor([-128, -100, 127], dtype=INT8), 0.1, 100))
    yield Case("unsigned", (torch.tensor([0, 7, 255], dtype=UINT8), 0.02, 200))
    yield Case("a scale for each row", (_integers(rng, 2, 3), torch.tensor([[0.5], [0.01]]), 0))


def dequantize_hidden(rng: Rng) -> Iterator[Case]:
    """Other dtypes and layouts."""
    yield Case("all of int8", (torch.arange(-128, 128).to(INT8), _scale(rng), -77))
    yield Case("all of uint8", (torch.arange(256).to(UINT8), _scale(rng), 131))
    yield Case("sums of 32 bits", (_integers(rng, 4, 3, dtype=INT32), 1e-4, 0))
    yield Case("a matrix stored by columns", (_integers(rng, 4, 3).T, _scale(rng), 12))
    zeros = torch.tensor([[3], [-100]])
    yield Case("a grid for each row", (_integers(rng, 2, 5), torch.tensor([[0.5], [0.01]], dtype=torch.float64), zeros))


# --- quantization_error -------------------------------------------------------------------------------------


def error_visible(rng: Rng) -> Iterator[Case]:
    """Smallest first."""
    yield Case("four numbers, two bits", (torch.tensor([0.0, 1.2, 1.8, 3.0]), 2))
    yield Case("a hundred normal numbers, four bits", (_normal(rng, 100), 4))
    yield Case("a matrix, eight bits", (_normal(rng, 9, 20), 8))
    yield Case("nothing below 5", (5 + _normal(rng, 60).abs(), 4))
    yield Case("nothing is lost", (torch.tensor([-2.0, -1.0, 0.0, 1.0]), 2), group="exact")


def error_hidden(rng: Rng) -> Iterator[Case]:
    """Other bits and dtypes."""
    for bits in (2, 3, 6, 8):
        yield Case(f"{bits} bits", (_normal(rng, 300) * float(rng.uniform(0.1, 30)) + 0.3, bits))
    yield Case("float64", (_normal(rng, 20, 30, dtype=torch.float64), 5))
    yield Case("nothing above -3", (-3 - _normal(rng, 50).abs(), 6))
    yield Case("a slice", (_normal(rng, 30, 4)[:, ::2], 4))
    yield Case("nothing but zeros", (torch.zeros(7), 8), group="exact")
    yield Case("all of eight bits", (torch.arange(-128.0, 128), 8), group="exact")


def error_ignores_units(call: Probe, rng: Rng) -> str | None:
    """Decibels compare the error with the signal, so a unit cancels."""
    x = _normal(rng, 200, dtype=torch.float64)
    if abs(call(x, 5) - call(8 * x, 5)) > 1e-3:
        return "the signal-to-noise ratio changes when all numbers are 8 times as large: it is a ratio, no unit matters"
    return None


# --- per_channel_qparams ------------------------------------------------------------------------------------


def channel_visible(rng: Rng) -> Iterator[Case]:
    """Smallest first."""
    yield Case("two rows", (torch.tensor([[0.5, -1.0], [0.1, -12.7]]), 0))
    yield Case("its columns, four bits", (torch.tensor([[0.5, -1.4, 0.7], [0.1, 0.2, -3.5]]), 1, 4))
    yield Case("kernels", (_normal(rng, 3, 2, 3, 3), 0))
    yield Case("a channel of zeros", (torch.tensor([[0.0, 0.0], [1.0, -2.0]]), 0), group="corners")
    yield Case("counted from the end", (_normal(rng, 3, 4, 2), -1, 3), group="corners")


def channel_hidden(rng: Rng) -> Iterator[Case]:
    """Other shapes, axes and dtypes."""
    for axis in range(4):
        yield Case(f"axis {axis}", (_normal(rng, 4, 3, 2, 5), axis, int(rng.integers(2, 9))))
    yield Case("a vector", (_normal(rng, 6), 0), group="corners")
    yield Case("float64", (_normal(rng, 3, 7, dtype=torch.float64), 0, 6), group="corners")
    yield Case("stored by columns", (_normal(rng, 5, 3).T, 0), group="corners")
    yield Case("nothing but zeros", (torch.zeros(2, 3), 1), group="corners")


def channel_accepts(case: Case, value: Any) -> str | None:
    """Any scale will do for a channel of zeros."""
    given: tuple[Any, ...] = case.args + (8,)[len(case.args) - 2 :]
    w, axis, bits = given
    if not isinstance(value, (tuple, list)) or len(value) != 2 or not all(isinstance(each, Tensor) for each in value):
        return "two tensors are asked: the scales and the zero points, one of each for every channel"
    scales, zeros = value
    wanted = (w.shape[axis],)
    for name, found in (("scales", scales), ("zero points", zeros)):
        if tuple(found.shape) != wanted:
            return f"the {name} have shape {tuple(found.shape)}; expected is {wanted}, one for each channel"
    if scales.dtype != w.dtype:
        return f"the scales have dtype {scales.dtype}; expected is {w.dtype}, as the weights have"
    if zeros.is_floating_point():
        return "the zero points are floating numbers; integers are asked"
    if bool((zeros != 0).any()):
        return "a zero point is not 0; these grids are symmetric"
    if not bool((torch.isfinite(scales) & (scales > 0)).all()):
        return "a scale is not above 0; every channel needs a step, also a channel of zeros"
    expected, _ = quantization.per_channel_qparams(w, axis, bits)
    used = w.movedim(axis, 0).reshape(w.shape[axis], -1).ne(0).any(1)
    off = used & ~torch.isclose(scales.detach(), expected, rtol=1e-5, atol=0)
    if bool(off.any()):
        channel = int(off.nonzero()[0])
        return f"the scale of channel {channel} is {scales[channel]:.6g}; expected is {expected[channel]:.6g}"
    return None


# --- calibrate ----------------------------------------------------------------------------------------------


def _heavy(rng: Rng, count: int = 150_000) -> Tensor:
    """So many numbers, and two so far out, that giving up the two is worth the finer step for all others."""
    values = rng.laplace(size=count)
    values[rng.permutation(count)[:2]] = -16, 16
    return torch.from_numpy(values).float()


def calibrate_visible(rng: Rng) -> Iterator[Case]:
    """Smallest first."""
    yield Case("the range of four numbers", (torch.tensor([0.5, -1.0, 2.0, 0.0]), "minmax"))
    yield Case("two batches", ([_normal(rng, 3, 4), 2 * _normal(rng, 5, 4) + 1], "minmax"))
    yield Case("percentiles of 0 to 1000", (torch.arange(1001.0), "percentile"), group="percentile")
    parts = [_normal(rng, 700), 3 * _normal(rng, 20, 40), torch.tensor([90.0])]
    yield Case("percentiles of three batches", (parts, "percentile"), group="percentile")
    yield Case("a heavy tail", (_heavy(rng), "mse"), group="mse")
    yield Case("a heavy tail in two batches, no minus", ([_heavy(rng).relu(), 0.5 * _heavy(rng).relu()], "mse"),
               group="mse")  # fmt: skip


def calibrate_hidden(rng: Rng) -> Iterator[Case]:
    """Other sizes, shapes and dtypes."""
    yield Case("all positive", (3 + _normal(rng, 50).abs(), "minmax"))
    yield Case("one number", (torch.tensor([-2.5]), "minmax"))
    yield Case("batches of other shapes", ([_normal(rng, 2, 3, 4), _normal(rng, 7), -5 - _normal(rng, 1, 2)], "minmax"))
    yield Case("float64", (_normal(rng, 3000, dtype=torch.float64), "percentile"), group="percentile")
    yield Case("few numbers", ([_normal(rng, 20), _normal(rng, 13)], "percentile"), group="percentile")
    yield Case("one side", (_heavy(rng, 5000).abs(), "percentile"), group="percentile")
    yield Case("another heavy tail", (_heavy(rng, 160_000) - 0.5, "mse"), group="mse")
    yield Case("a flat distribution", (torch.from_numpy(rng.uniform(-2, 1, 3000)), "mse"), group="mse")


def calibrate_accepts(case: Case, value: Any) -> str | None:
    """By "mse" any range will do whose error is nearly as small as the reference's."""
    samples, method = case.args
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        return "a pair is asked: low and high"
    low, high = float(value[0]), float(value[1])
    expected = quantization.calibrate(samples, method)
    if method == "mse":
        values = torch.cat([each.flatten() for each in ([samples] if isinstance(samples, Tensor) else samples)])
        found, best = _error(values, low, high), _error(values, *expected)
        if not found <= 1.08 * best:
            return (
                f"the range from {low:.4g} to {high:.4g} has a mean squared error of {found:.3g} with 8 bits; "
                f"there is a range with {best:.3g}"
            )
        return None
    for name, got, want in (("low", low, expected[0]), ("high", high, expected[1])):
        if not math.isclose(got, want, rel_tol=1e-4, abs_tol=1e-5):
            return f"{name} is {got:.7g}; expected is {want:.7g}"
    return None


def _error(values: Tensor, low: float, high: float) -> float:
    if not low <= high:
        return math.inf
    scale, zero = quantization.affine_qparams(low, high)
    back = (quantization.quantize(values, scale, zero).double() - zero) * scale
    return float(((back - values) ** 2).mean())


# --- int8_matmul --------------------------------------------------------------------------------------------


def matmul_visible(rng: Rng) -> Iterator[Case]:
    """Smallest first."""
    qx, qw = torch.tensor([[1, 2, 3]], dtype=INT8), torch.tensor([[4, 5, 6], [0, -1, 2]], dtype=INT8)
    yield Case("one row", (qx, 0, qw, 0))
    yield Case("two matrices", (_integers(rng, 3, 4), 0, _integers(rng, 2, 4), 0))
    yield Case("one row, a zero point", (qx, 1, qw, 0), group="zero points")
    yield Case("far zero points", (_integers(rng, 2, 3), 100, _integers(rng, 4, 3), -90), group="zero points")
    yield Case("unsigned inputs", (_integers(rng, 2, 5, dtype=UINT8), 200, _integers(rng, 3, 5), 0),
               group="zero points")  # fmt: skip
    yield Case("sums beyond 24 bits", _long(rng, 2, 700, 3), group="32 bits")


def _long(rng: Rng, n: int, d: int, out: int, zero: int = 3) -> tuple[Any, ...]:
    """Sums that float32 cannot hold: nearly all products are large and positive."""
    qx = torch.from_numpy(rng.integers(236, 256, (n, d))).to(UINT8)
    qw = torch.from_numpy(rng.integers(116, 128, (out, d))).to(INT8)
    return qx, zero, qw, -1


def matmul_hidden(rng: Rng) -> Iterator[Case]:
    """Other dtypes, layouts and sizes."""
    yield Case("as many rows as columns", (_integers(rng, 4, 4), 0, _integers(rng, 4, 4), 0))
    yield Case("one feature", (_integers(rng, 3, 1), 0, _integers(rng, 2, 1), 0))
    yield Case("stored by columns", (_integers(rng, 6, 3).T, 0, _integers(rng, 6, 4).T, 0))
    yield Case("everything unsigned", (_integers(rng, 3, 6, dtype=UINT8), 128, _integers(rng, 2, 6, dtype=UINT8), 99),
               group="zero points")  # fmt: skip
    zw = torch.tensor([0, -128, 5], dtype=INT32)
    yield Case("a zero point for each row of qw", (_integers(rng, 2, 6), -7, _integers(rng, 3, 6), zw),
               group="zero points")  # fmt: skip
    yield Case("longer sums", _long(rng, 3, 3001, 2, 0), group="32 bits")
    least = torch.full((1, 1500), -128, dtype=INT8)
    yield Case("the least integers", (least, 127, least[:, :1500].repeat(2, 1), 126), group="32 bits")


# --- requantize ---------------------------------------------------------------------------------------------


def _sums(rng: Rng, shape: tuple[int, ...], multiplier: Any, low: int, high: int) -> Tensor:
    """Sums that land between `low` and `high` on the next grid, away from ties."""
    steps = rng.integers(low, high + 1, shape) + rng.uniform(-0.4, 0.4, shape)
    return torch.from_numpy(np.round(steps / np.asarray(multiplier))).to(INT32)


def _channels(rng: Rng, out: int) -> Tensor:
    return torch.from_numpy(rng.uniform(0.001, 0.02, out)).float()


def requantize_visible(rng: Rng) -> Iterator[Case]:
    """Smallest first."""
    yield Case("three sums", (torch.tensor([[40, -50, 101]], dtype=INT32), 0.5, 0.1, 2.5, 0))
    yield Case("a zero point", (torch.tensor([[40, -50], [101, 7]], dtype=INT32), 0.5, 0.1, 2.5, 4))
    yield Case("unsigned", (_sums(rng, (2, 4), 0.003 * 0.1 / 0.07, -60, 150), 0.003, 0.1, 0.07, 80, 8, False))
    scales = _channels(rng, 3)
    factors = 0.1 * scales.numpy().astype(float) / 0.2
    yield Case("a scale for each column", (_sums(rng, (4, 3), factors, -100, 100), 0.1, scales, 0.2, 5),
               group="channels")  # fmt: skip
    maps = _sums(rng, (2, 3, 2, 3), factors[:, None, None], -100, 100)
    yield Case("a scale for each map", (maps, 0.1, scales, 0.2, -3), group="channels")
    yield Case("halves", (torch.tensor([[1, 3, 5, -1, -3]], dtype=INT32), 0.5, 0.25, 0.25, 1), group="rounding")
    yield Case("beyond the grid", (torch.tensor([[900, -700, 20]], dtype=INT32), 0.5, 0.5, 0.25, 3), group="rounding")
    yield Case("beyond four bits", (torch.tensor([[9, -11, 3]], dtype=INT32), 1.0, 1.0, 1.0, -1, 4), group="rounding")


def requantize_hidden(rng: Rng) -> Iterator[Case]:
    """Other bits, shapes and sizes."""
    scale_in, scale_w, scale_out = _scale(rng), _scale(rng), 7.3 * _scale(rng)
    one = scale_in * scale_w / scale_out
    yield Case("a column", (_sums(rng, (5, 1), one, -120, 90), scale_in, scale_w, scale_out, 17))
    yield Case("large sums", (_sums(rng, (2, 6), 3e-7, -120, 120), 3e-5, 1e-2, 1.0, 0))
    scales = _channels(rng, 4)
    factors = scale_in * scales.numpy().astype(float) / scale_out
    maps = _sums(rng, (1, 4, 5, 4), factors[:, None, None], -60, 60)
    yield Case("more maps, unsigned", (maps, scale_in, scales, scale_out, 70, 8, False), group="channels")
    yield Case("as many rows as columns", (_sums(rng, (4, 4), factors, -90, 90), scale_in, scales, scale_out, 9),
               group="channels")  # fmt: skip
    odd = torch.from_numpy(2 * rng.integers(-60, 60, (3, 4)) + 1).to(INT32)
    yield Case("many halves", (odd, 0.25, 1.0, 0.5, -5), group="rounding")
    yield Case("many halves, unsigned", (odd, 0.5, 1.0, 1.0, 33, 8, False), group="rounding")
    most = torch.tensor([[2**31 - 1, -(2**31), 2**24 + 1]], dtype=INT32)
    yield Case("the largest sums", (most, 1.0, 1.0, 1.0, 3), group="rounding")


# --- layers -------------------------------------------------------------------------------------------------


def _layer(
    rng: Rng,
    x: tuple[int, ...],
    w: tuple[int, ...],
    dtype: torch.dtype,
    geometry: tuple[int, int] = (1, 0),
    **has: bool,
) -> tuple[Any, ...]:
    """A layer whose outputs fill their grid, a few of them beyond it, and none near a tie."""
    for _ in range(1000):
        qx, qw = _integers(rng, *x, dtype=dtype), _integers(rng, *w)
        zero_in, zero_out = (int(each) for each in rng.integers(9, 60, 2))
        scale_in = _scale(rng)
        scales = torch.from_numpy(rng.uniform(0.002, 0.02, w[0])).float()
        shifted = qx.double() - zero_in
        shape = (-1, *[1] * (len(x) - 2))
        bias = torch.from_numpy(rng.integers(-20_000, 20_000, w[0])).to(INT32) if has.get("bias", True) else None
        if not has.get("channels", True):
            scales[:] = scales[0]
        sums = torch.conv2d(shifted, qw.double(), None, *geometry) if len(x) == 4 else shifted @ qw.double().T
        worth = (sums + (0 if bias is None else bias.view(shape))) * scale_in * scales.double().view(shape)
        scale_out = float(worth.std(correction=0)) / 70
        steps = worth / scale_out
        if float((steps - steps.floor() - 0.5).abs().min()) > 1e-3:
            break
    scale_w: Any = scales if has.get("channels", True) else float(scales[0])
    return qx, scale_in, zero_in, qw, scale_w, 0, bias, scale_out, zero_out


def linear_visible(rng: Rng) -> Iterator[Case]:
    """Smallest first."""
    qx, qw = torch.tensor([[3, -1]], dtype=INT8), torch.tensor([[10, 20], [-4, 6]], dtype=INT8)
    bias = torch.tensor([-8, 14], dtype=INT32)
    yield Case("by hand", (qx, 0.5, 1, qw, 0.1, 0, bias, 0.25, 2))
    yield Case("no bias", _layer(rng, (3, 4), (2, 4), INT8, bias=False, channels=False))
    yield Case("a batch of three", _layer(rng, (3, 4), (2, 4), INT8, channels=False))
    yield Case("unsigned", _layer(rng, (2, 5), (3, 5), UINT8), group="corners")
    yield Case("a scale for each row", _layer(rng, (3, 6), (4, 6), INT8), group="corners")
    yield Case("sums beyond 24 bits", _cancelled(rng, 900), group="corners")


def _cancelled(rng: Rng, d: int) -> tuple[Any, ...]:
    """Sums of which a bias leaves little: whoever adds in float32 has lost that."""
    qx, zero_in, qw, zero_w = _long(rng, 1, d, 4)
    sums = (qx.long() - zero_in) @ (qw.long() - zero_w).T
    bias = (torch.from_numpy(rng.integers(-60, 60, 4)) - sums[0]).to(INT32)
    return qx, 1.0, zero_in, qw, 1.0, zero_w, bias, 1.0, 100


def linear_hidden(rng: Rng) -> Iterator[Case]:
    """Other sizes and layouts."""
    yield Case("a larger batch", _layer(rng, (7, 12), (5, 12), INT8))
    yield Case("one example", _layer(rng, (1, 9), (6, 9), INT8))
    yield Case("unsigned, no bias", _layer(rng, (4, 8), (3, 8), UINT8, bias=False), group="corners")
    yield Case("as many rows as columns", _layer(rng, (4, 4), (4, 4), UINT8), group="corners")
    yield Case("longer sums", _cancelled(rng, 2500), group="corners")
    qx, scale_in, zero_in, qw, *rest = _layer(rng, (5, 6), (3, 6), INT8)
    turned = (qx.T.contiguous().T, scale_in, zero_in, qw.T.contiguous().T, *rest)
    yield Case("stored by columns", turned, group="corners")


def _conv(
    rng: Rng, x: tuple[int, ...], w: tuple[int, ...], dtype: torch.dtype = INT8, stride: int = 1, padding: int = 0,
    **has: bool,
) -> tuple[Any, ...]:  # fmt: skip
    return (*_layer(rng, x, w, dtype, (stride, padding), **has), stride, padding)


def conv_visible(rng: Rng) -> Iterator[Case]:
    """Smallest first."""
    qx, qw = torch.tensor([[[[1, 2, 3], [4, 5, 6]]]], dtype=INT8), torch.tensor([[[[1, 0], [0, -2]]]], dtype=INT8)
    yield Case("by hand", (qx, 1.0, 1, qw, 0.5, 0, torch.tensor([4], dtype=INT32), 0.5, 0))
    yield Case("two channels", _conv(rng, (1, 2, 4, 5), (3, 2, 2, 2), channels=False))
    yield Case("a batch, no bias", _conv(rng, (2, 2, 4, 4), (3, 2, 3, 3), bias=False))
    yield Case("padding", _conv(rng, (1, 1, 3, 4), (2, 1, 3, 3), padding=1), group="geometry")
    yield Case("stride", _conv(rng, (1, 2, 6, 7), (2, 2, 3, 2), stride=2), group="geometry")
    yield Case("unsigned, stride and padding", _conv(rng, (2, 3, 5, 5), (4, 3, 3, 3), UINT8, 2, 1), group="geometry")


def conv_hidden(rng: Rng) -> Iterator[Case]:
    """Other sizes, kernels and layouts."""
    yield Case("more channels", _conv(rng, (2, 4, 6, 5), (5, 4, 3, 3)))
    yield Case("a kernel of one", _conv(rng, (2, 3, 4, 3), (4, 3, 1, 1)))
    yield Case("unsigned", _conv(rng, (1, 2, 5, 4), (3, 2, 2, 3), UINT8))
    yield Case("wide padding", _conv(rng, (1, 2, 3, 2), (2, 2, 3, 3), INT8, 1, 2), group="geometry")
    yield Case("stride of three", _conv(rng, (1, 2, 8, 9), (3, 2, 3, 2), UINT8, 3, 1), group="geometry")
    qx, *rest = _conv(rng, (2, 3, 6, 4), (3, 3, 2, 2), INT8, 2, 1)
    yield Case("channels last", (qx.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2), *rest), group="geometry")
    qx, zero_in, qw, zero_w = _long(rng, 1, 900, 4)
    sums = (qx.long() - zero_in) @ (qw.long() - zero_w).T
    bias = (torch.from_numpy(rng.integers(-60, 60, 4)) - sums[0]).to(INT32)
    maps = (qx.view(1, 100, 3, 3), 1.0, zero_in, qw.view(4, 100, 3, 3), 1.0, zero_w, bias, 1.0, 100)
    yield Case("sums beyond 24 bits", maps)


# --- fake_quantize ------------------------------------------------------------------------------------------


def fake_visible(rng: Rng) -> Iterator[Case]:
    """Smallest first."""
    x = torch.tensor([-3.0, -0.4, 0.6, 1.3, 9.0])
    yield Case("five numbers, three bits", (x, 1.0, 1, 3, torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])))
    yield Case("eight bits", _fake(rng, (3, 4), 8, 5))
    yield Case("two bits", _fake(rng, (4, 5), 2, 0))
    rows = torch.tensor([[0.5], [0.05], [0.005]])
    yield Case("a scale for each row", _fake(rng, (3, 4), 3, 0, scale=rows), group="corners")
    yield Case("float64", _fake(rng, (6,), 4, -2, torch.float64), group="corners")


def _fake(
    rng: Rng, shape: tuple[int, ...], bits: int, zero: int, dtype: torch.dtype = torch.float32, scale: Any = None
) -> tuple[Any, ...]:
    """Numbers of which a part lies clearly beyond the grid."""
    step = _scale(rng) if scale is None else scale
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    x = _far_from_ties(rng, shape, step, least - zero, most - zero, dtype)
    beyond = torch.from_numpy(rng.permutation(math.prod(shape)).reshape(shape) % 4 == 0)
    away = torch.from_numpy(np.where(rng.random(shape) < 0.5, least - 2.3 - zero, most + 2.3 - zero))
    x = torch.where(beyond, (away * step).to(dtype), x)
    return x, step, zero, bits, _normal(rng, *shape, dtype=dtype)


def fake_hidden(rng: Rng) -> Iterator[Case]:
    """Other bits, shapes and layouts."""
    for bits in (2, 3, 5, 8):
        yield Case(f"{bits} bits", _fake(rng, (30,), bits, int(rng.integers(-1, 2))))
    columns = torch.tensor([0.3, 0.02, 7.0, 0.1])
    yield Case("a scale for each column", _fake(rng, (5, 4), 4, 1, scale=columns), group="corners")
    x, *rest = _fake(rng, (6, 4), 4, 0, torch.float64)
    yield Case("stored by columns", (x.T.contiguous().T, *rest), group="corners")
    yield Case("one number", _fake(rng, (1,), 6, 0), group="corners")


# --- fold_batch_norm ----------------------------------------------------------------------------------------


def _folding(
    rng: Rng, x: tuple[int, ...], w: tuple[int, ...], eps: float, stride: int = 1, padding: int = 0, bias: bool = True,
    dtype: torch.dtype = torch.float64,
) -> tuple[Any, ...]:  # fmt: skip
    gamma, var = (torch.from_numpy(rng.uniform(0.2, 2, w[0])).to(dtype) for _ in range(2))
    beta, mean = (_normal(rng, w[0], dtype=dtype) for _ in range(2))
    given = _normal(rng, w[0], dtype=dtype) if bias else None
    return (_normal(rng, *x, dtype=dtype), _normal(rng, *w, dtype=dtype), given, (gamma, beta, mean, var), eps, stride,
            padding)  # fmt: skip


def fold_visible(rng: Rng) -> Iterator[Case]:
    """Smallest first."""
    one = [torch.tensor([each], dtype=torch.float64) for each in (3.0, 0.5, 1.0, 3.0)]
    x, w = torch.ones(1, 1, 1, 2, dtype=torch.float64), torch.full((1, 1, 1, 1), 2.0, dtype=torch.float64)
    yield Case("one weight", (x, w, torch.tensor([5.0], dtype=torch.float64), tuple(one), 1.0, 1, 0))
    yield Case("three channels", _folding(rng, (2, 2, 4, 5), (3, 2, 3, 2), 0.1))
    yield Case("no bias", _folding(rng, (1, 2, 4, 4), (3, 2, 2, 2), 0.05, bias=False), group="corners")
    yield Case("float32, stride and padding", _folding(rng, (2, 2, 5, 6), (4, 2, 3, 3), 0.01, 2, 1,
                                                       dtype=torch.float32), group="corners")  # fmt: skip


def fold_hidden(rng: Rng) -> Iterator[Case]:
    """Other sizes."""
    yield Case("more channels", _folding(rng, (2, 4, 5, 5), (6, 4, 3, 3), 1e-2))
    yield Case("as many out as in", _folding(rng, (2, 3, 4, 4), (3, 3, 2, 2), 0.2, 1, 1))
    x, w, bias, (gamma, beta, mean, var), *rest = _folding(rng, (1, 2, 4, 4), (3, 2, 3, 3), 0.3)
    dead = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)
    yield Case("variances of zero", (x, w, bias, (gamma, beta, mean, var * dead), *rest), group="corners")
    yield Case("gamma of zero", (x, w, bias, (gamma * dead, beta, mean, var), *rest), group="corners")
    yield Case("no bias, stride of two", _folding(rng, (2, 3, 6, 5), (4, 3, 2, 3), 0.1, 2, bias=False),
               group="corners")  # fmt: skip
