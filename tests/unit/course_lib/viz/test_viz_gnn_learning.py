"""The pictures of learning on graphs show what is passed in."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from drawn_figures import drawn

from course_lib import graphs
from course_lib.viz import gnn_learning as draw

CLUB = graphs.karate()


def test_labels_count_what_is_given_and_found():
    draw.labels(CLUB.edge_index, CLUB.y, CLUB.train_mask)
    assert [axes.get_title(loc="left") for axes in drawn()] == ["given", "true"]
    assert drawn()[0].get_xlabel() == "4 of 34 labels"
    plt.close("all")
    found = torch.where(CLUB.train_mask | (torch.arange(34) < 20), CLUB.y, (CLUB.y + 1) % 4)
    draw.labels(CLUB.edge_index, CLUB.y, CLUB.train_mask, found)
    right = int(((found == CLUB.y) & ~CLUB.train_mask).sum())
    assert drawn()[2].get_xlabel() == f"{right} of the other 30 right"


def test_embeddings_are_seen_from_one_side():
    flat = torch.randn(34, 2)
    turned = flat @ torch.linalg.qr(torch.randn(5, 5))[0][:2]
    draw.embeddings({"before": 0.01 * turned, "after": turned}, CLUB.y, CLUB.train_mask)
    before, after = drawn()
    small, large = (float(axes.get_xlabel().split()[1]) for axes in (before, after))
    assert large == pytest.approx(100 * small, rel=0.1)
    places = [np.concatenate([np.asarray(c.get_offsets()) for c in axes.collections]) for axes in (before, after)]
    np.testing.assert_allclose(100 * places[0], places[1], rtol=1e-4)
    spread = np.linalg.svd(places[1] - places[1].mean(0), compute_uv=False)
    full = np.linalg.svd((turned - turned.mean(0)).numpy(), compute_uv=False)[:2]
    np.testing.assert_allclose(spread, full, rtol=1e-4)


def test_smoothing_shows_means_before_and_after_and_their_errors():
    runs = {"plain": [[0.4, 0.2], [0.01, 0.03]], "residual": [[0.5, 0.5], [0.1, 0.3]]}
    draw.smoothing([2, 8], runs, {kind: [[1, 1], [1, 1]] for kind in runs}, runs, guess=0.4)
    left, right = drawn()
    assert [line.get_ydata().tolist() for line in left.lines] == [
        pytest.approx(each) for each in ([0.3, 0.02], [1, 1], [0.5, 0.2], [1, 1])
    ]
    plain, residual = (container.lines[0].get_ydata() for container in right.containers)
    assert plain == pytest.approx([30, 2])
    assert residual == pytest.approx([50, 20])
    low, high = right.containers[0].lines[1][0].get_ydata(), right.containers[0].lines[1][1].get_ydata()
    assert (high - low) / 2 == pytest.approx([10, 1])


def test_kinds_show_one_graph_each():
    made = graphs.little(9, np.random.default_rng(0))
    draw.kinds(made, graphs.KINDS)
    assert [axes.get_title(loc="left") for axes in drawn()] == list(graphs.KINDS)
    first = next(each for each in made if each.y == 0)
    assert drawn()[0].get_xlabel() == f"{len(first.x)} nodes, {first.edge_index.shape[1] // 2} friendships"


def test_the_area_is_that_of_scikit_learn():
    from sklearn.metrics import roc_auc_score

    pos, neg = torch.randn(30).round(decimals=1) + 0.5, torch.randn(50).round(decimals=1)
    expected = roc_auc_score(np.repeat([1, 0], [30, 50]), torch.cat([pos, neg]).numpy())
    assert draw.area_under(pos, neg) == pytest.approx(expected)


def test_links_name_their_area():
    low, high = torch.zeros(5), torch.ones(5)
    draw.links((low, low), (high, low))
    assert [axes.get_xlabel().split()[-4] for axes in drawn()] == ["50", "100"]
