"""The command line: exit statuses, and one clear line for wrong use and unusable input."""

import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from answers import handed_in
from command_line import ROOT, Done, run, run_apart

from autograder import exercises
from autograder.exercises import find
from autograder.pipeline.authoring.simulate import fill_in
from autograder.pipeline.course import Course
from autograder.sandbox.host import isolation
from autograder.sandbox.host.sandbox import SandboxError

COURSE = Course(ROOT, ROOT / "classroom")
FIRST = "01_linear_classification"


def one_line(done: Done, status: int = 2) -> str:
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    lines = done.stderr.strip().split("\n")
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("autograder: ")
    return lines[0]


@pytest.fixture
def classroom(tmp_path) -> Path:
    return tmp_path / "classroom"


@pytest.fixture
def small_class(classroom) -> Path:
    """A secret and one student with a blank second notebook."""
    assert run("release", "02", "--classroom", classroom).returncode == 0
    notebook = classroom / "submitted" / "ada" / "02_mlp_forward" / "02_mlp_forward.ipynb"
    notebook.parent.mkdir(parents=True)
    shutil.copy(COURSE.release("02_mlp_forward"), notebook)
    return classroom


def test_outside_a_course(tmp_path):
    assert "is not inside a course" in one_line(run_apart("build", cwd=tmp_path))


@pytest.mark.parametrize("command", ["build", "release", "grade", "feedback", "report"])
def test_an_unknown_assignment(command, classroom):
    where = [] if command == "build" else ["--classroom", classroom]
    assert "no assignment is called '99_nothing'" in one_line(run(command, "99_nothing", *where))


def test_wrong_options_are_wrong_use():
    for arguments in (["grade", "--workers", "0"], ["grade", "--format", "pdf"], ["nonsense"], ["check"]):
        assert run(*arguments).returncode == 2


def test_without_a_release_there_is_no_secret(classroom):
    assert "run autograder release" in one_line(run("grade", "--isolation", "process", "--classroom", classroom))


def test_without_submissions(classroom):
    run("release", "02", "--classroom", classroom)
    assert "does not exist" in one_line(run("grade", "--isolation", "process", "--classroom", classroom))
    (classroom / "submitted").mkdir()
    assert "holds no submissions" in one_line(run("grade", "--isolation", "process", "--classroom", classroom))


def test_nothing_graded_yet(classroom):
    run("release", "02", "--classroom", classroom)
    for command in (["feedback"], ["report"], ["export", "csv"]):
        assert "run autograder grade" in one_line(run(*command, "--classroom", classroom))


def test_an_unknown_student(small_class):
    done = run("grade", "--student", "nobody", "--isolation", "process", "--classroom", small_class)
    assert "has no student 'nobody'" in one_line(done)


def test_ctrl_c_ends_with_one_line(small_class, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("autograder.pipeline.grading.grade.grade", stop)
    done = run("grade", "--isolation", "process", "--classroom", small_class)
    assert "the next run continues from there" in one_line(done, status=130)


def test_a_folder_without_a_usable_name_is_left_out_and_named(small_class):
    (small_class / "submitted" / ("x" * 220)).mkdir()
    done = run("grade", "02", "--isolation", "process", "--format", "json", "--classroom", small_class)
    assert done.returncode == 0
    assert [one["student"] for one in json.loads(done.stdout)["submissions"]] == ["ada"]
    assert "whose name cannot be a student's" in done.stderr


def test_check_without_a_working_sandbox_is_one_line(monkeypatch):
    def fail(*_):
        raise SandboxError("the warm server did not start:\nTraceback ...")

    monkeypatch.setattr("autograder.pipeline.grading.check_notebook.grade_handed_in", fail)
    assert "did not start" in one_line(run("check", COURSE.release(FIRST)))


def test_weak_isolation_must_be_asked_for(small_class, monkeypatch):
    monkeypatch.setattr(isolation, "probe", lambda name: isolation.Rung(name, name == "process", "not here"))
    assert "--isolation process" in one_line(run("grade", "--classroom", small_class))
    assert not (small_class / "verdicts").exists()


def test_a_jail_that_does_not_hold_is_one_line(small_class, monkeypatch):
    if not any(rung.ok for rung in isolation.available() if rung.name in isolation.TRUSTWORTHY):
        pytest.skip("this machine has no isolation that holds against hostile code")
    monkeypatch.setenv("COURSE_DATA", str(ROOT / "autograder" / "judge"))
    said = one_line(run("grade", "--workers", 1, "--classroom", small_class))
    assert "let a run read" in said
    assert "COURSE_DATA" in said
    assert not (small_class / "verdicts").exists()


def test_the_secret_is_drawn_once_and_only_for_its_owner(small_class):
    before = (small_class / "secret").read_bytes()
    assert len(before) == 32
    assert (small_class / "secret").stat().st_mode & 0o077 == 0
    run("release", "02", "--classroom", small_class)
    assert (small_class / "secret").read_bytes() == before


def test_an_unwritable_place_is_one_line_and_nothing_is_half_written(tmp_path):
    blocked = tmp_path / "classroom"
    blocked.write_text("a file where a folder is needed")
    line = one_line(run("release", "--classroom", blocked))
    assert "cannot write" in line or "cannot be" in line
    assert blocked.read_text() == "a file where a folder is needed"
    output = tmp_path / "no" / "where"
    output.parent.write_text("")
    done = run("check", COURSE.release("02_mlp_forward"), "--format", "json", "--output", output)
    assert "cannot write" in one_line(done)


def test_a_missing_dependency_is_one_line(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['jupytext'] = None\n")
    done = run_apart("build", PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert "the package jupytext is not installed: run make setup" in one_line(done)


def test_simulate_never_overwrites_real_submissions(small_class):
    assert "holds real submissions (ada)" in one_line(run("simulate", "--classroom", small_class))
    assert (small_class / "submitted" / "ada" / "02_mlp_forward" / "02_mlp_forward.ipynb").is_file()


def test_check_says_what_is_missing_and_exits_with_one(tmp_path):
    blank = COURSE.release("02_mlp_forward")
    done = run("check", blank, "--format", "json")
    assert done.returncode == 1
    (one,) = json.loads(done.stdout)["submissions"]
    assert {exercise["status"] for exercise in one["exercises"]} == {"not_written"}
    assert not any(case["hidden"] for exercise in one["exercises"] for case in exercise["cases"])


def test_check_of_right_answers_exits_with_zero(tmp_path):
    from autograder.exercises import exercises_of

    answers = {exercise.name: exercise.right["other formula"] for exercise in exercises_of("02_mlp_forward")}
    released = nbformat.reads(COURSE.release("02_mlp_forward").read_text("utf-8"), as_version=4)
    mine = tmp_path / "02_mlp_forward (2).ipynb"
    nbformat.write(fill_in(released, answers, "Because it is."), mine)
    done = run("check", mine)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["Copy of 01_linear_classification.ipynb", "02_mlp_forward-Copy1.ipynb", "mine.ipynb"])
def test_check_tells_a_notebook_by_its_cells_and_shows_what_jupyterlab_shows(tmp_path, name):
    mine = tmp_path / name
    nbformat.write(handed_in("02_mlp_forward", {"relu": "def relu(x):\n    return abs(x)"}), mine)
    done = run("check", mine)
    assert done.returncode == 1
    reports, _, table = done.stdout.partition("02_mlp_forward: 1 submission")
    assert "mlp.why_silent" in table
    shown = next(report for report in reports.split("\n\n") if " mlp.relu: " in report)
    assert "0 / 1 points on the visible cases" in shown
    assert "your answer: [»2.«" in shown
    assert "relu(np.array([-2., 0., 3., 0.5]))" in shown
    assert "○ mlp.sigmoid: not written yet" in reports


def test_check_shows_as_much_help_as_is_asked_for(tmp_path, monkeypatch):
    mine = tmp_path / "mine.ipynb"
    nbformat.write(handed_in("02_mlp_forward", {"relu": "def relu(x):\n    return abs(x)"}), mine)
    relu = replace(find("mlp.relu"), hints=("the nudge", "the idea", "nearly all"))
    real = exercises._declared
    monkeypatch.setattr(exercises, "_declared", lambda id_: relu if id_ == relu.id else real(id_))
    exercises._in_course.cache_clear()
    try:
        first, second = run("check", mine).stdout, run("check", mine, "--hints", 2).stdout
    finally:
        exercises._in_course.cache_clear()
    assert "More help: add --hints 2" in first
    assert "the nudge" in first
    assert "the idea" not in first
    assert "the idea" in second
    assert "nearly all" not in second


def test_check_of_what_is_no_notebook_of_the_course(tmp_path):
    assert "does not exist" in one_line(run("check", tmp_path / "nothing.ipynb"))
    other = tmp_path / "other.ipynb"
    other.write_text("{}")
    assert "is not a notebook of this course" in one_line(run("check", other))


def test_gradescope_takes_one_submission(small_class):
    arguments = ("--isolation", "process", "--format", "gradescope", "--classroom", small_class)
    done = run("grade", *arguments)  # the one assignment that was handed in, by the one student
    assert json.loads(done.stdout)["score"] == 0
    shutil.copytree(small_class / "submitted" / "ada", small_class / "submitted" / "bob")
    done = run("grade", *arguments)
    assert done.returncode == 2
    assert "Gradescope reads one submission at a time" in done.stderr


def test_a_device_that_is_not_there_is_one_line(small_class, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert "no CUDA device here" in one_line(run("grade", "--device", "cuda", "--classroom", small_class))


def test_collect_and_similar(tmp_path):
    source = tmp_path / "work"
    for student in ("ada", "bob"):
        (source / student).mkdir(parents=True)
        shutil.copy(COURSE.release("02_mlp_forward"), source / student)
    place = tmp_path / "class"
    done = run("collect", source, "--classroom", place)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 new, 0 newer, 0 older, 0 same, 0 nobody's, 0 remarks; in " in done.stdout
    assert "is not a ZIP file" in one_line(run("collect", ROOT / "README.md", "--classroom", place))
    assert "no assignment is called" in one_line(run("collect", source, "--assignment", "99", "--classroom", place))
    done = run("similar", "--classroom", place)
    assert (done.returncode, done.stdout) == (0, "0 pairs are at least 60 % similar\n")


def test_doctor_finds_what_the_course_needs():
    done = run("doctor")
    assert done.returncode == 0, done.stdout
    assert "isolation process" in done.stdout
    strong = [rung for rung in isolation.available() if rung.ok and rung.name in isolation.TRUSTWORTHY]
    assert done.stdout.count("a run tried to break out and could not") == len(strong)
    assert "nbgrader" in done.stdout


def test_doctor_runs_the_proof_that_grading_runs(tmp_path, monkeypatch):
    if not any(rung.ok for rung in isolation.available() if rung.name in isolation.TRUSTWORTHY):
        pytest.skip("this machine has no isolation that holds against hostile code")
    (tmp_path / "notebooks").mkdir()
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    monkeypatch.setenv("COURSE_DATA", str(ROOT / "solutions"))
    done = run("doctor", "--course", tmp_path)
    assert done.returncode == 1
    assert re.search(r"missing .*let a run read .*solutions.*: COURSE_DATA .* names .*solutions", done.stdout)
    assert "pins no packages: none was compared" in done.stdout


def test_build_check_fails_when_a_notebook_is_out_of_step(tmp_path):
    place = tmp_path / "course"
    shutil.copytree(ROOT / "solutions", place / "solutions")
    shutil.copytree(ROOT / "notebooks", place / "notebooks", ignore=shutil.ignore_patterns(".progress.json"))
    shutil.copy(ROOT / "nbgrader_config.py", place)
    assert run("build", "--check", "--course", place).returncode == 0
    release = Course(place, place / "classroom").release(FIRST)
    release.write_text(release.read_text().replace("perceptron", "Perceptron"))
    assert "out of step" in one_line(run("build", "--check", "--course", place), status=1)
