"""A fixed sample of every exercise's mutants dies; what is said of equivalent mutants is about mutants that there are.

All mutants of all exercises take half an hour: `autograder prove`.
"""

import hashlib
from functools import cache

import pytest
from long_judged import LONG_JUDGED

from autograder.exercise import Exercise
from autograder.exercises import ASSIGNMENTS, exercises_of, find
from autograder.mutations.equivalents import equivalents, reason_for
from autograder.mutations.mutants import Mutant, mutants
from autograder.mutations.scores import kept
from autograder.mutations.subject import Subject
from autograder.pipeline.authoring import prove
from autograder.pipeline.authoring.prove import Judged, chosen, subjects

EXERCISES = [exercise for name in ASSIGNMENTS for exercise in exercises_of(name)]
SAMPLE = 3
"""Mutants of each exercise that are tried here; one of those that are long judged."""

each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)


@cache
def all_mutants(id_: str) -> tuple[tuple[Subject, Mutant], ...]:
    """The edits of both right answers; not the wrappers, for which cases have to run."""
    return tuple((subject, mutant) for subject in subjects(find(id_)) for mutant in mutants(subject, None))


def sample(exercise: Exercise) -> list[tuple[Subject, Mutant]]:
    """The same ones in every run."""
    wrong = [each for each in all_mutants(exercise.id) if reason_for(exercise.id, each[1].name) is None]
    wrong.sort(key=lambda each: hashlib.sha256(each[1].name.encode()).digest())
    if exercise.id in LONG_JUDGED:
        return [each for each in wrong if each[0].style == "reference"][:1]
    return wrong[:SAMPLE]


@each_exercise
def test_a_sample_of_mutants_dies(exercise: Exercise):
    chosen_ones = sample(exercise)
    assert chosen_ones
    judged: dict[str, Judged] = {}
    for subject, mutant in chosen_ones:
        judge = judged.setdefault(subject.style, Judged(exercise, subject))
        assert judge.killed_by(mutant) is not None, mutant.name


def test_reasons_are_given_for_exercises_that_there_are():
    topics = {exercise.topic for exercise in EXERCISES}
    ids = {exercise.id for exercise in EXERCISES} | {"*"}
    for topic in topics:
        for entry in equivalents(topic):
            assert entry.exercise in ids
            assert entry.exercise.partition(".")[0] in (topic, "*")


def test_scores_are_kept_of_exercises_that_there_are_and_nothing_survives_unsaid():
    scores = kept()
    assert set(scores) == {exercise.id for exercise in EXERCISES}
    assert [id_ for id_, score in scores.items() if score.surviving] == []


def test_a_topic_is_chosen_by_its_name():
    assert chosen(["mlp"]) == [exercise.id for exercise in EXERCISES if exercise.topic == "mlp"]


def test_a_right_answer_is_judged_once_however_many_mutants_it_has(monkeypatch: pytest.MonkeyPatch):
    begun, sent = [], []

    class Counted(Judged):
        def __init__(self, exercise: Exercise, subject: Subject) -> None:
            begun.append(subject.style)
            super().__init__(exercise, subject)

    class Listener:
        send = sent.append

    monkeypatch.setattr(prove, "Judged", Counted)
    monkeypatch.setattr(prove.os, "setpriority", lambda *_: None)
    prove._try_all("linear.predict", 1_000_000, Listener())
    assert begun == ["reference", "loops"]
    assert len(sent[0]) > 10
    assert sent[1:] == [None]
