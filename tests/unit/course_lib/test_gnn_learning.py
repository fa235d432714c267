"""The references of learning on graphs against PyG, torch and published figures."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch_geometric import nn as pyg

from course_lib import gnn, graphs

CLOSE = {torch.float32: {"rtol": 1e-4, "atol": 1e-5}, torch.float64: {"rtol": 1e-10, "atol": 1e-12}}
each_dtype = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["single", "double"])
each_reduce = pytest.mark.parametrize("reduce", ["sum", "mean", "max"])


def graph(seed, n=11, count=30):
    """Directed and asymmetric, with loops (one of them twice), repeated edges, and the last two nodes isolated."""
    edges = torch.randint(n - 2, (2, count), generator=torch.Generator().manual_seed(seed))
    return torch.cat([edges, edges[:, :4], torch.tensor([[1, 3, 3], [1, 3, 3]])], dim=1)


each_graph = pytest.mark.parametrize(
    ("edge_index", "n"),
    [(graph(0), 11), (graph(1, 6, 5), 6), (graph(2, 40, 200), 40), (torch.empty(2, 0, dtype=torch.int64), 4)],
    ids=["11", "6", "40", "no edges"],
)


def random(*shape, dtype=torch.float64, seed=0):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def agree(ours, theirs, leaves, dtype):
    upstream = random(*ours.shape, 1, dtype=dtype, seed=9)[..., 0]
    torch.testing.assert_close(ours, theirs, **CLOSE[dtype])
    torch.testing.assert_close(
        torch.autograd.grad(ours, leaves, upstream), torch.autograd.grad(theirs, leaves, upstream), **CLOSE[dtype]
    )


# --- layers -----------------------------------------------------------------------------------------------


@each_dtype
@each_graph
@pytest.mark.parametrize(("inputs", "heads", "width", "slope"), [(3, 1, 4, 0.2), (2, 3, 2, 0.7), (1, 2, 1, 0.05)])
def test_gat_layer_is_pygs_with_gradients(edge_index, n, dtype, inputs, heads, width, slope):
    torch.manual_seed(0)
    theirs = pyg.GATConv(inputs, width, heads=heads, negative_slope=slope, bias=False).to(dtype)
    x = random(n, inputs, dtype=dtype).requires_grad_()
    leaves = [x, theirs.lin.weight, theirs.att_src, theirs.att_dst]
    ours = gnn.gat_layer(x, edge_index, theirs.lin.weight, theirs.att_src[0], theirs.att_dst[0], slope)
    agree(ours, theirs(x, edge_index), leaves, dtype)


def test_attention_is_safe_at_huge_scores():
    x, W = random(11, 3).requires_grad_(), random(4, 3, seed=1)
    out = gnn.gat_layer(x, graph(0), W, 1e4 * random(2, 2, seed=2), 1e4 * random(2, 2, seed=3))
    assert out.isfinite().all()
    assert torch.autograd.grad(out.sum(), x)[0].isfinite().all()


@each_dtype
@each_graph
def test_our_message_passing_is_pygs_gcnconv_with_gradients(edge_index, n, dtype):
    ours, theirs = gnn.GCNConv(3, 5).to(dtype), pyg.GCNConv(3, 5).to(dtype)
    with torch.no_grad():
        theirs.lin.weight.copy_(ours.weight)
        ours.bias.copy_(theirs.bias.normal_())
    x = random(n, 3, dtype=dtype).requires_grad_()
    got, expected = ours(x, edge_index), theirs(x, edge_index)
    assert got.dtype == dtype
    loose = {"rtol": 1e-5, "atol": 1e-6}  # the weights of the edges are single precision
    torch.testing.assert_close(got, expected, **loose)
    upstream = random(n, 5, dtype=dtype, seed=3)
    mine = torch.autograd.grad(got, [x, ours.weight, ours.bias], upstream)
    others = torch.autograd.grad(expected, [x, theirs.lin.weight, theirs.bias], upstream)
    torch.testing.assert_close(mine, others, **loose)
    torch.testing.assert_close(got, gnn.gcn_layer(x, edge_index, ours.weight, ours.bias), **loose)


# --- networks ---------------------------------------------------------------------------------------------


def test_a_network_reads_sparse_features_like_dense_ones():
    torch.manual_seed(0)
    x = random(11, 20, dtype=torch.float32) * (random(11, 20, seed=1) > 1)
    model = gnn.build_gcn(20, 8, 3)
    sparse = x.to_sparse()
    torch.testing.assert_close(model.eval()(sparse, graph(0)), model(x, graph(0)))
    kept = model.train()._thinned(sparse)
    assert torch.equal(kept.to_dense() != 0, (kept.to_dense() != 0) & (x != 0))
    assert 0 < (kept.to_dense() != 0).sum() < (x != 0).sum()
    model(sparse, graph(0)).sum().backward()
    assert model.first.weight.grad.abs().sum() > 0


def test_training_is_adam_on_the_masked_cross_entropy():
    club = graphs.karate()
    torch.manual_seed(0)
    ours, theirs = gnn.GCNConv(34, 4), pyg.GCNConv(34, 4)
    with torch.no_grad():
        theirs.lin.weight.copy_(ours.weight)
    before = club.clone()
    assert gnn.train_nodes(ours, club, 7, 0.02, 1e-3) is ours
    optimizer = torch.optim.Adam(theirs.parameters(), lr=0.02, weight_decay=1e-3)
    for _ in range(7):
        optimizer.zero_grad()
        functional.cross_entropy(theirs(club.x, club.edge_index)[club.train_mask], club.y[club.train_mask]).backward()
        optimizer.step()
    torch.testing.assert_close(ours.weight, theirs.lin.weight, rtol=1e-4, atol=1e-6)
    assert all(torch.equal(before[key], club[key]) for key in ("x", "edge_index", "y", "train_mask"))
    assert not ours.training


def accuracy(model, data, mask):
    with torch.no_grad():
        right = model.eval()(data.x, data.edge_index).argmax(dim=1) == data.y
    return float(right[mask].float().mean())


def test_four_labels_sort_the_karate_club():
    club, scores = graphs.karate(), []
    for seed in range(5):
        torch.manual_seed(seed)
        model = gnn.train_nodes(gnn.build_gcn(34, 16, 4), club, 100, 0.02, 5e-4)
        scores.append(accuracy(model, club, ~club.train_mask))
    assert np.mean(scores) >= 0.65


# --- whole graphs, links ----------------------------------------------------------------------------------


@each_dtype
@each_reduce
def test_global_pool_is_pygs(dtype, reduce):
    x, batch = random(9, 4, dtype=dtype).requires_grad_(), torch.tensor([0, 0, 4, 1, 4, 4, 2, 2, 0])
    pool = {"sum": pyg.global_add_pool, "mean": pyg.global_mean_pool, "max": pyg.global_max_pool}[reduce]
    agree(gnn.global_pool(x, batch, reduce), pool(x, batch), [x], dtype)
    assert gnn.global_pool(x[:0], batch[:0], reduce).shape == (0, 4)


@each_graph
def test_the_energy_is_the_laplacians_quadratic_form(edge_index, n):
    x = random(n, 3)
    adjacency = torch.zeros(n, n, dtype=torch.float64).index_put(
        tuple(edge_index), torch.ones((), dtype=torch.float64), accumulate=True
    )
    adjacency = (adjacency + adjacency.T) / 2
    laplacian = torch.diag(adjacency.sum(1)) - adjacency
    assert gnn.dirichlet_energy(x, edge_index) == pytest.approx(float(torch.trace(x.T @ laplacian @ x)))
    assert isinstance(gnn.dirichlet_energy(x, edge_index), float)


@each_graph
def test_negative_edges_are_the_pairs_that_are_left_all_as_likely(edge_index, n):
    joined = torch.eye(n, dtype=torch.bool)
    joined[edge_index[0], edge_index[1]] = True
    free = int((~joined).sum())
    pairs = gnn.negative_edges(edge_index, n, 400 * free, torch.Generator().manual_seed(1))
    assert pairs.shape == (2, 400 * free)
    counts = torch.zeros(n, n).index_put(tuple(pairs), torch.tensor(1.0), accumulate=True)
    assert counts[joined].sum() == 0
    spread = counts[~joined] / 400
    assert 0.7 < spread.min() <= spread.max() < 1.3
    again = gnn.negative_edges(edge_index, n, 400 * free, torch.Generator().manual_seed(1))
    assert torch.equal(pairs, again)


def test_a_complete_graph_has_no_negative_edge():
    complete = (~torch.eye(4, dtype=torch.bool)).nonzero().T
    with pytest.raises(ValueError, match="all 12 pairs of 4 nodes are edges"):
        gnn.negative_edges(complete, 4, 1, torch.Generator())
    assert gnn.negative_edges(complete, 4, 0, torch.Generator()).shape == (2, 0)
    one_left = complete[:, 1:]
    assert gnn.negative_edges(one_left, 4, 3, torch.Generator()).tolist() == [[0] * 3, [1] * 3]


@each_dtype
def test_link_scores_and_loss_are_pygs_and_torchs(dtype):
    z, edges = random(11, 5, dtype=dtype).requires_grad_(), graph(0)
    scores = gnn.link_scores(z, edges)
    agree(scores, pyg.InnerProductDecoder()(z, edges, sigmoid=False), [z], dtype)
    pos, neg = random(7, dtype=dtype).requires_grad_(), (3 * random(4, dtype=dtype, seed=1)).requires_grad_()
    labels = torch.cat([torch.ones(7, dtype=dtype), torch.zeros(4, dtype=dtype)])
    expected = functional.binary_cross_entropy_with_logits(torch.cat([pos, neg]), labels)
    agree(gnn.link_loss(pos, neg), expected, [pos, neg], dtype)


def test_the_link_loss_is_exact_at_any_score():
    pos = torch.tensor([-300.0, 300.0, -1e4], requires_grad=True)
    loss = gnn.link_loss(pos, torch.tensor([300.0]))
    assert float(loss.detach()) == pytest.approx((300 + 0 + 1e4 + 300) / 4)
    assert torch.autograd.grad(loss, pos)[0].tolist() == pytest.approx([-0.25, 0, -0.25])


def test_rounds_make_neighbours_alike_and_depth_costs_accuracy():
    club = graphs.karate()
    looped = gnn.add_self_loops(club.edge_index, 34)
    x = random(34, 4)
    energies = [gnn.dirichlet_energy(x, club.edge_index)]
    for _ in range(20):
        x = gnn.message_passing(x, looped, lambda _, x_j: x_j, "mean")
        energies.append(gnn.dirichlet_energy(x, club.edge_index))
    assert all(later < earlier for earlier, later in pairwise(energies))
    assert energies[-1] < 1e-3 * energies[0]


def test_no_round_tells_a_ring_of_six_from_two_rings_of_three():
    torch.manual_seed(0)
    six = torch.tensor([[0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 0]])
    threes = torch.tensor([[0, 1, 2, 3, 4, 5], [1, 2, 0, 4, 5, 3]])
    mlp = torch.nn.Sequential(torch.nn.Linear(1, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
    x, batch = torch.ones(6, 1), torch.zeros(6, dtype=torch.int64)
    rows = []
    for edges in (six, threes):
        h = x
        for _ in range(5):
            h = gnn.gin_layer(h, torch.cat([edges, edges.flip(0)], dim=1), mlp, 0.1)
        rows.append(gnn.global_pool(h, batch, "sum"))
    torch.testing.assert_close(*rows)


# --- mini-batches -----------------------------------------------------------------------------------------


@each_graph
@pytest.mark.parametrize("fanout", [0, 2, 100])
def test_sampled_edges_enter_the_seeds_and_are_edges_of_the_graph(edge_index, n, fanout):
    seeds = torch.tensor([n - 1, 0, 2])
    nodes, drawn = gnn.sample_neighbors(edge_index, seeds, fanout, n, torch.Generator().manual_seed(0))
    assert torch.equal(nodes[:3], seeds)
    others = nodes[3:]
    assert torch.equal(others, others.unique())
    assert set(others.tolist()) == set(nodes[drawn[0]].tolist()) - set(seeds.tolist())
    entering = gnn.degree(edge_index[1], n)[seeds]
    assert torch.equal(gnn.degree(drawn[1], 3), entering.clamp(max=fanout))
    there, found = (Counter(map(tuple, each.T.tolist())) for each in (edge_index, nodes[drawn]))
    assert found <= there


def test_a_hop_with_all_neighbours_gives_the_rows_of_the_whole_graph():
    x, edge_index, seeds = random(40, 3), graph(2, 40, 200), torch.tensor([7, 3, 31])
    weights = random(4, 3, seed=1), random(4, 3, seed=2), random(4, seed=3)
    nodes, drawn = gnn.sample_neighbors(edge_index, seeds, 1000, 40, torch.Generator())
    torch.testing.assert_close(
        gnn.sage_layer(x[nodes], drawn, *weights)[:3], gnn.sage_layer(x, edge_index, *weights)[seeds]
    )


def test_every_subset_of_edges_is_drawn_as_often_as_any_other():
    edge_index, generator = torch.tensor([[1, 2, 3, 4, 0], [0, 0, 0, 0, 1]]), torch.Generator().manual_seed(0)
    counts = Counter()
    for _ in range(1200):
        nodes, _ = gnn.sample_neighbors(edge_index, torch.tensor([0]), 2, 5, generator)
        counts[tuple(nodes[1:].tolist())] += 1
    assert len(counts) == 6
    assert 140 < min(counts.values()) <= max(counts.values()) < 260
