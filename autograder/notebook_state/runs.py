"""What a kernel's cells did: which cell ran when, whether it failed, and which names it gave to something new.

The kernel itself tells: IPython's events before and after each cell, with the id that JupyterLab gives a cell. Where a
front end sends no ids, a cell that was edited cannot be told from another cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from traceback import walk_tb
from types import FunctionType
from typing import Any

from autograder.notebook_state.causes import cause_in_words
from autograder.notebook_state.cells import Names, names_in

__all__ = ["Run", "Runs"]

_MOST = 5_000
"""Runs that are remembered."""


@dataclass(frozen=True)
class Run:
    """One run of one cell.

    Attributes:
        cell: the id of the cell in the notebook; empty if the front end does not say.
        source: the cell's text.
        names: what the text gives names to.
        bound: the names that meant something else after the run than before.
        failed: the error that ended the run, with its line, in a few words; empty if there was none.
        kind: that error's type.
        missing: of a NameError, the name that is not defined.
    """

    cell: str
    source: str
    names: Names
    bound: frozenset[str] = frozenset()
    failed: str = ""
    kind: str = ""
    missing: str = ""

    def tries(self, name: str) -> bool:
        """Whether the text gives that name to something."""
        return name in self.names.defined or name in self.names.imported


@dataclass
class Runs:
    """All runs of a kernel, in order.

    Attributes:
        space: the names of the notebook.
    """

    space: Mapping[str, Any]
    runs: list[Run] = field(default_factory=list)
    _before: dict[str, Any] | None = None

    def began(self, _: Any) -> None:
        """For IPython's event `pre_run_cell`."""
        self._before = _marks(self.space)

    def ended(self, result: Any) -> None:
        """For IPython's event `post_run_cell`."""
        before, self._before = self._before, None
        info = getattr(result, "info", None)
        if info is None or not isinstance(info.raw_cell, str) or not info.store_history:
            return
        error = result.error_before_exec or result.error_in_exec
        names = names_in(info.raw_cell)
        now = _marks(self.space) if before is not None else {}
        bound = {name for name, mark in now.items() if before is not None and before.get(name) is not mark}
        if error is None:
            bound |= names.defined & self.space.keys()
        cell = str(getattr(info, "cell_id", None) or "")
        kind = type(error).__name__ if error is not None else ""
        missing = error.name if type(error) is NameError and isinstance(error.name, str) else ""
        failed = self._in_words(error, info.raw_cell)
        self.runs.append(Run(cell, info.raw_cell, names, frozenset(bound), failed, kind, missing))
        del self.runs[:-_MOST]

    def _in_words(self, error: BaseException | None, source: str) -> str:
        """An error that ended a cell, with the line of the cell at which it was raised or came through."""
        said = _in_words(error)
        frames = walk_tb(error.__traceback__) if error is not None and not isinstance(error, SyntaxError) else ()
        at = next((line for frame, line in frames if frame.f_globals is self.space), None)
        if at is None:
            return said
        lines = source.splitlines()
        at += next((index for index, line in enumerate(lines) if line.strip()), 0)  # IPython drops blank lines above
        return cause_in_words(at, lines[at - 1], said) if at <= len(lines) else said


def _marks(space: Mapping[str, Any]) -> dict[str, Any]:
    """The functions and classes by name: kept, so that none that is gone can be mistaken for a new one."""
    return {name: value for name, value in list(space.items()) if isinstance(value, FunctionType | type)}


def _in_words(error: BaseException | None) -> str:
    if error is None:
        return ""
    kind = type(error).__name__
    if isinstance(error, SyntaxError):
        return f"{kind} in line {error.lineno}: {error.msg}" if error.lineno else f"{kind}: {error.msg}"
    try:
        text = " ".join(str(error).split())[:200]
    except Exception:  # an exception's own __str__ may do anything
        text = ""
    return f"{kind}: {text}" if text else kind
