"""Pictures of a CNN that learns: where gradients flow, what normalisation does, learned kernels, use of position.

Whatever is drawn is computed by the functions that are passed in, so that each picture shows the caller's own code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from course_lib.viz import COLORS, GREY, INK, MARKERS, frame
from course_lib.viz.cnn import cells, feature_map
from course_lib.viz.live import live

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = [
    "averages",
    "averages_slider",
    "comparison",
    "coverage",
    "curves",
    "feature_maps",
    "gradient_check",
    "kernels",
    "learning",
    "norm_check",
    "normalised",
    "routes",
]

Array = NDArray[Any]


# --- gradients --------------------------------------------------------------------------------------------


def coverage(
    im2col: Callable[..., Array], col2im: Callable[..., Array], settings: Sequence[tuple[int, int, int]], side: int = 7
) -> None:
    """How many patches contain each pixel: col2im of im2col of ones, for settings (kernel, stride, padding)."""
    _, row = plt.subplots(1, len(settings), figsize=(9.5, 3.4), squeeze=False)
    ones = np.ones((1, 1, side, side))
    for axes, (kernel, stride, padding) in zip(row[0], settings, strict=True):
        size = kernel, kernel
        counts = col2im(im2col(ones, size, stride, padding), ones.shape, size, stride, padding)
        cells(axes, counts[0, 0], f"kernel {kernel}, stride {stride}, padding {padding}", cmap="Blues")


def gradient_check(backward: Callable[..., tuple[Array, ...]], convolve: Callable[..., Array]) -> None:
    """Each gradient against finite differences of `convolve`, number by number, on a small random layer."""
    rng = np.random.default_rng(0)
    x, w, b = rng.standard_normal((2, 2, 6, 5)), rng.standard_normal((3, 2, 3, 2)), rng.standard_normal(3)
    stride, padding = 2, 1
    dout = rng.standard_normal(convolve(x, w, b, stride, padding).shape)
    analytic = backward(dout, x, w, stride, padding)
    _against_nudges(("dx", "dw", "db"), analytic, (x, w, b), dout, lambda *moved: convolve(*moved, stride, padding))


def norm_check(backward: Callable[..., tuple[Array, ...]], normalise: Callable[..., tuple[Array, ...]]) -> None:
    """Each gradient of batch normalisation in training against finite differences of `normalise`, number by number."""
    rng = np.random.default_rng(0)
    x, gamma, beta = 2 * rng.standard_normal((3, 2, 3, 2)) + 1, rng.uniform(0.5, 2, 2), rng.standard_normal(2)
    dout = rng.standard_normal(x.shape)

    def forward(*moved: Array) -> Array:
        return normalise(*moved, np.zeros(2), np.ones(2), True)[0]

    _against_nudges(("dx", "dgamma", "dbeta"), backward(dout, x, gamma), (x, gamma, beta), dout, forward)


def _against_nudges(
    names: Sequence[str],
    analytic: Sequence[Array],
    base: Sequence[Array],
    dout: Array,
    forward: Callable[..., Array],
    eps: float = 1e-5,
) -> None:
    _, row = plt.subplots(1, len(names), figsize=(9.5, 3.3))
    for k, (axes, name, gradient) in enumerate(zip(row, names, analytic, strict=True)):
        numeric = np.zeros(base[k].shape)
        for index in np.ndindex(*numeric.shape):
            ends = []
            for step in (eps, -eps):
                moved = [each.copy() for each in base]
                moved[k][index] += step
                ends.append(float(np.vdot(dout, forward(*moved))))
            numeric[index] = (ends[0] - ends[1]) / (2 * eps)
        axes.axline((0, 0), slope=1, color=GREY, linewidth=1)
        axes.plot(numeric.ravel(), np.ravel(gradient), MARKERS[k], color=COLORS[k], markersize=5, alpha=0.7)
        far = float(np.abs(numeric - gradient).max())
        axes.set(title=f"{name}: within {far:.0e}", xlabel="by nudging", ylabel="yours" if k == 0 else "")


def routes(backward: Callable[..., Array], x: Array, dout: Array, kernel: int) -> None:
    """Max pooling, forward and backward, on one small channel: which numbers won, and where the gradient goes."""
    dx = np.asarray(backward(dout[None, None], x[None, None], kernel))[0, 0]
    _, row = plt.subplots(1, 3, figsize=(9.5, 3.3), width_ratios=(1, 0.6, 1))
    for axes, values, title in zip(row, (x, dout, dx), ("input x", "gradient dout", "gradient dx"), strict=True):
        cells(axes, values, title)
    for i in range(dout.shape[0]):
        for j in range(dout.shape[1]):
            for axes in (row[0], row[2]):
                corner = j * kernel - 0.5, i * kernel - 0.5
                axes.add_patch(Rectangle(corner, kernel, kernel, fill=False, ec=INK, lw=2))


# --- normalisation ----------------------------------------------------------------------------------------


def normalised(normalise: Callable[..., tuple[Array, ...]], x: Array) -> None:
    """The numbers of each channel of x, (N, C, H, W), before and after batch normalisation in training."""
    ones, zeros = np.ones(x.shape[1]), np.zeros(x.shape[1])
    y = normalise(x, ones, zeros, zeros, ones, True)[0]
    _, row = plt.subplots(1, 2, figsize=(9.5, 3.2))
    for axes, values, title in zip(row, (x, y), ("before", "after: mean 0, deviation 1"), strict=True):
        low, high = float(values.min()), float(values.max())
        for k in range(values.shape[1]):
            axes.hist(values[:, k].ravel(), bins=np.linspace(low, high, 60), color=COLORS[k], alpha=0.65, label=f"{k}")
        axes.set(title=title, xlabel="activation", ylabel="how often", yticks=())
    row[0].legend(title="channel")


def averages(normalise: Callable[..., tuple[Array, ...]], momenta: Sequence[float] = (0.02, 0.1, 0.5)) -> None:
    """The running mean and variance of one channel, batch by batch, for several momenta."""
    _, row = plt.subplots(1, len(momenta), figsize=(9.5, 3.2), sharey=True, squeeze=False)
    for axes, momentum in zip(row[0], momenta, strict=True):
        _averages(axes, normalise, momentum)
    row[0][0].legend()


def averages_slider(normalise: Callable[..., tuple[Array, ...]]) -> None:
    """A slider for the momentum and one for the batch size."""
    import ipywidgets

    def draw(momentum: float, batch: int) -> Figure:
        figure, axes = plt.subplots(figsize=(6.2, 3.8))
        _averages(axes, normalise, momentum, batch)
        axes.legend()
        return figure

    live(
        draw,
        momentum=ipywidgets.FloatSlider(0.1, min=0.01, max=1.0, step=0.01, continuous_update=False),
        batch=ipywidgets.IntSlider(4, 1, 64, continuous_update=False),
    )


def _averages(axes: Axes, normalise: Callable[..., tuple[Array, ...]], momentum: float, batch: int = 4) -> None:
    rng, mean, var = np.random.default_rng(0), np.zeros(1), np.ones(1)
    seen = []
    for _ in range(100):
        x = 2 + 1.5 * rng.standard_normal((batch, 1, 2, 2))
        _, mean, var = normalise(x, np.ones(1), np.zeros(1), mean, var, True, momentum)
        seen.append((float(mean[0]), float(var[0])))
    for k, (name, values, truth) in enumerate(zip(("mean", "variance"), np.array(seen).T, (2, 2.25), strict=True)):
        axes.plot(values, color=COLORS[3 * k], label=f"running {name}", linewidth=1.6)
        axes.axhline(truth, color=COLORS[3 * k], linestyle=":", linewidth=1.2)
    axes.set(title=f"momentum {momentum:g}", xlabel="batches of " + str(batch), ylim=(0, 5))


# --- a trained network ------------------------------------------------------------------------------------


def learning(losses: Sequence[float], accuracies: Sequence[float]) -> None:
    """The training loss and the accuracy on the validation set, epoch by epoch."""
    _, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.1))
    epochs = range(1, len(losses) + 1)
    left.semilogy(epochs, losses, marker=MARKERS[0], color=COLORS[0])
    left.set(title="training loss", xlabel="epoch", ylabel="mean loss")
    right.plot(epochs, 100 * np.asarray(accuracies), marker=MARKERS[1], color=COLORS[1])
    right.set(title=f"validation accuracy: {100 * accuracies[-1]:.1f} %", xlabel="epoch", ylabel="%")


def kernels(model: nn.Module | None) -> None:
    """The kernels of a model's first convolution, on its first input channel; waits if there is no model yet."""
    if model is None:
        raise NotImplementedError("no model has been trained yet")
    weights = next(each for each in model.parameters() if each.ndim == 4).detach().cpu().numpy()[:, 0]
    columns = min(8, len(weights))
    rows = -(-len(weights) // columns)
    _, grid = plt.subplots(rows, columns, figsize=(9.5, 1.25 * rows + 0.3), squeeze=False)
    bound = float(np.abs(weights).max())
    for number, axes in enumerate(grid.flat):
        axes.set_visible(number < len(weights))
        if number < len(weights):
            feature_map(axes, weights[number], "", bound)
            frame(axes)
    grid[0, 0].set_title(f"{len(weights)} learned kernels")


def feature_maps(model: nn.Module | None, image: Tensor, most: int = 8) -> None:
    """What each layer of a model makes of one image, (1, H, W): its first `most` maps, a row for each layer.

    Waits if there is no model yet.
    """
    if model is None:
        raise NotImplementedError("no model has been trained yet")
    found = _maps(model, image)
    _, grid = plt.subplots(len(found), most + 1, figsize=(9.5, 1.12 * len(found)), squeeze=False)
    for row, (name, maps) in zip(grid, found, strict=True):
        row[0].axis("off")
        shape = " \N{MULTIPLICATION SIGN} ".join(map(str, maps.shape))
        row[0].text(1, 0.5, f"{name}\n{shape}", ha="right", va="center", fontsize=10, transform=row[0].transAxes)
        bound = float(np.abs(maps).max())
        for number, axes in enumerate(row[1:]):
            axes.set_visible(number < len(maps))
            if number < len(maps):
                feature_map(axes, maps[number], "", bound)
                frame(axes)


def _maps(model: nn.Module, image: Tensor) -> list[tuple[str, Array]]:
    """The image, and the output of every innermost layer that is still an image."""
    import torch

    found: list[tuple[str, Array]] = [("image", image.numpy())]

    def note(layer: nn.Module, _: Any, output: Tensor) -> None:
        if output.ndim == 4 and output.shape[-1] > 1:
            found.append((type(layer).__name__, output[0].detach().numpy()))

    hooks = [layer.register_forward_hook(note) for layer in model.modules() if not list(layer.children())]
    training = model.training
    try:
        with torch.no_grad():
            model.eval()(image[None])
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    return found


# --- who uses position ------------------------------------------------------------------------------------


def curves(original: Array, shuffled: Array, labels: Array) -> None:
    """One curve of each of five classes, (N, 40), and the same curves with their points in another order."""
    _, grid = plt.subplots(2, 5, figsize=(9.5, 3.2), sharex=True, sharey=True)
    for column in range(5):
        place = int(np.flatnonzero(labels == column)[0])
        for axes, values, k in zip(grid[:, column], (original, shuffled), (0, 3), strict=True):
            axes.plot(values[place], color=COLORS[k], linewidth=1.6)
            frame(axes)
        grid[0, column].set_title(f"a {column}", loc="center")
    grid[0, 0].set_ylabel("as it is")
    grid[1, 0].set_ylabel("shuffled")


def comparison(results: Mapping[str, tuple[float, float]], published: Mapping[str, tuple[float, float]]) -> None:
    """For each network its accuracy with the points in order and shuffled, and the published figures as dashed lines.

    Args:
        results: name -> (accuracy in order, accuracy shuffled).
        published: the same, as published.
    """
    _, axes = plt.subplots(figsize=(7.4, 3.8))
    for place, (name, pair) in enumerate(results.items()):
        for side, (value, k, label) in enumerate(zip(pair, (0, 3), ("in order", "shuffled"), strict=True)):
            spot = place + 0.4 * side - 0.2
            hatch = "//" if side else None
            axes.bar(
                spot, 100 * value, 0.36, color=COLORS[k], hatch=hatch, edgecolor="white", label="" if place else label
            )
            line = 100 * published[name][side]
            axes.text(spot, max(100 * value, line) + 1.5, f"{100 * value:.0f}", ha="center")
            label = "" if place or side else "published"
            axes.plot([spot - 0.2, spot + 0.2], [line, line], color=INK, linestyle="--", linewidth=1.6, label=label)
    axes.set_xticks(range(len(results)), list(results))
    axes.set(ylabel="accuracy on test curves, %", ylim=(0, 112), title="MNIST-1D")
    axes.legend(loc="upper left")
