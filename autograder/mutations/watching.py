"""Functions that note the values on their way: the same text, with a call after each step that keeps a value."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

__all__ = ["NOTE", "noting", "telling"]

NOTE = "__note__"
"""The name under which a noting text calls `note(line, value)`."""

Note = Callable[[int, Any], Any]


def noting(text: str, *, parts: bool = False, apart: bool = False) -> ast.Module:
    """A text whose functions call `__note__(line, value)` with what each statement keeps or returns.

    Args:
        text: one or more definitions.
        parts: whether every part of an expression is noted as well.
        apart: whether places on the same line are told apart: what is noted is then not a line but a place.

    Raises:
        SyntaxError: it is not Python.
    """
    tree = ast.parse(text)
    for transformer in (_Parts(), _Statements()) if parts else (_Statements(),):
        transformer.visit(tree)
    if apart:
        _number_places(tree)
    return ast.fix_missing_locations(tree)


_TELLING = """
def __note__(line, value, _notes=[]):
    if line is None:
        taken = list(_notes)
        _notes.clear()
        return taken
    if len(_notes) < {most}:
        kept = value
        if hasattr(value, "detach"):
            kept = value.detach().clone()
        elif hasattr(value, "copy"):
            kept = value.copy()
        if isinstance(kept, (bool, int, float, complex, list, tuple)) or hasattr(kept, "dtype"):
            _notes.append([line, kept])
    return value


def {name}(*args, _answer={name}, **kwargs):
    try:
        _answer(*args, **kwargs)
    except Exception:
        pass
    return __note__(None, None)
"""


def telling(text: str, name: str, most: int = 300) -> str:
    """A text whose function returns, in place of its result, the first values on its way: pairs of a line and a value.

    Args:
        text: one or more definitions.
        name: of the function.
        most: how many pairs.

    Raises:
        SyntaxError: it is not Python.
    """
    return ast.unparse(noting(text)) + _TELLING.format(name=name, most=most)


def _note(line: int, value: ast.expr) -> ast.Call:
    return ast.copy_location(ast.Call(ast.Name(NOTE, ast.Load()), [ast.Constant(line), value], []), value)


def _number_places(tree: ast.Module) -> None:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == NOTE]
    for place, call in enumerate(calls, start=1):
        call.args[0] = ast.copy_location(ast.Constant(place), call.args[0])


class _Statements(ast.NodeTransformer):
    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        node.value = _note(node.lineno, node.value)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        if node.value is not None:
            node.value = _note(node.lineno, node.value)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> list[ast.stmt]:
        """The value afterwards counts, not what is added."""
        load = ast.parse(ast.unparse(node.target), mode="eval").body
        return [node, ast.copy_location(ast.Expr(_note(node.lineno, load)), node)]

    def visit_Return(self, node: ast.Return) -> ast.stmt:
        if node.value is not None:
            node.value = _note(node.lineno, node.value)
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        """What is appended to a list is a value on the way."""
        call = node.value
        if (
            isinstance(call, ast.Call)
            and len(call.args) == 1
            and getattr(call.func, "attr", "") in ("append", "extend")
        ):
            call.args[0] = _note(node.lineno, call.args[0])
        return node


class _Parts(ast.NodeTransformer):
    """Notes the value of every part of an expression that is a computation."""

    def _noted(self, node: Any) -> ast.expr:
        self.generic_visit(node)
        if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            return node  # type: ignore[no-any-return]
        return _note(node.lineno, node)

    visit_BinOp = visit_UnaryOp = visit_Compare = visit_Subscript = visit_IfExp = _noted

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """A call is noted, what is called is not."""
        node.args = [self.visit(argument) for argument in node.args]
        for keyword in node.keywords:
            keyword.value = self.visit(keyword.value)
        if isinstance(node.func, ast.Attribute):
            node.func.value = self.visit(node.func.value)
        return _note(node.lineno, node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """A transpose is noted; other attributes are not."""
        if node.attr in ("T", "mT", "H", "real", "imag"):
            return self._noted(node)
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        return node
