"""`(1 + cos arg z) z / 2`: keeps the positive axis, halves the imaginary one, removes the negative one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.complex_nn.inputs import activation_hidden, activation_visible
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, visible
from course_lib import complex_nn

ASKS = Asks(
    complex_nn.cardioid,
    signature="cardioid(z (...)) -> (...), complex",
    points={"basics": 1, "gradients": 1},
    hints=(
        "How large is the factor to the right, upwards, and to the left? It depends on the direction alone.",
        "A factor between 0 and 1 that is half of 1 plus the cosine of the phase. It scales the number and leaves "
        "its phase as it is.",
        "`torch.cos(z.angle())` is finite at 0 too. Add 1, divide by 2, and multiply by `z`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    return activation_visible(rng)


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    return activation_hidden(rng)


# --- properties ----------------------------------------------------------------------------------------------


@holds("a ReLU on the real line", group="basics")
def cardioid_on_the_line(call: Probe, rng: np.random.Generator) -> str | None:
    """On the real line the cardioid is the ReLU."""
    x = torch.from_numpy(rng.standard_normal(6))
    if not torch.allclose(call(torch.complex(x, 0 * x)).real, torch.relu(x)):
        return "on the real line a cardioid is a ReLU: the positive axis stays, the negative one becomes 0"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(z):
    nothing = z == 0
    r = torch.where(nothing, torch.ones_like(z), z).abs()
    return 0.5 * (1 + z.real / r) * z


@right("other formula")
def other_formula(z):
    return torch.cos(z.angle() / 2) ** 2 * z


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def cardioid_by_division(z):
    """At z = 0 the cosine Re z / |z| is 0 / 0, which is nan. torch.cos(z.angle()) is safe there, or replace the
    zeros before you divide."""
    return (1 + z.real / z.abs()) * z / 2


@mistake
def cardioid_without_half(z):
    """Everything is twice as large as it should be: the factor (1 + cos) / 2 runs from 0 to 1, so that the positive
    axis stays as it is."""
    return (1 + torch.cos(z.angle())) * z


@mistake
def cardioid_sine(z):
    """This favours the imaginary axis: the sine of the phase was used. Use the cosine, which is 1 on the positive real
    axis."""
    return (1 + torch.sin(z.angle())) * z / 2


@mistake
def cardioid_without_one(z):
    """The factor became negative on the left half, so numbers there changed sign. Add the 1: (1 + cos) / 2 is never
    negative."""
    return torch.cos(z.angle()) * z / 2


@mistake
def cardioid_factor(z):
    """This is the factor (1 + cos) / 2 alone. Multiply it by z."""
    return (1 + torch.cos(z.angle())) / 2
