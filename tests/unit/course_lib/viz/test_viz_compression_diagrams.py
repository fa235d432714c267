"""Drawings of pruning and quantization: what they show lies on the page, and their texts say it."""

import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

from course_lib import pruning
from course_lib.viz import pruning_diagrams, quantization_diagrams

DRAWINGS = [
    pruning_diagrams.sparse_rows,
    pruning_diagrams.unit_removed,
    quantization_diagrams.integer_flow,
    quantization_diagrams.rounded_in_training,
]


def texts(drawing):
    """Each text of a drawing with its box on the page, and the page."""
    figure = drawing().figure
    renderer = FigureCanvasAgg(figure).get_renderer()
    return [(each.get_text(), each.get_window_extent(renderer)) for each in figure.axes[0].texts], figure.bbox


@pytest.mark.parametrize("drawing", DRAWINGS)
def test_all_its_text_lies_on_the_page(drawing):
    boxes, page = texts(drawing)
    for text, box in boxes:
        assert page.x0 <= box.x0, text
        assert page.y0 <= box.y0, text
        assert box.x1 <= page.x1, text
        assert box.y1 <= page.y1, text


@pytest.mark.parametrize("drawing", DRAWINGS)
def test_no_two_of_its_texts_overlap(drawing):
    boxes, _ = texts(drawing)
    for k, (one, box) in enumerate(boxes):
        assert [other for other, others in boxes[k + 1 :] if box.overlaps(others)] == [], one


def test_the_rows_drawn_are_those_of_to_csr():
    values, columns, pointers = pruning.to_csr(torch.tensor(pruning_diagrams.ROWS))
    said = [each.get_text() for each in pruning_diagrams.sparse_rows().axes.texts]
    for name, numbers in (("values", values), ("columns", columns), ("row_pointers", pointers)):
        start = said.index(name) + 1
        assert said[start : start + len(numbers)] == [str(number) for number in numbers.tolist()]
