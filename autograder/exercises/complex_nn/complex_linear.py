"""Every example through `W z + b`, all three complex; nothing is conjugated."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes
from autograder.exercises.complex_nn import observers
from autograder.exercises.complex_nn.inputs import EXACT, ONE, TWO, Cases, z_
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, right_text, visible
from course_lib import complex_nn

ASKS = Asks(
    complex_nn.complex_linear,
    signature="complex_linear(z (N, D), W (out, D), b (out,)) -> (N, out), all complex",
    points={"basics": 1, "gradients": 1},
    hints=(
        "Is anything different from the real layer of notebook 2? What must not happen to the signs of the "
        "imaginary parts?",
        "torch multiplies complex matrices by itself. It is the same product with the transposed weights, plus the "
        "bias; transposing must not conjugate.",
        "Multiply `z` by the plain transpose `W.T`, never by `W.mH`, and add `b`. Take no `.real` and no `.detach()`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _layer(rng: np.random.Generator, n: int, d: int, out: int, dtype: torch.dtype = TWO) -> tuple[Tensor, ...]:
    return z_(rng, n, d, dtype=dtype), z_(rng, out, d, dtype=dtype), z_(rng, out, dtype=dtype)


@visible
def visible_cases(rng: np.random.Generator) -> Cases:
    """One example by hand, then batches; gradients with a random upstream."""
    z = torch.tensor([[1 + 2j, -1j]], dtype=TWO)
    W = torch.tensor([[1j, 2.0], [1 + 1j, 3.0], [0.0, 1 - 1j]], dtype=TWO)
    yield Case("one example, three outputs", (z, W, torch.tensor([1, 1j, -2.0], dtype=TWO)))
    yield Case("a batch of four", _layer(rng, 4, 3, 2))
    yield Case("square weights", _layer(rng, 3, 3, 3))
    upstream = z_(rng, 3, 2)
    yield Case("gradients", (upstream, *_layer(rng, 3, 4, 2)), group="gradients", through=observers.differentiated)


@hidden
def hidden_cases(rng: np.random.Generator) -> Cases:
    """Other sizes, layouts, precision."""
    yield Case("a larger batch", _layer(rng, 19, 8, 5))
    yield Case("one feature, one output", _layer(rng, 5, 1, 1))
    yield Case("single precision", _layer(rng, 6, 5, 4, ONE))
    z, W, b = _layer(rng, 6, 8, 4)
    yield Case("slices", (z[::2, ::2], W[:, ::2], b))
    z, W, b = _layer(rng, 3, 4, 2)
    yield from magnitudes(lambda scale: (scale * z, W, scale * b), scales=(1e-14, 1e10), tolerance=EXACT)
    yield Case("real numbers stored as complex", (z.real + 0j, W.real + 0j, b.real + 0j))
    upstream = z_(rng, 1, 5)
    yield Case("gradients", (upstream, *_layer(rng, 1, 2, 5)), group="gradients", through=observers.differentiated)


# --- properties ----------------------------------------------------------------------------------------------


@holds("turns along with its input", group="basics")
def linear_turns(call: Probe, rng: np.random.Generator) -> str | None:
    """Without a bias a complex layer commutes with i."""
    z, W, b = _layer(rng, 3, 4, 2)
    if not torch.allclose(call(1j * z, W, 0 * b), 1j * call(z, W, 0 * b)):
        return "with b = 0, complex_linear(i z) must be i complex_linear(z): a complex layer only scales and turns"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(z, W, b):
    rows = []
    for example in z:
        row = []
        for weights, bias in zip(W, b):
            row.append((example * weights).sum() + bias)
        rows.append(torch.stack(row))
    return torch.stack(rows)


other_formula = right_text(
    "other formula",
    """
complex_linear = lambda z, W, b: torch.einsum("nd,od->no", z, W) + b
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def linear_conjugated(z, W, b):
    """W was conjugated: .mH and .conj() belong to inner products. A layer is the plain W z + b, so transpose with .T
    alone."""
    return z @ W.mH + b


@mistake
def linear_untransposed(z, W, b):
    """This is z @ W. W is stored as (out, in), one row for each output, as in torch: write z @ W.T + b."""
    return z @ W + b


@mistake
def linear_split(z, W, b):
    """Real part by real part, imaginary by imaginary: these are two real layers that never meet. The product needs
    the cross terms too: let torch multiply the complex tensors."""
    return torch.complex(z.real @ W.real.T + b.real, z.imag @ W.imag.T + b.imag)


@mistake
def linear_without_bias(z, W, b):
    """This is z @ W.T alone. The bias is missing: add b, and torch adds it to every row."""
    return z @ W.T


@mistake
def linear_real_part(z, W, b):
    """Only the real part came back. A complex layer gives complex numbers: the phase goes on to the next layer."""
    return (z @ W.T + b).real


@mistake
def linear_detached(z, W, b):
    """The numbers are right, but the graph was cut, so no gradient reaches z, W or b. Leave out detach, .data and
    no_grad."""
    with torch.no_grad():
        return z @ W.T + b
