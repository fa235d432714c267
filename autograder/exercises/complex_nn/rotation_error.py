"""How far `f` is from turning its output when its input is turned."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case
from autograder.exercises.awkward import RELATIVE, magnitudes, twice
from autograder.exercises.complex_nn.inputs import EXACT, ONE, TWO, Cases, z_
from autograder.exercises.declare import Asks, hidden, mistake, right, right_text, slip, visible
from course_lib import complex_nn

ASKS = Asks(
    complex_nn.rotation_error,
    signature="rotation_error(f, z (...), angle) -> float",
    points={"basics": 2},
    hints=(
        "By which number do you multiply to turn a point of the plane? Then compare turning before f with turning "
        "after f.",
        "Turning by an angle is a product with e^(i angle). Subtract the turned f of z from f of the turned z, and "
        "take the largest modulus of the difference.",
        "`turn = complex(math.cos(angle), math.sin(angle))`. From `f(turn * z)` subtract `turn * f(z)`, then "
        "`.abs()`, `.max()` and `.item()`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def half_turn(z: Tensor) -> Tensor:
    """Multiplies by i / 2: equivariant."""
    return 0.5j * z


def upper(z: Tensor) -> Tensor:
    """Keeps what lies above the real axis: not equivariant."""
    return z * (z.imag > 0)


def swap(z: Tensor) -> Tensor:
    """Mirrors in the diagonal: not equivariant, and a turn of the input turns the output the other way."""
    return torch.complex(z.imag.clone(), z.real.clone())


def height(z: Tensor) -> Tensor:
    """The imaginary part, as a real number: not equivariant."""
    return z.imag + 0j


def by_length(z: Tensor) -> Tensor:
    """Scales by a function of the modulus: equivariant."""
    return z * torch.tanh(z.abs())


@visible
def visible_cases(rng: np.random.Generator) -> Cases:
    """A function that turns along, one that does not."""
    corner = torch.tensor([1.0 + 0j], dtype=TWO)
    yield Case("a function that keeps the upper half, a quarter turn", (upper, corner, math.pi / 2))
    yield Case("a function that turns along", (by_length, z_(rng, 4), 1.0))
    yield Case("a mirror", (swap, z_(rng, 3, 2), 0.7))


@hidden
def hidden_cases(rng: np.random.Generator) -> Cases:
    """Other angles and shapes."""
    yield Case("a linear map", (half_turn, z_(rng, 5), 2.1))
    yield Case("a mirror, an angle below 0", (swap, z_(rng, 2, 3, 2), -1.3))
    yield Case("the upper half, many numbers", (upper, z_(rng, 30), 0.2))
    yield Case("the upper half, single precision", (upper, z_(rng, 6, dtype=ONE), 3.0))
    yield from twice(lambda: (swap, z_(rng, 4), float(rng.uniform(0.5, 2))))
    yield from magnitudes(lambda scale: (upper, scale * z_(rng, 5), 0.4))
    for angle in (5e-13, 5e-7, 5e-4):
        yield Case(f"the height, a turn by {angle}", (height, z_(rng, 4).real + 0j, angle), tolerance=RELATIVE)
    for angle in (5e3, 5e9):
        yield Case(f"the height, a turn by {angle:g}", (height, z_(rng, 4).real + 0j, angle))
    yield Case("to the last digits", (upper, z_(rng, 6), 0.7), tolerance=EXACT)
    yield Case("no turn at all", (swap, z_(rng, 4), 0.0))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(f, z, angle):
    turn = math.cos(angle) + 1j * math.sin(angle)
    turned_first = f(z * complex(turn)).reshape(-1)
    turned_last = (f(z) * complex(turn)).reshape(-1)
    worst = 0.0
    for one, other in zip(turned_first, turned_last):
        worst = max(worst, abs(complex(one) - complex(other)))
    return worst


other_formula = right_text(
    "other formula",
    """
import cmath

def rotation_error(function, points, phi):
    r = cmath.rect(1.0, phi)
    return torch.max(torch.abs(function(r * points) / r - function(points)))
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(f, z, angle):
    import math

    turn = complex(math.cos(angle), math.sin(angle))
    return float((f(turn * z) - turn * f(z)).abs().max())


rotation_of_invariance = slip(
    answer,
    "turn * f(z)",
    "f(z)",
    says="You compared f of the turned input with f(z) itself, which asks whether the output stays. It should "
    "turn along: compare with e^(i angle) f(z).",
)


rotation_mean = slip(
    answer,
    "(f(turn * z) - turn * f(z)).abs().max",
    "(f(turn * z) - turn * f(z)).abs().mean",
    says="This is the mean error. The exercise asks for the largest: a single number that does not turn along is "
    "enough.",
)


@mistake
def rotation_in_degrees(f, z, angle):
    """The angle was read as degrees. It comes in radians, so put it into cos and sin as it is."""
    import math

    turn = complex(math.cos(math.radians(angle)), math.sin(math.radians(angle)))
    return float((f(turn * z) - turn * f(z)).abs().max())


rotation_of_lengths = slip(
    answer,
    "f(turn * z) - turn * f(z)",
    "f(turn * z).abs() - (turn * f(z)).abs()",
    says="You took the moduli before the difference, so a wrong direction goes unnoticed. Subtract first, then take "
    "the modulus.",
)


rotation_back = slip(
    answer,
    "turn * f(z)",
    "f(z) / turn",
    says="The output was turned the other way, by minus the angle. Both are turned by the same e^(i angle).",
)
