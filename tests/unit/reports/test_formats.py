from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from xml.etree import ElementTree

import class_verdicts
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_formats import GRADESCOPE, junit_errors

from autograder.calls import Status
from autograder.exercise import CaseResult, ClassGrading, Graded, Verdict
from autograder.reports import FORMATS, render
from autograder.reports.as_json import SCHEMA
from autograder.reports.store import from_plain, plain

GRADING = class_verdicts.class_of_twelve()
HOSTILE = "]]><b>&\x1b[31m\x00\ud800\ufffe[red]"


def one(verdict: Verdict, **changes) -> ClassGrading:
    graded = replace(
        Graded("ada", class_verdicts.ASSIGNMENT, verdict.points, verdict.max_points, 1.0), exercises=(verdict,)
    )
    return ClassGrading("none", "cpu", (replace(graded, **changes),))


def hostile() -> ClassGrading:
    case = CaseResult(HOSTILE, HOSTILE, False, False, HOSTILE, HOSTILE, ((HOSTILE, HOSTILE),))
    verdict = Verdict(HOSTILE, Status.ERROR, 0.0, 1.0, HOSTILE, HOSTILE, HOSTILE, (case,), (HOSTILE,))
    return ClassGrading(HOSTILE, HOSTILE, (Graded(HOSTILE, HOSTILE, 0.0, 1.0, 0.5, (HOSTILE,), (verdict,)),))


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_can_be_written_as_utf8_whatever_students_write(name):
    drawn = render(hostile(), name)
    drawn.encode("utf-8")
    assert not {"\x1b", "\x00"} & set(drawn)
    assert drawn.endswith("\n")


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "gradescope"])
def test_every_format_holds_an_empty_class(name):
    assert render(ClassGrading("none", "cpu"), name)


def test_an_unknown_format_is_refused_by_name():
    with pytest.raises(ValueError, match="no format 'pdf'; choose one of table, json"):
        render(GRADING, "pdf")


# --- JSON ------------------------------------------------------------------------------------------------


def test_json_follows_its_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    document = json.loads(render(GRADING, "json"))
    jsonschema.validate(document, SCHEMA)
    jsonschema.validate(json.loads(render(hostile(), "json")), SCHEMA)
    assert document["schema"] == 1
    assert len(document["submissions"]) == 12


@pytest.mark.parametrize("path", ["schema", "isolation", "submissions"])
def test_the_schema_wants_every_field(path):
    document = json.loads(render(GRADING, "json"))
    del document[path]
    with pytest.raises(jsonschema.ValidationError, match="required"):
        jsonschema.validate(document, SCHEMA)


def test_json_has_exactly_the_documented_fields():
    submission = json.loads(render(GRADING, "json"))["submissions"][2]
    fields = ["student", "assignment", "score", "max_score", "seconds", "flags", "exercises"]
    assert list(submission) == fields
    exercise = submission["exercises"][0]
    assert list(exercise) == ["id", "status", "points", "max_points", "message", "diagnosis", "cases"]
    assert list(exercise["cases"][0]) == ["name", "hidden", "passed", "message"]


def test_json_does_not_depend_on_the_order_of_grading():
    assert render(replace(GRADING, submissions=GRADING.submissions[::-1]), "json") == render(GRADING, "json")


def test_json_writes_plain_numbers():
    thirds = json.loads(render(one(class_verdicts.verdict(""), score=0.1 + 0.2, max_score=3.0), "json"))["submissions"][
        0
    ]
    assert (thirds["score"], thirds["max_score"]) == (0.3, 3)
    with pytest.raises(ValueError, match="found nan where points"):
        render(one(class_verdicts.verdict(""), score=float("nan")), "json")


# --- stored verdicts -------------------------------------------------------------------------------------

texts = st.text(st.characters(), max_size=8)
numbers = st.floats(0, 100)
case_results = st.builds(
    CaseResult,
    texts,
    texts,
    st.booleans(),
    st.booleans(),
    texts,
    texts,
    st.lists(st.tuples(texts, texts), max_size=2).map(tuple),
)
verdicts = st.builds(
    Verdict,
    texts,
    st.sampled_from(Status),
    numbers,
    numbers,
    texts,
    texts,
    texts,
    st.lists(case_results, max_size=2).map(tuple),
    st.lists(texts, max_size=2).map(tuple),
)
submissions = st.builds(
    Graded,
    texts,
    texts,
    numbers,
    numbers,
    numbers,
    st.lists(texts, max_size=2).map(tuple),
    st.lists(verdicts, max_size=2).map(tuple),
)


@given(submissions)
def test_a_stored_submission_comes_back_equal(graded):
    assert from_plain(json.loads(json.dumps(plain(graded)))) == graded


@pytest.mark.parametrize("graded", GRADING.submissions)
def test_the_made_up_class_comes_back_equal(graded):
    back = from_plain(json.loads(json.dumps(plain(graded))))
    assert back == graded
    assert all(isinstance(verdict.status, Status) for verdict in back.exercises)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score": "9"}, r"graded\.score is str; expected float"),
        ({"score": True}, r"graded\.score is bool"),
        ({"flags": "x"}, r"graded\.flags is str; expected a list"),
        ({"flags": [1]}, r"graded\.flags\[0\] is int; expected str"),
        ({"more": 1}, "unknown field 'more'"),
        ({"exercises": [3]}, r"graded\.exercises\[0\] is int; expected an object"),
    ],
)
def test_a_damaged_file_is_refused_by_field(change, message):
    with pytest.raises(ValueError, match=message):
        from_plain(plain(GRADING.submissions[0]) | change)


def test_a_missing_field_an_unknown_status_and_a_torn_pair_are_refused():
    data = plain(GRADING.submissions[1])
    with pytest.raises(ValueError, match="no field 'student'"):
        from_plain({name: value for name, value in data.items() if name != "student"})
    data["exercises"][0]["status"] = "splendid"
    with pytest.raises(ValueError, match="'splendid', which is not a status"):
        from_plain(data)
    data["exercises"][0]["status"] = ["passed"]
    with pytest.raises(ValueError, match="which is not a status"):
        from_plain(data)
    data["exercises"][0]["status"] = "failed"
    data["exercises"][0]["cases"][0]["details"] = [["only a label"]]
    with pytest.raises(ValueError, match=r"details\[0\] has 1 entries; expected 2"):
        from_plain(data)


# --- JUnit -----------------------------------------------------------------------------------------------


def test_junit_counts_what_it_holds():
    root = ElementTree.fromstring(render(GRADING, "junit").encode())
    assert root.tag == "testsuites"
    assert len(root) == 12
    for element in (root, *root):
        cases = list(element.iter("testcase"))
        assert int(element.get("tests", "")) == len(cases)
        for tag, total in (("failure", "failures"), ("error", "errors")):
            assert int(element.get(total, "")) == len(list(element.iter(tag)))
    for suite in root:
        assert int(suite.get("skipped", "")) == len(list(suite.iter("skipped")))


@pytest.mark.parametrize("grading", [GRADING, hostile(), ClassGrading("none", "cpu")])
def test_junit_follows_the_published_schema(grading):
    assert junit_errors(render(grading, "junit")) == []


def test_the_published_schema_refuses_what_is_none():
    document = (
        '<testsuites skipped="1"><testsuite name="a"><testcase time="0"><b/>x</testcase></testsuite></testsuites>'
    )
    assert junit_errors(document) == [
        "<testsuites> may not have skipped",
        "<testsuite> lacks errors",
        "<testsuite> lacks failures",
        "<testsuite> lacks tests",
        "<testcase> lacks name",
        "<testcase> may not hold <b>",
        "<b> is unknown",
    ]


@pytest.mark.parametrize("status", list(Status))
def test_junit_says_what_became_of_each_status(status):
    root = ElementTree.fromstring(render(one(class_verdicts.stopped("scores", status, "why <so>")), "junit"))
    case = root.find(".//testcase")
    assert case is not None
    tags = [child.tag for child in case]
    if status is Status.PASSED:
        assert tags == []
    elif status is Status.NEEDS_MANUAL:
        assert tags == ["skipped"]
    else:
        assert tags == ["failure" if status in ("partial", "failed", "not_written") else "error"]
        found = root.find(f".//{tags[0]}")
        assert found is not None
        assert (found.get("type"), found.get("message")) == (status.value, "why <so>")


def test_junit_names_are_unique():
    root = ElementTree.fromstring(render(GRADING, "junit"))
    names = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(set(names)) == len(names) == 108


# --- Gradescope ------------------------------------------------------------------------------------------


def test_gradescope_adds_up_and_keeps_hidden_cases_hidden():
    text = render(one(class_verdicts.hidden_miss("softmax")), "gradescope")
    results = json.loads(text)
    assert "HIDDEN-MESSAGE" not in text
    assert "hidden: one class (hidden): wrong values" in results["tests"][0]["output"]
    assert results["score"] == sum(test["score"] for test in results["tests"]) == 1.5
    assert results["tests"][0]["max_score"] == 3
    assert results["tests"][0]["status"] == "failed"
    assert results["tests"][0]["visibility"] == "visible"
    assert "execution_time" not in results, "a hidden case can choose how long it takes"


@pytest.mark.parametrize("status", list(Status))
def test_gradescope_follows_the_published_description(status):
    verdict = replace(class_verdicts.hidden_miss("softmax"), status=status)
    results = json.loads(render(one(verdict, flags=("imports socket",)), "gradescope"))
    jsonschema.Draft202012Validator.check_schema(GRADESCOPE)
    jsonschema.validate(results, GRADESCOPE)
    jsonschema.validate(json.loads(render(hostile(), "gradescope")), GRADESCOPE)


def test_gradescope_shows_the_first_step_of_help():
    verdict = replace(class_verdicts.verdict("values"), slip=("line 3", "a sign"), hints=("a nudge", "an idea"))
    told = json.loads(render(one(verdict), "gradescope"))["tests"][0]["output"]
    assert "A slip in your code, 1. where to look: line 3" in told
    assert "Hints, 1. a nudge: a nudge" in told
    assert "a sign" not in told
    assert "an idea" not in told


def test_gradescope_keeps_flags_from_students():
    results = json.loads(render(one(class_verdicts.verdict(""), flags=("imports socket",)), "gradescope"))
    shown = [test for test in results["tests"] if test["visibility"] == "visible"]
    assert "imports socket" not in json.dumps(shown) + results["output"]
    assert results["tests"][-1] == {
        "name": "For instructors: flags",
        "output": "imports socket",
        "visibility": "hidden",
    }


def test_gradescope_leaves_the_score_of_prose_to_people():
    results = json.loads(render(one(class_verdicts.stopped("scores", Status.NEEDS_MANUAL, "")), "gradescope"))
    assert not {"score", "max_score", "status"} & set(results["tests"][0])


def test_gradescope_takes_one_submission():
    with pytest.raises(ValueError, match="this grading holds 12: name one assignment and one student"):
        render(GRADING, "gradescope")


# --- CSV -------------------------------------------------------------------------------------------------


def rows(grading: ClassGrading) -> list[list[str]]:
    return list(csv.reader(io.StringIO(render(grading, "csv"))))


def test_csv_has_a_row_a_student_and_columns_for_each_exercise():
    header, *body = rows(GRADING)
    assert len(body) == 12
    assert {len(row) for row in body} == {len(header)} == {7 + 2 * 9}
    by_name = {row[0]: dict(zip(header, row, strict=True)) for row in body}
    assert by_name["ada"]["percent"] == "100.0"
    assert by_name["zoë"]["linear.scores"] == "1.0"
    assert by_name["zoë"]["linear.scores status"] == "partial"


@pytest.mark.parametrize("text", ["=cmd()", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1"])
def test_csv_neutralises_formulas(text):
    found = rows(one(class_verdicts.verdict(""), student=text, assignment=text, flags=(text,)))[1]
    for cell in (found[0], found[1], found[6]):
        assert cell.startswith("'")


def test_csv_leaves_other_text_alone():
    found = rows(one(class_verdicts.verdict(""), student="O'Brien, a=b", flags=("1 - 2", 'say "hi"')))[1]
    assert found[0] == "O'Brien, a=b"
    assert found[6] == '1 - 2; say "hi"'
