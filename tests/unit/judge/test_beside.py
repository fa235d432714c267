"""An answer beside the expected value: what differs is marked, in both."""

import numpy as np
import pytest
import torch

from autograder.exercise import Tolerance
from autograder.judge.beside import beside, seen, seen_beside
from autograder.judge.compare import Match


def drawn(expected, got) -> tuple[str, str]:
    return beside(expected, got, Match(Tolerance()))


@pytest.mark.parametrize(
    ("expected", "got", "texts"),
    [
        (0.75, 75.0, ("»75.0«", "»0.75«")),
        (5, 5.5, ("»5.5«", "»5«")),
        (-1.0, -1.0 + 1e-12, ("-1.0", "-1.0")),
        (0.12345678, 0.12345681, ("»0.12345681«", "»0.12345678«")),
        (True, False, ("»False«", "»True«")),
        ("ijk", "kij", ("»'kij'«", "»'ijk'«")),
        (np.array([1.0, 2.0]), np.array([1.0, 3.0]), ("[ 1. , »3.«]", "[ 1. , »2.«]")),
        (np.array(2.0), np.array(3.0), ("»3.«", "»2.«")),
        (np.array([True, False]), np.array([True, True]), ("[  True , »True«]", "[  True , »False«]")),
        (torch.tensor([1, 2]), torch.tensor([1, 3]), ("tensor([ 1 , »3«])", "tensor([ 1 , »2«])")),
        (
            (np.array([1.0, 2.0]), -1),
            (np.array([1.0, 2.0]), 0),
            ("([1., 2.], »0«)", "([1., 2.], »-1«)"),
        ),
        ({"t": 1, "m": [2.0]}, {"t": 1, "m": [3.0]}, ("{'t': 1, 'm': [»3.0«]}", "{'t': 1, 'm': [»2.0«]}")),
        (np.array([1.0, 2.0]), np.array([1.0]), ("[1.]", "[1., 2.]")),
        (np.array([1.0]), None, ("None", "[1.]")),
    ],
)
def test_entries_that_differ_are_marked(expected, got, texts):
    shown = tuple(" ".join(text.split()) for text in drawn(expected, got))
    assert shown == tuple(" ".join(text.split()) for text in texts)


def test_columns_stay_below_each_other():
    got, _ = drawn(np.array([[7.0, 4.0], [10.0, -2.0]]), np.array([[7.0, 4.0], [0.0, -2.0]]))
    first, second = got.split("\n")
    assert len(first.rstrip(",")) == len(second.rstrip("]")) + 1
    assert "»0.«" in second
    assert "»" not in first


def test_as_many_digits_as_tell_two_arrays_apart():
    got, expected = drawn(np.array([1.0, 2.0]), np.array([1.0000003, 2.0]))
    assert "1.0000003" in got.replace(" ", "")
    assert got != expected


def test_of_a_large_array_the_part_that_differs_is_shown_with_its_place():
    expected = np.arange(600.0).reshape(20, 30)
    wrong = expected.copy()
    wrong[7, 11] = -1.0
    got, right = drawn(expected, wrong)
    assert got.startswith("<20x30 float64>, of which [6:11, 9:17] is\n[[")
    assert got.count("»") == right.count("»") == 1
    assert "»-1.«" in got
    assert "»221.«" in right
    assert drawn(expected, expected)[0] == "<20x30 float64>"


def test_the_part_of_an_array_with_many_axes():
    expected = torch.zeros(3, 4, 9, 9)
    wrong = expected.clone()
    wrong[2, 1, 8, 0] = 5.0
    assert drawn(expected, wrong)[0].startswith("<3x4x9x9 float32 tensor>, of which [2, 1, 4:9, 0:8] is\n[[")
    long = np.zeros(100)
    long[99] = 1.0
    assert drawn(np.zeros(100), long)[0].startswith("<100 float64>, of which [84:100] is\n[")


def test_of_a_long_list_the_part_that_differs_is_shown():
    expected = list(range(40))
    got, _ = drawn(expected, [*expected[:30], -5, *expected[31:]])
    assert got == "[..., 24, 25, 26, 27, 28, 29, »-5«, 31, 32, 33, 34, 35, ...]"


def test_what_was_seen_is_no_dictionary():
    expected = {"loss": 1.5, "running_mean": np.array([1.0, 2.0]), "training": [True]}
    got = expected | {"running_mean": np.array([1.0, 5.0])}
    assert seen(expected) == "loss = 1.5\nrunning mean = [1., 2.]\ntraining = [True]"
    assert seen_beside(expected, got, Match(Tolerance())) == (
        "running mean = [ 1. , »5.«]",
        "running mean = [ 1. , »2.«]",
    )
