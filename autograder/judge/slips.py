"""Finds the slip in an answer that fails: the smallest edit of the student's own text with which it passes.

Edits are tried in the order in which they are believed, first where the numbers leave those of right answers. One
repairs the answer if every visible case and property of the groups that fail passes with it, none that passed before
fails, and the same cases drawn again with other numbers pass as well: so it is no trick that fits the inputs.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from autograder.calls import Call
from autograder.exercise import Exercise
from autograder.judge.answer import call_observed
from autograder.judge.compare import Match, compare
from autograder.judge.prepared import Prepared, Ready
from autograder.judge.relations import is_simply_related
from autograder.judge.tensors import is_array, numbers
from autograder.judge.trial import Trial, difference, try_property
from autograder.mutations.batches import batch
from autograder.mutations.donors import Donors
from autograder.mutations.repairs import repairs
from autograder.mutations.source import Edit

__all__ = ["OwnText", "Slip", "find_slip"]

FRESH_SEED = 19_580_707
MOST_PROMISING = 6
FEWEST = 10
"""An answer of which no more edits than that can be tried in time is not searched: a training, say."""
BATCH_SECONDS = 0.08
"""How long the edits that are tried in one call may take together."""
ALONE = 0.4
"""For this share of the time single edits are tried alone; then they and pairs take turns."""
LEAST_SECONDS = 0.02
"""How long one edit may take in any case."""
TURN = 64
"""How many edits are tried in one call at most."""
SIMPLY = 0.5
"""An answer that is right but for a factor or a transpose is as near as one of which half the numbers are right."""


@dataclass(frozen=True)
class OwnText:
    """The student's own text: definitions, among them that of `name`; `answer` calls what they define."""

    text: str
    name: str
    answer: Call

    def call(self, text: str) -> Call:
        """Calls what another text defines in the answer's place."""
        return partial(self.answer, edited=(self.name, text))


@dataclass(frozen=True)
class Slip:
    """One or two edits that repair an answer; places refer to the text before both."""

    edits: tuple[Edit, ...]


def find_slip(
    exercise: Exercise,
    plan: Prepared,
    trials: Sequence[Trial],
    own: OwnText,
    donors: Donors,
    *,
    seconds: float,
    lines: Mapping[int, float] | None = None,
    probe: Ready | None = None,
) -> Slip | None:
    """The smallest edit that repairs an answer, or two; None if none is found in time.

    Args:
        exercise: what was asked.
        plan: its cases.
        trials: what was tried on the answer so far, visible cases first.
        own: the answer's text.
        donors: what right answers lend to it.
        seconds: how long the search may take.
        lines: how unlikely the mistake is on each line, from 0; see `repairs`.
        probe: a plain call that the answer gets wrong: edits are tried on it first, where cases are no such calls.
    """
    search = _Search(exercise, plan, trials, own, time.monotonic() + seconds, probe)
    try:
        return search.run(donors, lines or {})
    except TimeoutError:
        return None


@dataclass(frozen=True)
class _Nearness:
    """How near an answer comes: how many failing cases pass, in order; form and share of right numbers of the next."""

    passed: int = -1
    form: int = 0
    share: float = 0.0

    def beyond(self, other: _Nearness) -> bool:
        return (self.passed, self.form, round(self.share, 3)) > (other.passed, other.form, round(other.share, 3))


class _Search:
    def __init__(
        self,
        exercise: Exercise,
        plan: Prepared,
        trials: Sequence[Trial],
        own: OwnText,
        deadline: float,
        probe: Ready | None,
    ) -> None:
        self._exercise, self._plan, self._own, self._deadline = exercise, plan, own, deadline
        results = [trial.result for trial in trials if not trial.result.hidden]
        passed = {result.name for result in results if result.passed}
        self._groups = {result.group for result in results if not result.passed}
        ready = list(plan.visible)
        took = {trial.result.name: trial.outcome.seconds for trial in trials if trial.outcome is not None}
        failing = [each for each in ready if each.case.name not in passed]
        self._failing = sorted(failing, key=lambda each: round(took.get(each.case.name, 0.0), 2))
        self._asked = [each for each in ready if each.case.name in passed]
        self._properties = [each for each in exercise.properties if each.group in self._groups or each.name in passed]
        self._is_wrong = bool(self._failing) or any(each.name not in passed for each in exercise.properties)
        plain = self._failing and self._failing[0].through is None and exercise.accepts is None
        self._first = self._failing[0] if plain else probe
        self._fresh: list[Ready] | None = None
        self._batch, self._each = 8, LEAST_SECONDS

    def run(self, donors: Donors, lines: Mapping[int, float]) -> Slip | None:
        if not self._is_wrong:
            return None  # it only loops: any edit that changes nothing would seem to repair it
        promising: list[tuple[_Nearness, Edit]] = []
        began = time.monotonic()
        start = self._nearness(self._own.text)
        took = time.monotonic() - began
        self._each = max(LEAST_SECONDS, 5 * took)
        if took > (self._deadline - began) / FEWEST:
            return None  # so few edits could be tried that it is not worth the wait
        singles = self._tries(self._repairs(self._own.text, donors, lines))
        pairs: Iterator[Slip | None] | None = None
        while True:
            group = list(itertools.islice(singles, TURN))
            for edit, nearness in group:
                if nearness.passed == len(self._failing) and self._holds(edit.text):
                    return Slip((edit,))
                if nearness.beyond(start):
                    promising.append((nearness, edit))
            late = time.monotonic() - began > ALONE * (self._deadline - began)
            if pairs is None and (late or not group):
                promising.sort(key=lambda each: (each[0].passed, each[0].form, each[0].share), reverse=True)
                pairs = self._pairs(promising[:MOST_PROMISING], donors, lines)
            found = next(pairs, None) if pairs is not None else None
            if found is not None:
                return found
            if not group and pairs is not None:
                return next((pair for pair in pairs if pair is not None), None)

    def _repairs(self, text: str, donors: Donors, lines: Mapping[int, float]) -> Iterator[Edit]:
        """The edits to try: a default that is the reference's stays as it was given."""
        parameters = inspect.signature(self._exercise.reference).parameters.values()
        given = [each.default for each in parameters if each.default is not each.empty]
        return (
            edit
            for edit in repairs(text, donors, lines)
            if edit.kind != "default" or not any(_is_number(edit.old, each) for each in given)
        )

    def _pairs(
        self, promising: Sequence[tuple[_Nearness, Edit]], donors: Donors, lines: Mapping[int, float]
    ) -> Iterator[Slip | None]:
        """A second edit after one that comes nearer; the candidates take turns, because any may be wrong.

        Yields None after each turn in which nothing was found.
        """
        waiting = [(edit, self._repairs(edit.text, donors, lines)) for _, edit in promising]
        while waiting:
            for pair in list(waiting):
                edit, further = pair
                seconds = list(itertools.islice(further, TURN))
                if not seconds:
                    waiting.remove(pair)
                for second, nearness in self._tries(seconds):
                    if nearness.passed == len(self._failing) and self._holds(second.text):
                        yield Slip((edit, second))
                yield None

    def _tries(self, edits: Iterable[Edit]) -> Iterator[tuple[Edit, _Nearness]]:
        """Each edit with how near it comes."""
        if self._first is None:
            yield from ((edit, self._nearness(edit.text)) for edit in edits)
            return
        further = iter(edits)
        while group := list(itertools.islice(further, self._batch)):
            yield from zip(group, self._batched(self._first, [edit.text for edit in group]), strict=True)

    def _batched(self, first: Ready, texts: Sequence[str]) -> Iterator[_Nearness]:
        """How near each text comes on a first call; those that are right there are tried on all cases."""
        done, there = 0, first.on_device
        while done < len(texts):
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            began, asked = time.monotonic(), texts[done:]
            program = batch(
                asked, self._own.name, most=4 * first.most, seconds=min(BATCH_SECONDS, left), each=self._each
            )
            results = self._own.call(program)(there.args, there.kwargs).value
            if not isinstance(results, list) or not results or len(results) > len(asked):
                results, asked = [None], asked[:1]  # one of them never ends, or breaks what it is called with
            self._batch = max(1, min(TURN, int(len(results) * BATCH_SECONDS / (time.monotonic() - began + 1e-3))))
            for text, result in zip(asked, results, strict=False):
                yield self._nearness(text) if result is None else self._at_first(first, text, result)
            done += len(results)

    def _at_first(self, first: Ready, text: str, result: Any) -> _Nearness:
        if not (isinstance(result, list) and len(result) == 2 and result[0] is True):
            return _Nearness(0)
        match = Match(first.case.tolerance or self._exercise.tolerance, first.precision)
        if compare(first.expected.value, result[1], match) is None:
            return self._nearness(text)
        return _Nearness(0, *self._like(first, result[1]))

    def _like(self, ready: Ready, value: Any) -> tuple[int, float]:
        form, share = _likeness(ready.expected.value, value)
        if share < SIMPLY and form and is_simply_related(ready.case, value, ready.expected.value):
            share = SIMPLY
        return form, share

    def _nearness(self, text: str) -> _Nearness:
        """How many of the failing cases pass in order, and how near the first that does not comes."""
        call = self._own.call(text)
        for count, ready in enumerate(self._failing):
            passed, form, share = self._tried(call, ready)
            if not passed:
                return _Nearness(count, form, share)
        return _Nearness(len(self._failing), 2, 1.0)

    def _tried(self, call: Call, ready: Ready) -> tuple[bool, int, float]:
        if time.monotonic() > self._deadline:
            raise TimeoutError
        exercise, there = self._exercise, ready.on_device
        outcome = call_observed(call, ready.through, there.args, there.kwargs, most=ready.most)
        match = Match(ready.case.tolerance or exercise.tolerance, ready.precision)
        if difference(exercise, ready.case, ready.expected, outcome, match) is None:
            return True, 2, 1.0
        if outcome.raised is not None:
            return False, 0, 0.0
        return False, *self._like(ready, outcome.value)

    def _holds(self, text: str) -> bool:
        """Whether an edit that repairs the failing cases is a repair: nothing else fails, and other numbers pass."""
        call = self._own.call(text)
        cases = (*self._asked, *self._again())
        if not all(self._tried(call, ready)[0] for ready in cases):
            return False
        return all(
            try_property(self._exercise, each, call, np.random.default_rng(FRESH_SEED), hidden=False).result.passed
            for each in self._properties
        )

    def _again(self) -> list[Ready]:
        """The visible cases with other numbers, and the hidden ones of the groups at fault, with numbers of no class.

        Where an answer is accepted, and not compared, hidden cases often are trainings: they take too long.
        """
        if self._fresh is None:
            rng = np.random.default_rng([FRESH_SEED, zlib.crc32(self._exercise.id.encode())])
            cases = list(self._exercise.visible(rng))
            if self._exercise.accepts is None:
                cases += [case for case in self._exercise.hidden(rng) if case.group in self._groups]
            self._fresh = [Ready(self._exercise, case, self._plan.device) for case in cases]
        return self._fresh


def _is_number(text: str, value: Any) -> bool:
    try:
        return bool(ast.literal_eval(text) == value)
    except (ValueError, SyntaxError):
        return False


def _likeness(expected: Any, value: Any) -> tuple[int, float]:
    """1 for the right form, and the share of the numbers that are right."""
    if isinstance(expected, (tuple, list)) and isinstance(value, (tuple, list)) and len(expected) == len(value):
        parts = [_likeness(one, other) for one, other in zip(expected, value, strict=True)]
        return min((form for form, _ in parts), default=1), sum(share for _, share in parts) / max(1, len(parts))
    if is_array(expected) and is_array(value) and tuple(expected.shape) == tuple(value.shape):
        want, have = numbers(expected), numbers(value)
        return 1, float(np.mean(np.isclose(want, have, rtol=1e-6, atol=1e-9, equal_nan=True))) if want.size else 1.0
    plain = isinstance(expected, (int, float, complex, np.number)) and isinstance(
        value, (int, float, complex, np.number)
    )
    return int(plain or (type(expected) is type(value) and not is_array(expected))), 0.0
