"""The feedback page of a notebook that cannot be drawn: scores, verdicts and the notebook as text, and why.

Nothing here goes through a parser of Markdown or HTML, so nothing in a notebook can keep the page from being written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path

from autograder.exercise import Graded
from autograder.exercises import ASSIGNMENTS
from autograder.pipeline.course import Course, CourseError
from autograder.pipeline.files import write_atomically
from autograder.reports.student import Report
from autograder.reports.style import STYLE
from autograder.reports.words import number, one_line

__all__ = ["feedback_file", "write_plain_feedback"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"
_LOOK = (
    "<style>body{font-family:system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;line-height:1.5}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid #999;padding:.5rem 1rem}</style>"
)
_MOST_CELLS = 2_000
_LONGEST = 20_000


def feedback_file(course: Course, student: str, assignment: str) -> Path:
    """Where the page of a submission belongs.

    Raises:
        CourseError: the student's id cannot be a folder's name.
    """
    if student in ("", ".", "..") or "/" in student or "\\" in student or "\0" in student:
        raise CourseError(f"{student!r} cannot be a folder name")
    return course.feedback / student / assignment / f"{assignment}.html"


def write_plain_feedback(
    course: Course, graded: Graded, sources: Iterable[str], reason: str, comments: Mapping[str, str]
) -> Path:
    """Writes the page of a submission whose notebook cannot be drawn, and returns its file.

    Args:
        course: where it goes.
        graded: the verdicts, with the points that count.
        sources: the texts of the notebook's cells, as far as they can be read.
        reason: why it cannot be drawn.
        comments: what a person wrote, by grade id.

    Raises:
        CourseError: the file cannot be written.
    """
    most = ASSIGNMENTS.table.help
    title = f"{one_line(graded.assignment, 80)} (Score: {number(graded.score)} / {number(graded.max_score)})"
    verdicts = (verdict.helped(hints=most.hints, slip_steps=most.slip_steps) for verdict in graded.exercises)
    reports = "".join(Report(verdict, local=False).html(style=False) for verdict in verdicts)
    said = "".join(
        f"<p><b>{escape(one_line(name, 80))}</b>: {escape(text[:_LONGEST])}</p>" for name, text in comments.items()
    )
    cells = "".join(f"<pre>{escape(text[:_LONGEST])}</pre>" for text in [*sources][:_MOST_CELLS] if text.strip())
    page = (
        f'<!DOCTYPE html><html lang="en"><head><meta http-equiv="Content-Security-Policy" content="{_POLICY}"/>'
        f'<meta charset="utf-8"/><title>{escape(title)}</title>{_LOOK}{STYLE}</head><body><h1>{escape(title)}</h1>'
        f"<p><b>This notebook could not be drawn as a page</b> ({escape(one_line(reason, 200))}). The scores are not "
        f"touched by that. What was handed in stands below as plain text.</p>{said}{reports}"
        f"<h2>The notebook</h2>{cells or '<p>Its text cannot be read either.</p>'}</body></html>"
    )
    path = feedback_file(course, graded.student, graded.assignment)
    write_atomically(path, page.encode("utf-8", "replace"))
    return path
