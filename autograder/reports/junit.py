"""JUnit XML as continuous integration platforms read it: one suite per submission, one test case per exercise.

An exercise that falls short is a failure, one that could not be judged is an error, one that a person grades
is skipped. ElementTree escapes student text, after the characters that XML cannot hold are replaced.
"""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from autograder.calls import Status
from autograder.exercise import ClassGrading, Graded, Verdict
from autograder.reports.words import clean, number, one_line, why

__all__ = ["to_junit"]

_FAILURES = {Status.PARTIAL, Status.FAILED, Status.NOT_WRITTEN}


def _outcome(verdict: Verdict) -> str:
    if verdict.status is Status.PASSED:
        return ""
    if verdict.status is Status.NEEDS_MANUAL:
        return "skipped"
    return "failure" if verdict.status in _FAILURES else "error"


def to_junit(grading: ClassGrading) -> str:
    """The whole grading as an XML document, with its declaration."""
    root = Xml.Element("testsuites", name="autograder")
    for graded in sorted(grading.submissions, key=lambda one: (one.student, one.assignment)):
        root.append(_suite(graded, grading))
    everything = [verdict for graded in grading.submissions for verdict in graded.exercises]
    _count(root, everything, sum(graded.seconds for graded in grading.submissions))
    del root.attrib["skipped"]  # Jenkins's schema allows it on a suite only
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def _count(element: Xml.Element, verdicts: list[Verdict] | tuple[Verdict, ...], seconds: float) -> None:
    outcomes = [_outcome(verdict) for verdict in verdicts]
    element.set("tests", str(len(outcomes)))
    element.set("failures", str(outcomes.count("failure")))
    element.set("errors", str(outcomes.count("error")))
    element.set("skipped", str(outcomes.count("skipped")))
    element.set("time", f"{seconds:.3f}")


def _suite(graded: Graded, grading: ClassGrading) -> Xml.Element:
    suite = Xml.Element("testsuite", name=one_line(f"{graded.student} {graded.assignment}"))
    _count(suite, graded.exercises, graded.seconds)
    properties = Xml.SubElement(suite, "properties")
    pairs = [
        ("score", number(graded.score)),
        ("max_score", number(graded.max_score)),
        ("isolation", grading.isolation),
        ("device", grading.device),
        *(("flag", flag) for flag in graded.flags),
    ]
    for name, value in pairs:
        Xml.SubElement(properties, "property", name=name, value=one_line(value))
    for verdict in graded.exercises:
        suite.append(_case(graded, verdict))
    return suite


def _case(graded: Graded, verdict: Verdict) -> Xml.Element:
    # Readers merge test cases of equal class and name, so the class names the student as well. The time of a
    # single exercise is not known, but several readers require the attribute.
    case = Xml.Element(
        "testcase",
        classname=one_line(f"{graded.assignment}.{graded.student}"),
        name=one_line(verdict.id),
        time="0.000",
    )
    outcome = _outcome(verdict)
    if outcome == "skipped":
        Xml.SubElement(case, "skipped", message="graded by hand")
    elif outcome:
        found = Xml.SubElement(case, outcome, message=why(verdict), type=verdict.status.value)
        found.text = _explained(verdict)
    return case


def _explained(verdict: Verdict) -> str:
    lines = [f"{number(verdict.points)} of {number(verdict.max_points)} points"]
    lines += [clean(text) for text in (verdict.message, verdict.diagnosis) if text]
    lines += [
        f"{one_line(case.name)}{' (hidden)' if case.hidden else ''}: {one_line(case.message)}"
        for case in verdict.cases
        if not case.passed
    ]
    return "\n".join(dict.fromkeys(lines))
