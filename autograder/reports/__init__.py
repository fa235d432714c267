"""Draws verdicts for people and platforms. Reads verdicts and nothing else."""

from __future__ import annotations

import importlib
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autograder.exercise import ClassGrading

__all__ = ["FORMATS", "render"]

FORMATS = MappingProxyType(
    {
        "table": "table:to_table",
        "json": "as_json:to_json",
        "junit": "junit:to_junit",
        "gradescope": "gradescope:to_gradescope",
        "csv": "as_csv:to_csv",
        "canvas": "as_canvas:to_canvas",
        "html": "class_page:class_page",
    }
)
"""Output formats, each with the module and function that render it; loaded only when asked for."""


def render(grading: ClassGrading, format: str) -> str:
    """A grading as text in one of `FORMATS`.

    Raises:
        ValueError: no such format, or the format cannot hold this grading.
    """
    if format not in FORMATS:
        raise ValueError(f"there is no format {format!r}; choose one of {', '.join(FORMATS)}")
    module, _, function = FORMATS[format].partition(":")
    drawn = getattr(importlib.import_module(f"{__name__}.{module}"), function)(grading)
    assert isinstance(drawn, str)
    return drawn
