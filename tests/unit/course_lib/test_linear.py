"""The references of linear classification against torch, scikit-learn, published bounds and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import Perceptron

from course_lib import data, linear

SHAPES = [(1, 1, 1), (1, 3, 2), (5, 1, 4), (7, 4, 3), (64, 17, 10)]
DTYPES = [(np.float32, 1e-5), (np.float64, 1e-12)]


def problem(n: int, d: int, c: int, dtype: type = np.float64, seed: int = 0):
    rng = np.random.default_rng([seed, n, d, c])
    x, w, b = rng.standard_normal((n, d)), rng.standard_normal((c, d)), rng.standard_normal(c)
    return x.astype(dtype), rng.integers(0, c, n), w.astype(dtype), b.astype(dtype)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("dtype", "close"), DTYPES)
def test_scores_softmax_and_loss_are_those_of_torch(shape, dtype, close):
    x, labels, w, b = problem(*shape, dtype)
    logits = torch.nn.functional.linear(*map(torch.from_numpy, (x, w, b)))
    got = linear.scores(x, w, b)
    assert got.dtype == dtype
    np.testing.assert_allclose(got, logits.numpy(), rtol=close, atol=close)
    p = linear.softmax(got)
    assert p.dtype == dtype
    np.testing.assert_allclose(p, logits.softmax(1).numpy(), rtol=close, atol=close)
    loss = linear.cross_entropy(got, labels)
    assert type(loss) is float
    expected = torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels)).item()
    assert loss == pytest.approx(expected, rel=10 * close, abs=10 * close)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("dtype", "close"), DTYPES)
def test_gradient_is_that_of_autograd(shape, dtype, close):
    x, labels, w, b = problem(*shape, dtype, seed=1)
    tw, tb = torch.tensor(w, requires_grad=True), torch.tensor(b, requires_grad=True)
    torch.nn.functional.cross_entropy(torch.from_numpy(x) @ tw.T + tb, torch.from_numpy(labels)).backward()
    dw, db = linear.softmax_gradient(x, labels, w, b)
    assert dw.dtype == db.dtype == dtype
    np.testing.assert_allclose(dw, tw.grad.numpy(), rtol=10 * close, atol=10 * close)
    np.testing.assert_allclose(db, tb.grad.numpy(), rtol=10 * close, atol=10 * close)


def test_gradient_is_the_slope_of_the_loss():
    x, labels, w, b = problem(6, 3, 4, seed=2)
    dw, db = linear.softmax_gradient(x, labels, w, b)
    eps = 1e-6
    for parameter, gradient in ((w, dw), (b, db)):
        for index in np.ndindex(parameter.shape):
            moved = []
            for step in (eps, -eps):
                old = parameter[index]
                parameter[index] = old + step
                moved.append(linear.cross_entropy(linear.scores(x, w, b), labels))
                parameter[index] = old
            assert gradient[index] == pytest.approx((moved[0] - moved[1]) / (2 * eps), abs=1e-8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_logits_are_safe(dtype):
    logits = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, 1 - 1e4]], dtype)
    tensor = torch.from_numpy(logits)
    np.testing.assert_allclose(linear.softmax(logits), tensor.softmax(1).numpy(), rtol=1e-6)
    for labels in ([0, 2], [1, 0]):
        expected = torch.nn.functional.cross_entropy(tensor, torch.tensor(labels)).item()
        assert linear.cross_entropy(logits, np.array(labels)) == pytest.approx(expected, rel=1e-6)
    assert linear.cross_entropy(logits[:1], np.array([1])) == 20_000


def test_predict_takes_the_lowest_of_equals():
    z = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [-1.0, -5.0, -1.0], [0.0, -1.0, 4.0]])
    predicted = linear.predict(z)
    assert predicted.tolist() == [1, 0, 0, 2]
    assert np.issubdtype(predicted.dtype, np.integer)


def test_accuracy_counts_matches():
    got = linear.accuracy(np.array([2, 0, 1, 1]), np.array([2, 0, 0, 1]))
    assert type(got) is float
    assert got == 0.75


def test_perceptron_step_by_hand():
    w = np.array([1.0, -1.0])
    new, b = linear.perceptron_step(w, 0.0, np.array([2.0, 1.0]), -1)
    assert (new.tolist(), b, w.tolist()) == ([-1.0, -2.0], -1.0, [1.0, -1.0])
    again, b = linear.perceptron_step(new, b, np.array([2.0, 1.0]), -1)
    assert (again.tolist(), b) == ([-1.0, -2.0], -1.0)
    on_the_line, b = linear.perceptron_step(np.zeros(2), 0.0, np.array([2.0, 1.0]), 1)
    assert (on_the_line.tolist(), b) == ([2.0, 1.0], 1.0)


def test_perceptron_fit_by_hand():
    w, b, mistakes = linear.perceptron_fit(np.array([[1.0, 2.0], [3.0, 1.0]]), np.array([1, -1]), 10)
    assert (w.tolist(), b, mistakes) == ([-3.0, 4.0], 1.0, [2, 2, 1, 0])


@pytest.mark.parametrize("seed", range(5))
def test_perceptron_is_that_of_scikit_learn(seed):
    blobs = data.two_blobs(seed=seed)
    w, b, mistakes = linear.perceptron_fit(blobs.x, blobs.signs, 200)
    assert mistakes[-1] == 0
    other = Perceptron(shuffle=False, tol=None, max_iter=len(mistakes)).fit(blobs.x, blobs.signs)
    np.testing.assert_allclose(w, other.coef_[0], rtol=1e-9)
    assert b == pytest.approx(other.intercept_[0])


@pytest.mark.parametrize("seed", range(5))
def test_mistakes_stay_below_novikoffs_bound(seed):
    blobs = data.two_blobs(seed=seed)
    w, b, mistakes = linear.perceptron_fit(blobs.x, blobs.signs, 1000)
    rows = np.c_[blobs.x, np.ones(len(blobs))]
    plane = np.append(w, b)
    gamma = (blobs.signs * (rows @ plane)).min() / np.linalg.norm(plane)
    assert gamma > 0
    assert sum(mistakes) <= (np.linalg.norm(rows, axis=1).max() / gamma) ** 2


def test_perceptron_never_learns_xor():
    xor = data.xor()
    assert linear.perceptron_fit(xor.x, xor.signs, 50)[2] == [4] * 50


def test_perceptron_keeps_single_precision_and_turns_integers_into_floats():
    x, y = np.array([[1, 2], [3, 1]]), np.array([1, -1])
    w32, b, _ = linear.perceptron_fit(x.astype(np.float32), y, 10)
    assert w32.dtype == np.float32
    assert type(b) is float
    assert linear.perceptron_fit(x, y, 10)[0].dtype == np.float64
    assert linear.perceptron_fit(x, y, 0)[2] == []


def test_two_hidden_units_are_xor():
    xor = data.xor()
    w1, b1, w2, b2 = linear.relu_xor()
    out = np.maximum(xor.x @ w1.T + b1, 0) @ w2 + b2
    assert out.tolist() == xor.labels.tolist()


@pytest.mark.parametrize("layout", ["F", "sliced"])
def test_layout_changes_nothing_and_inputs_stay(layout):
    x, labels, w, b = problem(8, 6, 4, seed=3)
    expected = linear.softmax_gradient(x, labels, w, b)
    wide = np.repeat(x, 2, axis=1)
    other = np.asfortranarray(x) if layout == "F" else wide[:, ::2]
    before = other.copy(), w.copy(), b.copy()
    got = linear.softmax_gradient(other, labels, w, b)
    for a, e in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-12)
    for a, e in zip((other, w, b), before, strict=True):
        np.testing.assert_array_equal(a, e)


X, W, B, LABELS = np.ones((3, 2)), np.ones((4, 2)), np.ones(4), np.array([0, 3, 1])


@pytest.mark.parametrize(
    ("call", "cure"),
    [
        (lambda: linear.scores(np.ones(2), W, B), r"X\[None\]"),
        (lambda: linear.scores(X, W.T, B), "transposed"),
        (lambda: linear.scores(X, W, np.ones(3)), "one bias for each row"),
        (lambda: linear.predict(np.ones(3)), r"scores\[None\]"),
        (lambda: linear.predict(np.ones((3, 0))), "at least one column"),
        (lambda: linear.accuracy(LABELS, LABELS[:, None]), "ravel"),
        (lambda: linear.accuracy(LABELS[:0], LABELS[:0]), "pass at least one"),
        (lambda: linear.perceptron_step(np.zeros(2), 0.0, X, 1), r"X\[i\]"),
        (lambda: linear.perceptron_step(np.zeros(2), 0.0, X[0], 0), r"2 \* y - 1"),
        (lambda: linear.perceptron_fit(X, np.array([1, -1]), 5), "one target for each row"),
        (lambda: linear.perceptron_fit(X, LABELS, 5), "-1 or"),
        (lambda: linear.softmax(np.ones(3)), r"logits\[None\]"),
        (lambda: linear.cross_entropy(X, LABELS[:2]), "one class per row"),
        (lambda: linear.cross_entropy(X, LABELS), "expects 0 to 1"),
        (lambda: linear.cross_entropy(W.T, np.array([0, -1])), "expects 0 to 3"),
        (lambda: linear.cross_entropy(X, LABELS.astype(float)), r"astype\(int\)"),
        (lambda: linear.cross_entropy(X[:0], LABELS[:0]), "at least one row"),
        (lambda: linear.softmax_gradient(X, LABELS[:2], W, B), "one class per row"),
    ],
)
def test_errors_name_the_cure(call, cure):
    with pytest.raises(ValueError, match=cure):
        call()
