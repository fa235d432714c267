"""Gated cells: what is asked and how it is probed. The known mistakes stand in `lstm_mistakes`."""

from __future__ import annotations

from autograder.exercise import Exercise, Property, Rules
from autograder.exercises import lstm_cases as cases
from autograder.exercises.lstm_mistakes import MISTAKES
from autograder.harness import lstm as harness
from course_lib import lstm

__all__ = ["EXERCISES"]

LIBRARY = (
    "torch.nn.RNNBase",
    "torch.nn.RNNCellBase",
    "torch.nn.LSTM",
    "torch.nn.LSTMCell",
    "torch.nn.GRU",
    "torch.nn.GRUCell",
    "torch.lstm",
    "torch.lstm_cell",
    "torch.gru",
    "torch.gru_cell",
)
"""What would do the work of a cell or of a whole sequence."""
AUTOGRAD = ("torch.autograd", "torch.Tensor.backward", "torch.func")
"""What would find the gradients."""

WEIGHTS = "W_ih (4H, D), W_hh (4H, H), b_ih (4H,), b_hh (4H,)"

EXERCISES = (
    Exercise(
        id="lstm.lstm_cell",
        reference=lstm.lstm_cell,
        signature=f"lstm_cell(x (N, D), state (h (N, H), c (N, H)), {WEIGHTS}) -> (h, c)",
        groups={"basics": 2, "corners": 1},
        visible=cases.cell_visible,
        hidden=cases.cell_hidden,
        misconceptions=MISTAKES["lstm_cell"],
        properties=(Property("open and shut, the cell keeps what it has", cases.cell_keeps, "basics"),),
        rules=Rules(forbids=LIBRARY),
    ),
    Exercise(
        id="lstm.lstm_forward",
        reference=lstm.lstm_forward,
        signature="lstm_forward(xs (N, T, D), state (h, c), W_ih, W_hh, b_ih, b_hh) -> (hs (N, T, H), (h, c))",
        groups={"basics": 1, "corners": 1, "gradients": 1},
        visible=cases.forward_visible,
        hidden=cases.forward_hidden,
        misconceptions=MISTAKES["lstm_forward"],
        properties=(Property("a sequence may be read in two parts", cases.forward_in_two_parts, "basics"),),
        rules=Rules(forbids=LIBRARY),
    ),
    Exercise(
        id="lstm.lstm_cell_backward",
        reference=lstm.lstm_cell_backward,
        signature=(
            "lstm_cell_backward(dh (N, H), dc (N, H), cache (x, h_prev, c_prev, W_ih, W_hh, b_ih, b_hh))"
            " -> (dx, dh_prev, dc_prev, dW_ih, dW_hh, db_ih, db_hh)"
        ),
        groups={"basics": 3, "corners": 1},
        visible=cases.backward_visible,
        hidden=cases.backward_hidden,
        misconceptions=MISTAKES["lstm_cell_backward"],
        properties=(Property("the gradient is the slope of lstm_cell", cases.backward_is_the_slope, "basics"),),
        rules=Rules(forbids=LIBRARY + AUTOGRAD),
    ),
    Exercise(
        id="lstm.memory_gradient",
        reference=lstm.memory_gradient,
        signature="memory_gradient(forget_gates (T, H)) -> (T, H)",
        groups={"basics": 1, "corners": 1},
        visible=cases.memory_visible,
        hidden=cases.memory_hidden,
        misconceptions=MISTAKES["memory_gradient"],
        properties=(Property("ways that follow each other multiply", cases.memory_chains, "basics"),),
    ),
    Exercise(
        id="lstm.gru_cell",
        reference=lstm.gru_cell,
        signature=("gru_cell(x (N, D), h (N, H), W_ih (3H, D), W_hh (3H, H), b_ih (3H,), b_hh (3H,)) -> h (N, H)"),
        groups={"basics": 1, "corners": 1},
        visible=cases.gru_visible,
        hidden=cases.gru_hidden,
        misconceptions=MISTAKES["gru_cell"],
        properties=(Property("an update gate of 1 keeps the state", cases.gru_keeps, "basics"),),
        rules=Rules(forbids=LIBRARY),
    ),
    Exercise(
        id="lstm.gate_parameter_count",
        reference=lstm.gate_parameter_count,
        signature='gate_parameter_count(kind "rnn", "gru" or "lstm", input, hidden) -> int',
        groups={"basics": 1},
        visible=cases.count_visible,
        hidden=cases.count_hidden,
        misconceptions=MISTAKES["gate_parameter_count"],
    ),
    Exercise(
        id="lstm.adding_batch",
        reference=lstm.adding_batch,
        signature="adding_batch(n, length, generator) -> (xs (N, T, 2), targets (N,))",
        groups={"basics": 1, "corners": 1},
        visible=cases.batch_visible,
        hidden=cases.batch_hidden,
        misconceptions=MISTAKES["adding_batch"],
        accepts=cases.batch_accepts,
    ),
    Exercise(
        id="lstm.train_memory",
        reference=lstm.train_memory,
        signature='train_memory(kind "rnn", "gru" or "lstm", length, steps, generator) -> model, (N, T, 2) to (N,)',
        groups={"memory": 3, "kinds": 1},
        visible=cases.training_visible,
        hidden=cases.training_hidden,
        misconceptions=MISTAKES["train_memory"],
        accepts=cases.training_accepts,
        through=harness.trained,
        seconds=60,
    ),
)
