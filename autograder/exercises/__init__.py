"""The exercises: one package per topic, one file per exercise; `course.toml` puts them in order."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from autograder.exercise import Exercise
from autograder.exercises.course_table import ASSIGNMENTS, Assignment, CourseTable, CourseTableError, weighted

__all__ = [
    "ASSIGNMENTS",
    "Assignment",
    "CourseTable",
    "CourseTableError",
    "UnknownExercise",
    "assignment_of",
    "exercises_of",
    "find",
]


class UnknownExercise(LookupError):
    """No exercise has that id."""


@cache
def _declared(exercise_id: str) -> Exercise:
    """An exercise as its file says it; imports that file and what its topic shares, nothing else."""
    from autograder.exercises.loader import declared

    return declared(exercise_id)


@cache
def _in_course(exercise_id: str, total: float | None, hints: int, slip_steps: int) -> Exercise:
    """The exercise with the points and the help that the course gives."""
    exercise = _declared(exercise_id)
    groups = exercise.groups if total is None else weighted(exercise.groups, total)
    return replace(exercise, groups=groups, hints=exercise.hints[:hints], slip_steps=slip_steps)


def assignment_of(exercise_id: str) -> str | None:
    """The assignment that asks for an exercise, or None."""
    return ASSIGNMENTS.table.asked.get(exercise_id)


def find(exercise_id: str) -> Exercise:
    """The exercise of that id, with the points and the help that the course gives.

    Raises:
        UnknownExercise: no assignment asks for it; the message lists similar names.
        CourseTableError: course.toml is missing or wrong.
        DeclarationError: the exercise's file does not say what it must.
    """
    return _found(exercise_id, ASSIGNMENTS.table)


def exercises_of(assignment: str) -> tuple[Exercise, ...]:
    """All exercises of an assignment, in the notebook's order."""
    table = ASSIGNMENTS.table
    return tuple(_found(id_, table) for id_ in table.assignments[assignment].ids)


def _found(exercise_id: str, table: CourseTable) -> Exercise:
    if exercise_id not in table.asked:
        import difflib

        near = difflib.get_close_matches(str(exercise_id), table.asked, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join([*table.asked][:6])}, ..."
        raise UnknownExercise(f"no exercise is called {exercise_id!r}: {hint}")
    return _in_course(exercise_id, table.points.get(exercise_id), table.help.hints, table.help.slip_steps)
