"""What the platforms' published descriptions allow, said here as tables.

JUnit: `junit-10.xsd` of Jenkins's xUnit plugin (jenkinsci/xunit-plugin), the schema that CI servers share. The elements
that tools for rerunning tests add are left out: nothing here writes them.
Gradescope: "Autograder Specifications", https://gradescope-autograders.readthedocs.io/en/latest/specs/
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as Xml

__all__ = ["GRADESCOPE", "junit_errors"]

_TIME = re.compile(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?")


@dataclass(frozen=True)
class _Element:
    needed: frozenset[str]
    allowed: frozenset[str]
    children: frozenset[str]
    text: bool = False


def _element(needed: str = "", more: str = "", children: str = "", *, text: bool = False) -> _Element:
    return _Element(frozenset(needed.split()), frozenset(f"{needed} {more}".split()), frozenset(children.split()), text)


_OUTCOME = _element(more="type message", text=True)
_JUNIT = {
    "testsuites": _element(more="name time tests failures errors", children="testsuite"),
    "testsuite": _element(
        "name tests failures errors",
        "group time skipped timestamp hostname id package file log url",
        "testsuite properties testcase system-out system-err",
    ),
    "testcase": _element("name", "time classname group", "skipped error failure system-out system-err"),
    "properties": _element(children="property"),
    "property": _element("name value"),
    "skipped": _OUTCOME,
    "error": _OUTCOME,
    "failure": _OUTCOME,
    "system-out": _element(text=True),
    "system-err": _element(text=True),
}


def junit_errors(document: str) -> list[str]:
    """What the schema does not allow in a JUnit document; nothing where it is valid."""
    root = Xml.fromstring(document.encode())
    found = [] if root.tag in ("testsuites", "testsuite") else [f"<{root.tag}> is no root"]
    for element in root.iter():
        rules = _JUNIT.get(element.tag)
        if rules is None:
            found.append(f"<{element.tag}> is unknown")
            continue
        names = set(element.attrib)
        found += [f"<{element.tag}> lacks {name}" for name in sorted(rules.needed - names)]
        found += [f"<{element.tag}> may not have {name}" for name in sorted(names - rules.allowed)]
        found += [f"<{element.tag}> may not hold <{child.tag}>" for child in element if child.tag not in rules.children]
        if not rules.text and (element.text or "").strip():
            found.append(f"<{element.tag}> may not hold text")
        if element.tag.startswith("testsuite") and not _TIME.fullmatch(element.get("time", "0")):
            found.append(f"<{element.tag}> has the time {element.get('time')}")
    return found


_FORMAT = {"enum": ["text", "html", "simple_format", "md", "ansi"]}
_VISIBILITY = {"enum": ["hidden", "after_due_date", "after_published", "visible"]}
_NUMBER = {"type": "number"}
_TEXT = {"type": "string"}
_TEST: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "score": _NUMBER,
        "max_score": _NUMBER,
        "status": {"enum": ["passed", "failed"]},
        "name": _TEXT,
        "name_format": _FORMAT,
        "number": _TEXT,
        "output": _TEXT,
        "output_format": _FORMAT,
        "tags": {"type": "array", "items": _TEXT},
        "visibility": _VISIBILITY,
        "extra_data": {"type": "object"},
    },
}
GRADESCOPE: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "score": _NUMBER,
        "execution_time": _NUMBER,
        "output": _TEXT,
        "output_format": _FORMAT,
        "test_output_format": _FORMAT,
        "test_name_format": _FORMAT,
        "visibility": _VISIBILITY,
        "stdout_visibility": _VISIBILITY,
        "extra_data": {"type": "object"},
        "tests": {"type": "array", "items": _TEST},
        "leaderboard": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "value"],
                "properties": {"name": _TEXT, "value": {}, "order": {"enum": ["asc", "desc"]}},
            },
        },
    },
    "anyOf": [
        {"required": ["score"]},
        {"required": ["tests"], "properties": {"tests": {"items": {"required": ["score"]}}}},
    ],
}
"""The fields of results.json; a score stands above or on every test."""
