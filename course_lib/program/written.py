"""A program as bytes: its code, compressed, and its data."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from course_lib.program.code import Call, Constant, decoded, encoded

__all__ = ["MOST_STEPS", "Program", "ProgramError", "from_plain", "steps_of", "written"]

MOST_STEPS = 2_000
"""Limit for the steps of one program."""
MOST_CODE = 100_000
"""Bytes of code, before DEFLATE."""


class ProgramError(Exception):
    """A program that cannot be recorded or run; the message says why."""


@dataclass(frozen=True)
class Program:
    """A recorded computation.

    Attributes:
        code: operators and their arguments, as `code` writes them, compressed.
        data: the bytes of all constants, in the order in which the code names them.
    """

    code: bytes
    data: bytes

    @property
    def size(self) -> int:
        """What it takes to write the program down, in bytes."""
        return len(self.code) + len(self.data)

    def plain(self) -> Tensor:
        """Everything in one tensor, uint8: four bytes for the length of the code, the code, the data."""
        whole = len(self.code).to_bytes(4, "little") + self.code + self.data
        return torch.frombuffer(bytearray(whole), dtype=torch.uint8)


def from_plain(plain: Any) -> Program:
    """The program in such a tensor; anything wrong with it shows when it runs.

    Raises:
        ProgramError: it is no tensor of bytes.
    """
    if not isinstance(plain, Tensor) or plain.dtype != torch.uint8 or plain.dim() != 1:
        raise ProgramError("no program came back")
    whole = plain.numpy().tobytes()
    size = 4 + int.from_bytes(whole[:4], "little")
    if len(whole) < max(4, size):
        raise ProgramError("a program came back in part")
    return Program(whole[4:size], whole[size:])


def written(steps: Sequence[Call | Constant], data: bytes) -> Program:
    """The program with these steps, and the bytes of their constants in order.

    Raises:
        ProgramError: an argument cannot be written down.
    """
    try:
        code = encoded(steps)
    except ValueError as error:
        raise ProgramError(str(error)) from None
    return Program(min((_deflated(code, how) for how in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED)), key=len), data)


def _deflated(code: bytes, strategy: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9, strategy)
    return packer.compress(code) + packer.flush()


def steps_of(program: Program) -> Iterator[Call | Constant]:
    """The steps of a program, one by one.

    Raises:
        ProgramError: its code is not compressed as it should be, or too long.
        ValueError: what comes out is no code.
    """
    unpacker = zlib.decompressobj(-15)
    code = unpacker.decompress(program.code, MOST_CODE)
    if not unpacker.eof or unpacker.unused_data:
        raise ProgramError(f"its code is no DEFLATE stream of at most {MOST_CODE:,} bytes")
    for number, step in enumerate(decoded(code)):
        if number >= MOST_STEPS:
            raise ProgramError(f"it has more than {MOST_STEPS:,} steps")
        yield step
