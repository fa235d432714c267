"""The pictures of the capstone show what the functions that are passed in compute."""

import matplotlib.pyplot as plt
import pytest
import torch
from drawn_figures import drawn

from course_lib import capstone
from course_lib.capstone import Budget, Measured
from course_lib.viz import capstone as draw

BILL = {
    "whole": ("as it was", Measured(0.98, 25_000, 85_000.0)),
    "thin": ("pruned", Measured(0.90, 1000, 3000.0)),
    "beaten": ("pruned", Measured(0.85, 2000, 4000.0)),
    "few bits": ("quantized", Measured(0.97, 3000, 85_100.0)),
}


def test_areas_are_bytes():
    draw.to_scale({"large": 900, "small": 100})
    [axes] = drawn()
    assert [patch.get_width() * patch.get_height() for patch in axes.patches] == pytest.approx([900, 100])
    assert [text.get_text() for text in axes.texts] == ["large\n900 bytes", "small\n100 bytes"]


def test_bits_are_those_of_the_bytes():
    draw.code_bits(capstone.pack, [1, 2, 3], 3)
    [axes] = drawn()
    assert axes.get_title(loc="left") == "3 codes of 3 bits in 2 bytes"
    texts = [text.get_text() for text in axes.texts]
    assert "= 209" in texts
    assert "= 0" in texts
    draw.code_bits(lambda codes, bits: torch.tensor([7]), [1], 3)
    assert "= 7" in [text.get_text() for text in drawn()[0].texts]


BUDGETS = [Budget(1000, 20_000), Budget(250, 6000)]


def test_the_front_is_the_callers_own():
    draw.fronts(capstone.pareto_front, BILL, BUDGETS, "images", tested=2000)
    left, right = drawn()
    assert left.lines[0].get_xdata().tolist() == [1000, 3000, 25_000]
    assert right.lines[0].get_xdata().tolist() == [3000, 85_000]
    assert left.get_xlabel() == "bytes (log); dashed: budgets"
    assert left.get_ylabel() == "accuracy on unseen images, %"
    legend = [text.get_text() for text in plt.gcf().legends[0].get_texts()]
    assert legend == ["your front", "as it was", "pruned", "quantized"]
    assert [text.get_text() for text in right.texts] == ["6,000", "20,000"]
    assert [text.get_text() for text in left.texts] == ["250", "1,000", "whole", "thin", "beaten", "few bits"]
    draw.fronts(lambda costs, scores: [2], BILL, BUDGETS, "images")
    assert drawn()[0].lines[0].get_xdata().tolist() == [2000]


def test_accuracies_rise_upwards_and_are_read_off_the_axis():
    draw.fronts(capstone.pareto_front, BILL, BUDGETS, "images", tested=2000)
    left, _ = drawn()
    bottom, top = left.get_ylim()
    assert bottom > top
    ticks = dict(zip(left.get_yticks(), [text.get_text() for text in left.get_yticklabels()], strict=True))
    assert ticks[2] == "98"
    assert ticks[10] == "90"


def test_bars_are_two_standard_errors():
    draw.fronts(capstone.pareto_front, BILL, BUDGETS, "images", tested=900)
    ends = [segment[:, 1] for bars in drawn()[0].collections for segment in bars.get_segments()]
    assert min(ends[1]) == pytest.approx(10 - 2)
    assert max(ends[1]) == pytest.approx(10 + 2)


def test_kinds_differ_in_marker_and_colour():
    draw.fronts(capstone.pareto_front, BILL, BUDGETS, "images")
    lines = drawn()[0].lines[1:4]
    assert len({line.get_marker() for line in lines}) == 3
    assert len({line.get_color() for line in lines}) == 3


def test_what_was_unlearned():
    images, labels = torch.rand(5, 1, 8, 8), torch.tensor([0, 1, 2, 3, 4])
    before = torch.eye(5)
    after = torch.eye(5)[[0, 2, 2, 0, 4]]
    draw.unlearned(images, labels, before, after)
    assert plt.gcf()._suptitle.get_text() == "Forgotten: 2 of 5 images"
    assert [axes.get_title(loc="center") for axes in drawn()] == ["1: says 2", "3: says 0"]
    draw.unlearned(images, labels, before, before)
    assert plt.gcf()._suptitle.get_text() == "Forgotten: 0 of 5 images"
