"""Which variables of a right answer hold the same values as which of another answer: they mean the same."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any

from autograder.judge.on_the_way import Notes, printed_form

__all__ = ["namesakes"]


def namesakes(text: str, notes: Notes, own_text: str, own: Notes) -> dict[str, str]:
    """The variables of a right answer, each with the one of another answer that has its first value.

    Args:
        text, notes: of the right answer, and the values that its statements kept.
        own_text, own: of the other answer.
    """
    known: dict[Any, str] = {}
    for name, form in _first_values(own_text, own):
        known.setdefault(form, name)
    return {name: known[form] for name, form in _first_values(text, notes) if form in known}


def _first_values(text: str, notes: Notes) -> Iterator[tuple[str, Any]]:
    """Each variable, and the form of the first value that it gets; nothing where it is one of few that any may have."""
    seen: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        names, values = _targets(node.targets[0]), notes.lines.get(node.lineno, [])
        if names and len(values) >= len(names):
            yield from _fresh(names, values, seen)


def _fresh(names: Sequence[str], values: Sequence[Any], seen: set[str]) -> Iterator[tuple[str, Any]]:
    for name, value in zip(names, values, strict=False):
        if name and name not in seen:
            seen.add(name)
            yield name, printed_form(value)


def _targets(target: ast.expr) -> list[str]:
    if isinstance(target, ast.Name):
        return [target.id]
    if isinstance(target, ast.Tuple):
        return [each.id if isinstance(each, ast.Name) else "" for each in target.elts]
    return []
