"""A matrix as compressed sparse rows."""

from __future__ import annotations

import numpy as np
import torch

from autograder.exercise import Case
from autograder.exercises.declare import Asks, hidden, mistake, right, slip, visible
from autograder.exercises.pruning.inputs import EXACT, SPARSE, Cases, kept, t, wide_t
from course_lib import pruning

ASKS = Asks(
    pruning.to_csr,
    signature="to_csr(w (out, in)) -> (values (k,), columns (k,) int64, row_pointers (out + 1,) int64)",
    points={"basics": 1, "corners": 1},
    forbids=SPARSE,
    hints=(
        "In which order does nonzero() find the entries? And how many of them come before row i?",
        "Values and columns are listed row by row. The rows themselves are not listed: a running total of the "
        "entries per row, with a 0 in front, says where each one begins and ends.",
        "`rows, columns = w.nonzero(as_tuple=True)`, values `w[rows, columns]`. In `len(w) + 1` zeros of int64 the "
        "pointers from place 1 on are `torch.bincount(rows, minlength=len(w)).cumsum(0)`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Cases:
    """By hand, then with empty rows."""
    w = torch.tensor([[0.0, 5.0, 0.0, -2.0], [0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]], dtype=torch.float64)
    yield Case("three rows", (w,))
    yield Case("a sparse matrix", (kept(rng, 0.6, 4, 6),))
    yield Case("a last row without a number", (torch.cat([kept(rng, 0.5, 3, 4), torch.zeros(1, 4)]),), group="corners")
    yield Case("nothing but zeros", (torch.zeros(2, 3, dtype=torch.float64),), group="corners")


@hidden
def hidden_cases(rng: np.random.Generator) -> Cases:
    """Other shapes and layouts."""
    yield Case("a tall matrix", (kept(rng, 0.8, 20, 3),))
    yield Case("single precision", (kept(rng, 0.5, 5, 9, dtype=torch.float32),))
    yield Case("no zero", (t(rng, 3, 4),), group="corners")
    yield Case("one column", (kept(rng, 0.5, 7, 1),), group="corners")
    yield Case("a view", (kept(rng, 0.5, 8, 6).T[::2],), group="corners")
    yield Case("one row", (kept(rng, 0.5, 1, 7),), group="corners")
    yield Case("numbers of all magnitudes", (wide_t(rng, 3, 4) * kept(rng, 0.4, 3, 4).sign(),), tolerance=EXACT)
    first = torch.cat([torch.zeros(2, 5, dtype=torch.float64), kept(rng, 0.3, 2, 5)])
    yield Case("first rows without a number", (first,), group="corners")


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(w):
    values, columns, pointers = [], [], [0]
    for row in w:
        for j in range(len(row)):
            if row[j] != 0:
                values.append(row[j])
                columns.append(j)
        pointers.append(len(columns))
    values = torch.stack(values) if values else w.new_zeros(0)
    return values, torch.tensor(columns, dtype=torch.int64), torch.tensor(pointers)


@right("other formula")
def other_formula(w):
    rows, columns = torch.where(w != 0)
    return w[w != 0], columns, torch.searchsorted(rows, torch.arange(w.shape[0] + 1))


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def csr_by_columns(w):
    """The numbers come column by column. That is CSC; compressed sparse *rows* goes row by row."""
    columns, rows = w.T.nonzero(as_tuple=True)
    counts = torch.bincount(columns, minlength=w.shape[1])
    return w[rows, columns], rows, torch.cat([torch.zeros(1, dtype=torch.int64), counts.cumsum(0)])


@mistake
def csr_counts(w):
    """The third tensor counts the numbers of each row. Add the counts up from the left, beginning with a 0, so that it
    says where each row begins and ends."""
    rows, columns = w.nonzero(as_tuple=True)
    return w[rows, columns], columns, torch.bincount(rows, minlength=w.shape[0])


@mistake
def csr_without_first_zero(w):
    """The row pointers lack the 0 in front. There are out + 1 of them: row i goes from pointer i to pointer i + 1."""
    rows, columns = w.nonzero(as_tuple=True)
    return w[rows, columns], columns, torch.bincount(rows, minlength=w.shape[0]).cumsum(0)


@mistake
def csr_is_coo(w):
    """The third tensor holds the row of every number. That is the COO format; CSR stores only where each row begins:
    out + 1 pointers, however many numbers there are."""
    rows, columns = w.nonzero(as_tuple=True)
    return w[rows, columns], columns, rows


@mistake
def csr_flat_places(w):
    """The columns are counted through the whole matrix. They start again at 0 in every row: index modulo the row's
    length."""
    rows, columns = w.nonzero(as_tuple=True)
    pointers = torch.bincount(rows, minlength=w.shape[0]).cumsum(0)
    return w[rows, columns], rows * w.shape[1] + columns, torch.cat([torch.zeros(1, dtype=torch.int64), pointers])


csr_positive = slip(
    csr_flat_places,
    ("w.nonzero", "(w > 0).nonzero"),
    ("rows * w.shape[1] + columns", "columns"),
    says="Negative numbers are missing. Store whatever is not 0: w != 0, not w > 0.",
)
