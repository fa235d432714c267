"""One step of a recurrent network, as `torch.nn.RNNCell`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import CLOSE
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, visible
from autograder.exercises.rnn.inputs import DOUBLE, LIBRARY, SINGLE, by_hand, close, step
from course_lib import rnn

ASKS = Asks(
    rnn.rnn_cell,
    signature="rnn_cell(x (N, D), h (N, H), W_ih (H, D), W_hh (H, H), b_ih (H,), b_hh (H,)) -> h (N, H)",
    points={"basics": 1, "corners": 1},
    forbids=LIBRARY,
    hints=(
        "How many matrix products and how many biases are in the sum? And what does a row of each matrix belong to?",
        "Four parts make one sum: the input through its matrix, the old state through its own, and two biases. A "
        "single tanh around all of it gives the new state.",
        "`x @ W_ih.T + h @ W_hh.T`, plus both biases, then `torch.tanh` of the whole. Write nothing into `h`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Smallest first."""
    x, h = torch.tensor([[1.0]], dtype=DOUBLE), torch.tensor([[0.5, -0.5]], dtype=DOUBLE)
    yield Case("one example, two units", (x, h, *by_hand()))
    yield Case("as many inputs as units", step(rng, 2, 2, 2))
    yield Case("a batch of three", step(rng, 3, 4, 2))
    yield Case("float32", step(rng, 2, 3, 4, SINGLE), group="corners")


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Other sizes, other layouts, other dtypes."""
    yield Case("a larger batch", step(rng, 17, 9, 12))
    yield Case("one example of many features", step(rng, 1, 30, 5))
    yield Case("more units than inputs", step(rng, 6, 2, 20, SINGLE))
    yield Case("one unit", step(rng, 4, 3, 1), group="corners")
    x, h, *params = step(rng, 5, 4, 6)
    yield Case("large numbers", (100 * x, h, *params), group="corners")
    W_ih, W_hh, *biases = params
    for scale in (1e-12, 1e-6, 1e-3):
        small = scale * x, scale * h, W_ih, W_hh, *(scale * b for b in biases)
        yield Case(f"numbers around {scale:g}", small, group="corners", tolerance=CLOSE)
    for scale in (1e-10, 1e10):
        yield Case(f"inputs around {scale:g}", (scale * x, h, W_ih / scale, W_hh, *biases), group="corners")
    yield Case("a state of zeros", (x, torch.zeros_like(h), *params), group="corners")
    turned = (params[0].T.contiguous().T, params[1].T.contiguous().T, *params[2:])
    yield Case("matrices stored by columns", (x.T.contiguous().T, h, *turned), group="corners")
    asks = tuple(each.clone().requires_grad_() for each in params)
    yield Case("weights that require a gradient", (x, h, *asks), group="corners")


# --- properties ----------------------------------------------------------------------------------------------


@holds("the two biases are worth their sum", group="basics")
def cell_adds_biases(call: Probe, rng: np.random.Generator) -> str | None:
    """Only the sum of the biases counts."""
    x, h, W_ih, W_hh, b_ih, b_hh = step(rng, 3, 2, 4)
    if not close(call(x, h, W_ih, W_hh, b_ih, b_hh), call(x, h, W_ih, W_hh, b_ih + b_hh, 0 * b_hh)):
        return "the new state changes when b_hh is moved into b_ih: both are added to the same sum"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(x, h, W_ih, W_hh, b_ih, b_hh):
    out = torch.empty(x.shape[0], W_hh.shape[0], dtype=x.dtype, device=x.device)
    for n in range(x.shape[0]):
        for i in range(W_hh.shape[0]):
            total = b_ih[i] + b_hh[i]
            for j in range(x.shape[1]):
                total = total + W_ih[i, j] * x[n, j]
            for j in range(h.shape[1]):
                total = total + W_hh[i, j] * h[n, j]
            out[n, i] = torch.tanh(total)
    print("one step of", x.shape[0], "sequences")
    return out


@right("other formula")
def other_formula(inputs, state, *params):
    both = torch.cat([inputs, state], dim=1)
    matrix = torch.cat([params[0], params[1]], dim=1)
    a = torch.nn.functional.linear(both, matrix, params[2] + params[3])
    return 1 - 2 / (torch.exp(2 * a) + 1)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def cell_without_tanh(x, h, W_ih, W_hh, b_ih, b_hh):
    """These are the sums before the activation: some lie outside -1 to 1. The new state is tanh of them."""
    return x @ W_ih.T + b_ih + h @ W_hh.T + b_hh


@mistake
def cell_without_memory(x, h, W_ih, W_hh, b_ih, b_hh):
    """The previous state plays no part here, so the network remembers nothing. Add h @ W_hh.T before the tanh."""
    return torch.tanh(x @ W_ih.T + b_ih + b_hh)


@mistake
def cell_without_transpose(x, h, W_ih, W_hh, b_ih, b_hh):
    """These are the numbers of x @ W_ih + h @ W_hh. The weights hold one row for each unit of the state: x @ W_ih.T
    and h @ W_hh.T."""
    return torch.tanh(x @ W_ih + b_ih + h @ W_hh + b_hh)


@mistake
def cell_with_sigmoid(x, h, W_ih, W_hh, b_ih, b_hh):
    """All numbers lie between 0 and 1: you took the sigmoid. This cell uses tanh, from -1 to 1."""
    return torch.sigmoid(x @ W_ih.T + b_ih + h @ W_hh.T + b_hh)


@mistake
def cell_with_one_bias(x, h, W_ih, W_hh, b_ih, b_hh):
    """Only b_ih was added. There are two biases, one with each matrix, and both belong in the sum."""
    return torch.tanh(x @ W_ih.T + b_ih + h @ W_hh.T)


@mistake
def cell_with_two_tanh(x, h, W_ih, W_hh, b_ih, b_hh):
    """You took the tanh of each part and added them. Add first: there is one tanh, around the whole sum."""
    return torch.tanh(x @ W_ih.T + b_ih) + torch.tanh(h @ W_hh.T + b_hh)


@mistake
def cell_in_single_precision(x, h, W_ih, W_hh, b_ih, b_hh):
    """The numbers are right, but they always come back as float32. Leave the dtype to the inputs: no .float() and no
    dtype=torch.float32."""
    return torch.tanh(x @ W_ih.T + b_ih + h @ W_hh.T + b_hh).float()


@mistake
def cell_into_the_old_state(x, h, W_ih, W_hh, b_ih, b_hh):
    """The answer is right, but it was written into h, and the caller's old state is gone. Backpropagation needs it:
    return a new tensor, without h[:] = ... and without methods that end in _."""
    h[:] = torch.tanh(x @ W_ih.T + b_ih + h @ W_hh.T + b_hh)
    return h
