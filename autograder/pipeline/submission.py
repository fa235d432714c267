"""One submission from file to verdicts: find, restore, run, judge, sum up. Touches no gradebook."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.exercise import Exercise, Graded, Status, Verdict
from autograder.exercises import ASSIGNMENTS, exercises_of
from autograder.judge.evaluate import stopped
from autograder.pipeline.reading import Unreadable, find_notebook
from autograder.pipeline.restore import restore
from autograder.pipeline.run import judge_notebook
from autograder.sandbox.host import Sandbox

__all__ = ["Job", "Result", "fingerprint", "grade_file", "grade_submission", "grader_failed"]

LARGEST = 100_000_000


@dataclass(frozen=True)
class Job:
    """Everything that grading one submission needs; travels to a worker."""

    student: str
    assignment: str
    folder: Path
    master: str
    secret: bytes | None
    patience: float = 1.0


@dataclass(frozen=True)
class Result:
    """What a worker sends back: the verdicts and the notebook as it ran, as text."""

    graded: Graded
    notebook: str
    fingerprint: str


def fingerprint(job: Job) -> str:
    """Changes whenever the submission, the master notebook or the secret does: a graded one need not run again."""
    path, _ = find_notebook(job.folder, job.assignment)
    data = path.read_bytes() if path is not None and path.stat().st_size <= LARGEST else b""
    return _fingerprint(job, data, there=path is not None)


def _fingerprint(job: Job, data: bytes, *, there: bool) -> str:
    digest = hashlib.sha256(job.master.encode())
    digest.update(job.secret or b"")
    digest.update(b"a file" if there else b"no file")
    digest.update(data)
    return digest.hexdigest()


def grade_submission(sandbox: Sandbox, job: Job) -> Result:
    """Grades one submission; whatever is wrong with it becomes a status, never an exception."""
    try:
        path, flag = find_notebook(job.folder, job.assignment)
        return grade_file(sandbox, job, path, [flag] if flag else [])
    except Exception as error:  # the grader's own fault must not cost the rest of the class its grades
        return grader_failed(job, f"{type(error).__name__}: {error}")


def grader_failed(job: Job, reason: str) -> Result:
    """Says so, scores nothing, and leaves no fingerprint, so that the next run tries again."""
    message = f"the grader itself failed here ({reason}); it was not your code"
    verdicts = tuple(_all(exercises_of(job.assignment), Status.ERROR, message).values())
    verdicts += tuple(_by_hand(job, nbformat.reads(job.master, as_version=4), None))
    most = sum(verdict.max_points for verdict in verdicts)
    graded = Graded(job.student, job.assignment, 0.0, most, 0.0, ("the grader failed on this notebook",), verdicts)
    return Result(graded, job.master, "")


def grade_file(sandbox: Sandbox, job: Job, path: Path | None, flags: Sequence[str] = ()) -> Result:
    """Grades one notebook file; None stands for a submission without one."""
    started = time.monotonic()
    master = nbformat.reads(job.master, as_version=4)
    exercises = exercises_of(job.assignment)
    flags, data = list(flags), b""
    if path is None:
        verdicts = _all(exercises, Status.MISSING, f"no notebook {job.assignment}.ipynb was handed in")
        notebook = master
    else:
        try:
            data = _read(path)
            restored = restore(master, data)
        except Unreadable as error:
            verdicts = _all(exercises, Status.UNREADABLE, f"the notebook cannot be read: {error}")
            notebook = master
        else:
            flags += restored.flags
            notebook = restored.notebook
            verdicts = judge_notebook(sandbox, notebook, exercises, job.secret, patience=job.patience)
    answers = None if verdicts and _lost(verdicts) else notebook
    everything = (*verdicts.values(), *_by_hand(job, master, answers))
    graded = Graded(
        student=job.student,
        assignment=job.assignment,
        score=sum(verdict.points for verdict in everything),
        max_score=sum(verdict.max_points for verdict in everything),
        seconds=round(time.monotonic() - started, 3),
        flags=tuple(flags),
        exercises=everything,
    )
    return Result(graded, nbformat.writes(notebook), _fingerprint(job, data, there=path is not None))


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise Unreadable(f"it has {size / 1e6:.0f} MB, more than {LARGEST / 1e6:.0f} MB")
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error


def _all(exercises: Sequence[Exercise], status: Status, message: str) -> dict[str, Verdict]:
    return {exercise.id: stopped(exercise.id, exercise.points, status, message) for exercise in exercises}


def _lost(verdicts: dict[str, Verdict]) -> bool:
    return all(verdict.status in (Status.MISSING, Status.UNREADABLE) for verdict in verdicts.values())


def _by_hand(job: Job, master: NotebookNode, answered: NotebookNode | None) -> list[Verdict]:
    """The open questions: an untouched answer is not written, any other waits for a person."""
    given = {_id(cell): cell.source for cell in answered.cells} if answered is not None else {}
    verdicts = []
    for cell in master.cells:
        data = cell.metadata.get("nbgrader", {})
        if not (data.get("grade") and data.get("solution")):
            continue
        id_ = f"{ASSIGNMENTS[job.assignment].topic}.{data['grade_id']}"
        status, message = Status.NEEDS_MANUAL, "waits to be graded by hand"
        if answered is None:
            status, message = Status.MISSING, "no answer was handed in"
        elif given.get(data["grade_id"], "").strip() in ("", "YOUR ANSWER HERE", cell.source.strip()):
            status, message = Status.NOT_WRITTEN, "not written yet"
        verdicts.append(stopped(id_, float(data["points"]), status, message))
    return verdicts


def _id(cell: NotebookNode) -> str:
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
