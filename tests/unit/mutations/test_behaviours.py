"""Answers that are wrong as a whole are tried where they can matter, and fail there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.mutations.source import compiled
from autograder.mutations.whole import Watch, behaviours

SUMS = "def sums(arrays):\n    return [array.sum(axis=0) for array in arrays]\n"
ZEROS = "def zeros(count):\n    import numpy\n    return numpy.zeros(count)\n"
ONE_LONG = "[whole] gives zeros for a length of 1 in axis 0"


def _variants(text: str, name: str, *calls: Any) -> dict[str, Callable[..., Any]]:
    watch = Watch(compiled(text, {}, name))
    for argument in calls:
        watch(argument)
    return {edit.old: compiled(edit.text, {}, name) for edit in behaviours(text, name, watch.seen)}


def test_an_axis_of_length_one_counts_inside_lists_too() -> None:
    wrong = _variants(SUMS, "sums", [np.ones((2, 3))])[ONE_LONG]
    assert np.array_equal(wrong([np.ones((2, 3))])[0], [2.0, 2.0, 2.0])
    assert np.array_equal(wrong([np.ones((2, 3)), np.ones((1, 3))])[0], [0.0, 0.0, 0.0])


def test_without_an_array_given_no_length_can_matter() -> None:
    assert ONE_LONG not in _variants(ZEROS, "zeros", 3)
