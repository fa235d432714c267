"""The most that a verdict may hold, whatever the answer was: every text, and the number of everything.

A verdict goes into files, a gradebook and pages; what a student's function returns may not decide how large they get.
"""

from __future__ import annotations

from dataclasses import replace

from autograder.exercise import CaseResult, Verdict

__all__ = ["capped"]

LONGEST_NAME = 200
LONGEST_SENTENCE = 2_000
LONGEST_DETAIL = 4_000
MOST_CASES = 200
MOST_DETAILS = 10
MOST_MEASURED = 50
MOST_REMARKS = 20
MOST_STEPS = 10


def capped(verdict: Verdict) -> Verdict:
    """The verdict with texts cut and lists shortened; status and points stay as they are."""
    return replace(
        verdict,
        message=_cut(verdict.message),
        diagnosis=_cut(verdict.diagnosis),
        cases=tuple(map(_capped_case, verdict.cases[:MOST_CASES])),
        remarks=tuple(map(_cut, verdict.remarks[:MOST_REMARKS])),
        slip=tuple(map(_cut, verdict.slip[:MOST_STEPS])),
        hints=tuple(map(_cut, verdict.hints[:MOST_STEPS])),
        cure=_cut(verdict.cure),
    )


def _capped_case(case: CaseResult) -> CaseResult:
    return replace(
        case,
        name=_cut(case.name, LONGEST_NAME),
        message=_cut(case.message),
        details=tuple(
            (_cut(label, LONGEST_NAME), _cut(text, LONGEST_DETAIL)) for label, text in case.details[:MOST_DETAILS]
        ),
        missing=_cut(case.missing, LONGEST_NAME),
        measured=tuple((_cut(name, LONGEST_NAME), number) for name, number in case.measured[:MOST_MEASURED]),
    )


def _cut(text: str, most: int = LONGEST_SENTENCE) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
