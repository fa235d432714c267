"""Puts a student's answers into the course's own notebook.

The master provides every locked cell, all metadata and the order. A submission provides the text of its solution
cells and the cells that the student added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.pipeline.intake.match import match
from autograder.pipeline.intake.notebook_file import StudentCell, Submission, Unreadable, read_submission
from autograder.pipeline.intake.plan import Plan, Position
from autograder.pipeline.release_version import released

__all__ = ["Restored", "Unreadable", "restore"]


@dataclass(frozen=True)
class Restored:
    """The notebook to run, and one sentence for each thing that an instructor may want to know."""

    notebook: NotebookNode
    flags: tuple[str, ...] = ()


def restore(master: NotebookNode, submission: bytes | Submission) -> Restored:
    """The master notebook with the student's answers in it and without outputs.

    Args:
        master: the release, or the instructor's version, whose solutions never reach the result.
        submission: the file as handed in, or the cells that were read from it.

    Raises:
        Unreadable: the file holds no notebook.
    """
    read = submission if isinstance(submission, Submission) else read_submission(submission)
    notebook = released(master)
    plan = match(notebook.cells, read.cells)
    flags = plan.flags()
    if read.cells and not plan.places and not plan.answers:
        flags = ("no cell belongs to this assignment: is this another assignment's notebook?",)
    notebook.cells = _assembled(plan, with_ids=(notebook.nbformat, notebook.nbformat_minor) >= (4, 5))
    return Restored(notebook, (*read.flags, *flags))


def _assembled(plan: Plan, *, with_ids: bool) -> list[NotebookNode]:
    """The given cells in order, answers in their slots, the student's own cells where the plan puts them."""
    taken = {cell.id for cell in plan.given if "id" in cell}
    places: list[tuple[Position, StudentCell | None]] = [((slot, 0, 0), None) for slot in range(len(plan.given))]
    places += [(plan.positions[i], plan.cells[i]) for i in plan.open_cells()]
    cells: list[NotebookNode] = []
    for position, own in sorted(places, key=lambda place: place[0]):
        if own is not None:
            cells.append(_own(own, _free_name(taken) if with_ids else None))
            continue
        given = plan.given[position[0]]
        if position[0] in plan.answers:
            _put(given, plan.answers[position[0]])
        cells.append(given)
    return cells


def _put(given: NotebookNode, answer: StudentCell) -> None:
    """An emptied cell gets its stub back, which is clearer than a NameError."""
    if not answer.source.strip():
        return
    given.source = answer.source
    given.pop("attachments", None)
    if given.cell_type == "markdown" and answer.images:
        given.attachments = nbformat.from_dict(answer.images)


def _own(cell: StudentCell, name: str | None) -> NotebookNode:
    """A cell of the student's own; a raw one becomes text, because pages would show what is in it as HTML."""
    kind = "code" if cell.kind == "code" else "markdown"
    row: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": cell.source}
    if cell.kind == "code":
        row |= {"outputs": [], "execution_count": None}
    elif cell.images:
        row["attachments"] = cell.images
    return nbformat.from_dict(row if name is None else row | {"id": name})


def _free_name(taken: set[str]) -> str:
    """An id for one of the student's own cells: the same submission gives the same notebook."""
    number = len(taken)  # grows with each, so that the next is free at once
    while f"own-{number}" in taken:
        number += 1
    taken.add(f"own-{number}")
    return f"own-{number}"
