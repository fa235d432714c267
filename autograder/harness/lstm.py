"""Gated cells on the student's side: gradients through a whole sequence, batches drawn again, and a training run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from autograder.harness import UnexpectedAnswer

__all__ = ["batch_again", "gradients", "trained"]


def gradients(
    answer: Callable[..., Any], dhs: Tensor, dh: Tensor, dc: Tensor, xs: Tensor, h: Tensor, c: Tensor, *params: Tensor
) -> list[Tensor]:
    """What torch's autograd finds through `lstm_forward`: gradients of xs, h, c and the four weights.

    Raises:
        UnexpectedAnswer: something cuts the gradient off.
    """
    leaves = [each.detach().clone().requires_grad_() for each in (xs, h, c, *params)]
    hs, (last_h, last_c) = answer(leaves[0], (leaves[1], leaves[2]), *leaves[3:])
    loss = (hs * dhs).sum() + (last_h * dh).sum() + (last_c * dc).sum()
    if not loss.requires_grad:
        raise UnexpectedAnswer(
            "no gradient passes through lstm_forward: .detach(), .data, NumPy and torch.no_grad() cut it off"
        )
    found = torch.autograd.grad(loss, leaves, allow_unused=True)
    return [torch.zeros_like(leaf) if each is None else each for leaf, each in zip(leaves, found, strict=True)]


def batch_again(
    answer: Callable[..., Any], n: int, length: int, generator: torch.Generator, other: torch.Generator
) -> dict[str, Any]:
    """The numbers of a batch from a generator, from a second one in the same state, and from one in another state."""
    twin = torch.Generator(generator.device)
    twin.set_state(generator.get_state())
    return {
        name: answer(n, length, source)[0] for name, source in (("first", generator), ("again", twin), ("other", other))
    }


def trained(
    answer: Callable[..., Any], kind: str, length: int, steps: int, generator: torch.Generator, xs: Tensor
) -> dict[str, Any]:
    """Trains, and predicts for inputs whose targets are not here; also reports what was seen of the training.

    Raises:
        UnexpectedAnswer: the answer does not return a model.
    """
    with _watched() as seen:
        model = answer(kind, length, steps, generator)
    if not isinstance(model, nn.Module):
        raise UnexpectedAnswer(
            f"train_memory returned {type(model).__name__}; expected the trained model, a torch.nn.Module"
        )
    model.eval()
    device = next((each.device for each in model.parameters()), xs.device)
    with torch.no_grad():
        predictions = model(xs.to(device))
        early = xs.clone()
        early[:, length // 2 :] = 0
        changed = model(early.to(device))
    return {
        "predictions": predictions,
        "early": changed,
        "modules": sorted({type(module).__name__ for module in model.modules()}),
        **seen,
    }


@contextmanager
def _watched() -> Iterator[dict[str, int]]:
    """Counts the steps of all optimizers, and how often gradients are set to zero."""
    seen = {"steps": 0, "zeroed": 0}

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        def zero_grad(*args: Any, **kwargs: Any) -> Any:
            seen["zeroed"] += 1
            return original(*args, **kwargs)

        return zero_grad

    def stepped(*_: Any) -> None:
        seen["steps"] += 1

    owners: tuple[Any, ...] = (torch.optim.Optimizer, nn.Module)
    originals = [owner.zero_grad for owner in owners]
    hook = register_optimizer_step_post_hook(stepped)
    for owner, original in zip(owners, originals, strict=True):
        owner.zero_grad = counted(original)
    try:
        yield seen
    finally:
        hook.remove()
        for owner, original in zip(owners, originals, strict=True):
            owner.zero_grad = original
