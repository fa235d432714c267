from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

import class_verdicts
import pytest
from html_page import Page

from autograder.calls import Status
from autograder.exercise import ClassGrading
from autograder.reports.class_page import class_page
from autograder.reports.class_stats import commonest_misconceptions, summarise
from autograder.reports.table import to_table

GRADING = class_verdicts.class_of_twelve()
PAGE = class_page(GRADING, feedback_links=True)
TABLE = to_table(GRADING)

# --- numbers ---------------------------------------------------------------------------------------------


def test_scores_and_histogram():
    (summary,) = summarise(GRADING)
    assert summary.histogram() == (2, 0, 0, 0, 0, 3, 1, 2, 2, 2)
    assert sum(summary.histogram()) == len(summary.submissions) == 12
    assert summary.mean == pytest.approx(100 * 143 / 19 / 12)
    assert [graded.student for graded in summary.submissions] == sorted(
        graded.student for graded in GRADING.submissions
    )


def test_statuses_are_counted_once_for_each_student():
    (summary,) = summarise(GRADING)
    for exercise in summary.exercises:
        assert sum(count for _, count in exercise.counts) == exercise.total == 12
    scores = summary.exercises[0]
    assert dict(scores.counts)[Status.PARTIAL] == 2
    assert scores.passed == 7


def test_misconceptions_are_ranked_by_the_students_who_hold_them():
    held = commonest_misconceptions(summarise(GRADING))
    assert [(one.exercise, one.students) for one in held[:2]] == [
        ("linear.softmax", ("bela", "chidi")),
        ("linear.cross_entropy", ("dilnoza", "fatima")),
    ]
    assert commonest_misconceptions(summarise(GRADING), least=2) == held[:2]


def test_a_student_who_passes_holds_no_misconception():
    passed = replace(class_verdicts.verdict("", hinted=True), diagnosis="old news")
    grading = ClassGrading("none", "cpu", (class_verdicts.graded("ada", {"scores": passed}),))
    assert commonest_misconceptions(summarise(grading)) == ()


def test_the_hidden_case_missed_most_is_found():
    (summary,) = summarise(GRADING)
    softmax = next(exercise for exercise in summary.exercises if exercise.id == "linear.softmax")
    (case,) = softmax.hardest
    assert (case.name, case.missed, case.kind) == ("hidden: one class", 1, "wrong values")


# --- the table -------------------------------------------------------------------------------------------


def test_the_table_fits_a_terminal_and_says_who_got_what_and_why():
    lines = TABLE.splitlines()
    assert max(map(len, lines)) <= 100
    ada = next(line for line in lines if line.startswith(" ada"))
    assert re.search(r"19/19\s+100\s+(✓ ){9}\s*complete", ada)
    assert "scores: These are the numbers you get with" in TABLE
    assert "nothing written" in TABLE
    assert "⚑ imports socket" in TABLE
    assert "Isolation: landlock+seccomp. Device: cpu." in TABLE
    assert "softmax" in TABLE
    assert "7/12" in TABLE


def test_the_legend_explains_every_symbol_in_use():
    legend = TABLE[TABLE.index("Legend:") :]
    for word in ("passed", "partly right", "not right", "raised an error", "not written", "too slow", "blocked"):
        assert word in legend


def test_student_text_is_no_markup_in_the_table():
    flagged = replace(GRADING.submissions[0], student="[red]eve[/red]", flags=("[link=http://x]y[/link]\x1b[31m",))
    drawn = to_table(ClassGrading("[bold]", "cpu", (flagged,)))
    assert "[red]eve[/red]" in drawn
    assert "[link=http://x]y[/link]" in drawn
    assert "[bold]" in drawn
    assert "\x1b" not in drawn


def test_an_empty_class_is_said():
    assert to_table(ClassGrading("none", "cpu")) == "No submission has been graded.\n"
    assert "No submission has been graded yet." in class_page(ClassGrading("none", "cpu"))


# --- the page --------------------------------------------------------------------------------------------


def test_the_page_is_self_contained_and_well_formed():
    page = Page(PAGE)
    assert not page.all("link") + page.all("img") + page.all("iframe")
    assert all("src" not in attrs for attrs in page.all("script"))
    assert not re.search(r"https?://|@import|url\(", PAGE)


def test_the_page_runs_its_own_script_only():
    (script,) = re.findall(r"<script>(.*?)</script>", PAGE, re.DOTALL)
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = next(attrs["content"] for attrs in Page(PAGE).all("meta") if attrs.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert f"'sha256-{allowed}'" in policy


def test_student_text_is_no_markup_on_the_page():
    assert "<script>alert" not in PAGE
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in PAGE
    assert not Page(PAGE).all("img")
    assert not [attrs for _, attrs in Page(PAGE).tags for name in attrs if name.startswith("on")]


def test_each_student_links_to_the_feedback():
    links = [attrs["href"] for attrs in Page(PAGE).all("a")]
    name = class_verdicts.ASSIGNMENT
    assert f"feedback/ada/{name}/{name}.html" in links
    assert f"feedback/zo%C3%AB/{name}/{name}.html" in links
    assert f"feedback/%3Cscript%3Ealert%281%29%3C%2Fscript%3E/{name}/{name}.html" in links
    assert len(links) == 12
    assert not Page(class_page(GRADING)).all("a")


@pytest.mark.parametrize("student", ["..", ".", "\ud800"])
def test_a_student_whose_folder_cannot_be_linked_has_no_link(student):
    grading = ClassGrading("none", "cpu", (class_verdicts.graded(student, {}),))
    assert not Page(class_page(grading, feedback_links=True)).all("a")


def test_every_cell_tells_its_reason():
    cells = [attrs for attrs in Page(PAGE).all("td") if (attrs.get("class") or "").startswith("cell")]
    assert len(cells) == 12 * 9
    assert all(cell["title"] and cell["aria-label"] == cell["title"] for cell in cells)
    assert sum("stopped after 10 s" in (cell["title"] or "") for cell in cells) == 1


def test_charts_have_titles_and_labelled_axes():
    page = Page(PAGE)
    (chart,) = page.all("svg")
    assert chart["role"] == "img"
    assert any(attrs.get("id") == chart["aria-labelledby"] for attrs in page.all("title"))
    assert "score in percent of the points" in PAGE
    assert ">students</text>" in PAGE


def test_two_assignments_are_two_sections():
    second = tuple(replace(graded, assignment="02_mlp_forward") for graded in GRADING.submissions)
    page = Page(class_page(replace(GRADING, submissions=GRADING.submissions + second)))
    assert [attrs["id"] for attrs in page.all("section")] == ["a1", "a2"]
    assert [attrs["href"] for attrs in page.all("a")] == ["#a1", "#a2"]


def test_an_exercise_that_a_submission_lacks_is_a_blank_cell():
    short = replace(GRADING.submissions[0], exercises=GRADING.submissions[0].exercises[:3])
    page = class_page(ClassGrading("none", "cpu", (short, GRADING.submissions[1])))
    assert page.count("not in this submission") == 2 * 6
