"""Graphs as the judge sees answers on them: edges in a fixed order, layers and models in PyG, training on nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from autograder.exercises import observe
from autograder.exercises.gnn.networks import network, seeded, thinned, trained_network
from autograder.harness import gnn as harness
from autograder.harness import models
from autograder.objects import Answer, Built, Kept, UnexpectedAnswer, described

__all__ = [
    "conv",
    "conv_gradients",
    "conv_start",
    "gin",
    "gin_gradients",
    "negatives",
    "network",
    "node_ids",
    "sampled",
    "sorted_edges",
    "thinned",
    "trained_network",
    "trained_nodes",
]


def sorted_edges(answer: Answer, edge_index: Tensor, n: int) -> Any:
    """Edges and their weights, sorted by source and then by target, because their order does not matter."""
    value = answer(edge_index, n)
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise UnexpectedAnswer(
            "expected two tensors, `return edge_index, weight`: the edges with loops, and their weights"
        )
    edges, weight = value
    if not (_holds_edges(edges) and isinstance(weight, Tensor) and weight.shape == edges.shape[1:]):
        return value
    order = torch.argsort(edges[0] * (int(edges.max()) + 1 if edges.numel() else 1) + edges[1], stable=True)
    return edges[:, order], weight[order]


def _holds_edges(edges: Any) -> bool:
    if not isinstance(edges, Tensor) or edges.ndim != 2 or edges.shape[0] != 2:
        return False
    return not edges.is_floating_point() and not edges.is_complex()


def node_ids(answer: Answer, edge_index: Tensor, node: int, k: int, n: int) -> Any:
    """Node numbers as a tensor, even if they were returned as a list of integers."""
    value = answer(edge_index, node, k, n)
    if isinstance(value, (list, tuple)) and all(_whole(item) for item in value):
        return torch.tensor([int(item) for item in value], dtype=torch.int64, device=edge_index.device)
    return value


def _whole(item: Any) -> bool:
    if isinstance(item, Tensor):
        return item.numel() == 1 and not item.is_floating_point()
    return isinstance(item, int) and not isinstance(item, bool)


# --- a layer around an mlp --------------------------------------------------------------------------------


def gin(answer: Answer, x: Tensor, edge_index: Tensor, W: Tensor, b: Tensor, eps: float) -> Any:
    """A layer whose mlp is tanh(h W^T + b)."""
    return answer(x, edge_index, lambda h: torch.tanh(h @ W.T + b), eps)


def gin_gradients(answer: Answer, upstream: Tensor, numbers: Sequence[Any]) -> dict[str, Tensor]:
    """The gradients of `gin` for x, W and b. The mlp is lent, so what arrives at its results is seen here."""
    x, edge_index, W, b, eps = numbers
    arrived: list[tuple[Tensor, Tensor]] = []

    def mlp(h: Tensor) -> Tensor:
        result = torch.tanh(h @ W.T + b)
        if result.requires_grad:
            result.register_hook(lambda grad: arrived.append((h.detach(), grad.detach())))
        return result

    x = observe.requires_gradient(x)
    [slope] = observe.pulled(answer(x, edge_index, mlp, eps), upstream, [x])
    leaves = [W.detach().clone().requires_grad_(), b.detach().clone().requires_grad_()]
    total = sum((torch.tanh(h @ leaves[0].T + leaves[1]) * grad).sum() for h, grad in arrived)
    inside = [torch.zeros_like(W), torch.zeros_like(b)]
    if arrived and isinstance(total, Tensor):
        inside = list(torch.autograd.grad(total, leaves))
    names = ("gradient for x", "gradient for the weights of the mlp", "gradient for the biases of the mlp")
    return dict(zip(names, [slope, *inside], strict=True))


# --- a PyG layer ------------------------------------------------------------------------------------------


def conv(answer: Answer, x: Tensor, edge_index: Tensor, W: Tensor, b: Tensor) -> Any:
    """What the layer that the answer builds gives for a graph, with W (out, in) and b (out,) as its parameters."""
    layer, names = _layer(answer, W.shape[1], W.shape[0])
    return answer.through(harness.applied, layer, dict(zip(names, (W, b), strict=True)), x, edge_index)


def conv_gradients(answer: Answer, upstream: Tensor, numbers: Sequence[Any]) -> dict[str, Tensor]:
    """The gradients of `conv` for x, W and b."""
    x, edge_index, W, b = numbers
    x, W, b = map(observe.requires_gradient, (x, W, b))
    found = observe.pulled(conv(answer, x, edge_index, W, b), upstream, [x, W, b])
    names = ("gradient for x", "gradient for the weight", "gradient for the bias")
    return dict(zip(names, found, strict=True))


def conv_start(answer: Answer, in_channels: int, out_channels: int) -> list[Tensor]:
    """The weights of two new layers, and the bias of the second."""
    found = []
    for _ in range(2):
        layer, (weight, bias) = _layer(answer, in_channels, out_channels)
        parameters = answer.through(models.parameters, layer)
        found.append(parameters[weight])
    return [*found, parameters[bias]]


def _layer(answer: Answer, in_channels: int, out_channels: int) -> tuple[Kept, tuple[str, str]]:
    """A new layer, and the names of its weight and of its bias."""
    answer.through(harness.forget_compiled)
    layer = answer(in_channels, out_channels)
    if not isinstance(layer, Kept) or not answer.through(harness.is_message_passing, layer):
        raise UnexpectedAnswer(
            "GCNConv(in_channels, out_channels) does not build a MessagePassing of PyG: write "
            "`class GCNConv(MessagePassing):` and call super().__init__() first"
        )
    found = answer.through(models.parameters, layer)
    shapes = sorted((tuple(each.shape) for each in found.values()), key=len)
    if shapes != [(out_channels,), (out_channels, in_channels)]:
        told = ", ".join(map(str, shapes)) or "none"
        raise UnexpectedAnswer(
            f"the layer has parameters of shapes {told}; expected a weight {(out_channels, in_channels)} and a bias "
            f"{(out_channels,)}"
        )
    bias, weight = sorted(found, key=lambda name: found[name].ndim)
    return layer, (weight, bias)


# --- training -----------------------------------------------------------------------------------------------


class _Watched:
    """Two dense layers over neighbourhood means, with dropout between them; it counts its calls in each mode."""

    def __init__(self, dropout: float):
        self.dropout = dropout
        self.calls = {True: 0, False: 0}

    def __call__(self, training: bool, weights: Sequence[Tensor], x: Tensor, edge_index: Tensor) -> Tensor:
        self.calls[training] += 1
        W1, W2 = weights
        near = torch.eye(len(x), device=x.device)
        near[edge_index[1], edge_index[0]] = 1
        near = near / near.sum(1, keepdim=True)
        h = torch.tanh(near @ (x @ W1.T))
        return near @ (functional.dropout(h, self.dropout, training) @ W2.T)


def trained_nodes(
    answer: Answer,
    graph: Sequence[Tensor],
    weights: Sequence[Tensor],
    dropout: float,
    recipe: Sequence[float],
    seed: int,
) -> dict[str, Any]:
    """What happens to a lent model that the answer trains; `graph` and `recipe` as in `trained_network`.

    After a training without dropout `strayed` says how far the weights are from those that the course's training gives,
    and from those that it gives if gradients are never cleared, as a share of the way that those went; it is None
    otherwise. With weight decay, `free` is the size of the weights after a second training run without it.
    """
    x, edge_index, y, mask = graph
    epochs, lr, decay = int(recipe[0]), recipe[1], recipe[2]
    with seeded(seed):
        watched = _Watched(dropout)
        model = Built(models.LentModel, (watched, list(weights), False, ("x", "edge_index")))
        data = Built(harness.graph, (x, edge_index, y, mask))
        returned = answer(model, data, epochs, lr, decay)
        calls = dict(watched.calls)
        ends = list(answer.through(models.parameters, model).values())
        free = _without_decay(answer, graph, weights, dropout, recipe) if decay else 0.0
        with torch.no_grad():
            found = watched(False, ends, x, edge_index).argmax(1)
    kept = zip(answer.through(harness.read_graph, data), graph, strict=True)
    return {
        "returned": returned is model,
        "training_calls": calls[True],
        "eval_calls": calls[False],
        "moved": _distance(ends, weights),
        "size": _size(ends),
        "free": free,
        "strayed": _strayed(ends, graph, weights, recipe) if dropout == 0 else None,
        "found": found,
        "kept": all(torch.equal(now, before) for now, before in kept),
    }


def _strayed(
    ends: Sequence[Tensor], graph: Sequence[Tensor], weights: Sequence[Tensor], recipe: Sequence[float]
) -> list[float]:
    """How far the weights are from the nearest of the course's trainings, with gradients cleared and without.

    Adam is known with its weight decay in the gradient and beside it (AdamW).
    """
    found = []
    for clear in (True, False):
        ways = [_course_training(graph, weights, recipe, clear, kind) for kind in (torch.optim.Adam, torch.optim.AdamW)]
        found.append(min(_apart(ends, way) / max(_apart(way, weights), 1e-12) for way in ways))
    return found


def _apart(first: Sequence[Tensor], second: Sequence[Tensor]) -> float:
    return _size([one - other for one, other in zip(first, second, strict=True)])


def _without_decay(
    answer: Answer, graph: Sequence[Tensor], weights: Sequence[Tensor], dropout: float, recipe: Sequence[float]
) -> float:
    """The size of the weights after a training without weight decay."""
    model = Built(models.LentModel, (_Watched(dropout), list(weights), False, ("x", "edge_index")))
    answer(model, Built(harness.graph, tuple(graph)), int(recipe[0]), recipe[1], 0.0)
    return _size(answer.through(models.parameters, model).values())


def _course_training(
    graph: Sequence[Tensor], weights: Sequence[Tensor], recipe: Sequence[float], clear: bool, kind: Any
) -> list[Tensor]:
    """The weights after Adam's steps without dropout; if `clear` is False, gradients add up."""
    x, edge_index, y, mask = graph
    epochs, lr, decay = recipe
    leaves = [each.detach().clone().requires_grad_() for each in weights]
    optimizer, compute = kind(leaves, lr=lr, weight_decay=decay), _Watched(0.0)
    for _ in range(int(epochs)):
        if clear:
            optimizer.zero_grad()
        functional.cross_entropy(compute(True, leaves, x, edge_index)[mask], y[mask]).backward()
        optimizer.step()
    return [each.detach() for each in leaves]


def _distance(first: Sequence[Tensor], second: Sequence[Tensor]) -> float:
    return max(float((one - other).abs().max()) for one, other in zip(first, second, strict=True))


def _size(weights: Any) -> float:
    return float(sum(each.square().sum() for each in weights) ** 0.5)


# --- links ------------------------------------------------------------------------------------------------


def negatives(answer: Answer, edge_index: Tensor, n: int, count: int, seed: int) -> dict[str, Any]:
    """Pairs drawn with one seed, with the same one again, and with another."""
    drawn = [answer(edge_index, n, count, torch.Generator().manual_seed(each)) for each in (seed, seed, seed + 1)]
    for pairs in drawn:
        if not isinstance(pairs, Tensor):
            raise UnexpectedAnswer(f"negative_edges returned {described(pairs)}; expected a tensor of shape (2, count)")
    return dict(zip(("pairs", "again", "other"), drawn, strict=True))


# --- mini-batches -----------------------------------------------------------------------------------------


def sampled(
    answer: Answer, edge_index: Tensor, seeds: Tensor, fanout: int, n: int, first: int, draws: int
) -> list[tuple[Tensor, Tensor]]:
    """Neighbours drawn with the generator's seeds first, first + 1, ...; the last draw has the first seed again."""
    found = []
    for each in (*range(first, first + draws), first):
        value = answer(edge_index, seeds, fanout, n, torch.Generator().manual_seed(each))
        if not _is_pair(value):
            raise UnexpectedAnswer(
                f"sample_neighbors returned {described(value)}; expected two tensors, `return nodes, edge_index`"
            )
        found.append(tuple(value))
    return found


def _is_pair(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and len(value) == 2 and all(isinstance(each, Tensor) for each in value)
