"""The references of messages on graphs against PyG, dense matrices and a plain loop."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric import nn as pyg
from torch_geometric import utils
from torch_geometric.nn.conv.gcn_conv import gcn_norm as pyg_gcn_norm

from course_lib import gnn
from course_lib.gnn import layers

CLOSE = {torch.float32: {"rtol": 1e-4, "atol": 1e-5}, torch.float64: {"rtol": 1e-10, "atol": 1e-12}}
each_dtype = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["single", "double"])
each_reduce = pytest.mark.parametrize("reduce", ["sum", "mean", "max"])


def graph(seed, n=11, count=30):
    """Directed and asymmetric, with loops (one of them twice), repeated edges, and the last two nodes isolated."""
    generator = torch.Generator().manual_seed(seed)
    edges = torch.randint(n - 2, (2, count), generator=generator)
    return torch.cat([edges, edges[:, :4], torch.tensor([[1, 3, 3], [1, 3, 3]])], dim=1)


GRAPHS = [graph(0), graph(1, 6, 5), graph(2, 40, 200), torch.empty(2, 0, dtype=torch.int64)]
SIZES = [11, 6, 40, 4]
each_graph = pytest.mark.parametrize(("edge_index", "n"), list(zip(GRAPHS, SIZES, strict=True)), ids=map(str, SIZES))


def random(*shape, dtype=torch.float64, seed=0):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def gradients(result, leaves, seed=9):
    return torch.autograd.grad(result, leaves, random(*result.shape, dtype=result.dtype, seed=seed))


# --- edges ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.bool, torch.int64, torch.float32])
def test_to_edge_index_is_pygs(dtype):
    adjacency = (random(7, 7) * (random(7, 7, seed=1) > 0.8) * 10).to(dtype)
    expected, _ = utils.dense_to_sparse(adjacency.float())
    got = gnn.to_edge_index(adjacency)
    assert got.dtype == torch.int64
    assert torch.equal(got, expected)
    assert torch.equal(gnn.to_edge_index(adjacency.T.contiguous().T), expected)


def test_an_adjacency_matrix_is_square():
    with pytest.raises(ValueError, match=r"shape \(2, 3\); to_edge_index expects \(n, n\)"):
        gnn.to_edge_index(torch.ones(2, 3))


@each_graph
def test_degree_is_pygs(edge_index, n):
    got = gnn.degree(edge_index[1], n)
    assert got.dtype == torch.int64
    assert torch.equal(got, utils.degree(edge_index[1], n, dtype=torch.int64))


@each_graph
def test_loops_are_appended_where_they_lack(edge_index, n):
    got = gnn.add_self_loops(edge_index, n)
    count = edge_index.shape[1]
    assert torch.equal(got[:, :count], edge_index)
    has = set(edge_index[0][edge_index[0] == edge_index[1]].tolist())
    missing = [node for node in range(n) if node not in has]
    assert got[:, count:].tolist() == [missing, missing]
    assert torch.equal(gnn.add_self_loops(got, n), got)


@each_graph
def test_gcn_norm_is_pygs(edge_index, n):
    edges, weight = gnn.gcn_norm(edge_index, n)
    expected, expected_weight = pyg_gcn_norm(edge_index, num_nodes=n)
    assert torch.equal(edges, expected)
    torch.testing.assert_close(weight, expected_weight)


@each_graph
@pytest.mark.parametrize("k", [0, 1, 2, 3, 50])
def test_k_hop_is_pygs_backwards_walk_and_a_power_of_the_matrix(edge_index, n, k):
    adjacency = torch.eye(n)
    adjacency[edge_index[0], edge_index[1]] = 1
    reached = torch.linalg.matrix_power(adjacency.double(), min(k, n)) > 0
    for node in range(n):
        got = gnn.k_hop(edge_index, node, k, n)
        assert torch.equal(got, reached[:, node].nonzero().ravel())
        subset, *_ = utils.k_hop_subgraph(node, k, edge_index, num_nodes=n, flow="source_to_target")
        assert torch.equal(got, subset)


# --- rounds -----------------------------------------------------------------------------------------------


@each_dtype
@each_reduce
@each_graph
def test_scatter_is_pygs_with_gradients(edge_index, n, reduce, dtype):
    messages = random(edge_index.shape[1], 3, dtype=dtype).requires_grad_()
    got = gnn.scatter(messages, edge_index[1], n, reduce)
    expected = utils.scatter(messages, edge_index[1], 0, n, reduce)
    assert got.dtype == dtype
    torch.testing.assert_close(got, expected, **CLOSE[dtype])
    torch.testing.assert_close(gradients(got, [messages]), gradients(expected, [messages]), **CLOSE[dtype])


@each_reduce
def test_scatter_takes_any_shape_and_layout(reduce):
    index, messages = GRAPHS[0][1], random(GRAPHS[0].shape[1], 4, 6)[:, ::2, ::3]
    got = gnn.scatter(messages, index, 11, reduce)
    flat = gnn.scatter(messages.reshape(len(index), -1), index, 11, reduce)
    assert got.shape == (11, 2, 2)
    assert torch.equal(got.reshape(11, -1), flat)
    assert torch.equal(gnn.scatter(messages[:, 0, 0], index, 11, reduce), got[:, 0, 0])


def test_scatter_names_the_cause():
    with pytest.raises(ValueError, match="reduce is 'min'"):
        gnn.scatter(torch.ones(2, 1), torch.tensor([0, 1]), 2, "min")
    with pytest.raises(ValueError, match="3 messages for 2 receivers"):
        gnn.scatter(torch.ones(3, 1), torch.tensor([0, 1]), 2, "sum")
    with pytest.raises(ValueError, match="expected \\(E,\\) of int64"):
        gnn.scatter(torch.ones(2, 1), torch.tensor([0.0, 1.0]), 2, "sum")
    with pytest.raises(ValueError, match=r"shape \(5, 2\); expected \(2, E\)"):
        gnn.k_hop(torch.zeros(5, 2, dtype=torch.int64), 0, 1, 3)


class Difference(pyg.MessagePassing):
    def forward(self, x, edge_index):
        return self.propagate(edge_index, x=x)

    def message(self, x_i, x_j):
        return torch.cat([x_j - 2 * x_i, x_i * x_j], dim=1)


@each_dtype
@each_reduce
@each_graph
def test_message_passing_is_pygs_and_a_loop(edge_index, n, reduce, dtype):
    x = random(n, 3, dtype=dtype).requires_grad_()
    rule = Difference(aggr=reduce)
    got = gnn.message_passing(x, edge_index, rule.message, reduce)
    expected = rule(x, edge_index)
    torch.testing.assert_close(got, expected, **CLOSE[dtype])
    torch.testing.assert_close(gradients(got, [x]), gradients(expected, [x]), **CLOSE[dtype])
    torch.testing.assert_close(got, by_loop(x, edge_index, rule.message, reduce), **CLOSE[dtype])


def by_loop(x, edge_index, message, reduce):
    rows = []
    for node in range(len(x)):
        heard = [message(x[node][None], x[j][None])[0] for j, i in edge_index.T.tolist() if i == node]
        if heard:
            stack = torch.stack(heard)
            rows.append({"sum": stack.sum(0), "mean": stack.mean(0), "max": stack.amax(0)}[reduce])
        else:
            rows.append(torch.zeros(2 * x.shape[1], dtype=x.dtype))
    return torch.stack(rows)


# --- layers -----------------------------------------------------------------------------------------------


@pytest.fixture(params=["stored", "sparse"])
def way(request, monkeypatch):
    """Both ways to sum neighbours: messages stored, and a sparse product."""
    monkeypatch.setattr(layers, "_FEW", 0 if request.param == "sparse" else 1 << 60)


def agree(ours, theirs, leaves, dtype):
    torch.testing.assert_close(ours, theirs, **CLOSE[dtype])
    torch.testing.assert_close(gradients(ours, leaves), gradients(theirs, leaves), **CLOSE[dtype])


@each_dtype
@each_graph
@pytest.mark.parametrize(("inputs", "outputs"), [(3, 2), (2, 5), (4, 4), (1, 1)])
@pytest.mark.usefixtures("way")
def test_the_layers_are_pygs_with_gradients(edge_index, n, dtype, inputs, outputs):
    torch.manual_seed(0)
    x = random(n, inputs, dtype=dtype).requires_grad_()
    gcn = pyg.GCNConv(inputs, outputs).to(dtype)
    sage = pyg.SAGEConv(inputs, outputs).to(dtype)
    torch.nn.init.normal_(gcn.bias)
    leaves = [x, gcn.lin.weight, gcn.bias]
    agree(gnn.gcn_layer(x, edge_index, gcn.lin.weight, gcn.bias), gcn(x, edge_index), leaves, dtype)
    weights = [sage.lin_r.weight, sage.lin_l.weight, sage.lin_l.bias]
    agree(gnn.sage_layer(x, edge_index, *weights), sage(x, edge_index), [x, *weights], dtype)
    mlp = torch.nn.Sequential(torch.nn.Linear(inputs, 7), torch.nn.Tanh(), torch.nn.Linear(7, outputs)).to(dtype)
    gin = pyg.GINConv(mlp, eps=0.25)
    agree(gnn.gin_layer(x, edge_index, mlp, 0.25), gin(x, edge_index), [x, *mlp.parameters()], dtype)


@given(st.integers(0, 2**31), st.integers(3, 14), st.integers(0, 40))
@settings(max_examples=40)
def test_layers_are_equivariant_and_keep_their_inputs(seed, n, count):
    generator = torch.Generator().manual_seed(seed)
    edge_index = torch.randint(n, (2, count), generator=generator)
    x = torch.randn(n, 3, generator=generator, dtype=torch.float64)
    W, V = torch.randn(2, 2, 3, generator=generator, dtype=torch.float64)
    b = torch.randn(2, generator=generator, dtype=torch.float64)
    order = torch.randperm(n, generator=generator)
    new = torch.argsort(order)[edge_index]
    for layer in (
        lambda x, e: gnn.gcn_layer(x, e, W, b),
        lambda x, e: gnn.sage_layer(x, e, W, V, b),
        lambda x, e: gnn.gin_layer(x, e, torch.sin, 0.3),
        lambda x, e: gnn.message_passing(x, e, lambda x_i, x_j: x_i * x_j, "max"),
    ):
        before = x.clone(), edge_index.clone()
        torch.testing.assert_close(layer(x[order], new), layer(x, edge_index)[order], rtol=1e-9, atol=1e-9)
        assert torch.equal(x, before[0])
        assert torch.equal(edge_index, before[1])


def test_a_layer_hears_only_its_neighbourhood():
    edge_index, n = GRAPHS[2], 40
    x = random(n, 2).requires_grad_()
    W, b = random(2, 2, seed=1), random(2, seed=2)
    twice = gnn.gcn_layer(torch.tanh(gnn.gcn_layer(x, edge_index, W, b)), edge_index, W, b)
    for node in (0, 7, 20, 39):
        (moved,) = torch.autograd.grad(twice[node].sum(), x, retain_graph=True)
        assert torch.equal(moved.abs().sum(1).nonzero().ravel(), gnn.k_hop(edge_index, node, 2, n))
