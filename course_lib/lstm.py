r"""Gated cells: a state that is kept by a factor near 1 and changed by addition, so that its gradient survives.

An LSTM keeps two states. The cell c_t is the long memory: a gate decides how much of it stays, another how much is
added, and nothing squashes it in between. The state h_t is what the cell shows. A GRU needs only one state and two
gates.

Symbols
    xs              (N, T, D)   N sequences of T steps with D numbers each
    h_t             (N, H)      the state that is shown, and read at the next step
    c_t             (N, H)      the cell, the LSTM's long memory
    i, f, o         (N, H)      input, forget and output gate of the LSTM, in (0, 1)
    g               (N, H)      candidate, what may be added to the cell, in (-1, 1)
    r, z            (N, H)      reset and update gate of the GRU
    W_ih            (4H, D)     weights of the input: four blocks of H rows, in the order i, f, g, o; (3H, D) with
                                r, z, n for the GRU; both as in torch
    W_hh            (4H, H)     weights of the state before, in the same order
    b_ih, b_hh      (4H,)       biases, in the same order
    s               logistic    the sigmoid

Equations
    a = x W_ih^T + b_ih + h W_hh^T + b_hh
    LSTM:  i = s(a_i),  f = s(a_f),  g = tanh(a_g),  o = s(a_o)
           c_t = f * c_{t-1} + i * g,    h_t = o * tanh(c_t)
    cell path:  d c_T / d c_t = f_{t+1} * f_{t+2} * ... * f_T, unit by unit
    GRU:   r and z as gates,  n = tanh(x W_in^T + b_in + r * (h W_hn^T + b_hn))
           h_t = (1 - z) * n + z * h_{t-1}
    parameters = k (H D + H H + 2 H) with k = 1 (RNN), 3 (GRU), 4 (LSTM)

Papers
    S. Hochreiter, J. Schmidhuber, "Long short-term memory", 1997
    F. Gers, J. Schmidhuber, F. Cummins, "Learning to forget: continual prediction with LSTM", 2000
    K. Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014
    R. Jozefowicz, W. Zaremba, I. Sutskever, "An empirical exploration of recurrent network architectures", 2015
    C. Tallec, Y. Ollivier, "Can recurrent neural networks warp time?", 2018
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

__all__ = [
    "Adder",
    "adding_batch",
    "gate_parameter_count",
    "gru_cell",
    "lstm_cell",
    "lstm_cell_backward",
    "lstm_forward",
    "memory_gradient",
    "train_memory",
]

State = tuple[Tensor, Tensor]
Cache = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]
GATES = {"rnn": 1, "gru": 3, "lstm": 4}
"""How many blocks of H rows each kind stacks in its matrices."""


def lstm_cell(x: Tensor, state: State, W_ih: Tensor, W_hh: Tensor, b_ih: Tensor, b_hh: Tensor) -> State:
    """One step of an LSTM, as `torch.nn.LSTMCell`.

    Args:
        x: (N, D), what is read now.
        state: `(h, c)`, each (N, H), from the step before.
        W_ih: (4H, D).
        W_hh: (4H, H).
        b_ih: (4H,).
        b_hh: (4H,).

    Returns:
        `(h, c)` after the step.

    Raises:
        ValueError: the shapes do not match.
    """
    h, c = state
    i, f, g, o = _blocks(x, h, W_ih, W_hh, b_ih, b_hh)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def lstm_forward(
    xs: Tensor, state: State, W_ih: Tensor, W_hh: Tensor, b_ih: Tensor, b_hh: Tensor
) -> tuple[Tensor, State]:
    """A whole sequence, as `torch.nn.LSTM(batch_first=True)`.

    Args:
        xs: (N, T, D), at least one step.
        state: `(h, c)`, each (N, H), before the first step.
        W_ih: (4H, D).
        W_hh: (4H, H).
        b_ih: (4H,).
        b_hh: (4H,).

    Returns:
        The shown states h_1 ... h_T, (N, T, H), and the last `(h, c)`.

    Raises:
        ValueError: there is no step, or the shapes do not match.
    """
    if xs.dim() != 3 or xs.shape[1] == 0:
        raise ValueError(
            f"xs has shape {tuple(xs.shape)}; lstm_forward expects (N, T, D) with at least one step: "
            "a single sequence goes in as xs[None]"
        )
    shown = []
    for x in xs.unbind(1):
        state = lstm_cell(x, state, W_ih, W_hh, b_ih, b_hh)
        shown.append(state[0])
    return torch.stack(shown, 1), state


def lstm_cell_backward(dh: Tensor, dc: Tensor, cache: Cache) -> tuple[Tensor, ...]:
    """The gradient of one step of an LSTM, by hand. The gates are recomputed.

    Args:
        dh: (N, H), gradient of the loss with respect to the shown state after the step.
        dc: (N, H), the same for the cell, as it comes back from the next step: without the share through h.
        cache: `(x, h_prev, c_prev, W_ih, W_hh, b_ih, b_hh)`, the arguments of the step.

    Returns:
        `(dx, dh_prev, dc_prev, dW_ih, dW_hh, db_ih, db_hh)`, each with the shape of its counterpart.
    """
    x, h_prev, c_prev, W_ih, W_hh, b_ih, b_hh = cache
    a_i, a_f, a_g, a_o = _blocks(x, h_prev, W_ih, W_hh, b_ih, b_hh)
    i, f, g, o = torch.sigmoid(a_i), torch.sigmoid(a_f), torch.tanh(a_g), torch.sigmoid(a_o)
    bent = torch.tanh(f * c_prev + i * g)
    dc = dc + dh * o * (1 - bent**2)
    da = torch.cat(
        [dc * g * i * (1 - i), dc * c_prev * f * (1 - f), dc * i * (1 - g**2), dh * bent * o * (1 - o)], dim=1
    )
    db = da.sum(0)
    return da @ W_ih, da @ W_hh, dc * f, da.T @ x, da.T @ h_prev, db, db.clone()


def gru_cell(x: Tensor, h: Tensor, W_ih: Tensor, W_hh: Tensor, b_ih: Tensor, b_hh: Tensor) -> Tensor:
    """One step of a gated recurrent unit, as `torch.nn.GRUCell`.

    The reset gate works on the state after its matrix and bias, as in torch; Cho et al. (2014) put it before.

    Args:
        x: (N, D).
        h: (N, H), the state before.
        W_ih: (3H, D).
        W_hh: (3H, H).
        b_ih: (3H,).
        b_hh: (3H,).

    Returns:
        (N, H), the state after.

    Raises:
        ValueError: the shapes do not match.
    """
    _check(x, h, W_ih, W_hh, 3)
    x_r, x_z, x_n = (x @ W_ih.T + b_ih).chunk(3, 1)
    h_r, h_z, h_n = (h @ W_hh.T + b_hh).chunk(3, 1)
    z = torch.sigmoid(x_z + h_z)
    new = torch.tanh(x_n + torch.sigmoid(x_r + h_r) * h_n)
    return (1 - z) * new + z * h


def gate_parameter_count(kind: str, input: int, hidden: int) -> int:
    """How many numbers one recurrent layer stores, both biases counted, as `torch.nn` does.

    Args:
        kind: "rnn", "gru" or "lstm".
        input: D, numbers per step.
        hidden: H, units of the state.

    Raises:
        ValueError: there is no such kind.
    """
    if kind not in GATES:
        raise ValueError(f"kind is {kind!r}; expected one of {', '.join(map(repr, GATES))}")
    return GATES[kind] * (hidden * input + hidden * hidden + 2 * hidden)


def memory_gradient(forget_gates: Tensor) -> Tensor:
    """What is left of the cell's gradient on its direct path, d c_T / d c_t with the gates held fixed.

    Args:
        forget_gates: (T, H), f_1 ... f_T of one sequence.

    Returns:
        (T, H); row t is f_{t+1} * ... * f_T, unit by unit; the last row is ones.
    """
    after = torch.cat([forget_gates[1:], torch.ones_like(forget_gates[:1])])
    return after.flip(0).cumprod(0).flip(0)


# --- the adding problem -----------------------------------------------------------------------------------


def adding_batch(n: int, length: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Sequences of random numbers of which two are marked, and the sum of those two.

    Args:
        n: how many sequences.
        length: steps in each, at least 2.
        generator: source of all random numbers; the batch is on its device.

    Returns:
        float32 inputs (N, T, 2): a number in [0, 1) and a mark, which is 1 at one of the first `length // 2` steps and
        at one of the rest, else 0. And the targets (N,): the sum of the two marked numbers.

    Raises:
        ValueError: a sequence shorter than 2 has no room for two marks.
    """
    if length < 2:
        raise ValueError(f"length is {length}; two marks need sequences of at least 2 steps")
    device, half = generator.device, length // 2
    numbers = torch.rand(n, length, generator=generator, device=device)
    first = torch.randint(half, (n, 1), generator=generator, device=device)
    second = half + torch.randint(length - half, (n, 1), generator=generator, device=device)
    marks = torch.zeros_like(numbers).scatter_(1, torch.cat([first, second], 1), 1.0)
    return torch.stack([numbers, marks], 2), (numbers * marks).sum(1)


class Adder(nn.Module):
    """A recurrent layer that reads a sequence, and a linear one that turns its last state into a number.

    Weights are uniform in plus or minus 1 / sqrt(H), as in torch. The LSTM begins with open forget gates (bias 3) and
    closed input gates (bias -3): it keeps what it has, and learns when to write.
    """

    def __init__(self, kind: str, hidden: int, generator: torch.Generator):
        super().__init__()
        cells: dict[str, Any] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
        self.core: nn.RNNBase = cells[kind](2, hidden, batch_first=True, device=generator.device)
        self.out = nn.Linear(hidden, 1, device=generator.device)
        with torch.no_grad():
            for each in self.parameters():
                each.uniform_(-1 / math.sqrt(hidden), 1 / math.sqrt(hidden), generator=generator)
            if kind == "lstm":
                bias = self.core.get_parameter("bias_ih_l0")
                bias[:hidden] = -3
                bias[hidden : 2 * hidden] = 3

    def forward(self, xs: Tensor) -> Tensor:
        """From (N, T, 2) to one number for each sequence, (N,)."""
        states, _ = self.core(xs)
        result: Tensor = self.out(states[:, -1])[:, 0]
        return result


def train_memory(kind: str, length: int, steps: int, generator: torch.Generator) -> Adder:
    """Trains a network of 32 units on the adding problem: Adam at 0.01, batches of 64, gradients clipped to 1.

    Args:
        kind: "rnn", "gru" or "lstm".
        length: steps in each sequence.
        steps: training steps, a fresh batch each.
        generator: source of the initial weights and of all batches; the model is on its device.

    Returns:
        A model from (N, T, 2) to (N,).
    """
    model = Adder(kind, 32, generator)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(steps):
        xs, targets = adding_batch(64, length, generator)
        loss = ((model(xs) - targets) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model


# --- helpers ----------------------------------------------------------------------------------------------


def _blocks(x: Tensor, h: Tensor, W_ih: Tensor, W_hh: Tensor, b_ih: Tensor, b_hh: Tensor) -> tuple[Tensor, ...]:
    """The four sums before their activations, (N, H) each, in the order i, f, g, o."""
    _check(x, h, W_ih, W_hh, 4)
    return (x @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, 1)


def _check(x: Tensor, h: Tensor, W_ih: Tensor, W_hh: Tensor, gates: int) -> None:
    if x.dim() != 2 or h.dim() != 2 or len(x) != len(h):
        raise ValueError(
            f"x has shape {tuple(x.shape)} and h has {tuple(h.shape)}; a cell expects (N, D) and (N, H) with "
            "the same N: a single example goes in as x[None] and h[None]"
        )
    rows, d, hidden = gates * h.shape[1], x.shape[1], h.shape[1]
    if W_ih.shape != (rows, d) or W_hh.shape != (rows, hidden):
        raise ValueError(
            f"W_ih has shape {tuple(W_ih.shape)} and W_hh has {tuple(W_hh.shape)}; x with {d} and h with {hidden} "
            f"numbers need ({rows}, {d}) and ({rows}, {hidden}): {gates} blocks of {hidden} rows each"
        )
