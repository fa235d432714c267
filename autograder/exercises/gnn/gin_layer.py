"""Graph isomorphism network: the neighbours' sum plus (1 + eps) times the node's own features, through an MLP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import EXTREMES, RELATIVE
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, visible
from autograder.exercises.gnn import observers
from autograder.exercises.gnn.inputs import DOUBLE, PYG_MESSAGES, RENUMBERED, TINY, Rng, X, edges, features, permuted
from course_lib import gnn

ASKS = Asks(
    gnn.gin_layer,
    signature="gin_layer(x (n, F), edge_index (2, E), mlp((n, F)) -> (n, F'), eps) -> (n, F')",
    points={"basics": 2, "gradients": 1},
    forbids=PYG_MESSAGES,
    hints=(
        "How often is the mlp called: for each edge, for each neighbour, or once for all nodes?",
        "Sum what the neighbours send, add the node's own features times 1 + eps, and send this total through the "
        "mlp. A sum, unlike a mean, can count.",
        'The neighbours\' part is `message_passing(x, edge_index, lambda x_i, x_j: x_j, "sum")`. Add `(1 + eps) * '
        "x`, then call `mlp` on the total.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def square(h: Tensor) -> Tensor:
    """An mlp that is not a linear map."""
    return h**2


def _gin(rng: Rng, n: int, count: int, inputs: int, outputs: int, eps: float, dtype: Any = torch.float32) -> list[Any]:
    x = features(rng, n, inputs, dtype=dtype)
    weights = features(rng, outputs, inputs, dtype=dtype) / 2, features(rng, outputs, dtype=dtype)
    return [x, edges(rng, n, count), *weights, eps]


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """Layers with a given mlp."""
    yield Case("the small graph, squared", (X, TINY, square, 0.0))
    yield Case("eps = 0.5", (X, TINY, square, 0.5))
    yield Case("a square weight", tuple(_gin(rng, 7, 9, 3, 3, 0.2)), through=observers.gin)
    yield Case("three features to five", tuple(_gin(rng, 8, 12, 3, 5, -0.3, DOUBLE)), through=observers.gin)
    numbers = _gin(rng, 7, 9, 3, 2, 0.4, DOUBLE)
    yield Case(
        "gradients", (features(rng, 7, 2, dtype=DOUBLE), numbers), group="gradients", through=observers.gin_gradients
    )


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """Larger layers."""
    yield Case("twenty nodes", tuple(_gin(rng, 20, 60, 6, 4, 0.1)), through=observers.gin)
    yield Case("eps = -1: the node forgets itself", tuple(_gin(rng, 9, 14, 2, 3, -1.0)), through=observers.gin)
    yield Case("one feature", (features(rng, 12, 1), edges(rng, 12, 20), square, 2.0))
    wide = features(rng, 10, 6, dtype=DOUBLE)
    yield Case("every second feature", (wide[:, ::2], edges(rng, 10, 15).T.contiguous().T, square, 0.7))
    yield Case("no edges", (wide[:3], torch.empty(2, 0, dtype=torch.int64), square, 0.5))
    yield Case("one node that hears itself", (wide[:1], torch.zeros(2, 1, dtype=torch.int64), square, 0.5))
    for scale in EXTREMES:
        x = scale * features(rng, 9, 2, dtype=DOUBLE)
        yield Case(f"numbers around {scale:g}", (x, edges(rng, 9, 12), square, 0.4), tolerance=RELATIVE)
    numbers = _gin(rng, 11, 20, 4, 6, 1.5, DOUBLE)
    yield Case(
        "gradients of a wider layer",
        (features(rng, 11, 6, dtype=DOUBLE), numbers),
        group="gradients",
        through=observers.gin_gradients,
    )


# --- properties ----------------------------------------------------------------------------------------------


@holds(RENUMBERED, group="basics")
def gin_equivariant(call: Probe, rng: Rng) -> str | None:
    """Renumbering the nodes renumbers the answer."""
    graph = edges(rng, 9, 14)
    x = features(rng, 9, 3, dtype=DOUBLE)
    order, renumbered = permuted(rng, graph, 9)
    if not torch.allclose(call(x[order], renumbered, square, 0.3), call(x, graph, square, 0.3)[order], atol=1e-5):
        return "when the nodes are renumbered, their answers change: an answer may not depend on a node's number"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(x, edge_index, mlp, eps):
    h = [(1 + eps) * row for row in x]
    for source, target in zip(*edge_index.tolist()):
        h[target] = h[target] + x[source]
    return mlp(torch.stack(h))


@right("other formula")
def other_formula(x, edge_index, mlp, eps):
    ones = torch.ones(edge_index.shape[1], dtype=x.dtype)
    M = torch.sparse_coo_tensor(edge_index.flip(0), ones, (len(x), len(x))).to_dense()
    return mlp((M + (1 + eps) * torch.eye(len(x), dtype=x.dtype)) @ x)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def gin_backwards(x, edge_index, mlp, eps):
    """Your messages run against the edges. Row 0 of edge_index speaks, row 1 listens: sum the sources of the edges
    that enter a node."""
    target, source = edge_index
    return mlp((1 + eps) * x + torch.zeros_like(x).index_add(0, target, x[source]))


@mistake
def gin_without_eps(x, edge_index, mlp, eps):
    """eps has no effect: this is x plus the sum. The node's own features count (1 + eps) times."""
    source, target = edge_index
    return mlp(x + torch.zeros_like(x).index_add(0, target, x[source]))


@mistake
def gin_eps_alone(x, edge_index, mlp, eps):
    """The node's own features were multiplied by eps, so at eps = 0 the node forgets itself. The factor is 1 + eps."""
    source, target = edge_index
    return mlp(eps * x + torch.zeros_like(x).index_add(0, target, x[source]))


@mistake
def gin_means(x, edge_index, mlp, eps):
    """The neighbours were averaged. GIN sums them: only a sum can tell two equal neighbours from one."""
    source, target = edge_index
    count = torch.bincount(target, minlength=len(x)).clamp(min=1)[:, None]
    return mlp((1 + eps) * x + torch.zeros_like(x).index_add(0, target, x[source]) / count)


@mistake
def gin_mlp_first(x, edge_index, mlp, eps):
    """Every node went through the mlp before the sum. Sum first, (1 + eps) x + the neighbours, and send the result
    through the mlp once."""
    source, target = edge_index
    h = mlp(x)
    return (1 + eps) * h + torch.zeros_like(h).index_add(0, target, h[source])


@mistake
def gin_hears_itself(x, edge_index, mlp, eps):
    """Loops were added, so the node's own features arrived once more. The 1 in (1 + eps) already is that loop: sum over
    the given edges alone."""
    nodes = torch.arange(len(x), device=x.device)
    missing = nodes[~torch.isin(nodes, edge_index[0][edge_index[0] == edge_index[1]])]
    source, target = torch.cat([edge_index, torch.stack([missing, missing])], dim=1)
    return mlp((1 + eps) * x + torch.zeros_like(x).index_add(0, target, x[source]))


@mistake
def gin_without_mlp(x, edge_index, mlp, eps):
    """The sum is right, but it never went through the mlp. Return mlp(...) of it."""
    source, target = edge_index
    return (1 + eps) * x + torch.zeros_like(x).index_add(0, target, x[source])
