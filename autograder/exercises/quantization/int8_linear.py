"""A linear layer in integers, as ONNX's QLinearMatMul with a bias."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from autograder.exercise import Case
from autograder.exercises.declare import Asks, hidden, mistake, right, slip, visible
from autograder.exercises.quantization import observers
from autograder.exercises.quantization.inputs import INT8, INT32, LIBRARY, UINT8, Rng, layer, long
from course_lib import quantization

ASKS = Asks(
    quantization.int8_linear,
    signature=(
        "int8_linear(qx (N, D), scale_in, zero_in, qw (out, D), scale_w, zero_w, bias (out,) int32 or None, "
        "scale_out, zero_out) -> (N, out) in qx's dtype"
    ),
    points={"basics": 1, "corners": 1},
    forbids=LIBRARY,
    through=observers.layered,
    hints=(
        "In which unit is the bias given: that of the sums or that of the outputs? So where is it added?",
        "Three steps: integer products, the integer bias where there is one, and a change of grid. Whether the "
        "output is signed follows from the inputs.",
        "`int8_matmul(qx, zero_in, qw, zero_w)`, plus `bias` unless that is `None`, then `requantize` with "
        "`scale_in, scale_w, scale_out, zero_out` and `signed=qx.dtype == torch.int8`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """Smallest first."""
    qx, qw = torch.tensor([[3, -1]], dtype=INT8), torch.tensor([[10, 20], [-4, 6]], dtype=INT8)
    bias = torch.tensor([-8, 14], dtype=INT32)
    yield Case("by hand", (qx, 0.5, 1, qw, 0.1, 0, bias, 0.25, 2))
    yield Case("no bias", layer(rng, (3, 4), (2, 4), INT8, bias=False, channels=False))
    yield Case("a batch of three", layer(rng, (3, 4), (2, 4), INT8, channels=False))
    yield Case("unsigned", layer(rng, (2, 5), (3, 5), UINT8), group="corners")
    yield Case("a scale for each row", layer(rng, (3, 6), (4, 6), INT8), group="corners")
    yield Case("sums beyond 24 bits", _cancelled(rng, 900), group="corners")


def _cancelled(rng: Rng, d: int) -> tuple[Any, ...]:
    """Sums that a bias nearly cancels: adding in float32 loses what is left."""
    qx, zero_in, qw, zero_w = long(rng, 1, d, 4)
    sums = (qx.long() - zero_in) @ (qw.long() - zero_w).T
    bias = (torch.from_numpy(rng.integers(-60, 60, 4)) - sums[0]).to(INT32)
    return qx, 1.0, zero_in, qw, 1.0, zero_w, bias, 1.0, 100


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """Other sizes and layouts."""
    yield Case("a larger batch", layer(rng, (7, 12), (5, 12), INT8))
    yield Case("one feature", layer(rng, (3, 1), (2, 1), INT8))
    for unit in (1e-14, 1e10):
        qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out = layer(rng, (3, 4), (2, 4), INT8)
        scaled = qx, scale_in * unit, zero_in, qw, scale_w, zero_w, bias, scale_out * unit, zero_out
        yield Case(f"a unit of {unit:g}", scaled)
    qx, qw = torch.tensor([[100, 5]], dtype=INT8), torch.tensor([[10, 1], [-10, -1]], dtype=INT8)
    yield Case("a little below halves", (qx, 0.1 * (1 - 1e-8), 0, qw, 1.0, 0, None, 1.0, 0))
    yield Case("one example", layer(rng, (1, 9), (6, 9), INT8))
    yield Case("unsigned, no bias", layer(rng, (4, 8), (3, 8), UINT8, bias=False), group="corners")
    yield Case("as many rows as columns", layer(rng, (4, 4), (4, 4), UINT8), group="corners")
    qx, qw = torch.tensor([[200, 3], [1, 2]], dtype=UINT8), torch.tensor([[100, 7], [-100, 5]], dtype=INT8)
    yield Case("unsigned, beyond the grid", (qx, 1.0, 0, qw, 1.0, 0, None, 1.0, 100), group="corners")
    yield Case("longer sums", _cancelled(rng, 2500), group="corners")
    qx, scale_in, zero_in, qw, *rest = layer(rng, (5, 6), (3, 6), INT8)
    turned = (qx.T.contiguous().T, scale_in, zero_in, qw.T.contiguous().T, *rest)
    yield Case("stored by columns", turned, group="corners")


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out):
    least, most = (-128, 127) if qx.dtype == torch.int8 else (0, 255)
    out = torch.zeros(len(qx), len(qw), dtype=qx.dtype)
    for n, row in enumerate(qx.tolist()):
        for o, weights in enumerate(qw.tolist()):
            step = float(scale_w[o]) if torch.is_tensor(scale_w) else scale_w
            zero = int(zero_w[o]) if torch.is_tensor(zero_w) and zero_w.dim() else int(zero_w)
            total = sum((a - zero_in) * (b - zero) for a, b in zip(row, weights))
            if bias is not None:
                total += int(bias[o])
            out[n, o] = max(least, min(most, round(total * (scale_in * step / scale_out)) + zero_out))
    return out


@right("other formula")
def other_formula(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out):
    kind = torch.iinfo(qx.dtype)
    x = torch.sub(qx.long(), zero_in)
    w = torch.sub(qw.long(), torch.as_tensor(zero_w).reshape(-1, 1))
    acc = (x[:, None, :] * w[None]).sum(-1)
    if bias is not None:
        acc += bias
    worth = acc * (scale_in * torch.as_tensor(scale_w, dtype=torch.float64) / scale_out)
    return worth.round().add(zero_out).clip(kind.min, kind.max).type(qx.dtype)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out):
    least, most = (-128, 127) if qx.dtype == torch.int8 else (0, 255)
    acc = (qx.to(torch.int32) - zero_in) @ (qw.to(torch.int32) - zero_w).T
    acc = acc if bias is None else acc + bias
    q = torch.round(acc.double() * (scale_in * scale_w / scale_out)) + zero_out
    return q.clamp(least, most).to(qx.dtype)


@mistake
def linear_in_floats(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out):
    """This layer goes back to real numbers, multiplies floats, and rounds again. Multiply the integers themselves, add
    in 32 bits, and rescale once at the end."""
    least, most = (-128, 127) if qx.dtype == torch.int8 else (0, 255)
    sums = (qx.double() - zero_in) @ (qw.double() - zero_w).T + (0 if bias is None else bias)
    q = torch.round(sums * (scale_in * scale_w / scale_out)) + zero_out
    return q.clamp(least, most).to(qx.dtype)


linear_without_bias = slip(
    answer,
    "acc = acc if bias is None else acc + bias",
    "",
    says="The bias is missing. It is int32 in the units of the sums: add it to them where it is not None.",
)


linear_bias_at_the_end = slip(
    answer,
    ("acc = acc if bias is None else acc + bias", ""),
    ("q.clamp", "(q if bias is None else q + bias).clamp"),
    says="The bias was added after rescaling, in steps of the outputs. Its unit is scale_in * scale_w, that of "
    "the sums: add it before.",
)


linear_ignores_zero_in = slip(
    answer,
    "(qx.to(torch.int32) - zero_in) @ (qw.to(torch.int32) - zero_w).T",
    "qx.to(torch.int32) @ (qw.to(torch.int32) - zero_w).T",
    says="The zero point of the inputs was left out. Each integer counts from there: (qx - zero_in).",
)


linear_ignores_zero_out = slip(
    answer,
    "torch.round(acc.double() * (scale_in * scale_w / scale_out)) + zero_out",
    "torch.round(acc.double() * (scale_in * scale_w / scale_out))",
    says="The zero point of the outputs was left out. The result counts from there: add it after rounding.",
)


linear_always_signed = slip(
    answer,
    ("least, most = (-128, 127) if qx.dtype == torch.int8 else (0, 255)", ""),
    ("q.clamp(least, most).to(qx.dtype)", "q.clamp(-128, 127).to(torch.int8)"),
    says="The output is always int8. It has the dtype of the inputs: uint8 for uint8, with a grid from 0 to 255.",
)
