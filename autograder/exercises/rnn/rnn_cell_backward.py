"""The gradient of one step, by hand."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes
from autograder.exercises.central_differences import wrong_gradient
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, slip, visible
from autograder.exercises.rnn.inputs import DOUBLE, LIBRARY, SINGLE, by_hand, cell, normal, step
from autograder.forbidden_names import AUTOGRAD
from course_lib import rnn

ASKS = Asks(
    rnn.rnn_cell_backward,
    signature=(
        "rnn_cell_backward(dh_next (N, H), x (N, D), h (N, H), h_next (N, H), W_ih (H, D), W_hh (H, H)) -> (dx, "
        "dh, dW_ih, dW_hh, db_ih, db_hh)"
    ),
    points={"basics": 2, "corners": 1},
    forbids=(*LIBRARY, *AUTOGRAD),
    hints=(
        "How steep is tanh where it gave the value h_next? Undo that first; the rest is two linear layers.",
        "dh_next times 1 - h_next squared is the gradient of the sum. Through each matrix it reaches the input and "
        "the old state. With what each matrix read it makes the weight gradients, summed over the examples.",
        "`da = dh_next * (1 - h_next**2)`. Then `dx = da @ W_ih`, `dW_ih = da.T @ x`, and `dh` and `dW_hh` alike "
        "with `W_hh` and `h`. Both biases get `da.sum(dim=0)`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _back_step(
    rng: np.random.Generator, n: int, d: int, hidden: int, dtype: torch.dtype = DOUBLE
) -> tuple[Tensor, ...]:
    x, h, *params = step(rng, n, d, hidden, dtype)
    h_next = cell(x, h, *params)
    return normal(rng, n, hidden, dtype=dtype), x, h, h_next, params[0], params[1]


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Smallest first."""
    x, h = torch.tensor([[2.0]], dtype=DOUBLE), torch.tensor([[0.5, -1.0]], dtype=DOUBLE)
    dh_next, h_next = torch.tensor([[1.0, 4.0]], dtype=DOUBLE), torch.tensor([[0.0, 0.5]], dtype=DOUBLE)
    yield Case("one example, two units", (dh_next, x, h, h_next, *by_hand()[:2]))
    yield Case("as many inputs as units", _back_step(rng, 2, 2, 2))
    yield Case("a batch of three", _back_step(rng, 3, 4, 2))
    yield Case("float32", _back_step(rng, 2, 3, 4, SINGLE), group="corners")


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Other sizes, other layouts, other dtypes."""
    yield Case("a larger batch", _back_step(rng, 17, 9, 12))
    yield Case("one example", _back_step(rng, 1, 7, 5))
    yield Case("one unit", _back_step(rng, 4, 3, 1, SINGLE), group="corners")
    dh_next, x, h, h_next, W_ih, W_hh = _back_step(rng, 5, 4, 6)
    yield from magnitudes(lambda scale: (scale * dh_next, x, h, h_next, W_ih, W_hh), group="corners")
    yield Case("saturated units", (dh_next, x, h, torch.sign(h_next), W_ih, W_hh), group="corners")
    yield Case("nothing comes back", (0 * dh_next, x, h, h_next, W_ih, W_hh), group="corners")
    turned = (dh_next.T.contiguous().T, x.T.contiguous().T, h, h_next, W_ih.T.contiguous().T, W_hh.T.contiguous().T)
    yield Case("stored by columns", turned, group="corners")


# --- properties ----------------------------------------------------------------------------------------------


@holds("the gradient is the slope of rnn_cell", group="basics")
def cell_backward_is_the_slope(call: Probe, rng: np.random.Generator) -> str | None:
    """Central differences of a random projection of the new state, in every argument."""
    params = list(step(rng, 2, 3, 4))
    upstream = normal(rng, 2, 4)
    got = call(upstream, params[0], params[1], cell(*params), params[2], params[3])

    def loss() -> float:
        return float((upstream * cell(*params)).sum())

    return wrong_gradient(loss, params, got, ("dx", "dh", "dW_ih", "dW_hh", "db_ih", "db_hh"), rng)


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(dh_next, x, h, h_next, W_ih, W_hh):
    dx, dh = torch.zeros_like(x), torch.zeros_like(h)
    dW_ih, dW_hh = torch.zeros_like(W_ih), torch.zeros_like(W_hh)
    db = torch.zeros_like(W_hh[:, 0])
    for n in range(len(x)):
        for i in range(len(W_hh)):
            da = dh_next[n, i] * (1 - h_next[n, i]) * (1 + h_next[n, i])
            dx[n] += da * W_ih[i]
            dh[n] += da * W_hh[i]
            dW_ih[i] += da * x[n]
            dW_hh[i] += da * h[n]
            db[i] += da
    return [dx, dh, dW_ih, dW_hh, db, db.clone()]


@right("other formula")
def other_formula(dh_next, x, h, h_next, W_ih, W_hh):
    pre = torch.addcmul(dh_next, dh_next * h_next, h_next, value=-1)
    bias = torch.einsum("nh->h", pre)
    return (
        torch.einsum("nh,hd->nd", pre, W_ih),
        torch.einsum("nh,hk->nk", pre, W_hh),
        torch.einsum("nh,nd->hd", pre, x),
        torch.einsum("nh,nk->hk", pre, h),
        bias,
        bias,
    )


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def step_back_without_slope(dh_next, x, h, h_next, W_ih, W_hh):
    """The tanh is missing on the way back. Multiply dh_next by its slope, 1 - h_next**2, before anything else."""
    db = dh_next.sum(0)
    return dh_next @ W_ih, dh_next @ W_hh, dh_next.T @ x, dh_next.T @ h, db, db


step_back_slope_of_the_old_state = slip(
    rnn.rnn_cell_backward,
    ("h_next**2", "h**2"),
    ("db.clone()", "db"),
    says="You took the slope from h, the state before. The tanh made h_next, so its slope is 1 - h_next**2.",
)


step_back_with_a_second_tanh = slip(
    rnn.rnn_cell_backward,
    ("h_next**2", "torch.tanh(h_next) ** 2"),
    ("db.clone()", "db"),
    says="h_next is tanh(a) already, and you took tanh again: 1 - tanh(h_next)**2. The slope is 1 - h_next**2.",
)


@mistake
def step_back_transposed_weights(dh_next, x, h, h_next, W_ih, W_hh):
    """The weight gradients are transposed: x.T @ da is (D, H). A gradient has the shape of its matrix, so dW_ih = da.T
    @ x and dW_hh = da.T @ h."""
    da = dh_next * (1 - h_next**2)
    db = da.sum(0)
    return da @ W_ih, da @ W_hh, x.T @ da, h.T @ da, db, db


step_back_through_the_transpose = slip(
    step_back_slope_of_the_old_state,
    ("1 - h**2", "1 - h_next**2"),
    ("da @ W_hh", "da @ W_hh.T"),
    says="The way forward was h @ W_hh.T, so the way back is da @ W_hh, without another transpose.",
)


@mistake
def step_back_with_means(dh_next, x, h, h_next, W_ih, W_hh):
    """Your weight gradients are divided by N. Whether the loss is a mean is in dh_next already: here the examples
    are added, nothing else."""
    da = dh_next * (1 - h_next**2)
    n = len(x)
    db = da.mean(0)
    return da @ W_ih, da @ W_hh, da.T @ x / n, da.T @ h / n, db, db


step_back_keeps_the_gradient = slip(
    step_back_through_the_transpose,
    "da @ W_hh.T",
    "dh_next + da @ W_hh",
    says="Your dh is dh_next plus the part through W_hh. The old state reaches the new one through W_hh only, so dh = "
    "da @ W_hh. (A network with a direct path comes in notebook 7.)",
)


step_back_with_the_new_state = slip(
    step_back_slope_of_the_old_state,
    ("1 - h**2", "1 - h_next**2"),
    ("da.T @ h", "da.T @ h_next"),
    says="dW_hh was computed from h_next. W_hh was multiplied by the state before, so dW_hh = da.T @ h.",
)
