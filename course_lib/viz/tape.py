"""The tape as a picture: every node with its value, and the gradients flowing back from the root.

Whatever is drawn was computed by the functions that are passed in, so that each picture shows the caller's own code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path
from numpy.typing import NDArray

from course_lib.tape import Node
from course_lib.viz import COLORS, GREY, INK
from course_lib.viz.live import live

__all__ = ["tape", "tape_slider"]

Array = NDArray[Any]
Order = Callable[[Node], Sequence[Node]]
Backward = Callable[[Node], Mapping[Node, Array]]

FORWARD, BACK = COLORS[0], COLORS[3]
WIDE, HIGH = 0.64, 0.74


def tape(root: Node, gradients: Mapping[Node, Array] | None = None) -> None:
    """Draws what `root` was computed from, leaves on the left.

    Args:
        root: the last node.
        gradients: one for every node; without them only the values are drawn.
    """
    _drawn(root, gradients, list(gradients or ()), None)


def _drawn(root: Node, gradients: Mapping[Node, Array] | None, done: Sequence[Node], active: Node | None) -> Figure:
    """The tape after the nodes in `done` have passed on their gradients, `active` just now."""
    layout = _layout(root)
    columns = 1 + max(column for column, _ in layout.nodes.values())
    lowest = max(row for _, row in layout.spots)
    figure, axes = plt.subplots(figsize=(min(1.9 * columns + 0.2, 10.5), 1.0 * (lowest + 1) + 0.7))
    for use in layout.uses:
        _draw_use(axes, use, gradients[use.child] if gradients is not None and use.child in done else None)
    for node, spot in layout.nodes.items():
        ready = all(use.child in done for use in layout.uses if use.parent is node)
        _draw_node(axes, node, spot, gradients[node] if gradients is not None and ready else None, node is active)
    axes.set(xlim=(-0.45, columns - 0.55), ylim=(lowest + 0.55, -0.55))
    axes.axis("off")
    axes.set_title("Values run to the right" + (", gradients back to the left" if gradients is not None else ""))
    return figure


def tape_slider(topological_order: Order, backward: Backward, root: Node) -> None:
    """A slider that goes back through the tape: at each step, one node passes its gradient to its parents.

    A gradient is drawn once its last share has arrived.
    """
    import ipywidgets

    back, gradients = list(topological_order(root))[::-1], backward(root)

    def draw(step: int) -> Figure:
        return _drawn(root, gradients, back[:step], back[step - 1] if step else None)

    live(draw, step=ipywidgets.IntSlider(1, 0, len(back), continuous_update=False))


# --- where everything is ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Use:
    """One arrow: the parent's share of the child, and the points that the line runs through."""

    parent: Node
    child: Node
    number: int
    spots: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class _Layout:
    """Column and row of every node, and every arrow."""

    nodes: Mapping[Node, tuple[float, float]]
    uses: tuple[_Use, ...]

    @property
    def spots(self) -> list[tuple[float, float]]:
        return [*self.nodes.values(), *(spot for use in self.uses for spot in use.spots)]


def _layout(root: Node) -> _Layout:
    column = _columns(root)
    stacks: list[list[Any]] = [[] for _ in range(max(column.values()) + 1)]
    beside: dict[Any, list[Any]] = {}
    lanes = {}
    for node, place in column.items():
        stacks[place].append(node)
    for child in column:
        for parent in dict.fromkeys(child.parents):
            lane = [(parent, child, place) for place in range(column[parent] + 1, column[child])]
            lanes[parent, child] = lane
            for spot, place in zip(lane, range(column[parent] + 1, column[child]), strict=True):
                stacks[place].append(spot)
            for one, two in pairwise([parent, *lane, child]):
                beside.setdefault(one, []).append(two)
                beside.setdefault(two, []).append(one)
    row = _rows(stacks, beside)
    nodes = {node: (float(place), row[node]) for node, place in column.items()}
    uses = tuple(
        _Use(parent, child, number, tuple((float(spot[2]), row[spot]) for spot in lanes[parent, child]))
        for child in column
        for number, parent in enumerate(child.parents)
    )
    return _Layout({node: nodes[node] for node in column}, _attached(nodes, uses))


def _columns(root: Node) -> dict[Node, int]:
    """The column of each node: right of all its parents; a leaf is just left of the first node that uses it."""
    depth: dict[Node, int] = {}

    def visit(node: Node) -> int:
        if node not in depth:
            depth[node] = 1 + max((visit(parent) for parent in node.parents), default=-1)
        return depth[node]

    visit(root)
    for node in depth:
        if not node.parents and node is not root:
            depth[node] = min(depth[child] for child in depth if node in child.parents) - 1
    return depth


def _rows(stacks: list[list[Any]], beside: Mapping[Any, list[Any]]) -> dict[Any, float]:
    """Rows of nodes and of passing lines: each moved towards the middle of its neighbours, a few times over."""
    row: dict[Any, float] = {}

    def settle(stack: list[Any]) -> None:
        for place, spot in enumerate(stack):
            row[spot] = place + (tallest - len(stack)) / 2

    tallest = max(map(len, stacks))
    for stack in stacks:
        settle(stack)
    for sweep in range(8):
        for stack in stacks if sweep % 2 else stacks[::-1]:
            stack.sort(key=lambda spot: float(np.mean([row[other] for other in beside.get(spot, [spot])])))
            settle(stack)
    return row


def _attached(nodes: Mapping[Node, tuple[float, float]], uses: Sequence[_Use]) -> tuple[_Use, ...]:
    """Arrows from the right edge of the parent's box to the left edge of the child's, side by side."""
    made = []
    for use in uses:
        leaving = [other for other in uses if other.parent is use.parent]
        arriving = [other for other in uses if other.child is use.child]
        leaving.sort(key=lambda other: ((*other.spots, nodes[other.child])[0][1], other.number))
        arriving.sort(key=lambda other: ((nodes[other.parent], *other.spots)[-1][1], other.number))
        (x0, y0), (x1, y1) = nodes[use.parent], nodes[use.child]
        start = x0 + WIDE / 2, y0 + _aside(leaving.index(use), len(leaving))
        end = x1 - WIDE / 2, y1 + _aside(arriving.index(use), len(arriving))
        made.append(_Use(use.parent, use.child, use.number, (start, *use.spots, end)))
    return tuple(made)


def _aside(number: int, count: int) -> float:
    return 0.0 if count == 1 else (number / (count - 1) - 0.5) * 0.5


# --- how it looks -----------------------------------------------------------------------------------------


def _draw_use(axes: Axes, use: _Use, gradient: Array | None) -> None:
    color, wide = (GREY, 1.3) if gradient is None else (BACK, 2.0)
    points, codes = [use.spots[0]], [Path.MOVETO]
    for (x0, y0), (x1, y1) in pairwise(use.spots):
        points += [((x0 + x1) / 2, y0), ((x0 + x1) / 2, y1), (x1, y1)]
        codes += [Path.CURVE4] * 3
    axes.add_patch(PathPatch(Path(points, codes), facecolor="none", edgecolor=color, linewidth=wide, zorder=1))
    (x, y), turn = (use.spots[-1], -1) if gradient is None else (use.spots[0], 1)
    head = np.array([[x, y], [x + 0.07 * turn, y - 0.065], [x + 0.07 * turn, y + 0.065]])
    axes.fill(*head.T, color=color, linewidth=0, zorder=2)
    share = None if gradient is None else use.child.vjps[use.number](gradient)
    if share is not None and np.size(share) <= 2:
        (x0, y0), (x1, y1) = use.spots[:2]
        look = {"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none"}
        middle = (x0 + x1) / 2 + 0.02, (y0 + y1) / 2
        axes.text(*middle, _short(share), color=BACK, ha="center", va="center", fontsize=10, bbox=look, zorder=3)


def _draw_node(axes: Axes, node: Node, spot: tuple[float, float], gradient: Array | None, active: bool) -> None:
    x, y = spot
    box = FancyBboxPatch(
        (x - WIDE / 2 + 0.05, y - HIGH / 2 + 0.05),
        WIDE - 0.1,
        HIGH - 0.1,
        boxstyle="round,pad=0.05",
        facecolor="#FFF3E0" if active else "white",
        edgecolor=BACK if active else INK,
        linewidth=2.2 if active else 1.1,
        zorder=4,
    )
    axes.add_patch(box)
    axes.text(x, y - 0.21, node.label, ha="center", va="center", fontsize=10.5, fontweight="bold", zorder=5)
    axes.text(x, y + 0.03, _short(node.value), ha="center", va="center", fontsize=10.5, color=FORWARD, zorder=5)
    if gradient is not None:
        axes.text(x, y + 0.24, _short(gradient), ha="center", va="center", fontsize=10.5, color=BACK, zorder=5)


def _short(value: Any) -> str:
    """An array of one or two numbers by its numbers, in few digits; a larger one by its shape."""
    array = np.asarray(value)
    if array.size <= 2:
        return ", ".join(f"{number:.3g}" for number in array.ravel())
    times = " \N{MULTIPLICATION SIGN} "
    return f"({times.join(map(str, array.shape))})"
