"""What one submission can cost: how often, and for how long, the judge begins again after a death."""

from pathlib import Path

import pytest

from autograder.calls import Status
from autograder.exercises import exercises_of
from autograder.pipeline.course import Course
from autograder.pipeline.grading import workers
from autograder.pipeline.grading.judge_death import JudgeDeath
from autograder.pipeline.grading.submission import HandedIn, Job
from autograder.pipeline.grading.warm_sandbox import Setup
from autograder.pipeline.grading.workers import Worker

ROOT = Path(__file__).parents[4]
NAME = "02_mlp_forward"
IDS = [exercise.id for exercise in exercises_of(NAME)]
MASTER = Course(ROOT, ROOT).release(NAME).read_text("utf-8")


class Dying(Worker):
    """A worker that takes a time and dies, in one way after the other."""

    def __init__(self, clock, seconds, deaths):
        super().__init__()
        self.clock, self.seconds, self.deaths, self.attempts = clock, seconds, iter(deaths), 0

    def _attempt(self, job, setup, handed_in, deaths):
        self.attempts += 1
        self.clock[0] += self.seconds
        raise workers._Ended(next(self.deaths), False, "")


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(workers.time, "monotonic", lambda: now[0])
    return now


def graded(worker, patience=1.0):
    job = Job("somebody", NAME, Path("nowhere"), MASTER, b"secret", patience)
    return worker.grade(job, Setup("process", ROOT), HandedIn(b"")).graded


def ends(*ids, stage="judging"):
    return [JudgeDeath(Status.CRASHED, "signal SIGFPE", stage, id_) for id_ in ids]


def statuses(graded):
    return [verdict.status for verdict in graded.exercises if verdict.id in IDS]


@pytest.mark.parametrize("patience", [1.0, 3.0])
def test_after_ten_minutes_no_death_is_followed_by_another_worker(clock, patience):
    worker = Dying(clock, 250.0 * patience, ends(*IDS))
    found = graded(worker, patience)
    assert worker.attempts == 3
    assert statuses(found) == [Status.CRASHED] * 3 + [Status.TIMEOUT] * (len(IDS) - 3)
    assert f"{10 * patience:.0f} minutes in all" in found.exercises[3].message
    assert len(found.flags) == 4
    assert found.score == 0


def test_quick_deaths_are_as_many_as_the_cells_and_answers_that_cause_them(clock):
    worker = Dying(clock, 1.0, ends(*IDS, stage="running") + ends(*IDS) + ends(IDS[0]))
    found = graded(worker)
    assert worker.attempts == 2 * len(IDS) + 1
    assert statuses(found) == [Status.CRASHED] * len(IDS)
