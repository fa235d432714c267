"""Lets weights share a few values: k-means in one dimension (Han, Mao, Dally, 2016)."""

from __future__ import annotations

import numpy as np
import torch

from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes, twice
from autograder.exercises.declare import Asks, hidden, right, slip, visible
from autograder.exercises.pruning.inputs import Cases, t
from course_lib import pruning

ASKS = Asks(
    pruning.kmeans_share,
    signature="kmeans_share(w (...), clusters, iterations) -> (codebook (clusters,), codes (...) int64)",
    points={"basics": 2, "corners": 1},
    hints=(
        "What becomes of a value that no weight has chosen? And do your codes belong to the last values or to those "
        "before?",
        "Start evenly from the least to the largest weight. In each iteration every weight chooses the nearest "
        "value, and every chosen value moves to the mean of its weights. At the end choose once more.",
        "`codes = (w[..., None] - codebook).abs().argmin(-1)`, then `codebook[k] = w[codes == k].mean()` for `k` in "
        "`codes.unique()`. Start: `w.min() + (w.max() - w.min()) * torch.linspace(0, 1, clusters, dtype=w.dtype)`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Cases:
    """By hand, then matrices; an empty cluster."""
    hand = torch.tensor([0.0, 1.0, 2.0, 8.0, 10.0], dtype=torch.float64)
    yield Case("five weights, two values", (hand, 2, 1))
    yield Case("a matrix", (t(rng, 4, 6), 3, 2))
    yield Case("a matrix, more values", (t(rng, 6, 8), 6, 3))
    yield Case("no iteration", (t(rng, 3, 5), 4, 0), group="corners")
    empty = torch.tensor([[1.0, 1.5], [9.0, 10.0]], dtype=torch.float64)
    yield Case("a value that nobody chooses", (empty, 3, 2), group="corners")


@hidden
def hidden_cases(rng: np.random.Generator) -> Cases:
    """Other sizes and layouts."""
    yield Case("many iterations", (t(rng, 10, 7), 4, 12))
    yield Case("kernels", (t(rng, 3, 2, 3, 3), 5, 2))
    yield Case("a view", (t(rng, 6, 10).T[::2], 4, 2))
    yield Case("single precision", (t(rng, 5, 7, dtype=torch.float32), 4, 3))
    yield Case("a row", (t(rng, 1, 9), 3, 2))
    yield Case("a column", (t(rng, 9, 1), 3, 2))
    yield from twice(lambda: (t(rng, 4, 5), 3, 2))
    yield from magnitudes(lambda scale: (scale * t(rng, 4, 5), 3, 2))
    yield Case("two values, no iteration", (t(rng, 3, 5), 2, 0), group="corners")
    alone = torch.tensor([0.0, 0.5, 6.0, 9.5, 10.0], dtype=torch.float64)
    yield Case("a value that one weight chooses", (alone, 3, 1), group="corners")
    yield Case("one value", (t(rng, 3, 4), 1, 2), group="corners")
    gap = torch.cat([t(rng, 6) * 0.1 - 5, t(rng, 6) * 0.1 + 5])
    yield Case("several values that nobody chooses", (gap, 7, 3), group="corners")


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(w, clusters, iterations):
    flat = w.reshape(-1).tolist()
    low, high = min(flat), max(flat)
    book = [low + (high - low) * k / max(1, clusters - 1) for k in range(clusters)]

    def choose():
        return [min(range(clusters), key=lambda k: abs(value - book[k])) for value in flat]

    for _ in range(iterations):
        codes = choose()
        for k in range(clusters):
            mine = [value for value, code in zip(flat, codes) if code == k]
            if mine:
                book[k] = sum(mine) / len(mine)
    return torch.tensor(book, dtype=w.dtype), torch.tensor(choose()).reshape(w.shape)


@right("other formula")
def other_formula(w, clusters, iterations):
    flat = w.flatten()
    book = torch.linspace(float(flat.min()), float(flat.max()), clusters, dtype=w.dtype)

    def nearest(book):
        return torch.searchsorted(((book[1:] + book[:-1]) / 2).contiguous(), flat.contiguous())

    for _ in range(iterations):
        member = torch.nn.functional.one_hot(nearest(book), clusters).to(w.dtype)
        count = member.sum(0)
        book = torch.where(count > 0, (member.T @ flat) / count.clamp(min=1), book)
    return book, nearest(book).reshape(w.shape)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(w, clusters, iterations):
    flat = w.flatten()
    codebook = flat.min() + (flat.max() - flat.min()) * torch.linspace(0, 1, clusters, dtype=w.dtype)
    for _ in range(iterations):
        codes = (flat[:, None] - codebook).abs().argmin(dim=1)
        for k in range(clusters):
            if (codes == k).any():
                codebook[k] = flat[codes == k].mean()
    return codebook, (flat[:, None] - codebook).abs().argmin(dim=1).reshape(w.shape)


share_from_quantiles = slip(
    answer,
    "flat.min() + (flat.max() - flat.min()) * torch.linspace(0, 1, clusters, dtype=w.dtype)",
    "torch.quantile(flat, torch.linspace(0, 1, clusters, dtype=w.dtype))",
    says="You began with quantiles of the weights. Begin with values that are spread evenly between the smallest "
    "and the largest weight: large weights are few, and still need a value near them.",
)


share_stale_codes = slip(
    answer,
    (
        "for _ in range(iterations):",
        "codes = (flat[:, None] - codebook).abs().argmin(dim=1)\nfor _ in range(iterations):",
    ),
    ("(flat[:, None] - codebook).abs().argmin(dim=1).reshape", "codes.reshape"),
    says="The codes were chosen before the values moved for the last time. Choose once more at the end: each "
    "weight takes the nearest value of the final codebook.",
)


share_empty_is_zero = slip(
    answer,
    "if (codes == k).any():\n    codebook[k] = flat[codes == k].mean()",
    "codebook[k] = flat[codes == k].sum() / max(1, int((codes == k).sum()))",
    says="A value that nobody chose went to 0. It stays where it is: change only values that some weight chose.",
)


share_empty_is_nan = slip(
    answer,
    "if (codes == k).any():\n    codebook[k] = flat[codes == k].mean()",
    "codebook[k] = flat[codes == k].mean()",
    says="A value that nobody chose became nan: it is the mean of no weight at all. It stays where it is.",
)


share_median = slip(
    answer,
    "flat[codes == k].mean",
    "flat[codes == k].median",
    says="Your values moved to the median of their weights. k-means takes the mean, which makes the squared error "
    "smallest.",
)


share_values = slip(
    answer,
    "(flat[:, None] - codebook).abs().argmin(dim=1).reshape",
    "codebook[(flat[:, None] - codebook).abs().argmin(dim=1)].reshape",
    says="The second tensor holds the shared values. The exercise asks for codes: for each weight the *number* of its "
    "value in the codebook. Only that shrinks a weight to a few bits.",
)


share_flat_codes = slip(
    answer,
    "(flat[:, None] - codebook).abs().argmin(dim=1).reshape(w.shape)",
    "(flat[:, None] - codebook).abs().argmin(dim=1)",
    says="The codes are right, but flat. They need the shape of w: codes.reshape(w.shape).",
)
