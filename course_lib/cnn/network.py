"""A convolutional network for the digits in torch, one epoch of training, and its accuracy afterwards.

torch is imported when one of these runs: counting weights need not wait for it.

Papers
    Y. LeCun et al., "Gradient-based learning applied to document recognition", 1998
    M. Lin, Q. Chen, S. Yan, "Network in network", 2013
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

__all__ = ["build_cnn", "evaluate", "train_epoch"]


def build_cnn(classes: int = 10) -> nn.Module:
    """Two convolutions with batch normalisation, ReLU and pooling, then a linear layer: 6,186 parameters in all.

    Args:
        classes: number of logits.

    Returns:
        A module from images, (N, 1, 8, 8), to logits, (N, classes).
    """
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 2 * 2, classes),
    )


def train_epoch(
    model: nn.Module,
    loader: Iterable[tuple[Tensor, Tensor]],
    optimizer: torch.optim.Optimizer,
    device: torch.device | str,
) -> float:
    """One pass through the data, one optimizer step per batch, in training mode.

    Args:
        model: from inputs to logits; already on the device.
        loader: batches (inputs, labels), of any sizes.
        optimizer: holds the model's parameters.
        device: where to compute.

    Returns:
        The mean cross-entropy over all samples, each measured in its own step.
    """
    from torch.nn import functional

    model.train()
    total, count = 0.0, 0
    for inputs, labels in loader:
        inputs, labels = inputs.to(device), labels.to(device)
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(inputs), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        total, count = total + loss.item() * len(labels), count + len(labels)
    return total / count


def evaluate(model: nn.Module, loader: Iterable[tuple[Tensor, Tensor]], device: torch.device | str) -> float:
    """The share of samples that the model classifies correctly, in eval mode and without gradients.

    Args:
        model: from inputs to logits; already on the device.
        loader: batches (inputs, labels), of any sizes.
        device: where to compute.
    """
    import torch

    model.eval()
    right, count = 0, 0
    with torch.no_grad():
        for inputs, labels in loader:
            found = model(inputs.to(device)).argmax(dim=1)
            right, count = right + int((found == labels.to(device)).sum()), count + len(labels)
    return right / count
