"""A small assignment in the form of the course's notebooks: two functions, an open question, given cells."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ASSIGNMENT = "01_linear_classification"


def _marks(grade_id: str, *, grade: bool, solution: bool, locked: bool, points: float | None = None) -> dict[str, Any]:
    marks = {
        "grade": grade,
        "grade_id": grade_id,
        "locked": locked,
        "schema_version": 3,
        "solution": solution,
    }
    return {"nbgrader": marks | {"task": False} | ({"points": points} if points is not None else {})}


def _solution(name: str, body: str) -> NotebookNode:
    source = f"def {name}(x):\n    ### BEGIN SOLUTION\n    {body}\n    ### END SOLUTION"
    return new_code_cell(source, id=name, metadata=_marks(name, grade=False, solution=True, locked=False))


def _check(name: str, points: float) -> NotebookNode:
    metadata = _marks(f"{name}_check", grade=True, solution=False, locked=True, points=points)
    return new_code_cell(f'check("linear.{name}", {name})', id=f"{name}_check", metadata=metadata)


def make_source(points: float = 2) -> NotebookNode:
    """The instructor's version."""
    why = _marks("why", grade=True, solution=True, locked=False, points=3)
    setup = _marks("setup", grade=False, solution=False, locked=True)
    cells = [
        new_markdown_cell("# Linear classification\n\nA line is $w^T x + b < 0$.", id="title"),
        new_code_cell("import numpy as np\n\nfrom autograder import check", id="imports"),
        new_code_cell("rng = np.random.default_rng(1)\nX = rng.normal(size=(4, 3))", id="setup", metadata=setup),
        new_markdown_cell("Write `scores`.", id="task-1"),
        _solution("scores", "return x + 1"),
        _check("scores", points),
        new_code_cell("picture = scores(X)\npicture.sum()\nprint(picture)\npicture.shape", id="demo"),
        _solution("predict", "return x * 2"),
        _check("predict", 4),
        new_markdown_cell("Because a line cuts the plane once.", id="why", metadata=why),
    ]
    metadata = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}}
    return new_notebook(cells=cells, metadata=metadata | {"language_info": {"name": "python"}}, nbformat_minor=5)


@pytest.fixture
def source() -> NotebookNode:
    return make_source()


@pytest.fixture
def release(source: NotebookNode) -> NotebookNode:
    """What nbgrader makes of the instructor's version for the students."""
    from nbgrader import preprocessors as steps

    notebook = nbformat.from_dict(json.loads(json.dumps(source)))
    for step in (steps.ClearSolutions, steps.LockCells, steps.ComputeChecksums):
        notebook, _ = step().preprocess(notebook, {})
    return notebook


@pytest.fixture
def answered(release: NotebookNode) -> NotebookNode:
    """A student's honest work."""
    notebook = nbformat.from_dict(json.loads(json.dumps(release)))
    by_id = {cell.id: cell for cell in notebook.cells}
    by_id["scores"].source = "def scores(x):\n    return 1 + x"
    by_id["predict"].source = "def predict(x):\n    return x + x"
    by_id["why"].source = "A line has two sides."
    by_id["demo"].outputs = [nbformat.v4.new_output("stream", text="forged: 100 points")]
    by_id["demo"].execution_count = 7
    return notebook
