"""Notebooks 06 and 07 judged on a GPU: references and independent right answers get full marks there too."""

import numpy as np
import pytest
import torch

from autograder.exercises import exercises_of
from autograder.judge.evaluate import evaluate
from autograder.sandbox.guest.messenger import loopback

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")

EXERCISES = [*exercises_of("06_rnn"), *exercises_of("07_lstm")]

each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)


@each_exercise
def test_the_reference_gets_full_marks(exercise):
    verdict = evaluate(exercise, loopback(exercise.reference), secret=b"any", device="cuda")
    assert (verdict.message, verdict.points) == ("", exercise.points)


@each_exercise
@pytest.mark.parametrize("style", ["loops", "other formula"])
def test_independent_right_answers_get_full_marks(exercise, style):
    namespace: dict[str, object] = {"np": np, "torch": torch}
    exec(exercise.right[style], namespace)
    verdict = evaluate(exercise, loopback(namespace[exercise.name]), secret=b"any", device="cuda")
    assert (verdict.message, verdict.points) == ("", exercise.points)
