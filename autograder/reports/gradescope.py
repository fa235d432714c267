"""Gradescope's `results.json` for one submission: one test per exercise.

Students read this file's tests: a hidden case gives its name and the kind of difference, never its message.
How long grading took is left out: a function could take a time that tells a hidden input.
Flags are for instructors: they go into a test that Gradescope keeps from students.
"""

from __future__ import annotations

import json
from typing import Any

from autograder.calls import Status
from autograder.exercise import ClassGrading, Graded, Verdict
from autograder.reports.words import (
    STATUSES,
    advice,
    case_line,
    clean,
    first_failing,
    one_line,
    percent,
    public_message,
    steps_of,
)

__all__ = ["to_gradescope"]


def to_gradescope(grading: ClassGrading) -> str:
    """The one submission of a grading as JSON text.

    Raises:
        ValueError: the grading holds no submission or more than one.
    """
    if len(grading.submissions) != 1:
        raise ValueError(
            f"Gradescope reads one submission at a time and this grading holds {len(grading.submissions)}: "
            "name one assignment and one student"
        )
    graded = grading.submissions[0]
    tests = [_test(verdict, index) for index, verdict in enumerate(graded.exercises, 1)]
    if graded.flags:
        tests.append(_for_instructors(graded))
    document = {
        "score": round(float(graded.score), 6),
        "output": _summary(graded),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
        "extra_data": {"assignment": one_line(graded.assignment), "isolation": one_line(grading.isolation)},
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _summary(graded: Graded) -> str:
    passed = sum(verdict.status is Status.PASSED for verdict in graded.exercises)
    share = percent(graded.score, graded.max_score)
    return f"{passed} of {len(graded.exercises)} exercises pass, {share:.0f} % of the points."


def _test(verdict: Verdict, index: int) -> dict[str, Any]:
    test: dict[str, Any] = {
        "name": one_line(verdict.id),
        "number": str(index),
        "output": _output(verdict),
        "visibility": "visible",
    }
    if verdict.status is not Status.NEEDS_MANUAL:
        test["score"] = round(float(verdict.points), 6)
        test["max_score"] = round(float(verdict.max_points), 6)
        test["status"] = "passed" if verdict.status is Status.PASSED else "failed"
    return test


def _output(verdict: Verdict) -> str:
    lines = [STATUSES[verdict.status].phrase.capitalize() + "."]
    if message := public_message(verdict):
        lines.append(message)
    if verdict.diagnosis:
        lines.append(f"Likely cause: {clean(verdict.diagnosis)}")
    for title, ladder in steps_of(verdict):
        name, told = ladder[0]
        lines.append(f"{title}, 1. {name.lower()}: {clean(told)}")
    shown = first_failing(verdict)
    if shown is not None:
        lines.append(f"✗ {case_line(shown)}")
        lines += [f"{clean(label)}:\n{clean(text)}" for label, text in shown.details]
    failing = [case for case in verdict.cases if not case.passed and case is not shown]
    lines += [f"✗ {case_line(case)}" for case in failing[:20]]
    if len(failing) > 20:
        lines.append(f"✗ and {len(failing) - 20} more that do not pass")
    lines += [f"Note: {clean(remark)}" for remark in verdict.remarks]
    return "\n".join([*lines, f"Next: {advice(verdict)}"])


def _for_instructors(graded: Graded) -> dict[str, Any]:
    flags = "\n".join(one_line(flag) for flag in graded.flags)
    return {"name": "For instructors: flags", "output": flags, "visibility": "hidden"}
