"""Names the mistake: which known misconceptions give the same wrong answers as the student's function.

A mistake claims whole groups: it is named for a group if it gives the student's own answer on every visible case of the
group that fails. Two mistakes may share the failing groups among them. An answer may also differ from a mistake's by a
factor that is a number of the input, or be its transpose: then both are said. What two mistakes give when they are made
in the same answer is tried last.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograder.calls import Outcome
from autograder.exercise import Case, Exercise, Misconception
from autograder.judge.answer import apply_observed
from autograder.judge.compare import Match, compare, precision
from autograder.judge.devices import case_on_device, on_host_device
from autograder.judge.relations import Relation, arrays_of
from autograder.judge.relations import related as relation_of
from autograder.judge.rules import broken_rule, parameters_of
from autograder.judge.trial import Trial

__all__ = ["Diagnosis", "diagnose"]

PAIRS_SECONDS = 0.3
"""How long pairs of mistakes may be tried; where mistakes train, that is few of them."""
HIDDEN_SHARE = 0.75
"""Of the hidden cases of a group that fail, a mistake has to give so many of the student's answers."""


@dataclass(frozen=True)
class Diagnosis:
    """The name of the mistake that explains most, and what the student reads of all that were found."""

    name: str
    sentence: str


@dataclass(frozen=True)
class _Found:
    """One misconception, the groups that it explains, how many passed cases it agrees with, and what comes on top."""

    misconception: Misconception
    groups: frozenset[str]
    failed: int
    passed: int
    relation: Relation | None = None


def diagnose(exercise: Exercise, trials: Sequence[Trial], device: str = "cpu") -> Diagnosis | None:
    """The misconceptions that explain the failed cases; None if none is likely.

    Each has to give the answers of at least half of the passed cases, too. The one that explains most comes first, of
    equals the one listed first; another one is added if it explains groups that the first leaves open.
    """
    called = [trial for trial in trials if trial.case is not None and trial.outcome is not None]
    passed = [trial for trial in called if trial.result.passed]
    failed = [trial for trial in called if not trial.result.passed and trial.result.kind != "not_written"]
    if not failed:
        return None
    compared = _Comparison(exercise, device)
    found = [each for mistake in exercise.misconceptions if (each := compared.found(mistake, failed, passed))]
    if not found:
        return compared.two_at_once(failed, passed)
    first = max(found, key=lambda each: (each.failed, each.relation is None, each.passed))
    rest = [each for each in found if each.groups - first.groups and each is not first]
    chosen = [first]
    if rest:
        chosen.append(max(rest, key=lambda each: (len(each.groups - first.groups), each.failed, each.passed)))
    elif second := compared.overflowing(first, failed):
        chosen.append(second)
    if not _explains_most(chosen, failed):
        return compared.two_at_once(failed, passed)
    return Diagnosis(first.misconception.name, " And besides: ".join(map(_sentence, chosen)))


def _explains_most(chosen: Sequence[_Found], failed: Sequence[Trial]) -> bool:
    """Whether mistakes explain half of what is shown to fail: in a few cases others give the same numbers by chance."""
    shown = [trial for trial in failed if not trial.result.hidden]
    groups = frozenset[str]().union(*(each.groups for each in chosen))
    return 2 * sum(trial.result.group in groups for trial in shown) >= len(shown)


def _sentence(found: _Found) -> str:
    said = found.misconception.sentence
    return f"{said} {found.relation.besides}" if found.relation is not None else said


class _Comparison:
    """A student's outcomes beside those of the misconceptions."""

    def __init__(self, exercise: Exercise, device: str) -> None:
        self._exercise, self._device = exercise, device
        self._wrongs: dict[tuple[str, int], Outcome] = {}

    def found(
        self, mistake: Misconception, failed: Sequence[Trial], passed: Sequence[Trial], *, related: bool = True
    ) -> _Found | None:
        """What a misconception explains, if it is likely; also with a relation on top, where that is asked for."""
        agreed, relation = self._explained(mistake, failed, related=related)
        if not agreed:
            return None
        groups = frozenset(trial.result.group for trial in agreed)
        seen_apart = relation is not None or mistake.shows is not None  # where nothing is wrong it need not show
        least = 0 if seen_apart else -(-len(passed) // 2)
        alike = _count(lambda trial: self._agrees(mistake, trial), passed, least)
        return _Found(mistake, groups, len(agreed), alike, relation) if alike is not None else None

    def overflowing(self, first: _Found, failed: Sequence[Trial]) -> _Found | None:
        """Beside a first mistake: one that gives nan or inf where the answer does, and nowhere else.

        Two mistakes at once give other numbers than either alone. That numbers overflow can be seen all the same.
        """
        shown = [trial for trial in failed if not trial.result.hidden]
        left = [trial for trial in shown if trial.result.group not in first.groups]
        if not left or not all(map(_overflows, left)):
            return None
        for mistake in self._exercise.misconceptions:
            if mistake is first.misconception or mistake.shows is not None:
                continue
            if all(_is_endless(self._wrong(mistake, trial)) == (trial in left) for trial in shown):
                return _Found(mistake, frozenset(trial.result.group for trial in left), len(left), 0)
        return None

    def two_at_once(self, failed: Sequence[Trial], passed: Sequence[Trial]) -> Diagnosis | None:
        """Two mistakes in the same answer: together they give other numbers than either alone."""
        end = time.monotonic() + PAIRS_SECONDS
        for one, two in itertools.combinations(self._exercise.misconceptions, 2):
            if time.monotonic() > end:
                return None
            join = getattr(one.wrong, "together", None)
            wrong = join(two.wrong) if join is not None and one.shows is None and two.shows is None else None
            if wrong is None:
                continue
            both = Misconception(f"{one.name} and {two.name}", wrong, f"{one.sentence} And besides: {two.sentence}")
            explained = self.found(both, failed, passed, related=False)
            if explained is not None and explained.failed == len(failed):
                return Diagnosis(one.name, both.sentence)
        return None

    def _explained(
        self, mistake: Misconception, failed: Sequence[Trial], *, related: bool
    ) -> tuple[list[Trial], Relation | None]:
        """The failed trials of the groups that it explains wholly; or all, with one relation on top."""
        agreed: list[Trial] = []
        for group in dict.fromkeys(trial.result.group for trial in failed):
            own = [trial for trial in failed if trial.result.group == group]
            shown = [trial for trial in own if not trial.result.hidden]
            hidden = [trial for trial in own if trial.result.hidden]
            if _count(lambda trial: self._agrees(mistake, trial), shown, len(shown)) is None:
                continue
            least = -int(-HIDDEN_SHARE * len(hidden) // 1)
            if _count(lambda trial: self._agrees(mistake, trial), hidden, least) is not None:
                agreed += own
        if mistake.shows is not None:  # a sign may be missing where it need not show, but nothing may speak against it
            shown = [trial for trial in failed if not trial.result.hidden]
            fits = all(self._agrees(mistake, trial) for trial in shown)
            return agreed if fits and any(_signs(mistake, trial) for trial in failed) else [], None
        if agreed or not related:
            return agreed, None
        shown = [trial for trial in failed if not trial.result.hidden]
        relation = relation_of([(trial, self._wrong(mistake, trial)) for trial in shown], parameters_of(self._exercise))
        return (list(failed), relation) if relation is not None else ([], None)

    def _wrong(self, mistake: Misconception, trial: Trial) -> Outcome:
        """What a misconception answers to a case; worked out once, because it may train."""
        assert trial.case is not None
        key = mistake.name, id(trial)
        if key not in self._wrongs:
            there = case_on_device(trial.case, self._device)
            done = apply_observed(self._exercise, mistake.wrong, trial.case, there.args, there.kwargs)
            self._wrongs[key] = done
        return self._wrongs[key]

    def _agrees(self, mistake: Misconception, trial: Trial) -> bool:
        case, outcome = trial.case, trial.outcome
        assert case is not None
        assert outcome is not None
        if mistake.shows is not None:
            return outcome.raised is None and _shows(mistake.shows, case, outcome) is not False
        wrong = self._wrong(mistake, trial)
        if wrong.raised is not None or outcome.raised is not None:
            return _said(wrong) == _said(outcome)
        match = Match(case.tolerance or self._exercise.tolerance, precision((case.args, case.kwargs)))
        try:
            if compare(wrong.value, outcome.value, match) is not None:
                return False
        except TypeError:  # the misconception returns something that no reference returns
            return type(wrong.value) is type(outcome.value)
        return self._rule(trial, wrong) == self._rule(trial, outcome)

    def _rule(self, trial: Trial, outcome: Outcome) -> str:
        assert trial.case is not None
        broken = broken_rule(self._exercise, trial.case, outcome)
        return broken.kind if broken is not None else ""


def _count(agrees: Callable[[Trial], bool], trials: Sequence[Trial], least: int) -> int | None:
    """How many trials it agrees with; None as soon as `least` is out of reach: each may take a whole training run."""
    missed = 0
    for trial in trials:
        missed += not agrees(trial)
        if len(trials) - missed < least:
            return None
    return len(trials) - missed


def _signs(mistake: Misconception, trial: Trial) -> bool:
    """Whether a mistake that is seen in an answer is seen in this one, rather than only not ruled out by it."""
    assert mistake.shows is not None
    assert trial.case is not None
    assert trial.outcome is not None
    return trial.outcome.raised is None and _shows(mistake.shows, trial.case, trial.outcome) is True


def _shows(shows: Callable[[Case, Any], bool | None], case: Case, outcome: Outcome) -> bool | None:
    try:
        shown = shows(case, on_host_device(outcome.value))
        return None if shown is None else bool(shown)
    except Exception:  # the value is the student's: anything may happen
        return False


def _overflows(trial: Trial) -> bool:
    return trial.outcome is not None and _is_endless(trial.outcome)


def _is_endless(outcome: Outcome) -> bool:
    """Whether an answer contains nan or inf."""
    arrays = [each for each in arrays_of(outcome.value) if each is not None] if outcome.raised is None else []
    return any(not np.isfinite(each).all() for each in arrays)


def _said(outcome: Outcome) -> tuple[str, str]:
    return (outcome.raised.kind, outcome.raised.message) if outcome.raised is not None else ("", "")
