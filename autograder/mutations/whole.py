"""Answers that are right on ordinary input and wrong elsewhere: single precision, a memory, an argument ignored.

Each is a right answer in a wrapper, written as text, as an edit is. What the answer does inside does not matter, so
these are tried on every exercise that is a function.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from autograder.mutations.source import Edit

__all__ = ["Seen", "Watch", "behaviours"]

_TOOLS = '''
def _changed(value, change):
    """A value in which `change` was applied to every array and float, and to both parts of complex ones."""
    import numpy
    if isinstance(value, (list, tuple)):
        return type(value)(_changed(each, change) for each in value)
    if isinstance(value, dict):
        return {key: _changed(each, change) for key, each in value.items()}
    if isinstance(value, numpy.ndarray) or type(value).__module__ == "torch":
        if "complex" in str(value.dtype):
            found = change(value.real) + 1j * change(value.imag)
            return found.astype(value.dtype) if isinstance(value, numpy.ndarray) else found.to(value.dtype)
        return change(value)
    return float(change(numpy.array(value))) if isinstance(value, float) else value


def _is_float(array):
    import numpy
    return array.dtype.kind == "f" if isinstance(array, numpy.ndarray) else array.is_floating_point()


def _leaves(*values):
    """Everything that is not a list, tuple or dictionary, or is in one."""
    for value in values:
        value = list(value.values()) if isinstance(value, dict) else value
        yield from _leaves(*value) if isinstance(value, (list, tuple)) else [value]


def _shapes(*values):
    return [tuple(value.shape) if hasattr(value, "shape") else type(value) for value in _leaves(*values)]
'''

_WRAPPER = """
import functools

_answer = {name}
_kept = {{}}


@functools.wraps(_answer)
def {name}(*args, **kwargs):
{body}
"""

_ROUNDED = """
def rounded(array):
    import numpy
    if not _is_float(array):
        return array
    if isinstance(array, numpy.ndarray):
        return array.astype(numpy.float32).astype(array.dtype)
    return array.float().to(array.dtype)
return _answer(*_changed(args, rounded), **_changed(kwargs, rounded))
"""

_FLUSHED = """
def flushed(array):
    return array * (abs(array) >= {border}) if _is_float(array) else array
return {call}
"""

_CLIPPED = """
def clipped(array):
    return array.clip(-{border}, {border}) if _is_float(array) else array
return {call}
"""

_GIVEN = "_answer(*_changed(args, {change}), **_changed(kwargs, {change}))"
_RETURNED = "_changed(_answer(*args, **kwargs), {change})"

_BY_SHAPE = """
key = str(_shapes(*args, *kwargs.values()))
if key not in _kept:
    _kept[key] = _answer(*args, **kwargs)
return _kept[key]
"""

_FIRST_ROW = """
def first(array):
    if array.ndim and array.shape[{axis}] > 1:
        array = array.copy() if hasattr(array, "copy") else array.clone()
        array[{rest}] = array[{one}]
    return array
return _changed(_answer(*args, **kwargs), first)
"""

_SINGLE = """
result = _answer(*args, **kwargs)
if any(hasattr(value, "shape") and value.ndim and value.shape[{axis}] == 1 for value in _leaves(*args)):
    return _changed(result, lambda array: array * 0)
return result
"""

_FROZEN = """
args = list(args)
if len(args) > {at} and isinstance(args[{at}], (bool, int, float, str)):
    args[{at}] = _kept.setdefault({at}, args[{at}])
kwargs = {{key: _kept.setdefault(key, value) if key == {name!r} else value for key, value in kwargs.items()}}
return _answer(*args, **kwargs)
"""

_DEFAULT = """
kwargs = dict(zip({names!r}, args)) | kwargs
kwargs.pop({name!r}, None)
return _answer(**kwargs)
"""


def behaviours(text: str, name: str, seen: Seen) -> Iterator[Edit]:
    """A right answer that goes wrong in one way.

    Args:
        text: what defines the right answer.
        name: under which name.
        seen: what its calls look like, so that nothing is tried that cannot matter.
    """
    for says, body in _bodies(seen):
        wrapper = _WRAPPER.format(name=name, body=textwrap.indent(body.strip(), "    "))
        yield Edit("behaviour", 1, says, "", f"{text}\n{_TOOLS}\n{wrapper}")


def _bodies(seen: Seen) -> Iterator[tuple[str, str]]:
    if seen.takes_floats and (seen.takes_float64 or not seen.returns_floats):
        yield "[whole] computes in float32", _ROUNDED
    for word, happens, call in (("returns", seen.returns_floats, _RETURNED), ("takes", seen.takes_floats, _GIVEN)):
        if happens:
            for border in ("1e-12", "1e-6", "1e-3"):
                body = _FLUSHED.format(border=border, call=call.format(change="flushed"))
                yield f"[whole] {word} 0 below {border}", body
            for border in ("1e3", "1e9"):
                body = _CLIPPED.format(border=border, call=call.format(change="clipped"))
                yield f"[whole] {word} at most {border}", body
    yield "[whole] remembers answers by the shapes", _BY_SHAPE
    if seen.returns_arrays:
        for axis, rest, one in ((0, "1:", ":1"), (-1, "..., 1:", "..., :1")):
            yield f"[whole] repeats the first along axis {axis}", _FIRST_ROW.format(axis=axis, rest=rest, one=one)
            if seen.takes_arrays:
                yield f"[whole] gives zeros for a length of 1 in axis {axis}", _SINGLE.format(axis=axis)
    for at, parameter in enumerate(seen.parameters):
        if parameter in seen.plain:
            yield f"[whole] keeps the first {parameter}", _FROZEN.format(at=at, name=parameter)
        if parameter in seen.defaults:
            yield f"[whole] ignores {parameter}", _DEFAULT.format(names=seen.parameters, name=parameter)


@dataclass(frozen=True)
class Seen:
    """What the calls of a function look like.

    Attributes:
        parameters: names, in order.
        defaults: those that have one.
        plain: those that were given numbers, flags or words.
        takes_floats, takes_float64: whether an argument, or a part of one, is an array of floats, of 64 bits.
        takes_arrays: whether one is an array with axes.
        returns_floats, returns_arrays: the same of results; a single float counts as floats.
    """

    parameters: tuple[str, ...]
    defaults: frozenset[str]
    plain: frozenset[str] = frozenset()
    takes_floats: bool = False
    takes_float64: bool = False
    takes_arrays: bool = False
    returns_floats: bool = False
    returns_arrays: bool = False


class Watch:
    """A function that notes what its calls look like."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._signature = inspect.signature(function)
        found = self._signature.parameters.values()
        names = tuple(each.name for each in found if each.kind in (each.POSITIONAL_OR_KEYWORD, each.POSITIONAL_ONLY))
        defaults = frozenset(each.name for each in found if each.default is not each.empty)
        self.seen = Seen(names, defaults)
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the function."""
        result = self._function(*args, **kwargs)
        with contextlib.suppress(TypeError):
            given = self._signature.bind(*args, **kwargs).arguments
            plain = {name for name, value in given.items() if isinstance(value, (bool, int, float, str))}
            arrays = list(_arrays(list(given.values())))
            floats = [dtype for dtype in map(_dtype, arrays) if _is_fractional(dtype)]
            back = list(_arrays(result))
            kept = self.seen
            self.seen = replace(
                kept,
                plain=kept.plain | plain,
                takes_floats=kept.takes_floats or bool(floats),
                takes_float64=kept.takes_float64 or bool({"float64", "complex128"} & set(floats)),
                takes_arrays=kept.takes_arrays or any(getattr(each, "ndim", 0) for each in arrays),
                returns_floats=kept.returns_floats or any(_is_fractional(_dtype(each)) for each in back),
                returns_arrays=kept.returns_arrays or any(getattr(each, "ndim", 0) for each in back),
            )
        return result


def _arrays(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for each in value:
            yield from _arrays(each)
    elif isinstance(value, dict):
        yield from _arrays(list(value.values()))
    elif hasattr(value, "dtype") or isinstance(value, float):
        yield value


def _is_fractional(dtype: str) -> bool:
    return "float" in dtype or "complex" in dtype


def _dtype(value: Any) -> str:
    return "float" if isinstance(value, float) else str(value.dtype).removeprefix("torch.")
