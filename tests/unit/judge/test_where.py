"""In which line a mistake is, is said only where values or an exception show it."""

from autograder.calls import Outcome, Raised
from autograder.exercise import CaseResult
from autograder.judge.on_the_way import Departure
from autograder.judge.trial import Trial
from autograder.judge.where import Where

TEXT = "def f(x):\n    a = x + 1\n    b = a[x]\n    return b\n"


def failed(line: int, source: str, kind: str = "IndexError") -> Trial:
    result = CaseResult("case", "group", False, False, "", "exception")
    return Trial(result, outcome=Outcome(raised=Raised(kind, "", line, source)))


def test_the_line_that_stops_is_said_with_what_was_right_before():
    told = Where(TEXT, [failed(3, "    b = a[x]")], Departure(None, 2, False)).said()
    assert told == (
        "Up to line 2 your numbers are those of a right solution. Your function stops in line 3: `b = a[x]`"
    )


def test_a_line_before_the_stop_with_unknown_numbers_is_said_too():
    told = Where(TEXT, [failed(3, "    b = a[x]")], Departure(2, None, True)).said()
    assert "stops in line 3" in told
    assert "line 2 is the first whose numbers no right solution has" in told


def test_of_a_line_that_may_only_go_its_own_way_nothing_is_said_before_the_stop():
    told = Where(TEXT, [failed(3, "    b = a[x]")], Departure(2, None, False)).said()
    assert told == "Your function stops in line 3: `b = a[x]`"


def test_the_case_that_stops_is_named_if_another_is_shown():
    other = Trial(CaseResult("the first", "basics", False, False), outcome=Outcome(value=1.0))
    told = Where(TEXT, [other, failed(3, "    b = a[x]")], Departure(None, 2, False)).said()
    assert told.startswith('In the case "case": Up to line 2')


def test_a_line_of_another_file_or_a_missing_attribute_is_not_said():
    assert Where(TEXT, [failed(3, "    raise ValueError")]).said() == ""
    assert Where(TEXT, [failed(3, "    b = a[x]", "AttributeError")]).said() == ""


def test_one_line_that_is_unknown_alone_says_nothing():
    assert Where(TEXT, [], Departure(3, 2, False)).said() == ""
    assert Where(TEXT, [], Departure(3, 2, True)).said().startswith("Up to line 2 your numbers")


def test_without_values_only_exceptions_of_the_line_itself_are_believed():
    assert Where(TEXT, [failed(3, "    b = a[x]", "TypeError")]).said() == "Your function stops in line 3: `b = a[x]`"
    assert Where(TEXT, [failed(3, "    b = a[x]", "RuntimeError")]).said() == ""
