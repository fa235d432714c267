"""Graphs on the student's side: edges in a fixed order, gradients of layers, layers and models in PyG."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from autograder.harness import UnexpectedAnswer

__all__ = [
    "conv",
    "conv_gradients",
    "conv_start",
    "gin",
    "gin_gradients",
    "gradients",
    "negatives",
    "network",
    "node_ids",
    "sorted_edges",
    "trained_network",
    "trained_nodes",
]

Answer = Callable[..., Any]


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


def gradients(answer: Answer, upstream: Tensor, numbers: Sequence[Any]) -> list[Tensor]:
    """The gradients of `sum(upstream * answer(*numbers))` for every float tensor among the numbers."""
    given = [item.clone().requires_grad_() if _floats(item) else item for item in numbers]
    return _pulled(answer(*given), upstream, [item for item in given if _floats(item)])


def _floats(item: Any) -> bool:
    return isinstance(item, Tensor) and item.is_floating_point()


def _pulled(result: Any, upstream: Tensor, leaves: list[Tensor]) -> list[Tensor]:
    if not isinstance(result, Tensor):
        raise UnexpectedAnswer(f"expected a torch tensor; this is {type(result).__name__}")
    if result.shape != upstream.shape:
        raise UnexpectedAnswer(f"the result has shape {tuple(result.shape)}; expected {tuple(upstream.shape)}")
    if not result.requires_grad:
        raise UnexpectedAnswer(
            "the result carries no gradient, so nothing can be learned through it: stay in torch throughout, without "
            ".data, .detach(), .item(), .numpy() or torch.tensor(...) around values"
        )
    found = torch.autograd.grad((upstream * result).sum(), leaves, allow_unused=True)
    return [torch.zeros_like(leaf) if grad is None else grad for grad, leaf in zip(found, leaves, strict=True)]


def gin(answer: Answer, x: Tensor, edge_index: Tensor, W: Tensor, b: Tensor, eps: float) -> Any:
    """A layer whose mlp is tanh(h W^T + b)."""
    return answer(x, edge_index, lambda h: torch.tanh(h @ W.T + b), eps)


def gin_gradients(answer: Answer, upstream: Tensor, numbers: Sequence[Any]) -> list[Tensor]:
    """The gradients of `gin` for x, W and b."""
    return gradients(lambda *given: gin(answer, *given), upstream, numbers)


# --- a PyG layer ------------------------------------------------------------------------------------------


def conv(answer: Answer, x: Tensor, edge_index: Tensor, W: Tensor, b: Tensor) -> Any:
    """The layer that the answer builds, loaded with W (out, in) and b (out,), on a graph."""
    return _loaded(answer, W, b)[0](x, edge_index)


def conv_gradients(answer: Answer, upstream: Tensor, numbers: Sequence[Any]) -> list[Tensor]:
    """The gradients of `conv` for x, W and b."""
    x, edge_index, W, b = numbers
    layer, *parameters = _loaded(answer, W, b)
    x = x.clone().requires_grad_()
    return _pulled(layer(x, edge_index), upstream, [x, *parameters])


def conv_start(answer: Answer, in_channels: int, out_channels: int) -> list[Tensor]:
    """The weights of two new layers."""
    layers = (_layer(answer, in_channels, out_channels) for _ in range(2))
    return [_parameters(layer, (out_channels, in_channels))[0].detach().clone() for layer in layers]


def _layer(answer: Answer, in_channels: int, out_channels: int) -> nn.Module:
    from torch_geometric.nn import MessagePassing

    _forget_compiled()
    layer = answer(in_channels, out_channels)
    if not isinstance(layer, MessagePassing):
        raise UnexpectedAnswer(
            "GCNConv(in_channels, out_channels) does not build a MessagePassing of PyG: write "
            "`class GCNConv(MessagePassing):` and call super().__init__() first"
        )
    return layer  # type: ignore[no-any-return]


def _forget_compiled() -> None:
    """PyG compiles `propagate` once per class name: a class that is redefined would get the old one's."""
    for name in [name for name in sys.modules if name.endswith("_propagate")]:
        if not name.startswith(("torch_geometric.", "course_lib.")):
            del sys.modules[name]


def _parameters(layer: nn.Module, shape: tuple[int, ...]) -> tuple[nn.Parameter, nn.Parameter]:
    found = list(layer.parameters())
    shapes = sorted((tuple(each.shape) for each in found), key=len)
    if shapes != [shape[:1], shape]:
        told = ", ".join(map(str, shapes)) or "none"
        raise UnexpectedAnswer(
            f"the layer has parameters of shapes {told}; expected a weight {shape} and a bias {shape[:1]}"
        )
    weight, bias = sorted(found, key=lambda each: -each.ndim)
    return weight, bias


def _loaded(answer: Answer, W: Tensor, b: Tensor) -> tuple[nn.Module, nn.Parameter, nn.Parameter]:
    layer = _layer(answer, W.shape[1], W.shape[0]).to(device=W.device, dtype=W.dtype)
    weight, bias = _parameters(layer, tuple(W.shape))
    with torch.no_grad():
        weight.copy_(W)
        bias.copy_(b)
    return layer, weight, bias


# --- a model ----------------------------------------------------------------------------------------------


def _model(built: Any) -> nn.Module:
    if not isinstance(built, nn.Module):
        raise UnexpectedAnswer(f"build_gcn returned {type(built).__name__}; expected a torch.nn.Module")
    return built


def network(
    answer: Answer, sizes: Sequence[int], x: Tensor, edge_index: Tensor, order: Tensor, renumbered: Tensor, seed: int
) -> dict[str, Any]:
    """What a new model in eval mode computes on a graph; `hears[i, j]`: the logits of node i depend on x[j]."""
    torch.manual_seed(seed)
    _forget_compiled()
    model = _model(answer(*sizes)).to(x.device).eval()
    with torch.no_grad():
        logits = model(x, edge_index)
        if not isinstance(logits, Tensor):
            raise UnexpectedAnswer(f"the model returns {type(logits).__name__}; expected a tensor of logits")
        told = {
            "logits": logits,
            "again": model(x, edge_index),
            "renumbered": model(x[order], renumbered),
            "double": model(2 * x, edge_index),
            "mirrored": model(-x, edge_index),
            "nothing": model(0 * x, edge_index),
            "shapes": [list(each.shape) for each in model.parameters()],
        }
    told["hears"] = torch.stack(
        [_hears(_model(answer(*sizes)).to(x.device).eval(), x, edge_index) for _ in range(3)]
    ).any(0)
    return told


def _hears(model: nn.Module, x: Tensor, edge_index: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    logits = model(x, edge_index)
    if not logits.requires_grad:
        raise UnexpectedAnswer("the logits carry no gradient: stay in torch throughout")
    mixed = logits @ torch.randn(logits.shape[1], device=x.device)
    rows = [torch.autograd.grad(one, x, retain_graph=True, allow_unused=True)[0] for one in mixed]
    return torch.stack(
        [torch.zeros_like(x[:, 0], dtype=torch.bool) if row is None else row.abs().sum(1) > 0 for row in rows]
    )


def trained_network(
    answer: Answer, sizes: Sequence[int], graph: Sequence[Tensor], recipe: Sequence[float], seeds: Sequence[int]
) -> list[Tensor]:
    """The classes that new models predict for all nodes after the course's own training, one row per seed.

    `graph` is x, edge_index, y and train_mask; `recipe` is epochs, lr and weight decay.
    """
    from course_lib.training import fit

    x, edge_index, y, mask = graph
    epochs, lr, decay = recipe
    found = []
    _forget_compiled()
    for seed in seeds:
        torch.manual_seed(seed)
        model = _model(answer(*sizes)).to(x.device)
        fit(
            model,
            [((x, edge_index), y)],
            int(epochs),
            lr,
            loss=lambda logits, labels: functional.cross_entropy(logits[mask], labels[mask]),
            optimizer=partial(torch.optim.Adam, weight_decay=decay),
            show=False,
        )
        with torch.no_grad():
            found.append(model.eval()(x, edge_index).argmax(1))
    return found


# --- training -----------------------------------------------------------------------------------------------


class _Watched(nn.Module):
    """Two dense layers over neighbourhood means, with dropout between them; it counts its calls in each mode."""

    def __init__(self, weights: Sequence[Tensor], dropout: float):
        super().__init__()
        W1, W2 = weights
        self.W1, self.W2 = nn.Parameter(W1.clone()), nn.Parameter(W2.clone())
        self.dropout = dropout
        self.calls = {True: 0, False: 0}

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        self.calls[self.training] += 1
        near = torch.eye(len(x), device=x.device)
        near[edge_index[1], edge_index[0]] = 1
        near = near / near.sum(1, keepdim=True)
        h = torch.tanh(near @ (x @ self.W1.T))
        return near @ (functional.dropout(h, self.dropout, self.training) @ self.W2.T)


def trained_nodes(
    answer: Answer,
    graph: Sequence[Tensor],
    weights: Sequence[Tensor],
    dropout: float,
    recipe: Sequence[float],
    seed: int,
) -> dict[str, Any]:
    """What happens to a model that the answer trains; `graph` and `recipe` as in `trained_network`.

    With weight decay, `free` is the size of the weights after a second training run without it.
    """
    from torch_geometric.data import Data

    x, edge_index, y, mask = graph
    data = Data(x=x, edge_index=edge_index, y=y, train_mask=mask)
    before = copy.copy(data).clone()
    model = _Watched(weights, dropout).eval()
    epochs, lr, decay = recipe
    torch.manual_seed(seed)
    returned = answer(model, data, int(epochs), lr, decay)
    calls = dict(model.calls)
    pulls = [each.grad for each in model.parameters()]
    with torch.no_grad():
        found = model.eval()(x, edge_index).argmax(1)
    return {
        "returned": returned is model,
        "training_calls": calls[True],
        "eval_calls": calls[False],
        "moved": max(
            float((new.detach() - old).abs().max()) for new, old in zip(model.parameters(), weights, strict=True)
        ),
        "size": _size(model),
        "free": _size(answer(_Watched(weights, dropout).eval(), before, int(epochs), lr, 0.0)) if decay else 0.0,
        "pull": 0.0 if None in pulls else float(sum(each.square().sum() for each in pulls if each is not None) ** 0.5),
        "found": found,
        "kept": all(torch.equal(before[key], data[key]) for key in ("x", "edge_index", "y", "train_mask")),
    }


def _size(model: Any) -> float:
    return float(sum(each.detach().square().sum() for each in model.parameters()) ** 0.5)


# --- links ------------------------------------------------------------------------------------------------


def negatives(answer: Answer, edge_index: Tensor, n: int, count: int, seed: int) -> dict[str, Any]:
    """Pairs drawn with one seed, with the same one again, and with another."""
    drawn = [answer(edge_index, n, count, torch.Generator().manual_seed(each)) for each in (seed, seed, seed + 1)]
    for pairs in drawn:
        if not isinstance(pairs, Tensor):
            raise UnexpectedAnswer(
                f"negative_edges returned {type(pairs).__name__}; expected a tensor of shape (2, count)"
            )
    return dict(zip(("pairs", "again", "other"), drawn, strict=True))
