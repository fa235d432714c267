"""Pictures of the backward pass: the price of a gradient, a small network, vanishing gradients, a check, memory.

Whatever is drawn is computed by the functions that are passed in, so that each picture shows the caller's own code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from course_lib.viz import COLORS, GREY, INK, MARKERS

__all__ = ["gradient_check", "memory", "network", "nudges", "price", "vanishing"]

Array = NDArray[Any]
Params = list[tuple[Array, Array]]
Gradients = Callable[[Array, Array, Params], tuple[float, Params]]
Numerical = Callable[..., Array]
Forward = Callable[[Array, Params, Callable[[Array], Array]], list[Array]]
Init = Callable[[Sequence[int], np.random.Generator], Params]
Back = Callable[[Array, Array], Array]
LinearBack = Callable[[Array, Array, Array], tuple[Array, Array, Array]]

FORWARD, BACK = COLORS[0], COLORS[3]

NETWORKS = {"notebook 1": 650, "notebook 2": 2_410, "AlexNet, 2012": 60e6, "GPT-3, 2020": 175e9}
"""Networks with their numbers of parameters, the last two as their authors report them."""


# --- what a gradient costs --------------------------------------------------------------------------------


def price() -> None:
    """The price of one gradient in forward passes against the number of parameters, from notebook 1 to GPT-3: by
    nudging it grows with the network, up to hundreds of billions; by backpropagation it is about 3 at any size.
    """
    _, axes = plt.subplots(figsize=(8.2, 3.9))
    sizes = np.array(list(NETWORKS.values()), float)
    reach = np.array([100.0, 1e12])
    axes.loglog(reach, 2 * reach, color=COLORS[3], label="nudge every weight up and down")
    axes.loglog(reach, [3, 3], color=COLORS[0], label="backpropagation")
    axes.loglog(sizes, 2 * sizes, MARKERS[0], color=COLORS[3])
    axes.loglog(sizes, np.full(len(sizes), 3.0), MARKERS[1], color=COLORS[0])
    for name, size in NETWORKS.items():
        aside, side = ((8, -10), "left") if name == "notebook 2" else ((-8, 4), "right")
        axes.annotate(name, (size, 2 * size), aside, textcoords="offset points", ha=side, fontsize=10.5)
    axes.annotate("about 3, at any size", (1e9, 3), (0, 9), textcoords="offset points", ha="center", color=COLORS[0])
    axes.set(xlabel="parameters", ylabel="forward passes", ylim=(1, 5e12), xlim=(15, 2e12))
    axes.set_title("The price of one gradient, in forward passes")
    axes.legend(loc="upper left", bbox_to_anchor=(0, 0.93))


def nudges(numerical_gradient: Numerical, at: float = 1.0) -> None:
    """The error of a slope against the size of the nudge, two V-shaped curves: the central difference has its lowest
    point near 1e-5 and goes far deeper than the one-sided one.
    """
    _, axes = plt.subplots(figsize=(8.2, 3.7))
    sizes = 10.0 ** np.arange(-13, 0.01, 0.25)
    x = np.array([at])

    def f(z: Array) -> float:
        return float(np.sin(z).sum())

    central = [abs(float(numerical_gradient(f, x, eps).item()) - np.cos(at)) for eps in sizes]
    one_sided = [abs((f(x + eps) - f(x)) / eps - np.cos(at)) for eps in sizes]
    axes.loglog(sizes, one_sided, color=COLORS[1], marker=MARKERS[1], markersize=4, label="one-sided")
    axes.loglog(sizes, central, color=COLORS[0], marker=MARKERS[0], markersize=4, label="yours")
    axes.axvline(1e-5, color=GREY, linewidth=1, linestyle=":")
    axes.annotate("eps = 1e-5", (1e-5, 1e-1), (5, 0), textcoords="offset points", color=GREY, fontsize=10.5)
    axes.set(xlabel="eps, the size of the nudge", ylabel="error of the slope", ylim=(1e-13, 10))
    axes.set_title("Too small is as bad as too large")
    axes.legend(loc="lower left")


# --- gradients in a small network -------------------------------------------------------------------------


def network(
    linear_backward: LinearBack,
    relu_backward: Back,
    softmax_cross_entropy: Callable[[Array, Array], tuple[float, Array]],
    x: Array,
    label: int,
    params: Params,
) -> None:
    """A network of circles and lines with a value and a gradient in each circle: the gradient comes from the logits on
    the right and passes only through the hidden unit that is active.

    The thickness of a line is the gradient of its weight. Inactive units are grey. `x` is one example, (D,).
    """
    (W1, b1), (W2, b2) = params
    z1 = x[None] @ W1.T + b1
    a1 = np.where(z1 > 0, z1, 0)
    logits = a1 @ W2.T + b2
    loss, dlogits = softmax_cross_entropy(logits, np.array([label]))
    da1, dW2, _ = linear_backward(dlogits, a1, W2)
    dx, dW1, _ = linear_backward(relu_backward(da1, z1), x[None], W1)
    _, axes = plt.subplots(figsize=(9.5, 4.6))
    layers = [(x, dx[0], "input"), (a1[0], da1[0], "hidden, after the ReLU"), (logits[0], dlogits[0], "logits")]
    strongest = max(np.abs(dW1).max(), np.abs(dW2).max())
    for column, (dW, active) in enumerate(((dW1, z1[0] > 0), (dW2, np.ones(len(W2), bool)))):
        _lines(axes, column, dW / strongest, dW, active)
    for column, (values, gradients, name) in enumerate(layers):
        inactive = (z1[0] <= 0) if column == 1 else np.zeros(len(values), bool)
        for unit, (value, gradient) in enumerate(zip(values, gradients, strict=True)):
            _unit(axes, column, unit - (len(values) - 1) / 2, value, gradient, bool(inactive[unit]))
        axes.text(column, 1.72, name, ha="center", color=INK)
    axes.set(xlim=(-0.3, 2.65), ylim=(1.9, -1.6))
    axes.text(2.2, 0, f"right class: {label}\nloss {loss:.3g}", va="center", linespacing=1.6)
    axes.axis("off")
    axes.set_title("Values (blue) come from the left, gradients (vermilion) from the right")


def _lines(axes: Axes, column: int, strength: Array, dW: Array, active: Array) -> None:
    outs, ins = dW.shape
    for out in range(outs):
        for into in range(ins):
            y = into - (ins - 1) / 2, out - (outs - 1) / 2
            moves = abs(strength[out, into]) > 1e-9
            axes.plot(
                [column, column + 1],
                y,
                color=BACK if moves else GREY,
                alpha=0.75 if moves else 0.45,
                linewidth=0.9 + 4.5 * abs(strength[out, into]),
                linestyle="-" if active[out] else ":",
                zorder=1,
            )
            if moves:
                middle = column + 0.62, y[0] + 0.62 * (y[1] - y[0])
                look = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none"}
                axes.text(
                    *middle,
                    f"{dW[out, into]:.3g}",
                    ha="center",
                    va="center",
                    color=BACK,
                    fontsize=10,
                    bbox=look,
                    zorder=2,
                )


def _unit(axes: Axes, column: int, y: float, value: float, gradient: float, inactive: bool) -> None:
    axes.scatter(
        column, y, s=2300, color="#EEEEEE" if inactive else "white", edgecolor=GREY if inactive else INK, zorder=3
    )
    axes.text(column, y - 0.1, f"{value:.3g}", ha="center", va="center", color=FORWARD, zorder=4)
    axes.text(column, y + 0.15, f"{gradient:.3g}", ha="center", va="center", color=BACK, zorder=4)
    if inactive:
        axes.text(
            column, y + 0.43, "inactive: stops here", ha="center", va="center", color=GREY, fontsize=9.5, zorder=4
        )


# --- slopes that multiply ---------------------------------------------------------------------------------


def vanishing(
    forward: Forward,
    he_init: Init,
    linear_backward: LinearBack,
    activations: Mapping[str, tuple[Callable[[Array], Array], Back, bool, float]],
    depth: int = 20,
    width: int = 64,
) -> None:
    """The size of the gradient at each of 20 hidden layers, on a logarithmic scale: behind ReLUs it stays, behind
    sigmoids it falls to less than a billionth, and with larger weights it still falls to less than a hundredth.

    Args:
        forward: as in notebook 2.
        he_init: as in notebook 2.
        linear_backward: as in notebook 3.
        activations: name -> (the activation, its backward step, whether that step takes the output, not the input, and
            a factor on all weights).
        depth: number of hidden layers.
        width: units in each.
    """
    _, axes = plt.subplots(figsize=(8.2, 3.7))
    for number, (name, (activation, back, wants_output, factor)) in enumerate(activations.items()):
        rng = np.random.default_rng(0)
        params = [(factor * W, b) for W, b in he_init([width] * (depth + 2), rng)]
        values = forward(rng.standard_normal((100, width)), params, activation)
        gradient = rng.standard_normal(values[-1].shape) / len(values[-1])
        sizes = []
        for layer in range(depth, 0, -1):
            gradient = linear_backward(gradient, values[layer], params[layer][0])[0]
            sizes.append(float(np.sqrt(np.mean(gradient**2))))
            W, b = params[layer - 1]
            gradient = back(gradient, values[layer] if wants_output else values[layer - 1] @ W.T + b)
        relative = np.array(sizes[::-1]) / sizes[0]
        color = (COLORS[0], COLORS[3], COLORS[4])[number % 3]
        axes.semilogy(range(1, depth + 1), relative, color=color, marker=MARKERS[number], label=name)
        text = f"{relative[0]:.1g}" if relative[0] < 0.01 else f"{relative[0]:.2g}"
        axes.annotate(text, (1, relative[0]), (6, -16), textcoords="offset points", color=color)
    axes.set(xlabel="hidden layer", ylabel="size of the gradient", xlim=(0.3, depth + 0.7))
    axes.set_title("From right to left: what is left of the gradient")
    axes.set_xticks([1, *range(5, depth + 1, 5)])
    axes.margins(y=0.12)
    axes.legend(loc="lower right")


# --- the gradient check -----------------------------------------------------------------------------------


def gradient_check(mlp_gradients: Gradients, numerical_gradient: Numerical, seed: int = 0) -> None:
    """Each gradient of a small network by backpropagation against the same by nudging, in three panels: right ones lie
    on the diagonal, those summed in place of averaged on a steeper line, and those of a transposed matrix anywhere.
    """
    rng = np.random.default_rng(seed)
    sizes = [5, 6, 6, 3]
    params = [(rng.standard_normal((m, n)) * np.sqrt(2 / n), 0.1 * rng.standard_normal(m)) for n, m in pairwise(sizes)]
    x, labels = rng.standard_normal((8, 5)), rng.integers(0, 3, 8)
    _, grads = mlp_gradients(x, labels, params)
    nudged = _nudged(mlp_gradients, numerical_gradient, x, labels, params)
    turned = [(dW.T if dW.shape[0] == dW.shape[1] else dW, db) for dW, db in grads]
    panels = {
        "yours": grads,
        "summed, not averaged": [(len(x) * dW, len(x) * db) for dW, db in grads],
        "one matrix transposed": turned,
    }
    _, row = plt.subplots(1, 3, figsize=(9.8, 3.6), sharex=True)
    for axes, (title, given) in zip(row, panels.items(), strict=True):
        _against(axes, title, given, nudged)
    row[0].set_ylabel("backpropagation")
    row[0].legend(loc="upper left", fontsize=9.5, handletextpad=0.1)


def _nudged(mlp_gradients: Gradients, numerical_gradient: Numerical, x: Array, labels: Array, params: Params) -> Params:
    def slope(layer: int, part: int) -> Array:
        def loss(moved: Array) -> float:
            pair = (moved, params[layer][1]) if part == 0 else (params[layer][0], moved)
            return float(mlp_gradients(x, labels, [*params[:layer], pair, *params[layer + 1 :]])[0])

        return numerical_gradient(loss, params[layer][part].copy())

    return [(slope(layer, 0), slope(layer, 1)) for layer in range(len(params))]


def _against(axes: Axes, title: str, given: Params, nudged: Params) -> None:
    worst = 0.0
    for layer, (mine, theirs) in enumerate(zip(given, nudged, strict=True)):
        ours = np.concatenate([np.ravel(part) for part in mine])
        measured = np.concatenate([np.ravel(part) for part in theirs])
        axes.scatter(measured, ours, s=18, color=COLORS[layer], marker=MARKERS[layer], label=f"layer {layer + 1}")
        worst = max(worst, float(np.linalg.norm(ours - measured) / np.linalg.norm(np.abs(ours) + np.abs(measured))))
    bound = max(np.abs(np.concatenate([np.ravel(part) for pair in nudged for part in pair])).max() * 1.1, 1e-12)
    axes.plot([-bound, bound], [-bound, bound], color=GREY, linewidth=1, zorder=0)
    axes.set(xlabel="nudging", title=title)
    axes.annotate(f"relative error {worst:.1g}", (0.97, 0.04), xycoords="axes fraction", ha="right", fontsize=10.5)


# --- memory -----------------------------------------------------------------------------------------------


def memory(parameters: int, values: int, batches: Sequence[int]) -> None:
    """Stacked bars of what training keeps in memory for several batch sizes: weights, gradients and Adam's averages
    stay the same, and the values kept for the way back grow with the batch until they are nearly everything.
    """
    _, axes = plt.subplots(figsize=(8.2, 3.6))
    parts = {
        "weights": np.full(len(batches), 4.0 * parameters),
        "gradients": np.full(len(batches), 4.0 * parameters),
        "Adam's m and v": np.full(len(batches), 8.0 * parameters),
        "values kept for the way back": 4.0 * values * np.array(batches),
    }
    start = np.zeros(len(batches))
    rows = np.arange(len(batches))[::-1]
    for number, (name, size) in enumerate(parts.items()):
        axes.barh(rows, size / 1000, left=start / 1000, color=COLORS[(0, 5, 1, 3)[number]], label=name, height=0.62)
        start = start + size
    for row, total in zip(rows, start, strict=True):
        text = f"{total / 1000:,.0f} kB"
        axes.annotate(text, (total / 1000, row), (4, 0), textcoords="offset points", va="center", fontsize=10.5)
    axes.set_yticks(rows, [str(batch) for batch in batches])
    axes.set(xlabel="kilobytes", ylabel="examples in a batch", xlim=(0, 1.16 * start.max() / 1000))
    axes.set_title("What training keeps in memory")
    axes.legend(loc="upper right", bbox_to_anchor=(1.0, 1.0), fontsize=10)
