"""The modulus is shifted by `b` and cut at 0; the phase stays (Arjovsky et al., 2016)."""

from __future__ import annotations

import math

import numpy as np
import torch

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes
from autograder.exercises.complex_nn import observers
from autograder.exercises.complex_nn.inputs import ONE, QUADRANTS, TWO, Cases, activation_hidden, activation_visible, z_
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, slip, visible
from course_lib import complex_nn

ASKS = Asks(
    complex_nn.mod_relu,
    signature="mod_relu(z (...), b, a real number or tensor) -> (...), complex",
    points={"basics": 1, "gradients": 1, "rotation": 1},
    hints=(
        "What happens to the length of z, and what to its direction? Which direction does 0 have?",
        "Move the modulus by b, cut it at 0, and keep the phase: scale z by new modulus over old. Where the old one "
        "is 0, divide by 1 and make the scale 0. Then value and gradient are both finite.",
        "`m = z.abs()` and `zero = m == 0`. The scale is `torch.relu(m + b) / m.masked_fill(zero, 1)`; put 0 into "
        "it at `zero` with another `masked_fill`, then multiply by `z`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Cases:
    """The usual ones, a positive bias, which must not wake up a zero, and one bias for each feature."""
    yield from activation_visible(rng, -1.0)
    yield Case("a positive bias", (QUADRANTS, 5.0))
    z, b = z_(rng, 3, 2), torch.tensor([-0.5, 0.5], dtype=torch.float64)
    yield Case("one bias for each feature", (z, b))
    zeros = torch.zeros(3, dtype=TWO)
    yield Case("zero with a positive bias", (zeros, 0.5), group="gradients", through=observers.at_zero)
    yield Case("gradients for the bias", (z_(rng, 3, 2), z, b), group="gradients", through=observers.differentiated)


@hidden
def hidden_cases(rng: np.random.Generator) -> Cases:
    """As visible, with other numbers."""
    yield from activation_hidden(rng, -0.4)
    yield Case("units", (torch.tensor([1, -1, 1j, -1j], dtype=TWO), 0.5))
    yield from magnitudes(lambda scale: (scale * z_(rng, 8), -0.9 * scale))
    b = torch.from_numpy(rng.standard_normal(4))
    yield Case("a random bias for each feature", (z_(rng, 6, 4), b))
    yield Case("no bias", (z_(rng, 6), 0.0))
    single = z_(rng, 5, 4, dtype=ONE), b.float()
    yield Case(
        "gradients for the bias", (z_(rng, 5, 4, dtype=ONE), *single), {}, "gradients", None, observers.differentiated
    )


# --- properties ----------------------------------------------------------------------------------------------


def _turns(rng: np.random.Generator) -> complex:
    angle = float(rng.uniform(0.5, 2.5))
    return complex(math.cos(angle), math.sin(angle))


@holds("turns along with its input", group="rotation")
def mod_turns(call: Probe, rng: np.random.Generator) -> str | None:
    """modReLU is equivariant to a rotation."""
    z, turn = z_(rng, 5, 3), _turns(rng)
    if not torch.allclose(call(turn * z, -0.3), turn * call(z, -0.3)):
        return "when all of z turns by an angle, mod_relu(z, b) must turn by the same angle: it changes lengths only"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(z, b):
    r = torch.sqrt(torch.where(z == 0, torch.ones_like(z.real), z.real**2 + z.imag**2))
    longer = r + b
    length = torch.where(longer > 0, longer, torch.zeros_like(longer))
    return torch.where(z == 0, torch.zeros_like(z), length / r * z)


@right("other formula")
def other_formula(z, bias):
    direction = torch.sgn(z)
    return direction * torch.clamp(z.abs() + bias, min=0)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def mod_relu_by_division(z, b):
    """At z = 0 this is 0 / 0, which is nan. Divide by a modulus in which the zeros are replaced by 1, and make the
    result 0 there: one nan in a batch spoils every weight."""
    return torch.relu(z.abs() + b) * z / z.abs()


@mistake
def mod_relu_without_relu(z, b):
    """Where |z| + b is negative the number ended up on the other side of 0. Cut the modulus at 0 first: relu(|z| +
    b)."""
    modulus = z.abs()
    safe = torch.where(modulus == 0, torch.ones_like(modulus), modulus)
    return (modulus + b) / safe * z


@mistake
def mod_relu_modulus(z, b):
    """This is the new modulus alone, a real number. The phase stays with it: multiply by z / |z|."""
    return torch.relu(z.abs() + b)


@mistake
def mod_relu_scales_z(z, b):
    """You multiplied z itself by relu(|z| + b), so the modulus was used twice. Divide z by |z| first: it gives the
    direction alone."""
    return torch.relu(z.abs() + b) * z


mod_relu_subtracts = slip(
    mod_relu_without_relu,
    "(modulus + b) / safe * z",
    "torch.where(modulus == 0, 0 * z, torch.relu(modulus - b) / safe * z)",
    says="The bias was subtracted from the modulus. It is added: a negative b makes the dead disc around 0, a "
    "positive one pushes everything outwards.",
)


@mistake
def mod_relu_threshold(z, b):
    """Numbers outside the dead disc passed unchanged. modReLU also shortens them by the same b, so that there is no
    jump at the edge."""
    return z * (z.abs() + b > 0)


@mistake
def mod_relu_wakes_zeros(z, b):
    """At z = 0 this gives b itself: the phase of 0 was taken as 0, and the number got a direction that it never
    had. At 0 the answer is 0."""
    return torch.polar(torch.relu(z.abs() + b), z.angle())
