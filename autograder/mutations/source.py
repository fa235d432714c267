"""The text of functions as something that can be edited: each node knows where it stands and what stands around it."""

from __future__ import annotations

import ast
import linecache
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

__all__ = ["Edit", "Source", "compiled", "written"]

_ATOMS = (ast.Name, ast.Constant, ast.Call, ast.Attribute, ast.Subscript, ast.List, ast.Dict, ast.Set, ast.ListComp)


@dataclass(frozen=True)
class Edit:
    """One change of a text.

    Attributes:
        kind: what kind of change it is: "axis", "sign", "statement", ...
        line: where, from 1.
        old: what stood there, and `new`: what stands there now, each on one line; `new` is empty for what was dropped.
        text: the whole text afterwards.
    """

    kind: str
    line: int
    old: str
    new: str
    text: str

    @property
    def name(self) -> str:
        """The change on one line; unique within a text, where it is followed by the line's number if need be."""
        return f"{self.old} => {self.new}" if self.new else f"{self.old} => nothing"


def written(node: ast.AST) -> str:
    """A node as text on one line, as `ast.unparse` writes it."""
    return " ".join(ast.unparse(node).split())


class Source:
    """A text of one or more definitions, parsed, with places and parents.

    Raises:
        SyntaxError: it is not Python.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self._lines = [line.encode() for line in text.splitlines(keepends=True)]
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))
        self._bytes = text.encode()
        self.parents: dict[ast.AST, ast.AST] = {}
        for node in ast.walk(self.tree):
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node

    @cached_property
    def functions(self) -> tuple[ast.FunctionDef, ...]:
        """Every function, those inside classes and functions included."""
        return tuple(node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef))

    def nodes(self) -> Iterator[ast.AST]:
        """Every node that may be edited, in order: nothing in annotations, f-strings, docstrings, prints or errors."""
        for statement in self.tree.body:
            yield from self._within(statement)

    def _within(self, node: ast.AST) -> Iterator[ast.AST]:
        yield node
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "decorator_list", "type_comment") or isinstance(node, ast.JoinedStr):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not _is_idle(child):
                    yield from self._within(child)

    def function_of(self, node: ast.AST) -> ast.FunctionDef | ast.Lambda | None:
        """The innermost function around a node."""
        found: ast.AST | None = self.parents.get(node)
        while found is not None and not isinstance(found, (ast.FunctionDef, ast.Lambda)):
            found = self.parents.get(found)
        return found

    def statement_of(self, node: ast.AST) -> ast.stmt:
        """The innermost statement that a node is part of, or is."""
        while not isinstance(node, ast.stmt):
            node = self.parents[node]
        return node

    def segment(self, node: ast.AST) -> str:
        """A node's own text."""
        start, end = self._span(node)
        return self._bytes[start:end].decode()

    def with_argument(self, call: ast.Call, argument: str) -> str:
        """The text of a call with one more argument at its end."""
        text = self.segment(call)
        return f"{text[:-1].rstrip().rstrip(',')}{', ' if call.args or call.keywords else ''}{argument})"

    def replaced(self, kind: str, node: ast.expr | ast.stmt, new: str) -> Edit:
        """The edit that puts another text in a node's place; an expression gets brackets where it may need them."""
        if isinstance(node, ast.expr) and not self._stands_alone(node) and not _is_atom(new):
            new = f"({new})"
        start, end = self._span(node)
        text = (self._bytes[:start] + new.encode() + self._bytes[end:]).decode()
        shown = "" if new == "pass" else new
        return Edit(kind, node.lineno, _one_line(self.segment(node)), _one_line(shown), text)

    def rewritten(self, kind: str, node: ast.expr | ast.stmt, new: str, old: str, shown: str) -> Edit:
        """As `replaced`, with the part that changes named in other words."""
        edit = self.replaced(kind, node, new)
        return Edit(kind, edit.line, old, shown, edit.text)

    def _span(self, node: Any) -> tuple[int, int]:
        return (
            self._starts[node.lineno - 1] + node.col_offset,
            self._starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def _stands_alone(self, node: ast.expr) -> bool:
        """Whether no operator beside it can take a part of what is put in its place."""
        parent = self.parents.get(node)
        if isinstance(parent, ast.Call):
            return node is not parent.func
        if isinstance(parent, ast.Subscript):
            return node is parent.slice
        return isinstance(parent, (ast.stmt, ast.keyword, ast.Slice, ast.List, ast.Tuple))


def _is_idle(node: ast.AST) -> bool:
    """Whether it is a docstring, prints something, or raises an error, whose words nobody compares."""
    if isinstance(node, ast.Raise):
        return True
    if not isinstance(node, ast.Expr):
        return False
    if isinstance(node.value, ast.Call):
        return isinstance(node.value.func, ast.Name) and node.value.func.id == "print"
    return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_atom(text: str) -> bool:
    try:
        return isinstance(ast.parse(text, mode="eval").body, _ATOMS)
    except SyntaxError:
        return True


def _one_line(text: str) -> str:
    return " ".join(text.split())


def compiled(text: str, names: Mapping[str, Any], name: str) -> Any:
    """What a text defines under a name; it runs in a copy of `names`, which stay as they are.

    Raises:
        Exception: whatever the text raises, KeyError where it does not define the name.
    """
    file = f"<edited {abs(hash(text)):x}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    place = dict(names)
    place.pop(name, None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # an edit may call a number
        code = compile(text, file, "exec")
    exec(code, place)
    return place[name]
