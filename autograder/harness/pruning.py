"""Pruning on the student's side: what is refused, gradients of a loss, networks that lose weights.

A pruned network comes back as its weights: the judge counts the zeros, and tests the network on digits that this
process never sees.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from autograder.harness import UnexpectedAnswer

__all__ = ["differentiated", "network", "pruned", "refused"]

Answer = Callable[..., Any]


def refused(answer: Answer, w: Tensor, *counts: int) -> str:
    """The name of the exception that weights (out, in) raise, or "nothing" if the call returns.

    The first whole group of inputs must be accepted first: refusing everything is not an answer.
    """
    group = counts[1] if counts else 4
    answer(w[:, :group], *counts)
    try:
        answer(w, *counts)
    except Exception as error:
        return type(error).__name__
    return "nothing"


def differentiated(answer: Answer, student: Tensor, *rest: Any) -> dict[str, Any]:
    """The loss, and its gradient for the student's logits; None if there is none."""
    leaf = student.detach().clone().requires_grad_()
    loss = answer(leaf, *rest)
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        return {"loss": loss, "gradient": None}
    return {"loss": loss, "gradient": torch.autograd.grad(loss, leaf)[0]}


# --- a pruned network -----------------------------------------------------------------------------------


class _Small(nn.Module):
    """Two convolutions, a batch normalisation and a linear layer, for images of 8 x 8 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.second = nn.Conv2d(6, 8, (3, 2), stride=2)
        self.last = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, 8, 8) to logits (N, 4)."""
        hidden = self.second(torch.relu(self.norm(self.first(x))))
        logits: Tensor = self.last(torch.relu(hidden).amax(dim=(2, 3)))
        return logits


def network(kind: str) -> nn.Module:
    """A fresh network: "lenet", LeNet-300-100 for 64 pixels and ten classes, or "small", with convolutions."""
    if kind == "small":
        return _Small()
    return nn.Sequential(
        nn.Linear(64, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU(), nn.Linear(100, 10)
    )  # fmt: skip


def pruned(
    answer: Answer, kind: str, weights: Sequence[Tensor], x: Tensor, labels: Tensor, sparsity: float, seed: int
) -> dict[str, Any]:
    """Has the answer prune a trained network and fine-tune it.

    Returns:
        The `names` of the new network's parameters and the parameters themselves, `weights`; whether the answer
        returned the `same object`, and whether the old network is `untouched`.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # more would wait for each other on a busy machine
    try:
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            model = network(kind)
            with torch.no_grad():
                for parameter, weight in zip(model.parameters(), weights, strict=True):
                    parameter.copy_(weight)
            return _looks(model, answer(model, (x, labels), sparsity), weights)
    finally:
        torch.set_num_threads(threads)


def _looks(model: nn.Module, new: Any, weights: Sequence[Tensor]) -> dict[str, Any]:
    if not isinstance(new, nn.Module):
        raise UnexpectedAnswer(
            f"prune_and_finetune returned an object of type {type(new).__name__}; expected the new model"
        )
    old = dict(model.named_parameters())
    untouched = len(old) == len(weights) and all(map(torch.equal, old.values(), weights))
    found = dict(new.named_parameters())
    return {
        "names": list(found),
        "weights": [each.detach().clone() for each in found.values()],
        "same object": new is model,
        "untouched": untouched,
    }
