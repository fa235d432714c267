"""Edits that exchange what is at hand: two variables of a line, a number for a parameter, a name for `_`.

They only lead back from mistakes: as mutants they would be many and alike.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from itertools import combinations

from autograder.mutations.source import Edit, Source

__all__ = ["EXCHANGED", "literals", "thrown_away", "variables"]

MOST_NAMES = 6
_SMALL = (0, 1, 2)


def variables(source: Source, node: ast.AST) -> Iterator[Edit]:
    """Two variables of one line, each in the other's place: wherever it reads them, or wherever it sets them."""
    if not isinstance(node, (ast.Assign, ast.AugAssign, ast.Return)) or node.value is None:
        return
    called = {id(each.func) for each in ast.walk(node) if isinstance(each, ast.Call)}
    called |= {id(each.value) for each in ast.walk(node) if isinstance(each, ast.Attribute)}
    for kind in (ast.Load, ast.Store):
        names = [each for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, kind)]
        found = list(dict.fromkeys(each.id for each in names if id(each) not in called))[:MOST_NAMES]
        for one, two in combinations(found, 2):
            yield source.replaced("order", node, ast.unparse(_exchanged(node, {one: two, two: one}, kind)))


def _exchanged(node: ast.stmt, other: dict[str, str], kind: type[ast.expr_context]) -> ast.stmt:
    found = copy.deepcopy(node)
    for each in ast.walk(found):
        if isinstance(each, ast.Name) and isinstance(each.ctx, kind):
            each.id = other.get(each.id, each.id)
    return found


def literals(source: Source, node: ast.AST) -> Iterator[Edit]:
    """A parameter in the place of a number, which may be the parameter's usual value."""
    if not isinstance(node, ast.Constant) or type(node.value) not in (int, float) or node.value in _SMALL:
        return
    function = source.function_of(node)
    if isinstance(function, ast.FunctionDef) and node not in function.args.defaults + function.args.kw_defaults:
        for each in (*function.args.args, *function.args.kwonlyargs):
            yield source.replaced("literal", node, each.arg)


def thrown_away(source: Source, node: ast.AST) -> Iterator[Edit]:
    """A parameter in the place of `_`: a result that is kept for the next round."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == "_":
        function = source.function_of(node)
        if isinstance(function, ast.FunctionDef):
            for each in function.args.args:
                yield source.replaced("name", node, each.arg)


EXCHANGED = (variables, literals, thrown_away)
