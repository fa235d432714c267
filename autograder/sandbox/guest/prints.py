"""Keeps what a student's function prints during one call of a check, so that it can be shown under that case."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

__all__ = ["MOST", "Prints", "kept_prints"]

MOST = 3_500
"""Characters kept of one call; a verdict keeps little more of one text."""


class Prints(io.TextIOBase):
    """A standard output that keeps the beginning and counts the rest."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[str] = []
        self._room = MOST
        self._left_out = 0

    def write(self, text: str) -> int:
        """Keeps what fits."""
        kept = text[: self._room]
        self._room -= len(kept)
        self._left_out += len(text) - len(kept)
        if kept:
            self._parts.append(kept)
        return len(text)

    def writable(self) -> bool:
        """As a standard output is."""
        return True

    @property
    def text(self) -> str:
        """What was printed; where it is cut, the last line says how much is missing."""
        end = f"\n... and {self._left_out} more characters" if self._left_out else ""
        return "".join(self._parts).rstrip("\n") + end


@contextmanager
def kept_prints() -> Iterator[Prints]:
    """While it lasts, what this process prints in Python is kept and not shown."""
    prints = Prints()
    with redirect_stdout(prints):
        yield prints
