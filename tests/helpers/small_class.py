"""A class of seven who handed in the second notebook, and what a gradebook says of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import solutions_mlp
from nbgrader.api import Gradebook

from autograder.pipeline.authoring.release import release
from autograder.pipeline.authoring.simulate import fill_in
from autograder.pipeline.course import Course

__all__ = ["CLASS", "NAME", "ROOT", "answered", "grades", "make_course"]

ROOT = Path(__file__).parents[2]
NAME = "02_mlp_forward"
RIGHT = solutions_mlp.STYLES["loops"]
PROSE = "Because <script>alert(1)</script> a line is a line."


def answered(**changes: str) -> str:
    notebook = nbformat.reads(Course(ROOT, ROOT).release(NAME).read_text("utf-8"), as_version=4)
    return nbformat.writes(fill_in(notebook, RIGHT | changes, PROSE))


CLASS = {
    "right": answered(),
    "mistaken": answered(relu="def relu(x):\n    return np.minimum(x, 0)"),
    "forging": answered(relu="print('<img src=x onerror=alert(1)> all points')\nrelu = None"),
    "dying": answered(relu="import os\nos._exit(0)"),
    "broken": answered()[:2000],
    "o'brien =cmd() ü": answered(mac_count="def mac_count(sizes, batch=1):\n    return 0"),
}


def make_course(root: Path, secret: bytes = b"the secret of these tests", *, release_it: bool = True) -> Course:
    """A copy of the course, with the class handed in and the assignment released unless told otherwise."""
    course = Course(root, root / "classroom")
    for folder in ("solutions", "notebooks"):
        (root / folder / NAME).mkdir(parents=True)
        shutil.copy(ROOT / folder / NAME / f"{NAME}.ipynb", root / folder / NAME)
    shutil.copy(ROOT / "solutions" / f"{NAME}.py", root / "solutions")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    for student, text in CLASS.items():
        path = course.submission(student, NAME)
        path.parent.mkdir(parents=True)
        path.write_text(text, "utf-8")
        (path.parent / "timestamp.txt").write_text("2026-03-01 12:00:00 UTC")
    renamed = course.submitted / "renamed" / NAME / f"{NAME} (1).ipynb"
    renamed.parent.mkdir(parents=True)
    renamed.write_text(answered(), "utf-8")
    course.secret.write_bytes(secret)
    if release_it:
        release(course, [NAME])
    return course


def grades(course: Course) -> dict[str, dict[str, tuple[object, ...]]]:
    """What the gradebook says of everyone: points, waiting and comments, cell by cell."""
    with Gradebook(course.gradebook_url) as book:
        return {
            submission.student_id: {
                **{
                    grade.name: (grade.auto_score, grade.manual_score, grade.needs_manual_grade)
                    for grade in submission.notebooks[0].grades
                },
                **{f"{comment.name} says": (comment.auto_comment,) for comment in submission.notebooks[0].comments},
                "all": (submission.score, submission.max_score, submission.notebooks[0].late_submission_penalty),
            }
            for submission in book.assignment_submissions(NAME)
        }
