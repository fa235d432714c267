"""Quantization against torch's fake-quantize operators, ONNX's integer operators, and what theory foretells."""

import copy
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from onnx_cases import OnnxCase, onnx_cases
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from course_lib import data, gnn, graphs, quantization
from course_lib.quantization import nodes
from course_lib.training import fit


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=rng(seed), dtype=torch.float64).to(dtype)


def integers(*shape, dtype=torch.int8, seed=0):
    info = torch.iinfo(dtype)
    return torch.randint(info.min, info.max + 1, shape, generator=rng(seed)).to(dtype)


def plain(operator: str, *kinds: str) -> list[OnnxCase]:
    """ONNX's cases with 8-bit integers, one grid or one for each channel, and no other floats than float32."""
    found = []
    for case in onnx_cases(operator):
        types = {str(value.dtype) for value in (*case.inputs.values(), *case.outputs.values())}
        if types <= {"float32", "uint8", "int8", "int32"} and "block_size" not in case.attributes:
            found.append(case)
    assert found
    return found


def tensor(case: OnnxCase, name: str, default=0):
    value = case.inputs.get(name)
    return torch.tensor(default) if value is None else torch.from_numpy(np.array(value))


def along(value, x, axis=1):
    return value.view([-1 if place == axis else 1 for place in range(x.dim())]) if value.dim() else value


def assert_onnx(got, case: OnnxCase, name="y"):
    expected = case.outputs[name]
    assert str(got.dtype).removeprefix("torch.") == str(expected.dtype)
    np.testing.assert_array_equal(got.numpy(), expected)


# --- grids ----------------------------------------------------------------------------------------------


def test_by_hand():
    scale, zero = quantization.affine_qparams(-1.0, 3.0, bits=2)
    assert (scale, zero) == (pytest.approx(4 / 3), -1)
    assert quantization.affine_qparams(0.0, 2.55, signed=False) == (pytest.approx(0.01), 0)
    assert quantization.affine_qparams(-0.5, 0.2, symmetric=True) == (0.5 / 127, 0)
    assert quantization.affine_qparams(-0.5, 0.2, 4, signed=False, symmetric=True) == (0.5 / 7, 8)
    q = quantization.quantize(torch.tensor([-9.0, 0.5, 1.5, 2.5, 9.0]), 1.0, 1, bits=3)
    assert q.tolist() == [-4, 1, 3, 3, 3]
    assert q.dtype == torch.int8


@pytest.mark.parametrize("case", plain("QuantizeLinear"), ids=repr)
def test_quantize_is_onnx(case):
    x, zero = tensor(case, "x"), tensor(case, "y_zero_point")
    scale = along(tensor(case, "y_scale"), x)
    assert_onnx(quantization.quantize(x, scale, along(zero, x), signed=zero.dtype == torch.int8), case)


@pytest.mark.parametrize("case", plain("DequantizeLinear"), ids=repr)
def test_dequantize_is_onnx(case):
    x = tensor(case, "x")
    scale, zero = along(tensor(case, "x_scale"), x), along(tensor(case, "x_zero_point"), x)
    assert_onnx(quantization.dequantize(x, scale, zero), case)


@pytest.mark.parametrize("case", plain("DynamicQuantizeLinear"), ids=repr)
def test_a_grid_is_onnx(case):
    x = tensor(case, "x")
    scale, zero = quantization.affine_qparams(float(x.min()), float(x.max()), signed=False)
    assert scale == pytest.approx(float(case.outputs["y_scale"]), rel=1e-6)
    assert zero == int(case.outputs["y_zero_point"])
    assert_onnx(quantization.quantize(x, scale, zero, signed=False), case)


@given(
    st.floats(-1e4, 1e4),
    st.floats(-1e4, 1e4),
    st.integers(2, 8),
    st.booleans(),
    st.booleans(),
)
def test_zero_is_exact_and_the_range_is_covered(one, other, bits, signed, symmetric):
    low, high = sorted((one, other))
    scale, zero = quantization.affine_qparams(low, high, bits, signed, symmetric)
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    assert scale > 0
    assert least <= zero <= most
    ends = torch.tensor([0.0, low, high], dtype=torch.float64)
    back = (quantization.quantize(ends, scale, zero, bits, signed).double() - zero) * scale
    assert back[0] == 0
    assert float((back - ends).abs().max()) <= 0.5001 * scale


def test_a_range_the_wrong_way_round():
    with pytest.raises(ValueError, match="low <= high"):
        quantization.affine_qparams(1.0, -1.0)


@pytest.mark.parametrize(("bits", "signed"), [(2, True), (4, False), (8, True), (8, False)])
def test_there_and_back_is_torchs_fake_quantize(bits, signed):
    x = 3 * normal(400, seed=bits)
    scale, zero = 0.0625, 1
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    expected = torch.fake_quantize_per_tensor_affine(x, scale, zero, least, most)
    got = quantization.dequantize(quantization.quantize(x, scale, zero, bits, signed), scale, zero)
    torch.testing.assert_close(got, expected)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_channels_have_grids_of_their_own(axis):
    w = normal(3, 4, 5, seed=1, dtype=torch.float64) * torch.tensor([1.0, 100.0, 0.01, 1.0])[:, None]
    scales, zeros = quantization.per_channel_qparams(w, axis, 4)
    for channel, (scale, zero) in enumerate(zip(scales, zeros, strict=True)):
        part = w.select(axis, channel)
        assert float(scale) == pytest.approx(float(part.abs().max()) / 7)
        assert int(zero) == 0
    assert scales.dtype == w.dtype
    expected = torch.fake_quantize_per_channel_affine(w.float(), scales.float(), zeros.int(), axis % 3, -7, 7)
    shape = [-1 if place == axis % 3 else 1 for place in range(3)]
    got = quantization.dequantize(quantization.quantize(w, scales.view(shape), 0, 4), scales.view(shape), 0)
    torch.testing.assert_close(got, expected)


def test_a_channel_of_zeros_has_a_grid():
    assert quantization.per_channel_qparams(torch.zeros(2, 3), 0)[0].tolist() == [1, 1]


@pytest.mark.parametrize("seed", range(3))
def test_percentiles_are_numpys_and_lists_are_one(seed):
    parts = [normal(50, 40, seed=seed), normal(300, seed=seed + 10)]
    values = np.concatenate([part.numpy().ravel() for part in parts])
    assert quantization.calibrate(parts, "minmax") == (values.min(), values.max())
    expected = np.percentile(values.astype(np.float64), (0.1, 99.9))
    assert quantization.calibrate(parts, "percentile") == pytest.approx(tuple(expected), rel=1e-5)
    with pytest.raises(ValueError, match="minmax"):
        quantization.calibrate(parts, "median")


def test_mse_gives_up_the_far_end_of_a_heavy_tail_and_nothing_of_a_flat_one():
    heavy = torch.from_numpy(np.random.default_rng(0).standard_t(3, 20_000))
    low, high = quantization.calibrate(heavy, "mse")

    def error(ends):
        scale, zero = quantization.affine_qparams(*ends)
        back = (quantization.quantize(heavy, scale, zero).double() - zero) * scale
        return float(((back - heavy) ** 2).mean())

    assert float(heavy.min()) < low < high < float(heavy.max())
    assert error((low, high)) < error(quantization.calibrate(heavy, "minmax"))
    assert error((low, high)) < error(quantization.calibrate(heavy, "percentile"))
    flat = torch.linspace(-1, 1, 1001)
    assert quantization.calibrate(flat, "mse") == pytest.approx((-1, 1), abs=0.02)


def test_six_decibels_a_bit():
    x = 2 * torch.rand(100_000, generator=rng(), dtype=torch.float64) - 1
    for bits in range(2, 13):
        # uniform numbers on a grid of their range: signal 1/3, noise (2 / (2^b - 1))^2 / 12
        expected = 20 * math.log10(2**bits - 1)
        assert quantization.quantization_error(x, bits) == pytest.approx(expected, abs=0.35)


def test_nothing_is_lost_on_the_grid():
    assert quantization.quantization_error(torch.arange(-128.0, 128), 8) == math.inf
    assert quantization.quantization_error(torch.zeros(5), 4) == math.inf


# --- integers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", plain("MatMulInteger"), ids=repr)
def test_int8_matmul_is_onnx(case):
    a, b = tensor(case, "A"), tensor(case, "B")
    za, zb = int(tensor(case, "a_zero_point")), int(tensor(case, "b_zero_point"))
    assert_onnx(quantization.int8_matmul(a, za, b.T, zb), case, "Y")


@pytest.mark.parametrize("kinds", [(torch.int8, torch.int8), (torch.uint8, torch.int8), (torch.uint8, torch.uint8)])
def test_sums_are_exact_beyond_24_bits(kinds):
    qx, qw = integers(3, 2000, dtype=kinds[0]), integers(5, 2000, dtype=kinds[1], seed=1)
    qx[0], qw[0] = torch.iinfo(kinds[0]).max, torch.iinfo(kinds[1]).max
    qx[0, 0] -= 1
    zw = torch.tensor([0, 1, -2, 3, 4])
    got = quantization.int8_matmul(qx, 7, qw, zw)
    expected = (qx.numpy().astype(np.int64) - 7) @ (qw.numpy().astype(np.int64) - zw.numpy()[:, None]).T
    assert got.dtype == torch.int32
    np.testing.assert_array_equal(got.numpy(), expected)
    assert abs(int(got[0, 0])) > 2**24


def test_int8_matmul_names_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"\(N, D\) and \(out, D\)"):
        quantization.int8_matmul(integers(3, 4), 0, integers(4, 3), 0)


def test_requantize_rounds_ties_to_even_before_the_zero_point():
    acc = torch.tensor([[1, 3, 5, -1, 2**24 + 1, -(2**30)]], dtype=torch.int32)
    got = quantization.requantize(acc, 0.5, 0.5, 0.5, 1)
    assert got.tolist() == [[1, 3, 3, 1, 127, -128]]
    channels = quantization.requantize(acc[:, :3], 1.0, torch.tensor([1.0, 2.0, 0.5]), 1.0, 0, signed=False)
    assert channels.tolist() == [[1, 6, 2]]
    assert channels.dtype == torch.uint8


@pytest.mark.parametrize("case", [case for case in plain("QLinearMatMul") if "2D" in case.name], ids=repr)
def test_int8_linear_is_onnx(case):
    a, b = tensor(case, "a"), tensor(case, "b")
    numbers = {name: tensor(case, name).item() for name in case.inputs if name not in "ab"}
    got = quantization.int8_linear(
        a,
        numbers["a_scale"],
        numbers["a_zero_point"],
        b.T,
        numbers["b_scale"],
        numbers["b_zero_point"],
        None,
        numbers["y_scale"],
        numbers["y_zero_point"],
    )
    assert_onnx(got, case)


@pytest.mark.parametrize("case", plain("ConvInteger"), ids=repr)
def test_sums_of_a_convolution_are_onnx(case):
    x, w = tensor(case, "x"), tensor(case, "w")
    zero_w = tensor(case, "w_zero_point")
    padding = case.attributes.get("pads", [0])[0]
    size = case.outputs["y"].max()
    assert size < 256  # so that 8 bits hold the sums themselves
    got = quantization.int8_conv2d(
        x, 1.0, int(tensor(case, "x_zero_point")), w, 1.0, zero_w, None, 1.0, 0, padding=padding
    )
    np.testing.assert_array_equal(got.numpy(), case.outputs["y"])


@pytest.mark.parametrize("case", plain("QLinearConv"), ids=repr)
def test_int8_conv2d_is_onnx(case):
    numbers = {name: tensor(case, name).item() for name in case.inputs if name not in "xw"}
    got = quantization.int8_conv2d(
        tensor(case, "x"),
        numbers["x_scale"],
        numbers["x_zero_point"],
        tensor(case, "w"),
        numbers["w_scale"],
        numbers["w_zero_point"],
        None,
        numbers["y_scale"],
        numbers["y_zero_point"],
    )
    assert_onnx(got, case)


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8])
@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 1), (1, 2), (3, 0)])
def test_int8_conv2d_is_the_convolution_of_what_the_integers_stand_for(dtype, stride, padding):
    qx, qw = integers(2, 3, 7, 9, dtype=dtype), integers(4, 3, 3, 2, seed=1)
    bias = torch.tensor([0, 5000, -20000, 17], dtype=torch.int32)
    scales = torch.tensor([0.01, 0.02, 0.005, 0.015], dtype=torch.float64)
    zero_in, zero_out = 11, 5
    x, w = (qx.double() - zero_in) * 0.0517, qw.double() * scales[:, None, None, None]
    y = torch.conv2d(x, w, bias * 0.0517 * scales, stride, padding)
    least, most = torch.iinfo(dtype).min, torch.iinfo(dtype).max
    expected = (torch.round(y / 0.1137) + zero_out).clamp(least, most)
    got = quantization.int8_conv2d(qx, 0.0517, zero_in, qw, scales, 0, bias, 0.1137, zero_out, stride, padding)
    assert got.dtype == dtype
    np.testing.assert_array_equal(got.numpy(), expected.numpy())
    assert 0 < int((got == most).sum()) + int((got == least).sum()) < got.numel()


# --- networks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("affine", [True, False])
def test_a_folded_normalisation_is_torchs(bias, affine):
    torch.manual_seed(0)
    conv = nn.Conv2d(4, 6, (3, 2), stride=2, padding=1, groups=2, bias=bias).double()
    bn = nn.BatchNorm2d(6, eps=1e-3, affine=affine).double()
    with torch.no_grad():
        for value in bn.parameters():
            value.copy_(torch.rand_like(value) + 0.5)
        bn.running_mean.normal_()
        bn.running_var.uniform_(0.1, 3)
    conv.eval(), bn.eval()
    before = copy.deepcopy(conv.state_dict())
    folded = quantization.fold_batch_norm(conv, bn)
    x = normal(2, 4, 7, 6, dtype=torch.float64)
    torch.testing.assert_close(folded(x), bn(conv(x)))
    if affine:
        torch.testing.assert_close(folded.weight, fuse_conv_bn_eval(conv, bn).weight)
    assert all(torch.equal(before[name], value) for name, value in conv.state_dict().items())
    with pytest.raises(ValueError, match="no running mean"):
        quantization.fold_batch_norm(conv, nn.BatchNorm2d(6, track_running_stats=False))


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_straight_through_is_torchs(bits):
    x = (2 * normal(300, seed=bits)).requires_grad_()
    twin = x.detach().clone().requires_grad_()
    upstream = normal(300, seed=99)
    scale, zero, least, most = 0.0625, -1, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    got = quantization.fake_quantize(x, scale, zero, bits)
    expected = torch.fake_quantize_per_tensor_affine(twin, scale, zero, least, most)
    (got * upstream).sum().backward()
    (expected * upstream).sum().backward()
    torch.testing.assert_close(got, expected)
    assert torch.equal(x.grad, twin.grad)
    assert bool((x.grad == 0).any())


def test_straight_through_for_each_channel_is_torchs():
    w = normal(3, 50).requires_grad_()
    twin = w.detach().clone().requires_grad_()
    scales = torch.tensor([0.5, 0.0625, 0.25])
    got = quantization.fake_quantize(w, scales[:, None], 0, 3)
    expected = torch.fake_quantize_per_channel_affine(twin, scales, torch.zeros(3, dtype=torch.int32), 0, -4, 3)
    (got**2).sum().backward()
    (expected**2).sum().backward()
    torch.testing.assert_close(got, expected)
    torch.testing.assert_close(w.grad, twin.grad)


@pytest.fixture(scope="module")
def trained():
    split = data.digits()
    x, labels = torch.tensor(split.train.x, dtype=torch.float32), torch.tensor(split.train.labels)
    held = torch.tensor(split.test.x, dtype=torch.float32), torch.tensor(split.test.labels)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    fit(model, (x, labels), epochs=20, show=False)
    return model, (x, labels), held


def accuracy(model, held):
    with torch.no_grad():
        return float((model(held[0]).argmax(1) == held[1]).float().mean())


def size(model):
    return sum(value.numel() * value.element_size() for value in model.state_dict().values())


def test_eight_bits_cost_less_than_a_point_and_a_quarter_of_the_bytes(trained):
    model, (x, _), held = trained
    before = copy.deepcopy(model.state_dict())
    small = quantization.quantize_model(model, x[:200])
    assert accuracy(model, held) - accuracy(small, held) < 0.01
    assert size(small) < 0.3 * size(model)
    assert [value.dtype for name, value in small.state_dict().items() if name.endswith("weight")] == [torch.int8] * 3
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_a_convolutional_network_in_integers():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3, stride=2), nn.Flatten(),
        nn.Linear(6, 3, bias=False),
    )  # fmt: skip
    x = normal(50, 1, 8, 8)
    small = quantization.quantize_model(model, x)
    with torch.no_grad():
        y, z = model(x), small(x)
    assert float((y - z).std() / y.std()) < 0.05


def test_two_bits_ruin_a_network_and_training_brings_it_back(trained):
    model, train, held = trained
    coarse = copy.deepcopy(model)
    with torch.no_grad():
        for layer in coarse:
            if isinstance(layer, nn.Linear):
                scales, _ = quantization.per_channel_qparams(layer.weight, 0, 2)
                layer.weight.copy_(quantization.fake_quantize(layer.weight, scales[:, None], 0, 2))
    aware = quantization.train_aware(model, train, 2)
    assert accuracy(model, held) - accuracy(coarse, held) > 0.2
    assert accuracy(model, held) - accuracy(aware, held) < 0.03
    for layer in aware:
        if isinstance(layer, nn.Linear):
            assert max(len(row.unique()) for row in layer.weight) <= 4


# --- graphs ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def town():
    rng = np.random.default_rng(0)
    popularity = ((1 - rng.random(600)) ** (-1 / 1.2)).clip(max=60)
    made = graphs.communities([100] * 6, 0.05, 0.001, 16, 1.5, rng, popularity / popularity.mean())
    edges, strength = gnn.gcn_norm(made.edge_index, 600)
    adjacency = torch.zeros(600, 600).index_put((edges[1], edges[0]), strength, accumulate=True)
    return made, adjacency, torch.tensor(rng.random(600) < 0.5)


def on_weights(bits):
    def rounded(w):
        scales, _ = quantization.per_channel_qparams(w.detach(), 0, bits)
        return quantization.fake_quantize(w, scales[:, None], 0, bits)

    return rounded


def on_nodes(bits, method):
    def rounded(h):
        grid = quantization.affine_qparams(*quantization.calibrate(h.detach(), method), bits)
        return quantization.fake_quantize(h, *grid, bits)

    return rounded


def test_the_logits_of_a_gcn_are_those_of_its_layers(town):
    made, adjacency, _ = town
    params = [normal(5, 16), normal(5), normal(6, 5), normal(6)]
    hidden = gnn.gcn_layer(made.x, made.edge_index, *params[:2]).relu()
    expected = gnn.gcn_layer(hidden, made.edge_index, *params[2:])
    torch.testing.assert_close(nodes.gcn_logits(params, made.x, adjacency), expected, rtol=1e-4, atol=1e-4)
    summed = nodes.aggregated(params, made.x, adjacency) + params[1]
    torch.testing.assert_close(summed.relu(), hidden, rtol=1e-4, atol=1e-4)


def test_a_gcn_in_eight_bits_loses_nothing_and_two_bits_are_learned(town):
    made, adjacency, seen = town
    known = made.x, adjacency, made.y, seen

    def found(params, *rounding):
        logits = nodes.gcn_logits(params, made.x, adjacency, *rounding)
        return float((logits.argmax(1) == made.y)[~seen].double().mean())

    exact = nodes.train_gcn(known, 16, 150)
    whole = found(exact)
    assert whole > 0.9
    assert whole - found(exact, on_weights(8), on_nodes(8, "minmax")) < 0.01
    coarse = found(exact, on_weights(2))
    learned = nodes.train_gcn(known, 16, 150, exact, on_weights(2))
    assert whole - coarse > 0.05
    assert whole - found(learned, on_weights(2)) < 0.04
    again = nodes.train_gcn(known, 16, 150)
    assert all(torch.equal(one, other) for one, other in zip(exact, again, strict=True))


def test_hubs_decide_on_the_grid_or_saturate(town):
    made, adjacency, seen = town
    exact = nodes.train_gcn((made.x, adjacency, made.y, seen), 16, 50)
    sums = nodes.aggregated(exact, made.x, adjacency)
    degrees = made.edge_index[1].bincount(minlength=600)

    def error(method, part):
        return float(((on_nodes(4, method)(sums) - sums)[part] ** 2).mean().sqrt())

    few, hubs = degrees <= 5, degrees > 30
    assert error("minmax", few) > 1.3 * error("percentile", few)
    assert error("percentile", hubs) > 1.3 * error("percentile", few)


def test_spared_nodes_keep_their_numbers():
    h, chance = normal(2000, 3), torch.full((2000,), 0.25)
    chance[0], chance[1] = 1.0, 0.0
    got = nodes.spared(torch.zeros_like, chance, rng())(h)
    kept = (got == h).all(1)
    assert kept[0]
    assert not kept[1]
    assert abs(float(kept.double().mean()) - 0.25) < 0.03
    assert torch.equal(got[~kept], torch.zeros_like(got[~kept]))
