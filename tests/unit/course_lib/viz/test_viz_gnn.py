"""The pictures of messages on graphs show what the functions that are passed in compute."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from drawn_figures import drawn

from course_lib import gnn, graphs
from course_lib.viz import gnn as draw

CLUB = graphs.karate().edge_index


def xlabels():
    return [axes.get_xlabel() for axes in drawn()]


def test_a_layout_keeps_neighbours_near_and_all_apart():
    place = draw.layout(CLUB, 34)
    distance = np.linalg.norm(place[:, None] - place[None], axis=-1)
    joined = np.zeros((34, 34), dtype=bool)
    joined[tuple(CLUB.numpy())] = True
    others = ~joined & ~np.eye(34, dtype=bool)
    assert np.abs(place).max() == pytest.approx(1)
    assert distance[joined].mean() < 0.7 * distance[others].mean()
    assert distance[~np.eye(34, dtype=bool)].min() > 0.03
    np.testing.assert_array_equal(place, draw.layout(CLUB, 34))


def test_three_rounds_of_gossip_tell_33_of_34_sides():
    draw.gossip(CLUB, graphs.sides())
    assert xlabels() == [f"sign is right: {count} of 34" for count in (2, 27, 32, 33)]


def test_gossip_is_computed_by_the_step_that_is_passed_in():
    looped = gnn.add_self_loops(CLUB, 34)
    draw.gossip(CLUB, graphs.sides(), lambda x: gnn.message_passing(x, looped, lambda _, x_j: x_j, "mean"))
    assert xlabels() == [f"sign is right: {count} of 34" for count in (2, 27, 32, 33)]
    plt.close("all")
    draw.gossip(CLUB, graphs.sides(), lambda x: -x, rounds=1)
    assert xlabels()[1] == "sign is right: 0 of 34"


def test_a_node_knows_what_has_reached_it():
    draw.knows(gnn.message_passing, gnn.k_hop, CLUB, 34, node=16)
    assert xlabels() == [f"heard from {count} of 34" for count in (1, 3, 6, 18)]
    plt.close("all")
    draw.knows(lambda x, *_: 0 * x, gnn.k_hop, CLUB, 34, node=16)
    assert xlabels() == ["heard from 1 of 34"] * 4


def test_directions_count_in_what_a_node_knows():
    chain = torch.tensor([[0, 1, 2], [1, 2, 3]])
    draw.knows(gnn.message_passing, gnn.k_hop, chain, 5, node=1)
    assert xlabels() == [f"heard from {count} of 5" for count in (1, 2, 2, 2)]


def test_arrows_draw_every_edge_and_loop():
    draw.arrows(torch.tensor([[0, 2, 1, 0, 3], [1, 1, 3, 1, 3]]), 5)
    [axes] = drawn()
    assert len(axes.patches) == 5
    assert [text.get_text() for text in axes.texts] == ["0", "1", "2", "3", "4"]
    straight = [p.get_connectionstyle().rad for p in axes.patches if hasattr(p, "get_connectionstyle")]
    assert straight == pytest.approx([-0.1, 0, 0, 0.1])


def test_renumbering_shows_how_far_a_layer_is_from_equivariant():
    x, edges = torch.randn(9, 3), torch.randint(9, (2, 20))
    draw.renumbered(lambda x, e: gnn.message_passing(x, e, lambda x_i, x_j: x_j - x_i, "max"), x, edges)
    assert xlabels()[2] == "rows put back differ by 0e+00 at most"
    plt.close("all")
    draw.renumbered(lambda x, _: x * torch.arange(9.0)[:, None], x, edges)
    assert xlabels()[2] != "rows put back differ by 0e+00 at most"


def test_a_matrix_outgrows_the_list_of_edges():
    draw.bytes_needed(edges_per_node=10)
    [axes] = drawn()
    curves = {line.get_label(): line.get_ydata()[-1] for line in axes.lines if not line.get_label().startswith("_")}
    assert curves["adjacency matrix, float32"] == pytest.approx(4e14)
    assert curves["edge_index, int64"] == pytest.approx(1.6e9)


def test_the_slider_draws_when_it_appears_and_when_it_moves(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    draw.knows_slider(gnn.message_passing, gnn.k_hop, CLUB, 34)
    [box] = shown
    *controls, picture = box.children
    before = bytes(picture.value)
    for control in controls:
        control.value += 1
        assert bytes(picture.value) != before
        before = bytes(picture.value)
    assert before.startswith(b"\x89PNG")
    assert plt.get_fignums() == []
