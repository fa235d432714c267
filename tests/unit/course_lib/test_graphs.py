"""The graphs of the course."""

import numpy as np
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


def test_cora_is_looked_for_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert graphs.cora_folder() is None
    assert graphs.cora() is None
    for place in ("cora/raw", "raw", "."):
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        (tmp_path / place / "ind.cora.graph").touch()
        assert graphs.cora_folder() == tmp_path / place


def test_communities_join_their_own_more_often():
    town = graphs.communities([20, 30, 10], 0.4, 0.02, 5, 1.0, np.random.default_rng(0))
    assert town.x.shape == (60, 5)
    assert town.y.bincount().tolist() == [20, 30, 10]
    source, target = town.edge_index
    assert (source != target).all()
    assert torch.equal(town.edge_index.flip(0).unique(dim=1), town.edge_index)
    assert (town.y[source] == town.y[target]).float().mean() > 0.8


def test_popular_nodes_become_hubs():
    popularity = np.ones(60)
    popularity[7] = 10
    town = graphs.communities([30, 30], 0.1, 0.02, 2, 1.0, np.random.default_rng(0), popularity)
    degrees = town.edge_index[1].bincount(minlength=60)
    assert degrees.argmax() == 7
    assert degrees[7] > 3 * degrees.double().mean()
    assert torch.equal(town.edge_index.flip(0).unique(dim=1), town.edge_index)


def test_little_graphs_have_three_kinds_and_about_two_friendships_a_node():
    made = graphs.little(60, np.random.default_rng(0))
    assert torch.stack([each.y[0] for each in made]).bincount().tolist() == [20, 20, 20]
    for each in made:
        n, pairs = len(each.x), each.edge_index
        assert 14 <= n < 30
        assert torch.equal(pairs.flip(0).unique(dim=1), pairs.unique(dim=1))
        assert (pairs[0] != pairs[1]).all()
        assert 1.5 < pairs.shape[1] / 2 / n <= 2
    hubs = [int(each.edge_index[1].bincount().max()) for each in made if each.y == 1]
    rings = [int(each.edge_index[1].bincount().max()) for each in made if each.y == 2]
    assert np.mean(hubs) > 1.3 * np.mean(rings)


def test_the_marriages_of_florence_are_those_of_networkx():
    import networkx

    names, graph = list(graphs.FAMILIES), graphs.florence()
    found = [frozenset((names[a], names[b])) for a, b in graph.edge_index.T.tolist()]
    assert set(found) == {frozenset(pair) for pair in networkx.florentine_families_graph().edges}
    assert len(found) == 40
    assert graph.x[:, 0].tolist() == list(graphs.FAMILIES.values())


def test_digits_are_joined_to_those_that_look_most_like_them():
    sheet = graphs.digits(labels=3, neighbours=4, seed=1)
    assert sheet.x.shape == (1797, 64)
    assert 0 <= sheet.x.min() <= sheet.x.max() == 1
    apart = torch.cdist(sheet.x.double(), sheet.x.double(), compute_mode="donot_use_mm_for_euclid_dist")
    apart.fill_diagonal_(torch.inf)
    fourth = apart.kthvalue(4, dim=1).values
    bound = torch.maximum(fourth[:, None], fourth[None])
    joined = torch.zeros(1797, 1797, dtype=torch.bool)
    joined[sheet.edge_index[0], sheet.edge_index[1]] = True
    assert joined[apart < bound - 1e-9].all()
    assert not joined[apart > bound + 1e-9].any()
    assert sheet.y[sheet.train_mask].bincount().tolist() == [3] * 10
    assert (sheet.y[sheet.edge_index[0]] == sheet.y[sheet.edge_index[1]]).float().mean() > 0.95
    assert not torch.equal(sheet.train_mask, graphs.digits(labels=3, seed=2).train_mask)
