"""The release version of a course's own notebook: what students get, without solutions and outputs.

nbgrader is imported where a notebook is not a release yet: a process that only grades does without it.
"""

from __future__ import annotations

import copy

from nbformat import NotebookNode

from autograder.pipeline.cells import grade_id, is_solution

__all__ = ["released"]

_STUBS = {"code": "raise NotImplementedError", "markdown": "YOUR ANSWER HERE"}


def released(master: NotebookNode) -> NotebookNode:
    """A copy without solutions and outputs, with nbgrader's checksums; a release comes out unchanged."""
    notebook = copy.deepcopy(master)
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        has_solution = is_solution(cell) and not _has_stub(cell)
        if has_solution:
            _clear(cell, index)
        if grade_id(cell) and (has_solution or not {"checksum", "cell_type"} <= set(cell.metadata.nbgrader)):
            _mark(cell)
    return notebook


def _clear(cell: NotebookNode, index: int) -> None:
    from nbgrader.preprocessors import ClearSolutions

    ClearSolutions().preprocess_cell(cell, {"language": "python"}, index)


def _mark(cell: NotebookNode) -> None:
    from nbgrader.utils import compute_checksum

    cell.metadata.nbgrader |= {"checksum": compute_checksum(cell), "cell_type": cell.cell_type}


def _has_stub(cell: NotebookNode) -> bool:
    return _STUBS[cell.cell_type] in cell.source and "BEGIN SOLUTION" not in cell.source
