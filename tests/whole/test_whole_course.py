"""One student through the whole course: every notebook released, handed in, graded and reported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.exercises import ASSIGNMENTS, exercises_of
from autograder.pipeline.authoring.simulate import fill_in
from autograder.pipeline.authoring.simulated_students import reference_sources
from autograder.pipeline.course import Course

ROOT = Path(__file__).parents[2]
PROSE = "My own words."
pytestmark = pytest.mark.xdist_group("whole course")


def autograder(course: Course, *arguments: object) -> str:
    command = [sys.executable, "-m", "autograder.cli", *map(str, arguments), "--classroom", str(course.classroom)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def solved(course: Course, assignment: str) -> str:
    """The release with the solutions in it, and a sentence under each open question."""
    master = nbformat.reads(course.master(assignment).read_text("utf-8"), as_version=4)
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id", ""): cell.source for cell in master.cells}
    names = {exercise.name for exercise in exercises_of(assignment)}
    answers = {name: source for name, source in reference_sources(cells).items() if name in names}
    released = nbformat.reads(course.release(assignment).read_text("utf-8"), as_version=4)
    return str(nbformat.writes(fill_in(released, answers, PROSE)))


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Course:
    """A class of one, who hands in one archive a notebook."""
    course = Course(ROOT, tmp_path_factory.mktemp("classroom"))
    autograder(course, "release")
    archive = course.classroom.parent / f"{course.classroom.name}.zip"
    with zipfile.ZipFile(archive, "w") as whole:
        for assignment in ASSIGNMENTS:
            whole.writestr(f"ada/{assignment}/{assignment}.ipynb", solved(course, assignment))
    autograder(course, "collect", archive)
    return course


@pytest.fixture(scope="module")
def grades(course) -> dict[str, dict]:
    text = autograder(course, "grade", "--isolation", "process", "--workers", 2, "--format", "json")
    found = json.loads(text)["submissions"]
    assert [(one["student"], one["assignment"]) for one in found] == [("ada", name) for name in ASSIGNMENTS]
    return {one["assignment"]: one for one in found}


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_every_exercise_of_every_notebook_has_full_marks(grades, assignment):
    exercises = {one["id"]: one for one in grades[assignment]["exercises"]}
    assert set(ASSIGNMENTS[assignment].ids) <= set(exercises)
    for id_ in ASSIGNMENTS[assignment].ids:
        one = exercises.pop(id_)
        assert (id_, one["status"], one["points"], one["message"]) == (id_, "passed", one["max_points"], "")
    assert exercises, "there is an open question"
    assert {one["status"] for one in exercises.values()} == {"needs_manual"}
    assert grades[assignment]["flags"] == []


def test_the_gradebook_holds_them_all(course, grades):
    with Gradebook(course.gradebook_url) as book:
        for assignment, one in grades.items():
            submission = book.find_submission(assignment, "ada")
            assert (submission.score, submission.max_score) == (one["score"], one["max_score"])
            assert submission.needs_manual_grade


def test_what_follows_tells_of_all_of_it(course, grades):
    autograder(course, "feedback")
    for assignment in ASSIGNMENTS:
        page = course.feedback / "ada" / assignment / f"{assignment}.html"
        assert PROSE in page.read_text("utf-8")
    autograder(course, "report")
    report = (course.classroom / "report.html").read_text("utf-8")
    for assignment in ASSIGNMENTS:
        assert f"<h2>{assignment}</h2>" in report
    assert report.count("Accuracy within the budget") == 2
    table = autograder(course, "export", "csv")
    assert all(assignment in table for assignment in ASSIGNMENTS)


def test_a_second_run_finds_everything_done(course, grades):
    again = json.loads(autograder(course, "grade", "--isolation", "process", "--workers", 2, "--format", "json"))
    assert {one["assignment"]: one for one in again["submissions"]} == grades
