"""Pictures of gated cells: what a cell keeps, the two paths of the gradient, gates while they read, answers.

Whatever is drawn is computed by the functions that are passed in, so that each picture shows the caller's own code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor, nn

from course_lib.viz import COLORS, DIVERGING, GREY, INK, MARKERS
from course_lib.viz.live import live

__all__ = [
    "Record",
    "adding",
    "answers",
    "errors",
    "gates",
    "gates_slider",
    "keeping",
    "paths",
    "race",
    "read",
    "reading",
    "weights_of",
]

Cell = Callable[..., tuple[Tensor, Tensor]]
Array = NDArray[Any]


@dataclass(frozen=True)
class Record:
    """What an LSTM did while it read one sequence: gates, candidate, cell and shown state, each (T, H)."""

    i: Tensor
    f: Tensor
    g: Tensor
    o: Tensor
    c: Tensor
    h: Tensor


def weights_of(model: nn.Module, kind: type[nn.RNNBase]) -> list[Tensor]:
    """W_ih, W_hh, b_ih, b_hh of the first recurrent layer of that kind inside a model.

    Raises:
        ValueError: the model has no such layer.
    """
    layer = next((module for module in model.modules() if isinstance(module, kind)), None)
    if layer is None:
        raise ValueError(f"the model has no torch.nn.{kind.__name__} inside: this picture shows its weights")
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    return [getattr(layer, name).detach() for name in names]


def read(lstm_cell: Cell, weights: Sequence[Tensor], xs: Tensor) -> Record:
    """Runs a cell over one sequence, (T, D), from zeros, and records everything."""
    W_ih, W_hh, b_ih, b_hh = weights
    h = c = torch.zeros(1, W_hh.shape[1], dtype=W_hh.dtype)
    rows: list[tuple[Tensor, ...]] = []
    for x in xs:
        i, f, g, o = (x[None] @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, 1)
        h, c = lstm_cell(x[None], (h, c), W_ih, W_hh, b_ih, b_hh)
        rows.append((i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid(), c, h))
    return Record(*(torch.cat(column).detach() for column in zip(*rows, strict=True)))


# --- the hook ---------------------------------------------------------------------------------------------


def adding(length: int = 50, seed: int = 0) -> None:
    """One sequence of the adding problem: numbers as bars, the two marked ones in another colour."""
    rng = np.random.default_rng(seed)
    numbers = rng.random(length)
    marked = [int(rng.integers(length // 2)), int(rng.integers(length // 2, length))]
    _, axes = plt.subplots(figsize=(9.5, 2.6))
    axes.bar(np.arange(1, length + 1), numbers, color=COLORS[5], width=0.8)
    axes.bar([step + 1 for step in marked], numbers[marked], color=COLORS[3], width=0.8)
    for step in marked:
        axes.text(step + 1, 1.04, f"{numbers[step]:.2f}", color=COLORS[3], ha="center")
    axes.set(xlabel="step", ylabel="number", ylim=(0, 1.18), xlim=(0.3, length + 0.7))
    axes.set_title(f"What is {numbers[marked[0]]:.2f} + {numbers[marked[1]]:.2f}?")


# --- memory -----------------------------------------------------------------------------------------------


def keeping(lstm_cell: Cell, biases: Sequence[float] = (0.0, 1.0, 3.0, 5.0), steps: int = 50) -> None:
    """What is left of a cell that holds 1, for several biases of its forget gate; the input gate is closed."""
    _, axes = plt.subplots(figsize=(8.2, 3.6))
    none = torch.zeros(1, 1, dtype=torch.float64)
    for index, bias in enumerate(biases):
        b_ih = torch.tensor([-100.0, bias, 0.0, 0.0], dtype=torch.float64)
        zeros = torch.zeros(4, 1, dtype=torch.float64)
        state, kept = (none, none + 1), [1.0]
        for _ in range(steps):
            state = lstm_cell(none, state, zeros, zeros, b_ih, 0 * b_ih)
            kept.append(float(state[1]))
        gate = 1 / (1 + np.exp(-bias))
        look: dict[str, Any] = {"marker": MARKERS[index], "markevery": 10, "color": COLORS[index]}
        axes.plot(np.arange(steps + 1), kept, label=f"bias {bias:g}: gate {gate:.3f}", **look)
    axes.set(xlabel="step", ylabel="cell", xlim=(0, steps), ylim=(-0.02, 1.05))
    axes.set_title("How long a forget gate keeps a 1")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def paths(plain: Mapping[str, Tensor], cells: Mapping[str, Tensor]) -> None:
    """The gradient of the last state against the distance: norms of plain networks, (T,), and paths of cells, (T, H).

    For a cell, the line is the median over its units, and the band holds 80 % of them.
    """
    _, axes = plt.subplots(figsize=(8.6, 4.2))
    for index, (name, norms) in enumerate(plain.items()):
        look: dict[str, Any] = {"marker": MARKERS[index], "markevery": 8, "color": (GREY, INK)[index % 2]}
        axes.semilogy(np.arange(len(norms)), _floor(norms.flip(0)), linestyle="--", label=name, **look)
    for index, (name, path) in enumerate(cells.items()):
        back = _floor(path.flip(0))
        low, middle, high = np.percentile(back, (10, 50, 90), axis=1)
        color = COLORS[(0, 3, 2)[index % 3]]
        axes.fill_between(np.arange(len(back)), low, high, color=color, alpha=0.2, linewidth=0)
        axes.semilogy(np.arange(len(back)), middle, color=color, marker=MARKERS[2 + index], markevery=8, label=name)
    axes.axhline(1, color=INK, linewidth=0.8, linestyle=":")
    axes.set(xlabel="distance $T - t$ in steps", ylabel="what is left of the gradient", ylim=(1e-12, 30))
    axes.set_title("Two ways back through time")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _floor(values: Tensor) -> Array:
    return np.asarray(values.detach().double().clamp(min=1e-30).numpy())


# --- the adding problem -----------------------------------------------------------------------------------


def errors(found: Mapping[str, Mapping[int, float]], guess: float = 1 / 6) -> None:
    """The error of trained networks against the length of the sequences, by kind."""
    _, axes = plt.subplots(figsize=(8.2, 3.6))
    for index, (kind, by_length) in enumerate(found.items()):
        look: dict[str, Any] = {"marker": MARKERS[index], "color": COLORS[(3, 0, 2)[index % 3]]}
        axes.semilogy(list(by_length), list(by_length.values()), label=kind, **look)
    axes.axhline(guess, color=GREY, linestyle="--", linewidth=1.6, label=f"always 1: {guess:.3f}")
    lengths = sorted({length for by_length in found.values() for length in by_length})
    axes.set_xticks(lengths)
    axes.set(xlabel="length of the sequences", ylabel="mean squared error", ylim=(1e-4, 0.5))
    axes.set_title("Trained for the same number of steps")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def race(errors: Mapping[str, Sequence[float]], every: int, names: Sequence[str], guess: float = 1 / 6) -> None:
    """The error of several networks on the adding problem against the training step, one line for each network.

    Args:
        errors: by name, measured each `every` steps.
        every: steps from one measurement to the next.
        names: of all networks, here or in another picture, so that each keeps its colour.
        guess: the error of always answering 1.
    """
    _, axes = plt.subplots(figsize=(8.6, 4))
    for name, measured in errors.items():
        index, steps = names.index(name), every * np.arange(1, len(measured) + 1)
        look: dict[str, Any] = {"marker": MARKERS[index], "color": COLORS[(3, 1, 2, 5, 0)[index % 5]]}
        axes.semilogy(steps, measured, label=name, **look)
    axes.axhline(guess, color=GREY, linestyle="--", linewidth=1.6, label=f"always 1: {guess:.3f}")
    axes.set(xlabel="training step", ylabel="mean squared error", ylim=(1e-4, 0.5))
    axes.set_title("Equal steps, and a learning rate of its own for each")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def answers(targets: Tensor, predictions: Mapping[str, Tensor]) -> None:
    """What each network answers, against the right answer."""
    _, row = plt.subplots(1, len(predictions), figsize=(3.2 * len(predictions), 3.3), sharey=True, squeeze=False)
    for axes, (name, answer) in zip(row[0], predictions.items(), strict=True):
        axes.plot([0, 2], [0, 2], color=GREY, linewidth=1)
        axes.scatter(targets, answer.detach(), s=8, color=COLORS[0], alpha=0.6, linewidths=0)
        axes.set(title=name, xlabel="true sum", xlim=(0, 2), ylim=(0, 2), xticks=(0, 1, 2), yticks=(0, 1, 2))
        axes.set_aspect("equal")
    row[0][0].set_ylabel("answer")


def gates(record: Record, xs: Tensor) -> None:
    """An LSTM reads one sequence of the adding problem, (T, 2): numbers and marks, input gate, forget gate, cell.

    The units are sorted by how much more their input gate opens at the marks than elsewhere.
    """
    _gates(record, xs)


def gates_slider(lstm_cell: Cell, weights: Sequence[Tensor], sequences: Tensor) -> None:
    """The same with a slider over several sequences, (N, T, 2)."""
    import ipywidgets

    def draw(sequence: int) -> Figure:
        return _gates(read(lstm_cell, weights, sequences[sequence - 1]), sequences[sequence - 1])

    live(draw, sequence=ipywidgets.IntSlider(1, 1, len(sequences), continuous_update=False))


def _gates(record: Record, xs: Tensor) -> Figure:
    numbers, marks = xs[:, 0].numpy(), xs[:, 1] > 0
    figure, (top, *rows) = plt.subplots(4, 1, figsize=(9.5, 8), sharex=True, height_ratios=(1, 1.6, 1.6, 1.6))
    steps = np.arange(1, len(xs) + 1)
    top.bar(steps, numbers, color=[COLORS[3] if mark else COLORS[5] for mark in marks], width=0.8)
    top.set(ylabel="input", ylim=(0, 1.05), title="The two marked numbers, and what the units do with them")
    opens = record.i[marks].mean(0) - record.i[~marks].mean(0)
    order = torch.argsort(opens, descending=True)
    shades: dict[str, Any] = {"cmap": "Blues", "vmin": 0, "vmax": 1}
    bound = max(float(record.c.abs().max()), 1e-3)
    _strip(figure, rows[0], record.i[:, order], "input gate", **shades)
    _strip(figure, rows[1], record.f[:, order], "forget gate", **shades)
    _strip(figure, rows[2], record.c[:, order], "cell state", cmap=DIVERGING, vmin=-bound, vmax=bound)
    rows[2].set_xlabel("step")
    for axes in rows:
        for step in steps[marks.numpy()]:
            axes.axvline(step, color=COLORS[3], linewidth=1, linestyle=":")
    return figure


def _strip(figure: Figure, axes: Axes, values: Tensor, name: str, **look: Any) -> None:
    steps, units = values.shape
    image = axes.imshow(
        values.T.numpy(), aspect="auto", interpolation="nearest", extent=(0.5, steps + 0.5, units + 0.5, 0.5), **look
    )
    axes.set_ylabel("unit")
    figure.colorbar(image, ax=axes, label=name, pad=0.01)


# --- curves, point by point -------------------------------------------------------------------------------


def reading(curves: Sequence[Array], labels: Sequence[int], chances: Sequence[Tensor], accuracy: Tensor) -> None:
    """Curves of MNIST-1D while a network reads them: the points, and below them the probability of each class.

    Args:
        curves: (T,) each.
        labels: their classes.
        chances: (T, 10) each, the probability of every class after every point.
        accuracy: (T,), over all held-out curves, if the network were asked after every point.
    """
    figure, grid = plt.subplots(2, len(curves) + 1, figsize=(10.5, 4.4), sharex=True, height_ratios=(1, 1.3))
    steps = np.arange(1, len(curves[0]) + 1)
    for column, (curve, label, chance) in enumerate(zip(curves, labels, chances, strict=True)):
        above, below = grid[:, column]
        above.plot(steps, curve, color=INK, linewidth=1.4)
        above.set(title=f"a {label}", yticks=())
        extent = (0.5, len(curve) + 0.5, 9.5, -0.5)
        below.imshow(chance.T.numpy(), cmap="Blues", vmin=0, vmax=1, aspect="auto", extent=extent)
        below.set(yticks=range(10), xlabel="point")
        below.get_yticklabels()[label].set(color=COLORS[3], fontweight="bold")
    grid[0, 0].set_ylabel("curve")
    grid[1, 0].set_ylabel("class")
    grid[0, -1].axis("off")
    last = grid[1, -1]
    last.plot(steps, 100 * accuracy.numpy(), color=COLORS[0])
    last.set(xlabel="point", ylim=(0, 100), title="all curves: accuracy, %", box_aspect=None)
    last.axhline(10, color=GREY, linestyle="--", linewidth=1.2)
    figure.align_labels()
