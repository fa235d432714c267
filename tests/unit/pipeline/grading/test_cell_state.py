"""What a notebook's cells have to do with an answer that cannot be judged is said in words of a student's own check."""

import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.calls import Raised, Skipped, Status
from autograder.exercise import Case, Exercise
from autograder.notebook_state.cells import Cell
from autograder.pipeline.grading.judge_notebook import judge_notebook
from autograder.pipeline.grading.skipped_lines import SkippedLines
from autograder.pipeline.grading.stages import here
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


SEABORN = (
    "Correct that cell and run it, then run this cell again. The course has matplotlib, numpy, scipy, sklearn, torch, "
    "torch_geometric, and takes no files beside the notebook."
)
LOST = {
    "a package that the helper needs": (
        ["import seaborn as sns\n@sns.wrapped\ndef twice(x):\n    return 2 * x"],
        "`twice` is not defined, because `sns` is not defined: its cell could not run line 1, `import seaborn as sns`: "
        "no module named seaborn",
        SEABORN,
    ),
    "a helper of a helper": (
        ["from helpers import once", "more = once", "twice = more"],
        "`twice` is not defined, because `more` is not defined, because `once` is not defined: its cell could not run "
        "line 1, `from helpers import once`: no module named helpers",
        SEABORN,
    ),
    "a file": (
        ["import numpy as np\ntwice = np.load('weights.npy')"],
        "`twice` is not defined: its cell could not run line 2, `twice = np.load('weights.npy')`: no file weights.npy: "
        "files beside the notebook are not taken",
        "Correct that cell and run it, then run this cell again. Files beside the notebook are not taken: write what "
        "is in them into a cell.",
    ),
    "an error of one's own": (
        ["x = 1\ntwice = x / 0"],
        "`twice` is not defined: its cell could not run line 2, `twice = x / 0`: ZeroDivisionError: division by zero",
        "Correct that cell and run it, then run this cell again.",
    ),
}


@pytest.mark.parametrize("name", LOST)
def test_a_name_of_a_line_that_was_skipped_is_told_with_the_first_cause(sandbox, name):
    cells, message, cure = LOST[name]
    verdict = judged(sandbox, *cells, CALLS)
    assert (verdict.status, verdict.message, verdict.cure) == (Status.ERROR, message, cure)


def test_an_answer_whose_line_was_skipped_is_not_said_to_be_unwritten(sandbox):
    stub = "def double(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    verdict = judged(sandbox, stub + "\nimport numba\ndouble = numba.njit(lambda x: 2 * x)")
    assert verdict.status is Status.ERROR
    assert verdict.message.endswith("its cell could not run line 4, `import numba`: no module named numba")


def test_what_is_left_out_is_told_to_both_and_costs_nothing(sandbox):
    here().take_failures()
    lines = "import seaborn\n1 / 0\nx = seaborn.get()\n" + TWICE
    verdict = judged(sandbox, lines, "\nimport \\\n  numba\n" + CALLS)
    assert (verdict.status, verdict.message) == (Status.PASSED, "")
    assert verdict.remarks == (
        "no module named seaborn (a cell above, line 1, `import seaborn`)",
        "no module named numba (a cell above, line 2, `import \\`)",
    )
    (flag,) = here().take_failures()
    assert flag == (
        "cells could not do everything here: line 1, `import seaborn`: no module named seaborn (a cell of the "
        "student's own in section 1.1); line 2, `import \\`: no module named numba (cell double)"
    )


def test_a_flag_names_a_few_lines_cleaned_and_cut(sandbox):
    here().take_failures()
    judged(sandbox, *[f"import not_there_{number} # \x1b[31m{'x' * 300}" for number in range(9)], RIGHT)
    (flag,) = here().take_failures()
    assert flag.endswith("; and 5 more")
    assert "\x1b" not in flag
    assert len(flag) < 900


def test_of_very_many_lines_only_the_first_are_kept():
    lines = SkippedLines([Cell("", "code", "import x")] * 100)
    for index in range(100):
        lines.note(
            index, [Skipped(1, (f"name_{index}",), "no module named x", Raised("ModuleNotFoundError", "x"))] * 20
        )
    assert sum(map(len, lines.found.values())) == 500
    assert lines.missing("name_3") is not None
    assert lines.missing("name_99") is None


def test_lines_that_are_not_there_and_names_that_need_each_other_are_no_trouble():
    """What was skipped is the word of the student's process."""
    lines = SkippedLines([Cell("", "code", "x = 1")])
    loop = [
        Skipped(line, (name,), "", Raised("NameError", "m", missing=other))
        for line, name, other in ((1, "a", "b"), (99, "b", "a"), (0, "c", "c"))
    ]
    lines.note(0, loop)
    assert [lines.missing(name) is not None for name in "abc"] == [True, True, True]
    assert lines.missing("d") is None


def test_an_answer_that_fails_on_its_own_is_an_error_as_before(sandbox):
    verdict = judged(sandbox, "1 / 0\n" + RIGHT)
    assert verdict.status is Status.ERROR
    assert verdict.message == "the cell above the check raised ZeroDivisionError: division by zero (line 1: 1 / 0)"


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
