"""One step of a gated recurrent unit, as `torch.nn.GRUCell`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import EXTREMES, RELATIVE
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, slip, visible
from autograder.exercises.lstm.inputs import (
    DOUBLE,
    LIBRARY,
    SINGLE,
    by_columns,
    close,
    normal,
    single,
    weights,
    without_candidate,
)
from course_lib import lstm

ASKS = Asks(
    lstm.gru_cell,
    signature="gru_cell(x (N, D), h (N, H), W_ih (3H, D), W_hh (3H, H), b_ih (3H,), b_hh (3H,)) -> h (N, H)",
    points={"basics": 1, "corners": 1},
    forbids=LIBRARY,
    hints=(
        "The input's part and the state's part may not be added too early. For which of the three blocks does that "
        "matter?",
        "Cut both parts, with their biases, into r, z and n. The gates are sigmoids of the sums. In the candidate, "
        "r multiplies the state's part alone. The new state mixes: z of the old one, 1 - z of the candidate.",
        "With `a_r, a_z, a_n` from `x` and `u_r, u_z, u_n` from `h`: `r = torch.sigmoid(a_r + u_r)`, `z` alike, `n "
        "= torch.tanh(a_n + r * u_n)`. The new state is `z * h` plus `(1 - z) * n`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _gru(rng: np.random.Generator, n: int, d: int, hidden: int, dtype: torch.dtype = DOUBLE) -> tuple[Any, ...]:
    h = torch.tanh(normal(rng, n, hidden, dtype=dtype))
    return normal(rng, n, d, dtype=dtype), h, *weights(rng, d, hidden, 3, dtype)


def _gru_by_hand() -> tuple[Tensor, ...]:
    """One unit: r = 1/2 and z = 3/4; the candidate is tanh of 1 + r (2 h + 0.5)."""
    log3 = float(np.log(3))
    W_ih = torch.tensor([[0.0], [log3], [1.0]], dtype=DOUBLE)
    W_hh = torch.tensor([[0.0], [0.0], [2.0]], dtype=DOUBLE)
    return W_ih, W_hh, torch.zeros(3, dtype=DOUBLE), torch.tensor([0.0, 0.0, 0.5], dtype=DOUBLE)


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Smallest first."""
    yield Case("one unit", (single(1.0), single(-0.75), *_gru_by_hand()))
    yield Case("as many inputs as units", _gru(rng, 2, 2, 2))
    yield Case("a batch of three", _gru(rng, 3, 4, 2))
    yield Case("float32", _gru(rng, 2, 3, 4, SINGLE), group="corners")


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Other sizes, other layouts, other dtypes, gates at their limits."""
    yield Case("a larger batch", _gru(rng, 17, 9, 12))
    yield Case("one example of many features", _gru(rng, 1, 30, 5))
    yield Case("more units than inputs", _gru(rng, 6, 2, 20, SINGLE))
    x, h, W_ih, W_hh, b_ih, b_hh = _gru(rng, 5, 4, 6)
    yield Case("one unit, one input", _gru(rng, 4, 1, 1), group="corners")
    yield Case("gates wide open or shut", (x, h, 100 * W_ih, W_hh, b_ih, b_hh), group="corners")
    yield Case("a state of zeros", (x, 0 * h, W_ih, W_hh, b_ih, b_hh), group="corners")
    for scale in EXTREMES:
        given, state, W, V, *biases = _gru(rng, 3, 2, 3)
        arguments = (given, scale * state, *without_candidate((W, V / max(scale, 1.0), *biases), 2))
        yield Case(f"a state around {scale:g}", arguments, group="corners", tolerance=RELATIVE)
    turned = (by_columns(x), by_columns(h), by_columns(W_ih), by_columns(W_hh), b_ih, b_hh)
    yield Case("stored by columns", turned, group="corners")


# --- properties ----------------------------------------------------------------------------------------------


@holds("an update gate of 1 keeps the state", group="basics")
def gru_keeps(call: Probe, rng: np.random.Generator) -> str | None:
    """With the update gate at 1 the state stays."""
    x, h, W_ih, W_hh, b_ih, b_hh = _gru(rng, 3, 2, 4)
    b_ih[4:8] = 200.0
    if not close(call(x, h, W_ih, W_hh, b_ih, b_hh), h):
        return "with an update gate of 1 the state must stay as it was"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(x, h, W_ih, W_hh, b_ih, b_hh):
    H = h.shape[1]
    out = torch.empty_like(h)
    for n in range(len(x)):
        a, b = W_ih @ x[n] + b_ih, W_hh @ h[n] + b_hh
        for k in range(H):
            r = torch.sigmoid(a[k] + b[k])
            z = torch.sigmoid(a[H + k] + b[H + k])
            new = torch.tanh(a[2 * H + k] + r * b[2 * H + k])
            out[n, k] = new + z * (h[n, k] - new)
    return out


@right("other formula")
def other_formula(x, h, W_ih, W_hh, b_ih, b_hh):
    a = torch.nn.functional.linear(x, W_ih, b_ih).unflatten(1, (3, -1))
    b = torch.nn.functional.linear(h, W_hh, b_hh).unflatten(1, (3, -1))
    r, z = torch.sigmoid(a[:, :2] + b[:, :2]).unbind(1)
    candidate = torch.addcmul(a[:, 2], r, b[:, 2]).tanh()
    return torch.lerp(candidate, h, z)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(x, h, W_ih, W_hh, b_ih, b_hh):
    x_r, x_z, x_n = (x @ W_ih.T + b_ih).chunk(3, dim=1)
    h_r, h_z, h_n = (h @ W_hh.T + b_hh).chunk(3, dim=1)
    r, z = torch.sigmoid(x_r + h_r), torch.sigmoid(x_z + h_z)
    n = torch.tanh(x_n + r * h_n)
    return (1 - z) * n + z * h


gru_gates_swapped = slip(
    answer,
    ("x_r, x_z, x_n", "x_z, x_r, x_n"),
    ("h_r, h_z, h_n", "h_z, h_r, h_n"),
    says="The reset and update gates are swapped. In PyTorch, and here, the rows are in the order r, z, n.",
)


gru_keeps_the_new = slip(
    answer,
    "(1 - z) * n + z * h",
    "z * n + (1 - z) * h",
    says="z and 1 - z are swapped. Here z is the share of the old state: (1 - z) * n + z * h.",
)


@mistake
def gru_resets_before_the_matrix(x, h, W_ih, W_hh, b_ih, b_hh):
    """You multiplied the state by r before its matrix, as the paper of 2014 does. PyTorch's variant, which this
    exercise asks for, multiplies after it: r * (h @ W_hn.T + b_hn)."""
    x_r, x_z, x_n = (x @ W_ih.T + b_ih).chunk(3, dim=1)
    W_r, W_z, W_n = W_hh.chunk(3)
    b_r, b_z, b_n = b_hh.chunk(3)
    r, z = torch.sigmoid(x_r + h @ W_r.T + b_r), torch.sigmoid(x_z + h @ W_z.T + b_z)
    n = torch.tanh(x_n + (r * h) @ W_n.T + b_n)
    return (1 - z) * n + z * h


@mistake
def gru_bias_outside(x, h, W_ih, W_hh, b_ih, b_hh):
    """The bias of the state's part escaped the reset gate. The gate multiplies both: r * (h @ W_hn.T + b_hn)."""
    x_r, x_z, x_n = (x @ W_ih.T + b_ih).chunk(3, dim=1)
    h_r, h_z, h_n = (h @ W_hh.T).chunk(3, dim=1)
    b_r, b_z, b_n = b_hh.chunk(3)
    r, z = torch.sigmoid(x_r + h_r + b_r), torch.sigmoid(x_z + h_z + b_z)
    n = torch.tanh(x_n + r * h_n + b_n)
    return (1 - z) * n + z * h


gru_resets_everything = slip(
    answer,
    "x_n + r * h_n",
    "r * (x_n + h_n)",
    says="The reset gate multiplied the input's part too. It decides how much of the past enters the candidate: "
    "only the state's part is multiplied by r.",
)


@mistake
def gru_without_reset(x, h, W_ih, W_hh, b_ih, b_hh):
    """The reset gate plays no part. Multiply the state's part of the candidate by r."""
    _, x_z, x_n = (x @ W_ih.T + b_ih).chunk(3, dim=1)
    _, h_z, h_n = (h @ W_hh.T + b_hh).chunk(3, dim=1)
    z = torch.sigmoid(x_z + h_z)
    n = torch.tanh(x_n + h_n)
    return (1 - z) * n + z * h


gru_sigmoid_candidate = slip(
    answer,
    "torch.tanh",
    "torch.sigmoid",
    says="The candidate n went through a sigmoid. It is not a gate: n = tanh(...), from -1 to 1.",
)
