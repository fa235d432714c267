"""The pictures of a CNN that learns show what the functions that are passed in compute."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from drawn_figures import drawn

from course_lib import cnn, viz
from course_lib.viz import cnn_training as draw


def titles():
    return [axes.get_title(loc="left") for axes in drawn()]


def test_coverage_counts_the_patches_of_each_pixel():
    draw.coverage(cnn.im2col, cnn.col2im, [(3, 1, 0), (2, 2, 0)], side=4)
    first, second = ([int(text.get_text()) for text in axes.texts] for axes in drawn())
    assert first == [1, 2, 2, 1, 2, 4, 4, 2, 2, 4, 4, 2, 1, 2, 2, 1]
    assert second == [1] * 16


def test_a_gradient_check_tells_right_from_wrong():
    draw.gradient_check(cnn.conv2d_backward, cnn.conv2d)
    assert all(float(title.split()[-1]) < 1e-7 for title in titles())
    plt.close("all")

    def without_sharing(dout, x, w, stride, padding):
        dx, dw, db = cnn.conv2d_backward(dout, x, w, stride, padding)
        return dx, dw / len(x), db

    draw.gradient_check(without_sharing, cnn.conv2d)
    far = [float(title.split()[-1]) for title in titles()]
    assert far[0] < 1e-7 < 0.1 < far[1]


def test_a_check_of_batch_normalisation_tells_right_from_wrong():
    draw.norm_check(cnn.batch_norm2d_backward, cnn.batch_norm2d)
    assert all(float(title.split()[-1]) < 1e-7 for title in titles())
    plt.close("all")

    def constants(dout, x, gamma):
        _, dgamma, dbeta = cnn.batch_norm2d_backward(dout, x, gamma)
        return gamma[:, None, None] * dout, dgamma, dbeta

    draw.norm_check(constants, cnn.batch_norm2d)
    far = [float(title.split()[-1]) for title in titles()]
    assert far[1] < 1e-7 < 0.1 < far[0]


def test_routes_show_where_the_gradient_goes():
    x = np.array([[1.0, 2.0], [4.0, 3.0]])
    draw.routes(cnn.max_pool2d_backward, x, np.array([[7.0]]), 2)
    assert [text.get_text() for text in drawn()[2].texts] == ["0", "0", "7", "0"]


def test_normalised_and_averages_are_drawn_from_the_callers_function():
    x = np.random.default_rng(0).standard_normal((8, 2, 3, 3)) + 5
    draw.normalised(cnn.batch_norm2d, x)
    assert len(drawn()) == 2
    assert abs(np.mean(drawn()[1].get_xlim())) < 1
    plt.close("all")
    draw.averages(cnn.batch_norm2d, (0.1,))
    mean, var = (line.get_ydata() for line in drawn()[0].lines[::2])
    assert mean[-1] == pytest.approx(2, abs=0.4)
    assert var[-1] == pytest.approx(2.25, abs=0.8)


def test_a_slider_for_the_averages(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    draw.averages_slider(cnn.batch_norm2d)
    [box] = shown
    momentum, _, picture = box.children
    before = bytes(picture.value)
    momentum.value = 0.5
    assert bytes(picture.value).startswith(b"\x89PNG")
    assert bytes(picture.value) != before


def test_learning_ends_with_its_accuracy():
    draw.learning([1.0, 0.1], [0.5, 0.987])
    assert titles()[1] == "validation accuracy: 98.7 %"


def test_kernels_and_feature_maps_of_a_network():
    model = cnn.build_cnn().train()
    draw.kernels(model)
    assert titles()[0] == "16 learned kernels"
    assert len([axes for axes in drawn() if axes.get_visible()]) == 16
    plt.close("all")
    image = torch.rand(1, 8, 8)
    draw.feature_maps(model, image, most=4)
    assert model.training
    rows = [axes.texts[0].get_text() for axes in drawn() if axes.texts]
    assert rows[0] == "image\n1 \N{MULTIPLICATION SIGN} 8 \N{MULTIPLICATION SIGN} 8"
    assert rows[1].startswith("Conv2d\n16")
    assert rows[-1] == "MaxPool2d\n32 \N{MULTIPLICATION SIGN} 2 \N{MULTIPLICATION SIGN} 2"
    first = drawn()[6].images[0].get_array()
    with torch.no_grad():
        np.testing.assert_allclose(first, model[0](image[None])[0, 0].numpy(), atol=1e-6)


def test_pictures_of_a_network_wait_for_it(capsys):
    for picture in (lambda: draw.kernels(None), lambda: draw.feature_maps(None, torch.rand(1, 8, 8))):
        with viz.pending("build_cnn"):
            picture()
        assert capsys.readouterr().out == "This cell draws its picture once build_cnn is written.\n"


def test_curves_and_their_comparison():
    labels = np.arange(5)
    draw.curves(np.random.default_rng(0).standard_normal((5, 40)), np.zeros((5, 40)), labels)
    assert len(drawn()) == 10
    plt.close("all")
    draw.comparison({"linear": (0.32, 0.33), "CNN": (0.96, 0.62)}, {"linear": (0.3, 0.3), "CNN": (0.94, 0.56)})
    assert [text.get_text() for text in drawn()[0].texts] == ["32", "33", "96", "62"]
