"""The course's data: same seed, same numbers; the promises of each set."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from course_lib import data, linear

PLANE = [
    lambda seed: data.two_blobs(50, seed=seed),
    lambda seed: data.blobs(51, classes=3, seed=seed),
    lambda seed: data.moons(50, seed=seed),
    lambda seed: data.rings(50, seed=seed),
]


@pytest.mark.parametrize("make", PLANE)
def test_a_seed_fixes_the_numbers(make):
    a, b, other = make(3), make(3), make(4)
    np.testing.assert_array_equal(a.x, b.x)
    np.testing.assert_array_equal(a.labels, b.labels)
    assert not np.array_equal(a.x, other.x)
    assert a.x.dtype == np.float64
    assert a.labels.dtype == np.int64
    assert a.x.shape == (len(a), 2)
    counts = np.bincount(a.labels)
    assert counts.max() - counts.min() <= 1
    assert (np.diff(a.labels) != 0).sum() > 5, "the classes come in random order"


def test_digits_are_scaled_shuffled_and_split():
    digits = data.digits()
    x = np.concatenate([digits.train.x, digits.test.x])
    assert digits.train.x.shape == (1297, 64)
    assert digits.test.x.shape == (500, 64)
    assert (x.min(), x.max()) == (0.0, 1.0)
    assert set(np.bincount(digits.test.labels, minlength=10) > 30) == {True}
    assert not np.array_equal(data.digits(seed=1).test.labels, digits.test.labels)
    assert len(np.unique(x, axis=0)) == len(x), "no image stands in both parts"


@pytest.mark.parametrize("held_out", [0, 1797, -1])
def test_digits_refuse_an_empty_part(held_out):
    with pytest.raises(ValueError, match="no part may be empty"):
        data.digits(held_out=held_out)


def test_the_photograph_is_in_colour_and_any_size():
    whole, small = data.photograph(), data.photograph(64)
    assert (whole.shape, small.shape) == ((3, 250, 250), (3, 64, 64))
    assert 0 <= whole.min() < 0.1 < 0.9 < whole.max() <= 1
    np.testing.assert_array_equal(data.photograph(125), whole[:, ::2, ::2])
    with pytest.raises(ValueError, match="expected 1 to 250"):
        data.photograph(251)


def test_mnist1d_is_what_its_package_makes_and_leaves_the_global_generators_alone():
    before = np.random.get_state()[1].copy()
    curves = data.mnist1d()
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    assert curves.train.x.shape == (4000, 40)
    assert curves.test.x.shape == (1000, 40)
    assert curves.train.labels.dtype == np.int64
    assert np.bincount(np.concatenate([curves.train.labels, curves.test.labels])).tolist() == [500] * 10
    everything = np.concatenate([curves.train.x, curves.test.x])
    assert (everything.mean(), everything.std()) == pytest.approx((0, 1), abs=1e-12)
    assert len(np.unique(everything, axis=0)) == 5000, "no curve stands in both parts"
    curves.train.x[:] = 0
    assert data.mnist1d().train.x.any(), "the cached curves cannot be spoiled"


def test_shuffled_positions_move_every_input_alike():
    digits = data.digits()
    moved = data.shuffled_positions(digits, seed=3)
    order = [
        int(np.flatnonzero((digits.train.x == column[:, None]).all(axis=0))[0]) for column in moved.train.x.T[9:12]
    ]
    np.testing.assert_array_equal(moved.test.x[:, 9:12], digits.test.x[:, order])
    np.testing.assert_array_equal(np.sort(moved.train.x), np.sort(digits.train.x))
    assert not np.array_equal(moved.train.x, digits.train.x)


@pytest.mark.parametrize("seed", range(10))
def test_a_line_separates_two_blobs_with_the_gap_asked_for(seed):
    blobs = data.two_blobs(60, seed=seed, gap=0.3)
    across = (blobs.x - np.array([1.0, 1.5])) @ np.array([0.8, 0.6])
    assert (blobs.signs * across).min() >= 0.15
    assert linear.perceptron_fit(blobs.x, blobs.signs, 1000)[2][-1] == 0


@pytest.mark.parametrize("make", [data.moons, data.rings])
def test_no_line_separates_moons_and_rings(make):
    plane = make(300)
    assert LogisticRegression().fit(plane.x, plane.labels).score(plane.x, plane.labels) < 0.95


def test_a_tenth_of_the_prose_is_held_out_and_nothing_is_lost():
    old, new = (part.splitlines() for part in data.prose_parts())
    assert sorted(old + new) == sorted(data.prose().splitlines())
    assert not set(old) & set(new)
    assert len(old) == pytest.approx(9 * len(new), abs=9)


def test_xor_is_exclusive_or():
    xor = data.xor()
    assert [int(a) ^ int(b) for a, b in xor.x] == xor.labels.tolist()
    assert xor.signs.tolist() == [-1, 1, 1, -1]


def test_wrong_uses_name_the_cure():
    with pytest.raises(ValueError, match="two classes"):
        _ = data.blobs(9, classes=3).signs
    with pytest.raises(ValueError, match="at least one point per class"):
        data.blobs(2, classes=3)
    with pytest.raises(ValueError, match="positive width"):
        data.two_blobs(gap=0.0)


def test_datasets_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.xor().labels = np.zeros(4)


def test_drawn_digits_are_as_many_as_asked_for_and_none_twice():
    split = data.drawn(300, 700, seed=3)
    assert split.train.x.shape == (300, 64)
    assert split.test.x.shape == (700, 64)
    assert split.test.x.min() == 0
    assert split.test.x.max() == 1
    assert len(np.unique(np.concatenate([split.train.x, split.test.x]), axis=0)) == 1000
    assert np.bincount(np.concatenate([split.train.labels, split.test.labels])).tolist() == [100] * 10
    assert not np.array_equal(split.test.x, data.drawn(300, 700, seed=4).test.x)
    for seen, held_out in ((0, 5), (5, 0)):
        with pytest.raises(ValueError, match="at least one image in each part"):
            data.drawn(seen, held_out)
