"""`grade --format json`: schema 1, one object per run of `grade`.

Submissions are sorted by student and assignment; exercises and cases keep the notebook's order. A new field needs a
new schema number. One field of a case is optional: `measured`, an object of numbers by name, present where the judge
measured more than right and wrong (for a compressed network its accuracy, bytes and MACs, the budget, and the
reference's).
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from autograder.calls import Status
from autograder.exercise import CaseResult, ClassGrading, Graded, Verdict

__all__ = ["SCHEMA", "to_json"]


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _array(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_TEXT: dict[str, Any] = {"type": "string"}
_POINTS: dict[str, Any] = {"type": "number", "minimum": 0}
_FLAG: dict[str, Any] = {"type": "boolean"}

_CASE = _object({"name": _TEXT, "hidden": _FLAG, "passed": _FLAG, "message": _TEXT})
_CASE["properties"]["measured"] = {"type": "object", "additionalProperties": {"type": "number"}}
_EXERCISE = _object(
    {
        "id": _TEXT,
        "status": {"enum": [status.value for status in Status]},
        "points": _POINTS,
        "max_points": _POINTS,
        "message": _TEXT,
        "diagnosis": _TEXT,
        "cases": _array(_CASE),
    }
)
_SUBMISSION = _object(
    {
        "student": _TEXT,
        "assignment": _TEXT,
        "score": _POINTS,
        "max_score": _POINTS,
        "seconds": {"type": "number", "minimum": 0},
        "flags": _array(_TEXT),
        "exercises": _array(_EXERCISE),
    }
)
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Grading of a class",
    **_object(
        {"schema": {"const": 1}, "isolation": _TEXT, "device": _TEXT, "submissions": _array(_SUBMISSION)},
    ),
}
"""JSON Schema (draft 2020-12) of what `to_json` writes."""

_SURROGATES = re.compile("[\ud800-\udfff]")


def to_json(grading: ClassGrading) -> str:
    """The whole grading as JSON text in ASCII, indented by two spaces, with a newline at the end."""
    ordered = sorted(grading.submissions, key=lambda graded: (graded.student, graded.assignment))
    document = {
        "schema": 1,
        "isolation": _text(grading.isolation),
        "device": _text(grading.device),
        "submissions": [_submission(graded) for graded in ordered],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _submission(graded: Graded) -> dict[str, Any]:
    return {
        "student": _text(graded.student),
        "assignment": _text(graded.assignment),
        "score": _number(graded.score),
        "max_score": _number(graded.max_score),
        "seconds": _number(graded.seconds),
        "flags": [_text(flag) for flag in graded.flags],
        "exercises": [_exercise(verdict) for verdict in graded.exercises],
    }


def _exercise(verdict: Verdict) -> dict[str, Any]:
    return {
        "id": _text(verdict.id),
        "status": verdict.status.value,
        "points": _number(verdict.points),
        "max_points": _number(verdict.max_points),
        "message": _text(verdict.message),
        "diagnosis": _text(verdict.diagnosis),
        "cases": [_case(case) for case in verdict.cases],
    }


def _case(case: CaseResult) -> dict[str, Any]:
    return {
        "name": _text(case.name),
        "hidden": bool(case.hidden),
        "passed": bool(case.passed),
        "message": _text(case.message),
    } | ({"measured": {_text(name): _number(value) for name, value in case.measured}} if case.measured else {})


def _number(value: float) -> int | float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"found {number} where points or seconds belong; the grading that produced it is broken")
    return int(number) if number.is_integer() else round(number, 6)


def _text(value: str) -> str:
    """Text unchanged, except for lone surrogates, which strict JSON readers refuse."""
    return _SURROGATES.sub("\ufffd", str(value))
