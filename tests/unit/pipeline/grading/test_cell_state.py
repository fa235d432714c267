"""What a notebook's cells have to do with an answer that cannot be judged is said in words of a student's own check."""

import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.calls import Status
from autograder.exercise import Case, Exercise
from autograder.pipeline.grading.judge_notebook import judge_notebook
from autograder.sandbox.host.sandbox import Sandbox


def double(x):
    return 2 * x


DOUBLE = Exercise(
    id="toy.double",
    reference=double,
    signature="double(x)",
    groups={"basics": 1},
    visible=lambda rng: [Case("three numbers", (np.array([1.0, 2.0, 4.0]),))],
    hidden=lambda rng: [Case("one number", (rng.standard_normal(1),))],
)
RIGHT = "def double(x):\n    return 2 * x"
CALLS = "def double(x):\n    return twice(x)"
TWICE = "def twice(x):\n    return 2 * x"


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox("process", preload=("numpy",)) as opened:
        yield opened


def cell(source, grade_id):
    marks = {"grade": False, "grade_id": grade_id, "locked": False, "schema_version": 3, "task": False}
    solution = not grade_id.endswith("_check")
    return new_code_cell(source, metadata={"nbgrader": marks | {"solution": solution, "locked": not solution}})


def judged(sandbox, *sources, below=()):
    """The verdict on a notebook with these cells above the check, the last of them the answer's, and those below it."""
    *others, answer = sources
    cells = [new_markdown_cell("## 1.1 First"), *(new_code_cell(source) for source in others)]
    cells += [cell(answer, "double"), cell('check("toy.double", double)', "double_check")]
    cells += [new_markdown_cell("Text\n\n## 1.2 Second\n\n### Exercise"), *(new_code_cell(source) for source in below)]
    return judge_notebook(sandbox, new_notebook(cells=cells), [DOUBLE], b"secret")["toy.double"]


def test_a_name_of_a_cell_that_failed(sandbox):
    verdict = judged(sandbox, TWICE.replace("):", ")"), CALLS)
    assert verdict.status is Status.ERROR
    assert verdict.message == (
        "`twice` is not defined: the cell that defines it failed when it last ran (SyntaxError in line 1: expected ':')"
    )
    assert verdict.cure.startswith("Correct that cell")
    assert verdict.cases[0].missing == "twice"
    assert verdict.cases[1].missing == "", "a hidden case tells nothing of it"


def test_a_name_of_a_cell_below_the_check(sandbox):
    verdict = judged(sandbox, CALLS, below=["x = 1", TWICE])
    assert verdict.message == "`twice` is defined in section 1.2, below this check"
    assert verdict.cure.startswith("Move that cell above the check")


def test_a_name_of_no_cell(sandbox):
    verdict = judged(sandbox, CALLS)
    assert verdict.message == "`twice` is not defined: no cell above the check defines it"


def test_an_answer_under_another_name(sandbox):
    verdict = judged(sandbox, RIGHT.replace("double", "duoble"))
    assert verdict.status is Status.ERROR
    assert verdict.message == "`double` is not defined: the cell that is there for it defines `duoble`"
    assert verdict.cure.startswith("Name it double")


def test_an_answer_whose_cell_failed_where_another_cell_defines_it_too(sandbox):
    verdict = judged(sandbox, RIGHT, RIGHT.replace("):", ")"))
    assert verdict.status is Status.PASSED
    (remark,) = verdict.remarks
    assert remark.startswith("a cell that defines `double` failed (SyntaxError in line 1: expected ':')")


def test_an_answer_that_needs_nothing_is_judged_as_it_is(sandbox):
    right, left = judged(sandbox, RIGHT), judged(sandbox, RIGHT + "\n    raise NotImplementedError()")
    assert (right.status, right.message, right.remarks) == (Status.PASSED, "", ())
    assert left.status is Status.PASSED
    below = judged(sandbox, "def double(x):\n    y = 2 * x\n    raise NotImplementedError()")
    assert (below.status, below.cure[:15]) == (Status.ERROR, "Delete the line")
    stub = judged(sandbox, "def double(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()")
    assert (stub.status, stub.message) == (Status.NOT_WRITTEN, "not written yet")
