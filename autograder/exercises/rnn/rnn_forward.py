"""A whole sequence, as `torch.nn.RNN(batch_first=True)`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import CLOSE
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, right_text, slip, visible
from autograder.exercises.rnn.inputs import DOUBLE, LIBRARY, SINGLE, by_hand, close, normal, sequence
from course_lib import rnn

ASKS = Asks(
    rnn.rnn_forward,
    signature="rnn_forward(xs (N, T, D), h0 (N, H), W_ih, W_hh, b_ih, b_hh) -> (hs (N, T, H), h_T (N, H))",
    points={"basics": 1, "corners": 1},
    forbids=LIBRARY,
    hints=(
        "Which axis of xs is time? Where does the state come from in the first step, and where in the second?",
        "A loop over time that carries the state along. Each step reads its slice of all sequences and the state of "
        "the step before. Collect the new states and stack them along the axis of time.",
        "`h = rnn_cell(xs[:, t], h, W_ih, W_hh, b_ih, b_hh)` for each `t` in `range(xs.shape[1])`, from `h = h0`; "
        "append each `h`. Return `torch.stack(hs, dim=1)` and the last `h`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Smallest first."""
    xs = torch.tensor([[[1.0], [0.0], [2.0]]], dtype=DOUBLE)
    yield Case("one sequence of three steps", (xs, torch.zeros(1, 2, dtype=DOUBLE), *by_hand()))
    yield Case("as many sequences as steps", sequence(rng, 3, 3, 2, 3))
    yield Case("two sequences of five steps", sequence(rng, 2, 5, 3, 4))
    yield Case("float32", sequence(rng, 2, 4, 1, 3, SINGLE), group="corners")
    yield Case("a single step", sequence(rng, 3, 1, 2, 2), group="corners")


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Other sizes, other layouts, other dtypes."""
    yield Case("a long sequence", sequence(rng, 2, 60, 3, 8))
    yield Case("many short sequences", sequence(rng, 19, 4, 5, 6, SINGLE))
    yield Case("one sequence", sequence(rng, 1, 12, 4, 7))
    yield Case("one input, one unit", sequence(rng, 5, 6, 1, 1), group="corners")
    xs, h0, *params = sequence(rng, 4, 6, 3, 5)
    yield Case(
        "stored with time first", (xs.transpose(0, 1).contiguous().transpose(0, 1), h0, *params), group="corners"
    )
    W_ih, W_hh, *biases = params
    for scale in (1e-12, 1e-6, 1e-3):
        small = scale * xs, scale * h0, W_ih, W_hh, *(scale * b for b in biases)
        yield Case(f"numbers around {scale:g}", small, group="corners", tolerance=CLOSE)
    for scale in (1e-10, 1e10):
        yield Case(f"inputs around {scale:g}", (scale * xs, h0, W_ih / scale, W_hh, *biases), group="corners")
    yield Case("every second feature", (normal(rng, 4, 6, 6)[..., ::2], h0, *params), group="corners")
    yield Case("silence", (torch.zeros_like(xs), h0, *params), group="corners")


# --- properties ----------------------------------------------------------------------------------------------


@holds("a sequence may be read in two parts", group="basics")
def forward_in_two_parts(call: Probe, rng: np.random.Generator) -> str | None:
    """The state carries everything that matters."""
    xs, h0, *params = sequence(rng, 2, 7, 3, 4)
    whole, last = call(xs, h0, *params)
    first, middle = call(xs[:, :3].contiguous(), h0, *params)
    second, end = call(xs[:, 3:].contiguous(), middle, *params)
    if not close(torch.cat([first, second], 1), whole) or not close(end, last):
        return (
            "reading three steps, then the other four from there, gives different states from reading all seven at once"
        )
    return None


@holds("the past does not know the future", group="basics")
def forward_is_causal(call: Probe, rng: np.random.Generator) -> str | None:
    """States before a changed step stay."""
    xs, h0, *params = sequence(rng, 2, 6, 3, 4)
    other = xs.clone()
    other[:, 4:] += 1
    if not close(call(xs, h0, *params)[0][:, :4], call(other, h0, *params)[0][:, :4]):
        return "the first four states change when the fifth input changes: a state may depend on the past only"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(xs, h0, W_ih, W_hh, b_ih, b_hh):
    N, T, D = xs.shape
    hs = xs.new_empty(N, T, h0.shape[1])
    for n in range(N):
        h = h0[n]
        for t in range(T):
            h = torch.tanh(W_ih @ xs[n, t] + b_ih + W_hh @ h + b_hh)
            hs[n, t] = h
    return hs, hs[:, -1]


other_formula = right_text(
    "other formula",
    """
import functools
import itertools

def rnn_forward(xs, h0, W_ih, W_hh, b_ih, b_hh):
    driven = torch.einsum("ntd,hd->tnh", xs, W_ih) + (b_ih + b_hh)
    step = lambda h, a: (a + h @ W_hh.T).tanh()
    _, *states = itertools.accumulate(driven, step, initial=h0)
    hs = torch.stack(states).transpose(0, 1)
    return [hs, states[-1]]
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(xs, h0, W_ih, W_hh, b_ih, b_hh):
    h, hs = h0, []
    for t in range(xs.shape[1]):
        h = torch.tanh(xs[:, t] @ W_ih.T + b_ih + h @ W_hh.T + b_hh)
        hs.append(h)
    return torch.stack(hs, 1), h


@mistake
def forward_without_carry(xs, h0, W_ih, W_hh, b_ih, b_hh):
    """Every step started from h0 again. Pass the state on: what a step returns is the h of the next one."""
    hs = [torch.tanh(xs[:, t] @ W_ih.T + b_ih + h0 @ W_hh.T + b_hh) for t in range(xs.shape[1])]
    return torch.stack(hs, 1), hs[-1]


forward_with_the_first_state = slip(
    answer,
    "h0, []",
    "h0, [h0]",
    says="There is one state too many: h0 is in front. hs holds only the states after each of the T steps.",
)


forward_time_first = slip(
    answer,
    "torch.stack(hs, 1)",
    "torch.stack(hs)",
    says="The steps are along axis 0: this is (T, N, H). Axis 0 is the batch and axis 1 is time: torch.stack(hs, 1).",
)


forward_along_the_batch = slip(
    answer,
    ("for t in range(xs.shape[1]):", "for x in xs:"),
    ("xs[:, t]", "x"),
    ("torch.stack(hs, 1)", "torch.stack(hs)"),
    says="You walked along axis 0, from sequence to sequence. Time is axis 1 of xs (N, T, D): step t reads xs[:, "
    "t], for all sequences at once.",
)


forward_from_zeros = slip(
    answer,
    "h0, []",
    "torch.zeros_like(h0), []",
    says="The first step started from zeros. It starts from h0, which the caller chooses: a text may go on where "
    "it stopped.",
)


forward_backwards = slip(
    answer,
    "range(xs.shape[1])",
    "reversed(range(xs.shape[1]))",
    says="You read the sequence from its end. The first step reads xs[:, 0], the last one xs[:, T - 1].",
)


forward_last_sequence = slip(
    answer,
    "return torch.stack(hs, 1), h",
    "hs = torch.stack(hs, 1)\nreturn hs, hs[-1]",
    says="hs is right, but hs[-1] is the last sequence of the batch. The last step of all sequences is hs[:, -1].",
)


forward_into_plain_zeros = slip(
    answer,
    ("h, hs = h0, []", "hs = torch.zeros(xs.shape[0], xs.shape[1], h0.shape[1])\nh = h0"),
    ("hs.append(h)", "hs[:, t] = h"),
    ("torch.stack(hs, 1)", "hs"),
    says="torch.zeros(N, T, H) is float32 on the CPU, whatever the inputs are. Take dtype and device from them: "
    "xs.new_zeros(N, T, H), or collect the states in a list and stack it.",
)
