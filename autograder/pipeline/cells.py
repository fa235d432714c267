"""What the marks on a notebook's cell say: which cell it is, and whether it is given, answered, checked or only shown.

nbgrader keeps its marks in the cell's metadata. Only those of the course's own notebooks are believed; a submission's
notebook gets them back when it is restored.
"""

from __future__ import annotations

from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_locked, is_solution

__all__ = ["by_grade_id", "check_id", "checked_name", "grade_id", "is_check", "is_demo", "is_given", "is_open_question"]

_CHECK = "_check"


def grade_id(cell: NotebookNode) -> str:
    """nbgrader's name of a cell, or nothing."""
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def by_grade_id(notebook: NotebookNode) -> dict[str, NotebookNode]:
    """The cells that have a name."""
    return {grade_id(cell): cell for cell in notebook.cells if grade_id(cell)}


def is_given(cell: NotebookNode) -> bool:
    """Whether it is locked and holds the course's own text."""
    return bool(is_locked(cell))


def is_open_question(cell: NotebookNode) -> bool:
    """Whether students write in it what a person grades."""
    return bool(is_grade(cell) and is_solution(cell))


def is_demo(cell: NotebookNode) -> bool:
    """Whether a given cell is only there to be looked at (a picture, a long training), and is left out when grading."""
    return "demo" in cell.metadata.get("tags", ()) and not is_solution(cell)


# --- names --------------------------------------------------------------------------------------------------


def check_id(name: str) -> str:
    """The grade id of the cell that checks an exercise, from the exercise's name."""
    return f"{name}{_CHECK}"


def is_check(name: str) -> bool:
    """Whether a grade id is that of a check cell."""
    return name.endswith(_CHECK)


def checked_name(name: str) -> str:
    """The exercise's name, from the grade id of its check cell; other grade ids stay as they are."""
    return name.removesuffix(_CHECK)
