"""Gradients of convolution and pooling against torch's autograd, batch normalisation against torch and ONNX."""

import numpy as np
import pytest
import torch
from convolutions import CLOSE, GEOMETRIES, as_torch, drawn, each_dtype, each_geometry
from onnx_cases import onnx_cases
from torch import nn
from torch.nn import functional

from course_lib import cnn


def leaves(*arrays):
    return [tensor.requires_grad_() for tensor in as_torch(*arrays)]


# --- convolution ------------------------------------------------------------------------------------------


@each_dtype
@each_geometry
def test_every_gradient_of_a_convolution_is_torchs(x_shape, w_shape, stride, padding, dtype):
    x, w, b = drawn(x_shape, w_shape, w_shape[:1], dtype=dtype)
    tensors = leaves(x, w, b)
    y = functional.conv2d(*tensors, stride=stride, padding=padding)
    [dout] = drawn(tuple(y.shape), dtype=dtype, seed=1)
    y.backward(torch.from_numpy(dout))
    for got, tensor in zip(cnn.conv2d_backward(dout, x, w, stride, padding), tensors, strict=True):
        assert got.dtype == dtype
        np.testing.assert_allclose(got, tensor.grad.numpy(), **CLOSE[dtype])


@each_dtype
@each_geometry
def test_col2im_is_fold_and_the_adjoint_of_im2col(x_shape, w_shape, stride, padding, dtype):
    [x] = drawn(x_shape, dtype=dtype)
    patches = cnn.im2col(x, w_shape[2:], stride, padding)
    [cols] = drawn(patches.shape, dtype=dtype, seed=2)
    got = cnn.col2im(cols, x.shape, w_shape[2:], stride, padding)
    expected = functional.fold(*as_torch(cols), x.shape[2:], w_shape[2:], stride=stride, padding=padding).numpy()
    assert got.dtype == dtype
    np.testing.assert_allclose(got, expected, **CLOSE[dtype])
    both = (np.vdot(patches, cols), np.vdot(x, got))
    assert both[0] == pytest.approx(both[1], rel=1e-3 if dtype == np.float32 else 1e-10)


@pytest.mark.parametrize(
    "case", [case for case in onnx_cases("Col2Im") if not {"pads", "dilations"} & set(case.attributes)][:2], ids=repr
)
def test_col2im_is_onnxs(case):
    shape, kernel = case.inputs["image_shape"].tolist(), case.inputs["block_shape"].tolist()
    cols, [stride] = case.inputs["input"], set(case.attributes.get("strides", [1]))
    got = cnn.col2im(cols, (1, cols.shape[1] // (kernel[0] * kernel[1]), *shape), tuple(kernel), stride)
    np.testing.assert_allclose(got, case.outputs["output"], case.rtol, case.atol)


def test_inputs_of_the_gradients_stay():
    x, w, dout = drawn((2, 3, 6, 5), (4, 3, 3, 2), (2, 4, 4, 4))
    before = x.copy(), w.copy(), dout.copy()
    cnn.conv2d_backward(dout, x, w)
    cnn.max_pool2d_backward(dout, dout, 1)
    for kept, now in zip(before, (x, w, dout), strict=True):
        np.testing.assert_array_equal(kept, now)


# --- pooling ----------------------------------------------------------------------------------------------


@each_dtype
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize(("kernel", "stride"), [(2, None), ((2, 3), None), (3, 1), ((1, 2), 2), (3, 2), ((4, 1), 1)])
def test_the_gradient_of_max_pooling_is_torchs_on_ties_too(kernel, stride, tied, dtype):
    [x] = drawn((2, 3, 7, 8), dtype=dtype)
    x = np.round(x) if tied else x
    [tensor] = leaves(x)
    y = functional.max_pool2d(tensor, kernel, stride)
    [dout] = drawn(tuple(y.shape), dtype=dtype, seed=1)
    y.backward(torch.from_numpy(dout))
    got = cnn.max_pool2d_backward(dout, x, kernel, stride)
    assert got.dtype == dtype
    np.testing.assert_allclose(got, tensor.grad.numpy(), **CLOSE[dtype])


# --- batch normalisation ----------------------------------------------------------------------------------


@each_dtype
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(4, 3, 5, 6), (1, 2, 2, 1), (2, 1, 1, 1), (8, 5, 1, 1)])
def test_batch_normalisation_is_torchs(shape, training, dtype):
    x, gamma, beta, mean, var = drawn(shape, *[shape[1:2]] * 4, dtype=dtype)
    x, var = 3 * x + 5, var**2 + 0.5
    layer = nn.BatchNorm2d(shape[1], eps=1e-3, momentum=0.3, dtype=torch.from_numpy(x).dtype)
    state = dict(zip(("weight", "bias", "running_mean", "running_var"), as_torch(gamma, beta, mean, var), strict=True))
    layer.load_state_dict(state | {"num_batches_tracked": torch.tensor(0)})
    layer.train(training)
    expected = layer(torch.from_numpy(x)).detach().numpy()
    got = cnn.batch_norm2d(x, gamma, beta, mean, var, training, 0.3, 1e-3)
    assert {each.dtype for each in got} == {np.dtype(dtype)}
    wanted = (expected, layer.running_mean.numpy(), layer.running_var.numpy())
    for have, want in zip(got, wanted, strict=True):
        np.testing.assert_allclose(have, want, **CLOSE[dtype])
    assert not np.shares_memory(got[1], mean)


@each_dtype
@pytest.mark.parametrize("shape", [(4, 3, 5, 6), (1, 2, 2, 3), (8, 5, 1, 1)])
def test_every_gradient_of_batch_normalisation_is_torchs(shape, dtype):
    x, dout, gamma, beta = drawn(shape, shape, *[shape[1:2]] * 2, dtype=dtype)
    x = 3 * x + 5
    tensors = leaves(x, gamma, beta)
    y = functional.batch_norm(tensors[0], None, None, tensors[1], tensors[2], training=True, eps=1e-3)
    y.backward(torch.from_numpy(dout))
    for got, tensor in zip(cnn.batch_norm2d_backward(dout, x, gamma, 1e-3), tensors, strict=True):
        assert got.dtype == dtype
        np.testing.assert_allclose(got, tensor.grad.numpy(), **CLOSE[dtype])


def test_a_gradient_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="both are"):
        cnn.batch_norm2d_backward(np.zeros((2, 3, 4, 4)), np.zeros((2, 3, 4, 5)), np.ones(3))


@pytest.mark.parametrize("case", onnx_cases("BatchNormalization"), ids=repr)
def test_batch_normalisation_is_onnxs(case):
    training = bool(case.attributes.get("training_mode", 0))
    inputs = [case.inputs[name] for name in ("X", "scale", "B", "input_mean", "input_var")]
    momentum, eps = 1 - case.attributes.get("momentum", 0.9), case.attributes.get("epsilon", 1e-5)
    y, mean, var = cnn.batch_norm2d(*inputs, training, momentum, eps)
    np.testing.assert_allclose(y, case.outputs["Y"], case.rtol, case.atol)
    if training:  # ONNX keeps the biased variance, torch the unbiased one
        count = inputs[0].size // inputs[0].shape[1]
        biased = inputs[4] * (1 - momentum) + (var - inputs[4] * (1 - momentum)) * (count - 1) / count
        np.testing.assert_allclose(mean, case.outputs["running_mean"], case.rtol, case.atol)
        np.testing.assert_allclose(biased, case.outputs["running_var"], case.rtol, case.atol)


@pytest.mark.parametrize("case", onnx_cases("Softmax"), ids=repr)
def test_softmax_is_onnxs(case):
    from course_lib import linear

    x, axis = case.inputs["x" if "x" in case.inputs else "input"], case.attributes.get("axis", -1)
    rows = np.moveaxis(x, axis, -1)
    got = np.moveaxis(linear.softmax(rows.reshape(-1, rows.shape[-1])).reshape(rows.shape), -1, axis)
    np.testing.assert_allclose(got, case.outputs["y" if "y" in case.outputs else "output"], case.rtol, case.atol)


@pytest.mark.parametrize("case", [case for case in onnx_cases("Gemm") if case.attributes == {"transB": 1}], ids=repr)
def test_a_linear_layer_is_onnxs_gemm(case):
    from course_lib import mlp

    got = mlp.linear(case.inputs["A"], case.inputs["B"], case.inputs["C"][0])
    np.testing.assert_allclose(got, case.outputs["Y"], case.rtol, case.atol)


@pytest.mark.parametrize(
    ("call", "cure"),
    [
        (lambda: cnn.col2im(np.ones((1, 4, 9)), (1, 1, 4, 5), 2), r"have columns of shape \(1, 4, 12\)"),
        (
            lambda: cnn.conv2d_backward(np.ones((1, 1, 3, 3)), np.ones((1, 1, 4, 4)), np.ones((1, 1, 3, 3))),
            r"has shape \(1, 1, 2, 2\)",
        ),
        (lambda: cnn.max_pool2d_backward(np.ones((1, 1, 3, 3)), np.ones((1, 1, 4, 4)), 2), r"has \(1, 1, 2, 2\)"),
        (
            lambda: cnn.batch_norm2d(np.ones((1, 2, 1, 1)), *[np.ones(2)] * 4, True),
            "at least two numbers",
        ),
        (lambda: cnn.curve_network("cnn"), "expected one of linear, MLP, CNN"),
    ],
)
def test_errors_name_the_cure(call, cure):
    with pytest.raises(ValueError, match=cure):
        call()


def test_the_geometries_hold_what_hides_mistakes():
    assert any(x[2] != x[3] and w[2] != w[3] and s > 1 and p > 0 for x, w, s, p in GEOMETRIES)
