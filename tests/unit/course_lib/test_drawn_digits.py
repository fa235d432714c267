"""Drawn digits: the same for the same seed, balanced, and not to be found in the public set."""

import numpy as np
import pytest

from course_lib import data
from course_lib.drawn_digits import class_digits, class_hand


def _nearest(known: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    gaps = (known**2).sum(1) - 2 * asked @ known.T
    return labels[gaps.argmin(1)]


def test_a_seed_gives_the_same_digits_and_another_seed_others():
    (first, labels), (same, again) = (class_digits(np.random.default_rng(4), 30) for _ in range(2))
    assert np.array_equal(first, same)
    assert np.array_equal(labels, again)
    other, _ = class_digits(np.random.default_rng(5), 30)
    assert not {image.tobytes() for image in first} & {image.tobytes() for image in other}


def test_images_are_float32_in_sixteenths_and_labels_are_balanced():
    images, labels = class_digits(np.random.default_rng(0), 205)
    assert images.shape == (205, 1, 8, 8)
    assert (images.dtype, labels.dtype) == (np.float32, np.int64)
    assert images.min() == 0
    assert images.max() == 1
    assert np.array_equal(16 * images, np.round(16 * images))
    assert set(np.bincount(labels, minlength=10)) == {20, 21}
    assert (images.reshape(205, -1).max(1) > 0.5).all()
    assert class_digits(np.random.default_rng(0), 1)[0].shape == (1, 1, 8, 8)


def test_public_digits_answer_for_fewer_than_digits_of_the_same_hand():
    rng = np.random.default_rng(1)
    learned, labels = class_digits(rng, 1000)
    asked, right = class_digits(rng, 500)
    rows, wanted = asked.reshape(500, -1), right
    public = data.digits()
    pixels = np.concatenate([public.train.x, public.test.x])
    theirs = _nearest(pixels, np.concatenate([public.train.labels, public.test.labels]), rows)
    own = _nearest(learned.reshape(1000, -1), labels, rows)
    assert (own == wanted).mean() > 0.90
    assert (theirs == wanted).mean() < 0.80


def test_a_hand_of_its_own_writes_other_digits():
    hand = class_hand(np.random.default_rng(7))
    own, labels = class_digits(np.random.default_rng(3), 40, hand)
    course, same = class_digits(np.random.default_rng(3), 40)
    assert np.array_equal(labels, same)
    assert not np.array_equal(own, course)
    assert np.array_equal(own, class_digits(np.random.default_rng(3), 40, class_hand(np.random.default_rng(7)))[0])


def test_no_image_is_no_set():
    with pytest.raises(ValueError, match="count is 0"):
        class_digits(np.random.default_rng(0), 0)
