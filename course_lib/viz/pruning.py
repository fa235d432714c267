"""Pictures of pruning: what is removed, what it costs, which patterns stay, shared values, spectra, savings.

Whatever is drawn is computed by the functions that are passed in, so that each picture shows the caller's own code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter
from numpy.typing import NDArray
from torch import Tensor

from course_lib.measure import standard_error
from course_lib.viz import COLORS, DIVERGING, GREY, INK, MARKERS, frame
from course_lib.viz.live import live

__all__ = [
    "before_and_after",
    "code_words",
    "erased",
    "layer_shares",
    "masks_slider",
    "patterns",
    "pixels",
    "ranks",
    "samples",
    "schedule",
    "sensitivity_curves",
    "shared_values",
    "storage",
    "times",
    "trade",
]

Mask = Callable[[Tensor, float], Tensor]
Score = Callable[[list[Tensor]], float]
LAYERS = ("layer 1", "layer 2", "layer 3")


def _percent(axes: Axes, bottom: float = 0) -> None:
    axes.set(ylim=(bottom, 103), ylabel="digits read, %")


def _errors(shares: Sequence[float], count: int) -> list[float]:
    """Standard errors of shares that were counted on so many digits, in points."""
    return [100 * standard_error(share, count) for share in shares]


def _plain(axis: Axis) -> None:
    """Whole numbers in place of powers of ten, and no minor ticks."""
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_locator(NullLocator())


def _falling(axes: Axes, stays: NDArray[Any]) -> None:
    """A logarithmic axis from many weights to few, with a tick at each share."""
    axes.set_xticks(stays)
    _plain(axes.xaxis)
    axes.invert_xaxis()


# --- the hook ---------------------------------------------------------------------------------------------


def samples(images: Tensor, labels: Tensor, count: int = 14) -> None:
    """Some of the digits that the network learns to read, (N, 64), each with its label."""
    _, row = plt.subplots(1, count, figsize=(9.5, 1.1))
    for axes, image, label in zip(row, images, labels.tolist(), strict=False):
        axes.imshow(image.view(8, 8).numpy(), vmin=0, vmax=1)
        axes.set_title(label, loc="center")
        frame(axes)


def erased(weights: Sequence[Tensor], score: Score) -> None:
    """How large the weights are, and what is left of the accuracy when half of them are erased, in three ways."""
    sizes = torch.cat([w.abs().flatten() for w in weights])
    middle = float(sizes.median())
    coin = torch.Generator().manual_seed(0)
    tosses = [[w * (torch.rand(w.shape, generator=coin) > 0.5) for w in weights] for _ in range(5)]
    ways = {
        "none": [list(weights)],
        "the smallest half": [[w * (w.abs() > middle) for w in weights]],
        "a random half": tosses,
        "the largest half": [[w * (w.abs() <= middle) for w in weights]],
    }
    _, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.3))
    left.hist(torch.cat([w.flatten() for w in weights]).numpy(), bins=120, color=COLORS[0])
    left.set(title=f"{len(sizes):,} weights", xlabel="weight", ylabel="how many", xlim=(-0.5, 0.5))
    for line in (-middle, middle):
        left.axvline(line, color=COLORS[3], linewidth=1.4, linestyle="--")
    left.annotate("half of them\nlie in here", (0.03, 0.97), xycoords="axes fraction", va="top", color=COLORS[3])
    reached = [[100 * score(changed) for changed in tries] for tries in ways.values()]
    means = [float(np.mean(scores)) for scores in reached]
    bars = right.barh(range(len(ways)), means, color=[GREY, COLORS[0], COLORS[1], COLORS[3]])
    right.bar_label(bars, fmt="%.1f %%", padding=4)
    right.plot(reached[2], [2.28] * len(tosses), "|", color=INK, markersize=9)
    right.annotate("five tries", (max(reached[2]), 2.28), (5, -4), textcoords="offset points", fontsize=10)
    right.set(title="Erase half of them", xlabel="digits read, %", xlim=(0, 118), yticks=range(len(ways)))
    right.set_yticklabels(list(ways))
    right.invert_yaxis()


# --- masks ------------------------------------------------------------------------------------------------


def _masked_units(figure: Figure, w: Tensor, mask: Tensor, units: int = 10) -> None:
    """The input weights of some units as pictures, removed ones in grey, and how many weights of each pixel stay."""
    columns = units // 2
    grid = figure.add_gridspec(2, columns + 2)
    side, bound = round(w.shape[1] ** 0.5), float(w.abs().max())
    colors = DIVERGING.with_extremes(bad="#BBBBBB")
    for unit in range(units):
        axes = figure.add_subplot(grid[unit // columns, unit % columns])
        picture = np.ma.array(w[unit].numpy(), mask=~mask[unit].numpy()).reshape(side, side)
        axes.imshow(picture, cmap=colors, vmin=-bound, vmax=bound)
        frame(axes)
    axes = figure.add_subplot(grid[:, columns:])
    stays = 100 * mask.double().mean(dim=0).reshape(side, side).numpy()
    image = axes.imshow(stays, cmap="cividis", vmin=0, vmax=max(1.0, float(stays.max())))
    axes.set_title("% that stay, by pixel")
    frame(axes)
    figure.colorbar(image, ax=axes, shrink=0.8)


def pixels(magnitude_mask: Mask, w: Tensor, share: float) -> Figure:
    """Ten units of the first layer, (units, pixels), with removed weights in grey, and all units by pixel."""
    figure = plt.figure(figsize=(9.5, 3.4))
    mask = magnitude_mask(w, share)
    _masked_units(figure, w, mask)
    figure.suptitle(f"sparsity {share:g}: {int(mask.sum()):,} of {w.numel():,} weights stay", weight="bold", x=0.3)
    return figure


def masks_slider(magnitude_mask: Mask, w: Tensor) -> None:
    """The same with a slider for the sparsity."""
    import ipywidgets

    control = ipywidgets.FloatSlider(0.8, min=0.0, max=0.98, step=0.02, continuous_update=False)
    live(lambda sparsity: pixels(magnitude_mask, w, sparsity), sparsity=control)


def layer_shares(
    magnitude_mask: Mask,
    global_masks: Callable[[list[Tensor], float], list[Tensor]],
    weights: list[Tensor],
    score: Score,
    shares: Sequence[float] = (0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95),
) -> None:
    """Accuracy with one threshold per layer and with one for all, and what the common one removes from each layer."""
    _, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.4))
    alone = [score([w * magnitude_mask(w, share) for w in weights]) for share in shares]
    masks = [global_masks(weights, share) for share in shares]
    together = [score([w * mask for w, mask in zip(weights, row, strict=True)]) for row in masks]
    for k, (values, name) in enumerate(((alone, "the same share of each layer"), (together, "one threshold for all"))):
        left.plot(shares, 100 * np.array(values), color=COLORS[3 * (1 - k)], marker=MARKERS[k], label=name)
    left.set(title="Pruned, not fine-tuned", xlabel="sparsity of all")
    _percent(left)
    left.legend(loc="lower left")
    for k, name in enumerate(LAYERS[: len(weights)]):
        gone = [100 * float((~row[k]).double().mean()) for row in masks]
        right.plot(shares, gone, color=COLORS[k], marker=MARKERS[k], label=f"{name}: {weights[k].numel():,}")
    right.plot([0, 1], [0, 100], color=GREY, linewidth=1, linestyle=":")
    right.set(title="What one threshold removes", xlabel="sparsity of all", ylabel="removed from the layer, %")
    right.set(xlim=(min(shares) - 0.02, 1))
    right.legend(loc="upper left")


def sensitivity_curves(scores: Sequence[Sequence[float]], shares: Sequence[float], whole: float) -> None:
    """The accuracy with only one layer pruned, one curve per layer."""
    _, axes = plt.subplots(figsize=(7.2, 3.8))
    axes.axhline(100 * whole, color=GREY, linewidth=1.2, linestyle="--")
    axes.annotate("unpruned", (shares[0], 100 * whole), (0, 5), textcoords="offset points", color=GREY)
    for k, row in enumerate(scores):
        axes.plot(shares, 100 * np.array(row), color=COLORS[k], marker=MARKERS[k], label=LAYERS[k])
    axes.set(title="One layer pruned, the others whole", xlabel="sparsity of that layer")
    _percent(axes)
    axes.legend()


def schedule(cubic_schedule: Callable[[int, int, int, float, float], float], final: float = 0.9) -> None:
    """The cubic schedule beside a straight line."""
    _, axes = plt.subplots(figsize=(6.4, 3.0))
    steps = np.arange(-10, 131)
    axes.plot([0, 100], [0, final], color=GREY, linestyle="--", linewidth=1.4, label="a straight line")
    axes.plot(steps, [cubic_schedule(int(step), 0, 100, 0.0, final) for step in steps], color=COLORS[0], label="yours")
    axes.set(title="Much at first, little at the end", xlabel="step", ylabel="sparsity", ylim=(-0.02, 1))
    axes.legend(loc="lower right")


def before_and_after(
    shares: Sequence[float], before: Sequence[float], after: Sequence[float], dense: float, count: int
) -> None:
    """The accuracy against sparsity, before and after fine-tuning; on the right only its top, with standard errors.

    Args:
        shares: sparsities.
        before: accuracy of the pruned network at each.
        after: the same after fine-tuning.
        dense: accuracy of the dense network, trained for as long as the fine-tuned ones.
        count: digits that each accuracy was measured on.
    """
    _, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.8))
    stays = 100 * (1 - np.array(shares))
    for k, (values, name) in enumerate(((before, "pruned"), (after, "pruned and fine-tuned"))):
        left.semilogx(stays, 100 * np.array(values), color=COLORS[3 * (1 - k)], marker=MARKERS[k], label=name)
    left.set(title="Accuracy against sparsity", xlabel="weights that stay, %")
    _percent(left)
    left.legend(loc="lower left")
    right.axhspan(100 * dense - 1, 100 * dense, color=COLORS[2], alpha=0.25, label="up to 1 point below dense")
    right.errorbar(stays, 100 * np.array(after), _errors(after, count), color=COLORS[0], marker=MARKERS[1], capsize=4)
    right.set(title="The top of it, ± one standard error", xscale="log", xlabel="weights that stay, %")
    right.legend(loc="lower left")
    for axes in (left, right):
        _falling(axes, stays)


# --- what is saved ----------------------------------------------------------------------------------------


def storage(model_bytes: Callable[..., int], size: int = 256) -> None:
    """Bytes of one sparse layer against sparsity, as a share of the dense layer, for two widths of a weight."""
    _, axes = plt.subplots(figsize=(7.2, 3.6))
    shares, w = np.linspace(0, 1, 41), torch.zeros(size, size)
    order = torch.linspace(0, 1, size * size).view(size, size)
    for k, bits in enumerate((32, 4)):
        dense = model_bytes([w], [None], bits, 8)
        sizes = [100 * model_bytes([w], [order >= share], bits, 8) / dense for share in shares]
        axes.plot(shares, sizes, color=COLORS[3 * k], label=f"{bits} bits per weight, 8 bits per index")
        even = 8 / (bits + 8)
        axes.plot(even, 100, MARKERS[k], color=COLORS[3 * k])
        axes.annotate(f"{even:.2f}", (even, 100), (6, 5), textcoords="offset points", color=COLORS[3 * k])
    axes.axhline(100, color=GREY, linewidth=1.2, linestyle="--")
    axes.set(title="A sparse layer pays from here on", xlabel="sparsity", ylabel="bytes, % of dense", ylim=(0, 310))
    axes.legend()


def times(shares: Sequence[float], seconds: Mapping[str, tuple[float, Sequence[float]]]) -> None:
    """Microseconds of a dense and of a sparse product against sparsity, one panel per kind of product.

    `seconds` gives for each name the time of the dense product, and the times of the sparse one at each share.
    """
    _, row = plt.subplots(1, len(seconds), figsize=(9.5, 3.4), squeeze=False)
    for axes, (name, (dense, sparse)) in zip(row[0], seconds.items(), strict=True):
        stays = 100 * (1 - np.array(shares))
        axes.axhline(1e6 * dense, color=GREY, linestyle="--", label="dense, zeros and all")
        axes.loglog(stays, 1e6 * np.array(sparse), color=COLORS[0], marker=MARKERS[0], label="sparse rows")
        axes.set(title=name, xlabel="weights that stay, %", ylabel="microseconds")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        _plain(axes.yaxis)
        _falling(axes, stays)
    row[0][0].legend()


def patterns(masks: Mapping[str, Tensor]) -> None:
    """Small masks side by side: dark stays, white is removed."""
    _, row = plt.subplots(1, len(masks), figsize=(9.5, 2.6), squeeze=False)
    for axes, (name, mask) in zip(row[0], masks.items(), strict=True):
        axes.imshow(mask.numpy(), cmap="gray_r", vmin=0, vmax=1.3)
        axes.set_xticks(np.arange(-0.5, mask.shape[1], 4), minor=True)
        axes.grid(which="minor", axis="x", color=COLORS[1], linewidth=0.8)
        axes.set(title=name, xlabel=f"inputs, {100 * float(mask.double().mean()):.0f} % stay")
        frame(axes)
        axes.tick_params(which="minor", length=0)
    row[0][0].set_ylabel("outputs")


def trade(points: Mapping[str, tuple[float, float]], dense: float, count: int) -> None:
    """Accuracy against bytes, with standard errors: the name of each network, its bytes and its accuracy.

    `dense` is the accuracy of the dense network, trained for as long as the others; `count` digits were read.
    """
    _, axes = plt.subplots(figsize=(8.8, 4.2))
    axes.axhspan(100 * dense - 1, 100 * dense, color=COLORS[2], alpha=0.2)
    for k, (name, (size, score)) in enumerate(points.items()):
        color, [error] = COLORS[(0, 1, 2, 3, 4, 5, 7)[k % 7]], _errors([score], count)
        axes.errorbar(size, 100 * score, error, fmt=MARKERS[k % 8], color=color, markersize=9, capsize=4, label=name)
    axes.set(title="One task, many sizes", xscale="log", xlabel="bytes of weights", ylabel="digits read, %")
    axes.legend(bbox_to_anchor=(1.01, 1), loc="upper left")


# --- fewer bits -------------------------------------------------------------------------------------------


def shared_values(w: Tensor, codebook: Tensor, codes: Tensor) -> None:
    """A histogram of weights with their shared values, and how many weights share each."""
    _, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.2))
    left.hist(w.flatten().numpy(), bins=100, color=GREY)
    for value in codebook.tolist():
        left.axvline(value, color=COLORS[3], linewidth=1.2)
    left.set(title=f"{w.numel():,} weights, {len(codebook)} values", xlabel="weight", ylabel="how many")
    left.xaxis.set_major_locator(MaxNLocator(5))
    right.bar(range(len(codebook)), torch.bincount(codes.flatten(), minlength=len(codebook)).numpy(), color=COLORS[0])
    right.set(title="Some values are in demand", xlabel="code", ylabel="how many")
    right.xaxis.set_major_locator(MaxNLocator(integer=True))


def code_words(counts: Mapping[str, tuple[float, float, float]]) -> None:
    """Bits per symbol: fixed-length words, Huffman's code, and the entropy, which no code can beat."""
    _, axes = plt.subplots(figsize=(7.2, 0.9 + 0.9 * len(counts)))
    for place, (fixed, huffman, entropy) in enumerate(counts.values()):
        for k, bits in enumerate((fixed, huffman)):
            bar = axes.barh(place + 0.36 * k - 0.18, bits, 0.34, color=(GREY, COLORS[0])[k])
            axes.bar_label(bar, fmt="%.2f", padding=8)
        axes.plot([entropy, entropy], [place - 0.4, place + 0.4], color=COLORS[3], linewidth=2.5)
    for name, color in (("fixed length", GREY), ("Huffman", COLORS[0]), ("entropy", COLORS[3])):
        axes.plot([], [], color=color, linewidth=6, label=name)
    axes.set(title="Bits per symbol", xlabel="bits", yticks=range(len(counts)), ylim=(len(counts) - 0.5, -0.5))
    axes.set_xlim(0, 1.2 * max(fixed for fixed, _, _ in counts.values()))
    axes.set_yticklabels(list(counts))
    axes.legend(bbox_to_anchor=(1.01, 1), loc="upper left")


def ranks(
    low_rank: Callable[[Tensor, int], tuple[Tensor, Tensor]],
    weights: list[Tensor],
    score: Score,
    tried: Sequence[int] = (1, 2, 4, 6, 8, 12, 16, 24, 32),
) -> None:
    """The singular values of two layers beside those of random numbers, and accuracy against rank."""
    _, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.4))
    for k, w in enumerate(weights[:2]):
        sizes = torch.linalg.svdvals(w).numpy()
        left.plot(range(1, len(sizes) + 1), sizes, color=COLORS[k], label=LAYERS[k])
        noise = torch.randn(w.shape, generator=torch.Generator().manual_seed(k)) * w.std()
        left.plot(
            range(1, len(sizes) + 1), torch.linalg.svdvals(noise).numpy(), color=COLORS[k], linestyle=":", linewidth=1.4
        )
        reached = []
        for rank in tried:
            u, v = low_rank(w, rank)
            reached.append(100 * score([*weights[:k], u @ v, *weights[k + 1 :]]))
        right.plot(tried, reached, color=COLORS[k], marker=MARKERS[k], label=LAYERS[k])
        even = w.shape[0] * w.shape[1] / (w.shape[0] + w.shape[1])
        right.axvline(even, color=COLORS[k], linewidth=1, linestyle="--")
    left.plot([], [], color=INK, linestyle=":", linewidth=1.4, label="random numbers")
    left.set(title="Singular values", xlabel="number", ylabel="size", ylim=0)
    left.legend(loc="upper right")
    right.set(title="Accuracy against rank", xlabel="rank of that layer")
    _percent(right)
    right.legend(loc="center", bbox_to_anchor=(0.45, 0.4))
