"""Boxes, circles and arrows: how a network is wired, as a vector picture with a text for those who listen.

A diagram has its own units: one unit is 0.4 inches on the page, x goes to the right, y goes up. Text has at least
9 points at that size. It is shown as an SVG image with an alternative text, on a white ground, so that it looks the
same in light and dark themes.
"""

from __future__ import annotations

import base64
import html
import io
from dataclasses import dataclass

from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Patch

from course_lib.viz import COLORS, GREY, INK

__all__ = ["Diagram", "Part"]

INCHES = 0.4
"""Length of one unit on the page."""
SMALLEST = 9.0
"""Points; smaller text is refused."""


@dataclass(frozen=True)
class Part:
    """A box or a circle that arrows can start from and end at.

    Attributes:
        x, y: the centre, in the diagram's units.
        width, height: its size, in the diagram's units.
    """

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> tuple[float, float]:
        """Middle of the left edge."""
        return self.x - self.width / 2, self.y

    @property
    def right(self) -> tuple[float, float]:
        """Middle of the right edge."""
        return self.x + self.width / 2, self.y

    @property
    def top(self) -> tuple[float, float]:
        """Middle of the top edge."""
        return self.x, self.y + self.height / 2

    @property
    def bottom(self) -> tuple[float, float]:
        """Middle of the bottom edge."""
        return self.x, self.y - self.height / 2


def _shade(color: str) -> tuple[float, float, float]:
    red, green, blue = (0.85 + 0.15 * channel for channel in to_rgb(color))
    return red, green, blue


class Diagram:
    """A drawing of parts and arrows; as the last value of a notebook's cell it shows itself.

    Args:
        width, height: of the whole drawing, in units of 0.4 inches; about 24 units fill a notebook's page.
        text: what the drawing shows, in one to three sentences: the alternative text.
        title: a heading above the drawing, or nothing.
    """

    def __init__(self, width: float, height: float, text: str, title: str = "") -> None:
        if not text.strip():
            raise ValueError("a diagram needs a text that says what it shows: pass one to three sentences as text")
        self.text = " ".join(text.split())
        self.figure = Figure(figsize=(width * INCHES, height * INCHES), facecolor="white")
        self.figure.set_layout_engine("none")
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, width), ylim=(0, height))
        self.axes.set_axis_off()
        if title:
            self.note(0.2, height - 0.5, title, size=12.5, weight="bold", align="left")

    def box(self, x: float, y: float, width: float, height: float, label: str = "", color: str = COLORS[5]) -> Part:
        """A rectangle with round corners and its centre at (x, y), filled with a light shade of `color`."""
        corner = (x - width / 2, y - height / 2)
        style = "round,pad=0,rounding_size=0.18"
        return self._part(
            FancyBboxPatch(corner, width, height, boxstyle=style), Part(x, y, width, height), label, color
        )

    def circle(self, x: float, y: float, radius: float, label: str = "", color: str = COLORS[5]) -> Part:
        """A circle around (x, y): a node, or an operation such as + and ×."""
        return self._part(Circle((x, y), radius), Part(x, y, 2 * radius, 2 * radius), label, color)

    def _part(self, patch: Patch, part: Part, label: str, color: str) -> Part:
        patch.set(edgecolor=color, facecolor=_shade(color), linewidth=1.8, zorder=2)
        self.axes.add_patch(patch)
        if label:
            self.note(part.x, part.y, label)
        return part

    def arrow(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        label: str = "",
        *,
        color: str = INK,
        bend: float = 0.0,
        dashed: bool = False,
    ) -> None:
        """An arrow between two points, such as `a.right` and `b.left`; `bend` is the arc's height over its length."""
        self.axes.add_patch(
            FancyArrowPatch(
                start,
                end,
                arrowstyle="-|>",
                mutation_scale=13,
                shrinkA=1,
                shrinkB=1,
                linewidth=1.5,
                linestyle="--" if dashed else "-",
                color=color,
                connectionstyle=f"arc3,rad={bend}",
                zorder=1,
            )
        )
        if label:
            along = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + 0.35)
            self.note(*along, label, color=color if color != INK else GREY)

    def path(self, *points: tuple[float, float], color: str = INK, dashed: bool = False) -> None:
        """A line through several points with an arrow head at the last one: around a corner, past other parts."""
        xs, ys = zip(*points[:-1], strict=True)
        self.axes.plot(xs, ys, color=color, linewidth=1.5, linestyle="--" if dashed else "-", zorder=1)
        self.arrow(points[-2], points[-1], color=color, dashed=dashed)

    def note(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 10.5,
        color: str = INK,
        align: str = "center",
        weight: str = "normal",
    ) -> None:
        """Text at (x, y), `size` in points; at least 9, so that it can be read on a laptop."""
        if size < SMALLEST:
            raise ValueError(f"text of {size} points is too small to be read: use at least {SMALLEST:.0f}")
        self.axes.text(x, y, text, size=size, color=color, ha=align, va="center", weight=weight, zorder=3)

    def svg(self) -> str:
        """The drawing as SVG, letters as outlines: the same for the same drawing, wherever it is made."""
        from matplotlib import rc_context

        page = io.StringIO()
        with rc_context({"svg.hashsalt": "course", "svg.fonttype": "path"}):
            self.figure.savefig(page, format="svg", metadata={"Date": None})
        return page.getvalue()

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.svg().encode()).decode()
        said = html.escape(self.text, quote=True)
        return f'<img alt="{said}" src="data:image/svg+xml;base64,{data}" style="max-width:100%;background:white">'
