"""The map of the course: arrows that are not said by others, in rows, without overlaps."""

from dataclasses import dataclass

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from autograder.exercises import ASSIGNMENTS
from course_lib.viz.course_map import course_map, direct, layers


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    needs: tuple[str, ...] = ()
    hours: float = 2.0
    done: int = 0
    total: int = 3
    here: bool = False


ROWS = (
    Row("a", "1 · First", hours=0.1, here=True),
    Row("b", "2 · Second", ("a",), done=3),
    Row("c", "3 · Third", ("a", "b"), done=1),
    Row("d", "4 · Fourth", ("a",)),
    Row("e", "5 · Fifth", ("c", "d")),
)
COURSE = tuple(Row(name, each.title, each.needs, each.hours) for name, each in ASSIGNMENTS.items())


def needs_of(rows):
    return {row.name: row.needs for row in rows}


def test_what_another_need_needs_gets_no_arrow_of_its_own():
    found = direct(needs_of(ROWS))
    assert found == {"a": (), "b": ("a",), "c": ("b",), "d": ("a",), "e": ("c", "d")}


def test_every_row_is_below_what_it_needs_and_long_arrows_have_places():
    rows = layers(direct(needs_of(ROWS)))
    assert [set(row) for row in rows] == [{"a"}, {"b", "d"}, {"c", "d>e"}, {"e"}]


def test_arrows_do_not_cross_where_they_need_not():
    rows = layers({"a": (), "b": (), "c": ("b",), "d": ("a",)})
    assert (rows[0].index("a") < rows[0].index("b")) == (rows[1].index("d") < rows[1].index("c"))


@pytest.mark.parametrize("rows", [ROWS, COURSE], ids=["small", "course"])
def test_boxes_stand_apart_on_the_page(rows):
    diagram = course_map(rows)
    boxes = [each for each in diagram.axes.patches if isinstance(each, FancyBboxPatch)]
    assert len(boxes) == len(rows)
    sides = [(box.get_x(), box.get_y(), box.get_x() + box.get_width(), box.get_y() + box.get_height()) for box in boxes]
    right, top = diagram.axes.get_xlim()[1], diagram.axes.get_ylim()[1]
    for at, (x0, y0, x1, y1) in enumerate(sides):
        assert min(x0, y0) >= 0
        assert x1 <= right
        assert y1 <= top
        assert not any(x0 < u1 and u0 < x1 and y0 < v1 and v0 < y1 for u0, v0, u1, v1 in sides[:at])


@pytest.mark.parametrize("rows", [ROWS, COURSE], ids=["small", "course"])
def test_there_is_an_arrow_for_each_direct_need_and_the_text_says_it(rows):
    diagram = course_map(rows)
    arrows = [each for each in diagram.axes.patches if isinstance(each, FancyArrowPatch)]
    wanted = direct(needs_of(rows))
    assert len(arrows) == sum(map(len, wanted.values()))
    title = {row.name: row.title for row in rows}
    for name, needs in wanted.items():
        if needs:
            assert f"{title[name]} builds on {' and '.join(title[need] for need in needs)}" in diagram.text


def test_a_box_says_how_long_it_takes_and_how_far_one_is():
    said = [each.get_text() for each in course_map(ROWS).axes.texts]
    assert {"6 min · you are here", "about 2 h · all done", "about 2 h · 1 of 3 done"} <= set(said)


def test_the_longest_title_fits_into_its_box():
    diagram = course_map(COURSE)
    renderer = FigureCanvasAgg(diagram.figure).get_renderer()
    boxes = [each.get_window_extent(renderer) for each in diagram.axes.patches if isinstance(each, FancyBboxPatch)]
    for text in diagram.axes.texts[1:]:
        place = text.get_window_extent(renderer)
        assert any(box.x0 <= place.x0 and place.x1 <= box.x1 for box in boxes), text.get_text()
