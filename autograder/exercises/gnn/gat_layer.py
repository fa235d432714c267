"""Graph attention: every node decides, head by head, how much it listens to whom (Velickovic et al., 2018)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from autograder.calls import Probe
from autograder.exercise import Case, Tolerance
from autograder.exercises import observe
from autograder.exercises.awkward import EXTREMES, RELATIVE
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, right_text, slip, visible
from autograder.exercises.gnn.inputs import DOUBLE, PYG_LEARNING, RENUMBERED, TINY, Rng, X, edges, features, permuted
from course_lib import gnn

ASKS = Asks(
    gnn.gat_layer,
    signature=(
        "gat_layer(x (n, D), edge_index (2, E), W (heads*F, D), a_src (heads, F), a_dst (heads, F), "
        "negative_slope=0.2) -> (n, heads*F)"
    ),
    points={"basics": 2, "corners": 1, "gradients": 1},
    forbids=PYG_LEARNING,
    hints=(
        "Over which edges do the shares add up to 1: those that enter a node or those that leave it? And which "
        "vector scores the speaker?",
        "Score each edge per head: a_src at its source plus a_dst at its target, through a LeakyReLU. A softmax "
        "over the edges into each node, shifted by its largest score, gives shares. Sum the sources' features with "
        "them.",
        'From scores `e` of shape (E, heads): `p = torch.exp(e - scatter(e, target, n, "max")[target])`, then `p = '
        'p / scatter(p, target, n, "sum")[target]`. Scatter `p[:, :, None] * h[source]` and `.flatten(1)`.',
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _gat(rng: Rng, n: int, graph: Tensor, inputs: int, heads: int, width: int, dtype: Any = torch.float32) -> list[Any]:
    return [
        features(rng, n, inputs, dtype=dtype),
        graph,
        features(rng, heads * width, inputs, dtype=dtype),
        features(rng, heads, width, dtype=dtype),
        features(rng, heads, width, dtype=dtype),
    ]


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """One head, several, a steep slope, large scores."""
    W = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    yield Case("the small graph", (X, TINY, W, torch.tensor([[1.0, -0.5]]), torch.tensor([[0.5, 1.0]])))
    yield Case("two heads", tuple(_gat(rng, 8, edges(rng, 8, 12), 3, 2, 4)))
    yield Case("three heads of two, steep slope", (*_gat(rng, 9, edges(rng, 9, 14), 4, 3, 2, DOUBLE), 0.7))
    x, graph, W, a_src, a_dst = _gat(rng, 8, edges(rng, 8, 12), 3, 2, 3)
    yield Case("scores of hundreds", (x, graph, W, 300 * a_src, 300 * a_dst), group="corners")
    numbers = _gat(rng, 7, edges(rng, 7, 9), 3, 2, 2, DOUBLE)
    yield Case("gradients", (features(rng, 7, 4, dtype=DOUBLE), numbers), group="gradients", through=observe.gradients)


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """Larger graphs, one of everything, layouts."""
    yield Case("twenty nodes", tuple(_gat(rng, 20, edges(rng, 20, 60, loops=5, repeats=8), 6, 3, 5)))
    yield Case("one feature, one head of one", tuple(_gat(rng, 9, edges(rng, 9, 14), 1, 1, 1, DOUBLE)))
    yield Case("four heads", (*_gat(rng, 10, edges(rng, 10, 16, loops=0), 5, 4, 1), 0.05))
    x, graph, W, a_src, a_dst = _gat(rng, 12, edges(rng, 12, 20), 4, 2, 3, DOUBLE)
    turned = W.T.contiguous().T
    yield Case("not contiguous", (x, graph.T.contiguous().T, turned, a_src.T.contiguous().T, a_dst), group="corners")
    yield Case("no edges", (x[:3], torch.empty(2, 0, dtype=torch.int64), W, a_src, a_dst), group="corners")
    yield Case("huge scores", (x, graph, W, 4000 * a_src, -4000 * a_dst), group="corners")
    for scale in EXTREMES:
        arguments = (scale * x, graph, W, a_src / scale, a_dst / scale)
        yield Case(f"features around {scale:g}", arguments, group="corners", tolerance=RELATIVE)
    fine = Tolerance(relative=1e-10, absolute=1e-12)
    for scale in (1e-4, 1e-7):
        arguments = (x, graph, W, scale * a_src, scale * a_dst)
        yield Case(f"scores around {scale:g}, to many digits", arguments, group="corners", tolerance=fine)
    numbers = _gat(rng, 10, edges(rng, 10, 18), 4, 3, 2, DOUBLE)
    yield Case(
        "gradients of three heads",
        (features(rng, 10, 6, dtype=DOUBLE), numbers),
        group="gradients",
        through=observe.gradients,
    )


# --- properties ----------------------------------------------------------------------------------------------


@holds(RENUMBERED, group="basics")
def gat_equivariant(call: Probe, rng: Rng) -> str | None:
    """Renumbering the nodes renumbers the answer."""
    x, graph, *weights = _gat(rng, 9, edges(rng, 9, 14), 3, 2, 2, DOUBLE)
    order, renumbered = permuted(rng, graph, 9)
    if not torch.allclose(call(x[order], renumbered, *weights), call(x, graph, *weights)[order], atol=1e-6):
        return "when the nodes are renumbered, their answers change: an answer may not depend on a node's number"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


loops = right_text(
    "loops",
    """
import math

def gat_layer(x, edge_index, W, a_src, a_dst, negative_slope=0.2):
    n, heads, width = len(x), len(a_src), a_src.shape[1]
    hears = [[i] for i in range(n)]
    for j, i in edge_index.T.tolist():
        if i != j:
            hears[i].append(j)
    h = (x @ W.T).reshape(n, heads, width)
    rows = []
    for i in range(n):
        parts = []
        for k in range(heads):
            e = torch.stack([(h[j, k] * a_src[k]).sum() + (h[i, k] * a_dst[k]).sum() for j in hears[i]])
            p = torch.softmax(torch.where(e > 0, e, negative_slope * e), dim=0)
            parts.append(sum(p[m] * h[j, k] for m, j in enumerate(hears[i])))
        rows.append(torch.cat(parts))
    return torch.stack(rows)
""",
)


@right("other formula")
def other_formula(x, edges, W, a_src, a_dst, negative_slope=0.2):
    n, (heads, width) = x.size(0), a_src.size()
    count = torch.zeros(n, n, dtype=x.dtype).index_put((edges[1], edges[0]), torch.ones((), dtype=x.dtype), True)
    count.fill_diagonal_(1)
    h = torch.einsum("nd,hfd->hnf", x, W.reshape(heads, width, -1))
    score = torch.einsum("hnf,hf->hn", h, a_dst)[:, :, None] + torch.einsum("hnf,hf->hn", h, a_src)[:, None, :]
    score = torch.nn.functional.leaky_relu(score, negative_slope) + torch.log(count)
    return torch.einsum("hij,hjf->ihf", torch.softmax(score, dim=-1), h).reshape(n, heads * width)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(x, edge_index, W, a_src, a_dst, negative_slope=0.2):
    n, (heads, width) = len(x), a_src.shape
    nodes = torch.arange(n)
    source, target = torch.cat([edge_index[:, edge_index[0] != edge_index[1]], nodes.repeat(2, 1)], dim=1)
    h = (x @ W.T).view(n, heads, width)
    e = torch.nn.functional.leaky_relu((h * a_src).sum(-1)[source] + (h * a_dst).sum(-1)[target], negative_slope)
    place = target[:, None].expand(-1, heads)
    top = torch.zeros(n, heads, dtype=x.dtype).scatter_reduce(0, place, e, "amax", include_self=False)
    p = (e - top[target]).exp()
    p = p / torch.zeros(n, heads, dtype=x.dtype).index_add(0, target, p)[target]
    return torch.zeros(n, heads, width, dtype=x.dtype).index_add(0, target, p[:, :, None] * h[source]).flatten(1)


gat_backwards = slip(
    answer,
    "source, target",
    "target, source",
    says="Your messages run against the edges. Row 0 of edge_index speaks, row 1 listens: the softmax is over the "
    "edges that enter a node, and the sum as well.",
)


gat_softmax_over_senders = slip(
    answer,
    ("target[:, None]", "source[:, None]"),
    ("top[target]", "top[source]"),
    (
        "torch.zeros(n, heads, dtype=x.dtype).index_add(0, target, p)[target]",
        "torch.zeros(n, heads, dtype=x.dtype).index_add(0, source, p)[source]",
    ),
    says="Your shares sum to 1 over the edges that leave a node. A listener divides its attention: they must sum "
    "to 1 over the edges that enter it.",
)


@mistake
def gat_softmax_over_everything(x, edge_index, W, a_src, a_dst, negative_slope=0.2):
    """Your softmax runs over all edges of the graph at once. Every node has a softmax of its own, over the edges that
    enter it."""
    n, (heads, width) = len(x), a_src.shape
    nodes = torch.arange(n)
    source, target = torch.cat([edge_index[:, edge_index[0] != edge_index[1]], nodes.repeat(2, 1)], dim=1)
    h = (x @ W.T).view(n, heads, width)
    e = torch.nn.functional.leaky_relu((h * a_src).sum(-1)[source] + (h * a_dst).sum(-1)[target], negative_slope)
    p = torch.softmax(e, dim=0)
    return torch.zeros(n, heads, width, dtype=x.dtype).index_add(0, target, p[:, :, None] * h[source]).flatten(1)


gat_without_loops = slip(
    answer,
    "nodes = torch.arange(n)\n"
    "source, target = torch.cat([edge_index[:, edge_index[0] != edge_index[1]], nodes.repeat(2, 1)], dim=1)",
    "source, target = edge_index[:, edge_index[0] != edge_index[1]]",
    says="The nodes do not hear themselves: add the missing self loops before the softmax, so that a node's own "
    "features get a share too.",
)


gat_without_leaky_relu = slip(
    answer,
    "torch.nn.functional.leaky_relu((h * a_src).sum(-1)[source] + (h * a_dst).sum(-1)[target], negative_slope)",
    "(h * a_src).sum(-1)[source] + (h * a_dst).sum(-1)[target]",
    says="The scores went into the softmax as they are. The LeakyReLU comes first; without it the target's own "
    "part cancels in the softmax, and everybody listens alike.",
)


gat_swapped_vectors = slip(
    answer,
    "(h * a_src).sum(-1)[source] + (h * a_dst).sum(-1)[target]",
    "(h * a_dst).sum(-1)[source] + (h * a_src).sum(-1)[target]",
    says="a_src and a_dst are swapped: a_src scores the node that speaks, a_dst the one that listens.",
)


gat_overflows = slip(
    answer,
    "place = target[:, None].expand(-1, heads)\n"
    'top = torch.zeros(n, heads, dtype=x.dtype).scatter_reduce(0, place, e, "amax", include_self=False)\n'
    "p = (e - top[target]).exp()",
    "p = e.exp()",
    says="The formula is right, but exp overflows at large scores, and inf / inf is nan. Subtract each node's "
    'largest score first: scatter(..., "max") finds it.',
)


gat_heads_averaged = slip(
    answer,
    "torch.zeros(n, heads, width, dtype=x.dtype).index_add(0, target, p[:, :, None] * h[source]).flatten(1)",
    "torch.zeros(n, heads, width, dtype=x.dtype).index_add(0, target, p[:, :, None] * h[source]).mean(dim=1)",
    says="The heads were averaged, so the result has F columns. They go side by side here: heads * F columns, the "
    "first head first.",
)


gat_fixed_slope = slip(
    answer,
    "torch.nn.functional.leaky_relu((h * a_src).sum(-1)[source] + (h * a_dst).sum(-1)[target], negative_slope)",
    "torch.nn.functional.leaky_relu((h * a_src).sum(-1)[source] + (h * a_dst).sum(-1)[target], 0.2)",
    says="negative_slope has no effect: your LeakyReLU always uses one slope. Pass the argument on.",
)
