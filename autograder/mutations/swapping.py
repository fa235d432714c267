"""Whether an answer would be right if one of its lines had other values: tried in one call, line by line."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from autograder.mutations.batches import TOOLS
from autograder.mutations.watching import noting

__all__ = ["VALUES", "swapping"]

VALUES = "__values__"
"""The keyword argument in which the values come: lists, one value for each time that the line runs."""

_SWAPPING = r'''
_TRIES = {tries!r}
_CODE = compile({text!r}, _TEXT, "exec")


def _alike(value, other):
    """Another value as an object of the same kind."""
    if hasattr(value, "detach"):
        import torch
        found = torch.as_tensor(other)
        return found.to(value.dtype) if value.is_floating_point() or value.is_complex() else found
    if isinstance(value, (bool, int, float, complex)):
        return other.item()
    return other[()] if hasattr(value, "dtype") else value


def _swap(line, values):
    left = iter([*values, *values[-1:] * 100])
    return lambda at, value: _alike(value, next(left)) if at == line else value


def _with(line, values, args, kwargs):
    place = dict(_NAMES)
    try:
        with _limited({each}):
            exec(_CODE, place)
            place["__note__"] = _swap(line, values)
            value = place[{name!r}](*_copied(args), **_copied(kwargs))
        return [True, value] if _size(value) <= {most} else [False, "size"]
    except Exception as error:
        return [False, type(error).__name__]


def {name}(*args, **kwargs):
    values = kwargs.pop("__values__")
    end, results = _time.perf_counter() + {seconds}, []
    for line, which in _TRIES:
        if _time.perf_counter() > end:
            break
        results.append(_with(line, _copied(values[which]), args, kwargs))
    return results
'''


def swapping(text: str, name: str, tries: Sequence[tuple[int, int]], *, most: int, seconds: float, each: float) -> str:
    """A text that defines a function which returns a list as a batch does: for each line and choice, what comes out.

    The function takes the values among which is chosen as a further keyword argument, see `VALUES`.

    Args:
        text: one or more definitions.
        name: of the function.
        tries: lines, and which of the values they get.
        most, seconds, each: as for a batch.

    Raises:
        SyntaxError: the text is not Python.
    """
    noted = ast.unparse(noting(text))
    how = {"name": name, "most": most, "seconds": seconds, "each": each}
    return (TOOLS + _SWAPPING).format(tries=list(tries), text=noted, **how)
