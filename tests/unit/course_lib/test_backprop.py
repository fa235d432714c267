"""The references of backpropagation against torch: values and every gradient, with random upstream gradients."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib import backprop, data
from course_lib.tape import Node

SHAPES = [(1, 1, 1), (1, 7, 3), (5, 1, 4), (6, 3, 1), (3, 3, 3), (16, 33, 9)]
SIZES = [[3, 2], [4, 3, 5, 2], [1, 1, 2], [7, 1, 6], [2, 5, 3, 6, 4, 8]]
CLOSE = {np.float32: {"rtol": 1e-4, "atol": 1e-5}, np.float64: {"rtol": 1e-10, "atol": 1e-12}}

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def leaf(array):
    return torch.from_numpy(np.array(array)).requires_grad_()


def random_params(rng, sizes, dtype=np.float64):
    return [
        (rng.standard_normal((m, n)).astype(dtype), rng.standard_normal(m).astype(dtype)) for n, m in pairwise(sizes)
    ]


# --- numerical_gradient -----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (1,), (5,), (3, 4), (2, 3, 2)])
def test_numerical_gradient_is_torchs(shape):
    rng = np.random.default_rng(0)
    x, weights = rng.standard_normal(shape), rng.standard_normal(shape)
    before = x.copy()
    got = backprop.numerical_gradient(lambda z: float(np.sum(weights * np.sin(z) * z**2)), x)
    z = leaf(x)
    (torch.from_numpy(np.array(weights)) * torch.sin(z) * z**2).sum().backward()
    assert got.shape == shape
    np.testing.assert_allclose(got, z.grad.numpy(), rtol=1e-7, atol=1e-9)
    np.testing.assert_array_equal(x, before)


def test_numerical_gradient_is_central_and_minds_eps():
    x = np.array([2.0, -1.0])
    got = backprop.numerical_gradient(lambda z: float((z**3).sum()), x, eps=0.1)
    np.testing.assert_allclose(got, 3 * x**2 + 0.1**2)


def test_numerical_gradient_of_a_view_or_of_integers_leaves_them_alone():
    whole = np.arange(24.0).reshape(4, 6)
    view = whole[::2, ::3]
    np.testing.assert_allclose(backprop.numerical_gradient(lambda z: float((z**2).sum()), view), 2 * view, atol=1e-6)
    np.testing.assert_array_equal(whole, np.arange(24.0).reshape(4, 6))
    count = np.array([1, 2])
    np.testing.assert_allclose(backprop.numerical_gradient(lambda z: float((z**2).sum()), count), [2, 4])


# --- one step back ----------------------------------------------------------------------------------------


@each_dtype
@pytest.mark.parametrize(("n", "d", "out"), SHAPES)
def test_linear_backward_is_torch(n, d, out, dtype):
    rng = np.random.default_rng(n)
    x, dout = rng.standard_normal((n, d)).astype(dtype), rng.standard_normal((n, out)).astype(dtype)
    [(W, b)] = random_params(rng, [d, out], dtype)
    leaves = [leaf(value) for value in (x, W, b)]
    torch.nn.functional.linear(*leaves).backward(torch.from_numpy(dout))
    for got, want in zip(backprop.linear_backward(dout, x, W), leaves, strict=True):
        assert got.dtype == dtype
        np.testing.assert_allclose(got, want.grad.numpy(), **CLOSE[dtype])


@each_dtype
@pytest.mark.parametrize("shape", [(5,), (1, 1), (3, 4), (2, 3, 4)])
def test_activations_backward_are_torchs(shape, dtype):
    rng = np.random.default_rng(1)
    x, dout = rng.standard_normal(shape).astype(dtype), rng.standard_normal(shape).astype(dtype)
    x.flat[0] = 0
    z = leaf(x)
    torch.relu(z).backward(torch.from_numpy(dout))
    got = backprop.relu_backward(dout, x)
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, z.grad.numpy())
    z = leaf(x)
    out = torch.sigmoid(z)
    out.backward(torch.from_numpy(dout))
    got = backprop.sigmoid_backward(dout, out.detach().numpy())
    assert got.dtype == dtype
    np.testing.assert_allclose(got, z.grad.numpy(), **CLOSE[dtype])


@each_dtype
@pytest.mark.parametrize(("n", "classes"), [(1, 2), (1, 1), (6, 3), (5, 9)])
@pytest.mark.parametrize("size", [1, 1e4])
def test_softmax_cross_entropy_is_torch(n, classes, size, dtype):
    rng = np.random.default_rng(n)
    logits, labels = (size * rng.standard_normal((n, classes))).astype(dtype), rng.integers(classes, size=n)
    z = leaf(logits)
    want = torch.nn.functional.cross_entropy(z, torch.from_numpy(labels))
    want.backward()
    loss, dlogits = backprop.softmax_cross_entropy(logits, labels)
    assert type(loss) is float
    assert loss == pytest.approx(want.item(), rel=1e-5 if dtype == np.float32 else 1e-12, abs=1e-6)
    assert dlogits.dtype == dtype
    np.testing.assert_allclose(dlogits, z.grad.numpy(), **CLOSE[dtype])


# --- a whole network --------------------------------------------------------------------------------------


@each_dtype
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("n", [1, 6])
def test_mlp_gradients_are_torchs(sizes, n, dtype):
    rng = np.random.default_rng(len(sizes))
    params = random_params(rng, sizes, dtype)
    x, labels = rng.standard_normal((n, sizes[0])).astype(dtype), rng.integers(sizes[-1], size=n)
    leaves = [(leaf(W), leaf(b)) for W, b in params]
    a = torch.from_numpy(x)
    for W, b in leaves[:-1]:
        a = torch.relu(torch.nn.functional.linear(a, W, b))
    want = torch.nn.functional.cross_entropy(torch.nn.functional.linear(a, *leaves[-1]), torch.from_numpy(labels))
    want.backward()
    loss, grads = backprop.mlp_gradients(x, labels, params)
    assert loss == pytest.approx(want.item(), rel=1e-5 if dtype == np.float32 else 1e-12)
    for (dW, db), (W, b) in zip(grads, leaves, strict=True):
        assert dW.dtype == db.dtype == dtype
        np.testing.assert_allclose(dW, W.grad.numpy(), **CLOSE[dtype])
        np.testing.assert_allclose(db, b.grad.numpy(), **CLOSE[dtype])


def test_mlp_gradients_are_differences():
    rng = np.random.default_rng(3)
    params, x, labels = random_params(rng, [4, 6, 3]), rng.standard_normal((5, 4)), rng.integers(3, size=5)
    _, grads = backprop.mlp_gradients(x, labels, params)
    for layer, (W, b) in enumerate(params):

        def loss_of(weights, layer=layer, b=b):
            moved = [*params[:layer], (weights, b), *params[layer + 1 :]]
            return backprop.mlp_gradients(x, labels, moved)[0]

        np.testing.assert_allclose(backprop.numerical_gradient(loss_of, W), grads[layer][0], rtol=1e-6, atol=1e-9)


# --- any expression ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wide", "shape"),
    [
        ((2, 3), (2, 3)),
        ((2, 3), (3,)),
        ((2, 3), (1, 3)),
        ((2, 3), (2, 1)),
        ((2, 3), ()),
        ((4, 2, 3), (2, 1)),
        ((4, 2, 3), (1, 1, 1)),
        ((5, 1, 3), (1, 3)),
        ((1, 1), (1, 1)),
        ((), ()),
    ],
)
def test_unbroadcast_is_the_gradient_of_expand(wide, shape):
    grad = np.random.default_rng(0).standard_normal(wide)
    x = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
    x.expand(wide).backward(torch.from_numpy(np.array(grad)))
    got = backprop.unbroadcast(np.asarray(grad), shape)
    assert type(got) is np.ndarray
    assert got.shape == shape
    np.testing.assert_allclose(got, x.grad.numpy(), rtol=1e-12, atol=1e-14)


def unary(a, value, slope):
    return Node(value, (a,), (lambda g: g * slope,))


def add(a, b):
    return Node(a.value + b.value, (a, b), (lambda g: g, lambda g: g))


def multiply(a, b):
    return Node(a.value * b.value, (a, b), (lambda g: g * b.value, lambda g: g * a.value))


OPERATIONS = {
    "add": (add, torch.add),
    "multiply": (multiply, torch.multiply),
    "sine": (lambda a, _: unary(a, np.sin(a.value), np.cos(a.value)), lambda a, _: torch.sin(a)),
}


@given(
    st.lists(st.tuples(st.sampled_from(list(OPERATIONS)), st.integers(0, 99), st.integers(0, 99)), max_size=12),
    st.integers(0, 2**32 - 1),
)
def test_backward_is_torchs_on_any_graph(program, seed):
    """Every step takes any two nodes made so far: diamonds, nodes used twice, nodes not used at all."""
    values = np.random.default_rng(seed).standard_normal((3, 2))
    ours = [Node(value) for value in values]
    theirs = [leaf(value) for value in values]
    for name, first, second in program:
        for made, operation in zip((ours, theirs), OPERATIONS[name], strict=True):
            made.append(operation(made[first % len(made)], made[second % len(made)]))
    for node in theirs:
        node.retain_grad()
    theirs[-1].sum().backward()
    got = backprop.backward(ours[-1])
    for node, tensor in zip(ours, theirs, strict=True):
        assert (node in got) == (tensor.grad is not None)
        if node in got:
            np.testing.assert_allclose(got[node], tensor.grad.numpy(), rtol=1e-9, atol=1e-12)
    order = backprop.topological_order(ours[-1])
    assert set(order) == set(got)
    assert len(set(order)) == len(order)
    assert order[-1] is ours[-1]
    place = {node: number for number, node in enumerate(order)}
    assert all(place[parent] < place[node] for node in order for parent in node.parents)


def test_a_chain_deeper_than_the_recursion_limit_and_a_graph_with_countless_paths():
    node = x = Node(np.array(1.0))
    for _ in range(5000):
        node = unary(node, node.value, np.array(1.0))
    assert backprop.backward(node)[x] == 1
    node = x = Node(np.array(1.0))
    for _ in range(60):
        node = add(node, node)
    assert backprop.backward(node)[x] == 2**60


def test_backward_changes_no_array_that_a_share_hands_on():
    a, b = Node(np.array([1.0, 2.0])), Node(np.array([3.0, 4.0]))
    total = add(a, b)
    root = add(total, a)
    got = backprop.backward(root)
    np.testing.assert_array_equal(got[a], [2, 2])
    np.testing.assert_array_equal(got[b], [1, 1])
    np.testing.assert_array_equal(got[total], [1, 1])
    np.testing.assert_array_equal(got[root], [1, 1])


# --- steps downhill ---------------------------------------------------------------------------------------

SHAPES_OF_PARAMS = [(3, 2), (3,), (1, 1), (2, 3, 2), ()]


def trajectory(step, optimizer, steps=6):
    rng = np.random.default_rng(4)
    params = [np.asarray(rng.standard_normal(shape)) for shape in SHAPES_OF_PARAMS]
    theirs = [leaf(p) for p in params]
    optimizer = optimizer(theirs)
    state = None
    for _ in range(steps):
        grads = [np.asarray(rng.standard_normal(shape) * 10.0 ** rng.integers(-3, 3)) for shape in SHAPES_OF_PARAMS]
        for p, g in zip(theirs, grads, strict=True):
            p.grad = torch.from_numpy(g.copy())
        optimizer.step()
        kept = [p.copy() for p in params], [g.copy() for g in grads]
        new, state = step(params, grads, state)
        for old, copy in zip((*params, *grads), (*kept[0], *kept[1]), strict=True):
            np.testing.assert_array_equal(old, copy)
        params = new
        for p, q in zip(params, theirs, strict=True):
            np.testing.assert_allclose(p, q.detach().numpy(), rtol=1e-12, atol=1e-14)


def test_sgd_is_torchs():
    trajectory(lambda p, g, _: (backprop.sgd_step(p, g, 0.3), None), lambda q: torch.optim.SGD(q, lr=0.3))


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9])
def test_momentum_is_torchs(beta):
    def step(params, grads, velocity):
        velocity = velocity or [np.zeros_like(p) for p in params]
        kept = [v.copy() for v in velocity]
        result = backprop.momentum_step(params, grads, velocity, 0.1, beta)
        for old, copy in zip(velocity, kept, strict=True):
            np.testing.assert_array_equal(old, copy)
        return result

    trajectory(step, lambda q: torch.optim.SGD(q, lr=0.1, momentum=beta))


@pytest.mark.parametrize(("betas", "eps"), [((0.9, 0.999), 1e-8), ((0.5, 0.8), 1e-2)])
def test_adam_is_torchs(betas, eps):
    def step(params, grads, state):
        state = state or {"t": 0, "m": [np.zeros_like(p) for p in params], "v": [np.zeros_like(p) for p in params]}
        kept = {"t": state["t"], "m": [m.copy() for m in state["m"]], "v": [v.copy() for v in state["v"]]}
        result = backprop.adam_step(params, grads, state, 0.01, betas, eps)
        assert state["t"] == kept["t"]
        for old, copy in zip((*state["m"], *state["v"]), (*kept["m"], *kept["v"]), strict=True):
            np.testing.assert_array_equal(old, copy)
        assert result[1]["t"] == state["t"] + 1
        return result

    trajectory(step, lambda q: torch.optim.Adam(q, lr=0.01, betas=betas, eps=eps))


def test_steps_keep_float32():
    p, g = [np.ones(2, np.float32)], [np.full(2, 0.5, np.float32)]
    state = {"t": 0, "m": [np.zeros(2, np.float32)], "v": [np.zeros(2, np.float32)]}
    assert backprop.sgd_step(p, g, 0.1)[0].dtype == np.float32
    assert backprop.momentum_step(p, g, state["m"], 0.1)[0][0].dtype == np.float32
    assert backprop.adam_step(p, g, state, 0.1)[0][0].dtype == np.float32


# --- training ---------------------------------------------------------------------------------------------


def accuracy(params, part):
    a = part.x
    for W, b in params[:-1]:
        a = np.maximum(a @ W.T + b, 0)
    return float(((a @ params[-1][0].T + params[-1][1]).argmax(axis=1) == part.labels).mean())


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("in_order", [False, True])
def test_train_reads_digits_in_any_order_of_the_labels(seed, in_order):
    digits = data.digits(seed)
    order = np.argsort(digits.train.labels, kind="stable") if in_order else np.arange(len(digits.train))
    x, labels = digits.train.x[order], digits.train.labels[order]
    kept = x.copy(), labels.copy()
    params = backprop.train(x, labels, [64, 64, 10], 30, 0.03, 10, np.random.default_rng(seed))
    assert [W.shape for W, _ in params] == [(64, 64), (10, 64)]
    assert accuracy(params, digits.test) >= 0.94
    np.testing.assert_array_equal(x, kept[0])
    np.testing.assert_array_equal(labels, kept[1])


def test_in_sorted_order_the_last_digit_drives_out_the_others():
    """The figures of the prose: train without its shuffling."""
    digits = data.digits()
    order = np.argsort(digits.train.labels, kind="stable")
    lazy = SimpleNamespace(standard_normal=np.random.default_rng(0).standard_normal, permutation=np.arange)
    params = backprop.train(digits.train.x[order], digits.train.labels[order], [64, 64, 10], 10, 0.1, 32, lazy)
    ones, nines = (
        accuracy(params, data.Dataset(digits.test.x[of], digits.test.labels[of]))
        for of in (digits.test.labels == 1, digits.test.labels == 9)
    )
    assert (round(ones, 2), round(nines, 2)) == (0.11, 0.98)


def test_train_uses_a_batch_that_is_not_full():
    blobs = data.blobs(30, 3)
    params = backprop.train(blobs.x, blobs.labels, [2, 16, 3], 60, 0.2, 100, np.random.default_rng(0))
    assert accuracy(params, blobs) >= 0.9


@pytest.mark.parametrize(
    ("call", "cure"),
    [
        (lambda: backprop.linear_backward(np.ones(3), np.ones((1, 2)), np.ones((3, 2))), r"x\[None, :\]"),
        (lambda: backprop.linear_backward(np.ones((4, 3)), np.ones((4, 2)), np.ones((2, 3))), "expects"),
        (lambda: backprop.relu_backward(np.ones(3), np.ones((3, 1))), "equal"),
        (lambda: backprop.sigmoid_backward(np.ones(3), np.ones(1)), "equal"),
        (lambda: backprop.softmax_cross_entropy(np.ones(3), np.array(0)), r"logits\[None, :\]"),
        (lambda: backprop.softmax_cross_entropy(np.ones((2, 3)), np.array([0.0, 1.0])), r"astype\(int\)"),
        (lambda: backprop.softmax_cross_entropy(np.ones((2, 3)), np.array([0, 3])), "from 0 to 2"),
        (lambda: backprop.mlp_gradients(np.ones((2, 3)), np.array([0, 1]), []), "at least one layer"),
        (lambda: backprop.unbroadcast(np.ones((2, 3)), (2,)), "does not broadcast"),
        (lambda: backprop.unbroadcast(np.ones(3), (2, 3)), "does not broadcast"),
        (lambda: backprop.train(np.ones((2, 3)), np.zeros(2, int), [4, 2], 1, 0.1, 2, np.random.default_rng(0)), "3"),
    ],
)
def test_errors_name_the_cure(call, cure):
    with pytest.raises(ValueError, match=cure):
        call()
