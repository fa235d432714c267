"""Writes nbgrader's own gradebook, one transaction per submission.

nbgrader's models are used as they are; its `Gradebook` methods are not, because each of them commits. The database
afterwards holds what `nbgrader generate_assignment` and `nbgrader autograde` would have written, with the judge's
points in place of points read from a notebook's outputs.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Any

from nbformat import NotebookNode
from nbgrader import api
from nbgrader.utils import compute_checksum, is_grade, is_locked, is_solution, parse_utc
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from autograder.calls import Status
from autograder.exercise import Graded, Verdict
from autograder.pipeline.cells import checked_name, grade_id, is_check
from autograder.pipeline.course import CourseError
from autograder.pipeline.records.database import Database
from autograder.pipeline.release_version import released

__all__ = ["GradebookWriter", "LatePenalty"]

LatePenalty = Callable[[str, float, float], float | None]
"""From a student, the notebook's score and how many seconds it is late: the points to deduct, None for none."""

_NO_ANSWER = {Status.MISSING, Status.UNREADABLE, Status.NOT_WRITTEN}


class GradebookWriter:
    """The one writer of a gradebook.

    Args:
        url: any SQLAlchemy URL; a SQLite file and its folder are created if missing.
        patience: how many seconds to wait for another writer, at each of four tries.
        late: the late penalty; None for no penalty.
        course_id: the course's name in the gradebook; nbgrader's own default if it has none.

    Raises:
        CourseError: from every method, when the database is busy, full, damaged, of another version or unreachable.
    """

    def __init__(
        self, url: str, patience: float = 15.0, late: LatePenalty | None = None, course_id: str = "default_course"
    ) -> None:
        self._database = Database(url, patience, course_id)
        self._late = late
        self._course_id = course_id

    def __enter__(self) -> GradebookWriter:
        self._database.prepare()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def register(self, assignment: str, master: NotebookNode) -> None:
        """Records an assignment's cells and points as `nbgrader generate_assignment` does; may be repeated.

        Args:
            assignment: the name of the assignment and of its one notebook.
            master: the release or the instructor's version.

        Raises:
            CourseError: the notebook no longer has a cell that a person has graded or commented on.
        """
        notebook = released(master)
        self._database.transaction(lambda session: _register(session, assignment, notebook, self._course_id))

    def record(self, graded: Graded, notebook: NotebookNode | None, timestamp: datetime | None) -> None:
        """Replaces what the gradebook says about one submission; what people wrote there stays.

        Args:
            graded: a verdict for each exercise.
            notebook: the restored notebook, or None if nothing readable was handed in.
            timestamp: when it was handed in; a time without a zone is UTC.

        Raises:
            CourseError: the assignment is not registered, or its points are not those of the verdicts.
        """

        def work(session: Session) -> None:
            submitted = _record(session, graded, notebook, timestamp)
            if self._late is not None and timestamp is not None:  # without a timestamp nothing is late
                _take_off(session, submitted, graded.student, self._late)

        self._database.transaction(work)

    def has(self, student: str, assignment: str) -> bool:
        """Whether the gradebook holds a submission of this student."""
        return self._database.transaction(lambda session: _submission(session, student, assignment) is not None)


# --- finding rows ------------------------------------------------------------------------------------------


def _assignment(session: Session, name: str) -> api.Assignment | None:
    return session.scalars(select(api.Assignment).where(api.Assignment.name == name)).one_or_none()


def _notebook(session: Session, assignment: api.Assignment) -> api.Notebook | None:
    found = select(api.Notebook).where(
        api.Notebook.assignment_id == assignment.id, api.Notebook.name == assignment.name
    )
    return session.scalars(found).one_or_none()


def _submission(session: Session, student: str, assignment: str) -> api.SubmittedAssignment | None:
    found = (
        select(api.SubmittedAssignment)
        .join(api.Assignment)
        .where(api.Assignment.name == assignment, api.SubmittedAssignment.student_id == student)
    )
    return session.scalars(found).one_or_none()


# --- registering an assignment ---------------------------------------------------------------------------


def _register(session: Session, name: str, notebook: NotebookNode, course_id: str) -> None:
    assignment = _assignment(session, name)
    if assignment is None:
        assignment = api.Assignment(name=name, course_id=course_id)
        session.add(assignment)
        session.flush()
    record = _notebook(session, assignment)
    if record is None:
        record = api.Notebook(name=name, assignment_id=assignment.id)
        session.add(record)
    record.kernelspec = json.dumps(notebook.metadata.get("kernelspec", {}))
    session.flush()
    marked = {grade_id(cell): cell for cell in notebook.cells if _is_recorded(cell)}
    for kind, wanted in ((api.GradeCell, is_grade), (api.SolutionCell, is_solution), (api.SourceCell, _is_recorded)):
        cells = {cell_name: cell for cell_name, cell in marked.items() if wanted(cell)}
        known = {row.name: row for row in session.scalars(select(kind).where(kind.notebook_id == record.id))}
        for gone in known.keys() - cells.keys():
            _forget(session, name, known[gone])
        for cell_name, cell in cells.items():
            row = known.get(cell_name) or kind(name=cell_name, notebook_id=record.id)
            for key, value in _facts(kind, cell).items():
                setattr(row, key, value)
            session.add(row)
    session.flush()
    for submitted in session.scalars(
        select(api.SubmittedNotebook).where(api.SubmittedNotebook.notebook_id == record.id)
    ):
        _rows(session, record, submitted)


def _is_recorded(cell: NotebookNode) -> bool:
    return bool(is_grade(cell) or is_solution(cell) or is_locked(cell))


def _facts(kind: type[Any], cell: NotebookNode) -> dict[str, Any]:
    if kind is api.GradeCell:
        return {"max_score": float(cell.metadata.nbgrader.points), "cell_type": cell.cell_type}
    if kind is api.SolutionCell:
        return {}
    return {
        "cell_type": cell.cell_type,
        "locked": bool(is_locked(cell)),
        "source": cell.source,
        "checksum": compute_checksum(cell),
    }


def _forget(session: Session, assignment: str, row: Any) -> None:
    """Deletes a cell that the notebook no longer has, unless a person's work would be lost with it."""
    if not isinstance(row, api.SourceCell):
        by_hand = api.Grade.manual_score.is_not(None) | api.Grade.extra_credit.is_not(None)
        graded = session.scalars(select(api.Grade.id).where(api.Grade.cell_id == row.id, by_hand)).all()
        written = select(api.Comment.id).where(api.Comment.cell_id == row.id, api.Comment.manual_comment.is_not(None))
        lost = len(graded) + len(session.scalars(written).all())
        if lost:
            raise CourseError(
                f"{assignment} no longer has the cell {row.name}, which has {lost} scores or comments "
                "given by hand: put the cell back, or remove them in the formgrader first"
            )
        session.execute(delete(api.Grade).where(api.Grade.cell_id == row.id))
        session.execute(delete(api.Comment).where(api.Comment.cell_id == row.id))
    session.delete(row)


# --- recording a submission ------------------------------------------------------------------------------


def _record(session: Session, graded: Graded, notebook: NotebookNode | None, timestamp: datetime | None) -> Any:
    assignment = _assignment(session, graded.assignment)
    record = _notebook(session, assignment) if assignment is not None else None
    if assignment is None or record is None:
        raise CourseError(f"{graded.assignment} is not in the gradebook: run autograder release {graded.assignment}")
    if session.get(api.Student, graded.student) is None:
        session.add(api.Student(id=graded.student))
        session.flush()
    submission = _submission(session, graded.student, graded.assignment)
    if submission is None:
        submission = api.SubmittedAssignment(assignment_id=assignment.id, student_id=graded.student)
        session.add(submission)
    submission.timestamp = parse_utc(timestamp)
    session.flush()
    one = select(api.SubmittedNotebook).where(
        api.SubmittedNotebook.assignment_id == submission.id, api.SubmittedNotebook.notebook_id == record.id
    )
    submitted = session.scalars(one).one_or_none()
    if submitted is None:
        submitted = api.SubmittedNotebook(assignment_id=submission.id, notebook_id=record.id)
        session.add(submitted)
        session.flush()
    submitted.late_submission_penalty = None  # as nbgrader does before its plugin decides
    grades, comments = _rows(session, record, submitted)
    blank = _blank_cells(session, record, notebook)
    verdicts = {verdict.id.partition(".")[2]: verdict for verdict in graded.exercises}
    for cell, grade in grades:
        grade.auto_score = _auto_score(graded, cell, verdicts, blank)
        grade.needs_manual_grade = grade.auto_score is None or grade.manual_score is not None
    for cell, comment in comments:
        comment.auto_comment = "No response." if cell.name in blank else None
    return submitted


def _take_off(session: Session, submitted: Any, student: str, late: LatePenalty) -> None:
    """As nbgrader's `AssignLatePenalties`: from the score that includes manual grades and extra credit."""
    session.flush()
    session.expire_all()
    seconds = submitted.assignment.total_seconds_late
    if seconds > 0:
        submitted.late_submission_penalty = late(student, submitted.score, seconds)


def _rows(
    session: Session, notebook: api.Notebook, submitted: api.SubmittedNotebook
) -> tuple[list[tuple[Any, api.Grade]], list[tuple[Any, api.Comment]]]:
    """The grade of each grade cell and the comment of each solution cell, created if missing."""
    found: list[list[tuple[Any, Any]]] = []
    for kind, row_kind in ((api.GradeCell, api.Grade), (api.SolutionCell, api.Comment)):
        rows = {
            row.cell_id: row for row in session.scalars(select(row_kind).where(row_kind.notebook_id == submitted.id))
        }
        found.append([])
        for cell in session.scalars(select(kind).where(kind.notebook_id == notebook.id)):
            row = rows.get(cell.id)
            if row is None:
                row = row_kind(cell_id=cell.id, notebook_id=submitted.id)
                session.add(row)
            found[-1].append((cell, row))
    return found[0], found[1]


def _blank_cells(session: Session, record: api.Notebook, notebook: NotebookNode | None) -> set[str]:
    """Cells that the student left as they were given; all of them if there is no notebook."""
    given = {
        row.name: row.checksum
        for row in session.scalars(select(api.SourceCell).where(api.SourceCell.notebook_id == record.id))
    }
    if notebook is None:
        return set(given)
    marked = [cell for cell in notebook.cells if _is_recorded(cell)]
    return {
        cell.metadata.nbgrader.grade_id
        for cell in marked
        if given.get(cell.metadata.nbgrader.grade_id) == compute_checksum(cell)
    }


def _auto_score(graded: Graded, cell: Any, verdicts: dict[str, Verdict], blank: set[str]) -> float | None:
    """The judge's points; for an open question 0 if nothing was written, else None until a person grades it."""
    by_hand = not is_check(cell.name)
    verdict = verdicts.get(checked_name(cell.name))
    if by_hand:
        return 0.0 if cell.name in blank or (verdict is not None and verdict.status in _NO_ANSWER) else None
    if verdict is None or abs(verdict.max_points - cell.max_score) > 1e-9:
        told = "no verdict" if verdict is None else f"a verdict of {verdict.max_points:g} points"
        raise CourseError(
            f"{graded.assignment}: {cell.name} has {cell.max_score:g} points in the gradebook and {told}: "
            "run autograder build and autograder release"
        )
    return None if verdict.status is Status.NEEDS_MANUAL else float(verdict.points)
