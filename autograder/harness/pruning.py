"""Networks that the exercises on pruning start from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["network"]


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


def network(kind: str, weights: Sequence[Tensor] = ()) -> nn.Module:
    """A network: "lenet", LeNet-300-100 for 64 pixels and ten classes, or "small", with convolutions.

    Args:
        kind: its name.
        weights: its parameters, in order; fresh ones if there are none.
    """
    with torch.random.fork_rng(devices=()):
        model = _Small() if kind == "small" else _lenet()
    if weights:
        with torch.no_grad():
            for parameter, weight in zip(model.parameters(), weights, strict=True):
                parameter.copy_(weight)
    return model


def _lenet() -> nn.Module:
    return nn.Sequential(
        nn.Linear(64, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU(), nn.Linear(100, 10)
    )  # fmt: skip
