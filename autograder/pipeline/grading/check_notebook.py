"""What `autograder check NOTEBOOK` does for a student: the grader's own run, on the visible cases only."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from autograder.exercise import ClassGrading
from autograder.exercises import ASSIGNMENTS
from autograder.pipeline.course import Course, CourseError
from autograder.pipeline.grading.submission import Job, grade_handed_in, read_file
from autograder.pipeline.grading.warm_sandbox import Setup, close, warm_sandbox
from autograder.sandbox.host.sandbox import SandboxError

__all__ = ["check_notebook"]


def check_notebook(course: Course, path: Path) -> ClassGrading:
    """Runs the student's own notebook and judges it on the visible cases.

    Raises:
        CourseError: there is no such file, or its name is not an assignment's.
    """
    if not path.is_file():
        raise CourseError(f"{path} does not exist or is not a file")
    assignment = next((name for name in ASSIGNMENTS if path.stem.startswith(name)), None)
    if assignment is None:
        raise CourseError(f"{path.name} is not a notebook of this course; choose one of {', '.join(ASSIGNMENTS)}")
    master = course.release(assignment)
    if not master.is_file():
        raise CourseError(f"{master} does not exist: run autograder build")
    student = os.environ.get("USER", "") or "you"
    job = Job(student, assignment, path.parent, master.read_text("utf-8"), secret=None)
    try:
        with warm_sandbox(assignment, job.master, Setup("process")) as sandbox:
            graded = grade_handed_in(sandbox, job, read_file(path)).graded
    except SandboxError as error:
        raise CourseError(" ".join(str(error).split())) from error
    finally:
        close()
    return ClassGrading("process", "cpu", (replace(graded, student=student),))
