"""Gated cells on the student's side: what a training did there, as far as its own process can tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook

__all__ = ["Watch", "begin", "end", "kinds"]

_OWNERS: tuple[Any, ...] = (torch.optim.Optimizer, nn.Module)


class Watch:
    """Counts the steps of all optimizers, and how often gradients are set to zero."""

    def __init__(self) -> None:
        self.seen = {"steps": 0, "zeroed": 0}
        self._originals = [owner.zero_grad for owner in _OWNERS]
        self._hook: Any = None

    def begin(self) -> None:
        """Counts from now on."""
        self._hook = register_optimizer_step_post_hook(self._stepped)
        for owner, original in zip(_OWNERS, self._originals, strict=True):
            owner.zero_grad = self._counted(original)

    def end(self) -> None:
        """Stops counting, and leaves torch as it was."""
        self._hook.remove()
        for owner, original in zip(_OWNERS, self._originals, strict=True):
            owner.zero_grad = original

    def _stepped(self, *_: Any) -> None:
        self.seen["steps"] += 1

    def _counted(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def zero_grad(*args: Any, **kwargs: Any) -> Any:
            self.seen["zeroed"] += 1
            return original(*args, **kwargs)

        return zero_grad


def begin(watch: Watch) -> None:
    """Begins to count."""
    watch.begin()


def end(watch: Watch) -> dict[str, int]:
    """Stops counting: `steps` and `zeroed`."""
    watch.end()
    return watch.seen


def kinds(model: nn.Module) -> list[str]:
    """The types of a model's modules, by name."""
    return sorted({type(module).__name__ for module in model.modules()})
