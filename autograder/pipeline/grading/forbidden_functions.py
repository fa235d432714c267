"""Judges answers to exercises that forbid something, always where that is gone from the start.

A second process, without the forbidden functions, runs the notebook's cells up to the check. Given cells may fail there
and do not hurt the student's answer. What counts is what the answer is worth there; the process with nothing gone only
tells whether a wrong answer is right with the forbidden functions, and the student's source only chooses the words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from nbformat import NotebookNode

from autograder.calls import Status
from autograder.exercise import CaseResult, Exercise, Verdict
from autograder.forbidden_names import names_of
from autograder.judge.evaluate import stopped
from autograder.judge.source_scan import find_mention
from autograder.pipeline.cells import is_given
from autograder.pipeline.grading.judge_death import ended_the_judge
from autograder.pipeline.grading.notebook_processes import NotebookProcesses

__all__ = ["WithoutForbidden", "blame", "uses_forbidden"]

_COMPILERS = ("torch.jit", "torch.compile")


@dataclass
class WithoutForbidden:
    """Judges a notebook's exercises without what they forbid.

    Attributes:
        processes: the notebook's processes.
        everything: what any exercise of the notebook forbids. One process without all of it serves most notebooks:
            full marks there are full marks. An answer that needs something of it gets a process of its own.
        written: the student's cells.
    """

    processes: NotebookProcesses
    everything: tuple[str, ...]
    written: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, processes: NotebookProcesses, notebook: NotebookNode, exercises: Sequence[Exercise]
    ) -> WithoutForbidden:
        """What all these exercises forbid. Where something of torch is, and no given cell names torch, torch as a whole
        is left out: a process need not load it to lose a part of it."""
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        everything = tuple(dict.fromkeys(name for exercise in exercises for name in exercise.rules.forbids))
        if names_of("torch", everything) and not any("torch" in cell.source for cell in cells if is_given(cell)):
            everything = ("torch", *everything)
        return cls(processes, everything, tuple(cell.source for cell in cells if not is_given(cell)))

    def judge_visible(self, exercises: Sequence[Exercise]) -> None:
        """Tries the visible cases of all exercises: of those that forbid something without it and with everything.

        An answer to which more of them are right with everything gets its own process now, before any hidden case is
        tried. The process without anything runs first: threads that judged calls leave may keep others from starting.
        """
        forbidding = [exercise for exercise in exercises if exercise.rules.forbids]
        if forbidding:
            self.processes.judge_visible(forbidding, self.everything)
        self.processes.judge_visible(exercises)
        for exercise in forbidding:
            forbids = exercise.rules.forbids
            passed = self.processes.passed(exercise), self.processes.passed(exercise, self.everything)
            if passed[0] > passed[1] and set(self.everything) != set(forbids):
                self.processes.judge_visible((exercise,), forbids)

    def verdict(self, exercise: Exercise, judge_freely: Callable[[], Verdict]) -> Verdict:
        """The verdict on an exercise that forbids something; `judge_freely` judges it where nothing is gone."""
        forbids = exercise.rules.forbids
        without = self._judged(exercise, self.everything)
        if without.points == exercise.points or without.status is Status.TIMEOUT or ended_the_judge(without):
            return without
        free = judge_freely()
        if free.points <= without.points:
            return free
        if set(self.everything) != set(forbids):
            without = self._judged(exercise, forbids)
        if without.points == exercise.points or uses_forbidden(without) or ended_the_judge(without):
            return without
        if free.points <= without.points:
            return free
        return blame(without, free, self._words(forbids))

    def _words(self, forbids: tuple[str, ...]) -> str:
        """What an answer is told that is right only where nothing is gone."""
        named = find_mention(forbids, self.written)
        if named:
            return f"{named} does the work that this exercise asks of you: write it yourself"
        gone = f"where {forbids[0]} and its like are gone"
        compiler = find_mention(_COMPILERS, self.written)
        if compiler:
            return f"{compiler} does not work {gone}: leave it out"
        return f"{gone}, your function gives no right answer: write it yourself"

    def _judged(self, exercise: Exercise, gone: tuple[str, ...]) -> Verdict:
        missing = "its cell does not run without what is forbidden"
        unreached = stopped(exercise.id, exercise.points, Status.ERROR, missing)
        return self.processes.judge(exercise, gone).verdict or unreached


def uses_forbidden(verdict: Verdict) -> bool:
    """Whether an answer was found to rely on a forbidden function."""
    return any(case.kind == "forbidden" for case in verdict.cases)


def blame(without: Verdict, free: Verdict, message: str) -> Verdict:
    """The verdict on an answer that is right only with the forbidden functions, though no call of one was seen."""
    right = {(case.name, case.hidden) for case in free.cases if case.passed}

    def blamed(case: CaseResult) -> CaseResult:
        if case.passed or (case.name, case.hidden) not in right:
            return case
        return replace(case, kind="forbidden", message=message, details=())

    cases = tuple(blamed(case) for case in without.cases) or tuple(
        replace(case, passed=False, kind="forbidden", message=message) for case in free.cases
    )
    status = Status.PARTIAL if without.points > 0 else Status.FAILED
    return replace(without, status=status, message=message, diagnosis="", misconception="", cases=cases, slip=())
