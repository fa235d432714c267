"""A picture with controls: it is redrawn whenever one of them changes."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

__all__ = ["live"]


def live(draw: Callable[..., Figure], **controls: Any) -> None:
    """Displays widgets above the picture that `draw` makes of their values.

    The picture is an image widget, not captured output: output widgets send messages back to whoever runs the notebook,
    and nbclient then sometimes misses the kernel's answer and waits until its time limit.

    Args:
        draw: called with one keyword argument for each control; returns the figure, which is closed afterwards.
        controls: ipywidgets with a `value`; each is labelled with its name.
    """
    import ipywidgets
    from IPython.display import display

    picture = ipywidgets.Image(format="png")

    def redraw(_: Any = None) -> None:
        figure = draw(**{name: control.value for name, control in controls.items()})
        picture.width = round(100 * figure.get_figwidth())
        picture.value = _png(figure)

    redraw()
    for name, control in controls.items():
        control.description = name
        control.observe(redraw, "value")
    display(ipywidgets.VBox([*controls.values(), picture]))


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=160)
    plt.close(figure)
    return buffer.getvalue()
