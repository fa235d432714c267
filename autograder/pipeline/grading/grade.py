"""Grades a class: which submissions, by how many workers, recorded by one writer."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from traitlets.config import Config

from autograder.calls import Status
from autograder.exercise import ClassGrading, Graded
from autograder.exercises import ASSIGNMENTS
from autograder.pipeline.course import Course, CourseError
from autograder.pipeline.files import write_atomically
from autograder.pipeline.grading.executors import grade_job, grade_jobs, grade_on_cluster
from autograder.pipeline.grading.submission import GRADER_FAILED, Job, Result, fingerprint, hand_in
from autograder.pipeline.grading.warm_sandbox import Setup, check_device
from autograder.pipeline.intake.class_folder import look_into
from autograder.pipeline.interrupts import delay_sigint
from autograder.pipeline.moments import MomentError, read_moment
from autograder.pipeline.records.gradebook import GradebookWriter
from autograder.pipeline.records.settings import late_penalty
from autograder.pipeline.records.verdict_store import StoredVerdicts, combine, load_verdicts, save_verdicts
from autograder.pipeline.secret import read_secret
from autograder.sandbox.host.isolation import choose
from autograder.sandbox.host.run import SandboxError

__all__ = ["GRADER_FAILED", "Plan", "default_workers", "grade", "grade_one", "handed_in", "remarks", "unusable_names"]

_LONGEST_NAME = 200
"""In bytes; other files are named after the student, with a few letters added."""

Progress = Callable[[int, int, Graded], None]
"""Called after each submission with the number done, the total, and the latest result."""


@dataclass(frozen=True)
class Plan:
    """What to grade and how.

    `scheduler` is the address of a cluster to use in place of `workers` on this machine; no run may see `hidden`.
    """

    assignments: tuple[str, ...]
    student: str | None = None
    workers: int = 1
    isolation: str = "auto"
    force: bool = False
    patience: float = 1.0
    device: str = "cpu"
    scheduler: str = ""
    hidden: tuple[Path, ...] = ()

    @property
    def setup(self) -> Setup:
        """How notebooks are run."""
        return Setup(self.isolation, self.device, self.hidden)


def grade(course: Course, plan: Plan, progress: Progress | None = None) -> ClassGrading:
    """Grades what is not graded yet and returns the verdicts for everything in the plan.

    Raises:
        CourseError: nothing to grade, no secret, an unknown student, or isolation too weak for untrusted code.
    """
    if not plan.scheduler:
        _check_isolation(plan.isolation)
        check_device(plan.device)
    plan = replace(plan, hidden=course.closed)
    jobs = _jobs(course, plan)
    todo = [job for job in jobs if plan.force or not _is_graded(course, job)]
    if todo:
        with _gradebook(course) as gradebook:
            for name in sorted({job.assignment for job in todo}):
                gradebook.register(name, nbformat.reads(_master(course, name), as_version=4))
            with closing(_sound(_results(todo, plan))) as results:
                for done, result in enumerate(results, start=1):
                    with delay_sigint():
                        _record(course, gradebook, result, plan.device)
                        if progress is not None:
                            progress(done, len(todo), result.graded)
    return combine(load_verdicts(course, job.student, job.assignment) for job in jobs)


def grade_one(course: Course, student: str, assignment: str, setup: Setup, config: Config, url: str) -> str:
    """Grades one submission into a gradebook that already has the assignment; returns the notebook as it ran.

    Raises:
        CourseError: no secret, isolation too weak for untrusted code, or a gradebook that cannot be written.
    """
    _check_isolation(setup.isolation)
    check_device(setup.device)
    folder = course.submitted / student / assignment
    job = Job(student, assignment, folder, _master(course, assignment), read_secret(course), table=ASSIGNMENTS.table)
    (result,) = _sound(grade_job(each, setup) for each in (job,))
    with GradebookWriter(url, late=late_penalty(config), course_id=course.course_id) as gradebook:
        _record(course, gradebook, result, setup.device)
    return result.notebook


def _sound(results: Iterable[Result]) -> Generator[Result]:
    """The results; if the sandbox itself fails, the run ends with one line and the next run continues from here."""
    try:
        yield from results
    except SandboxError as error:
        raise CourseError(" ".join(str(error).split())) from error


def _gradebook(course: Course) -> GradebookWriter:
    return GradebookWriter(course.gradebook_url, late=late_penalty(course.nbgrader_config), course_id=course.course_id)


def _results(jobs: list[Job], plan: Plan) -> Iterator[Result]:
    if plan.scheduler:
        return grade_on_cluster(jobs, plan.scheduler, plan.setup)
    return grade_jobs(jobs, plan.workers, plan.setup)


def _check_isolation(wanted: str) -> None:
    try:
        choose(wanted)
    except ValueError as error:
        raise CourseError(str(error)) from error


def _master(course: Course, assignment: str) -> str:
    path = course.release(assignment)
    if not path.is_file():
        raise CourseError(f"{path} does not exist: run autograder build")
    return path.read_text("utf-8")


def _jobs(course: Course, plan: Plan) -> list[Job]:
    secret = read_secret(course)
    if not course.submitted.is_dir():
        raise CourseError(
            f"{course.submitted} does not exist: collect submissions there first, or run autograder simulate"
        )
    there = look_into(course)
    students = [name for name in there.students if _is_usable(name)]
    if plan.student is not None:
        if plan.student not in students:
            raise CourseError(f"{course.submitted} has no student {plan.student!r}")
        students = [plan.student]
    if not students:
        raise CourseError("; ".join([f"{course.submitted} holds no submissions", *there.remarks[:3]]))
    jobs, table = [], ASSIGNMENTS.table
    for assignment in plan.assignments:
        master = _master(course, assignment)
        jobs += [
            Job(
                name,
                assignment,
                course.submitted / name / assignment,
                master,
                secret,
                plan.patience,
                table,
                there.elsewhere.get((name, assignment), ()),
            )
            for name in students
        ]
    return jobs


def handed_in(course: Course) -> tuple[str, ...]:
    """The assignments that anyone handed in; all of them if nobody did."""
    return look_into(course).handed_in(course)


def remarks(course: Course) -> list[str]:
    """One line for each thing in `submitted/` that is nobody's, lies in another layout, or cannot be a student's."""
    there = look_into(course)
    skipped = "skipped a folder whose name cannot be a student's: {!a}; rename it"
    return [skipped.format(name[:60]) for name in there.students if not _is_usable(name)] + list(there.remarks)


def unusable_names(course: Course) -> list[str]:
    """Folders whose names cannot be stored as a student's; they are skipped, the others are graded."""
    return [name for name in look_into(course).students if not _is_usable(name)]


def _is_usable(name: str) -> bool:
    return _is_text(name) and len(os.fsencode(name)) <= _LONGEST_NAME


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_graded(course: Course, job: Job) -> bool:
    """Whether a submission was graded in its present state; a file that could not be read is tried again."""
    found = load_verdicts(course, job.student, job.assignment)
    try:
        return found is not None and found.fingerprint == fingerprint(job, hand_in(job))
    except OSError:
        return False


def _record(course: Course, gradebook: GradebookWriter, result: Result, device: str) -> None:
    """Notebook, gradebook, verdict, in this order: a verdict on disk means that the rest is in place."""
    graded = result.graded
    moment, flags = _timestamp(course, graded)
    if not all(verdict.status is Status.MISSING for verdict in graded.exercises):
        folder = course.autograded / graded.student / graded.assignment
        write_atomically(folder / f"{graded.assignment}.ipynb", result.notebook)
        graded = replace(graded, flags=(*graded.flags, *flags))
        gradebook.record(graded, nbformat.from_dict(json.loads(result.notebook)), moment)
    elif gradebook.has(graded.student, graded.assignment):  # it was handed in before
        gradebook.record(graded, None, moment)
    save_verdicts(course, StoredVerdicts(graded, result.fingerprint, result.isolation, device))


def _timestamp(course: Course, graded: Graded) -> tuple[datetime | None, tuple[str, ...]]:
    """When it was handed in, in UTC, from timestamp.txt; None without one, and with a flag if it is broken."""
    path = course.submitted / graded.student / graded.assignment / "timestamp.txt"
    try:
        if not path.is_file():  # reading a pipe would block the run
            return None, ()
        with path.open("rb") as file:
            text = file.read(200).decode("utf-8", errors="replace").strip()
        return read_moment(text, without_zone=UTC).replace(tzinfo=None), ()
    except MomentError as error:
        return None, (f"timestamp.txt: {error}; when it was handed in is unknown",)
    except OSError as error:
        return None, (f"timestamp.txt: {error.strerror}; when it was handed in is unknown",)


def default_workers() -> int:
    """The number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
