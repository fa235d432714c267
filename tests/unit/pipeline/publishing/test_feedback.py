"""Feedback pages: the gradebook's points, a person's comments, and nothing active of a student's."""

from __future__ import annotations

import base64
import copy
import logging
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup
from jinja2 import pass_context
from nbconvert.filters.markdown_mistune import InvalidNotebook
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from nbgrader.api import Gradebook

from autograder.calls import Status
from autograder.exercise import CaseResult, Graded, Verdict
from autograder.exercises import ASSIGNMENTS
from autograder.exercises.course_table import Help
from autograder.pipeline.course import Course, CourseError
from autograder.pipeline.intake.restore import restore
from autograder.pipeline.publishing import feedback
from autograder.pipeline.publishing.class_feedback import feedback_for_class
from autograder.pipeline.publishing.feedback import write_feedback
from autograder.pipeline.records.gradebook import GradebookWriter
from autograder.pipeline.records.verdict_store import StoredVerdicts, save_verdicts

NAME = "01_linear_classification"
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"

GRADED = Graded(
    "alice", NAME, 3.5, 9, 0.1, flags=("a flag for the instructor",),
    exercises=(
        Verdict("linear.scores", Status.PASSED, 2, 2),
        Verdict(
            "linear.predict", Status.PARTIAL, 1.5, 4, message=f"first differs at {EVIL}", diagnosis="ties go down",
            cases=(CaseResult("secret case", "basics", True, False, "the hidden answer is 42", "values"),),
        ),
        Verdict("linear.why", Status.NEEDS_MANUAL, 0, 3),
    ),
)  # fmt: skip


@pytest.fixture
def course(tmp_path: Path, release: NotebookNode) -> Course:
    course = Course(tmp_path, tmp_path / "classroom")
    with GradebookWriter(course.gradebook_url) as writer:
        writer.register(NAME, release)
        writer.record(GRADED, None, datetime(2026, 3, 1))
    return course


@pytest.fixture
def ran(release: NotebookNode, answered: NotebookNode) -> NotebookNode:
    """The restored notebook, with what its cells printed."""
    answered.cells.insert(4, new_code_cell("helper = 1"))
    answered.cells.insert(4, new_markdown_cell("my notes"))
    return restore(release, nbformat.writes(answered).encode()).notebook


def cell(notebook: NotebookNode, name: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if cell.id == name)


def write(course: Course, notebook: NotebookNode, student: str = "alice") -> BeautifulSoup:
    path = write_feedback(course, student, NAME, notebook, GRADED)
    assert path == course.feedback / student / NAME / f"{NAME}.html"
    return BeautifulSoup(path.read_text("utf-8"), "html.parser")


def shown(page: BeautifulSoup) -> str:
    return " ".join(page.body.get_text(" ").split())


def assert_inert(page: BeautifulSoup) -> None:
    """No script but MathJax's two, no handler, no link to run, nothing loaded from elsewhere."""
    scripts = [tag.get("src") or tag.get("type") for tag in page.find_all("script")]
    assert len(scripts) == 2
    assert re.fullmatch(r"https://cdnjs\.cloudflare\.com/ajax/libs/mathjax/2\.7\.7/MathJax\.js\?.*", scripts[0])
    assert scripts[1] == "text/x-mathjax-config"
    assert page.find_all(["iframe", "object", "embed", "link", "form", "base", "svg", "video", "audio", "input"]) == []
    for tag in page.find_all(True):
        assert [
            name for name in tag.attrs if name.startswith("on") or name in ("srcdoc", "formaction", "background")
        ] == []
        assert not str(tag.get("href", "")).strip().casefold().startswith(("javascript", "data", "vbscript"))
        if tag.name != "script":
            assert str(tag.get("src", "data:image/")).startswith("data:image/")
    assert "url(" not in " ".join(str(tag.get("style", "")) for tag in page.find_all(True))
    (policy,) = page.find_all("meta", attrs={"http-equiv": "Content-Security-Policy"})
    assert "default-src 'none'" in policy["content"]
    assert "'unsafe-inline' https" not in policy["content"].partition("script-src")[2]
    assert page.head.find(True) is policy


# --- what it shows ----------------------------------------------------------------------------------------


def test_shows_the_gradebook_s_points(course: Course, ran: NotebookNode) -> None:
    text = shown(write(course, ran))
    assert f"{NAME} (Score: 3.5 / 9.0)" in text
    assert "Test cell (Score: 2.0 / 2.0)" in text
    assert "Test cell (Score: 1.5 / 4.0)" in text
    assert "Written response (Score: 0.0 / 3.0)" in text
    assert "a flag for the instructor" not in text


def test_scores_and_comments_of_a_person_appear(course: Course, ran: NotebookNode) -> None:
    before = shown(write(course, ran))
    with Gradebook(course.gradebook_url) as book:
        book.find_grade("why", NAME, NAME, "alice").manual_score = 2.5
        book.find_grade("predict_check", NAME, NAME, "alice").manual_score = 4
        book.find_comment("why", NAME, NAME, "alice").manual_comment = "**Well** said, if $a<b$."
        book.find_submission_notebook(NAME, NAME, "alice").late_submission_penalty = 1
        book.db.commit()
    page = write(course, ran)
    text = shown(page)
    assert "(Score: 7.5 / 9.0)" in text
    assert "Late submission penalty (Score: -1.0)" in text
    assert "Written response (Score: 2.5 / 3.0)" in text
    assert "Well said, if $a<b$." in text
    assert page.find("strong", string="Well") is not None
    assert "Well said" not in before


def test_shows_the_judge_s_report_in_place_of_what_the_cell_printed(course: Course, ran: NotebookNode) -> None:
    cell(ran, "predict_check").outputs = [new_output("stream", text="forged: all points")]
    page = write(course, ran)
    reports = page.select("div.agr")
    assert len(reports) == 2
    assert "1.5 / 4 points" in reports[1].get_text(" ")
    assert "ties go down" in reports[1].get_text(" ")
    assert EVIL in reports[1].get_text()
    assert "forged" not in shown(page)
    assert "the hidden answer is 42" not in str(page)
    assert ".agr{" in str(page.head)
    assert_inert(page)


def test_shows_answers_outputs_and_own_cells(course: Course, ran: NotebookNode) -> None:
    png = base64.b64encode(b"picture").decode()
    cell(ran, "demo").outputs = [
        new_output("stream", text="printed\n"),
        new_output("stream", name="stderr", text="warned\n"),
        new_output(
            "display_data",
            data={"image/png": png, "text/plain": "<Figure>"},
            metadata={"image/png": {"width": 30, "alt": f'a "curve" {EVIL}'}},
        ),
        new_output("execute_result", data={"text/html": "<table class='dataframe'><tr><td>3 &lt; 4</td></tr></table>"}),
        new_output("display_data", data={"text/html": "heard, not seen"}, metadata={"spoken": True}),
        new_output("execute_result", data={"image/svg+xml": "<svg onload='alert(1)'/>"}),
        new_output("error", ename="ValueError", evalue="bad", traceback=["\x1b[31mValueError\x1b[0m: bad <b>"]),
    ]
    page = write(course, ran)
    text = shown(page)
    for expected in ("A line has two sides.", "printed", "warned", "3 < 4", "ValueError : bad <b>", "my notes"):
        assert expected in text
    assert "return 1 + x" in page.get_text()
    assert page.find("table", class_="dataframe") is not None
    pictures = page.find_all("img")
    assert [picture["src"].partition(",")[0] for picture in pictures] == [
        "data:image/png;base64",
        "data:image/svg+xml;base64",
    ]
    assert pictures[0]["width"] == "30"
    assert "heard, not seen" not in text
    assert pictures[0]["alt"] == f'a "curve" {EVIL}'
    assert_inert(page)


def test_mathematics_and_code_read_as_written(course: Course, ran: NotebookNode) -> None:
    cell(ran, "why").source = "If $a<b$ & `x < y`:\n\n```python\nif a < b & c:\n    pass\n```\n\n$$\\sum_{i<n} x_i$$"
    page = write(course, ran)
    text = page.get_text()
    for expected in ("$a<b$ &", "x < y", "if a < b & c:", r"$$\sum_{i<n} x_i$$", "$w^T x + b < 0$"):
        assert expected in text
    assert page.select(".highlight .k") != []


def test_pasted_images_show(course: Course, ran: NotebookNode) -> None:
    why = cell(ran, "why")
    why.source, why.attachments = "![mine](attachment:p.png)", {"p.png": {"image/png": "AAAA"}}
    page = write(course, ran)
    assert page.find("img", alt="mine")["src"] == "data:image/png;base64,AAAA"


@pytest.mark.parametrize(
    ("kind", "data"), [("image/webp", "UklGRg=="), ("image/svg+xml", base64.b64encode(b"<svg>" + b" " * 20).decode())]
)
def test_pictures_of_other_kinds_show(course: Course, ran: NotebookNode, kind: str, data: str) -> None:
    why = cell(ran, "why")
    why.source, why.attachments = "![mine](attachment:p)", {"p": {kind: data}}
    assert write(course, ran).find("img", alt="mine")["src"] == f"data:{kind};base64,{data}"


def test_an_svg_that_acts_is_not_shown(course: Course, ran: NotebookNode) -> None:
    active = base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'></svg>").decode()
    cell(ran, "why").source = f"<img alt='mine' src='data:image/svg+xml;base64,{active}'>"
    assert write(course, ran).find("img", alt="mine").get("src") is None


def test_a_picture_that_is_missing_leaves_a_mark(course: Course, ran: NotebookNode) -> None:
    cell(ran, "why").source = "My drawing: ![d](attachment:d.png)"
    assert "My drawing: d [picture missing: d.png]" in shown(write(course, ran))


# --- what a student may not do ----------------------------------------------------------------------------

PROSE = [
    EVIL,
    "[x](javascript:alert(1)) [y](data:text/html,<script>alert(1)</script>) [z](  JaVaScRiPt:alert(1))",
    "<a href='java\nscript:alert(1)'>x</a><a href='data:text/html;base64,AAAA'>y</a>",
    "<iframe src='https://evil.example'></iframe><object data='x'></object><embed src='x'>",
    "<svg onload=alert(1)><script>alert(1)</script></svg><math><mi xlink:href='javascript:alert(1)'></mi></math>",
    "<div style=\"background:url('https://evil.example/x.png');position:fixed\">x</div>",
    "<form action='https://evil.example'><input name=q><button formaction='javascript:alert(1)'>b</button></form>",
    "![x](https://evil.example/track.png) ![y](file:///etc/passwd) ![z](\"onerror=alert(1))",
    "<base href='https://evil.example/'><meta http-equiv=refresh content='0;url=https://x.example'><link href=y>",
    "```html\"><script>alert(1)</script>\nx\n```\n\n`</code><script>alert(1)</script>`",
    "$</script><script>alert(1)</script>$ $$<img src=x onerror=alert(1)>$$",
    "<!--<img src='--><img src=x onerror=alert(1)//'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></p></noscript>",
    "{{ resources }} {% raw %} {{ 7 * 7 }}",
    "</div></div></body></html><script>alert(1)</script>",
]  # fmt: skip


STYLES = [
    ("color: red; text-align:center", "color:red;text-align:center"),
    ("background-color:rgb(1, 2, 3)", "background-color:rgb(1, 2, 3)"),
    ("color:url(https://evil.example); font-size: 2em", "font-size:2em"),
    ("color:u\\72l(https://evil.example)", ""),
    ("color:\\75rl(x)", ""),
    ("font-family: 'a;position:fixed;b'", ""),
    ("position:fixed;top:0;z-index:9", ""),
    ("width:expression(alert(1)); color:/**/red", ""),
    ("background-image:image-set('https://evil.example' 1x)", ""),
    ("color:red}body{color:red", ""),
]


@pytest.mark.parametrize(("style", "left"), STYLES)
def test_a_style_keeps_plain_values_of_harmless_properties(
    course: Course, ran: NotebookNode, style: str, left: str
) -> None:
    html = f'<p style="{style}">styled</p>'
    cell(ran, "demo").outputs = [new_output("display_data", data={"text/html": html})]
    page = write(course, ran)
    assert page.find("p", string="styled").get("style", "") == left
    assert_inert(page)


def test_a_tag_that_is_not_allowed_reads_as_text(course: Course, ran: NotebookNode) -> None:
    shown_as = ["vector<int> v", "<marquee>so</marquee>", "<b<script>alert(1)</script>", "if a <b and c <em"]
    cell(ran, "demo").outputs = [new_output("display_data", data={"text/html": one}) for one in shown_as]
    page = write(course, ran)
    for text in shown_as:
        assert text in page.get_text()
    assert_inert(page)


@pytest.mark.parametrize("unit", ["<ul><li>", r"\begin{a}"])
def test_what_takes_a_parser_the_square_of_its_length_reads_as_text(
    course: Course, ran: NotebookNode, unit: str
) -> None:
    ran.cells.append(new_markdown_cell("before " + unit * 11_000))
    ran.cells.append(new_code_cell("", outputs=[new_output("display_data", data={"text/markdown": unit * 11_000})]))
    page = write(course, ran)
    assert sum(unit * 11_000 in each.get_text() for each in page.find_all("pre")) == 2
    assert_inert(page)


def test_links_open_without_telling_where_from(course: Course, ran: NotebookNode) -> None:
    html = "<a href='https://example.org/' rel='opener' target='x' onclick='alert(1)'>there</a>"
    cell(ran, "demo").outputs = [new_output("display_data", data={"text/html": html})]
    link = write(course, ran).find("a", string="there")
    assert link.attrs == {"href": "https://example.org/", "rel": ["noopener", "noreferrer"]}


@pytest.mark.parametrize("prose", PROSE)
def test_prose_and_html_are_inert(course: Course, ran: NotebookNode, prose: str) -> None:
    cell(ran, "why").source = prose
    cell(ran, "scores").source = f'def scores(x):\n    return """{prose}"""'
    cell(ran, "demo").outputs = [
        new_output("display_data", data={"text/html": prose, "application/javascript": "alert(1)"}),
        new_output("display_data", data={"text/markdown": prose}),
        new_output("display_data", data={"text/latex": prose}),
        new_output("display_data", data={"text/plain": prose}),
        new_output("stream", text=prose),
        new_output("error", ename=prose, evalue=prose, traceback=[prose]),
    ]
    page = write(course, ran)
    assert_inert(page)
    assert "7 * 7" in page.get_text() or "{{" not in prose
    assert page.select("div.agr") != []


ALERT = "<script>alert(1)</script>"
OUTPUTS: list[dict[str, Any]] = [
    {"data": {"image/png": f'AAAA">{ALERT}'}},
    {"data": {"image/png": "AAAA"}, "metadata": {"image/png": {"width": "1 onerror=alert(1)"}}},
    {"data": {"image/png": "AAAA"}, "metadata": {"width": "1 onerror=alert(1)", "filenames": {"image/png": "x"}}},
    {"data": {"text/html": "<b>x</b>"}, "metadata": {"text/html": {"isolated": True}}},
    {"data": {"text/plain": "x"}, "output_type": "execute_result", "execution_count": ALERT},
    {"data": {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}}},
    {"data": {"application/javascript": "alert(1)", "text/vnd.mermaid": "graph"}},
    {"data": {"image/svg+xml": ["<svg>", f"{ALERT}</svg>"]}},
    {"output_type": "stream", "name": "<script>", "text": ["a", ALERT]},
    {"output_type": "stream"},
    {"output_type": "error"},
    {"output_type": ALERT},
    {},
]


@pytest.mark.parametrize("output", OUTPUTS)
def test_odd_outputs_are_inert(course: Course, ran: NotebookNode, output: dict[str, Any]) -> None:
    demo = cell(ran, "demo")
    demo.outputs = [nbformat.from_dict({"output_type": "display_data"} | output)]
    demo.execution_count = ALERT
    assert_inert(write(course, ran))


def test_a_student_cannot_draw_a_report(course: Course, ran: NotebookNode) -> None:
    forged = "<div class='agr agr-full'><p class='agr-head'>linear.predict passed</p></div>"
    cell(ran, "demo").outputs = [new_output("display_data", data={"text/html": forged})]
    cell(ran, "why").source = forged
    assert len(write(course, ran).select(".agr")) == 2


# --- the file ---------------------------------------------------------------------------------------------


def test_older_feedback_is_replaced_whole(course: Course, ran: NotebookNode) -> None:
    write(course, ran)
    cell(ran, "why").source = "another answer"
    text = shown(write(course, ran))
    assert "another answer" in text
    assert "two sides" not in text
    assert [path.name for path in (course.feedback / "alice" / NAME).iterdir()] == [f"{NAME}.html"]


def test_the_notebook_is_left_as_it_was(course: Course, ran: NotebookNode) -> None:
    before = nbformat.writes(ran)
    write(course, ran)
    assert nbformat.writes(ran) == before


def test_nothing_is_logged(
    course: Course, ran: NotebookNode, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    cell(ran, "demo").outputs = [new_output("display_data", data={"image/png": "AAAA"})]
    with caplog.at_level(logging.WARNING):
        write(course, ran)
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


def test_a_student_without_grades_is_an_error(course: Course, ran: NotebookNode) -> None:
    with pytest.raises(CourseError, match=r"bob has no grades .* run autograder grade"):
        write(course, ran, student="bob")
    assert not (course.feedback / "bob").exists()


@pytest.mark.parametrize("student", ["..", ".", "", "../alice", "a/b", "a\\b", "a\0"])
def test_a_student_id_cannot_lead_elsewhere(course: Course, ran: NotebookNode, student: str) -> None:
    with pytest.raises(CourseError, match="cannot be a folder name"):
        write(course, ran, student=student)


def test_the_course_caps_the_help_of_verdicts_that_are_recorded(course, ran):
    hints, slip = ("a nudge", "an idea", "nearly all"), ("line 3", "a sign", "- becomes +")
    helped = replace(GRADED.exercises[1], hints=hints, slip=slip)
    graded = replace(GRADED, exercises=(GRADED.exercises[0], helped, GRADED.exercises[2]))

    def page() -> str:
        return write_feedback(course, "alice", NAME, ran, graded).read_text("utf-8")

    assert not [told for told in (*hints, *slip) if told not in page()]
    capped = replace(ASSIGNMENTS.table, help=Help(hints=1, slip_steps=2))
    with ASSIGNMENTS.using(capped):
        drawn = page()
    assert not [told for told in (hints[0], *slip[:2]) if told not in drawn]
    assert not [told for told in (*hints[1:], slip[2]) if told in drawn]


# --- the class ---------------------------------------------------------------------------------------------


@pytest.fixture
def graded_class(course: Course, ran: NotebookNode) -> Course:
    """Five students with the same work, graded; what became of four notebooks since is for the tests."""
    course.verdicts.mkdir(parents=True)
    for student in ("alice", "bob", "carol", "dave", "erin"):
        graded = replace(GRADED, student=student)
        with GradebookWriter(course.gradebook_url) as writer:
            writer.record(graded, None, datetime(2026, 3, 1))
        save_verdicts(course, StoredVerdicts(graded, "fingerprint", "process", "cpu"))
        path = course.autograded / student / NAME / f"{NAME}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(nbformat.writes(ran), "utf-8")
    return course


def spoil(course: Course, student: str, text: str | None) -> None:
    path = course.autograded / student / NAME / f"{NAME}.ipynb"
    path.unlink() if text is None else path.write_text(text, "utf-8")


def test_no_page_is_lost_to_another_s_notebook(
    graded_class: Course, ran: NotebookNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(graded_class, "bob", None)
    spoil(graded_class, "carol", nbformat.writes(ran)[:500])
    for student, message in (("dave", "DAVE"), ("erin", "ERIN")):
        spoilt = copy.deepcopy(ran)
        cell(spoilt, "why").source = f"{message} {EVIL}"
        spoil(graded_class, student, nbformat.writes(spoilt))
    real = feedback._Exporter.markdown2html

    @pass_context
    def fails(self: Any, context: Any, source: str) -> str:
        if "DAVE" in source:
            raise InvalidNotebook("missing attachment: d.png")
        if "ERIN" in source:
            raise RecursionError("too deep")
        return str(real(self, context, source))

    monkeypatch.setattr(feedback._Exporter, "markdown2html", fails)
    feedback._exporter.cache_clear()
    pages = feedback_for_class(graded_class, [NAME], None)
    feedback._exporter.cache_clear()
    assert [path.parent.parent.name for path in pages.written] == ["alice", "bob", "carol", "dave", "erin"]
    assert [line.partition(",")[0] for line in pages.plain] == ["bob", "carol", "dave", "erin"]
    assert "missing attachment: d.png" in pages.plain[2]
    for path in pages.written:
        page = BeautifulSoup(path.read_text("utf-8"), "html.parser")
        text = shown(page)
        assert "(Score: 3.5 / 9" in text, path
        assert ("could not be drawn as a page" in text) == (path.parent.parent.name != "alice")
        assert "ties go down" in text
    for student in ("dave", "erin"):
        page = BeautifulSoup(
            (graded_class.feedback / student / NAME / f"{NAME}.html").read_text("utf-8"), "html.parser"
        )
        assert EVIL in shown(page)
        assert page.find_all(["script", "img"]) == []
        assert "default-src 'none'" in page.head.find("meta")["content"]


def test_who_is_not_in_the_gradebook_is_named_and_the_others_have_their_pages(graded_class: Course) -> None:
    save_verdicts(graded_class, StoredVerdicts(replace(GRADED, student="zed"), "fingerprint", "process", "cpu"))
    path = graded_class.autograded / "zed" / NAME / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text((graded_class.autograded / "bob" / NAME / f"{NAME}.ipynb").read_text("utf-8"), "utf-8")
    pages = feedback_for_class(graded_class, [NAME], None)
    assert len(pages.written) == 5
    assert pages.left_out == (f"zed has no grades for {NAME} in the gradebook: run autograder grade",)
    with pytest.raises(CourseError, match="zed has no grades"):
        feedback_for_class(graded_class, [NAME], "zed")


def test_a_plain_page_has_a_person_s_points_and_comment(graded_class: Course) -> None:
    with Gradebook(graded_class.gradebook_url) as book:
        book.find_grade("why", NAME, NAME, "bob").manual_score = 2
        book.find_comment("why", NAME, NAME, "bob").manual_comment = f"Nearly. {EVIL}"
        book.db.commit()
    spoil(graded_class, "bob", "no notebook")
    pages = feedback_for_class(graded_class, [NAME], "bob")
    text = shown(BeautifulSoup(pages.written[0].read_text("utf-8"), "html.parser"))
    assert "(Score: 5.5 / 9)" in text
    assert f"why : Nearly. {EVIL}" in text
    assert text.endswith("no notebook")
