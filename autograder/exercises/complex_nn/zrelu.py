"""`z` where both parts are positive, else 0: any shape to the same shape (Guberman, 2016)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from autograder.exercise import Case
from autograder.exercises.complex_nn.inputs import EXACT, TWO, across_zero, activation_hidden, activation_visible, z_
from autograder.exercises.declare import Asks, hidden, mistake, right, visible
from course_lib import complex_nn

ASKS = Asks(
    complex_nn.zrelu,
    signature="zrelu(z (...)) -> (...), complex",
    points={"basics": 1, "gradients": 1},
    hints=(
        "In which quadrant does a number survive? There is one decision for the whole number.",
        "Make one mask of two conditions. Where both parts are positive, z stays as it is; everywhere else it "
        "becomes 0.",
        "`(z.real > 0) & (z.imag > 0)`, with the brackets, is the mask. Multiply `z` by it.",
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
    yield Case("one number of the first quadrant", (torch.tensor([[0.3 + 2j]], dtype=TWO),))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(z):
    return torch.where((z.real > 0) & (z.imag > 0), z, torch.zeros_like(z))


@right("other formula")
def other_formula(z):
    phase = z.angle()
    inside = (phase > 0) & (phase < torch.pi / 2)
    return z.masked_fill(~inside, 0)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def zrelu_is_crelu(z):
    """This cuts each part separately, which is CReLU. zReLU decides once for the whole number: where one part is
    negative, all of it becomes 0."""
    return torch.complex(torch.relu(z.real), torch.relu(z.imag))


@mistake
def zrelu_or(z):
    """Your test lets a number pass where one part is positive. Both must be: use & instead of |."""
    return z * ((z.real > 0) | (z.imag > 0))


@mistake
def zrelu_half_plane(z):
    """Only the real part was tested, so half of the plane passes. zReLU lets one quadrant of four pass: the imaginary
    part must be positive too."""
    return z * (z.real > 0)


@mistake
def zrelu_opposite(z):
    """You kept what should go and deleted the quadrant that should stay: it is the first one, where both parts are
    positive."""
    return z * ~((z.real > 0) & (z.imag > 0))
