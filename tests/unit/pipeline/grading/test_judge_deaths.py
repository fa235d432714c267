"""The judge is killed in every way at each of its stages: one status, one flag, and every other exercise is judged.

Workers are forks of this process here and no student's process runs, so that the whole matrix is cheap;
`tests/whole/test_judge_deaths.py` goes the whole way with some of it.
"""

import os
import sys
from pathlib import Path

import nbformat
import pytest
from forked_worker import FakeRun, fork_workers
from judge_bombs.bombs import WAYS, armed, go_off, going_off

from autograder.exercises import exercises_of
from autograder.judge import trial
from autograder.pipeline.course import Course
from autograder.pipeline.grading import guarded, judge_notebook, notebook_processes, submission
from autograder.pipeline.grading.submission import HandedIn, Job
from autograder.pipeline.grading.warm_sandbox import Setup
from autograder.pipeline.grading.workers import Worker
from autograder.pipeline.intake.notebook_file import read_submission

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited on Linux alone"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
    pytest.mark.xdist_group("forked judge deaths"),
]

ROOT = Path(__file__).parents[4]
NAME = "02_mlp_forward"
MASTER = Course(ROOT, ROOT).release(NAME).read_text("utf-8")
EXERCISES = [armed(each, accepts=each.name == "linear") for each in exercises_of(NAME)]
RIGHT = {each.name: each.reference for each in EXERCISES}
IN_THE_JUDGE = {"comparing": "relu", "probing": "sigmoid", "accepting": "linear", "measuring": "he_init",
                "diagnosing": "forward"}  # fmt: skip
"""The exercise in which each of these is tried."""
AROUND = ("reading", "restoring", "running", "summing up")
HOWS = ("signal", "memory", "recursion", "time", "exception")
SECONDS = 0.5
FALLEN = {"signal": "crashed", "memory": "memory", "recursion": "error", "time": "timeout", "exception": "error"}
CAUGHT = ("memory", "recursion", "exception")
"""What stages that compute with an answer take for an answer of no use."""


class Wire:
    """What the present cell of the matrix does, in the workers that are forked while it is set."""

    stage = how = ""
    recorder = os.getpid()

    def goes_off(self, stage):
        if stage and stage == self.stage and os.getpid() != self.recorder:
            WAYS[self.how]()


@pytest.fixture(scope="module")
def wire():
    """Everything that a stage does in a worker, with a bomb in front."""
    wire = Wire()

    def before(module, name, stage, again=""):
        true = getattr(module, name)

        def does(*args, **kwargs):
            if args[-1] is not None:
                wire.goes_off(stage)
            wire.goes_off(again)
            return true(*args, **kwargs)

        patch.setattr(module, name, does)

    def compare(expected, got, match):
        go_off("comparing", got)
        return compared(expected, got, match)

    def start():
        name = IN_THE_JUDGE.get(wire.stage)
        bomb = {name: lambda *args, **kwargs: f"bomb:{wire.stage}:{wire.how}"} if name else {}
        return FakeRun(lambda source: going_off("running", source), RIGHT | bomb)

    compared = trial.compare
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(submission, "exercises_of", lambda name: tuple(EXERCISES))
        patch.setattr(submission, "read_apart", read_submission)
        patch.setattr(trial, "compare", compare)
        patch.setattr(guarded, "_AFTERWARDS_SECONDS", 60.0)
        patch.setattr(submission, "_READING_SECONDS", SECONDS)
        patch.setattr(submission, "_OTHER_SECONDS", SECONDS)
        for module in (judge_notebook, notebook_processes):
            patch.setattr(module, "SLACK_SECONDS", SECONDS - 600.0)
        fork_workers(patch, start)
        before(submission, "read_apart", "reading")
        before(submission, "restore", "restoring")
        before(submission, "_by_hand", "summing up", again="saying that it failed")
        yield wire


def graded(wire, stage="", how=""):
    """One submission whose bomb is at a stage; every worker is forked anew."""
    wire.stage, wire.how = stage, how
    notebook = nbformat.reads(MASTER, as_version=4)
    if stage == "running":
        cell = next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "relu")
        cell.source = f"# bomb:running:{how}"
    worker = Worker()
    try:
        job = Job("somebody", NAME, Path("nowhere"), MASTER, b"secret")
        return worker.grade(job, Setup("process"), HandedIn(nbformat.writes(notebook).encode())).graded
    finally:
        worker.close()


def statuses(graded):
    return {each.id.removeprefix("mlp."): each.status.value for each in graded.exercises if each.id != "mlp.why_silent"}


def test_without_a_bomb_everything_passes(wire):
    found = graded(wire)
    assert set(statuses(found).values()) == {"passed"}
    assert found.flags == ()


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("stage", IN_THE_JUDGE)
def test_a_death_while_an_exercise_is_judged_costs_that_exercise(wire, stage, how):
    found = graded(wire, stage, how)
    one, seen = IN_THE_JUDGE[stage], statuses(found)
    is_of_no_use = how in CAUGHT and stage != "comparing"
    assert seen.pop(one) == ("failed" if is_of_no_use else FALLEN[how])
    assert set(seen.values()) == {"passed"}
    assert len(found.flags) == (not is_of_no_use)
    assert all(f"{'diagnosing' if stage == 'diagnosing' else 'judging'} mlp.{one} " in flag for flag in found.flags)


def test_an_answer_that_has_the_judge_killed_again_and_again_is_at_fault_in_the_end(wire):
    found = graded(wire, "comparing", "kill")
    seen = statuses(found)
    assert seen.pop("relu") == "crashed"
    assert set(seen.values()) == {"passed"}


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("stage", AROUND)
def test_a_death_around_the_judge_has_its_status_too(wire, stage, how):
    found = graded(wire, stage, how)
    seen = statuses(found)
    if stage == "running" and how in ("signal", "time"):
        assert seen.pop("relu") == FALLEN[how]
        assert set(seen.values()) == {"passed"}
    else:
        assert set(seen.values()) == {FALLEN[how]}
    assert len(found.flags) == 1


@pytest.mark.parametrize("how", ["signal", "recursion", "exception"])
def test_a_failure_that_cannot_even_be_told_costs_this_submission_alone(wire, how):
    found = graded(wire, "saying that it failed", how)
    assert set(statuses(found).values()) == {"crashed"}
    assert len(found.flags) == 1
