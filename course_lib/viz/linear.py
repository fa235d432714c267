"""Pictures of linear classifiers: regions, a perceptron that learns, templates, and a plane folded by ReLUs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from course_lib.viz import COLORS, DIVERGING, GREY, INK, MARKERS, frame, light
from course_lib.viz.live import live

__all__ = [
    "Look",
    "digits_and_xor",
    "fold",
    "misread",
    "mistakes",
    "perceptron_panels",
    "perceptron_slider",
    "regions",
    "replay",
    "templates",
    "training",
]

Array = NDArray[Any]
Step = Callable[[Array, float, Array, int], tuple[Array, float]]


def digits_and_xor(images: Array, labels: Array, corners: Array, xor: Array) -> None:
    """Handwritten digits, (N, 64), beside the four points of XOR, (4, 2): which of the two is hard?"""
    figure = plt.figure(figsize=(9.5, 3.7))
    halves = figure.add_gridspec(1, 2, width_ratios=(1.75, 1))
    left, right = (figure.add_subfigure(half) for half in (halves[0], halves[1]))
    left.suptitle("1,797 handwritten digits", x=0.02, ha="left", fontweight="bold")
    columns = left.subplots(4, 10).T
    for digit, column in enumerate(columns):
        for axes, image in zip(column, images[labels == digit], strict=False):
            axes.imshow(image.reshape(8, 8), vmin=0, vmax=1)
            axes.set_axis_off()
        column[0].set_title(str(digit), fontweight="normal", loc="center", color=GREY)
    right.suptitle("Four points: XOR", x=0.02, ha="left", fontweight="bold")
    axes = right.subplots()
    _points(axes, corners, xor, size=170, names=("XOR is 0", "XOR is 1"))
    axes.set(xlim=(-0.4, 1.4), ylim=(-0.4, 1.75), xticks=(0, 1), yticks=(0, 1), xlabel="first bit", ylabel="second bit")
    axes.set_aspect("equal")
    axes.legend(loc="upper center", ncols=2, fontsize=10, handletextpad=0.1, columnspacing=0.8)


def regions(x: Array, labels: Array, classify: Callable[[Array], Array], title: str) -> None:
    """Colours the plane by what `classify` says, (M, 2) -> (M,), with the points (N, 2) on top."""
    _, axes = plt.subplots(figsize=(5.6, 4.6))
    low, high = x.min(axis=0) - 0.6, x.max(axis=0) + 0.6
    _paint(axes, low, high, classify, int(labels.max()) + 1)
    _points(axes, x, labels, names=[f"class {c}" for c in range(int(labels.max()) + 1)])
    axes.set(xlabel="$x_1$", ylabel="$x_2$", title=title)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    axes.set_aspect("equal")


# --- the perceptron ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Look:
    """The perceptron after it has looked at one example.

    Attributes:
        epoch: counted from 1.
        index: the example's index.
        updated: whether it was a mistake.
        mistakes: in this epoch so far.
        w: weights afterwards, (2,).
        b: bias afterwards.
    """

    epoch: int
    index: int
    updated: bool
    mistakes: int
    w: Array
    b: float


def replay(step: Step, x: Array, y: Array, epochs: int) -> list[Look]:
    """Trains `step` from zeros and records every look, until an epoch has no mistake."""
    w, b = np.zeros(x.shape[1]), 0.0
    looks: list[Look] = []
    for epoch in range(1, epochs + 1):
        mistakes = 0
        for index, (point, target) in enumerate(zip(x, y.tolist(), strict=True)):
            before = np.append(w, b)
            w, b = step(np.array(w, dtype=float), float(b), point.copy(), target)
            updated = not np.array_equal(before, np.append(w, b))
            mistakes += updated
            looks.append(Look(epoch, index, updated, mistakes, np.array(w, dtype=float), float(b)))
        if mistakes == 0:
            break
    return looks


def perceptron_panels(x: Array, y: Array, looks: Sequence[Look], count: int = 6) -> None:
    """Small multiples: the line after some of the mistakes, the first and the last among them."""
    updates = _updates(looks)
    chosen = sorted({round(i) for i in np.geomspace(1, len(updates), count)})
    figure, grid = plt.subplots(2, (count + 1) // 2, figsize=(9.5, 6.3), sharex=True, sharey=True)
    for axes in grid.flat[len(chosen) :]:
        axes.set_axis_off()
    for axes, number in zip(grid.flat, chosen, strict=False):
        look = updates[number - 1]
        _perceptron(axes, x, y, look)
        done = number == len(updates) and looks[-1].mistakes == 0
        axes.set_title(f"mistake {number}, epoch {look.epoch}" + (": the last" if done else ""), fontsize=11)
    figure.supxlabel("$x_1$")
    figure.supylabel("$x_2$")


def perceptron_slider(x: Array, y: Array, looks: Sequence[Look]) -> None:
    """A slider over all mistakes; each shows the line after the update and the point that caused it."""
    import ipywidgets

    updates = _updates(looks)

    def draw(mistake: int) -> Figure:
        look = updates[mistake - 1]
        figure, axes = plt.subplots(figsize=(5.6, 4.6))
        _perceptron(axes, x, y, look)
        title = f"epoch {look.epoch}, w = ({look.w[0]:.2f}, {look.w[1]:.2f}), b = {look.b:g}"
        axes.set(xlabel="$x_1$", ylabel="$x_2$", title=title.replace("-", "\N{MINUS SIGN}"))
        return figure

    live(draw, mistake=ipywidgets.IntSlider(1, 1, len(updates), continuous_update=False))


def _updates(looks: Sequence[Look]) -> list[Look]:
    updates = [look for look in looks if look.updated]
    if not updates:
        raise ValueError("no look changed the weights: from zeros, the first example is already a mistake")
    return updates


def mistakes(runs: dict[str, Sequence[int]]) -> None:
    """Mistakes in each epoch, one line per run."""
    _, axes = plt.subplots(figsize=(7.2, 3.6))
    for k, (name, counts) in enumerate(runs.items()):
        axes.plot(range(1, len(counts) + 1), counts, color=COLORS[k], marker=MARKERS[k], label=name)
    axes.axhline(0, color=GREY, linewidth=1)
    axes.set(
        xlabel="epoch", ylabel="mistakes in the epoch", title="One learns, the other never will", ylim=(-0.8, None)
    )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()


# --- softmax regression on the digits ---------------------------------------------------------------------


def training(losses: Sequence[float], train: Sequence[float], test: Sequence[float]) -> None:
    """The loss and the two accuracies, step by step."""
    _, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.4))
    left.plot(losses)
    left.axhline(np.log(10), color=GREY, linewidth=1, linestyle="--")
    left.annotate(
        "guessing: ln 10 = 2.303",
        (len(losses), np.log(10)),
        (0, -5),
        textcoords="offset points",
        ha="right",
        va="top",
        color=GREY,
    )
    left.set(xlabel="step", ylabel="cross-entropy", title="Loss on the training images", ylim=(0, None))
    right.plot(train, label="training images")
    right.plot(test, linestyle="--", label="held-out images")
    right.set(xlabel="step", ylabel="accuracy", title="Share of digits read correctly", ylim=(0, 1.02))
    right.legend(loc="lower right")


def templates(W: Array | None) -> None:
    """Each class's weights, (10, 64), as an image: blue votes for ink, vermilion for paper.

    Raises:
        NotImplementedError: `W` is None, because nothing has been learned yet.
    """
    if W is None:
        raise NotImplementedError("the weights are None: run the cell that learns them first")
    figure, grid = plt.subplots(2, 5, figsize=(9.5, 4.1))
    limit = float(np.abs(W).max()) or 1.0
    for digit, axes in enumerate(grid.flat):
        drawn = axes.imshow(W[digit].reshape(8, 8), cmap=DIVERGING, vmin=-limit, vmax=limit)
        axes.set_title(str(digit))
        frame(axes)
    figure.colorbar(drawn, ax=grid, shrink=0.8, label="weight")


def misread(images: Array, labels: Array, predicted: Array, count: int = 8) -> None:
    """The first held-out digits that were misread, with the prediction and the label."""
    wrong = np.flatnonzero(labels != predicted)[:count]
    _, grid = plt.subplots(1, count, figsize=(9.5, 1.75))
    for axes in grid:
        axes.set_axis_off()
    for axes, n in zip(grid, wrong, strict=False):
        axes.imshow(images[n].reshape(8, 8), vmin=0, vmax=1)
        axes.set_title(f"read {predicted[n]}\nis {labels[n]}", fontsize=10, fontweight="normal")


# --- XOR with a hidden layer ------------------------------------------------------------------------------


def fold(x: Array, labels: Array, weights: tuple[Any, Any, Any, Any]) -> None:
    """The plane before and after a hidden ReLU layer of two units, with what the network says in both."""
    w1, b1, w2 = (np.asarray(part, dtype=float) for part in weights[:3])
    b2 = float(np.squeeze(weights[3]))

    def hidden(points: Array) -> Array:
        return np.asarray(np.maximum(points @ w1.T + b1, 0))

    _, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4.6))
    _paint(left, np.array([-0.5, -0.5]), np.array([1.5, 1.5]), lambda p: (hidden(p) @ w2 + b2 > 0.5).astype(int), 2)
    _mesh(left, lambda p: p)
    _points(left, x, labels, size=150)
    left.set(xlabel="$x_1$", ylabel="$x_2$", title="The inputs: one line is not enough", xticks=(0, 1), yticks=(0, 1))
    folded = hidden(x)
    reach = max(float(hidden(_square()).max()), 1.0)
    low, high = np.full(2, -0.2 * reach), np.full(2, 1.1 * reach)
    _paint(right, low, high, lambda p: (p @ w2 + b2 > 0.5).astype(int), 2)
    _mesh(right, hidden)
    _points(right, folded, labels, size=150)
    for row in np.unique(folded.round(6), axis=0):
        same = [f"({a:g},{b:g})" for (a, b), h in zip(x, folded, strict=True) if np.allclose(h, row, atol=1e-5)]
        right.annotate(" and ".join(same), row, (7, -17), textcoords="offset points", fontsize=10)
    right.set(xlabel="hidden unit 1", ylabel="hidden unit 2", title="After the fold: it is")
    for axes in (left, right):
        axes.set_aspect("equal")


def _square() -> Array:
    side = np.linspace(-0.5, 1.5, 41)
    return np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)


def _mesh(axes: Axes, move: Callable[[Array], Array]) -> None:
    along = np.linspace(-0.5, 1.5, 81)
    for level in np.linspace(-0.5, 1.5, 17):
        for line in (np.stack([along, np.full(81, level)], 1), np.stack([np.full(81, level), along], 1)):
            axes.plot(*move(line).T, color=GREY, linewidth=0.7, alpha=0.6, zorder=1)


# --- shared -----------------------------------------------------------------------------------------------


def _points(axes: Axes, x: Array, labels: Array, size: float = 42, names: Sequence[str] = ()) -> None:
    for k in np.unique(labels):
        name = names[k] if names else None
        axes.scatter(
            x[labels == k, 0],
            x[labels == k, 1],
            s=size,
            c=COLORS[k],
            marker=MARKERS[k],
            edgecolors="white",
            linewidths=0.8,
            label=name,
            zorder=3,
        )


def _paint(axes: Axes, low: Array, high: Array, classify: Callable[[Array], Array], classes: int) -> None:
    horizontal, vertical = np.linspace(low[0], high[0], 240), np.linspace(low[1], high[1], 240)
    plane = np.stack(np.meshgrid(horizontal, vertical), axis=-1).reshape(-1, 2)
    drawn = np.asarray(classify(plane)).reshape(240, 240)
    extent = (float(low[0]), float(high[0]), float(low[1]), float(high[1]))
    axes.imshow(
        drawn,
        origin="lower",
        extent=extent,
        aspect="auto",
        cmap=light(classes),
        vmin=-0.5,
        vmax=classes - 0.5,
        zorder=0,
    )


def _perceptron(axes: Axes, x: Array, y: Array, look: Look) -> None:
    low, high = x.min(axis=0) - np.array([0.4, 0.9]), x.max(axis=0) + 0.4  # room for the text below the points
    _paint(axes, low, high, lambda p: (p @ look.w + look.b > 0).astype(int), 2)
    _points(axes, x, (y + 1) // 2)
    axes.scatter(x[look.index, 0], x[look.index, 1], s=190, facecolors="none", edgecolors=INK, linewidths=1.8, zorder=4)
    wrong = int(np.sum(y * (x @ look.w + look.b) <= 0))
    axes.text(
        0.03,
        0.04,
        f"{wrong} on the wrong side",
        transform=axes.transAxes,
        fontsize=10,
        bbox={"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 2},
    )
