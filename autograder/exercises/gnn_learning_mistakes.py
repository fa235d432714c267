"""Known mistakes of notebook 09: each docstring is the sentence that helps whoever made it."""

# Written as students write, since each is also submitted as one: mypy asks for more.
# mypy: disable-error-code="no-untyped-def,no-untyped-call,misc"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from autograder.exercise import Case, Misconception
from autograder.exercises.gnn_learning_cases import accept_negatives, accept_network, accept_training

__all__ = ["MISTAKES"]

Shows = Callable[[Case, Any], bool]


# --- gat_layer -----------------------------------------------------------------------------------------


def gat_backwards(x, edge_index, W, a_src, a_dst, negative_slope=0.2):
    """Your messages run against the edges. Row 0 of edge_index speaks, row 1 listens: the softmax is over the edges
    that enter a node, and the sum as well."""
    n, (heads, width) = len(x), a_src.shape
    nodes = torch.arange(n)
    target, source = torch.cat([edge_index[:, edge_index[0] != edge_index[1]], nodes.repeat(2, 1)], dim=1)
    h = (x @ W.T).view(n, heads, width)
    e = torch.nn.functional.leaky_relu((h * a_src).sum(-1)[source] + (h * a_dst).sum(-1)[target], negative_slope)
    place = target[:, None].expand(-1, heads)
    top = torch.zeros(n, heads, dtype=x.dtype).scatter_reduce(0, place, e, "amax", include_self=False)
    p = (e - top[target]).exp()
    p = p / torch.zeros(n, heads, dtype=x.dtype).index_add(0, target, p)[target]
    return torch.zeros(n, heads, width, dtype=x.dtype).index_add(0, target, p[:, :, None] * h[source]).flatten(1)


def gat_softmax_over_senders(x, edge_index, W, a_src, a_dst, negative_slope=0.2):
    """Your shares sum to 1 over the edges that leave a node. A listener divides its attention: they must sum to 1 over
    the edges that enter it."""
    n, (heads, width) = len(x), a_src.shape
    nodes = torch.arange(n)
    source, target = torch.cat([edge_index[:, edge_index[0] != edge_index[1]], nodes.repeat(2, 1)], dim=1)
    h = (x @ W.T).view(n, heads, width)
    e = torch.nn.functional.leaky_relu((h * a_src).sum(-1)[source] + (h * a_dst).sum(-1)[target], negative_slope)
    place = source[:, None].expand(-1, heads)
    top = torch.zeros(n, heads, dtype=x.dtype).scatter_reduce(0, place, e, "amax", include_self=False)
    p = (e - top[source]).exp()
    p = p / torch.zeros(n, heads, dtype=x.dtype).index_add(0, source, p)[source]
    return torch.zeros(n, heads, width, dtype=x.dtype).index_add(0, target, p[:, :, None] * h[source]).flatten(1)


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


def gat_without_loops(x, edge_index, W, a_src, a_dst, negative_slope=0.2):
    """The nodes do not hear themselves: add the missing self loops before the softmax, so that the own features get a
    share too."""
    n, (heads, width) = len(x), a_src.shape
    source, target = edge_index[:, edge_index[0] != edge_index[1]]
    h = (x @ W.T).view(n, heads, width)
    e = torch.nn.functional.leaky_relu((h * a_src).sum(-1)[source] + (h * a_dst).sum(-1)[target], negative_slope)
    place = target[:, None].expand(-1, heads)
    top = torch.zeros(n, heads, dtype=x.dtype).scatter_reduce(0, place, e, "amax", include_self=False)
    p = (e - top[target]).exp()
    p = p / torch.zeros(n, heads, dtype=x.dtype).index_add(0, target, p)[target]
    return torch.zeros(n, heads, width, dtype=x.dtype).index_add(0, target, p[:, :, None] * h[source]).flatten(1)


def gat_without_leaky_relu(x, edge_index, W, a_src, a_dst, negative_slope=0.2):
    """The scores went into the softmax as they are. The LeakyReLU comes first; without it the target's own part cancels
    in the softmax, and everybody listens alike."""
    n, (heads, width) = len(x), a_src.shape
    nodes = torch.arange(n)
    source, target = torch.cat([edge_index[:, edge_index[0] != edge_index[1]], nodes.repeat(2, 1)], dim=1)
    h = (x @ W.T).view(n, heads, width)
    e = (h * a_src).sum(-1)[source] + (h * a_dst).sum(-1)[target]
    place = target[:, None].expand(-1, heads)
    top = torch.zeros(n, heads, dtype=x.dtype).scatter_reduce(0, place, e, "amax", include_self=False)
    p = (e - top[target]).exp()
    p = p / torch.zeros(n, heads, dtype=x.dtype).index_add(0, target, p)[target]
    return torch.zeros(n, heads, width, dtype=x.dtype).index_add(0, target, p[:, :, None] * h[source]).flatten(1)


def gat_swapped_vectors(x, edge_index, W, a_src, a_dst, negative_slope=0.2):
    """a_src and a_dst are swapped: a_src scores the node that speaks, a_dst the one that listens."""
    n, (heads, width) = len(x), a_src.shape
    nodes = torch.arange(n)
    source, target = torch.cat([edge_index[:, edge_index[0] != edge_index[1]], nodes.repeat(2, 1)], dim=1)
    h = (x @ W.T).view(n, heads, width)
    e = torch.nn.functional.leaky_relu((h * a_dst).sum(-1)[source] + (h * a_src).sum(-1)[target], negative_slope)
    place = target[:, None].expand(-1, heads)
    top = torch.zeros(n, heads, dtype=x.dtype).scatter_reduce(0, place, e, "amax", include_self=False)
    p = (e - top[target]).exp()
    p = p / torch.zeros(n, heads, dtype=x.dtype).index_add(0, target, p)[target]
    return torch.zeros(n, heads, width, dtype=x.dtype).index_add(0, target, p[:, :, None] * h[source]).flatten(1)


def gat_overflows(x, edge_index, W, a_src, a_dst, negative_slope=0.2):
    """The formula is right, but exp overflows at large scores, and inf / inf is nan. Subtract each node's largest score
    first: scatter(..., "max") finds it."""
    n, (heads, width) = len(x), a_src.shape
    nodes = torch.arange(n)
    source, target = torch.cat([edge_index[:, edge_index[0] != edge_index[1]], nodes.repeat(2, 1)], dim=1)
    h = (x @ W.T).view(n, heads, width)
    e = torch.nn.functional.leaky_relu((h * a_src).sum(-1)[source] + (h * a_dst).sum(-1)[target], negative_slope)
    p = e.exp()
    p = p / torch.zeros(n, heads, dtype=x.dtype).index_add(0, target, p)[target]
    return torch.zeros(n, heads, width, dtype=x.dtype).index_add(0, target, p[:, :, None] * h[source]).flatten(1)


def gat_heads_averaged(x, edge_index, W, a_src, a_dst, negative_slope=0.2):
    """The heads were averaged, so the result has F columns. They stand side by side here: heads * F columns, the first
    head first."""
    n, (heads, width) = len(x), a_src.shape
    nodes = torch.arange(n)
    source, target = torch.cat([edge_index[:, edge_index[0] != edge_index[1]], nodes.repeat(2, 1)], dim=1)
    h = (x @ W.T).view(n, heads, width)
    e = torch.nn.functional.leaky_relu((h * a_src).sum(-1)[source] + (h * a_dst).sum(-1)[target], negative_slope)
    place = target[:, None].expand(-1, heads)
    top = torch.zeros(n, heads, dtype=x.dtype).scatter_reduce(0, place, e, "amax", include_self=False)
    p = (e - top[target]).exp()
    p = p / torch.zeros(n, heads, dtype=x.dtype).index_add(0, target, p)[target]
    return torch.zeros(n, heads, width, dtype=x.dtype).index_add(0, target, p[:, :, None] * h[source]).mean(dim=1)


def gat_fixed_slope(x, edge_index, W, a_src, a_dst, negative_slope=0.2):
    """negative_slope has no effect: your LeakyReLU always uses one slope. Hand the argument on."""
    n, (heads, width) = len(x), a_src.shape
    nodes = torch.arange(n)
    source, target = torch.cat([edge_index[:, edge_index[0] != edge_index[1]], nodes.repeat(2, 1)], dim=1)
    h = (x @ W.T).view(n, heads, width)
    e = torch.nn.functional.leaky_relu((h * a_src).sum(-1)[source] + (h * a_dst).sum(-1)[target], 0.2)
    place = target[:, None].expand(-1, heads)
    top = torch.zeros(n, heads, dtype=x.dtype).scatter_reduce(0, place, e, "amax", include_self=False)
    p = (e - top[target]).exp()
    p = p / torch.zeros(n, heads, dtype=x.dtype).index_add(0, target, p)[target]
    return torch.zeros(n, heads, width, dtype=x.dtype).index_add(0, target, p[:, :, None] * h[source]).flatten(1)


# --- GCNConv -------------------------------------------------------------------------------------------


def conv_plain_module(in_channels, out_channels):
    """This is a torch module, but no MessagePassing. Write class GCNConv(MessagePassing): PyG's base class carries the
    messages, and its loaders and tools know what it is."""
    return torch.nn.Linear(in_channels, out_channels)


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


def conv_without_loops(in_channels, out_channels):
    """The nodes do not hear themselves: propagate must run over the edges that gcn_norm returns, with the loops."""
    from torch_geometric.nn import MessagePassing

    class Layer(MessagePassing):
        def __init__(self):
            super().__init__(aggr="add")
            self.weight = torch.nn.Parameter(torch.randn(out_channels, in_channels) / in_channels**0.5)
            self.bias = torch.nn.Parameter(torch.zeros(out_channels))

        def forward(self, x, edge_index):
            edges = edge_index[:, edge_index[0] != edge_index[1]]
            scale = torch.bincount(edges[1], minlength=len(x)).clamp(min=1).to(x.dtype) ** -0.5
            return self.propagate(edges, x=x @ self.weight.T, norm=scale[edges[0]] * scale[edges[1]]) + self.bias

        def message(self, x_j, norm):
            return norm[:, None] * x_j

    return Layer()


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


def conv_without_weights(in_channels, out_channels):
    """The messages arrive without their weights: message returns x_j alone. Hand the weights to propagate, and multiply
    with them in message."""
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


def conv_bias_in_messages(in_channels, out_channels):
    """The bias travels with the messages, so it arrives once for every neighbour, and weighted. Add it after propagate:
    give the Linear bias=False and keep the bias apart."""
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


def conv_two_biases(in_channels, out_channels):
    """The layer has two biases: one inside the Linear and one of its own. Make the Linear with bias=False."""
    from torch_geometric.nn import MessagePassing

    class Layer(MessagePassing):
        def __init__(self):
            super().__init__(aggr="add")
            self.lin = torch.nn.Linear(in_channels, out_channels)
            self.bias = torch.nn.Parameter(torch.zeros(out_channels))

        def forward(self, x, edge_index):
            return self.propagate(edge_index, x=self.lin(x)) + self.bias

    return Layer()


# --- build_gcn -----------------------------------------------------------------------------------------


def build_one_layer(features, hidden, classes):
    """A message travels only one step in this model: there is one convolution. Two are asked, features to hidden and
    hidden to classes."""

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = torch.nn.Linear(features, hidden), torch.nn.Linear(hidden, classes)

        def forward(self, x, edge_index):
            A = torch.eye(len(x))
            A[edge_index[1], edge_index[0]] = 1
            return self.second(torch.relu(self.first(A @ x / A.sum(1, keepdim=True))))

    return Net()


def build_without_graph(features, hidden, classes):
    """The model never looks at edge_index: it is a plain perceptron on each node alone. Hand the edges to both
    convolutions."""

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = torch.nn.Linear(features, hidden), torch.nn.Linear(hidden, classes)

        def forward(self, x, edge_index):
            return self.second(torch.relu(self.first(x)))

    return Net()


def build_backwards(features, hidden, classes):
    """The messages of this model run against the edges. Row 0 of edge_index speaks, row 1 listens."""

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = torch.nn.Linear(features, hidden), torch.nn.Linear(hidden, classes)

        def forward(self, x, edge_index):
            A = torch.eye(len(x))
            A[edge_index[0], edge_index[1]] = 1
            A = A / A.sum(1, keepdim=True)
            return self.second(A @ torch.relu(self.first(A @ x)))

    return Net()


def build_without_activation(features, hidden, classes):
    """There is no activation between the two convolutions, so together they are one straight map of x. Put a ReLU
    there."""

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = torch.nn.Linear(features, hidden), torch.nn.Linear(hidden, classes)

        def forward(self, x, edge_index):
            A = torch.eye(len(x))
            A[edge_index[1], edge_index[0]] = 1
            A = A / A.sum(1, keepdim=True)
            return self.second(A @ self.first(A @ x))

    return Net()


def build_with_softmax(features, hidden, classes):
    """The model ends in a softmax, and the loss takes another one: learning becomes slow and blunt. Return the logits
    as they are."""

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = torch.nn.Linear(features, hidden), torch.nn.Linear(hidden, classes)

        def forward(self, x, edge_index):
            A = torch.eye(len(x))
            A[edge_index[1], edge_index[0]] = 1
            A = A / A.sum(1, keepdim=True)
            return torch.softmax(self.second(A @ torch.relu(self.first(A @ x))), dim=1)

    return Net()


def build_dropout_never_stops(features, hidden, classes):
    """Dropout goes on in eval mode, so every prediction is a lottery. functional.dropout needs training=self.training;
    its default is True."""

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = torch.nn.Linear(features, hidden), torch.nn.Linear(hidden, classes)

        def forward(self, x, edge_index):
            A = torch.eye(len(x))
            A[edge_index[1], edge_index[0]] = 1
            A = A / A.sum(1, keepdim=True)
            h = torch.nn.functional.dropout(torch.relu(self.first(A @ x)), 0.5)
            return self.second(A @ h)

    return Net()


def build_ignores_hidden(features, hidden, classes):
    """hidden has no effect: the width between the convolutions is fixed. Use the argument for both of them."""

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = torch.nn.Linear(features, 19), torch.nn.Linear(19, classes)

        def forward(self, x, edge_index):
            A = torch.eye(len(x))
            A[edge_index[1], edge_index[0]] = 1
            A = A / A.sum(1, keepdim=True)
            return self.second(A @ torch.relu(self.first(A @ x)))

    return Net()


def _structure_says(fragment: str) -> Shows:
    """The structural cases fail with this sentence; what the training gives is no evidence either way."""

    def shows(case: Case, value: Any) -> bool:
        problem = accept_network(case, value)
        return problem is None or fragment in problem or case.known["kind"] == "learning"

    return shows


def _alone(case: Case, value: Any) -> bool:
    if case.known["kind"] == "learning":
        return True
    return bool(torch.equal(value["hears"], torch.eye(case.known["n"], dtype=torch.bool)))


def _only_one_step(case: Case, value: Any) -> bool:
    if case.known["kind"] == "learning":
        return True
    return _structure_says("two steps away")(case, value) and not _alone(case, value)


# --- train_nodes ---------------------------------------------------------------------------------------


def train_on_all_labels(model, data, epochs, lr, weight_decay):
    """You learned from labels outside of train_mask. They are not yours to see: in the real world they do not exist
    yet. Take logits[data.train_mask] and data.y[data.train_mask]."""
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=weight_decay)
    model.train()
    for _ in range(epochs):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(data.x, data.edge_index), data.y).backward()
        optimizer.step()
    return model


def train_without_a_step(model, data, epochs, lr, weight_decay):
    """The gradients are computed, but the weights never move: optimizer.step() is missing."""
    model.train()
    for _ in range(epochs):
        model.zero_grad()
        logits = model(data.x, data.edge_index)[data.train_mask]
        torch.nn.functional.cross_entropy(logits, data.y[data.train_mask]).backward()
    return model


def train_adding_gradients(model, data, epochs, lr, weight_decay):
    """The gradients of all epochs add up: optimizer.zero_grad() is missing at the start of each."""
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=weight_decay)
    model.train()
    for _ in range(epochs):
        logits = model(data.x, data.edge_index)[data.train_mask]
        torch.nn.functional.cross_entropy(logits, data.y[data.train_mask]).backward()
        optimizer.step()
    return model


def train_in_eval_mode(model, data, epochs, lr, weight_decay):
    """The model came in eval mode and stayed there, so dropout never worked. Call model.train() before the first
    epoch."""
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=weight_decay)
    for _ in range(epochs):
        optimizer.zero_grad()
        logits = model(data.x, data.edge_index)[data.train_mask]
        torch.nn.functional.cross_entropy(logits, data.y[data.train_mask]).backward()
        optimizer.step()
    return model


def train_without_decay(model, data, epochs, lr, weight_decay):
    """weight_decay has no effect. Hand it to the optimizer: Adam(model.parameters(), lr=lr,
    weight_decay=weight_decay)."""
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    model.train()
    for _ in range(epochs):
        optimizer.zero_grad()
        logits = model(data.x, data.edge_index)[data.train_mask]
        torch.nn.functional.cross_entropy(logits, data.y[data.train_mask]).backward()
        optimizer.step()
    return model


def train_with_own_rate(model, data, epochs, lr, weight_decay):
    """lr has no effect: the weights move although it is 0. Hand it to the optimizer."""
    optimizer = torch.optim.Adam(model.parameters(), weight_decay=weight_decay, lr=0.02)
    model.train()
    for _ in range(epochs):
        optimizer.zero_grad()
        logits = model(data.x, data.edge_index)[data.train_mask]
        torch.nn.functional.cross_entropy(logits, data.y[data.train_mask]).backward()
        optimizer.step()
    return model


def train_a_copy(model, data, epochs, lr, weight_decay):
    """You trained a copy and returned it. Whoever called you holds the model that came in: train that one, in place,
    and return it."""
    import copy

    model = copy.deepcopy(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=weight_decay)
    model.train()
    for _ in range(epochs):
        optimizer.zero_grad()
        logits = model(data.x, data.edge_index)[data.train_mask]
        torch.nn.functional.cross_entropy(logits, data.y[data.train_mask]).backward()
        optimizer.step()
    return model


def train_a_single_epoch(model, data, epochs, lr, weight_decay):
    """There is one step only, whatever epochs says. Repeat it epochs times."""
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=weight_decay)
    model.train()
    if epochs > 0:
        logits = model(data.x, data.edge_index)[data.train_mask]
        torch.nn.functional.cross_entropy(logits, data.y[data.train_mask]).backward()
        optimizer.step()
    return model


def _training_says(*fragments: str) -> Shows:
    """Every case passes or fails with one of these sentences."""

    def shows(case: Case, value: Any) -> bool:
        problem = accept_training(case, value)
        return problem is None or any(fragment in problem for fragment in fragments)

    return shows


def _adds_up(case: Case, value: Any) -> bool:
    problem = accept_training(case, value)
    if case.known["kind"] == "still" and case.known["epochs"] > 1:
        return problem is not None and "have added up" in problem
    return problem is None or case.known["kind"] in ("learns", "decays")


def _follows_false_labels(case: Case, value: Any) -> bool:
    if case.known["kind"] != "learns":
        return accept_training(case, value) is None
    other = ~case.known["mask"]
    return bool((value["found"] == case.known["false"])[other].float().mean() > 0.4)


def _never_moves(case: Case, value: Any) -> bool:
    return bool(value["moved"] == 0 and value["returned"] and value["training_calls"] >= case.known["epochs"])


def _never_trains(case: Case, value: Any) -> bool:
    return bool(value["training_calls"] == 0 and value["eval_calls"] >= case.known["epochs"])


def _one_call(case: Case, value: Any) -> bool:
    return bool(value["training_calls"] == min(1, case.known["epochs"]))


# --- global_pool ---------------------------------------------------------------------------------------


def pool_everything(x, batch, reduce):
    """All nodes of the batch became one row. Every graph gets its own: batch says which graph a node belongs to."""
    return {"sum": x.sum(0), "mean": x.mean(0), "max": x.amax(0)}[reduce][None]


def pool_always_sums(x, batch, reduce):
    """You sum whatever reduce says. "mean" divides by the graph's number of nodes, "max" takes the largest of each
    feature."""
    return x.new_zeros(int(batch.max()) + 1, x.shape[1]).index_add(0, batch, x)


def pool_max_with_zero(x, batch, reduce):
    """Your maximum never falls below 0: the zeros you started from take part in it. Only the graph's own nodes
    compete."""
    place = batch[:, None].expand_as(x)
    out = x.new_zeros(int(batch.max()) + 1, x.shape[1])
    how = {"sum": "sum", "mean": "mean", "max": "amax"}[reduce]
    return out.scatter_reduce(0, place, x, how, include_self=reduce == "max")


def pool_skips_empty_graphs(x, batch, reduce):
    """The graphs without nodes are missing, and the rows behind them moved up. Row g belongs to graph g: there are
    batch.max() + 1 rows."""
    _, batch = batch.unique(return_inverse=True)
    place = batch[:, None].expand_as(x)
    out = x.new_zeros(int(batch.max()) + 1, x.shape[1])
    how = {"sum": "sum", "mean": "mean", "max": "amax"}[reduce]
    return out.scatter_reduce(0, place, x, how, include_self=False)


def pool_one_graph_short(x, batch, reduce):
    """The last graph is missing. Graphs count from 0, so there are batch.max() + 1 of them."""
    keep = batch < batch.max()
    x, batch, graphs = x[keep], batch[keep], int(batch.max())
    place = batch[:, None].expand_as(x)
    how = {"sum": "sum", "mean": "mean", "max": "amax"}[reduce]
    return x.new_zeros(graphs, x.shape[1]).scatter_reduce(0, place, x, how, include_self=False)


# --- dirichlet_energy ----------------------------------------------------------------------------------


def energy_without_half(x, edge_index):
    """This is twice the energy: the half is missing. A friendship stands in edge_index twice, and the half makes it
    count once."""
    source, target = edge_index
    return float((x[source] - x[target]).square().sum())


def energy_of_lengths(x, edge_index):
    """You summed the lengths of the differences. The energy sums their squares: no root."""
    source, target = edge_index
    return 0.5 * float((x[source] - x[target]).norm(dim=1).sum())


def energy_mean(x, edge_index):
    """You took the mean over the edges. The energy is their sum, halved."""
    source, target = edge_index
    if len(source) == 0:
        return 0.0
    return 0.5 * float((x[source] - x[target]).square().sum(1).mean())


def energy_of_unique_edges(x, edge_index):
    """An edge that occurs twice counted once. Every column of edge_index is an edge and adds its share."""
    source, target = edge_index.unique(dim=1)
    return 0.5 * float((x[source] - x[target]).square().sum())


def energy_of_the_nodes(x, edge_index):
    """These are the squares of the features themselves. The energy is about differences between the two ends of an
    edge."""
    source, target = edge_index
    return 0.5 * float((x[source] * x[target]).sum())


# --- negative_edges ------------------------------------------------------------------------------------


def negatives_any_pair(edge_index, n, count, generator):
    """Some of your pairs are edges of the graph. Draw again wherever a pair is taken."""
    source = torch.randint(n, (count,), generator=generator)
    target = (source + torch.randint(1, n, (count,), generator=generator)) % n
    return torch.stack([source, target])


def negatives_with_loops(edge_index, n, count, generator):
    """A node is paired with itself. That is no link: forbid the diagonal as well as the edges."""
    free = torch.ones(n, n, dtype=torch.bool)
    free[edge_index[0], edge_index[1]] = False
    free.fill_diagonal_(True)
    pairs = free.nonzero()
    return pairs[torch.randint(len(pairs), (count,), generator=generator)].T


def negatives_too_few(edge_index, n, count, generator):
    """There are fewer pairs than asked: those that were taken fell out and were not replaced. Draw until there are
    count of them."""
    pairs = torch.randint(n, (2, count), generator=generator)
    taken = torch.eye(n, dtype=torch.bool)
    taken[edge_index[0], edge_index[1]] = True
    return pairs[:, ~taken[pairs[0], pairs[1]]]


def negatives_as_pairs(edge_index, n, count, generator):
    """These are right pairs, one a row. As everywhere, sources stand above targets, (2, count): turn it with .T."""
    taken = torch.eye(n, dtype=torch.bool)
    taken[edge_index[0], edge_index[1]] = True
    pairs = (~taken).nonzero()
    return pairs[torch.randint(len(pairs), (count,), generator=generator)]


def negatives_by_chance_of_torch(edge_index, n, count, generator):
    """The generator that is passed in has no effect. Draw from it: torch.randint(..., generator=generator)."""
    taken = torch.eye(n, dtype=torch.bool)
    taken[edge_index[0], edge_index[1]] = True
    pairs = (~taken).nonzero()
    return pairs[torch.randint(len(pairs), (count,))].T


def negatives_always_the_same(edge_index, n, count, generator):
    """Every generator gives the same pairs: you made one of your own, with a fixed seed. Use the one that is passed
    in."""
    taken = torch.eye(n, dtype=torch.bool)
    taken[edge_index[0], edge_index[1]] = True
    pairs = (~taken).nonzero()
    return pairs[torch.randint(len(pairs), (count,), generator=torch.Generator().manual_seed(0))].T


def negatives_one_way(edge_index, n, count, generator):
    """Only pairs with the smaller number first ever come. u -> v and v -> u are two pairs, and both may be drawn."""
    taken = torch.eye(n, dtype=torch.bool)
    taken[edge_index[0], edge_index[1]] = True
    pairs = torch.triu(~taken).nonzero()
    return pairs[torch.randint(len(pairs), (count,), generator=generator)].T


def _pairs_say(fragment: str) -> Shows:
    def shows(case: Case, value: Any) -> bool:
        problem = accept_negatives(case, value)
        return problem is None or fragment in problem

    return shows


def _turned(case: Case, value: Any) -> bool:
    return tuple(value["pairs"].shape) == (case.known["count"], 2)


def _too_few(case: Case, value: Any) -> bool:
    pairs = value["pairs"]
    fewer = pairs.ndim == 2 and pairs.shape[0] == 2 and pairs.shape[1] < case.known["count"]
    return fewer or accept_negatives(case, value) is None


def _rising(case: Case, value: Any) -> bool:
    pairs = value["pairs"]
    return bool((pairs[0] < pairs[1]).all()) and not bool(case.known["joined"][pairs[0], pairs[1]].any())


# --- link_scores and link_loss -------------------------------------------------------------------------


def scores_of_all_pairs(z, edges):
    """These are the scores of every source with every target, a whole matrix. One number for each column of edges is
    asked."""
    return z[edges[0]] @ z[edges[1]].T


def scores_not_summed(z, edges):
    """The features were multiplied, but not added up. A dot product sums over them: one number for each pair."""
    return z[edges[0]] * z[edges[1]]


def scores_as_probabilities(z, edges):
    """A sigmoid is already inside. The scores stay logits; the loss takes the sigmoid, where it can do so safely."""
    return torch.sigmoid((z[edges[0]] * z[edges[1]]).sum(-1))


def scores_as_cosines(z, edges):
    """The embeddings were scaled to length 1: this is the cosine of the angle. The dot product keeps the lengths."""
    return torch.nn.functional.cosine_similarity(z[edges[0]], z[edges[1]], dim=-1)


def scores_as_distances(z, edges):
    """These are distances: small for likely links. The dot product is large for them."""
    return (z[edges[0]] - z[edges[1]]).square().sum(-1)


def loss_overflows(pos, neg):
    """The formula is right, but at a score of -300 the sigmoid is 0, and its logarithm minus infinity. softplus(-pos)
    is -log(sigmoid(pos)), and safe."""
    return torch.cat([-torch.log(torch.sigmoid(pos)), -torch.log(1 - torch.sigmoid(neg))]).mean()


def loss_with_a_floor(pos, neg):
    """Your small number inside the logarithm caps the loss: a score that is wrong by 300 costs as much as one wrong by
    35, and pulls with no gradient. softplus needs no floor."""
    return torch.cat([-torch.log(torch.sigmoid(pos) + 1e-15), -torch.log(1 - torch.sigmoid(neg) + 1e-15)]).mean()


def loss_mean_of_means(pos, neg):
    """You took a mean of each kind and then put them together. One mean over all links is asked, so that every pair
    counts alike: concatenate first."""
    return (torch.nn.functional.softplus(-pos).mean() + torch.nn.functional.softplus(neg).mean()) / 2


def loss_sums_means(pos, neg):
    """The mean of the one kind was added to the mean of the other: this is about twice the loss. One mean over both
    together is asked."""
    return torch.nn.functional.softplus(-pos).mean() + torch.nn.functional.softplus(neg).mean()


def loss_swapped(pos, neg):
    """The signs are swapped: links that exist are pushed apart. A high score must be cheap for pos and dear for neg."""
    return torch.cat([torch.nn.functional.softplus(pos), torch.nn.functional.softplus(-neg)]).mean()


def loss_of_links_alone(pos, neg):
    """Only the links that exist count here. Then the cheapest embedding says yes to every pair: neg must count as
    well."""
    return torch.nn.functional.softplus(-pos).mean()


def loss_summed(pos, neg):
    """This is the sum over all links. The mean is asked: divide by their number."""
    return torch.cat([torch.nn.functional.softplus(-pos), torch.nn.functional.softplus(neg)]).sum()


def _named(*wrongs: Callable[..., Any]) -> tuple[Misconception, ...]:
    return tuple(map(Misconception.of, wrongs))


MISTAKES: dict[str, tuple[Misconception, ...]] = {
    "gat_layer": _named(
        gat_backwards,
        gat_softmax_over_senders,
        gat_softmax_over_everything,
        gat_without_loops,
        gat_without_leaky_relu,
        gat_swapped_vectors,
        gat_overflows,
        gat_heads_averaged,
        gat_fixed_slope,
    ),
    "GCNConv": _named(
        conv_plain_module,
        conv_backwards,
        conv_without_loops,
        conv_plain_mean,
        conv_without_weights,
        conv_bias_in_messages,
        conv_two_biases,
    ),
    "build_gcn": (
        Misconception.of(build_without_graph, _alone),
        Misconception.of(build_one_layer, _only_one_step),
        Misconception.of(build_backwards, _structure_says("no path leads")),
        Misconception.of(build_without_activation, _structure_says("one straight map")),
        Misconception.of(build_with_softmax, _structure_says("are probabilities")),
        Misconception.of(build_dropout_never_stops, _structure_says("two calls give two answers")),
        Misconception.of(build_ignores_hidden, _structure_says("no parameter has the hidden width")),
    ),
    "train_nodes": (
        Misconception.of(train_on_all_labels, _follows_false_labels),
        Misconception.of(train_without_a_step, _never_moves),
        Misconception.of(train_in_eval_mode, _never_trains),
        Misconception.of(train_a_single_epoch, _one_call),
        Misconception.of(train_adding_gradients, _adds_up),
        Misconception.of(train_without_decay, _training_says("weight decay of 1 gives")),
        Misconception.of(train_with_own_rate, _training_says("although lr")),
        Misconception.of(train_a_copy, _training_says("did not come back")),
    ),
    "global_pool": _named(
        pool_everything, pool_always_sums, pool_max_with_zero, pool_skips_empty_graphs, pool_one_graph_short
    ),
    "dirichlet_energy": _named(
        energy_without_half, energy_of_lengths, energy_mean, energy_of_unique_edges, energy_of_the_nodes
    ),
    "negative_edges": (
        Misconception.of(negatives_as_pairs, _turned),
        Misconception.of(negatives_too_few, _too_few),
        Misconception.of(negatives_any_pair, _pairs_say("is an edge of the graph")),
        Misconception.of(negatives_with_loops, _pairs_say("paired with itself")),
        Misconception.of(negatives_by_chance_of_torch, _pairs_say("two different results")),
        Misconception.of(negatives_always_the_same, _pairs_say("gave the same pairs")),
        Misconception.of(negatives_one_way, _rising),
    ),
    "link_scores": _named(
        scores_of_all_pairs, scores_not_summed, scores_as_probabilities, scores_as_cosines, scores_as_distances
    ),
    "link_loss": _named(
        loss_overflows,
        loss_with_a_floor,
        loss_mean_of_means,
        loss_sums_means,
        loss_swapped,
        loss_of_links_alone,
        loss_summed,
    ),
}
