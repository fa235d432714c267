"""The class as CSV: a row for each student and assignment, two columns for each exercise.

A spreadsheet runs a cell that starts like a formula. Such text gets a leading apostrophe and stays text.
"""

from __future__ import annotations

import csv
import io
import re

from autograder.exercise import ClassGrading, Graded
from autograder.reports.words import clean, percent

__all__ = ["cell", "to_csv"]

_FORMULA = re.compile(r"^\s*[=+\-@＝＋－＠]|^[\t\r\n]")


def to_csv(grading: ClassGrading) -> str:
    """Comma-separated text with one header line, every text quoted, rows sorted by student and assignment."""
    ordered = sorted(grading.submissions, key=lambda graded: (graded.student, graded.assignment))
    ids = list(dict.fromkeys(verdict.id for graded in ordered for verdict in graded.exercises))
    columns = [column for id_ in ids for column in (id_, f"{id_} status")]
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    header = ["student", "assignment", "score", "max_score", "percent", "seconds", "flags", *columns]
    writer.writerow([cell(name) for name in header])
    for graded in ordered:
        writer.writerow(_row(graded, ids))
    return out.getvalue()


def _row(graded: Graded, ids: list[str]) -> list[str | float]:
    row: list[str | float] = [
        cell(graded.student),
        cell(graded.assignment),
        _number(graded.score),
        _number(graded.max_score),
        round(percent(graded.score, graded.max_score), 2),
        _number(graded.seconds),
        cell("; ".join(graded.flags)),
    ]
    verdicts = {verdict.id: verdict for verdict in graded.exercises}
    for id_ in ids:
        verdict = verdicts.get(id_)
        row += ["", ""] if verdict is None else [_number(verdict.points), cell(verdict.status.value)]
    return row


def _number(value: float) -> float:
    return round(float(value), 6)


def cell(text: str) -> str:
    """Text that no spreadsheet runs as a formula."""
    return f"'{clean(text)}" if _FORMULA.match(text) else clean(text)
