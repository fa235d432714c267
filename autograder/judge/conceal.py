"""What is left of a verdict where nothing that a student's code says may be told: kinds of things, no text, no number.

That holds for hidden cases, and for everything that was tried after a hidden case of the same submission.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from autograder.calls import Breach, Status
from autograder.exercise import CaseResult, Verdict
from autograder.judge.trial import CONCEALED

__all__ = ["concealed", "concealed_breach"]

_ENDINGS: Mapping[Status, str] = {
    Status.TIMEOUT: "the code ran too long there and was stopped: look for a loop that never ends or waits",
    Status.MEMORY: "the code used too much memory there: look for arrays or lists that grow too large",
    Status.OUTPUT: "the code produced too much output there: look for a print inside a long loop",
    Status.EXITED: "the code ended its process there: remove os._exit and similar calls",
    Status.CRASHED: "the process died there: look for wrong addresses in ctypes, endless recursion, impossible sizes",
    Status.BLOCKED: "the code interfered with the grader's connection there: leave that alone",
}
"""An exit code, a signal and a number of seconds are the process's own choice, and could say anything."""


def concealed_breach(breach: Breach) -> Breach:
    """How a process ended, and nothing of what it chose: no exit code, no signal, no number."""
    return Breach(breach.status, _ENDINGS.get(breach.status, "the process ended there"))


def concealed(verdict: Verdict) -> Verdict:
    """The verdict with points, status and kinds of differences alone; its breach, if any, is concealed already."""
    cases = tuple(_concealed(case) for case in verdict.cases)
    failed = next((case for case in cases if not case.passed), None)
    message = verdict.message
    if failed is not None and failed.kind in CONCEALED:
        message = f"{failed.name}: {failed.message}"
    return replace(verdict, message=message, diagnosis="", misconception="", cases=cases, remarks=(), slip=(), cure="")


def _concealed(case: CaseResult) -> CaseResult:
    """One case without what the answer was; of a breach, and of the judge's own failure, the message is the judge's."""
    message = CONCEALED.get(case.kind, case.message)
    return replace(case, message=message, details=(), measured=(), missing="")
