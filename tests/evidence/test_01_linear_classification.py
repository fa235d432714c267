"""What notebook 1 claims, over several splits and starts."""

import numpy as np
import pytest

from course_lib import data, linear


def trained(split, steps=100):
    W, b = np.zeros((10, 64)), np.zeros(10)
    for _ in range(steps):
        dW, db = linear.softmax_gradient(split.train.x, split.train.labels, W, b)
        W, b = W - 2.0 * dW, b - 2.0 * db
    return linear.accuracy(linear.predict(linear.scores(split.test.x, W, b)), split.test.labels)


def test_a_linear_classifier_reads_about_95_of_100_digits_and_its_standard_error_is_one_point():
    shares = np.array([trained(data.digits(seed)) for seed in range(6)])
    assert shares.mean() == pytest.approx(0.955, abs=0.01)
    assert 0.004 < shares.std() < 0.014, "the text says that two results half a point apart are the same"


def test_shuffled_pixels_change_nothing_for_a_linear_classifier():
    digits = data.digits()
    assert trained(data.shuffled_positions(digits)) == pytest.approx(trained(digits), abs=1 / 500)


@pytest.mark.parametrize("seed", range(5))
def test_the_perceptron_stops_within_the_bound(seed):
    pair = data.two_blobs(seed=seed)
    _, _, mistakes = linear.perceptron_fit(pair.x, pair.signs, 1000)
    ones = np.hstack([pair.x, np.ones((len(pair.x), 1))])
    wall = np.array([0.8, 0.6, -(0.8 * 1.0 + 0.6 * 1.5)])  # the middle of the gap that `two_blobs` leaves
    margin = (pair.signs * (ones @ wall)).min() / np.linalg.norm(wall)
    assert margin > 0
    assert mistakes[-1] == 0
    assert sum(mistakes) <= (np.linalg.norm(ones, axis=1).max() / margin) ** 2


@pytest.mark.parametrize("seed", range(4))
def test_no_start_helps_with_xor(seed):
    xor, rng = data.xor(), np.random.default_rng(seed)
    w, b = rng.standard_normal(2), float(rng.standard_normal())
    for _ in range(200):
        right = 0
        for x, y in zip(xor.x, xor.signs.tolist(), strict=True):
            right += y * (w @ x + b) > 0
            w, b = linear.perceptron_step(w, b, x, y)
        assert right < 4
        assert (xor.signs * (xor.x @ w + b) > 0).sum() <= 3


def test_a_line_does_14_of_the_16_functions_of_two_bits():
    """By trying all lines whose three numbers are small: a line that exists can be tilted until they are."""
    xor, reach = data.xor(), np.arange(-2, 2.5, 0.5)
    lines = np.stack(np.meshgrid(reach, reach, reach), axis=-1).reshape(-1, 3)
    found = {tuple(row) for row in (xor.x @ lines[:, :2].T + lines[:, 2] > 0).T.tolist()}
    assert len(found) == 14


def test_threes_and_eights_are_parted_by_a_hyperplane():
    train = data.digits().train
    two = np.isin(train.labels, (3, 8))
    assert linear.perceptron_fit(train.x[two], np.where(train.labels[two] == 8, 1, -1), 50)[2][-1] == 0
