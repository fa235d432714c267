"""Diagrams of convolutional networks, and pictures of depth and overfitting, show what is passed in."""

import numpy as np
import pytest
import torch
from drawn_figures import drawn

from course_lib import cnn
from course_lib.viz import cnn_deep as draw
from course_lib.viz import cnn_diagrams as diagrams

LAYERS = [("conv", 6, 5, 0), ("pool", 2), ("conv", 16, 3, 1), ("global pool",), ("linear", 10)]


def said(diagram):
    return " ".join(text.get_text() for text in diagram.axes.texts)


def test_an_architecture_has_the_sizes_of_the_callers_function():
    drawing = diagrams.architecture(cnn.output_size, (1, 32), LAYERS, "a title")
    assert "6 × 28 × 28" in said(drawing)
    assert "6 × 14 × 14" in said(drawing)
    assert "16 × 14 × 14" in said(drawing)
    assert "fully connected gives 10" in drawing.text
    assert "6 × 7 × 7" in said(diagrams.architecture(lambda *_, **__: 7, (1, 32), LAYERS))
    flat = diagrams.architecture(cnn.output_size, (1, 8), [("pool", 2), ("flatten",), ("linear", 3)])
    assert "flatten gives 16" in flat.text


def test_a_models_own_layers_are_drawn():
    drawing = diagrams.architecture_of(cnn.build_cnn(), torch.zeros(1, 1, 8, 8), "Your network")
    for words in ("Conv2d BatchNorm2d ReLU gives 16 × 8 × 8", "MaxPool2d gives 32 × 2 × 2", "Flatten gives 128"):
        assert words in drawing.text
    assert "Linear gives 10" in drawing.text


def test_separable_and_residual_say_what_they_show():
    drawing = diagrams.separable(2, 5, 7)
    assert "2 × 5 slices of 7 × 7" in said(drawing)
    assert "from 2 channels to 5" in drawing.text
    assert "adds" in diagrams.residual_block.__doc__
    assert "plus" in diagrams.residual_block().text


def test_depth_is_relative_to_the_last_layer():
    draw.depth({"plain": [1e-6, 1e-3, 2.0], "other": [100.0, 10.0, 4.0]})
    [axes] = drawn()
    plain, other = axes.lines[:2]
    np.testing.assert_allclose(plain.get_ydata(), [5e-7, 5e-4, 1])
    assert list(other.get_xdata()) == [0, 2, 4]
    assert [text.get_text() for text in axes.texts] == ["5e-07", "25"]


def test_overfitting_marks_the_lowest_validation_loss():
    draw.overfitting({"a": np.array([[2.0, 2.1], [1.0, 1.5], [0.1, 1.9]]), "b": np.array([[2.0, 2.0], [1.0, 1.25]])})
    one, other = drawn()
    assert one.texts[0].get_text() == "lowest: 1.50"
    assert one.lines[2].get_xdata()[0] == 2
    assert other.texts[0].get_text() == "lowest: 1.25"
    assert one.get_ylim()[0] == pytest.approx(0)
