"""The Pareto front of a class for its students: a line without names, and without anyone's dots.

It is drawn where enough students have a network in it. A corner of the line is somebody's network, but whose, and where
everybody else's are, does not show.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from autograder.exercise import Graded
from autograder.reports.fronts import BOTTOM, LEFT, RIGHT, TOP, Fronts, Panel, fronts

__all__ = ["AT_LEAST", "class_fronts"]

AT_LEAST = 5
"""Students with a network, for the class's front to be shown."""


def class_fronts(submissions: Iterable[Graded]) -> dict[str, str]:
    """HTML by exercise: one picture for each kind of network; none where fewer than `AT_LEAST` students have one."""
    found: dict[str, str] = {}
    for front in fronts(submissions):
        if front.students >= AT_LEAST:
            found[front.exercise] = found.get(front.exercise, "") + _picture(front)
    return found


def _picture(front: Fronts) -> str:
    title = f"The front of the class: {escape(front.name)} ({front.students} students)"
    panels = "".join(_panel(panel, title) for panel in front.panels)
    return f"<figure><figcaption>{title}. Dashed: the budgets.</figcaption>{panels}</figure>"


def _panel(panel: Panel, title: str) -> str:
    """One cost as SVG: axes, budgets, and the line."""
    line = 'stroke="currentColor" stroke-width="1"'
    parts = [f'<line x1="{LEFT}" x2="{RIGHT}" y1="{BOTTOM}" y2="{BOTTOM}" {line}/>']
    for y, label in panel.y_ticks:
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{escape(label)}</text>')
    for x, label in panel.x_ticks:
        parts.append(f'<text x="{x}" y="{BOTTOM + 18}" text-anchor="middle">{escape(label)}</text>')
    for x in panel.budgets:
        parts.append(f'<line x1="{x}" x2="{x}" y1="{TOP}" y2="{BOTTOM}" {line} stroke-dasharray="5 4"/>')
    parts.append(f'<polyline points="{panel.front}" fill="none" stroke="currentColor" stroke-width="2.5"/>')
    unit = f"accuracy on held-out data in % against {escape(panel.unit)} (log)"
    parts.append(f'<text x="{(LEFT + RIGHT) / 2}" y="274" text-anchor="middle">{unit}</text>')
    return (
        f'<svg viewBox="0 0 474 282" width="474" role="img" font-size="12" fill="currentColor"><title>{title}: {unit}'
        f"</title>{''.join(parts)}</svg>"
    )
