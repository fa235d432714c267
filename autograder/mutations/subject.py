"""The text of a reference as something to mutate: without documentation, and without the guards that only raise."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from autograder.mutations.source import Source, compiled

__all__ = ["Subject", "subject_of"]


@dataclass(frozen=True)
class Subject:
    """A right answer as text.

    Attributes:
        style: "reference", or the style of another right answer.
        name: what the text defines.
        text: one or more definitions.
        names: what the text may use.
    """

    style: str
    name: str
    text: str
    names: Mapping[str, Any]

    def answer(self, text: str) -> Any:
        """What an edited text defines under the subject's name; raises whatever the text raises."""
        return compiled(text, self.names, self.name)


def subject_of(reference: Callable[..., Any], *, guards: bool = False) -> Subject:
    """A function or class of a module as a subject, with the private helpers of that module that it calls.

    Args:
        reference: a function or class.
        guards: whether statements that only raise are kept.
    """
    module = inspect.getmodule(reference)
    assert module is not None
    found: dict[str, str] = {}
    left = [reference.__name__]
    while left:
        name = left.pop()
        if name in found:
            continue
        value = reference if name == reference.__name__ else vars(module)[name]
        text = textwrap.dedent(inspect.getsource(value))
        checks = {each for each in _helpers(text, vars(module), module.__name__) if _only_guards(vars(module)[each])}
        found[name] = _plain(text, guards, checks)
        left += sorted(_helpers(found[name], vars(module), module.__name__) - found.keys())
    text = "\n\n".join(
        [*(found[name] for name in sorted(found) if name != reference.__name__), found[reference.__name__]]
    )
    return Subject("reference", reference.__name__, text, vars(module))


def _helpers(text: str, names: Mapping[str, Any], module: str) -> set[str]:
    used = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    return {
        name
        for name in used
        if name.startswith("_")
        and isinstance(names.get(name), (FunctionType, type))
        and names[name].__module__ == module
    }


def _only_guards(helper: Any) -> bool:
    """Whether a helper raises or does nothing: it returns nothing, and sets no entry or attribute."""
    nodes = list(ast.walk(ast.parse(textwrap.dedent(inspect.getsource(helper)))))
    acts = any(
        (isinstance(node, ast.Return) and node.value is not None)
        or isinstance(node, (ast.ClassDef, ast.Yield, ast.YieldFrom))
        or (isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.ctx, ast.Store))
        for node in nodes
    )
    return not acts and any(isinstance(node, ast.Raise) for node in nodes)


def _plain(text: str, guards: bool, checks: Container[str]) -> str:
    """The text without docstrings and, unless they are kept, without statements that only guard."""
    while True:
        source = Source(text)
        found = next(_idle(source, guards, checks), None)
        if found is None:
            return text
        node, keep = found
        text = source.replaced("", node, "pass").text if keep else _cut(text, node)


def _idle(source: Source, guards: bool, checks: Container[str]) -> Iterator[tuple[ast.stmt, bool]]:
    """The statements that do nothing for valid input, and whether something has to take their place."""
    for node in ast.walk(source.tree):
        for field in ("body", "orelse", "finalbody"):
            body = getattr(node, field, None)
            for statement in body if isinstance(body, list) else ():
                if _is_text(statement) or (not guards and _is_guard(statement, checks)):
                    yield statement, isinstance(body, list) and len(body) == 1


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_guard(node: ast.stmt, checks: Container[str]) -> bool:
    """Whether a statement only raises, or only calls one of the helpers that do nothing else."""
    if isinstance(node, ast.Expr):
        called = getattr(node.value, "func", None)
        return isinstance(called, ast.Name) and called.id in checks
    return isinstance(node, ast.If) and not node.orelse and len(node.body) == 1 and isinstance(node.body[0], ast.Raise)


def _cut(text: str, node: ast.stmt) -> str:
    lines = text.splitlines(keepends=True)
    del lines[node.lineno - 1 : node.end_lineno]
    return "".join(lines)
