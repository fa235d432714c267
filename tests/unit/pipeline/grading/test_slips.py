"""Where a class is graded the slip in an answer is looked for as well, in the jail, and costs nobody a point."""

from dataclasses import replace

import pytest
from nbformat.v4 import new_code_cell, new_notebook
from rungs import HERE

from autograder.calls import Status
from autograder.exercise import Case, Exercise
from autograder.pipeline.grading import notebook_processes
from autograder.pipeline.grading.judge_notebook import judge_notebook
from autograder.sandbox.host.isolation import LADDER
from autograder.sandbox.host.sandbox import Sandbox

SECRET = b"a secret of these tests"
STRONGEST = next(name for name in reversed(LADDER) if HERE[name].ok)


def centred(x):
    """The columns minus their means."""
    return x - x.mean(axis=0)


def tables(rng):
    return [Case(f"{n} rows", (rng.normal(size=(n, 3)),)) for n in (2, 4)]


EXERCISE = Exercise(
    id="toy.centred",
    reference=centred,
    signature="centred(x (N, D)) -> (N, D)",
    groups={"basics": 1, "more": 1},
    visible=tables,
    hidden=lambda rng: [Case("unseen", (rng.normal(size=(5, 2)),), group="more")],
    right={"loops": "def centred(x):\n    return np.stack([c - sum(c) / len(c) for c in x.T], axis=1)\n"},
)
MARKS = {"grade": True, "grade_id": "centred_check", "locked": True, "schema_version": 3, "solution": False}


@pytest.fixture(autouse=True)
def _patiently(monkeypatch: pytest.MonkeyPatch):
    """What is found may not depend on how busy the machine is."""
    monkeypatch.setattr(notebook_processes, "GRADE_SECONDS", 30.0)


def graded(answer: str, exercise: Exercise = EXERCISE):
    check = new_code_cell('check("toy.centred", centred)', metadata={"nbgrader": MARKS | {"task": False}})
    imports = new_code_cell("import numpy as np\nfrom autograder.check import check")
    notebook = new_notebook(cells=[imports, new_code_cell(answer), check])
    with Sandbox(STRONGEST) as sandbox:
        return judge_notebook(sandbox, notebook, [exercise], SECRET)[exercise.id], notebook


def test_the_slip_is_told_in_the_notebook():
    verdict, notebook = graded("print('x')\n\ndef centred(x):\n    mean = x.mean(axis=1)\n    return x - mean\n")
    assert verdict.points == 0
    where, kind, edit = verdict.slip
    assert where == "Look at line 4: `mean = x.mean(axis=1)`"
    assert kind == "This runs over the wrong axis."
    assert edit == "Write `0` in place of `1`."
    assert "wrong axis" in notebook.cells[-1].outputs[0].data["text/html"]


def test_an_edit_that_ends_the_process_costs_no_point():
    """One of two groups is right; edits of the other one's line call what ends the process."""
    answer = (
        "import os\n"
        "def centred(x):\n"
        "    if x.shape[0] < 3:\n"
        "        return x + 1\n"
        "    if x.shape[0] < 2 and x.sum() != 0:\n"
        "        os._exit(3)\n"
        "    return x - x.mean(axis=0)\n"
    )
    verdict, _ = graded(answer)
    assert verdict.status is Status.PARTIAL
    assert verdict.points == 1


def test_a_text_that_cannot_be_read_and_a_right_answer_have_no_slip():
    deep = "def centred(x):\n    return " + "(" * 250 + "x" + ")" * 250 + "\n"
    assert graded(deep)[0].slip == ()
    assert graded("def centred(x):\n    return x - np.mean(x, axis=0)\n")[0].slip == ()


def test_a_course_may_want_no_slips():
    verdict, _ = graded("def centred(x):\n    return x - x.mean(axis=1)\n", replace(EXERCISE, slip_steps=0))
    assert verdict.slip == ()
    assert verdict.points == 0
