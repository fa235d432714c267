"""Measurements find what is known."""

import time

import numpy as np
import torch

from course_lib import measure


def test_bytes_of_numpy_and_of_torch_are_found():
    assert 8e6 <= measure.peak_bytes(lambda: np.ones(1_000_000)) < 8.1e6
    assert measure.peak_bytes(lambda: np.ones(1_000_000).sum()) >= 8e6
    assert measure.torch_bytes(lambda: torch.ones(1_000_000)) == 4_000_000
    assert measure.torch_bytes(lambda: (torch.ones(1000) + 1).sum()) >= 8_000


def test_the_quickest_call_counts():
    waits = iter([0.05, 0.0, 0.05])
    assert measure.quickest(lambda: time.sleep(next(waits)), repeat=3) < 0.05
