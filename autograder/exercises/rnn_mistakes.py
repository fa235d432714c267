"""Known mistakes of recurrent networks: each docstring is the sentence that helps whoever made it."""

# Written as students write, since each is also submitted as one: mypy and a rule of ruff ask for more.
# mypy: disable-error-code="no-untyped-def,assignment,var-annotated"
# ruff: noqa: B905

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from autograder.exercise import Case, Misconception
from autograder.exercises.rnn_cases import sample_accepts

__all__ = ["MISTAKES"]


# --- rnn_cell -------------------------------------------------------------------------------------------


def cell_without_tanh(x, h, W_ih, W_hh, b_ih, b_hh):
    """These are the sums before the activation: some lie outside of -1 to 1. The new state is tanh of them."""
    return x @ W_ih.T + b_ih + h @ W_hh.T + b_hh


def cell_without_memory(x, h, W_ih, W_hh, b_ih, b_hh):
    """The state before plays no part here, so the network remembers nothing. Add h @ W_hh.T before the tanh."""
    return torch.tanh(x @ W_ih.T + b_ih + b_hh)


def cell_without_transpose(x, h, W_ih, W_hh, b_ih, b_hh):
    """These are the numbers of x @ W_ih + h @ W_hh. The weights hold one row for each unit of the state: x @ W_ih.T
    and h @ W_hh.T."""
    return torch.tanh(x @ W_ih + b_ih + h @ W_hh + b_hh)


def cell_with_sigmoid(x, h, W_ih, W_hh, b_ih, b_hh):
    """All numbers lie between 0 and 1: you took the sigmoid. This cell bends with tanh, from -1 to 1."""
    return torch.sigmoid(x @ W_ih.T + b_ih + h @ W_hh.T + b_hh)


def cell_with_one_bias(x, h, W_ih, W_hh, b_ih, b_hh):
    """Only b_ih was added. There are two biases, one with each matrix, and both belong into the sum."""
    return torch.tanh(x @ W_ih.T + b_ih + h @ W_hh.T)


def cell_with_two_tanh(x, h, W_ih, W_hh, b_ih, b_hh):
    """You bent the two parts one by one and added them. Add first: there is one tanh, around the whole sum."""
    return torch.tanh(x @ W_ih.T + b_ih) + torch.tanh(h @ W_hh.T + b_hh)


def cell_in_single_precision(x, h, W_ih, W_hh, b_ih, b_hh):
    """The numbers are right, but they always come back as float32. Leave the dtype to the inputs: no .float() and no
    dtype=torch.float32."""
    return torch.tanh(x @ W_ih.T + b_ih + h @ W_hh.T + b_hh).float()


def cell_into_the_old_state(x, h, W_ih, W_hh, b_ih, b_hh):
    """The answer is right, but it was written into h, and the caller's old state is gone. Backpropagation needs it:
    return a new tensor, without h[:] = ... and without methods that end in _."""
    h[:] = torch.tanh(x @ W_ih.T + b_ih + h @ W_hh.T + b_hh)
    return h


# --- rnn_forward ----------------------------------------------------------------------------------------


def forward_without_carry(xs, h0, W_ih, W_hh, b_ih, b_hh):
    """Every step started from h0 again. Hand the state on: what a step returns is the h of the next one."""
    hs = [torch.tanh(xs[:, t] @ W_ih.T + b_ih + h0 @ W_hh.T + b_hh) for t in range(xs.shape[1])]
    return torch.stack(hs, 1), hs[-1]


def forward_with_the_first_state(xs, h0, W_ih, W_hh, b_ih, b_hh):
    """There is one state too many: h0 stands in front. hs holds the states after each of the T steps only."""
    h, hs = h0, [h0]
    for t in range(xs.shape[1]):
        h = torch.tanh(xs[:, t] @ W_ih.T + b_ih + h @ W_hh.T + b_hh)
        hs.append(h)
    return torch.stack(hs, 1), h


def forward_time_first(xs, h0, W_ih, W_hh, b_ih, b_hh):
    """The steps stand along axis 0: this is (T, N, H). Axis 0 is the batch and axis 1 is time: torch.stack(hs, 1)."""
    h, hs = h0, []
    for t in range(xs.shape[1]):
        h = torch.tanh(xs[:, t] @ W_ih.T + b_ih + h @ W_hh.T + b_hh)
        hs.append(h)
    return torch.stack(hs), h


def forward_along_the_batch(xs, h0, W_ih, W_hh, b_ih, b_hh):
    """You walked along axis 0, from sequence to sequence. Time is axis 1 of xs (N, T, D): step t reads xs[:, t], for
    all sequences at once."""
    h, hs = h0, []
    for x in xs:
        h = torch.tanh(x @ W_ih.T + b_ih + h @ W_hh.T + b_hh)
        hs.append(h)
    return torch.stack(hs), h


def forward_from_zeros(xs, h0, W_ih, W_hh, b_ih, b_hh):
    """The first step started from zeros. It starts from h0, which the caller chooses: a text may go on where it
    stopped."""
    h, hs = torch.zeros_like(h0), []
    for t in range(xs.shape[1]):
        h = torch.tanh(xs[:, t] @ W_ih.T + b_ih + h @ W_hh.T + b_hh)
        hs.append(h)
    return torch.stack(hs, 1), h


def forward_backwards(xs, h0, W_ih, W_hh, b_ih, b_hh):
    """You read the sequence from its end. The first step reads xs[:, 0], the last one xs[:, T - 1]."""
    h, hs = h0, []
    for t in reversed(range(xs.shape[1])):
        h = torch.tanh(xs[:, t] @ W_ih.T + b_ih + h @ W_hh.T + b_hh)
        hs.append(h)
    return torch.stack(hs, 1), h


def forward_last_sequence(xs, h0, W_ih, W_hh, b_ih, b_hh):
    """hs is right, but hs[-1] is the last sequence of the batch. The last step of all sequences is hs[:, -1]."""
    h, hs = h0, []
    for t in range(xs.shape[1]):
        h = torch.tanh(xs[:, t] @ W_ih.T + b_ih + h @ W_hh.T + b_hh)
        hs.append(h)
    hs = torch.stack(hs, 1)
    return hs, hs[-1]


def forward_into_plain_zeros(xs, h0, W_ih, W_hh, b_ih, b_hh):
    """torch.zeros(N, T, H) is float32 on the CPU, whatever the inputs are. Take dtype and device from them:
    xs.new_zeros(N, T, H), or collect the states in a list and stack it."""
    hs = torch.zeros(xs.shape[0], xs.shape[1], h0.shape[1])
    h = h0
    for t in range(xs.shape[1]):
        h = torch.tanh(xs[:, t] @ W_ih.T + b_ih + h @ W_hh.T + b_hh)
        hs[:, t] = h
    return hs, h


# --- rnn_cell_backward ----------------------------------------------------------------------------------


def step_back_without_slope(dh_next, x, h, h_next, W_ih, W_hh):
    """The tanh is missing on the way back. Multiply dh_next by its slope, 1 - h_next**2, before anything else."""
    db = dh_next.sum(0)
    return dh_next @ W_ih, dh_next @ W_hh, dh_next.T @ x, dh_next.T @ h, db, db


def step_back_slope_of_the_old_state(dh_next, x, h, h_next, W_ih, W_hh):
    """You took the slope from h, the state before. The tanh made h_next, so its slope is 1 - h_next**2."""
    da = dh_next * (1 - h**2)
    db = da.sum(0)
    return da @ W_ih, da @ W_hh, da.T @ x, da.T @ h, db, db


def step_back_with_a_second_tanh(dh_next, x, h, h_next, W_ih, W_hh):
    """h_next is tanh(a) already, and you bent it again: 1 - tanh(h_next)**2. The slope is 1 - h_next**2."""
    da = dh_next * (1 - torch.tanh(h_next) ** 2)
    db = da.sum(0)
    return da @ W_ih, da @ W_hh, da.T @ x, da.T @ h, db, db


def step_back_transposed_weights(dh_next, x, h, h_next, W_ih, W_hh):
    """The weight gradients are lying on their side: x.T @ da is (D, H). A gradient has the shape of its matrix, so
    dW_ih = da.T @ x and dW_hh = da.T @ h."""
    da = dh_next * (1 - h_next**2)
    db = da.sum(0)
    return da @ W_ih, da @ W_hh, x.T @ da, h.T @ da, db, db


def step_back_through_the_transpose(dh_next, x, h, h_next, W_ih, W_hh):
    """The way forward was h @ W_hh.T, so the way back is da @ W_hh, without another transpose."""
    da = dh_next * (1 - h_next**2)
    db = da.sum(0)
    return da @ W_ih, da @ W_hh.T, da.T @ x, da.T @ h, db, db


def step_back_with_means(dh_next, x, h, h_next, W_ih, W_hh):
    """Your weight gradients are divided by N. Whether the loss is a mean is in dh_next already: here the examples
    are added, nothing else."""
    da = dh_next * (1 - h_next**2)
    n = len(x)
    db = da.mean(0)
    return da @ W_ih, da @ W_hh, da.T @ x / n, da.T @ h / n, db, db


def step_back_keeps_the_gradient(dh_next, x, h, h_next, W_ih, W_hh):
    """Your dh is dh_next plus the part through W_hh. The old state reaches the new one through W_hh only, so
    dh = da @ W_hh. (A network with a direct way is notebook 7.)"""
    da = dh_next * (1 - h_next**2)
    db = da.sum(0)
    return da @ W_ih, dh_next + da @ W_hh, da.T @ x, da.T @ h, db, db


def step_back_with_the_new_state(dh_next, x, h, h_next, W_ih, W_hh):
    """dW_hh was made with h_next. W_hh was multiplied with the state before, so dW_hh = da.T @ h."""
    da = dh_next * (1 - h_next**2)
    db = da.sum(0)
    return da @ W_ih, da @ W_hh, da.T @ x, da.T @ h_next, db, db


# --- rnn_backward ---------------------------------------------------------------------------------------


def back_without_the_future(dhs, xs, h0, hs, W_ih, W_hh):
    """Every step used its own dhs[:, t] only. A state is also used by the next step: add the dh that comes back from
    there, before you go through the tanh."""
    dxs, dW_ih, dW_hh, db = [], torch.zeros_like(W_ih), torch.zeros_like(W_hh), torch.zeros_like(W_hh[0])
    for t in reversed(range(xs.shape[1])):
        h = hs[:, t - 1] if t > 0 else h0
        da = dhs[:, t] * (1 - hs[:, t] ** 2)
        dxs.insert(0, da @ W_ih)
        dh = da @ W_hh
        dW_ih, dW_hh, db = dW_ih + da.T @ xs[:, t], dW_hh + da.T @ h, db + da.sum(0)
    return torch.stack(dxs, 1), dh, dW_ih, dW_hh, db, db


def back_from_the_end_only(dhs, xs, h0, hs, W_ih, W_hh):
    """Only the last state's gradient entered. Every dhs[:, t] enters at its own step, added to what comes back from
    the step after."""
    dh = dhs[:, -1]
    dxs, dW_ih, dW_hh, db = [], torch.zeros_like(W_ih), torch.zeros_like(W_hh), torch.zeros_like(W_hh[0])
    for t in reversed(range(xs.shape[1])):
        h = hs[:, t - 1] if t > 0 else h0
        da = dh * (1 - hs[:, t] ** 2)
        dxs.insert(0, da @ W_ih)
        dh = da @ W_hh
        dW_ih, dW_hh, db = dW_ih + da.T @ xs[:, t], dW_hh + da.T @ h, db + da.sum(0)
    return torch.stack(dxs, 1), dh, dW_ih, dW_hh, db, db


def back_overwrites_the_weights(dhs, xs, h0, hs, W_ih, W_hh):
    """The weight gradients hold the first step's share alone: each step overwrote the one before. The same weights
    serve all steps, so their gradients add: dW_ih = dW_ih + ..."""
    dh, dxs = torch.zeros_like(h0), []
    for t in reversed(range(xs.shape[1])):
        h = hs[:, t - 1] if t > 0 else h0
        da = (dh + dhs[:, t]) * (1 - hs[:, t] ** 2)
        dxs.insert(0, da @ W_ih)
        dh = da @ W_hh
        dW_ih, dW_hh, db = da.T @ xs[:, t], da.T @ h, da.sum(0)
    return torch.stack(dxs, 1), dh, dW_ih, dW_hh, db, db


def back_with_the_same_state(dhs, xs, h0, hs, W_ih, W_hh):
    """dW_hh was made with hs[:, t], the state after step t. Step t multiplied W_hh with the state before it:
    hs[:, t - 1], and h0 for the first step."""
    dh = torch.zeros_like(h0)
    dxs, dW_ih, dW_hh, db = [], torch.zeros_like(W_ih), torch.zeros_like(W_hh), torch.zeros_like(W_hh[0])
    for t in reversed(range(xs.shape[1])):
        da = (dh + dhs[:, t]) * (1 - hs[:, t] ** 2)
        dxs.insert(0, da @ W_ih)
        dh = da @ W_hh
        dW_ih, dW_hh, db = dW_ih + da.T @ xs[:, t], dW_hh + da.T @ hs[:, t], db + da.sum(0)
    return torch.stack(dxs, 1), dh, dW_ih, dW_hh, db, db


def back_wraps_around(dhs, xs, h0, hs, W_ih, W_hh):
    """At the first step hs[:, t - 1] is hs[:, -1], the last state, and Python does not complain. The state before
    the first step is h0."""
    dh = torch.zeros_like(h0)
    dxs, dW_ih, dW_hh, db = [], torch.zeros_like(W_ih), torch.zeros_like(W_hh), torch.zeros_like(W_hh[0])
    for t in reversed(range(xs.shape[1])):
        da = (dh + dhs[:, t]) * (1 - hs[:, t] ** 2)
        dxs.insert(0, da @ W_ih)
        dh = da @ W_hh
        dW_ih, dW_hh, db = dW_ih + da.T @ xs[:, t], dW_hh + da.T @ hs[:, t - 1], db + da.sum(0)
    return torch.stack(dxs, 1), dh, dW_ih, dW_hh, db, db


def back_leaves_dxs_reversed(dhs, xs, h0, hs, W_ih, W_hh):
    """dxs came out back to front: you collected it from the last step to the first. Turn it round before you stack
    it."""
    dh = torch.zeros_like(h0)
    dxs, dW_ih, dW_hh, db = [], torch.zeros_like(W_ih), torch.zeros_like(W_hh), torch.zeros_like(W_hh[0])
    for t in reversed(range(xs.shape[1])):
        h = hs[:, t - 1] if t > 0 else h0
        da = (dh + dhs[:, t]) * (1 - hs[:, t] ** 2)
        dxs.append(da @ W_ih)
        dh = da @ W_hh
        dW_ih, dW_hh, db = dW_ih + da.T @ xs[:, t], dW_hh + da.T @ h, db + da.sum(0)
    return torch.stack(dxs, 1), dh, dW_ih, dW_hh, db, db


def back_stops_a_step_short(dhs, xs, h0, hs, W_ih, W_hh):
    """Your dh0 is the gradient at the state after the first step. One step is still to go: h0 is before it, so
    dh0 = da @ W_hh of the first step."""
    dh = torch.zeros_like(h0)
    dxs, dW_ih, dW_hh, db = [], torch.zeros_like(W_ih), torch.zeros_like(W_hh), torch.zeros_like(W_hh[0])
    for t in reversed(range(xs.shape[1])):
        h = hs[:, t - 1] if t > 0 else h0
        total = dh + dhs[:, t]
        da = total * (1 - hs[:, t] ** 2)
        dxs.insert(0, da @ W_ih)
        dh = da @ W_hh
        dW_ih, dW_hh, db = dW_ih + da.T @ xs[:, t], dW_hh + da.T @ h, db + da.sum(0)
    return torch.stack(dxs, 1), total, dW_ih, dW_hh, db, db


def back_divides_by_the_steps(dhs, xs, h0, hs, W_ih, W_hh):
    """The weight gradients are divided by T. The shares of the steps are added: whether the loss is a mean is in dhs
    already."""
    dh, steps = torch.zeros_like(h0), xs.shape[1]
    dxs, dW_ih, dW_hh, db = [], torch.zeros_like(W_ih), torch.zeros_like(W_hh), torch.zeros_like(W_hh[0])
    for t in reversed(range(steps)):
        h = hs[:, t - 1] if t > 0 else h0
        da = (dh + dhs[:, t]) * (1 - hs[:, t] ** 2)
        dxs.insert(0, da @ W_ih)
        dh = da @ W_hh
        dW_ih, dW_hh, db = dW_ih + da.T @ xs[:, t] / steps, dW_hh + da.T @ h / steps, db + da.sum(0) / steps
    return torch.stack(dxs, 1), dh, dW_ih, dW_hh, db, db


# --- gradient_norms -------------------------------------------------------------------------------------


def norms_multiplied(hs, W_hh):
    """You multiplied the norms of the steps. That is only an upper bound: directions that one step stretches the
    next may shrink. Multiply the matrices first and take the norm of the product."""
    norms = [torch.ones_like(hs[0, 0])]
    for h in hs[1:].flip(0):
        norms.insert(0, norms[0] * torch.linalg.matrix_norm((1 - h**2)[:, None] * W_hh, 2))
    return torch.stack(norms)


def norms_of_frobenius(hs, W_hh):
    """This is the Frobenius norm: the last entry is the root of H in place of 1. The spectral norm is the largest
    singular value: torch.linalg.matrix_norm(J, 2)."""
    product, norms = torch.eye(hs.shape[1], dtype=hs.dtype, device=hs.device), []
    for h in hs.flip(0):
        norms.insert(0, torch.linalg.matrix_norm(product))
        product = product @ ((1 - h**2)[:, None] * W_hh)
    return torch.stack(norms)


def norms_without_slope(hs, W_hh):
    """These are the norms of powers of W_hh. Each step also passes the tanh, whose slope is 1 - h**2."""
    product, norms = torch.eye(hs.shape[1], dtype=hs.dtype, device=hs.device), []
    for _ in range(len(hs)):
        norms.insert(0, torch.linalg.matrix_norm(product, 2))
        product = product @ W_hh
    return torch.stack(norms)


def norms_in_the_other_order(hs, W_hh):
    """The matrices stand in the wrong order. The chain rule has the last step on the left:
    d h_T / d h_t = J_T ... J_(t+1), so on the way back every new J goes to the right."""
    product, norms = torch.eye(hs.shape[1], dtype=hs.dtype, device=hs.device), []
    for h in hs.flip(0):
        norms.insert(0, torch.linalg.matrix_norm(product, 2))
        product = ((1 - h**2)[:, None] * W_hh) @ product
    return torch.stack(norms)


def norms_one_step_too_far(hs, W_hh):
    """Your last entry is not 1. d h_T / d h_T is the identity: J_T comes in only for t = T - 1, so entry t holds
    J_T ... J_(t+1)."""
    product, norms = torch.eye(hs.shape[1], dtype=hs.dtype, device=hs.device), []
    for h in hs.flip(0):
        product = product @ ((1 - h**2)[:, None] * W_hh)
        norms.insert(0, torch.linalg.matrix_norm(product, 2))
    return torch.stack(norms)


def norms_by_distance(hs, W_hh):
    """The numbers are right, and back to front: yours run by the distance from the end. They are asked in the order
    of time, t = 1 to T, so that the last one is the 1."""
    product, norms = torch.eye(hs.shape[1], dtype=hs.dtype, device=hs.device), []
    for h in hs.flip(0):
        norms.append(torch.linalg.matrix_norm(product, 2))
        product = product @ ((1 - h**2)[:, None] * W_hh)
    return torch.stack(norms)


def norms_slope_on_the_columns(hs, W_hh):
    """The slopes scaled the columns of W_hh: this is W_hh times diag. The tanh comes after W_hh, so diag stands on
    the left and scales the rows: (1 - h**2)[:, None] * W_hh."""
    product, norms = torch.eye(hs.shape[1], dtype=hs.dtype, device=hs.device), []
    for h in hs.flip(0):
        norms.insert(0, torch.linalg.matrix_norm(product, 2))
        product = product @ (W_hh * (1 - h**2))
    return torch.stack(norms)


def norms_of_eigenvalues(hs, W_hh):
    """These are the largest absolute eigenvalues, the spectral radius. The spectral norm is the largest singular
    value: torch.linalg.matrix_norm(J, 2)."""
    product, norms = torch.eye(hs.shape[1], dtype=hs.dtype, device=hs.device), []
    for h in hs.flip(0):
        norms.insert(0, torch.linalg.eigvals(product).abs().max())
        product = product @ ((1 - h**2)[:, None] * W_hh)
    return torch.stack(norms)


def norms_slope_of_the_state_before(hs, W_hh):
    """You took each slope one state too early. d h_t / d h_(t-1) passes the tanh that made h_t, so its slope is
    1 - h_t**2."""
    product, norms = torch.eye(hs.shape[1], dtype=hs.dtype, device=hs.device), []
    norms = [torch.linalg.matrix_norm(product, 2)]
    for h in hs[:-1].flip(0):
        product = product @ ((1 - h**2)[:, None] * W_hh)
        norms.insert(0, torch.linalg.matrix_norm(product, 2))
    return torch.stack(norms)


# --- clip_gradient_norm ---------------------------------------------------------------------------------


def clip_each_tensor(grads, max_norm):
    """Each tensor was clipped by its own norm, which turns the direction of the whole. All tensors together are one
    long vector: one norm and one factor for all."""
    norms = [float(g.norm()) for g in grads]
    clipped = [g * min(1.0, max_norm / max(n, 1e-12)) for g, n in zip(grads, norms)]
    return clipped, sum(n**2 for n in norms) ** 0.5


def clip_each_number(grads, max_norm):
    """Every number was clamped on its own, which turns the direction. Scale all numbers by the same factor,
    max_norm / total_norm."""
    total = sum(float((g**2).sum()) for g in grads) ** 0.5
    return [g.clamp(-max_norm, max_norm) for g in grads], total


def clip_always(grads, max_norm):
    """Short gradients were stretched to max_norm. Clipping only shortens: where the norm is at most max_norm, the
    gradients stay as they are."""
    total = sum(float((g**2).sum()) for g in grads) ** 0.5
    return [g * (max_norm / max(total, 1e-12)) for g in grads], total


def clip_in_place(grads, max_norm):
    """The numbers are right, but the caller's gradients were overwritten. Make new tensors: g * scale in place of
    g.mul_(scale)."""
    total = sum(float((g**2).sum()) for g in grads) ** 0.5
    for g in grads:
        g.mul_(min(1.0, max_norm / max(total, 1e-12)))
    return grads, total


def clip_by_the_square(grads, max_norm):
    """Your norm is the sum of the squares. The root is missing: the length of (3, 4) is 5, not 25."""
    total = sum(float((g**2).sum()) for g in grads)
    return [g * min(1.0, max_norm / max(total, 1e-12)) for g in grads], total


def clip_returns_the_new_norm(grads, max_norm):
    """The gradients are right, but you returned their norm after the clipping. The norm before is asked: it tells
    whether something was clipped."""
    total = sum(float((g**2).sum()) for g in grads) ** 0.5
    return [g * min(1.0, max_norm / max(total, 1e-12)) for g in grads], min(total, max_norm)


def clip_adds_norms(grads, max_norm):
    """You added the norms of the tensors. Lengths of perpendicular parts add as squares: the root of the sum of
    their squares."""
    total = sum(float(g.norm()) for g in grads)
    return [g * min(1.0, max_norm / max(total, 1e-12)) for g in grads], total


def clip_divides_by_zero(grads, max_norm):
    """max_norm / total_norm divides by zero where all gradients are 0. Divide only where the norm is larger than
    max_norm."""
    total = sum(float((g**2).sum()) for g in grads) ** 0.5
    return [g * min(1.0, max_norm / total) for g in grads], total


# --- perplexity -----------------------------------------------------------------------------------------


def perplexity_is_the_loss(logits, targets):
    """This is the mean cross-entropy itself. The perplexity is e to that power."""
    logs = torch.log_softmax(logits, -1).gather(-1, targets[..., None])
    return float(-logs.mean())


def perplexity_to_base_two(logits, targets):
    """You raised 2 to the loss. The loss is made with natural logarithms, so the base is e."""
    logs = torch.log_softmax(logits, -1).gather(-1, targets[..., None])
    return 2 ** float(-logs.mean())


def perplexity_means_afterwards(logits, targets):
    """You took e to the loss of each position and then the mean. Mean first: e to the mean loss."""
    logs = torch.log_softmax(logits, -1).gather(-1, targets[..., None])
    return float(torch.exp(-logs).mean())


def perplexity_by_sequence(logits, targets):
    """You computed one perplexity for each sequence and averaged those. Take the mean loss of all positions of all
    sequences, then e to it, once."""
    logs = torch.log_softmax(logits, -1).gather(-1, targets[..., None])[..., 0]
    return float(torch.exp(-logs.mean(1)).mean())


def perplexity_softmax_twice(logits, targets):
    """The softmax was applied twice: cross_entropy has one inside and wants the logits as they are."""
    flat = torch.softmax(logits, -1).reshape(-1, logits.shape[-1])
    return float(torch.exp(torch.nn.functional.cross_entropy(flat, targets.reshape(-1))))


def perplexity_of_the_sum(logits, targets):
    """The losses of all positions were added. The perplexity takes their mean, so that long texts count like short
    ones."""
    logs = torch.log_softmax(logits, -1).gather(-1, targets[..., None])
    return float(torch.exp(-logs.sum()))


def perplexity_of_mean_probability(logits, targets):
    """This is 1 over the mean probability. The mean is taken of the logarithms: e to the mean of -log p."""
    chances = torch.softmax(logits, -1).gather(-1, targets[..., None])
    return float(1 / chances.mean())


def perplexity_overflows(logits, targets):
    """exp(logits) overflows where logits are large, and inf / inf is nan. torch.log_softmax subtracts the largest
    logit first."""
    chances = torch.exp(logits) / torch.exp(logits).sum(-1, keepdim=True)
    return float(torch.exp(-torch.log(chances.gather(-1, targets[..., None])).mean()))


def perplexity_of_the_last_step(logits, targets):
    """Only the last step was judged. A language model predicts at every step, and all of them count."""
    logs = torch.log_softmax(logits[:, -1], -1).gather(-1, targets[:, -1:])
    return float(torch.exp(-logs.mean()))


# --- sample ---------------------------------------------------------------------------------------------


def sample_greedy(step, h, token, length, temperature, generator):
    """You always took the most likely token, so the text goes round in circles. Draw one by its probability, with
    torch.multinomial."""
    drawn = []
    for _ in range(length):
        logits, h = step(token, h)
        token = int(logits.argmax())
        drawn.append(token)
    return drawn


def sample_with_the_first_token(step, h, token, length, temperature, generator):
    """Your list begins with the token that was given. Asked are the tokens that follow it, `length` of them."""
    drawn = [token]
    while len(drawn) < length:
        logits, h = step(token, h)
        token = int(torch.multinomial(torch.softmax(logits / temperature, 0), 1, generator=generator))
        drawn.append(token)
    return drawn


def sample_without_feedback(step, h, token, length, temperature, generator):
    """Each step read the first token again. What was drawn is what the model reads next: feed it back."""
    drawn = []
    for _ in range(length):
        logits, h = step(token, h)
        drawn.append(int(torch.multinomial(torch.softmax(logits / temperature, 0), 1, generator=generator)))
    return drawn


def sample_without_memory(step, h, token, length, temperature, generator):
    """Each step started from the first state. step returns a new h: hand it to the next step, or the model forgets
    what it wrote."""
    drawn = []
    for _ in range(length):
        logits, _unused = step(token, h)
        token = int(torch.multinomial(torch.softmax(logits / temperature, 0), 1, generator=generator))
        drawn.append(token)
    return drawn


def sample_times_temperature(step, h, token, length, temperature, generator):
    """You multiplied by the temperature. Divide the logits by it: a low temperature makes the likely tokens
    likelier."""
    drawn = []
    for _ in range(length):
        logits, h = step(token, h)
        token = int(torch.multinomial(torch.softmax(logits * temperature, 0), 1, generator=generator))
        drawn.append(token)
    return drawn


def sample_without_temperature(step, h, token, length, temperature, generator):
    """The temperature plays no part. Divide the logits by it before the softmax."""
    drawn = []
    for _ in range(length):
        logits, h = step(token, h)
        token = int(torch.multinomial(torch.softmax(logits, 0), 1, generator=generator))
        drawn.append(token)
    return drawn


def sample_from_the_global_generator(step, h, token, length, temperature, generator):
    """The draws come from torch's global generator, so the same call gives another text each time. Hand the one you
    were given to torch.multinomial: generator=generator."""
    drawn = []
    for _ in range(length):
        logits, h = step(token, h)
        token = int(torch.multinomial(torch.softmax(logits / temperature, 0), 1))
        drawn.append(token)
    return drawn


def _all(*functions: Callable[..., Any]) -> tuple[Misconception, ...]:
    return tuple(Misconception.of(function) for function in functions)


def _draws_elsewhere(case: Case, value: Any) -> bool:
    """Right draws, but two runs from the same state of the generator are not the same."""
    if isinstance(value, dict):
        return bool(value["first"] != value["again"])
    return sample_accepts(case, value) is None


MISTAKES: dict[str, tuple[Misconception, ...]] = {
    "rnn_cell": _all(
        cell_without_tanh,
        cell_without_memory,
        cell_without_transpose,
        cell_with_sigmoid,
        cell_with_one_bias,
        cell_with_two_tanh,
        cell_in_single_precision,
        cell_into_the_old_state,
    ),
    "rnn_forward": _all(
        forward_without_carry,
        forward_with_the_first_state,
        forward_time_first,
        forward_along_the_batch,
        forward_from_zeros,
        forward_backwards,
        forward_last_sequence,
        forward_into_plain_zeros,
    ),
    "rnn_cell_backward": _all(
        step_back_without_slope,
        step_back_slope_of_the_old_state,
        step_back_with_a_second_tanh,
        step_back_transposed_weights,
        step_back_through_the_transpose,
        step_back_with_means,
        step_back_keeps_the_gradient,
        step_back_with_the_new_state,
    ),
    "rnn_backward": _all(
        back_without_the_future,
        back_from_the_end_only,
        back_overwrites_the_weights,
        back_with_the_same_state,
        back_wraps_around,
        back_leaves_dxs_reversed,
        back_stops_a_step_short,
        back_divides_by_the_steps,
    ),
    "gradient_norms": _all(
        norms_multiplied,
        norms_of_frobenius,
        norms_without_slope,
        norms_in_the_other_order,
        norms_one_step_too_far,
        norms_by_distance,
        norms_slope_on_the_columns,
        norms_of_eigenvalues,
        norms_slope_of_the_state_before,
    ),
    "clip_gradient_norm": _all(
        clip_each_tensor,
        clip_each_number,
        clip_always,
        clip_in_place,
        clip_by_the_square,
        clip_returns_the_new_norm,
        clip_adds_norms,
        clip_divides_by_zero,
    ),
    "perplexity": _all(
        perplexity_is_the_loss,
        perplexity_to_base_two,
        perplexity_means_afterwards,
        perplexity_by_sequence,
        perplexity_softmax_twice,
        perplexity_of_the_sum,
        perplexity_of_mean_probability,
        perplexity_overflows,
        perplexity_of_the_last_step,
    ),
    "sample": (
        *_all(
            sample_greedy,
            sample_with_the_first_token,
            sample_without_feedback,
            sample_without_memory,
            sample_times_temperature,
            sample_without_temperature,
        ),
        Misconception.of(sample_from_the_global_generator, shows=_draws_elsewhere),
    ),
}
