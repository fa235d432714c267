"""The commands of authors: build and release notebooks, simulate a class, prove the exercises' cases."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from autograder.commands.app import Assignments, ClassroomDir, CourseDir, app, course_at, say, warn

__all__ = ["build", "prove", "release", "simulate"]


@app.command()
def build(
    assignments: Assignments = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if a notebook is out of step.")] = False,
    course: CourseDir = None,
) -> None:
    """Generate the instructors' and students' notebooks from their text sources."""
    from autograder.pipeline.authoring import build as step
    from autograder.pipeline.course import CourseError, known_assignments

    place, names = course_at(course, None), known_assignments(assignments)
    if not check:
        changed = step.build(place, names)
        say(f"{len(names)} assignments built, {len(changed)} files changed")
        return
    try:
        problems = step.out_of_step(place, names)
    except CourseError as error:
        problems = [str(error)]
    for problem in problems:
        warn(problem)
    if problems:
        raise typer.Exit(1)
    say(f"{len(names)} assignments are in step with their sources and show no solution text")


@app.command()
def release(assignments: Assignments = None, course: CourseDir = None, classroom: ClassroomDir = None) -> None:
    """Make assignments ready to hand out: check the notebooks, draw the course's secret, register the cells."""
    from autograder.pipeline.authoring.release import release as step
    from autograder.pipeline.course import known_assignments

    place = course_at(course, classroom)
    for path in step(place, known_assignments(assignments)):
        say(f"ready to hand out: {path.relative_to(place.root)}")


@app.command()
def simulate(
    students: Annotated[int, typer.Option("--students", min=1, max=100_000, help="How many.")] = 12,
    assignments: Assignments = None,
    course: CourseDir = None,
    classroom: ClassroomDir = None,
) -> None:
    """Fill the class's folder with right, partial, mistaken, blank and hostile submissions."""
    from autograder.pipeline.authoring.simulate import simulate as step
    from autograder.pipeline.course import known_assignments

    place = course_at(course, classroom)
    members = step(place, known_assignments(assignments), students)
    say(f"{len(members)} students in {place.submitted}: " + ", ".join(f"{name} ({kind})" for name, kind in members))


@app.command()
def prove(
    ids: Annotated[
        list[str] | None, typer.Argument(help="Exercises or topics, such as linear.softmax or linear; default: all.")
    ] = None,
    survivors: Annotated[bool, typer.Option("--survivors", help="List the mutants that survive.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Write the scores down as those that may not fall.")] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Worker processes; default: one per processor.")
    ] = None,
) -> None:
    """Submit every mutant of right answers to the judge; exit 1 if one keeps full marks without a written reason."""
    from autograder.pipeline.authoring import prove as step
    from autograder.pipeline.progressbar import progress_bar
    from autograder.reports.proof import ProofRow, proof_table

    with progress_bar("proving") as advance:
        proofs = step.prove(step.chosen(ids), workers or len(os.sched_getaffinity(0)), advance)
    rows = [ProofRow(each.exercise, *step.counts(each), each.seconds) for each in proofs]
    say(proof_table(rows))
    for proof in proofs if survivors else ():
        for trial in proof.survivors:
            say(f"{proof.exercise} | {trial.mutant}")
    problems = step.problems(proofs)
    if keep:
        step.keep(proofs)
    for problem in problems:
        warn(problem)
    if problems:
        raise typer.Exit(1)
