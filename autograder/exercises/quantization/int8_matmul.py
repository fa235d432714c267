"""The product of two matrices of integers, as ONNX's MatMulInteger."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from autograder.exercise import Case
from autograder.exercises.declare import Asks, hidden, mistake, right, visible
from autograder.exercises.quantization import observers
from autograder.exercises.quantization.inputs import INT8, INT32, LIBRARY, UINT8, Rng, integers, long
from course_lib import quantization

ASKS = Asks(
    quantization.int8_matmul,
    signature="int8_matmul(qx (N, D), zx, qw (out, D), zw) -> (N, out) int32",
    points={"basics": 1, "zero points": 1, "32 bits": 1},
    forbids=LIBRARY,
    through=observers.multiplied,
    hints=(
        "How many bits does a sum of thousands of products need? And which way do the zero points of the rows of "
        "weights run?",
        "Widen both to 32-bit integers, subtract the zero points, multiply. A zero point for each row of the "
        "weights has to be a column.",
        "`(qx.to(torch.int32) - zx)` times the transpose of `(qw.to(torch.int32) - zw)`, with `zw[:, None]` where "
        "`zw` is a tensor. Cast each difference `.to(torch.int32)`: an int64 `zw` would widen it.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """Smallest first."""
    qx, qw = torch.tensor([[1, 2, 3]], dtype=INT8), torch.tensor([[4, 5, 6], [0, -1, 2]], dtype=INT8)
    yield Case("one row", (qx, 0, qw, 0))
    yield Case("two matrices", (integers(rng, 3, 4), 0, integers(rng, 2, 4), 0))
    yield Case("one row, a zero point", (qx, 1, qw, 0), group="zero points")
    yield Case("far zero points", (integers(rng, 2, 3), 100, integers(rng, 4, 3), -90), group="zero points")
    yield Case("unsigned inputs", (integers(rng, 2, 5, dtype=UINT8), 200, integers(rng, 3, 5), 0),
               group="zero points")  # fmt: skip
    yield Case("a zero point for each row", (qx, 0, qw, torch.tensor([1, -2], dtype=INT32)), group="zero points")
    yield Case("sums beyond 24 bits", long(rng, 2, 700, 3), group="32 bits")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """Other dtypes, layouts and sizes."""
    yield Case("as many rows as columns", (integers(rng, 4, 4), 0, integers(rng, 4, 4), 0))
    yield Case("one feature", (integers(rng, 3, 1), 0, integers(rng, 2, 1), 0))
    yield Case("stored by columns", (integers(rng, 6, 3).T, 0, integers(rng, 6, 4).T, 0))
    yield Case("everything unsigned", (integers(rng, 3, 6, dtype=UINT8), 128, integers(rng, 2, 6, dtype=UINT8), 99),
               group="zero points")  # fmt: skip
    zw = torch.tensor([0, -128, 5], dtype=INT32)
    yield Case("a zero point for each row of qw", (integers(rng, 2, 6), -7, integers(rng, 3, 6), zw),
               group="zero points")  # fmt: skip
    wide = torch.tensor([0, -128, 5])
    yield Case("zero points of 64 bits", (integers(rng, 2, 6), 3, integers(rng, 3, 6), wide), group="zero points")
    yield Case("longer sums", long(rng, 3, 3001, 2, 0), group="32 bits")
    least = torch.full((1, 1500), -128, dtype=INT8)
    yield Case("the least integers", (least, 127, least[:, :1500].repeat(2, 1), 126), group="32 bits")


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(qx, zx, qw, zw):
    rows, outputs = qx.tolist(), qw.tolist()
    zeros = zw.tolist() if torch.is_tensor(zw) and zw.dim() else [int(zw)] * len(outputs)
    table = []
    for row in rows:
        line = []
        for weights, zero in zip(outputs, zeros):
            total = 0
            for a, b in zip(row, weights):
                total += (a - zx) * (b - zero)
            line.append(total)
        table.append(line)
    return torch.tensor(table, dtype=torch.int32)


@right("other formula")
def other_formula(qx, zx, qw, zw):
    # multiplied as they are; the zero points are corrected for afterwards, as hardware does it
    d = qx.shape[1]
    zw = torch.as_tensor(zw).to(torch.int32).reshape(-1)
    x, w = qx.to(torch.int32), qw.to(torch.int32)
    rows, columns = x.sum(1, dtype=torch.int32), w.sum(1, dtype=torch.int32)
    acc = torch.einsum("nd,od->no", x, w)
    return (acc - rows[:, None] * zw - zx * columns + d * zx * zw).to(torch.int32)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def matmul_float64(qx, zx, qw, zw):
    """The sums are right, but they were computed from float64 numbers, eight bytes each. Multiply and add integers:
    convert both to torch.int32, then @."""
    rows = zw[:, None] if isinstance(zw, torch.Tensor) and zw.dim() == 1 else zw
    return ((qx.double() - zx) @ (qw.double() - rows).T).to(torch.int32)


@mistake
def matmul_float32(qx, zx, qw, zw):
    """These are products of float32 numbers. float32 holds whole numbers up to 2^24 only, and no integer unit was used:
    multiply and add in torch.int32."""
    rows = zw[:, None] if isinstance(zw, torch.Tensor) and zw.dim() == 1 else zw
    return ((qx.float() - zx) @ (qw.float() - rows).T).to(torch.int32)


@mistake
def matmul_wraps(qx, zx, qw, zw):
    """The zero points were subtracted in 8 bits, where -128 - 1 is 127. Make the integers wider first:
    to(torch.int32)."""
    rows = torch.as_tensor(zw)
    rows = rows[:, None] if rows.dim() == 1 else rows
    x, w = qx - torch.as_tensor(zx).to(qx.dtype), qw - rows.to(qw.dtype)
    return x.to(torch.int32) @ w.to(torch.int32).T


@mistake
def matmul_ignores_zero_points(qx, zx, qw, zw):
    """The zero points were left out. They represent 0, so each integer counts from there: (q - z)."""
    return qx.to(torch.int32) @ qw.to(torch.int32).T


@mistake
def matmul_adds_zero_points(qx, zx, qw, zw):
    """The zero points were added. They represent 0, so they are subtracted."""
    rows = zw[:, None] if isinstance(zw, torch.Tensor) and zw.dim() == 1 else zw
    return ((qx.to(torch.int32) + zx) @ (qw.to(torch.int32) + rows).to(torch.int32).T).to(torch.int32)


@mistake
def matmul_int64(qx, zx, qw, zw):
    """The sums are right, but in 64 bits. The accumulators of hardware have 32, and so has the answer: torch.int32."""
    rows = zw[:, None] if isinstance(zw, torch.Tensor) and zw.dim() == 1 else zw
    return (qx.to(torch.int64) - zx) @ (qw.to(torch.int64) - rows).T
