"""A class through the whole course: every notebook released, handed in three times, graded and reported.

Ada is right in other ways than the instructor, whose own answers `test_notebooks` sends through a sandbox. One more
leaves everything blank, and one holds a known mistake in every exercise: here one style and one mistake of each
exercise go through the real sandbox, where `tests/exercises` tries all of them without one.
"""

from __future__ import annotations

import json
import zipfile

import nbformat
import pytest
from answers import ROOT, handed_in, mistake_of, mistaken, styled
from command_line import run, run_apart
from nbgrader.api import Gradebook

from autograder.exercises import ASSIGNMENTS, exercises_of, find
from autograder.pipeline.course import Course

PROSE = "My own words."
START, *WITH_OPEN_QUESTION = ASSIGNMENTS
"""The page at the start asks for no words."""
SECRET = b"a secret of these tests"
BLANK, MISTAKEN = "blank", "mistaken"
STUDENTS = ("ada", BLANK, MISTAKEN)
pytestmark = pytest.mark.xdist_group("whole course")

each_assignment = pytest.mark.parametrize("assignment", ASSIGNMENTS)


def autograder(course: Course, *arguments: object) -> str:
    done = (run_apart if arguments[0] == "grade" else run)(*arguments, "--classroom", course.classroom)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def notebook(student: str, assignment: str) -> str:
    """What a student hands in; Ada also writes a sentence under each open question."""
    answers = {
        "ada": styled,
        BLANK: lambda assignment: {},
        MISTAKEN: mistaken,
    }[student](assignment)
    return str(nbformat.writes(handed_in(assignment, answers, PROSE if student == "ada" else None)))


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Course:
    """A class that hands in one archive."""
    course = Course(ROOT, tmp_path_factory.mktemp("classroom"))
    course.secret.write_bytes(SECRET)
    autograder(course, "release")
    archive = course.classroom.parent / f"{course.classroom.name}.zip"
    with zipfile.ZipFile(archive, "w") as whole:
        for student in STUDENTS:
            for assignment in ASSIGNMENTS:
                whole.writestr(f"{student}/{assignment}/{assignment}.ipynb", notebook(student, assignment))
    autograder(course, "collect", archive)
    return course


def grade(course: Course) -> dict[tuple[str, str], dict]:
    """With one worker, which warms one sandbox for each notebook, and time enough for trainings on a busy machine."""
    words = ("--isolation", "process", "--workers", 1, "--patience", 5, "--format", "json")
    text = autograder(course, "grade", *words)
    return {(one["student"], one["assignment"]): one for one in json.loads(text)["submissions"]}


@pytest.fixture(scope="module")
def grades(course) -> dict[tuple[str, str], dict]:
    found = grade(course)
    assert list(found) == [(student, name) for student in sorted(STUDENTS) for name in ASSIGNMENTS]
    return found


def judged(submission: dict) -> dict[str, dict]:
    """The exercises that are judged, without the open questions."""
    ids = ASSIGNMENTS[submission["assignment"]].ids
    found = {entry["id"]: entry for entry in submission["exercises"] if entry["id"] in ids}
    assert tuple(found) == tuple(ids), "every exercise has exactly one verdict"
    return found


@each_assignment
def test_independent_right_work_gets_full_marks(grades, assignment):
    one = grades["ada", assignment]
    exercises = judged(one)
    for id_, each in exercises.items():
        assert (id_, each["status"], each["points"], each["message"]) == (id_, "passed", each["max_points"], "")
    open_ones = [entry for entry in one["exercises"] if entry["id"] not in exercises]
    assert bool(open_ones) is (assignment in WITH_OPEN_QUESTION)
    assert {entry["status"] for entry in open_ones} <= {"needs_manual"}
    assert one["flags"] == []


@each_assignment
def test_a_blank_notebook_gets_nothing(grades, assignment):
    one = grades[BLANK, assignment]
    assert {each["status"] for each in judged(one).values()} == {"not_written"}
    assert one["score"] == 0


@each_assignment
def test_a_mistake_of_every_exercise_loses_points_and_is_named(grades, assignment):
    for id_, each in judged(grades[MISTAKEN, assignment]).items():
        mistake = mistake_of(find(id_))
        assert (id_, mistake.name, each["diagnosis"]) == (id_, mistake.name, mistake.sentence)
        assert each["points"] < each["max_points"]


def test_the_mistakes_are_not_the_first_of_each_list():
    places = [each.misconceptions.index(mistake_of(each)) for name in ASSIGNMENTS for each in exercises_of(name)]
    assert {0, 1, 2, 3, 4} < set(places)


def test_the_gradebook_holds_them_all(course, grades):
    with Gradebook(course.gradebook_url) as book:
        for (student, assignment), one in grades.items():
            submission = book.find_submission(assignment, student)
            assert (submission.score, submission.max_score) == (one["score"], one["max_score"])
            assert submission.needs_manual_grade is (student == "ada" and assignment in WITH_OPEN_QUESTION)


def test_what_follows_tells_of_all_of_it(course, grades):
    autograder(course, "feedback", "--student", "ada")
    for assignment in ASSIGNMENTS:
        page = course.feedback / "ada" / assignment / f"{assignment}.html"
        assert (PROSE in page.read_text("utf-8")) is (assignment in WITH_OPEN_QUESTION)
    autograder(course, "report")
    report = (course.classroom / "report.html").read_text("utf-8")
    for assignment in ASSIGNMENTS:
        assert f"<h2>{assignment}</h2>" in report
    assert report.count("Accuracy within the budget") == 2
    table = autograder(course, "export", "csv")
    assert all(assignment in table for assignment in ASSIGNMENTS)


def test_a_second_run_finds_everything_done(course, grades):
    assert grade(course) == grades
