"""What students read of inputs and answers."""

from functools import partial

import numpy as np
import pytest
import torch

from autograder.calls import Foreign
from autograder.judge.describe import describe, describe_call


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.array([[1.0, -2.5]]), "[[ 1. , -2.5]]"),
        (np.array([1, 2], np.int8), "[1, 2] (int8)"),
        (np.array([True, False]), "[ True, False]"),
        (np.array([1 + 2j]), "[1.+2.j] (complex128)"),
        (np.zeros((0, 3)), "[] (shape (0, 3))"),
        (np.zeros((9, 9), np.float32), "<9x9 float32>"),
        (torch.tensor([[1.0, 2.0], [3.0, 4.0]]), "tensor([[1., 2.],\n        [3., 4.]])"),
        (torch.tensor([1, 2], dtype=torch.int8), "tensor([1, 2]) (int8)"),
        (torch.tensor([1.0], dtype=torch.bfloat16, requires_grad=True), "tensor([1.]) (bfloat16)"),
        (torch.zeros(3, 64, 64), "<3x64x64 float32 tensor>"),
        (torch.tensor(2.5), "tensor(2.5)"),
        (torch.Generator(), "torch.Generator()"),
        (np.random.default_rng(1), "np.random.default_rng(...)"),
        (lambda x: x, "a function"),
        (abs, "abs"),
        (Foreign("Trick"), "<Trick>"),
        ((4,), "(4,)"),
        ([], "[]"),
        (list(range(20)), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, ...]"),
        ({"t": 1, "m": [2.0]}, "{'t': 1, 'm': [2.0]}"),
        ([np.ones(2), np.eye(2)], "[[1., 1.],\n [[1., 0.],\n  [0., 1.]]]"),
        ({"m": np.eye(2)}, "{'m': [[1., 0.],\n       [0., 1.]]}"),
    ],
)
def test_a_value_is_readable(value, text):
    assert describe(value) == text


def built(answer, sizes, x, *, steps=3):
    """A harness."""


def test_the_arguments_of_a_harness_are_named_as_it_names_them():
    text = describe_call(partial(built, abs), ([2, 3], torch.eye(2)), {"steps": 5})
    assert text == "sizes = [2, 3]\nx = tensor([[1., 0.],\n            [0., 1.]])\nsteps = 5"
