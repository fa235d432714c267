"""What a student is shown of a visible case: what was called, what came back, what was expected, the call as code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.calls import Outcome, Raised
from autograder.exercise import Case, Exercise, Property
from autograder.judge.answer import observed, observer_of
from autograder.judge.beside import beside, seen, seen_beside
from autograder.judge.compare import Match
from autograder.judge.describe import describe, describe_call
from autograder.judge.runnable import code_of_call
from autograder.judge.tensors import is_array
from autograder.objects import Built

__all__ = ["Asked", "details", "details_of_property", "printed"]

Details = tuple[tuple[str, str], ...]


def details(exercise: Exercise, case: Case, expected: Outcome, outcome: Outcome, match: Match) -> Details:
    """Labels with texts, for a case that does not pass."""
    rows = [("called with", _called_with(exercise, case, Asked(case.args, case.kwargs, outcome)))]
    answer, wanted = _answers(exercise, case, expected, outcome, match)
    if outcome.raised is None:
        rows.append((_answer_label(exercise, case, outcome), answer))
    else:
        rows += _raised_at(outcome.raised)
    if exercise.accepts is None:
        rows.append(("expected", wanted))
    if code := _code(exercise, case, outcome):
        rows.append(("to try it", code))
    return (*rows, *printed(outcome))


@dataclass(frozen=True)
class Asked:
    """A call that a property made: with what, and what came of it."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    outcome: Outcome


def details_of_property(exercise: Exercise, prop: Property, calls: Sequence[Asked]) -> Details:
    """Labels with texts, for a property that does not hold: its last call, and the one before, which it may compare."""
    last = calls[-1]
    shown = calls[-2:] if last.outcome.raised is None else [last]
    rows: list[tuple[str, str]] = []
    if len(shown) == 2:
        rows += [("called earlier with", _called_with(exercise, prop, shown[0])), ("answer then", _told(shown[0]))]
    rows.append(("called with", _called_with(exercise, prop, last)))
    if last.outcome.raised is None:
        rows.append(("your answer", _told(last)))
    else:
        rows += _raised_at(last.outcome.raised)
    codes = [code_of_call(exercise.name, *asked) for each in shown if (asked := _of_answer(exercise, prop, each))]
    if len(codes) == len(shown) and all(codes):
        rows.append(("to try it", "\n".join(codes)))
    return tuple(rows)


def _raised_at(raised: Raised) -> Details:
    return (("raised at", f"line {raised.line}: {raised.source.strip()}"),) if raised.line is not None else ()


def _of_answer(exercise: Exercise, prop: Property, asked: Asked) -> tuple[tuple[Any, ...], Mapping[str, Any]] | None:
    """What the student's function itself was called with, if that is known."""
    if observer_of(exercise, prop) is None:
        return asked.args, asked.kwargs
    return asked.outcome.called


def _told(asked: Asked) -> str:
    value = asked.outcome.value
    return seen(value) if _is_named(value) else describe(value)


def printed(outcome: Outcome) -> Details:
    """What the call printed, if that is known."""
    return (("printed", outcome.printed),) if outcome.printed else ()


def _called_with(exercise: Exercise, probed: Case | Property, asked: Asked) -> str:
    """The arguments of the student's function; what an observer was given where it built or lent some of them."""
    called = asked.outcome.called
    if called is not None and not _made_there(called):
        return describe_call(exercise.reference, *called)
    return describe_call(observed(exercise, exercise.reference, probed), asked.args, asked.kwargs)


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
        code = "" if called is None else code_of_call(exercise.name, *called, fetched=fetched, known=case.args)
        return code or _lent(exercise, case)
    if found := code_of_call(exercise.name, case.args, case.kwargs):
        return found
    return f"{fetched}\n{exercise.name}(*given.args{', **given.kwargs' if case.kwargs else ''})"


def _lent(exercise: Exercise, case: Case) -> str:
    """Code for a call with objects that only the judge can make."""
    return f"from autograder import run_case\nrun_case({exercise.id!r}, {case.name!r}, {exercise.name})"
