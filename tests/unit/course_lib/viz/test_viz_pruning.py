"""The pictures of pruning show what the functions that are passed in compute."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from drawn_figures import drawn

from course_lib import pruning
from course_lib.viz import pruning as draw


@pytest.fixture
def weights():
    return pruning.weights_of(pruning.lenet(hidden=(20, 16)))


def size(weights):
    return float(sum(w.abs().sum() for w in weights)) / 1000


def heights(bars):
    """From the lower to the upper end of each error bar."""
    return [line[1][1] - line[0][1] for line in bars[2][0].get_segments()]


def labels(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_erasing_halves(weights):
    draw.erased(weights, lambda changed: pruning.sparsity(changed))
    left, right = drawn()
    assert left.get_title(loc="left") == "1,760 weights"
    shares = [bar.get_width() for bar in right.patches]
    assert shares[0] == 0
    assert shares[1:] == pytest.approx([50, 50, 50], abs=4)


def test_what_goes_is_grey(weights):
    figure = draw.pixels(pruning.magnitude_mask, weights[0], 0.75)
    pictures = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    mask = pruning.magnitude_mask(weights[0], 0.75)
    assert [int(picture.mask.sum()) for picture in pictures[:10]] == (~mask[:10]).sum(dim=1).tolist()
    np.testing.assert_allclose(pictures[10], 100 * mask.double().mean(dim=0).reshape(8, 8))
    assert "320 of 1,280" in figure._suptitle.get_text()


def test_the_slider_draws_when_it_moves(weights, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    draw.masks_slider(pruning.magnitude_mask, weights[0])
    [box] = shown
    control, picture = box.children
    before = bytes(picture.value)
    control.value = 0.5
    assert before.startswith(b"\x89PNG")
    assert bytes(picture.value) != before
    assert plt.get_fignums() == []


def test_layers_and_their_shares(weights):
    draw.layer_shares(pruning.magnitude_mask, pruning.global_masks, weights, size, (0.5, 0.9))
    left, right = drawn()
    assert len(left.lines) == 2
    gone = [line.get_ydata()[0] for line in right.lines[:3]]
    assert np.dot(gone, [w.numel() for w in weights]) == pytest.approx(50 * 1760)
    assert labels(right) == ["layer 1: 1,280", "layer 2: 320", "layer 3: 160"]


def test_curves_and_schedule_draw_what_they_are_given():
    draw.sensitivity_curves([[0.9, 0.5], [0.8, 0.4]], [0.5, 0.9], 0.95)
    assert [list(line.get_ydata()) for line in drawn()[0].lines[1:]] == [[90, 50], [80, 40]]
    draw.schedule(pruning.cubic_schedule, 0.8)
    assert drawn()[0].lines[1].get_ydata().max() == 0.8
    draw.before_and_after([0.5, 0.9], [0.9, 0.3], [0.97, 0.95], 0.96, 400)
    left, right = drawn()
    assert labels(left) == ["pruned", "pruned and fine-tuned"]
    assert left.lines[0].get_xdata().tolist() == pytest.approx([50, 10])
    assert heights(right.containers[0]) == pytest.approx(
        [200 * (0.97 * 0.03 / 400) ** 0.5, 200 * (0.95 * 0.05 / 400) ** 0.5]
    )


def test_storage_crosses_where_the_text_says():
    draw.storage(pruning.model_bytes, 64)
    [axes] = drawn()
    for line, even in ((axes.lines[0], 0.2), (axes.lines[2], 2 / 3)):
        assert np.interp(even, *line.get_data()) == pytest.approx(100, abs=1)
    assert {text.get_text() for text in axes.texts} == {"0.20", "0.67"}


def test_times_patterns_and_the_trade():
    draw.times([0.5, 0.9], {"a": (2e-6, [4e-6, 1e-6]), "b": (3e-5, [9e-5, 2e-5])})
    assert drawn()[0].lines[1].get_ydata().tolist() == pytest.approx([4, 1])
    draw.patterns({"some": torch.eye(4, dtype=torch.bool), "all": torch.ones(4, 8, dtype=torch.bool)})
    assert [axes.get_xlabel() for axes in drawn()] == ["inputs, 25 % stay", "inputs, 100 % stay"]
    draw.trade({"dense": (1000, 0.9), "small": (10, 0.8)}, 0.9, 100)
    [axes] = drawn()
    assert labels(axes) == ["dense", "small"]
    assert [heights(each)[0] for each in axes.containers] == pytest.approx([6, 8])


def test_shared_values_and_code_words(weights):
    codebook, codes = pruning.kmeans_share(weights[0], 8, 3)
    draw.shared_values(weights[0], codebook, codes)
    left, right = drawn()
    assert len(left.lines) == 8
    assert sum(bar.get_height() for bar in right.patches) == 1280
    draw.code_words({"codes": (3, 2.4, 2.3), "gaps": (5, 3.3, 3.2)})
    [axes] = drawn()
    assert [bar.get_width() for bar in axes.patches] == [3, 2.4, 5, 3.3]


def test_ranks_show_the_score_of_the_product(weights):
    draw.ranks(pruning.low_rank, weights, size, (1, 4, 16))
    left, right = drawn()
    np.testing.assert_allclose(left.lines[0].get_ydata(), torch.linalg.svdvals(weights[0]), rtol=1e-4)
    assert right.lines[0].get_xdata().tolist() == [1, 4, 16]
    u, v = pruning.low_rank(weights[0], 4)
    assert right.lines[0].get_ydata()[1] == pytest.approx(100 * size([u @ v, *weights[1:]]))


def test_samples_show_each_digit_with_its_label():
    images = torch.rand(3, 64)
    draw.samples(images, torch.tensor([4, 0, 7]), 3)
    assert [axes.get_title(loc="center") for axes in drawn()] == ["4", "0", "7"]
    np.testing.assert_array_equal(drawn()[1].images[0].get_array(), images[1].view(8, 8))
