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


def smoothing(energies: Mapping[str, Sequence[float]], accuracies: Mapping[int, Sequence[float]]) -> None:
    """Energies against rounds, relative to the first, and the accuracies of trained networks against depth."""
    _, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.6))
    for index, (name, values) in enumerate(energies.items()):
        share = np.asarray(values) / values[0]
        style = ("-", "--", "-.", ":")[index % 4]
        left.semilogy(range(len(share)), share, color=COLORS[index], linestyle=style, label=name)
    left.set(xlabel="rounds", ylabel="Dirichlet energy, relative to the start", title="Neighbours become alike")
    left.legend(fontsize=10)
    depths = list(accuracies)
    for depth in depths:
        right.plot([depth] * len(accuracies[depth]), 100 * np.asarray(accuracies[depth]), "o", color=COLORS[5])
    means = [100 * float(np.mean(accuracies[depth])) for depth in depths]
    right.plot(depths, means, color=COLORS[0], marker="s", label="mean")
    right.set(xlabel="graph convolutions", ylabel="accuracy on the other members, %", title="Deeper is not better")
    right.set_ylim(0, 100)
    right.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.legend()


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
