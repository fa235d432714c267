"""A matrix product on an output-stationary array of n x m cells, cycle by cycle."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from autograder.exercise import Case
from autograder.exercises.acceleration.inputs import Rng, randn
from autograder.exercises.awkward import magnitudes
from autograder.exercises.declare import Asks, hidden, mistake, right, visible
from course_lib import acceleration

ASKS = Asks(
    acceleration.systolic_matmul,
    signature="systolic_matmul(A (n, k), B (k, m)) -> (C (n, m), cycles)",
    points={"basics": 1, "shapes": 1},
    hints=(
        "In which cycle does cell (i, j) get its first pair of numbers? Which cell is the last to finish?",
        "Row i of A and column j of B are delayed, so cell (i, j) starts i + j cycles late and then works for k "
        "cycles. The product is the ordinary one; the far corner decides when all is done.",
        "The first multiply-add is in cycle 0, the last in cycle `(n - 1) + (m - 1) + (k - 1)`. Count both ends, "
        "and return that beside `A @ B`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    A, B = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[5.0, 6.0], [7.0, 8.0]])
    yield Case("two by two", (A, B))
    yield Case("one row, one column", (randn(rng, 1, 4), randn(rng, 4, 1)), group="shapes")
    yield Case("three sizes", (randn(rng, 2, 3), randn(rng, 3, 5)), group="shapes")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    yield Case("a square", (randn(rng, 4, 4), randn(rng, 4, 4)))
    n, k, m = (int(each) for each in rng.permutation([3, 6, 8]))
    yield Case("float32", (randn(rng, n, k, dtype=torch.float32), randn(rng, k, m, dtype=torch.float32)))
    yield from magnitudes(lambda scale: (scale * randn(rng, 2, 3), randn(rng, 3, 4)), scales=(1e-14, 1e10))
    yield Case("one number", (randn(rng, 1, 1), randn(rng, 1, 1)), group="shapes")
    yield Case("inner size 1", (randn(rng, 5, 1), randn(rng, 1, 3)), group="shapes")
    yield Case("transposed factors", (randn(rng, k, n).T, randn(rng, m, k).T), group="shapes")


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(A, B):
    n, k, m = A.size(0), A.size(1), B.size(1)
    cells = {(i, j): [] for i in range(n) for j in range(m)}
    first = last = None
    for cycle in range(n + m + k):
        for (i, j), products in cells.items():
            if len(products) < k and cycle >= i + j:
                products.append(A[i, len(products)] * B[len(products), j])
                first = cycle if first is None else first
                last = cycle
    C = torch.stack([torch.stack([torch.stack(cells[i, j]).sum() for j in range(m)]) for i in range(n)])
    return C, last - first + 1


@right("other formula")
def other_formula(A, B):
    return torch.einsum("ns,sm->nm", A, B), sum(A.shape) + B.shape[1] - 2


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def one_cycle_more(A, B):
    """The product is right, but the count is one too many. The first multiply-add is in cycle 0 and the last in cycle
    (n-1) + (m-1) + (k-1): from first to last, both included, that is n + m + k - 2."""
    return A @ B, A.shape[0] + B.shape[1] + A.shape[1] - 1


@mistake
def cycles_until_empty(A, B):
    """The product is right, but n + m + k also counts cycles before the first or after the last multiply-add."""
    return A @ B, A.shape[0] + B.shape[1] + A.shape[1]


@mistake
def cycles_of_one_cell(A, B):
    """One cell works for k cycles. The cells do not start together: the one in the far corner gets its first numbers
    (n-1) + (m-1) cycles later."""
    return A @ B, A.shape[1]


@mistake
def one_multiplier(A, B):
    """A single multiplier takes n m k cycles. Here there are n x m cells, and all of them work at once."""
    return A @ B, A.shape[0] * B.shape[1] * A.shape[1]


@mistake
def skewed_on_one_side(A, B):
    """Here only the rows of A are delayed. The columns of B are delayed as well, column j by j cycles, so that the
    right pairs meet: the last cell finishes m - 1 cycles later than this."""
    return A @ B, A.shape[0] + A.shape[1] - 1
