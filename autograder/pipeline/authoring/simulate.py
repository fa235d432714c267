"""Fills `submitted/` with a class's work: right, partial, mistaken, blank and hostile, as students would hand it in."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.exercises import exercises_of
from autograder.pipeline.authoring.build import master_notebook
from autograder.pipeline.authoring.simulated_students import Member, Slot, reference_sources, simulated_class
from autograder.pipeline.cells import grade_id, is_open_question, is_solution
from autograder.pipeline.course import Course, CourseError
from autograder.pipeline.files import write_atomically

__all__ = ["fill_in", "simulate"]

MARKER = ".simulated"
TIMESTAMP = "2026-01-12 12:00:00 UTC\n"


def simulate(course: Course, assignments: Iterable[str], students: int) -> list[tuple[str, str]]:
    """Writes one submission for each student and assignment; returns (name, kind) of each student.

    Raises:
        CourseError: the class folder holds submissions that were not simulated; they are never overwritten.
    """
    names = list(assignments)
    members = simulated_class(students)
    _clear(course.submitted)
    for name in names:
        master = master_notebook(course, name)
        released = course.release(name).read_text("utf-8")
        for member in members:
            notebook = fill_in(nbformat.reads(released, as_version=4), answers_of(member, name, master), member.prose)
            path = course.submission(member.name, name)
            write_atomically(path, nbformat.writes(notebook))
            write_atomically(path.parent / "timestamp.txt", TIMESTAMP)
            write_atomically(course.submitted / member.name / MARKER, f"{member.kind}\n")
    return [(member.name, member.kind) for member in members]


def answers_of(member: Member, assignment: str, master: NotebookNode) -> dict[str, str]:
    """What a simulated student writes into the solution cells, by grade id; untouched cells are left out."""
    sources = reference_sources({grade_id(cell): cell.source for cell in master.cells})
    exercises = exercises_of(assignment)
    ranked = sorted(range(len(exercises)), key=lambda place: len(exercises[place].misconceptions))
    answers = {}
    for place, exercise in enumerate(exercises):
        source = member.answer(Slot(exercise, place, ranked.index(place), sources[exercise.name]))
        if source is not None:
            answers[exercise.name] = source
    return answers


def fill_in(notebook: NotebookNode, answers: dict[str, str], prose: str | None = None) -> NotebookNode:
    """Writes answers into the solution cells of a released notebook, and prose into its open questions."""
    for cell in notebook.cells:
        if not is_solution(cell):
            continue
        if grade_id(cell) in answers:
            cell.source = answers[grade_id(cell)]
        elif is_open_question(cell) and prose is not None:
            cell.source = prose
    return notebook


def _clear(submitted: Path) -> None:
    if not submitted.is_dir():
        return
    folders = [path for path in submitted.iterdir() if path.is_dir()]
    real = [path.name for path in folders if not (path / MARKER).is_file()]
    if real:
        raise CourseError(
            f"{submitted} holds real submissions ({real[0]}); simulate into another folder with --classroom"
        )
    for folder in folders:
        shutil.rmtree(folder)
