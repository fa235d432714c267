"""The capstone's parts: packing, the front, networks, and that neither way alone is enough."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib import capstone
from course_lib.capstone import (
    SKELETON,
    Budget,
    charged,
    compress,
    digits_task,
    folded,
    graph_task,
    inputs_of,
    joined,
    measured,
    network,
    parts,
    recorded,
    trained,
)

BUDGETS = {"digits": Budget(250, 6000), "graph": Budget(120, 400)}
"""The smallest of the exercise."""


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
    for batch in graph.batches:
        assert batch.edge_index.shape == graph.train.edge_index.shape == graph.example.edge_index.shape
        assert not torch.equal(batch.x, graph.train.x)
    assert {len(batch) for batch in digits.batches} == {len(digits.example)}
    assert sum(map(len, digits.batches)) == len(digits.labels) == 2000


def test_the_graph_needs_its_edges(made):
    task, model = made["graph"]
    x, y, held = task.train.x, task.train.y, task.held_out.x
    means = torch.stack([x[y == group].mean(0) for group in range(6)])
    by_means = (torch.cdist(held, means).argmin(1) == task.labels).double().mean()
    ridge = torch.linalg.solve(x.T @ x + 3000 * torch.eye(48), x.T @ torch.eye(6)[y])
    by_features = ((held @ ridge).argmax(1) == task.labels).double().mean()
    with torch.no_grad():
        by_edges = (model(task.held_out).argmax(1) == task.labels).double().mean()
    assert max(by_means, by_features) < by_edges - 0.40
    assert by_edges > 0.88


def test_a_public_digit_answers_for_few(made):
    from sklearn.datasets import load_digits

    task, model = made["digits"]
    pixels, labels = load_digits(return_X_y=True)
    known = torch.from_numpy(pixels).float() / 16
    nearest = torch.from_numpy(labels)[torch.cdist(task.held_out.flatten(1), known).argmin(1)]
    table = torch.zeros(10, 10).index_put((nearest, task.labels), torch.ones(()), accumulate=True)
    with torch.no_grad():
        network_is_right = (model(task.held_out).argmax(1) == task.labels).double().mean()
    assert table.amax(1).sum() / len(nearest) < 0.75 < 0.93 < network_is_right  # whatever the classes are called


@pytest.mark.parametrize("kind", BUDGETS)
def test_inputs_come_apart_and_together_again(made, kind):
    task, model = made[kind]
    batch = task.batches[0]
    pieces = parts(batch)
    assert all(torch.equal(a, b) for a, b in zip(inputs_of(joined(pieces)), inputs_of(batch), strict=True))
    with torch.no_grad():
        alone = torch.cat([model(piece) for piece in pieces[:3]])
        torch.testing.assert_close(alone, model(batch)[: len(alone)], rtol=1e-4, atol=1e-4)


def test_classes_keep_their_names_where_asked():
    first, second = (digits_task(np.random.default_rng(1), rename) for rename in (True, False))
    assert torch.equal(first.train[0], second.train[0])
    assert not torch.equal(first.train[1], second.train[1])


@pytest.mark.parametrize("kind", BUDGETS)
def test_under_the_budget_neither_way_alone_is_enough(made, kind):
    task, model = made[kind]
    budget = BUDGETS[kind]
    both = measured(compress(model, task.train, budget), task)
    assert both.bytes <= budget.bytes
    assert both.macs <= budget.macs
    assert both.accuracy > (0.82 if kind == "digits" else 0.70)
    pruned = measured(capstone.prune_only(model, task.train, (2, 2) if kind == "digits" else (1,)), task)
    assert pruned.accuracy < both.accuracy - 0.03 or pruned.bytes > budget.bytes
    quantized = measured(capstone.quantize_only(model, task.train, 2), task)
    assert quantized.macs > 2 * budget.macs
    assert quantized.bytes > budget.bytes


@pytest.mark.parametrize("kind", BUDGETS)
def test_the_skeleton_is_what_plain_code_takes(made, kind):
    task, model = made[kind]
    program = recorded(compress(model, task.train, BUDGETS[kind]), task.example)
    assert SKELETON - 50 < len(program.code) < SKELETON
    assert charged(program) == program.size - SKELETON


def test_the_given_network_stays_as_it_was(made):
    task, model = made["graph"]
    before = {name: each.clone() for name, each in model.state_dict().items()}
    compress(model, task.train, BUDGETS["graph"])
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())


@pytest.mark.parametrize("kind", BUDGETS)
def test_no_network_is_small_enough_for_no_budget(made, kind):
    task, model = made[kind]
    with pytest.raises(ValueError, match="is too small for any network"):
        compress(model, task.train, Budget(30, 20))
