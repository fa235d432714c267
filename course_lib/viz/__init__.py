"""The look that all pictures of the course share: a palette, a style, and `pending` for pictures that have to wait.

The colours are those of Okabe and Ito, which people with any kind of colour vision can tell apart. No meaning
rests on colour alone: class k has `COLORS[k]` and `MARKERS[k]`.
"""

from __future__ import annotations

import html
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, ListedColormap

from course_lib.viz import alt

__all__ = ["COLORS", "DIVERGING", "GREY", "INK", "MARKERS", "frame", "light", "patient", "pending", "style"]

COLORS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#000000")
"""Blue, orange, green, vermilion, purple, sky, yellow, black."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
INK = "#222222"
GREY = "#767676"
DIVERGING = LinearSegmentedColormap.from_list("course", ["#D55E00", "#FFFFFF", "#0072B2"])
"""Vermilion for minus, white for zero, blue for plus; use it with limits that are symmetric about zero."""


def style() -> None:
    """Sets matplotlib's defaults for the course and gives every picture a text; call it in a notebook's first cell."""
    plt.rcParams.update(
        {
            "figure.dpi": 100,
            "figure.hooks": [alt.HOOK],
            "figure.constrained_layout.use": True,
            "figure.titlesize": 14,
            "font.size": 11.5,
            "axes.titlesize": 12.5,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.labelsize": 11.5,
            "axes.edgecolor": INK,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "axes.prop_cycle": cycler(color=COLORS),
            "text.color": INK,
            "legend.frameon": False,
            "lines.linewidth": 2.2,
            "lines.markersize": 7,
            "image.cmap": "gray_r",
        }
    )
    alt.describe_pictures()


def light(classes: int) -> ListedColormap:
    """Pale versions of the first `classes` colours, for areas behind points."""
    rgb = [[int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)] for color in COLORS[:classes]]
    return ListedColormap([[1 - 0.28 * (1 - part) for part in color] for color in rgb])


def frame(axes: Axes) -> None:
    """Outlines an image on all four sides and removes its ticks."""
    axes.set(xticks=(), yticks=())
    axes.spines[:].set(visible=True, color=GREY, linewidth=0.8)


@contextmanager
def pending(*functions: str) -> Iterator[None]:
    """Lets a picture wait for the functions it needs, so that Run All reaches the end of the notebook.

    A `NotImplementedError` inside becomes one grey line that names the functions still to be written. Any other
    exception becomes one line that says what was raised. Unfinished figures are dropped.
    """
    figures = set(plt.get_fignums())
    try:
        yield
    except NotImplementedError:
        _close_all_but(figures)
        verb = "is" if len(functions) == 1 else "are"
        _say(f"This cell draws its picture once {_listed(functions)} {verb} written.")
    except Exception as error:
        _close_all_but(figures)
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:160]
        advice = f"See what the checks of {_listed(functions)} say."
        _say(f"This cell could not finish. {reason}. {advice}")


def patient(steps: int, seconds: float = 20.0) -> Iterator[int]:
    """Counts 0, 1, ... to `steps - 1`, but gives up after some seconds and says so in one grey line.

    For loops that call students' functions: correct but slow ones must not hold up the notebook. NumPy's matrix
    products use one thread meanwhile: on a busy machine the threads of small ones wait for each other, and a step may
    take ten times as long.
    """
    from threadpoolctl import threadpool_limits

    start = time.perf_counter()
    with threadpool_limits(1):
        for step in range(steps):
            if time.perf_counter() - start > seconds:
                got = f"{step} of {steps} steps and {seconds:g} seconds"
                _say(f"Stopped after {got}: array operations would be faster.")
                return
            yield step


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _close_all_but(keep: set[int]) -> None:
    for number in set(plt.get_fignums()) - keep:
        plt.close(number)


def _say(sentence: str) -> None:
    from IPython.display import display

    display(_Line(sentence))


class _Line:
    """One quiet line: grey in a notebook, plain in a terminal."""

    def __init__(self, sentence: str):
        self.sentence = sentence

    def __repr__(self) -> str:
        return self.sentence

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        rich = f'<div style="color: {GREY}; font-style: italic">{html.escape(self.sentence)}</div>'
        return {"text/plain": self.sentence, "text/html": rich}
