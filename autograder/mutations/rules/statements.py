"""Whole statements: left out, in the other order, done for the first only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

from autograder.mutations.source import Edit, Source

__all__ = ["dropped", "loops", "swapped"]


def dropped(source: Source, node: ast.AST) -> Iterator[Edit]:
    """A statement left out, where what is left still runs."""
    if isinstance(node, (ast.AugAssign, ast.Expr, ast.Continue, ast.Break)) or (
        isinstance(node, ast.Assign) and _assigned_before(source, node)
    ):
        yield source.replaced("statement", node, "pass")
    elif isinstance(node, ast.If):
        yield source.rewritten("statement", node, "pass", f"if {source.segment(node.test)}: ...", "")
    elif isinstance(node, ast.Break):
        yield source.replaced("statement", node, "continue")


def _assigned_before(source: Source, node: ast.Assign) -> bool:
    """Whether every name that it sets has a value already, or it sets entries alone."""
    function = source.function_of(node)
    if function is None:
        return False
    targets = [each for target in node.targets for each in _targets(target)]
    arguments = {each.arg for each in (*function.args.args, *function.args.kwonlyargs)}
    earlier = arguments | {
        name.id
        for name in ast.walk(function)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store) and name.lineno < node.lineno
    }
    return all(not isinstance(target, ast.Name) or target.id in earlier for target in targets)


def _targets(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, (ast.Tuple, ast.List)):
        for each in node.elts:
            yield from _targets(each)
    else:
        yield node


def swapped(source: Source, node: ast.AST) -> Iterator[Edit]:
    """Two statements in the other order: of random draws, say, or an update before what it is computed from."""
    for body in (getattr(node, "body", None), getattr(node, "orelse", None)):
        if not isinstance(body, list) or isinstance(node, ast.ClassDef):
            continue
        for one, two in pairwise(body):
            if isinstance(one, _SIMPLE) and isinstance(two, _SIMPLE) and _depend(one, two):
                yield _exchanged(source, one, two)


_SIMPLE = (ast.Assign, ast.AugAssign, ast.Expr)
_RANDOM = {
    "rng",
    "generator",
    "gen",
    "random",
    "randn",
    "rand",
    "randint",
    "randperm",
    "shuffle",
    "seed",
    "manual_seed",
}


def _depend(one: ast.stmt, two: ast.stmt) -> bool:
    """Whether the order of two statements can matter: one changes what the other uses, or both draw random numbers."""
    used = [{node.id for node in ast.walk(each) if isinstance(node, ast.Name)} for each in (one, two)]
    drawn = [
        _RANDOM & {getattr(node, "id", getattr(node, "attr", "")) for node in ast.walk(each)} for each in (one, two)
    ]
    return bool(_changed(one) & used[1] or _changed(two) & used[0] or (drawn[0] and drawn[1]))


def _changed(statement: ast.stmt) -> set[str]:
    """The names that a statement gives values to, or whose objects it may change."""
    found = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(statement):
        if isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            found.add(_root(node))
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        found.add(_root(statement.value.func))
    return found - {""}


def _root(node: ast.AST) -> str:
    """The name at the start of `a.b[c].d`."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _exchanged(source: Source, one: ast.stmt, two: ast.stmt) -> Edit:
    first, second = source.segment(one), source.segment(two)
    later = source.replaced("order", two, first).text
    text = Source(later).replaced("order", one_again(later, one), second).text
    shown = f"{_flat(first)}; {_flat(second)}"
    return Edit("order", one.lineno, shown, f"{_flat(second)}; {_flat(first)}", text)


def one_again(text: str, node: ast.stmt) -> ast.stmt:
    """The statement that stands in another text where `node` stands in its own."""
    for each in ast.walk(ast.parse(text)):
        if isinstance(each, ast.stmt) and (each.lineno, each.col_offset) == (node.lineno, node.col_offset):
            return each
    raise LookupError(node.lineno)


def _flat(text: str) -> str:
    return " ".join(text.split())


def loops(source: Source, node: ast.AST) -> Iterator[Edit]:
    """A loop that ends after its first round, or leaves out the first."""
    if isinstance(node, (ast.For, ast.While)):
        last = node.body[-1]
        indent = " " * node.body[0].col_offset
        new = f"{source.segment(last)}\n{indent}break"
        yield source.rewritten("loop", last, new, f"{_head(source, node)} ...", f"{_head(source, node)} ... break")
    if isinstance(node, ast.For) and not source.segment(node.iter).startswith("range("):
        over = source.segment(node.iter)
        yield source.replaced("loop", node.iter, f"list({over})[1:]")
        yield source.replaced("loop", node.iter, f"list({over})[:-1]")


def _head(source: Source, node: ast.For | ast.While) -> str:
    if isinstance(node, ast.For):
        return f"for {source.segment(node.target)} in {source.segment(node.iter)}:"
    return f"while {source.segment(node.test)}:"
