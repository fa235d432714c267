"""What notebook 2 claims, over several seeds."""

import numpy as np
import pytest

from course_lib import backprop, data, mlp

each_seed = pytest.mark.parametrize("seed", range(4))


def signal(scale, depth, seed, activation=mlp.relu, width=128):
    """Mean square of a unit in the last hidden layer over that of the input, and of its difference between inputs."""
    rng = np.random.default_rng(seed)
    params = [(scale * W, b) for W, b in mlp.he_init([width] * (depth + 2), rng)]
    x = rng.standard_normal((100, width))
    last = mlp.forward(x, params, activation)[-2]
    return (last**2).mean() / (x**2).mean(), last.var(axis=0).mean()


@each_seed
def test_he_initialisation_keeps_the_size_of_a_signal_and_half_and_twice_do_not(seed):
    half, kept, twice = (signal(scale, 20, seed)[0] for scale in (0.5, 1.0, 2.0))
    assert 0.1 < kept < 10
    assert half / kept == pytest.approx(4.0**-20, rel=1e-6)
    assert twice / kept == pytest.approx(4.0**20, rel=1e-6)


@each_seed
def test_without_the_2_a_signal_shrinks_to_a_thousandth_in_twenty_layers(seed):
    assert np.sqrt(signal(np.sqrt(0.5), 20, seed)[0] / signal(1.0, 20, seed)[0]) == pytest.approx(1 / 1024)


@each_seed
def test_the_sigmoid_keeps_its_size_and_no_longer_listens(seed):
    size, difference = signal(1.0, 20, seed, mlp.sigmoid)
    assert 0.1 < size < 1
    assert difference < 1e-13


@pytest.mark.parametrize("seed", range(2))
def test_only_the_middle_one_of_three_deep_networks_learns(seed):
    digits = data.digits()

    def reads(scale):
        rng = np.random.default_rng(seed)
        params = [(scale * W, b) for W, b in mlp.he_init([64, *[64] * 20, 10], rng)]
        with np.errstate(all="ignore"):
            for _ in range(4):
                order = rng.permutation(len(digits.train))
                for start in range(0, len(order), 32):
                    rows = order[start : start + 32]
                    _, grads = backprop.mlp_gradients(digits.train.x[rows], digits.train.labels[rows], params)
                    params = [(W - 0.02 * dW, b - 0.02 * db) for (W, b), (dW, db) in zip(params, grads, strict=True)]
            logits = mlp.forward(digits.test.x, params, mlp.relu)[-1]
        return (logits.argmax(axis=1) == digits.test.labels).mean()

    assert max(reads(0.5), reads(2.0)) < 0.2 < reads(1.0)


@each_seed
def test_the_classmates_network_gives_every_class_a_tenth_and_its_logits_differ_all_the_same(seed):
    def logits(activation):
        rng = np.random.default_rng(seed)
        widths = [*[256] * 50, 10]
        params = [(0.05 * rng.standard_normal((width, 256)), np.zeros(width)) for width in widths]
        return mlp.forward(rng.standard_normal((20, 256)), params, activation)[-1]

    z = logits(mlp.relu)
    shares = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    assert np.abs(shares - 0.1).max() < 1e-11
    assert (np.ptp(z, axis=0) > 0).all(), "two images have different logits"
    assert np.ptp(logits(mlp.sigmoid), axis=0).max() < 1e-14, "with the sigmoid they are lost to rounding"
