"""Chips and functions that the exercises on acceleration are given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

from course_lib.machine import ChipFull, Memory

__all__ = ["Chip", "function"]

Tensor = torch.Tensor


class Chip(Memory):
    """A memory on the chip whose owner is asked at every step, so that it sees all traffic and counts for itself."""

    def __init__(self, capacity: int, ask: Callable[..., Any]):
        """`ask(action, *args)` gives the number of a new block and what it holds, or a text if it does not fit."""
        super().__init__(capacity)
        self._ask = ask
        self._numbers: dict[int, int] = {}

    def load(self, block: Tensor) -> Tensor:
        """Brings in a block, as its owner sees it."""
        number, numbers = self._asked("load", block)
        return self._numbered(super().load(numbers), number)

    def zeros(self, rows: int, columns: int, like: Tensor) -> Tensor:
        """Makes room for a block of zeros."""
        number, _ = self._asked("zeros", rows, columns)
        return self._numbered(super().zeros(rows, columns, like), number)

    def store(self, block: Tensor, target: Tensor) -> None:
        """Writes a held block back."""
        super().store(block, target)
        self._asked("store", self._numbers[id(block)], block)

    def free(self, block: Tensor) -> None:
        """Frees the room of a held block."""
        super().free(block)
        self._asked("free", self._numbers.pop(id(block)))

    def _numbered(self, block: Tensor, number: int) -> Tensor:
        self._numbers[id(block)] = number
        return block

    def _asked(self, action: str, *args: Any) -> Any:
        reply = self._ask(action, *args)
        if isinstance(reply, str):
            raise ChipFull(reply)
        return reply


def function(text: str) -> Callable[..., Any]:
    """The function that a text such as `lambda x: torch.relu(x + 1)` defines."""
    made: Callable[..., Any] = eval(text, {"torch": torch, "functional": functional})
    return made
