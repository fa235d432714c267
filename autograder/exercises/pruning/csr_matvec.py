"""The product of a matrix in compressed sparse rows with a vector; one multiplication per stored value."""

from __future__ import annotations

import numpy as np
import torch

from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes
from autograder.exercises.declare import Asks, hidden, mistake, right, slip, visible
from autograder.exercises.pruning.inputs import SPARSE, Cases, kept, t
from course_lib import pruning

ASKS = Asks(
    pruning.csr_matvec,
    signature="csr_matvec(csr (values, columns, row_pointers), x (in,)) -> (out,)",
    points={"basics": 1, "corners": 1},
    forbids=SPARSE,
    hints=(
        "Which of the stored values belong to row i? And which number of x does each of them meet?",
        "Two neighbouring pointers cut the row's values and columns out. Pick the numbers of x at these columns and "
        "take the dot product. An empty row gives 0.",
        "`part = slice(row_pointers[i], row_pointers[i + 1])`; row `i` is `values[part]` times `x[columns[part]]`, "
        "summed. There are `len(row_pointers) - 1` rows.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _csr(rng: np.random.Generator, share: float, rows: int, columns: int, dtype: torch.dtype = torch.float64) -> Case:
    w, x = kept(rng, share, rows, columns, dtype=dtype), t(rng, columns, dtype=dtype)
    return Case(f"{rows} x {columns}", (pruning.to_csr(w), x))


@visible
def visible_cases(rng: np.random.Generator) -> Cases:
    """By hand, then with empty rows."""
    w = torch.tensor([[0.0, 5.0, 0.0, -2.0], [3.0, 0.0, 0.0, 0.0], [1.0, 0.0, 4.0, 0.0]], dtype=torch.float64)
    yield Case("three rows", (pruning.to_csr(w), torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)))
    yield _csr(rng, 0.4, 4, 4)
    yield _csr(rng, 0.3, 3, 7)
    w = torch.tensor([[0.0, 0.0, 2.0], [0.0, 0.0, 0.0], [1.0, 3.0, 0.0], [0.0, 0.0, 0.0]], dtype=torch.float64)
    yield Case("rows without a number", (pruning.to_csr(w), t(rng, 3)), group="corners")


@hidden
def hidden_cases(rng: np.random.Generator) -> Cases:
    """Other shapes."""
    yield _csr(rng, 0.7, 12, 9)
    yield _csr(rng, 0.5, 6, 5, torch.float32)
    yield Case("one row", (pruning.to_csr(kept(rng, 0.3, 1, 6)), t(rng, 6)), group="corners")
    yield Case("nothing but zeros", (pruning.to_csr(torch.zeros(3, 2, dtype=torch.float64)), t(rng, 2)), {}, "corners")
    yield Case("one column", (pruning.to_csr(kept(rng, 0.3, 5, 1)), t(rng, 1)), group="corners")
    yield from magnitudes(lambda scale: (pruning.to_csr(scale * kept(rng, 0.4, 4, 6)), scale * t(rng, 6)))
    first = torch.cat([torch.zeros(2, 5, dtype=torch.float64), kept(rng, 0.3, 3, 5)])
    yield Case("first rows without a number", (pruning.to_csr(first), t(rng, 5)), group="corners")


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(csr, x):
    values, columns, pointers = csr
    out = x.new_zeros(pointers.shape[0] - 1)
    for i in range(out.shape[0]):
        for j in range(int(pointers[i]), int(pointers[i + 1])):
            out[i] += values[j] * x[columns[j]]
    return out


@right("other formula")
def other_formula(csr, x):
    values, columns, pointers = csr
    sums = torch.cat([x.new_zeros(1), torch.cumsum(values * x.take(columns), 0)])
    return sums[pointers[1:]] - sums[pointers[:-1]]


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(csr, x):
    values, columns, pointers = csr
    out = torch.zeros(len(pointers) - 1, dtype=values.dtype)
    for i in range(len(out)):
        for place, j in enumerate(range(pointers[i], pointers[i + 1])):
            out[i] += values[j] * x[columns[j]]
    return out


matvec_in_order = slip(
    answer,
    ("values, columns, pointers", "values, _, pointers"),
    ("columns[j]", "place"),
    says="Each row was multiplied by the first numbers of x. A stored value belongs to the column that is stored with "
    "it: values[j] * x[columns[j]].",
)


matvec_misses_last = slip(
    answer,
    "for place, j in enumerate(range(pointers[i], pointers[i + 1])):",
    "for j in range(pointers[i], pointers[i + 1] - 1):",
    says="The last number of every row is missing. pointers[i + 1] is where the next row begins, so "
    "range(pointers[i], pointers[i + 1]) has them all.",
)


matvec_overwrites = slip(
    matvec_misses_last,
    ("pointers[i + 1] - 1", "pointers[i + 1]"),
    ("out[i] += values[j] * x[columns[j]]", "out[i] = values[j] * x[columns[j]]"),
    says="Only the last product of each row is left. They add up: use += instead of =.",
)


@mistake
def matvec_skips_empty(csr, x):
    """Empty rows are missing from your result. Their sum is 0, and the result has one number per row: len(pointers) -
    1."""
    values, columns, pointers = csr
    out = []
    for i in range(len(pointers) - 1):
        if pointers[i] < pointers[i + 1]:
            part = slice(pointers[i], pointers[i + 1])
            out.append((values[part] * x[columns[part]]).sum())
    return torch.stack(out) if out else x.new_zeros(0)


@mistake
def matvec_without_x(csr, x):
    """You added up the stored values. Multiply each by the number of x at its column first."""
    values, _, pointers = csr
    out = torch.zeros(len(pointers) - 1, dtype=values.dtype)
    for i in range(len(out)):
        out[i] = values[pointers[i] : pointers[i + 1]].sum()
    return out
