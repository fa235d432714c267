"""What right answers lend to the repair of a wrong one, in the words of the wrong one."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autograder.mutations.rules.arrays import name_of
from autograder.mutations.source import written

__all__ = ["BUILTINS", "MODULES", "UNLIKELY", "Donors", "Lender", "donors_of"]

MODULES = {"np", "torch", "math", "F", "nn", "numpy"}
BUILTINS = {"len", "range", "float", "int", "sum", "max", "min", "abs", "round", "enumerate", "zip", "list", "bool"}
UNLIKELY = {"range", "len", "zeros", "ones", "append", "enumerate", "zip", "print", "isinstance", "ValueError"}
"""Calls around which, or in whose place, nothing is put."""
_MOST_STEPS = 2
"""What is lent has no more operations than that: a repair is a small thing."""
_GAP = "__gap__"


@dataclass(frozen=True)
class Donors:
    """What right answers lend.

    Attributes:
        expressions: in terms of names that the wrong answer has.
        around: calls whose first argument, `{}`, is to be filled in, in the same terms; `{}.name(...)` for methods.
        numbers: constants.
        keywords: the name of a function, and a keyword argument with which it is called.
        slices, axes: what stands between brackets, and after `axis=` or `dim=`.
        tests: comparisons.
        statements: that set a name which the wrong answer has, or change what it has.
    """

    expressions: tuple[str, ...] = ()
    around: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    keywords: tuple[tuple[str, str], ...] = ()
    slices: tuple[str, ...] = ()
    axes: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lender:
    """A right answer, and which of its variables have the values of which of the wrong answer's."""

    text: str
    same: Mapping[str, str] = field(default_factory=dict)


def donors_of(lenders: Sequence[Lender], name: str, parameters: Sequence[str]) -> Donors:
    """What right answers can lend, with their parameters under other names.

    Args:
        lenders: right answers.
        name: of the function in each of them.
        parameters: the names of the wrong answer's parameters, in order.
    """
    found = _Found()
    for lender in lenders:
        for node in ast.walk(ast.parse(lender.text)):
            if isinstance(node, ast.Constant) and type(node.value) in (int, float):
                found.numbers.setdefault(repr(node.value))
            if isinstance(node, ast.FunctionDef) and node.name == name:
                theirs = [each.arg for each in node.args.args]
                found.take(node, {**lender.same, **dict(zip(theirs, parameters, strict=False))})
            elif isinstance(node, ast.ClassDef) and node.name == name:
                found.take_class(node)
    return found.donors()


class _Found:
    """What was found so far, each once, in the wrong answer's words."""

    def __init__(self) -> None:
        self.numbers: dict[str, None] = {}
        self._expressions: dict[str, None] = {}
        self._around: dict[str, None] = {}
        self._keywords: dict[tuple[str, str], None] = {}
        self._slices: dict[str, None] = {}
        self._axes: dict[str, None] = {}
        self._tests: dict[str, None] = {}
        self._statements: dict[str, None] = {}

    def take(self, function: ast.FunctionDef, names: Mapping[str, str]) -> None:
        """All that one function lends; `names` are those of its variables that the wrong answer has."""
        mine = set(names)
        lent: tuple[tuple[dict[str, None], Iterator[ast.AST]], ...] = (
            (self._expressions, _lendable(function, mine)),
            (self._around, _enclosing(function, mine)),
            (self._tests, _tests(function, mine)),
            (self._statements, _statements(function, mine)),
        )
        for kept, nodes in lent:
            for node in nodes:
                kept.setdefault(_in_other_names(node, names))
        for node in ast.walk(function):
            if isinstance(node, ast.Call):
                for keyword in node.keywords:
                    if keyword.arg and _names_of(keyword.value) <= mine | MODULES | BUILTINS:
                        text = f"{keyword.arg}={_in_other_names(keyword.value, names)}"
                        self._keywords.setdefault((name_of(node), text))
                        if keyword.arg in ("axis", "dim"):
                            self._axes.setdefault(written(keyword.value))
            elif isinstance(node, ast.Slice) and _names_of(node) <= mine | BUILTINS:
                self._slices.setdefault(_in_other_names(node, names))

    def take_class(self, node: ast.ClassDef) -> None:
        """What the methods of a class lend, where they use only their own parameters and attributes."""
        for method in node.body:
            if isinstance(method, ast.FunctionDef):
                self.take(method, {each.arg: each.arg for each in method.args.args})

    def donors(self) -> Donors:
        """All of it, the shortest first."""
        parts = (self._slices, self._axes, self._tests, self._statements)
        return Donors(
            tuple(sorted(self._expressions, key=len)),
            tuple(sorted((each.replace(_GAP, "{}") for each in self._around), key=len)),
            tuple(self.numbers),
            tuple(self._keywords),
            *(tuple(sorted(part, key=len)) for part in parts),
        )


def _names_of(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _enclosing(function: ast.FunctionDef, mine: set[str]) -> Iterator[ast.expr]:
    """Calls of a library with a gap in the place of their first argument, calls of methods with one before the dot."""
    known = mine | MODULES | BUILTINS | {_GAP}
    gap = ast.Name(_GAP, ast.Load())
    for node in ast.walk(function):
        if not isinstance(node, ast.Call) or name_of(node) in UNLIKELY:
            continue
        calls = []
        if node.args and isinstance(node.func, (ast.Attribute, ast.Name)):
            calls.append(ast.Call(node.func, [gap, *node.args[1:]], node.keywords))
        if isinstance(node.func, ast.Attribute) and not _names_of(node.func) <= MODULES:
            calls.append(ast.Call(ast.Attribute(gap, node.func.attr, ast.Load()), node.args, node.keywords))
        yield from (call for call in calls if _names_of(call) <= known)


def _lendable(function: ast.FunctionDef, mine: set[str]) -> Iterator[ast.expr]:
    """Parts of expressions; what a statement returns or keeps as a whole would be the answer, not a repair."""
    known = mine | MODULES | BUILTINS
    parameters = {each.arg for each in function.args.args}
    whole = {id(node.value) for node in ast.walk(function) if isinstance(node, (ast.Return, ast.Assign))}
    for node in ast.walk(function):
        if id(node) in whole:
            continue
        if not isinstance(node, (ast.BinOp, ast.Call, ast.Subscript, ast.Attribute, ast.UnaryOp, ast.Compare)):
            continue
        if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            continue
        names = _names_of(node)
        steps = sum(isinstance(each, (ast.BinOp, ast.Call, ast.Compare, ast.UnaryOp)) for each in ast.walk(node))
        everything = len(parameters) > 2 and names >= parameters
        if names <= known and names & mine and not everything and steps <= _MOST_STEPS:
            yield node


def _tests(function: ast.FunctionDef, mine: set[str]) -> Iterator[ast.expr]:
    """What decides a branch or a loop."""
    for node in ast.walk(function):
        if isinstance(node, (ast.If, ast.IfExp, ast.While)) and _names_of(node.test) <= mine | MODULES | BUILTINS:
            yield node.test


def _statements(function: ast.FunctionDef, mine: set[str]) -> Iterator[ast.stmt]:
    """Small statements in terms of names at hand; what they set is at hand, too, or an attribute."""
    for node in ast.walk(function):
        is_call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
        is_small = is_call or isinstance(node, (ast.Assign, ast.AugAssign))
        if is_small and isinstance(node, ast.stmt) and _names_of(node) <= mine | MODULES | BUILTINS:
            yield node


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.copy_location(ast.Name(self._names.get(node.id, node.id), node.ctx), node)


def _in_other_names(node: ast.AST, names: Mapping[str, str]) -> str:
    if isinstance(node, ast.stmt):
        renamed: Any = ast.parse(written(node)).body[0]
    elif isinstance(node, ast.Slice):
        return written(_in_a_slice(node, names))
    else:
        renamed = ast.parse(written(node), mode="eval").body
    return written(_Renamed(names).visit(renamed))


def _in_a_slice(node: ast.Slice, names: Mapping[str, str]) -> ast.AST:
    found: Any = ast.parse(f"_[{written(node)}]", mode="eval").body
    return _Renamed(names).visit(found.slice)  # type: ignore[no-any-return]
