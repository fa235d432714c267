"""A graph convolution as PyG builds its layers: `forward` prepares, `message` says what an edge carries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, right_text, slip, visible
from autograder.exercises.gnn import observers
from autograder.exercises.gnn.inputs import (
    DOUBLE,
    PYG_LEARNING,
    RENUMBERED,
    SINGLE_NORM,
    TINY,
    Rng,
    X,
    edges,
    features,
    permuted,
)
from course_lib import gnn

ASKS = Asks(
    gnn.GCNConv,
    signature="GCNConv(in_channels, out_channels): a MessagePassing; layer(x (n, in), edge_index) -> (n, out)",
    points={"basics": 3, "gradients": 1},
    forbids=PYG_LEARNING,
    tolerance=SINGLE_NORM,
    through=observers.conv,
    hints=(
        "message sees only what propagate was given. What must you give it, so that message can weight the features?",
        "Two parameters and no Linear. forward takes edges and weights from gcn_norm, propagates the transformed "
        "features over them, and adds the bias to the result. message multiplies each row by the weight of its "
        "edge.",
        "`self.propagate(looped, x=x @ self.weight.T, weight=weight)` hands `x_j` and `weight` to `message`, which "
        "returns `weight[:, None] * x_j`. `weight` is a `torch.nn.Parameter` of `torch.empty(out_channels, "
        "in_channels)`, drawn once.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _conv(rng: Rng, n: int, graph: Tensor, inputs: int, outputs: int, dtype: Any = torch.float32) -> list[Any]:
    return [
        features(rng, n, inputs, dtype=dtype),
        graph,
        features(rng, outputs, inputs, dtype=dtype),
        features(rng, outputs, dtype=dtype),
    ]


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """Layers with given weights."""
    W, b = torch.tensor([[1.0, 2.0], [-1.0, 1.0], [3.0, 0.0]]), torch.tensor([10.0, 20.0, 30.0])
    yield Case("the small graph", (X, TINY, W, b))
    yield Case("five features to two", tuple(_conv(rng, 8, edges(rng, 8, 12), 5, 2)))
    yield Case("two to six, float64", tuple(_conv(rng, 9, edges(rng, 9, 13), 2, 6, DOUBLE)))
    upstream = features(rng, 7, 2, dtype=DOUBLE)
    numbers = _conv(rng, 7, edges(rng, 7, 9), 3, 2, DOUBLE)
    yield Case("gradients", (upstream, numbers), group="gradients", through=observers.conv_gradients)


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """Larger layers."""
    yield Case("twenty nodes", tuple(_conv(rng, 20, edges(rng, 20, 60, loops=5, repeats=8), 7, 4)))
    yield Case("one feature to six", tuple(_conv(rng, 12, edges(rng, 12, 25), 1, 6, DOUBLE)))
    yield Case("many to one, no loop yet", tuple(_conv(rng, 10, edges(rng, 10, 17, loops=0), 9, 1)))
    x, _, W, b = _conv(rng, 3, TINY, 4, 2)
    yield Case("no edges", (x, torch.empty(2, 0, dtype=torch.int64), W, b))
    upstream = features(rng, 11, 6, dtype=DOUBLE)
    numbers = _conv(rng, 11, edges(rng, 11, 20), 4, 6, DOUBLE)
    yield Case("gradients of a wider layer", (upstream, numbers), group="gradients", through=observers.conv_gradients)


# --- properties ----------------------------------------------------------------------------------------------


@holds(RENUMBERED, group="basics")
def conv_equivariant(call: Probe, rng: Rng) -> str | None:
    """Renumbering the nodes renumbers the answer."""
    x, graph, W, b = _conv(rng, 9, edges(rng, 9, 14), 3, 2, DOUBLE)
    order, renumbered = permuted(rng, graph, 9)
    if not torch.allclose(call(x[order], renumbered, W, b), call(x, graph, W, b)[order], atol=1e-5):
        return "when the nodes are renumbered, their answers change: an answer may not depend on a node's number"
    return None


@holds("a new layer starts at random", group="basics", through=observers.conv_start)
def conv_starts_at_random(call: Probe, rng: Rng) -> str | None:
    """Two new layers differ, their weights have a sensible size, and their biases are zeros."""
    first, second, bias = call(int(rng.integers(30, 60)), int(rng.integers(20, 40)))
    if torch.equal(first, second):
        return "two new layers start with the same weight: draw it at random, or all units learn the same"
    if not 0.005 < float(first.abs().mean()) < 1:
        return f"a new layer's weight has size {float(first.abs().mean()):.2g} on average: start at about 1 / sqrt(in)"
    if bool(bias.any()):
        return "a new layer's bias is not zero: start from torch.zeros(out_channels)"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


loops = right_text(
    "loops",
    """
class GCNConv(MessagePassing):
    def __init__(self, in_channels, out_channels):
        super().__init__(aggr="sum")
        self.lin = torch.nn.Linear(in_channels, out_channels, bias=False)
        self.bias = torch.nn.Parameter(torch.zeros(out_channels))

    def forward(self, x, edge_index):
        pairs = [pair for pair in edge_index.T.tolist() if pair[0] != pair[1]]
        for node in range(x.size(0)):
            pairs.append([node, node])
        count = [0] * x.size(0)
        for _, target in pairs:
            count[target] += 1
        norm = [(count[j] * count[i]) ** -0.5 for j, i in pairs]
        out = self.propagate(torch.tensor(pairs).T, x=x, norm=torch.tensor(norm, dtype=x.dtype))
        return self.lin(out) + self.bias

    def message(self, x_j, norm):
        return norm.view(-1, 1) * x_j
""",
)


@right("other formula")
def other_formula(channels_in, channels_out):
    from torch_geometric.nn import MessagePassing
    from torch_geometric.utils import add_remaining_self_loops, degree

    class Convolution(MessagePassing):
        def __init__(self):
            super().__init__()
            self.W = torch.nn.Parameter(torch.randn(channels_out, channels_in) / channels_in**0.5)
            self.b = torch.nn.Parameter(torch.zeros(channels_out))

        def forward(self, x, edge_index):
            edges, _ = add_remaining_self_loops(edge_index, num_nodes=x.size(0))
            scale = degree(edges[1], x.size(0), x.dtype).rsqrt()[:, None]
            return scale * self.propagate(edges, x=scale * torch.nn.functional.linear(x, self.W)) + self.b

    return Convolution()


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def conv_plain_module(in_channels, out_channels):
    """This is a torch module, but not a MessagePassing. Write class GCNConv(MessagePassing): PyG's base class carries
    the messages, and its loaders and tools know what it is."""
    return torch.nn.Linear(in_channels, out_channels)


@mistake
def conv_backwards(in_channels, out_channels):
    """Your messages run against the edges: flow="target_to_source". The default flow is from row 0 to row 1, and the
    degree is that of row 1."""
    from torch_geometric.nn import MessagePassing

    class Layer(MessagePassing):
        def __init__(self):
            super().__init__(aggr="add", flow="target_to_source")
            self.weight = torch.nn.Parameter(torch.randn(out_channels, in_channels) / in_channels**0.5)
            self.bias = torch.nn.Parameter(torch.zeros(out_channels))

        def forward(self, x, edge_index):
            keep = edge_index[0] != edge_index[1]
            edges = torch.cat([edge_index[:, keep], torch.arange(len(x)).repeat(2, 1)], dim=1)
            scale = torch.bincount(edges[0], minlength=len(x)).to(x.dtype) ** -0.5
            return self.propagate(edges, x=x @ self.weight.T, norm=scale[edges[0]] * scale[edges[1]]) + self.bias

        def message(self, x_j, norm):
            return norm[:, None] * x_j

    return Layer()


conv_without_loops = slip(
    conv_backwards,
    ('super().__init__(aggr="add", flow="target_to_source")', 'super().__init__(aggr="add")'),
    (
        "keep = edge_index[0] != edge_index[1]\n"
        "edges = torch.cat([edge_index[:, keep], torch.arange(len(x)).repeat(2, 1)], dim=1)\n"
        "scale = torch.bincount(edges[0], minlength=len(x)).to(x.dtype) ** -0.5",
        "edges = edge_index[:, edge_index[0] != edge_index[1]]\n"
        "scale = torch.bincount(edges[1], minlength=len(x)).clamp(min=1).to(x.dtype) ** -0.5",
    ),
    says="The nodes do not hear themselves: propagate must run over the edges that gcn_norm returns, with the loops.",
)


@mistake
def conv_plain_mean(in_channels, out_channels):
    """This layer averages its neighbours: aggr="mean". A graph convolution sums, aggr="add", messages with the weights
    of gcn_norm."""
    from torch_geometric.nn import MessagePassing

    class Layer(MessagePassing):
        def __init__(self):
            super().__init__(aggr="mean")
            self.weight = torch.nn.Parameter(torch.randn(out_channels, in_channels) / in_channels**0.5)
            self.bias = torch.nn.Parameter(torch.zeros(out_channels))

        def forward(self, x, edge_index):
            keep = edge_index[0] != edge_index[1]
            edges = torch.cat([edge_index[:, keep], torch.arange(len(x)).repeat(2, 1)], dim=1)
            return self.propagate(edges, x=x @ self.weight.T) + self.bias

        def message(self, x_j):
            return x_j

    return Layer()


@mistake
def conv_without_weights(in_channels, out_channels):
    """The messages arrive without their weights: message returns x_j alone. Pass the weights to propagate, and multiply
    by them in message."""
    from torch_geometric.nn import MessagePassing

    class Layer(MessagePassing):
        def __init__(self):
            super().__init__(aggr="add")
            self.weight = torch.nn.Parameter(torch.randn(out_channels, in_channels) / in_channels**0.5)
            self.bias = torch.nn.Parameter(torch.zeros(out_channels))

        def forward(self, x, edge_index):
            keep = edge_index[0] != edge_index[1]
            edges = torch.cat([edge_index[:, keep], torch.arange(len(x)).repeat(2, 1)], dim=1)
            return self.propagate(edges, x=x @ self.weight.T) + self.bias

    return Layer()


@mistake
def conv_bias_in_messages(in_channels, out_channels):
    """The bias travels with the messages, so it arrives once per neighbour, and weighted. Add it after propagate: give
    the Linear bias=False and keep the bias separate."""
    from torch_geometric.nn import MessagePassing

    class Layer(MessagePassing):
        def __init__(self):
            super().__init__(aggr="add")
            self.lin = torch.nn.Linear(in_channels, out_channels)

        def forward(self, x, edge_index):
            keep = edge_index[0] != edge_index[1]
            edges = torch.cat([edge_index[:, keep], torch.arange(len(x)).repeat(2, 1)], dim=1)
            scale = torch.bincount(edges[1], minlength=len(x)).to(x.dtype) ** -0.5
            return self.propagate(edges, x=self.lin(x), norm=scale[edges[0]] * scale[edges[1]])

        def message(self, x_j, norm):
            return norm[:, None] * x_j

    return Layer()


@mistake
def conv_two_biases(in_channels, out_channels):
    """The layer has two biases: one inside the Linear and one of its own. Create the Linear with bias=False."""
    from torch_geometric.nn import MessagePassing

    class Layer(MessagePassing):
        def __init__(self):
            super().__init__(aggr="add")
            self.lin = torch.nn.Linear(in_channels, out_channels)
            self.bias = torch.nn.Parameter(torch.zeros(out_channels))

        def forward(self, x, edge_index):
            return self.propagate(edge_index, x=self.lin(x)) + self.bias

    return Layer()
