"""Answers to open questions are put where they are graded, wherever in their section they were written."""

from __future__ import annotations

import base64
import json
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell

from autograder.pipeline.intake.prose import is_answer
from autograder.pipeline.intake.restore import Restored, restore

QUESTION = "Why does a line fail?\n\nAnswer in *two* sentences."
ANSWER = "Two linear maps make one linear map; ReLU bends it."
PICTURE, OTHER_PICTURE = (
    {"image/png": base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes([last] * 60)).decode()} for last in (0, 1)
)
OUTSIDE = "answers to open questions were written outside their cells and put into them: why"


def with_question(notebook: NotebookNode) -> NotebookNode:
    notebook = nbformat.from_dict(json.loads(json.dumps(notebook)))
    notebook.cells.insert(-1, new_markdown_cell(QUESTION, id="question"))
    notebook.cells.append(new_markdown_cell("## Recap", id="recap"))
    return notebook


@pytest.fixture
def given(release: NotebookNode) -> NotebookNode:
    return with_question(release)


@pytest.fixture
def work(given: NotebookNode, answered: NotebookNode) -> NotebookNode:
    """All answered but the open question."""
    work = with_question(answered)
    cell(work, "why").source = "YOUR ANSWER HERE"
    return work


def cell(notebook: NotebookNode, name: str) -> Any:
    return next(cell for cell in notebook.cells if cell.get("id") == name)


def put(given: NotebookNode, work: NotebookNode) -> Restored:
    restored = restore(given, json.dumps(work).encode())
    nbformat.validate(restored.notebook)
    return restored


def below(work: NotebookNode, *cells: NotebookNode) -> None:
    place = [cell.id for cell in work.cells].index("why") + 1
    work.cells[place:place] = cells


CELLS = {
    "markdown": (new_markdown_cell(ANSWER), ANSWER),
    "raw": (new_raw_cell(ANSWER), ANSWER),
    "code": (new_code_cell(ANSWER), ANSWER),
    "a comment": (new_code_cell(f"# {ANSWER}\n#and more"), f"{ANSWER}\nand more"),
    "a string": (new_code_cell(f"answer = '{ANSWER}'"), f"```\nanswer = '{ANSWER}'\n```"),
    "a long string": (new_code_cell(f'"""\n{ANSWER}\n"""'), f'```\n"""\n{ANSWER}\n"""\n```'),
    "a magic": (new_code_cell(f"%%markdown\n{ANSWER}"), ANSWER),
    "a heading above": (new_markdown_cell(f"### My answer\n\n{ANSWER}"), f"### My answer\n\n{ANSWER}"),
}


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("where", ["below", "above", "instead"])
def test_an_answer_in_a_cell_of_its_own_is_put_in_place(
    given: NotebookNode, work: NotebookNode, kind: str, where: str
) -> None:
    own, expected = CELLS[kind]
    place = [each.id for each in work.cells].index("why")
    work.cells.insert(place + (where == "below"), own)
    if where == "instead":
        work.cells = [each for each in work.cells if each.id != "why"]
    restored = put(given, work)
    assert cell(restored.notebook, "why").source == expected
    assert [each.id for each in restored.notebook.cells] == [each.id for each in given.cells], "it is shown once"
    assert restored.flags == (OUTSIDE,)


def test_several_cells_are_one_answer(given: NotebookNode, work: NotebookNode) -> None:
    below(
        work, new_markdown_cell("### Mine"), new_markdown_cell("First."), new_code_cell("x = 3"), new_raw_cell("Last.")
    )
    restored = put(given, work)
    assert cell(restored.notebook, "why").source == "### Mine\n\nFirst.\n\nLast."
    assert [each.source for each in restored.notebook.cells if each.source == "x = 3"]


def test_a_cell_that_defines_something_runs_as_well(given: NotebookNode, work: NotebookNode) -> None:
    source = f"# {ANSWER}\nimport math\nprint('so two linear maps make one')"
    below(work, new_code_cell(source))
    restored = put(given, work)
    assert ANSWER in cell(restored.notebook, "why").source
    assert [each.cell_type for each in restored.notebook.cells if each.source == source] == ["code"]


@pytest.mark.parametrize(
    "typed",
    [
        f"{QUESTION}\n\n{ANSWER}",
        f"{ANSWER}\n\n{QUESTION}",
        QUESTION.replace("\n\n", f"\n\n{ANSWER}\n\n"),
        f"{QUESTION} {ANSWER}",
        ANSWER,
    ],
)
@pytest.mark.parametrize("placeholder", ["YOUR ANSWER HERE", "", None])
def test_an_answer_in_the_question_s_own_cell_is_put_in_place(
    given: NotebookNode, work: NotebookNode, typed: str, placeholder: str | None
) -> None:
    cell(work, "question").source = typed
    cell(work, "why").source = placeholder or ""
    if placeholder is None:
        work.cells = [each for each in work.cells if each.id != "why"]
    restored = put(given, work)
    assert cell(restored.notebook, "why").source == ANSWER
    assert cell(restored.notebook, "question").source == QUESTION
    assert restored.flags == (OUTSIDE,)


@pytest.mark.parametrize(
    "own",
    [
        new_markdown_cell(""),
        new_markdown_cell(" \n"),
        new_markdown_cell("## My notes"),
        new_markdown_cell("---"),
        new_markdown_cell(QUESTION),
        new_markdown_cell("YOUR ANSWER HERE"),
        new_raw_cell(""),
        new_code_cell(""),
        new_code_cell("print(scores(X))"),
        new_code_cell("# try\nscores(X)"),
        new_code_cell("for i in range(3):\n    print('step', i)"),
        new_code_cell("from a import b as c\nx = a if b is not c else lambda y: y\nassert x, 'no'"),
        new_code_cell("%matplotlib inline\n!pip install einops for me"),
    ],
)
def test_what_is_plainly_no_answer_is_none(given: NotebookNode, work: NotebookNode, own: NotebookNode) -> None:
    below(work, own)
    restored = put(given, work)
    assert cell(restored.notebook, "why").source == "YOUR ANSWER HERE"
    assert not is_answer(cell(restored.notebook, "why").source)
    assert restored.flags == ()


def test_a_typo_mended_in_the_question_is_no_answer(given: NotebookNode, work: NotebookNode) -> None:
    cell(work, "question").source = QUESTION.replace("two", "2")
    assert cell(put(given, work).notebook, "why").source == "YOUR ANSWER HERE"


def test_what_stands_outside_the_section_is_no_answer(given: NotebookNode, work: NotebookNode) -> None:
    work.cells.append(new_markdown_cell("My own summary of it all."))
    work.cells.insert(1, new_markdown_cell("A note on lines."))
    restored = put(given, work)
    assert cell(restored.notebook, "why").source == "YOUR ANSWER HERE"
    assert len(restored.notebook.cells) == len(given.cells) + 2


def test_beside_an_answer_other_cells_stay_the_student_s_own(given: NotebookNode, work: NotebookNode) -> None:
    cell(work, "why").source = ANSWER
    cell(work, "question").source = f"{QUESTION}\n\nSee below."
    below(work, new_markdown_cell("A note."), new_raw_cell("<script>alert(1)</script>"))
    restored = put(given, work)
    assert cell(restored.notebook, "why").source == ANSWER
    kinds = [(each.cell_type, each.source) for each in restored.notebook.cells]
    assert ("markdown", "A note.") in kinds
    assert ("markdown", "See below.") in kinds
    assert ("markdown", "<script>alert(1)</script>") in kinds, "as a raw cell it would be part of the page"


@pytest.mark.parametrize("kind", ["code", "raw", "markdown"])
@pytest.mark.parametrize("with_ids", [True, False])
def test_an_answer_cell_of_another_kind_is_shown_as_text(
    given: NotebookNode, work: NotebookNode, kind: str, with_ids: bool
) -> None:
    why = cell(work, "why")
    why.cell_type, why.source = kind, ANSWER
    if kind == "code":
        why.outputs, why.execution_count = [], None
    if not with_ids:
        why.metadata = {}
    restored = put(given, work)
    assert cell(restored.notebook, "why").source == ANSWER
    assert cell(restored.notebook, "why").cell_type == "markdown"


def test_halves_of_a_split_answer_are_put_together(given: NotebookNode, work: NotebookNode) -> None:
    half = nbformat.from_dict(json.loads(json.dumps(cell(work, "why"))))
    cell(work, "why").source, half.source, half.id = "First half.", "Second half.", "half"
    below(work, half)
    restored = put(given, work)
    assert cell(restored.notebook, "why").source == "First half.\n\nSecond half."
    assert restored.flags == ("more than one answer cell was handed in; they were put together: why",)


def test_pictures_come_along_under_names_of_their_own(given: NotebookNode, work: NotebookNode) -> None:
    """JupyterLab calls every pasted picture image.png."""
    pasted = [
        new_markdown_cell("![image.png](attachment:image.png)", attachments={"image.png": each})
        for each in (PICTURE, OTHER_PICTURE)
    ]
    below(work, *pasted)
    why = cell(put(given, work).notebook, "why")
    names = list(why.attachments)
    assert [dict(bundle) for bundle in why.attachments.values()] == [PICTURE, OTHER_PICTURE]
    assert why.source == "\n\n".join(f"![image.png](attachment:{name})" for name in names)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "YOUR ANSWER HERE",
        " your  answer here\n",
        "**YOUR ANSWER HERE**",
        '> "YOUR ANSWER HERE".',
        "<p>YOUR ANSWER HERE</p>",
        "YOUR ANSWER HERE\n\nYOUR ANSWER HERE",
        "<br>&nbsp;",
        "<!-- -->",
        "# \n---",
    ],
)
def test_a_placeholder_in_any_dress_is_no_answer(text: str) -> None:
    assert not is_answer(text)


@pytest.mark.parametrize(
    "text",
    [
        f"YOUR ANSWER HERE\n\n{ANSWER}",
        f"{ANSWER} YOUR ANSWER HERE",
        "No.",
        "42",
        "$W_2 W_1$",
        "![](attachment:a.png)",
        "<img src='photo.jpg'>",
        "线性",
    ],
)
def test_anything_else_is(text: str) -> None:
    assert is_answer(text)
