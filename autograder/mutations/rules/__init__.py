"""The rules by which a function is edited; each yields the edits of one node."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from autograder.mutations.rules import arrays, constants, operators, order, statements
from autograder.mutations.source import Edit, Source

__all__ = ["RULES", "Rule", "edits"]

Rule = Callable[[Source, ast.AST], Iterator[Edit]]

RULES: tuple[Rule, ...] = (
    arrays.axes,
    arrays.kept_dimensions,
    arrays.transposes,
    operators.signs,
    operators.operators,
    operators.comparisons,
    operators.terms,
    order.ranges,
    order.slices,
    constants.constants,
    constants.borders_near_zero,
    arrays.functions,
    arrays.estimates,
    arrays.shapes,
    order.arguments,
    order.indices,
    operators.logic,
    arrays.dtypes,
    statements.dropped,
    statements.loops,
    statements.swapped,
)
"""In the order in which an edit is believed: what students mix up most often first."""


def edits(text: str, rules: tuple[Rule, ...] = RULES) -> Iterator[Edit]:
    """Every text that differs from a right one by one edit, each once.

    Args:
        text: one or more definitions.
        rules: what may be edited.
    """
    source = Source(text)
    seen = {ast.dump(source.tree)}
    nodes = list(source.nodes())
    for rule in rules:
        for node in nodes:
            for edit in rule(source, node):
                try:
                    form = ast.dump(ast.parse(edit.text))
                except SyntaxError:
                    continue
                if form not in seen:
                    seen.add(form)
                    yield edit
