"""Symbols of phase-shift keying as an antenna receives them, in white noise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.complex_nn.inputs import TWO, Cases, generator
from autograder.exercises.declare import Asks, accepts, hidden, holds, mistake, right, slip, visible
from course_lib import complex_nn

ASKS = Asks(
    complex_nn.psk_batch,
    signature="psk_batch(n, order, snr_db, generator) -> (z (n,) complex, labels (n,) int64)",
    points={"basics": 1, "noise": 1},
    hints=(
        "At 20 dB, what is the power of the noise, and what is its amplitude? Which of the two multiplies a random "
        "number?",
        "Draw labels, put each on the unit circle at its angle, and add complex normal noise. torch's complex "
        "normal numbers have the power 1 in both parts together, so the amplitude is the only factor.",
        "Symbols: `torch.polar(torch.ones(n), 2 * math.pi * labels / order)`. Noise: `10 ** (-snr_db / 20)` times "
        "`torch.randn(n, dtype=torch.complex64, generator=generator)`. Labels: `torch.randint(order, (n,), "
        "generator=generator)`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Cases:
    """Without noise the symbols are bare; then with noise."""
    yield Case("six symbols without noise", (6, 4, math.inf, generator(rng)))
    yield Case("eight symbols in noise", (4000, 8, 10.0, generator(rng)), group="noise")
    yield Case("two symbols, as much noise as signal", (4000, 2, 0.0, generator(rng)), group="noise")


@hidden
def hidden_cases(rng: np.random.Generator) -> Cases:
    """Other orders and ratios."""
    yield Case("one symbol", (1, 8, math.inf, generator(rng)))
    yield Case("three symbols without noise", (50, 3, math.inf, generator(rng)))
    yield Case("sixteen symbols", (6000, 16, 20.0, generator(rng)), group="noise")
    yield Case("hardly any noise", (4000, 2, 120.0, generator(rng)), group="noise")
    for snr_db in (-80.0, -200.0):
        yield Case(f"{snr_db:g} dB", (3000, 4, snr_db, generator(rng)), group="noise")
    yield Case("more noise than signal", (5000, 4, -6.0, generator(rng)), group="noise")


# --- properties ----------------------------------------------------------------------------------------------


@holds("the generator alone decides", group="basics")
def batch_repeats(call: Probe, rng: np.random.Generator) -> str | None:
    seed = int(rng.integers(1, 2**30))
    once, again, other = (call(9, 4, 5.0, torch.Generator().manual_seed(seed + step)) for step in (0, 0, 1))
    if not (torch.equal(once[0], again[0]) and torch.equal(once[1], again[1])):
        return "the same generator gave two different batches: pass generator=generator to every draw"
    return "two generators gave the same batch: draw from the one passed in" if torch.equal(once[0], other[0]) else None


# --- the judge -----------------------------------------------------------------------------------------------


def batch_noise(case: Case, value: Any) -> Tensor:
    """Every number minus the symbol of its label, divided by the amplitude that the noise should have."""
    (z, labels), (_, order, snr_db, _) = value, case.args
    amplitude = 10 ** (-snr_db / 20) if math.isfinite(snr_db) else 1.0
    noise: Tensor = (z.to(TWO) - torch.exp(2j * math.pi * labels.double() / order)) / amplitude
    return noise


@accepts
def accepts_batch(case: Case, value: Any) -> str | None:
    """Types and shapes, then labels, then the noise."""
    n, order, snr_db, _ = case.args
    if not isinstance(value, (tuple, list)) or len(value) != 2 or not all(isinstance(part, Tensor) for part in value):
        return "the result is not a pair of tensors; expected z and the labels"
    z, labels = value
    if not z.is_complex() or tuple(z.shape) != (n,):
        return f"z is {z.dtype} of shape {tuple(z.shape)}; expected a complex tensor of shape ({n},)"
    if labels.dtype != torch.int64 or tuple(labels.shape) != (n,):
        return f"labels are {labels.dtype} of shape {tuple(labels.shape)}; expected int64 of shape ({n},)"
    if int(labels.min()) < 0 or int(labels.max()) >= order:
        return f"labels run from {int(labels.min())} to {int(labels.max())}; expected 0 to {order - 1}"
    noise = batch_noise(case, value)
    if math.isinf(snr_db):
        off = int((noise.abs() > 1e-5).sum())
        return (
            f"without noise, {off} of {n} numbers are not the symbol e^(2 pi i k / order) of their label k"
            if off
            else None
        )
    return _labels_problem(labels, order) or _noise_problem(noise)


def _labels_problem(labels: Tensor, order: int) -> str | None:
    n = labels.numel()
    counts = torch.bincount(labels, minlength=order).double()
    if float((counts - n / order).abs().max()) > 6 * math.sqrt(n / order):
        return "some symbols come far more often than others: every label must be equally likely"
    repeats, chance = float((labels[1:] == labels[:-1]).double().mean()), 1 / order
    if abs(repeats - chance) > 6 * math.sqrt(chance * (1 - chance) / n) + 2 / n:
        return f"a label equals the one before it {repeats:.0%} of the time; in random order it is {chance:.0%}"
    return None


def _noise_problem(noise: Tensor) -> str | None:
    allowed = 6 / math.sqrt(noise.numel())
    measured = float((noise.abs() ** 2).mean())
    if not abs(measured - 1) < allowed:
        return (
            f"the noise has {measured:.3g} times the power 10^(-snr_db / 10): that is the power of both parts together"
        )
    if float((noise**2).mean().abs()) > allowed:
        return (
            "the noise is not the same in all directions: its real and imaginary parts must each carry half the power"
        )
    if float(noise.mean().abs()) > allowed:
        return "the noise does not have the mean 0"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(n, order, snr_db, generator):
    labels = torch.floor(torch.rand(n, generator=generator) * order).long()
    angle = 2 * torch.pi * labels / order
    sigma = (10 ** (-snr_db / 10) / 2) ** 0.5
    x = torch.cos(angle) + sigma * torch.randn(n, generator=generator)
    y = torch.sin(angle) + sigma * torch.randn(n, generator=generator)
    return torch.complex(x, y), labels


@right("other formula")
def other_formula(count, order, snr_db, generator):
    shuffled = torch.randperm(count, generator=generator) % order
    clean = torch.exp(2j * torch.pi * shuffled / order).to(torch.complex64)
    noise = torch.randn(count, dtype=torch.cfloat, generator=generator)
    return clean + noise / 10 ** (snr_db / 20), shuffled


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake(shows=lambda case, value: bool(value[1].is_floating_point()))
def batch_float_labels(n, order, snr_db, generator):
    """The labels are floats. They are class indices, and cross_entropy wants them as int64: torch.randint gives
    that."""
    labels = torch.floor(order * torch.rand(n, generator=generator))
    z = torch.polar(torch.ones(n), 2 * torch.pi * labels / order)
    return z + 10 ** (-snr_db / 20) * torch.randn(n, dtype=torch.complex64, generator=generator), labels


def _in_turn(case: Case, value: Any) -> bool:
    labels = value[1]
    steps = (labels[1:] - labels[:-1]) % case.args[1]
    return bool((steps == 1).all() or (labels[1:] >= labels[:-1]).all())


batch_in_turn = slip(
    batch_float_labels,
    "torch.floor(order * torch.rand(n, generator=generator))",
    "torch.arange(n) % order",
    says="The symbols come in a fixed order, 0, 1, 2, ... A network could learn the order instead of the phases: "
    "draw them at random.",
    shows=_in_turn,
)


def _turned(case: Case, value: Any) -> bool:
    z, labels = value
    mean = complex((z * torch.exp(-2j * math.pi * labels / case.args[1])).mean())
    return bool(abs(math.atan2(mean.imag, mean.real) - math.pi / case.args[1]) < 0.1)


batch_turned_by_half = slip(
    batch_float_labels,
    ("torch.floor(order * torch.rand(n, generator=generator))", "torch.randint(order, (n,), generator=generator)"),
    ("2 * torch.pi * labels", "2 * torch.pi * (labels + 0.5)"),
    says="All symbols are turned by half a step: symbol 0 does not lie on the positive real axis. Symbol k has "
    "the phase 2 pi k / order.",
    shows=_turned,
)


def _noisy(case: Case) -> bool:
    return math.isfinite(case.args[2])


def _noise_real(case: Case, value: Any) -> bool:
    noise = batch_noise(case, value)
    return float(noise.imag.abs().max()) < 1e-3 and float(noise.real.abs().max() > 1e-3) == _noisy(case)


@mistake(shows=_noise_real)
def batch_real_noise(n, order, snr_db, generator):
    """The noise is real: it moves the symbols only to the left and right. It has to come from all directions, with half
    of the power in each part."""
    labels = torch.randint(order, (n,), generator=generator)
    z = torch.polar(torch.ones(n), 2 * torch.pi * labels / order)
    return z + 10 ** (-snr_db / 20) * torch.randn(n, generator=generator), labels


def _noise_one_sided(case: Case, value: Any) -> bool:
    noise = batch_noise(case, value)
    return bool(noise.real.min() > -1e-4 and noise.imag.min() > -1e-4) or not _noisy(case)


batch_uniform_noise = slip(
    batch_real_noise,
    "torch.randn(n, generator=generator)",
    "torch.rand(n, dtype=torch.complex64, generator=generator)",
    says="The noise comes from torch.rand, so it is never negative and pushes every symbol the same way. "
    "torch.randn has the mean 0.",
    shows=_noise_one_sided,
)


def _noise_power(case: Case, value: Any) -> float:
    return float((batch_noise(case, value).abs() ** 2).mean())


def _noise_doubled(case: Case, value: Any) -> bool:
    power = _noise_power(case, value)
    return 1.7 < power < 2.3 if _noisy(case) else power < 1e-9


@mistake(shows=_noise_doubled)
def batch_doubled_noise(n, order, snr_db, generator):
    """The noise has twice the power that it should: each part got all of it. It is the power of both parts together, so
    each part has half of it."""
    labels = torch.randint(order, (n,), generator=generator)
    z = torch.polar(torch.ones(n), 2 * torch.pi * labels / order)
    parts = 10 ** (-snr_db / 20) * torch.randn(2, n, generator=generator)
    return z + torch.complex(parts[0], parts[1]), labels


def _noise_squared(case: Case, value: Any) -> bool:
    power, asked = _noise_power(case, value), 10 ** (-case.args[2] / 10)
    return abs(power / asked - 1) < 0.2 if _noisy(case) else power < 1e-9


batch_power_as_amplitude = slip(
    batch_real_noise,
    "10 ** (-snr_db / 20) * torch.randn(n, generator=generator)",
    "10 ** (-snr_db / 10) * torch.randn(n, dtype=torch.complex64, generator=generator)",
    says="You multiplied the noise by its power. Multiply it by the amplitude, the square root of the power: "
    "10^(-snr_db / 20).",
    shows=_noise_squared,
)
