"""The class as Canvas's gradebook imports it: a row for each student, a column for each assignment.

Canvas finds a student by the column `ID` (its own number) or `SIS User ID`: a numeric student id goes into the first,
any other into the second. The second line gives the points possible. Text that a spreadsheet would run as a formula
gets a leading apostrophe.
"""

from __future__ import annotations

import csv
import io

from autograder.calls import Status
from autograder.exercise import ClassGrading, Graded
from autograder.reports.as_csv import cell

__all__ = ["to_canvas"]

_STUDENT = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")


def to_canvas(grading: ClassGrading) -> str:
    """Comma-separated text; a student without a submission has an empty field, which Canvas leaves alone."""
    assignments = sorted({graded.assignment for graded in grading.submissions})
    students = sorted({graded.student for graded in grading.submissions})
    by_place = {(graded.student, graded.assignment): graded for graded in grading.submissions}
    most = {graded.assignment: graded.max_score for graded in grading.submissions}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*_STUDENT, *(cell(name) for name in assignments)])
    writer.writerow(["    Points Possible", "", "", "", "", *(_number(most[name]) for name in assignments)])
    for student in students:
        ids = (student, "") if student.isascii() and student.isdigit() else ("", cell(student))
        found = [by_place.get((student, name)) for name in assignments]
        scores = ["" if graded is None or _missing(graded) else _number(graded.score) for graded in found]
        writer.writerow([cell(student), *ids, "", "", *scores])
    return out.getvalue()


def _missing(graded: Graded) -> bool:
    return all(verdict.status is Status.MISSING for verdict in graded.exercises)


def _number(value: float) -> str:
    return f"{round(float(value), 4):g}"
