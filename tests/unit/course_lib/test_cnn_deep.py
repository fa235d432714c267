"""Deep networks with and without residual connections, and a network that is watched while it learns by heart."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from course_lib import cnn, data, training


def batch(count=16):
    generator = torch.Generator().manual_seed(0)
    return torch.rand((count, 1, 8, 8), generator=generator), torch.randint(0, 10, (count,), generator=generator)


@pytest.mark.parametrize("normalised", [False, True])
def test_a_residual_block_adds_its_input(normalised):
    plain, residual = (cnn.deep_network(kind, normalised, depth=2) for kind in (False, True))
    plain.load_state_dict(residual.state_dict())
    x = torch.rand((2, 16, 4, 4), generator=torch.Generator().manual_seed(1))
    body = residual[3].body(x)
    torch.testing.assert_close(plain[3](x), torch.relu(body))
    torch.testing.assert_close(residual[3](x), torch.relu(x + body))


def test_depth_counts_the_convolutions_between_first_pooling_and_mean():
    model = cnn.deep_network(True, True, depth=6)
    assert sum(isinstance(each, nn.Conv2d) for each in model.modules()) == 7
    assert sum(isinstance(each, nn.BatchNorm2d) for each in model.modules()) == 6
    assert model(batch()[0]).shape == (16, 10)
    with pytest.raises(ValueError, match="depth is 5"):
        cnn.deep_network(True, True, depth=5)


def test_gradient_sizes_are_those_that_backward_leaves():
    model, (x, labels) = cnn.deep_network(True, False, depth=4), batch()
    images, kept = x, []
    for number, layer in enumerate(model):
        x = layer(x)
        if number in (2, 3, 4):  # the pooling, and both blocks
            x.retain_grad()
            kept.append(x)
    functional.cross_entropy(x, labels).backward()
    expected = [float(each.grad.square().mean().sqrt()) for each in kept]
    model.zero_grad(set_to_none=True)
    assert cnn.gradient_sizes(model, images, labels) == pytest.approx(expected)
    assert all(each.grad is None for each in model.parameters())


def test_the_same_seed_gives_the_same_deep_network_and_leaves_the_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one, other = (cnn.deep_network(True, True, depth=2, seed=3) for _ in range(2))
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_training_a_deep_network_returns_its_history():
    digits = data.digits(held_out=1700)
    model, history = cnn.train_deep(True, True, digits, epochs=2, show=False)
    assert len(history.losses) == len(history.accuracies) == 2
    test = digits.test.x.reshape(-1, 1, 8, 8), digits.test.labels
    assert training.evaluate(model, test) == history.accuracies[-1]


def test_learning_is_watched_on_both_sets_without_dropout():
    rng = np.random.default_rng(0)
    train, aside = (data.Dataset(rng.standard_normal((60, 5)), rng.integers(0, 10, 60)) for _ in range(2))
    model, rows = cnn.watch_learning(train, aside, dropout=0.5, epochs=3, show=False)
    assert rows.shape == (3, 4)
    assert not model.training
    for k, part in enumerate((train, aside)):
        with torch.no_grad():
            logits = model(torch.from_numpy(part.x).float())
        assert rows[-1, k] == pytest.approx(float(functional.cross_entropy(logits, torch.from_numpy(part.labels))))
        assert rows[-1, 2 + k] == pytest.approx(float((logits.argmax(1).numpy() == part.labels).mean()))


def test_weight_decay_makes_weights_smaller():
    rng = np.random.default_rng(0)
    train = data.Dataset(rng.standard_normal((200, 5)), rng.integers(0, 10, 200))
    free, decayed = (cnn.watch_learning(train, train, weight_decay=decay, epochs=5, show=False)[0] for decay in (0, 50))
    assert float(decayed[0].weight.detach().norm()) < 0.8 * float(free[0].weight.detach().norm())
