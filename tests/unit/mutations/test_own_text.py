"""The text of an answer within its cell, on the cell's lines; and the steps in which an edit is told."""

import linecache

import pytest

from autograder.mutations.own_text import LONGEST_TEXT, cell_of, own_text
from autograder.mutations.source import Edit
from autograder.mutations.watching import telling
from autograder.mutations.words import steps

CELL = """%matplotlib inline
import numpy as np
print("hello")

def helper(x):
    return x + 1

def answer(x):
    return helper(x)

answer(3)
"""


def test_only_definitions_are_kept_and_lines_keep_their_numbers():
    text = own_text(CELL, "answer")
    kept = {number: line for number, line in enumerate(text.splitlines(), start=1) if line}
    assert kept == {
        2: "import numpy as np",
        5: "def helper(x):",
        6: "    return x + 1",
        8: "def answer(x):",
        9: "    return helper(x)",
    }


def test_a_lambda_and_a_class_are_definitions():
    assert own_text("f = lambda x: x\nf(1)\n", "f") == "f = lambda x: x\n\n"
    assert own_text("@dec\nclass F:\n    pass\n", "F") == "@dec\nclass F:\n    pass\n"


@pytest.mark.parametrize(
    "cell",
    [
        "def other(x):\n    return 1\n",
        "def answer(:\n",
        "answer = 3\n",
        "",
        "def answer(x): pass\n" + "#" * LONGEST_TEXT,
    ],
)
def test_no_text_where_there_is_none(cell: str):
    assert own_text(cell, "answer") == ""


def test_deep_nesting_is_no_text():
    assert own_text("def answer(x):\n    return " + "(" * 5000 + "x" + ")" * 5000 + "\n", "answer") == ""


def test_the_cell_of_a_function_and_of_a_class():
    linecache.cache["<a cell>"] = (len(CELL), None, CELL.splitlines(keepends=True), "<a cell>")
    names: dict[str, object] = {}
    exec(compile("\n" * 7 + "def answer(x):\n    return x\n", "<a cell>", "exec"), names)
    assert cell_of(names["answer"]) == CELL
    exec(compile("class Answer:\n    def forward(self): ...\n", "<a cell>", "exec"), names)
    assert cell_of(names["Answer"]) == CELL
    assert cell_of(3) == ""
    assert cell_of(len) == ""


def test_a_telling_text_returns_the_values_on_the_way():
    text = "def f(x):\n    y = x + 1\n    for k in range(2):\n        y *= 2\n    return y / 0\n"
    names: dict = {}
    exec(telling(text, "f"), names)
    assert names["f"](3) == [[2, 4], [4, 8], [4, 16]]
    assert names["f"](3) == [[2, 4], [4, 8], [4, 16]], "nothing is kept from call to call"


def test_steps_name_the_line_the_kind_and_the_edit():
    told = steps((Edit("axis", 2, "1", "0", ""),), "def f(x):\n    return x.sum(axis=1)\n")
    assert told == (
        "Look at line 2: `return x.sum(axis=1)`",
        "This runs over the wrong axis.",
        "Write `0` in place of `1`.",
    )


@pytest.mark.parametrize(
    ("edit", "kind", "change"),
    [
        (Edit("axis", 1, "", "axis=1", ""), "needs an axis", "Add `axis=1`."),
        (Edit("term", 1, "a", "a + b", ""), "missing", "Write `a + b` in place of `a`."),
        (Edit("term", 1, "a + b", "a", ""), "too many", "Write `a` in place of `a + b`."),
        (Edit("statement", 1, "y += 1", "", ""), "should not be there", "Leave out `y += 1`."),
        (Edit("comparison", 1, "a < b", "a <= b", ""), "border itself", "Write `a <= b` in place of `a < b`."),
        (Edit("comparison", 1, "a < b", "a > b", ""), "wrong question", "Write `a > b` in place of `a < b`."),
    ],
)
def test_kinds_are_told_from_the_side_of_the_repair(edit: Edit, kind: str, change: str):
    _, second, third = steps((edit,), "line\n")
    assert kind in second
    assert third == change


TEXT = "def f(h, e):\n    a = h[e[1]] + e[0]\n    return a\n"


def test_a_line_in_which_an_edit_could_be_misread_is_shown_whole():
    first = Edit("constant", 2, "1", "0", TEXT.replace("e[1]", "e[0]"))
    both = Edit("constant", 2, "0", "1", TEXT.replace("e[1]", "e[2]").replace("e[0]", "e[1]").replace("e[2]", "e[0]"))
    assert steps((first, both), TEXT)[2] == "Line 2 becomes `a = h[e[0]] + e[1]`."
    assert (
        steps((Edit("name", 2, "e", "h", TEXT.replace("+ e", "+ h")),), TEXT)[2]
        == "Line 2 becomes `a = h[e[1]] + h[0]`."
    )


def test_a_statement_that_is_missing_is_put_below_a_line():
    edit = Edit("missing", 2, "", "a = 2 * a", TEXT.replace("    return", "    a = 2 * a\n    return"))
    assert steps((edit,), TEXT)[2] == "Add `a = 2 * a` below line 2, `a = h[e[1]] + e[0]`."
