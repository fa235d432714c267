"""What notebook 8 claims about messages: how far they reach, what they tell, what a sum sees and a mean does not."""

import itertools

import networkx
import torch

from course_lib import gnn, graphs

CLUB = graphs.karate().edge_index


def test_three_rounds_of_averages_tell_33_of_34_sides_and_the_count_stays():
    looped, x = gnn.add_self_loops(CLUB, 34), torch.zeros(34, 1)
    x[graphs.INSTRUCTOR], x[graphs.PRESIDENT] = 1, -1
    counts = []
    for _ in range(6):
        x = gnn.message_passing(x, looped, lambda _, x_j: x_j, "mean")
        counts.append(int((torch.sign(x[:, 0]) == 1 - 2 * graphs.sides()).sum()))
    assert counts == [27, 32, 33, 33, 33, 33]


def test_the_one_who_is_wrong_is_the_member_zachary_wrote_about():
    looped, x = gnn.add_self_loops(CLUB, 34), torch.zeros(34, 1)
    x[graphs.INSTRUCTOR], x[graphs.PRESIDENT] = 1, -1
    for _ in range(3):
        x = gnn.message_passing(x, looped, lambda _, x_j: x_j, "mean")
    assert (torch.sign(x[:, 0]) != 1 - 2 * graphs.sides()).nonzero().ravel().tolist() == [8]


def test_the_medici_are_married_into_most_families_and_reach_all_others_among_the_first():
    names, edges = list(graphs.FAMILIES), graphs.florence().edge_index
    degrees = dict(zip(names, gnn.degree(edges[1], 15).tolist(), strict=True))
    assert max(degrees, key=degrees.__getitem__) == "Medici"
    assert sorted(degrees.values())[-2:] == [4, 6]
    assert max(graphs.FAMILIES, key=graphs.FAMILIES.__getitem__) == "Strozzi"
    assert max(len(gnn.k_hop(edges, node, 2, 15)) for node in range(15)) < 15
    reach = {name: len(gnn.k_hop(edges, node, 3, 15)) for node, name in enumerate(names)}
    first = [name for name, count in reach.items() if count == 15]
    assert first == ["Albizzi", "Medici", "Ridolfi", "Tornabuoni"]


def test_members_of_the_club_are_within_five_steps_of_each_other():
    assert networkx.diameter(networkx.Graph(CLUB.T.tolist())) == 5


def test_only_the_sum_tells_neighbourhoods_apart_that_differ_in_number():
    blue, red = [1.0, 0.0], [0.0, 1.0]
    heard = ([blue, red], [blue, blue, red, red], [blue, blue, red])
    different = {}
    for reduce in ("sum", "mean", "max"):
        rows = [gnn.scatter(torch.tensor(each), torch.zeros(len(each), dtype=int), 1, reduce) for each in heard]
        different[reduce] = sum(not torch.equal(one, two) for one, two in itertools.combinations(rows, 2))
    assert different == {"sum": 3, "mean": 2, "max": 0}
