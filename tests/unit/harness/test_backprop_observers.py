"""Nodes are known again by the judge, which names them; everything else is refused in words."""

import numpy as np
import pytest

from autograder.exercise import Case
from autograder.exercises import find
from autograder.exercises.backprop import observers
from autograder.exercises.backprop.inputs import chain, diamond
from autograder.judge.answer import apply_observed, call_observed
from autograder.sandbox.guest.messenger import loopback
from course_lib import backprop
from course_lib.tape import Node


def on_both_sides(observer, answer, *args):
    """What is seen of the answer as the judge's own function, and as a student's."""
    exercise = find("backprop.backward")
    yield apply_observed(exercise, answer, Case("one", args, through=observer), args, {})
    yield call_observed(loopback(answer), observer, args, {})


def test_nodes_come_back_by_name():
    for seen in on_both_sides(observers.order, backprop.topological_order, diamond(1.0, 2.0), "d"):
        assert seen.value in (["a", "b", "c", "d"], ["b", "a", "c", "d"])
    for seen in on_both_sides(observers.gradients, backprop.backward, chain(150, 0.5), "n150"):
        assert set(seen.value) == {f"gradient of n{i}" for i in range(151)}
        assert 0 < float(seen.value["gradient of n0"]) < 1


def test_a_node_of_ones_own_has_no_name():
    for seen in on_both_sides(observers.order, lambda root: [Node(np.zeros(1)), root], diamond(1.0, 2.0), "e"):
        assert seen.value == ["?", "e"]
    for seen in on_both_sides(observers.gradients, lambda root: {root: 1}, diamond(1.0, 2.0), "e"):
        assert seen.value == {"gradient of e": np.asarray(1.0)}


@pytest.mark.parametrize(
    ("observer", "value", "said"),
    [
        (observers.order, None, "the result is None (is a return missing?); expected a list of nodes"),
        (observers.order, ["a"], "entry 0 of the list is an object of type str; expected the nodes themselves"),
        (observers.gradients, 3, "the result is an object of type int; expected a dictionary from each node"),
        (observers.gradients, {1, 2}, "the result is an object of type set; expected a dictionary from each node"),
        (observers.gradients, {"e": 1}, "a key of the dictionary is an object of type str; expected the nodes"),
        (observers.gradients, {1: 1}, "a key of the dictionary is an object of type int; expected the nodes"),
    ],
)
def test_something_else_is_refused_in_words(observer, value, said):
    for seen in on_both_sides(observer, lambda root: value, diamond(1.0, 2.0), "e"):
        assert seen.raised.kind == "UnexpectedAnswer"
        assert said in seen.raised.message
