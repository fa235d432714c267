r"""Recurrent networks: one small network applied at every step of a sequence, with a state that it passes on.

The state h_t is all that the network knows about the past. The same weights serve every step, so the gradient of a
late loss passes through the same matrix once for each step back: it vanishes or explodes.

Symbols
    xs      (N, T, D)   N sequences of T steps with D numbers each
    h_t     (N, H)      state after step t = 1 ... T; h_0 is given
    hs      (N, T, H)   the states h_1 ... h_T
    W_ih    (H, D)      weights of the input, as in `torch.nn.RNN`
    W_hh    (H, H)      weights of the state before
    b_ih    (H,)        bias of the input
    b_hh    (H,)        bias of the state; torch keeps both, so both are here
    a_t     (N, H)      before the activation
    J_t     (H, H)      Jacobian d h_t / d h_{t-1} of one sequence

Equations
    a_t = x_t W_ih^T + b_ih + h_{t-1} W_hh^T + b_hh,     h_t = tanh(a_t)
    da_t = dh_t * (1 - h_t^2),   dx_t = da_t W_ih,   dh_{t-1} += da_t W_hh
    dW_ih = sum_t da_t^T x_t,    dW_hh = sum_t da_t^T h_{t-1},    db_ih = db_hh = sum of da over N and T
    J_t = diag(1 - h_t^2) W_hh,  d h_T / d h_t = J_T J_{T-1} ... J_{t+1}
    perplexity = exp(mean of -log p(target))

Papers
    J. Elman, "Finding structure in time", 1990
    P. Werbos, "Backpropagation through time: what it does and how to do it", 1990
    Y. Bengio, P. Simard, P. Frasconi, "Learning long-term dependencies with gradient descent is difficult", 1994
    R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural networks", 2013
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

__all__ = [
    "clip_gradient_norm",
    "gradient_norms",
    "perplexity",
    "rnn_backward",
    "rnn_cell",
    "rnn_cell_backward",
    "rnn_forward",
    "sample",
]

Gradients = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]


def rnn_cell(x: Tensor, h: Tensor, W_ih: Tensor, W_hh: Tensor, b_ih: Tensor, b_hh: Tensor) -> Tensor:
    """One step of a recurrent network, as `torch.nn.RNNCell`.

    Args:
        x: (N, D), what is read now.
        h: (N, H), the state before.
        W_ih: (H, D).
        W_hh: (H, H).
        b_ih: (H,).
        b_hh: (H,).

    Returns:
        (N, H), the state after, in (-1, 1).

    Raises:
        ValueError: the shapes do not match.
    """
    _check_step(x, h, W_ih, W_hh)
    return torch.tanh(x @ W_ih.T + b_ih + h @ W_hh.T + b_hh)


def rnn_forward(
    xs: Tensor, h0: Tensor, W_ih: Tensor, W_hh: Tensor, b_ih: Tensor, b_hh: Tensor
) -> tuple[Tensor, Tensor]:
    """A whole sequence, as `torch.nn.RNN(batch_first=True)`.

    Args:
        xs: (N, T, D), at least one step.
        h0: (N, H), the state before the first step.
        W_ih: (H, D).
        W_hh: (H, H).
        b_ih: (H,).
        b_hh: (H,).

    Returns:
        The states after each step, (N, T, H), and the last of them, (N, H).

    Raises:
        ValueError: there is no step, or the shapes do not match.
    """
    if xs.dim() != 3 or xs.shape[1] == 0:
        raise ValueError(
            f"xs has shape {tuple(xs.shape)}; rnn_forward expects (N, T, D) with at least one step: "
            "a single sequence goes in as xs[None]"
        )
    h, states = h0, []
    for x in xs.unbind(1):
        h = rnn_cell(x, h, W_ih, W_hh, b_ih, b_hh)
        states.append(h)
    return torch.stack(states, 1), h


def rnn_cell_backward(dh_next: Tensor, x: Tensor, h: Tensor, h_next: Tensor, W_ih: Tensor, W_hh: Tensor) -> Gradients:
    """The gradient of one step, by hand.

    Args:
        dh_next: (N, H), gradient of the loss with respect to the state after the step.
        x: (N, D), what was read.
        h: (N, H), the state before.
        h_next: (N, H), the state after: `rnn_cell(x, h, ...)`.
        W_ih: (H, D).
        W_hh: (H, H).

    Returns:
        `(dx, dh, dW_ih, dW_hh, db_ih, db_hh)`, each with the shape of its counterpart.
    """
    da = dh_next * (1 - h_next**2)
    db = da.sum(0)
    return da @ W_ih, da @ W_hh, da.T @ x, da.T @ h, db, db.clone()


def rnn_backward(dhs: Tensor, xs: Tensor, h0: Tensor, hs: Tensor, W_ih: Tensor, W_hh: Tensor) -> Gradients:
    """Backpropagation through time, by hand.

    Only the states need a loop backwards; the gradients of inputs and weights then follow from all a_t at once.

    Args:
        dhs: (N, T, H), gradient of the loss with respect to each state through its direct use at its own step only.
        xs: (N, T, D).
        h0: (N, H).
        hs: (N, T, H), from `rnn_forward`.
        W_ih: (H, D).
        W_hh: (H, H).

    Returns:
        `(dxs, dh0, dW_ih, dW_hh, db_ih, db_hh)`, each with the shape of its counterpart.
    """
    das: list[Tensor] = []
    dh = torch.zeros_like(h0)
    for dh_here, h in zip(dhs.unbind(1)[::-1], hs.unbind(1)[::-1], strict=True):
        das.append((dh_here + dh) * (1 - h**2))
        dh = das[-1] @ W_hh
    da = torch.stack(das[::-1], 1)
    before = torch.cat([h0[:, None], hs[:, :-1]], 1)
    rows = da.flatten(0, 1)
    db = rows.sum(0)
    return da @ W_ih, dh, rows.T @ xs.flatten(0, 1), rows.T @ before.flatten(0, 1), db, db.clone()


def gradient_norms(hs: Tensor, W_hh: Tensor) -> Tensor:
    """How strongly the last state depends on each state before it.

    Args:
        hs: (T, H), the states of one sequence.
        W_hh: (H, H).

    Returns:
        (T,), the spectral norm (largest singular value) of d h_T / d h_t for t = 1 ... T; the last one is 1.
    """
    product = torch.eye(hs.shape[1], dtype=hs.dtype, device=hs.device)
    products = [product]
    for h in hs[1:].flip(0):
        product = product @ ((1 - h**2)[:, None] * W_hh)
        products.append(product)
    norms: Tensor = torch.linalg.matrix_norm(torch.stack(products[::-1]), 2)
    return norms


def clip_gradient_norm(grads: Sequence[Tensor], max_norm: float) -> tuple[list[Tensor], float]:
    """Scales down a gradient that is too long, keeping its direction (Pascanu, Mikolov and Bengio, 2013).

    Args:
        grads: tensors of any shapes, taken together as one long vector.
        max_norm: the largest Euclidean norm allowed, above 0.

    Returns:
        New tensors of the same shapes, and the norm before clipping; up to `max_norm` nothing is scaled.
    """
    total = math.hypot(*(float(torch.linalg.vector_norm(grad)) for grad in grads))
    scale = max_norm / total if total > max_norm else 1.0
    return [grad * scale for grad in grads], total


def perplexity(logits: Tensor, targets: Tensor) -> float:
    """The number of equally likely tokens that would leave the model as unsure: e to the mean cross-entropy.

    Args:
        logits: (N, T, V).
        targets: (N, T), int64, the true tokens.

    Returns:
        At least 1; V for a model that knows nothing.
    """
    return math.exp(functional.cross_entropy(logits.flatten(0, 1), targets.flatten()).item())


def sample(
    step: Callable[[int, Any], tuple[Tensor, Any]],
    h: Any,
    token: int,
    length: int,
    temperature: float,
    generator: torch.Generator,
) -> list[int]:
    """Makes a model write: draws a token, feeds it back, draws the next.

    Args:
        step: `step(token, h) -> (logits (V,), h)`, reads one token.
        h: the state before the first token.
        token: the first token that is read; it is not part of the result.
        length: how many tokens to draw.
        temperature: divides the logits; below 1 likely tokens become likelier, above 1 less likely.
        generator: the source of randomness; its device may differ from the logits'.

    Returns:
        `length` tokens.
    """
    drawn: list[int] = []
    for _ in range(length):
        logits, h = step(token, h)
        probabilities = torch.softmax(logits / temperature, 0).to(generator.device)
        token = int(torch.multinomial(probabilities, 1, generator=generator))
        drawn.append(token)
    return drawn


def _check_step(x: Tensor, h: Tensor, W_ih: Tensor, W_hh: Tensor) -> None:
    hidden = W_hh.shape[0]
    if x.dim() != 2 or h.dim() != 2 or len(x) != len(h):
        raise ValueError(
            f"x has shape {tuple(x.shape)} and h has {tuple(h.shape)}; rnn_cell expects (N, D) and (N, H) with "
            "the same N: a single example goes in as x[None] and h[None]"
        )
    if W_ih.shape != (hidden, x.shape[1]) or W_hh.shape != (hidden, h.shape[1]):
        raise ValueError(
            f"W_ih has shape {tuple(W_ih.shape)} and W_hh has {tuple(W_hh.shape)}; x with {x.shape[1]} and h with "
            f"{h.shape[1]} numbers need ({h.shape[1]}, {x.shape[1]}) and ({h.shape[1]}, {h.shape[1]}): "
            "one row for each unit of the state"
        )
