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

from course_lib.measure import standard_error
from course_lib.viz import COLORS, GREY, INK, MARKERS, frame

__all__ = ["code_bits", "fronts", "to_scale", "unlearned"]

Front = Callable[[Tensor, Tensor], Tensor]
_NOTE: dict[str, Any] = {"textcoords": "offset points", "fontsize": 9}


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
                axes.text(7.94 - place, row + 0.93, f"{code}", ha="right", va="bottom", fontsize=9)
        axes.text(8.25, row + 0.5, f"= {byte}", va="center")
    axes.set(xlim=(0, 9.6), ylim=(len(packed), 0), title=f"{len(codes)} codes of {bits} bits in {len(packed)} bytes")
    axes.set(xlabel="bit of the byte (small numbers: which code it belongs to)", ylabel="byte")
    axes.set_xticks([i + 0.5 for i in range(8)], [str(7 - i) for i in range(8)])
    axes.set_yticks([i + 0.5 for i in range(len(packed))], [str(i) for i in range(len(packed))])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def fronts(
    pareto_front: Front, bill: Mapping[str, tuple[str, Any]], budgets: Sequence[Any], what: str, tested: int = 0
) -> None:
    """Accuracy against bytes and against multiply-accumulates, with the front that `pareto_front` finds, and budgets.

    The accuracy axis is stretched towards 100 %: equal steps are equal ratios of errors. Bars are two standard errors
    long on either side.

    Args:
        pareto_front: from costs and scores to indices.
        bill: for each model its kind and its measurements (accuracy, bytes, macs).
        budgets: have bytes and macs each.
        what: the thing that is classified, "images" or "nodes".
        tested: on how many of them; 0 draws no bars.
    """
    figure, panels = plt.subplots(1, 2, figsize=(10.5, 5), sharey=True)
    kinds = list(dict.fromkeys(kind for kind, _ in bill.values()))
    scores = torch.tensor([each.accuracy for _, each in bill.values()], dtype=torch.float64)
    errors = 100 * (1 - scores).clamp(min=1e-3)
    bars = torch.tensor([200 * standard_error(float(score), tested) if tested else 0.0 for score in scores])
    for axes, cost, unit in zip(
        panels, ("bytes", "macs"), ("bytes", f"MACs per {what.removesuffix('s')}"), strict=True
    ):
        costs = torch.tensor([float(getattr(each, cost)) for _, each in bill.values()])
        front = [int(index) for index in pareto_front(costs, scores)]
        axes.plot(costs[front], errors[front], color=GREY, lw=1.5, zorder=1, label="your front")
        for number, kind in enumerate(kinds):
            mine = [index for index, (each, _) in enumerate(bill.values()) if each == kind]
            look = {"marker": MARKERS[number], "color": COLORS[number], "ls": "none", "label": kind}
            axes.errorbar(costs[mine], errors[mine], yerr=bars[mine], elinewidth=1.2, zorder=2, **look)
        _budgets(axes, [getattr(budget, cost) for budget in budgets])
        _costs(axes, torch.cat([costs, torch.tensor([float(getattr(each, cost)) for each in budgets])]))
        axes.set_xlabel(f"{unit} (log); dashed: budgets")
    for (name, (kind, each)), y, bar in zip(bill.items(), errors.tolist(), bars.tolist(), strict=True):
        short, place = name.removeprefix("channels ").removeprefix("yours, "), kinds.index(kind)
        if place in (1, 2):  # in a crowd: below the bar or above it (errors grow downwards)
            end, away = (y + bar, -12) if place == 1 else (y - bar, 5)
            panels[0].annotate(short, (each.bytes, end), xytext=(0, away), ha="center", **_NOTE)
        else:
            panels[0].annotate(short, (each.bytes, y), xytext=(6, 5 if place == 0 else -12), **_NOTE)
    _accuracies(panels[0], float((errors - bars).min()), float((errors + bars).max()))
    panels[0].set_title("Accuracy and bytes", pad=28)
    panels[1].set_title("Accuracy and work", pad=28)
    panels[0].set_ylabel(f"accuracy on unseen {what}, %")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(kinds) + 1)


def _budgets(axes: Axes, limits: Sequence[float]) -> None:
    """A dashed line for each, with its number above, in two heights so that neighbours do not touch."""
    for number, limit in enumerate(sorted(limits)):
        axes.axvline(limit, color=COLORS[3], ls="--", lw=1.2, zorder=0)
        look = {**_NOTE, "ha": "center", "xycoords": ("data", "axes fraction")}
        axes.annotate(f"{limit:,}", (limit, 1), xytext=(0, 2 + 11 * (number % 2)), **look)


def _accuracies(axes: Axes, least: float, most: float) -> None:
    """A logarithmic axis of errors in percent, upside down, that is labelled with accuracies."""
    shown = [each for each in (0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 70) if 0.8 * least <= each <= 1.2 * most]
    axes.set_yscale("log")
    axes.set_ylim(1.25 * most, max(0.8 * least, 0.1))
    axes.set_yticks(shown, [f"{100 - each:g}" for each in shown])
    axes.yaxis.set_minor_locator(NullLocator())


def _costs(axes: Axes, costs: Tensor) -> None:
    """A logarithmic axis with whole numbers."""
    axes.set_xscale("log")
    low, high = float(costs.min()), float(costs.max())
    ticks = [step * 10**power for power in range(1, 7) for step in ((1, 2, 5) if high < 150 * low else (1, 3))]
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
