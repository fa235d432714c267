"""The text of an answer within the cell that it comes from, on the cell's own lines."""

from __future__ import annotations

import ast
import linecache
import re
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

__all__ = ["cell_of", "own_text"]

LONGEST_TEXT = 20_000
_DEFINITIONS = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)


def cell_of(answer: Any) -> str:
    """The text of the file or cell that defines a function or class; empty where nobody knows."""
    code = next(_codes(answer), None)
    return "".join(linecache.getlines(code.co_filename)) if code is not None else ""


def _codes(answer: Any) -> Iterator[CodeType]:
    if isinstance(answer, FunctionType):
        yield answer.__code__
    elif isinstance(answer, type):
        for value in vars(answer).values():
            if isinstance(value, FunctionType):
                yield value.__code__


def own_text(cell: str, name: str) -> str:
    """What defines `name` in a cell, with its helpers there; all else is left blank, so that lines keep their numbers.

    Empty where the cell is not Python, does not define the name, or is far too long.
    """
    if len(cell) > LONGEST_TEXT:
        return ""
    if name not in cell:
        return ""
    cell = re.sub(r"^[%!].*$", "", cell, flags=re.MULTILINE)  # what only IPython reads
    try:
        tree = ast.parse(cell)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    kept = [node for node in tree.body if isinstance(node, _DEFINITIONS) or _is_small_function(node)]
    if not any(name in _defined(node) for node in kept):
        return ""
    lines = cell.splitlines(keepends=True)
    used = {number for node in kept for number in range(_first_line(node), (node.end_lineno or 0) + 1)}
    return "".join(line if number in used else "\n" for number, line in enumerate(lines, start=1))


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)])


def _is_small_function(node: ast.stmt) -> bool:
    """Whether it gives a name to a lambda."""
    return isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda)


def _defined(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    return {node.name} if isinstance(node, (ast.FunctionDef, ast.ClassDef)) else set()
