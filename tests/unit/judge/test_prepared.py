"""Cases and expected values are worked out once for a class, and no answer changes them for the next."""

from dataclasses import replace

import numpy as np
import pytest

from autograder.calls import Status
from autograder.exercise import Case, Direction, Exercise, Growth, Rules
from autograder.judge import prepared as module
from autograder.judge.evaluate import evaluate
from autograder.judge.prepared import Ready, prepared
from autograder.sandbox.guest.messenger import loopback

SECRET, OTHER = b"a secret of these tests", b"another one"


class Counted:
    """A reference that knows how often it was called."""

    def __init__(self):
        self.calls = 0
        self.__name__ = "double"

    def __call__(self, x, f=None):
        self.calls += 1
        return 2.0 * x if f is None else f(x)


def exercise(function=None):
    def cases(rng):
        yield Case("one", (rng.standard_normal(3), function) if function is not None else (rng.standard_normal(3),))

    return Exercise("toy.double", Counted(), "double(x)", {"basics": 1}, visible=cases, hidden=cases)


def double(x, f=None):
    return 2.0 * x if f is None else f(x)


def test_the_reference_is_asked_once_for_a_class():
    toy = exercise()
    for _ in range(3):
        assert evaluate(toy, loopback(double), secret=SECRET).status is Status.PASSED
    assert toy.reference.calls == 2  # a visible case and a hidden one
    evaluate(toy, loopback(double), secret=OTHER)
    assert toy.reference.calls == 4


def test_every_exercise_secret_and_device_has_its_own():
    toy = exercise()
    first = prepared(toy, SECRET)
    assert prepared(toy, SECRET) is first
    for other in (prepared(toy, OTHER), prepared(toy, SECRET, "meta"), prepared(replace(toy), SECRET)):
        assert other is not first
    values = [plan.hidden[0].case.args[0] for plan in (first, prepared(toy, OTHER))]
    assert not np.array_equal(*values)
    assert np.array_equal(first.visible[0].case.args[0], prepared(toy, OTHER).visible[0].case.args[0])


def test_a_student_s_own_check_keeps_nothing():
    toy = exercise()
    assert prepared(toy, None) is not prepared(toy, None)
    assert prepared(toy, None).hidden == ()


def test_an_answer_that_changes_its_inputs_and_its_result_is_alone_with_that():
    kept = []

    def hostile(x):
        kept.append(x)
        x[:] = 0.0
        return x

    toy = exercise()
    before = evaluate(toy, loopback(double), secret=SECRET)
    assert evaluate(toy, loopback(hostile), secret=SECRET).points == 0
    kept[0][:] = 5.0
    assert evaluate(toy, loopback(double), secret=SECRET) == before
    assert before.points == 1


def test_a_case_s_function_that_may_remember_makes_the_cases_anew():
    seen = []

    class Callable:
        def __call__(self, x):
            return x

    def remembering(x):
        seen.append(1)
        return x

    def with_default(x, seen=[]):  # noqa: B006
        return x

    for function in (remembering, Callable(), with_default, seen.append, np.vectorize(abs)):
        toy = exercise(function)
        assert prepared(toy, SECRET) is not prepared(toy, SECRET)
    by, array = 2, np.ones(3)
    for function in (lambda x: x + by, lambda x: x + array, lambda x, times=3: times * x):
        toy = exercise(function)
        assert prepared(toy, SECRET) is prepared(toy, SECRET)


def test_only_the_latest_exercises_are_kept(monkeypatch):
    monkeypatch.setattr(module, "_MOST", 2)
    first, *others = [exercise() for _ in range(3)]
    plan = prepared(first, SECRET)
    for other in others:
        prepared(other, SECRET)
    assert prepared(first, SECRET) is not plan


def test_the_inputs_of_a_growth_are_kept_too():
    direction = Direction("numbers", (40, 400, 4_000), lambda rng, size: (rng.standard_normal(size),))
    growth = Growth((direction,), lambda x: np.array([2.0 * each for each in x]))
    toy = replace(exercise(), rules=Rules(vectorised=growth), groups={"basics": 1, "vectorised": 1})
    assert evaluate(toy, loopback(double), secret=SECRET).points == 2
    (growing,) = prepared(toy, SECRET).growth
    assert prepared(toy, SECRET).growth[0] is growing
    assert growing.ready(1, 0).expected is growing.ready(1, 0).expected
    assert [len(growing.ready(size, 0).case.args[0]) for size in range(3)] == [40, 400, 4_000]
    assert growing.ready(1, 0) is growing.ready(1, 0)
    assert not np.array_equal(growing.ready(1, 0).case.args[0], growing.ready(1, 1).case.args[0])


def test_a_reference_that_fails_is_the_grader_s_own_fault_each_time():
    def broken(x):
        raise ValueError("no")

    ready = Ready(replace(exercise(), reference=broken), Case("one", (1.0,)))
    for _ in range(2):
        with pytest.raises(RuntimeError, match="on case 'one'"):
            _ = ready.expected
