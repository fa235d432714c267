"""A picture with controls: it is redrawn whenever one of them changes."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from course_lib.viz.alt import picture_text

__all__ = ["live"]


def live(draw: Callable[..., Figure], **controls: Any) -> None:
    """Displays widgets above the picture that `draw` makes of their values.

    Where no widgets are drawn, in exported HTML and in feedback, the first picture stays.

    The picture is an image widget, not captured output: output widgets send messages back to whoever runs the notebook,
    and nbclient then sometimes misses the kernel's answer and waits until its time limit.

    Args:
        draw: called with one keyword argument for each control; returns the figure, which is closed afterwards.
        controls: ipywidgets with a `value`; each is labelled with its name.
    """
    import ipywidgets
    from IPython.display import display

    picture = ipywidgets.Image(format="png")

    def redraw(_: Any = None) -> str:
        figure = draw(**{name: control.value for name, control in controls.items()})
        picture.width = round(100 * figure.get_figwidth())
        text = picture_text(figure)
        picture.value = _png(figure)
        return text

    text = redraw()
    picture.tooltip = text
    for name, control in controls.items():
        control.description = name
        control.observe(redraw, "value")
    box = ipywidgets.VBox([*controls.values(), picture])
    widgets = box._repr_mimebundle_
    box._repr_mimebundle_ = lambda **kept: _with_still(widgets(**kept) or {}, picture, text)
    display(box)


def _with_still(widgets: dict[str, Any], picture: Any, text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is displayed, with a picture for where widgets are not drawn."""
    still = {"image/png": b64encode(picture.value).decode(), "text/plain": f"Picture: {text}"}
    return widgets | still, {"image/png": {"alt": text, "width": int(picture.width)}}


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=160)
    plt.close(figure)
    return buffer.getvalue()
