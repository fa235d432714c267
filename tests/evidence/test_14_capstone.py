"""What notebook 14 says about budgets, and about accuracies on thousands of digits that nobody has seen."""

from functools import cache

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from course_lib import capstone
from course_lib.capstone import Budget

SEEDS = (0, 1)
LARGEST, SMALLEST = Budget(1000, 20_000), Budget(250, 6000)
LARGEST_GRAPH = Budget(300, 800)
seeded = pytest.mark.parametrize("seed", SEEDS)


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@cache
def digits(seed):
    task = capstone.digits_task(np.random.default_rng(seed), rename=False, held_out=8000)
    return task, capstone.trained("digits", task, seed)


@cache
def trained_on(seed):
    """The whole network after the additional training that pruned and quantized ones get."""
    task, model = digits(seed)
    return capstone.measured(capstone.prune_only(model, task.train, (16, 32)), task)


@cache
def graph(seed):
    task = capstone.graph_task(np.random.default_rng(seed))
    return task, capstone.trained("graph", task, seed)


@seeded
def test_the_whole_network_is_a_hundred_times_the_smallest_budget(seed):
    task, model = digits(seed)
    found = capstone.measured(capstone.uncompressed(model), task)
    assert found.bytes / SMALLEST.bytes == pytest.approx(100, rel=0.01)
    assert found.accuracy > 0.95


@seeded
def test_within_the_smallest_budget_more_than_four_of_five_digits_are_read(seed):
    task, model = digits(seed)
    found = capstone.measured(capstone.compress(model, task.train, SMALLEST), task)
    assert found.bytes <= SMALLEST.bytes
    assert found.macs <= SMALLEST.macs
    assert found.accuracy > 0.81


@seeded
def test_pruning_alone_fits_with_many_points_lost_and_two_bits_alone_do_not_fit(seed):
    task, model = digits(seed)
    whole = trained_on(seed)
    pruned = capstone.measured(capstone.prune_only(model, task.train, (3, 3)), task)
    assert pruned.bytes <= LARGEST.bytes
    assert pruned.accuracy < whole.accuracy - 0.08
    coarse = capstone.measured(capstone.quantize_only(model, task.train, 2), task)
    assert coarse.bytes > 1.5 * LARGEST.bytes
    assert coarse.macs == pytest.approx(whole.macs, rel=0.05)


def test_fine_tuning_gives_every_competitor_an_advantage_over_the_network_as_it_was():
    gained = []
    for seed in SEEDS:
        task, model = digits(seed)
        before = capstone.measured(capstone.uncompressed(model), task).accuracy
        gained.append(trained_on(seed).accuracy - before)
    assert min(gained) > 0


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_graph_is_lost_without_its_edges(seed):
    task, model = graph(seed)
    same = task.train.y[task.train.edge_index]
    assert float((same[0] == same[1]).double().mean()) == pytest.approx(0.8, abs=0.02)
    alone = LogisticRegression(C=1e-3, max_iter=500).fit(task.train.x.numpy(), task.train.y.numpy())
    assert alone.score(task.held_out.x.numpy(), task.labels.numpy()) < 0.5
    assert capstone.measured(capstone.uncompressed(model), task).accuracy > 0.85


@seeded
def test_the_whole_graph_network_overfits_when_it_is_trained_on(seed):
    task, model = graph(seed)
    before = capstone.measured(capstone.uncompressed(model), task).accuracy
    after = capstone.measured(capstone.prune_only(model, task.train, (64,)), task).accuracy
    assert after < before - 0.01


def test_two_channels_are_too_many_for_the_graphs_budget():
    task, model = graph(0)
    assert capstone.measured(capstone.prune_only(model, task.train, (2,)), task).bytes > LARGEST_GRAPH.bytes


def test_standard_errors_are_those_that_the_text_names():
    task, _ = digits(0)
    assert 100 * (0.9 * 0.1 / len(task.labels)) ** 0.5 == pytest.approx(0.34, abs=0.01)
    task, _ = graph(0)
    assert len(task.labels) == 1920
