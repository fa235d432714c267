"""Builds a tape from a plain program, hands its root to the student's function, and names the nodes that come back.

A program is a list of steps in a computable order, each `(name, operation, *operands)`:

    ("a", "leaf", array)        a value from outside
    ("c", "add", "a", "b")      also "subtract" and "multiply", all elementwise and of equal shapes
    ("c", "sine", "a")          elementwise
    ("c", "copies", "a", 3)     three copies along a new first axis
    ("c", "widen", "a", 1, 3)   axis 1, of length one, repeated three times
    ("c", "transpose", "a")     all axes reversed
    ("c", "total", "a")         the sum of all numbers, of shape ()

Several vjps return the very array they were given, as those of an addition may.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograder.harness import UnexpectedAnswer
from course_lib.tape import Node, Vjp

__all__ = ["gradients", "order"]

Step = tuple[Any, ...]


def order(answer: Any, program: Sequence[Step], root: str) -> list[str]:
    """The names of the nodes that `topological_order` lists; "?" for a node that is not in the graph."""
    nodes = _build(program)
    listed = answer(nodes[root])
    if not isinstance(listed, (list, tuple)):
        raise UnexpectedAnswer(f"the result is {_kind(listed)}; expected a list of nodes")
    names = {node: name for name, node in nodes.items()}
    for place, node in enumerate(listed):
        if not isinstance(node, Node):
            raise UnexpectedAnswer(f"entry {place} of the list is {_kind(node)}; expected the nodes themselves")
    return [names.get(node, "?") for node in listed]


def gradients(answer: Any, program: Sequence[Step], root: str) -> dict[str, Any]:
    """The gradient that `backward` returns for each node, by name."""
    nodes = _build(program)
    found = answer(nodes[root])
    if not isinstance(found, Mapping):
        raise UnexpectedAnswer(f"the result is {_kind(found)}; expected a dictionary from each node to its gradient")
    names = {node: name for name, node in nodes.items()}
    for node in found:
        if not isinstance(node, Node):
            raise UnexpectedAnswer(f"a key of the dictionary is {_kind(node)}; expected the nodes themselves as keys")
    return {names.get(node, "?"): _array(gradient) for node, gradient in found.items()}


def _array(gradient: Any) -> Any:
    """A plain number becomes an array of shape (), and an integer, such as a seed of 1, a float."""
    if isinstance(gradient, (int, float)):
        return np.asarray(float(gradient))
    return np.asarray(gradient) if isinstance(gradient, np.generic) else gradient


def _kind(value: Any) -> str:
    return "None (is a return missing?)" if value is None else f"an object of type {type(value).__name__}"


# --- the operations ---------------------------------------------------------------------------------------


def _build(program: Sequence[Step]) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    for name, operation, *operands in program:
        if operation == "leaf":
            nodes[name] = Node(np.array(operands[0]), label=name)
            continue
        parents = tuple(nodes[operand] for operand in operands if isinstance(operand, str))
        numbers = [operand for operand in operands if not isinstance(operand, str)]
        value, vjps = _OPERATIONS[operation](*(parent.value for parent in parents), *numbers)
        nodes[name] = Node(np.asarray(value), parents, vjps, name)
    return nodes


def _same(gradient: Any) -> Any:
    return gradient


def _add(a: Any, b: Any) -> tuple[Any, tuple[Vjp, ...]]:
    return a + b, (_same, _same)


def _subtract(a: Any, b: Any) -> tuple[Any, tuple[Vjp, ...]]:
    return a - b, (_same, lambda gradient: -gradient)


def _multiply(a: Any, b: Any) -> tuple[Any, tuple[Vjp, ...]]:
    return a * b, (lambda gradient: gradient * b, lambda gradient: gradient * a)


def _sine(a: Any) -> tuple[Any, tuple[Vjp, ...]]:
    return np.sin(a), (lambda gradient: gradient * np.cos(a),)


def _copies(a: Any, count: int) -> tuple[Any, tuple[Vjp, ...]]:
    return np.stack([a] * count), (lambda gradient: gradient.sum(axis=0),)


def _widen(a: Any, axis: int, count: int) -> tuple[Any, tuple[Vjp, ...]]:
    return np.repeat(a, count, axis), (lambda gradient: gradient.sum(axis=axis, keepdims=True),)


def _transpose(a: Any) -> tuple[Any, tuple[Vjp, ...]]:
    return a.T, (lambda gradient: gradient.T,)


def _total(a: Any) -> tuple[Any, tuple[Vjp, ...]]:
    return a.sum(), (lambda gradient: np.full(a.shape, gradient),)


_OPERATIONS: dict[str, Callable[..., tuple[Any, tuple[Vjp, ...]]]] = {
    "add": _add,
    "copies": _copies,
    "multiply": _multiply,
    "sine": _sine,
    "subtract": _subtract,
    "total": _total,
    "transpose": _transpose,
    "widen": _widen,
}
