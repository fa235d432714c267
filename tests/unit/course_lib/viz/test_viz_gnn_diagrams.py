"""Graphs of the world and computation trees show what is passed in."""

import torch
from drawn_figures import drawn

from course_lib import graphs, molecules
from course_lib.viz import gnn_diagrams as draw

SMALL = torch.tensor([[0, 2, 1, 0, 3], [1, 1, 3, 1, 3]])


def written(diagram):
    return sorted(text.get_text() for text in diagram.axes.texts)


def test_a_tree_has_a_leaf_for_each_path_and_repeated_edges_count():
    tree = draw.computation_tree(SMALL, 3)
    assert [label for label in written(tree) if label.startswith("$x")] == [
        "$x_{0}$", "$x_{0}$", "$x_{1}$", "$x_{2}$", "$x_{3}$",
    ]  # fmt: skip
    assert [label for label in written(tree) if label.startswith("$h")] == ["$h_{1}$", "$h_{3}$", "$h_{3}$"]
    assert "3 hears 1, 3" in tree.text
    assert "x0, x2, x0, x1, x3" in tree.text


def test_a_tree_of_one_round_ends_at_the_neighbours():
    tree = draw.computation_tree(SMALL, 1, rounds=1)
    assert [label for label in written(tree) if label.startswith("$")] == ["$h_{1}$", "$x_{0}$", "$x_{0}$", "$x_{2}$"]
    assert "<svg" in tree.svg()


def test_three_graphs_count_their_nodes_and_edges():
    caffeine = molecules.read(molecules.CAFFEINE)
    bonds, marriages = molecules.as_graph(caffeine).edge_index, graphs.florence().edge_index
    club = graphs.karate().edge_index
    draw.graphs_of_the_world(club, graphs.sides(), graphs.FAMILIES, marriages, caffeine.atoms, bonds)
    club_axes, florence, chemistry = drawn()
    assert club_axes.get_xlabel() == "34 members, 78 friendships"
    assert florence.get_xlabel() == "15 families, 20 marriages; area: wealth"
    assert chemistry.get_xlabel() == "14 atoms, 15 bonds"
    assert {text.get_text() for text in florence.texts} == set(graphs.FAMILIES)
    assert [text.get_text() for text in chemistry.texts] == list(caffeine.atoms)
