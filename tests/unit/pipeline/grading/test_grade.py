"""Workers that die, files that change meanwhile, names that cannot be: none of it stops a class."""

import json
import os
import pickle
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from small_class import grades, make_course

from autograder.calls import Status
from autograder.exercise import Graded
from autograder.exercises import ASSIGNMENTS, CourseTable, exercises_of, find
from autograder.pipeline.course import Course
from autograder.pipeline.grading import executors, grade, workers
from autograder.pipeline.grading.judge_death import JudgeDeath
from autograder.pipeline.grading.submission import (
    HandedIn,
    Job,
    Result,
    fingerprint,
    grade_submission,
    grader_failed,
    hand_in,
    judge_died,
)
from autograder.pipeline.grading.warm_sandbox import Setup
from autograder.pipeline.records.verdict_store import load_verdicts
from autograder.reports.store import plain
from autograder.sandbox.host.sandbox import Sandbox, SandboxError

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
    try:
        graded = executors.grade_job(sent, Setup("process")).graded
    finally:
        workers.close()
    assert {each.id: each.max_points for each in graded.exercises}["mlp.relu"] == 5
    assert find("mlp.relu").points == 1


class Dying(workers.Worker):
    """Its process ends in one way after another, then answers."""

    def __init__(self, *deaths, from_outside=False):
        super().__init__()
        self.left = list(deaths)
        self.from_outside = from_outside
        self.told = []

    def _attempt(self, job, setup, handed_in, deaths):
        self.told.append([death.exercise for death in deaths])
        if self.left:
            raise workers._Ended(self.left.pop(0), self.from_outside, "out of memory")
        return Result(Graded(job.student, NAME, 1.0, 1.0, 0.0), MASTER, "kept")


def crash(stage, exercise=""):
    return JudgeDeath(Status.CRASHED, "signal SIGSEGV", stage, exercise)


def test_a_job_is_repeated_without_the_exercises_that_killed_its_worker(tmp_path):
    worker = Dying(crash("judging", "mlp.relu"), crash("diagnosing", "mlp.linear"), crash("running", "mlp.relu"))
    result = worker.grade(job(tmp_path), Setup("process"), HandedIn(None))
    assert result.fingerprint == "kept"
    assert worker.told == [[], ["mlp.relu"], ["mlp.relu", "mlp.linear"], ["mlp.relu", "mlp.linear", "mlp.relu"]]


def test_the_same_death_twice_is_the_whole_submission_s(tmp_path):
    worker = Dying(*[crash("judging", "mlp.relu")] * 2)
    result = worker.grade(job(tmp_path), Setup("process"), HandedIn(b"x"))
    assert worker.told == [[], ["mlp.relu"]]
    assert statuses(result) == {Status.CRASHED, Status.MISSING}  # the open question
    assert result.fingerprint == fingerprint(job(tmp_path, "bob"), HandedIn(b"x"))


def test_a_worker_killed_from_outside_is_replaced_twice_before_anyone_is_blamed(tmp_path):
    worker = Dying(*[crash("judging", "mlp.relu")] * 3, from_outside=True)
    assert worker.grade(job(tmp_path), Setup("process"), HandedIn(None)).fingerprint == "kept"
    assert worker.told == [[], [], [], ["mlp.relu"]]


def test_workers_that_do_not_start_end_the_run_with_what_they_said(tmp_path):
    worker = Dying(*[crash("starting")] * 3)
    with pytest.raises(SandboxError, match=r"no worker process stays alive .*SIGSEGV.*out of memory"):
        worker.grade(job(tmp_path), Setup("process"), HandedIn(None))


def test_what_a_worker_answers_is_checked(tmp_path):
    one = job(tmp_path)
    good = {"graded": plain(Graded("ada", NAME, 1.0, 1.0, 0.0)), "notebook": "{}", "fingerprint": "x", "isolation": "p"}
    assert workers._result(json.dumps(good).encode(), one).fingerprint == "x"
    for wrong in (good | {"notebook": 3}, good | {"graded": plain(Graded("bob", NAME, 1.0, 1.0, 0.0))}, {"graded": {}}):
        with pytest.raises((KeyError, workers._Malformed)):
            workers._result(json.dumps(wrong).encode(), one)
    with pytest.raises(SandboxError, match="no space"):
        workers._result(json.dumps({"failed": "sandbox", "message": "no space"}).encode(), one)
    with pytest.raises(ValueError, match="no Landlock"):
        workers._result(json.dumps({"failed": "isolation", "message": "no Landlock"}).encode(), one)


def test_a_failure_of_the_grader_can_be_recorded(tmp_path):
    """As it is after every kind of death: the release's sources are lists of lines, and the gradebook wants texts."""
    course = make_course(tmp_path / "course")
    one = Job("right", NAME, course.submission("right", NAME).parent, MASTER, b"secret")
    died = judge_died(one, hand_in(one), [JudgeDeath(Status.MEMORY, "MemoryError", "restoring")])
    with grade._gradebook(course) as gradebook:
        gradebook.register(NAME, nbformat.reads(MASTER, as_version=4))
        for result in (grader_failed(one, "a mistake"), died):
            grade._record(course, gradebook, result, "cpu")
            found = load_verdicts(course, "right", NAME)
            assert found is not None
            assert found.graded == result.graded
    assert grades(course)["right"]["all"][0] == 0


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
    assert grade._timestamp(course, Graded("ada", NAME, 0.0, 1.0, 0.0)) == (None, ())


@pytest.mark.parametrize(
    ("text", "hour", "flag"),
    [
        ("2026-07-01 12:00:00 CEST", 10, None),
        ("2026-07-01 12:00:00 +0200", 10, None),
        ("2026-07-01 12:00:00.5 UTC", 12, None),
        ("2026-07-01 12:00:00", 12, None),
        ("yesterday, around noon", None, "yesterday, around noon"),
        ("2026-07-01 12:00:00 IST", None, "IST is not one zone everywhere"),
    ],
)
def test_a_timestamp_is_read_right_or_flagged(tmp_path, text, hour, flag):
    course = Course(ROOT, tmp_path)
    place = course.submission("ada", NAME).parent
    place.mkdir(parents=True)
    (place / "timestamp.txt").write_text(text)
    moment, flags = grade._timestamp(course, Graded("ada", NAME, 0.0, 1.0, 0.0))
    assert (moment.hour if moment else None) == hour
    assert [flag in line for line in flags] == ([True] if flag else [])


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
