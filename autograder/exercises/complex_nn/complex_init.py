"""Random complex weights that keep the size of a signal through rectified layers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.complex_nn.inputs import Cases, generator
from autograder.exercises.declare import Asks, accepts, hidden, holds, mistake, right, visible
from course_lib import complex_nn

ASKS = Asks(
    complex_nn.complex_init,
    signature="complex_init(fan_out, fan_in, generator) -> (fan_out, fan_in), complex",
    points={"basics": 1, "distribution": 1},
    hints=(
        "What is the mean of |W| squared for a Rayleigh modulus of scale s? How much of it does each part get?",
        "If both parts are independent normals of variance 1 / fan_in, then modulus and phase have just the right "
        "distributions. So one complex normal draw with the right factor is enough.",
        "`torch.randn(fan_out, fan_in, dtype=torch.complex64, generator=generator)` has the variance 1/2 in each "
        "part. Multiply it by `math.sqrt(2 / fan_in)`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Cases:
    """A small one for the shape, a large one for the distribution."""
    yield Case("three outputs, two inputs", (3, 2, generator(rng)))
    yield Case("many inputs", (60, 250, generator(rng)), group="distribution")
    yield Case("many outputs", (400, 30, generator(rng)), group="distribution")


@hidden
def hidden_cases(rng: np.random.Generator) -> Cases:
    """Other sizes."""
    yield Case("one output", (1, 9, generator(rng)))
    yield Case("one input", (6, 1, generator(rng)))
    yield Case("other sizes", (150, 120, generator(rng)), group="distribution")
    yield Case("very many inputs", (5, 40_000, generator(rng)), group="distribution")
    yield Case("few inputs", (3000, 4, generator(rng)), group="distribution")


# --- properties ----------------------------------------------------------------------------------------------


@holds("the generator alone decides", group="basics")
def init_repeats(call: Probe, rng: np.random.Generator) -> str | None:
    seed = int(rng.integers(1, 2**30))
    once, again, other = (call(3, 4, torch.Generator().manual_seed(seed + step)) for step in (0, 0, 1))
    if not torch.equal(once, again):
        return "the same generator gave two different sets of weights: pass generator=generator to every draw"
    return "two generators gave the same weights: draw from the one passed in" if torch.equal(once, other) else None


# --- the judge -----------------------------------------------------------------------------------------------


@accepts
def accepts_init(case: Case, value: Any) -> str | None:
    """Shape, dtype, power, then the distributions of modulus and phase."""
    fan_out, fan_in, _ = case.args
    if not isinstance(value, Tensor) or not value.is_complex():
        return "the weights must be one complex torch tensor"
    if tuple(value.shape) != (fan_out, fan_in):
        return f"the weights have shape {tuple(value.shape)}; expected (fan_out, fan_in) = ({fan_out}, {fan_in})"
    if not torch.isfinite(torch.view_as_real(value)).all():
        return "some weights are infinite or nan"
    if not (value.abs().sum(0).all() and value.abs().sum(1).all()):
        return "all weights of an input or of an output are 0: every weight has to be drawn"
    if value.numel() < 1000:
        return None
    ratio, allowed = init_ratio(case, value), 6 / math.sqrt(value.numel())
    if abs(ratio - 1) > allowed:
        return f"the mean of |W|^2 is {ratio:.3f} times 2 / fan_in, the mean that the scale 1 / sqrt(fan_in) gives"
    modulus = value.abs().double().flatten()
    if _gap(1 - torch.exp(-(modulus**2) * fan_in / 2)) > 3:
        return "the moduli are not Rayleigh distributed with the scale 1 / sqrt(fan_in)"
    if _gap(value.angle().double().flatten() / (2 * math.pi) + 0.5) > 3:
        return "the phases are not uniform on the whole circle"
    return None


def init_ratio(case: Case, value: Any) -> float:
    """The mean of |W|^2 in units of 2 / fan_in."""
    return float((value.abs().double() ** 2).mean()) * int(case.args[1]) / 2


def _gap(shares: Tensor) -> float:
    """The Kolmogorov-Smirnov distance from the uniform distribution on [0, 1], times sqrt(n)."""
    n = shares.numel()
    ideal = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    return float((shares.sort().values - ideal).abs().max()) * math.sqrt(n)


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(fan_out, fan_in, generator):
    W = torch.zeros(fan_out, fan_in, dtype=torch.complex64)
    for row in range(fan_out):
        real = torch.randn(fan_in, generator=generator)
        imag = torch.randn(fan_in, generator=generator)
        W[row] = (real + 1j * imag) / fan_in**0.5
    return W


@right("other formula")
def other_formula(rows, columns, generator):
    r = torch.empty(rows, columns).exponential_(generator=generator).mul(2 / columns).sqrt()
    phi = torch.empty(rows, columns).uniform_(-torch.pi, torch.pi, generator=generator)
    return r * torch.exp(1j * phi)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake(shows=lambda case, value: bool(tuple(value.shape) == (case.args[1], case.args[0])))
def init_transposed(fan_out, fan_in, generator):
    """The shape is (fan_in, fan_out). Torch stores one row for each output: (fan_out, fan_in)."""
    import math

    parts = torch.randn(2, fan_in, fan_out, generator=generator) / math.sqrt(fan_in)
    return torch.complex(parts[0], parts[1])


def _right_size(case: Case, value: Any) -> bool:
    return tuple(value.shape) == case.args[:2] and bool(value.is_complex())


@mistake(shows=lambda case, value: _right_size(case, value) and bool((value.imag == 0).all()))
def init_real(fan_out, fan_in, generator):
    """The imaginary parts are all 0: these are real weights in a complex dtype. Give each weight a phase from the
    whole circle."""
    import math

    real = torch.randn(fan_out, fan_in, generator=generator) * math.sqrt(2 / fan_in)
    return torch.complex(real, torch.zeros_like(real))


def _half_circle(case: Case, value: Any) -> bool:
    angle = value.angle()
    return _right_size(case, value) and bool(
        angle.min() >= 0 or angle.max() <= 0 or angle.abs().max() <= math.pi / 2 + 0.01
    )


@mistake(shows=_half_circle)
def init_half_circle(fan_out, fan_in, generator):
    """All phases lie on one half of the circle. They are uniform on all of it: from 0 to 2 pi."""
    import math

    u = torch.rand(2, fan_out, fan_in, generator=generator)
    return torch.polar(torch.sqrt(-2 * torch.log1p(-u[0]) / fan_in), math.pi * u[1])


def _one_modulus(case: Case, value: Any) -> bool:
    return _right_size(case, value) and float(value.abs().std() / value.abs().mean()) < 1e-3


@mistake(shows=_one_modulus)
def init_one_modulus(fan_out, fan_in, generator):
    """All weights have the same modulus. Draw it from the Rayleigh distribution; only its root mean square is sqrt(2 /
    fan_in)."""
    import math

    phase = 2 * math.pi * torch.rand(fan_out, fan_in, generator=generator)
    return torch.polar(torch.full((fan_out, fan_in), math.sqrt(2 / fan_in)), phase)


def _power(expected: Callable[[Case], float]) -> Callable[[Case, Any], bool]:
    def shows(case: Case, value: Any) -> bool:
        if not _right_size(case, value):
            return False
        return value.numel() < 1000 or abs(init_ratio(case, value) / expected(case) - 1) < 0.1

    return shows


@mistake(shows=_power(lambda case: 0.5))
def init_half_the_power(fan_out, fan_in, generator):
    """The mean of |W|^2 is 1 / fan_in, half of what it should be. torch.randn splits the power 1 between both parts of
    a complex number; each part should have the variance 1 / fan_in."""
    import math

    return torch.randn(fan_out, fan_in, dtype=torch.complex64, generator=generator) / math.sqrt(fan_in)


@mistake(shows=_power(lambda case: case.args[1] / case.args[0]))
def init_by_fan_out(fan_out, fan_in, generator):
    """The weights were scaled by the number of outputs. Each output sums over fan_in inputs, so fan_in decides."""
    import math

    parts = torch.randn(2, fan_out, fan_in, generator=generator) / math.sqrt(fan_out)
    return torch.complex(parts[0], parts[1])


@mistake(shows=_power(lambda case: 1 / case.args[1]))
def init_without_root(fan_out, fan_in, generator):
    """The scale is 1 / fan_in here: the square root is missing, and the signal fades from layer to layer."""
    parts = torch.randn(2, fan_out, fan_in, generator=generator) / fan_in
    return torch.complex(parts[0], parts[1])
