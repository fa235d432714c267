"""The pictures of hardware show what the functions that are passed in compute."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from drawn_figures import drawn

from course_lib import acceleration as acc
from course_lib.machine import Machine
from course_lib.viz import acceleration as draw

A = torch.tensor([[1.0, 2, 0, 1], [3, 1, 2, 1], [0, 2, 1, 4]])
B = torch.tensor([[2.0, 1, 1], [0, 3, 1], [1, 1, 2], [2, 0, 1]])


def titles():
    return [axes.get_title() or axes.get_title(loc="left") for axes in drawn()]


def test_growth_is_told_with_sources():
    draw.growth(draw.Model("yours", 2026, 2410, 1e9, "here"))
    axes = drawn()
    assert [panel.get_yscale() for panel in axes] == ["log", "log"]
    assert "11 million times the size, 15 trillion times the training" in plt.gcf().get_suptitle()
    assert {text.get_text() for text in axes[0].texts} == {"yours", *(model.name for model in draw.MODELS)}
    assert all(model.source for model in draw.MODELS)


def test_the_roofline_is_the_callers():
    machine = Machine("a machine", 1e11, 1e10)
    draw.rooflines([machine], acc.roofline, [draw.Layer("slow", 0.5, 1e9), draw.Layer("unmeasured", 100)])
    axes = drawn()[0]
    assert axes.get_xlabel().startswith("arithmetic intensity")
    roof = axes.lines[0].get_ydata()
    assert roof.max() == pytest.approx(100)
    labels = [text.get_text() for text in plt.gcf().legends[0].get_texts()]
    assert labels == ["a machine: main memory", "slow: 0.5 FLOP per byte", "unmeasured: 100 FLOP per byte"]


def test_a_layer_stands_below_the_roof_of_the_memory_it_works_in():
    machine = Machine("a machine", 1e12, 1e10, 8e10)
    layers = [draw.Layer("fetched", 0.5, 4e9), draw.Layer("cached", 0.5, 3e10, cached=True)]
    draw.rooflines([machine], acc.roofline, layers)
    lines = drawn()[0].lines
    memory, cache = (line.get_ydata() for line in lines[:2])
    assert cache[0] == pytest.approx(8 * memory[0])
    assert cache[-1] == memory[-1] == pytest.approx(1000)
    ends = [list(line.get_ydata()) for line in lines if len(line.get_ydata()) == 2 and line.get_lw() == 0.8][1:]
    assert ends == [pytest.approx([4, 5]), pytest.approx([30, 40])]


@pytest.mark.parametrize(("cycle", "working"), [(0, 1), (1, 3), (3, 8), (7, 1)])
def test_the_array_counts_the_cells_that_work(cycle, working):
    draw.array(acc.systolic_matmul, A, B, cycle)
    assert titles() == [f"Cycle {cycle} of 0 to 7: {working} of 9 cells work ({working / 9:.0%})"]


def test_the_last_cycle_shows_the_product():
    draw.array(acc.systolic_matmul, A, B, 7)
    shown = {text.get_text().split("\n")[-1] for text in drawn()[0].texts}
    assert {f"{number:g}" for number in (A @ B).ravel().tolist()} <= shown


def test_hits_are_those_of_the_callers_product():
    draw.loads(acc.tiled_matmul, size=12, tiles=(1, 3, 4))
    assert titles()[:3] == ["tile 1: 0% hits", "tile 3: 67% hits", "tile 4: 75% hits"]
    pictures = [np.asarray(axes.images[0].get_array()) for axes in drawn()]
    assert [picture.mean() for picture in pictures[:3]] == pytest.approx([1, 1 / 3, 1 / 4])


def test_the_traffic_of_the_loop_orders():
    draw.loop_orders(acc.loop_traffic, (4, 8, 6), (1, 2))
    lines = {line.get_label(): line.get_ydata() for line in drawn()[0].lines}
    assert list(lines["ijk: C stays"]) == [sum(acc.loop_traffic("ijk", 4, 8, 6, tile)) for tile in (1, 2)]


def test_speedups_and_the_ring():
    draw.speedups(acc.amdahl)
    assert [text.get_text() for text in drawn()[0].texts][-1] == "100% shared: 1,024 times"
    draw.ring(acc.ring_allreduce)
    assert titles()[0] == "start"
    assert titles()[-1] == "yours, 6 steps"
    assert (np.asarray(drawn()[-1].images[0].get_array()) == 4).all()
    assert (np.asarray(drawn()[-2].images[0].get_array()) < 4).sum() == 4


def test_batching_shows_the_spread():
    draw.batching((1, 4), {"each": [[1e-5, 2e-5], [4e-5, 8e-5]], "at once": [[1e-5, 1e-5], [1e-5, 2e-5]]})
    axes = drawn()[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["each", "at once"]
    assert axes.lines[0].get_ydata() == pytest.approx([15, 15])


def test_sliders_draw_at_once(monkeypatch):
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda *things: shown.extend(things))
    draw.array_slider(acc.systolic_matmul, A, B)
    draw.loads_slider(acc.tiled_matmul, size=6)
    assert len(shown) == 3
