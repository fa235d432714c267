"""What the judge sees of layers and trainings on graphs, and how it runs recorded sparse matrices."""

import numpy as np
import pytest
import torch

from autograder.exercise import Case, Exercise
from autograder.exercises import find
from autograder.exercises.gnn import build_gcn, observers
from autograder.exercises.gnn.inputs import communities, features
from autograder.exercises.replay import Replay
from autograder.harness import models
from autograder.judge.answer import apply_observed, call_observed
from autograder.judge.evaluate import evaluate
from autograder.objects import UnexpectedAnswer
from autograder.sandbox.guest.messenger import loopback
from course_lib import gnn

EDGES = torch.tensor([[0, 1, 2, 2], [1, 2, 0, 1]])
X = torch.tensor([[1.0, 2.0], [0.0, 1.0], [3.0, -1.0]])


def averaged(x, edge_index, csr):
    loops = torch.arange(len(x)).expand(2, -1)
    edges = torch.cat([edge_index, loops], dim=1)
    A = torch.sparse_coo_tensor(edges.flip(0), torch.ones(edges.shape[1]), (len(x), len(x)))
    A = A.coalesce().to_sparse_csr() if csr else A
    return (A @ x if csr else torch.sparse.mm(A, x)) / (A @ torch.ones(len(x), 1))


@pytest.mark.filterwarnings("ignore:Sparse")
@pytest.mark.parametrize("csr", [False, True])
def test_sparse_matrices_are_run_on_another_graph(csr):
    replay = Replay(models.recorded(lambda x, edges: averaged(x, edges, csr), [X, EDGES]), 2)
    for edges in (EDGES, EDGES.flip(0)):
        torch.testing.assert_close(replay(X, edges), averaged(X, edges, csr))
    with pytest.raises(UnexpectedAnswer, match="cannot be computed again"):
        replay(X, EDGES + 1)


def seen(observer, answer, *args):
    """What the judge sees of its own function and of one over the wire: the same."""
    exercise = Exercise("toy.f", answer, "f", {"a": 1}, lambda _: [], lambda _: [], through=observer)
    own = apply_observed(exercise, answer, Case("one", args), args, {})
    theirs = call_observed(loopback(answer), observer, args, {})
    assert own.raised is None
    assert theirs.raised is None
    return own.value, theirs.value


def test_gradients_reach_the_parameters_of_a_lent_mlp_and_of_a_layer():
    rng = np.random.default_rng(0)
    numbers = [features(rng, 3, 2, dtype=torch.float64), EDGES, *(features(rng, *s, dtype=torch.float64) for s in ((4, 2), (4,)))]  # fmt: skip  # noqa: E501
    upstream = features(rng, 3, 4, dtype=torch.float64)
    x, edges, W, b = (each.clone().requires_grad_() if each.is_floating_point() else each for each in numbers)
    value = gnn.gin_layer(x, edges, lambda h: torch.tanh(h @ W.T + b), 0.5)
    expected = torch.autograd.grad((upstream * value).sum(), [x, W, b])
    for found in seen(observers.gin_gradients, gnn.gin_layer, upstream, [*numbers, 0.5]):
        torch.testing.assert_close(list(found.values()), list(expected))
    mine, theirs = seen(observers.conv_gradients, gnn.GCNConv, upstream, numbers)
    torch.testing.assert_close(mine, theirs)
    assert all(each.abs().sum() > 0 for each in mine.values())


def never_clears(model, data, epochs, lr, weight_decay):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=weight_decay)
    model.train()
    for _ in range(epochs):
        logits = model(data.x, data.edge_index)[data.train_mask]
        torch.nn.functional.cross_entropy(logits, data.y[data.train_mask]).backward()
        optimizer.step()
    data.x[0, 0] += 1
    return model


def test_a_training_is_seen_from_the_judges_side():
    rng = np.random.default_rng(0)
    graph, _ = communities(rng, 20)
    weights = [features(rng, 16, 20) / 4, features(rng, 4, 16) / 4]
    for told in seen(observers.trained_nodes, gnn.train_nodes, graph, weights, 0.0, [4, 0.05, 0.0], 1):
        cleared, added = told["strayed"]
        assert (told["returned"], told["training_calls"], told["kept"]) == (True, 4, True)
        assert cleared < 1e-5 < added
    for told in seen(observers.trained_nodes, never_clears, graph, weights, 0.0, [4, 0.05, 0.0], 1):
        cleared, added = told["strayed"]
        assert added < 1e-5 < cleared
        assert not told["kept"]


def test_a_drawn_graph_tells_the_labels_of_its_mask_alone():
    [x, edges, told, mask], y = communities(np.random.default_rng(1), 400)
    assert torch.equal(told[mask], y[mask])
    assert torch.bincount(y[mask]).tolist() == [2, 2, 2, 2]
    assert 0.15 < float((told == y)[~mask].float().mean()) < 0.35
    assert float((y[edges[0]] == y[edges[1]]).float().mean()) > 0.7
    assert torch.equal(x, torch.eye(400))


def neighbours_mean(style, h, edge_index):
    """The mean of each node's incoming messages and its own, in as many ways as students find."""
    n = len(h)
    source, target = torch.cat([edge_index, torch.arange(n).expand(2, -1)], dim=1)
    if style == "sparse":
        A = torch.sparse_coo_tensor(torch.stack([target, source]), torch.ones(len(source)), (n, n))
        return torch.sparse.mm(A, h) / torch.bincount(target, minlength=n)[:, None]
    if style == "segment_reduce":
        order = torch.argsort(target, stable=True)
        return torch.segment_reduce(h[source[order]], "mean", lengths=torch.bincount(target, minlength=n))
    if style == "index_reduce":
        return torch.zeros_like(h).index_reduce(0, target, h[source], "mean", include_self=False)
    if style == "scatter_reduce":
        index = target[:, None].expand(-1, h.shape[1])
        return torch.zeros_like(h).scatter_reduce(0, index, h[source], "mean", include_self=False)
    if style == "filled in":
        A = torch.zeros(n, n)
        A[target, source] = 1
        return torch.einsum("ij,jk->ik", A / A.sum(1, keepdim=True), h)
    if style == "inverse":
        A = torch.zeros(n, n).index_put((target, source), torch.tensor(1.0))
        return torch.linalg.inv(torch.diag(A.sum(1))) @ A @ h
    rows = [h[source[target == node]].mean(0) for node in range(n)]
    return torch.stack(rows)


STYLES = ["sparse", "segment_reduce", "index_reduce", "scatter_reduce", "filled in", "inverse", "loop"]


@pytest.mark.filterwarnings("ignore:Sparse", "ignore:index_reduce", "ignore:segment_reduce")
@pytest.mark.parametrize("style", STYLES)
def test_a_graph_network_may_average_in_any_way(style):
    class Net(torch.nn.Module):
        def __init__(self, features, hidden, classes):
            super().__init__()
            self.first, self.second = torch.nn.Linear(features, hidden), torch.nn.Linear(hidden, classes)

        def forward(self, x, edge_index):
            h = torch.relu(neighbours_mean(style, self.first(x), edge_index))
            h = torch.nn.functional.dropout(h, 0.5, self.training)
            return neighbours_mean(style, self.second(h), edge_index)

    rng = np.random.default_rng(3)
    case = build_gcn._structure(rng, 12, 14, (5, 16, 3))
    outcome = call_observed(loopback(Net), observers.network, case.args, {})
    assert outcome.raised is None, outcome.raised
    assert build_gcn.network_is_right(case, outcome.value) is None
    graph, _ = communities(rng, 40)
    outcome = call_observed(loopback(Net), observers.trained_network, ([40, 8, 4], graph, [2, 0.05, 0.0], [1]), {})
    assert outcome.raised is None, outcome.raised


def test_a_frozen_layer_s_shapes_are_seen():
    frozen = lambda *sizes: gnn.build_gcn(*sizes).requires_grad_(False)  # noqa: E731
    case = build_gcn._structure(np.random.default_rng(3), 12, 14, (5, 16, 3))
    value = call_observed(loopback(frozen), observers.network, case.args, {}).value
    assert build_gcn.network_is_right(case, value) is None


def dropping(first, second, activation=torch.relu, width=None):
    """A network that drops these shares, with a mask of its own before the second layer."""

    class Dropping(torch.nn.Module):
        def __init__(self, features, hidden, classes):
            super().__init__()
            hidden = width or hidden
            self.first, self.second = torch.nn.Linear(features, hidden), torch.nn.Linear(hidden, classes)

        def forward(self, x, edge_index):
            x = torch.nn.functional.dropout(x, first, self.training)
            h = activation(neighbours_mean("filled in", self.first(x), edge_index))
            if self.training:
                h = h * (torch.rand(h.shape) > second) / (1 - second)
            return neighbours_mean("filled in", self.second(h), edge_index)

    return Dropping


def judged(case, answer):
    outcome = call_observed(loopback(answer), case.through, case.args, {})
    assert outcome.raised is None, outcome.raised
    return outcome.value, build_gcn.fault_of(case, outcome.value)


@pytest.mark.parametrize("activation", [torch.relu, torch.tanh])
@pytest.mark.parametrize(("first", "second"), [(0.5, 0.5), (0.5, 0.25), (0.3, 0.5), (0.0, 0.5), (0.5, 0.0)])
def test_what_is_dropped_is_measured(first, second, activation):
    for seed in range(3):
        case = build_gcn._dropout(np.random.default_rng(seed), "one", 24, 64)
        value, fault = judged(case, dropping(first, second, activation))
        assert value["inputs"] == pytest.approx(first, abs=0.1 if first else 0)
        assert value["hidden"] == pytest.approx(second, abs=0.1 if second else 0)
        assert (fault is None) == (first == second == 0.5)


def test_without_weights_of_the_hidden_width_nothing_can_be_measured():
    case = build_gcn._dropout(np.random.default_rng(0), "one", 24, 64)
    assert judged(case, dropping(0.5, 0.5, width=19))[1].code == "width"


def test_an_activation_of_the_features_alone_is_none_between_the_convolutions():
    class Before(torch.nn.Module):
        def __init__(self, features, hidden, classes):
            super().__init__()
            self.first, self.second = torch.nn.Linear(features, hidden), torch.nn.Linear(hidden, classes)

        def forward(self, x, edge_index):
            h = neighbours_mean("filled in", self.first(torch.relu(x)), edge_index)
            return neighbours_mean("filled in", self.second(h), edge_index)

    case = build_gcn._structure(np.random.default_rng(3), 12, 14, (5, 16, 3))
    assert judged(case, Before)[1].code == "straight"


class OneDropout(torch.nn.Module):
    def __init__(self, features, hidden, classes):
        super().__init__()
        self.first, self.second = gnn.GCNConv(features, hidden), gnn.GCNConv(hidden, classes)

    def forward(self, x, edge_index):
        h = torch.relu(self.first(x, edge_index))
        return self.second(torch.dropout(h, 0.5, self.training), edge_index)


def test_a_network_that_drops_in_one_place_alone_is_told_that_and_nothing_else():
    verdict = evaluate(find("gnn.build_gcn"), loopback(OneDropout))
    assert verdict.diagnosis == ""
    assert "0 % of the numbers before the first convolution are set to 0" in verdict.message + str(verdict.cases)
