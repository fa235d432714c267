"""Each number as the nearest integer of the grid, as ONNX's QuantizeLinear."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes
from autograder.exercises.declare import Asks, hidden, mistake, right, slip, visible
from autograder.exercises.quantization import observers
from autograder.exercises.quantization.inputs import LIBRARY, Rng, far_from_ties, random_scale
from course_lib import quantization

ASKS = Asks(
    quantization.quantize,
    signature="quantize(x, scale, zero_point, bits=8, signed=True) -> integers of x's shape, int8 or uint8",
    points={"basics": 1, "ties": 1, "saturation": 1},
    forbids=LIBRARY,
    through=observers.quantized,
    hints=(
        "Four things happen in a fixed order. What would go wrong if the zero point came before the rounding, or "
        "the cast before the clipping?",
        "Divide by the scale, round half to even, add the zero point, clamp to the grid of that many bits, and cast "
        "last.",
        "`torch.round(x / scale) + zero_point`, then `clamp` with the two numbers from `limits(bits, signed)`, then "
        "`.to(torch.int8)`, or `torch.uint8` where unsigned.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """Smallest first."""
    yield Case("four numbers, three bits", (torch.tensor([-1.2, 0.4, 0.8, 1.7]), 1.0, 1, 3))
    s = random_scale(rng)
    yield Case("a matrix", (far_from_ties(rng, (3, 4), s, -120, 100), s, 7))
    yield Case("unsigned", (far_from_ties(rng, (6,), s, -90, 120), s, 100, 8, False))
    rows = torch.tensor([[0.5], [0.05], [0.005]])
    yield Case("a scale for each row", (far_from_ties(rng, (3, 4), rows, -60, 60), rows, 0))
    ties = torch.tensor([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])
    yield Case("halves", (ties, 1.0, 1), group="ties")
    yield Case("halves of a step of 0.25, unsigned", (0.25 * ties, 0.25, 3, 4, False), group="ties")
    yield Case("beyond the grid", (torch.tensor([-9.0, -4.4, 4.4, 9.0]), 1.0, -1, 3), group="saturation")
    yield Case("far beyond, unsigned", (torch.tensor([-40.0, 300.2, 1000.3]), 1.0, 10, 8, False), group="saturation")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """Other bits, dtypes and layouts."""
    for bits in (2, 4, 6):
        s = random_scale(rng)
        yield Case(f"{bits} bits", (far_from_ties(rng, (40,), s, -70, 70), s, -1, bits))
        yield Case(f"{bits} bits, unsigned", (far_from_ties(rng, (40,), s, -70, 70), s, 2, bits, False))
    s = random_scale(rng)
    double = far_from_ties(rng, (5, 6), s, -100, 100, torch.float64)
    yield Case("float64, every second column", (double[:, ::2], s, 3))
    yield Case("one row", (far_from_ties(rng, (1, 5), s, -100, 100), s, 3))
    yield from magnitudes(lambda unit: (far_from_ties(rng, (6,), 0.3 * unit, -90, 90, torch.float64), 0.3 * unit, 5))
    columns = torch.tensor([0.3, 0.02, 7.0, 0.1], dtype=torch.float64)
    zeros = torch.tensor([0, 3, -7, 50])
    yield Case("a grid for each column", (far_from_ties(rng, (5, 4), columns, -60, 60), columns.float(), zeros))
    yield Case("one number", (torch.tensor(0.7), 0.5, 0))
    yield Case("with a gradient", (far_from_ties(rng, (4,), s, -100, 100).requires_grad_(), s, 5))
    halves = torch.from_numpy(rng.integers(-20, 20, 12) + 0.5)
    yield Case("many halves", (halves, 1.0, 3), group="ties")
    near = torch.tensor([0.5 - 1e-9, 0.5 + 1e-9, 1.5 - 1e-9, 2.5 + 1e-9, -1.5 + 1e-9], dtype=torch.float64)
    yield Case("a little beside halves", (near, 1.0, 0), group="ties")
    yield Case("many halves of 2", ((2 * halves).float(), 2.0, 101, 8, False), group="ties")
    yield Case("huge numbers", (torch.tensor([-1e30, 1e30, 3e38]), 0.1, 5), group="saturation")
    yield Case("infinity", (torch.tensor([-math.inf, 0.0, math.inf]), 0.1, 5, 4), group="saturation")
    yield Case("both ends", (torch.tensor([-128.4, -127.6, 126.6, 127.4]), 1.0, 0), group="saturation")
    yield Case("signed, as is said", (torch.tensor([-90.2, 60.4]), 1.0, 0, 8, True), group="saturation")


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(x, scale, zero_point, bits=8, signed=True):
    least = -(2 ** (bits - 1)) if signed else 0
    most = least + 2**bits - 1
    x, scale, zero_point = torch.broadcast_tensors(x, torch.as_tensor(scale), torch.as_tensor(zero_point))
    out = []
    rows = zip(x.detach().reshape(-1).tolist(), scale.reshape(-1).tolist(), zero_point.reshape(-1).tolist())
    for value, step, zero in rows:
        q = value / step
        q = round(q) + zero if math.isfinite(q) else q  # Python rounds halves to even
        out.append(int(min(max(q, least), most)))
    print("quantized", len(out), "numbers")
    return torch.tensor(out, dtype=torch.int8 if signed else torch.uint8).reshape(x.shape)


@right("other formula")
def other_formula(x, scale, zero_point, bits=8, signed=True):
    least = -(1 << (bits - 1)) if signed else 0
    q = torch.div(x.detach(), scale)
    floor = q.floor()
    rest = q - floor
    odd = torch.remainder(floor, 2) == 1
    up = (rest > 0.5) | ((rest == 0.5) & odd)
    q = torch.where(torch.isinf(q), q, floor + up) + zero_point
    q = torch.where(q < least, least, torch.where(q > least + 2**bits - 1, least + 2**bits - 1, q))
    return q.type(torch.int8) if signed else q.type(torch.uint8)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def quantize_cuts(x, scale, zero_point, bits=8, signed=True):
    """The fraction was cut off, which is what a cast to integers does. Round to the nearest integer first:
    torch.round."""
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    q = (torch.trunc(x / scale) + zero_point).clamp(least, most)
    return q.to(torch.int8 if signed else torch.uint8)


quantize_half_up = slip(
    quantize_cuts,
    "torch.trunc(x / scale)",
    "torch.floor(x / scale + 0.5)",
    says="Halves were all rounded up, which shifts the mean. Round half to even, as torch.round does: 0.5 becomes "
    "0, and 1.5 becomes 2.",
)


@mistake
def quantize_wraps(x, scale, zero_point, bits=8, signed=True):
    """Numbers beyond the grid wrapped around: 130 became -126 in int8. Clamp to the grid before the cast, so that they
    saturate."""
    q = (torch.round(x / scale) + zero_point).clamp(-(2**62), 2**62).to(torch.int64)
    least = -(2 ** (bits - 1)) if signed else 0
    q = (q - least) % 2**bits + least
    return q.to(torch.int8 if signed else torch.uint8)


quantize_shifts_first = slip(
    quantize_cuts,
    "(torch.trunc(x / scale) + zero_point).clamp",
    "torch.round(x / scale + zero_point).clamp",
    says="The zero point was added before rounding. An odd one then sends halves to the other neighbour: round "
    "first, add afterwards.",
)


@mistake
def quantize_stays_float(x, scale, zero_point, bits=8, signed=True):
    """The numbers are whole, but still stored as floats, at four times the memory. Cast them at the end, to torch.int8
    or torch.uint8."""
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return (torch.round(x / scale) + zero_point).clamp(least, most)


@mistake
def quantize_always_eight(x, scale, zero_point, bits=8, signed=True):
    """`bits` is ignored: the numbers saturate at the ends of eight bits. With b bits the grid ends at 2^(b-1) - 1, or
    at 2^b - 1 where it is unsigned."""
    least, most = (-128, 127) if signed else (0, 255)
    q = (torch.round(x / scale) + zero_point).clamp(least, most)
    return q.to(torch.int8 if signed else torch.uint8)
