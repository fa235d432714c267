"""The tape's node."""

import numpy as np
import pytest

from course_lib.tape import Node


def test_nodes_are_told_apart_by_identity_whatever_their_values():
    a, b = Node(np.ones((2, 3))), Node(np.ones((2, 3)))
    assert a != b
    assert len({a, b, a}) == 2
    assert {a: 1, b: 2}[a] == 1


def test_a_node_keeps_one_share_for_each_use():
    a = Node(np.array(3.0), label="a")
    square = Node(a.value**2, (a, a), (lambda g: g * a.value, lambda g: g * a.value), "square")
    assert square.parents == (a, a)
    assert sum(vjp(np.array(1.0)) for vjp in square.vjps) == 6
    assert repr(square) == "<Node square: 9, 2 parents>"
    assert repr(Node(np.ones((2, 3)))) == "<Node without a name: 2 x 3, 0 parents>"


def test_parents_and_shares_come_in_pairs():
    with pytest.raises(ValueError, match="every parent needs one"):
        Node(np.array(1.0), (Node(np.array(1.0)),))
