"""A call as code that runs in the student's notebook, where `np`, `torch` and the student's function are known.

Arrays are written as arrays with the dtype that matters, tensors as tensors, plain functions by their source and
generators by their seed. Functions of course_lib are named, never written out: they are answers.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType
from typing import Any

import numpy as np

from autograder.judge.runnable_functions import NoCode, source_of
from autograder.judge.tensors import dtype_name, is_array, is_tensor
from autograder.objects import Built

__all__ = ["LONGEST", "code_of_call"]

LONGEST = 3_500
"""Characters; a verdict keeps little more of one text."""
_WIDTH = 84
_MOST_NUMBERS = 400
_FEW = 8
_PLAIN = ("float64", "int64", "bool", "complex128")
_PLAIN_TENSOR = ("float32", "int64", "bool", "complex64")

Text = Callable[[int], str]
"""Code for a value, laid out for the column in which it starts."""


def code_of_call(
    name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], fetched: str = "", known: tuple[Any, ...] = ()
) -> str:
    """The call `name(*args, **kwargs)`; empty if something among the arguments cannot be written as code.

    Args:
        name: what is called.
        args: positional arguments.
        kwargs: keyword arguments.
        fetched: code that fetches a case as `given`, for arrays that are too large to be written.
        known: the positional arguments of that case.
    """
    writer = _Writer(fetched, known)
    try:
        parts = [writer.text(value) for value in args]
        parts += [_after(f"{key}=", writer.text(value)) for key, value in kwargs.items()]
    except (NoCode, RecursionError):
        return ""
    code = "\n".join([*writer.before, _bracketed(f"{name}(", parts, ")")(0)])
    return code if len(code) <= LONGEST else ""


class _Writer:
    """Writes values; `before` holds the imports and definitions that they need."""

    def __init__(self, fetched: str, known: tuple[Any, ...]) -> None:
        self.before: list[str] = []
        self._fetched = fetched
        self._known = dict(_places("given.args", known))
        self._built: dict[int, str] = {}

    def text(self, value: Any) -> Text:
        """Code for one value.

        Raises:
            NoCode: there is none.
        """
        if is_array(value):
            return self._fetched_array(value) if math.prod(value.shape) > _MOST_NUMBERS else _array(value)
        if isinstance(value, np.generic):
            return _fixed(f"np.{type(value).__name__}({_number(value.item())})")
        if value is None or isinstance(value, bool | int | str):
            return _fixed(repr(value))
        if isinstance(value, float | complex):
            return _fixed(repr(value) if cmath.isfinite(value) else _number(value))
        if type(value) in (list, tuple):
            ends = "[]" if type(value) is list else ("(", ",)" if len(value) == 1 else ")")
            return _bracketed(ends[0], [self.text(item) for item in value], ends[1])
        if type(value) is dict:
            return _bracketed("{", [_after(f"{key!r}: ", self.text(item)) for key, item in value.items()], "}")
        if type(value).__name__ == "Generator":
            return _fixed(_generator(value))
        if isinstance(value, Built):
            return self._object(value)
        return _fixed(self._function(value))

    def _fetched_array(self, value: Any) -> Text:
        same = (place for place, each in self._known.items() if _is_same(each, value))
        place = next(same, "")
        if not place:
            return _array(value)
        self._add(*self._fetched.split("\n"))
        return _fixed(place)

    def _add(self, *lines: str) -> None:
        self.before += [line for line in lines if line not in self.before]

    def _function(self, value: Any) -> str:
        before, name, held = source_of(value)
        for variable, content in held.items():
            line = f"{variable} = {self.text(content)(0)}"
            if any(other.startswith(f"{variable} = ") and other != line for other in self.before):
                raise NoCode  # two functions hold different values under one name
            self._add(line)
        self._add(*before)
        return name

    def _object(self, built: Built) -> Text:
        """An object that a harness builds, under a name of its own: it may be used more than once."""
        if id(built) not in self._built:
            if any(isinstance(each, FunctionType) or not _is_plain(each) for each in built.args):
                raise NoCode
            start = f"{built.maker.__module__}.{built.maker.__name__}("
            made = _bracketed(start, [self.text(each) for each in built.args], ")")
            kind = f"the_{built.maker.__name__.lower()}"
            count = 1 + sum(other.rstrip("_0123456789") == kind for other in self._built.values())
            name = kind if count == 1 else f"{kind}_{count}"
            self._add(f"import {built.maker.__module__}", f"{name} = {made(0)}")
            self._built[id(built)] = name
        return _fixed(self._built[id(built)])


def _is_plain(value: Any) -> bool:
    """Whether a harness can be given the value as it is: not a function that the judge lends."""
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return is_array(value) or isinstance(value, Built) or not callable(value)


def _places(where: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Each array in a value, by the expression that reaches it."""
    if is_array(value):
        yield where, value
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _places(f"{where}[{index}]", item)


def _is_same(one: Any, other: Any) -> bool:
    if type(one) is not type(other) or one.dtype != other.dtype or one.shape != other.shape:
        return False
    return bool((one == other).all())


# --- layout -----------------------------------------------------------------------------------------------


def _fixed(text: str) -> Text:
    return lambda _column: text


def _after(lead: str, rest: Text) -> Text:
    return lambda column: lead + rest(column + len(lead))


def _bracketed(start: str, items: list[Text], end: str) -> Text:
    """On one line if it fits, else one item a line; numbers fill their lines."""

    def laid_out(column: int) -> str:
        line = start + ", ".join(item(0) for item in items) + end
        if "\n" not in line and column + len(line) <= _WIDTH:
            return line
        indent = " " * (_indent(column) + 4)
        texts = [item(len(indent)) for item in items]
        texts = _filled(texts, _WIDTH - len(indent)) if all(len(text) < 24 for text in texts) else texts
        inner = f",\n{indent}".join(texts)
        return f"{start}\n{indent}{inner},\n{indent[4:]}{end.lstrip(',')}"

    return laid_out


def _indent(column: int) -> int:
    return column // 4 * 4 if column <= 24 else 24


def _filled(texts: list[str], width: int) -> list[str]:
    lines: list[str] = []
    for text in texts:
        if lines and len(lines[-1]) + len(text) + 2 < width:
            lines[-1] += f", {text}"
        else:
            lines.append(text)
    return lines


# --- values -----------------------------------------------------------------------------------------------


def _array(value: Any) -> Text:
    tensor, dtype = is_tensor(value), dtype_name(value)
    library = "torch" if tensor else "np"
    notes = [] if dtype in (_PLAIN_TENSOR if tensor else _PLAIN) else [_fixed(f"dtype={library}.{dtype}")]
    if tensor and value.requires_grad:
        notes.append(_fixed("requires_grad=True"))
    content = value.detach().cpu() if tensor else value
    shape = tuple(value.shape)
    if math.prod(shape) == 0:
        return _bracketed(f"{library}.zeros(", [_fixed(repr(shape)), *_with_dtype(notes, dtype, library)], ")")
    if not tensor and content.dtype.kind not in "bifcu":
        raise NoCode
    if math.prod(shape) > _FEW and _is_constant(content):
        number = _number(content.flatten()[0].item(), dtype)
        named = _with_dtype(notes, dtype, library)
        return _bracketed(f"{library}.full(", [_fixed(repr(shape)), _fixed(number), *named], ")")
    if math.prod(shape) > _MOST_NUMBERS:
        raise NoCode
    start = f"{library}.{'tensor' if tensor else 'array'}("
    return _bracketed(start, [_nested(content.tolist(), dtype), *notes], ")")


def _with_dtype(notes: list[Text], dtype: str, library: str) -> list[Text]:
    """Zeros and full arrays always say their dtype, unless it is the one that they have anyway."""
    if notes or dtype == ("float32" if library == "torch" else "float64"):
        return notes
    return [_fixed(f"dtype={library}.{dtype}")]


def _is_constant(content: Any) -> bool:
    first = content.flatten()[0]
    return bool((content == first).all()) and not bool(first != first)


def _nested(content: Any, dtype: str) -> Text:
    if isinstance(content, list):
        return _bracketed("[", [_nested(item, dtype) for item in content], "]")
    return _fixed(_number(content, dtype))


def _number(value: Any, dtype: str = "float64") -> str:
    """A number that is read back as the same one."""
    if isinstance(value, complex):
        parts = value.real, value.imag
        exact = all(math.isfinite(part) and math.copysign(1, part or 1) == math.copysign(1, part) for part in parts)
        short = [_number(part, "float32" if dtype == "complex64" else "float64") for part in parts]
        return (
            f"{short[0]} {'-' if short[1].startswith('-') else '+'} {short[1].lstrip('-')}j"
            if exact
            else (f"complex({short[0]}, {short[1]})")
        )
    if not isinstance(value, float):
        return repr(value)
    if math.isnan(value):
        return "np.nan"
    if math.isinf(value):
        return "np.inf" if value > 0 else "-np.inf"
    text = str(np.dtype(dtype).type(value)) if dtype in ("float16", "float32") else repr(value)
    return text[:-1] if text.endswith(".0") else text


def _generator(value: Any) -> str:
    if isinstance(value, np.random.Generator):
        seed = getattr(value.bit_generator.seed_seq, "entropy", None)
        if not isinstance(seed, int | list | tuple):
            raise NoCode
        code, made = f"np.random.default_rng({seed!r})", np.random.default_rng(seed)
        if made.bit_generator.state != value.bit_generator.state:
            raise NoCode
        return code
    seed = value.initial_seed()
    made = type(value)().manual_seed(seed)
    if not bool((made.get_state() == value.get_state()).all()):
        raise NoCode
    return f"torch.Generator().manual_seed({seed})"
