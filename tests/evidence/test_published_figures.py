"""Trainings that take seconds: published figures are reached, and networks learn what their notebooks promise."""

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch_geometric.loader import DataLoader

from course_lib import cnn, data, gnn, graphs, training


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


# --- curves and digits ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def curves():
    return data.mnist1d()


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("kind", "least"), [("linear", 0.31), ("MLP", 0.65), ("CNN", 0.91)])
def test_the_published_figures_of_mnist_1d_are_reached(curves, kind, least, seed):
    _, history = cnn.train_curves(kind, curves, seed, show=False)
    assert history.accuracies[-1] >= least


def test_shuffled_positions_cost_a_cnn_its_lead(curves):
    shuffled = data.shuffled_positions(curves)
    found = {kind: cnn.train_curves(kind, shuffled, show=False)[1].accuracies[-1] for kind in cnn.PUBLISHED}
    assert found["linear"] >= 0.31
    assert found["MLP"] >= 0.65
    assert found["CNN"] <= 0.70


def test_a_network_that_forgets_places_reads_digits_that_move():
    digits = data.digits()
    sheets = [
        np.pad(part.x.reshape(-1, 1, 8, 8), ((0, 0), (0, 0), (2, 2), (2, 2))) for part in (digits.train, digits.test)
    ]
    model = cnn.sheet_network()
    training.fit(model, (sheets[0], digits.train.labels), 12, schedule=training.cosine, show=False)
    for shift in range(3):
        assert training.evaluate(model, (np.roll(sheets[1], shift, axis=3), digits.test.labels)) >= 0.97


# --- graphs -----------------------------------------------------------------------------------------------


def accuracy(model, data, mask):
    with torch.no_grad():
        right = model.eval()(data.x, data.edge_index).argmax(dim=1) == data.y
    return float(right[mask].float().mean())


@pytest.mark.skipif(graphs.cora_folder() is None, reason="Cora's files are not here; COURSE_DATA may name their folder")
def test_cora_reaches_what_was_published_over_five_seeds():
    cora, scores = graphs.cora(), []
    assert cora.x.shape == (2708, 1433)
    assert cora.edge_index.shape == (2, 10556)
    assert [int(cora[f"{part}_mask"].sum()) for part in ("train", "val", "test")] == [140, 500, 1000]
    cora.x = cora.x.to_sparse()
    for seed in range(5):
        torch.manual_seed(seed)
        model = gnn.train_nodes(gnn.build_gcn(1433, 16, 7), cora, 200, 0.01, 5e-4)
        scores.append(accuracy(model, cora, cora.test_mask))
    assert np.mean(scores) >= 0.81
    assert min(scores) >= 0.79


def test_little_graphs_are_told_apart_by_their_shape():
    torch.manual_seed(0)
    first = torch.nn.Sequential(torch.nn.Linear(1, 16), torch.nn.ReLU(), torch.nn.Linear(16, 16), torch.nn.ReLU())
    second, last = torch.nn.Sequential(torch.nn.Linear(16, 16), torch.nn.ReLU()), torch.nn.Linear(16, 3)

    def logits(batch):
        h = gnn.gin_layer(gnn.gin_layer(batch.x, batch.edge_index, first, 0.0), batch.edge_index, second, 0.0)
        return last(gnn.global_pool(h, batch.batch, "sum"))

    optimizer = torch.optim.Adam([*first.parameters(), *second.parameters(), *last.parameters()], lr=0.005)
    for _ in range(30):
        for batch in DataLoader(graphs.little(120, np.random.default_rng(0)), batch_size=40, shuffle=True):
            optimizer.zero_grad()
            functional.cross_entropy(logits(batch), batch.y).backward()
            optimizer.step()
    new = next(iter(DataLoader(graphs.little(150, np.random.default_rng(1)), batch_size=150)))
    assert (logits(new).argmax(dim=1) == new.y).float().mean() > 0.85
