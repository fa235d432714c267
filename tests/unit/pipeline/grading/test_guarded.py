"""The judge's own limits, in one process: its memory, its clock, its exceptions."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autograder.calls import Breach, Outcome, Status
from autograder.exercise import Case, Exercise, Misconception
from autograder.pipeline.grading import guarded, stages
from autograder.pipeline.grading.guarded import GuardedEvaluation
from autograder.pipeline.grading.judge_death import JudgeFailed, ended_the_judge

ROOT = Path(__file__).parents[4]
EXERCISE = Exercise(
    "toy.double",
    lambda x: 2 * x,
    "double(x)",
    {"basics": 1},
    lambda rng: [Case("one", (np.ones(2),)), Case("two", (np.zeros(2),))],
    lambda rng: [],
    seconds=5.0,
    judge_seconds=3.0,
)


TAKES = """
import numpy as np, pytest, torch
from autograder.pipeline.grading.guarded import limited_memory
with limited_memory(100 << 20):
    for take in (lambda: bytearray(1 << 30), lambda: np.ones(1 << 27), lambda: torch.ones(1 << 27)):
        with pytest.raises((MemoryError, RuntimeError)):
            take()
    assert len(bytearray(1 << 20)) == 1 << 20
assert len(bytearray(1 << 30)) == 1 << 30
"""


def judged(exercise, call, secret):
    evaluation = GuardedEvaluation(exercise, secret)
    evaluation.try_visible(call)
    evaluation.try_hidden(call)
    return evaluation.verdict()


def right(args, kwargs, through="", **how):
    return Outcome(value=2 * args[0])


def test_a_right_answer_is_judged_as_ever():
    assert judged(EXERCISE, right, secret=b"s").status is Status.PASSED


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MemoryError(), Status.MEMORY),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), Status.MEMORY),
        (RecursionError(), Status.ERROR),
        (ZeroDivisionError(), Status.ERROR),
    ],
)
def test_an_exception_of_the_judge_is_a_verdict_and_a_flag(error, status):
    def reference(x):
        raise error

    def broken(args, kwargs, through="", **how):
        raise error

    stages.here().take_failures()
    with pytest.raises(JudgeFailed) as failed:
        judged(EXERCISE, broken, secret=b"s")
    verdict = failed.value.verdict
    assert (verdict.status, verdict.points, verdict.max_points) == (status, 0.0, 1)
    assert ended_the_judge(verdict)
    assert type(error).__name__ in verdict.message
    (flag,) = stages.here().take_failures()
    assert flag.startswith("the grader's judge ended while judging toy.double")


def test_a_breach_is_no_failure_of_the_judge():
    def gone(args, kwargs, through="", **how):
        raise Breach(Status.CRASHED, "it died")

    assert judged(EXERCISE, gone, secret=b"s").status is Status.CRASHED


@pytest.mark.skipif(guarded._writable_bytes() is None, reason="this system does not limit a process's memory")
def test_memory_is_limited_and_given_back():
    """In a process of its own: what this one has used and freed may be used again, whatever the limit."""
    done = subprocess.run([sys.executable, "-c", TAKES], env=os.environ | {"PYTHONPATH": str(ROOT)}, timeout=300)
    assert done.returncode == 0


def test_the_judge_s_clock_stands_while_the_student_s_function_runs(monkeypatch):
    now, seen = [1000.0], []
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def slow(args, kwargs, through="", **how):
        now[0] += 50.0  # more than the judge has
        seen.append((stages.here().overdue, stages.here().read()))
        now[0] += 1.0
        return Outcome(value=-args[0], seconds=51.0)

    def wrong(x):
        now[0] += 2.0
        seen.append((stages.here().overdue, stages.here().read()))
        return x

    mistakes = (Misconception("first", wrong, "no"), Misconception("second", wrong, "no"))
    exercise = replace(EXERCISE, seconds=1.0, judge_seconds=2.0, misconceptions=mistakes)
    judged(exercise, slow, secret=None)
    assert [late for late, _ in seen] == [False, False, False, True]
    assert [where for _, where in seen] == [("judging", "toy.double")] * 2 + [("diagnosing", "toy.double")] * 2


def test_functions_that_the_judge_lends_take_its_own_time(monkeypatch):
    now, calls = [1000.0], []
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def lending(args, kwargs, through="", **how):
        calls.append(args)
        now[0] += 30.0
        return Outcome(value=2 * args[0], seconds=1.0)

    stages.here().take_failures()
    verdict = judged(EXERCISE, lending, secret=None)
    assert verdict.status is Status.TIMEOUT
    assert "judge's own time" in verdict.message
    assert len(calls) == 1
    assert len(stages.here().take_failures()) == 1


def test_a_page_is_read_by_another_process(tmp_path):
    with (tmp_path / "page").open("wb+") as file:
        file.truncate(stages.SIZE)
        before = stages.here()
        try:
            stages.attach(file.fileno())
            stages.here().enter("judging", "cnn." + "ü" * 2000, 1e-9)
            seen = stages.Stages(bytearray((tmp_path / "page").read_bytes()))
        finally:
            stages._here = before
    assert seen.overdue
    stage, exercise = seen.read()
    assert stage == "judging"
    assert exercise.startswith("cnn.üüü")
