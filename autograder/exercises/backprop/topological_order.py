"""All nodes that `root` was computed from, each once, parents before children, the root last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograder.exercise import Case
from autograder.exercises.backprop import observers
from autograder.exercises.backprop.inputs import graph_hidden, graph_visible
from autograder.exercises.declare import Asks, accepts, hidden, mistake, right, right_text, slip, visible
from course_lib import backprop

ASKS = Asks(
    backprop.topological_order,
    signature="topological_order(root Node) -> [Node, ..., root]",
    points={"basics": 1, "shared": 1},
    through=observers.order,
    hints=(
        "When may a node be written down: when you arrive at it, or when all that it was computed from is in the list?",
        "A depth-first search that writes each node after its parents, in post-order. A set of visited nodes keeps "
        "one that is used twice from being written twice.",
        "A helper `visit(node)`: stop if `node in seen`, else `seen.add(node)`, `visit` all of `node.parents`, and "
        "only then `order.append(node)`. Start it at `root`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    return graph_visible(rng)


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    return graph_hidden(rng)


# --- the judge -----------------------------------------------------------------------------------------------


@accepts
def ordered(case: Case, names: Any) -> str | None:
    program, root = case.args
    parents = {name: [each for each in operands if isinstance(each, str)] for name, _, *operands in program}
    wanted = _ancestors(parents, root)
    for name in names:
        if name not in wanted:
            return f"{name!r} is in the list, but {root!r} was not computed from it"
        if names.count(name) > 1:
            return f"{name!r} is in the list {names.count(name)} times; each node comes once"
    for name in wanted:
        if name not in names:
            return f"{name!r} is missing: {root!r} was computed from it"
    place = {name: number for number, name in enumerate(names)}
    for name in names:
        for parent in parents[name]:
            if place[parent] > place[name]:
                return f"{name!r} comes before its parent {parent!r}"
    return None


def _ancestors(parents: dict[str, list[str]], root: str) -> dict[str, None]:
    found, ahead = {root: None}, [root]
    while ahead:
        for parent in parents[ahead.pop()]:
            if parent not in found:
                found[parent] = None
                ahead.append(parent)
    return found


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(root):
    # Kahn: count the children of each node, then peel the graph from the root
    children = {root: 0}
    found = [root]
    for node in found:
        for parent in node.parents:
            if parent not in children:
                children[parent] = 0
                found.append(parent)
            children[parent] += 1
    order, ready = [], [root]
    while ready:
        node = ready.pop()
        order.append(node)
        for parent in node.parents:
            children[parent] -= 1
            if children[parent] == 0:
                ready.append(parent)
    order.reverse()
    return order


other_formula = right_text(
    "other formula",
    """
import graphlib

def topological_order(root):
    graph, ahead = {}, {root}
    while ahead:
        node = ahead.pop()
        graph[node] = node.parents
        ahead |= {parent for parent in node.parents if parent not in graph}
    return tuple(graphlib.TopologicalSorter(graph).static_order())
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(root):
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            for parent in node.parents:
                visit(parent)
            order.append(node)

    visit(root)
    return order


order_root_first = slip(
    answer,
    "return order",
    "return order[::-1]",
    says="Your list runs from the root to the leaves. Parents come first and the root last: reverse it.",
)


@mistake
def order_written_down_too_early(root):
    """A node is added when you arrive at it, and the list is reversed at the end. That fails where two paths meet. Add
    a node once all of its parents are in the list."""
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            order.append(node)
            for parent in node.parents:
                visit(parent)

    visit(root)
    return order[::-1]


@mistake
def order_level_by_level(root):
    """You go level by level from the root and reverse the list. A node that is reached by a short path and by a long
    one then comes too late. Visit the parents first, as deep as they go."""
    order, ahead = [root], [root]
    while ahead:
        node = ahead.pop(0)
        for parent in node.parents:
            if parent not in order:
                order.append(parent)
                ahead.append(parent)
    return order[::-1]


@mistake
def order_visited_again(root):
    """A node that is used twice is in the list twice. Remember in a set which nodes you have visited, and skip them."""
    order = []

    def visit(node):
        for parent in node.parents:
            visit(parent)
        order.append(node)

    visit(root)
    return order


order_without_leaves = slip(
    answer,
    "node not in seen",
    "node not in seen and node.parents",
    says="The nodes without parents are missing. They are the leaves, the weights and inputs, and belong in the list "
    "like all the others.",
)


@mistake
def order_without_root(root):
    """The root itself is missing. It is the last entry of the list."""
    order, seen = [], set()

    def visit(node):
        for parent in node.parents:
            if parent not in seen:
                seen.add(parent)
                visit(parent)
                order.append(parent)

    visit(root)
    return order


@mistake
def order_one_generation(root):
    """Only the root and its parents are in the list. Their parents belong to it too, and so on down to the
    leaves."""
    order = []
    for parent in root.parents:
        if parent not in order:
            order.append(parent)
    return [*order, root]
