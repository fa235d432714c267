"""The map of a course: its notebooks as boxes, an arrow from each to those that build on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Protocol

from course_lib.viz import COLORS, GREY, INK
from course_lib.viz.diagram import Diagram, Part

__all__ = ["Station", "course_map", "direct", "layers"]

_WIDTH, _ROW, _BOX = 25.0, 2.3, (5.7, 1.3)
_GAP, _THIN = 0.6, 0.5
"""Between boxes, and the room that an arrow on its way past a row takes, in units."""


class Station(Protocol):
    """What the map has to know of a notebook, as a row of `autograder.course_plan()` has it."""

    @property
    def name(self) -> str:
        """By which others name it in their needs."""

    @property
    def title(self) -> str:
        """Written into the box."""

    @property
    def needs(self) -> Sequence[str]:
        """Names of those it builds on."""

    @property
    def hours(self) -> float:
        """How long it takes, an estimate."""

    @property
    def done(self) -> int:
        """Exercises that pass."""

    @property
    def total(self) -> int:
        """All exercises."""

    @property
    def here(self) -> bool:
        """Whether it is the open notebook."""


def direct(needs: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """The needs without those that another need needs already: fewer arrows that say the same.

    Args:
        needs: by name, each after those that it needs.
    """
    before: dict[str, set[str]] = {}
    for name, wanted in needs.items():
        before[name] = set(wanted).union(*(before[each] for each in wanted))
    return {
        name: tuple(each for each in wanted if not any(each in before[other] for other in wanted))
        for name, wanted in needs.items()
    }


def layers(needs: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Names in rows, each below all that it needs; an arrow that passes a row has a place of its own in it.

    Such a place is called `start>end`. Within its row each stands near the middle of its neighbours (the barycentre
    method of Sugiyama, Tagawa and Toda, 1981).

    Args:
        needs: by name, each after those that it needs.
    """
    depth: dict[str, int] = {}
    for name, wanted in needs.items():
        depth[name] = 1 + max((depth[each] for each in wanted), default=-1)
    rows: list[list[str]] = [[] for _ in range(1 + max(depth.values(), default=-1))]
    for name, wanted in needs.items():
        rows[depth[name]].append(name)
        for each in wanted:
            for level in range(depth[each] + 1, depth[name]):
                rows[level].append(f"{each}>{name}")
    for turn in range(8):
        order = range(1, len(rows)) if turn % 2 == 0 else range(len(rows) - 2, -1, -1)
        for level in order:
            other = rows[level - 1 if turn % 2 == 0 else level + 1]
            _sort(rows[level], other, needs)
    return rows


def _sort(row: list[str], other: Sequence[str], needs: Mapping[str, Sequence[str]]) -> None:
    """Orders a row by the mean place of each one's neighbours in the other row."""
    place = {name: at / max(1, len(other) - 1) for at, name in enumerate(other)}
    own = {name: at / max(1, len(row) - 1) for at, name in enumerate(row)}
    means = {}
    for name in row:
        near = [place[each] for each in other if _joined(name, each, needs)]
        means[name] = sum(near) / len(near) if near else own[name]
    row.sort(key=lambda name: means[name])


def _joined(one: str, two: str, needs: Mapping[str, Sequence[str]]) -> bool:
    """Whether an arrow leads from one to the other, or passes both."""
    for start, end in ((one, two), (two, one)):
        first, last = start.rpartition(">")[2], end.partition(">")[0]
        if ">" in start and ">" in end:
            if start == end:
                return True
        elif ">" in start:
            if first == end:
                return True
        elif ">" in end:
            if last == start:
                return True
        elif start in needs[end]:
            return True
    return False


def course_map(stations: Sequence[Station]) -> Diagram:
    """The notebooks of a course from top to bottom, with an arrow from each to those that build on it.

    Args:
        stations: in the order of the course.
    """
    needs = direct({each.name: tuple(each.needs) for each in stations})
    rows, known = layers(needs), {each.name: each for each in stations}
    width = max([_WIDTH, *(sum(_sizes(row)) + 0.4 for row in rows)])
    height = _ROW * len(rows) + 0.7
    diagram = Diagram(width, height, _told(stations, needs), "The course: every arrow leads to what builds on it")
    parts: dict[str, Part] = {}
    ways: dict[str, list[tuple[float, float]]] = {}
    for level, (row, middles) in enumerate(zip(rows, _middles(rows, needs, width), strict=True)):
        y = height - 1.7 - level * _ROW
        for name, x in zip(row, middles, strict=True):
            if name in known:
                parts[name] = _box(diagram, x, y, known[name])
            else:
                ways.setdefault(name, []).extend([(x, y + _BOX[1] / 2), (x, y - _BOX[1] / 2)])
    for name, wanted in needs.items():
        lines = [[parts[each].bottom, *ways.get(f"{each}>{name}", [])] for each in wanted]
        for at, line in enumerate(sorted(lines, key=lambda line: line[-1])):
            shift = (at - (len(lines) - 1) / 2) * 0.7
            diagram.path(*line, (parts[name].x + shift, parts[name].top[1]), color=GREY)
    return diagram


def _sizes(row: Sequence[str]) -> list[float]:
    """What each of a row takes of the page's width, half a gap on either side included."""
    return [(_THIN if ">" in name else _BOX[0]) + _GAP for name in row]


def _middles(rows: list[list[str]], needs: Mapping[str, Sequence[str]], width: float) -> list[list[float]]:
    """Where the middle of each is: drawn to its neighbours in the rows above and below, without overlaps."""
    middles = [_apart([width / 2] * len(row), _sizes(row), width) for row in rows]
    for _ in range(30):
        for level, row in enumerate(rows):
            wanted = []
            for name, now in zip(row, middles[level], strict=True):
                near = [
                    middles[other][at]
                    for other in (level - 1, level + 1)
                    if 0 <= other < len(rows)
                    for at, each in enumerate(rows[other])
                    if _joined(name, each, needs)
                ]
                wanted.append(sum(near) / len(near) if near else now)
            middles[level] = _apart(wanted, _sizes(row), width)
    return middles


def _apart(wanted: Sequence[float], sizes: Sequence[float], width: float) -> list[float]:
    """Middles near those wanted, in the same order, that leave each its size and stay on the page."""
    steps = [(one + two) / 2 for one, two in pairwise(sizes)]
    right, left = list(wanted), list(wanted)
    for at, step in enumerate(steps):
        right[at + 1] = max(right[at + 1], right[at] + step)
    for at, step in reversed(list(enumerate(steps))):
        left[at] = min(left[at], left[at + 1] - step)
    found = [(one + two) / 2 for one, two in zip(right, left, strict=True)]
    found[0] = max(found[0], sizes[0] / 2)
    for at, step in enumerate(steps):
        found[at + 1] = max(found[at + 1], found[at] + step)
    found[-1] = min(found[-1], width - sizes[-1] / 2)
    for at, step in reversed(list(enumerate(steps))):
        found[at] = min(found[at], found[at + 1] - step)
    return found


def _box(diagram: Diagram, x: float, y: float, station: Station) -> Part:
    color = COLORS[2] if station.done == station.total else COLORS[1] if station.here else COLORS[0]
    part = diagram.box(x, y, *_BOX, color=color)
    diagram.note(x, y + 0.26, station.title, size=9.5)
    time = f"about {station.hours:g} h" if station.hours >= 1 else f"{60 * station.hours:.0f} min"
    state = "all done" if station.done == station.total else f"{station.done} of {station.total} done"
    diagram.note(x, y - 0.3, f"{time} · {'you are here' if station.here else state}", size=9, color=INK)
    return part


def _told(stations: Sequence[Station], needs: Mapping[str, Sequence[str]]) -> str:
    title = {each.name: each.title for each in stations}
    free = [each.title for each in stations if not needs[each.name]]
    told = [
        f"{each.title} builds on {' and '.join(title[need] for need in needs[each.name])}"
        for each in stations
        if needs[each.name]
    ]
    return (
        f"A map of the {len(stations)} notebooks, with an arrow from each to those that build on it. "
        f"{', '.join(free)}: nothing is needed before. {'; '.join(told)}."
    )
