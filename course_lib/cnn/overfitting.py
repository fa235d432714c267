"""A multilayer perceptron that learns its examples by heart, watched on examples that it does not learn from."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import nn

    from course_lib.data import Dataset

__all__ = ["watch_learning"]


def watch_learning(
    train: Dataset,
    validation: Dataset,
    *,
    dropout: float = 0.0,
    weight_decay: float = 0.0,
    epochs: int = 30,
    seed: int = 0,
    label: str = "",
    show: bool = True,
) -> tuple[nn.Module, NDArray[Any]]:
    """Trains two hidden layers of 256 with AdamW at a constant rate of 0.002, batches of 100.

    Args:
        train: curves to learn from, rows of D numbers, ten classes.
        validation: curves that are only looked at.
        dropout: the share of hidden units that each step sets to 0 (Srivastava et al., 2014).
        weight_decay: what AdamW subtracts from every weight at each step, as a multiple of weight and rate.
        epochs: passes through the training curves.
        seed: seed for the weights, the dropout and the order; the global generator is left unchanged.
        label: text before the progress bar.
        show: whether to show the bar.

    Returns:
        The model after the last epoch, and (epochs, 4): loss on the training curves, loss on the validation curves, and
        the accuracies on both, after each epoch and without dropout.
    """
    import torch
    from torch import nn
    from torch.nn import functional

    from course_lib.training import Bar, batches, evaluate, predict

    def measured() -> tuple[float, ...]:
        pairs = [(part.x, part.labels) for part in (train, validation)]
        losses = [functional.cross_entropy(predict(model, x), torch.from_numpy(labels)) for x, labels in pairs]
        return (*map(float, losses), *(evaluate(model, pair) for pair in pairs))

    with torch.random.fork_rng(), Bar(epochs, label, show) as bar:
        torch.manual_seed(seed)
        sizes = (train.x.shape[1], 256, 256)
        hidden = [(nn.Linear(n, m), nn.ReLU(), nn.Dropout(dropout)) for n, m in pairwise(sizes)]
        model = nn.Sequential(*(part for layer in hidden for part in layer), nn.Linear(256, 10))
        optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=weight_decay)
        order, rows = torch.Generator().manual_seed(seed), []
        for epoch in range(epochs):
            model.train()
            for inputs, labels in batches((train.x, train.labels), 100, order):
                optimizer.zero_grad()
                functional.cross_entropy(model(inputs), labels).backward()  # type: ignore[no-untyped-call]
                optimizer.step()
            rows.append(measured())
            bar.show(epoch + 1, f"validation loss {rows[-1][1]:.2f}")
    return model.eval(), np.array(rows)
