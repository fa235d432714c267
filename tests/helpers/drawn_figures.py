"""What has been drawn, for a test to look at."""

from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import pytest
from matplotlib.axes import Axes


def drawn() -> list[Axes]:
    """The axes of the current figure, drawn as the notebook would."""
    plt.gcf().canvas.draw()
    return plt.gcf().axes


def assert_slider_draws(slider: Callable[[], object], name: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It draws when it appears, and another picture when the control of that name moves."""
    shown: list[Any] = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    slider()
    [box] = shown
    *controls, picture = box.children
    before = bytes(picture.value)
    assert before.startswith(b"\x89PNG")
    next(control for control in controls if control.description == name).value = value
    assert bytes(picture.value).startswith(b"\x89PNG")
    assert bytes(picture.value) != before
    assert plt.get_fignums() == []
