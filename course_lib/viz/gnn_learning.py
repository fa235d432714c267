"""Pictures of learning on graphs: given and found labels, embeddings, smoothing, kinds of graphs, links.

Whatever is drawn is passed in, so that each picture shows what the caller's own code computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from torch import Tensor

from course_lib.viz import COLORS, GREY, INK, MARKERS, frame
from course_lib.viz.gnn import layout, lines

__all__ = ["area_under", "embeddings", "kinds", "labels", "links", "smoothing"]

Array = NDArray[Any]


def labels(edge_index: Tensor, y: Tensor, mask: Tensor, found: Tensor | None = None) -> None:
    """A graph with the given labels, with all true labels, and with those that were found.

    Large filled nodes are given. In the last panel a red rim marks wrong labels.
    """
    n, truth = len(y), y.numpy()
    place = layout(edge_index, n)
    panels = [("given", np.where(mask.numpy(), truth, -1)), ("true", truth)]
    panels += [("found", found.numpy())] if found is not None else []
    _, row = plt.subplots(1, len(panels), figsize=(3.3 * len(panels), 3.5))
    for axes, (title, classes) in zip(row, panels, strict=True):
        lines(axes, place, edge_index)
        _nodes(axes, place, classes, mask.numpy(), (classes != truth) & (title == "found"))
        axes.set_title(title)
        if title == "given":
            axes.set_xlabel(f"{int(mask.sum())} of {n} labels")
        if title == "found":
            right = int(((classes == truth) & ~mask.numpy()).sum())
            axes.set_xlabel(f"{right} of the other {n - int(mask.sum())} right")


def _nodes(axes: Axes, place: Array, classes: Array, given: Array, wrong: Array) -> None:
    for kind in np.unique(classes):
        for large in (False, True):
            chosen = (classes == kind) & (given == large)
            look: dict[str, Any] = {
                "marker": MARKERS[kind] if kind >= 0 else "o",
                "s": 120 if large else 52,
                "zorder": 2,
            }
            rims = ["#CC0000" if bad else INK for bad in wrong[chosen]]
            widths = [2.0 if bad else 1.4 if large else 0.6 for bad in wrong[chosen]]
            color = COLORS[kind] if kind >= 0 else "white"
            axes.scatter(place[chosen, 0], place[chosen, 1], color=color, edgecolors=rims, linewidths=widths, **look)


def embeddings(snapshots: Mapping[str, Tensor], y: Tensor, mask: Tensor) -> None:
    """The network's embedding of each node, in two dimensions, at several moments of the training.

    All panels show the same plane: the one in which the last embeddings spread most (principal components).
    """
    points = [value.detach().double().numpy() for value in snapshots.values()]
    last = points[-1] - points[-1].mean(axis=0)
    plane = np.linalg.svd(last, full_matrices=False)[2][:2].T
    _, row = plt.subplots(1, len(points), figsize=(2.6 * len(points), 2.9))
    for axes, title, value in zip(np.atleast_1d(row), snapshots, points, strict=True):
        flat = (value - value.mean(axis=0)) @ plane
        reach = 1.2 * max(1e-9, float(np.abs(flat).max()))
        _nodes(axes, flat, y.numpy(), mask.numpy(), np.zeros(len(flat), dtype=bool))
        axes.set(title=title, xlim=(-reach, reach), ylim=(-reach, reach), xlabel=f"reach {reach:.2g}")
        frame(axes)


Runs = Mapping[str, Sequence[Sequence[float]]]
"""By kind of network: for each depth the results of several runs."""


def smoothing(depths: Sequence[int], before: Runs, after: Runs, accuracies: Runs, guess: float) -> None:
    """How much embeddings differ in networks of several depths, untrained and trained, and how often these are right.

    Args:
        depths: numbers of layers.
        before, after: the relative energy of each run, untrained and trained.
        accuracies: the share of unseen labels that each trained network has right.
        guess: the share that is right without a network.
    """
    _, (left, right) = plt.subplots(1, 2, figsize=(10, 4.0))
    for index, kind in enumerate(before):
        look: dict[str, Any] = {"color": COLORS[(0, 3)[index % 2]], "marker": MARKERS[index]}
        hollow = {**look, "markerfacecolor": "white", "linestyle": "--"}
        left.semilogy(depths, [np.mean(runs) for runs in before[kind]], label=f"{kind}, untrained", **hollow)
        left.semilogy(depths, [np.mean(runs) for runs in after[kind]], label=f"{kind}, trained", **look)
        found = 100 * np.asarray(accuracies[kind])
        errors = found.std(axis=1, ddof=1) / np.sqrt(found.shape[1]) if found.shape[1] > 1 else np.zeros(len(found))
        right.errorbar(depths, found.mean(axis=1), errors, label=f"{kind}, trained", capsize=4, **look)
    left.set(xlabel="graph convolutions", ylabel="energy of the embeddings, relative", title="Do they differ?")
    right.axhline(100 * guess, color=GREY, linestyle=":", linewidth=1.6, label="always the largest circle")
    right.set(xlabel="graph convolutions", ylabel="other members right, %", title="Are they right?", ylim=(0, 100))
    right.annotate("bars: one standard error", (0.98, 0.95), xycoords="axes fraction", ha="right", fontsize=9.5)
    for axes in (left, right):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(fontsize=10, loc="lower left")


def kinds(graphs: Sequence[Any], names: Sequence[str]) -> None:
    """One graph of each kind."""
    _, row = plt.subplots(1, len(names), figsize=(9.5, 3.1))
    for kind, (axes, name) in enumerate(zip(row, names, strict=True)):
        graph = next(each for each in graphs if int(each.y) == kind)
        place = layout(graph.edge_index, len(graph.x), seed=1)
        lines(axes, place, graph.edge_index)
        axes.scatter(place[:, 0], place[:, 1], s=46, color=COLORS[kind], marker=MARKERS[kind], edgecolors=INK, zorder=2)
        joined = graph.edge_index.shape[1] // 2
        axes.set(title=name)
        axes.set_xlabel(f"{len(graph.x)} nodes, {joined} friendships")


def area_under(pos: Tensor, neg: Tensor) -> float:
    """How often a link that exists scores higher than a pair that does not: the area under the ROC curve."""
    higher = (pos[:, None] > neg[None]).double() + 0.5 * (pos[:, None] == neg[None]).double()
    return float(higher.mean())


def links(before: tuple[Tensor, Tensor], after: tuple[Tensor, Tensor]) -> None:
    """Scores of hidden links and of pairs without one, before and after training; each panel gives its AUC."""
    _, row = plt.subplots(1, 2, figsize=(9.5, 3.1))
    for axes, title, (pos, neg) in zip(row, ("before training", "after training"), (before, after), strict=True):
        both = np.concatenate([pos.numpy(), neg.numpy()])
        bins = np.linspace(both.min(), both.max(), 25).tolist()
        axes.hist(neg.numpy(), bins=bins, color=GREY, alpha=0.75, label="no link")
        axes.hist(
            pos.numpy(), bins=bins, color=COLORS[0], alpha=0.75, label="hidden link", hatch="//", edgecolor="white"
        )
        axes.set(title=title, xlabel=f"score; a link scores higher in {100 * area_under(pos, neg):.0f} % of pairs")
        axes.set_ylabel("pairs")
    row[0].legend()
