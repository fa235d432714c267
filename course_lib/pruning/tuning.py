"""How much a network can lose, and how it learns to do without it: sensitivity, gradual pruning, distillation."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib import training
from course_lib.pruning.masks import global_masks, magnitude_mask

__all__ = [
    "cubic_schedule",
    "distillation_loss",
    "lenet",
    "prune_and_finetune",
    "sensitivity",
    "tuned",
    "weights_of",
    "with_weights",
]

EPOCHS, RATE, BATCH, EVERY = 15, 1e-2, 64, 10
"""Fine-tuning: epochs, Adam's initial rate, batch size, and steps between two prunings."""


def lenet(inputs: int = 64, classes: int = 10, hidden: tuple[int, int] = (300, 100), seed: int = 0) -> nn.Sequential:
    """LeNet-300-100: two hidden layers of 300 and 100 units (LeCun et al., 1998), here for digits of 8 x 8 pixels.

    The initial weights depend only on the seed.
    """
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Linear(inputs, hidden[0]),
            nn.ReLU(),
            nn.Linear(hidden[0], hidden[1]),
            nn.ReLU(),
            nn.Linear(hidden[1], classes),
        )


def weights_of(model: nn.Module) -> list[Tensor]:
    """The weights of two or more dimensions, in the model's order, detached: biases are not among them."""
    return [each.detach() for each in model.parameters() if each.ndim > 1]


def with_weights(model: nn.Module, weights: Sequence[Tensor]) -> nn.Module:
    """A copy of a model with other weights of two or more dimensions; its biases stay."""
    new = copy.deepcopy(model)
    for old, w in zip(weights_of(new), weights, strict=True):
        old.copy_(w)
    return new


def tuned(
    model: nn.Module, data: tuple[Any, Any], masks: Sequence[Tensor | None], epochs: int = 15, lr: float = 1e-2
) -> nn.Module:
    """A copy of a model, trained further with fixed masks.

    Args:
        model: left unchanged.
        data: inputs and labels.
        masks: bool, one for each weight of two or more dimensions; None leaves that weight free.
        epochs: epochs of fine-tuning with Adam; the rate falls along a cosine.
        lr: the initial rate.
    """
    new = copy.deepcopy(model)

    def cut(module: nn.Module) -> None:
        for w, mask in zip(weights_of(module), masks, strict=True):
            if mask is not None:
                w.mul_(mask)

    cut(new)
    training.fit(new, data, epochs, lr, schedule=training.cosine, after_step=cut, show=False)
    return new


# --- how much can go ------------------------------------------------------------------------------------


def sensitivity(
    evaluate: Callable[[list[Tensor]], float], weights: Sequence[Tensor], sparsities: Sequence[float]
) -> list[list[float]]:
    """How a network's score changes when one layer is pruned and the others are not.

    Args:
        evaluate: from a list of weights, one per layer, to a score.
        weights: one tensor per layer; unchanged afterwards.
        sparsities: the shares to try, each on the unpruned layer.

    Returns:
        `scores[layer][j]`: with only this layer pruned by magnitude to `sparsities[j]`.
    """
    scores = []
    for layer, w in enumerate(weights):
        row = []
        for share in sparsities:
            changed = list(weights)
            changed[layer] = w * magnitude_mask(w, share)
            row.append(evaluate(changed))
        scores.append(row)
    return scores


def cubic_schedule(step: int, start: int, end: int, initial: float, final: float) -> float:
    """The sparsity after a number of steps: it rises fast at first, then ever more slowly (Zhu and Gupta, 2018).

    Args:
        step: any integer.
        start: up to here the sparsity is `initial`.
        end: from here on it is `final`.
        initial: sparsity at the start.
        final: sparsity at the end.
    """
    if step >= end:
        return final
    left = 1 - max(0, step - start) / (end - start)
    return final + (initial - final) * left**3


# --- pruning while learning -----------------------------------------------------------------------------


def prune_and_finetune(model: nn.Module, data: tuple[Tensor, Tensor], sparsity: float) -> nn.Module:
    """Prunes a trained network step by step while it keeps learning.

    Args:
        model: trained; left unchanged.
        data: inputs and labels to fine-tune with.
        sparsity: the share of the weights of two or more dimensions that are zero at the end.

    Returns:
        A new model with the same parameter names, in eval mode.
    """
    new = copy.deepcopy(model).train()
    weights = [each for each in new.parameters() if each.ndim > 1]
    masks = [torch.ones_like(w, dtype=torch.bool) for w in weights]
    optimizer = torch.optim.Adam(new.parameters(), RATE)
    generator = torch.Generator().manual_seed(0)
    steps, step = EPOCHS * math.ceil(len(data[1]) / BATCH), 0
    for _ in range(EPOCHS):
        for x, labels in training.batches(data, BATCH, generator):
            if step % EVERY == 0:
                share = cubic_schedule(step + EVERY, 0, steps // 2, 0.0, sparsity)
                masks = global_masks([w.detach() for w in weights], share)
            optimizer.param_groups[0]["lr"] = RATE * training.cosine(step / steps)
            optimizer.zero_grad()
            functional.cross_entropy(new(x), labels).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            _cut(weights, masks)
            step += 1
    _cut(weights, global_masks([w.detach() for w in weights], sparsity))
    return new.eval()


@torch.no_grad()
def _cut(weights: Sequence[Tensor], masks: Sequence[Tensor]) -> None:
    for w, mask in zip(weights, masks, strict=True):
        w.mul_(mask)


def distillation_loss(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float, alpha: float) -> Tensor:
    """How far a student is from its teacher and from the labels (Hinton, Vinyals, Dean, 2015).

    Args:
        student: logits, (N, C); gradients flow to them.
        teacher: logits, (N, C).
        labels: (N,), int64.
        temperature: both sides' logits are divided by it before the softmax.
        alpha: the teacher's share, 0 to 1.

    Returns:
        `alpha T^2 KL(teacher || student) + (1 - alpha) cross-entropy`, both means over the batch; a tensor of shape ().
    """
    soft = torch.log_softmax(student / temperature, dim=1)
    wanted = torch.log_softmax(teacher / temperature, dim=1)
    apart = (wanted.exp() * (wanted - soft)).sum(dim=1).mean()
    return alpha * temperature**2 * apart + (1 - alpha) * functional.cross_entropy(student, labels)
