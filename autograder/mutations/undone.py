"""Edits that lead back from what a rule has made, where the rules themselves do not: the other operator, a keyword.

Each yields the edits of one node, as the rules do; what to put in comes from the numbers, calls and tests of right
answers, and from the answer itself.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import TypeGuard

from autograder.mutations.donors import MODULES, UNLIKELY, Donors
from autograder.mutations.rules.arrays import name_of
from autograder.mutations.source import Edit, Source

__all__ = ["LENT_BACK", "UNDONE"]

Lending = Callable[[Donors, Source, ast.AST], Iterator[Edit]]

_OPERATORS: dict[type[ast.operator], tuple[str, ...]] = {
    ast.Mult: ("@", "**", "//"),
    ast.Pow: ("/",),
    ast.FloorDiv: ("%",),
    ast.Div: ("%", "**"),
    ast.MatMult: ("/", "+", "-"),
    ast.Add: ("*", "@"),
    ast.Sub: ("/", "*"),
}


def operators(source: Source, node: ast.AST) -> Iterator[Edit]:
    """An operator of which the present one is no usual slip."""
    if isinstance(node, ast.BinOp):
        left, right = (_bracketed(source, side) for side in (node.left, node.right))
        for other in _OPERATORS.get(type(node.op), ()):
            yield source.replaced("operator", node, f"{left} {other} {right}")
    elif isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        if isinstance(target, (ast.Name, ast.Subscript, ast.Attribute)):
            left, right = source.segment(target), source.segment(node.value)
            for other in ("+", "-", "*", "|"):
                yield source.replaced("accumulation", node, f"{left} {other}= {right}")


def comparisons(source: Source, node: ast.AST) -> Iterator[Edit]:
    """Equal or not equal."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        left, right = (_bracketed(source, side) for side in (node.left, node.comparators[0]))
        for other in ("==", "!="):
            yield source.replaced("comparison", node, f"{left} {other} {right}")


def signs(source: Source, node: ast.AST) -> Iterator[Edit]:
    """A sign before any part of an expression."""
    if is_place(node, source) and not isinstance(source.parents.get(node), ast.UnaryOp):
        yield source.replaced("sign", node, f"-{_bracketed(source, node)}")


def unsigned(source: Source, node: ast.AST) -> Iterator[Edit]:
    """Without a sign."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not, ast.Invert)):
        yield source.replaced("sign", node, source.segment(node.operand))


def numbers(source: Source, node: ast.AST) -> Iterator[Edit]:
    """Half of a number, or one less; zero in place of a small one."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant) and not isinstance(node.op, ast.Not):
        yield source.replaced("constant", node, "0")
    if not isinstance(node, ast.Constant) or isinstance(node.value, bool):
        return
    value = node.value
    if isinstance(value, int):
        others: tuple[float, ...] = (value // 2, -value, 0, 1, 2) if value % 2 == 0 else (-value, 0, 1, 2)
    elif isinstance(value, float):
        others = (value - 1, 1 - value, value / 10, 10 * value, 0.5, 1.0, 2.0, 1e-12)
    else:
        return
    for other in dict.fromkeys(others):
        if other != value:
            yield source.replaced("constant", node, repr(round(other, 12) if abs(other) > 1e-6 else other))


def arguments(source: Source, node: ast.AST) -> Iterator[Edit]:
    """Two arguments in the other order, where one of them is unpacked."""
    if isinstance(node, ast.Call):
        texts = [source.segment(argument) for argument in node.args]
        named = [source.segment(keyword) for keyword in node.keywords]
        for at in range(len(texts) - 1):
            if isinstance(node.args[at], ast.Starred) or isinstance(node.args[at + 1], ast.Starred):
                swapped = [*texts[:at], texts[at + 1], texts[at], *texts[at + 2 :]]
                call = f"{source.segment(node.func)}({', '.join(swapped + named)})"
                yield source.replaced("arguments", node, call)
        for one in range(len(texts)):
            for two in range(one + 2, len(texts)):
                swapped = list(texts)
                swapped[one], swapped[two] = texts[two], texts[one]
                call = f"{source.segment(node.func)}({', '.join(swapped + named)})"
                yield source.replaced("arguments", node, call)


def bare(source: Source, node: ast.AST) -> Iterator[Edit]:
    """Without a slice, an index or a list around it; a range that begins at 0."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        inner = source.segment(node.value)
        yield source.replaced("slice", node, inner)
        if isinstance(node.slice, ast.Slice):
            yield from (source.replaced("shape", node, f"{inner}[{new}]") for new in (":, None", "None", "..., None"))
        if isinstance(node.value, ast.Call) and name_of(node.value) == "list" and node.value.args:
            yield source.replaced("loop", node, source.segment(node.value.args[0]))
    elif isinstance(node, ast.Call) and name_of(node) in ("range", "arange") and len(node.args) == 2:
        named = [source.segment(keyword) for keyword in node.keywords]
        parts = ", ".join([source.segment(node.args[1]), *named])
        yield source.replaced("range", node, f"{source.segment(node.func)}({parts})")
        back = ", ".join([*(source.segment(each) for each in node.args), "-1", *named])
        yield source.replaced("range", node, f"{source.segment(node.func)}({back})")
    elif isinstance(node, ast.Call) and name_of(node) in ("reversed", "sorted") and len(node.args) == 1:
        yield source.replaced("order", node, source.segment(node.args[0]))


def lengths(source: Source, node: ast.AST) -> Iterator[Edit]:
    """The length along any other axis."""
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "shape":
        for other in ("0", "1", "2", "3", "-1", "-2"):
            yield source.replaced("shape", node.slice, other)


_METHODS = {
    "torch": ("tanh()", "sigmoid()", "exp()", "log()", "sqrt()", "square()", "abs()", "conj()", "item()", "relu()",
              "clamp(min=0)", "tolist()", "detach()", "clone()", "double()", "long()", "sum()", "mean()", "flatten()"),
    "np": ("copy()", "astype(float)", "astype(int)", "sum()", "mean()", "ravel()", "conj()"),
}  # fmt: skip


def methods(source: Source, node: ast.AST) -> Iterator[Edit]:
    """A usual method after a value."""
    if is_place(node, source) and isinstance(node, (ast.Name, ast.BinOp, ast.Call, ast.Subscript, ast.Attribute)):
        inner = _bracketed(source, node)
        for method in _METHODS["torch" if "torch" in source.text else "np"]:
            yield source.rewritten("function", node, f"{inner}.{method}", source.segment(node), f"{inner}.{method}")


UNDONE = (unsigned, operators, comparisons, numbers, arguments, bare, lengths, signs, methods)


# --- with what right answers lend ----------------------------------------------------------------------------


def keywords(donors: Donors, source: Source, node: ast.AST) -> Iterator[Edit]:
    """A keyword argument that a right answer gives to the same function."""
    if isinstance(node, ast.Call):
        have = {keyword.arg for keyword in node.keywords}
        for called, text in donors.keywords:
            if called == name_of(node) and text.partition("=")[0] not in have:
                yield source.rewritten("arguments", node, source.with_argument(node, text), "", text)


def other_keywords(donors: Donors, source: Source, node: ast.AST) -> Iterator[Edit]:
    """A keyword argument that a right answer gives to another function; a parameter by its own name."""
    if isinstance(node, ast.Call) and name_of(node) not in UNLIKELY - {"zeros", "ones"}:
        have = {keyword.arg for keyword in node.keywords}
        function = source.function_of(node)
        own = [f"{each.arg}={each.arg}" for each in function.args.args] if function is not None else []
        usual = ["keepdim=True" if "torch" in source.text else "keepdims=True"]
        texts = [*(text for called, text in donors.keywords if called != name_of(node)), *own, *usual]
        for text in dict.fromkeys(texts):
            if text.partition("=")[0] not in have:
                yield source.rewritten("arguments", node, source.with_argument(node, text), "", text)


def slices(donors: Donors, source: Source, node: ast.AST) -> Iterator[Edit]:
    """A slice of a right answer in the place of another one, or a usual one."""
    if isinstance(node, ast.Slice):
        for new in dict.fromkeys((*donors.slices, "1:", "2:", "3:", ":1", ":2", ":3", ":-1", ":-2", "-2:")):
            yield source.replaced("slice", node, new)


def axes(donors: Donors, source: Source, node: ast.AST) -> Iterator[Edit]:
    """An axis of a right answer, or several."""
    if isinstance(node, ast.Call):
        usual = ("0", "1", "2", "-1", "(0, 2)", "(1, 2)", "(2, 3)", "(0, 2, 3)")
        for keyword in node.keywords:
            if keyword.arg in ("axis", "dim"):
                for other in dict.fromkeys((*donors.axes, *usual)):
                    yield source.replaced("axis", keyword.value, other)


def tests(donors: Donors, source: Source, node: ast.AST) -> Iterator[Edit]:
    """A condition of a right answer in the place of another one."""
    if isinstance(node, (ast.If, ast.IfExp, ast.While)):
        for test in donors.tests:
            yield source.replaced("logic", node.test, test)


def statements(donors: Donors, source: Source, node: ast.AST) -> Iterator[Edit]:
    """A statement of a right answer before another one, or after it."""
    if not isinstance(node, ast.stmt) or isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return
    start, text = " " * node.col_offset, source.segment(node)
    for statement in donors.statements:
        if " ".join(text.split()) != statement:
            yield source.rewritten("missing", node, f"{statement}\n{start}{text}", "", statement)
            if not isinstance(node, (ast.Return, ast.Break, ast.Continue)):
                yield source.rewritten("missing", node, f"{text}\n{start}{statement}", "", statement)


LENT_BACK: tuple[Lending, ...] = (keywords, tests, axes, slices, statements, other_keywords)


# --- places --------------------------------------------------------------------------------------------------


def is_place(node: ast.AST, source: Source) -> TypeGuard[ast.expr]:
    """Whether a node is a value that can be replaced by another expression."""
    if not isinstance(node, (ast.BinOp, ast.Call, ast.Name, ast.Subscript, ast.Attribute, ast.Constant, ast.UnaryOp)):
        return False
    if isinstance(node, ast.Constant) and not isinstance(node.value, (int, float, complex)):
        return False
    parent = source.parents.get(node)
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return False
    if isinstance(parent, ast.Attribute):
        return not (isinstance(node, (ast.Name, ast.Attribute)) and root(node) in MODULES | {"self"})
    return not (isinstance(parent, ast.Call) and node is parent.func)


def root(node: ast.expr) -> str:
    """The name with which `a.b.c` begins."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _bracketed(source: Source, node: ast.AST) -> str:
    text = source.segment(node)
    simple = (ast.Name, ast.Constant, ast.Call, ast.Attribute, ast.Subscript)
    return text if isinstance(node, simple) else f"({text})"
