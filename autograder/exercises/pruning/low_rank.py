"""The two thin factors whose product is nearest to a matrix (Eckart and Young, 1936)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes, twice
from autograder.exercises.declare import Asks, accepts, hidden, mistake, right, visible
from autograder.exercises.pruning.inputs import Cases, t
from course_lib import pruning

ASKS = Asks(
    pruning.low_rank,
    signature="low_rank(w (out, in), rank) -> (u (out, rank), v (rank, in))",
    points={"basics": 2},
    hints=(
        "In which order does the SVD give the singular values? Which columns and rows belong to the largest?",
        "The nearest matrix of a rank keeps the largest singular values with their vectors (Eckart and Young). Put "
        "the values into one factor only, or their roots into both.",
        "With `u, s, vt = torch.linalg.svd(w, full_matrices=False)`: the first `rank` columns of `u`, times "
        "`s[:rank]`, and the first `rank` rows of `vt`, which is transposed already.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Cases:
    """By hand, then others."""
    yield Case("rank 1 of a diagonal", (torch.diag(torch.tensor([3.0, -5.0], dtype=torch.float64)), 1))
    yield Case("rank 2 of a wide matrix", (t(rng, 4, 6), 2))
    yield Case("rank 3 of a tall matrix", (t(rng, 7, 5), 3))


@hidden
def hidden_cases(rng: np.random.Generator) -> Cases:
    """Other shapes."""
    yield Case("single precision", (t(rng, 8, 6, dtype=torch.float32), 2))
    yield Case("the full rank", (t(rng, 3, 5), 3))
    yield Case("a view", (t(rng, 8, 9).T[::2], 2))
    yield Case("a row", (t(rng, 1, 5), 1))
    yield Case("a column", (t(rng, 4, 1), 1))
    yield from twice(lambda: (t(rng, 4, 3), 2))
    yield from magnitudes(lambda scale: (scale * t(rng, 4, 5), 2))
    yield Case("a matrix of rank 2", (t(rng, 6, 2) @ t(rng, 2, 7), 2))


# --- the judge -----------------------------------------------------------------------------------------------


@accepts
def accepts_factors(case: Case, value: Any) -> str | None:
    """Shapes, dtype, then how near the product is: signs and scales of the factors are free."""
    w, rank = case.args
    if not isinstance(value, (tuple, list)) or len(value) != 2 or not all(isinstance(part, Tensor) for part in value):
        return "expected two tensors: u (out, rank) and v (rank, in)"
    u, v = value
    shapes = (w.shape[0], rank), (rank, w.shape[1])
    if (tuple(u.shape), tuple(v.shape)) != shapes:
        return f"u has shape {tuple(u.shape)} and v {tuple(v.shape)}; expected {shapes[0]} and {shapes[1]}"
    if u.dtype != w.dtype or v.dtype != w.dtype:
        return f"u has dtype {u.dtype} and v {v.dtype}; expected {w.dtype}, like w"
    best = float(torch.linalg.svdvals(w)[rank:].norm())
    far = float((w - u @ v).norm())
    if not far <= best + (1e-4 if w.dtype == torch.float32 else 1e-8) * float(w.norm()):
        return f"|w - u @ v| is {far:.4g}; with rank {rank} it can be {best:.4g}"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(w, rank):
    left = w.double()
    us, vs = [], []
    for _ in range(rank):
        v = torch.linalg.eigh(left.T @ left).eigenvectors[:, -1]
        u = left @ v
        us.append(u)
        vs.append(v)
        left = left - torch.outer(u, v)
    return torch.stack(us, dim=1).to(w.dtype), torch.stack(vs).to(w.dtype)


@right("other formula")
def other_formula(w, rank):
    values, vectors = torch.linalg.eigh(w.double() @ w.double().T)
    u = vectors[:, -rank:]
    return u.to(w.dtype), (u.T @ w.double()).to(w.dtype)


# --- mistakes -----------------------------------------------------------------------------------------------


def _same_product(wrong: Callable[..., tuple[Tensor, Tensor]], case: Case, value: Any) -> bool:
    """Whether two factors have the product that a mistake gives: signs and scales of factors are free."""
    u, v = wrong(*case.args)
    product: Tensor = value[0] @ value[1]
    return product.shape == case.args[0].shape and torch.allclose(product, u @ v, rtol=1e-3, atol=1e-4)


@mistake(compares=_same_product)
def rank_smallest(w, rank):
    """You kept the smallest singular values. The largest carry most of the matrix: they come first."""
    left, sizes, right = torch.linalg.svd(w, full_matrices=False)
    return left[:, -rank:] * sizes[-rank:], right[-rank:]


@mistake(compares=_same_product)
def rank_sizes_twice(w, rank):
    """Both factors hold the singular values, so the product has them squared. Give them to one side, or their roots to
    both."""
    left, sizes, right = torch.linalg.svd(w, full_matrices=False)
    return left[:, :rank] * sizes[:rank], sizes[:rank, None] * right[:rank]


@mistake(compares=_same_product)
def rank_without_sizes(w, rank):
    """The singular values are missing from the product: w = left @ diag(sizes) @ right. Multiply one of the factors by
    them."""
    left, _, right = torch.linalg.svd(w, full_matrices=False)
    return left[:, :rank].clone(), right[:rank].clone()


@mistake(compares=_same_product)
def rank_turned(w, rank):
    """The right factor is transposed once too often. torch.linalg.svd returns it transposed already, one singular
    vector per row: take its first rows."""
    left, sizes, right = torch.linalg.svd(w, full_matrices=True)
    return left[:, :rank] * sizes[:rank], right[:, :rank].T


@mistake(compares=_same_product)
def rank_first_columns(w, rank):
    """You kept some columns of w and found the best v for them. That is not the best matrix of this rank; the singular
    vectors span it: torch.linalg.svd."""
    u = w[:, :rank].clone()
    return u, torch.linalg.lstsq(u, w).solution
