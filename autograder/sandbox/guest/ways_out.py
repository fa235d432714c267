"""Whether an exception that is raised at a line leaves the loop that the line is in, or is caught before."""

from __future__ import annotations

import ast
import linecache
from functools import lru_cache
from types import FrameType

__all__ = ["leaves_loop"]


def leaves_loop(frame: FrameType) -> bool:
    """Whether no `try` with `except` clauses stands between the frame's line and its innermost loop or function."""
    source = "".join(linecache.getlines(frame.f_code.co_filename, frame.f_globals))
    return frame.f_lineno not in _caught_lines(source)


@lru_cache(maxsize=8)
def _caught_lines(source: str) -> frozenset[int]:
    """The lines of `try` blocks that have `except` clauses, loops and functions inside them left out."""
    try:
        tree = compile(source, "<cell>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, ValueError):
        return frozenset()
    lines: set[int] = set()
    _collect(tree, False, lines)
    return frozenset(lines)


_NEW = (ast.For, ast.AsyncFor, ast.While, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def _collect(node: ast.AST, caught: bool, lines: set[int]) -> None:
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST):
                continue
            inside = caught
            if isinstance(node, ast.Try | ast.TryStar) and name == "body" and node.handlers:
                inside = True
            elif isinstance(node, _NEW) and name == "body":
                inside = False
            line = getattr(child, "lineno", None)
            if inside and isinstance(child, ast.stmt) and line is not None:
                lines.update(range(line, _head_end(child) + 1))
            _collect(child, inside, lines)


def _head_end(statement: ast.stmt) -> int:
    """The last line of a statement, without the block that belongs to it."""
    body = getattr(statement, "body", None)
    if isinstance(body, list) and body:
        return max(int(statement.lineno), int(body[0].lineno) - 1)
    return int(statement.end_lineno or statement.lineno)
