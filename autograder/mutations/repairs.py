"""The rules run backwards: edits that may turn a wrong answer into a right one, the most likely first.

What a rule takes away, a repair puts in. What to put in is taken from the names at hand and from right answers, in the
words of the answer that is repaired.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from math import log
from typing import Any

from autograder.mutations import exchanged, missing, undone
from autograder.mutations.donors import Donors
from autograder.mutations.exchanged import EXCHANGED
from autograder.mutations.missing import INSERTIONS, LENT
from autograder.mutations.rules import RULES, Rule, arrays, constants, operators, order, statements
from autograder.mutations.source import Edit, Source
from autograder.mutations.undone import LENT_BACK, UNDONE

__all__ = ["repairs"]


def repairs(text: str, donors: Donors, lines: Mapping[int, float] | None = None) -> Iterator[Edit]:
    """Every text that differs by one edit which may be a repair, each once; some of them are no Python.

    Args:
        text: one or more definitions.
        donors: what right answers lend.
        lines: how unlikely the mistake is on a line, from 0; a line that is not named has 0.5. Of two lines whose
            numbers differ by 1 one is about three times as likely as the other.

    Raises:
        SyntaxError: the text is not Python.
    """
    source = Source(text)
    seen = {text}
    lines = lines or {}
    nodes = [node for node in source.nodes() if hasattr(node, "lineno")]
    rules: list[Rule] = [
        *RULES,
        *UNDONE,
        *EXCHANGED,
        *INSERTIONS,
        *(partial(rule, donors) for rule in (*LENT_BACK, *LENT)),
    ]
    turns = [
        (_cost(rule) + lines.get(node.lineno, _USUAL), at, node) for at, rule in enumerate(rules) for node in nodes
    ]
    for _, at, node in sorted(turns, key=lambda turn: turn[0]):
        for edit in rules[at](source, node):
            if edit.text not in seen:
                seen.add(edit.text)
                yield edit


_USUAL = 0.5
_PROMISE = {
    statements.swapped: 100, arrays.shapes: 80, arrays.transposes: 80, missing.like: 80, arrays.dtypes: 60,
    order.arguments: 60, undone.tests: 50, constants.constants: 50, statements.dropped: 50, operators.comparisons: 50,
    arrays.kept_dimensions: 50, arrays.estimates: 50, arrays.axes: 30, arrays.functions: 30, order.indices: 27,
    order.ranges: 25, undone.lengths: 20, undone.bare: 20, undone.keywords: 20, undone.comparisons: 20,
    operators.operators: 20, operators.signs: 12, order.slices: 20, statements.loops: 17, operators.terms: 75,
    constants.borders_near_zero: 12, undone.operators: 12, undone.numbers: 12, operators.logic: 12, missing.kept: 10,
    undone.arguments: 8, missing.axis: 6, undone.axes: 5, undone.statements: 4, undone.signs: 4,
    undone.other_keywords: 2, missing.sliced: 1.3, missing.unused: 1.3, undone.slices: 0.8, missing.around: 0.4,
    missing.turned: 0.3, missing.named: 0.3, missing.added: 0.2, missing.scaled: 0.15, missing.lent: 0.15,
    missing.with_names: 0.1, missing.with_numbers: 0.06, missing.with_lent: 0.05, undone.methods: 0.03,
    missing.with_own: 0.02, missing.with_any_number: 0.015, missing.with_products: 0.02, undone.unsigned: 80,
    exchanged.literals: 40, exchanged.thrown_away: 30, exchanged.variables: 5,
    missing.with_functions: 0.012, missing.with_one_or_two: 0.3, missing.divided_or_raised: 0.05,
}  # fmt: skip
"""Of a thousand edits on the right line, how many undo the mistake: measured on mutants, and rounded; of what is
exchanged, estimated."""


def _cost(rule: Any) -> float:
    return -log(_PROMISE[getattr(rule, "func", rule)] / 1000)
