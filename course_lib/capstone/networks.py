"""The two networks to compress: the digits CNN and a graph network, as modules and as plain weights and biases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["GCN", "digits_cnn", "folded", "network", "spread"]


def digits_cnn() -> nn.Sequential:
    """Images (N, 1, 8, 8) to logits (N, 10): two convolutions with batch normalisation, and a linear layer."""
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
        nn.Linear(32 * 2 * 2, 10),
    )


def spread(h: Tensor, edge_index: Tensor) -> Tensor:
    """What every node hears from its neighbours and from itself, each weighted by 1 / sqrt(d_i d_j).

    Args:
        h: (n, F).
        edge_index: (2, E) int64, without loops.

    Returns:
        (n, F): the normalised adjacency matrix with loops, times h.
    """
    source, target = edge_index
    degree = torch.ones(len(h), device=h.device).index_add(0, target, torch.ones(len(target), device=h.device))
    scale = degree.rsqrt()[:, None]
    sent = scale * h
    return scale * sent.index_add(0, target, sent[source])


class GCN(nn.Module):
    """Two graph convolutions with a ReLU between them (Kipf and Welling, 2017), called with a whole graph."""

    def __init__(self, features: int = 48, hidden: int = 64, classes: int = 6):
        super().__init__()
        self.first = nn.Linear(features, hidden)
        self.second = nn.Linear(hidden, classes)

    def forward(self, graph: Any) -> Tensor:
        """A PyG `Data` with x (n, features) and edge_index (2, E) to logits (n, classes)."""
        hidden = functional.relu(spread(self.first(graph.x), graph.edge_index))
        return spread(self.second(hidden), graph.edge_index)


def folded(model: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
    """Weights and biases of a trained network, layer by layer, with batch normalisation folded in.

    Args:
        model: a `digits_cnn()` or a `GCN()`.

    Returns:
        Weights, for the CNN (16, 1, 3, 3), (32, 16, 3, 3) and (10, 128), for the GCN (64, 48) and (6, 64); biases,
        (out,) each. They are copies.
    """
    weights, biases = [], []
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                weights.append(layer.weight.clone())
                biases.append(
                    layer.bias.clone() if layer.bias is not None else layer.weight.new_zeros(len(layer.weight))
                )
            elif isinstance(layer, nn.BatchNorm2d):
                assert layer.running_mean is not None
                assert layer.running_var is not None
                gain = layer.weight / torch.sqrt(layer.running_var + layer.eps)
                weights[-1] = weights[-1] * gain[:, None, None, None]
                biases[-1] = (biases[-1] - layer.running_mean) * gain + layer.bias
    return weights, biases


def network(weights: Sequence[Tensor], biases: Sequence[Tensor], x: Any) -> Tensor:
    """The output of a network of such layers, however many channels they have left.

    Args:
        weights: with four dimensions a convolution with padding 1, ReLU and pooling; with two a linear layer.
        biases: (out,) each.
        x: images, (N, 1, 8, 8), or a graph, a PyG `Data` with x and edge_index.

    Returns:
        Logits, one row per image or node.
    """
    if not isinstance(x, Tensor):
        hidden = functional.relu(spread(functional.linear(x.x, weights[0], biases[0]), x.edge_index))
        return spread(functional.linear(hidden, weights[1], biases[1]), x.edge_index)
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        x = functional.max_pool2d(functional.relu(functional.conv2d(x, w, b, padding=1)), 2)
    return functional.linear(x.flatten(1), weights[-1], biases[-1])
