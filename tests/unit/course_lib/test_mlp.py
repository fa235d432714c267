"""The references of forward propagation against torch."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from course_lib import mlp

SHAPES = [(1, 1, 1), (1, 7, 3), (5, 1, 4), (6, 3, 1), (3, 2, 3), (16, 33, 9)]
SIZES = [[3, 2], [4, 3, 5, 2], [1, 1, 1], [7, 1, 6], [2, 5, 3, 6, 4, 8]]
CLOSE = {np.float32: {"rtol": 1e-5, "atol": 1e-5}, np.float64: {"rtol": 1e-12, "atol": 1e-12}}

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def torch_network(params, activation):
    """A Sequential of nn.Linear with the same weights."""
    modules = []
    for W, b in params:
        layer = torch.nn.Linear(W.shape[1], W.shape[0], dtype=torch.from_numpy(W).dtype)
        layer.load_state_dict({"weight": torch.from_numpy(W), "bias": torch.from_numpy(b)})
        modules += [layer, activation]
    return torch.nn.Sequential(*modules[:-1])


def random_params(rng, sizes, dtype=np.float64):
    return [
        (rng.standard_normal((m, n)).astype(dtype), rng.standard_normal(m).astype(dtype)) for n, m in pairwise(sizes)
    ]


@each_dtype
@pytest.mark.parametrize(("n", "d", "out"), SHAPES)
def test_linear_is_torch(n, d, out, dtype):
    rng = np.random.default_rng(n)
    x = rng.standard_normal((n, d)).astype(dtype)
    [(W, b)] = random_params(rng, [d, out], dtype)
    got = mlp.linear(x, W, b)
    expected = torch.nn.functional.linear(*map(torch.from_numpy, (x, W, b))).numpy()
    assert got.dtype == dtype
    np.testing.assert_allclose(got, expected, **CLOSE[dtype])


def test_linear_reads_any_memory_layout():
    rng = np.random.default_rng(0)
    x, W, b = rng.standard_normal((8, 6)), rng.standard_normal((4, 6)), rng.standard_normal(8)
    plain = mlp.linear(x[::2, ::2].copy(), W[:, ::2].copy(), b[::2].copy())
    np.testing.assert_array_equal(mlp.linear(x[::2, ::2], np.asfortranarray(W)[:, ::2], b[::2]), plain)


@each_dtype
@pytest.mark.parametrize("shape", [(5,), (1, 1), (3, 4), (2, 3, 4)])
def test_relu_is_torch(shape, dtype):
    x = (1e4 * np.random.default_rng(1).standard_normal(shape)).astype(dtype)
    before = x.copy()
    got = mlp.relu(x)
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, torch.relu(torch.from_numpy(x)).numpy())
    np.testing.assert_array_equal(x, before)
    assert not np.shares_memory(got, x)


@each_dtype
def test_sigmoid_is_torch_up_to_huge_numbers(dtype):
    x = np.array([[-1e4, -750, -100, -88, -3, -1e-3], [0, 1e-3, 3, 88, 750, 1e4]], dtype)
    got = mlp.sigmoid(x)
    assert got.dtype == dtype
    np.testing.assert_allclose(got, torch.sigmoid(torch.from_numpy(x)).numpy(), **CLOSE[dtype])


@given(st.floats(-1e4, 1e4))
def test_sigmoid_mirrors_rises_and_stays_between_0_and_1(z):
    low, value, high, mirrored = mlp.sigmoid(np.array([z - 1, z, z + 1, -z]))
    assert 0 <= low <= value <= high <= 1
    assert value + mirrored == pytest.approx(1, abs=1e-15)


def test_sigmoid_of_integers_is_float64():
    got = mlp.sigmoid(np.array([0, 1]))
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, [0.5, np.e / (1 + np.e)])


@each_dtype
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(
    ("activation", "module"),
    [(mlp.relu, torch.nn.ReLU()), (mlp.sigmoid, torch.nn.Sigmoid()), (np.tanh, torch.nn.Tanh())],
    ids=["relu", "sigmoid", "tanh"],
)
def test_forward_is_torch(sizes, activation, module, dtype):
    rng = np.random.default_rng(len(sizes))
    params = random_params(rng, sizes, dtype)
    x = rng.standard_normal((4, sizes[0])).astype(dtype)
    values = mlp.forward(x, params, activation)
    assert [value.shape for value in values] == [(4, size) for size in sizes]
    assert {value.dtype for value in values} == {np.dtype(dtype)}
    assert values[0] is x
    network = torch_network(params, module)
    expected = [torch.from_numpy(x)]
    for step in network:
        expected.append(step(expected[-1]))
    bent = [*expected[2:-1:2], expected[-1]]
    for got, want in zip(values[1:], bent, strict=True):
        np.testing.assert_allclose(got, want.detach().numpy(), **CLOSE[dtype])


def test_forward_survives_large_numbers_and_a_single_example():
    params = random_params(np.random.default_rng(5), [3, 4, 2])
    x = np.array([[1e4, -1e4, 1e4]])
    got = mlp.forward(x, params, mlp.sigmoid)[-1]
    expected = torch_network(params, torch.nn.Sigmoid())(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_he_init_draws_layer_by_layer_and_nothing_for_the_biases():
    sizes, rng = [4, 3, 5], np.random.default_rng(3)
    params = mlp.he_init(sizes, np.random.default_rng(3))
    np.testing.assert_allclose(params[0][0], rng.standard_normal((3, 4)) * np.sqrt(0.5))
    np.testing.assert_allclose(params[1][0], rng.standard_normal((5, 3)) * np.sqrt(2 / 3))
    assert [b.tolist() for _, b in params] == [[0.0] * 3, [0.0] * 5]


def test_he_init_has_the_variance_of_kaiming_normal():
    [(W, _)] = mlp.he_init([300, 400], np.random.default_rng(0))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = torch.nn.init.kaiming_normal_(torch.empty(400, 300), nonlinearity="relu")
    assert W.shape == tuple(theirs.shape)
    assert W.var() == pytest.approx(theirs.var().item(), rel=0.02)
    assert abs(W.mean()) < 1e-3


def test_he_init_keeps_the_size_of_a_signal_and_other_scales_do_not():
    rng = np.random.default_rng(0)
    params = mlp.he_init([256] * 22, rng)
    x = rng.standard_normal((200, 256))
    sizes = {
        scale: np.sqrt(np.mean(mlp.forward(x, [(scale * W, b) for W, b in params], mlp.relu)[20] ** 2))
        for scale in (0.5, 1, 2)
    }
    assert 0.3 < sizes[1] < 3
    assert sizes[0.5] == pytest.approx(sizes[1] / 2**20)
    assert sizes[2] == pytest.approx(sizes[1] * 2**20)


@pytest.mark.parametrize("sizes", [*SIZES, [64, 32, 10]])
@pytest.mark.parametrize("batch", [1, 6])
def test_counts_are_torchs(sizes, batch):
    network = torch_network(random_params(np.random.default_rng(0), sizes), torch.nn.ReLU())
    assert mlp.parameter_count(sizes) == sum(p.numel() for p in network.parameters())
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(batch, sizes[0], dtype=torch.float64))
    assert 2 * mlp.mac_count(sizes, batch) == counter.get_total_flops()


def test_counts_of_the_prose():
    assert mlp.parameter_count([64, 32, 10]) == 2410
    assert mlp.parameter_count([1, *[2] * 10, 1]) == 61
    assert mlp.parameter_count([1, 1023, 1]) == 3070
    assert (mlp.mac_count([2, 3, 2]), mlp.mac_count([2, 3, 2], batch=5)) == (12, 60)
    assert type(mlp.parameter_count(np.array([2, 3]))) is int


@pytest.mark.parametrize(
    ("call", "cure"),
    [
        (lambda: mlp.linear(np.ones(3), np.ones((2, 3)), np.ones(2)), r"x\[None, :\]"),
        (lambda: mlp.linear(np.ones((4, 3)), np.ones((3, 2)), np.ones(2)), r"W\.T"),
        (lambda: mlp.linear(np.ones((4, 3)), np.ones(3), np.ones(1)), "one row for each output"),
        (lambda: mlp.linear(np.ones((4, 3)), np.ones((2, 3)), np.ones((2, 1))), r"expects \(2,\)"),
        (lambda: mlp.forward(np.ones((4, 3)), [], mlp.relu), "at least one layer"),
        (lambda: mlp.he_init([3], np.random.default_rng(0)), "at least one layer"),
        (lambda: mlp.parameter_count([3, 0, 2]), "at least 1"),
        (lambda: mlp.mac_count([]), "at least one layer"),
    ],
)
def test_errors_name_the_cure(call, cure):
    with pytest.raises(ValueError, match=cure):
        call()
