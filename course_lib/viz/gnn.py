"""Pictures of messages on graphs: who hears whom, what a node knows after each round, and node numbers.

Whatever is drawn is computed by the functions that are passed in, so that each picture shows the caller's own code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch
from numpy.typing import NDArray
from torch import Tensor

from course_lib.viz import COLORS, DIVERGING, GREY, INK, MARKERS, frame
from course_lib.viz.live import live

__all__ = ["arrows", "bytes_needed", "gossip", "knows", "knows_slider", "layout", "lines", "renumbered"]

Array = NDArray[Any]
Round = Callable[[Tensor], Tensor]
Passing = Callable[[Tensor, Tensor, Callable[[Tensor, Tensor], Tensor], str], Tensor]
Layer = Callable[[Tensor, Tensor], Tensor]


# --- where the nodes are -----------------------------------------------------------------------------------


def layout(edge_index: Tensor, n: int, seed: int = 0, steps: int = 300) -> Array:
    """Positions in the square from -1 to 1, (n, 2): neighbours attract, all repel (Fruchterman and Reingold, 1991)."""
    place = np.random.default_rng(seed).uniform(-1, 1, (n, 2))
    joined = np.zeros((n, n), dtype=bool)
    joined[tuple(edge_index.cpu().numpy())] = True
    joined |= joined.T
    ideal = np.sqrt(4 / n)
    for step in range(steps):
        away = place[:, None] - place[None]
        distance = np.maximum(np.linalg.norm(away, axis=-1), 1e-3)
        push = ideal**2 / distance**2 - np.where(joined, distance / ideal, 0) - 0.08 * distance
        move = (away * (push / distance * ideal)[..., None]).sum(axis=1)
        length = np.maximum(np.linalg.norm(move, axis=1, keepdims=True), 1e-9)
        place += move / length * np.minimum(length, 0.15 * (1 - step / steps))
    place -= (place.max(axis=0) + place.min(axis=0)) / 2
    return np.asarray(place / np.abs(place).max(axis=0))


def lines(axes: Axes, place: Array, edge_index: Tensor, **look: Any) -> None:
    """Edges as thin straight lines, without their directions."""
    ends = np.sort(edge_index.cpu().numpy(), axis=0)
    for a, b in np.unique(ends, axis=1).T:
        axes.plot(*place[[a, b]].T, **{"color": GREY, "alpha": 0.45, "linewidth": 0.9, "zorder": 1, **look})
    axes.set(xlim=(-1.12, 1.12), ylim=(-1.12, 1.12))
    frame(axes)


def arrows(edge_index: Tensor, n: int, place: Sequence[tuple[float, float]] | None = None, title: str = "") -> None:
    """A small directed graph with numbered nodes: an arrow for each edge, repeated ones too, a ring for a loop."""
    spots = np.asarray(place if place is not None else layout(edge_index, n))
    _, axes = plt.subplots(figsize=(5.6, 3.0))
    pairs = [(a, b) for a, b in edge_index.T.tolist()]
    for number, (a, b) in enumerate(pairs):
        if a == b:
            outwards = spots[a] / max(1e-9, float(np.linalg.norm(spots[a])))
            axes.add_patch(Circle(tuple(spots[a] + 0.2 * outwards), 0.17, fill=False, color=INK, linewidth=1.6))
            continue
        alone = pairs.count((a, b)) == 1 and (b, a) not in pairs
        bend = f"arc3,rad={0 if alone else 0.2 * (pairs[:number].count((a, b)) - 0.5):.2f}"
        style: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 16, "shrinkA": 13, "shrinkB": 13}
        axes.add_patch(
            FancyArrowPatch(tuple(spots[a]), tuple(spots[b]), connectionstyle=bend, color=INK, linewidth=1.6, **style)
        )
    axes.scatter(spots[:, 0], spots[:, 1], s=520, color=COLORS[5], edgecolors=INK, zorder=3)
    for node, spot in enumerate(spots):
        axes.annotate(str(node), spot, ha="center", va="center", zorder=4, fontweight="bold")
    axes.set(xlim=(-1.5, 1.6), ylim=(-0.8, 0.9), title=title)
    axes.set_aspect("equal")
    axes.axis("off")


# --- gossip -----------------------------------------------------------------------------------------------


def gossip(edge_index: Tensor, sides: Tensor, step: Round | None = None, rounds: int = 3) -> None:
    """Two members start with +1 and -1, all others with 0; then everyone takes averages, round by round.

    The colour is each member's number, the shape the side that they chose later. Members with the wrong sign, or still
    with 0, have a red rim.

    Args:
        edge_index: (2, E), the club.
        sides: (n,), 0 for the side of the first node and 1 for that of the last.
        step: one round, from (n, 1) to (n, 1); without it, averages computed with a matrix.
        rounds: how many rounds.
    """
    n = len(sides)
    place = layout(edge_index, n)
    x = torch.zeros(n, 1)
    x[0], x[n - 1] = 1, -1
    step = step if step is not None else _averages(edge_index, n)
    figure, row = plt.subplots(1, rounds + 1, figsize=(9.5, 3.1))
    for number, axes in enumerate(row):
        value = x[:, 0].numpy()
        right = np.where(sides.numpy() == 0, value > 1e-9, value < -1e-9)
        lines(axes, place, edge_index)
        for side in (0, 1):
            chosen = sides.numpy() == side
            axes.scatter(
                place[chosen, 0],
                place[chosen, 1],
                c=value[chosen] / np.abs(value).max(),
                cmap=DIVERGING,
                vmin=-1,
                vmax=1,
                marker=MARKERS[side],
                s=62,
                edgecolors=[INK if good else "#CC0000" for good in right[chosen]],
                linewidths=[0.8 if good else 1.8 for good in right[chosen]],
                zorder=2,
            )
        axes.set_title("the start" if number == 0 else f"round {number}")
        axes.set_xlabel(f"sign is right: {right.sum()} of {n}")
        x = step(x)
    figure.suptitle("Two members speak, everyone passes it on", x=0.01, ha="left", fontweight="bold")


def _averages(edge_index: Tensor, n: int) -> Round:
    matrix = np.eye(n)
    matrix[tuple(edge_index.flip(0).numpy())] = 1
    mean = torch.from_numpy(matrix / matrix.sum(axis=1, keepdims=True)).float()
    return lambda x: mean @ x


# --- what a node knows ------------------------------------------------------------------------------------


def knows(passing: Passing, k_hop: Callable[..., Any], edge_index: Tensor, n: int, node: int, rounds: int = 3) -> None:
    """What one node has heard after each round: every node starts with its own name and copies what it hears.

    Filled nodes have reached it through `passing`; a black rim says that `k_hop` counts them.
    """
    _, row = plt.subplots(1, rounds + 1, figsize=(9.5, 2.9))
    heard, place = _heard(passing, edge_index, n, node, rounds), layout(edge_index, n)
    for number, axes in enumerate(row):
        _knowledge(axes, place, edge_index, heard[: number + 1], k_hop(edge_index, node, number, n), node)
        axes.set_title(f"{number} round{'s' * (number != 1)}")


def knows_slider(passing: Passing, k_hop: Callable[..., Any], edge_index: Tensor, n: int) -> None:
    """Sliders for the node and the number of rounds; draws what the node has heard."""
    import ipywidgets

    place = layout(edge_index, n)

    def draw(node: int, rounds: int) -> Figure:
        figure, axes = plt.subplots(figsize=(5.4, 4.6))
        heard = _heard(passing, edge_index, n, node, rounds)
        _knowledge(axes, place, edge_index, heard, k_hop(edge_index, node, rounds, n), node)
        axes.set_title(f"Node {node} after {rounds} round{'s' * (rounds != 1)}")
        return figure

    live(
        draw,
        node=ipywidgets.IntSlider(16, 0, n - 1, continuous_update=False),
        rounds=ipywidgets.IntSlider(1, 0, 6, continuous_update=False),
    )


def _heard(passing: Passing, edge_index: Tensor, n: int, node: int, rounds: int) -> list[Array]:
    """For each round, the nodes whose name has arrived at `node`, as booleans."""
    names = torch.eye(n)
    found = [names[node].numpy() > 0]
    for _ in range(rounds):
        names = names + passing(names, edge_index, lambda _, x_j: 1.0 * x_j, "sum")
        names = (names > 0).float()
        found.append(names[node].numpy() > 0)
    return found


def _knowledge(
    axes: Axes, place: Array, edge_index: Tensor, heard: Sequence[Array], counted: Tensor, node: int
) -> None:
    lines(axes, place, edge_index)
    n = len(place)
    rim = np.isin(np.arange(n), np.asarray(counted))
    since = np.full(n, -1)
    for number in reversed(range(len(heard))):
        since[heard[number]] = number
    shades = (COLORS[3], COLORS[1], COLORS[0], COLORS[5], COLORS[2], COLORS[4], COLORS[6])
    color = ["white" if number < 0 else shades[number % len(shades)] for number in since]
    edge = [INK if inside else GREY for inside in rim]
    axes.scatter(
        place[:, 0], place[:, 1], s=58, c=color, edgecolors=edge, linewidths=np.where(rim, 1.3, 0.6).tolist(), zorder=2
    )
    axes.scatter(place[node, 0], place[node, 1], s=190, color=COLORS[3], marker="*", edgecolors=INK, zorder=3)
    axes.set_xlabel(f"heard from {(since >= 0).sum()} of {n}")


# --- numbering --------------------------------------------------------------------------------------------


def renumbered(layer: Layer, x: Tensor, edge_index: Tensor, seed: int = 0) -> None:
    """A layer before and after renumbering the nodes: the rows of its answer move along, and nothing else changes."""
    n = len(x)
    order = torch.from_numpy(np.random.default_rng(seed).permutation(n))
    new = torch.empty_like(order)
    new[order] = torch.arange(n)
    first, second = layer(x, edge_index), layer(x[order], new[edge_index])
    apart = float((second - first[order]).abs().max())
    bound = max(float(first.abs().max()), float(second.abs().max()))
    _, (left, middle, right) = plt.subplots(1, 3, figsize=(9.5, 3.8), width_ratios=(1, 1, 1.6))
    look: dict[str, Any] = {"cmap": DIVERGING, "vmin": -bound, "vmax": bound, "aspect": "auto"}
    labels = (range(n), order.tolist())
    for axes, value, label, title in zip(
        (left, middle), (first, second), labels, ("before", "renumbered"), strict=True
    ):
        axes.imshow(value.detach().numpy(), **look)
        axes.set(title=title, xlabel="feature", xticks=range(value.shape[1]), yticks=range(n))
        axes.set_yticklabels([str(node) for node in label], fontsize=9)
    left.set_ylabel("node (its old number)")
    for node in range(n):
        right.plot([0, 1], [node, int(new[node])], color=COLORS[node % 7], marker="o", markersize=5, linewidth=1.6)
    right.set(xlim=(-0.1, 1.1), xticks=(0, 1), title="where each row went", yticks=(), ylim=(n - 0.5, -0.5))
    right.set_xticklabels(["before", "renumbered"])
    right.set_xlabel(f"rows put back differ by {apart:.0e} at most")


# --- cost -------------------------------------------------------------------------------------------------


def bytes_needed(edges_per_node: int = 10, features: int = 16) -> None:
    """Bytes against nodes: the adjacency matrix, the list of edges, the stored messages of one round, the features."""
    n = np.logspace(1, 7, 61)
    _, axes = plt.subplots(figsize=(7.6, 3.9))
    curves = {
        "adjacency matrix, float32": 4 * n**2,
        f"messages of {features} features, float32": 4 * features * edges_per_node * n,
        "edge_index, int64": 16 * edges_per_node * n,
        "node features, float32": 4 * features * n,
    }
    for index, (name, value) in enumerate(curves.items()):
        axes.loglog(n, value, color=COLORS[index], linestyle=("-", "--", "-.", ":")[index], label=name)
    axes.axhline(16 * 2**30, color=GREY, linewidth=1)
    axes.annotate("16 GiB", (n[0], 16 * 2**30), (2, 3), textcoords="offset points", color=GREY)
    axes.set(xlabel="nodes", ylabel="bytes", title=f"A graph with {edges_per_node} edges per node")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
