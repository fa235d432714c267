"""Honest but unusual answers get full marks, at most with a remark, in NumPy and in torch."""

import functools
import random
import sys
import warnings

import numpy as np
import pytest
import torch

from autograder.calls import Status
from autograder.exercise import Case, Exercise
from autograder.judge.evaluate import evaluate
from autograder.sandbox.guest.messenger import loopback

SECRET = b"a secret of these tests"


def standard(x):
    """Rows with mean 0 and standard deviation 1, and both of these for each row."""
    mean, spread = x.mean(1), x.std(1)
    return (x - mean[:, None]) / spread[:, None], [mean, spread]


def standard_torch(x):
    mean, spread = x.mean(1), x.std(1, unbiased=False)
    return (x - mean[:, None]) / spread[:, None], [mean, spread]


def arrays(dtype):
    def cases(rng):
        yield Case("two rows", (rng.standard_normal((2, 3)).astype(dtype),))
        yield Case("five rows", (np.asfortranarray(rng.standard_normal((5, 4)).astype(dtype)),))

    return cases


def tensors(dtype):
    def cases(rng):
        yield Case("two rows", (torch.tensor(rng.standard_normal((2, 3)), dtype=dtype),))
        yield Case("five rows", (torch.tensor(rng.standard_normal((4, 5)), dtype=dtype).T,))

    return cases


NUMPY = Exercise("toy.standard", standard, "standard(x)", {"basics": 1}, arrays(float), arrays(np.float32))
TORCH = Exercise(
    "toy.standard", standard_torch, "standard(x)", {"basics": 1}, tensors(torch.float64), tensors(torch.float32)
)


def with_loops(x):
    out, means, spreads = np.zeros(x.shape, x.dtype), [], []
    for i in range(len(x)):
        means.append(sum(x[i]) / len(x[i]))
        spreads.append(np.sqrt(sum((value - means[i]) ** 2 for value in x[i]) / len(x[i])))
        for j in range(x.shape[1]):
            out[i, j] = (x[i, j] - means[i]) / spreads[i]
    return out, [np.array(means), np.array(spreads)]


def wider(x):
    return standard(x.astype(np.float64))


def as_tuple(x):
    out, both = standard(x)
    return [out, tuple(both)]


def by_another_formula(x):
    mean = np.einsum("nd->n", x) / x.shape[1]
    spread = np.sqrt(np.abs((x**2).mean(1) - mean**2))
    return x / spread[:, None] - (mean / spread)[:, None], [mean, spread]


def strided(x):
    out, both = standard(x)
    wide = np.zeros((2 * out.shape[0], 3 * out.shape[1]), x.dtype)
    wide[::2, ::3] = out
    return wide[::2, ::3], [np.stack([each, each])[0] for each in both]


def chatty(x):
    print("working on", x.shape, file=sys.stderr)
    warnings.warn("this is only a warning", stacklevel=1)
    np.random.seed(7)
    random.seed(7)
    np.random.rand(3)
    return standard(x)


class Standard:
    def __call__(self, x: np.ndarray) -> tuple:
        import math

        assert math.pi
        return standard(x)


def renamed(data, *_, scale=1.0):
    return standard(data)


def with_gradient(x):
    leaf = x.clone().requires_grad_()
    out, both = standard_torch(leaf)
    return out, both


def leaf(x):
    out, both = standard_torch(x)
    return out.requires_grad_(), [torch.nn.Parameter(each) for each in both]


def view(x):
    out, both = standard_torch(x)
    return out.T.contiguous().T, [torch.stack([each, each], 1)[:, 0] for each in both]


def torch_loops(x):
    rows = [(row - row.mean()) / row.std(unbiased=False) for row in x]
    return torch.stack(rows), [torch.stack([row.mean() for row in x]), torch.var(x, 1, correction=0) ** 0.5]


def torch_chatty(x):
    torch.manual_seed(3)
    torch.rand(3)
    print("working")
    return standard_torch(x)


def torch_formula(x):
    mean = torch.einsum("nd->n", x) / x.shape[1]
    spread = ((x * x).mean(1) - mean * mean).clamp(min=0).sqrt()
    return torch.addcdiv(-(mean / spread)[:, None], x, spread[:, None]), (mean, spread)


@pytest.mark.parametrize(
    "function",
    [
        with_loops,
        wider,
        as_tuple,
        by_another_formula,
        strided,
        chatty,
        Standard(),
        renamed,
        lambda x: standard(x),
        functools.partial(renamed, scale=2.0),
    ],
)
def test_numpy(function):
    verdict = evaluate(NUMPY, loopback(function), secret=SECRET)
    assert (verdict.message, verdict.status) == ("", Status.PASSED)
    assert len(verdict.remarks) <= 3


@pytest.mark.parametrize(
    "function", [with_gradient, leaf, view, torch_loops, torch_chatty, torch_formula, lambda x: list(standard_torch(x))]
)
def test_torch(function):
    verdict = evaluate(TORCH, loopback(function), secret=SECRET)
    assert (verdict.message, verdict.status) == ("", Status.PASSED)
    assert len(verdict.remarks) <= 2


def test_an_array_for_a_tensor_is_told_in_one_sentence():
    def by_numpy(x):
        out, both = standard(x.numpy())
        return torch.from_numpy(out), both

    verdict = evaluate(TORCH, loopback(by_numpy))
    assert verdict.message == (
        "two rows: result[1][0] is a NumPy array of shape (2,); expected a torch tensor: compute with torch, or "
        "wrap it with torch.from_numpy(...)"
    )


def first(x):
    return x[0]


def total(x):
    return x.sum()


VIEWS = Exercise("toy.first", first, "first(x)", {"basics": 1}, tensors(torch.float64), tensors(torch.float32))
SUMS = Exercise("toy.total", total, "total(x)", {"basics": 1}, tensors(torch.float64), arrays(np.float32))


@pytest.mark.parametrize(
    "function", [lambda x: x[0], lambda x: x[:1].reshape(-1), lambda x: x.clone()[0], lambda x: +x[0]]
)
def test_a_view_of_the_input_is_an_answer(function):
    assert evaluate(VIEWS, loopback(function), secret=SECRET).status is Status.PASSED


@pytest.mark.parametrize(
    "function", [lambda x: x.sum(), lambda x: float(x.sum()), lambda x: x.sum().item(), lambda x: x.sum().reshape(())]
)
def test_a_plain_number_stands_for_one_without_dimensions(function):
    verdict = evaluate(SUMS, loopback(function), secret=SECRET)
    assert (verdict.message, verdict.status) == ("", Status.PASSED)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_compared_as_coarsely_as_it_is(dtype):
    exercise = Exercise("toy.half", standard_torch, "standard(x)", {"basics": 1}, tensors(dtype), tensors(dtype))

    def in_single(x):
        out, both = standard_torch(x.float())
        return out.to(dtype), [each.to(dtype) for each in both]

    assert evaluate(exercise, loopback(in_single), secret=SECRET).status is Status.PASSED
    assert evaluate(exercise, loopback(lambda x: standard_torch(x * 1.1 + 1)), secret=SECRET).points == 0
