"""Pictures of depth and of overfitting: gradients through twenty layers, losses on two sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from course_lib.viz import COLORS, GREY, MARKERS

__all__ = ["depth", "overfitting"]

LOOKS = ((3, "-"), (0, "-"), (3, "--"), (0, "--"))
"""Colour and line of the four networks: plain and residual, without batch normalisation and with it."""


def depth(sizes: Mapping[str, Sequence[float]]) -> None:
    """The size of the gradient behind every second layer of deep networks, relative to that behind the last layer.

    Args:
        sizes: for each network, at most four, the size of the gradient at the input of each block, first block first,
            and at the output of the last one.
    """
    _, axes = plt.subplots(figsize=(8.6, 3.9))
    for number, (name, values) in enumerate(sizes.items()):
        relative = np.asarray(values) / values[-1]
        layers = 2 * np.arange(len(relative))
        color, line = LOOKS[number]
        axes.semilogy(
            layers, relative, color=COLORS[color], linestyle=line, marker=MARKERS[number], markersize=5, label=name
        )
        look: dict[str, Any] = {"textcoords": "offset points", "color": COLORS[color], "fontsize": 10.5}
        size = f"{relative[0]:.0f}" if relative[0] > 10 else f"{relative[0]:.1g}"
        axes.annotate(size, (0, relative[0]), (-6, 6 if number == 2 else -5), ha="right", va="center", **look)
    axes.set(xlabel="layers before this position", ylabel="size of the gradient", xlim=(-3.2, layers[-1] + 0.6))
    axes.set_title("From right to left: what is left of the gradient")
    axes.set_xticks(range(0, layers[-1] + 1, 4))
    axes.margins(y=0.12)
    axes.legend(loc="lower right", fontsize=10.5)


def overfitting(runs: Mapping[str, NDArray[Any]]) -> None:
    """For each network the loss on training and on validation data, epoch by epoch, and where the latter is lowest.

    Args:
        runs: name -> (epochs, 2 or more): training loss and validation loss after each epoch.
    """
    _, row = plt.subplots(1, len(runs), figsize=(9.8, 3.6), sharey=True, squeeze=False)
    for axes, (name, rows) in zip(row[0], runs.items(), strict=True):
        epochs, best = np.arange(1, len(rows) + 1), int(np.argmin(rows[:, 1]))
        axes.plot(epochs, rows[:, 0], color=COLORS[0], linestyle="--", label="training")
        axes.plot(epochs, rows[:, 1], color=COLORS[3], label="validation")
        axes.plot(best + 1, rows[best, 1], MARKERS[3], color=COLORS[3])
        axes.axvline(best + 1, color=GREY, linestyle=":", linewidth=1.2)
        note = f"lowest: {rows[best, 1]:.2f}"
        side = "left" if best < len(rows) / 2 else "right"
        axes.annotate(note, (best + 1, rows[best, 1]), (0, -16), textcoords="offset points", ha=side, color=COLORS[3])
        axes.set(title=name, xlabel="epoch", ylim=(0, None))
    row[0, 0].set_ylabel("loss")
    row[0, 0].legend(loc="upper left", bbox_to_anchor=(0.3, 1.0))
