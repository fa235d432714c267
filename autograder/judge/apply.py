"""Calls the judge's own functions (references, misconceptions) the way a student's function is called."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from autograder.calls import Outcome, Raised

__all__ = ["apply", "fresh", "fresh_call"]


def fresh(value: Any) -> Any:
    """A copy that shares no memory with the original; functions stay as they are.

    Non-contiguous arrays are copied in their own order of axes.
    """
    if isinstance(value, (list, tuple)):
        return type(value)(fresh(item) for item in value)
    if isinstance(value, Mapping):
        return {key: fresh(item) for key, item in value.items()}
    return value if callable(value) and not hasattr(value, "shape") else copy.deepcopy(value)


def fresh_call(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Copies of the arguments of a call."""
    return fresh(args), fresh(dict(kwargs))


def apply(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Outcome:
    """Calls a trusted function on copies of the arguments and records the same things as for a student's function."""
    args, kwargs = fresh_call(args, kwargs)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = function(*args, **kwargs)
        except Exception as error:
            return Outcome(raised=Raised(type(error).__name__, str(error)), inputs=(args, kwargs))
    names = tuple(f"{warning.category.__name__}: {warning.message}" for warning in caught)
    return Outcome(value=value, inputs=(args, kwargs), warnings=names)
