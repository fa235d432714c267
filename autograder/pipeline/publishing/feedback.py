"""Feedback as nbgrader writes it: the notebook as it ran, with the gradebook's scores and comments.

nbgrader's template and its `GetGrades` make the page. Everything from the student is cleaned first: the page is opened
by people who did not write it. It needs no network except for MathJax, and reads well without.
"""

from __future__ import annotations

import base64
import copy
import logging
import re
from collections.abc import Mapping
from functools import cache
from html import escape as html_escape
from pathlib import Path
from typing import Any
from uuid import uuid4

import nbgrader
import nh3
from jinja2 import pass_context
from nbconvert.exporters import HTMLExporter
from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.api import MissingEntry
from nbgrader.preprocessors import GetGrades
from traitlets.config import Config

from autograder.exercise import Graded, Verdict
from autograder.exercises import ASSIGNMENTS
from autograder.pipeline.cells import checked_name, grade_id, is_check
from autograder.pipeline.course import Course, CourseError
from autograder.pipeline.files import write_atomically
from autograder.pipeline.intake.picture_links import mark_missing
from autograder.pipeline.intake.pictures import why_not
from autograder.pipeline.publishing.plain_feedback import feedback_file
from autograder.pipeline.records.database import readable
from autograder.reports.student import Report
from autograder.reports.style import STYLE
from autograder.reports.words import one_line

__all__ = ["NoGrades", "write_feedback"]

_MATHJAX = "https://cdnjs.cloudflare.com/ajax/libs/mathjax/2.7.7/"
_POLICY = (
    f"default-src 'none'; img-src data:; style-src 'unsafe-inline' {_MATHJAX}; font-src data: {_MATHJAX}; "
    f"script-src 'unsafe-eval' {_MATHJAX}; form-action 'none'; base-uri 'none'"
)
_IMAGES = ("image/png", "image/jpeg", "image/svg+xml")
_TEXTS = ("text/html", "text/markdown", "text/latex", "text/plain")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_TAGS = {
    *_HEADINGS,
    *(
        "a",
        "abbr",
        "acronym",
        "b",
        "blockquote",
        "code",
        "em",
        "i",
        "li",
        "ol",
        "strong",
        "ul",
        "p",
        "br",
        "hr",
        "div",
        "span",
        "pre",
        "img",
        "del",
        "sub",
        "sup",
        "dl",
        "dt",
        "dd",
        "details",
        "summary",
    ),
    *("table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "figure", "figcaption"),
}
_ATTRIBUTES = {
    "*": {"align", "alt", "class", "colspan", "height", "open", "rowspan", "start", "style", "title", "width"},
    "a": {"href"},
    "img": {"src"},
    **{heading: {"id"} for heading in _HEADINGS},
}
_PROPERTIES = {
    "background-color", "border-bottom-color", "border-collapse", "border-color", "border-left-color",
    "border-right-color", "border-top-color", "clear", "color", "cursor", "direction", "display", "float", "font",
    "font-family", "font-size", "font-style", "font-variant", "font-weight", "height", "letter-spacing", "line-height",
    "overflow", "text-align", "text-decoration", "text-indent", "unicode-bidi", "vertical-align", "white-space",
    "width",
}  # fmt: skip
_CLASSES = ("highlight", "dataframe", "anchor-link")
_TAG = re.compile(r"</?([A-Za-z][^\s/<>]*)")
_DECLARATION = re.compile(r"[\s\w-]+:(?:[\s\w#.,%!+-]|(?:rgb|hsl)a?\([\s\d.,%/]*\))+", re.ASCII)
"""A name and a plain value: no strings, no escapes, and nothing that loads."""
_MOST_TAGS = 10_000
_MOST_ENVIRONMENTS = 500
"""In one piece of HTML or Markdown, whose parser takes the square of their number. More is shown as text."""
_IMAGE_SOURCE = re.compile(r"data:image/(?:png|jpeg|gif|webp|(?P<svg>svg\+xml));base64,(?P<data>[A-Za-z0-9+/=\s]*)\Z")


class NoGrades(CourseError):
    """The gradebook does not have this submission."""


def write_feedback(
    course: Course,
    student: str,
    assignment: str,
    notebook: NotebookNode,
    graded: Graded,
    class_fronts: Mapping[str, str] | None = None,
) -> Path:
    """Writes the feedback on one submission and returns its file; an older one is replaced.

    Args:
        course: where it goes and which gradebook the scores come from.
        student: the student's id.
        assignment: the name of the assignment and of its notebook.
        notebook: the restored notebook, as it ran or as it is.
        graded: the verdicts; they appear below the check cells, whatever the notebook printed there.
        class_fronts: pictures of the class's fronts by exercise, as `class_front.class_fronts` draws them.

    Raises:
        NoGrades: the submission is not in the gradebook.
        CourseError: a file cannot be written.
    """
    path = feedback_file(course, student, assignment)
    page = copy.deepcopy(notebook)
    reports = _put_reports(page, graded, class_fronts or {})
    for cell in page.cells:
        _clean_cell(cell)
    html = _scored(course, student, assignment, page)
    for mark, report in reports.items():
        html = html.replace(mark, report)
    write_atomically(path, html)
    return path


def _scored(course: Course, student: str, assignment: str, page: NotebookNode) -> str:
    ids = {"student": student, "assignment": assignment, "notebook": assignment, "db_url": course.gradebook_url}
    try:
        with readable(course.gradebook_url):
            html, _ = _exporter().from_notebook_node(page, {"nbgrader": ids, "unique_key": assignment})
    except MissingEntry as error:
        raise NoGrades(f"{student} has no grades for {assignment} in the gradebook: run autograder grade") from error
    head = f'<head><meta http-equiv="Content-Security-Policy" content="{_POLICY}"/>'
    html = str(html).replace(f"{_MATHJAX}latest.js", f"{_MATHJAX}MathJax.js")
    return html.replace("<head>", head, 1).replace("</head>", f"{STYLE}</head>", 1)


# --- the page --------------------------------------------------------------------------------------------


class _Exporter(HTMLExporter):  # type: ignore[misc]
    """nbconvert's exporter with every piece of rendered Markdown and HTML cleaned."""

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """Markdown to HTML without anything active in it; mathematics keeps its `<` and `&`."""
        if source.count(r"\begin{") > _MOST_ENVIRONMENTS:
            return _as_text(source)
        return _clean_html(super().markdown2html(context, source))

    def default_filters(self) -> Any:
        """nbconvert's filters, with a `clean_html` that is stricter and allows more tags."""
        yield from super().default_filters()
        yield "clean_html", _clean_html


@cache
def _exporter() -> _Exporter:
    """One exporter for all submissions, configured as in nbgrader's `GenerateFeedback`."""
    formgrader = Path(nbgrader.__file__).parent / "server_extensions" / "formgrader"
    config = Config()
    config.HTMLExporter.template_name = "feedback"
    config.HTMLExporter.extra_template_basedirs = [str(formgrader / "templates")]
    config.HTMLExporter.extra_template_paths = [str(formgrader / "static/node_modules/bootstrap/dist/css")]
    config.HTMLExporter.exclude_anchor_links = True
    config.HTMLExporter.sanitize_html = True
    config.Exporter.default_preprocessors = []
    log = logging.getLogger("autograder.feedback")
    log.setLevel(logging.ERROR)  # nbconvert warns about each picture without alt text
    exporter = _Exporter(config=config, log=log)
    for step in (GetGrades, CSSHTMLHeaderPreprocessor):
        exporter.register_preprocessor(step, enabled=True)
    return exporter


def _put_reports(page: NotebookNode, graded: Graded, class_fronts: Mapping[str, str]) -> dict[str, str]:
    """Marks the place of each report; the report itself is inserted after cleaning, since it is not the student's."""
    verdicts = {verdict.id.partition(".")[2]: verdict for verdict in graded.exercises}
    reports: dict[str, str] = {}
    for cell in page.cells:
        name = grade_id(cell)
        verdict = verdicts.get(checked_name(name))
        if cell.cell_type == "code" and is_check(name) and verdict is not None:
            mark = f"report-{uuid4().hex}"
            reports[mark] = _report(verdict) + class_fronts.get(verdict.id, "")
            cell.outputs = [new_output("display_data", data={"text/html": mark})]
    return reports


def _report(verdict: Verdict) -> str:
    """The report, with no more help than the course gives now."""
    most = ASSIGNMENTS.table.help
    return Report(verdict.helped(hints=most.hints, slip_steps=most.slip_steps), local=False).html(style=False)


# --- cleaning the student's work -------------------------------------------------------------------------


def _clean_cell(cell: NotebookNode) -> None:
    """Keeps what the template can show safely: known kinds of output, text as text, sizes as numbers."""
    if cell.cell_type != "code":
        if cell.cell_type == "markdown":
            mark_missing(cell)
        return
    if not isinstance(cell.get("execution_count"), int):
        cell.execution_count = None
    cleaned = [_clean_output(output) for output in cell.get("outputs", [])]
    cell.outputs = [output for output in cleaned if output is not None]


def _clean_output(output: Any) -> NotebookNode | None:
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return new_output("stream", name=name, text=_text(output.get("text")))
    if kind == "error":
        lines = [_text(line) for line in output.get("traceback") or []]
        names = {key: _text(output.get(key)) for key in ("ename", "evalue")}
        return new_output("error", traceback=lines, **names)
    if kind not in ("display_data", "execute_result") or output.get("metadata", {}).get("spoken") is True:
        return None  # what is spoken before a picture is its alt text here
    data = {mime: _text(output["data"][mime]) for mime in (*_IMAGES, *_TEXTS) if mime in output.get("data", {})}
    if not data:
        return None
    sizes = {mime: _shown_with(output.get("metadata", {}).get(mime)) for mime in _IMAGES if mime in data}
    return new_output("display_data", data=data, metadata=sizes)


def _text(value: Any) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value)


def _shown_with(metadata: Any) -> dict[str, Any]:
    """Sizes as numbers, which the template writes without quotes, and the picture's text, which it escapes."""
    given = metadata if isinstance(metadata, dict) else {}
    sizes = {key: int(given[key]) for key in ("width", "height") if isinstance(given.get(key), int | float)}
    return sizes | ({"alt": one_line(given["alt"], 1000)} if isinstance(given.get("alt"), str) else {})


def _clean_html(html: object) -> str:
    """HTML without anything active; a tag that is not allowed is shown as the text that it is."""
    text = html.decode("utf-8", "replace") if isinstance(html, bytes) else str(html)
    if text.count("<") > _MOST_TAGS:
        return _as_text(text)
    last = text.rfind(">")

    def shown(tag: re.Match[str]) -> str:
        is_kept = tag[1].lower() in _TAGS and tag.end() <= last and not text.startswith("<", tag.end())
        return tag[0] if is_kept else f"&lt;{tag[0][1:]}"

    return _cleaner().clean(_TAG.sub(shown, text))


def _as_text(text: str) -> str:
    return f"<pre>{html_escape(text)}</pre>"


@cache
def _cleaner() -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_allowed,
        url_schemes={"http", "https", "mailto", "data"},
        filter_style_properties=_PROPERTIES,
    )


def _is_inert_image(source: str) -> bool:
    """Whether it is a picture in the page itself; of an SVG, one without anything active."""
    image = _IMAGE_SOURCE.match(source)
    if image is None or not image["svg"]:
        return image is not None
    try:
        return not why_not(base64.b64decode(image["data"]))[1]
    except ValueError:
        return False


def _allowed(tag: str, name: str, value: str) -> str | None:
    """What is left of an attribute that its tag may have."""
    if name == "style":
        return ";".join(part for part in value.split(";") if _DECLARATION.fullmatch(part)) or None
    if name == "src":
        return value if _is_inert_image(value) else None
    if name == "href":
        return None if value.strip().casefold().startswith("data") else value
    if name == "class":  # classes of highlighted code and tables; never those of a report
        known = all(word in _CLASSES or (len(word) < 4 and word != "agr") for word in value.split())
        return value if known else None
    return value
