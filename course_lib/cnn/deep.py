r"""Twenty convolutions in a row, with and without residual connections, with and without batch normalisation.

A residual block adds its input to what its layers make of it, so the gradient has a way back past the layers.

Symbols
    x       (N, C, H, W)    input of a block
    F       two convolutions, with a ReLU between them

Equations
    plain:      y = relu(F(x))
    residual:   y = relu(x + F(x)),   dx = (1 + F'(x))^T (gradient at the sum)

Paper
    K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", 2016
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

    from course_lib.data import Split
    from course_lib.training import History

__all__ = ["deep_network", "gradient_sizes", "train_deep"]


def deep_network(residual: bool, normalised: bool, depth: int = 20, seed: int = 0) -> nn.Module:
    """A network for digits, (N, 1, 8, 8) to (N, 10), with `depth` convolutions of 16 channels in blocks of two.

    Before them are one convolution and one pooling, behind them global average pooling and a linear layer. Weights are
    drawn as PyTorch does by default.

    Args:
        residual: whether each block adds its input to its output.
        normalised: whether batch normalisation follows each of the `depth` convolutions.
        depth: an even number.
        seed: seed for the initial weights; the global generator is left unchanged.

    Raises:
        ValueError: the depth is odd, or below 2.
    """
    import torch
    from torch import nn

    if depth < 2 or depth % 2:
        raise ValueError(f"depth is {depth}; expected 2, 4, 6, ...: a block has two convolutions")

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            one, two = (nn.Conv2d(16, 16, 3, padding=1) for _ in range(2))
            norms = [[nn.BatchNorm2d(16)] if normalised else [] for _ in range(2)]
            self.body = nn.Sequential(one, *norms[0], nn.ReLU(), two, *norms[1])

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.body(x)
            return torch.relu(x + y if residual else y)

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        first = [nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        last = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)]
        return nn.Sequential(*first, *(Block() for _ in range(depth // 2)), *last)


def gradient_sizes(model: nn.Module, images: Tensor, labels: Tensor) -> list[float]:
    """The size (root mean square) of the loss's gradient at the input of each block, and at the last one's output.

    Args:
        model: from `deep_network`.
        images: (N, 1, 8, 8).
        labels: (N,).

    Returns:
        depth / 2 + 1 numbers, the first block first. The model's parameters keep no gradients.
    """
    import torch
    from torch.nn import functional

    seen: list[Tensor] = []
    x = images
    for layer in model.children():
        if hasattr(layer, "body"):
            seen.append(x)
        x = layer(x)
        if hasattr(layer, "body"):
            last = x
    gradients = torch.autograd.grad(functional.cross_entropy(x, labels), [*seen, last])
    return [float(each.square().mean().sqrt()) for each in gradients]


def train_deep(
    residual: bool, normalised: bool, digits: Split, seed: int = 0, epochs: int = 6, show: bool = True
) -> tuple[nn.Module, History]:
    """Trains one of the four networks: Adam, a rate that falls from 0.002 to 0, the same for all of them.

    Args:
        residual, normalised: as in `deep_network`.
        digits: rows of 64 pixels to learn from, and others on which the accuracy is measured after each epoch.
        seed: seed for the initial weights and the order of the digits.
        epochs: passes through the digits.
        show: whether to show a progress bar.

    Returns:
        The trained network, and its History.
    """
    from course_lib.training import cosine, fit

    model = deep_network(residual, normalised, seed=seed)
    learn, test = ((part.x.reshape(-1, 1, 8, 8), part.labels) for part in (digits.train, digits.test))
    label = f"{'residual' if residual else 'plain'}{', normalised' if normalised else ''}"
    return model, fit(model, learn, epochs, 2e-3, test=test, schedule=cosine, seed=seed, label=label, show=show)
