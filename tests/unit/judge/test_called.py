"""The first call that an observer made stands for its case while edits are tried."""

from dataclasses import replace

import numpy as np

from autograder.calls import Outcome
from autograder.exercise import CaseResult
from autograder.exercises import find
from autograder.judge.called import as_called
from autograder.judge.prepared import prepared
from autograder.judge.slips import OwnText
from autograder.judge.trial import Trial
from autograder.sandbox.guest.messenger import loopback

EXERCISE = find("mlp.relu")
RIGHT = "def relu(x):\n    return np.maximum(x, 0)\n"
WRONG = "def relu(x):\n    return np.maximum(x, 1)\n"


def called_with(text: str, *args: object):
    place: dict[str, object] = {"np": np}
    exec(text, place)
    case = prepared(EXERCISE, None).visible[0].case
    trial = Trial(CaseResult("case", "group", False, False), case, Outcome(called=(args, {})))
    observed = replace(EXERCISE, through=lambda answer, x: answer(x))
    return as_called(observed, trial, OwnText(text, "relu", loopback(place["relu"])))


def test_a_plain_call_that_is_wrong_is_a_case_of_its_own():
    ready = called_with(WRONG, np.array([-1.0, 2.0]))
    assert ready is not None
    assert ready.through is None
    assert ready.expected.value.tolist() == [0.0, 2.0]


def test_a_call_that_is_right_or_takes_more_than_data_says_nothing():
    assert called_with(RIGHT, np.array([-1.0, 2.0])) is None
    assert called_with(WRONG, object()) is None
