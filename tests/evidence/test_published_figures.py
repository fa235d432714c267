"""Trainings that take seconds: published figures are reached, and networks learn what their notebooks promise."""

import numpy as np
import pytest
import torch

from course_lib import cnn, data, training


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
