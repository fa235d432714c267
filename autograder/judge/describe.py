"""Writes inputs and answers down so that a student can read them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autograder.exercise import Foreign
from autograder.judge.tensors import dtype_name, is_tensor, numbers

__all__ = ["describe", "describe_call"]

SMALL = 60


def describe(value: Any) -> str:
    """A value in a few lines: small arrays in full, large ones by shape and dtype."""
    if isinstance(value, Foreign):
        return f"<{value.type_name}>"
    if isinstance(value, np.ndarray) or is_tensor(value):
        return _array(value)
    if isinstance(value, np.random.Generator):
        return "np.random.default_rng(...)"
    if isinstance(value, np.generic):
        return repr(value.item())
    if isinstance(value, float):
        return f"{value:.8g}"
    if isinstance(value, (list, tuple)):
        inner = ", ".join(describe(item) for item in value[:12]) + (", ..." if len(value) > 12 else "")
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' if len(value) == 1 else ''})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {describe(item)}" for key, item in list(value.items())[:12]) + "}"
    if callable(value):
        return getattr(value, "__name__", type(value).__name__)
    text = repr(value)
    return text if len(text) <= 400 else text[:400] + " ..."


def _array(value: Any) -> str:
    shape = "x".join(map(str, value.shape)) or "one number"
    dtype = dtype_name(value)
    array = numbers(value)
    if array.size > SMALL:
        return f"<{shape} {dtype}>"
    text = np.array2string(array, separator=", ", precision=5, suppress_small=bool(np.abs(array).max(initial=0) < 1e4))
    return text if dtype in ("float64", "int64") else f"{text} ({dtype})"


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
