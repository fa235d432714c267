"""What the networks learn from, and what they are judged on: digits, and a graph of communities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib import data, graphs, training
from course_lib.capstone.networks import GCN, digits_cnn

__all__ = ["Task", "digits_task", "graph_task", "trained"]

SEEN, COPIES, NOISE = 1000, 1, 0.05
"""Digits to learn from; disturbed copies of each other digit, and their noise, where 1 is ink."""
FEATURES, GROUPS, MEMBERS, EDGES = 48, 6, 80, 1800


@dataclass(frozen=True)
class Task:
    """What a network learns from, and what it is judged on.

    Attributes:
        train: images and labels, or a graph with labels `y`.
        held_out: inputs, or a graph without labels.
        labels: labels of the held-out part.
    """

    train: Any
    held_out: Any
    labels: Tensor


def digits_task(rng: np.random.Generator, rename: bool = True) -> Task:
    """1,000 digits to learn from, and disturbed copies of the others; with `rename` the class numbers are permuted."""
    digits = data.digits()
    pixels = np.concatenate([digits.train.x, digits.test.x])
    labels = np.concatenate([digits.train.labels, digits.test.labels])
    order, names = rng.permutation(len(labels)), rng.permutation(10) if rename else np.arange(10)
    pixels, labels = pixels[order], names[labels[order]]
    left = pixels[SEEN:]
    held = np.concatenate([left + NOISE * rng.standard_normal(left.shape) for _ in range(COPIES)])
    return Task(
        (_images(pixels[:SEEN]), torch.from_numpy(labels[:SEEN])),
        _images(held),
        torch.from_numpy(np.tile(labels[SEEN:], COPIES)),
    )


def _images(pixels: Any) -> Tensor:
    return torch.from_numpy(pixels).float().view(-1, 1, 8, 8)


def graph_task(rng: np.random.Generator) -> Task:
    """Two graphs of the same communities with different people: one to learn from, one held out."""
    both = graphs.communities([2 * MEMBERS] * GROUPS, 0.04, 0.006, FEATURES, 2.5, rng)
    half = len(both.y) // 2
    train, held = _part(both, 0, half, rng), _part(both, half, 2 * half, rng)
    labels = held.y
    del held.y
    return Task(train, held, labels)


def _part(graph: Any, first: int, last: int, rng: np.random.Generator) -> Any:
    """The nodes from `first` to `last`, with as many friendships as every part has."""
    from torch_geometric.data import Data

    source, target = graph.edge_index - first
    size = last - first
    inside = (source >= 0) & (source < size) & (target >= 0) & (target < size) & (source < target)
    pairs = torch.stack([source[inside], target[inside]])
    chosen = pairs[:, torch.from_numpy(rng.permutation(pairs.shape[1])[: EDGES // 2])]
    edge_index = torch.cat([chosen, chosen.flip(0)], dim=1)
    return Data(x=graph.x[first:last], edge_index=edge_index, y=graph.y[first:last])


def trained(kind: str, task: Task, seed: int) -> nn.Module:
    """A network trained on its task, in eval mode.

    Args:
        kind: "digits" or "graph".
        task: what it learns from.
        seed: seed for its initial weights.
    """
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        model = digits_cnn() if kind == "digits" else GCN()
    if kind == "digits":
        training.fit(model, task.train, 8, 1e-2, schedule=training.cosine, show=False)
        return model.eval()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=5e-3)
    for _ in range(100):
        optimizer.zero_grad()
        functional.cross_entropy(model(task.train), task.train.y).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return model.eval()
