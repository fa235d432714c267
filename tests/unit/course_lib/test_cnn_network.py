"""Networks that learn the digits in torch, and the networks that read MNIST-1D."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from course_lib import cnn, data, training


@pytest.fixture(scope="module")
def digits():
    split = data.digits()
    return [
        TensorDataset(torch.tensor(part.x, dtype=torch.float32).reshape(-1, 1, 8, 8), torch.tensor(part.labels))
        for part in (split.train, split.test)
    ]


@pytest.fixture(autouse=True)
def _seeded():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # on a busy machine several threads wait for each other
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield
    torch.set_num_threads(threads)


def test_the_network_is_small_and_reads_digits(digits):
    model = cnn.build_cnn()
    assert training.parameter_count(model) == 6186
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    loader = DataLoader(digits[0], 64, shuffle=True)
    losses = [cnn.train_epoch(model, loader, optimizer, "cpu") for _ in range(8)]
    assert losses[-1] < 0.05 < losses[0]
    assert cnn.evaluate(model, DataLoader(digits[1], 128), "cpu") >= 0.97


def test_an_epoch_is_the_mean_over_samples_of_uneven_batches(digits):
    one, other = cnn.build_cnn(), cnn.build_cnn()
    other.load_state_dict(one.state_dict())
    batches = [digits[0][:5], digits[0][5:55]]
    got = cnn.train_epoch(one.eval(), batches, torch.optim.SGD(one.parameters(), 0.1), "cpu")
    history = training.fit(other, batches, 1, 0.1, optimizer=torch.optim.SGD)
    assert got == pytest.approx(history.losses[0])
    assert one.training
    for mine, theirs in zip(one.state_dict().values(), other.state_dict().values(), strict=True):
        torch.testing.assert_close(mine, theirs)


def test_evaluation_rests_the_model(digits):
    model = cnn.build_cnn(4)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    images, labels = digits[1][:60]
    got = cnn.evaluate(model.train(), [(images[:7], labels[:7]), (images[7:], labels[7:])], torch.device("cpu"))
    assert got == (model(images).argmax(1) == labels).double().mean().item()
    assert not model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_counts_of_the_prose():
    counts = {kind: training.parameter_count(cnn.curve_network(kind)) for kind in cnn.PUBLISHED}
    assert counts == {"linear": 410, "MLP": 78_858, "CNN": 9_106}


def test_the_same_seed_gives_the_same_network():
    one, again, other = (cnn.curve_network("CNN", seed) for seed in (3, 3, 4))
    assert torch.equal(one[1].weight, again[1].weight)
    assert not torch.equal(one[1].weight, other[1].weight)
    assert one(torch.from_numpy(np.zeros((2, 40), np.float32))).shape == (2, 10)
