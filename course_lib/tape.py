"""The tape: what was computed, from what, and how a gradient finds its way back.

Every step of a computation leaves a `Node`. A node knows its value, the nodes it was computed from, and for each of
them a function that turns a gradient of the node into that parent's share of it, a vector-Jacobian product.

Symbols
    L                           what all gradients belong to: the root of the graph
    u -> v                      u is a parent of v: v was computed from u
    vjps[i](gradient)           the share of `parents[i]`, of the shape of its value

Equation
    dL/du = sum over all uses of u in v = f(..., u, ...) of vjp_u(dL/dv)

Papers
    S. Linnainmaa, "Taylor expansion of the accumulated rounding error", 1976
    A. Baydin et al., "Automatic differentiation in machine learning: a survey", 2018
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Node", "Vjp"]

Array = NDArray[Any]
Vjp = Callable[[Array], Array]


@dataclass(frozen=True, eq=False, repr=False)
class Node:
    """One value on the tape. Two nodes are the same only if they are the same object, whatever their values.

    Attributes:
        value: an array of any shape.
        parents: the nodes it was computed from, once for every use: `a * a` has the parents `(a, a)`.
        vjps: one function for each parent, from a gradient of this node to that parent's share.
        label: its name in pictures.

    Raises:
        ValueError: there are not as many vjps as parents.
    """

    value: Array
    parents: tuple[Node, ...] = ()
    vjps: tuple[Vjp, ...] = ()
    label: str = ""

    def __post_init__(self) -> None:
        if len(self.parents) != len(self.vjps):
            raise ValueError(
                f"a node has {len(self.parents)} parents and {len(self.vjps)} vjps; every parent needs one: "
                "Node(value, (a, b), (vjp_of_a, vjp_of_b))"
            )

    def __repr__(self) -> str:
        size = " x ".join(map(str, np.shape(self.value))) or f"{np.asarray(self.value).item():.4g}"
        return f"<Node {self.label or 'without a name'}: {size}, {len(self.parents)} parents>"
