"""One step of steepest descent on a real loss, with `grad` as torch's autograd gives it: a new tensor."""

from __future__ import annotations

import numpy as np
import torch

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes
from autograder.exercises.complex_nn.inputs import EXACT, ONE, TWO, Cases, power, z_
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, visible
from course_lib import complex_nn

ASKS = Asks(
    complex_nn.descent_step,
    signature="descent_step(z (...), grad (...), lr) -> (...)",
    points={"basics": 1},
    hints=(
        "Does torch's gradient of a complex number point uphill or downhill? And does it need a conjugate first?",
        "torch defines the gradient of a real loss so that the step looks as it does for real numbers: subtract it, "
        "scaled by the rate. No conjugate, no factor of 2.",
        "Subtract `lr * grad` from `z`. A plain `-` makes the new tensor; `-=` would overwrite the caller's.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Cases:
    """By hand, then a batch."""
    yield Case("one number", (torch.tensor([1 + 2j], dtype=TWO), torch.tensor([2 - 4j], dtype=TWO), 0.25))
    yield Case("a batch", (z_(rng, 2, 3), z_(rng, 2, 3), 0.1))


@hidden
def hidden_cases(rng: np.random.Generator) -> Cases:
    """Other shapes and precision."""
    yield Case("single precision", (z_(rng, 7, dtype=ONE), z_(rng, 7, dtype=ONE), 0.05))
    yield from magnitudes(lambda rate: (z_(rng, 3), z_(rng, 3) / rate, rate / 3), tolerance=EXACT)
    z, g = z_(rng, 3), z_(rng, 3)
    for scale in (1e-14, 1e10):
        yield Case(f"everything around {scale:g}", (scale * z, scale * g, 0.25), tolerance=EXACT)
    yield Case("rate 1", (z_(rng, 3), z_(rng, 3), 1.0))
    yield Case("rate 0", (z_(rng, 3), z_(rng, 3), 0.0))
    yield Case("slices", (z_(rng, 6, 4)[::2], z_(rng, 3, 8)[:, ::2], 0.3))


# --- properties ----------------------------------------------------------------------------------------------


@holds("half of the gradient of |z - a|^2 is the whole way", group="basics")
def step_descends(call: Probe, rng: np.random.Generator) -> str | None:
    """For |z - a|^2 half of torch's gradient is the whole way."""
    z, goal = z_(rng, 4).requires_grad_(), z_(rng, 4)
    power(z - goal).sum().backward()
    if not torch.allclose(call(z.detach(), z.grad, 0.5), goal):
        return "for the loss |z - a|^2 and torch's own gradient, a step of rate 0.5 must end exactly at a"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(z, grad, lr):
    moved = z.clone()
    moved -= lr * grad
    return moved


@right("other formula")
def other_formula(parameter, g, rate):
    return torch.view_as_complex(torch.view_as_real(parameter).contiguous() - rate * torch.view_as_real(g).contiguous())


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def step_conjugated(z, grad, lr):
    """You conjugated the gradient. Other frameworks want that; torch's .grad points uphill as it is, so subtract it
    as it is."""
    return z - lr * grad.conj()


@mistake
def step_uphill(z, grad, lr):
    """This step goes uphill. The gradient points to where the loss grows: subtract it."""
    return z + lr * grad


@mistake
def step_doubled(z, grad, lr):
    """The factor 2 is in torch's gradient already: it is twice the derivative with respect to z*. Subtract lr times
    grad, no more."""
    return z - 2 * lr * grad


@mistake
def step_halved(z, grad, lr):
    """You halved the gradient to get the derivative with respect to z*. A step in torch takes .grad as it is: z - lr
    grad, as its optimizers do."""
    return z - lr * grad / 2


@mistake
def step_real_part(z, grad, lr):
    """Only the real part moved. The gradient of a complex number has two parts, and both count."""
    return z - lr * grad.real


@mistake
def step_in_place(z, grad, lr):
    """The answer is right, but the caller's z was overwritten. Return a new tensor: z - lr * grad."""
    z -= lr * grad
    return z
