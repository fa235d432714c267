"""What students hand in: each notebook with the right answers or others, or with one known mistake an exercise."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

import nbformat
import pytest
from nbformat import NotebookNode

from autograder.exercise import Exercise, Misconception
from autograder.exercises import ASSIGNMENTS, exercises_of
from autograder.pipeline.authoring.simulate import fill_in
from autograder.pipeline.authoring.simulated_students import misconception_source, reference_sources
from autograder.pipeline.cells import by_grade_id
from autograder.pipeline.course import Course

__all__ = [
    "COURSE", "ROOT", "each_assignment", "handed_in", "mistake_of", "mistaken", "released",
    "right_answers", "styled",
]  # fmt: skip

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
COURSE = Course(ROOT, ROOT / "classroom")

each_assignment = pytest.mark.parametrize(
    "assignment", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in ASSIGNMENTS], scope="session"
)
"""All tests of one assignment go to one worker, one assignment after the other, and share what was opened for it."""


@cache
def _text(path: Path) -> str:
    return path.read_text("utf-8")


def released(assignment: str) -> NotebookNode:
    """The notebook as it is handed out."""
    return nbformat.reads(_text(COURSE.release(assignment)), as_version=4)


def handed_in(assignment: str, answers: Mapping[str, str], prose: str | None = None) -> NotebookNode:
    """The notebook with these answers, by name of the exercise, and this text below each open question."""
    return fill_in(released(assignment), dict(answers), prose)


def right_answers(assignment: str) -> dict[str, str]:
    """The instructor's."""
    master = nbformat.reads(_text(COURSE.master(assignment)), as_version=4)
    sources = reference_sources({name: cell.source for name, cell in by_grade_id(master).items()})
    return {exercise.name: sources[exercise.name] for exercise in exercises_of(assignment)}


def _one_of(exercise: Exercise, things: Sequence[T]) -> T:
    """The same one in every run, at another place from exercise to exercise."""
    return things[int.from_bytes(hashlib.sha256(exercise.id.encode()).digest()[:4], "big") % len(things)]


def styled(assignment: str) -> dict[str, str]:
    """Right answers that somebody else could have written, each in one of its exercise's styles."""
    return {each.name: _one_of(each, list(each.right.values())) for each in exercises_of(assignment)}


def mistake_of(exercise: Exercise) -> Misconception:
    """One of its known mistakes."""
    return _one_of(exercise, exercise.misconceptions)


def mistaken(assignment: str) -> dict[str, str]:
    """A known mistake in every exercise."""
    return {each.name: misconception_source(each, mistake_of(each)) for each in exercises_of(assignment)}
