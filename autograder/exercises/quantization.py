"""Quantization: what is asked and how it is probed. The known mistakes stand in `quantization_mistakes`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograder.exercise import Exercise, Property, Rules, Tolerance
from autograder.exercises import quantization_cases as cases
from autograder.exercises import quantization_networks as networks
from autograder.exercises.quantization_mistakes import MISTAKES
from autograder.harness import quantization as harness
from course_lib import quantization

__all__ = ["EXERCISES"]

LIBRARY = ("torch.quantize_per_tensor", "torch.fake_quantize_per_tensor_affine", "torch.nn.utils.fusion")
"""What would do the work; each name stands for its family, whole tensors and channels."""

_CASES = {
    "affine_qparams": (cases.affine_visible, cases.affine_hidden),
    "quantize": (cases.quantize_visible, cases.quantize_hidden),
    "dequantize": (cases.dequantize_visible, cases.dequantize_hidden),
    "quantization_error": (cases.error_visible, cases.error_hidden),
    "per_channel_qparams": (cases.channel_visible, cases.channel_hidden),
    "calibrate": (cases.calibrate_visible, cases.calibrate_hidden),
    "int8_matmul": (cases.matmul_visible, cases.matmul_hidden),
    "requantize": (cases.requantize_visible, cases.requantize_hidden),
    "int8_linear": (cases.linear_visible, cases.linear_hidden),
    "int8_conv2d": (cases.conv_visible, cases.conv_hidden),
    "fold_batch_norm": (cases.fold_visible, cases.fold_hidden),
    "quantize_model": (networks.compressed_visible, networks.compressed_hidden),
    "fake_quantize": (cases.fake_visible, cases.fake_hidden),
    "train_aware": (networks.aware_visible, networks.aware_hidden),
}


def _exercise(
    name: str, signature: str, groups: Mapping[str, float], forbids: tuple[str, ...] = LIBRARY, **more: Any
) -> Exercise:
    visible, hidden = _CASES[name]
    return Exercise(
        id=f"quantization.{name}",
        reference=getattr(quantization, name),
        signature=f"{name}{signature}",
        groups=groups,
        visible=visible,
        hidden=hidden,
        misconceptions=MISTAKES[name],
        rules=Rules(forbids=forbids),
        **more,
    )


EXERCISES = (
    _exercise(
        "affine_qparams",
        "(low, high, bits=8, signed=True, symmetric=False) -> (scale, zero_point)",
        {"basics": 1, "symmetric": 1, "zero": 1},
        accepts=cases.affine_accepts,
        properties=(Property("0 is stored exactly", cases.zero_is_exact, "zero"),),
    ),
    _exercise(
        "quantize",
        "(x, scale, zero_point, bits=8, signed=True) -> integers of x's shape, int8 or uint8",
        {"basics": 1, "ties": 1, "saturation": 1},
        through=harness.quantized,
    ),
    _exercise("dequantize", "(q, scale, zero_point) -> float32 of q's shape", {"basics": 1}),
    _exercise(
        "quantization_error",
        "(x, bits) -> decibels, a float",
        {"basics": 1, "exact": 1},
        tolerance=Tolerance(relative=1e-4, absolute=1e-3, relative_single=1e-3, absolute_single=1e-3),
        properties=(Property("a unit does not matter", cases.error_ignores_units, "basics"),),
    ),
    _exercise(
        "per_channel_qparams",
        "(w, axis, bits=8) -> (scales (channels,), zero_points (channels,))",
        {"basics": 1, "corners": 1},
        accepts=cases.channel_accepts,
    ),
    _exercise(
        "calibrate",
        '(samples, method) -> (low, high), with method "minmax", "percentile" or "mse"',
        {"basics": 1, "percentile": 1, "mse": 1},
        accepts=cases.calibrate_accepts,
    ),
    _exercise(
        "int8_matmul",
        "(qx (N, D), zx, qw (out, D), zw) -> (N, out) int32",
        {"basics": 1, "zero points": 1, "32 bits": 1},
        through=harness.multiplied,
    ),
    _exercise(
        "requantize",
        "(acc (N, out, ...) int32, scale_in, scale_w, scale_out, zero_out, bits=8, signed=True) -> integers",
        {"basics": 1, "channels": 1, "rounding": 1},
        through=harness.requantized,
    ),
    _exercise(
        "int8_linear",
        "(qx (N, D), scale_in, zero_in, qw (out, D), scale_w, zero_w, bias (out,) int32 or None, scale_out, zero_out)"
        " -> (N, out) in qx's dtype",
        {"basics": 1, "corners": 1},
        through=harness.layered,
    ),
    _exercise(
        "int8_conv2d",
        "(qx (N, C, H, W), scale_in, zero_in, qw (out, C, KH, KW), scale_w, zero_w, bias, scale_out, zero_out,"
        " stride=1, padding=0) -> (N, out, H', W') in qx's dtype",
        {"basics": 2, "geometry": 2},
        through=harness.convolved,
    ),
    _exercise(
        "fold_batch_norm",
        "(conv, bn) -> a new nn.Conv2d",
        {"basics": 2, "corners": 1},
        through=harness.folded,
    ),
    _exercise(
        "quantize_model",
        "(model, calibration) -> a new model with int8 weights in its state_dict",
        {"stores": 2, "accuracy": 1, "integers": 1},
        through=harness.compressed,
        accepts=networks.compressed_accepts,
        seconds=30.0,
    ),
    _exercise(
        "fake_quantize",
        "(x, scale, zero_point, bits) -> float of x's shape and dtype, with the straight-through gradient",
        {"basics": 2, "corners": 1},
        through=harness.differentiated,
    ),
    _exercise(
        "train_aware",
        "(model, data, bits) -> a new model of the same layers, with data = (x, labels)",
        {"grid": 1, "accuracy": 3},
        through=harness.trained_aware,
        accepts=networks.aware_accepts,
        seconds=40.0,
    ),
)
