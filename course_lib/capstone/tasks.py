"""What the networks learn from, and what they are judged on: digits, and graphs of communities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib import graphs, training
from course_lib.capstone.networks import GCN, digits_cnn
from course_lib.drawn_digits import class_digits, class_hand

__all__ = ["Task", "digits_task", "graph_task", "inputs_of", "joined", "parts", "trained"]

SEEN, HELD_OUT, BATCH = 1000, 2000, 500
"""Digits to learn from, digits that are held out, and how many of them are classified at once."""
GROUPS, MEMBERS, FEATURES, EDGES, NOISE = 6, 40, 48, 2000, 6.0
"""A part of a graph: its groups, people in each, features, entries of `edge_index`, and the noise of the features."""
SEEN_PARTS, HELD_OUT_PARTS, TOGETHER = 4, 8, 4
"""Parts to learn from, parts that are held out, and how many of them are one graph."""


@dataclass(frozen=True)
class Task:
    """What a network learns from, and what it is judged on.

    Attributes:
        train: images and labels, or a graph with labels `y`.
        batches: held-out inputs: batches of images, or graphs without labels; all of one shape.
        labels: labels of the held-out part, in order.
    """

    train: Any
    batches: tuple[Any, ...]
    labels: Tensor

    @property
    def held_out(self) -> Any:
        """All batches together: images, or one graph."""
        return joined(self.batches)

    @property
    def example(self) -> Any:
        """Inputs of the shape of a batch, from what the network learns from."""
        return self.train[0][:BATCH] if isinstance(self.train, tuple) else joined(parts(self.train))


def digits_task(rng: np.random.Generator, rename: bool = True, held_out: int = HELD_OUT) -> Task:
    """1,000 digits of a new hand to learn from, and others that are held out.

    Args:
        rng: source of the hand and of the digits.
        rename: permutes the class numbers.
        held_out: how many digits are held out, a multiple of 500.
    """
    hand, names = class_hand(rng), rng.permutation(10)
    names = names if rename else np.arange(10)
    pixels, digits = class_digits(rng, SEEN + held_out, hand)
    images, labels = torch.from_numpy(pixels), torch.from_numpy(names[digits])
    return Task((images[:SEEN], labels[:SEEN]), torch.split(images[SEEN:], BATCH), labels[SEEN:])


def graph_task(rng: np.random.Generator) -> Task:
    """Graphs of the same groups with different people: one to learn from, two held out.

    Each graph has four parts without edges between them. What someone's features say about the group is nearly lost
    in noise; four of five edges lead to someone of the same group.
    """
    count = SEEN_PARTS + HELD_OUT_PARTS
    everyone = graphs.communities([count * MEMBERS] * GROUPS, 0.2, 0.01, FEATURES, NOISE, rng)
    pieces = [_part(everyone, number, rng) for number in range(count)]
    train, held = joined(pieces[:SEEN_PARTS]), pieces[SEEN_PARTS:]
    labels = torch.cat([piece.y for piece in held])
    for piece in held:
        del piece.y
    batches = tuple(joined(held[first : first + TOGETHER]) for first in range(0, HELD_OUT_PARTS, TOGETHER))
    return Task(train, batches, labels)


def _part(graph: Any, number: int, rng: np.random.Generator) -> Any:
    """The nodes of one part, with as many friendships as every part has."""
    from torch_geometric.data import Data

    size = GROUPS * MEMBERS
    source, target = graph.edge_index - number * size
    inside = (source >= 0) & (source < size) & (target >= 0) & (target < size) & (source < target)
    pairs = torch.stack([source[inside], target[inside]])
    chosen = pairs[:, torch.from_numpy(rng.permutation(pairs.shape[1])[: EDGES // 2])]
    rows = slice(number * size, (number + 1) * size)
    return Data(x=graph.x[rows], edge_index=torch.cat([chosen, chosen.flip(0)], dim=1), y=graph.y[rows])


# --- inputs, apart and together --------------------------------------------------------------------------


def inputs_of(x: Any) -> list[Tensor]:
    """The tensors of an input: the images, or a graph's features and edges."""
    return [x] if isinstance(x, Tensor) else [x.x, x.edge_index]


def parts(x: Any) -> list[Any]:
    """What does not depend on anything else in the same batch: single images, (1, 1, 8, 8), or the parts of a graph."""
    if isinstance(x, Tensor):
        return list(torch.split(x, 1))
    from torch_geometric.data import Data

    size = GROUPS * MEMBERS
    found = []
    for first in range(0, len(x.x), size):
        mine = (x.edge_index[0] >= first) & (x.edge_index[0] < first + size)
        found.append(Data(x=x.x[first : first + size], edge_index=x.edge_index[:, mine] - first))
    return found


def joined(pieces: Any) -> Any:
    """One batch of images, or one graph without edges between its pieces."""
    pieces = list(pieces)
    if isinstance(pieces[0], Tensor):
        return torch.cat(pieces)
    from torch_geometric.data import Data

    starts = np.cumsum([0, *(len(piece.x) for piece in pieces)])
    edges = [piece.edge_index + int(start) for piece, start in zip(pieces, starts, strict=False)]
    whole = Data(x=torch.cat([piece.x for piece in pieces]), edge_index=torch.cat(edges, dim=1))
    if all("y" in piece for piece in pieces):
        whole.y = torch.cat([piece.y for piece in pieces])
    return whole


# --- the networks to compress -----------------------------------------------------------------------------


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
