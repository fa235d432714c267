"""Trainings that take seconds: published figures are reached, and networks learn what their notebooks promise."""

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch_geometric.loader import DataLoader

from course_lib import gnn, graphs


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


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
