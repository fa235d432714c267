"""The judge is killed in every way, at every stage: one status and one flag each, and everyone else is graded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from command_line import run_apart
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from small_class import NAME, ROOT, answered, make_course
from traitlets.config.loader import PyFileConfigLoader

from autograder.pipeline.course import Course
from autograder.pipeline.grading import workers

pytestmark = [
    pytest.mark.xdist_group("judge deaths"),
    pytest.mark.filterwarnings("ignore:Object of type <Submitted"),  # nbgrader's own way with SQLAlchemy
]

BOMBS = ROOT / "tests" / "helpers" / "judge_bombs"
STAGES = {
    "relu": "comparing",
    "sigmoid": "probing",
    "linear": "accepting",
    "he_init": "measuring",
    "forward": "diagnosing",
}
"""The exercise in which each stage is tried."""
HONEST = ("an honest one", "one more", "the last")
RIGHT = {"passed"}


def bomb(name: str, how: str) -> str:
    return f"def {name}(*args, **kwargs):\n    return 'bomb:{STAGES[name]}:{how}'"


def bombs(how: str, *names: str) -> str:
    return answered(**{name: bomb(name, how) for name in names or STAGES})


CLASS = {
    HONEST[0]: answered(),
    "signal": bombs("signal"),
    "time": bombs("time", "linear", "forward"),
    HONEST[1]: answered(),
    "memory": bombs("memory"),
    "recursion": bombs("recursion"),
    "exception": bombs("exception"),
    "killed again and again": bombs("kill", "relu"),
    "killed by an operator": bombs("kill once", "relu"),
    "restoring: signal": answered(relu="bomb:restoring:signal"),
    "restoring: exception": answered(relu="bomb:restoring:exception"),
    "restoring: recursion": answered(relu="bomb:restoring:recursion"),
    HONEST[2]: answered(),
}


def class_of(place: Path, students: dict[str, str]) -> Course:
    course = make_course(place)
    shutil.rmtree(course.submitted)
    for student, text in students.items():
        path = course.submission(student, NAME)
        path.parent.mkdir(parents=True)
        path.write_text(text, "utf-8")
    return course


def graded(course: Course, workers: int) -> dict[str, dict]:
    path = f"{BOMBS}:{ROOT}"
    words = ("--isolation", "process", "--workers", workers, "--format", "json")
    once = str(course.root / "once")
    done = run_apart("grade", "02", *words, cwd=course.root, PYTHONPATH=path, BOMB_ONCE=once)
    assert done.returncode == 0, done.stderr
    return {one["student"]: one for one in json.loads(done.stdout)["submissions"]}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return class_of(tmp_path_factory.mktemp("deaths") / "course", CLASS)


@pytest.fixture(scope="module")
def grades(course: Course) -> dict[str, dict]:
    return graded(course, 2)


def statuses(submission: dict) -> dict[str, str]:
    found = {one["id"].removeprefix("mlp."): one["status"] for one in submission["exercises"]}
    return {name: status for name, status in found.items() if name != "why_silent"}


def test_every_death_is_one_status_with_a_sentence_and_a_flag(grades: dict[str, dict]) -> None:
    one = grades["signal"]
    fallen = {id_: status for id_, status in statuses(one).items() if status != "passed"}
    assert fallen == dict.fromkeys(STAGES, "crashed")
    assert len(one["flags"]) == len(STAGES)
    for name in STAGES:
        doing = "diagnosing" if name == "forward" else "judging"
        flag = f"the grader's judge ended while {doing} mlp.{name} (crashed: signal SIGFPE): look at it by hand"
        assert flag in one["flags"]
        entry = next(each for each in one["exercises"] if each["id"] == f"mlp.{name}")
        assert entry["points"] == 0
        assert "the judge's own process (signal SIGFPE)" in entry["message"]


def test_a_judge_that_takes_too_long_is_stopped(grades: dict[str, dict]) -> None:
    one = grades["time"]
    fallen = {id_: status for id_, status in statuses(one).items() if status != "passed"}
    assert fallen == dict.fromkeys(("linear", "forward"), "timeout")
    assert len(one["flags"]) == 2


@pytest.mark.parametrize(("student", "status"), [("memory", "memory"), ("recursion", "error"), ("exception", "error")])
def test_an_exception_of_the_judge_is_a_status_too(grades: dict[str, dict], student: str, status: str) -> None:
    """Where the exercise's own judge computes with an answer, its exception says that the answer is of no use."""
    found = statuses(grades[student])
    assert found.pop("relu") == status
    assert {found.pop(name) for name in ("sigmoid", "linear", "he_init", "forward")} <= {"failed"}
    assert set(found.values()) == RIGHT
    (flag,) = grades[student]["flags"]
    assert "while judging mlp.relu" in flag


def test_a_job_whose_worker_is_killed_is_repeated(grades: dict[str, dict], course: Course) -> None:
    once = grades["killed by an operator"]
    assert (course.root / "once").exists()
    assert statuses(once)["relu"] == "failed"  # judged at last, and no bomb is a right answer
    assert once["flags"] == []
    again = statuses(grades["killed again and again"])
    assert again.pop("relu") == "crashed"
    assert set(again.values()) == RIGHT


def test_a_death_before_any_exercise_is_the_whole_submission_s(grades: dict[str, dict]) -> None:
    for how, status in (("signal", "crashed"), ("exception", "error"), ("recursion", "error")):
        one = grades[f"restoring: {how}"]
        assert set(statuses(one).values()) == {status}
        assert len(one["flags"]) == 1


def test_nobody_else_notices(grades: dict[str, dict], course: Course) -> None:
    assert set(grades) == set(CLASS)
    best = grades[HONEST[0]]["score"]
    with Gradebook(course.gradebook_url) as gradebook:
        for student, one in grades.items():
            assert gradebook.find_submission(NAME, student).score == pytest.approx(one["score"])
            if student in HONEST:
                assert set(statuses(one).values()) == RIGHT
                assert (one["score"], one["flags"]) == (best, [])


def test_one_worker_gives_the_same(grades: dict[str, dict], tmp_path: Path) -> None:
    few = {"a bomb": bombs("signal", "relu"), HONEST[0]: CLASS[HONEST[0]]}
    alone = graded(class_of(tmp_path / "course", few), 1)
    assert statuses(alone["a bomb"]) == statuses(grades[HONEST[0]]) | {"relu": "crashed"}
    assert statuses(alone[HONEST[0]]) == statuses(grades[HONEST[0]])


def test_the_judge_dies_behind_the_formgrader_s_button(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    course = class_of(tmp_path / "course", {"zz": bombs("signal", "relu")})
    config = PyFileConfigLoader("nbgrader_config.py", path=str(course.root)).load_config()
    config.JudgeSubmission.isolation = "process"
    monkeypatch.syspath_prepend(str(BOMBS))
    try:
        result = NbGraderAPI(CourseDirectory(config=config), config=config).autograde(NAME, "zz")
    finally:
        workers.close()
    assert result["success"], result
    kept = json.loads((course.verdicts / NAME / "zz.json").read_text("utf-8"))["graded"]
    found = statuses(kept)
    assert found.pop("relu") == "crashed"
    assert set(found.values()) == RIGHT
    assert len(kept["flags"]) == 1
