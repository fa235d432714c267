"""What a student is shown of a visible case: what was called, what came back, what was expected, the call as code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograder.calls import Outcome
from autograder.exercise import Case, Exercise
from autograder.judge.answer import observed, observer_of
from autograder.judge.beside import beside, seen, seen_beside
from autograder.judge.compare import Match
from autograder.judge.describe import describe, describe_call
from autograder.judge.runnable import code_of_call
from autograder.judge.tensors import is_array
from autograder.objects import Built

__all__ = ["details", "printed"]

Details = tuple[tuple[str, str], ...]


def details(exercise: Exercise, case: Case, expected: Outcome, outcome: Outcome, match: Match) -> Details:
    """Labels with texts, for a case that does not pass."""
    rows = [("called with", _called_with(exercise, case, outcome))]
    answer, wanted = _answers(exercise, case, expected, outcome, match)
    if outcome.raised is None:
        rows.append((_answer_label(exercise, case, outcome), answer))
    elif outcome.raised.line is not None:
        rows.append(("raised at", f"line {outcome.raised.line}: {outcome.raised.source.strip()}"))
    if exercise.accepts is None:
        rows.append(("expected", wanted))
    if code := _code(exercise, case, outcome):
        rows.append(("to try it", code))
    return (*rows, *printed(outcome))


def printed(outcome: Outcome) -> Details:
    """What the call printed, if that is known."""
    return (("printed", outcome.printed),) if outcome.printed else ()


def _called_with(exercise: Exercise, case: Case, outcome: Outcome) -> str:
    """The arguments of the student's function; what an observer was given where it built or lent some of them."""
    if outcome.called is not None and not _made_there(outcome.called):
        return describe_call(exercise.reference, *outcome.called)
    return describe_call(observed(exercise, exercise.reference, case), case.args, case.kwargs)


def _made_there(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_made_there, value))
    if isinstance(value, Mapping):
        return any(map(_made_there, value.values()))
    return isinstance(value, Built) or (callable(value) and not is_array(value))


def _answers(exercise: Exercise, case: Case, expected: Outcome, outcome: Outcome, match: Match) -> tuple[str, str]:
    wanted, got = expected.value, outcome.value
    is_seen = observer_of(exercise, case) is not None
    if exercise.accepts is not None:
        return (seen(got) if is_seen and _is_named(got) else describe(got)), ""
    by_name = is_seen and _is_named(wanted)
    try:
        if outcome.raised is None and by_name and _is_named(got) and set(got) == set(wanted):
            return seen_beside(wanted, got, match)
        if outcome.raised is None:
            return beside(wanted, got, match)
    except Exception:  # the value is the student's: anything may happen
        pass
    return describe(got), seen(wanted) if by_name else describe(wanted)


def _answer_label(exercise: Exercise, case: Case, outcome: Outcome) -> str:
    """Where many answers are right, an observer reports facts about an answer in its place."""
    told = exercise.accepts is not None and observer_of(exercise, case) is not None and _is_named(outcome.value)
    return "seen of your answer" if told else "your answer"


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(type(name) is str for name in value)


def _code(exercise: Exercise, case: Case, outcome: Outcome) -> str:
    """The call as code; where its values are too long, the code that fetches them."""
    fetched = f"from autograder import case\ngiven = case({exercise.id!r}, {case.name!r})"
    if observer_of(exercise, case) is not None:
        called = outcome.called
        return "" if called is None else code_of_call(exercise.name, *called, fetched=fetched, known=case.args)
    if found := code_of_call(exercise.name, case.args, case.kwargs):
        return found
    return f"{fetched}\n{exercise.name}(*given.args{', **given.kwargs' if case.kwargs else ''})"
