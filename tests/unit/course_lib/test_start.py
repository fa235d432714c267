import numpy as np
import pytest

from course_lib.start import average


def test_the_sum_over_the_count():
    numbers = np.random.default_rng(3).standard_normal(11)
    assert average(numbers) == pytest.approx(sum(float(number) for number in numbers) / 11)
    assert average(np.array([1, 2])) == 1.5


def test_of_nothing_it_is_zero_and_a_float():
    for found in (average(np.array([])), average(np.array([], dtype=int))):
        assert found == 0.0
        assert type(found) is float
