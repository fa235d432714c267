"""Torch's gradient of a real loss, carried back through `w = f(z)`, elementwise."""

from __future__ import annotations

import numpy as np
import torch

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes
from autograder.exercises.complex_nn.inputs import EXACT, ONE, TWO, Cases, z_
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, visible
from autograder.forbidden_names import AUTOGRAD
from course_lib import complex_nn

ASKS = Asks(
    complex_nn.chain_rule,
    signature="chain_rule(grad (...), df_dz (...), df_dconj (...)) -> (...)",
    points={"basics": 2},
    forbids=AUTOGRAD,
    hints=(
        "For f(z) = z*, with the derivatives 0 and 1, the rule must give the conjugate of grad. Which term does "
        "that fix?",
        "The loss depends on z by two ways: through w and through the conjugate of w. One term has df/dz "
        "conjugated, the other has grad conjugated. There is no factor of 2.",
        "The first term is `grad * df_dz.conj()`. In the second, `grad.conj()` meets `df_dconj` as it is. Add the two.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Cases:
    """By hand: w = z^2 and w = z* at z = 1 + 2i."""
    one = torch.tensor([1.0 + 3j], dtype=TWO)
    yield Case("w = z^2 at z = 1 + 2i", (one, torch.tensor([2 + 4j], dtype=TWO), torch.zeros(1, dtype=TWO)))
    yield Case("w = z*", (one, torch.zeros(1, dtype=TWO), torch.ones(1, dtype=TWO)))
    yield Case("both derivatives", (z_(rng, 2, 3), z_(rng, 2, 3), z_(rng, 2, 3)))


@hidden
def hidden_cases(rng: np.random.Generator) -> Cases:
    """Other shapes and precision."""
    yield Case("many numbers", tuple(z_(rng, 20) for _ in range(3)))
    yield Case("three axes", tuple(z_(rng, 2, 3, 2) for _ in range(3)))
    yield Case("single precision", tuple(z_(rng, 5, dtype=ONE) for _ in range(3)))
    g, a, b = (z_(rng, 4) for _ in range(3))
    yield from magnitudes(lambda scale: (scale * g, a, b), scales=(1e-14, 1e-8, 1e10), tolerance=EXACT)
    yield Case("a real upstream", (z_(rng, 4).real + 0j, z_(rng, 4), z_(rng, 4)))


# --- properties ----------------------------------------------------------------------------------------------


@holds("the same as torch's autograd", group="basics")
def chain_is_autograds(call: Probe, rng: np.random.Generator) -> str | None:
    """Against torch itself, through w = z^2 z* and a real loss."""
    z = z_(rng, 5).requires_grad_()
    w = z * z * z.conj()
    w.retain_grad()
    (w.real**2 - 3 * w.imag).sum().backward()
    point = z.detach()
    assert w.grad is not None
    assert z.grad is not None
    got = call(w.grad, 2 * (point * point.conj()).resolve_conj(), point**2)
    if not torch.allclose(got, z.grad):
        return "for w = z^2 z* and a real loss, chain_rule gives another gradient at z than torch's autograd"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(grad, df_dz, df_dconj):
    gr, gi = grad.real, grad.imag
    ux, uy = (df_dz + df_dconj).real, (1j * (df_dz - df_dconj)).real
    vx, vy = (df_dz + df_dconj).imag, (1j * (df_dz - df_dconj)).imag
    return torch.complex(gr * ux + gi * vx, gr * uy + gi * vy)


@right("other formula")
def other_formula(g, a, b):
    return torch.conj(torch.conj(g) * a + g * torch.conj(b))


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def chain_without_conjugates(grad, df_dz, df_dconj):
    """Nothing was conjugated, as for real numbers. Torch's gradient is a derivative with respect to z*: the first term
    has the conjugate of df/dz, the second the conjugate of grad."""
    return grad * df_dz + grad * df_dconj


@mistake
def chain_first_term(grad, df_dz, df_dconj):
    """The second term is missing: conj(grad) df/dz*. Without it only holomorphic functions come out right, and a
    modulus or a conjugate does not."""
    return grad * df_dz.conj()


@mistake
def chain_conjugates_grad(grad, df_dz, df_dconj):
    """The conjugate of grad is in the wrong term. It goes with df/dz*; in the first term df/dz is conjugated, and grad
    is not."""
    return grad.conj() * df_dz + grad * df_dconj


@mistake
def chain_conjugates_too_much(grad, df_dz, df_dconj):
    """There is one conjugate too many: df/dz* stays as it is. Only df/dz in the first term and grad in the second are
    conjugated."""
    return grad * df_dz.conj() + grad.conj() * df_dconj.conj()


@mistake
def chain_doubled(grad, df_dz, df_dconj):
    """Everything is twice as large as it should be. The factor 2 of torch's convention is already in grad, so the rule
    has none."""
    return 2 * (grad * df_dz.conj() + grad.conj() * df_dconj)
