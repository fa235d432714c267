"""Graph convolution: the neighbours' features and the node's own, weighted by degree, through one linear map."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, slip, visible
from autograder.exercises.gnn.inputs import (
    PYG_MESSAGES,
    RENUMBERED,
    SINGLE_NORM,
    TINY,
    Rng,
    X,
    layer_equivariant,
    layer_hidden,
    layer_visible,
)
from course_lib import gnn

ASKS = Asks(
    gnn.gcn_layer,
    signature="gcn_layer(x (n, F), edge_index (2, E), W (F', F), b (F',)) -> (n, F')",
    points={"basics": 3, "gradients": 1},
    forbids=PYG_MESSAGES,
    tolerance=SINGLE_NORM,
    hints=(
        "How often should b be added to a node that hears three messages? That tells you where it belongs.",
        "Send all nodes through W. Take edges and weights from gcn_norm, multiply each message by the weight of its "
        "edge, and sum at the targets. The bias comes after the sum.",
        "`looped, weight = gcn_norm(edge_index, len(x))`. Pass `x @ W.T`, `looped`, a message that returns "
        '`weight[:, None] * x_j`, and `"sum"` to `message_passing`. Add `b` to the result.',
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """GCN layers."""
    tiny = (X, TINY, torch.tensor([[1.0, 2.0], [-1.0, 1.0], [3.0, 0.0]]), torch.tensor([10.0, 20.0, 30.0]))
    yield from layer_visible(rng, 1, tiny)


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """Larger GCN layers."""
    yield from layer_hidden(rng, 1)


# --- properties ----------------------------------------------------------------------------------------------


@holds(RENUMBERED, group="basics")
def gcn_equivariant(call: Probe, rng: Rng) -> str | None:
    """Renumbering the nodes renumbers the answer."""
    return layer_equivariant(call, rng, 1)


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(x, edge_index, W, b):
    n = x.shape[0]
    hears = [[i] for i in range(n)]
    for j, i in edge_index.T.tolist():
        if i != j:
            hears[i].append(j)
    rows = []
    for i in range(n):
        total = 0
        for j in hears[i]:
            total = total + W @ x[j] / (len(hears[i]) * len(hears[j])) ** 0.5
        rows.append(total + b)
    return torch.stack(rows)


@right("other formula")
def other_formula(x, edge_index, W, b):
    n = x.shape[0]
    A = torch.zeros(n, n, dtype=x.dtype).index_put((edge_index[1], edge_index[0]), torch.ones((), dtype=x.dtype), True)
    A.fill_diagonal_(1)
    D = torch.diag(A.sum(dim=1).pow(-0.5))
    return torch.linalg.multi_dot([D, A, D, x, W.t()]) + b


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(x, edge_index, W, b):
    n = len(x)
    nodes = torch.arange(n, device=x.device)
    keep = edge_index[0] != edge_index[1]
    source, target = torch.cat([edge_index[:, keep], torch.stack([nodes, nodes])], dim=1)
    scale = torch.bincount(target, minlength=n).to(x.dtype) ** -0.5
    h = (scale[target] * scale[source])[:, None] * (x @ W.T)[source]
    return torch.zeros(n, len(W), dtype=x.dtype, device=x.device).index_add(0, target, h) + b


gcn_backwards = slip(
    answer,
    "source, target",
    "target, source",
    says="Your messages run against the edges. Row 0 of edge_index speaks, row 1 listens: take the features at "
    "the source and scatter by the target.",
)


@mistake
def gcn_plain_sum(x, edge_index, W, b):
    """The features were summed without weights, so nodes with many neighbours shout. Multiply every message by its
    weight from gcn_norm."""
    n = len(x)
    nodes = torch.arange(n, device=x.device)
    keep = edge_index[0] != edge_index[1]
    source, target = torch.cat([edge_index[:, keep], torch.stack([nodes, nodes])], dim=1)
    return torch.zeros(n, len(W), dtype=x.dtype, device=x.device).index_add(0, target, (x @ W.T)[source]) + b


@mistake
def gcn_plain_mean(x, edge_index, W, b):
    """This is the mean over the neighbours: each message was divided by the target's degree alone. The weight of
    gcn_norm is 1 / sqrt(d_i d_j)."""
    n = len(x)
    nodes = torch.arange(n, device=x.device)
    keep = edge_index[0] != edge_index[1]
    source, target = torch.cat([edge_index[:, keep], torch.stack([nodes, nodes])], dim=1)
    count = torch.bincount(target, minlength=n)[:, None]
    total = torch.zeros(n, len(W), dtype=x.dtype, device=x.device).index_add(0, target, (x @ W.T)[source])
    return total / count + b


@mistake
def gcn_without_loops(x, edge_index, W, b):
    """The nodes did not hear themselves: use the edges that gcn_norm returns, with the loops, not the ones you were
    given."""
    n = len(x)
    source, target = edge_index[:, edge_index[0] != edge_index[1]]
    scale = torch.bincount(target, minlength=n).clamp(min=1).to(x.dtype) ** -0.5
    h = (scale[target] * scale[source])[:, None] * (x @ W.T)[source]
    return torch.zeros(n, len(W), dtype=x.dtype, device=x.device).index_add(0, target, h) + b


gcn_bias_in_messages = slip(
    answer,
    ("x @ W.T", "x @ W.T + b"),
    (
        "torch.zeros(n, len(W), dtype=x.dtype, device=x.device).index_add(0, target, h) + b",
        "torch.zeros(n, len(W), dtype=x.dtype, device=x.device).index_add(0, target, h)",
    ),
    says="The bias travelled with the messages, so it arrived once per neighbour, and weighted. Add b once, after the "
    "messages are summed.",
)


gcn_without_bias = slip(
    answer,
    "torch.zeros(n, len(W), dtype=x.dtype, device=x.device).index_add(0, target, h) + b",
    "torch.zeros(n, len(W), dtype=x.dtype, device=x.device).index_add(0, target, h)",
    says="The bias is missing. Add b at the end, once per node, isolated nodes included.",
)


gcn_with_relu = slip(
    answer,
    "torch.zeros(n, len(W), dtype=x.dtype, device=x.device).index_add(0, target, h) + b",
    "torch.relu(torch.zeros(n, len(W), dtype=x.dtype, device=x.device).index_add(0, target, h) + b)",
    says="The negative numbers became 0: a ReLU is already inside. The layer stops before the activation, so that "
    "the last one can give logits.",
)
