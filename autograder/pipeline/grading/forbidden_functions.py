"""Judges an answer where the functions that its exercise forbids are gone from the start.

Where a student's code plainly cannot reach them (most often), nothing of this is needed. Elsewhere a second process,
without the forbidden functions, runs the notebook's cells up to the check. Given cells may fail there, which the
student's answer does not suffer from: a full mark there is a full mark, and what fails there for no reason that has to
do with the forbidden functions is judged again where nothing is missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from autograder.exercise import CaseResult, Exercise, Status, Verdict
from autograder.judge.evaluate import stopped
from autograder.judge.source_scan import Words, read, read_given, tainted_by
from autograder.pipeline.grading.notebook_processes import NotebookProcesses

__all__ = ["WithoutForbidden", "blame", "uses_forbidden"]


@dataclass
class WithoutForbidden:
    """Judges a notebook's exercises without what they forbid, as far as its code may reach that.

    `everything` is what any exercise of the notebook forbids: one process without all of it serves most notebooks, and
    a full mark there is a full mark.
    """

    processes: NotebookProcesses
    everything: tuple[str, ...] = ()
    given: list[Words] = field(default_factory=list)
    written: list[Words] = field(default_factory=list)

    def read(self, source: str, *, given: bool) -> None:
        """Takes notice of a cell: one of the notebook's own, or one that the student wrote."""
        if given:
            self.given.append(read_given(source))
        else:
            self.written.append(read(source))

    def verdict(self, exercise: Exercise) -> Verdict | None:
        """What the answer is worth without the forbidden functions; None where the code cannot reach them anyway."""
        forbids = exercise.rules.forbids
        if not forbids or not self._may_reach(forbids):
            return None
        if not self.everything or set(self.everything) == set(forbids):
            return self._judged(exercise, forbids)
        without_all = self._judged(exercise, self.everything)
        if without_all.points == exercise.points or without_all.status is Status.TIMEOUT:
            return without_all
        found = self._judged(exercise, forbids)
        if found.points > without_all.points:
            self.everything = ()  # what is forbidden elsewhere is wanted here: no more of that
        return found

    def _may_reach(self, forbids: tuple[str, ...]) -> bool:
        tainted = tainted_by(forbids, self.given)
        return any(words.suspicious(forbids, tainted) for words in self.written)

    def _judged(self, exercise: Exercise, gone: tuple[str, ...]) -> Verdict:
        missing = "its cell does not run without what is forbidden"
        unreached = stopped(exercise.id, exercise.points, Status.ERROR, missing)
        return self.processes.judge(exercise, gone).verdict or unreached


def uses_forbidden(verdict: Verdict) -> bool:
    """Whether an answer was found to lean on a forbidden function."""
    return any(case.kind == "forbidden" for case in verdict.cases)


def blame(exercise: Exercise, without: Verdict, free: Verdict) -> Verdict:
    """The verdict on an answer that is right with the forbidden functions alone, though no call of one was seen."""
    right = {(case.name, case.hidden) for case in free.cases if case.passed}
    name = exercise.rules.forbids[0]
    message = f"where {name} and its like are gone, your function gives no right answer: write it yourself"

    def blamed(case: CaseResult) -> CaseResult:
        if case.passed or (case.name, case.hidden) not in right:
            return case
        return replace(case, kind="forbidden", message=message, details=())

    cases = tuple(blamed(case) for case in without.cases) or tuple(
        replace(case, passed=False, kind="forbidden", message=message) for case in free.cases
    )
    status = Status.PARTIAL if without.points > 0 else Status.FAILED
    return replace(without, status=status, message=message, diagnosis="", misconception="", cases=cases)
