"""The pictures of complex-valued networks show what the functions that are passed in compute."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from drawn_figures import assert_slider_draws, drawn

from course_lib import complex_nn
from course_lib.viz import complex_nn as draw

FOUR = {
    "CReLU": complex_nn.crelu,
    "zReLU": complex_nn.zrelu,
    "modReLU": lambda z: complex_nn.mod_relu(z, -1.0),
    "cardioid": complex_nn.cardioid,
}


def titles():
    return [axes.get_title(loc="left") for axes in drawn()]


def test_the_colours_of_a_phase_are_a_cycle_that_does_not_rest_on_red_and_green():
    np.testing.assert_allclose(draw.PHASE(0.0), draw.PHASE(1.0), atol=0.01)
    right, up, left, down = (np.array(draw.PHASE(share)[:3]) for share in (0.0, 0.25, 0.5, 0.75))
    grey = [float(color @ [0.2126, 0.7152, 0.0722]) for color in (right, up, left, down)]
    assert grey[0] > 0.85
    assert grey[2] < 0.2
    assert up[0] - up[2] > 0.8
    assert down[2] - down[0] > 0.5


def test_a_flag_is_turned_by_the_product():
    draw.turning(complex_nn.complex_matmul, (2, 1j, -1 + 1j))
    assert titles() == ["times 2", "times i", "times \N{MINUS SIGN}1 + i"]
    assert [axes.get_xlabel().split(", ")[1] for axes in drawn()] == ["turn 0°", "turn 90°", "turn 135°"]
    before, after = (line.get_xydata() for line in drawn()[1].lines[:2])
    np.testing.assert_allclose(after, before @ np.array([[0, 1], [-1, 0]]), atol=1e-12)


def test_planes_have_a_key_and_grey_where_nothing_comes_out():
    draw.planes(FOUR)
    axes = {panel.get_title(loc="left"): panel for panel in drawn()}
    assert list(axes)[-1] == "key"
    grey = {
        name: np.mean(np.abs(np.asarray(axes[name].images[0].get_array())[..., :3] - 0.72).max(axis=2) < 0.01)
        for name in FOUR
    }
    assert grey["CReLU"] == pytest.approx(0.25, abs=0.01)
    assert grey["zReLU"] == pytest.approx(0.75, abs=0.01)
    assert grey["modReLU"] == pytest.approx(np.pi / 4.4**2, abs=0.02)
    assert grey["cardioid"] < 0.01


def test_equivariance_says_who_turns_along():
    draw.equivariance({name: FOUR[name] for name in ("modReLU", "CReLU")})
    first, second = titles()
    assert first == "modReLU: they agree"
    assert second.startswith("CReLU: up to ")


def test_descents_go_down_and_the_mirrored_one_up():
    draw.descents(
        lambda z: (z**2 - (1 + 1j)).abs() ** 2,
        {"right": complex_nn.descent_step, "mirrored": lambda z, grad, lr: z - lr * grad.conj()},
    )
    assert [axes.get_xlabel().split("last ")[1] for axes in drawn()] == ["under 0.005", "over a million"]


@pytest.mark.parametrize(
    ("activation", "low", "high"),
    [(None, 0, 3), (lambda z: complex_nn.mod_relu(z, -0.1), 0, 3), (complex_nn.crelu, 40, 100)],
    ids=["the hook", "modReLU", "CReLU"],
)
def test_who_saw_one_symbol_reads_all_where_the_network_turns_along(activation, low, high):
    draw.one_symbol(activation)
    _, real, other = titles()
    assert real == "Real: 87.5% misread"
    assert low <= float(other.split()[1].rstrip("%")) < high


def test_constellations_count_what_is_misread():
    z, labels = complex_nn.psk_batch(500, 4, 8.0, torch.Generator().manual_seed(0))
    symbols = torch.exp(0.5j * torch.pi * torch.arange(4))
    draw.constellations(z, labels, {"nearest": lambda z: 20 * (z[:, None] * symbols.conj()).real}, order=4)
    wrong = int(((z[:, None] - symbols).abs().argmin(dim=1) != labels).sum())
    assert titles() == ["before: what arrives", "after: nearest"]
    assert drawn()[1].get_xlabel() == f"{wrong} of 500 misread"


def test_error_rates_leave_out_what_was_never_seen():
    draw.error_rates([0, 4], {2: {"complex": [0.08, 0.0], "real": [0.08, 0.01]}}, complex_nn.psk_error_rate, 1000)
    [axes] = drawn()
    line, circles, crosses = axes.lines
    assert line.get_ydata()[0] == pytest.approx(complex_nn.psk_error_rate(2, 0.0))
    assert np.isnan(circles.get_ydata()[1])
    assert crosses.get_ydata()[1] == 0.01


def test_learning_and_products_draw_every_kind():
    draw.learning([5, 10], {"complex": [[0.5, 0.1], [0.6, 0.2]], "real": [[0.7, 0.3], [0.5, 0.2]]}, 0.02)
    assert [line.get_label() for line in drawn()[0].lines] == ["complex network", "real network", "the nearest symbol"]
    plt.close("all")
    draw.products([32, 64], {"four": [1.0, 8.0], "three": [1.2, 6.0]})
    np.testing.assert_allclose(drawn()[0].lines[1].get_ydata(), [1.2, 0.75])


@pytest.mark.parametrize(
    ("slider", "move"),
    [
        (lambda: draw.planes_slider(complex_nn.mod_relu), ("bias", 0.5)),
        (lambda: draw.equivariance_slider(FOUR), ("angle", 2.0)),
        (lambda: draw.equivariance_slider(FOUR), ("activation", "zReLU")),
    ],
    ids=["bias", "angle", "activation"],
)
def test_sliders_draw_when_they_appear_and_when_they_move(slider, move, monkeypatch):
    assert_slider_draws(slider, *move, monkeypatch)
