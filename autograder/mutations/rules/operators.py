"""Arithmetic, comparisons and logic: another operator, the other border, a sign, a term that is missing."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograder.mutations.source import Edit, Source

__all__ = ["comparisons", "logic", "operators", "signs", "terms"]

_OTHER: dict[type[ast.operator], tuple[str, ...]] = {
    ast.Add: ("-",),
    ast.Sub: ("+",),
    ast.Mult: ("/",),
    ast.Div: ("*", "//"),
    ast.FloorDiv: ("/", "*"),
    ast.Mod: ("//",),
    ast.Pow: ("*",),
    ast.BitAnd: ("|",),
    ast.BitOr: ("&",),
    ast.BitXor: ("|",),
    ast.LShift: (">>",),
    ast.RShift: ("<<",),
    ast.MatMult: ("*",),
}
_NOT_COMMUTATIVE = (ast.Sub, ast.Div, ast.FloorDiv, ast.MatMult, ast.Pow, ast.Mod)
_COMPARED: dict[type[ast.cmpop], tuple[str, ...]] = {
    ast.Lt: ("<=", ">", ">="),
    ast.LtE: ("<", ">=", ">"),
    ast.Gt: (">=", "<", "<="),
    ast.GtE: (">", "<=", "<"),
    ast.Eq: ("!=", ">=", "<="),
    ast.NotEq: ("==", ">", "<"),
    ast.In: ("not in",),
    ast.NotIn: ("in",),
    ast.Is: ("is not",),
    ast.IsNot: ("is",),
}


def operators(source: Source, node: ast.AST) -> Iterator[Edit]:
    """Another operator, or the operands in the other order."""
    if isinstance(node, ast.BinOp):
        left, right = source.segment(node.left), source.segment(node.right)
        for other in _OTHER[type(node.op)]:
            yield source.replaced(
                "operator", node, f"{_bracketed(node.left, left)} {other} {_bracketed(node.right, right)}"
            )
        if isinstance(node.op, _NOT_COMMUTATIVE) and left != right:
            sign = _sign(node.op)
            yield source.replaced(
                "order", node, f"{_bracketed(node.right, right)} {sign} {_bracketed(node.left, left)}"
            )
    elif isinstance(node, ast.AugAssign):
        target, value = source.segment(node.target), source.segment(node.value)
        for other in _OTHER[type(node.op)]:
            yield source.replaced("operator", node, f"{target} {other}= {value}")
        yield source.replaced("accumulation", node, f"{target} = {value}")


def comparisons(source: Source, node: ast.AST) -> Iterator[Edit]:
    """The other border, the other direction, and borders that lie beside the right one."""
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:
        return
    left, right = source.segment(node.left), source.segment(node.comparators[0])
    left, right = _bracketed(node.left, left), _bracketed(node.comparators[0], right)
    for other in _COMPARED[type(node.ops[0])]:
        yield source.replaced("comparison", node, f"{left} {other} {right}")


def logic(source: Source, node: ast.AST) -> Iterator[Edit]:
    """and, or, not, and which branch is taken."""
    if isinstance(node, ast.BoolOp):
        word = "or" if isinstance(node.op, ast.And) else "and"
        parts = [f"({source.segment(value)})" for value in node.values]
        yield source.replaced("logic", node, f" {word} ".join(parts))
        old = "and" if word == "or" else "or"
        for index in range(len(parts)):
            yield source.replaced("logic", node, f" {old} ".join(parts[:index] + parts[index + 1 :]))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.Invert)):
        yield source.replaced("logic", node, source.segment(node.operand))
    elif isinstance(node, (ast.If, ast.While, ast.IfExp)):
        if not isinstance(node.test, ast.Compare | ast.UnaryOp):
            yield source.replaced("logic", node.test, f"not ({source.segment(node.test)})")
        if isinstance(node, ast.IfExp) or node.orelse:
            yield source.replaced("logic", node.test, "False")
        if not isinstance(node, ast.While):
            yield source.replaced("logic", node.test, "True")


def signs(source: Source, node: ast.AST) -> Iterator[Edit]:
    """A sign too few or too many."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
        yield source.replaced("sign", node, source.segment(node.operand))
    for value in _results(node):
        if _is_zero(value):
            continue
        yield source.replaced("sign", value, f"-({source.segment(value)})")


def _results(node: ast.AST) -> Iterator[ast.expr]:
    """What a statement returns or keeps, part by part, where a sign would make sense."""
    if isinstance(node, (ast.Return, ast.Assign)) and node.value is not None:
        values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
        yield from (value for value in values if isinstance(value, (ast.BinOp, ast.Call, ast.Name, ast.Subscript)))


def _is_zero(node: ast.expr) -> bool:
    """Whether it makes an array of zeros, or an empty one."""
    name = getattr(node.func, "attr", "") if isinstance(node, ast.Call) else ""
    return name in ("zeros", "zeros_like", "new_zeros", "empty", "empty_like")


def terms(source: Source, node: ast.AST) -> Iterator[Edit]:
    """A term or a factor that is missing."""
    if isinstance(node, ast.BinOp):
        if isinstance(
            node.op, (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.Mod, ast.FloorDiv, ast.BitAnd, ast.BitOr)
        ):
            yield source.replaced("term", node, source.segment(node.left))
        if isinstance(node.op, (ast.Add, ast.Sub, ast.Mult, ast.BitAnd, ast.BitOr)):
            yield source.replaced("term", node, source.segment(node.right))


def _sign(operator: ast.operator) -> str:
    probe = ast.BinOp(ast.Name("a"), operator, ast.Name("b"))
    return ast.unparse(probe).split()[1]


def _bracketed(node: ast.expr, text: str) -> str:
    simple = (ast.Name, ast.Constant, ast.Call, ast.Attribute, ast.Subscript)
    return text if isinstance(node, simple) else f"({text})"
