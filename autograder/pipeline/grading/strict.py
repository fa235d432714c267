"""Judges exercises with forbidden functions in a process where these are gone from the start.

Where a student's code plainly cannot reach them (most often), nothing of this is needed. Elsewhere a second process,
without the forbidden functions, runs the notebook's cells up to the check. Given cells may fail there, which the
student's answer does not suffer from: a full mark there is a full mark, and what fails there for no reason that has to
do with the forbidden functions is judged again where nothing is missing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from autograder.exercise import Breach, Call, CaseResult, Exercise, Status, Verdict
from autograder.judge.evaluate import evaluate, stopped
from autograder.judge.reading import Words, read, read_given, tainted_by
from autograder.sandbox.host.sandbox import Run, Sandbox

__all__ = ["Strict", "blame", "uses_forbidden"]


@dataclass
class _Follower:
    """A process without some functions, and how many of the notebook's cells it has run."""

    run: Run
    done: int = 0


@dataclass
class Strict:
    """One notebook's processes without forbidden functions, one for each set of them; a context manager's content.

    `everything` is what any exercise of the notebook forbids: one process without all of it serves most notebooks, and
    a full mark there is a full mark.
    """

    sandbox: Sandbox
    deadline: float
    patience: float
    device: str = "cpu"
    everything: tuple[str, ...] = ()
    given: list[Words] = field(default_factory=list)
    written: list[Words] = field(default_factory=list)
    _followers: dict[tuple[str, ...], _Follower] = field(default_factory=dict)

    def read(self, source: str, *, given: bool) -> None:
        """Takes notice of a cell: one of the notebook's own, or one that the student wrote."""
        if given:
            self.given.append(read_given(source))
        else:
            self.written.append(read(source))

    def verdict(self, exercise: Exercise, secret: bytes | None, cells: Sequence[str], grace: float) -> Verdict | None:
        """What the answer is worth without the forbidden functions; None where the code cannot reach them anyway.

        `cells` are the notebook's cells so far, as far as they ended.
        """
        forbids = exercise.rules.forbids
        if not forbids or not self._may_reach(forbids):
            return None
        if not self.everything or set(self.everything) == set(forbids):
            return self._tried(exercise, secret, cells, grace, forbids)
        without_all = self._tried(exercise, secret, cells, grace, self.everything)
        if without_all.points == exercise.points or without_all.status is Status.TIMEOUT:
            return without_all
        found = self._tried(exercise, secret, cells, grace, forbids)
        if found.points > without_all.points:
            self.everything = ()  # what is forbidden elsewhere is wanted here: no more of that
        return found

    def _may_reach(self, forbids: tuple[str, ...]) -> bool:
        tainted = tainted_by(forbids, self.given)
        return any(words.suspicious(forbids, tainted) for words in self.written)

    def _tried(
        self, exercise: Exercise, secret: bytes | None, cells: Sequence[str], grace: float, gone: tuple[str, ...]
    ) -> Verdict:
        """What the answer is worth in the process without some functions."""
        verdicts: list[Verdict] = []

        def judge(call: Call) -> None:
            verdicts.append(evaluate(exercise, call, secret=secret, device=self.device))

        try:
            run = self._follow(gone, cells)
            run.judge(exercise.name, judge, min(self.patience * exercise.seconds + grace, self._seconds_left()))
        except Breach as breach:
            self._lose(gone)
            return verdicts[0] if verdicts else stopped(exercise.id, exercise.points, breach.status, breach.message)
        missing = "its cell does not run without what is forbidden"
        return verdicts[0] if verdicts else stopped(exercise.id, exercise.points, Status.ERROR, missing)

    def _follow(self, forbids: tuple[str, ...], cells: Sequence[str]) -> Run:
        follower = self._followers.get(forbids)
        if follower is None:
            follower = self._followers[forbids] = _Follower(self.sandbox.start(forbids))
        for source in cells[follower.done :]:
            follower.run.execute(source, seconds=min(60.0 * self.patience, self._seconds_left()))
            follower.done += 1
        return follower.run

    def _seconds_left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Breach(Status.TIMEOUT, "the notebook as a whole used up its time")
        return left

    def _lose(self, forbids: tuple[str, ...]) -> None:
        follower = self._followers.pop(forbids, None)
        if follower is not None:
            follower.run.close()

    def close(self) -> None:
        """Ends all of its processes."""
        for forbids in list(self._followers):
            self._lose(forbids)


def uses_forbidden(verdict: Verdict) -> bool:
    """Whether an answer was found to lean on a forbidden function."""
    return any(case.kind == "forbidden" for case in verdict.cases)


def blame(exercise: Exercise, strict: Verdict, free: Verdict) -> Verdict:
    """The verdict on an answer that is right with the forbidden functions alone, though no call of one was seen."""
    right = {(case.name, case.hidden) for case in free.cases if case.passed}
    name = exercise.rules.forbids[0]
    message = f"where {name} and its like are gone, your function gives no right answer: write it yourself"

    def blamed(case: CaseResult) -> CaseResult:
        if case.passed or (case.name, case.hidden) not in right:
            return case
        return replace(case, kind="forbidden", message=message, details=())

    cases = tuple(blamed(case) for case in strict.cases) or tuple(
        replace(case, passed=False, kind="forbidden", message=message) for case in free.cases
    )
    status = Status.PARTIAL if strict.points > 0 else Status.FAILED
    return replace(strict, status=status, message=message, diagnosis="", misconception="", cases=cases)
