"""The pictures of convolution show what the functions that are passed in compute."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawn_figures import assert_slider_draws, drawn

from course_lib import cnn, data
from course_lib.viz import cnn as draw


def titles():
    return [axes.get_title(loc="left") for axes in drawn()]


IMAGE = np.arange(40.0).reshape(2, 4, 5) % 7
KERNELS = np.arange(36.0).reshape(2, 2, 3, 3) % 5 - 2
BIASES = np.array([1.0, -3.0])


def maps():
    return cnn.conv2d(IMAGE[None], KERNELS, BIASES, 2, 1)[0]


def test_moved_digits_show_their_share():
    draw.moved_digits([np.eye(8)] * 2, [0.99, 0.454], np.zeros((250, 250)))
    assert [axes.get_xlabel() for axes in plt.gcf().subfigs[1].axes] == ["99 % right", "45 % right"]
    assert plt.gcf().subfigs[0].axes[0].get_title(loc="left") == "62,500 weights per node"


def test_counts_show_both_numbers():
    draw.counts(cnn.dense_weight_count, cnn.conv_weight_count)
    texts = [text.get_text() for text in drawn()[0].texts]
    assert texts[0].endswith("16,000,000")
    assert texts[1].endswith("400")


@pytest.mark.parametrize("place", [0, 5, 11])
def test_a_step_adds_up_what_the_output_says(place):
    figure = draw.step(maps(), IMAGE, KERNELS, BIASES, 2, 1, place)
    figure.canvas.draw()
    line = figure.get_suptitle()
    assert line.endswith("as your output says")
    assert f"= {maps().ravel()[place]:g}," in line
    assert "bias" in line
    output = figure.axes[-1]
    o = place // maps()[0].size
    assert output.get_title(loc="left") == f"output channel {o}"
    assert len(output.texts) == place % maps()[0].size + 1


def test_a_step_of_a_wrong_output_says_so():
    figure = draw.step(maps() + 1, IMAGE, KERNELS, BIASES, 2, 1, 3)
    assert f"but your output says {maps().ravel()[3] + 1:g}" in figure.get_suptitle()


def test_one_channel_without_bias_adds_its_products():
    image, kernel = np.array([[1.0, 2.0], [0.0, 3.0]]), np.array([[1.0, -1.0], [2.0, 3.0]])
    figure = draw.step(cnn.conv2d_single(image, kernel)[None], image[None], kernel[None, None])
    assert figure.get_suptitle() == "1 \N{MINUS SIGN} 2 + 0 + 9 = 8, as your output says"


def test_filters_and_channels_show_maps():
    photo = data.photograph(20)
    draw.filters(cnn.conv2d_single, photo[0], {"edge": np.array([[-1.0, 1.0]] * 2)})
    assert titles() == ["image", "edge"]
    draw.channels(cnn.conv2d_channels, cnn.conv2d_single, photo, np.ones((3, 3, 3)))
    shown = [axes.images[0].get_array() for axes in drawn()]
    np.testing.assert_allclose(shown[1] + shown[2] + shown[3], shown[4])


def test_places_are_counted_and_compared():
    draw.places(cnn.output_size, 9, [{"kernel": 3, "stride": 2, "padding": 1}, {"kernel": 3, "dilation": 2}])
    assert [axes.get_xlabel() for axes in drawn()] == ["5 positions, as you say"] * 2
    assert titles() == ["kernel 3\nstride 2, padding 1", "kernel 3\ndilation 2"]
    plt.close("all")
    draw.places(lambda *_: 3, 9, [{"kernel": 3}])
    assert drawn()[0].get_xlabel() == "7 positions, you say 3"


def test_patches_show_every_number():
    draw.patches(cnn.im2col, np.arange(1.0, 17.0).reshape(1, 1, 4, 4), (2, 2), chosen=4)
    left, right = drawn()
    assert (len(left.texts), len(right.texts)) == (16, 36)
    assert right.patches[0].get_x() == 3.5
    assert (left.patches[0].get_x(), left.patches[0].get_y()) == (0.5, 0.5)


def test_a_race_draws_who_ran():
    draw.race([8, 16], [1000, 4000], {"loops": [(1.0, 10.0)], "torch": [(0.1, 1e6), (0.2, 2e6)]})
    lines = drawn()[2].lines
    np.testing.assert_allclose(lines[0].get_ydata(), [1e-3])
    np.testing.assert_allclose(lines[1].get_ydata(), [0.01, 0.02])


def test_pooling_shows_sizes():
    draw.pooling({"max": cnn.max_pool2d}, np.arange(64.0).reshape(8, 8), kernel=4)
    assert titles() == ["8 \N{MULTIPLICATION SIGN} 8", "max: 2 \N{MULTIPLICATION SIGN} 2"]


def test_the_receptive_field_is_measured_with_the_callers_convolution():
    layers = [(3, 1), (2, 2), (3, 1)]
    draw.receptive(cnn.receptive_field, cnn.conv2d, layers)
    assert [text.get_text() for text in drawn()[0].texts] == ["1 pixel", "3 pixels", "4 pixels", "8 pixels"]
    plt.close("all")
    draw.receptive(lambda layers: 20, cnn.conv2d, layers)
    assert drawn()[0].texts[1].get_text() == "3 pixels, you say 20"


def test_equivariance_shows_the_error_of_each_layer():
    image = np.random.default_rng(0).standard_normal((1, 12, 12))
    kernel = np.ones((1, 1, 3, 3))
    layers = {
        "convolution": lambda picture: cnn.conv2d(picture[None], kernel, padding=1)[0],
        "ramp": lambda picture: picture + np.arange(12.0),
    }
    draw.equivariance(cnn.translate, cnn.equivariance_error, layers, image, (2, -3), border=4)
    found = [title for title in titles() if title.startswith("differs")]
    assert float(found[0].split()[-1]) < 1e-12
    assert found[1] == "differs by 3"


@pytest.mark.parametrize(
    ("slider", "move"),
    [
        (lambda: draw.stepper(maps(), IMAGE, KERNELS, BIASES, 2, 1), ("place", 7)),
        (lambda: draw.places_slider(cnn.output_size), ("stride", 2)),
    ],
    ids=["stepper", "places"],
)
def test_sliders_draw_when_they_appear_and_when_they_move(slider, move, monkeypatch):
    assert_slider_draws(slider, *move, monkeypatch)


def test_invariance_says_how_far_the_outputs_move():
    image = np.random.default_rng(0).standard_normal((1, 3, 4))
    draw.invariance({"mean": lambda x: x.mean(axis=(1, 2)), "corner": lambda x: x[0, 0, :2]}, image, range(4))
    still, moving = (float(axes.get_title(loc="left").split()[-1]) for axes in drawn())
    assert still < 1e-12
    assert moving > 0.1
