"""Pictures of the forward pass: sawtooths, activations, folds, regions, and signals that vanish or explode.

Whatever is drawn is computed by the functions that are passed in, so that each picture shows the caller's own code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from course_lib.viz import COLORS, DIVERGING, GREY, INK, MARKERS, frame
from course_lib.viz.live import live

__all__ = [
    "activations",
    "batching",
    "digit_pass",
    "lift",
    "regions",
    "regions_slider",
    "saw",
    "sawtooth",
    "signal",
    "signal_slider",
    "wide_sawtooth",
]

Array = NDArray[Any]
Params = list[tuple[Array, Array]]
Activation = Callable[[Array], Array]
Linear = Callable[[Array, Array, Array], Array]
Forward = Callable[[Array, Params, Activation], list[Array]]
Init = Callable[[Sequence[int], np.random.Generator], Params]


# --- the sawtooth -----------------------------------------------------------------------------------------


def sawtooth(layers: int) -> Params:
    """A ReLU network with two units in each of `layers` hidden layers that draws 2^layers straight pieces on [0, 1].

    Each layer computes the tent 2 relu(x) - 4 relu(x - 1/2) of the layer before it.
    """
    first = np.array([[1.0], [1.0]]), np.array([0.0, -0.5])
    tent = np.array([[2.0, -4.0], [2.0, -4.0]]), np.array([0.0, -0.5])
    last = np.array([[2.0, -4.0]]), np.array([0.0])
    return [first, *[tent] * (layers - 1), last]


def wide_sawtooth(layers: int) -> Params:
    """The same curve on [0, 1] with a single hidden layer, which needs 2^layers units.

    Unit i bends at i / 2^layers: the first one gives the curve its slope at 0, each other one turns it around.
    """
    pieces = 2**layers
    bends = np.arange(pieces) / pieces
    turns = np.where(np.arange(pieces) % 2 == 0, 2.0, -2.0) * pieces
    turns[0] = pieces
    return [(np.ones((pieces, 1)), -bends), (turns[None], np.zeros(1))]


def saw(forward: Forward | None = None, relu: Activation | None = None, layers: Sequence[int] = (1, 2, 3, 6)) -> None:
    """The output of a sawtooth network against its input, for several depths: each layer doubles the straight pieces.

    Without `forward` it is drawn from the formula.
    """
    figure, row = plt.subplots(1, len(layers), figsize=(9.5, 2.5), sharey=True)
    x = np.linspace(0, 1, 1 + 2**11)
    for axes, depth in zip(np.atleast_1d(row), layers, strict=True):
        y = _tents(x, depth) if forward is None or relu is None else forward(x[:, None], sawtooth(depth), relu)[-1]
        axes.plot(x, np.ravel(y), color=COLORS[0], linewidth=2.2 if depth < 5 else 1.2)
        pieces = 1 + int((np.abs(np.diff(np.ravel(y), 2)) > 1e-9).sum())
        axes.set(title=f"{2 * depth} units: {pieces:,} pieces", xticks=(0, 1), yticks=(0, 1), xlabel="input")
    np.atleast_1d(row)[0].set_ylabel("output")
    figure.align_labels()


def _tents(x: Array, layers: int) -> Array:
    for _ in range(layers):
        x = 1 - np.abs(1 - 2 * x)
    return x


# --- activations and folds --------------------------------------------------------------------------------


def activations(functions: Mapping[str, Activation], reach: float = 8.0) -> None:
    """Each activation function as a curve, with its slope below; grey where it is flat, with a slope under 0.01."""
    figure, grid = plt.subplots(2, len(functions), figsize=(9.5, 4.6), sharex=True, squeeze=False)
    x = np.linspace(-reach, reach, 1601)
    for column, (name, function) in enumerate(functions.items()):
        y = np.asarray(function(x), dtype=float)
        slope = np.gradient(y, x)
        flat = np.abs(slope) < 0.01
        for axes, values, color in zip(grid[:, column], (y, slope), (COLORS[0], COLORS[3]), strict=True):
            axes.fill_between(x, 0, 1, where=flat, transform=axes.get_xaxis_transform(), color=GREY, alpha=0.16, lw=0)
            axes.plot(x, values, color=color)
        grid[0, column].set_title(name)
        grid[1, column].set(ylim=(-0.1, 1.15), xlabel="input z")
    grid[0, 0].set_ylabel("value")
    grid[1, 0].set_ylabel("slope")
    figure.align_labels()


def lift(linear: Linear, relu: Activation, x: Array, labels: Array) -> None:
    """On the left two rings, one inside the other, parted by a hexagon; on the right the same points folded by three
    hidden units, where the same border is a flat triangle with one ring on each side.

    The units look in three directions, 120 degrees apart; the cut is h_1 + h_2 + h_3 = 1.4 on both sides.
    """
    angles = np.deg2rad([90.0, 210.0, 330.0])
    W, b, cut = np.stack([np.cos(angles), np.sin(angles)], axis=1), np.zeros(3), 1.4

    def hidden(points: Array) -> Array:
        return relu(linear(points, W, b))

    figure = plt.figure(figsize=(9.5, 4.4))
    left, right = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2, projection="3d")
    side = np.linspace(-2.6, 2.6, 261)
    plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    total = hidden(plane).sum(axis=1).reshape(261, 261)
    left.contourf(side, side, total, levels=[-1, cut, 99], colors=[COLORS[0], COLORS[1]], alpha=0.2)
    left.contour(side, side, total, levels=[cut], colors=[INK], linewidths=1.6)
    for k in (0, 1):
        look: dict[str, Any] = {"color": COLORS[k], "marker": MARKERS[k], "edgecolors": "white", "linewidths": 0.5}
        left.scatter(x[labels == k, 0], x[labels == k, 1], s=34, **look, label=f"class {k}")
        right.scatter(*hidden(x[labels == k]).T, s=26, **look, depthshade=False)
    left.set(xlabel="$x_1$", ylabel="$x_2$", title="The inputs: no line separates them")
    left.set_aspect("equal")
    left.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), handletextpad=0.1)
    _cut(right, cut)
    right.set(xlabel="unit 1", ylabel="unit 2", zlabel="unit 3", title="After three units: a flat cut does")
    right.set(xticks=(0, 1, 2), yticks=(0, 1, 2), zticks=(0, 1, 2))
    right.view_init(elev=18, azim=62)


def _cut(axes: Any, level: float) -> None:
    corners = level * np.eye(3)
    axes.plot_trisurf(*corners.T, color=GREY, alpha=0.35, linewidth=0)
    axes.plot(*np.vstack([corners, corners[:1]]).T, color=INK, linewidth=1.4)


# --- regions ----------------------------------------------------------------------------------------------


def regions(
    forward: Forward, relu: Activation, depths: Sequence[int] = (1, 2, 4), width: int = 8, seed: int = 6
) -> None:
    """The plane cut up by random ReLU networks, by straight lines at one layer and by bent ones at more layers."""
    _, row = plt.subplots(1, len(depths), figsize=(3.2 * len(depths), 3.5), squeeze=False)
    for axes, depth in zip(row[0], depths, strict=True):
        _patches(axes, forward, relu, depth, width, seed)


def regions_slider(forward: Forward, relu: Activation) -> None:
    """Sliders for depth and width of a random network; draws its patches."""
    import ipywidgets

    def draw(depth: int, width: int, seed: int) -> Figure:
        figure, axes = plt.subplots(figsize=(4.6, 4.9))
        _patches(axes, forward, relu, depth, width, seed)
        return figure

    live(
        draw,
        depth=ipywidgets.IntSlider(2, 1, 8, continuous_update=False),
        width=ipywidgets.IntSlider(8, 1, 24, continuous_update=False),
        seed=ipywidgets.IntSlider(0, 0, 20, continuous_update=False),
    )


def _patches(axes: Axes, forward: Forward, relu: Activation, depth: int, width: int, seed: int) -> None:
    rng, points = np.random.default_rng(seed), 260
    sizes = [2, *[width] * depth, 1]
    params = [(rng.standard_normal((m, n)) * np.sqrt(2 / n), rng.standard_normal(m)) for n, m in pairwise(sizes)]
    side = np.linspace(-3, 3, points)
    plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    active = np.concatenate([values > 0 for values in forward(plane, params, relu)[1:-1]], axis=1)
    patch, index = np.unique(np.packbits(active, axis=1), axis=0, return_inverse=True)
    tint = np.random.default_rng(1).permutation(len(patch))[np.ravel(index)].reshape(points, points)
    shades = [_pale(color, strength) for strength in (0.25, 0.45, 0.65) for color in COLORS[:6]]
    axes.imshow(tint % len(shades), extent=(-3, 3, -3, 3), origin="lower", cmap=ListedColormap(shades))
    axes.set_title(f"{depth} \N{MULTIPLICATION SIGN} {width} units: {len(patch)} regions")
    frame(axes)


def _pale(color: str, strength: float) -> list[float]:
    return [1 - strength * (1 - int(color[i : i + 2], 16) / 255) for i in (1, 3, 5)]


# --- the signal, layer by layer ----------------------------------------------------------------------------


def signal(
    forward: Forward,
    activation: Activation,
    he_init: Init,
    scales: Sequence[float] = (0.5, 1.0, 2.0),
    depth: int = 20,
    width: int = 128,
) -> None:
    """The size of the activations over 20 layers: it falls to a millionth with half of He's weights, stays with He's
    weights, and grows a million times with twice those.

    The dark band holds the middle half of all activations that are not zero, the pale one 90% of them. The dashed
    line is the standard deviation of a unit over the inputs: what the layer still knows about its input.
    """
    _, row = plt.subplots(1, len(scales), figsize=(9.5, 3.6), sharey=True, squeeze=False)
    for axes, scale in zip(row[0], scales, strict=True):
        _bands(axes, _travel(forward, activation, he_init, scale, depth, width))
        axes.set(title=f"weights \N{MULTIPLICATION SIGN} {scale:g}", xlabel="hidden layer", ylim=(1e-9, 1e9))
    row[0][0].set_ylabel("activations")
    row[0][0].legend(loc="upper right", fontsize=10)


def signal_slider(forward: Forward, he_init: Init, functions: Mapping[str, Activation]) -> None:
    """Sliders for the scale of the weights and the depth, and a menu for the activation."""
    import ipywidgets

    def draw(scale: float, depth: int, activation: str) -> Figure:
        figure, axes = plt.subplots(figsize=(6.2, 4.0))
        _bands(axes, _travel(forward, functions[activation], he_init, scale, depth, 128))
        axes.set(
            title=f"{activation}, weights \N{MULTIPLICATION SIGN} {scale:g}",
            xlabel="hidden layer",
            ylabel="activations",
        )
        axes.margins(y=0.12)
        axes.legend(fontsize=10)
        return figure

    live(
        draw,
        scale=ipywidgets.FloatSlider(1.0, min=0.5, max=2.0, step=0.05, continuous_update=False),
        depth=ipywidgets.IntSlider(20, 2, 50, continuous_update=False),
        activation=ipywidgets.Dropdown(options=list(functions)),
    )


def _travel(
    forward: Forward, activation: Activation, he_init: Init, scale: float, depth: int, width: int
) -> list[Array]:
    rng = np.random.default_rng(0)
    params = [(scale * W, b) for W, b in he_init([width] * (depth + 2), rng)]
    return forward(rng.standard_normal((200, width)), params, activation)[1:-1]


def _bands(axes: Axes, layers: Sequence[Array]) -> None:
    heights = []
    for values in layers:
        active = np.abs(values[values != 0])
        heights.append(np.percentile(active, (5, 25, 50, 75, 95)) if active.size else np.full(5, np.nan))
    bands = np.array(heights).T
    number = np.arange(1, len(layers) + 1)
    axes.fill_between(number, bands[0], bands[4], color=COLORS[5], alpha=0.35, linewidth=0)
    axes.fill_between(number, bands[1], bands[3], color=COLORS[5], alpha=0.8, linewidth=0)
    axes.plot(number, bands[2], color=COLORS[0], label="size")
    differs = [np.sqrt(values.var(axis=0).mean()) for values in layers]
    axes.plot(number, differs, color=COLORS[3], linestyle="--", linewidth=1.6, label="differs between inputs")
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=(1, 2, 5, 10)))
    axes.axhline(1, color=GREY, linewidth=1, linestyle=":")
    falls = bands[2][-1] < bands[2][0]
    axes.annotate(
        _power(bands[2][-1]),
        (number[-1], bands[0 if falls else 4][-1]),
        (2, -3 if falls else 3),
        textcoords="offset points",
        ha="right",
        va="top" if falls else "bottom",
    )


def _power(value: float) -> str:
    if 0.01 < value < 100 or not value > 0:
        return f"{value:.1f}"
    exponent = int(np.floor(np.log10(value)))
    return rf"${value / 10**exponent:.0f} \times 10^{{{exponent}}}$"


# --- a trained network ------------------------------------------------------------------------------------


def digit_pass(forward: Forward, relu: Activation, params: Params, image: Array, label: int) -> None:
    """One digit passing through a trained network: its 64 pixels, the weights of the twelve most active hidden units,
    and the ten logits as bars.

    The number above a hidden unit is its activation.
    """
    _, hidden, logits = (values[0] for values in forward(image[None], params, relu))
    figure = plt.figure(figsize=(9.5, 4.2))
    first, middle, last = np.asarray(figure.subfigures(1, 3, width_ratios=(1, 2.1, 1.5))).tolist()
    axes = first.subplots()
    axes.imshow(image.reshape(8, 8), vmin=0, vmax=1)
    axes.set_title("64 pixels")
    frame(axes)
    loudest = np.argsort(-hidden, kind="stable")[:12]
    active = f"{(hidden > 0).sum()} of {len(hidden)} hidden units active"
    middle.suptitle(active, x=0.02, ha="left", fontweight="bold", fontsize=plt.rcParams["axes.titlesize"])
    for axes, unit in zip(middle.subplots(3, 4).flat, loudest, strict=False):
        weights = params[0][0][unit].reshape(8, 8)
        bound = np.abs(weights).max()
        axes.imshow(weights, cmap=DIVERGING, vmin=-bound, vmax=bound)
        axes.set_title(f"{hidden[unit]:.1f}", fontsize=10, fontweight="normal", loc="center", pad=2)
        frame(axes)
    axes = last.subplots()
    winner = int(np.argmax(logits))
    axes.barh(range(10), logits, color=[COLORS[0] if k == winner else COLORS[5] for k in range(10)])
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set(title=f"10 logits: a {winner}", yticks=range(10), ylabel="class", xlabel=f"the label says {label}")
    axes.invert_yaxis()


def batching(batches: Sequence[int], seconds: Sequence[float]) -> None:
    """Measured microseconds per example, which fall as the batch grows."""
    _, axes = plt.subplots(figsize=(6.2, 3.4))
    each = 1e6 * np.asarray(seconds) / np.asarray(batches)
    axes.semilogx(batches, each, marker=MARKERS[0], color=COLORS[0])
    for batch, value in zip(batches, each, strict=True):
        axes.annotate(f"{value:.3g}", (batch, value), (0, 9), textcoords="offset points", ha="center")
    axes.set(xlabel="examples in a batch", ylabel="microseconds per example", ylim=(0, 1.2 * each.max()))
    axes.set_title("The same work, shared")
    axes.set_xticks(list(batches), [str(batch) for batch in batches])
    axes.minorticks_off()
