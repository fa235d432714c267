"""The pictures of forward propagation show what the functions that are passed in compute."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawn_figures import assert_slider_draws, drawn

from course_lib import data, mlp, viz
from course_lib.viz import mlp as draw


@pytest.mark.parametrize("layers", [1, 2, 3, 6, 10])
def test_a_sawtooth_network_has_two_to_the_layers_pieces(layers):
    x = np.linspace(0, 1, 2**11 + 1)[:, None]
    y = mlp.forward(x, draw.sawtooth(layers), mlp.relu)[-1][:, 0]
    assert (np.abs(np.diff(y, 2)) > 1e-9).sum() == 2**layers - 1
    np.testing.assert_allclose(y, draw._tents(x[:, 0], layers))


@pytest.mark.parametrize("layers", [1, 3, 10])
def test_the_same_saw_in_one_layer_needs_as_many_units_as_pieces(layers):
    x = np.linspace(0, 1, 1001)[:, None]
    (W, b), (last, _) = params = draw.wide_sawtooth(layers)
    np.testing.assert_allclose(mlp.forward(x, params, mlp.relu)[-1][:, 0], draw._tents(x[:, 0], layers), atol=1e-9)
    assert W.shape == (2**layers, 1)
    assert mlp.parameter_count([1, 2**layers, 1]) == W.size + b.size + last.size + 1
    assert len(set(b.tolist())) == 2**layers, "one unit for each bend, and none of them twice"


def test_the_saw_counts_what_forward_draws():
    draw.saw(mlp.forward, mlp.relu, (1, 10))
    assert [axes.get_title(loc="left") for axes in drawn()] == ["2 units: 2 pieces", "20 units: 1,024 pieces"]
    plt.close("all")
    draw.saw(lambda x, *_: [x, x], mlp.relu, (1,))
    assert [axes.get_title(loc="left") for axes in drawn()] == ["2 units: 1 pieces"]


def test_activations_have_a_value_and_a_slope_each():
    draw.activations({"ReLU": mlp.relu, "sigmoid": mlp.sigmoid, "tanh": np.tanh})
    axes = drawn()
    assert len(axes) == 6
    steepest = [float(panel.lines[0].get_ydata().max()) for panel in axes[3:]]
    assert steepest == pytest.approx([1, 0.25, 1], rel=1e-3)


def test_the_cut_of_the_lifted_rings_parts_them():
    rings = data.rings()
    angles = np.deg2rad([90.0, 210.0, 330.0])
    W = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    total = mlp.relu(mlp.linear(rings.x, W, np.zeros(3))).sum(axis=1)
    np.testing.assert_array_equal(total > 1.4, rings.labels == 1)
    draw.lift(mlp.linear, mlp.relu, rings.x, rings.labels)
    assert len(drawn()) == 2


def test_one_layer_cuts_the_plane_into_no_more_than_the_known_bound():
    draw.regions(mlp.forward, mlp.relu, (1, 3))
    one, three = (int(axes.get_title(loc="left").split()[-2]) for axes in drawn())
    assert 8 < one <= 37 < three


def test_the_signal_dies_lives_and_explodes():
    draw.signal(mlp.forward, mlp.relu, mlp.he_init)
    ends = [float(axes.lines[0].get_ydata()[-1]) for axes in drawn()]
    assert ends[0] < 1e-5 < 0.1 < ends[1] < 10 < 1e5 < ends[2]


def test_the_sigmoid_keeps_its_size_and_forgets_its_input():
    draw.signal(mlp.forward, mlp.sigmoid, mlp.he_init, scales=(1.0,))
    size, differs = (line.get_ydata() for line in drawn()[0].lines[:2])
    assert 0.2 < size[-1] < 0.8
    assert differs[-1] < 1e-7


def test_a_digit_passes():
    params = mlp.he_init([64, 20, 10], np.random.default_rng(0))
    digits = data.digits()
    logits = mlp.forward(digits.test.x[:1], params, mlp.relu)[-1]
    draw.digit_pass(mlp.forward, mlp.relu, params, digits.test.x[0], 7)
    last = drawn()[-1]
    assert last.get_title(loc="left") == f"10 logits: a {logits.argmax()}"
    assert last.get_xlabel() == "the label says 7"


def test_batching_shows_microseconds_per_example():
    draw.batching([1, 10], [1e-4, 2e-4])
    assert [text.get_text() for text in drawn()[0].texts] == ["100", "20"]


@pytest.mark.parametrize(
    ("slider", "move"),
    [
        (lambda: draw.regions_slider(mlp.forward, mlp.relu), ("depth", 3)),
        (lambda: draw.signal_slider(mlp.forward, mlp.he_init, {"relu": mlp.relu, "tanh": np.tanh}), ("scale", 0.7)),
        (
            lambda: draw.signal_slider(mlp.forward, mlp.he_init, {"relu": mlp.relu, "tanh": np.tanh}),
            ("activation", "tanh"),
        ),
    ],
    ids=["regions", "signal", "activation"],
)
def test_sliders_draw_when_they_appear_and_when_they_move(slider, move, monkeypatch):
    assert_slider_draws(slider, *move, monkeypatch)


def test_a_slider_waits_for_its_functions(capsys):
    def blank(*_):
        raise NotImplementedError

    with viz.pending("forward"):
        draw.regions_slider(blank, mlp.relu)
    assert capsys.readouterr().out == "This cell draws its picture once forward is written.\n"
    assert plt.get_fignums() == []
