"""A text for every picture, for those who listen to a notebook: what the function that drew it says of itself, and what
its panels are called.

A figure takes the first sentence of the docstring of the public function of course_lib.viz that made it; a function
that knows better calls `figure.set_label(...)`. JupyterLab gives images no alternative text, so there the text comes
just before the picture, out of sight; feedback and some exported pages have it as `alt`.
"""

from __future__ import annotations

import html
import inspect
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

from matplotlib.figure import Figure

__all__ = ["HOOK", "describe_pictures", "name_figure", "picture_text", "say_before_picture"]

HOOK = "course_lib.viz.alt:name_figure"
"""For matplotlib's `figure.hooks`."""
_LONGEST = 600
_HIDDEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap"


def name_figure(figure: Figure) -> None:
    """Labels a new figure with what the outermost function of course_lib.viz that is running says of itself."""
    if not figure.get_label():
        figure.set_label(_said(sys._getframe()))


def _said(frame: FrameType | None) -> str:
    said = ""
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith("course_lib.viz.") and module != __name__:
            function = frame.f_globals.get(frame.f_code.co_name)
            if getattr(function, "__code__", None) is frame.f_code and not frame.f_code.co_name.startswith("_"):
                said = _first_sentence(inspect.getdoc(function) or "") or said
        frame = frame.f_back
    return said


def _first_sentence(text: str) -> str:
    paragraph = " ".join(text.split("\n\n")[0].split())
    return paragraph if paragraph.endswith(".") or not paragraph else f"{paragraph}."


def picture_text(figure: Figure) -> str:
    """What a figure shows: its label, then titles and axes of its panels."""
    panels = [each for axes in figure.axes if (each := _panel(axes))]
    heading = figure.get_suptitle()
    parts = [str(figure.get_label()) or f"A picture with {len(figure.axes)} panels.", heading and f"{heading}."]
    if panels:
        parts.append(f"Panels: {'; '.join(panels)}.")
    text = " ".join(part for part in parts if part)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _panel(axes: Any) -> str:
    title = next((found for place in ("left", "center", "right") if (found := axes.get_title(loc=place))), "")
    named = [f"{name}: {label}" for name, label in (("x", axes.get_xlabel()), ("y", axes.get_ylabel())) if label]
    return " ".join(f"{title} ({', '.join(named)})".split()) if named else " ".join(title.split())


def describe_pictures() -> None:
    """From now on every picture that the notebook shows carries its text; does nothing outside a notebook."""
    shell = _shell()
    if shell is None:
        return
    import matplotlib_inline.backend_inline  # noqa: F401  (its import sets the formatter that is wrapped here)

    formatter = shell.display_formatter.formatters["image/png"]
    before = formatter.type_printers.get(Figure)
    if before is not None and getattr(before, "func", None) is not _drawn:
        formatter.for_type(Figure, partial(_drawn, before))


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell if hasattr(shell, "display_formatter") else None


def _drawn(before: Callable[[Figure], Any], figure: Figure) -> Any:
    """The picture as matplotlib draws it, and its text."""
    found = before(figure)
    if found is None:
        return None
    data, metadata = found if isinstance(found, tuple) else (found, {})
    text = picture_text(figure)
    say_before_picture(text)
    return data, {**metadata, "alt": text}


def say_before_picture(text: str) -> None:
    """Puts a text for screen readers into the cell's output."""
    from IPython.display import display

    spoken = f'<div style="{_HIDDEN}">Picture: {html.escape(text)}</div>'
    display({"text/html": spoken, "text/plain": f"Picture: {text}"}, raw=True, metadata={"spoken": True})
