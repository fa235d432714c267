"""The class's networks on their Pareto front: numbers, shapes that differ without colour, and a table beside them."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import class_verdicts
import jsonschema
import pytest
from html_page import Page

from autograder.calls import Status
from autograder.exercise import CaseResult, ClassGrading, Graded, Verdict
from autograder.reports.as_json import SCHEMA, to_json
from autograder.reports.class_front import class_fronts
from autograder.reports.class_page import class_page
from autograder.reports.fronts import BOTTOM, LEFT, RIGHT, TOP, fronts
from autograder.reports.store import from_plain, plain

EXTRA = {"budget_bytes": 1000.0, "budget_macs": 20_000.0, "reference_accuracy": 0.97, "reference_bytes": 955.0,
         "reference_macs": 17_953.0}  # fmt: skip
NETWORKS = {
    "ada": (0.96, 943, 17_945),
    "bela": (0.87, 976, 3144),
    "<script>eve": (0.98, 25_160, 85_760),
    "dora": (0.90, 990, 15_814),
}


def graded(student: str, accuracy: float, size: float, macs: float) -> Graded:
    measured = (("accuracy", accuracy), ("bytes", float(size)), ("macs", float(macs)), *EXTRA.items())
    cases = (
        CaseResult("a network", "digits: within the budget", False, True),
        CaseResult("digits", "digits: within the budget", False, True, measured=measured),
    )
    verdict = Verdict("capstone.compress", Status.PASSED, 12.0, 12.0, cases=cases)
    return Graded(student, "14_capstone", 12.0, 12.0, 3.0, exercises=(verdict,))


CLASS = ClassGrading("landlock", "cpu", tuple(graded(name, *numbers) for name, numbers in NETWORKS.items()))
PAGE = class_page(CLASS)


def test_every_submission_is_a_dot_in_both_pictures():
    [found] = fronts(CLASS.submissions)
    assert (found.exercise, found.name) == ("capstone.compress", "digits")
    assert [len(panel.dots) for panel in found.panels] == [4, 4]
    assert sum(dot.shape == "within" for dot in found.panels[0].dots) == 3
    for panel in found.panels:
        for dot in (*panel.dots, *panel.references):
            assert LEFT <= dot.x <= RIGHT
            assert TOP <= dot.y <= BOTTOM
        assert panel.summary.endswith("3 of 4 networks are within the budget; the best of them reaches 96.0 percent")


def test_places_follow_the_numbers():
    [found] = fronts(CLASS.submissions)
    for panel, column in zip(found.panels, (1, 2), strict=True):
        places = {dot.tip.partition(":")[0]: dot for dot in panel.dots}
        by_cost = sorted(NETWORKS, key=lambda name: NETWORKS[name][column])
        assert sorted(places, key=lambda name: places[name].x) == by_cost
        by_score = sorted(NETWORKS, key=lambda name: -NETWORKS[name][0])
        assert sorted(places, key=lambda name: places[name].y) == by_score
        assert places["ada"].x < panel.budgets[0] < places["<script>eve"].x


def test_the_front_leaves_the_beaten_out():
    [found] = fronts(CLASS.submissions)
    corners = found.panels[0].front.split()
    assert len(corners) == 3  # ada, a step, eve: bela and dora cost more than ada and score less
    assert len(found.panels[1].front.split()) == 7


def test_the_table_says_what_the_picture_shows():
    [found] = fronts(CLASS.submissions)
    assert found.rows[0] == ("ada", "96.0", "943", "17,945", "yes")
    assert found.rows[-1] == ("<script>eve", "98.0", "25,160", "85,760", "no")
    assert PAGE.count("<td>yes</td>") == 3


def test_shapes_differ_not_colours_alone():
    page = Page(PAGE)
    assert len([tag for tag in page.all("circle") if tag.get("class") == "within"]) == 2 * 3 + 1
    assert len([tag for tag in page.all("rect") if tag.get("class") == "over"]) == 2 * 1 + 1
    assert len([tag for tag in page.all("path") if tag.get("class") == "reference"]) == 2 + 1


def test_pictures_have_titles_that_are_found():
    page = Page(PAGE)
    ids = [attrs.get("id") for attrs in page.all("title") if attrs.get("id")]
    assert len(ids) == len(set(ids)) == 3
    named = [attrs["aria-labelledby"] for attrs in page.all("svg") if attrs.get("role") == "img"]
    assert sorted(named) == sorted(ids)


def test_a_students_name_is_no_markup():
    assert "<script>eve" not in PAGE
    assert "&lt;script&gt;eve: 98.0 % right, 25,160 bytes, 85,760 MACs, over the budget" in PAGE


def test_nothing_is_drawn_where_nothing_was_measured():
    assert fronts(class_verdicts.class_of_twelve().submissions) == ()
    assert "Pareto" not in class_page(class_verdicts.class_of_twelve())


@pytest.mark.parametrize("numbers", [(0.0, 0, 0), (1.0, 1, 1), (0.5, 10**9, 10**12)])
def test_extreme_numbers_stay_in_the_picture(numbers):
    both = ClassGrading("none", "cpu", (graded("ada", *numbers), *CLASS.submissions[1:]))
    for panel in fronts(both.submissions)[0].panels:
        assert all(LEFT <= dot.x <= RIGHT and TOP <= dot.y <= BOTTOM for dot in panel.dots)
        assert all(LEFT <= x <= RIGHT for x, _ in panel.x_ticks)


def test_one_network_without_budget_and_reference():
    [only] = [graded("ada", 0.5, 10, 10)]
    case = replace(only.exercises[0].cases[1], measured=(("accuracy", 0.5), ("bytes", 10.0), ("macs", 10.0)))
    alone = replace(only, exercises=(replace(only.exercises[0], cases=(case,)),))
    [found] = fronts([alone])
    assert found.panels[0].budgets == found.panels[0].references == ()
    Page(class_page(ClassGrading("none", "cpu", (alone,))))


def test_what_was_measured_is_kept_and_published():
    one = CLASS.submissions[0]
    assert from_plain(json.loads(json.dumps(plain(one)))) == one
    document = json.loads(to_json(CLASS))
    jsonschema.validate(document, SCHEMA)
    first, second = document["submissions"][1]["exercises"][0]["cases"]
    assert "measured" not in first
    assert second["measured"]["bytes"] == 943
    assert not re.search(r'"measured"', to_json(class_verdicts.class_of_twelve()))


# --- for students -----------------------------------------------------------------------------------------


def test_students_see_a_line_without_names_and_only_of_five_or_more():
    assert class_fronts(CLASS.submissions) == {}
    five = (*CLASS.submissions, graded("fay", 0.99, 400, 9000))
    [(exercise, html)] = class_fronts(five).items()
    assert exercise == "capstone.compress"
    assert "digits (5 students)" in html
    assert not any(name.removeprefix("<script>") in html for name in (*NETWORKS, "fay"))
    assert "circle" not in html
    page = Page(f"<!doctype html><html><body>{html}</body></html>")
    drawn = [tag["points"] for tag in page.all("polyline")]
    assert drawn == [panel.front for panel in fronts(five)[0].panels]


def test_several_budgets_have_several_lines_and_one_student_is_counted_once():
    one = graded("ada", 0.96, 943, 17_945)
    case = one.exercises[0].cases[1]
    small = tuple((name, 250.0 if name == "budget_bytes" else value / 2) for name, value in case.measured)
    both = replace(one, exercises=(replace(one.exercises[0], cases=(case, replace(case, measured=small))),))
    [found] = fronts([both, *CLASS.submissions[1:]])
    assert found.students == 4
    assert len(found.panels[0].dots) == 5
    assert len(set(found.panels[0].budgets)) == len(found.panels[0].references) == 2
