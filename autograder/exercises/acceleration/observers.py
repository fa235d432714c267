"""How the judge observes answers on acceleration: through a chip and functions of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from autograder.exercises.acceleration.chip import on_a_chip
from autograder.exercises.acceleration.inputs import Tensor
from autograder.harness import acceleration as harness
from autograder.objects import Answer, Built

__all__ = ["counted", "on_a_chip", "on_a_stack"]


def on_a_stack(answer: Answer, W: Tensor, xs: Sequence[Tensor]) -> tuple[Any, int]:
    """A layer of the judge's applied to many examples: the results, and how often the layer was called."""
    calls = 0

    def layer(x: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return torch.relu(x @ W.T)

    results = answer(layer, list(xs))
    if isinstance(results, Tensor) and results.dim():
        results = list(results.unbind())
    return results, calls


def counted(answer: Answer, fn: str, *args: Tensor) -> Any:
    """The number of operators that the answer counts in a function, which comes as a text."""
    return answer(Built(harness.function, (fn,)), *args)
