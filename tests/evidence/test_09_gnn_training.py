"""What notebook 9 claims: published figures are reached, edges help, depth fails to generalise, pooling has to fit."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn
from torch_geometric.loader import DataLoader

from course_lib import gnn, graphs, molecules, training

CLUB = graphs.karate()


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def accuracy(model, data, mask):
    with torch.no_grad():
        right = model.eval()(data.x, data.edge_index).argmax(dim=1) == data.y
    return float(right[mask].float().mean())


# --- nodes ------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("seed", [3, 4])
def test_edges_between_digits_that_look_alike_are_worth_more_than_six_points(seed):
    sheet, found = graphs.digits(labels=2, seed=seed), []
    for edges in (sheet.edge_index, sheet.edge_index[:, :0]):
        torch.manual_seed(seed)
        data = sheet.clone().update({"edge_index": edges})
        model = gnn.train_nodes(gnn.build_gcn(64, 32, 10), data, 100, 0.02, 5e-4)
        found.append(accuracy(model, data, ~data.train_mask))
    assert found[0] >= found[1] + 0.06


# --- depth ------------------------------------------------------------------------------------------------


class Deep(nn.Module):
    """Graph convolutions with ReLUs between them, with or without residual connections."""

    def __init__(self, depth, residual):
        super().__init__()
        self.layers = nn.ModuleList(gnn.GCNConv(*pair) for pair in pairwise([34, *[16] * (depth - 1), 4]))
        self.residual = residual

    def hidden(self, x, edge_index):
        x = self.layers[0](x, edge_index)
        for layer in self.layers[1:-1]:
            heard = layer(torch.relu(x), edge_index)
            x = x + heard if self.residual else heard
        return x

    def forward(self, x, edge_index):
        return self.layers[-1](torch.relu(self.hidden(x, edge_index)), edge_index)


def difference(model):
    """The energy of the last hidden embeddings, relative to their squared length: 0 if all say the same."""
    root = gnn.degree(gnn.add_self_loops(CLUB.edge_index, 34)[1], 34).sqrt()[:, None]
    with torch.no_grad():
        h = model.hidden(CLUB.x, CLUB.edge_index)
    return gnn.dirichlet_energy(h / root, CLUB.edge_index) / float(h.square().sum())


@pytest.fixture(scope="module")
def depths():
    """By depth and kind, means of five starts: energy untrained and trained, accuracy on given and on other labels."""
    found = {}
    for depth, residual in ((2, False), (8, False), (8, True)):
        runs = []
        for seed in range(5, 10):
            with torch.random.fork_rng():
                torch.manual_seed(seed)
                model = Deep(depth, residual)
                before = difference(model)
                gnn.train_nodes(model, CLUB, 100, 0.02, 5e-4)
                shares = [accuracy(model, CLUB, mask) for mask in (CLUB.train_mask, ~CLUB.train_mask)]
                runs.append((before, difference(model), *shares))
        found[depth, residual] = np.mean(runs, axis=0)
    return found


def test_untrained_deep_networks_are_smooth_and_residual_connections_keep_differences(depths):
    two, plain, residual = (depths[key][0] for key in ((2, False), (8, False), (8, True)))
    assert plain < 0.05 * two
    assert residual > 5 * plain


def test_trained_deep_networks_fit_the_given_labels_and_are_no_longer_smooth(depths):
    assert all(found[2] == 1 for found in depths.values())
    before, after = depths[8, False][:2]
    assert after > 4 * before


def test_what_fails_with_depth_is_generalisation(depths):
    two, plain, residual = (depths[key][3] for key in ((2, False), (8, False), (8, True)))
    assert two >= 0.70
    assert plain <= 0.50
    assert plain + 0.08 <= residual <= two


# --- mini-batches -----------------------------------------------------------------------------------------


def test_sampled_neighbours_keep_the_trees_small():
    sheet, generator = graphs.digits(labels=2), torch.Generator().manual_seed(0)
    reads = []
    for fanout in (1797, 3):
        nodes = sheet.train_mask.nonzero().ravel()
        for _ in range(2):
            nodes, _ = gnn.sample_neighbors(sheet.edge_index, nodes, fanout, 1797, generator)
        reads.append(len(nodes))
    assert reads[0] > 2 * reads[1]


# --- whole graphs -----------------------------------------------------------------------------------------


class Classifier(nn.Module):
    """Two rounds of GIN, the nodes of each graph pooled, a linear layer."""

    def __init__(self, reduce, features=1, outputs=3):
        super().__init__()
        self.reduce, self.last = reduce, nn.Linear(16, outputs)
        self.first = nn.Sequential(nn.Linear(features, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU())
        self.second = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16))

    def forward(self, x, edge_index, batch):
        h = gnn.gin_layer(gnn.gin_layer(x, edge_index, self.first, 0.0), edge_index, self.second, 0.0)
        return self.last(gnn.global_pool(h, batch, self.reduce))


@pytest.mark.parametrize("reduce", ["sum", "mean", "max"])
def test_little_graphs_are_told_apart_by_their_shape_with_any_pooling(reduce):
    batches = [
        ((batch.x, batch.edge_index, batch.batch), batch.y)
        for batch in DataLoader(graphs.little(150, np.random.default_rng(2)), batch_size=32)
    ]
    model = Classifier(reduce)
    training.fit(model, batches, 40, lr=0.005, show=False)
    new = next(iter(DataLoader(graphs.little(300, np.random.default_rng(3)), batch_size=300)))
    with torch.no_grad():
        assert (model(new.x, new.edge_index, new.batch).argmax(dim=1) == new.y).float().mean() > 0.92


@pytest.mark.parametrize(("per_atom", "best", "worst"), [(False, "sum", "mean"), (True, "mean", "sum")])
def test_the_pooling_has_to_fit_the_question(per_atom, best, worst):
    errors = {best: [], worst: []}
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        chains = next(iter(DataLoader(molecules.peptides(160, (1, 2, 3), rng), batch_size=160)))
        longer = next(iter(DataLoader(molecules.peptides(100, (4, 5, 6), rng), batch_size=100)))
        wanted, tested = (_mass(batch, per_atom) for batch in (chains, longer))
        for reduce, found in errors.items():
            torch.manual_seed(seed)
            model, inputs = Classifier(reduce, 5, 1), (chains.x, chains.edge_index, chains.batch)
            loss = nn.MSELoss()
            training.fit(model, [(inputs, wanted / wanted.mean())] * 5, 40, lr=0.005, loss=loss, show=False)
            with torch.no_grad():
                guess = wanted.mean() * model(longer.x, longer.edge_index, longer.batch)
            found.append(float((guess - tested).abs().mean() / tested.mean()))
    assert 3 * np.mean(errors[best]) < np.mean(errors[worst])


def _mass(batch, per_atom):
    return batch.y / gnn.degree(batch.batch, len(batch.y))[:, None] if per_atom else batch.y
