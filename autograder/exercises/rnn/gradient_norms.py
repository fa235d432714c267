"""How strongly the last state depends on each state before it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, slip, visible
from autograder.exercises.rnn.inputs import DOUBLE, SINGLE, close, normal, states_of, weights
from autograder.forbidden_names import AUTOGRAD
from course_lib import rnn

ASKS = Asks(
    rnn.gradient_norms,
    signature="gradient_norms(hs (T, H), W_hh (H, H)) -> (T,)",
    points={"basics": 2, "corners": 1},
    forbids=AUTOGRAD,
    hints=(
        "What is the derivative of h_T with respect to itself? Begin there. On which side does the next step back "
        "multiply?",
        "A step's Jacobian is W_hh with each row scaled by the slope 1 - h squared of the state that the step made. "
        "Multiply the Jacobians from the end, each new one on the right, and take the spectral norm of each "
        "product.",
        "Start with `torch.eye(H, dtype=hs.dtype)` and its norm 1. For `h` in `hs[1:].flip(0)`: `product = product "
        "@ ((1 - h**2)[:, None] * W_hh)`, then `torch.linalg.matrix_norm(product, 2)`. Reverse the list of norms.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _run(rng: np.random.Generator, t: int, hidden: int, dtype: torch.dtype = DOUBLE) -> tuple[Tensor, Tensor]:
    params = weights(rng, 2, hidden, dtype)
    return states_of(normal(rng, 1, t, 2, dtype=dtype), normal(rng, 1, hidden, dtype=dtype), params)[0], params[1]


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Smallest first."""
    hs = torch.tensor([[0.9, 0.1], [0.0, 0.5], [0.5, 0.0]], dtype=DOUBLE)
    yield Case("three steps of two units", (hs, torch.tensor([[0.0, 2.0], [1.0, 0.0]], dtype=DOUBLE)))
    yield Case("five steps of three units", _run(rng, 5, 3))
    yield Case("as many steps as units", _run(rng, 4, 4))
    yield Case("a single step", _run(rng, 1, 3), group="corners")
    yield Case("float32", _run(rng, 6, 4, SINGLE), group="corners")


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Other sizes, dtypes, and states at their limits."""
    yield Case("a longer sequence", _run(rng, 25, 9))
    yield Case("two steps", _run(rng, 2, 6))
    hs, W_hh = _run(rng, 8, 5)
    yield Case("gradients that explode", (0.1 * hs, 4 * W_hh))
    yield from magnitudes(lambda scale: (hs[:3], scale * W_hh), group="corners")
    yield Case("one unit", _run(rng, 7, 1), group="corners")
    yield Case("saturated units", (torch.sign(hs), W_hh), group="corners")
    yield Case("states of zeros", (torch.zeros_like(hs), W_hh), group="corners")
    yield Case("a matrix stored by columns", (hs, W_hh.T.contiguous().T), group="corners")
    yield Case("float32, more steps", _run(rng, 15, 6, SINGLE), group="corners")


# --- properties ----------------------------------------------------------------------------------------------


@holds("a rotation keeps every length", group="basics")
def norms_of_a_rotation(call: Probe, rng: np.random.Generator) -> str | None:
    """With states of zero and an orthogonal matrix nothing vanishes and nothing explodes."""
    turn = torch.linalg.qr(normal(rng, 4, 4))[0]
    if not close(call(torch.zeros(9, 4, dtype=DOUBLE), turn), torch.ones(9, dtype=DOUBLE)):
        return "for states of zero and a W_hh that only rotates, every norm must be 1"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(hs, W_hh):
    T, H = hs.shape
    norms = []
    for t in range(T):
        product = torch.eye(H, dtype=hs.dtype, device=hs.device)
        for s in range(t + 1, T):
            product = torch.diag(1 - hs[s] ** 2) @ W_hh @ product
        norms.append(torch.linalg.svdvals(product)[0])
    return torch.stack(norms)


@right("other formula")
def other_formula(hs, W_hh):
    # the largest singular value is the root of the largest eigenvalue of J^T J
    T, H = hs.shape
    gram = torch.eye(H, dtype=hs.dtype, device=hs.device)
    roots = [torch.ones_like(hs[0, 0])]
    for t in range(T - 1, 0, -1):
        J = torch.einsum("i,ij->ij", 1 - hs[t].square(), W_hh)
        gram = J.mT @ gram @ J
        roots.append(torch.linalg.eigvalsh(gram)[-1].clamp(min=0).sqrt())
    return torch.stack(roots).flip(0)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(hs, W_hh):
    product, norms = torch.eye(hs.shape[1], dtype=hs.dtype, device=hs.device), []
    for h in hs.flip(0):
        norms.insert(0, torch.linalg.matrix_norm(product, 2))
        product = product @ ((1 - h**2)[:, None] * W_hh)
    return torch.stack(norms)


@mistake
def norms_multiplied(hs, W_hh):
    """You multiplied the norms of the steps. That is only an upper bound: directions that one step stretches the
    next may shrink. Multiply the matrices first and take the norm of the product."""
    norms = [torch.ones_like(hs[0, 0])]
    for h in hs[1:].flip(0):
        norms.insert(0, norms[0] * torch.linalg.matrix_norm((1 - h**2)[:, None] * W_hh, 2))
    return torch.stack(norms)


norms_of_frobenius = slip(
    answer,
    "torch.linalg.matrix_norm(product, 2)",
    "torch.linalg.matrix_norm(product)",
    says="This is the Frobenius norm: the last entry is the root of H instead of 1. The spectral norm is the largest "
    "singular value: torch.linalg.matrix_norm(J, 2).",
)


norms_without_slope = slip(
    answer,
    ("for h in hs.flip(0):", "for _ in range(len(hs)):"),
    ("product @ ((1 - h**2)[:, None] * W_hh)", "product @ W_hh"),
    says="These are the norms of powers of W_hh. Each step also passes the tanh, whose slope is 1 - h**2.",
)


norms_in_the_other_order = slip(
    answer,
    "product @ ((1 - h**2)[:, None] * W_hh)",
    "((1 - h**2)[:, None] * W_hh) @ product",
    says="The matrices are in the wrong order. The chain rule has the last step on the left: d h_T / d h_t = J_T ... "
    "J_(t+1), so on the way back every new J goes to the right.",
)


norms_one_step_too_far = slip(
    norms_without_slope,
    ("for _ in range(len(hs)):", "for h in hs.flip(0):\n    product = product @ ((1 - h**2)[:, None] * W_hh)"),
    ("product = product @ W_hh", ""),
    says="Your last entry is not 1. d h_T / d h_T is the identity: J_T comes in only for t = T - 1, so entry t "
    "holds J_T ... J_(t+1).",
)


norms_by_distance = slip(
    answer,
    "norms.insert(0, torch.linalg.matrix_norm(product, 2))",
    "norms.append(torch.linalg.matrix_norm(product, 2))",
    says="The numbers are right, but back to front: yours go by the distance from the end. The exercise asks for the "
    "order of time, t = 1 to T, so that the last one is the 1.",
)


norms_slope_on_the_columns = slip(
    answer,
    "(1 - h**2)[:, None] * W_hh",
    "W_hh * (1 - h**2)",
    says="The slopes scaled the columns of W_hh: this is W_hh times diag. The tanh comes after W_hh, so diag is on the "
    "left and scales the rows: (1 - h**2)[:, None] * W_hh.",
)


norms_of_eigenvalues = slip(
    answer,
    "torch.linalg.matrix_norm(product, 2)",
    "torch.linalg.eigvals(product).abs().max()",
    says="These are the largest absolute eigenvalues, the spectral radius. The spectral norm is the largest "
    "singular value: torch.linalg.matrix_norm(J, 2).",
)


norms_slope_of_the_state_before = slip(
    norms_without_slope,
    (
        "for _ in range(len(hs)):",
        "norms = [torch.linalg.matrix_norm(product, 2)]\n"
        "for h in hs[:-1].flip(0):\n"
        "    product = product @ ((1 - h**2)[:, None] * W_hh)",
    ),
    ("product = product @ W_hh", ""),
    says="You took each slope one state too early. d h_t / d h_(t-1) passes the tanh that made h_t, so its slope "
    "is 1 - h_t**2.",
)
