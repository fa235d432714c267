"""The pictures of recurrent networks show what the functions that are passed in compute."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from drawn_figures import assert_slider_draws, drawn

from course_lib import rnn, viz
from course_lib.viz import rnn as draw


@pytest.mark.parametrize("radius", [0.5, 1.0, 1.7])
def test_weights_have_the_spectral_radius_asked_for(radius):
    W_ih, W_hh, b_ih, b_hh = draw.weights(12, 3, radius)
    assert (tuple(W_ih.shape), tuple(b_ih.shape), tuple(b_hh.shape)) == ((12, 3), (12,), (12,))
    assert float(torch.linalg.eigvals(W_hh).abs().max()) == pytest.approx(radius)


def test_powers_end_where_the_text_says():
    draw.powers()
    assert [text.get_text() for text in drawn()[0].texts] == ["1.1: 13,781", "1: 1", r"0.9: $2.7 \times 10^{-5}$"]
    assert 1.1**100 / 0.9**100 > 5e8


def test_an_echo_fades_or_stays():
    draw.echo(rnn.rnn_forward)
    pictures = [np.abs(axes.images[0].get_array()) for axes in drawn()[:3]]
    assert [picture.shape for picture in pictures] == [(24, 40)] * 3
    assert pictures[0][:, 10:].max() < 0.01
    assert pictures[1][:, 10:].max() > 0.05
    assert pictures[2][:, -1].max() > 0.5


def test_input_gradients_reach_further_with_a_larger_radius():
    draw.input_gradients(rnn.rnn_forward, rnn.rnn_backward)
    heights = [[bar.get_height() for bar in axes.patches] for axes in drawn()]
    assert [np.argmax(bars) for bars in heights] == [29, 29, 29]
    first, second, third = (float(np.mean(bars[:15])) for bars in heights)
    assert first < 1e-4 < second < 0.02 < third
    assert sum(bar > 0.02 for bar in heights[0]) == 5, "as the text says"


def test_gradient_paths_start_at_1_and_are_ordered_by_their_radius():
    draw.gradient_paths(rnn.rnn_forward, rnn.gradient_norms)
    lines = [np.asarray(line.get_ydata()) for line in drawn()[0].lines[:5]]
    assert [line[0] for line in lines] == pytest.approx([1] * 5)
    ends = [line[-1] for line in lines]
    assert ends == sorted(ends)
    assert 1e-16 < lines[0][50] < 1e-14
    assert ends[1] < ends[2] < 0.1
    assert 1 < ends[3] < 10
    assert 10 < ends[4] < 1.5**99 / 1e10


def test_the_gradient_of_the_cliff_is_its_slope():
    draw.cliff(rnn.rnn_forward, rnn.rnn_backward)
    above, below = drawn()
    w, loss = above.lines[0].get_data()
    slope = below.lines[0].get_ydata()
    steep = int(np.argmax(slope))
    assert abs(np.gradient(loss, w)[10:300] / slope[10:300] + 0 * w[10:300]).max() == pytest.approx(1, abs=0.01)
    assert 50 < slope[steep] < 200
    assert loss[steep - 5] > 2 > 0.5 > loss[steep + 5]


def test_recall_and_learning_draw_what_they_are_given():
    draw.recall([2, 8, 32], {0.003: [0.0, 0.7, 1.4], 0.01: [0.0, 0.1, 1.4]}, 1.386)
    assert [line.get_ydata().tolist() for line in drawn()[0].lines[:2]] == [[0.0, 0.7, 1.4], [0.0, 0.1, 1.4]]
    draw.learning([np.log(50.0)] * 30 + [np.log(2.5)] * 30, [9.0, 3.5], 60)
    axes = drawn()[0]
    assert [text.get_text() for text in axes.texts] == ["knows nothing: 60", "2.5", "3.5"]
    assert axes.lines[1].get_xydata().tolist() == [[30, 9], [60, 3.5]]


@pytest.mark.parametrize("move", [("radius", 2.0), ("loud", 1.0)])
def test_the_slider_draws_when_it_appears_and_when_it_moves(move, monkeypatch):
    assert_slider_draws(lambda: draw.gradient_slider(rnn.rnn_forward, rnn.gradient_norms), *move, monkeypatch)


def test_the_slider_waits_for_its_functions(capsys):
    def blank(*_):
        raise NotImplementedError

    with viz.pending("rnn_forward"):
        draw.gradient_slider(blank, rnn.gradient_norms)
    assert capsys.readouterr().out == "This cell draws its picture once rnn_forward is written.\n"
    assert plt.get_fignums() == []
