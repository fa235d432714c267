from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from autograder.calls import Breach, Outcome, Raised, Status, Unwritten
from autograder.exercise import Case, Exercise, Misconception, Property, Rules
from autograder.judge.apply import apply
from autograder.judge.describe import describe
from autograder.judge.evaluate import evaluate

SECRET = b"a secret of these tests"


def double(x):
    return 2.0 * x


def squared(x):
    """These are squares: double the number, do not multiply it by itself."""
    return x * x


def doubled_in_place(x):
    """This doubles the input itself: make a new array."""
    x *= 2
    return x


def visible(rng):
    yield Case("two numbers", (np.array([1.0, 3.0]),))
    yield Case("a matrix", (rng.standard_normal((2, 3)),), group="corners")


def hidden(rng):
    yield Case("one number", (rng.standard_normal(1) + 40.0,))
    yield Case("nothing", (np.zeros(0),), group="corners")


def odd(call, rng):
    x = rng.standard_normal(3)
    return None if np.allclose(call(-x), -call(x)) else "f(-x) is not -f(x)"


def misconception(wrong: Callable[..., Any]) -> Misconception:
    return Misconception(wrong.__name__, wrong, wrong.__doc__)


EXERCISE = Exercise(
    id="toy.double",
    reference=double,
    signature="double(x) -> x",
    groups={"basics": 2, "corners": 1, "properties": 1},
    visible=visible,
    hidden=hidden,
    misconceptions=(misconception(squared), misconception(doubled_in_place)),
    properties=(Property("odd", odd),),
)


def through(function: Callable[..., Any]):
    return lambda args, kwargs, through="", **_: apply(function, args, kwargs)


def test_the_reference_gets_every_point():
    verdict = evaluate(EXERCISE, through(double), secret=SECRET)
    assert verdict.status is Status.PASSED
    assert (verdict.points, verdict.max_points) == (4, 4)
    assert [case.hidden for case in verdict.cases] == [False, False, False, True, True, True]


def test_a_property_that_does_not_hold_shows_its_calls_as_code_that_runs():
    exercise = replace(EXERCISE, visible=lambda rng: iter(()))
    [case] = evaluate(exercise, through(squared)).cases
    shown = dict(case.details)
    assert list(shown) == ["called earlier with", "answer then", "called with", "your answer", "to try it"]
    asked: list[Any] = []
    exec(shown["to try it"], {"np": np, "double": asked.append})
    assert len(asked) == 2
    np.testing.assert_array_equal(asked[0], -asked[1])
    assert shown["called with"].startswith("x = ")
    assert shown["your answer"] == describe(squared(asked[1]))


def test_a_property_shows_the_call_that_raised():
    def halves(x):
        if x[0] < 0:
            raise ValueError("negative")
        return x / 2

    exercise = replace(EXERCISE, visible=lambda rng: iter(()), properties=(Property("odd", odd),))
    [case] = evaluate(exercise, through(halves)).cases
    shown = dict(case.details)
    assert "negative" in case.message
    assert "your answer" not in shown
    assert shown["to try it"].count("double(") == 1


def test_a_hidden_property_shows_no_call():
    cases = evaluate(EXERCISE, through(squared), secret=SECRET).cases
    assert [case.details for case in cases if case.hidden] == [()] * 3


def test_a_mistake_that_explains_one_of_many_failing_cases_is_not_named():
    def elsewhere(rng):
        yield from visible(rng)
        yield Case("eight", (np.array([8.0]),), group="more")
        yield Case("nine", (np.array([9.0]),), group="more")

    def like_a_square_of_a_matrix(x):
        return x * x if x.ndim == 2 else x + 7.0

    exercise = replace(EXERCISE, visible=elsewhere, properties=(), groups={"basics": 2, "corners": 1, "more": 1})
    assert evaluate(exercise, through(like_a_square_of_a_matrix)).diagnosis == ""
    assert evaluate(exercise, through(squared)).misconception == "squared"


@pytest.mark.parametrize(("sign", "named"), [(True, "squared"), (None, ""), (False, "")])
def test_a_mistake_is_named_where_it_is_seen_not_where_nothing_rules_it_out(sign, named):
    squares = replace(EXERCISE.misconceptions[0], shows=lambda case, value: sign if value.size == 2 else None)
    exercise = replace(EXERCISE, misconceptions=(squares,))
    assert evaluate(exercise, through(squared)).misconception == named


def test_without_a_secret_nothing_hidden_runs():
    assert not any(case.hidden for case in evaluate(EXERCISE, through(double)).cases)


def test_a_known_mistake_is_named():
    verdict = evaluate(EXERCISE, through(squared), secret=SECRET)
    assert verdict.status is Status.FAILED
    assert verdict.misconception == "squared"
    assert verdict.diagnosis.startswith("These are squares")


def test_changed_inputs_are_a_rule_and_a_misconception():
    verdict = evaluate(EXERCISE, through(doubled_in_place), secret=SECRET)
    assert verdict.misconception == "doubled_in_place"
    assert verdict.cases[0].kind == "inputs"


def test_an_unknown_mistake_has_no_diagnosis():
    verdict = evaluate(EXERCISE, through(lambda x: x + 17.0), secret=SECRET)
    assert verdict.diagnosis == ""
    assert "result" in verdict.message


def test_partial_credit_by_groups():
    verdict = evaluate(EXERCISE, through(lambda x: 2.0 * x if x.ndim == 1 and x.size else x), secret=SECRET)
    assert verdict.status is Status.PARTIAL
    assert verdict.points == 3


def test_a_hidden_failure_shows_no_number():
    verdict = evaluate(EXERCISE, through(lambda x: 2.0 * x if x.size != 1 else x), secret=SECRET)
    failed = [case for case in verdict.cases if not case.passed]
    assert [case.name for case in failed] == ["one number"]
    assert failed[0].details == ()
    assert failed[0].message == "the numbers differ from the reference's"
    assert not any(character.isdigit() for character in verdict.message)


def test_what_a_student_raises_on_hidden_cases_does_not_come_back():
    def tell(x):
        if x.size == 1:
            raise ValueError(f"the hidden input is {x}")
        return 2.0 * x

    verdict = evaluate(EXERCISE, through(tell), secret=SECRET)
    assert verdict.points < 4
    assert "hidden input is" not in repr(verdict)


def broken(x):
    raise ZeroDivisionError("division by zero")


def hungry(x):
    raise MemoryError


@pytest.mark.parametrize(
    ("function", "status"),
    [
        (broken, Status.ERROR),
        (hungry, Status.MEMORY),
        (lambda x: None, Status.FAILED),
    ],
)
def test_statuses(function, status):
    verdict = evaluate(EXERCISE, through(function), secret=SECRET)
    assert verdict.status is status
    assert verdict.points == 0


def test_a_breach_keeps_the_groups_that_were_complete_and_fails_the_rest():
    calls = []

    def dies(args, kwargs, through="", **_):
        calls.append(args)
        if len(calls) == 2:
            raise Breach(Status.TIMEOUT, "your code ran longer than 10 s")
        return apply(double, args, kwargs)

    verdict = evaluate(EXERCISE, dies, secret=SECRET)
    assert verdict.status is Status.TIMEOUT
    assert verdict.message == "your code ran longer than 10 s"
    assert len(verdict.cases) == 6
    assert [case.passed for case in verdict.cases] == [True, False, False, False, False, False]
    assert verdict.points == 0


def test_the_rule_silent_turns_a_warning_into_a_failure():
    def warns(x):
        np.exp(np.array([1e4]))
        return 2.0 * x

    assert evaluate(EXERCISE, through(warns)).status is Status.PASSED
    verdict = evaluate(replace(EXERCISE, rules=Rules(silent=True)), through(warns))
    assert verdict.cases[0].kind == "warning"
    assert "overflow" in verdict.message


def test_accepts_judges_in_place_of_the_reference():
    exercise = replace(EXERCISE, accepts=lambda case, value: None if value.sum() > 0 else "the sum is not positive")
    positive = through(lambda x: np.ones(3))
    assert evaluate(replace(exercise, properties=()), positive).status is Status.PASSED
    verdict = evaluate(replace(exercise, properties=()), through(lambda x: "nonsense"))
    assert "could not be used" in verdict.message


def test_a_reference_that_raises_is_the_courses_own_fault():
    with pytest.raises(RuntimeError, match=r"reference of toy\.double"):
        evaluate(replace(EXERCISE, reference=broken), through(double))


def test_other_secrets_give_other_hidden_inputs():
    def record(seen):
        def call(args, kwargs, through="", **_):
            seen.append(args[0].tobytes())
            return apply(double, args, kwargs)

        return call

    first: list[bytes] = []
    second: list[bytes] = []
    evaluate(EXERCISE, record(first), secret=b"one")
    evaluate(EXERCISE, record(second), secret=b"two")
    assert first[:2] == second[:2]
    assert first[4] != second[4]


def summed(x):
    """This is the sum: keep the numbers apart."""
    return x.sum() * np.ones(1)


def test_a_mistake_that_the_passed_cases_refute_is_not_named():
    one = replace(EXERCISE, misconceptions=(misconception(summed),), properties=())
    assert evaluate(one, through(summed), secret=SECRET).misconception == "summed"
    only_there = evaluate(one, through(lambda x: x if x.size == 1 else 2.0 * x), secret=SECRET)
    assert only_there.status is Status.PARTIAL
    assert only_there.misconception == ""


def test_a_mistake_that_explains_half_of_the_failures_is_not_named():
    def squares_of_vectors(x):
        return x * x if x.ndim == 1 and x.size else x - 1.0

    exercise = replace(EXERCISE, visible=lambda rng: [*visible(rng), Case("again", (np.ones((2, 2)) * 7,))])
    assert evaluate(exercise, through(squares_of_vectors), secret=SECRET).misconception == ""


def test_remarks_that_differ_in_the_place_alone_are_one():
    def pairs(rng):
        yield Case("one pair", (3,))

    exercise = replace(EXERCISE, reference=lambda n: [1] * n, visible=pairs, hidden=pairs, properties=())
    verdict = evaluate(exercise, through(lambda n: [1.0] * n), secret=SECRET)
    assert verdict.remarks == ("result[0] is a float; a count is an int (use // in place of /)",)


def test_a_remark_on_a_hidden_case_is_not_told():
    def hidden(rng):
        yield Case("a hidden one", (5,))

    def places(n):
        return [float(i) if n == 5 and i == 3 else i for i in range(n)]

    exercise = replace(EXERCISE, reference=lambda n: list(range(n)), visible=_three, hidden=hidden, properties=())
    verdict = evaluate(exercise, through(places), secret=SECRET)
    assert verdict.status is Status.PASSED
    assert verdict.remarks == ()


def _three(rng):
    yield Case("three", (3,))


def test_a_hidden_case_is_not_measured_and_a_check_measures_nothing():
    exercise = replace(EXERCISE, measures=lambda case, value: {"size": np.size(value)})
    verdict = evaluate(exercise, through(double), secret=SECRET)
    measured = {(case.hidden, bool(case.measured)) for case in verdict.cases if case.name != "odd"}
    assert measured >= {(False, True), (True, False)}
    assert (True, True) not in measured
    assert not any(case.measured for case in evaluate(exercise, through(double)).cases)


def test_hints_come_with_an_answer_that_fails():
    exercise = replace(EXERCISE, hints=("a nudge", "the idea"))
    assert evaluate(exercise, through(squared)).hints == ("a nudge", "the idea")
    assert evaluate(exercise, through(double)).hints == ()


def labelled(exercise: Exercise, function: Callable[..., Any]) -> dict[str, str]:
    """The details of the first case that does not pass."""
    verdict = evaluate(exercise, through(function))
    return dict(next(case for case in verdict.cases if not case.passed).details)


def test_a_case_shows_its_call_as_code_and_what_differs():
    shown = labelled(EXERCISE, lambda x: 2.0 * x - (x == 1.0))
    assert shown == {
        "called with": "x = [1., 3.]",
        "your answer": "[»1.«,  6. ]",
        "expected": "[»2.«,  6. ]",
        "to try it": "double(np.array([1., 3.]))",
    }


def test_an_input_without_code_is_fetched_by_name():
    large = replace(EXERCISE, visible=lambda rng: [Case("many", (rng.standard_normal(9999),))])
    shown = labelled(large, squared)
    assert shown["to try it"] == (
        "from autograder import case\ngiven = case('toy.double', 'many')\ndouble(*given.args)"
    )
    assert shown["your answer"].startswith("<9999 float64>, of which [0:16] is\n[»")


def test_what_an_observer_sees_is_told_without_its_dictionary():
    def watched(answer, x):
        return {"value": answer(x), "calls_made": 1, "again": answer(2 * x)}

    exercise = replace(EXERCISE, through=watched, properties=())
    shown = labelled(exercise, lambda x: 2.0 * x + (x == 2.0))
    assert shown["your answer"] == "again = [ »5.«,  12. ]"
    assert shown["to try it"] == "double(np.array([1., 3.]))"
    judged = replace(exercise, accepts=lambda case, value: "not this")
    shown = labelled(judged, double)
    assert shown["seen of your answer"] == "value = [2., 6.]\ncalls made = 1\nagain = [ 4., 12.]"


# --- lines that were left -----------------------------------------------------------------------------


def raising(unwritten: Unwritten, function: str = "f") -> Any:
    def call(args, kwargs, through="", **_):
        return Outcome(raised=Raised("NotImplementedError", "", 7, "raise ...", unwritten=unwritten, function=function))

    return call


def test_a_line_that_was_left_below_the_code_is_named_and_has_a_cure():
    verdict = evaluate(EXERCISE, raising(Unwritten.BELOW), secret=SECRET)
    assert verdict.status is Status.ERROR
    assert "line 7, `raise NotImplementedError()`, still stands below your code" in verdict.message
    assert verdict.cure.startswith("Delete the line raise NotImplementedError()")
    assert {case.message for case in verdict.cases if case.hidden} == {"your function raised an exception"}, (
        "a hidden case tells nothing of it"
    )


def test_code_below_the_line_that_was_left_is_named_too():
    assert "still stands above your code" in evaluate(EXERCISE, raising(Unwritten.ABOVE)).message


def test_a_function_that_the_answer_calls_is_not_the_answer():
    verdict = evaluate(EXERCISE, raising(Unwritten.ELSEWHERE, "im2col"))
    assert verdict.status is Status.ERROR
    assert "`im2col`, which your function calls, is not written yet" in verdict.message
    assert verdict.cure.startswith("Write im2col")


def test_a_stub_is_not_written_and_an_error_of_a_library_is_an_error():
    stub, library = (evaluate(EXERCISE, raising(each)) for each in (Unwritten.STUB, Unwritten.NO))
    assert (stub.status, stub.message, stub.cure) == (Status.NOT_WRITTEN, "not written yet", "")
    assert (library.status, library.cure) == (Status.ERROR, "")
    assert "your function raised NotImplementedError" in library.message


# --- calls that are stopped -----------------------------------------------------------------------------


def test_a_call_that_breaks_a_limit_is_shown_with_its_input():
    def call(args, kwargs, through="", **_):
        if args[0].ndim == 2:
            raise Breach(Status.TIMEOUT, "the code ran longer than 10 s and was stopped")
        return apply(double, args, kwargs)

    verdict = evaluate(EXERCISE, call, secret=SECRET)
    stopped, *rest = (case for case in verdict.cases if not case.passed)
    assert (verdict.status, stopped.name, stopped.kind) == (Status.TIMEOUT, "a matrix", "breach")
    assert stopped.message == verdict.message
    assert stopped.details[0][0] == "called with"
    assert stopped.details[0][1].startswith("x = [[")
    assert {case.details for case in rest} == {()}


def test_a_hidden_call_that_breaks_a_limit_keeps_its_input():
    def call(args, kwargs, through="", **_):
        if args[0].size == 0:
            raise Breach(Status.TIMEOUT, "the code ran longer than 10 s and was stopped")
        return apply(double, args, kwargs)

    stopped = next(case for case in evaluate(EXERCISE, call, secret=SECRET).cases if not case.passed)
    assert (stopped.hidden, stopped.details) == (True, ())
