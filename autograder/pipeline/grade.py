"""Grades a class: which submissions, by how many workers, recorded by one writer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import active_children, get_context

import nbformat

from autograder.exercise import ClassGrading, Graded, Status
from autograder.exercises import ASSIGNMENTS
from autograder.pipeline.course import Course, CourseError
from autograder.pipeline.files import write_atomically
from autograder.pipeline.gradebook import GradebookWriter
from autograder.pipeline.stored import Kept, keep, kept, together
from autograder.pipeline.submission import Job, Result, fingerprint, grade_submission, grader_failed
from autograder.sandbox.host import Sandbox
from autograder.sandbox.isolation import choose
from autograder.sandbox.processes import die_with_parent

__all__ = ["Plan", "default_workers", "grade", "read_secret", "unusable_names"]

PRELOAD = (
    "numpy",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_agg",
    "ipywidgets",
    "sklearn.datasets",
    "autograder.check",
    "course_lib.data",
    *(f"course_lib.viz.{assignment.topic}" for assignment in ASSIGNMENTS.values()),
)
"""Loaded once by the warm server, so that no submission pays for it."""

_NO_STUDENTS = (".git", ".ipynb_checkpoints", "__MACOSX")
_LONGEST_NAME = 200
"""Bytes: other files are named after the student, with some letters more."""
_ROUNDS = 3

Progress = Callable[[int, int, Graded], None]
"""Called after each submission with how many are done, how many there are, and the latest."""


@dataclass(frozen=True)
class Plan:
    """What to grade and how."""

    assignments: tuple[str, ...]
    student: str | None = None
    workers: int = 1
    isolation: str = "auto"
    force: bool = False
    patience: float = 1.0


def grade(course: Course, plan: Plan, progress: Progress | None = None) -> ClassGrading:
    """Grades what is not graded yet and returns the verdicts of everything that the plan names.

    Raises:
        CourseError: nothing to grade, no secret, an unknown student, or isolation too weak for untrusted code.
    """
    isolation = _isolation(plan.isolation)
    jobs = _jobs(course, plan)
    todo = [job for job in jobs if plan.force or not _is_graded(course, job)]
    done = 0
    if todo:
        with GradebookWriter(course.gradebook_url) as gradebook:
            for name in sorted({job.assignment for job in todo}):
                gradebook.register(name, nbformat.reads(_master(course, name), as_version=4))
            for result in _results(todo, plan.workers, isolation):
                _record(course, gradebook, result, isolation)
                done += 1
                if progress is not None:
                    progress(done, len(todo), result.graded)
    return together(kept(course, job.student, job.assignment) for job in jobs)


def read_secret(course: Course) -> bytes:
    """The course's secret.

    Raises:
        CourseError: there is none yet.
    """
    try:
        return course.secret.read_bytes()
    except OSError:
        raise CourseError(
            f"{course.secret} does not exist: run autograder release, which makes the course's secret"
        ) from None


def _isolation(wanted: str) -> str:
    try:
        return choose(wanted)
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
    unusable = unusable_names(course)
    students = [name for name in _folders(course) if name not in unusable]
    if plan.student is not None:
        if plan.student not in students:
            raise CourseError(f"{course.submitted} has no student {plan.student!r}")
        students = [plan.student]
    if not students:
        raise CourseError(f"{course.submitted} holds no submissions")
    jobs = []
    for assignment in plan.assignments:
        master = _master(course, assignment)
        jobs += [
            Job(name, assignment, course.submitted / name / assignment, master, secret, plan.patience)
            for name in students
        ]
    return jobs


def _folders(course: Course) -> list[str]:
    places = course.submitted.iterdir() if course.submitted.is_dir() else ()
    return sorted(
        path.name for path in places if path.is_dir() and not path.is_symlink() and path.name not in _NO_STUDENTS
    )


def unusable_names(course: Course) -> list[str]:
    """Students' folders whose names no gradebook or file can bear; they are left out, the others are graded."""
    return [name for name in _folders(course) if not _is_text(name) or len(os.fsencode(name)) > _LONGEST_NAME]


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_graded(course: Course, job: Job) -> bool:
    """Whether a submission was graded as it is now; a file that cannot be read is tried again."""
    found = kept(course, job.student, job.assignment)
    try:
        return found is not None and found.fingerprint == fingerprint(job)
    except OSError:
        return False


def _results(jobs: list[Job], workers: int, isolation: str) -> Iterator[Result]:
    if workers <= 1 or len(jobs) == 1:
        with Sandbox(isolation=isolation, preload=PRELOAD) as sandbox:
            for job in jobs:
                yield grade_submission(sandbox, job)
        return
    left = jobs
    for _ in range(_ROUNDS):
        lost: list[Job] = []
        yield from _in_processes(left, min(workers, len(left)), isolation, lost)
        if not lost:
            return
        left = [*lost[workers + 1 :], *lost[: workers + 1]]  # those in work come last: one may be to blame
    for job in left:
        yield grader_failed(job, "its worker process was killed, again and again")


def _in_processes(jobs: list[Job], workers: int, isolation: str, lost: list[Job]) -> Iterator[Result]:
    """Grades jobs in worker processes; when one of these is killed, the jobs not done by then are `lost`."""
    others = set(active_children())
    pool: Executor = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_open_sandbox, initargs=(isolation,)
    )
    try:
        left = dict.fromkeys(jobs)
        with suppress(BrokenProcessPool):
            futures = {pool.submit(_grade_in_worker, job): job for job in jobs}
            for future in as_completed(futures):
                result = future.result()
                del left[futures[future]]
                yield result
        lost += left
    except BaseException:  # Ctrl-C, or the disk is full: nobody waits for what is in work
        for worker in set(active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


_worker_sandbox: Sandbox | None = None


def _open_sandbox(isolation: str) -> None:
    """Gives a worker process its own warm server; it ends with the worker."""
    import signal
    from multiprocessing.util import Finalize

    global _worker_sandbox
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    _worker_sandbox = Sandbox(isolation=isolation, preload=PRELOAD).__enter__()
    Finalize(None, _worker_sandbox.__exit__, args=(None, None, None), exitpriority=10)


def _grade_in_worker(job: Job) -> Result:
    assert _worker_sandbox is not None
    return grade_submission(_worker_sandbox, job)


def _record(course: Course, gradebook: GradebookWriter, result: Result, isolation: str) -> None:
    """Notebook, gradebook, verdict, in this order: a verdict on disk means that the rest is in place."""
    graded = result.graded
    if not all(verdict.status is Status.MISSING for verdict in graded.exercises):
        folder = course.autograded / graded.student / graded.assignment
        write_atomically(folder / f"{graded.assignment}.ipynb", result.notebook)
        notebook = nbformat.reads(result.notebook, as_version=4)
        gradebook.record(graded, notebook, _timestamp(course, graded))
    keep(course, Kept(graded, result.fingerprint, isolation, "cpu"))


def _timestamp(course: Course, graded: Graded) -> datetime | None:
    """When it was handed in: nbgrader's timestamp.txt, else nothing."""
    from nbgrader.utils import parse_utc

    path = course.submitted / graded.student / graded.assignment / "timestamp.txt"
    try:
        if not path.is_file():  # a pipe would keep the class waiting
            return None
        with path.open("rb") as file:
            moment = parse_utc(file.read(200).decode("utf-8", errors="replace").strip())
    except (OSError, ValueError, OverflowError):
        return None
    assert isinstance(moment, datetime)
    return moment


def default_workers() -> int:
    """As many as this process may use processors."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
