"""A call as code: what it evaluates to is what the judge called."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from autograder.judge.runnable import LONGEST, code_of_call
from autograder.objects import Built
from course_lib import mlp

Annotated = float


def called(code: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What `f` is called with when the code runs."""
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    exec(code, {"np": np, "torch": torch, "f": lambda *args, **kwargs: calls.append((args, kwargs))})
    (call,) = calls
    return call


def again(value: Any) -> Any:
    return called(code_of_call("f", (value,), {}))[0][0]


def test_a_small_call_is_one_line():
    assert (
        code_of_call("softmax", (np.array([[0.0, 1.0], [3.0, 1.0]]),), {}) == "softmax(np.array([[0., 1.], [3., 1.]]))"
    )
    assert code_of_call("f", (2, 0.5, "relu", None), {"steps": True}) == "f(2, 0.5, 'relu', None, steps=True)"


@pytest.mark.parametrize(
    "array",
    [
        np.array([1.0, -0.0, np.nan, np.inf, -np.inf, 1e-300, 1 / 3]),
        np.array([0.1, 1 / 3], np.float32),
        np.array([0.1, 6e4], np.float16),
        np.array([[1, -2]], np.int8),
        np.array([True, False]),
        np.array([1 + 2j, complex(-0.0, np.nan), complex(1, -0.0)]),
        np.array([0.1 + 0.2j], np.complex64),
        np.array(2.5),
        np.zeros((0, 3), np.float32),
        np.zeros((4, 5), np.int64),
        np.full((3, 4), 0.1, np.float32),
        np.random.default_rng(3).standard_normal((5, 25)),
    ],
)
def test_an_array_is_the_same_bit_for_bit(array):
    read = again(array)
    assert (read.dtype, read.shape) == (array.dtype, array.shape)
    assert read.tobytes() == array.tobytes()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int8, torch.int64, torch.bool])
def test_a_tensor_is_the_same(dtype):
    tensor = torch.tensor([[0.1, 1.0, 3.7]]).to(dtype)
    read = again(tensor)
    assert read.dtype == dtype
    assert torch.equal(read, tensor)
    assert again(torch.zeros(0, 2, dtype=dtype)).dtype == dtype
    assert again(torch.ones(3, 4, dtype=dtype)).dtype == dtype


def test_a_tensor_with_a_gradient_has_one_again():
    assert again(torch.ones(2, requires_grad=True)).requires_grad


def test_numbers_and_containers_keep_their_types():
    value = [(1,), (2.0, -1), {"a": np.float32(0.5), "b": [1j]}, math.inf, "x, (y", []]
    read = again(value)
    assert read == value
    assert [type(each) for each in read] == [type(each) for each in value]
    assert type(read[2]["a"]) is np.float32


def test_generators_draw_the_same_numbers():
    assert again(np.random.default_rng(7)).integers(2**60) == np.random.default_rng(7).integers(2**60)
    torch_one = torch.Generator().manual_seed(11)
    assert torch.equal(torch.rand(3, generator=again(torch_one)), torch.rand(3, generator=torch_one))
    used = np.random.default_rng(7)
    used.random()
    assert code_of_call("f", (used,), {}) == "", "one that has drawn is not the one of its seed"


def shifted(x: Annotated, by: int = 2) -> Annotated:
    return twice(x) + by + math.floor(0.5)


def twice(x):
    return 2 * x


def scaled(factor):
    weights = np.array([1.0, factor])
    return lambda x: weights * x


def counted():
    calls = 0

    def count(x):
        nonlocal calls
        calls += 1
        return calls * x

    return count


def test_functions_come_with_what_they_use():
    assert again(shifted)(3) == 8
    assert list(again(scaled(5.0))(2.0)) == [2.0, 10.0]
    count = again(counted())
    assert (count(1), count(1)) == (1, 2)
    assert again(np.tanh) is np.tanh
    assert again(torch.relu) is torch.relu


def test_a_function_takes_no_name_that_the_notebook_may_use():
    assert "def the_shifted(x, by=2):" in code_of_call("f", (shifted,), {})


def test_an_answer_is_named_and_its_source_is_not_shown():
    code = code_of_call("f", (mlp.relu,), {})
    assert code == "import course_lib.mlp\nf(course_lib.mlp.relu)"


class Odd:
    def __call__(self):
        """Neither a plain function nor a value."""


@pytest.mark.parametrize("value", [Odd(), object(), np.random.default_rng(1).standard_normal(1000), np.array([None])])
def test_what_has_no_code_gets_none(value):
    assert code_of_call("f", (value,), {}) == ""


def test_large_arrays_are_fetched_where_they_come_from_the_case():
    large = np.random.default_rng(1).standard_normal((30, 30))
    code = code_of_call("f", (large.copy(), 3), {}, fetched="from somewhere import given", known=(1, [2, large]))
    assert code == "from somewhere import given\nf(given.args[1][1], 3)"


def test_an_object_that_a_harness_builds_is_built_once():
    built = Built(torch.nn.Linear, (2, 3))
    args, _ = called(code_of_call("f", (built, [built]), {}))
    assert type(args[0]) is torch.nn.Linear
    assert args[1][0] is args[0]
    assert code_of_call("f", (Built(torch.nn.Linear, (lambda x: x,)),), {}) == "", "what is lent is the judge's"


def test_objects_and_values_of_the_same_kind_are_not_mixed_up():
    one, other = Built(torch.nn.Linear, (2, 3)), Built(torch.nn.Linear, (4, 5))
    around = Built(torch.nn.Sequential, (one, other))
    (model, first, second), _ = called(code_of_call("f", (around, one, other), {}))
    assert (model[0], model[1]) == (first, second)
    assert (first.in_features, second.in_features) == (2, 4)
    assert code_of_call("f", (scaled(2.0), scaled(3.0)), {}) == ""


def test_code_is_never_longer_than_a_verdict_keeps():
    rows = np.random.default_rng(1).standard_normal((20, 20))
    code = code_of_call("f", (rows,), {})
    assert code == "" or len(code) <= LONGEST
    assert code_of_call("f", (rows, rows), {}) == ""
