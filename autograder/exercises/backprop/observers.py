"""How the judge observes answers on backprop: it names the nodes of a graph and knows them again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograder.harness import backprop as harness
from autograder.objects import Answer, Built, Kept, UnexpectedAnswer, described

__all__ = ["gradients", "order"]

Step = tuple[Any, ...]
"""One step of a program, as in `autograder.harness.backprop`; operands that are nodes are given by their names."""


def order(answer: Answer, program: Sequence[Step], root: str) -> list[str]:
    """The names of the nodes that `topological_order` lists; "?" for a node that is not in the graph."""
    nodes = _built(answer, program)
    listed = answer(nodes[root])
    if not isinstance(listed, (list, tuple)):
        raise UnexpectedAnswer(f"the result is {described(listed)}; expected a list of nodes")
    names = {id(node): name for name, node in nodes.items()}
    return [
        _name(names, each, f"entry {place} of the list is {{}}; expected the nodes themselves")
        for place, each in enumerate(listed)
    ]


def gradients(answer: Answer, program: Sequence[Step], root: str) -> dict[str, Any]:
    """The gradient that `backward` returns for each node, by name."""
    nodes = _built(answer, program)
    found = answer(nodes[root])
    if isinstance(found, Kept):
        keys, values = answer.through(harness.entries, found)
    elif isinstance(found, dict):
        keys, values = list(found), list(found.values())
    else:
        raise UnexpectedAnswer(
            f"the result is {described(found)}; expected a dictionary from each node to its gradient"
        )
    names = {id(node): name for name, node in nodes.items()}
    problem = "a key of the dictionary is {}; expected the nodes themselves as keys"
    return {f"gradient of {_name(names, key, problem)}": _array(value) for key, value in zip(keys, values, strict=True)}


def _built(answer: Answer, program: Sequence[Step]) -> dict[str, Built]:
    nodes: dict[str, Built] = {}
    for name, operation, *operands in program:
        given = [nodes[each] if isinstance(each, str) else each for each in operands]
        nodes[name] = Built(harness.node, (name, operation, *given))
    answer.through(harness.prepared, list(nodes.values()))
    return nodes


def _name(names: dict[int, str], value: Any, problem: str) -> str:
    known = names.get(id(value))
    if known is None and not (isinstance(value, Kept) and value.type_name == "Node"):
        raise UnexpectedAnswer(problem.format(described(value)))
    return known or "?"


def _array(gradient: Any) -> Any:
    """A plain number becomes an array of shape (), and an integer, such as a seed of 1, a float."""
    if isinstance(gradient, (int, float)):
        return np.asarray(float(gradient))
    return np.asarray(gradient) if isinstance(gradient, np.generic) else gradient
