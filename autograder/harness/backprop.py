"""Nodes of a tape, each built by one step of a plain program, and dictionaries whose keys are nodes.

A step is `(name, operation, *operands)`; operands are nodes, arrays and whole numbers:

    ("a", "leaf", array)        a value from outside
    ("c", "add", a, b)          also "subtract" and "multiply", all elementwise and of equal shapes
    ("c", "sine", a)            elementwise
    ("c", "copies", a, 3)       three copies along a new first axis
    ("c", "widen", a, 1, 3)     axis 1, of length one, repeated three times
    ("c", "transpose", a)       all axes reversed
    ("c", "total", a)           the sum of all numbers, of shape ()

Several vjps return the very array they were given, as those of an addition may.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograder.harness import UnexpectedAnswer
from course_lib.tape import Node, Vjp

__all__ = ["entries", "node", "prepared"]


def node(name: str, operation: str, *operands: Any) -> Node:
    """The node of one step."""
    if operation == "leaf":
        return Node(np.array(operands[0]), label=name)
    parents = tuple(each for each in operands if isinstance(each, Node))
    numbers = [each for each in operands if not isinstance(each, Node)]
    value, vjps = _OPERATIONS[operation](*(parent.value for parent in parents), *numbers)
    return Node(np.asarray(value), parents, vjps, name)


def prepared(nodes: Sequence[Node]) -> int:
    """How many nodes there are now: they are built while they arrive, one after the other."""
    return len(nodes)


def entries(found: Any) -> tuple[list[Any], list[Any]]:
    """The keys and the values of a dictionary.

    Raises:
        UnexpectedAnswer: it is none.
    """
    if not isinstance(found, Mapping):
        raise UnexpectedAnswer(
            f"the result is an object of type {type(found).__name__}; expected a dictionary from each node to its "
            "gradient"
        )
    return list(found), list(found.values())


# --- the operations ---------------------------------------------------------------------------------------


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
