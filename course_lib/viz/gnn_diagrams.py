"""Graphs of the world, and a node's computation tree: what a network of rounds reads to answer for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray
from torch import Tensor

from course_lib.viz import COLORS, GREY, INK, MARKERS
from course_lib.viz.diagram import Diagram, Part
from course_lib.viz.gnn import layout, lines

__all__ = ["computation_tree", "graphs_of_the_world"]

Array = NDArray[Any]
ATOMS = {"C": "#B8B8B8", "N": COLORS[5], "O": COLORS[1], "S": COLORS[6]}


# --- graphs of the world ----------------------------------------------------------------------------------


def graphs_of_the_world(
    club: Tensor, sides: Tensor, families: dict[str, int], marriages: Tensor, atoms: Sequence[str], bonds: Tensor
) -> None:
    """Three real graphs: friends of a karate club, marriages between families of Florence, the atoms of caffeine.

    Args:
        club: (2, E), friendships.
        sides: (n,), the later side of each member, 0 or 1.
        families: wealth of each family; the area of its node.
        marriages: (2, E), in the order of families.
        atoms: the element of each atom.
        bonds: (2, E).
    """
    _, (left, middle, right) = plt.subplots(1, 3, figsize=(10.5, 4.0), width_ratios=(1, 1.25, 1))
    place = layout(club, len(sides))
    lines(left, place, club)
    for side in (0, 1):
        chosen = sides.numpy() == side
        left.scatter(
            place[chosen, 0],
            place[chosen, 1],
            s=46,
            color=COLORS[(0, 3)[side]],
            marker=MARKERS[side],
            edgecolors=INK,
            zorder=2,
        )
    _titled(left, "society: a karate club", f"{len(sides)} members, {club.shape[1] // 2} friendships")
    _families(middle, families, marriages)
    place = layout(bonds, len(atoms), seed=41)
    lines(right, place, bonds, color=INK, alpha=1.0, linewidth=1.6)
    for element, color in ATOMS.items():
        chosen = np.array([atom == element for atom in atoms])
        right.scatter(place[chosen, 0], place[chosen, 1], s=250, color=color, edgecolors=INK, zorder=2)
    for atom, spot in zip(atoms, place, strict=True):
        right.annotate(atom, spot, ha="center", va="center", zorder=3, fontsize=10)
    _titled(right, "chemistry: caffeine", f"{len(atoms)} atoms, {bonds.shape[1] // 2} bonds")


def _families(axes: Axes, families: dict[str, int], marriages: Tensor) -> None:
    place = layout(marriages, len(families), seed=7)
    lines(axes, place, marriages, alpha=0.8, linewidth=1.2)
    wealth = np.array(list(families.values()))
    axes.scatter(place[:, 0], place[:, 1], s=(12 + 3 * wealth).tolist(), color=COLORS[2], edgecolors=INK, zorder=2)
    for (name, rich), spot in zip(families.items(), place, strict=True):
        above = (0.0, 4 + np.sqrt(12 + 3 * rich) / 2)
        look: dict[str, Any] = {"ha": "center", "fontsize": 9, "zorder": 3}
        look["fontweight"] = "bold" if name in ("Medici", "Strozzi") else "normal"
        axes.annotate(name, spot, above, textcoords="offset points", **look)
    axes.set(xlim=(-1.35, 1.35), ylim=(-1.15, 1.25))
    _titled(axes, "economy: Florence", f"{len(families)} families, {marriages.shape[1] // 2} marriages; area: wealth")


def _titled(axes: Axes, title: str, below: str) -> None:
    axes.set_title(title)
    axes.set_xlabel(below)


# --- what a node's answer is made of ----------------------------------------------------------------------


def computation_tree(edge_index: Tensor, node: int, rounds: int = 2) -> Diagram:
    """A node's **computation tree**: at the top its embedding, below it who sends messages, round by round down to x.

    Args:
        edge_index: (2, E), a small graph; a repeated edge is drawn as often as it occurs.
        node: whose tree.
        rounds: how deep, 1 or more.
    """
    levels = _levels(edge_index, node, rounds)
    width = max(12.0, 2.6 * len(levels[-1]) + 6.0)
    leaves = ", ".join(f"x{child}" for child, _ in levels[-1])
    below = "; ".join(
        f"{parent} hears " + ", ".join(str(child) for child, place in levels[1] if place == 0)
        for parent, _ in levels[0]
    )
    diagram = Diagram(
        width,
        2.4 * (rounds + 1) + 0.6,
        text=f"The computation tree of node {node} over {rounds} rounds. At the top is its embedding; in the "
        f"last round {below}; arrows lead up from each sender to its listener. The leaves are {leaves}.",
    )
    above: list[Part] = []
    for depth, level in enumerate(levels):
        above = _level(diagram, level, above, depth, rounds, width)
    return diagram


def _levels(edge_index: Tensor, node: int, rounds: int) -> list[list[tuple[int, int]]]:
    """Per level pairs (node, position of its listener in the level above)."""
    pairs = edge_index.T.tolist()
    levels = [[(node, -1)]]
    for _ in range(rounds):
        senders = [(a, place) for place, (heard, _) in enumerate(levels[-1]) for a, b in pairs if b == heard]
        levels.append(senders)
    return levels


def _level(
    diagram: Diagram, level: Sequence[tuple[int, int]], above: Sequence[Part], depth: int, rounds: int, width: float
) -> list[Part]:
    y, left = 2.4 * (rounds - depth) + 1.2, 4.6
    room = (width - left - 0.4) / max(1, len(level))
    found = []
    for place, (node, listener) in enumerate(level):
        x = left + room * (place + 0.5)
        label = f"$x_{{{node}}}$" if depth == rounds else f"$h_{{{node}}}$"
        part = diagram.circle(x, y, 0.62, label, color=COLORS[node % 5])
        if above:
            diagram.arrow(part.top, above[listener].bottom, color=GREY)
        found.append(part)
    name = "features" if depth == rounds else f"after round {rounds - depth}"
    diagram.note(0.3, y, name, size=11, align="left", weight="bold")
    return found
