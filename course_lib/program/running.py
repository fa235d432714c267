"""Programs written down and run: what it takes to write one, and what one run costs."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from course_lib.program.code import DEFAULT, Call, Constant, Ref
from course_lib.program.operators import DTYPES, MOST_NUMBERS, Refused, check, cost, expected, operator_of
from course_lib.program.written import Program, ProgramError, steps_of

__all__ = ["MOST_TOUCHED", "Cost", "constants", "run"]

MOST_TOUCHED = 50_000_000
"""Numbers that all operators of a run read and write together."""


@dataclass(frozen=True)
class Cost:
    """What one run multiplied and added.

    Attributes:
        products: numbers that were multiplied.
        sums: numbers that were added or compared.
    """

    products: int
    sums: int

    @property
    def macs(self) -> int:
        """Multiply-accumulates: the larger of the two."""
        return max(self.products, self.sums)


def run(program: Program, inputs: Sequence[Tensor], most: float = math.inf) -> tuple[Tensor, Cost]:
    """Runs a program from an untrusted source, on the CPU.

    Args:
        program: recorded on inputs of the same shapes.
        inputs: the inputs of this run; left unchanged.
        most: limit of multiply-accumulates; if the next operator would exceed it, nothing more is run.

    Returns:
        The output, which is the latest tensor, and the cost of computing it. Only listed operators are run.

    Raises:
        ProgramError: the program is malformed, makes a call that it may not make, or computes too much.
    """
    try:
        with torch.no_grad():
            return _Run(program, inputs, most).result()
    except ProgramError:
        raise
    except Refused as error:
        raise ProgramError(str(error)) from None
    except Exception as error:  # the program may be anything
        raise ProgramError(f"it cannot be run again ({type(error).__name__}: {str(error)[:200]})") from None


def constants(program: Program) -> list[Tensor]:
    """The stored tensors of a program, in order; those that can be read, if it is malformed."""
    alone = _Run(program, [], 0)
    try:
        for step in steps_of(program):
            if isinstance(step, Constant):
                alone.store(step)
    except (ProgramError, ValueError, RuntimeError, zlib.error):
        pass
    return alone.made


class _Run:
    def __init__(self, program: Program, inputs: Sequence[Tensor], most: float):
        self._program, self._most = program, most
        self.made: list[Tensor] = [each.cpu().clone() for each in inputs]
        self._at = self._touched = self.products = self.sums = 0

    def result(self) -> tuple[Tensor, Cost]:
        for step in steps_of(self._program):
            self.store(step) if isinstance(step, Constant) else self._call(step)
        if self._at != len(self._program.data):
            raise ProgramError("it has more data than it names")
        return self.made[-1], Cost(self.products, self.sums)

    def store(self, step: Constant) -> None:
        """The next constant, from the next bytes of the data."""
        dtype, count = getattr(torch, step.dtype), math.prod(step.shape)
        size = count * dtype.itemsize
        if count > MOST_NUMBERS or self._at + size > len(self._program.data) or len(step.shape) > 12:
            raise ProgramError("it names more data than it has")
        raw = bytearray(self._program.data[self._at : self._at + size])
        self._at += size
        kept = torch.uint8 if dtype is torch.bool else dtype
        flat = torch.frombuffer(raw, dtype=kept) if count else torch.empty(0, dtype=kept)
        self.made.append((flat != 0 if dtype is torch.bool else flat.clone()).view(step.shape))

    def _call(self, step: Call) -> None:
        operator = operator_of(step.name, step.in_place)
        args = [self._read(each) for each in step.args]
        given, named, every = _by_schema(operator, args)
        check(step.name, every)
        out, touched = expected(step.name, operator, given, named)
        products, sums = cost(step.name, every, out)
        self.products, self.sums, self._touched = (
            self.products + products,
            self.sums + sums,
            self._touched + touched,
        )
        if max(self.products, self.sums) > self._most:
            raise ProgramError(f"it takes more than {self._most:,.0f} multiply-accumulates for the whole batch")
        if self._touched > MOST_TOUCHED:
            raise ProgramError(f"its operators read and write more than {MOST_TOUCHED:,} numbers")
        result = operator(*given, **named)
        for part in [result] if isinstance(result, Tensor) else result:
            if str(part.dtype).removeprefix("torch.") not in DTYPES:
                raise ProgramError(f"it makes numbers of type {part.dtype}")
            # memory that was not written to must not carry information
            self.made.append(part.zero_() if step.name.startswith("empty") else part)

    def _read(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._read(each) for each in value]
        if not isinstance(value, Ref):
            return value
        if not 0 < value.back <= len(self.made):
            raise ProgramError("it refers to a tensor that was not made")
        return self.made[-value.back]


def _by_schema(operator: Any, args: Sequence[Any]) -> tuple[list[Any], dict[str, Any], list[Any]]:
    """Positional and keyword arguments, and both in one list with defaults filled in."""
    schema = operator._schema.arguments
    if len(args) > len(schema):
        raise ProgramError(f"an operator is called with {len(args)} arguments and takes {len(schema)}")
    given: list[Any] = []
    named: dict[str, Any] = {}
    every: list[Any] = []
    for place, argument in enumerate(schema):
        left_out = place >= len(args) or args[place] is DEFAULT
        value = argument.default_value if left_out else args[place]
        every.append(value)
        if left_out and argument.has_default_value():
            if not argument.kwarg_only:
                given.append(value)
        elif argument.kwarg_only:
            named[argument.name] = value
        else:
            given.append(value)
    return given, named, every
