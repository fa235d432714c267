"""One step of an LSTM, as `torch.nn.LSTMCell`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import EXTREMES, RELATIVE
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, right_text, slip, visible
from autograder.exercises.lstm.inputs import (
    LIBRARY,
    SINGLE,
    by_columns,
    by_hand,
    close,
    single,
    step,
    without_candidate,
)
from course_lib import lstm

ASKS = Asks(
    lstm.lstm_cell,
    signature=(
        "lstm_cell(x (N, D), state (h (N, H), c (N, H)), W_ih (4H, D), W_hh (4H, H), b_ih (4H,), b_hh (4H,)) -> (h, c)"
    ),
    points={"basics": 2, "corners": 1},
    forbids=LIBRARY,
    hints=(
        "Cut the 4H sums into four blocks. Which of them is no gate, and which place does it have?",
        "Both matrix products and biases make one sum; its blocks are i, f, g, o. g goes through tanh, the others "
        "through a sigmoid. The cell becomes f c + i g, and o times its tanh is shown.",
        "`a_i, a_f, a_g, a_o = sums.chunk(4, dim=1)`. New cell: `torch.sigmoid(a_f) * c` plus `torch.sigmoid(a_i) * "
        "torch.tanh(a_g)`. Shown: `torch.sigmoid(a_o)` times `torch.tanh` of the new cell. Return `(h, c)`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Smallest first."""
    yield Case("one unit", (single(1.0), (single(0.5), single(2.0)), *by_hand()))
    yield Case("as many inputs as units", step(rng, 2, 2, 2))
    yield Case("a batch of three", step(rng, 3, 4, 2))
    yield Case("float32", step(rng, 2, 3, 4, SINGLE), group="corners")


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Other sizes, other layouts, other dtypes, gates at their limits."""
    yield Case("a larger batch", step(rng, 17, 9, 12))
    yield Case("one example of many features", step(rng, 1, 30, 5))
    yield Case("more units than inputs", step(rng, 6, 2, 20, SINGLE))
    x, (h, c), W_ih, W_hh, b_ih, b_hh = step(rng, 5, 4, 6)
    yield Case("one unit, one input", step(rng, 4, 1, 1), group="corners")
    yield Case("gates wide open or shut", (x, (h, c), 100 * W_ih, W_hh, b_ih, b_hh), group="corners")
    yield Case("a full cell", (x, (h, 50 * c), W_ih, W_hh, b_ih, b_hh), group="corners")
    yield Case("nothing remembered", (x, (0 * h, 0 * c), W_ih, W_hh, b_ih, b_hh), group="corners")
    for scale in EXTREMES:
        given, (_, cell), *params = step(rng, 3, 2, 3)
        arguments = (given, (torch.zeros_like(cell), scale * cell), *without_candidate(tuple(params), 2))
        yield Case(f"a cell around {scale:g}", arguments, group="corners", tolerance=RELATIVE)
    turned = (by_columns(x), (h, by_columns(c)), by_columns(W_ih), by_columns(W_hh), b_ih, b_hh)
    yield Case("stored by columns", turned, group="corners")


# --- properties ----------------------------------------------------------------------------------------------


@holds("open and shut, the cell keeps what it has", group="basics")
def cell_keeps(call: Probe, rng: np.random.Generator) -> str | None:
    """With the forget gate open and the input gate shut the cell stays as it is."""
    x, (h, c), W_ih, W_hh, b_ih, b_hh = step(rng, 3, 2, 4)
    b_ih[:4], b_ih[4:8] = -200.0, 200.0
    if not close(call(x, (h, c), W_ih, W_hh, b_ih, b_hh)[1], c):
        return "with a forget gate of 1 and an input gate of 0 the cell must stay as it was"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


loops = right_text(
    "loops",
    """
import math

def lstm_cell(x, state, W_ih, W_hh, b_ih, b_hh):
    h, c = state
    N, H = c.shape
    new_h, new_c = torch.empty_like(h), torch.empty_like(c)

    def one(n, row):
        total = b_ih[row] + b_hh[row]
        for j in range(x.shape[1]):
            total = total + W_ih[row, j] * x[n, j]
        for j in range(H):
            total = total + W_hh[row, j] * h[n, j]
        return total

    for n in range(N):
        for k in range(H):
            i = one(n, k).sigmoid()
            f = one(n, H + k).sigmoid()
            g = one(n, 2 * H + k).tanh()
            o = one(n, 3 * H + k).sigmoid()
            new_c[n, k] = f * c[n, k] + i * g
            new_h[n, k] = o * new_c[n, k].tanh()
    print("one step of", N, "sequences")
    return new_h, new_c
""",
)


@right("other formula")
def other_formula(inputs, state, *weights):
    h, c = state
    both = torch.cat([inputs, h], dim=1) @ torch.cat(weights[:2], dim=1).T + sum(weights[2:])
    halves = both.unflatten(1, (4, -1))
    gate = lambda a: (1 + torch.tanh(a / 2)) / 2
    cell = torch.addcmul(gate(halves[:, 1]) * c, gate(halves[:, 0]), halves[:, 2].tanh())
    return [gate(halves[:, 3]) * cell.tanh(), cell]


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(x, state, W_ih, W_hh, b_ih, b_hh):
    h, c = state
    i, f, g, o = (x @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


cell_in_another_order = slip(
    answer,
    "i, f, g, o",
    "i, f, o, g",
    says="The blocks were read as i, f, o, g. In this course, as in PyTorch, the rows are in the order i, f, g, o: the "
    "candidate is the third.",
)


cell_forgets_first = slip(
    answer,
    "i, f, g, o",
    "f, i, g, o",
    says="The input and forget gates are swapped. The first block is i, which lets new things in, and the second is f, "
    "which keeps the old cell.",
)


cell_shows_unbent = slip(
    answer,
    "torch.tanh(c)",
    "c",
    says="Your h is o * c. The cell may hold any number, so it goes through tanh before it is shown: h = o * tanh(c).",
)


@mistake
def cell_with_a_sigmoid_candidate(x, state, W_ih, W_hh, b_ih, b_hh):
    """The candidate g went through a sigmoid, so it can only add. It is not a gate: g = tanh(...), from -1 to 1."""
    h, c = state
    i, f, g, o = torch.sigmoid(x @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
    c = f * c + i * g
    return o * torch.tanh(c), c


cell_without_forget_gate = slip(
    answer,
    ("i, f, g, o", "i, _, g, o"),
    ("torch.sigmoid(f) * c", "c"),
    says="The old cell was added in full, so nothing is ever forgotten. The forget gate decides how much stays: f * c.",
)


cell_bends_the_cell = slip(
    cell_shows_unbent,
    "torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)",
    "torch.tanh(torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g))",
    says="You put a tanh around the cell and passed it on. The cell itself never goes through tanh, that is its whole "
    "point: only what is shown does.",
)


cell_returns_c_first = slip(
    answer,
    "torch.sigmoid(o) * torch.tanh(c), c",
    "c, torch.sigmoid(o) * torch.tanh(c)",
    says="The two states are right and in the wrong order: return (h, c), the shown state first, as they came in.",
)


cell_into_the_old_cell = slip(
    answer,
    "c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)",
    "c *= torch.sigmoid(f)\nc += torch.sigmoid(i) * torch.tanh(g)",
    says="The numbers are right, but c *= ... and c += ... wrote them into the caller's old cell. The way back "
    "needs it: make a new tensor, c = f * c + i * g.",
)
