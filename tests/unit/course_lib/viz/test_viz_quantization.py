"""The pictures of quantization show what the functions that are passed in compute."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from drawn_figures import drawn

from course_lib import quantization
from course_lib.pruning import lenet, weights_of
from course_lib.quantization import affine_qparams, calibrate, dequantize, per_channel_qparams, quantize
from course_lib.viz import quantization as draw


@pytest.fixture
def weights():
    return weights_of(lenet(hidden=(20, 16)))


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def labels(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def title(axes):
    return axes.get_title(loc="left")


def test_few_bits_round_to_few_values(weights):
    draw.few_bits(weights, lambda changed: len(changed[0][0].unique()) / 100, 400)
    left, right = drawn()
    assert [len(np.unique(line.get_xdata())) <= most for line, most in zip(left.lines, (64, 15, 3), strict=True)]
    widths = [bar.get_width() for bar in right.patches]
    assert widths[0] == pytest.approx(64)
    assert widths[-1] == pytest.approx(3)
    assert widths == sorted(widths, reverse=True)


def test_a_histogram_has_the_grid_on_top_and_each_number_one_integer():
    x = normal(3000)
    figure = draw.grid(affine_qparams, quantize, dequantize, x, 3)
    left, right = figure.axes
    scale, zero = affine_qparams(float(x.min()), float(x.max()), 3)
    assert [line.get_xdata()[0] for line in left.lines] == pytest.approx([(q - zero) * scale for q in range(-4, 4)])
    assert sum(bar.get_height() for bar in right.patches) == 3000
    assert title(right) == "8 of 8 integers in use"
    assert right.texts[0].get_text() == f"zero point {zero}"
    fine = draw.grid(affine_qparams, quantize, dequantize, x, 8)
    assert len(fine.axes[0].lines[0].get_xdata()) == 256


def test_the_slider_draws_when_it_moves(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    draw.grid_slider(affine_qparams, quantize, dequantize, normal(200))
    control, picture = shown[0].children
    before = bytes(picture.value)
    control.value = 2
    assert before.startswith(b"\x89PNG")
    assert bytes(picture.value) != before
    assert plt.get_fignums() == []


def test_stairs_have_as_many_steps_as_integers_and_halves_do_not_drift():
    draw.stairs(quantize, dequantize)
    left, right = drawn()
    assert len(np.unique(left.lines[1].get_ydata())) == 8
    x, error = right.lines[0].get_data()
    assert np.abs(error[(x > -2.7) & (x < 1.2)]).max() <= 0.25 + 1e-6
    draw.halves(quantize)
    assert labels(drawn()[0]) == ["half up: +0.50 on average", "half to even, yours: +0.00 on average"]


def test_decibels_rise_by_six():
    x = torch.rand(20_000, generator=torch.Generator().manual_seed(0)) - 0.5
    draw.decibels(quantization.quantization_error, {"uniform": x}, range(4, 9))
    line, ideal = drawn()[0].lines
    np.testing.assert_allclose(np.diff(line.get_ydata()), 6.02, atol=0.6)
    np.testing.assert_allclose(line.get_ydata()[[0, -1]], ideal.get_ydata(), atol=1)


def test_narrow_channels_gain_by_scales_of_their_own():
    w = normal(6, 400) * torch.tensor([1, 0.5, 0.3, 0.2, 0.1, 0.05])[:, None]
    draw.channels(per_channel_qparams, quantize, dequantize, w)
    common, own = (line.get_ydata() for line in drawn()[1].lines)
    assert common[0] == pytest.approx(own[0])
    assert own[-1] > common[-1] + 10
    draw.channels(per_channel_qparams, quantize, dequantize, normal(4, 2, 3, 3))
    assert len(drawn()[0].lines[0].get_xdata()) == 4


def test_ranges_are_those_of_calibration():
    x = normal(5000) / normal(3, 5000, seed=1).square().mean(0).sqrt()
    draw.ranges(calibrate, affine_qparams, quantize, dequantize, x)
    left, right = drawn()
    for line, method in zip(left.lines, ("minmax", "percentile", "mse"), strict=True):
        assert line.get_xdata().tolist() == pytest.approx(calibrate(x, method))
    heights = [bar.get_height() for bar in right.patches]
    assert len(heights) == 6
    assert heights[0] == pytest.approx(quantization.quantization_error(x, 8), abs=0.1)


def test_borders_padded_with_the_zero_point_add_no_frame():
    draw.borders(quantization.int8_conv2d, torch.zeros(5, 5))
    _, right, wrong = (axes.images[0].get_array() for axes in drawn())
    assert (right == -128).all()
    assert (wrong[1:-1, 1:-1] == -128).all()
    assert (wrong[0] > -100).all()


def test_straight_through_shows_the_gradient():
    draw.straight_through(quantization.fake_quantize)
    x, gradient = drawn()[1].lines[0].get_data()
    np.testing.assert_array_equal(gradient, (x >= -2.25) & (x <= 1.75))


def test_accuracy_against_bits_and_what_moved():
    draw.bits_and_accuracy([2, 8], {"rounded": [0.7, 0.98], "trained": [0.97, float("nan")]}, 0.98, 100)
    left, right = drawn()
    assert labels(left) == ["float32, trained as long", "rounded", "trained"]
    for axes in (left, right):
        assert axes.containers[0][0].get_ydata().tolist() == pytest.approx([70, 98])
        assert axes.containers[1][0].get_xdata().tolist() == [2]
    (_, low), (_, high) = right.containers[1][2][0].get_segments()[0]
    assert high - low == pytest.approx(200 * (0.97 * 0.03 / 100) ** 0.5)
    before = torch.tensor([[1.0, 0.2, -0.7, 0.1]])
    after, learned = torch.tensor([[1.0, 0, -1, 0]]), torch.tensor([[0.5, 0.5, -0.5, 0]])
    draw.two_bits(before, after, learned)
    _, right = drawn()
    assert [bar.get_height() for bar in right.patches] == [25, 50, 25, 25, 25, 50]
    assert title(right) == "25 % of them moved"


def test_nodes_by_degree():
    degree, sums = torch.tensor([0, 3, 40]), normal(3, 4)
    draw.nodes_by_degree(degree, sums, {"4 bits": 0.1 * sums})
    left, right = drawn()
    points = left.collections[0].get_offsets()
    np.testing.assert_allclose(points[:, 0], [1, 4, 41])
    np.testing.assert_allclose(points[:, 1], (sums**2).mean(1).sqrt(), rtol=1e-5)
    np.testing.assert_allclose(right.collections[0].get_offsets()[:, 1], 0.1 * points[:, 1], rtol=1e-5)
    draw.by_degree(["few", "many"], {"float32": [0.8, 1.0], "2 bits": [0.5, 0.9]}, [100, 25])
    coarse = drawn()[0].containers[1]
    assert coarse[0].get_ydata().tolist() == pytest.approx([50, 90])
    assert [high - low for (_, low), (_, high) in coarse[2][0].get_segments()] == pytest.approx([10, 12])
