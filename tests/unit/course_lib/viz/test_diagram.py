"""Diagrams are vector pictures that say what they show and can be read."""

import base64
import re
import xml.etree.ElementTree as ET

import pytest

from course_lib.viz.diagram import Diagram

TEXT = 'Input "x" goes through a layer < 3.'


def drawn():
    diagram = Diagram(12, 4, TEXT, "A layer")
    node, layer = diagram.circle(2, 2, 0.6, "x"), diagram.box(7, 2, 4, 1.5, "layer")
    diagram.arrow(node.right, layer.left, "D")
    diagram.path(node.top, (2, 3.2), (7, 3.2), layer.top)
    return diagram


def test_it_is_an_image_with_its_text():
    shown = drawn()._repr_html_()
    image = ET.fromstring(shown.replace('white">', 'white"/>'))
    assert image.get("alt") == TEXT
    svg = base64.b64decode(image.get("src").partition("base64,")[2])
    assert ET.fromstring(svg).tag.endswith("svg")


def test_the_same_drawing_is_the_same_file():
    assert drawn().svg() == drawn().svg()


def test_its_letters_need_no_font():
    assert not re.search(r"<text\b", drawn().svg())


def test_arrows_start_and_end_at_the_edges():
    node = Diagram(4, 4, TEXT).circle(2, 2, 0.5)
    assert (node.left, node.right, node.top, node.bottom) == ((1.5, 2), (2.5, 2), (2, 2.5), (2, 1.5))


def test_text_too_small_to_read_is_refused():
    with pytest.raises(ValueError, match="at least 9"):
        drawn().note(1, 1, "tiny", size=8)


def test_a_drawing_without_a_text_is_refused():
    with pytest.raises(ValueError, match="says what it shows"):
        Diagram(4, 4, " ")
