"""Compares gradients that an answer returns with central differences of the loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

__all__ = ["wrong_gradient"]


def wrong_gradient(
    loss: Callable[[], float],
    arguments: Sequence[Tensor],
    gradients: Sequence[Tensor],
    names: Sequence[str],
    rng: np.random.Generator,
) -> str | None:
    """What is wrong with the first wrong gradient; None where each agrees along one random direction.

    Args:
        loss: computes the loss from `arguments` as they are when it is called.
        arguments: float64 tensors; moved in place and put back.
        gradients: one for each argument, in the same order.
        names: what the gradients are called in the sentence.
        rng: draws the directions.
    """
    for name, argument, gradient in zip(names, arguments, gradients, strict=True):
        if tuple(gradient.shape) != tuple(argument.shape):
            return f"{name} does not have the shape of what it belongs to"
        direction = torch.from_numpy(np.asarray(rng.standard_normal(argument.shape)))
        eps = 1e-5
        argument += eps * direction
        above = loss()
        argument -= 2 * eps * direction
        below = loss()
        argument += eps * direction
        if not np.isclose(float((gradient * direction).sum()), (above - below) / (2 * eps), rtol=1e-4, atol=1e-6):
            return f"{name} is not the slope: moving the argument a little changes the loss by a different amount"
    return None
