"""One submission, from file to verdicts: find, restore, run, judge, sum up. Touches no gradebook."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.calls import Status
from autograder.exercise import Exercise, Graded, Verdict
from autograder.exercises import ASSIGNMENTS, CourseTable, exercises_of
from autograder.judge.evaluate import stopped
from autograder.pipeline.cells import grade_id, is_open_question
from autograder.pipeline.grading.forbidden_functions import uses_forbidden
from autograder.pipeline.grading.guarded import MEMORY_BYTES, limited_memory
from autograder.pipeline.grading.judge_death import JudgeDeath, status_of
from autograder.pipeline.grading.judge_notebook import judge_notebook
from autograder.pipeline.grading.stages import here
from autograder.pipeline.intake.choose import NotebookFile, choose
from autograder.pipeline.intake.find import find_notebooks
from autograder.pipeline.intake.notebook_file import Unreadable
from autograder.pipeline.intake.picture_links import show_pictures
from autograder.pipeline.intake.pictures import Picture, pictures_beside
from autograder.pipeline.intake.prose import is_answer
from autograder.pipeline.intake.reader_process import read_apart
from autograder.pipeline.intake.restore import restore
from autograder.sandbox.host.sandbox import Sandbox

__all__ = [
    "GRADER_FAILED",
    "HandedIn",
    "Job",
    "Result",
    "chosen",
    "fingerprint",
    "grade_handed_in",
    "grade_submission",
    "grader_failed",
    "hand_in",
    "judge_died",
    "read_file",
]

LARGEST = 100_000_000
GRADER_FAILED = "the grader failed on this notebook"
"""The flag of a submission that the next run tries again."""
_LARGEST_OTHER = 10_000_000
"""Bytes of the likeliest notebook, and of each other one that lies beside it."""
_READING_SECONDS = 300.0
"""The reader has a clock of its own, which ends it first."""
_OTHER_SECONDS = 120.0


@dataclass(frozen=True)
class Job:
    """Everything needed to grade one submission except its file; sent to a worker.

    Attributes:
        table: the assignments and points that count, wherever the worker runs; None for those that it finds itself.
        elsewhere: notebooks of the assignment that lie outside of its folder.
    """

    student: str
    assignment: str
    folder: Path
    master: str
    secret: bytes | None
    patience: float = 1.0
    table: CourseTable | None = field(default=None, compare=False)
    elsewhere: tuple[Path, ...] = ()


@dataclass(frozen=True)
class HandedIn:
    """What was handed in for one submission.

    Attributes:
        data: the bytes of the one notebook that it can be, None if there is none.
        flags: a sentence for each thing that was not as it should be.
        fault: what kept the one notebook from being read.
        several: the notebooks that it can be, where there is more than one or the one has another name.
        pictures: the picture files beside it.
    """

    data: bytes | None
    flags: tuple[str, ...] = ()
    fault: str = ""
    several: tuple[NotebookFile, ...] = ()
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class Result:
    """What a worker sends back: the verdicts, the executed notebook as text, and the isolation used."""

    graded: Graded
    notebook: str
    fingerprint: str
    isolation: str = ""


def hand_in(job: Job) -> HandedIn:
    """Reads a submission's files once, so that the fingerprint is of the very bytes that are graded.

    Nothing is looked into here: which of several notebooks counts is decided where it is graded.
    """
    found = find_notebooks(job.folder, job.assignment, job.elsewhere)
    files = []
    for number, each in enumerate(found.candidates):
        one = read_file(each.path, largest=_LARGEST_OTHER if number else LARGEST)
        files.append(NotebookFile(each.shown, each.rank, one.data, one.fault, _moment(each.path)))
    home = job.folder if job.folder.is_dir() or not found.candidates else found.candidates[0].path.parent
    pictures = pictures_beside(home) if files else ()
    if len(files) == 1 and not files[0].rank:
        return HandedIn(files[0].data, found.remarks, files[0].fault, pictures=pictures)
    return HandedIn(None, found.remarks, several=tuple(files), pictures=pictures)


def _moment(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def read_file(path: Path, largest: int = LARGEST) -> HandedIn:
    """A notebook file's bytes, or why there are none."""
    try:
        size = path.stat().st_size
        if size > largest:
            return HandedIn(None, fault=f"its size is {size / 1e6:.0f} MB, more than {largest / 1e6:.0f} MB")
        return HandedIn(path.read_bytes())
    except OSError as error:
        return HandedIn(None, fault=error.strerror or str(error))


def chosen(job: Job, handed_in: HandedIn) -> HandedIn:
    """The same with one notebook: the one that counts, if there are several or it has another name."""
    if handed_in.data is not None or handed_in.fault:
        return handed_in
    one, flags = choose(_parsed(job.master), job.assignment, handed_in.several)
    flags = (*handed_in.flags, *(flags if one is not None or handed_in.several or not handed_in.flags else ()))
    if one is None:
        return replace(handed_in, flags=flags, several=())
    return replace(handed_in, data=one.data, fault=one.fault, flags=flags, several=())


def fingerprint(job: Job, handed_in: HandedIn) -> str:
    """Changes whenever the submission, the master notebook or the secret does; if it is unchanged, nothing reruns."""
    digest = hashlib.sha256(job.master.encode())
    digest.update(job.secret or b"")
    digest.update(f"{handed_in.fault or handed_in.data is not None}".encode())
    digest.update(handed_in.data or b"")
    for file in handed_in.several:
        digest.update(repr((file.shown, file.fault, len(file.data or b""))).encode() + (file.data or b""))
    for picture in handed_in.pictures:
        digest.update(repr((picture.name, picture.fault, len(picture.data))).encode() + picture.data)
    return digest.hexdigest()


def grade_submission(
    sandbox: Sandbox, job: Job, handed_in: HandedIn, device: str = "cpu", deaths: Sequence[JudgeDeath] = ()
) -> Result:
    """Grades one submission; whatever is wrong with it becomes a status, never an exception."""
    try:
        return grade_handed_in(sandbox, job, handed_in, device, deaths)
    except Exception as error:  # the grader's own fault must not cost the rest of the class its grades
        return grader_failed(job, f"{type(error).__name__}: {error}", status_of(error))


def grader_failed(job: Job, reason: str, status: Status = Status.ERROR) -> Result:
    """A result that says so, scores nothing and leaves no fingerprint, so that the next run tries again."""
    message = f"the grader itself failed here ({reason}); it was not your code"
    verdicts = _all(exercises_of(job.assignment), status, message)
    return _ungraded(job, verdicts, (GRADER_FAILED,), "")


def judge_died(job: Job, handed_in: HandedIn, deaths: Sequence[JudgeDeath]) -> Result:
    """What is left to say of a submission on which the judge died as a whole, in the last of these deaths.

    Exercises at fault in an earlier one are told so.
    """
    at_fault = {death.exercise: death for death in deaths}
    verdicts = {each.id: at_fault.get(each.id, deaths[-1]).verdict(each) for each in exercises_of(job.assignment)}
    flags = (*handed_in.flags, *dict.fromkeys(death.flag for death in deaths))
    return _ungraded(job, verdicts, flags, fingerprint(job, handed_in))


def _ungraded(job: Job, verdicts: Mapping[str, Verdict], flags: tuple[str, ...], mark: str) -> Result:
    """Verdicts without a run: the notebook is the release, as text whose sources are strings."""
    master = _parsed(job.master)
    everything = (*verdicts.values(), *_by_hand(job, master, None))
    most = sum(verdict.max_points for verdict in everything)
    graded = Graded(job.student, job.assignment, 0.0, most, 0.0, flags, everything)
    return Result(graded, json.dumps(master, ensure_ascii=False), mark)


def grade_handed_in(
    sandbox: Sandbox, job: Job, handed_in: HandedIn, device: str = "cpu", deaths: Sequence[JudgeDeath] = ()
) -> Result:
    """Grades one submission; where the judge died on an exercise before, that exercise is left out.

    Raises:
        SandboxError: the sandbox does not work; any other exception is also the grader's own fault.
    """
    started = time.monotonic()
    master = _parsed(job.master)
    exercises = exercises_of(job.assignment)
    mark = fingerprint(job, handed_in)
    with limited_memory(MEMORY_BYTES):
        here().enter("reading", seconds=_READING_SECONDS)
        handed_in = chosen(job, handed_in)
    flags, notebook = [*handed_in.flags, *(death.flag for death in deaths)], None
    here().take_failures()
    if handed_in.data is None and not handed_in.fault:
        verdicts = _all(exercises, Status.MISSING, _why_missing(job, handed_in))
    else:
        try:
            if handed_in.data is None:
                raise Unreadable(handed_in.fault)
            with limited_memory(MEMORY_BYTES):
                here().enter("reading", seconds=_READING_SECONDS)
                read = read_apart(handed_in.data)
                here().enter("restoring", seconds=job.patience * _OTHER_SECONDS)
                restored = show_pictures(restore(master, read), master, handed_in.pictures)
        except Unreadable as error:
            verdicts = _all(exercises, Status.UNREADABLE, f"the notebook cannot be read: {error}")
        else:
            flags += restored.flags
            notebook = restored.notebook
            verdicts = judge_notebook(
                sandbox, notebook, exercises, job.secret, patience=job.patience, device=device, deaths=deaths
            )
            flags += dict.fromkeys(here().take_failures())
            flags += [
                f"{verdict.id} uses a function that is forbidden there"
                for verdict in verdicts.values()
                if uses_forbidden(verdict)
            ]
    here().enter("summing up", seconds=job.patience * _OTHER_SECONDS)
    with limited_memory(MEMORY_BYTES):
        everything = (*verdicts.values(), *_by_hand(job, master, notebook))
        graded = Graded(
            student=job.student,
            assignment=job.assignment,
            score=sum(verdict.points for verdict in everything),
            max_score=sum(verdict.max_points for verdict in everything),
            seconds=round(time.monotonic() - started, 3),
            flags=tuple(flags),
            exercises=everything,
        )
        ran = json.dumps(  # nbformat takes ten times as long
            notebook if notebook is not None else master, ensure_ascii=False
        )
    return Result(graded, ran, mark, sandbox.isolation)


def _why_missing(job: Job, handed_in: HandedIn) -> str:
    """Nothing, or what lies there and cannot be told apart."""
    told = (flag for flag in handed_in.flags if flag.startswith(f"{job.assignment}.ipynb ") and not flag.endswith("in"))
    return next(told, f"no notebook {job.assignment}.ipynb was handed in")


@lru_cache(maxsize=2)
def _parsed(master: str) -> NotebookNode:
    """The master notebook; shared by all submissions, and never changed."""
    return nbformat.reads(master, as_version=4)


def _all(exercises: Sequence[Exercise], status: Status, message: str) -> dict[str, Verdict]:
    return {exercise.id: stopped(exercise.id, exercise.points, status, message) for exercise in exercises}


def _by_hand(job: Job, master: NotebookNode, answered: NotebookNode | None) -> list[Verdict]:
    """The open questions: an untouched answer counts as not written, any other waits to be graded by hand."""
    given = {grade_id(cell): cell.source for cell in answered.cells} if answered is not None else {}
    verdicts = []
    for cell in filter(is_open_question, master.cells):
        id_ = f"{ASSIGNMENTS[job.assignment].topic}.{grade_id(cell)}"
        status, message = Status.NEEDS_MANUAL, "waits to be graded by hand"
        if answered is None:
            status, message = Status.MISSING, "no answer was seen"
        elif not is_answer(text := given.get(grade_id(cell), "")) or text.strip() == cell.source.strip():
            status, message = Status.NOT_WRITTEN, "not written yet"
        verdicts.append(stopped(id_, float(cell.metadata.nbgrader.points), status, message))
    return verdicts
