"""The graphs of the course."""

import torch

from course_lib import graphs


def test_the_karate_club_is_zacharys():
    club = graphs.karate()
    assert club.x.shape == (34, 34)
    assert club.edge_index.shape == (2, 156)
    assert torch.equal(club.edge_index.flip(0).unique(dim=1), club.edge_index.unique(dim=1))
    assert club.train_mask.sum() == 4
    assert club.y[club.train_mask].sort().values.tolist() == [0, 1, 2, 3]


def test_the_club_broke_in_half_between_its_two_leaders():
    sides, club = graphs.sides(), graphs.karate()
    assert sides.bincount().tolist() == [17, 17]
    assert sides[[graphs.INSTRUCTOR, graphs.PRESIDENT]].tolist() == [0, 1]
    across = sides[club.edge_index[0]] != sides[club.edge_index[1]]
    assert across.sum() == 2 * 11
    mixed = [
        node for node in range(34) if 2 * across[club.edge_index[1] == node].sum() > (club.edge_index[1] == node).sum()
    ]
    assert mixed == [8]
