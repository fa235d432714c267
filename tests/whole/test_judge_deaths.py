"""The judge is killed on the way through the command line: one status, one flag, and everyone else is graded.

`tests/unit/pipeline/grading/test_judge_deaths.py` kills it in every way at each of its stages, which is cheap there.
"""

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
    "time": bombs("time", "forward"),
    HONEST[1]: answered(),
    "killed by an operator": bombs("kill once", "relu"),
    "restoring: signal": answered(relu="bomb:restoring:signal"),
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
    assert fallen == {"forward": "timeout"}
    assert len(one["flags"]) == 1


def test_a_job_whose_worker_is_killed_is_repeated(grades: dict[str, dict], course: Course) -> None:
    once = grades["killed by an operator"]
    assert (course.root / "once").exists()
    assert statuses(once)["relu"] == "failed"  # judged at last, and no bomb is a right answer
    assert once["flags"] == []


def test_a_death_before_any_exercise_is_the_whole_submission_s(grades: dict[str, dict]) -> None:
    one = grades["restoring: signal"]
    assert set(statuses(one).values()) == {"crashed"}
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
