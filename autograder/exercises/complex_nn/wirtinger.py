"""Both Wirtinger derivatives of an elementwise function, by central differences along x and y."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance
from autograder.exercises.awkward import RELATIVE
from autograder.exercises.complex_nn.inputs import TWO, Cases, power, z_
from autograder.exercises.declare import Asks, hidden, mistake, right, slip, visible
from autograder.forbidden_names import AUTOGRAD
from course_lib import complex_nn

DIFFERENCES = Tolerance(relative=1e-5, absolute=1e-6)

ASKS = Asks(
    complex_nn.wirtinger,
    signature="wirtinger(f, z (...), eps=1e-4) -> (df/dz (...), df/dz* (...)), complex",
    points={"basics": 2, "corners": 1},
    forbids=AUTOGRAD,
    tolerance=DIFFERENCES,
    hints=(
        "How fast does f change along x, and how fast along y? Which mix of the two is 0 for f(z) = z?",
        "Two central differences, along the real and the imaginary axis, both over the real length 2 eps. df/dz is "
        "half of the first minus i times the second; for df/dz* the minus becomes a plus.",
        "`along_x` is `(f(z + eps) - f(z - eps)) / (2 * eps)`. For `along_y` put `1j * eps` in place of `eps` "
        "above, but not below. Then `(along_x - 1j * along_y) / 2`, and the same with a plus.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def square(z: Tensor) -> Tensor:
    """z^2: its derivative with respect to z* is 0."""
    return z * z


def conjugate(z: Tensor) -> Tensor:
    """z*: its derivative with respect to z is 0."""
    return z.conj().resolve_conj()


def mixed(z: Tensor) -> Tensor:
    """z^2 z* + i z."""
    return z * z * z.conj() + 1j * z


def wave(z: Tensor) -> Tensor:
    """e^z + 2 z*."""
    return torch.exp(z) + 2 * z.conj()


def steep(z: Tensor) -> Tensor:
    """e^(300 z): a thousandth of a step is a matter here."""
    return torch.exp(300 * z)


def faint(z: Tensor) -> Tensor:
    """A function of tiny values."""
    return 1e-14 * (z * z.conj() + 2 * z)


def part(z: Tensor) -> Tensor:
    """The imaginary part, a real number."""
    return z.imag.clone()


@visible
def visible_cases(rng: np.random.Generator) -> Cases:
    """The three functions that everybody should know by heart, then a mixed one."""
    z = torch.tensor([1 + 2j, -1j, 3.0], dtype=TWO)
    yield Case("z squared", (square, z))
    yield Case("the conjugate", (conjugate, z))
    yield Case("the squared modulus, a real function", (power, z))
    yield Case("two rows", (mixed, z_(rng, 2, 3)), group="corners")


@hidden
def hidden_cases(rng: np.random.Generator) -> Cases:
    """Other functions, shapes and steps."""
    yield Case("an exponential and a conjugate", (wave, z_(rng, 6)))
    yield Case("a batch", (mixed, z_(rng, 5, 4)))
    yield Case("the imaginary part", (part, z_(rng, 4)), group="corners")
    yield Case("one number without axes", (mixed, z_(rng)), group="corners")
    yield Case("three axes, step by name", (wave, z_(rng, 2, 3, 2)), {"eps": 1e-3}, "corners")
    yield Case("a row", (mixed, z_(rng, 1, 4)), group="corners")
    yield Case("a column", (mixed, z_(rng, 4, 1)), group="corners")
    yield Case("the step of 1e-4, where it is seen", (steep, 0.01 * z_(rng, 4)), group="corners")
    yield Case("a faint function", (faint, z_(rng, 3)), group="corners", tolerance=RELATIVE)
    yield Case("a wide step", (wave, z_(rng, 3)), {"eps": 0.5}, "corners")
    for eps in (5e-13, 5e-7, 5e-4):
        yield Case(f"a step of {eps} from 0", (conjugate, torch.zeros(2, dtype=TWO), eps), group="corners")
    for eps in (5e3, 5e9):
        yield Case(f"a step of {eps:g}", (mixed, eps * z_(rng, 3), eps), group="corners")
    yield Case("every second number", (power, z_(rng, 8)[::2]), group="corners")


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(f, z, eps=1e-4):
    flat = z.reshape(-1)
    dz, dconj = torch.zeros_like(flat), torch.zeros_like(flat)
    for k in range(flat.numel()):
        point = flat[k : k + 1]
        fx = (f(point + eps) - f(point - eps))[0] / (2 * eps)
        fy = (f(point + eps * 1j) - f(point - eps * 1j))[0] / (2 * eps)
        dz[k] = 0.5 * (fx - 1j * fy)
        dconj[k] = 0.5 * (fx + 1j * fy)
    return dz.reshape(z.shape), dconj.reshape(z.shape)


@right("other formula")
def other_formula(f, z, eps=1e-4):
    # the four points as corners of a square that is turned by 45 degrees: a discrete Fourier transform
    values = [f(z + eps * 1j**k) for k in range(4)]
    dz = sum((-1j) ** k * value for k, value in enumerate(values)) / (4 * eps)
    dconj = sum(1j**k * value for k, value in enumerate(values)) / (4 * eps)
    return dz, dconj


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def wirtinger_swapped(f, z, eps=1e-4):
    """The two are swapped. df/dz has the minus: it is 1 for f(z) = z and 0 for f(z) = z*. Test yours with these."""
    along_x = (f(z + eps) - f(z - eps)) / (2 * eps)
    along_y = (f(z + 1j * eps) - f(z - 1j * eps)) / (2 * eps)
    return (along_x + 1j * along_y) / 2, (along_x - 1j * along_y) / 2


wirtinger_without_half = slip(
    wirtinger_swapped,
    "(along_x + 1j * along_y) / 2, (along_x - 1j * along_y) / 2",
    "along_x - 1j * along_y, along_x + 1j * along_y",
    says="Both are twice as large as they should be: the half is missing. For f(z) = z the derivative df/dz is 1, "
    "not 2.",
)


wirtinger_partial = slip(
    wirtinger_swapped,
    "(along_x + 1j * along_y) / 2, (along_x - 1j * along_y) / 2",
    "along_x + 0j, along_y + 0j",
    says="These are the partial derivatives along x and y. Wirtinger's are half of their difference and half of "
    "their sum, with an i before the second.",
)


@mistake
def wirtinger_forward(f, z, eps=1e-4):
    """These are one-sided differences, with an error as large as eps. Step to both sides and divide by 2 eps: the
    error falls to eps squared."""
    along_x = (f(z + eps) - f(z)) / eps
    along_y = (f(z + 1j * eps) - f(z)) / eps
    return (along_x - 1j * along_y) / 2, (along_x + 1j * along_y) / 2


@mistake
def wirtinger_divides_by_i(f, z, eps=1e-4):
    """You divided the step along y by i eps. The derivative along y is with respect to a real number: divide by 2 eps
    alone."""
    along_x = (f(z + eps) - f(z - eps)) / (2 * eps)
    along_y = (f(z + 1j * eps) - f(z - 1j * eps)) / (2j * eps)
    return (along_x - 1j * along_y) / 2, (along_x + 1j * along_y) / 2


@mistake
def wirtinger_along_x_only(f, z, eps=1e-4):
    """You only stepped along the real axis. A function of z and z* may change differently along the imaginary one,
    so step there too."""
    along_x = (f(z + eps) - f(z - eps)) / (2 * eps) + 0j
    return along_x, 0 * along_x
