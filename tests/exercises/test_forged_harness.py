"""Nothing that runs in the student's process is believed: who replaces every harness has no point without an answer.

Each function of `autograder.harness` is replaced by one that returns, call by call, what the true one returned for the
reference: the best that a forger can hope for.
"""

import importlib
import inspect
import pkgutil
from collections import defaultdict

import numpy as np
import pytest

import autograder.harness
from autograder.calls import Status
from autograder.exercise import Exercise
from autograder.exercises import ASSIGNMENTS, exercises_of
from autograder.judge.evaluate import evaluate
from autograder.sandbox.guest import perform
from autograder.sandbox.guest.messenger import loopback
from autograder.sandbox.wire import functions
from autograder.sandbox.wire.functions import harness as functions_by_name

SECRET = b"forged"
MODULES = [
    importlib.import_module(f"autograder.harness.{found.name}")
    for found in pkgutil.iter_modules(autograder.harness.__path__)
]
HARNESSES = [
    (module, name)
    for module in MODULES
    for name in module.__all__
    if inspect.isroutine(getattr(module, name)) or inspect.isclass(getattr(module, name))
]


def is_observed(exercise: Exercise) -> bool:
    probed = [*exercise.visible(np.random.default_rng(0)), *exercise.properties]
    return exercise.through is not None or any(each.through is not None for each in probed)


OBSERVED = [each for name in ASSIGNMENTS for each in exercises_of(name) if is_observed(each)]


def not_written(*args, **kwargs):
    raise NotImplementedError


def nothing(*args, **kwargs):
    return None


@pytest.fixture
def told(monkeypatch):
    """What the student's side finds under each harness's name: it notes what the true one returns, in order, and gives
    that back once `told["forged"]` is set."""
    told = defaultdict(list)

    def found(name):
        true = functions_by_name(name)

        def harness(*args, **kwargs):
            if told["forged"] and told[name]:
                return told[name].pop(0)
            value = true(*args, **kwargs)
            if not told["forged"]:
                told[name].append(value)
            return value

        return harness

    monkeypatch.setattr(functions, "harness", found)
    monkeypatch.setattr(perform, "harness", found)
    return told


def test_no_harness_is_given_the_answer():
    for module, name in HARNESSES:
        assert "answer" not in inspect.signature(getattr(module, name)).parameters, (module.__name__, name)


@pytest.mark.parametrize("exercise", OBSERVED, ids=lambda exercise: exercise.id)
def test_a_forged_harness_gives_no_point(exercise, told):
    assert evaluate(exercise, loopback(exercise.reference), secret=SECRET).status is Status.PASSED
    told["forged"].append(True)
    for answer in (not_written, nothing):
        verdict = evaluate(exercise, loopback(answer), secret=SECRET)
        assert verdict.points == 0, verdict.cases
