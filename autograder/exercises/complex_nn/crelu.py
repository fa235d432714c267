"""A ReLU on the real and one on the imaginary part: any shape to the same shape (Trabelsi et al., 2018)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from autograder.exercise import Case
from autograder.exercises.complex_nn.inputs import EXACT, across_zero, activation_hidden, activation_visible, z_
from autograder.exercises.declare import Asks, hidden, mistake, right, right_text, visible
from course_lib import complex_nn

ASKS = Asks(
    complex_nn.crelu,
    signature="crelu(z (...)) -> (...), complex",
    points={"basics": 1, "gradients": 1},
    hints=(
        "What becomes of -3 + 4i? Each of its two parts is decided on alone.",
        "An ordinary ReLU for the real part, another for the imaginary part, and both together make one complex "
        "tensor again.",
        "`torch.relu(z.real)` and `torch.relu(z.imag)` are real tensors; `torch.complex` takes the two.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    return activation_visible(rng)


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield from activation_hidden(rng)
    yield from across_zero()
    yield Case("to the last digits", (z_(rng, 8),), tolerance=EXACT)


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(z):
    x, y = z.real, z.imag
    x = x * (x > 0)
    y = y * (y > 0)
    return x + 1j * y


other_formula = right_text(
    "other formula",
    """
def crelu(z: torch.Tensor) -> torch.Tensor:
    return torch.view_as_complex(torch.nn.functional.relu(torch.view_as_real(z.resolve_conj())))
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def crelu_is_zrelu(z):
    """A number lost both parts where one was negative: this is zReLU. CReLU treats the two parts separately, so -3 + 4i
    becomes 4i."""
    return z * ((z.real > 0) & (z.imag > 0))


@mistake
def crelu_real_only(z):
    """The imaginary part passed through as it was. CReLU cuts both parts at 0."""
    return torch.complex(torch.relu(z.real), z.imag)


@mistake
def crelu_returns_real(z):
    """The imaginary part is lost. The result is complex again: put both parts together with torch.complex."""
    return torch.relu(z.real)


@mistake
def crelu_absolute(z):
    """Negative parts came back positive: this folds the plane into one quadrant. A ReLU makes them 0."""
    return torch.complex(z.real.abs(), z.imag.abs())
