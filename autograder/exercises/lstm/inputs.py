"""What several exercises of lstm share."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

DOUBLE, SINGLE = torch.float64, torch.float32


def normal(rng: np.random.Generator, *shape: int, dtype: torch.dtype = DOUBLE, scale: float = 1.0) -> Tensor:
    """Normal numbers on the CPU."""
    return torch.from_numpy(np.asarray(scale * rng.standard_normal(shape))).to(dtype)


def weights(
    rng: np.random.Generator, d: int, hidden: int, gates: int, dtype: torch.dtype = DOUBLE
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """W_ih (kH, D), W_hh (kH, H), b_ih (kH,), b_hh (kH,) for k gates."""
    return (
        normal(rng, gates * hidden, d, dtype=dtype, scale=1.2 / np.sqrt(d)),
        normal(rng, gates * hidden, hidden, dtype=dtype, scale=1.2 / np.sqrt(hidden)),
        normal(rng, gates * hidden, dtype=dtype, scale=0.5),
        normal(rng, gates * hidden, dtype=dtype, scale=0.5),
    )


def seeded(rng: np.random.Generator) -> torch.Generator:
    """A torch generator that the case's own generator seeds."""
    return torch.Generator().manual_seed(int(rng.integers(2**40)))


def by_columns(matrix: Tensor) -> Tensor:
    """The same numbers, stored column by column."""
    return matrix.T.contiguous().T


def step(rng: np.random.Generator, n: int, d: int, hidden: int, dtype: torch.dtype = DOUBLE) -> tuple[Any, ...]:
    h, c = torch.tanh(normal(rng, n, hidden, dtype=dtype)), normal(rng, n, hidden, dtype=dtype, scale=1.5)
    return normal(rng, n, d, dtype=dtype), (h, c), *weights(rng, d, hidden, 4, dtype)


def without_candidate(params: tuple[Tensor, ...], block: int) -> tuple[Tensor, ...]:
    """Weights of a cell whose input adds nothing: those of the candidate's block are zero, so that what comes out may
    be as small as the state before."""
    W_ih, W_hh, b_ih, b_hh = (each.clone() for each in params)
    rows = slice(block * W_hh.shape[1], (block + 1) * W_hh.shape[1])
    for each in (W_ih, b_ih, b_hh):
        each[rows] = 0
    return W_ih, W_hh, b_ih, b_hh


def by_hand() -> tuple[Any, ...]:
    """One unit; the sums are 0, ln 3, 1 and -ln 3, so the gates are 1/2, 3/4 and 1/4."""
    log3 = float(np.log(3))
    W_ih = torch.tensor([[0.0], [log3], [1.0], [0.0]], dtype=DOUBLE)
    W_hh = torch.tensor([[0.0], [0.0], [0.0], [-2 * log3]], dtype=DOUBLE)
    none = torch.zeros(4, dtype=DOUBLE)
    return W_ih, W_hh, none, none.clone()


def single(value: float) -> Tensor:
    return torch.tensor([[value]], dtype=DOUBLE)


def close(one: Tensor, two: Tensor) -> bool:
    return one.shape == two.shape and torch.allclose(one, two.to(one), rtol=1e-6, atol=1e-8)


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
