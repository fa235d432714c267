"""A whole sequence, as `torch.nn.LSTM(batch_first=True)`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import EXTREMES, RELATIVE
from autograder.exercises.declare import Asks, hidden, holds, right, right_text, slip, visible
from autograder.exercises.lstm import observers
from autograder.exercises.lstm.inputs import (
    DOUBLE,
    LIBRARY,
    SINGLE,
    by_hand,
    close,
    normal,
    single,
    step,
    without_candidate,
)
from course_lib import lstm

ASKS = Asks(
    lstm.lstm_forward,
    signature="lstm_forward(xs (N, T, D), state (h, c), W_ih, W_hh, b_ih, b_hh) -> (hs (N, T, H), (h, c))",
    points={"basics": 1, "corners": 1, "gradients": 1},
    forbids=LIBRARY,
    hints=(
        "Which of the two states is collected at each step, and which have to reach the next step?",
        "A loop over time whose memory is the pair (h, c), handed on as one thing. Collect the shown state after "
        "each step, stack along time, and return the last pair too.",
        "`state = lstm_cell(xs[:, t], state, W_ih, W_hh, b_ih, b_hh)`, then `hs.append(state[0])`, for each `t`. "
        "End with `torch.stack(hs, dim=1)` and `state`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _sequence(
    rng: np.random.Generator, n: int, t: int, d: int, hidden: int, dtype: torch.dtype = DOUBLE
) -> tuple[Any, ...]:
    _, state, *params = step(rng, n, d, hidden, dtype)
    return normal(rng, n, t, d, dtype=dtype), state, *params


def _with_gradients(name: str, rng: np.random.Generator, n: int, t: int, d: int, hidden: int) -> Case:
    xs, (h, c), *params = _sequence(rng, n, t, d, hidden)
    upstream = normal(rng, n, t, hidden), normal(rng, n, hidden), normal(rng, n, hidden)
    return Case(name, (*upstream, xs, h, c, *params), group="gradients", through=observers.gradients)


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Smallest first."""
    xs = torch.tensor([[[1.0], [1.0], [0.0]]], dtype=DOUBLE)
    yield Case("one sequence, one unit", (xs, (single(0.5), single(2.0)), *by_hand()))
    yield Case("as many sequences as steps", _sequence(rng, 3, 3, 2, 3))
    yield Case("two sequences of five steps", _sequence(rng, 2, 5, 3, 4))
    yield Case("float32", _sequence(rng, 2, 4, 1, 3, SINGLE), group="corners")
    yield Case("a single step", _sequence(rng, 3, 1, 2, 2), group="corners")
    yield _with_gradients("gradients pass through", rng, 2, 3, 2, 3)


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Other sizes, other layouts, other dtypes."""
    yield Case("a long sequence", _sequence(rng, 2, 60, 3, 8))
    yield Case("many short sequences", _sequence(rng, 19, 4, 5, 6, SINGLE))
    yield Case("one sequence", _sequence(rng, 1, 12, 4, 7))
    yield Case("one input, one unit", _sequence(rng, 5, 6, 1, 1), group="corners")
    xs, state, *params = _sequence(rng, 4, 6, 3, 5)
    turned = xs.transpose(0, 1).contiguous().transpose(0, 1)
    yield Case("stored with time first", (turned, state, *params), group="corners")
    yield Case("every second feature", (normal(rng, 4, 6, 6)[..., ::2], state, *params), group="corners")
    for scale in EXTREMES:
        xs, (_, c), *params = _sequence(rng, 2, 3, 2, 3)
        arguments = (xs, (torch.zeros_like(c), scale * c), *without_candidate(tuple(params), 2))
        yield Case(f"a cell around {scale:g}", arguments, group="corners", tolerance=RELATIVE)
    yield _with_gradients("gradients pass through a longer sequence", rng, 3, 9, 2, 4)


# --- properties ----------------------------------------------------------------------------------------------


@holds("a sequence may be read in two parts", group="basics")
def forward_in_two_parts(call: Probe, rng: np.random.Generator) -> str | None:
    """Both states together carry everything that matters."""
    xs, state, *params = _sequence(rng, 2, 7, 3, 4)
    whole, last = call(xs, state, *params)
    first, middle = call(xs[:, :3].contiguous(), state, *params)
    second, end = call(xs[:, 3:].contiguous(), tuple(middle), *params)
    if not close(torch.cat([first, second], 1), whole) or not all(map(close, end, last)):
        return (
            "reading three steps, then the other four from there, gives different states from reading all seven at once"
        )
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(xs, state, W_ih, W_hh, b_ih, b_hh):
    N, T, D = xs.shape
    H = state[0].shape[1]
    all_h, ends = [], []
    for n in range(N):
        h, c = state[0][n], state[1][n]
        row = []
        for t in range(T):
            a = W_ih @ xs[n, t] + b_ih + W_hh @ h + b_hh
            c = torch.sigmoid(a[H : 2 * H]) * c + torch.sigmoid(a[:H]) * torch.tanh(a[2 * H : 3 * H])
            h = torch.sigmoid(a[3 * H :]) * torch.tanh(c)
            row.append(h)
        all_h.append(torch.stack(row))
        ends.append((h, c))
    last = torch.stack([h for h, _ in ends]), torch.stack([c for _, c in ends])
    return torch.stack(all_h), last


other_formula = right_text(
    "other formula",
    """
import functools

def lstm_forward(xs, state, W_ih, W_hh, b_ih, b_hh):
    driven = torch.einsum("ntd,hd->tnh", xs, W_ih) + (b_ih + b_hh)

    def step(states, a):
        h, c = states[-1]
        i, f, g, o = torch.tensor_split(a + h @ W_hh.T, 4, dim=1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return [*states, (o.sigmoid() * c.tanh(), c)]

    _, *states = functools.reduce(step, driven, [tuple(state)])
    return torch.stack([h for h, _ in states]).transpose(0, 1), states[-1]
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(xs, state, W_ih, W_hh, b_ih, b_hh):
    (h, c), hs = state, []
    for t in range(xs.shape[1]):
        i, f, g, o = (xs[:, t] @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        hs.append(h)
    return torch.stack(hs, 1), (h, c)


forward_time_first = slip(
    answer,
    "torch.stack(hs, 1)",
    "torch.stack(hs)",
    says="The steps are along axis 0: this is (T, N, H). Axis 0 is the batch and axis 1 is time: torch.stack(hs, 1).",
)


forward_drops_the_cell = slip(
    answer,
    (
        "c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)",
        "new = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)",
    ),
    ("torch.tanh(c)", "torch.tanh(new)"),
    ("torch.stack(hs, 1), (h, c)", "torch.stack(hs, 1), (h, new)"),
    says="Each step started from the first cell: only h was passed on. Both states are the memory, so pass both on.",
)


forward_drops_the_shown_state = slip(
    answer,
    ("(h, c), hs", "(first, c), hs"),
    ("h @ W_hh.T", "first @ W_hh.T"),
    says="Each step read the first h: only the cell was passed on. Both states are the memory, so pass both on.",
)


forward_from_zeros = slip(
    answer,
    "(h, c), hs = state, []",
    "h, c, hs = torch.zeros_like(state[0]), torch.zeros_like(state[1]), []",
    says="The first step started from zeros. It starts from the state that is passed in, which the caller chooses.",
)


forward_collects_cells = slip(
    answer,
    ("(h, c), hs", "(h, c), cs"),
    ("hs.append(h)", "cs.append(c)"),
    ("torch.stack(hs, 1)", "torch.stack(cs, 1)"),
    says="You collected the cells. What the network shows at each step is h: collect that one.",
)


forward_backwards = slip(
    answer,
    "range(xs.shape[1])",
    "reversed(range(xs.shape[1]))",
    says="You read the sequence from its end. The first step reads xs[:, 0], the last one xs[:, T - 1].",
)


forward_into_plain_zeros = slip(
    answer,
    ("(h, c), hs = state, []", "h, c = state\nhs = torch.zeros(xs.shape[0], xs.shape[1], h.shape[1])"),
    ("hs.append(h)", "hs[:, t] = h"),
    ("torch.stack(hs, 1)", "hs"),
    says="torch.zeros(N, T, H) is float32 on the CPU, whatever the inputs are. Take dtype and device from them: "
    "xs.new_zeros(N, T, H), or collect the states in a list and stack it.",
)


forward_detaches = slip(
    answer,
    ("h @ W_hh.T", "h.detach() @ W_hh.T"),
    ("torch.sigmoid(f) * c", "torch.sigmoid(f) * c.detach()"),
    says="The numbers are right, but .detach() cuts the gradient off between the steps: with autograd such a network "
    "learns nothing about the past. Pass the states on as they are.",
)
