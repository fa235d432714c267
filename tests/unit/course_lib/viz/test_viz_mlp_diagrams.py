"""The diagrams of the first three notebooks say what they show, and nothing in them covers anything else."""

from itertools import combinations

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from course_lib.viz import mlp_diagrams
from course_lib.viz.diagram import INCHES

DRAWN = [getattr(mlp_diagrams, name)() for name in mlp_diagrams.__all__]
each_drawing = pytest.mark.parametrize("drawing", DRAWN, ids=mlp_diagrams.__all__)


@each_drawing
def test_texts_cover_no_other_text_and_stay_on_the_page(drawing):
    renderer, page = FigureCanvasAgg(drawing.figure).get_renderer(), drawing.figure.bbox
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in drawing.axes.texts]
    assert [name for name, box in boxes if not (page.contains(*box.min) and page.contains(*box.max))] == []
    assert [(one, other) for (one, box), (other, near) in combinations(boxes, 2) if box.overlaps(near)] == []


@each_drawing
def test_the_text_tells_the_drawing_in_sentences_and_it_fits_the_notebooks_page(drawing):
    assert drawing.text.count(". ") >= 1
    assert drawing.text.endswith(".")
    assert drawing.figure.get_figwidth() <= 24 * INCHES + 1e-9


def test_the_way_back_meets_the_steps_in_turn():
    """Every step back stands below its step forward, and each has one of its own."""
    words = mlp_diagrams.forward_and_back().axes.texts
    steps = [text for text in words if "linear\n" in text.get_text() or text.get_text() == "ReLU"]
    backs = [text for text in words if "backward" in text.get_text()]
    assert [text.get_position()[0] for text in steps] == [text.get_position()[0] for text in backs]
    assert [text.get_text().replace("_\n", "_") for text in backs] == [
        "linear_backward",
        "relu_backward",
        "linear_backward",
    ]
