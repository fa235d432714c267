"""The edges of an adjacency matrix."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from autograder.exercise import Case
from autograder.exercises.awkward import wide
from autograder.exercises.declare import Asks, hidden, mistake, right, right_text, visible
from autograder.exercises.gnn.inputs import DOUBLE, PYG_MESSAGES, Rng, features
from course_lib import gnn

ASKS = Asks(
    gnn.to_edge_index,
    signature="to_edge_index(adjacency (n, n)) -> (2, E) int64, sources above targets",
    points={"basics": 1, "corners": 1},
    forbids=PYG_MESSAGES,
    hints=(
        "Which shape has the result of nonzero() for a matrix with E entries that are not 0? And which shape is "
        "asked for?",
        "The places of the entries that are not 0, read row by row, are the edges, already sorted by source. They "
        "only have to be turned from a list of pairs into two rows.",
        "`adjacency.nonzero()` is (E, 2), with the row number first. `.T` makes (2, E) of it. No test for `== 1` "
        "and no triangle: both lose edges.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """Adjacency matrices."""
    yield Case("three nodes", (torch.tensor([[0, 1, 0], [0, 0, 0], [1, 1, 0]]),))
    yield Case("a loop, and a node without edges", (torch.tensor([[1, 0, 0], [0, 0, 0], [1, 0, 0]]),))
    weighted = torch.tensor([[0.0, 0.5, 0.0, -1.0], [2.0, 0.0, 0.0, 0.0], [0.0, 0.0, 3.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    yield Case("weights: whatever is not zero is an edge", (weighted,), group="corners")
    yield Case("true and false", (torch.from_numpy(rng.random((5, 5)) < 0.3),), group="corners")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """Larger and odder ones."""
    matrix = torch.from_numpy((rng.random((9, 9)) < 0.25) * rng.integers(1, 4, (9, 9)))
    yield Case("nine nodes", (matrix,))
    yield Case("thirty nodes", (torch.from_numpy((rng.random((30, 30)) < 0.1).astype(np.int64)),))
    yield Case("a transposed view", (matrix.T,), group="corners")
    yield Case("every second node", (matrix[::2, ::2],), group="corners")
    yield Case("no edges", (torch.zeros(4, 4),), group="corners")
    yield Case("one node with a loop", (torch.ones(1, 1),), group="corners")
    sparse = features(rng, 7, 7, dtype=DOUBLE) * torch.from_numpy(rng.random((7, 7)) < 0.3)
    yield Case("float64 weights of both signs", (sparse * 1e-3,), group="corners")
    spread = wide(rng, 6, 6, smallest=1e-300, largest=1e300) * (rng.random((6, 6)) < 0.4)
    yield Case("weights of all magnitudes", (torch.from_numpy(spread),), group="corners")


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(adjacency):
    n = len(adjacency)
    pairs = []
    for i in range(n):
        for j in range(n):
            if adjacency[i, j] != 0:
                pairs.append((i, j))
    return torch.tensor(pairs, dtype=torch.long).reshape(-1, 2).T


other_formula = right_text(
    "other formula",
    """
to_edge_index = lambda matrix: torch.stack(torch.where(matrix.bool()))
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def edges_reversed(adjacency):
    """Your edges run backwards: the columns are above the rows. Entry (i, j) is the edge i -> j, so i is the source and
    belongs in row 0."""
    return adjacency.nonzero().T.flip(0)


@mistake
def edges_as_pairs(adjacency):
    """These are the right edges as a list of pairs, (E, 2). edge_index has two rows, sources above targets: transpose
    it with .T."""
    return adjacency.nonzero()


@mistake
def edges_upper_triangle(adjacency):
    """You kept one direction of each pair, as if i -> j and j -> i were one edge. Here they are two, and the matrix
    need not be symmetric: read all of it."""
    return torch.triu(adjacency).nonzero().T


@mistake
def edges_equal_to_one(adjacency):
    """Only entries equal to 1 became edges. Weights such as 0.5, 2 or -1 are edges too: every entry that is not 0
    counts."""
    return (adjacency == 1).nonzero().T


@mistake
def edges_by_target(adjacency):
    """The edges are right, their order is not: they are sorted by target. Sort by source first, as nonzero() finds
    them row by row."""
    return adjacency.T.nonzero().T.flip(0)


@mistake
def edges_without_loops(adjacency):
    """The loops are gone. A non-zero entry on the diagonal is an edge of a node to itself, and it stays in the
    list."""
    found = adjacency.nonzero().T
    return found[:, found[0] != found[1]]
