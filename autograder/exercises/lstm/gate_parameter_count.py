"""How many numbers one recurrent layer stores, both biases counted, as `torch.nn` does."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.exercise import Case
from autograder.exercises.declare import Asks, hidden, mistake, right, visible
from course_lib import lstm

ASKS = Asks(
    lstm.gate_parameter_count,
    signature='gate_parameter_count(kind "rnn", "gru" or "lstm", input, hidden) -> int',
    points={"basics": 1},
    hints=(
        "How many blocks of H rows do the matrices of each kind have? Count the gates. What is there besides them?",
        "One block has a matrix for the inputs, one for the state and two biases. A kind has a block for each of "
        "its gates and one for the candidate; the LSTM's cell has no weights.",
        'A block has `hidden * (input + hidden + 2)` numbers. Multiply by 1, 3 or 4 for `"rnn"`, `"gru"` or `"lstm"`.',
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


KINDS = ("rnn", "gru", "lstm")


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    """One of each kind, by position and by name."""
    yield Case("a plain network", ("rnn", 2, 3))
    yield Case("a GRU", ("gru", 2, 3))
    yield Case("an LSTM", ("lstm", 2, 3))
    yield Case("by name", ("lstm",), {"input": 28, "hidden": 64})


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Random sizes of each kind."""
    for kind in KINDS:
        d, hidden = map(int, rng.integers(2, 90, 2))
        yield Case(f"{kind} of random size", (kind, d, hidden))
    yield Case("one input, one unit", ("gru", 1, 1))
    yield Case("wide", ("lstm", 50_000, 4_096))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(kind, input, hidden):
    blocks = 1
    if kind == "gru":
        blocks = 3
    elif kind == "lstm":
        blocks = 4
    total = 0
    for _ in range(blocks):
        total += hidden * input
        total += hidden * hidden
        total += hidden
        total += hidden
    return total


@right("other formula")
def other_formula(kind, input, hidden):
    rows = hidden * {"r": 1, "g": 3, "l": 4}[kind[0]]
    return rows * (input + hidden + 2)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def count_one_bias(kind, input, hidden):
    """You counted one bias per gate. PyTorch stores two, b_ih and b_hh: count both."""
    return {"rnn": 1, "gru": 3, "lstm": 4}[kind] * (hidden * input + hidden * hidden + hidden)


@mistake
def count_no_bias(kind, input, hidden):
    """The biases are missing: two of `hidden` numbers for every gate."""
    return {"rnn": 1, "gru": 3, "lstm": 4}[kind] * (hidden * input + hidden * hidden)


@mistake
def count_gates_only(kind, input, hidden):
    """You counted the gates and left the candidate out. It has weights of its own: a GRU has 3 blocks, an LSTM has
    4."""
    return {"rnn": 1, "gru": 2, "lstm": 3}[kind] * (hidden * input + hidden * hidden + 2 * hidden)


@mistake
def count_inputs_only(kind, input, hidden):
    """The recurrent matrix is missing: every block also has hidden x hidden weights from the state to itself."""
    return {"rnn": 1, "gru": 3, "lstm": 4}[kind] * (hidden * input + 2 * hidden)


@mistake
def count_two_states(kind, input, hidden):
    """You gave the LSTM five blocks, one for the cell. The cell has no weights: it is multiplied and added to, number
    by number."""
    return {"rnn": 1, "gru": 3, "lstm": 5}[kind] * (hidden * input + hidden * hidden + 2 * hidden)
