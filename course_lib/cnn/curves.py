"""Networks that show what a convolution is good for: three for the curves of MNIST-1D, one for digits that move.

S. Greydanus and D. Kobak publish 32 % for a linear classifier, 68 % for a multilayer perceptron and 94 % for a
convolutional network; 32, 68 and 56 % with shuffled positions ("Scaling down deep learning with MNIST-1D", 2024).
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from course_lib.data import Split
    from course_lib.training import History

__all__ = ["EPOCHS", "PUBLISHED", "SHUFFLED", "curve_network", "sheet_network", "train_curves"]

PUBLISHED = {"linear": 0.32, "MLP": 0.68, "CNN": 0.94}
"""The published accuracies on 1,000 held-out curves."""

SHUFFLED = {"linear": 0.32, "MLP": 0.68, "CNN": 0.56}
"""The same with the points of all curves in another order."""

EPOCHS = 15
"""Passes through the curves, the same for every network."""


def curve_network(kind: str, seed: int = 0) -> nn.Module:
    """A network from curves, (N, 40), to logits, (N, 10).

    Args:
        kind: "linear", "MLP" (two hidden layers of 256) or "CNN" (four convolutions).
        seed: seed for its initial weights; the global generator is left unchanged.

    Raises:
        ValueError: there is no such kind.
    """
    import torch
    from torch import nn

    def convolution(c_in: int, c_out: int, kernel: int, stride: int) -> list[nn.Module]:
        layer = nn.Conv1d(c_in, c_out, kernel, stride, padding=kernel // 2)
        return [layer, nn.BatchNorm1d(c_out), nn.ReLU()]

    def dense(*sizes: int) -> list[nn.Module]:
        parts: list[nn.Module] = []
        for n, m in pairwise(sizes):
            parts += [nn.Linear(n, m), nn.ReLU()]
        return parts[:-1]

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        if kind == "linear":
            return nn.Linear(40, 10)
        if kind == "MLP":
            return nn.Sequential(*dense(40, 256, 256, 10))
        if kind == "CNN":
            body = [*convolution(1, 24, 5, 1), *convolution(24, 24, 5, 2), *convolution(24, 24, 5, 2)]
            end = [*convolution(24, 24, 3, 2), nn.Flatten(), nn.Linear(24 * 5, 10)]
            return nn.Sequential(nn.Unflatten(1, (1, 40)), *body, *end)
    raise ValueError(f"kind is {kind!r}; expected one of {', '.join(PUBLISHED)}")


def sheet_network(seed: int = 0) -> nn.Module:
    """From digits on a larger sheet, (N, 1, H, W), to logits, (N, 10): two convolutions, and a maximum.

    What the convolutions find moves along with the digit, and the maximum forgets where it was.
    """
    import torch
    from torch import nn

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers: list[nn.Module] = []
        for c_in, c_out in ((1, 16), (16, 32)):
            layers += [nn.Conv2d(c_in, c_out, 5, padding=2), nn.BatchNorm2d(c_out), nn.ReLU()]
        return nn.Sequential(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(32, 10))


def train_curves(kind: str, curves: Split, seed: int = 0, show: bool = True) -> tuple[nn.Module, History]:
    """Trains one of the networks by the recipe that all of them share.

    AdamW with a weight decay of 0.01, batches of 100, a rate that falls from 0.01 to 0 along a cosine.

    Args:
        kind: as in `curve_network`.
        curves: curves to learn from, and others on which the accuracy is measured after each epoch.
        seed: seed for the initial weights and the order of the curves.
        show: whether to show a progress bar.

    Returns:
        The trained network, and its History.
    """
    from torch.optim import AdamW

    from course_lib.training import cosine, fit

    model = curve_network(kind, seed)
    history = fit(
        model,
        (curves.train.x, curves.train.labels),
        EPOCHS,
        1e-2,
        test=(curves.test.x, curves.test.labels),
        batch_size=100,
        optimizer=partial(AdamW, weight_decay=0.01),
        schedule=cosine,
        seed=seed,
        label=kind,
        show=show,
    )
    return model, history
