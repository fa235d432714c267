"""`autograder prove` on a small exercise: what dies, what survives, what has a reason, what ends the process."""

import signal
import sys
import types

import pytest
from late_alarm import ring_before
from typer.testing import CliRunner

from autograder.cli import app
from autograder.exercise import Case, Exercise
from autograder.mutations import equivalents
from autograder.mutations.mutants import Mutant
from autograder.pipeline.authoring import prove
from autograder.pipeline.course import CourseError

SOURCE = '''
def twice(x, times=2):
    """Twice, or as often as is said."""
    if times < 0:
        raise ValueError("a count is not negative")
    return x * times
'''


@pytest.fixture
def toy(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Exercise:
    """An exercise whose cases never leave the default out, so that it may be anything."""
    (tmp_path / "toys.py").write_text(SOURCE, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    module = __import__("toys")
    exercise = Exercise(
        id="toy.twice",
        reference=module.twice,
        signature="twice(x, times=2) -> float",
        groups={"basics": 1},
        visible=lambda rng: [Case("three halves", (1.5, 2))],
        hidden=lambda rng: [Case("thrice", (float(rng.uniform(1, 2)), 3)), Case("none", (4.25, 0))],
        right={"loops": "def twice(x, times=2):\n    return sum([x] * times)\n"},
    )
    monkeypatch.setitem(sys.modules, "autograder.exercises.toy.twice", types.ModuleType("twice"))
    monkeypatch.setattr(prove, "find", lambda _: exercise)
    monkeypatch.setattr(equivalents, "equivalents", lambda _topic: ())
    yield exercise
    sys.modules.pop("toys", None)


def test_mutants_die_and_a_default_that_nobody_leaves_out_survives(toy: Exercise):
    (proof,) = prove.prove([toy.id], workers=2)
    alive = {trial.mutant for trial in proof.survivors}
    assert any("| 2 => 3" in name for name in alive), "no case leaves `times` out"
    assert not any("x * times => x / times" in name for name in alive)
    assert not any("times < 0" in trial.mutant for trial in proof.trials), "a guard is outside of what is asked"
    assert proof.score.killed + proof.score.surviving == len(proof.trials)
    assert prove.problems([proof]) == [
        f"toy.twice: {proof.score.surviving} mutants keep full marks without a reason: see --survivors"
    ]


def test_a_reason_makes_a_survivor_equivalent_and_is_missed_when_it_matches_nothing(toy, monkeypatch):
    reasons = equivalents.Equivalent(toy.id, "no case leaves it out", ("* | 2 => *", "no such mutant"))
    monkeypatch.setattr(equivalents, "equivalents", lambda _topic: (reasons,))
    (proof,) = prove.prove([toy.id], workers=1)
    assert proof.score.equivalent >= 2
    assert list(proof.out_of_date) == ["no such mutant"]


def test_a_clock_that_rings_while_it_is_put_off_ends_nothing(toy, monkeypatch):
    [subject, *_] = prove.subjects(toy)
    judged = prove.Judged(toy, subject)
    ring_before(monkeypatch, signal.SIGPROF, lambda which, seconds: (which, seconds) == (signal.ITIMER_PROF, 0))
    assert judged.killed_by(Mutant("right", "toy", subject.text)) is None
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)


def test_a_mutant_that_ends_the_process_or_never_ends_is_killed(toy, monkeypatch):
    subjects = prove.subjects(toy)
    deadly = Mutant("deadly", "toy", "import os\ndef twice(x, times=2):\n    os.kill(os.getpid(), 9)\n")
    endless = Mutant("endless", "toy", "def twice(x, times=2):\n    while True: pass\n")
    right = Mutant("right", "toy", "def twice(x, times=2):\n    return times * x\n")
    monkeypatch.setattr(prove, "mutants_of", lambda _: [(subjects[1], each) for each in (deadly, endless, right)])
    monkeypatch.setattr(prove, "LEAST", 0.2)
    (proof,) = prove.prove([toy.id], workers=1)
    assert [trial.mutant for trial in proof.trials] == ["deadly", "endless", "right"]
    assert "ended with -9" in (proof.trials[0].killed_by or "")
    assert proof.trials[1].killed_by is not None
    assert proof.trials[2].killed_by is None


def test_a_right_answer_that_is_wrong_is_said(toy):
    toy.right["loops"] = "def twice(x, times=2):\n    return x\n"
    with pytest.raises(AssertionError, match=r"toy\.twice, loops: not right: three halves"):
        prove.prove([toy.id], workers=1)


def test_names_of_exercises_and_topics():
    assert prove.chosen(["linear.softmax", "linear"])[0] == "linear.softmax"
    assert len(prove.chosen(None)) == len(set(prove.chosen(None))) > 100
    with pytest.raises(CourseError, match=r"did you mean linear\.softmax"):
        prove.chosen(["linear.sofmax"])


def test_the_command_prints_a_table():
    done = CliRunner().invoke(app, ["prove", "mlp.mac_count", "--workers", "1"])
    assert done.exit_code == 0, done.output
    assert "mlp.mac_count" in done.output
    assert "100.0 %" in done.output
