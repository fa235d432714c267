"""Complex tensors on the student's side: what is computed while an answer runs, as a program that the judge runs, and
what a training took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.optim.optimizer import register_optimizer_step_post_hook

from autograder.harness.models import Recorder

__all__ = ["Recording", "Training", "begin", "end", "given", "trained", "trains"]


class Recording:
    """Records torch's operators between `begin` and `end`."""

    def __init__(self, inputs: Sequence[Tensor]) -> None:
        """`inputs` are those of the program: the very tensors that the answer is called with."""
        self.recorder = Recorder(inputs, training=False)


def given(numbers: Tensor) -> Tensor:
    """A tensor that an answer is called with."""
    return numbers.detach().clone()


def begin(recording: Recording) -> None:
    """Begins to record."""
    recording.recorder.__enter__()  # type: ignore[no-untyped-call]


def end(recording: Recording) -> dict[str, Any]:
    """Stops recording: what was computed, as `models.recorded` has it, without an output."""
    recording.recorder.__exit__(None, None, None)  # type: ignore[no-untyped-call]
    return {"state": {}, "trainable": [], "own": [], **recording.recorder.program()}


class Training:
    """Counts the steps of all optimizers, and looks at the symbols that models are trained on.

    Attributes:
        steps: of all optimizers.
        powers: the mean squared modulus of the symbols (n,) of each call of a model with gradients on.
        first: the symbols of the first of these calls; None before.
    """

    def __init__(self) -> None:
        self.steps = 0
        self.powers: list[float] = []
        self.first: Tensor | None = None
        self._hooks: list[Any] = []

    def begin(self) -> None:
        """Looks from now on."""
        self._hooks = [
            register_optimizer_step_post_hook(self._stepped),
            register_module_forward_pre_hook(self._called),
        ]

    def end(self) -> None:
        """Looks no longer."""
        for hook in self._hooks:
            hook.remove()

    def _stepped(self, *_: Any) -> None:
        self.steps += 1

    def _called(self, module: torch.nn.Module, inputs: tuple[Any, ...]) -> None:
        z = inputs[0] if inputs else None
        if not (isinstance(z, Tensor) and z.is_complex() and z.dim() == 1 and torch.is_grad_enabled()):
            return
        self.powers.append(float(z.detach().abs().square().mean()))
        self.first = z.detach().clone() if self.first is None else self.first


def trains(training: Training) -> None:
    """Begins to look."""
    training.begin()


def trained(training: Training) -> dict[str, Any]:
    """Stops looking: `steps`, `powers` and `first`."""
    training.end()
    return {"steps": training.steps, "powers": training.powers, "first": training.first}
