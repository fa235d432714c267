"""How large an answer may be on its way to the judge: a multiple of what is expected, so that nobody drowns in it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from autograder.judge.tensors import is_array

__all__ = ["UNKNOWN", "allowed_bytes", "size"]

TIMES = 64
"""An answer in float64 for one in int8, with every number written as text, is still below this."""
SLACK = 4 << 20
UNKNOWN = 64 << 20
"""Allowed on top where many answers are right, so that nobody knows how large one is: weights, programs, histories."""
_ITEM = 16


def size(value: Any) -> int:
    """About how many bytes a value takes on the wire."""
    if is_array(value):
        return _ITEM + int(math.prod(value.shape) * value.dtype.itemsize)
    if isinstance(value, str):
        return _ITEM + len(value)
    if isinstance(value, (list, tuple)):
        return _ITEM + sum(map(size, value))
    if isinstance(value, Mapping):
        return _ITEM + sum(len(str(key)) + size(item) for key, item in value.items())
    return _ITEM


def allowed_bytes(*values: Any) -> int:
    """The most that an answer may take where these values are the inputs and the expected answer."""
    return SLACK + TIMES * size(values)
