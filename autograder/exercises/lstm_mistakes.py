"""Known mistakes of gated cells: each docstring is the sentence that helps whoever made it."""

# Written as students write, since each is also submitted as one: mypy asks for more.
# mypy: disable-error-code="no-untyped-def,no-untyped-call,assignment,var-annotated"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from autograder.exercise import Case, Misconception
from autograder.exercises.lstm_cases import batch_accepts, training_accepts, training_error

__all__ = ["MISTAKES"]


# --- lstm_cell ------------------------------------------------------------------------------------------


def cell_in_another_order(x, state, W_ih, W_hh, b_ih, b_hh):
    """The blocks were read as i, f, o, g. In this course, as in PyTorch, the rows stand in the order i, f, g, o: the
    candidate is the third."""
    h, c = state
    i, f, o, g = (x @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def cell_forgets_first(x, state, W_ih, W_hh, b_ih, b_hh):
    """Input and forget gate changed places. The first block is i, which lets new things in, and the second is f, which
    keeps the old cell."""
    h, c = state
    f, i, g, o = (x @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def cell_shows_unbent(x, state, W_ih, W_hh, b_ih, b_hh):
    """Your h is o * c. The cell may hold any number, so it is bent before it is shown: h = o * tanh(c)."""
    h, c = state
    i, f, g, o = (x @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * c, c


def cell_with_a_sigmoid_candidate(x, state, W_ih, W_hh, b_ih, b_hh):
    """The candidate g went through a sigmoid, so it can only add. It is no gate: g = tanh(...), from -1 to 1."""
    h, c = state
    i, f, g, o = torch.sigmoid(x @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
    c = f * c + i * g
    return o * torch.tanh(c), c


def cell_without_forget_gate(x, state, W_ih, W_hh, b_ih, b_hh):
    """The old cell was added in full, so nothing is ever forgotten. The forget gate decides how much stays: f * c."""
    h, c = state
    i, _, g, o = (x @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
    c = c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def cell_bends_the_cell(x, state, W_ih, W_hh, b_ih, b_hh):
    """You put a tanh around the cell and handed it on. The cell itself is never bent, that is its whole point: only
    what is shown goes through tanh."""
    h, c = state
    i, f, g, o = (x @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
    c = torch.tanh(torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g))
    return torch.sigmoid(o) * c, c


def cell_returns_c_first(x, state, W_ih, W_hh, b_ih, b_hh):
    """The two states are right and in the wrong order: return (h, c), the shown state first, as they came in."""
    h, c = state
    i, f, g, o = (x @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return c, torch.sigmoid(o) * torch.tanh(c)


def cell_into_the_old_cell(x, state, W_ih, W_hh, b_ih, b_hh):
    """The numbers are right, but c *= ... and c += ... wrote them into the caller's old cell. The way back needs it:
    make a new tensor, c = f * c + i * g."""
    h, c = state
    i, f, g, o = (x @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
    c *= torch.sigmoid(f)
    c += torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


# --- lstm_forward ---------------------------------------------------------------------------------------


def forward_time_first(xs, state, W_ih, W_hh, b_ih, b_hh):
    """The steps stand along axis 0: this is (T, N, H). Axis 0 is the batch and axis 1 is time: torch.stack(hs, 1)."""
    (h, c), hs = state, []
    for t in range(xs.shape[1]):
        i, f, g, o = (xs[:, t] @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        hs.append(h)
    return torch.stack(hs), (h, c)


def forward_drops_the_cell(xs, state, W_ih, W_hh, b_ih, b_hh):
    """Each step started from the first cell: only h was handed on. Both states are the memory, so hand both on."""
    (h, c), hs = state, []
    for t in range(xs.shape[1]):
        i, f, g, o = (xs[:, t] @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
        new = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(new)
        hs.append(h)
    return torch.stack(hs, 1), (h, new)


def forward_drops_the_shown_state(xs, state, W_ih, W_hh, b_ih, b_hh):
    """Each step read the first h: only the cell was handed on. Both states are the memory, so hand both on."""
    (first, c), hs = state, []
    for t in range(xs.shape[1]):
        i, f, g, o = (xs[:, t] @ W_ih.T + b_ih + first @ W_hh.T + b_hh).chunk(4, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        hs.append(h)
    return torch.stack(hs, 1), (h, c)


def forward_from_zeros(xs, state, W_ih, W_hh, b_ih, b_hh):
    """The first step started from zeros. It starts from the state that is passed in, which the caller chooses."""
    h, c, hs = torch.zeros_like(state[0]), torch.zeros_like(state[1]), []
    for t in range(xs.shape[1]):
        i, f, g, o = (xs[:, t] @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        hs.append(h)
    return torch.stack(hs, 1), (h, c)


def forward_collects_cells(xs, state, W_ih, W_hh, b_ih, b_hh):
    """You collected the cells. What the network shows at each step is h: collect that one."""
    (h, c), cs = state, []
    for t in range(xs.shape[1]):
        i, f, g, o = (xs[:, t] @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        cs.append(c)
    return torch.stack(cs, 1), (h, c)


def forward_backwards(xs, state, W_ih, W_hh, b_ih, b_hh):
    """You read the sequence from its end. The first step reads xs[:, 0], the last one xs[:, T - 1]."""
    (h, c), hs = state, []
    for t in reversed(range(xs.shape[1])):
        i, f, g, o = (xs[:, t] @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        hs.append(h)
    return torch.stack(hs, 1), (h, c)


def forward_into_plain_zeros(xs, state, W_ih, W_hh, b_ih, b_hh):
    """torch.zeros(N, T, H) is float32 on the CPU, whatever the inputs are. Take dtype and device from them:
    xs.new_zeros(N, T, H), or collect the states in a list and stack it."""
    h, c = state
    hs = torch.zeros(xs.shape[0], xs.shape[1], h.shape[1])
    for t in range(xs.shape[1]):
        i, f, g, o = (xs[:, t] @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        hs[:, t] = h
    return hs, (h, c)


def forward_detaches(xs, state, W_ih, W_hh, b_ih, b_hh):
    """The numbers are right, but .detach() cuts the gradient off between the steps: with autograd such a network
    learns nothing about the past. Hand the states on as they are."""
    (h, c), hs = state, []
    for t in range(xs.shape[1]):
        i, f, g, o = (xs[:, t] @ W_ih.T + b_ih + h.detach() @ W_hh.T + b_hh).chunk(4, dim=1)
        c = torch.sigmoid(f) * c.detach() + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        hs.append(h)
    return torch.stack(hs, 1), (h, c)


# --- lstm_cell_backward ---------------------------------------------------------------------------------


def back_without_the_shown_state(dh, dc, cache):
    """The cell got dc only. It also made h = o * tanh(c), so its gradient is dc + dh * o * (1 - tanh(c)**2)."""
    x, h, c, W_ih, W_hh, b_ih, b_hh = cache
    a_i, a_f, a_g, a_o = (x @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
    i, f, g, o = a_i.sigmoid(), a_f.sigmoid(), a_g.tanh(), a_o.sigmoid()
    bent = torch.tanh(f * c + i * g)
    da = torch.cat([dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g**2), dh * bent * o * (1 - o)], 1)
    return da @ W_ih, da @ W_hh, dc * f, da.T @ x, da.T @ h, da.sum(0), da.sum(0)


def back_without_the_cell(dh, dc, cache):
    """dc was not used: you went back from h alone. What comes back along the cell from the step after is added to the
    share through h."""
    x, h, c, W_ih, W_hh, b_ih, b_hh = cache
    a_i, a_f, a_g, a_o = (x @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
    i, f, g, o = a_i.sigmoid(), a_f.sigmoid(), a_g.tanh(), a_o.sigmoid()
    bent = torch.tanh(f * c + i * g)
    d = dh * o * (1 - bent**2)
    da = torch.cat([d * g * i * (1 - i), d * c * f * (1 - f), d * i * (1 - g**2), dh * bent * o * (1 - o)], 1)
    return da @ W_ih, da @ W_hh, d * f, da.T @ x, da.T @ h, da.sum(0), da.sum(0)


def back_without_slopes(dh, dc, cache):
    """The bends of the gates are missing on the way back. A sigmoid s has the slope s (1 - s), and the candidate's
    tanh has 1 - g**2."""
    x, h, c, W_ih, W_hh, b_ih, b_hh = cache
    a_i, a_f, a_g, a_o = (x @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
    i, f, g, o = a_i.sigmoid(), a_f.sigmoid(), a_g.tanh(), a_o.sigmoid()
    bent = torch.tanh(f * c + i * g)
    d = dc + dh * o * (1 - bent**2)
    da = torch.cat([d * g, d * c, d * i, dh * bent], 1)
    return da @ W_ih, da @ W_hh, d * f, da.T @ x, da.T @ h, da.sum(0), da.sum(0)


def back_slope_of_the_unbent_cell(dh, dc, cache):
    """The slope of tanh at the cell was taken as 1 - c**2. It is 1 - tanh(c)**2: square what is shown, not the cell."""
    x, h, c, W_ih, W_hh, b_ih, b_hh = cache
    a_i, a_f, a_g, a_o = (x @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
    i, f, g, o = a_i.sigmoid(), a_f.sigmoid(), a_g.tanh(), a_o.sigmoid()
    new = f * c + i * g
    d = dc + dh * o * (1 - new**2)
    da = torch.cat(
        [d * g * i * (1 - i), d * c * f * (1 - f), d * i * (1 - g**2), dh * torch.tanh(new) * o * (1 - o)], 1
    )
    return da @ W_ih, da @ W_hh, d * f, da.T @ x, da.T @ h, da.sum(0), da.sum(0)


def back_keeps_the_cell(dh, dc, cache):
    """Your dc_prev lacks the forget gate. The old cell was multiplied by f on the way forward, so its gradient is
    multiplied by f on the way back."""
    x, h, c, W_ih, W_hh, b_ih, b_hh = cache
    a_i, a_f, a_g, a_o = (x @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
    i, f, g, o = a_i.sigmoid(), a_f.sigmoid(), a_g.tanh(), a_o.sigmoid()
    bent = torch.tanh(f * c + i * g)
    d = dc + dh * o * (1 - bent**2)
    da = torch.cat([d * g * i * (1 - i), d * c * f * (1 - f), d * i * (1 - g**2), dh * bent * o * (1 - o)], 1)
    return da @ W_ih, da @ W_hh, d, da.T @ x, da.T @ h, da.sum(0), da.sum(0)


def back_in_another_order(dh, dc, cache):
    """The gradients of the sums were put together as i, f, o, g. They must stand in the order of the rows, i, f, g,
    o."""
    x, h, c, W_ih, W_hh, b_ih, b_hh = cache
    a_i, a_f, a_g, a_o = (x @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
    i, f, g, o = a_i.sigmoid(), a_f.sigmoid(), a_g.tanh(), a_o.sigmoid()
    bent = torch.tanh(f * c + i * g)
    d = dc + dh * o * (1 - bent**2)
    da = torch.cat([d * g * i * (1 - i), d * c * f * (1 - f), dh * bent * o * (1 - o), d * i * (1 - g**2)], 1)
    return da @ W_ih, da @ W_hh, d * f, da.T @ x, da.T @ h, da.sum(0), da.sum(0)


def back_candidate_as_a_gate(dh, dc, cache):
    """The candidate got the slope of a sigmoid, g (1 - g). It came from a tanh: its slope is 1 - g**2."""
    x, h, c, W_ih, W_hh, b_ih, b_hh = cache
    a_i, a_f, a_g, a_o = (x @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
    i, f, g, o = a_i.sigmoid(), a_f.sigmoid(), a_g.tanh(), a_o.sigmoid()
    bent = torch.tanh(f * c + i * g)
    d = dc + dh * o * (1 - bent**2)
    da = torch.cat([d * g * i * (1 - i), d * c * f * (1 - f), d * i * g * (1 - g), dh * bent * o * (1 - o)], 1)
    return da @ W_ih, da @ W_hh, d * f, da.T @ x, da.T @ h, da.sum(0), da.sum(0)


def back_forget_gate_with_the_new_cell(dh, dc, cache):
    """The forget gate's gradient was made with the new cell. f was multiplied with the old one, so it is
    dc * c_prev."""
    x, h, c, W_ih, W_hh, b_ih, b_hh = cache
    a_i, a_f, a_g, a_o = (x @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
    i, f, g, o = a_i.sigmoid(), a_f.sigmoid(), a_g.tanh(), a_o.sigmoid()
    new = f * c + i * g
    bent = torch.tanh(new)
    d = dc + dh * o * (1 - bent**2)
    da = torch.cat([d * g * i * (1 - i), d * new * f * (1 - f), d * i * (1 - g**2), dh * bent * o * (1 - o)], 1)
    return da @ W_ih, da @ W_hh, d * f, da.T @ x, da.T @ h, da.sum(0), da.sum(0)


# --- memory_gradient ------------------------------------------------------------------------------------


def memory_one_gate_too_many(forget_gates):
    """Row t contains its own gate f_t. c_t is already behind that gate: the product begins with f_(t+1), so the last
    row is ones."""
    return forget_gates.flip(0).cumprod(0).flip(0)


def memory_from_the_start(forget_gates):
    """You multiplied from the first step on. What lies between c_t and c_T are the gates after t: multiply from the
    end back."""
    return forget_gates.cumprod(0)


def memory_by_division(forget_gates):
    """The idea of dividing the whole product by the one up to t is right, but where a gate is 0 it is 0 / 0, which is
    nan. Multiply from the end back, without a division."""
    up_to = forget_gates.cumprod(0)
    return up_to[-1] / up_to


def memory_by_distance(forget_gates):
    """The numbers are right, and back to front: yours run by the distance from the end. They are asked in the order
    of time, so the ones stand in the last row."""
    ones = torch.ones_like(forget_gates[:1])
    return torch.cat([ones, forget_gates.flip(0)[:-1]]).cumprod(0)


def memory_over_all_units(forget_gates):
    """You multiplied over the units too. Each unit of the cell has a way of its own: the result is (T, H)."""
    after = torch.cat([forget_gates[1:], torch.ones_like(forget_gates[:1])])
    return after.flip(0).cumprod(0).flip(0).prod(1)


def memory_adds(forget_gates):
    """You added the gates. One after the other they multiply: half of a half is a quarter."""
    after = torch.cat([forget_gates[1:], torch.zeros_like(forget_gates[:1])])
    return after.flip(0).cumsum(0).flip(0)


def memory_next_gate_only(forget_gates):
    """Each row is the next gate alone: that is d c_(t+1) / d c_t. All gates up to T lie on the way: multiply them."""
    return torch.cat([forget_gates[1:], torch.ones_like(forget_gates[:1])])


# --- gru_cell -------------------------------------------------------------------------------------------


def gru_gates_swapped(x, h, W_ih, W_hh, b_ih, b_hh):
    """Reset and update gate changed places. In PyTorch, and here, the rows stand in the order r, z, n."""
    x_z, x_r, x_n = (x @ W_ih.T + b_ih).chunk(3, dim=1)
    h_z, h_r, h_n = (h @ W_hh.T + b_hh).chunk(3, dim=1)
    r, z = torch.sigmoid(x_r + h_r), torch.sigmoid(x_z + h_z)
    n = torch.tanh(x_n + r * h_n)
    return (1 - z) * n + z * h


def gru_keeps_the_new(x, h, W_ih, W_hh, b_ih, b_hh):
    """z and 1 - z changed places. Here z is the share of the old state: (1 - z) * n + z * h."""
    x_r, x_z, x_n = (x @ W_ih.T + b_ih).chunk(3, dim=1)
    h_r, h_z, h_n = (h @ W_hh.T + b_hh).chunk(3, dim=1)
    r, z = torch.sigmoid(x_r + h_r), torch.sigmoid(x_z + h_z)
    n = torch.tanh(x_n + r * h_n)
    return z * n + (1 - z) * h


def gru_resets_before_the_matrix(x, h, W_ih, W_hh, b_ih, b_hh):
    """You multiplied the state by r before its matrix, as the paper of 2014 does. PyTorch's variant, asked here,
    multiplies after it: r * (h @ W_hn.T + b_hn)."""
    x_r, x_z, x_n = (x @ W_ih.T + b_ih).chunk(3, dim=1)
    W_r, W_z, W_n = W_hh.chunk(3)
    b_r, b_z, b_n = b_hh.chunk(3)
    r, z = torch.sigmoid(x_r + h @ W_r.T + b_r), torch.sigmoid(x_z + h @ W_z.T + b_z)
    n = torch.tanh(x_n + (r * h) @ W_n.T + b_n)
    return (1 - z) * n + z * h


def gru_bias_outside(x, h, W_ih, W_hh, b_ih, b_hh):
    """The bias of the state's part escaped the reset gate. The gate takes both: r * (h @ W_hn.T + b_hn)."""
    x_r, x_z, x_n = (x @ W_ih.T + b_ih).chunk(3, dim=1)
    h_r, h_z, h_n = (h @ W_hh.T).chunk(3, dim=1)
    b_r, b_z, b_n = b_hh.chunk(3)
    r, z = torch.sigmoid(x_r + h_r + b_r), torch.sigmoid(x_z + h_z + b_z)
    n = torch.tanh(x_n + r * h_n + b_n)
    return (1 - z) * n + z * h


def gru_resets_everything(x, h, W_ih, W_hh, b_ih, b_hh):
    """The reset gate multiplied the input's part too. It decides how much of the past enters the candidate: only the
    state's part is multiplied by r."""
    x_r, x_z, x_n = (x @ W_ih.T + b_ih).chunk(3, dim=1)
    h_r, h_z, h_n = (h @ W_hh.T + b_hh).chunk(3, dim=1)
    r, z = torch.sigmoid(x_r + h_r), torch.sigmoid(x_z + h_z)
    n = torch.tanh(r * (x_n + h_n))
    return (1 - z) * n + z * h


def gru_without_reset(x, h, W_ih, W_hh, b_ih, b_hh):
    """The reset gate plays no part. Multiply the state's part of the candidate by r."""
    _, x_z, x_n = (x @ W_ih.T + b_ih).chunk(3, dim=1)
    _, h_z, h_n = (h @ W_hh.T + b_hh).chunk(3, dim=1)
    z = torch.sigmoid(x_z + h_z)
    n = torch.tanh(x_n + h_n)
    return (1 - z) * n + z * h


def gru_sigmoid_candidate(x, h, W_ih, W_hh, b_ih, b_hh):
    """The candidate n went through a sigmoid. It is no gate: n = tanh(...), from -1 to 1."""
    x_r, x_z, x_n = (x @ W_ih.T + b_ih).chunk(3, dim=1)
    h_r, h_z, h_n = (h @ W_hh.T + b_hh).chunk(3, dim=1)
    r, z = torch.sigmoid(x_r + h_r), torch.sigmoid(x_z + h_z)
    n = torch.sigmoid(x_n + r * h_n)
    return (1 - z) * n + z * h


# --- gate_parameter_count -------------------------------------------------------------------------------


def count_one_bias(kind, input, hidden):
    """You counted one bias a gate. PyTorch stores two, b_ih and b_hh, and both are asked."""
    return {"rnn": 1, "gru": 3, "lstm": 4}[kind] * (hidden * input + hidden * hidden + hidden)


def count_no_bias(kind, input, hidden):
    """The biases are missing: two of `hidden` numbers for every gate."""
    return {"rnn": 1, "gru": 3, "lstm": 4}[kind] * (hidden * input + hidden * hidden)


def count_gates_only(kind, input, hidden):
    """You counted the gates and left the candidate out. It has weights of its own: a GRU has 3 blocks, an LSTM has
    4."""
    return {"rnn": 1, "gru": 2, "lstm": 3}[kind] * (hidden * input + hidden * hidden + 2 * hidden)


def count_inputs_only(kind, input, hidden):
    """The recurrent matrix is missing: every block also has hidden x hidden weights from the state to itself."""
    return {"rnn": 1, "gru": 3, "lstm": 4}[kind] * (hidden * input + 2 * hidden)


def count_two_states(kind, input, hidden):
    """You gave the LSTM five blocks, one for the cell. The cell has no weights: it is multiplied and added to, number
    by number."""
    return {"rnn": 1, "gru": 3, "lstm": 5}[kind] * (hidden * input + hidden * hidden + 2 * hidden)


# --- adding_batch ---------------------------------------------------------------------------------------


def batch_marks_anywhere(n, length, generator):
    """Both marks were drawn from the whole sequence. They can fall on the same step, and asked is one in the first
    half and one in the second."""
    xs = torch.zeros(n, length, 2)
    xs[..., 0] = torch.rand(n, length, generator=generator)
    for _ in range(2):
        xs[torch.arange(n), torch.randint(length, (n,), generator=generator), 1] = 1
    return xs, (xs[..., 0] * xs[..., 1]).sum(1)


def batch_sums_everything(n, length, generator):
    """The target is the sum of all numbers. Asked is the sum of the two that are marked."""
    xs, rows, half = torch.zeros(n, length, 2), torch.arange(n), length // 2
    xs[..., 0] = torch.rand(n, length, generator=generator)
    xs[rows, torch.randint(half, (n,), generator=generator), 1] = 1
    xs[rows, torch.randint(half, length, (n,), generator=generator), 1] = 1
    return xs, xs[..., 0].sum(1)


def batch_target_column(n, length, generator):
    """The targets are a column, (N, 1). Asked is (N,): a column and a row would broadcast to (N, N) in the loss."""
    xs, rows, half = torch.zeros(n, length, 2), torch.arange(n), length // 2
    xs[..., 0] = torch.rand(n, length, generator=generator)
    xs[rows, torch.randint(half, (n,), generator=generator), 1] = 1
    xs[rows, torch.randint(half, length, (n,), generator=generator), 1] = 1
    return xs, (xs[..., 0] * xs[..., 1]).sum(1, keepdim=True)


def batch_same_places(n, length, generator):
    """All sequences of the batch have their marks at the same two steps. Draw the places anew for every sequence."""
    xs, half = torch.zeros(n, length, 2), length // 2
    xs[..., 0] = torch.rand(n, length, generator=generator)
    xs[:, int(torch.randint(half, (1,), generator=generator)), 1] = 1
    xs[:, int(torch.randint(half, length, (1,), generator=generator)), 1] = 1
    return xs, (xs[..., 0] * xs[..., 1]).sum(1)


def batch_from_the_global_generator(n, length, generator):
    """The numbers come from torch's global generator, so the same call gives another batch each time. Hand the one
    you were given to every draw: generator=generator."""
    xs, rows, half = torch.zeros(n, length, 2), torch.arange(n), length // 2
    xs[..., 0] = torch.rand(n, length)
    xs[rows, torch.randint(half, (n,)), 1] = 1
    xs[rows, torch.randint(half, length, (n,)), 1] = 1
    return xs, (xs[..., 0] * xs[..., 1]).sum(1)


# --- train_memory ---------------------------------------------------------------------------------------


def train_column_against_row(kind, length, steps, generator):
    """The model gives a column, (N, 1), and the targets are (N,). Their difference is (N, N), and the best that such a
    loss can learn is the mean of all targets. Take the last axis away: [:, 0]."""

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.core = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[kind](2, 32, batch_first=True)
            self.out = torch.nn.Linear(32, 1)

        def forward(self, xs):
            return self.out(self.core(xs)[0][:, -1])

    model, rows, half = Model(), torch.arange(64), length // 2
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(steps // 5):
        xs = torch.zeros(64, length, 2)
        xs[..., 0] = torch.rand(64, length, generator=generator)
        xs[rows, torch.randint(half, (64,), generator=generator), 1] = 1
        xs[rows, torch.randint(half, length, (64,), generator=generator), 1] = 1
        loss = ((model(xs) - (xs[..., 0] * xs[..., 1]).sum(1)) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


def train_never_zeroes(kind, length, steps, generator):
    """The gradients were never set to zero, so every step walks along the sum of all that came before. Call
    optimizer.zero_grad() before loss.backward()."""

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.core = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[kind](2, 32, batch_first=True)
            self.out = torch.nn.Linear(32, 1)

        def forward(self, xs):
            return self.out(self.core(xs)[0][:, -1])[:, 0]

    model, rows, half = Model(), torch.arange(64), length // 2
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(steps // 3):
        xs = torch.zeros(64, length, 2)
        xs[..., 0] = torch.rand(64, length, generator=generator)
        xs[rows, torch.randint(half, (64,), generator=generator), 1] = 1
        xs[rows, torch.randint(half, length, (64,), generator=generator), 1] = 1
        loss = ((model(xs) - (xs[..., 0] * xs[..., 1]).sum(1)) ** 2).mean()
        loss.backward()
        optimizer.step()
    return model


def train_never_steps(kind, length, steps, generator):
    """The model is as it was at the beginning: gradients were computed and never used. Call optimizer.step() after
    loss.backward()."""

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.core = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[kind](2, 32, batch_first=True)
            self.out = torch.nn.Linear(32, 1)

        def forward(self, xs):
            return self.out(self.core(xs)[0][:, -1])[:, 0]

    model = Model()
    for _ in range(2):
        model.zero_grad()
        ((model(torch.rand(8, length, 2, generator=generator)) - 1) ** 2).mean().backward()
    return model


def train_reads_the_first_step(kind, length, steps, generator):
    """The answer is made from the state after the first step: what comes later changes nothing in it. Read the state
    after the last one, [:, -1]."""

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.core = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[kind](2, 32, batch_first=True)
            self.out = torch.nn.Linear(32, 1)

        def forward(self, xs):
            return self.out(self.core(xs)[0][:, 0])[:, 0]

    model, rows, half = Model(), torch.arange(64), length // 2
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(steps // 10):
        xs = torch.zeros(64, length, 2)
        xs[..., 0] = torch.rand(64, length, generator=generator)
        xs[rows, torch.randint(half, (64,), generator=generator), 1] = 1
        xs[rows, torch.randint(half, length, (64,), generator=generator), 1] = 1
        loss = ((model(xs) - (xs[..., 0] * xs[..., 1]).sum(1)) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


def train_always_plain(kind, length, steps, generator):
    """This is a plain RNN whatever `kind` says, and it stays at the guess. Build an LSTM or a GRU where one is asked
    for."""

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.core = torch.nn.RNN(2, 32, batch_first=True)
            self.out = torch.nn.Linear(32, 1)

        def forward(self, xs):
            return self.out(self.core(xs)[0][:, -1])[:, 0]

    model, rows, half = Model(), torch.arange(64), length // 2
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(min(steps, 250)):
        xs = torch.zeros(64, length, 2)
        xs[..., 0] = torch.rand(64, length, generator=generator)
        xs[rows, torch.randint(half, (64,), generator=generator), 1] = 1
        xs[rows, torch.randint(half, length, (64,), generator=generator), 1] = 1
        loss = ((model(xs) - (xs[..., 0] * xs[..., 1]).sum(1)) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model


# --- what is seen of a mistake ----------------------------------------------------------------------------


def _draws_elsewhere(case: Case, value: Any) -> bool:
    """A right batch, but two runs from the same state of the generator are not the same."""
    if isinstance(value, dict):
        return not torch.equal(value["first"], value["again"])
    return batch_accepts(case, value) is None


def _is_column(case: Case, value: Any) -> bool:
    return tuple(value["predictions"].shape) == (len(case.known["targets"]), 1)


def _reads_beginnings(case: Case, value: Any) -> bool:
    return torch.equal(value["predictions"], value["early"]) and value["steps"] > 0


def _never_zeroed(case: Case, value: Any) -> bool:
    return bool(value["zeroed"] == 0 and value["steps"] > 0)


def _never_stepped(case: Case, value: Any) -> bool:
    return bool(value["steps"] == 0 and value["zeroed"] > 0)


def _plain(case: Case, value: Any) -> bool:
    """A plain network: on a plain network's own cases it is right, on the others it knows little."""
    if "RNN" not in value["modules"] or {"LSTM", "GRU"} & set(value["modules"]):
        return False
    return training_accepts(case, value) is None if case.args[0] == "rnn" else training_error(case, value) < 0.3


def _all(*functions: Callable[..., Any]) -> tuple[Misconception, ...]:
    return tuple(Misconception.of(function) for function in functions)


MISTAKES: dict[str, tuple[Misconception, ...]] = {
    "lstm_cell": _all(
        cell_in_another_order,
        cell_forgets_first,
        cell_shows_unbent,
        cell_with_a_sigmoid_candidate,
        cell_without_forget_gate,
        cell_bends_the_cell,
        cell_returns_c_first,
        cell_into_the_old_cell,
    ),
    "lstm_forward": _all(
        forward_time_first,
        forward_drops_the_cell,
        forward_drops_the_shown_state,
        forward_from_zeros,
        forward_collects_cells,
        forward_backwards,
        forward_into_plain_zeros,
        forward_detaches,
    ),
    "lstm_cell_backward": _all(
        back_without_the_shown_state,
        back_without_the_cell,
        back_without_slopes,
        back_slope_of_the_unbent_cell,
        back_keeps_the_cell,
        back_in_another_order,
        back_candidate_as_a_gate,
        back_forget_gate_with_the_new_cell,
    ),
    "memory_gradient": _all(
        memory_one_gate_too_many,
        memory_from_the_start,
        memory_by_division,
        memory_by_distance,
        memory_over_all_units,
        memory_adds,
        memory_next_gate_only,
    ),
    "gru_cell": _all(
        gru_gates_swapped,
        gru_keeps_the_new,
        gru_resets_before_the_matrix,
        gru_bias_outside,
        gru_resets_everything,
        gru_without_reset,
        gru_sigmoid_candidate,
    ),
    "gate_parameter_count": _all(
        count_one_bias,
        count_no_bias,
        count_gates_only,
        count_inputs_only,
        count_two_states,
    ),
    "adding_batch": (
        *_all(batch_marks_anywhere, batch_sums_everything, batch_target_column, batch_same_places),
        Misconception.of(batch_from_the_global_generator, shows=_draws_elsewhere),
    ),
    "train_memory": (
        Misconception.of(train_column_against_row, shows=_is_column),
        Misconception.of(train_never_steps, shows=_never_stepped),
        Misconception.of(train_never_zeroes, shows=_never_zeroed),
        Misconception.of(train_reads_the_first_step, shows=_reads_beginnings),
        Misconception.of(train_always_plain, shows=_plain),
    ),
}
