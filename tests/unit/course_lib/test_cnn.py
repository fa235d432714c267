"""The references of convolution, forward: against torch, against ONNX's cases, and against the loops."""

import numpy as np
import pytest
import torch
from convolutions import CLOSE, as_torch, drawn, each_dtype, each_geometry
from onnx_cases import onnx_cases
from torch import nn
from torch.nn import functional

from course_lib import cnn

# --- convolution ------------------------------------------------------------------------------------------


@each_dtype
@each_geometry
@pytest.mark.parametrize("biased", [True, False])
def test_loops_and_matrix_product_are_torch(x_shape, w_shape, stride, padding, biased, dtype):
    x, w, b = drawn(x_shape, w_shape, w_shape[:1], dtype=dtype)
    b = b if biased else None
    expected = functional.conv2d(*as_torch(x, w, b), stride=stride, padding=padding).numpy()
    for convolve in (cnn.conv2d, cnn.conv2d_loops):
        got = convolve(x, w, b, stride, padding)
        assert got.dtype == dtype
        np.testing.assert_allclose(got, expected, **CLOSE[dtype])


@each_dtype
@each_geometry
def test_im2col_is_unfold(x_shape, w_shape, stride, padding, dtype):
    [x] = drawn(x_shape, dtype=dtype)
    expected = functional.unfold(*as_torch(x), w_shape[2:], stride=stride, padding=padding).numpy()
    got = cnn.im2col(x, w_shape[2:], stride, padding)
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, expected)


@each_dtype
@pytest.mark.parametrize(("side", "stride", "padding"), [(1, 1, 0), (3, 1, 1), (3, 2, 1)])
def test_one_number_stands_for_a_square_kernel(side, stride, padding, dtype):
    [x] = drawn((2, 5, 4, 6), dtype=dtype)
    expected = functional.unfold(*as_torch(x), (side, side), stride=stride, padding=padding).numpy()
    np.testing.assert_array_equal(cnn.im2col(x, side, stride, padding), expected)


def test_memory_layouts_do_not_matter_and_inputs_stay():
    x, w, b = drawn((4, 6, 10, 9), (3, 3, 3, 2), (6,))
    x, b = x[::2, ::2, :, ::-1], b[::2]
    before = x.copy()
    plain = cnn.conv2d(x.copy(), w.copy(), b.copy(), 2, 1)
    np.testing.assert_allclose(cnn.conv2d(x, np.asfortranarray(w), b, 2, 1), plain, rtol=1e-13)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("sides", [((5, 6), (3, 3)), ((4, 4), (1, 1)), ((3, 7), (3, 3)), ((6, 5), (2, 2))])
def test_one_image_is_a_batch_of_one(sides):
    image, kernel = drawn(*sides)
    np.testing.assert_allclose(
        cnn.conv2d_single(image, kernel), cnn.conv2d(image[None, None], kernel[None, None])[0, 0], atol=1e-12
    )
    deep, deep_kernel = drawn((3, *sides[0]), (3, *sides[1]))
    np.testing.assert_allclose(
        cnn.conv2d_channels(deep, deep_kernel), cnn.conv2d(deep[None], deep_kernel[None])[0, 0], atol=1e-12
    )


def onnx_pads(case):
    top, left, bottom, right = case.attributes.get("pads", [0, 0, 0, 0])
    return (0, 0), (0, 0), (top, bottom), (left, right)


@pytest.mark.parametrize("case", [case for case in onnx_cases("Conv") if "auto_pad" not in case.attributes], ids=repr)
def test_convolution_is_onnxs(case):
    x = np.pad(case.inputs["X"], onnx_pads(case))
    [stride] = set(case.attributes.get("strides", [1]))
    for convolve in (cnn.conv2d, cnn.conv2d_loops):
        got = convolve(x, case.inputs["W"], case.inputs.get("B"), stride)
        np.testing.assert_allclose(got, case.outputs["Y"], case.rtol, case.atol)


# --- pooling ----------------------------------------------------------------------------------------------


@each_dtype
@pytest.mark.parametrize(
    ("kernel", "stride"), [(2, None), ((2, 3), None), (3, 1), ((1, 2), 2), (1, None), (3, 2), ((4, 1), 1)]
)
def test_pooling_is_torch(kernel, stride, dtype):
    [x] = drawn((2, 3, 7, 8), dtype=dtype)
    for mine, theirs in ((cnn.max_pool2d, functional.max_pool2d), (cnn.avg_pool2d, functional.avg_pool2d)):
        got = mine(x, kernel, stride)
        assert got.dtype == dtype
        np.testing.assert_allclose(got, theirs(*as_torch(x), kernel, stride).numpy(), **CLOSE[dtype])
        assert not np.shares_memory(got, x)


@pytest.mark.parametrize(("operator", "pool"), [("MaxPool", cnn.max_pool2d), ("AveragePool", cnn.avg_pool2d)])
def test_pooling_is_onnxs(subtests, operator, pool):
    """In two dimensions without padding, dilation or rounding up. ONNX computes its cases for seconds: here, once."""
    plain = {"kernel_shape", "strides"}
    cases = [
        case
        for case in onnx_cases(operator)
        if case.inputs["X"].ndim == 4 and set(case.attributes) <= plain and len(case.outputs) == 1
    ]
    assert cases
    for case in cases:
        with subtests.test(case.name):
            [stride] = set(case.attributes.get("strides", [1]))
            got = pool(case.inputs["X"], tuple(case.attributes["kernel_shape"]), stride)
            np.testing.assert_allclose(got, case.outputs["Y"], case.rtol, case.atol)


# --- counting ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("padding", [0, 1, 3])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_output_size_is_what_torch_gives(stride, padding, dilation):
    for size in (5, 8, 11):
        for kernel in (1, 2, 3):
            x, w = torch.zeros(1, 1, size), torch.zeros(1, 1, kernel)
            there = functional.conv1d(x, w, stride=stride, padding=padding, dilation=dilation).shape[-1]
            assert cnn.output_size(size, kernel, stride, padding, dilation) == there


@pytest.mark.parametrize(
    "layers", [[], [(3, 1)], [(3, 1), (3, 1)], [(5, 2), (3, 1), (2, 2), (3, 3)], [(1, 2), (3, 1)], [(2, 2)] * 4]
)
def test_the_receptive_field_is_where_the_gradient_reaches(layers):
    field = cnn.receptive_field(layers)
    x = torch.zeros(1, 1, 400, dtype=torch.float64, requires_grad=True)
    y = x
    for kernel, stride in layers:
        y = functional.conv1d(y, torch.ones(1, 1, kernel, dtype=torch.float64), stride=stride)
    y[0, 0, y.shape[-1] // 2].backward()
    reached = torch.nonzero(x.grad[0, 0])[:, 0]
    assert field == int(reached[-1] - reached[0]) + 1


def test_weights_are_counted_as_torch_counts_them():
    for c_in, c_out, kernel, bias in ((3, 8, 3, True), (5, 2, (2, 7), True), (4, 4, 1, False)):
        layer = nn.Conv2d(c_in, c_out, kernel, bias=bias)
        assert cnn.conv_weight_count(c_in, c_out, kernel, bias) == sum(p.numel() for p in layer.parameters())
    assert cnn.dense_weight_count(6, 5, 3, 7) == nn.Linear(90, 7).weight.numel()


def test_counts_of_the_prose():
    assert cnn.dense_weight_count(250, 250, 1, 1) == 62_500
    assert cnn.conv_weight_count(1, 1, 5) == 26
    assert cnn.conv_weight_count(3, 16, 3) == 448


# --- translation ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shift", [(0, 0), (1, 0), (0, -2), (2, 3), (-4, 1), (9, 0), (0, -7), (-5, -6)])
def test_translation_is_a_roll_whose_ends_are_zeroed(shift):
    dy, dx = shift
    [image] = drawn((2, 5, 6))
    expected = np.zeros_like(image)
    for i in range(5):
        for j in range(6):
            if 0 <= i - dy < 5 and 0 <= j - dx < 6:
                expected[:, i, j] = image[:, i - dy, j - dx]
    got = cnn.translate(image, dy, dx)
    np.testing.assert_array_equal(got, expected)
    assert not np.shares_memory(got, image)


def test_a_convolution_is_equivariant_and_a_dense_layer_is_not():
    image, w, dense = drawn((2, 9, 8), (3, 2, 3, 3), (72, 144))
    conv = cnn.equivariance_error(lambda picture: cnn.conv2d(picture[None], w, padding=1)[0], image, 2, -1, border=3)
    full = cnn.equivariance_error(lambda picture: (dense @ picture.ravel()).reshape(9, 8), image, 2, -1, border=3)
    assert conv < 1e-12 < 1 < full
    edge = cnn.equivariance_error(lambda picture: cnn.conv2d(picture[None], w, padding=1)[0], image, 2, -1, border=0)
    assert edge > 0.1


def test_pooling_is_equivariant_to_its_own_stride_only():
    [image] = drawn((1, 12, 12))
    tiny = cnn.equivariance_error(lambda picture: cnn.max_pool2d(picture[None], 2)[0], image, 0, 0, border=1)
    assert tiny == 0
    pooled = cnn.max_pool2d(cnn.translate(image, 2, 4)[None], 2)[0]
    np.testing.assert_array_equal(pooled[:, 1:, 2:], cnn.translate(cnn.max_pool2d(image[None], 2)[0], 1, 2)[:, 1:, 2:])


@pytest.mark.parametrize(
    ("call", "cure"),
    [
        (lambda: cnn.conv2d(np.ones((2, 5, 5)), np.ones((1, 2, 3, 3))), r"x\[None\]"),
        (lambda: cnn.im2col(np.ones((5, 5)), 3), r"x\[None, None\]"),
        (lambda: cnn.conv2d(np.ones((1, 2, 5, 5)), np.ones((4, 3, 3, 3))), "as deep as the input"),
        (
            lambda: cnn.conv2d_loops(np.ones((1, 2, 5, 5)), np.ones((4, 2, 3, 3)), np.ones((4, 1))),
            r"expected \(4,\)",
        ),
        (lambda: cnn.conv2d(np.ones((1, 1, 2, 5)), np.ones((1, 1, 3, 3))), "more padding"),
        (lambda: cnn.max_pool2d(np.ones((1, 1, 2, 5)), 3), "does not fit"),
        (lambda: cnn.conv2d_channels(np.ones((2, 5, 5)), np.ones((3, 3, 3))), "as deep as its input"),
        (lambda: cnn.conv2d_single(np.ones((1, 5, 5)), np.ones((3, 3))), "conv2d_single expects"),
        (lambda: cnn.output_size(5, 3, padding=-1), "0 or more"),
        (lambda: cnn.receptive_field([(3, 0)]), "stride is 0"),
        (lambda: cnn.dense_weight_count(0, 5, 1, 1), "height is 0"),
        (lambda: cnn.equivariance_error(np.abs, np.ones((1, 4, 4)), 1, 1, 2), "leaves nothing"),
    ],
)
def test_errors_name_the_cure(call, cure):
    with pytest.raises(ValueError, match=cure):
        call()


@each_dtype
def test_global_average_pooling_is_torchs_and_refuses_single_images(dtype):
    [x] = drawn((3, 4, 5, 6), dtype=dtype)
    got = cnn.global_average_pool(x)
    assert got.dtype == dtype
    np.testing.assert_allclose(got, nn.AdaptiveAvgPool2d(1)(*as_torch(x)).flatten(1).numpy(), **CLOSE[dtype])
    with pytest.raises(ValueError, match="add a batch dimension"):
        cnn.global_average_pool(x[0])


def test_separable_weights_are_those_of_two_layers_of_torch():
    for c_in, c_out, kernel in ((3, 2, 5), (8, 8, 3), (1, 7, 1)):
        layers = nn.Conv2d(c_in, c_in, kernel, groups=c_in, bias=False), nn.Conv2d(c_in, c_out, 1, bias=False)
        expected = sum(layer.weight.numel() for layer in layers)
        assert cnn.separable_weight_count(c_in, c_out, kernel) == expected
    with pytest.raises(ValueError, match="kernel is 0"):
        cnn.separable_weight_count(3, 4, 0)
