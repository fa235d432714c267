"""The release version of a course's own notebook: what students get, without solutions and outputs."""

from __future__ import annotations

import copy

from nbformat import NotebookNode
from nbgrader.preprocessors import ClearSolutions
from nbgrader.utils import compute_checksum, is_solution

from autograder.pipeline.cells import grade_id

__all__ = ["released"]

_STUBS = {"code": "raise NotImplementedError", "markdown": "YOUR ANSWER HERE"}


def released(master: NotebookNode) -> NotebookNode:
    """A copy without solutions and outputs, with nbgrader's checksums; a release comes out unchanged."""
    notebook = copy.deepcopy(master)
    clear = ClearSolutions()
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if is_solution(cell) and not _has_stub(cell):
            clear.preprocess_cell(cell, {"language": "python"}, index)
        if grade_id(cell):
            cell.metadata.nbgrader |= {"checksum": compute_checksum(cell), "cell_type": cell.cell_type}
    return notebook


def _has_stub(cell: NotebookNode) -> bool:
    return _STUBS[cell.cell_type] in cell.source and "BEGIN SOLUTION" not in cell.source
