"""The gradient of the sum of the root's value with respect to every node it was computed from."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes
from autograder.exercises.backprop import observers
from autograder.exercises.backprop.inputs import diamond, graph_hidden, graph_visible
from autograder.exercises.declare import Asks, hidden, mistake, right, right_text, slip, visible
from autograder.forbidden_names import BY_HAND
from course_lib import backprop

ASKS = Asks(
    backprop.backward,
    signature="backward(root Node) -> {Node: gradient}",
    points={"basics": 2, "shared": 2},
    forbids=BY_HAND,
    through=observers.gradients,
    hints=(
        "Think of a node that is used twice. When does it know its whole gradient, and may hand it on?",
        "Reverse-mode differentiation: the root gets ones, then the topological order is walked from its end. Each "
        "node hands every parent the vjp of its own gradient, and a parent adds up what it gets.",
        "For `parent, vjp` in `zip(node.parents, node.vjps)`: `share = vjp(gradients[node])`. A first share is "
        "stored; a later one becomes `gradients[parent] = gradients[parent] + share`, not `+=`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    return graph_visible(rng)


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield from graph_hidden(rng)
    a, b = rng.uniform(1, 2, (2, 3))
    yield from magnitudes(lambda scale: (diamond(scale * a, scale * b), "e"))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(root):
    nodes = []

    def visit(node):
        for parent in node.parents:
            if parent not in nodes:
                visit(parent)
        if node not in nodes:
            nodes.append(node)

    visit(root)
    shares = {node: [] for node in nodes}
    shares[root].append(np.ones(np.shape(root.value)))
    grads = {}
    while nodes:
        node = nodes.pop()
        grads[node] = sum(shares[node])
        for i in range(len(node.parents)):
            shares[node.parents[i]].append(node.vjps[i](grads[node]))
    return grads


other_formula = right_text(
    "other formula",
    """
from collections import Counter, defaultdict

def backward(root):
    waiting = Counter()
    ahead, seen = [root], {root}
    while ahead:
        for parent in ahead.pop().parents:
            waiting[parent] += 1
            if parent not in seen:
                seen.add(parent)
                ahead.append(parent)
    grads = defaultdict(float, {root: np.asarray(root.value) ** 0})
    ready = [root]
    while ready:
        node = ready.pop()
        for parent, vjp in zip(node.parents, node.vjps):
            grads[parent] = grads[parent] + vjp(grads[node])
            waiting[parent] -= 1
            if not waiting[parent]:
                ready.append(parent)
    return grads
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

    grads = {node: np.zeros_like(node.value) for node in order}
    grads[root] = np.ones_like(root.value)
    for node in reversed(order):
        for parent, vjp in zip(node.parents, node.vjps):
            grads[parent] = grads[parent] + vjp(grads[node])
    return grads


backward_overwritten = slip(
    answer,
    (
        "grads = {node: np.zeros_like(node.value) for node in order}\ngrads[root] = np.ones_like(root.value)",
        "grads = {root: np.ones_like(root.value)}",
    ),
    ("grads[parent] + vjp(grads[node])", "vjp(grads[node])"),
    says="A node that is used twice keeps only its last share. Shares of a node add up: check whether it already has "
    "a gradient, and add to it.",
)


backward_added_in_place = slip(
    backward_overwritten,
    "grads[parent] = vjp(grads[node])",
    "if parent in grads:\n    grads[parent] += vjp(grads[node])\nelse:\n    grads[parent] = vjp(grads[node])",
    says="+= writes into an array that another node holds as well: the share of a sum is the very gradient that "
    "arrived. Write grads[p] = grads[p] + share, which makes a new array.",
)


backward_one_share_for_each_parent = slip(
    answer,
    "zip(node.parents, node.vjps)",
    "dict(zip(node.parents, node.vjps)).items()",
    says="A node that is listed twice among the parents, as in a * a, was counted once. Go through parents and vjps "
    "side by side with zip, without a set or a dictionary of parents.",
)


@mistake
def backward_handed_on_twice(root):
    """A node passes on all it has whenever another share arrives, so the first share is passed on twice. Wait until
    every share has arrived: go through the topological order backwards."""
    grads = {root: np.ones_like(root.value)}

    def visit(node):
        for parent, vjp in zip(node.parents, node.vjps):
            grads[parent] = grads.get(parent, 0) + vjp(grads[node])
            visit(parent)

    visit(root)
    return grads


@mistake
def backward_level_by_level(root):
    """You go level by level from the root, so a node passes its gradient on before all of its shares have arrived. The
    reverse of the topological order waits for the last one."""
    grads = {root: np.ones_like(root.value)}
    ahead, seen = [root], {root}
    while ahead:
        node = ahead.pop(0)
        for parent, vjp in zip(node.parents, node.vjps):
            grads[parent] = grads.get(parent, 0) + vjp(grads[node])
            if parent not in seen:
                seen.add(parent)
                ahead.append(parent)
    return grads


backward_seeded_with_value = slip(
    answer,
    "np.ones_like(root.value)",
    "root.value",
    says="You start with the root's value. The gradient of the root with respect to itself is 1: start with "
    "np.ones_like(root.value).",
)


backward_slopes_not_multiplied = slip(
    answer,
    (
        "grads = {node: np.zeros_like(node.value) for node in order}\ngrads[root] = np.ones_like(root.value)",
        "grads = {root: np.ones_like(root.value)}",
    ),
    ("grads[parent] + vjp(grads[node])", "grads.get(parent, 0) + vjp(np.ones_like(node.value))"),
    says="Every vjp was called with ones, so each gradient is the slope of one step alone. Call it with the gradient "
    "of the node: slopes along a path multiply.",
)


backward_leaves_only = slip(
    answer,
    "return grads",
    "return {node: grads[node] for node in order if not node.parents}",
    says="Only the leaves have a gradient here. Return one for every node: the root and those in between have one too.",
)


backward_leaves_first = slip(
    answer,
    "reversed(order)",
    "order",
    says="You start at the leaves, whose gradients are not known yet, so zeros are passed on. Start at the root: go "
    "through the order backwards.",
)
