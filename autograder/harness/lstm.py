"""Gated cells on the student's side: what a training did there, as far as its own process can tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.optim.optimizer import register_optimizer_step_post_hook

__all__ = ["Watch", "begin", "end", "kinds"]

_OWNERS: tuple[Any, ...] = (torch.optim.Optimizer, nn.Module)


class Watch:
    """Counts the steps of all optimizers, and how often gradients are set to zero; keeps the first batch of sequences
    that a module is called with."""

    def __init__(self) -> None:
        self.seen: dict[str, Any] = {"steps": 0, "zeroed": 0, "batch": None}
        self._originals = [owner.zero_grad for owner in _OWNERS]
        self._hooks: list[Any] = []

    def begin(self) -> None:
        """Counts from now on."""
        self._hooks = [
            register_optimizer_step_post_hook(self._stepped),
            register_module_forward_pre_hook(self._called),
        ]
        for owner, original in zip(_OWNERS, self._originals, strict=True):
            owner.zero_grad = self._counted(original)

    def end(self) -> None:
        """Stops counting, and leaves torch as it was."""
        for hook in self._hooks:
            hook.remove()
        for owner, original in zip(_OWNERS, self._originals, strict=True):
            owner.zero_grad = original

    def _stepped(self, *_: Any) -> None:
        self.seen["steps"] += 1

    def _called(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        xs = inputs[0] if inputs else None
        if self.seen["batch"] is None and isinstance(xs, Tensor) and xs.dim() == 3:
            self.seen["batch"] = xs.detach().clone()

    def _counted(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def zero_grad(*args: Any, **kwargs: Any) -> Any:
            self.seen["zeroed"] += 1
            return original(*args, **kwargs)

        return zero_grad


def begin(watch: Watch) -> None:
    """Begins to count."""
    watch.begin()


def end(watch: Watch) -> dict[str, Any]:
    """Stops counting: `steps`, `zeroed` and the first `batch`, None if there was none."""
    watch.end()
    return watch.seen


def kinds(model: nn.Module) -> list[str]:
    """The types of a model's modules, by name."""
    return sorted({type(module).__name__ for module in model.modules()})
