"""What each check of a restored notebook would see, read from the text: no cell runs."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterable
from copy import deepcopy
from functools import cache

from answers import released, right_answers
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from autograder.exercises import ASSIGNMENTS
from autograder.pipeline.authoring.simulate import fill_in
from autograder.pipeline.cells import check_id, grade_id, is_solution
from autograder.pipeline.intake.notebook_file import StudentCell, Submission
from autograder.pipeline.intake.restore import Restored, restore

__all__ = [
    "PROSE", "at", "bindings_at_checks", "copied", "given", "insert", "put", "restored", "right", "right_bindings",
    "right_notebook", "run_names", "stubs", "text", "write",
]  # fmt: skip

PROSE = "Two linear layers are one linear layer."


@cache
def given(assignment: str) -> NotebookNode:
    """The release; read once, never changed."""
    return released(assignment)


@cache
def stubs() -> dict[str, str]:
    return {grade_id(cell): cell.source for each in ASSIGNMENTS for cell in given(each).cells}


def right_notebook(assignment: str) -> NotebookNode:
    """A notebook with the right answers in their cells."""
    return fill_in(deepcopy(given(assignment)), dict(right(assignment)), PROSE)


def put(notebook: NotebookNode) -> Submission:
    rows = [
        StudentCell(cell.cell_type, cell.source, grade_id(cell), cell.get("id", ""), dict(cell.get("attachments", {})))
        for cell in notebook.cells
    ]
    return Submission(tuple(rows))


def restored(assignment: str, notebook: NotebookNode) -> Restored:
    return restore(given(assignment), put(notebook))


def at(notebook: NotebookNode, name: str) -> int:
    return next(i for i, cell in enumerate(notebook.cells) if grade_id(cell) == name)


def text(notebook: NotebookNode, name: str) -> str:
    return str(notebook.cells[at(notebook, name)].source)


def write(notebook: NotebookNode, name: str, source: str) -> None:
    notebook.cells[at(notebook, name)].source = source


def insert(notebook: NotebookNode, place: int, *sources: str) -> None:
    notebook.cells[place:place] = [new_code_cell(source) for source in sources]


def copied(notebook: NotebookNode, name: str, source: str) -> NotebookNode:
    """What a notebook's "duplicate" and "split" make: the metadata goes along."""
    cell = new_code_cell(source)
    cell.metadata = notebook.cells[at(notebook, name)].metadata
    return cell


# --- what a check sees ------------------------------------------------------------------------------------


def bindings_at_checks(notebook: NotebookNode, names: Iterable[str]) -> dict[str, list[str]]:
    """By exercise, how its name was bound when its check was reached: a definition, then what rebound it."""
    state: dict[str, list[str]] = {}
    seen: dict[str, list[str]] = {}
    checks = {check_id(name): name for name in names}
    for cell in notebook.cells:
        if grade_id(cell) in checks:
            name = checks[grade_id(cell)]
            seen[name] = list(state.get(name, []))
        elif cell.cell_type == "code" and (is_solution(cell) or not grade_id(cell)):
            run_names(cell.source, state)
    return seen


def run_names(source: str, state: dict[str, list[str]]) -> None:
    try:
        nodes = ast.parse(textwrap.dedent(source)).body
    except SyntaxError:
        return
    while nodes:
        node, *nodes = nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            said = ast.unparse(node)
            state[node.name] = ["stub" if "NotImplementedError" in said else said]
        elif isinstance(node, ast.If | ast.Try):
            nodes = [*node.body, *nodes]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            state |= {(alias.asname or alias.name): [ast.unparse(node)] for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            said, targets = ast.unparse(node.value), node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in ast.walk(ast.Tuple(targets, ast.Store())):
                if isinstance(target, ast.Name):
                    uses = any(isinstance(each, ast.Name) and each.id == target.id for each in ast.walk(node.value))
                    state[target.id] = [*(state.get(target.id, ["nothing"]) if uses else []), said]


@cache
def right(assignment: str) -> dict[str, str]:
    return right_answers(assignment)


@cache
def right_bindings(assignment: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, source in right(assignment).items():
        state: dict[str, list[str]] = {}
        run_names(source, state)
        found[name] = state[name]
    return found
