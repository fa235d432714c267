"""Which statements of a cell could not do here what they do on a student's machine, and why.

A kernel there has programs, a network, windows, more packages, files beside the notebook, a person who types. A
statement that fails for want of one costs itself, and so does one that needs a name which such a statement left without
its value. What a student's process says of this is told to people and decides nothing.
"""

from __future__ import annotations

import ast
from bdb import BdbQuit
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from IPython.core.error import StdinNotImplementedError, UsageError

from autograder.calls import CONSEQUENCE, Forgives, Raised, Skipped
from autograder.sandbox.guest import refusals
from autograder.sandbox.guest.perform import raised_by
from autograder.sandbox.wire.messages import MOST_SKIPPED

__all__ = ["Skips", "Statement", "after_failure", "statement_at"]

_RUNS_CODE = ("capture", "debug", "prun", "run", "time", "timeit")
"""Magics whose errors are those of the code that they run."""
_LONGEST_FILE = 50
_EVERYTHING = "*"
"""In place of the names of an import of everything, or of a file that is run."""


@dataclass(frozen=True)
class Statement:
    """One statement of a cell, or several on one line.

    Attributes:
        line: where it begins in the cell, as the student wrote it.
        nodes: its syntax.
    """

    line: int
    nodes: tuple[ast.AST, ...] = ()

    @property
    def bound(self) -> tuple[str, ...]:
        """The names that it gives something to."""
        return tuple(dict.fromkeys(name for node in self.nodes for name in _bound(node)))

    @property
    def used(self) -> frozenset[str]:
        """The names that it needs."""
        parts = (part for node in self.nodes for part in ast.walk(node))
        return frozenset(part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load))

    @property
    def magic(self) -> str:
        """The magic that it calls and that does what IPython says; empty if there is none."""
        calls = (magic_call(part) for node in self.nodes for part in ast.walk(node))
        return next((call[0] for call in calls if call and call[0] not in _RUNS_CODE), "")


class Skips:
    """The statements that were skipped, cell by cell.

    Attributes:
        found: those of the cell that runs.
    """

    def __init__(self, space: Mapping[str, Any]) -> None:
        """Takes the names of the notebook, of which those are watched that lack their value."""
        self._space = space
        self._unbound: set[str] = set()
        self._doubtful: dict[str, Any] = {}
        self._forgives = Forgives.NOTHING
        self.found: list[Skipped] = []

    def begin(self, forgives: Forgives) -> None:
        """Begins a cell."""
        self._forgives, self.found = forgives, []
        refusals.take()

    def passed(self, statement: Statement, noted: str) -> None:
        """Notes a statement that ran to its end without something that it asked for."""
        self._doubtful |= {name: self._space[name] for name in statement.bound if name in self._space}
        self._add(Skipped(statement.line, statement.bound, noted))

    def forgive(self, statement: Statement, error: BaseException) -> bool:
        """Notes a statement that failed; returns whether the rest of the cell runs."""
        refused = refusals.take()
        if self._forgives is Forgives.NOTHING or not isinstance(error, Exception | BdbQuit):
            return False
        raised = raised_by(error)
        if raised.kind == "MemoryError":
            return False
        reason = self._reason(statement, error, raised, [*refused.raised, *refused.noted])
        if not reason and self._forgives is Forgives.SURROUNDINGS:
            return False
        self._unbound.update(statement.bound)
        self._add(Skipped(statement.line, statement.bound, reason, raised))
        return True

    def _add(self, skipped: Skipped) -> None:
        if len(self.found) < MOST_SKIPPED:
            self.found.append(skipped)

    def _reason(self, statement: Statement, error: BaseException, raised: Raised, refused: list[str]) -> str:
        """What the statement lacked; empty for an error that is the student's own."""
        if isinstance(error, ImportError):
            name = getattr(error, "name", None)
            if "interactive framework" in raised.message:
                return refusals.NO_WINDOWS
            missing = isinstance(error, ModuleNotFoundError) and isinstance(name, str)
            return f"no module named {name}" if missing else raised.message or "an import fails here"
        if refused:
            return refused[0]
        if isinstance(error, UsageError) or statement.magic:
            return raised.message or f"%{statement.magic} fails here"
        if isinstance(error, StdinNotImplementedError | BdbQuit | EOFError):
            return "nobody is there to type anything"
        if isinstance(error, FileNotFoundError) and isinstance(error.filename, str):
            return f"no file {error.filename[:_LONGEST_FILE]}: files beside the notebook are not taken"
        if isinstance(error, OSError):
            return raised.message or raised.kind
        if raised.kind in ("AssertionError", "RuntimeError") and "cuda" in f"{raised.message}{raised.source}".lower():
            return "no GPU is there"
        if raised.message.startswith("File `") and _EVERYTHING in statement.bound:
            return raised.message
        lost = self._lost(statement, raised)
        return f"{lost} {CONSEQUENCE}" if lost else ""

    def _lost(self, statement: Statement, raised: Raised) -> str:
        """A name that the statement needs and that lacks its value for the same reasons."""
        lacking = (name for name in (raised.missing, _EVERYTHING) if name in self._unbound and name not in self._space)
        if raised.missing and any(lacking):
            return raised.missing
        doubtful = (name for name, value in self._doubtful.items() if self._space.get(name) is value)
        return next((name for name in doubtful if name in statement.used), "")


# --- syntax ----------------------------------------------------------------------------------------------


def statement_at(nodes: Iterable[ast.stmt], line: int, first: int = 1) -> Statement:
    """The statement at a line, in a cell whose text begins at line `first` of what the student wrote."""
    here = [node for node in nodes if _start(node) <= line <= (node.end_lineno or node.lineno)]
    return Statement(min(map(_start, here), default=line) + first - 1, tuple(here))


def after_failure(statement: Statement, error: BaseException) -> tuple[str, int] | None:
    """The text below `%%time`, if it failed there, and the line of it that did; None if the statement is none such."""
    call = magic_call(statement.nodes[0].value) if _is_expression(statement.nodes) else None  # type: ignore[attr-defined]
    trace, line = error.__traceback__, 0
    while trace is not None and not line:
        if trace.tb_frame.f_code.co_filename == "<timed exec>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return (call[-1], line) if call and call[0] == "time" and len(call) == 3 and line else None


def magic_call(node: ast.AST) -> tuple[str, ...]:
    """The texts that a call of a magic is given, its name first; empty for anything else."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return ()
    if node.func.attr not in ("run_line_magic", "run_cell_magic"):
        return ()
    texts = [part.value for part in node.args if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return tuple(texts) if len(texts) == len(node.args) else ()


def _is_expression(nodes: tuple[ast.AST, ...]) -> bool:
    return len(nodes) == 1 and isinstance(nodes[0], ast.Expr)


def _start(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)])


def _bound(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Store):
            yield node.id
    elif (call := magic_call(node))[:1] == ("run",):
        yield _EVERYTHING
    elif len(call) == 3:
        with suppress(SyntaxError, ValueError):  # the text below the magic, in whatever language
            yield from _bound(ast.parse(call[-1]))
    elif not isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        for child in ast.iter_child_nodes(node):
            yield from _bound(child)
