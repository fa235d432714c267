"""Recurrent networks: what is asked and how it is probed. The known mistakes stand in `rnn_mistakes`."""

from __future__ import annotations

from autograder.exercise import Exercise, Property, Rules, Tolerance
from autograder.exercises import rnn_cases as cases
from autograder.exercises.rnn_mistakes import MISTAKES
from course_lib import rnn

__all__ = ["EXERCISES"]

LIBRARY = (
    "torch.nn.RNN",
    "torch.nn.RNNCell",
    "torch.nn.RNNBase",
    "torch.nn.RNNCellBase",
    "torch.rnn_tanh",
    "torch.rnn_tanh_cell",
)
"""What would do the work of a cell or of a whole sequence."""
AUTOGRAD = ("torch.autograd", "torch.Tensor.backward", "torch.func")
"""What would find the gradients."""

EXERCISES = (
    Exercise(
        id="rnn.rnn_cell",
        reference=rnn.rnn_cell,
        signature="rnn_cell(x (N, D), h (N, H), W_ih (H, D), W_hh (H, H), b_ih (H,), b_hh (H,)) -> h (N, H)",
        groups={"basics": 1, "corners": 1},
        visible=cases.cell_visible,
        hidden=cases.cell_hidden,
        misconceptions=MISTAKES["rnn_cell"],
        properties=(Property("the two biases are worth their sum", cases.cell_adds_biases, "basics"),),
        rules=Rules(forbids=LIBRARY),
    ),
    Exercise(
        id="rnn.rnn_forward",
        reference=rnn.rnn_forward,
        signature="rnn_forward(xs (N, T, D), h0 (N, H), W_ih, W_hh, b_ih, b_hh) -> (hs (N, T, H), h_T (N, H))",
        groups={"basics": 1, "corners": 1},
        visible=cases.forward_visible,
        hidden=cases.forward_hidden,
        misconceptions=MISTAKES["rnn_forward"],
        properties=(
            Property("a sequence may be read in two parts", cases.forward_in_two_parts, "basics"),
            Property("the past does not know the future", cases.forward_is_causal, "basics"),
        ),
        rules=Rules(forbids=LIBRARY),
    ),
    Exercise(
        id="rnn.rnn_cell_backward",
        reference=rnn.rnn_cell_backward,
        signature=(
            "rnn_cell_backward(dh_next (N, H), x (N, D), h (N, H), h_next (N, H), W_ih (H, D), W_hh (H, H))"
            " -> (dx, dh, dW_ih, dW_hh, db_ih, db_hh)"
        ),
        groups={"basics": 2, "corners": 1},
        visible=cases.cell_backward_visible,
        hidden=cases.cell_backward_hidden,
        misconceptions=MISTAKES["rnn_cell_backward"],
        properties=(Property("the gradient is the slope of rnn_cell", cases.cell_backward_is_the_slope, "basics"),),
        rules=Rules(forbids=LIBRARY + AUTOGRAD),
    ),
    Exercise(
        id="rnn.rnn_backward",
        reference=rnn.rnn_backward,
        signature=(
            "rnn_backward(dhs (N, T, H), xs (N, T, D), h0 (N, H), hs (N, T, H), W_ih (H, D), W_hh (H, H))"
            " -> (dxs, dh0, dW_ih, dW_hh, db_ih, db_hh)"
        ),
        groups={"basics": 2, "corners": 2},
        visible=cases.backward_visible,
        hidden=cases.backward_hidden,
        misconceptions=MISTAKES["rnn_backward"],
        properties=(
            Property("the gradient is the slope of rnn_forward", cases.backward_is_the_slope, "basics"),
            Property("the gradient is linear in dhs", cases.backward_is_linear, "corners"),
        ),
        rules=Rules(forbids=LIBRARY + AUTOGRAD),
    ),
    Exercise(
        id="rnn.gradient_norms",
        reference=rnn.gradient_norms,
        signature="gradient_norms(hs (T, H), W_hh (H, H)) -> (T,)",
        groups={"basics": 2, "corners": 1},
        visible=cases.norms_visible,
        hidden=cases.norms_hidden,
        misconceptions=MISTAKES["gradient_norms"],
        properties=(Property("a rotation keeps every length", cases.norms_of_a_rotation, "basics"),),
    ),
    Exercise(
        id="rnn.clip_gradient_norm",
        reference=rnn.clip_gradient_norm,
        signature="clip_gradient_norm(grads [tensor, ...], max_norm) -> ([tensor, ...], total_norm)",
        groups={"basics": 1, "corners": 1},
        visible=cases.clip_visible,
        hidden=cases.clip_hidden,
        misconceptions=MISTAKES["clip_gradient_norm"],
        properties=(Property("the direction stays", cases.clip_keeps_the_direction, "basics"),),
        rules=Rules(forbids=("torch.nn.utils.clip_grad_norm_",)),
        tolerance=Tolerance(relative=1e-5, absolute=1e-6),
    ),
    Exercise(
        id="rnn.perplexity",
        reference=rnn.perplexity,
        signature="perplexity(logits (N, T, V), targets (N, T)) -> float",
        groups={"basics": 1, "corners": 1},
        visible=cases.perplexity_visible,
        hidden=cases.perplexity_hidden,
        misconceptions=MISTAKES["perplexity"],
        properties=(Property("a number added to all logits changes nothing", cases.perplexity_shift, "corners"),),
    ),
    Exercise(
        id="rnn.sample",
        reference=rnn.sample,
        signature=(
            "sample(step, h, token, length, temperature, generator) -> list of ints,"
            " with step(token, h) -> (logits (V,), h)"
        ),
        groups={"basics": 2, "temperature": 1},
        visible=cases.sample_visible,
        hidden=cases.sample_hidden,
        misconceptions=MISTAKES["sample"],
        accepts=cases.sample_accepts,
    ),
)
