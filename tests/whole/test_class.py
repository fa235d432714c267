"""A whole class through the real command line: who gets what, and that nobody's trouble is another's."""

import csv
import io
import json
import shutil

import nbformat
import pytest
from command_line import ROOT, Done, run, run_apart
from nbgrader.api import Gradebook

from autograder.exercises import ASSIGNMENTS, exercises_of, find
from autograder.pipeline.authoring.simulate import fill_in
from autograder.pipeline.authoring.simulated_students import MISTAKEN, reference_sources
from autograder.pipeline.course import Course

CLASS = ("01_linear_classification", "02_mlp_forward")
"""What this class hands in; every other notebook goes through the same judge in `test_notebooks`."""
PATIENCE = 0.4
"""Some never end, and the others' answers take milliseconds."""
pytestmark = pytest.mark.xdist_group("class")


def autograder(*arguments: object, status: int = 0) -> Done:
    done = (run_apart if arguments[0] == "grade" else run)(*arguments)
    assert done.returncode == status, f"{done.stdout}\n{done.stderr}"
    return done


def hand_in(course: Course, student: str, assignment: str, content: str | bytes, name: str = "") -> None:
    path = course.submission(student, assignment)
    path = path.with_name(name) if name else path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def released(course: Course, assignment: str) -> nbformat.NotebookNode:
    return nbformat.reads(course.release(assignment).read_text("utf-8"), as_version=4)


def in_style(assignment: str, style: str) -> dict[str, str]:
    return {exercise.name: exercise.right[style] for exercise in exercises_of(assignment)}


def right_answers(course: Course, assignment: str) -> dict[str, str]:
    master = nbformat.reads(course.master(assignment).read_text("utf-8"), as_version=4)
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id", ""): cell.source for cell in master.cells}
    names = {exercise.name for exercise in exercises_of(assignment)}
    return {name: source for name, source in reference_sources(cells).items() if name in names}


TROUBLE = {
    "timeout": "def predict(scores):\n    while True:\n        pass",
    "crashed": "def predict(scores):\n    import os\n    os.abort()",
    "exited": "def predict(scores):\n    import os\n    os._exit(0)",
    "memory": "def predict(scores):\n    return np.ones((1 << 40,))",
    "output": "def predict(scores):\n    while True:\n        print('again' * 1000)",
    "error": "def predict(scores)\n    return 0",
}
"""One function that ends badly, in the midst of right ones; each under the status it must get."""


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Course:
    return Course(ROOT, tmp_path_factory.mktemp("classroom"))


@pytest.fixture(scope="module")
def kinds(course) -> dict[str, str]:
    """The simulated class and, among them, independent correct work and unusable files; graded once for all tests."""
    autograder("release", *CLASS, "--classroom", course.classroom)
    autograder("simulate", *CLASS, "--students", 14, "--classroom", course.classroom)
    found = {path.parent.name: path.read_text().strip() for path in course.submitted.glob("*/.simulated")}
    for style in ("loops", "other formula"):
        for name in CLASS:
            notebook = fill_in(released(course, name), in_style(name, style))
            hand_in(course, f"style {style}", name, nbformat.writes(notebook))
    first = CLASS[0]
    for trouble, body in TROUBLE.items():
        notebook = fill_in(released(course, first), right_answers(course, first) | {"predict": body})
        hand_in(course, f"trouble {trouble}", first, nbformat.writes(notebook))
    text = nbformat.writes(released(course, first))
    hand_in(course, "zz empty", first, "")
    hand_in(course, "zz truncated", first, text[: len(text) // 2])
    hand_in(course, "zz list", first, "[1, 2]")
    hand_in(course, "zz renamed", first, text, f"{first} (1).ipynb")
    return found


@pytest.fixture(scope="module")
def grades(course, kinds) -> dict:
    done = autograder(
        "grade", *CLASS, "--isolation", "process", "--workers", 2, "--patience", PATIENCE, "--format", "json",
        "--classroom", course.classroom,
    )  # fmt: skip
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def graded(grades) -> dict[tuple[str, str], dict]:
    return {(one["student"], one["assignment"]): one for one in grades["submissions"]}


def statuses(submission: dict) -> dict[str, str]:
    return {exercise["id"]: exercise["status"] for exercise in submission["exercises"]}


def judged(submission: dict) -> list[dict]:
    ids = ASSIGNMENTS[submission["assignment"]].ids
    return [exercise for exercise in submission["exercises"] if exercise["id"] in ids]


def of_kind(graded, kinds, kind: str) -> list[dict]:
    found = [one for (student, _), one in graded.items() if kinds.get(student, "") == kind]
    assert found, f"no one is {kind}"
    return found


def test_every_student_has_one_status_for_every_exercise(graded, course):
    students = {path.name for path in course.submitted.iterdir()}
    assert {student for student, _ in graded} == students
    for (_, assignment), one in graded.items():
        ids = [exercise["id"] for exercise in one["exercises"]]
        assert len(set(ids)) == len(ids)
        assert set(ASSIGNMENTS[assignment].ids) < set(ids)


def test_the_reference_gets_every_point_but_those_given_by_hand(graded, kinds):
    for one in of_kind(graded, kinds, "reference"):
        assert {exercise["status"] for exercise in judged(one)} == {"passed"}
        by_hand = [exercise for exercise in one["exercises"] if exercise not in judged(one)]
        assert {exercise["status"] for exercise in by_hand} == {"needs_manual"}
        assert one["score"] == one["max_score"] - sum(exercise["max_points"] for exercise in by_hand)


@pytest.mark.parametrize("style", ["loops", "other formula"])
def test_independent_correct_work_gets_full_marks(graded, style):
    for name in CLASS:
        for exercise in judged(graded[f"style {style}", name]):
            assert exercise["points"] == exercise["max_points"], exercise


def test_a_blank_notebook_gets_nothing(graded, kinds):
    for one in of_kind(graded, kinds, "blank"):
        assert one["score"] == 0
        assert set(statuses(one).values()) == {"not_written"}


def held_index(kind: str) -> int | None:
    """Which misconception a simulated student holds."""
    return {"endless": MISTAKEN, "crashing": MISTAKEN + 1}.get(
        kind, int(kind.split()[1]) - 1 if kind.startswith("mistaken") else None
    )


def test_every_misconception_is_held_by_someone_loses_points_and_is_named(graded, kinds):
    met = set()
    for (student, assignment), one in graded.items():
        index = held_index(kinds.get(student, ""))
        if index is None:
            continue
        for exercise in exercises_of(assignment):
            result = next(entry for entry in one["exercises"] if entry["id"] == exercise.id)
            if result["status"] in ("timeout", "crashed"):
                continue
            if index >= len(exercise.misconceptions):
                assert result["status"] == "passed"
                continue
            mistake = exercise.misconceptions[index]
            met.add((exercise.id, mistake.name))
            assert result["points"] < result["max_points"], (exercise.id, mistake.name)
            assert result["diagnosis"] == mistake.sentence, (exercise.id, mistake.name)
    everything = {
        (id_, mistake.name) for name in CLASS for id_ in ASSIGNMENTS[name].ids for mistake in find(id_).misconceptions
    }
    assert met == everything


@pytest.mark.parametrize(("kind", "status"), [("endless", "timeout"), ("crashing", "crashed")])
def test_the_class_has_trouble_in_it(graded, kinds, kind, status):
    for one in of_kind(graded, kinds, kind):
        assert [entry["status"] for entry in judged(one)].count(status) == 1


@pytest.mark.parametrize("status", TROUBLE)
def test_trouble_costs_its_own_exercise_only(graded, status):
    one = graded[f"trouble {status}", "01_linear_classification"]
    assert statuses(one)["linear.predict"] == status
    assert {entry["status"] for entry in judged(one) if entry["id"] != "linear.predict"} == {"passed"}


def test_printed_results_count_for_nothing(graded, kinds):
    for one in of_kind(graded, kinds, "forging"):
        assert one["score"] == 0


@pytest.mark.parametrize("student", ["zz empty", "zz truncated", "zz list"])
def test_what_cannot_be_read_is_said_in_a_sentence(graded, student):
    one = graded[student, "01_linear_classification"]
    assert set(statuses(one).values()) <= {"unreadable", "missing"}
    assert {entry["status"] for entry in judged(one)} == {"unreadable"}
    assert "cannot be read" in one["exercises"][0]["message"]
    assert set(statuses(graded[student, "02_mlp_forward"]).values()) == {"missing"}


def test_a_renamed_notebook_is_found_and_flagged(graded):
    one = graded["zz renamed", "01_linear_classification"]
    assert set(statuses(one).values()) == {"not_written"}
    assert any("(1)" in flag for flag in one["flags"])


def test_the_gradebook_holds_the_same_scores(graded, course):
    with Gradebook(course.gradebook_url) as gradebook:
        for (student, assignment), one in graded.items():
            if set(statuses(one).values()) == {"missing"}:
                continue
            submission = gradebook.find_submission(assignment, student)
            assert submission.score == pytest.approx(one["score"])
            assert submission.max_score == pytest.approx(one["max_score"])


def test_a_second_run_grades_nothing_anew_and_says_the_same(grades, course):
    before = {path: path.stat().st_mtime_ns for path in course.verdicts.rglob("*.json")}
    done = autograder("grade", *CLASS, "--isolation", "process", "--format", "json", "--classroom", course.classroom)
    assert json.loads(done.stdout) == grades
    assert {path: path.stat().st_mtime_ns for path in course.verdicts.rglob("*.json")} == before


def test_one_worker_gives_the_same_verdicts_as_two(grades, course, tmp_path, kinds):
    alone = Course(ROOT, tmp_path)
    shutil.copy(course.secret, alone.secret)
    names = [name for name, kind in kinds.items() if kind in ("partial", "mistaken 1")]
    for name in names:
        shutil.copytree(course.submitted / name, alone.submitted / name)
    done = autograder(
        "grade", *CLASS, "--isolation", "process", "--workers", 1, "--format", "json", "--classroom", tmp_path
    )
    for one in json.loads(done.stdout)["submissions"]:
        same = next(
            two
            for two in grades["submissions"]
            if (two["student"], two["assignment"]) == (one["student"], one["assignment"])
        )
        assert one | {"seconds": 0} == same | {"seconds": 0}


def test_feedback_report_and_export(course, grades):
    autograder("feedback", "--student", "ada", "--classroom", course.classroom)
    pages = sorted(path.relative_to(course.feedback).as_posix() for path in course.feedback.rglob("*.html"))
    assert pages == [f"ada/{name}/{name}.html" for name in CLASS]
    autograder("report", "--classroom", course.classroom)
    page = (course.classroom / "report.html").read_text("utf-8")
    for one in grades["submissions"]:
        assert one["student"] in page
    table = autograder("export", "csv", "--classroom", course.classroom).stdout
    assert len(list(csv.reader(io.StringIO(table)))) == 1 + len(grades["submissions"])


def test_fail_under_names_who_is_below(course, grades):
    done = autograder(
        "grade", *CLASS, "--isolation", "process", "--fail-under", 50, "--classroom", course.classroom, status=1
    )
    assert "below 50 %" in done.stderr


def test_a_changed_submission_is_graded_again(course, grades):
    assignment = "02_mlp_forward"
    hand_in(
        course,
        "zz renamed",
        assignment,
        nbformat.writes(fill_in(released(course, assignment), in_style(assignment, "loops"))),
    )
    done = autograder(
        "grade", assignment, "--student", "zz renamed", "--isolation", "process", "--format", "json",
        "--classroom", course.classroom,
    )  # fmt: skip
    (one,) = json.loads(done.stdout)["submissions"]
    assert {entry["status"] for entry in judged(one)} == {"passed"}
