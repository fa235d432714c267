"""The capstone's parts: packing, the front, networks, and that neither way alone is enough."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib import capstone
from course_lib.capstone import Budget, compress, digits_task, folded, graph_task, measured, network, trained

BUDGETS = {"digits": Budget(1000, 20_000), "graph": Budget(600, 1200)}


@pytest.fixture(scope="module")
def made():
    torch.set_num_threads(1)
    tasks = {"digits": digits_task(np.random.default_rng(5)), "graph": graph_task(np.random.default_rng(5))}
    return {kind: (task, trained(kind, task, 5)) for kind, task in tasks.items()}


@given(st.integers(1, 8), st.lists(st.integers(0, 255), max_size=40))
def test_packing_is_undone_and_leaves_no_gap(bits, numbers):
    codes = torch.tensor([number % 2**bits for number in numbers], dtype=torch.int64)
    packed = capstone.pack(codes, bits)
    assert packed.dtype == torch.uint8
    assert len(packed) == -(-len(codes) * bits // 8)
    assert capstone.unpack(packed, bits, len(codes)).tolist() == codes.tolist()


def test_packing_as_numpy_packs_bits():
    bits = np.random.default_rng(0).integers(0, 2, 50).astype(np.uint8)
    np.testing.assert_array_equal(capstone.pack(torch.from_numpy(bits), 1), np.packbits(bits, bitorder="little"))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=15))
def test_the_front_is_what_the_definition_says(models):
    costs, scores = (torch.tensor(part, dtype=torch.float64) for part in zip(*models, strict=True))
    front = capstone.pareto_front(costs, scores).tolist()
    kept = [
        i for i, (c, s) in enumerate(models)
        if not any(c2 <= c and s2 >= s and (c2 < c or s2 > s or j < i) for j, (c2, s2) in enumerate(models) if j != i)
    ]  # fmt: skip
    assert sorted(front) == kept
    assert [models[i][0] for i in front] == sorted(models[i][0] for i in kept)


@pytest.mark.parametrize("kind", BUDGETS)
def test_plain_layers_are_the_network(made, kind):
    task, model = made[kind]
    with torch.no_grad():
        torch.testing.assert_close(network(*folded(model), task.held_out), model(task.held_out), rtol=1e-4, atol=1e-4)


def test_spreading_is_pygs_normalised_adjacency(made):
    from torch_geometric.nn import GCNConv

    task, model = made["graph"]
    conv = GCNConv(48, 64)
    with torch.no_grad():
        conv.lin.weight.copy_(model.first.weight)
        conv.bias.zero_()
        wanted = conv(task.train.x, task.train.edge_index)
        got = capstone.spread(task.train.x @ model.first.weight.T, task.train.edge_index)
    torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-4)


def test_held_out_is_neither_seen_nor_shown(made):
    digits, _ = made["digits"]
    seen = {row.numpy().tobytes() for row in digits.train[0]}
    assert not seen & {row.numpy().tobytes() for row in digits.held_out}
    graph, _ = made["graph"]
    assert "y" not in graph.held_out
    assert graph.held_out.edge_index.shape == graph.train.edge_index.shape
    assert not torch.equal(graph.held_out.x, graph.train.x)


def test_classes_keep_their_names_where_asked():
    first, second = (digits_task(np.random.default_rng(1), rename) for rename in (True, False))
    assert torch.equal(first.train[0], second.train[0])
    assert not torch.equal(first.train[1], second.train[1])


@pytest.mark.parametrize("kind", BUDGETS)
def test_under_the_budget_neither_way_alone_is_as_good_as_both(made, kind):
    task, model = made[kind]
    budget = BUDGETS[kind]
    whole = measured(capstone.uncompressed(model), task)
    both = measured(compress(model, task.train, budget), task)
    assert both.bytes <= budget.bytes
    assert both.macs <= budget.macs
    assert whole.accuracy - both.accuracy <= 0.04
    for widths in [(2, 4), (3, 3)] if kind == "digits" else [(1,), (2,)]:
        pruned = measured(capstone.prune_only(model, task.train, widths), task)
        assert pruned.accuracy < both.accuracy - 0.03 or pruned.bytes > budget.bytes
    smallest = measured(capstone.prune_only(model, task.train, (3, 3) if kind == "digits" else (2,)), task)
    assert smallest.bytes <= budget.bytes
    for bits in (2, 4):
        quantized = measured(capstone.quantize_only(model, task.train, bits), task)
        assert quantized.macs > 2 * budget.macs
        assert quantized.bytes > budget.bytes


def test_the_given_network_stays_as_it_was(made):
    task, model = made["graph"]
    before = {name: each.clone() for name, each in model.state_dict().items()}
    compress(model, task.train, BUDGETS["graph"])
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())


@pytest.mark.parametrize("kind", BUDGETS)
def test_no_network_is_small_enough_for_no_budget(made, kind):
    task, model = made[kind]
    with pytest.raises(ValueError, match="is too small for any network"):
        compress(model, task.train, Budget(80, 20))
