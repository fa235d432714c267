"""Pictures of descent: the loss as a landscape with the path of each optimizer, and what training does to a network.

Whatever is drawn is computed by the functions that are passed in, so that each picture shows the caller's own code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from course_lib.viz import COLORS, DIVERGING, GREY, INK, MARKERS, frame, patient
from course_lib.viz.live import live

__all__ = ["over_steps", "paths", "paths_slider", "rates", "units", "valley"]

Array = NDArray[Any]
Params = list[tuple[Array, Array]]
Numerical = Callable[..., Array]
Step = Callable[[list[Array], list[Array], Any, float], tuple[list[Array], Any]]
"""From parameters, gradients, a state (None at first) and a rate to new parameters and the new state."""

START = np.array([0.1, 2.5])
RATES = {"SGD": 0.5, "momentum": 0.1, "Adam": 0.5}


# --- the landscape ----------------------------------------------------------------------------------------


def valley(w: Array) -> float:
    """The mean squared error of a network with two weights, w_2 tanh(w_1 x), on 41 points of tanh(2x).

    Changing both signs changes nothing, so there are two minima, (2, 1) and (-2, -1), with a saddle point between
    them at (0, 0).
    """
    x = np.linspace(-2, 2, 41)
    return float(np.mean((w[1] * np.tanh(w[0] * x) - np.tanh(2 * x)) ** 2))


def paths(
    steps: Mapping[str, Step],
    numerical_gradient: Numerical,
    rates: Mapping[str, float] | None = None,
    count: int = 60,
    start: Array = START,
) -> None:
    """A landscape of two weights with one path for each optimizer from the same start, and the loss along each path:
    SGD leaps across the valley, falls back and then creeps, momentum and Adam swing along it to the minimum.
    """
    _walked(steps, numerical_gradient, rates or RATES, count, start)


def _walked(
    steps: Mapping[str, Step], numerical_gradient: Numerical, rates: Mapping[str, float], count: int, start: Array
) -> Figure:
    figure, row = plt.subplots(1, len(steps) + 1, figsize=(3.0 * (len(steps) + 1), 3.6), squeeze=False)
    tops, last = row[0][:-1], row[0][-1]
    for number, (axes, (name, step)) in enumerate(zip(tops, steps.items(), strict=True)):
        rate = rates[name]
        path = _walk(step, numerical_gradient, rate, count, start)
        _landscape(axes)
        color = (COLORS[3], COLORS[1], COLORS[4])[number % 3]
        axes.plot(*path.T, color=color, marker=".", markersize=5, linewidth=1.6)
        axes.plot(*path[0], marker="o", color=INK, markersize=8)
        axes.plot(*path[-1], marker=MARKERS[7], color=color, markersize=15, markeredgecolor=INK)
        axes.set_title(f"{name}, rate {rate:g}")
        last.semilogy([valley(w) for w in path], color=color, linestyle=("-", "--", "-.")[number % 3], label=name)
    tops[0].set_ylabel("second weight")
    last.set(xlabel="step", title="loss")
    last.legend(fontsize=10)
    return figure


def paths_slider(steps: Mapping[str, Step], numerical_gradient: Numerical) -> None:
    """Sliders for the learning rate and the start, and a menu for the optimizer."""
    import ipywidgets

    def draw(optimizer: str, rate: float, start: float) -> Figure:
        chosen = {optimizer: steps[optimizer]}
        where = np.array([start, START[1]])
        return _walked(chosen, numerical_gradient, {optimizer: rate}, 60, where)

    live(
        draw,
        optimizer=ipywidgets.Dropdown(options=list(steps)),
        rate=ipywidgets.FloatLogSlider(0.1, min=-3, max=1, step=0.1, continuous_update=False),
        start=ipywidgets.FloatSlider(START[0], min=-3, max=3, step=0.1, continuous_update=False),
    )


def _walk(step: Step, numerical_gradient: Numerical, rate: float, count: int, start: Array) -> Array:
    w, memory, path = start.copy(), None, [start.copy()]
    for _ in range(count):
        [w], memory = step([w], [numerical_gradient(valley, w)], memory, rate)
        if not np.abs(w).max() < 1e3:
            break
        path.append(w)
    return np.array(path)


def _landscape(axes: Axes) -> None:
    first, second = np.meshgrid(np.linspace(-3.4, 3.4, 90), np.linspace(-3.2, 3.2, 90))
    x = np.linspace(-2, 2, 41)[:, None, None]
    height = np.mean((second * np.tanh(first * x) - np.tanh(2 * x)) ** 2, axis=0)
    levels = np.geomspace(0.01, 12, 16)
    axes.contourf(first, second, height, levels, cmap="Blues", norm=LogNorm(0.01, 40), extend="both")
    axes.contour(first, second, height, levels, colors="white", linewidths=0.6)
    for best in ((2, 1), (-2, -1)):
        axes.plot(*best, marker="P", color="white", markersize=9, markeredgecolor=INK)
    axes.set(xlabel="first weight", xlim=(-3.4, 3.4), ylim=(-3.2, 3.2))


# --- training ---------------------------------------------------------------------------------------------


def over_steps(curves: Mapping[str, Sequence[float]], title: str) -> None:
    """The loss against steps on a logarithmic scale, one falling curve per optimizer; the legend has its last value."""
    _, axes = plt.subplots(figsize=(8.2, 3.6))
    for number, (name, losses) in enumerate(curves.items()):
        color = (COLORS[3], COLORS[1], COLORS[4])[number % 3]
        style = ("-", "--", "-.")[number % 3]
        axes.semilogy(losses, color=color, linestyle=style, label=f"{name}: {losses[-1]:.2g} at the end")
    axes.set(xlabel="step", ylabel="loss", title=title)
    axes.legend(loc="lower left")


def rates(accuracy: Callable[[float], float], tried: Sequence[float]) -> None:
    """The accuracy that training reaches against its learning rate, a hill: low where the rate is tiny, high in the
    middle, and no better than guessing where it is too large.
    """
    reached = [accuracy(tried[step]) for step in patient(len(tried), 30.0)]
    _, axes = plt.subplots(figsize=(8.2, 3.5))
    axes.semilogx(tried[: len(reached)], reached, color=COLORS[0], marker=MARKERS[0])
    for rate, value, before in zip(tried, reached, [0.0, *reached], strict=False):
        at, side = ((9, 1), "left") if value < before - 0.05 else ((0, 8), "center")  # beside a line that falls
        axes.annotate(f"{value:.0%}", (rate, value), at, textcoords="offset points", ha=side, fontsize=10.5)
    axes.axhline(0.1, color=GREY, linewidth=1, linestyle=":")
    axes.annotate("guessing", (tried[0], 0.1), (0, -13), textcoords="offset points", color=GREY, fontsize=10)
    axes.set(xlabel="learning rate", ylabel="accuracy, validation set", ylim=(0, 1.12))
    axes.set_title("The learning rate decides")


def units(before: Params, after: Params, count: int = 8) -> None:
    """The weights of eight hidden units as images of 8 x 8, noise before training and strokes and gaps after it."""
    norms = np.linalg.norm(np.asarray(after[0][0]), axis=1)
    shown = np.argsort(-norms, kind="stable")[:count]
    figure, rows = plt.subplots(2, count, figsize=(9.5, 2.9))
    for row, params, name in zip(rows, (before, after), ("before", "after"), strict=True):
        weights = np.asarray(params[0][0])[shown]
        bound = np.abs(weights).max()
        for axes, image in zip(row, weights, strict=True):
            axes.imshow(image.reshape(8, 8), cmap=DIVERGING, vmin=-bound, vmax=bound)
            frame(axes)
        row[0].set_ylabel(name)
    figure.suptitle("What hidden units look for", x=0.01, ha="left", fontweight="bold", fontsize=12.5)
