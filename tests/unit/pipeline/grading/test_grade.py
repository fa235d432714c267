"""Workers that die, files that change meanwhile, names that cannot be: none of it stops a class."""

import os
import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.exercise import Graded, Status
from autograder.exercises import ASSIGNMENTS, CourseTable, exercises_of, find
from autograder.pipeline.course import Course
from autograder.pipeline.grading import executors, grade
from autograder.pipeline.grading.submission import HandedIn, Job, Result, fingerprint, grade_submission, hand_in
from autograder.pipeline.grading.warm_sandbox import Setup
from autograder.sandbox.host.sandbox import Sandbox

ROOT = Path(__file__).parents[4]
NAME = "02_mlp_forward"
MASTER = Course(ROOT, ROOT / "classroom").release(NAME).read_text("utf-8")


def job(folder: Path, student: str = "ada", content: str | None = None) -> Job:
    place = folder / student / NAME
    place.mkdir(parents=True)
    if content is not None:
        (place / f"{NAME}.ipynb").write_text(content, "utf-8")
    return Job(student, NAME, place, MASTER, b"secret", table=ASSIGNMENTS.table)


class NoSandbox(Sandbox):
    """Stands where nothing may be run."""


def statuses(result: Result) -> set[Status]:
    return {verdict.status for verdict in result.graded.exercises}


def test_a_job_is_a_key_and_takes_the_points_of_the_course_along(tmp_path):
    one = job(tmp_path)
    worth = replace(one, table=CourseTable(one.table.assignments, {"mlp.relu": 5}))
    sent = pickle.loads(pickle.dumps(worth))
    assert {one: "left", sent: "left"} == {worth: "left"}
    graded = executors.grade_job(sent, Setup("process")).graded
    assert {each.id: each.max_points for each in graded.exercises}["mlp.relu"] == 5
    assert find("mlp.relu").points == 1


def test_lost_jobs_are_tried_again_and_in_the_end_named(tmp_path, monkeypatch):
    jobs = [job(tmp_path, name) for name in ("ada", "bob", "cy", "dan", "eve")]
    tried = []

    def round_of(left, workers, setup, lost):
        tried.append([one.student for one in left])
        for one in left:
            if one.student == "bob":
                lost += left[left.index(one) :]
                return
            yield Result(Graded(one.student, NAME, 1.0, 1.0, 0.0), MASTER, "kept")

    monkeypatch.setattr(executors, "_in_processes", round_of)
    results = {result.graded.student: result for result in executors.grade_jobs(jobs, 2, Setup("process"))}
    assert tried == [["ada", "bob", "cy", "dan", "eve"], ["bob", "cy", "dan", "eve"], ["bob", "cy", "dan", "eve"]]
    assert {name for name, one in results.items() if one.fingerprint} == {"ada"}
    assert set(results) == {"ada", "bob", "cy", "dan", "eve"}
    assert "worker process was killed" in results["bob"].graded.exercises[0].message


def test_a_file_that_changes_while_it_is_graded_is_graded_again(tmp_path):
    one = job(tmp_path, "ada", MASTER)
    handed_in = hand_in(one)
    (one.folder / f"{NAME}.ipynb").write_text("not what was read", "utf-8")
    result = grade_submission(NoSandbox(), one, HandedIn(b"", handed_in.flags))
    assert result.fingerprint == fingerprint(one, HandedIn(b"")) != fingerprint(one, hand_in(one))


def test_a_file_that_may_not_be_read_is_unreadable(tmp_path, monkeypatch):
    one = job(tmp_path, "ada", MASTER)

    def refused(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refused)
    result = grade_submission(NoSandbox(), one, hand_in(one))
    judged = result.graded.exercises[: len(exercises_of(NAME))]
    assert {verdict.status for verdict in judged} == {Status.UNREADABLE}
    assert "Permission denied" in judged[0].message


def test_a_pipe_for_a_timestamp_keeps_nobody_waiting(tmp_path):
    course = Course(ROOT, tmp_path)
    place = course.submission("ada", NAME).parent
    place.mkdir(parents=True)
    os.mkfifo(place / "timestamp.txt")
    assert grade._timestamp(course, Graded("ada", NAME, 0.0, 1.0, 0.0)) is None


def test_folders_that_are_no_students(tmp_path):
    course = Course(ROOT, tmp_path)
    bad = os.fsdecode(b"bad\xff")
    for name in ("ada", "=cmd()", "x" * 201, "__MACOSX", ".ipynb_checkpoints"):
        (course.submitted / name).mkdir(parents=True)
    try:
        (course.submitted / bad).mkdir()
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    course.secret.write_bytes(b"secret")
    jobs = grade._jobs(course, grade.Plan((NAME,)))
    assert [one.student for one in jobs] == ["=cmd()", "ada"]
    assert grade.unusable_names(course) == sorted([bad, "x" * 201])


def test_an_empty_file_is_not_the_same_as_none(tmp_path):
    nothing = job(tmp_path, "ada")
    empty = job(tmp_path, "bob", content="")
    assert fingerprint(nothing, hand_in(nothing)) != fingerprint(empty, hand_in(empty))
