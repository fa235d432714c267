"""The real numbers that integers represent, `scale (q - zero_point)`."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes
from autograder.exercises.declare import Asks, hidden, mistake, right, visible
from autograder.exercises.quantization.inputs import INT8, INT32, LIBRARY, UINT8, Rng, integers, random_scale
from course_lib import quantization

ASKS = Asks(
    quantization.dequantize,
    signature="dequantize(q, scale, zero_point) -> float32 of q's shape",
    points={"basics": 1},
    forbids=LIBRARY,
    hints=(
        "What does int8 make of -128 - 100? Which type has room for the difference?",
        "Make the integers wider, subtract the zero point, multiply by the scale. The result is float32 whatever "
        "came in.",
        "`q.to(torch.int32) - zero_point` is safe. Multiply by `scale` afterwards and end with `.to(torch.float32)`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """Smallest first."""
    yield Case("three integers", (torch.tensor([-3, 0, 5], dtype=INT8), 0.5, 1))
    yield Case("a zero point far away", (torch.tensor([-128, -100, 127], dtype=INT8), 0.1, 100))
    yield Case("unsigned", (torch.tensor([0, 7, 255], dtype=UINT8), 0.02, 200))
    yield Case("a scale for each row", (integers(rng, 2, 3), torch.tensor([[0.5], [0.01]]), 0))


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """Other dtypes and layouts."""
    yield Case("all of int8", (torch.arange(-128, 128).to(INT8), random_scale(rng), -77))
    yield Case("all of uint8", (torch.arange(256).to(UINT8), random_scale(rng), 131))
    yield Case("sums of 32 bits", (integers(rng, 4, 3, dtype=INT32), 1e-4, 0))
    yield Case("a matrix stored by columns", (integers(rng, 4, 3).T, random_scale(rng), 12))
    yield Case("one row", (integers(rng, 1, 5), random_scale(rng), -3))
    yield from magnitudes(lambda scale: (integers(rng, 5), 0.37 * scale, 9))
    zeros = torch.tensor([[3], [-100]])
    yield Case("a grid for each row", (integers(rng, 2, 5), torch.tensor([[0.5], [0.01]], dtype=torch.float64), zeros))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(q, scale, zero_point):
    scale, zero_point = torch.as_tensor(scale).expand_as(q), torch.as_tensor(zero_point).expand_as(q)
    triples = zip(q.reshape(-1).tolist(), scale.reshape(-1).tolist(), zero_point.reshape(-1).tolist())
    return torch.tensor([(each - zero) * step for each, step, zero in triples]).float().reshape(q.shape)


@right("other formula")
def other_formula(q, scale, zero_point):
    return torch.mul(torch.sub(q.double(), zero_point), scale).float()


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def dequantize_wraps(q, scale, zero_point):
    """The zero point was subtracted in 8 bits, where -128 - 100 is 28. Make the integers wider, or floats, before you
    subtract."""
    return (q - torch.as_tensor(zero_point).to(q.dtype)).to(torch.float32) * torch.as_tensor(scale).float()


@mistake
def dequantize_adds(q, scale, zero_point):
    """The zero point was added. It is the integer that represents 0, so it is subtracted: scale (q - z)."""
    return ((q.to(torch.float32) + zero_point) * scale).to(torch.float32)


@mistake
def dequantize_scales_first(q, scale, zero_point):
    """The integers were scaled before the zero point was taken away. It is counted in steps, so it is subtracted first:
    scale (q - z), not scale q - z."""
    return (q.to(torch.float32) * scale - zero_point).to(torch.float32)


@mistake
def dequantize_in_double(q, scale, zero_point):
    """The numbers are right, but in float64. The exercise asks for float32, the dtype of networks."""
    return (q.to(torch.float64) - zero_point) * scale
