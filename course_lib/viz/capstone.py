"""Pictures of the capstone: sizes to scale, codes in bytes, models on their Pareto front, what was forgotten.

Whatever is drawn is computed by the functions that are passed in, so that each picture shows the caller's own code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import NullLocator, StrMethodFormatter
from torch import Tensor

from course_lib.viz import COLORS, GREY, INK, MARKERS, frame

__all__ = ["code_bits", "fronts", "to_scale", "unlearned"]

Front = Callable[[Tensor, Tensor], Tensor]


def to_scale(sizes: Mapping[str, int]) -> None:
    """A square for each entry, its area proportional to its bytes, the largest first; the last one is filled."""
    _, axes = plt.subplots(figsize=(8.5, 3.2))
    left, names = 0.0, list(sizes)
    largest = max(sizes.values()) ** 0.5
    for name, size in sizes.items():
        side, last = size**0.5, name == names[-1]
        color = COLORS[3] if last else COLORS[0]
        axes.add_patch(Rectangle((left, 0), side, side, facecolor=color if last else "white", edgecolor=color, lw=2))
        axes.annotate(f"{name}\n{size:,} bytes", (left, side), xytext=(0, 5), textcoords="offset points", va="bottom")
        left += side + 0.35 * largest
    axes.set(xlim=(-2, left), ylim=(-2, 1.3 * largest), aspect="equal", title="Area proportional to bytes")
    axes.axis("off")


def code_bits(pack: Callable[[Tensor, int], Tensor], codes: Sequence[int], bits: int) -> None:
    """The bytes that `pack` makes, bit by bit: colour and number show which code each bit belongs to."""
    packed = pack(torch.tensor(codes), bits).tolist()
    _, axes = plt.subplots(figsize=(9.5, 0.75 * len(packed) + 1.3))
    for row, byte in enumerate(packed):
        for place in range(8):
            code = (8 * row + place) // bits
            owned = code < len(codes)
            color = COLORS[code % 6] if owned else "white"
            axes.add_patch(Rectangle((7 - place, row), 1, 1, facecolor=color, alpha=0.45, edgecolor=INK))
            axes.text(7.5 - place, row + 0.5, f"{byte >> place & 1}", ha="center", va="center", fontsize=13)
            if owned:
                axes.text(7.94 - place, row + 0.93, f"{code}", ha="right", va="bottom", fontsize=8)
        axes.text(8.25, row + 0.5, f"= {byte}", va="center")
    axes.set(xlim=(0, 9.6), ylim=(len(packed), 0), title=f"{len(codes)} codes of {bits} bits in {len(packed)} bytes")
    axes.set(xlabel="bit of the byte (small numbers: which code it belongs to)", ylabel="byte")
    axes.set_xticks([i + 0.5 for i in range(8)], [str(7 - i) for i in range(8)])
    axes.set_yticks([i + 0.5 for i in range(len(packed))], [str(i) for i in range(len(packed))])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def fronts(
    pareto_front: Front, bill: Mapping[str, tuple[str, Any]], budgets: Sequence[Any], what: str, bottom: float = 0
) -> None:
    """Accuracy against bytes and against multiply-accumulates, with the front that `pareto_front` finds.

    Args:
        pareto_front: from costs and scores to indices.
        bill: for each model its kind and its measurements (accuracy, bytes, macs).
        budgets: have bytes and macs each.
        what: the thing that is classified, "images" or "nodes".
        bottom: the lower end of the accuracy axis, in percent.
    """
    figure, panels = plt.subplots(1, 2, figsize=(10.5, 4.3), sharey=True)
    kinds = list(dict.fromkeys(kind for kind, _ in bill.values()))
    scores = torch.tensor([each.accuracy for _, each in bill.values()])
    for axes, cost, unit in zip(
        panels, ("bytes", "macs"), ("bytes", f"MACs per {what.removesuffix('s')}"), strict=True
    ):
        costs = torch.tensor([float(getattr(each, cost)) for _, each in bill.values()])
        front = [int(place) for place in pareto_front(costs, scores)]
        axes.plot(costs[front], 100 * scores[front], color=GREY, lw=1.5, zorder=1, label="your front")
        for number, kind in enumerate(kinds):
            mine = [place for place, (each, _) in enumerate(bill.values()) if each == kind]
            axes.plot(costs[mine], 100 * scores[mine], MARKERS[number], color=COLORS[number], label=kind, zorder=2)
        for number, budget in enumerate(budgets):
            axes.axvline(getattr(budget, cost), color=COLORS[3], ls="--", lw=1.5, label="" if number else "budgets")
        _costs(axes, costs)
        axes.set(xlabel=f"{unit} (log)", ylim=(bottom, 101))
    panels[0].set(title="Accuracy and bytes", ylabel=f"accuracy on unseen {what}, %")
    panels[1].set(title="Accuracy and work")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(kinds) + 2)


def _costs(axes: Axes, costs: Tensor) -> None:
    """A logarithmic axis with whole numbers."""
    axes.set_xscale("log")
    low, high = float(costs.min()), float(costs.max())
    ticks = [step * 10**power for power in range(1, 7) for step in (1, 2, 5)]
    axes.set_xticks([tick for tick in ticks if low / 1.3 <= tick <= 1.3 * high])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def unlearned(images: Tensor, labels: Tensor, before: Tensor, after: Tensor, most: int = 8) -> None:
    """Images that a network read correctly before it was compressed, but no longer: label, and what it says now."""
    lost = ((before.argmax(dim=1) == labels) & (after.argmax(dim=1) != labels)).nonzero().flatten()
    shown = lost[:most].tolist()
    figure, panels = plt.subplots(1, max(1, len(shown)), figsize=(9.5, 2.1), squeeze=False)
    for axes, place in zip(panels[0], shown, strict=False):
        axes.imshow(np.asarray(images[place, 0]), vmin=0, vmax=1)
        axes.set_title(f"{int(labels[place])}: says {int(after[place].argmax())}", fontsize=10, loc="center")
        frame(axes)
    if not shown:
        panels[0][0].axis("off")
    figure.suptitle(f"Forgotten: {len(lost)} of {len(labels)} images", x=0.01, ha="left", fontweight="bold")
