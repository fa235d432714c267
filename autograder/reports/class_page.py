"""One self-contained HTML page for a whole class: who got what and why, and what to teach again.

The page loads nothing: styles, charts (inline SVG) and the few lines of script for sorting are inside, and its
content security policy names that one script by its hash. jinja2 escapes every value.
"""

from __future__ import annotations

import base64
import hashlib
import statistics
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from autograder.calls import Status
from autograder.exercise import ClassGrading, Graded, Verdict
from autograder.reports.class_stats import AssignmentSummary, ExerciseSummary, commonest_misconceptions, summarise
from autograder.reports.colours import page_variables, tone_of
from autograder.reports.fronts import Fronts, fronts
from autograder.reports.words import (
    STATUSES,
    StatusLook,
    case_line,
    clean,
    number,
    one_line,
    percent,
    short_name,
    why,
    with_code,
)

__all__ = ["class_page"]


@dataclass(frozen=True)
class Cell:
    """One exercise of one student: symbol, colour, sort value and the text of the tooltip."""

    symbol: str
    tone: str
    order: float
    tip: str


@dataclass(frozen=True)
class Row:
    """One student of an assignment."""

    student: str
    link: str
    score: str
    share: float
    flags: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Segment:
    """A piece of an exercise's bar: students of one status."""

    status: str
    symbol: str
    tone: str
    count: int
    width: float


@dataclass(frozen=True)
class Bar:
    """A column of the histogram, in the units of the drawing."""

    x: float
    y: float
    height: float
    count: int
    label: str


@dataclass(frozen=True)
class Section:
    """An assignment, ready to be drawn."""

    summary: AssignmentSummary
    rows: tuple[Row, ...]
    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, int], ...]
    segments: tuple[tuple[ExerciseSummary, tuple[Segment, ...]], ...]
    fronts: tuple[Fronts, ...]


def class_page(grading: ClassGrading, *, feedback_links: bool = False) -> str:
    """The page as HTML text.

    Args:
        grading: what was graded; may be empty.
        feedback_links: link each student to `feedback/<student>/<assignment>/<assignment>.html` beside the page.
    """
    summaries = summarise(grading)
    scores = [score for summary in summaries for score in summary.scores]
    used = {verdict.status for graded in grading.submissions for verdict in graded.exercises}
    return _template("class_page.html.jinja").render(
        style=_style(),
        script=_part("class_page.js"),
        script_hash=_hash(_part("class_page.js")),
        sections=[_section(summary, feedback_links) for summary in summaries],
        students=len({graded.student for graded in grading.submissions}),
        submissions=len(grading.submissions),
        mean=statistics.fmean(scores) if scores else 0.0,
        median=statistics.median(scores) if scores else 0.0,
        flagged=sum(bool(graded.flags) for graded in grading.submissions),
        by_hand=_by_hand(grading),
        teach=commonest_misconceptions(summaries),
        legend=[(STATUSES[status], tone_of(status)) for status in Status if status in used],
        isolation=one_line(grading.isolation),
        device=one_line(grading.device),
    )


def _style() -> str:
    """The page's style sheet with the colours of the statuses put in by theme."""
    sheet = _part("class_page.css")
    for theme in ("light", "dark"):
        sheet = sheet.replace(f"/* statuses: {theme} */", page_variables(theme))
    return sheet


# --- values of the page ----------------------------------------------------------------------------------


def _by_hand(grading: ClassGrading) -> int:
    return sum(verdict.status is Status.NEEDS_MANUAL for graded in grading.submissions for verdict in graded.exercises)


def _section(summary: AssignmentSummary, linked: bool) -> Section:
    ids = [exercise.id for exercise in summary.exercises]
    bars, ticks = _histogram(summary.histogram())
    return Section(
        summary,
        tuple(_row(graded, ids, linked) for graded in summary.submissions),
        bars,
        ticks,
        tuple((exercise, _segments(exercise)) for exercise in summary.exercises),
        fronts(summary.submissions),
    )


def _row(graded: Graded, ids: list[str], linked: bool) -> Row:
    verdicts = {verdict.id: verdict for verdict in graded.exercises}
    parts = (graded.student, graded.assignment, f"{graded.assignment}.html")
    # A folder named with a lone surrogate cannot be linked; "." and ".." would lead elsewhere.
    safe = linked and clean(graded.student) == graded.student and graded.student not in (".", "..")
    return Row(
        one_line(graded.student, 80),
        "feedback/" + "/".join(quote(part, safe="") for part in parts) if safe else "",
        f"{number(graded.score)} / {number(graded.max_score)}",
        percent(graded.score, graded.max_score),
        tuple(one_line(flag) for flag in graded.flags),
        tuple(_cell(verdicts.get(id_), id_) for id_ in ids),
    )


def _cell(verdict: Verdict | None, id_: str) -> Cell:
    if verdict is None:
        look = STATUSES[Status.MISSING]
        return Cell(look.symbol, "blank", -1.0, f"{one_line(id_)}: not in this submission")
    look = STATUSES[verdict.status]
    lines = [f"{one_line(id_)}: {look.word}, {number(verdict.points)} of {number(verdict.max_points)} points"]
    if verdict.status not in (Status.PASSED, Status.NOT_WRITTEN, Status.NEEDS_MANUAL):
        lines.append(why(verdict))
        missed = [case for case in verdict.cases if not case.passed]
        lines += [f"✗ {case_line(case)}" for case in missed[:4]]
        lines += [f"✗ and {len(missed) - 4} more cases"] if len(missed) > 4 else []
    share = percent(verdict.points, verdict.max_points)
    order = share + (0.5 if verdict.status is Status.NEEDS_MANUAL else 0.0) - (verdict.status is Status.NOT_WRITTEN)
    return Cell(look.symbol, tone_of(verdict.status), order, "\n".join(dict.fromkeys(lines)))


def _segments(exercise: ExerciseSummary) -> tuple[Segment, ...]:
    def segment(status: Status, count: int) -> Segment:
        look: StatusLook = STATUSES[status]
        return Segment(look.word, look.symbol, tone_of(status), count, 100.0 * count / exercise.total)

    return tuple(segment(status, count) for status, count in exercise.counts)


def _histogram(counts: tuple[int, ...]) -> tuple[tuple[Bar, ...], tuple[tuple[float, int], ...]]:
    """Bars and the ticks of the vertical axis in a plot area of 400 x 220 that starts at (44, 14)."""
    most = max(4, *counts)
    step = -(-most // 4)
    top = 4 * step
    bars = []
    for index, count in enumerate(counts):
        height = 220.0 * count / top
        label = f"{10 * index} to {10 * index + 10} percent: {count} student{'s' if count != 1 else ''}"
        bars.append(Bar(44 + 40 * index + 3, 234 - height, height, count, label))
    return tuple(bars), tuple((234 - 55.0 * index, step * index) for index in range(5))


# --- parts of the page -----------------------------------------------------------------------------------


@cache
def _part(name: str) -> str:
    return (files("autograder.reports") / "page" / name).read_text("utf-8")


@cache
def _template(name: str) -> Template:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_harmless,
    )
    environment.filters["short"] = short_name
    environment.filters["points"] = number
    environment.filters["coded"] = lambda text: Markup(with_code(text))
    return environment.from_string(_part(name))


def _harmless(value: object) -> object:
    """Text without control characters; what the template marks as safe is the page's own and passes unchanged."""
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
