"""How a program is written down: every value that an operator is called with, in as few bytes as are simple.

    number, not negative    7 bits per byte, lowest first; a byte of 128 or more says that another one follows
    value                   a number whose two lowest bits say what the rest of it is:
        0 a tensor          how many tensors back it was made, 1 for the latest
        1 an integer        2 n for n >= 0, -2 n - 1 for n < 0
        2 a list            how many values follow
        3 anything else     an entry of `SPECIAL`, or a float of 16, 32 or 64 bits: the shortest that is exact
    call                    number of the operator times two, plus one where it works in place; how many arguments
                            follow, in the order of the operator's schema; the arguments
    constant                0; number of its dtype; how many dimensions; their sizes. Its bytes are among the data.

Operators are numbered from 1 in the order of `OPERATORS`. An argument that the schema has a default for can be left out
at the end, or written as "default" in the middle. Devices are not written: a judge has its own.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from course_lib.program.operators import DTYPES, OPERATORS

__all__ = ["DEFAULT", "Call", "Constant", "Ref", "decoded", "encoded"]


@dataclass(frozen=True)
class Ref:
    """A tensor that was made earlier: 1 for the latest one, 2 for the one before."""

    back: int


@dataclass(frozen=True)
class Constant:
    """A stored tensor."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Call:
    """One operator with its arguments in the order of its schema."""

    name: str
    in_place: bool
    args: tuple[Any, ...]


class _Default:
    """In place of an argument: as the schema says."""


DEFAULT = _Default()
_FLOATS = {0: "<e", 1: "<f", 2: "<d"}
_FORMATS = (torch.contiguous_format, torch.preserve_format, torch.channels_last)
_TEXTS = ("floor", "trunc", "sum", "mean", "amax", "amin", "prod", "tanh", "none")
SPECIAL: tuple[Any, ...] = (DEFAULT, None, True, False, *(getattr(torch, name) for name in DTYPES), *_TEXTS, *_FORMATS)


def encoded(steps: Sequence[Call | Constant]) -> bytes:
    """The bytes of a program's code.

    Raises:
        ValueError: an argument is of a type that cannot be written down.
    """
    out = bytearray()
    for step in steps:
        if isinstance(step, Constant):
            for number in (0, DTYPES.index(step.dtype), len(step.shape), *step.shape):
                _number(out, number)
        else:
            _number(out, 2 * (OPERATORS.index(step.name) + 1) + step.in_place)
            _number(out, len(step.args))
            for value in step.args:
                _value(out, value)
    return bytes(out)


def _number(out: bytearray, number: int) -> None:
    while number >= 128:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)


def _value(out: bytearray, value: Any) -> None:
    if isinstance(value, Ref):
        _number(out, 4 * value.back)
    elif isinstance(value, int) and not isinstance(value, bool):
        _number(out, 4 * (2 * value if value >= 0 else -2 * value - 1) + 1)
    elif isinstance(value, list | tuple):
        _number(out, 4 * len(value) + 2)
        for each in value:
            _value(out, each)
    elif isinstance(value, float):
        kind = next(kind for kind, form in _FLOATS.items() if _exact(form, value))
        _number(out, 4 * kind + 3)
        out += struct.pack(_FLOATS[kind], value)
    else:
        place = next((n for n, known in enumerate(SPECIAL) if known is value or _same_text(known, value)), None)
        if place is None:
            raise ValueError(f"an operator is called with an object of type {type(value).__name__}")
        _number(out, 4 * (place + len(_FLOATS)) + 3)


def _same_text(known: Any, value: Any) -> bool:
    return isinstance(value, str) and isinstance(known, str) and known == value


def _exact(form: str, value: float) -> bool:
    try:
        [back] = struct.unpack(form, struct.pack(form, value))
    except OverflowError:
        return False
    return back == value or value != value  # nan is not equal to itself


# --- reading ----------------------------------------------------------------------------------------------


def decoded(code: bytes) -> Iterator[Call | Constant]:
    """The steps of a program, one by one.

    Raises:
        ValueError: the bytes are no code.
    """
    read = _Reader(code)
    while not read.done:
        number = read.number()
        if number == 0:
            dtype = _entry(DTYPES, read.number())
            yield Constant(dtype, tuple(read.number() for _ in range(read.count())))
        else:
            name = _entry(OPERATORS, number // 2 - 1)
            yield Call(name, bool(number % 2), tuple(read.value() for _ in range(read.count())))


def _entry(table: Sequence[Any], place: int) -> Any:
    if not 0 <= place < len(table):
        raise ValueError(f"the code names entry {place} of a table of {len(table)}")
    return table[place]


class _Reader:
    def __init__(self, code: bytes):
        self._code, self._at = code, 0

    @property
    def done(self) -> bool:
        return self._at >= len(self._code)

    def _take(self, count: int) -> bytes:
        taken = self._code[self._at : self._at + count]
        self._at += count
        if len(taken) < count:
            raise ValueError("the code ends in the middle of a step")
        return taken

    def number(self) -> int:
        found = shift = 0
        while True:
            [byte] = self._take(1)
            found |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return found
            if shift > 70:
                raise ValueError("the code has a number of more than 70 bits")

    def count(self) -> int:
        return self._within(self.number())

    def _within(self, count: int) -> int:
        if count > len(self._code) - self._at:
            raise ValueError("the code announces more values than it has")
        return count

    def value(self, depth: int = 0) -> Any:
        rest, kind = divmod(self.number(), 4)
        readers: tuple[Callable[[int, int], Any], ...] = (self._ref, self._integer, self._list, self._special)
        return readers[kind](rest, depth)

    def _ref(self, rest: int, _: int) -> Ref:
        return Ref(rest)

    def _integer(self, rest: int, _: int) -> int:
        return -(rest + 1) // 2 if rest % 2 else rest // 2

    def _list(self, rest: int, depth: int) -> list[Any]:
        if depth:
            raise ValueError("the code has a list within a list")
        return [self.value(depth + 1) for _ in range(self._within(rest))]

    def _special(self, rest: int, _: int) -> Any:
        if rest in _FLOATS:
            form = _FLOATS[rest]
            return struct.unpack(form, self._take(struct.calcsize(form)))[0]
        return _entry(SPECIAL, rest - len(_FLOATS))
