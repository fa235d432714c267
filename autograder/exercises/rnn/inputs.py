"""What several exercises of rnn share."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

Weights = tuple[Tensor, Tensor, Tensor, Tensor]
DOUBLE, SINGLE = torch.float64, torch.float32


def normal(rng: np.random.Generator, *shape: int, dtype: torch.dtype = DOUBLE, scale: float = 1.0) -> Tensor:
    """Normal numbers on the CPU."""
    return torch.from_numpy(np.asarray(scale * rng.standard_normal(shape))).to(dtype)


def weights(rng: np.random.Generator, d: int, hidden: int, dtype: torch.dtype = DOUBLE, gain: float = 1.0) -> Weights:
    """W_ih (H, D), W_hh (H, H), b_ih (H,), b_hh (H,)."""
    return (
        normal(rng, hidden, d, dtype=dtype, scale=gain / np.sqrt(d)),
        normal(rng, hidden, hidden, dtype=dtype, scale=gain / np.sqrt(hidden)),
        normal(rng, hidden, dtype=dtype, scale=0.5),
        normal(rng, hidden, dtype=dtype, scale=0.5),
    )


def cell(x: Tensor, h: Tensor, W_ih: Tensor, W_hh: Tensor, b_ih: Tensor, b_hh: Tensor) -> Tensor:
    """The forward step, for cases of the backward step."""
    return torch.tanh(x @ W_ih.T + b_ih + h @ W_hh.T + b_hh)


def states_of(xs: Tensor, h0: Tensor, params: Weights) -> Tensor:
    hs = [h0]
    for x in xs.unbind(1):
        hs.append(cell(x, hs[-1], *params))
    return torch.stack(hs[1:], 1)


def step(rng: np.random.Generator, n: int, d: int, hidden: int, dtype: torch.dtype = DOUBLE) -> tuple[Tensor, ...]:
    x, h = normal(rng, n, d, dtype=dtype), torch.tanh(normal(rng, n, hidden, dtype=dtype))
    return (x, h, *weights(rng, d, hidden, dtype))


def by_hand() -> Weights:
    return (
        torch.tensor([[1.0], [-1.0]], dtype=DOUBLE),
        torch.tensor([[0.0, 1.0], [0.5, 0.0]], dtype=DOUBLE),
        torch.tensor([0.0, 1.0], dtype=DOUBLE),
        torch.tensor([0.5, 0.0], dtype=DOUBLE),
    )


def sequence(
    rng: np.random.Generator, n: int, t: int, d: int, hidden: int, dtype: torch.dtype = DOUBLE
) -> tuple[Tensor, ...]:
    xs, h0 = normal(rng, n, t, d, dtype=dtype), torch.tanh(normal(rng, n, hidden, dtype=dtype))
    return (xs, h0, *weights(rng, d, hidden, dtype))


def close(one: Tensor, two: Tensor) -> bool:
    return one.shape == two.shape and torch.allclose(one, two.to(one), rtol=1e-6, atol=1e-8)


LIBRARY = (
    "torch.nn.RNN",
    "torch.nn.RNNCell",
    "torch.nn.RNNBase",
    "torch.nn.RNNCellBase",
    "torch.nn.GRU",
    "torch.nn.GRUCell",
    "torch.gru",
    "torch.rnn_tanh",
    "torch.rnn_tanh_cell",
)
"""What would do the work of a cell or of a whole sequence."""
