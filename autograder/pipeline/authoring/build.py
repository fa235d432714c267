"""From text sources to notebooks: the instructor's with solutions, the student's without.

Both are byte for byte the same on every run: cell ids come from the grade ids and the text, nothing is executed, and
outputs are empty. The student's version goes through nbgrader's own preprocessors, in nbgrader's order.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode
from nbgrader.nbgraderformat import ValidationError

from autograder.exercise import Exercise
from autograder.exercises import ASSIGNMENTS, exercises_of
from autograder.exercises.slips import source_of
from autograder.pipeline.authoring.leaks import leaked_lines
from autograder.pipeline.cells import by_grade_id, check_id, grade_id, is_check
from autograder.pipeline.course import Course, CourseError
from autograder.pipeline.files import write_atomically

__all__ = ["Built", "build", "build_one", "master_notebook", "out_of_step"]

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


@dataclass(frozen=True)
class Built:
    """One assignment's generated notebooks, as the texts of their files."""

    assignment: str
    master: str
    release: str


def build(course: Course, assignments: Iterable[str] | None = None) -> list[Path]:
    """Writes the notebooks of the given assignments (default: all); returns the files that changed.

    Raises:
        CourseError: a source is missing or wrong, or its release would leak solution text. Then nothing is written.
    """
    changed = []
    for built in [build_one(course, name) for name in _names(assignments)]:
        for path, text in _files(course, built):
            if not path.is_file() or path.read_text("utf-8") != text:
                write_atomically(path, text)
                changed.append(path)
    return changed


def out_of_step(course: Course, assignments: Iterable[str] | None = None) -> list[str]:
    """One sentence for each generated notebook that is not what its source says now."""
    problems = []
    for name in _names(assignments):
        for path, text in _files(course, build_one(course, name)):
            shown = path.relative_to(course.root)
            if not path.is_file():
                problems.append(f"{shown} is missing: run autograder build")
            elif path.read_text("utf-8") != text:
                problems.append(
                    f"{shown} is out of step with solutions/{name}.py or with the points: run autograder build"
                )
    return problems


def _names(assignments: Iterable[str] | None) -> list[str]:
    names = list(assignments or ASSIGNMENTS)
    for name in names:
        if name not in ASSIGNMENTS:
            raise CourseError(f"no assignment is called {name!r}; choose one of {', '.join(ASSIGNMENTS)}")
    return names


def _files(course: Course, built: Built) -> list[tuple[Path, str]]:
    return [
        (course.master(built.assignment), built.master),
        (course.release(built.assignment), built.release),
    ]


def build_one(course: Course, assignment: str) -> Built:
    """Both notebooks of one assignment, in memory.

    Raises:
        CourseError: the source is missing or not valid, does not ask for the exercises that course.toml lists, in its
            order, or states their points, or its release would contain solution text.
        DeclarationError: an exercise's file does not say what it must.
    """
    source = course.source(assignment)
    if not source.is_file():
        raise CourseError(f"{source} does not exist; every assignment has a text source there")
    master = read_source(source.read_text("utf-8"))
    _check_slips(assignment)
    _check_exercises(assignment, master)
    _give_points(assignment, master)
    try:
        release = to_release(master)
    except (RuntimeError, ValidationError) as error:  # a region without an end, unknown metadata
        raise CourseError(f"solutions/{assignment}.py: {error}") from error
    leaks = leaked_lines(master, release)
    if leaks:
        raise CourseError(
            f"the release of {assignment} would show solution text: {leaks[0]!r} is outside a solution region"
        )
    return Built(assignment, _write(master), _write(release))


def master_notebook(course: Course, assignment: str) -> NotebookNode:
    """The instructor's notebook, read from disk.

    Raises:
        CourseError: it has not been built yet.
    """
    path = course.master(assignment)
    if not path.is_file():
        raise CourseError(f"{path} does not exist: run autograder build")
    return nbformat.reads(path.read_text("utf-8"), as_version=4)


def read_source(text: str) -> NotebookNode:
    """A notebook from a py:percent text, with deterministic ids and no outputs."""
    notebook = jupytext.reads(text, fmt="py:percent")
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen: set[str] = set()
    for cell in notebook.cells:
        cell.metadata.pop("lines_to_next_cell", None)
        cell.id = _cell_id(cell, seen)
    return notebook


def _cell_id(cell: NotebookNode, seen: set[str]) -> str:
    base = grade_id(cell) or hashlib.sha256(cell.source.encode()).hexdigest()[:12]
    name, count = base[:60], 1
    while name in seen:
        count += 1
        name = f"{base[:56]}-{count}"
    seen.add(name)
    return str(name)


def to_release(master: NotebookNode) -> NotebookNode:
    """The student's version: solution regions replaced by a stub, given cells locked, checksums recorded."""
    from nbgrader import preprocessors as steps

    notebook = nbformat.from_dict(master)
    resources: dict[str, Any] = {}
    for step in (
        steps.LockCells,
        steps.ClearSolutions,
        steps.ClearOutput,
        steps.CheckCellMetadata,
        steps.ComputeChecksums,
        steps.ClearHiddenTests,
        steps.ClearMarkScheme,
        steps.ComputeChecksums,
        steps.CheckCellMetadata,
    ):
        notebook, resources = _quiet(step())(notebook, resources)
    return notebook


def _quiet(step: Any) -> Callable[..., tuple[NotebookNode, dict[str, Any]]]:
    step.log.setLevel(logging.CRITICAL)
    return step.preprocess  # type: ignore[no-any-return]


def _write(notebook: NotebookNode) -> str:
    nbformat.validate(notebook)
    return str(nbformat.writes(notebook)).rstrip("\n") + "\n"


def _check_exercises(assignment: str, notebook: NotebookNode) -> None:
    """The cells are those of the exercises that course.toml lists, in its order."""
    where, exercises = f"solutions/{assignment}.py", exercises_of(assignment)
    cells, named = by_grade_id(notebook), Counter(filter(None, map(grade_id, notebook.cells)))
    if twice := [name for name, count in named.items() if count > 1]:
        raise CourseError(f"{where}: several cells are called {twice[0]}; give each its own grade_id")
    for exercise in exercises:
        _check_cells(where, exercise, cells)
    unmarked = [cell.source for cell in notebook.cells if cell.cell_type == "code" and "nbgrader" not in cell.metadata]
    if unmarked:
        raise CourseError(f"{where}: the code cell {unmarked[0][:40]!r} has no nbgrader header")
    wanted, found = [check_id(exercise.name) for exercise in exercises], [name for name in cells if is_check(name)]
    if extra := [name for name in found if name not in wanted]:
        raise CourseError(f"{where} checks {', '.join(extra)}, which course.toml does not list")
    for exercise, there in zip(exercises, found, strict=True):
        if check_id(exercise.name) != there:
            raise CourseError(f"{where} has {there} where course.toml lists {exercise.name}: one order for both")


def _check_cells(where: str, exercise: Exercise, cells: dict[str, NotebookNode]) -> None:
    name = check_id(exercise.name)
    solution, test = cells.get(exercise.name), cells.get(name)
    if solution is None or test is None:
        raise CourseError(f"{where} needs the cells {exercise.name} and {name}")
    call = f'check("{exercise.id}", {exercise.name})'
    if test.source.strip() != call:
        raise CourseError(f"{where}: cell {name} must be exactly {call}")
    if "points" in test.metadata["nbgrader"]:
        file = f"autograder/exercises/{exercise.topic}/{exercise.name}.py"
        raise CourseError(f"{where}: cell {name} states points, which {file} gives: delete them from the cell's header")


def _check_slips(assignment: str) -> None:
    """A slip is first edited when it is needed: here, so that one that does not fit its base is refused at once."""
    for exercise in exercises_of(assignment):
        for mistake in exercise.misconceptions:
            source_of(mistake.wrong)


def _give_points(assignment: str, notebook: NotebookNode) -> None:
    """Writes into the check cells what the exercises give."""
    cells = by_grade_id(notebook)
    for exercise in exercises_of(assignment):
        points = exercise.points
        cells[check_id(exercise.name)].metadata["nbgrader"]["points"] = int(points) if points == int(points) else points
