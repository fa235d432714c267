"""What notebook 5 claims: published figures are reached, depth needs residual connections, overfitting is seen."""

import numpy as np
import pytest
import torch

from course_lib import cnn, data, training


@pytest.fixture(scope="module")
def curves():
    return data.mnist1d()


# --- curves -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1])
@pytest.mark.parametrize(("kind", "least", "most"), [("linear", 0.30, 0.35), ("MLP", 0.64, 0.72)])
def test_an_order_means_nothing_to_linear_and_mlp(curves, kind, least, most, seed):
    for split in (curves, data.shuffled_positions(curves, seed)):
        assert least <= cnn.train_curves(kind, split, seed, show=False)[1].accuracies[-1] <= most


def test_a_convolution_leads_in_order_and_falls_behind_when_shuffled(curves):
    half = data.Split(data.Dataset(curves.train.x[:2000], curves.train.labels[:2000]), curves.test)
    shuffled = data.shuffled_positions(half, 1)
    found = {
        kind: [cnn.train_curves(kind, split, 1, show=False)[1].accuracies[-1] for split in (half, shuffled)]
        for kind in ("MLP", "CNN")
    }
    assert found["CNN"][0] > found["MLP"][0] + 0.25
    assert found["CNN"][1] < found["MLP"][1] - 0.02


def test_overfitting_and_what_regularisation_does(curves):
    learn = data.Dataset(curves.train.x[:3000], curves.train.labels[:3000])
    aside = data.Dataset(curves.train.x[3000:], curves.train.labels[3000:])
    remedies = {"none": {}, "dropout": {"dropout": 0.3}}
    runs = {
        name: cnn.watch_learning(learn, aside, seed=1, epochs=25, show=False, **settings)[1]
        for name, settings in remedies.items()
    }
    free = runs["none"]
    assert free[-1, 0] < 0.12
    assert free[-1, 2] > 0.98
    assert 7 <= free[:, 1].argmin() <= 16
    assert free[-1, 1] > 1.15 * free[:, 1].min()
    assert free[-1, 3] > free[free[:, 1].argmin(), 3] - 0.02  # the accuracy does not fall
    assert runs["dropout"][-1, 1] < 0.85 * free[-1, 1]
    assert runs["dropout"][:, 1].min() < free[:, 1].min()


# --- depth ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_what_is_left_of_the_gradient_after_twenty_layers(seed):
    digits = data.digits(seed)
    images = torch.tensor(digits.train.x[:128], dtype=torch.float32).reshape(-1, 1, 8, 8)
    labels = torch.tensor(digits.train.labels[:128])

    def left(residual, normalised):
        sizes = cnn.gradient_sizes(cnn.deep_network(residual, normalised, seed=seed), images, labels)
        return sizes[0] / sizes[-1]

    assert left(False, False) < 1e-7
    assert 0.3 < left(True, False) < 3
    assert 20 < left(False, True) < 500


def test_twenty_layers_learn_with_both_repairs_and_not_without():
    digits = data.digits()
    shares = {
        kind: cnn.train_deep(*kind, digits, seed=1, epochs=3, show=False)[1].accuracies[-1]
        for kind in ((False, False), (True, True))
    }
    assert shares[False, False] < 0.2
    assert shares[True, True] > 0.85


# --- digits that move -------------------------------------------------------------------------------------


def test_a_network_that_forgets_positions_reads_digits_that_move():
    digits = data.digits()
    sheets = [
        np.pad(part.x.reshape(-1, 1, 8, 8), ((0, 0), (0, 0), (2, 2), (2, 2))) for part in (digits.train, digits.test)
    ]
    model = cnn.sheet_network()
    training.fit(model, (sheets[0], digits.train.labels), 5, schedule=training.cosine, show=False)
    for shift in range(3):
        assert training.evaluate(model, (np.roll(sheets[1], shift, axis=3), digits.test.labels)) >= 0.96
