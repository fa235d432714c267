"""Numbers in the text: by one, by a factor, near zero; defaults, flags and words."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from autograder.mutations.source import Edit, Source

__all__ = ["borders_near_zero", "constants"]

SMALL = 1e-2
"""A constant below this keeps something from becoming zero; above it, it is a number of the formula."""
_LEFT_ALONE = ("axis", "dim", "keepdims", "keepdim", "ddof", "correction", "strict")
"""Arguments with rules of their own, and one that is no matter where all is well."""
NEAR_ZERO = ("1e-12", "1e-6", "1e-3")


def constants(source: Source, node: ast.AST) -> Iterator[Edit]:
    """Another number, flag or None."""
    if not isinstance(node, ast.Constant):
        return
    value, parent = node.value, source.parents.get(node)
    if isinstance(parent, ast.keyword) and parent.arg in _LEFT_ALONE:
        return
    if isinstance(value, bool):
        yield source.replaced("flag", node, str(not value))
    elif isinstance(value, (int, float)):
        kind = "default" if isinstance(parent, ast.arguments) else "constant"
        whole, target = isinstance(value, int), _with_sign(source, node)
        shown = -value if target is not node else value
        for other in dict.fromkeys(_whole(shown) if whole else _fraction(shown)):
            if other != shown:
                yield source.replaced(kind, target, repr(other))


def _with_sign(source: Source, node: ast.Constant) -> ast.expr:
    parent = source.parents.get(node)
    return parent if isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.USub) else node


def _whole(value: Any) -> tuple[int, ...]:
    return (value + 1, value - 1) if abs(value) < 2 else (value + 1, value - 1, 2 * value)


def _fraction(value: float) -> tuple[float, ...]:
    if value == 0:
        return (1.0, -1.0, 1e-6)
    if abs(value) < SMALL:
        return (10 * value, value / 10, 0.0)
    return (2 * value, value / 2, -value, 0.0, value + 1)


def borders_near_zero(source: Source, node: ast.AST) -> Iterator[Edit]:
    """A comparison with zero whose border lies a little beside it."""
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:
        return
    if not isinstance(node.ops[0], (ast.Lt, ast.LtE, ast.Gt, ast.GtE)):
        return
    for side in (node.left, node.comparators[0]):
        if isinstance(side, ast.Constant) and side.value == 0 and not isinstance(side.value, bool):
            for border in NEAR_ZERO:
                yield source.replaced("border", side, border)
                yield source.replaced("border", side, f"-{border}")
