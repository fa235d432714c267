"""Graphs on the student's side: answers in one order of their edges, and gradients of layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from autograder.harness import NotAsked

__all__ = ["gin", "gin_gradients", "gradients", "node_ids", "sorted_edges"]

Answer = Callable[..., Any]


def sorted_edges(answer: Answer, edge_index: Tensor, n: int) -> Any:
    """Edges and their weights, sorted by source and then by target: a graph has no first edge."""
    value = answer(edge_index, n)
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise NotAsked("two tensors are asked, `return edge_index, weight`: the edges with loops, and their weights")
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
    """Node numbers as a tensor, where they came as a list of whole numbers."""
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
        raise NotAsked(f"a torch tensor is asked; this is {type(result).__name__}")
    if result.shape != upstream.shape:
        raise NotAsked(f"the result has shape {tuple(result.shape)}; expected is {tuple(upstream.shape)}")
    if not result.requires_grad:
        raise NotAsked(
            "the result carries no gradient, so nothing could learn through it: stay in torch all the way, without "
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
