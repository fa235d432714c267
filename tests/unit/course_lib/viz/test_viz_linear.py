"""Pictures draw themselves with right functions and wait quietly for missing ones."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_lib import data, linear, viz
from course_lib.viz import linear as draw


def blank(*_):
    raise NotImplementedError


def test_pending_names_what_is_missing_and_drops_the_figure(capsys):
    with viz.pending("scores", "predict", "accuracy"):
        plt.figure()
        blank()
    assert capsys.readouterr().out == "This cell draws its picture once scores, predict and accuracy are written.\n"
    assert plt.get_fignums() == []


def test_pending_tells_what_was_raised_and_keeps_other_figures(capsys):
    plt.figure()
    with viz.pending("scores"):
        plt.figure()
        raise ValueError("no <b>such</b> shape\nat all")
    out = capsys.readouterr().out
    assert out == "This cell could not finish. ValueError: no <b>such</b> shape. See what the checks of scores say.\n"
    assert len(plt.get_fignums()) == 1
    assert "&lt;b&gt;" in viz._Line(out)._repr_mimebundle_()["text/html"]


def test_pending_lets_an_interrupt_through():
    with pytest.raises(KeyboardInterrupt), viz.pending("scores"):
        raise KeyboardInterrupt


def test_patient_counts_and_gives_up(capsys):
    assert list(viz.patient(4)) == [0, 1, 2, 3]
    assert list(viz.patient(4, seconds=-1.0)) == []
    assert capsys.readouterr().out.startswith("Stopped after 0 of 4 steps")


def test_inside_a_patient_loop_matrix_products_use_one_thread_and_afterwards_as_many_as_before():
    from threadpoolctl import threadpool_info

    def threads():
        return [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]

    np.ones((2, 2)) @ np.ones((2, 2))
    before = threads()
    assert [set(threads()) for _ in viz.patient(2)] == [{1}, {1}]
    assert threads() == before


def test_replay_is_perceptron_fit():
    pair = data.two_blobs()
    looks = draw.replay(linear.perceptron_step, pair.x, pair.signs, 100)
    w, b, mistakes = linear.perceptron_fit(pair.x, pair.signs, 100)
    np.testing.assert_allclose(looks[-1].w, w)
    assert looks[-1].b == b
    assert [look.mistakes for look in looks if look.index == len(pair) - 1] == mistakes


def test_a_step_that_never_moves_is_said():
    pair = data.two_blobs(10)
    looks = draw.replay(lambda w, b, x, y: (w, b), pair.x, pair.signs, 3)
    with pytest.raises(ValueError, match="no look changed the weights"):
        draw.perceptron_panels(pair.x, pair.signs, looks)
    with pytest.raises(ValueError, match="no look changed the weights"):
        draw.perceptron_slider(pair.x, pair.signs, looks)


def test_templates_wait_for_weights():
    with pytest.raises(NotImplementedError):
        draw.templates(None)


def test_every_picture_has_labelled_axes_and_draws():
    digits, xor, pair, clouds = data.digits(), data.xor(), data.two_blobs(), data.blobs(30, classes=3)
    rng = np.random.default_rng(0)
    draw.digits_and_xor(digits.train.x, digits.train.labels, xor.x, xor.labels)
    draw.regions(clouds.x, clouds.labels, lambda p: (p[:, 0] > 0).astype(int), "half right")
    draw.perceptron_panels(pair.x, pair.signs, draw.replay(linear.perceptron_step, pair.x, pair.signs, 100))
    draw.mistakes({"a": [3, 1, 0], "b": [4, 4, 4, 4]})
    draw.training([2.3, 1.0], [0.1, 0.9], [0.1, 0.8])
    draw.templates(rng.standard_normal((10, 64)))
    draw.misread(digits.test.x, digits.test.labels, np.roll(digits.test.labels, 1))
    draw.misread(digits.test.x, digits.test.labels, digits.test.labels)
    draw.fold(xor.x, xor.labels, linear.relu_xor())
    draw.fold(xor.x, xor.labels, ([[1, -1], [-1, 1]], [0, 0], [1, 1], [0]))
    figures = [plt.figure(number) for number in plt.get_fignums()]
    assert len(figures) == 10
    for figure in figures:
        figure.canvas.draw()
    labels = [(axes.get_xlabel(), axes.get_ylabel()) for axes in figures[-1].axes]
    assert labels == [("$x_1$", "$x_2$"), ("hidden unit 1", "hidden unit 2")]
