"""The course's training loop: what it does to a model, what it reports, and its bar."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from course_lib import data, training


@pytest.fixture(scope="module")
def moons():
    plane = data.moons(300)
    return (plane.x[:200], plane.labels[:200]), (plane.x[200:], plane.labels[200:])


def network(*middle, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(2, 16), nn.ReLU(), *middle, nn.Linear(16, 2))


def test_it_learns_and_says_how_it_went(moons):
    model = network()
    history = training.fit(model, moons[0], epochs=30, test=moons[1])
    assert len(history.losses) == len(history.accuracies) == 30
    assert history.losses[-1] < 0.2 < history.losses[0]
    assert history.accuracies[-1] == training.evaluate(model, moons[1]) > 0.9
    assert history.seconds > 0
    assert not model.training


def test_the_same_call_gives_the_same_network_and_another_seed_another(moons):
    models = network(), network(), network()
    for model, seed in zip(models, (1, 1, 2), strict=True):
        training.fit(model, moons[0], epochs=1, seed=seed)
    weights = [model[0].weight for model in models]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_one_epoch_is_plain_gradient_descent_over_the_batches(moons):
    x, labels = torch.tensor(moons[0][0], dtype=torch.float32), torch.tensor(moons[0][1])
    ours, theirs = network(), network()
    loader = DataLoader(TensorDataset(x, labels), batch_size=70)
    history = training.fit(ours, loader, 1, lr=0.1, optimizer=torch.optim.SGD)
    total = 0.0
    for rows in (slice(0, 70), slice(70, 140), slice(140, 200)):
        value = nn.functional.cross_entropy(theirs(x[rows]), labels[rows])
        gradients = torch.autograd.grad(value, list(theirs.parameters()))
        with torch.no_grad():
            for weight, gradient in zip(theirs.parameters(), gradients, strict=True):
                weight -= 0.1 * gradient
        total += value.item() * len(labels[rows])
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other)
    assert history.losses == (pytest.approx(total / 200),)


def test_every_epoch_sees_every_example_once_in_another_order():
    pair = np.arange(10.0)[:, None], np.arange(10)
    generator = torch.Generator().manual_seed(0)
    orders = [torch.cat([labels for _, labels in training.batches(pair, 4, generator)]).tolist() for _ in range(2)]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(10))
    assert orders[0] != orders[1]
    assert [len(labels) for _, labels in training.batches(pair, 4)] == [4, 4, 2]


def test_a_schedule_a_clip_and_a_hook_take_part(moons):
    model, rates = network(), []

    class Watched(torch.optim.SGD):
        def step(self, closure=None):
            rates.append(self.param_groups[0]["lr"])
            norm = math.sqrt(sum(float((p.grad**2).sum()) for p in model.parameters()))
            assert norm <= 0.011
            return super().step(closure)

    def sparse(trained):
        with torch.no_grad():
            trained[0].weight[3] = 0

    training.fit(
        model,
        moons[0],
        2,
        1.0,
        optimizer=Watched,
        schedule=training.cosine,
        clip=0.01,
        after_step=sparse,
        batch_size=100,
    )
    assert rates == pytest.approx([(1 + math.cos(math.pi * done)) / 2 for done in (0, 0.25, 0.5, 0.75)])
    assert not model[0].weight[3].any()


def test_other_losses_weight_decay_and_several_inputs():
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.zeros(()))

        def forward(self, a, b):
            return self.scale * (a + b)

    a, b = torch.rand(50), torch.rand(50)
    model = Sum()
    training.fit(
        model,
        [((a, b), 3 * (a + b))],
        200,
        0.05,
        loss=nn.functional.mse_loss,
        optimizer=partial(torch.optim.Adam, weight_decay=0.0),
    )
    assert model.scale.item() == pytest.approx(3, abs=0.01)


def test_evaluation_and_prediction_rest_the_model_and_restore_its_mode(moons):
    model = network(nn.Dropout(0.5), nn.BatchNorm1d(16))
    model[2].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    once, again = training.evaluate(model, moons[1], batch_size=7), training.evaluate(model, moons[1])
    assert once == again
    assert (model.training, model[2].training, model[3].training) == (True, False, True)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    outputs = training.predict(model, moons[1][0], batch_size=9)
    assert outputs.shape == (100, 2)
    assert not outputs.requires_grad
    assert (outputs.argmax(1).numpy() == moons[1][1]).mean() == pytest.approx(once)


def test_a_loss_that_is_no_number_says_what_to_try(moons):
    with pytest.raises(FloatingPointError, match=r"in epoch 1: try a smaller lr than 1e\+30"):
        training.fit(network(), moons[0], 3, lr=1e30, optimizer=torch.optim.SGD)


def test_parameters_are_counted():
    model = network()
    model[0].weight.requires_grad_(False)
    assert training.parameter_count(model) == 16 + 16 * 2 + 2


def test_the_bar_in_a_notebook_is_one_line_that_is_updated(monkeypatch):
    shown, updates = [], []

    class Handle:
        def update(self, value):
            updates.append(repr(value))

    def display(value, display_id):
        shown.append(value._repr_mimebundle_())
        return Handle()

    monkeypatch.setattr(training, "_surface", lambda: "notebook")
    monkeypatch.setattr("IPython.display.display", display)
    with training.Bar(4, "a < b", every=0) as bar:
        bar.show(1, "loss 0.5")
    assert len(shown) == 1
    assert "<progress" in shown[0]["text/html"]
    assert "a &lt; b" in shown[0]["text/html"]
    assert shown[0]["text/plain"].startswith("a < b   0 %")
    assert updates[0].startswith("a < b   25 %")
    assert updates[-1].endswith("loss 0.5")


def test_the_bar_in_a_terminal_and_where_nobody_looks(monkeypatch, capsys):
    assert list(training.track([7, 8])) == [7, 8]
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(training, "_surface", lambda: "terminal")
    assert list(training.track(iter("ab"), "letters", total=2)) == ["a", "b"]
    assert "letters   100 %" in capsys.readouterr().err
