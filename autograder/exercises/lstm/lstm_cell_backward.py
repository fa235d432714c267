"""The gradient of one step of an LSTM, by hand. The gates are computed again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import EXTREMES, RELATIVE
from autograder.exercises.central_differences import wrong_gradient
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, slip, visible
from autograder.exercises.lstm.inputs import DOUBLE, LIBRARY, SINGLE, by_columns, by_hand, normal, single, step
from autograder.forbidden_names import AUTOGRAD
from course_lib import lstm

ASKS = Asks(
    lstm.lstm_cell_backward,
    signature=(
        "lstm_cell_backward(dh (N, H), dc (N, H), cache (x, h_prev, c_prev, W_ih, W_hh, b_ih, b_hh)) -> (dx, "
        "dh_prev, dc_prev, dW_ih, dW_hh, db_ih, db_hh)"
    ),
    points={"basics": 3, "corners": 1},
    forbids=(*LIBRARY, *AUTOGRAD),
    hints=(
        "The new cell reaches the loss by two ways: along the cell and through h. Are both in your gradient before "
        "you go on to the gates?",
        "Recompute the gates. The cell's gradient is dc plus what comes through h = o tanh(c). Each gate gets it "
        "times its partner, o gets dh times tanh(c); multiply by the slopes and join in the order i, f, g, o.",
        "`dc = dc + dh * o * (1 - torch.tanh(c)**2)`, `c` the new cell. Blocks of `da`: `dc * g * i * (1 - i)`, `dc "
        "* c_prev * f * (1 - f)`, `dc * i * (1 - g**2)`, `dh * torch.tanh(c) * o * (1 - o)`. `dc_prev = dc * f`; "
        "the rest is as in the plain cell.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _back(rng: np.random.Generator, n: int, d: int, hidden: int, dtype: torch.dtype = DOUBLE) -> tuple[Any, ...]:
    x, (h, c), *params = step(rng, n, d, hidden, dtype)
    return normal(rng, n, hidden, dtype=dtype), normal(rng, n, hidden, dtype=dtype), (x, h, c, *params)


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Smallest first."""
    cache = (single(1.0), single(0.5), single(2.0), *by_hand())
    yield Case("one unit, a gradient of the cell only", (single(0.0), single(1.0), cache))
    yield Case("one unit, a gradient of the shown state only", (single(1.0), single(0.0), cache))
    yield Case("as many inputs as units", _back(rng, 2, 2, 2))
    yield Case("a batch of three", _back(rng, 3, 4, 2))
    yield Case("float32", _back(rng, 2, 3, 4, SINGLE), group="corners")


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Other sizes, other layouts, other dtypes."""
    yield Case("a larger batch", _back(rng, 17, 9, 12))
    yield Case("one example", _back(rng, 1, 7, 5))
    yield Case("one unit, one input", _back(rng, 4, 1, 1, SINGLE), group="corners")
    dh, dc, (x, h, c, W_ih, W_hh, b_ih, b_hh) = _back(rng, 5, 4, 6)
    yield Case("nothing comes back", (0 * dh, 0 * dc, (x, h, c, W_ih, W_hh, b_ih, b_hh)), group="corners")
    yield Case("saturated gates", (dh, dc, (x, h, c, 100 * W_ih, W_hh, b_ih, b_hh)), group="corners")
    for scale in EXTREMES:
        dh_scaled, dc_scaled, small = _back(rng, 2, 2, 3)
        arguments = (scale * dh_scaled, scale * dc_scaled, small)
        yield Case(f"gradients around {scale:g}", arguments, group="corners", tolerance=RELATIVE)
    turned = (by_columns(x), h, by_columns(c), by_columns(W_ih), by_columns(W_hh), b_ih, b_hh)
    yield Case("stored by columns", (dh, dc, turned), group="corners")


# --- properties ----------------------------------------------------------------------------------------------


def _cell(
    x: Tensor, h: Tensor, c: Tensor, W_ih: Tensor, W_hh: Tensor, b_ih: Tensor, b_hh: Tensor
) -> tuple[Tensor, ...]:
    i, f, g, o = (x @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, 1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


@holds("the gradient is the slope of lstm_cell", group="basics")
def backward_is_the_slope(call: Probe, rng: np.random.Generator) -> str | None:
    """Central differences of a random projection of both new states, in every argument."""
    dh, dc, cache = _back(rng, 2, 3, 4)
    arguments, got = list(cache), call(dh, dc, cache)

    def loss() -> float:
        h, c = _cell(*arguments)
        return float((dh * h).sum() + (dc * c).sum())

    names = ("dx", "dh_prev", "dc_prev", "dW_ih", "dW_hh", "db_ih", "db_hh")
    return wrong_gradient(loss, arguments, got, names, rng)


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(dh, dc, cache):
    x, h, c, W_ih, W_hh, b_ih, b_hh = cache
    N, H = c.shape
    dx, dh_prev, dc_prev = torch.zeros_like(x), torch.zeros_like(h), torch.zeros_like(c)
    dW_ih, dW_hh = torch.zeros_like(W_ih), torch.zeros_like(W_hh)
    db_ih, db_hh = torch.zeros_like(b_ih), torch.zeros_like(b_hh)
    for n in range(N):
        a = W_ih @ x[n] + b_ih + W_hh @ h[n] + b_hh
        i, f, g, o = a[:H].sigmoid(), a[H : 2 * H].sigmoid(), a[2 * H : 3 * H].tanh(), a[3 * H :].sigmoid()
        shown = (f * c[n] + i * g).tanh()
        total = dc[n] + dh[n] * o * (1 - shown) * (1 + shown)
        da = torch.zeros_like(a)
        da[:H] = total * g * i * (1 - i)
        da[H : 2 * H] = total * c[n] * f * (1 - f)
        da[2 * H : 3 * H] = total * i * (1 - g * g)
        da[3 * H :] = dh[n] * shown * o * (1 - o)
        dx[n], dh_prev[n], dc_prev[n] = W_ih.T @ da, W_hh.T @ da, total * f
        dW_ih += torch.outer(da, x[n])
        dW_hh += torch.outer(da, h[n])
        db_ih += da
        db_hh += da
    return dx, dh_prev, dc_prev, dW_ih, dW_hh, db_ih, db_hh


@right("other formula")
def other_formula(dh, dc, cache):
    x, h, c, W_ih, W_hh, b_ih, b_hh = cache
    a = torch.addmm(b_ih + b_hh, torch.cat([x, h], 1), torch.cat([W_ih, W_hh], 1).T).unflatten(1, (4, -1))
    i, f, o = (torch.sigmoid(a[:, k]) for k in (0, 1, 3))
    g = torch.tanh(a[:, 2])
    bent = (f * c + i * g).tanh()
    into_cell = torch.addcmul(dc, dh * o, 1 - bent.square())
    into = torch.stack([into_cell * g, into_cell * c, into_cell * i, dh * bent], dim=1)
    slopes = torch.stack([i * (1 - i), f * (1 - f), 1 - g.square(), o * (1 - o)], dim=1)
    da = (into * slopes).flatten(1)
    bias = torch.einsum("nk->k", da)
    return (
        torch.einsum("nk,kd->nd", da, W_ih),
        torch.einsum("nk,kh->nh", da, W_hh),
        into_cell * f,
        torch.einsum("nk,nd->kd", da, x),
        torch.einsum("nk,nh->kh", da, h),
        bias,
        bias,
    )


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(dh, dc, cache):
    x, h, c, W_ih, W_hh, b_ih, b_hh = cache
    a_i, a_f, a_g, a_o = (x @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
    i, f, g, o = a_i.sigmoid(), a_f.sigmoid(), a_g.tanh(), a_o.sigmoid()
    bent = torch.tanh(f * c + i * g)
    d = dc + dh * o * (1 - bent**2)
    da = torch.cat([d * g * i * (1 - i), d * c * f * (1 - f), d * i * (1 - g**2), dh * bent * o * (1 - o)], 1)
    return da @ W_ih, da @ W_hh, d * f, da.T @ x, da.T @ h, da.sum(0), da.sum(0)


@mistake
def back_without_the_shown_state(dh, dc, cache):
    """The cell got dc only. It also made h = o * tanh(c), so its gradient is dc + dh * o * (1 - tanh(c)**2)."""
    x, h, c, W_ih, W_hh, b_ih, b_hh = cache
    a_i, a_f, a_g, a_o = (x @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
    i, f, g, o = a_i.sigmoid(), a_f.sigmoid(), a_g.tanh(), a_o.sigmoid()
    bent = torch.tanh(f * c + i * g)
    da = torch.cat([dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g**2), dh * bent * o * (1 - o)], 1)
    return da @ W_ih, da @ W_hh, dc * f, da.T @ x, da.T @ h, da.sum(0), da.sum(0)


back_without_the_cell = slip(
    answer,
    "dc + dh * o * (1 - bent**2)",
    "dh * o * (1 - bent**2)",
    says="dc was not used: you went back from h alone. What comes back along the cell from the step after is "
    "added to the share through h.",
)


back_without_slopes = slip(
    answer,
    "[d * g * i * (1 - i), d * c * f * (1 - f), d * i * (1 - g**2), dh * bent * o * (1 - o)]",
    "[d * g, d * c, d * i, dh * bent]",
    says="The slopes of the gates are missing on the way back. A sigmoid s has the slope s (1 - s), and the "
    "candidate's tanh has 1 - g**2.",
)


@mistake
def back_slope_of_the_unbent_cell(dh, dc, cache):
    """The slope of tanh at the cell was taken as 1 - c**2. It is 1 - tanh(c)**2: square tanh(c), not the cell."""
    x, h, c, W_ih, W_hh, b_ih, b_hh = cache
    a_i, a_f, a_g, a_o = (x @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
    i, f, g, o = a_i.sigmoid(), a_f.sigmoid(), a_g.tanh(), a_o.sigmoid()
    new = f * c + i * g
    d = dc + dh * o * (1 - new**2)
    da = torch.cat(
        [d * g * i * (1 - i), d * c * f * (1 - f), d * i * (1 - g**2), dh * torch.tanh(new) * o * (1 - o)], 1
    )
    return da @ W_ih, da @ W_hh, d * f, da.T @ x, da.T @ h, da.sum(0), da.sum(0)


back_keeps_the_cell = slip(
    answer,
    "d * f",
    "d",
    says="Your dc_prev lacks the forget gate. The old cell was multiplied by f on the way forward, so its "
    "gradient is multiplied by f on the way back.",
)


back_in_another_order = slip(
    answer,
    "[d * g * i * (1 - i), d * c * f * (1 - f), d * i * (1 - g**2), dh * bent * o * (1 - o)]",
    "[d * g * i * (1 - i), d * c * f * (1 - f), dh * bent * o * (1 - o), d * i * (1 - g**2)]",
    says="The gradients of the sums were put together as i, f, o, g. They must be in the order of the rows, i, f, g, "
    "o.",
)


back_candidate_as_a_gate = slip(
    answer,
    "d * i * (1 - g**2)",
    "d * i * g * (1 - g)",
    says="The candidate got the slope of a sigmoid, g (1 - g). It came from a tanh: its slope is 1 - g**2.",
)


back_forget_gate_with_the_new_cell = slip(
    answer,
    ("bent = torch.tanh(f * c + i * g)", "new = f * c + i * g\nbent = torch.tanh(new)"),
    ("d * c", "d * new"),
    says="The forget gate's gradient was computed from the new cell. f was multiplied by the old one, so it is dc * "
    "c_prev.",
)
