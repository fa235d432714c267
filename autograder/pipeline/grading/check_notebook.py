"""What `autograder check NOTEBOOK` does for a student: the grader's own run, on the visible cases only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from autograder.exercise import ClassGrading, Verdict
from autograder.exercises import ASSIGNMENTS, exercises_of
from autograder.pipeline.course import Course, CourseError
from autograder.pipeline.grading.submission import Job, grade_handed_in, read_file
from autograder.pipeline.grading.warm_sandbox import Setup, close, warm_sandbox
from autograder.pipeline.intake.pictures import pictures_beside
from autograder.pipeline.intake.reader_process import close as close_reader
from autograder.pipeline.intake.recognise import assignment_by_content, assignment_by_name
from autograder.reports import render
from autograder.reports.student import Report
from autograder.sandbox.host.sandbox import SandboxError

__all__ = ["check_notebook", "told"]


def check_notebook(course: Course, path: Path) -> ClassGrading:
    """Runs the student's own notebook and judges it on the visible cases.

    Its cells tell which assignment it answers; where they do not, the file's name does.

    Raises:
        CourseError: there is no such file, or it is no notebook of this course.
    """
    if not path.is_file():
        raise CourseError(f"{path} does not exist or is not a file")
    handed_in = replace(read_file(path), pictures=pictures_beside(path.parent))
    try:
        found = assignment_by_content(course, handed_in.data) if handed_in.data is not None else None
    finally:
        close_reader()
    assignment = found or assignment_by_name(path.stem)
    if assignment is None:
        raise CourseError(f"{path.name} is not a notebook of this course; choose one of {', '.join(ASSIGNMENTS)}")
    master = course.release(assignment)
    if not master.is_file():
        raise CourseError(f"{master} does not exist: run autograder build")
    student = os.environ.get("USER", "") or "you"
    job = Job(student, assignment, path.parent, master.read_text("utf-8"), secret=None)
    try:
        with warm_sandbox(assignment, job.master, Setup("process", programs=False)) as sandbox:
            graded = grade_handed_in(sandbox, job, handed_in).graded
    except SandboxError as error:
        raise CourseError(" ".join(str(error).split())) from error
    finally:
        close()
    return ClassGrading("process", "cpu", (replace(graded, student=student),))


def told(grading: ClassGrading, steps: int) -> str:
    """What JupyterLab shows below each check, as plain text, then the table.

    Args:
        grading: what `check_notebook` returned.
        steps: how many steps of help are open.
    """
    reports = [
        Report(
            verdict, local=True, groups=_groups(graded.assignment, verdict), steps=steps, ask="add --hints {}"
        ).text()
        for graded in grading.submissions
        for verdict in graded.exercises
    ]
    return "\n\n".join([*reports, render(grading, "table")])


def _groups(assignment: str, verdict: Verdict) -> Mapping[str, float]:
    return next((each.groups for each in exercises_of(assignment) if each.id == verdict.id), {})
