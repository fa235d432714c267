"""What a cell's nbgrader metadata says: which cell it is, and whether it is given, answered, checked or only shown.

Only the metadata of the course's own notebooks is trusted; a submission gets it back when it is restored. The questions
are those of `nbgrader.utils`, asked without importing nbgrader, which takes a second in each process that grades.
"""

from __future__ import annotations

from nbformat import NotebookNode

__all__ = [
    "by_grade_id",
    "check_id",
    "checked_name",
    "grade_id",
    "is_check",
    "is_demo",
    "is_given",
    "is_grade",
    "is_open_question",
    "is_solution",
]

_CHECK = "_check"


def grade_id(cell: NotebookNode) -> str:
    """nbgrader's name of a cell, or nothing."""
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def by_grade_id(notebook: NotebookNode) -> dict[str, NotebookNode]:
    """The cells that have a name."""
    return {grade_id(cell): cell for cell in notebook.cells if grade_id(cell)}


def is_grade(cell: NotebookNode) -> bool:
    """Whether it gives points."""
    return bool(cell.metadata.get("nbgrader", {}).get("grade", False))


def is_solution(cell: NotebookNode) -> bool:
    """Whether students write in it."""
    return bool(cell.metadata.get("nbgrader", {}).get("solution", False))


def is_given(cell: NotebookNode) -> bool:
    """Whether it is locked and holds the course's own text."""
    locked = bool(cell.metadata.get("nbgrader", {}).get("locked", False))
    return not is_solution(cell) and (is_grade(cell) or locked)


def is_open_question(cell: NotebookNode) -> bool:
    """Whether students write an answer in it that is graded by hand."""
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
    """The exercise's name, from the grade id of its check cell; other grade ids are returned unchanged."""
    return name.removesuffix(_CHECK)
