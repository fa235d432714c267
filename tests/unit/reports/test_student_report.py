from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import class_verdicts
import pytest
from bs4 import BeautifulSoup

from autograder.calls import Status
from autograder.exercise import CaseResult, Verdict
from autograder.reports import student_html
from autograder.reports.progress import CoursePlan
from autograder.reports.student import ProgressReport, ProgressRow, Report
from autograder.reports.words import KINDS, STATUSES, clean, with_code

FAILING = [kind for kind in KINDS if kind not in ("not_written", "device")]
HOSTILE = "<img src=x onerror=alert(1)>\x1b[31m\u202e[bold]\x00\ud800"


class Balanced(HTMLParser):
    """Counts tags and refuses elements that are closed in another order than they were opened."""

    def __init__(self):
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag not in ("img", "br"):
            self.open.append(tag)
        handlers = {value for name, value in attrs if name.startswith("on")}
        assert handlers <= {student_html._COPY}, "no handler holds anything of a student's"

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parsed(html: str) -> list[str]:
    parser = Balanced()
    parser.feed(html)
    assert parser.open == []
    return parser.seen


def failed(kind: str = "values", **changes) -> Verdict:
    return replace(class_verdicts.verdict(kind, failing=5), **changes)


@pytest.mark.parametrize("kind", FAILING)
def test_each_kind_is_named_and_says_what_to_do_next(kind):
    report = Report(class_verdicts.verdict(kind), local=True)
    for drawn in (report.html(), report.text()):
        assert KINDS[kind].title.lower() in drawn.lower()
        assert "batch of one" in drawn
        assert "1 / 2 points on the visible cases" in drawn
    parsed(report.html())
    told = STATUSES[Status.TIMEOUT].advice if kind == "breach" else KINDS[kind].advice
    assert told in " ".join(report.text().split())


def test_kinds_do_not_look_alike():
    assert len({look.icon for look in KINDS.values()}) == len(KINDS)
    assert len({look.title for look in KINDS.values()}) == len(KINDS)
    assert len({look.symbol for look in STATUSES.values()}) == len(STATUSES) == len(Status)


def test_the_first_failing_case_is_shown_in_full_and_the_rest_is_folded():
    html = Report(class_verdicts.verdict("values"), local=True).html()
    for text in ("<dt>called with</dt>", "<dt>your answer</dt>", "<dt>expected</dt>", "W = [[1., 0., 2.]]"):
        assert html.count(text) == 1
    assert html.count("<pre") == 3
    assert "<summary>✓ 3 cases pass</summary>" in html


def test_the_students_own_line_is_shown():
    report = Report(class_verdicts.verdict("exception"), local=True)
    assert "line 4: return X @ W + b" in report.html()
    assert "line 4: return X @ W + b" in report.text()


def test_a_known_misconception_is_the_likely_cause():
    report = Report(class_verdicts.verdict("values", hinted=True), local=True)
    assert "Likely cause" in report.html()
    assert "Each row of W belongs to one class" in report.html()
    assert "Likely cause: These are the numbers" in report.text()


def test_not_written_is_calm_and_short():
    report = Report(failed("not_written"), local=True)
    assert "agr-blank" in report.html()
    assert "agr-case" not in report.html(style=False)
    assert len(report.text().splitlines()) <= 3
    assert "not written yet" in report.text()


def test_group_points_are_shown_where_they_are_known():
    report = Report(
        class_verdicts.verdict("values"), local=True, groups={"basics": 1.5, "corners": 0.5, "gradients": 1}
    )
    for drawn in (report.html(), report.text()):
        assert "✓ basics: 3 of 3 cases, 1.5 pt" in drawn
        assert "✗ corners: 0 of 2 cases, 0.5 pt" in drawn
        assert "gradients: judged at" in drawn


def test_a_hidden_case_shows_its_name_and_kind_and_nothing_else():
    report = Report(class_verdicts.hidden_miss("softmax"), local=False)
    for drawn in (report.html(), report.text()):
        assert "hidden: one class (hidden): wrong values" in drawn
        assert "HIDDEN-MESSAGE" not in drawn
        assert "42.17" not in drawn
        assert "1.5 / 3 points" in drawn
        assert "on the visible cases" not in drawn


def test_remarks_are_shown_on_an_exercise_that_passes():
    report = Report(replace(class_verdicts.verdict(""), remarks=("wider than needed",)), local=True)
    assert "Note: wider than needed" in report.html()
    assert "Note: wider than needed" in report.text()
    assert "agr-full" in report.html()


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_a_report(status):
    report = Report(class_verdicts.stopped("scores", status, "the reason"), local=False)
    parsed(report.html())
    assert STATUSES[status].phrase in report.html()
    assert report.text().startswith(f"{STATUSES[status].symbol} linear.scores: {STATUSES[status].phrase}")


def test_student_text_is_never_markup():
    case = CaseResult(HOSTILE, HOSTILE, False, False, HOSTILE, HOSTILE, ((HOSTILE, HOSTILE),))
    verdict = Verdict(HOSTILE, Status.FAILED, 0, 1, HOSTILE, HOSTILE, HOSTILE, (case, case), (HOSTILE,))
    report = Report(verdict, local=True)
    assert "img" not in parsed(report.html())
    for drawn in (report.html(), report.text()):
        assert not {"\x1b", "\x00", "\u202e", "\ud800"} & set(drawn)
        drawn.encode("utf-8")


def test_plain_text_stays_within_a_terminal():
    wide = (("called with", "\n".join(f"row {index} " + "9" * 300 for index in range(90))),) * 6
    cases = tuple(
        CaseResult(f"case {n} " * 30, f"group {n}", False, False, "m " * 900, "values", wide) for n in range(40)
    )
    verdict = failed(cases=cases, diagnosis="d " * 900, message="s " * 900, remarks=("r " * 900,) * 9)
    lines = Report(verdict, local=True).text().splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 88


def test_plain_text_uses_the_room_there_is():
    values = "\n".join(f"row {index}" for index in range(7))
    case = CaseResult("one", "basics", False, False, "differs", "values", (("called with", values),))
    text = Report(failed(cases=(case,)), local=True).text()
    assert "row 6" in text
    crowded = replace(case, details=case.details * 6)
    text = Report(failed(cases=(crowded,)), local=True).text()
    assert len(text.splitlines()) <= 40
    assert text.count("row 0") == 6
    assert "row 6" not in text


def test_the_bundle_holds_html_and_text():
    bundle = Report(class_verdicts.verdict(""), local=True)._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert "http" not in bundle["text/html"]


def test_progress_adds_up():
    rows = (ProgressRow("01 <b>Linear</b>", 6, 9, 14, 19, here=True), ProgressRow("02 Forward", 7, 7, 9, 9))
    report = ProgressReport(rows)
    assert report.total() == ProgressRow("Total", 13, 16, 23, 28)
    assert "01 &lt;b&gt;Linear&lt;/b&gt;" in report.html()
    assert parsed(report.html()).count("tr") == 4
    lines = report.text().splitlines()
    assert lines[1].startswith("▸ 01")
    assert lines[2].endswith("7/7 exercises, 9/9 points ✓")
    assert lines[3].endswith("13/16 exercises, 23/28 points")


def rows_of_a_course():
    return (
        ProgressRow("0 · Start", 1, 1, 1, 1, name="00_start", address="../00_start/00_start.ipynb", hours=0.1),
        ProgressRow("1 · <b>Lines</b>", 3, 3, 6, 6, name="01_a", address="../01_a/01_a.ipynb", hours=3),
        ProgressRow("2 · Folds", 1, 3, 2, 6, True, "02_b", "02_b.ipynb", "relu", ("01_a",), 2.5),
        ProgressRow("3 · Alone", 0, 2, 0, 4, name="03_c", todo="first", needs=("01_a", "02_b"), hours=1),
    )


def test_progress_leads_to_the_next_exercise_the_notebooks_and_the_map():
    page = BeautifulSoup(ProgressReport(rows_of_a_course()).html(), "html.parser")
    links = {link.get_text(): link["href"] for link in page.select("a")}
    assert links == {
        "0 · Start": "../00_start/00_start.ipynb",
        "1 · <b>Lines</b>": "../01_a/01_a.ipynb",
        "relu": "02_b.ipynb#Exercise:-relu",
        "2 · Folds": "02_b.ipynb",
        "Map of the course": "../00_start/00_start.ipynb",
    }
    assert page.select_one(".agr-next").get_text() == "Next: relu in 2 · Folds · Map of the course"


def test_progress_says_the_same_in_plain_text():
    assert ProgressReport(rows_of_a_course()).text().splitlines()[-2:] == [
        "Next: relu in 2 · Folds (02_b.ipynb)",
        "Map of the course (../00_start/00_start.ipynb)",
    ]


def next_of(*changes):
    rows = [replace(row, **change) for row, change in zip(rows_of_a_course(), changes, strict=True)]
    report = ProgressReport(tuple(rows))
    row = report.next_row()
    return (row.number, row.todo) if row else report.text().splitlines()[-1]


def test_the_next_exercise_is_in_the_open_notebook_then_after_it_then_before_it():
    nothing, done = {}, {"todo": ""}
    assert next_of(nothing, nothing, nothing, nothing) == ("2", "relu")
    assert next_of(nothing, {"todo": "scores"}, nothing, nothing) == ("2", "relu")
    assert next_of(nothing, {"todo": "scores"}, done, nothing) == ("3", "first")
    assert next_of(nothing, {"todo": "scores"}, done, done) == ("1", "scores")
    assert next_of({"address": ""}, nothing, done, done) == "Every exercise passes."


def test_the_plan_says_what_a_notebook_builds_on_and_how_long_it_takes():
    plan = CoursePlan(rows_of_a_course())
    page = BeautifulSoup(plan.html(), "html.parser")
    cells = [[cell.get_text() for cell in row.select("td")] for row in page.select("tr")[1:]]
    assert cells == [
        ["0 · Start ✓", "6 min", "nothing", "1 / 1"],
        ["1 · <b>Lines</b> ✓", "3 h", "nothing", "3 / 3"],
        ["▸ 2 · Folds", "2.5 h", "1", "1 / 3"],
        ["3 · Alone", "1 h", "1, 2", "0 / 2"],
    ]
    lines = plan.text().splitlines()
    assert lines[0] == "The notebooks (5 of 9 exercises; hours are estimates, about 7 in all)"
    assert " ".join(lines[3].split()) == "▸ 2 · Folds 2.5 h 1/3 exercises, builds on 1"
    assert lines[-2] == "Next: relu in 2 · Folds (02_b.ipynb)"
    assert CoursePlan(()).text() == ProgressReport(()).text()


def test_progress_without_rows_says_so():
    assert ProgressReport(()).text() == "No exercise has been checked yet."
    assert "No exercise has been checked yet." in ProgressReport(()).html()


def test_clean_keeps_what_people_write():
    assert clean("zoë 张伟 🎲\n\tx") == "zoë 张伟 🎲\n\tx"
    assert clean("a\r\nb\x85") == "a\nb\ufffd"
    assert clean("x" * 50, 10) == "x" * 9 + "…"


def test_drawing_a_report_needs_the_standard_library_only():
    script = (
        "import sys, importlib.util, types\n"
        "package = types.ModuleType('autograder'); package.__path__ = ['autograder']\n"
        "sys.modules['autograder'] = package\n"
        "import autograder.reports, autograder.reports.student\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", "import sys; sys.path.insert(0, '.')\n" + script],
        capture_output=True,
        text=True,
        check=True,
    )
    foreign = {name for name in done.stdout.split() if not name.startswith(("_", "autograder", "sitecustomize"))}
    assert not foreign & {"numpy", "torch", "rich", "jinja2", "IPython", "nbformat"}, foreign
    assert "autograder" in done.stdout


SLIP = ("line 3: `return x.sum(axis=1)`", "The sum runs over the wrong axis.", "axis=1 becomes axis=0")
HINTS = ("Look at one column.", "A sum has an axis.", "Write x.sum(axis=0).")


def helped(**changes) -> Verdict:
    return replace(class_verdicts.verdict("values", hinted=True), **({"slip": SLIP, "hints": HINTS} | changes))


class Folds(HTMLParser):
    """For each text, the summaries of the folds around it."""

    def __init__(self):
        super().__init__()
        self.around: list[str] = []
        self.texts: dict[str, tuple[str, ...]] = {}
        self.summary = False

    def handle_starttag(self, tag, attrs):
        self.summary = self.summary or tag == "summary"

    def handle_endtag(self, tag):
        self.summary = self.summary and tag != "summary"
        if tag == "details":
            self.around.pop()

    def handle_data(self, data):
        if self.summary:
            self.around.append(data)
        self.texts.setdefault(data, tuple(self.around))


def test_each_step_of_help_is_inside_the_one_before_it():
    folds = Folds()
    folds.feed(Report(helped(), local=True).html(style=False))
    where, kind, edit = "1. Where to look", "2. What kind of slip", "3. The edit"
    assert folds.texts["return x.sum(axis=1)"] == (where,)
    assert folds.texts[SLIP[1]] == (where, kind)
    assert folds.texts[SLIP[2]] == (where, kind, edit)
    nudge, idea, nearly = "1. A nudge", "2. The idea", "3. Nearly the answer"
    assert [folds.texts[hint] for hint in HINTS] == [(nudge,), (nudge, idea), (nudge, idea, nearly)]
    assert "<details open" not in Report(helped(), local=True).html()


def test_help_comes_between_the_likely_cause_and_the_case():
    report = Report(helped(), local=True)
    for drawn in (report.html(), report.text()):
        places = [drawn.index(text) for text in ("Likely cause", "x.sum(axis=1)", HINTS[0], "batch of one")]
        assert places == sorted(places)


def test_plain_text_shows_the_first_steps_and_how_to_see_more():
    report = Report(helped(), local=True, ask='check("linear.scores", scores).hint({})')
    text = report.text()
    assert 'More help: check("linear.scores", scores).hint(2)' in text
    assert SLIP[0] in text
    assert HINTS[0] in text
    assert not [told for told in (*SLIP[1:], *HINTS[1:]) if told in text]
    second = report.hint(2)
    assert SLIP[1] in second.text()
    assert HINTS[1] in second.text()
    assert HINTS[2] not in second.text()
    assert second.html().count("<details open>") == 4
    assert "More help" not in report.hint(3).text()


def test_help_before_anything_is_written_stays_folded():
    report = Report(helped(status=Status.NOT_WRITTEN, slip=()), local=True, ask="ask({})")
    assert HINTS[0] not in report.text()
    assert "Hints: ask(1)" in report.text()
    assert HINTS[0] in report.hint(1).text()
    assert HINTS[0] in report.html()


def test_cases_that_raise_the_same_exception_fold():
    cases = [
        CaseResult(name, "basics", False, False, f"your function raised {error}", "exception")
        for name, error in [("a", "NameError: y"), ("b", "NameError: y"), ("c", "TypeError: z"), ("d", "NameError: y")]
    ]
    report = Report(failed("exception", cases=tuple(cases)), local=True)
    for drawn in (report.html(style=False), report.text()):
        assert "2 more cases raise the same NameError" in drawn
        assert "c: your function raised TypeError: z" in drawn
        assert drawn.count("NameError: y") == 1
    assert "<li>b</li><li>d</li>" in report.html()


def test_entries_that_differ_are_marked_by_signs_and_in_html_by_colour():
    case = CaseResult("one", "basics", False, False, "differs", "values", (("your answer", "[»1.5«, <b>]"),))
    report = Report(failed(cases=(case,)), local=True)
    assert "[<mark>»1.5«</mark>, &lt;b&gt;]" in report.html()
    assert "[»1.5«, <b>]" in report.text()


def test_answer_and_expected_value_are_side_by_side():
    pairs = (("your answer", "[[1.],\n [2.]]"), ("expected", "[[3.],\n [4.]]"))
    case = CaseResult("one", "basics", False, False, "differs", "values", pairs)
    text = Report(failed(cases=(case,)), local=True).text()
    assert any("[[1.]," in line and "[[3.]," in line for line in text.splitlines())
    wide = tuple((label, told + "9" * 60) for label, told in pairs)
    text = Report(failed(cases=(replace(case, details=wide),)), local=True).text()
    assert not any("[[1.]," in line and "[[3.]," in line for line in text.splitlines())


def test_a_case_can_be_copied_as_code():
    case = CaseResult("one", "basics", False, False, "differs", "values", (("to try it", "scores(X < 2)"),))
    verdict = failed(cases=(case,))
    html = Report(verdict, local=True).html()
    assert "scores(X &lt; 2)</pre>" in html
    assert "<button" in html
    assert "<button" not in Report(verdict, local=False).html(), "a page for others runs no script"
    assert "  to try it:\n    scores(X < 2)" in Report(verdict, local=True).text()
    long = replace(case, details=(("to try it", "scores(\n" + "    1,\n" * 30 + ")"),))
    assert "to try it" not in Report(failed(cases=(long,)), local=True).text()


def test_what_was_printed_is_folded_under_its_case():
    quiet, loud = (
        CaseResult(name, "basics", False, passed, "", "" if passed else "values", (("printed", f"seen in {name}"),))
        for name, passed in (("the first", True), ("the second", False))
    )
    folds = Folds()
    folds.feed(Report(failed(cases=(quiet, loud)), local=True).html(style=False))
    assert folds.texts["seen in the second"] == ("What your function printed here",)
    assert folds.texts["seen in the first"] == ("What your function printed in 1 other case",)


def test_a_report_is_announced_has_headings_and_scrolls_by_keyboard():
    html = Report(class_verdicts.verdict("values", hinted=True), local=True).html(style=False)
    assert html.startswith('<div class="agr agr-part" role="region" aria-label="Report on linear.scores"')
    assert html.count('role="status"') == 1
    assert html.count('role="heading"') == 3
    assert html.count("<pre") == html.count('tabindex="0"') == 3


def test_what_stands_between_backticks_is_code_and_stays_text():
    sentence = "Put `padding` zeros around; `<b>` & a lone ` stay."
    expected = "Put <code>padding</code> zeros around; <code>&lt;b&gt;</code> &amp; a lone ` stay."
    assert with_code(sentence) == expected
    verdict = Verdict("linear.scores", Status.FAILED, 0.0, 2.0, "", sentence, "shifted", (), ())
    assert expected in Report(verdict, local=True).html()
