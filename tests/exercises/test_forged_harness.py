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
from autograder.exercise import Exercise, Status
from autograder.exercises import ASSIGNMENTS, exercises_of
from autograder.judge.evaluate import evaluate
from autograder.sandbox.guest.messenger import loopback

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
    """What each harness returned, in order; filled while the true ones run, given back once `forged` is set."""
    told = defaultdict(list)

    def replaced(name, true):
        def harness(*args, **kwargs):
            if told["forged"]:
                return told[name].pop(0) if told[name] else true(*args, **kwargs)
            told[name].append(true(*args, **kwargs))
            return told[name][-1]

        return harness

    for module, name in HARNESSES:
        monkeypatch.setattr(module, name, replaced(f"{module.__name__}.{name}", getattr(module, name)))
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
