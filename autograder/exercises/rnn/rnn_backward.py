"""Backpropagation through time, by hand."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes
from autograder.exercises.central_differences import wrong_gradient
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, right_text, slip, visible
from autograder.exercises.rnn.inputs import DOUBLE, LIBRARY, SINGLE, by_hand, close, normal, sequence, states_of
from autograder.forbidden_names import AUTOGRAD
from course_lib import rnn

ASKS = Asks(
    rnn.rnn_backward,
    signature=(
        "rnn_backward(dhs (N, T, H), xs (N, T, D), h0 (N, H), hs (N, T, H), W_ih (H, D), W_hh (H, H)) -> (dxs, "
        "dh0, dW_ih, dW_hh, db_ih, db_hh)"
    ),
    points={"basics": 2, "corners": 2},
    forbids=(*LIBRARY, *AUTOGRAD),
    hints=(
        "The state after step t is used twice: by the loss and by step t + 1. What has to be added before you go "
        "back through step t?",
        "Backpropagation through time: from the last step to the first. A state gets the loss's gradient plus what "
        "the later step sent back. All steps share the weights, so their gradients add up.",
        "From the last `t` down: `rnn_cell_backward(dhs[:, t] + dh, xs[:, t], before, hs[:, t], W_ih, W_hh)`, where "
        "`before` is `hs[:, t - 1]`, or `h0` at `t == 0`. It returns the next `dh`. Reverse the `dx` before "
        "`torch.stack(..., dim=1)`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _back(
    rng: np.random.Generator, n: int, t: int, d: int, hidden: int, dtype: torch.dtype = DOUBLE
) -> tuple[Tensor, ...]:
    xs, h0, *params = sequence(rng, n, t, d, hidden, dtype)
    hs = states_of(xs, h0, tuple(params))  # type: ignore[arg-type]
    return normal(rng, n, t, hidden, dtype=dtype), xs, h0, hs, params[0], params[1]


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Smallest first."""
    hs = torch.tensor([[[0.0, 0.5], [0.5, 0.0]]], dtype=DOUBLE)
    xs, h0 = torch.tensor([[[1.0], [2.0]]], dtype=DOUBLE), torch.tensor([[1.0, -1.0]], dtype=DOUBLE)
    dhs = torch.tensor([[[1.0, 4.0], [4.0, -2.0]]], dtype=DOUBLE)
    yield Case("one sequence of two steps", (dhs, xs, h0, hs, *by_hand()[:2]))
    yield Case("as many sequences as steps", _back(rng, 3, 3, 2, 3))
    yield Case("two sequences of five steps", _back(rng, 2, 5, 3, 4))
    yield Case("float32", _back(rng, 2, 4, 1, 3, SINGLE), group="corners")
    yield Case("a single step", _back(rng, 3, 1, 2, 2), group="corners")


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Other sizes, other layouts, other dtypes."""
    yield Case("a long sequence", _back(rng, 2, 40, 3, 8))
    yield Case("many short sequences", _back(rng, 19, 4, 5, 6, SINGLE))
    dhs, xs, h0, hs, W_ih, W_hh = _back(rng, 4, 6, 3, 5)
    yield from magnitudes(lambda scale: (scale * dhs, xs, h0, hs, W_ih, W_hh), group="corners")
    last = torch.zeros_like(dhs)
    last[:, -1] = dhs[:, -1]
    yield Case("a loss at the last step only", (last, xs, h0, hs, W_ih, W_hh))
    first = torch.zeros_like(dhs)
    first[:, 0] = dhs[:, 0]
    yield Case("a loss at the first step only", (first, xs, h0, hs, W_ih, W_hh), group="corners")
    yield Case("one sequence, one unit", _back(rng, 1, 9, 2, 1), group="corners")
    turned = xs.transpose(0, 1).contiguous().transpose(0, 1)
    yield Case("stored with time first", (dhs, turned, h0, hs, W_ih, W_hh), group="corners")


# --- properties ----------------------------------------------------------------------------------------------


@holds("the gradient is the slope of rnn_forward", group="basics")
def backward_is_the_slope(call: Probe, rng: np.random.Generator) -> str | None:
    """Central differences of a random projection of all states, in every argument."""
    params = list(sequence(rng, 2, 4, 2, 3))
    upstream = normal(rng, 2, 4, 3)

    def states() -> Tensor:
        return states_of(params[0], params[1], tuple(params[2:]))  # type: ignore[arg-type]

    got = call(upstream, params[0], params[1], states(), params[2], params[3])
    names = ("dxs", "dh0", "dW_ih", "dW_hh", "db_ih", "db_hh")
    return wrong_gradient(lambda: float((upstream * states()).sum()), params, got, names, rng)


@holds("the gradient is linear in dhs", group="corners")
def backward_is_linear(call: Probe, rng: np.random.Generator) -> str | None:
    """Gradients of a sum of losses are the sum of their gradients."""
    dhs, *rest = _back(rng, 2, 5, 3, 4)
    other = normal(rng, 2, 5, 4)
    for both, one, two in zip(call(dhs + 3 * other, *rest), call(dhs, *rest), call(other, *rest), strict=True):
        if not close(both, one + 3 * two):
            return "the gradient of a sum of two losses is not the sum of their gradients"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(dhs, xs, h0, hs, W_ih, W_hh):
    N, T, D = xs.shape
    dxs, dh0 = torch.zeros_like(xs), torch.zeros_like(h0)
    dW_ih, dW_hh, db = torch.zeros_like(W_ih), torch.zeros_like(W_hh), torch.zeros_like(W_hh[0])
    for n in range(N):
        dh = torch.zeros_like(h0[n])
        for t in range(T - 1, -1, -1):
            before = h0[n] if t == 0 else hs[n, t - 1]
            da = (dh + dhs[n, t]) * (1 - hs[n, t] * hs[n, t])
            dxs[n, t] = W_ih.T @ da
            dW_ih += torch.outer(da, xs[n, t])
            dW_hh += torch.outer(da, before)
            db += da
            dh = W_hh.T @ da
        dh0[n] = dh
    return dxs, dh0, dW_ih, dW_hh, db, db


other_formula = right_text(
    "other formula",
    """
class Walk:
    def __init__(self, slopes, W_hh):
        self.slopes, self.W_hh = slopes, W_hh

    def back(self, dhs):
        T = dhs.shape[1]
        if T == 0:
            return [], torch.zeros_like(self.slopes[:, 0])
        later, carried = Walk(self.slopes[:, 1:], self.W_hh).back(dhs[:, 1:]) if T > 1 else ([], 0)
        here = (dhs[:, 0] + carried) * self.slopes[:, 0]
        return [here, *later], here @ self.W_hh

def rnn_backward(dhs, xs, h0, hs, W_ih, W_hh):
    das, dh0 = Walk(1 - hs.square(), W_hh).back(dhs)
    da = torch.stack(das, dim=1)
    olds = torch.cat((h0.unsqueeze(1), hs), dim=1)[:, :-1]
    db = da.sum(dim=(0, 1))
    return da @ W_ih, dh0, torch.einsum("nth,ntd->hd", da, xs), torch.einsum("nth,ntk->hk", da, olds), db, db
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(dhs, xs, h0, hs, W_ih, W_hh):
    dh = torch.zeros_like(h0)
    dxs, dW_ih, dW_hh, db = [], torch.zeros_like(W_ih), torch.zeros_like(W_hh), torch.zeros_like(W_hh[0])
    for t in reversed(range(xs.shape[1])):
        h = hs[:, t - 1] if t > 0 else h0
        da = (dh + dhs[:, t]) * (1 - hs[:, t] ** 2)
        dxs.insert(0, da @ W_ih)
        dh = da @ W_hh
        dW_ih, dW_hh, db = dW_ih + da.T @ xs[:, t], dW_hh + da.T @ h, db + da.sum(0)
    return torch.stack(dxs, 1), dh, dW_ih, dW_hh, db, db


back_without_the_future = slip(
    answer,
    ("dh = torch.zeros_like(h0)", ""),
    ("(dh + dhs[:, t]) * (1 - hs[:, t] ** 2)", "dhs[:, t] * (1 - hs[:, t] ** 2)"),
    says="Every step used its own dhs[:, t] only. A state is also used by the next step: add the dh that comes "
    "back from there, before you go through the tanh.",
)


back_from_the_end_only = slip(
    answer,
    ("torch.zeros_like(h0)", "dhs[:, -1]"),
    ("(dh + dhs[:, t]) * (1 - hs[:, t] ** 2)", "dh * (1 - hs[:, t] ** 2)"),
    says="Only the last state's gradient entered. Every dhs[:, t] enters at its own step, added to what comes "
    "back from the step after.",
)


@mistake
def back_overwrites_the_weights(dhs, xs, h0, hs, W_ih, W_hh):
    """The weight gradients hold the first step's share alone: each step overwrote the one before. The same weights
    serve all steps, so their gradients add: dW_ih = dW_ih + ..."""
    dh, dxs = torch.zeros_like(h0), []
    for t in reversed(range(xs.shape[1])):
        h = hs[:, t - 1] if t > 0 else h0
        da = (dh + dhs[:, t]) * (1 - hs[:, t] ** 2)
        dxs.insert(0, da @ W_ih)
        dh = da @ W_hh
        dW_ih, dW_hh, db = da.T @ xs[:, t], da.T @ h, da.sum(0)
    return torch.stack(dxs, 1), dh, dW_ih, dW_hh, db, db


back_with_the_same_state = slip(
    answer,
    ("h = hs[:, t - 1] if t > 0 else h0", ""),
    ("da.T @ h", "da.T @ hs[:, t]"),
    says="dW_hh was computed from hs[:, t], the state after step t. Step t multiplied W_hh by the state before it: "
    "hs[:, t - 1], and h0 for the first step.",
)


back_wraps_around = slip(
    answer,
    ("h = hs[:, t - 1] if t > 0 else h0", ""),
    ("da.T @ h", "da.T @ hs[:, t - 1]"),
    says="At the first step hs[:, t - 1] is hs[:, -1], the last state, and Python does not complain. The state "
    "before the first step is h0.",
)


back_leaves_dxs_reversed = slip(
    answer,
    "dxs.insert(0, da @ W_ih)",
    "dxs.append(da @ W_ih)",
    says="dxs came out back to front: you collected it from the last step to the first. Reverse it before you stack "
    "it.",
)


back_stops_a_step_short = slip(
    answer,
    ("da = (dh + dhs[:, t]) * (1 - hs[:, t] ** 2)", "total = dh + dhs[:, t]\nda = total * (1 - hs[:, t] ** 2)"),
    ("torch.stack(dxs, 1), dh, dW_ih, dW_hh, db, db", "torch.stack(dxs, 1), total, dW_ih, dW_hh, db, db"),
    says="Your dh0 is the gradient at the state after the first step. One step is left: h0 comes before it, so dh0 = "
    "da @ W_hh of the first step.",
)


@mistake
def back_divides_by_the_steps(dhs, xs, h0, hs, W_ih, W_hh):
    """The weight gradients are divided by T. The shares of the steps are added: whether the loss is a mean is in dhs
    already."""
    dh, steps = torch.zeros_like(h0), xs.shape[1]
    dxs, dW_ih, dW_hh, db = [], torch.zeros_like(W_ih), torch.zeros_like(W_hh), torch.zeros_like(W_hh[0])
    for t in reversed(range(steps)):
        h = hs[:, t - 1] if t > 0 else h0
        da = (dh + dhs[:, t]) * (1 - hs[:, t] ** 2)
        dxs.insert(0, da @ W_ih)
        dh = da @ W_hh
        dW_ih, dW_hh, db = dW_ih + da.T @ xs[:, t] / steps, dW_hh + da.T @ h / steps, db + da.sum(0) / steps
    return torch.stack(dxs, 1), dh, dW_ih, dW_hh, db, db
