"""Writes inputs and answers as text that a student can read."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

import numpy as np

from autograder.calls import Foreign
from autograder.judge.grids import drawn
from autograder.judge.tensors import is_array

__all__ = ["describe", "describe_call", "indented", "listed", "number"]

LONGEST = 12
WIDE = 100
DEEPEST = 3
_MOST_TEXT = 400


def describe(value: Any, depth: int = 0) -> str:
    """A value in a few lines: small arrays in full, large ones by shape and dtype, deep ones down to a few levels."""
    if depth > DEEPEST and isinstance(value, (list, tuple, Mapping)):
        return f"<{type(value).__name__} of {len(value)}>"
    if isinstance(value, Foreign):
        return f"<{value.type_name}>"
    if is_array(value):
        return drawn(value)
    if type(value).__name__ == "Generator":
        return "np.random.default_rng(...)" if isinstance(value, np.random.Generator) else "torch.Generator()"
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return number(value)
    if isinstance(value, (list, tuple)):
        ends = ("[", "]") if isinstance(value, list) else ("(", ",)" if len(value) == 1 else ")")
        return _listed(ends, [("", item) for item in value[:LONGEST]], len(value), depth)
    if isinstance(value, Mapping):
        return _listed(("{", "}"), _entries(value), len(value), depth)
    if callable(value):
        name = getattr(value, "__name__", type(value).__name__)
        return "a function" if name == "<lambda>" else str(name)
    return _cut(repr(value))


def number(value: Any, digits: int = 8) -> str:
    """A float as one: -1.0 and not -1, which would be an int."""
    text = f"{value:.{digits}g}"
    return text if set(text) & set(".einfj") else f"{text}.0"


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_TEXT else text[:_MOST_TEXT] + " ..."


def _entries(value: Mapping[Any, Any]) -> list[tuple[str, Any]]:
    """The first few keys and values."""
    return [(f"{_cut(repr(key))}: ", item) for key, item in islice(value.items(), LONGEST)]


def _listed(ends: tuple[str, str], entries: list[tuple[str, Any]], count: int, depth: int) -> str:
    """Labelled entries on one line, or one entry per line if they need more room; `count` is that of all entries."""
    texts = [f"{label}{indented(describe(item, depth + 1), len(label) + 1)}" for label, item in entries]
    return listed(ends, texts if count == len(texts) else [*texts, "..."])


def listed(ends: tuple[str, str], texts: list[str]) -> str:
    """Entries on one line, or one per line if they need more room."""
    if any("\n" in text for text in texts) or sum(map(len, texts)) > WIDE:
        return f"{ends[0]}{(',' + chr(10) + ' ').join(texts)}{ends[1]}"
    return f"{ends[0]}{', '.join(texts)}{ends[1]}"


def indented(text: str, columns: int) -> str:
    """The text with its second and later lines moved to the right."""
    return text.replace("\n", "\n" + " " * columns)


def describe_call(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    """One line `name = value` for each argument, named as the reference names them."""
    try:
        bound = inspect.signature(function).bind(*args, **kwargs).arguments
    except (TypeError, ValueError):
        bound = dict(enumerate(args)) | dict(kwargs)  # type: ignore[assignment]
    if not bound:
        return "no arguments"
    lines = []
    for name, value in bound.items():
        text = describe(value)
        indent = "\n" + " " * (len(str(name)) + 3)
        lines.append(f"{name} = {text.replace(chr(10), indent)}")
    return "\n".join(lines)
