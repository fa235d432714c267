"""What a submission gets where the judge itself died or failed on one of its answers: a status, a sentence, a flag."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autograder.calls import Status
from autograder.exercise import CaseResult, Exercise, Verdict
from autograder.pipeline.grading.stages import EXERCISE_AT_FAULT

__all__ = ["JudgeDeath", "JudgeFailed", "ended_the_judge", "status_of"]

_CAUSES: Mapping[Status, str] = {
    Status.CRASHED: "ended the judge's own process",
    Status.MEMORY: "took more memory than the judge may use",
    Status.TIMEOUT: "took more of the judge's own time than it may",
    Status.ERROR: "made the judge itself fail",
}
_NO_MEMORY = "can't allocate memory"


@dataclass(frozen=True)
class JudgeDeath:
    """How the judge died or failed.

    Attributes:
        status: crashed, memory, timeout or error.
        reason: the signal, exception or limit, in a few words.
        stage: what the judge was doing.
        exercise: the id of the exercise at fault; empty if it is the submission as a whole.
    """

    status: Status
    reason: str
    stage: str
    exercise: str = ""

    @property
    def is_in_a_cell(self) -> bool:
        """Whether it happened while the student's own cells ran, so that they are not run again."""
        return self.stage == EXERCISE_AT_FAULT[0]

    @property
    def message(self) -> str:
        """What the student reads."""
        doing = "running your cells" if self.is_in_a_cell else f"{self.stage} your answer"
        what = doing if self.exercise else f"{self.stage} your notebook"
        return f"{what} {_CAUSES[self.status]} ({self.reason}); your instructor is asked to look at it by hand"

    @property
    def flag(self) -> str:
        """What the instructor reads."""
        where = f"{self.stage} {self.exercise}" if self.exercise else f"{self.stage} this notebook"
        return f"the grader's judge ended while {where} ({self.status}: {self.reason}): look at it by hand"

    def verdict(self, exercise: Exercise) -> Verdict:
        """No points, and one case that says why."""
        group = next(iter(exercise.groups), "basics")
        case = CaseResult("the judge", group, False, False, self.message, "judge")
        return Verdict(exercise.id, self.status, 0.0, exercise.points, self.message, cases=(case,))


class JudgeFailed(Exception):
    """The judge raised an exception while it judged an exercise."""

    def __init__(self, verdict: Verdict):
        super().__init__(verdict.message)
        self.verdict = verdict


def ended_the_judge(verdict: Verdict) -> bool:
    """Whether a verdict says that the judge itself died or failed."""
    return any(case.kind == "judge" for case in verdict.cases)


def status_of(error: BaseException) -> Status:
    """Memory, for a failed allocation in Python, NumPy or torch; error, for any other exception."""
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and _NO_MEMORY in str(error)):
        return Status.MEMORY
    return Status.ERROR
