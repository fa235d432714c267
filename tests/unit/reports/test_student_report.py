from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import class_verdicts
import pytest

from autograder.calls import Status
from autograder.exercise import CaseResult, Verdict
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
        assert not [name for name, _ in attrs if name.startswith("on")]

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
    for text in ("called with", "your answer", "expected", "W = [[1., 0., 2.]]"):
        assert html.count(text) == 1 or text == "expected"
    assert html.count("<pre>") == 3
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
    assert len(lines) <= 25
    assert max(map(len, lines)) <= 88


def test_plain_text_uses_the_room_there_is():
    values = "\n".join(f"row {index}" for index in range(7))
    case = CaseResult("one", "basics", False, False, "differs", "values", (("called with", values),))
    text = Report(failed(cases=(case,)), local=True).text()
    assert "row 6" in text
    crowded = replace(case, details=case.details * 4)
    text = Report(failed(cases=(crowded,)), local=True).text()
    assert len(text.splitlines()) <= 25
    assert text.count("row 0") == 4
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


def test_what_stands_between_backticks_is_code_and_stays_text():
    sentence = "Put `padding` zeros around; `<b>` & a lone ` stay."
    expected = "Put <code>padding</code> zeros around; <code>&lt;b&gt;</code> &amp; a lone ` stay."
    assert with_code(sentence) == expected
    verdict = Verdict("linear.scores", Status.FAILED, 0.0, 2.0, "", sentence, "shifted", (), ())
    assert expected in Report(verdict, local=True).html()
