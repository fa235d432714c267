"""The pictures of gated cells show what the functions that are passed in compute."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from drawn_figures import drawn

from course_lib import lstm, rnn, viz
from course_lib.viz import lstm as draw


@pytest.fixture(scope="module")
def model():
    return lstm.Adder("lstm", 6, torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def sequences():
    return lstm.adding_batch(3, 12, torch.Generator().manual_seed(1))[0]


def test_a_record_is_what_torchs_lstm_does(model, sequences):
    weights = draw.weights_of(model, torch.nn.LSTM)
    record = draw.read(lstm.lstm_cell, weights, sequences[0])
    states, (_, c) = model.core(sequences[:1])
    torch.testing.assert_close(record.h, states[0].detach())
    torch.testing.assert_close(record.c[-1], c[0, 0].detach())
    before = torch.cat([torch.zeros(1, 6), record.c[:-1]])
    torch.testing.assert_close(record.c, record.f * before + record.i * record.g)
    torch.testing.assert_close(record.h, record.o * torch.tanh(record.c))


def test_weights_are_found_inside_a_model_or_missed_in_words(model):
    assert [tuple(each.shape) for each in draw.weights_of(model, torch.nn.LSTM)] == [(24, 2), (24, 6), (24,), (24,)]
    with pytest.raises(ValueError, match=r"no torch\.nn\.GRU inside"):
        draw.weights_of(model, torch.nn.GRU)


def test_a_race_draws_each_error_at_its_step():
    draw.race({"one": [0.2, 0.1, 0.01], "other": [0.2, 0.2]}, 50, names=["none", "one", "other"])
    lines = drawn()[0].lines
    assert lines[0].get_xydata().tolist() == [[50, 0.2], [100, 0.1], [150, 0.01]]
    assert lines[1].get_xydata().tolist() == [[50, 0.2], [100, 0.2]]
    assert [line.get_label() for line in lines] == ["one", "other", "always 1: 0.167"]
    assert [line.get_color() for line in lines[:2]] == [viz.COLORS[1], viz.COLORS[2]]


def test_the_hook_asks_for_the_marked_numbers():
    draw.adding()
    axes = drawn()[0]
    marked = [bar.get_height() for bar in axes.patches[-2:]]
    assert axes.get_title(loc="left") == f"What is {marked[0]:.2f} + {marked[1]:.2f}?"
    assert len(axes.patches) == 52


def test_a_cell_keeps_what_its_gate_leaves():
    draw.keeping(lstm.lstm_cell)
    lines = [np.asarray(line.get_ydata()) for line in drawn()[0].lines]
    for line, bias in zip(lines, (0, 1, 3, 5), strict=True):
        np.testing.assert_allclose(line, (1 / (1 + np.exp(-bias))) ** np.arange(51))


def test_paths_show_both_ways_against_the_distance():
    gates = torch.full((20, 4), 0.9, dtype=torch.float64)
    states = 0.1 * torch.ones(20, 3, dtype=torch.float64)
    turn = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))[0]
    draw.paths({"plain": rnn.gradient_norms(states, turn)}, {"cell": lstm.memory_gradient(gates)})
    plain, cell = drawn()[0].lines[:2]
    np.testing.assert_allclose(plain.get_ydata(), 0.99 ** np.arange(20))
    np.testing.assert_allclose(cell.get_ydata(), 0.9 ** np.arange(20))


def test_errors_and_answers_draw_what_they_are_given():
    draw.errors({"rnn": {10: 0.1, 50: 0.17}, "lstm": {10: 0.001, 50: 0.002}})
    assert [list(line.get_ydata()) for line in drawn()[0].lines[:2]] == [[0.1, 0.17], [0.001, 0.002]]
    targets = torch.tensor([0.5, 1.5])
    draw.answers(targets, {"rnn": torch.ones(2), "lstm": targets})
    assert [axes.get_title(loc="left") for axes in drawn()] == ["rnn", "lstm"]
    assert drawn()[1].collections[0].get_offsets().tolist() == [[0.5, 0.5], [1.5, 1.5]]


def test_gates_are_sorted_by_what_they_do_at_the_marks(model, sequences):
    record = draw.read(lstm.lstm_cell, draw.weights_of(model, torch.nn.LSTM), sequences[0])
    draw.gates(record, sequences[0])
    strips = [axes.images[0].get_array() for axes in drawn() if axes.images]
    assert [strip.shape for strip in strips] == [(6, 12)] * 3
    marks = sequences[0, :, 1].numpy() > 0
    opening = strips[0][:, marks].mean(1) - strips[0][:, ~marks].mean(1)
    assert (np.diff(opening) <= 1e-6).all()
    assert sorted(strips[2][:, -1]) == pytest.approx(sorted(record.c[-1].tolist()))


def test_reading_shows_curves_probabilities_and_the_accuracy():
    chances = torch.softmax(torch.randn(2, 40, 10, generator=torch.Generator().manual_seed(0)), 2)
    draw.reading([np.zeros(40), np.ones(40)], [3, 7], list(chances), torch.linspace(0.1, 0.9, 40))
    titles = [axes.get_title(loc="left") for axes in drawn()]
    assert {"a 3", "a 7", "all curves: accuracy, %"} <= set(titles)
    pictures = [axes.images[0].get_array() for axes in drawn() if axes.images]
    np.testing.assert_allclose(pictures[1], chances[1].T)


def test_the_slider_draws_when_it_appears_and_when_it_moves(model, sequences, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    draw.gates_slider(lstm.lstm_cell, draw.weights_of(model, torch.nn.LSTM), sequences)
    [box] = shown
    control, picture = box.children
    before = bytes(picture.value)
    assert before.startswith(b"\x89PNG")
    control.value = 2
    assert bytes(picture.value).startswith(b"\x89PNG")
    assert bytes(picture.value) != before
    assert plt.get_fignums() == []


def test_pictures_wait_for_their_functions(capsys):
    def blank(*_):
        raise NotImplementedError

    with viz.pending("lstm_cell"):
        draw.keeping(blank)
    assert capsys.readouterr().out == "This cell draws its picture once lstm_cell is written.\n"
    assert plt.get_fignums() == []
