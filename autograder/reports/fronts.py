"""Accuracy and cost of a class's compressed networks: every submission as a dot, ready to be drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from autograder.exercise import Graded
from autograder.reports.words import number, one_line

__all__ = ["Dot", "Fronts", "Panel", "fronts"]

LEFT, RIGHT, TOP, BOTTOM = 56.0, 444.0, 16.0, 234.0
"""Of the plot area, in the units of the drawing."""
_NEEDED = ("accuracy", "bytes", "macs")
Model = tuple[str, Mapping[str, float]]
"""A student, and what was measured about one network."""


@dataclass(frozen=True)
class Entry:
    """One network of a submission."""

    student: str
    accuracy: float
    bytes: float
    macs: float
    within: bool

    @property
    def line(self) -> tuple[str, ...]:
        """A row of the table: student, accuracy in percent, bytes, MACs, whether it is within the budget."""
        shown = one_line(self.student, 80), f"{100 * self.accuracy:.1f}", f"{self.bytes:,.0f}", f"{self.macs:,.0f}"
        return *shown, "yes" if self.within else "no"


@dataclass(frozen=True)
class Dot:
    """One network in the units of the drawing; `shape` is "within", "over" or "reference"."""

    x: float
    y: float
    shape: str
    tip: str


@dataclass(frozen=True)
class Panel:
    """Accuracy against one cost.

    Attributes:
        unit: of the cost.
        dots: the submissions, the best last.
        references: the reference networks, if known.
        front: the Pareto front of the submissions, as an SVG list of points.
        budgets: their positions on the horizontal axis, if known.
        x_ticks, y_ticks: positions with their labels.
        summary: the picture in one sentence.
    """

    unit: str
    dots: tuple[Dot, ...]
    references: tuple[Dot, ...]
    front: str
    budgets: tuple[float, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    summary: str


@dataclass(frozen=True)
class Fronts:
    """One kind of network: accuracy against bytes and against MACs, and all numbers as a table.

    Attributes:
        students: how many of them have a network in it.
    """

    exercise: str
    name: str
    students: int
    panels: tuple[Panel, ...]
    rows: tuple[tuple[str, ...], ...]


def fronts(submissions: Iterable[Graded]) -> tuple[Fronts, ...]:
    """One picture for each kind of network that was measured; none if nothing was."""
    found: dict[tuple[str, str], list[Model]] = {}
    for graded in submissions:
        for verdict in graded.exercises:
            for case in verdict.cases:
                measured = dict(case.measured)
                if all(name in measured for name in _NEEDED):
                    key = verdict.id, case.group.partition(":")[0]
                    found.setdefault(key, []).append((graded.student, measured))
    return tuple(_drawn(exercise, name, models) for (exercise, name), models in found.items())


def _drawn(exercise: str, name: str, models: Sequence[Model]) -> Fronts:
    entries = [_entry(student, measured) for student, measured in models]
    entries.sort(key=lambda entry: (entry.within, entry.accuracy))
    # one submission's, so that a budget has one line and a reference one mark
    first = [measured for student, measured in models if student == models[0][0]]
    units = {"bytes": "bytes", "macs": "multiply-accumulates for one example"}
    return Fronts(
        one_line(exercise),
        one_line(name, 60),
        len({student for student, _ in models}),
        tuple(_panel(entries, first, cost, unit) for cost, unit in units.items()),
        tuple(entry.line for entry in reversed(entries)),
    )


def _entry(student: str, measured: Mapping[str, float]) -> Entry:
    within = all(measured[cost] <= measured.get(f"budget_{cost}", math.inf) for cost in ("bytes", "macs"))
    return Entry(student, measured["accuracy"], measured["bytes"], measured["macs"], within)


def _panel(entries: Sequence[Entry], first: Sequence[Mapping[str, float]], cost: str, unit: str) -> Panel:
    costs = [max(1.0, float(getattr(entry, cost))) for entry in entries]
    keys = f"budget_{cost}", f"reference_{cost}"
    marks = [max(1.0, measured[key]) for measured in first for key in keys if key in measured]
    low, high = math.log10(min(costs + marks) / 1.3), math.log10(max(costs + marks) * 1.3)
    scores = [entry.accuracy for entry in entries]
    theirs = [measured.get("reference_accuracy", 1.0) for measured in first]
    floor = math.floor(10 * min([*scores, *theirs, 0.9])) / 10

    def across(value: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * (math.log10(max(1.0, value)) - low) / (high - low), 1)

    def up(share: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * (share - floor) / (1 - floor), 1)

    dots = tuple(
        Dot(across(value), up(entry.accuracy), "within" if entry.within else "over", _tip(entry))
        for entry, value in zip(entries, costs, strict=True)
    )
    best = _front(list(zip(costs, scores, strict=True)))
    corners = [point for a, b in pairwise(best) for point in (a, (b[0], a[1]))] + best[-1:]
    references = tuple(
        Dot(across(value), up(share), "reference", f"reference: {100 * share:.1f} % right, {value:,.0f} {cost}")
        for share, value in _references(first, cost)
    )
    return Panel(
        unit,
        dots,
        references,
        " ".join(f"{across(value)},{up(share)}" for value, share in corners),
        tuple(across(measured[f"budget_{cost}"]) for measured in first if f"budget_{cost}" in measured),
        tuple((across(value), f"{value:,.0f}") for value in _decades(10**low, 10**high)),
        tuple((up(share / 10), f"{10 * share}") for share in range(round(10 * floor), 11)),
        _summary(entries, unit),
    )


def _references(first: Sequence[Mapping[str, float]], cost: str) -> list[tuple[float, float]]:
    """Accuracy and cost of each reference network that is known."""
    known = [measured for measured in first if "reference_accuracy" in measured and f"reference_{cost}" in measured]
    return [(measured["reference_accuracy"], measured[f"reference_{cost}"]) for measured in known]


def _tip(entry: Entry) -> str:
    student, accuracy, size, macs, _ = entry.line
    over = "" if entry.within else ", over the budget"
    return f"{student}: {accuracy} % right, {size} bytes, {macs} MACs{over}"


def _front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points that no other point beats, by increasing cost."""
    found: list[tuple[float, float]] = []
    for value, share in sorted(points, key=lambda point: (point[0], -point[1])):
        if not found or share > found[-1][1]:
            found.append((value, share))
    return found


def _decades(low: float, high: float) -> list[float]:
    """One, two and five times each power of ten; the powers alone if that gives too many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if high / low < 200 else (1,)
    return [step * 10.0**power for power in powers for step in steps if low <= step * 10.0**power <= high]


def _summary(entries: Sequence[Entry], unit: str) -> str:
    within = [entry.accuracy for entry in entries if entry.within]
    best = f"; the best of them reaches {100 * max(within):.1f} percent" if within else ""
    return f"Accuracy against {unit}: {number(len(within))} of {len(entries)} networks are within the budget{best}"
