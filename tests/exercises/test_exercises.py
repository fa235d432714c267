"""Every exercise is tried like a judge's: references pass, known mistakes lose points and are named."""

import importlib
import inspect
import re
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from long_judged import LONG_JUDGED

from autograder.calls import Status
from autograder.exercise import Case, Exercise, Misconception, Verdict
from autograder.exercises import ASSIGNMENTS, UnknownExercise, exercises_of, find
from autograder.judge.cases import hidden_cases, visible_cases
from autograder.judge.evaluate import evaluate
from autograder.judge.prepared import prepared
from autograder.pipeline.authoring.simulated_students import misconception_source
from autograder.sandbox.guest.messenger import loopback
from autograder.sandbox.wire.values import encode

SECRETS = (b"first", b"second")
SOURCES = "".join(path.read_text("utf-8") for path in sorted((Path(__file__).parents[2] / "solutions").glob("*.py")))
EXERCISES = [exercise for name in ASSIGNMENTS for exercise in exercises_of(name)]
MISTAKES = [(exercise, mistake) for exercise in EXERCISES for mistake in exercise.misconceptions]

each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
each_mistake = pytest.mark.parametrize(
    ("exercise", "mistake"), MISTAKES, ids=[f"{exercise.id}-{mistake.name}" for exercise, mistake in MISTAKES]
)


@cache
def judged_reference(id_: str, secret: bytes) -> Verdict:
    exercise = find(id_)
    return evaluate(exercise, loopback(exercise.reference), secret=secret)


@each_exercise
@pytest.mark.parametrize("secret", SECRETS)
def test_the_reference_gets_full_marks_without_a_remark(exercise: Exercise, secret: bytes):
    verdict = judged_reference(exercise.id, secret)
    assert verdict.message == ""
    assert verdict.status is Status.PASSED
    assert verdict.points == exercise.points
    assert verdict.remarks == ()


@each_exercise
def test_the_form_of_an_exercise(exercise: Exercise):
    assert len(exercise.misconceptions) >= 3
    assert exercise.points == int(exercise.points)
    assert exercise.signature.startswith(f"{exercise.name}(")
    assert exercise.reference.__name__ == exercise.name
    assert exercise.reference.__module__.split(".")[:2] == ["course_lib", exercise.topic]
    assert getattr(importlib.import_module(f"course_lib.{exercise.topic}"), exercise.name) is exercise.reference
    assert len({mistake.name for mistake in exercise.misconceptions}) == len(exercise.misconceptions)
    for mistake in exercise.misconceptions:
        assert 40 <= len(mistake.sentence) <= 400, mistake.name


@each_exercise
def test_three_hints_lead_to_the_answer_and_do_not_give_it(exercise: Exercise):
    assert len(exercise.hints) == 3
    first, _, last = exercise.hints
    assert "`" not in first, "a nudge has no code"
    assert last.count("`") >= 2, "the last hint names the decisive code"
    answer = squeezed(solution(exercise.name))
    for hint in exercise.hints:
        assert 20 <= len(hint) <= 300, hint
        assert hint.count("`") % 2 == 0, hint
        assert answer not in squeezed(hint), hint


def solution(name: str) -> str:
    """What stands between the marks of an answer in the notebooks' sources."""
    marked = rf"^(?:def|class) {name}\(.*?### BEGIN SOLUTION\n(.*?)### END SOLUTION"
    found = re.search(marked, SOURCES, re.DOTALL | re.MULTILINE)
    assert found, name
    return found[1].strip().removeprefix("return ")


def squeezed(text: str) -> str:
    return "".join(text.split()).replace("`", "").replace('"', "'")


def test_no_hint_is_written_twice():
    counted = Counter(squeezed(hint).lower() for exercise in EXERCISES for hint in exercise.hints)
    assert [hint for hint, times in counted.items() if times > 1] == []


@each_exercise
def test_every_group_has_a_visible_case_and_no_case_a_foreign_group(exercise: Exercise):
    visible, hidden = visible_cases(exercise), hidden_cases(exercise, b"any")
    shown = {case.group for case in visible} | {prop.group for prop in exercise.properties}
    if exercise.rules.vectorised is not None:
        shown.add(exercise.rules.vectorised.group)
    assert shown == set(exercise.groups)
    assert {case.group for case in hidden} <= set(exercise.groups)
    names = [case.name for case in visible]
    assert len(set(names)) == len(names)


@each_exercise
def test_cases_are_the_same_for_the_same_secret(exercise: Exercise):
    first, second = hidden_cases(exercise, b"same"), hidden_cases(exercise, b"same")
    assert [case.name for case in first] == [case.name for case in second]
    for one, two in zip(first, second, strict=True):
        for left, right in zip(one.args, two.args, strict=True):
            if isinstance(left, np.ndarray):
                np.testing.assert_array_equal(left, right)


@each_exercise
def test_cases_that_were_judged_are_as_they_were(exercise: Exercise):
    judged_reference(exercise.id, SECRETS[0])
    plan = prepared(exercise, SECRETS[0])
    assert plan is prepared(exercise, SECRETS[0]), "its functions are not plain: a class would wait for fresh cases"
    fresh = [*visible_cases(exercise), *hidden_cases(exercise, SECRETS[0])]
    for ready, case in zip([*plan.visible, *plan.hidden], fresh, strict=True):
        assert on_the_wire(ready.case) == on_the_wire(case), case.name


def on_the_wire(case: Case):
    return encode((case.args, dict(case.kwargs)), lambda function, _node: ["function", function.__qualname__])


def submitted(exercise: Exercise, mistake: Misconception):
    namespace: dict[str, object] = {"np": np, "torch": sys.modules.get("torch")}
    exec(misconception_source(exercise, mistake), namespace)
    return namespace[exercise.name]


@pytest.mark.parametrize(
    ("exercise", "mistake"),
    [
        pytest.param(exercise, mistake, id=f"{exercise.id}-{mistake.name}")
        for exercise, mistake in MISTAKES
        if exercise.id not in LONG_JUDGED or exercise.misconceptions.index(mistake) % 2 == 0
    ],
)
def test_a_known_mistake_loses_points_and_is_named(exercise: Exercise, mistake: Misconception):
    """The mistakes of an exercise share its two sets of hidden cases.

    Where these are long judged, every other mistake is tried on them. Each is tried on the visible ones alone below.
    """
    secret = SECRETS[exercise.misconceptions.index(mistake) // (2 if exercise.id in LONG_JUDGED else 1) % 2]
    verdict = evaluate(exercise, loopback(submitted(exercise, mistake)), secret=secret)
    assert verdict.points < exercise.points
    assert verdict.status in (Status.FAILED, Status.PARTIAL, Status.ERROR)
    assert verdict.misconception == mistake.name
    assert verdict.diagnosis == mistake.sentence


@each_mistake
def test_a_student_is_told_already_without_hidden_cases(exercise: Exercise, mistake: Misconception):
    verdict = evaluate(exercise, loopback(submitted(exercise, mistake)))
    assert verdict.points < exercise.points
    assert verdict.misconception == mistake.name


@each_mistake
def test_what_is_submitted_does_not_give_the_mistake_away(exercise: Exercise, mistake: Misconception):
    source = misconception_source(exercise, mistake)
    assert mistake.name not in source
    assert mistake.sentence[:30] not in source
    assert list(inspect.signature(mistake.wrong).parameters) == list(inspect.signature(exercise.reference).parameters)


@each_exercise
def test_a_blank_answer_is_not_written_and_an_absent_one_fails(exercise: Exercise):
    def blank(*args, **kwargs):
        raise NotImplementedError

    assert evaluate(exercise, loopback(blank)).status is Status.NOT_WRITTEN
    for empty, secret in ((lambda *args, **kwargs: None, SECRETS[0]), (None, None), (0.0, None), ("right", None)):
        verdict = evaluate(exercise, loopback(empty), secret=secret)
        assert verdict.points == 0
        assert verdict.status in (Status.FAILED, Status.ERROR)


def test_an_unknown_exercise_is_one_sentence_with_near_names():
    with pytest.raises(UnknownExercise, match=r"no exercise is called 'linear\.score': did you mean linear\.scores"):
        find("linear.score")
