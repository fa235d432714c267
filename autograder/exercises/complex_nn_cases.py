"""Complex-valued networks: the cases, what holds whatever the numbers are, and how random answers are judged."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case, Probe
from autograder.harness import complex_nn as harness

__all__ = [
    "accepts_batch",
    "accepts_init",
    "accepts_receiver",
]

Cases = Iterator[Case]
ONE = torch.complex64
TWO = torch.complex128


def z_(rng: np.random.Generator, *shape: int, dtype: torch.dtype = TWO) -> Tensor:
    """Complex normal numbers."""
    return torch.from_numpy(rng.standard_normal((*shape, 2))).view(TWO)[..., 0].clone().to(dtype)


def generator(rng: np.random.Generator) -> torch.Generator:
    """A torch generator with a seed from `rng`."""
    return torch.Generator().manual_seed(int(rng.integers(1, 2**31)))


# --- products -------------------------------------------------------------------------------------------


def _pair(rng: np.random.Generator, n: int, m: int, p: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
    shapes = ((n, m), (n, m), (m, p), (m, p))
    return tuple(torch.from_numpy(rng.standard_normal(shape)).to(dtype) for shape in shapes)


def product_visible(rng: np.random.Generator) -> Cases:
    """Values first, then the same with the products counted."""
    one = tuple(torch.tensor([[value]]) for value in (1.0, 2.0, 3.0, 4.0))
    yield Case("(1 + 2i)(3 + 4i)", one)
    yield Case("(2, 3) times (3, 2)", tuple(value.round() for value in _pair(rng, 2, 3, 2)))
    yield Case("counted: (2, 3) times (3, 4)", _pair(rng, 2, 3, 4), group="counted", through=harness.counted)


def product_hidden(rng: np.random.Generator) -> Cases:
    """Other sizes and layouts."""
    yield Case("larger matrices", _pair(rng, 7, 11, 5))
    yield Case("single precision", _pair(rng, 4, 6, 3, torch.float32))
    ar, ai, br, bi = _pair(rng, 6, 4, 5)
    yield Case("transposed views", (ai.T.contiguous().T, ar, br[:, ::2], bi[:, ::2]))
    yield Case("a row times a column", _pair(rng, 1, 9, 1))
    yield Case("a column times a row", _pair(rng, 5, 1, 3))
    yield Case("counted: other sizes", _pair(rng, 3, 5, 2), group="counted", through=harness.counted)
    yield Case("counted: one number", _pair(rng, 1, 1, 1), group="counted", through=harness.counted)


# --- layers ---------------------------------------------------------------------------------------------


def _layer(rng: np.random.Generator, n: int, d: int, out: int, dtype: torch.dtype = TWO) -> tuple[Tensor, ...]:
    return z_(rng, n, d, dtype=dtype), z_(rng, out, d, dtype=dtype), z_(rng, out, dtype=dtype)


def linear_visible(rng: np.random.Generator) -> Cases:
    """One example by hand, then batches; gradients with a random upstream."""
    z = torch.tensor([[1 + 2j, -1j]], dtype=TWO)
    W = torch.tensor([[1j, 2.0], [1 + 1j, 3.0], [0.0, 1 - 1j]], dtype=TWO)
    yield Case("one example, three outputs", (z, W, torch.tensor([1, 1j, -2.0], dtype=TWO)))
    yield Case("a batch of four", _layer(rng, 4, 3, 2))
    yield Case("square weights", _layer(rng, 3, 3, 3))
    upstream = z_(rng, 3, 2)
    yield Case("gradients", (upstream, *_layer(rng, 3, 4, 2)), group="gradients", through=harness.differentiated)


def linear_hidden(rng: np.random.Generator) -> Cases:
    """Other sizes, layouts, precision."""
    yield Case("a larger batch", _layer(rng, 19, 8, 5))
    yield Case("one feature, one output", _layer(rng, 5, 1, 1))
    yield Case("single precision", _layer(rng, 6, 5, 4, ONE))
    z, W, b = _layer(rng, 6, 8, 4)
    yield Case("slices", (z[::2, ::2], W[:, ::2], b))
    yield Case("real numbers that are stored as complex", (z.real + 0j, W.real + 0j, b.real + 0j))
    upstream = z_(rng, 1, 5)
    yield Case("gradients", (upstream, *_layer(rng, 1, 2, 5)), group="gradients", through=harness.differentiated)


def linear_turns(call: Probe, rng: np.random.Generator) -> str | None:
    """Without a bias a complex layer commutes with i."""
    z, W, b = _layer(rng, 3, 4, 2)
    if not torch.allclose(call(1j * z, W, 0 * b), 1j * call(z, W, 0 * b)):
        return "with b = 0, complex_linear(i z) must be i complex_linear(z): a complex layer only scales and turns"
    return None


def conv_visible(rng: np.random.Generator) -> Cases:
    """A kernel of one number, then channels; then the same with torch's complex convolutions counted."""
    z = torch.tensor([[1 + 2j, 0.0, 1j], [-1.0, 2 - 1j, 3.0]], dtype=TWO)[None, None]
    yield Case("one number as a kernel", (z, torch.tensor([3 - 1j], dtype=TWO).reshape(1, 1, 1, 1)))
    yield Case("a kernel of two numbers", (z, torch.tensor([[1 + 1j, 2j]], dtype=TWO)[None, None]))
    yield Case("two images, three channels, four kernels", (z_(rng, 2, 3, 5, 4), z_(rng, 4, 3, 3, 2)))
    small = z_(rng, 1, 2, 4, 4), z_(rng, 3, 2, 2, 2)
    yield Case("from real convolutions", small, group="real convolutions", through=harness.convolved)


def conv_hidden(rng: np.random.Generator) -> Cases:
    """Other sizes, layouts, precision."""
    yield Case("a kernel as large as the image", (z_(rng, 2, 2, 4, 3), z_(rng, 3, 2, 4, 3)))
    yield Case("a wide kernel", (z_(rng, 1, 1, 6, 9), z_(rng, 1, 1, 1, 5)))
    yield Case("single precision", (z_(rng, 3, 4, 6, 5, dtype=ONE), z_(rng, 2, 4, 3, 3, dtype=ONE)))
    z = z_(rng, 2, 6, 5, 8)
    yield Case("slices", (z[:, ::2, :, ::2], z_(rng, 3, 2, 2, 3).transpose(0, 1)))
    other = z_(rng, 2, 3, 5, 5), z_(rng, 2, 3, 3, 1)
    yield Case("from real convolutions", other, group="real convolutions", through=harness.convolved)


# --- activations ----------------------------------------------------------------------------------------

QUADRANTS = torch.tensor([3 + 4j, -3 + 4j, 3 - 4j, -3 - 4j, 0.6 + 0.8j], dtype=TWO)


def activation_visible(*rest: Any) -> Callable[[np.random.Generator], Cases]:
    """One number of each quadrant, a batch, zeros, gradients; `rest` are further arguments."""

    def visible(rng: np.random.Generator) -> Cases:
        yield Case("one of each quadrant", (QUADRANTS, *rest))
        yield Case("a batch", (z_(rng, 2, 3), *rest))
        yield Case("zero", (torch.zeros(2, dtype=TWO), *rest), group="gradients", through=harness.at_zero)
        z = z_(rng, 2, 2)
        yield Case("gradients", (z_(rng, 2, 2), z, *rest), group="gradients", through=harness.differentiated)

    return visible


def activation_hidden(*rest: Any) -> Callable[[np.random.Generator], Cases]:
    """Other shapes, sizes, precision and layouts."""

    def hidden(rng: np.random.Generator) -> Cases:
        yield Case("many numbers", (z_(rng, 40, 5), *rest))
        yield Case("three axes", (z_(rng, 2, 3, 4), *rest))
        yield Case("one number", (z_(rng)[None], *rest))
        yield Case("large and small numbers", (z_(rng, 6) * torch.tensor([1e-3, 1e-2, 0.1, 10, 1e3, 1e4]), *rest))
        yield Case("single precision", (z_(rng, 7, 3, dtype=ONE), *rest))
        yield Case("every second column", (z_(rng, 4, 6)[:, ::2], *rest))
        some = z_(rng, 3, 3)
        some[1] = 0
        yield Case("zeros among others", (some, *rest), group="gradients", through=harness.at_zero)
        single = torch.zeros(3, dtype=ONE)
        yield Case("zero in single precision", (single, *rest), group="gradients", through=harness.at_zero)
        z = z_(rng, 5, 4)
        yield Case("gradients", (z_(rng, 5, 4), z, *rest), group="gradients", through=harness.differentiated)

    return hidden


def mod_visible(rng: np.random.Generator) -> Cases:
    """Beside the usual: a positive bias, which must not wake up a zero, and one bias for each feature."""
    yield from activation_visible(-1.0)(rng)
    yield Case("a positive bias", (QUADRANTS, 5.0))
    z, b = z_(rng, 3, 2), torch.tensor([-0.5, 0.5], dtype=torch.float64)
    yield Case("one bias for each feature", (z, b))
    zeros = torch.zeros(3, dtype=TWO)
    yield Case("zero with a positive bias", (zeros, 0.5), group="gradients", through=harness.at_zero)
    yield Case("gradients for the bias", (z_(rng, 3, 2), z, b), group="gradients", through=harness.differentiated)


def mod_hidden(rng: np.random.Generator) -> Cases:
    """As visible, with other numbers."""
    yield from activation_hidden(-0.4)(rng)
    b = torch.from_numpy(rng.standard_normal(4))
    yield Case("a random bias for each feature", (z_(rng, 6, 4), b))
    yield Case("no bias", (z_(rng, 6), 0.0))
    single = z_(rng, 5, 4, dtype=ONE), b.float()
    yield Case(
        "gradients for the bias", (z_(rng, 5, 4, dtype=ONE), *single), {}, "gradients", None, harness.differentiated
    )


def _turns(rng: np.random.Generator) -> complex:
    angle = float(rng.uniform(0.5, 2.5))
    return complex(math.cos(angle), math.sin(angle))


def mod_turns(call: Probe, rng: np.random.Generator) -> str | None:
    """modReLU is equivariant to a rotation."""
    z, turn = z_(rng, 5, 3), _turns(rng)
    if not torch.allclose(call(turn * z, -0.3), turn * call(z, -0.3)):
        return "when all of z turns by an angle, mod_relu(z, b) must turn by the same angle: it changes lengths only"
    return None


def cardioid_on_the_line(call: Probe, rng: np.random.Generator) -> str | None:
    """On the real line the cardioid is the ReLU."""
    x = torch.from_numpy(rng.standard_normal(6))
    if not torch.allclose(call(torch.complex(x, 0 * x)).real, torch.relu(x)):
        return "on the real line a cardioid is a ReLU: the positive axis stays, the negative one becomes 0"
    return None


# --- equivariance and derivatives: functions that the judge lends ---------------------------------------


def half_turn(z: Tensor) -> Tensor:
    """Multiplies by i / 2: equivariant."""
    return 0.5j * z


def upper(z: Tensor) -> Tensor:
    """Keeps what lies above the real axis: not equivariant."""
    return z * (z.imag > 0)


def swap(z: Tensor) -> Tensor:
    """Mirrors at the diagonal: not equivariant, and a turn of the input turns the output the other way."""
    return torch.complex(z.imag.clone(), z.real.clone())


def by_length(z: Tensor) -> Tensor:
    """Scales by a function of the modulus: equivariant."""
    return z * torch.tanh(z.abs())


def rotation_visible(rng: np.random.Generator) -> Cases:
    """A function that turns along, one that does not."""
    corner = torch.tensor([1.0 + 0j], dtype=TWO)
    yield Case("a function that keeps the upper half, a quarter turn", (upper, corner, math.pi / 2))
    yield Case("a function that turns along", (by_length, z_(rng, 4), 1.0))
    yield Case("a mirror", (swap, z_(rng, 3, 2), 0.7))


def rotation_hidden(rng: np.random.Generator) -> Cases:
    """Other angles and shapes."""
    yield Case("a linear map", (half_turn, z_(rng, 5), 2.1))
    yield Case("a mirror, an angle below 0", (swap, z_(rng, 2, 3, 2), -1.3))
    yield Case("the upper half, many numbers", (upper, z_(rng, 30), 0.2))
    yield Case("the upper half, single precision", (upper, z_(rng, 6, dtype=ONE), 3.0))
    yield Case("no turn at all", (swap, z_(rng, 4), 0.0))


def square(z: Tensor) -> Tensor:
    """z^2: its derivative by z* is 0."""
    return z * z


def conjugate(z: Tensor) -> Tensor:
    """z*: its derivative by z is 0."""
    return z.conj().resolve_conj()


def power(z: Tensor) -> Tensor:
    """|z|^2, a real number."""
    return z.real**2 + z.imag**2


def mixed(z: Tensor) -> Tensor:
    """z^2 z* + i z."""
    return z * z * z.conj() + 1j * z


def wave(z: Tensor) -> Tensor:
    """e^z + 2 z*."""
    return torch.exp(z) + 2 * z.conj()


def part(z: Tensor) -> Tensor:
    """The imaginary part, a real number."""
    return z.imag.clone()


def wirtinger_visible(rng: np.random.Generator) -> Cases:
    """The three functions that everybody should know by heart, then a mixed one."""
    z = torch.tensor([1 + 2j, -1j, 3.0], dtype=TWO)
    yield Case("z squared", (square, z))
    yield Case("the conjugate", (conjugate, z))
    yield Case("the squared modulus, a real function", (power, z))
    yield Case("two rows", (mixed, z_(rng, 2, 3)), group="corners")


def wirtinger_hidden(rng: np.random.Generator) -> Cases:
    """Other functions, shapes and steps."""
    yield Case("an exponential and a conjugate", (wave, z_(rng, 6)))
    yield Case("a batch", (mixed, z_(rng, 5, 4)))
    yield Case("the imaginary part", (part, z_(rng, 4)), group="corners")
    yield Case("one number without axes", (mixed, z_(rng)), group="corners")
    yield Case("three axes, step by name", (wave, z_(rng, 2, 3, 2)), {"eps": 1e-3}, "corners")
    yield Case("every second number", (power, z_(rng, 8)[::2]), group="corners")


def chain_visible(rng: np.random.Generator) -> Cases:
    """By hand: w = z^2 and w = z* at z = 1 + 2i."""
    one = torch.tensor([1.0 + 3j], dtype=TWO)
    yield Case("w = z^2 at z = 1 + 2i", (one, torch.tensor([2 + 4j], dtype=TWO), torch.zeros(1, dtype=TWO)))
    yield Case("w = z*", (one, torch.zeros(1, dtype=TWO), torch.ones(1, dtype=TWO)))
    yield Case("both derivatives", (z_(rng, 2, 3), z_(rng, 2, 3), z_(rng, 2, 3)))


def chain_hidden(rng: np.random.Generator) -> Cases:
    """Other shapes and precision."""
    yield Case("many numbers", tuple(z_(rng, 20) for _ in range(3)))
    yield Case("three axes", tuple(z_(rng, 2, 3, 2) for _ in range(3)))
    yield Case("single precision", tuple(z_(rng, 5, dtype=ONE) for _ in range(3)))
    yield Case("a real upstream", (z_(rng, 4).real + 0j, z_(rng, 4), z_(rng, 4)))


def chain_is_autograds(call: Probe, rng: np.random.Generator) -> str | None:
    """Against torch itself, through w = z^2 z* and a real loss."""
    z = z_(rng, 5).requires_grad_()
    w = z * z * z.conj()
    w.retain_grad()
    (w.real**2 - 3 * w.imag).sum().backward()  # type: ignore[no-untyped-call]
    point = z.detach()
    assert w.grad is not None
    assert z.grad is not None
    got = call(w.grad, 2 * (point * point.conj()).resolve_conj(), point**2)
    if not torch.allclose(got, z.grad):
        return "for w = z^2 z* and a real loss, chain_rule gives another gradient at z than torch's autograd"
    return None


def step_visible(rng: np.random.Generator) -> Cases:
    """By hand, then a batch."""
    yield Case("one number", (torch.tensor([1 + 2j], dtype=TWO), torch.tensor([2 - 4j], dtype=TWO), 0.25))
    yield Case("a batch", (z_(rng, 2, 3), z_(rng, 2, 3), 0.1))


def step_hidden(rng: np.random.Generator) -> Cases:
    """Other shapes and precision."""
    yield Case("single precision", (z_(rng, 7, dtype=ONE), z_(rng, 7, dtype=ONE), 0.05))
    yield Case("rate 1", (z_(rng, 3), z_(rng, 3), 1.0))
    yield Case("rate 0", (z_(rng, 3), z_(rng, 3), 0.0))
    yield Case("slices", (z_(rng, 6, 4)[::2], z_(rng, 3, 8)[:, ::2], 0.3))


def step_descends(call: Probe, rng: np.random.Generator) -> str | None:
    """For |z - a|^2 half of torch's gradient is the whole way."""
    z, goal = z_(rng, 4).requires_grad_(), z_(rng, 4)
    power(z - goal).sum().backward()  # type: ignore[no-untyped-call]
    if not torch.allclose(call(z.detach(), z.grad, 0.5), goal):
        return "for the loss |z - a|^2 and torch's own gradient, a step of rate 0.5 must end exactly at a"
    return None


# --- random weights -------------------------------------------------------------------------------------


def init_visible(rng: np.random.Generator) -> Cases:
    """A small one for the shape, a large one for the distribution."""
    yield Case("three outputs, two inputs", (3, 2, generator(rng)))
    yield Case("many inputs", (60, 250, generator(rng)), group="distribution")
    yield Case("many outputs", (400, 30, generator(rng)), group="distribution")


def init_hidden(rng: np.random.Generator) -> Cases:
    """Other sizes."""
    yield Case("one output", (1, 9, generator(rng)))
    yield Case("one input", (6, 1, generator(rng)))
    yield Case("other sizes", (150, 120, generator(rng)), group="distribution")
    yield Case("few inputs", (3000, 4, generator(rng)), group="distribution")


def accepts_init(case: Case, value: Any) -> str | None:
    """Shape, dtype, power, then the distributions of modulus and phase."""
    fan_out, fan_in, _ = case.args
    if not isinstance(value, Tensor) or not value.is_complex():
        return "the weights must be one complex torch tensor"
    if tuple(value.shape) != (fan_out, fan_in):
        return f"the weights have shape {tuple(value.shape)}; expected is (fan_out, fan_in) = ({fan_out}, {fan_in})"
    if not torch.isfinite(torch.view_as_real(value)).all():
        return "some weights are infinite or nan"
    if value.numel() < 1000:
        return None
    ratio, allowed = init_ratio(case, value), 6 / math.sqrt(value.numel())
    if abs(ratio - 1) > allowed:
        return f"the mean of |W|^2 is {ratio:.3f} times 2 / fan_in, which the scale 1 / sqrt(fan_in) gives"
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
    """Kolmogorov's and Smirnov's distance from uniform on [0, 1], times sqrt(n)."""
    n = shares.numel()
    ideal = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    return float((shares.sort().values - ideal).abs().max()) * math.sqrt(n)


def init_repeats(call: Probe, rng: np.random.Generator) -> str | None:
    """The generator alone decides."""
    seed = int(rng.integers(1, 2**30))
    once, again, other = (call(3, 4, torch.Generator().manual_seed(seed + step)) for step in (0, 0, 1))
    if not torch.equal(once, again):
        return "the same generator gave two different sets of weights: pass generator=generator to every draw"
    return "two generators gave the same weights: draw from the one passed in" if torch.equal(once, other) else None


# --- symbols --------------------------------------------------------------------------------------------


def batch_visible(rng: np.random.Generator) -> Cases:
    """Without noise the symbols are bare; then with noise."""
    yield Case("six symbols without noise", (6, 4, math.inf, generator(rng)))
    yield Case("eight symbols in noise", (4000, 8, 10.0, generator(rng)), group="noise")
    yield Case("two symbols, as much noise as signal", (4000, 2, 0.0, generator(rng)), group="noise")


def batch_hidden(rng: np.random.Generator) -> Cases:
    """Other orders and ratios."""
    yield Case("one symbol", (1, 8, math.inf, generator(rng)))
    yield Case("three symbols without noise", (50, 3, math.inf, generator(rng)))
    yield Case("sixteen symbols", (6000, 16, 20.0, generator(rng)), group="noise")
    yield Case("more noise than signal", (5000, 4, -6.0, generator(rng)), group="noise")


def batch_noise(case: Case, value: Any) -> Tensor:
    """What is left when the symbol of its label is taken from every number, over the noise's right amplitude."""
    (z, labels), (_, order, snr_db, _) = value, case.args
    amplitude = 10 ** (-snr_db / 20) if math.isfinite(snr_db) else 1.0
    noise: Tensor = (z.to(TWO) - torch.exp(2j * math.pi * labels.double() / order)) / amplitude
    return noise


def accepts_batch(case: Case, value: Any) -> str | None:
    """Kinds and shapes, then labels, then the noise."""
    n, order, snr_db, _ = case.args
    if not isinstance(value, (tuple, list)) or len(value) != 2 or not all(isinstance(part, Tensor) for part in value):
        return "two tensors are asked: z and the labels"
    z, labels = value
    if not z.is_complex() or tuple(z.shape) != (n,):
        return f"z is {z.dtype} of shape {tuple(z.shape)}; expected is a complex tensor of shape ({n},)"
    if labels.dtype != torch.int64 or tuple(labels.shape) != (n,):
        return f"labels are {labels.dtype} of shape {tuple(labels.shape)}; expected is int64 of shape ({n},)"
    if int(labels.min()) < 0 or int(labels.max()) >= order:
        return f"labels run from {int(labels.min())} to {int(labels.max())}; expected are 0 to {order - 1}"
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
        return "the noise is not the same in all directions: real and imaginary part each carry half of the power"
    if float(noise.mean().abs()) > allowed:
        return "the noise does not have the mean 0"
    return None


def batch_repeats(call: Probe, rng: np.random.Generator) -> str | None:
    """The generator alone decides."""
    seed = int(rng.integers(1, 2**30))
    once, again, other = (call(9, 4, 5.0, torch.Generator().manual_seed(seed + step)) for step in (0, 0, 1))
    if not (torch.equal(once[0], again[0]) and torch.equal(once[1], again[1])):
        return "the same generator gave two different batches: pass generator=generator to every draw"
    return "two generators gave the same batch: draw from the one passed in" if torch.equal(once[0], other[0]) else None


def rate_visible(rng: np.random.Generator) -> Cases:
    """Small tables by hand."""
    yield Case("two symbols, 0 dB", (2, 0.0))
    yield Case("four symbols, 10 dB", (4, 10.0))
    yield Case("eight symbols, 12 dB", (8, 12.0))


def rate_hidden(rng: np.random.Generator) -> Cases:
    """Other orders and ratios."""
    for order in (2, 3, 4, 16):
        yield Case(f"order {order}", (order, round(float(rng.uniform(3, 15)), 2)))
    yield Case("below 0 dB", (4, -3.0))
    yield Case("hardly any error", (2, 13.0))


# --- the receiver ---------------------------------------------------------------------------------------

MARGIN = 0.02
STEPS = 150
HELD_OUT = 4000


def _receiver(rng: np.random.Generator, name: str, kind: str, order: int, snr_db: float) -> Case:
    labels = torch.from_numpy(rng.integers(0, order, HELD_OUT))
    symbols = torch.exp(2j * math.pi * torch.arange(order) / order).to(TWO)
    z = (symbols[labels] + 10 ** (-snr_db / 20) * math.sqrt(0.5) * z_(rng, HELD_OUT)).to(ONE)
    nearest = (z[:, None] - symbols.to(ONE)).abs().argmin(dim=1)
    best = float((nearest != labels).double().mean())
    seed = int(rng.integers(1, 2**31))
    return Case(name, (kind, order, snr_db, STEPS, seed, z), {}, kind, {"labels": labels, "best": best})


def receiver_visible(rng: np.random.Generator) -> Cases:
    """Four symbols, both kinds."""
    yield _receiver(rng, "complex, four symbols at 8 dB", "complex", 4, 8.0)
    yield _receiver(rng, "real, four symbols at 8 dB", "real", 4, 8.0)


def receiver_hidden(rng: np.random.Generator) -> Cases:
    """Other orders, both kinds."""
    yield _receiver(rng, "complex, eight symbols", "complex", 8, 13.0)
    yield _receiver(rng, "real, eight symbols", "real", 8, 13.0)
    yield _receiver(rng, "complex, two symbols", "complex", 2, 3.0)
    yield _receiver(rng, "real, two symbols", "real", 2, 3.0)


def receiver_errors(case: Case, value: Any) -> float:
    """The share of held-out symbols that the model mistakes."""
    return float((value["logits"].argmax(dim=1) != case.known["labels"]).double().mean())


def probabilities(logits: Tensor) -> bool:
    """Whether these are probabilities rather than logits."""
    return bool(((logits >= 0) & (logits <= 1)).all()) and bool(
        torch.allclose(logits.sum(dim=1), torch.ones(1), atol=1e-3)
    )


def accepts_receiver(case: Case, value: Any) -> str | None:
    """Form of the model, then what it reads."""
    kind, order = case.args[0], case.args[1]
    logits = value["logits"]
    if not isinstance(logits, Tensor) or tuple(logits.shape) != (HELD_OUT, order):
        shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        return f"model(z) gives {shape} for {HELD_OUT} symbols; expected are logits of shape ({HELD_OUT}, {order})"
    if not logits.is_floating_point():
        return f"the logits have dtype {logits.dtype}; expected are real floats, also from a complex network"
    if not torch.isfinite(logits).all():
        return "some logits are infinite or nan"
    if probabilities(logits):
        return "every row sums to 1, so these are probabilities; logits are asked, before any softmax"
    if kind == "complex" and not value["complex parameters"]:
        return 'train_receiver("complex", ...) has no complex parameter'
    if kind == "real" and value["complex parameters"]:
        return 'train_receiver("real", ...) has complex parameters'
    mine, other = value["real numbers"], value["real numbers of the other kind"]
    if not 0.9 <= mine / other <= 1.1:
        return f"the {kind} network stores {mine} real numbers and the other kind {other}: at most 10% apart are asked"
    errors, best = receiver_errors(case, value), case.known["best"]
    if errors > best + MARGIN:
        return f"{errors:.1%} of the held-out symbols are misread; the nearest symbol misreads {best:.1%}"
    return None
