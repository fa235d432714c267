"""What a graded notebook's cells have to do with an answer that could not be judged, or needs a name that is not there.

Here all cells run once, from the top. So a name that is not defined comes from a cell that failed, from one below the
check, or from no cell at all: on the student's machine the kernel may still hold it. Cells are read by words alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from nbformat import NotebookNode

from autograder.calls import Raised, Status
from autograder.exercise import Exercise, Verdict
from autograder.notebook_state.causes import cure_for
from autograder.notebook_state.cells import Cell, defining, glimpse, place_of
from autograder.notebook_state.stale import Trouble, not_defined
from autograder.pipeline.cells import check_id, grade_id, is_check, is_demo
from autograder.pipeline.grading.skipped_lines import SkippedLines

__all__ = ["CellState", "error_in_words"]


_LONGEST = 300
"""Characters of an error that is quoted."""


@dataclass
class CellState:
    """A notebook's cells, and how those that failed did.

    Attributes:
        failed: the error of each such cell, by its place in the notebook.
        skipped: the lines that the others could not run.
    """

    cells: Sequence[Cell]
    failed: dict[int, Raised] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.skipped = SkippedLines(self.cells)

    @classmethod
    def of(cls, notebook: NotebookNode) -> CellState:
        """The state before any cell has run."""
        return cls([Cell(grade_id(each), each.cell_type, each.source, is_demo(each)) for each in notebook.cells])

    def missing(self, name: str, exercise: Exercise) -> Trouble:
        """Why a name is not defined at the check of an exercise."""
        lost = self.skipped.missing(name)
        if lost is not None:
            return lost
        check = self._check(exercise)
        index = defining(self.cells, name, glimpse)
        if index is not None and index in self.failed:
            error = self.failed[index]
            return not_defined(name, failed=error_in_words(error), cure=cure_for(error.kind))
        if index is not None and check is not None and index > check:
            message = f"`{name}` is defined in {place_of(self.cells, index)}, below this check"
            return Trouble(message, "Move that cell above the check: the grader runs a notebook from top to bottom.")
        own = next((glimpse(cell.source) for cell in self.cells if cell.id == name and cell.kind == "code"), None)
        if index is None and own is not None and own.functions:
            return not_defined(name, others=own.functions)
        message = f"`{name}` is not defined: no cell above the check defines it"
        cure = (
            f"Look for a slip in its spelling, or define {name} in a cell; then restart the kernel and run all cells."
        )
        return Trouble(message, cure)

    def explained(self, verdict: Verdict, exercise: Exercise) -> Verdict:
        """The verdict, with what its cells have to do with it said first."""
        name = next((case.missing for case in verdict.cases if case.missing and case.kind == "exception"), "")
        if name:
            trouble = self.missing(name, exercise)
            return replace(verdict, message=trouble.message, cure=trouble.cure)
        lost = self.skipped.missing(exercise.name) if verdict.status is Status.NOT_WRITTEN else None
        if lost is not None:
            return replace(verdict, status=Status.ERROR, message=lost.message, cure=lost.cure)
        verdict = replace(verdict, remarks=(*verdict.remarks, *self.skipped.remarks(self._above(exercise))))
        index = next((index for index in self.failed if self._is_answer(index, exercise)), None)
        if index is None or not verdict.cases:
            return verdict
        said = f"a cell that defines `{exercise.name}` failed ({error_in_words(self.failed[index])})"
        return replace(verdict, remarks=(*verdict.remarks, f"{said}: what was judged comes from another cell"))

    def _check(self, exercise: Exercise) -> int | None:
        """The place of an exercise's check."""
        return next((index for index, cell in enumerate(self.cells) if cell.id == check_id(exercise.name)), None)

    def _above(self, exercise: Exercise) -> range:
        """The cells between the check before and that of the exercise."""
        check = self._check(exercise) or 0
        before = next((index for index in reversed(range(check)) if is_check(self.cells[index].id)), -1)
        return range(before + 1, check)

    def _is_answer(self, index: int, exercise: Exercise) -> bool:
        """Whether a cell holds the answer, and the answer that was judged is none of it."""
        names = glimpse(self.cells[index].source)
        return _did_not_run(self.failed[index]) and exercise.name in names.defined


def _did_not_run(raised: Raised) -> bool:
    """Whether a cell with that error did not run at all."""
    return raised.kind in ("SyntaxError", "IndentationError", "TabError")


def error_in_words(raised: Raised) -> str:
    """An exception that ended a cell, as a kernel's own check says it."""
    message = re.sub(r" \([^()]*, line \d+\)$", "", raised.message) if _did_not_run(raised) else raised.message
    where = f" in line {raised.line}" if raised.line is not None else ""
    return f"{raised.kind}{where}: {message}"[:_LONGEST] if message else f"{raised.kind}{where}"
