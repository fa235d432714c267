"""How much neighbours differ: half the sum over all edges of `|x_i - x_j|^2`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from autograder.calls import Probe
from autograder.exercise import Case, Tolerance
from autograder.exercises.awkward import EXTREMES, magnitudes
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, visible
from autograder.exercises.gnn.inputs import DOUBLE, TINY, Rng, X, edges, features
from course_lib import gnn

ASKS = Asks(
    gnn.dirichlet_energy,
    signature="dirichlet_energy(x (n, F), edge_index (2, E)) -> float",
    points={"basics": 1},
    hints=(
        "Does it matter which end of an edge comes first? And what does a loop add?",
        "Take the difference of the two ends for each column of edge_index, square all its features, and add up "
        "everything. Half of that is the energy.",
        "`x[source] - x[target]`, squared and summed with `.sum()`, times `0.5`, as a `float`. Columns that occur "
        "twice count twice.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """Energies of small graphs."""
    yield Case("one number per node", (torch.tensor([[1.0], [3.0], [6.0], [6.0], [9.0]]), TINY))
    yield Case("two numbers per node", (X, TINY))
    yield Case("a graph of eight", (features(rng, 8, 3, dtype=DOUBLE), edges(rng, 8, 12)))


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """Larger graphs, no edges, equal rows."""
    graph = edges(rng, 20, 60, loops=5, repeats=8)
    yield Case("twenty nodes", (features(rng, 20, 6), graph))
    yield Case("every second feature", (features(rng, 20, 6, dtype=DOUBLE)[:, ::2], graph.T.contiguous().T))
    yield Case("all alike", (torch.ones(20, 3), graph))
    yield Case("no edges", (features(rng, 4, 2), torch.empty(2, 0, dtype=torch.int64)))
    yield Case("every friendship twice", (features(rng, 20, 2), torch.cat([graph, graph.flip(0)], dim=1)))
    fine = Tolerance(relative=1e-10, absolute=0.0)
    yield from magnitudes(
        lambda scale: (scale * features(rng, 9, 2, dtype=DOUBLE), edges(rng, 9, 12)), scales=EXTREMES, tolerance=fine
    )


# --- properties ----------------------------------------------------------------------------------------------


@holds("only squared differences count", group="basics")
def dirichlet_shift(call: Probe, rng: Rng) -> str | None:
    """The energy is blind to a constant and grows with the square."""
    x, graph = features(rng, 9, 3, dtype=DOUBLE), edges(rng, 9, 14)
    energy = float(call(x, graph))
    if not np.isclose(float(call(x + 5, graph)), energy):
        return "adding 5 to all features changes the energy: only differences between neighbours count"
    if not np.isclose(float(call(3 * x, graph)), 9 * energy):
        return "three times the features do not give nine times the energy: square the differences"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(x, edge_index):
    total = 0.0
    for j, i in edge_index.T.tolist():
        for f in range(x.shape[1]):
            total += float(x[i, f] - x[j, f]) ** 2
    return total / 2


@right("other formula")
def other_formula(x, edge_index):
    A = torch.zeros(len(x), len(x), dtype=x.dtype)
    A = A.index_put((edge_index[0], edge_index[1]), torch.ones((), dtype=x.dtype), accumulate=True)
    A = (A + A.T) / 2
    return torch.trace(x.T @ (torch.diag(A.sum(1)) - A) @ x)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def energy_without_half(x, edge_index):
    """This is twice the energy: the factor 1/2 is missing. A friendship is in edge_index twice, and the half makes it
    count once."""
    source, target = edge_index
    return float((x[source] - x[target]).square().sum())


@mistake
def energy_of_lengths(x, edge_index):
    """You summed the lengths of the differences. The energy sums their squares: no root."""
    source, target = edge_index
    return 0.5 * float((x[source] - x[target]).norm(dim=1).sum())


@mistake
def energy_mean(x, edge_index):
    """You took the mean over the edges. The energy is their sum, halved."""
    source, target = edge_index
    if len(source) == 0:
        return 0.0
    return 0.5 * float((x[source] - x[target]).square().sum(1).mean())


@mistake
def energy_of_unique_edges(x, edge_index):
    """An edge that occurs twice was counted once. Every column of edge_index is an edge and adds its share."""
    source, target = edge_index.unique(dim=1)
    return 0.5 * float((x[source] - x[target]).square().sum())


@mistake
def energy_of_the_nodes(x, edge_index):
    """These are the squares of the features themselves. The energy is about differences between the two ends of an
    edge."""
    source, target = edge_index
    return 0.5 * float((x[source] * x[target]).sum())
