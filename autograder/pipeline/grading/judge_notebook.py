"""Runs one restored notebook in the sandbox and judges its exercises at their check cells.

When the student's process dies, the exercise at fault gets the named status and a fresh process replays the cells that
had run, so that the later exercises are judged all the same.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output

from autograder.exercise import Breach, Exercise, Raised, Status, Verdict
from autograder.judge.evaluate import stopped
from autograder.pipeline.cells import check_id, grade_id, is_demo, is_given
from autograder.pipeline.grading.forbidden_functions import WithoutForbidden
from autograder.pipeline.grading.notebook_processes import NotebookProcesses
from autograder.sandbox.host.sandbox import Sandbox

__all__ = ["judge_notebook"]


@dataclass
class _Judging:
    """One notebook's judging so far: verdicts and errors by the exercise's id."""

    processes: NotebookProcesses
    without_forbidden: WithoutForbidden
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    errors: dict[str, Raised] = field(default_factory=dict)


def judge_notebook(
    sandbox: Sandbox,
    notebook: NotebookNode,
    exercises: Sequence[Exercise],
    secret: bytes | None,
    seconds: float = 600.0,
    *,
    demos: bool = False,
    patience: float = 1.0,
    device: str = "cpu",
) -> dict[str, Verdict]:
    """Runs the code cells in order, fills in the notebook's outputs, and returns a verdict for each exercise.

    `patience` multiplies every time limit except the few seconds of grace: a slow machine needs more than 1.
    `device` is the device of the judged cases' tensors: "cpu" or "cuda".
    Given cells tagged `demo` only show something (a picture, a long training): they are left out unless asked for.
    """
    checks = {check_id(exercise.name): exercise for exercise in exercises}
    processes = NotebookProcesses(sandbox, time.monotonic() + patience * seconds, patience, device, secret)
    judging = _Judging(processes, WithoutForbidden.of(processes, notebook, exercises))
    owners = _owners(notebook, checks)
    try:
        for cell, owner in zip(notebook.cells, owners, strict=True):
            if cell.cell_type != "code" or (is_demo(cell) and not demos):
                continue
            exercise = checks.get(grade_id(cell))
            if exercise is not None:
                _judge_cell(judging, cell, exercise)
            else:
                _run_cell(judging, cell, owner)
    finally:
        processes.close()
    return {
        exercise.id: judging.verdicts.get(exercise.id)
        or stopped(exercise.id, exercise.points, Status.MISSING, "the notebook has no check cell for this exercise")
        for exercise in exercises
    }


def _owners(notebook: NotebookNode, checks: dict[str, Exercise]) -> list[Exercise | None]:
    """Which exercise is at fault if a cell dies: the next check's for a student's cell, none for a given cell."""
    owners: list[Exercise | None] = []
    following: Exercise | None = None
    for cell in reversed(notebook.cells):
        following = checks.get(grade_id(cell), following)
        owners.append(None if is_given(cell) else following)
    return owners[::-1]


def _run_cell(judging: _Judging, cell: NotebookNode, owner: Exercise | None) -> None:
    try:
        result = judging.processes.execute(cell.source)
    except Breach as breach:
        cell.outputs = [_note(breach.message)]
        if owner is not None and owner.id not in judging.verdicts:
            judging.verdicts[owner.id] = stopped(owner.id, owner.points, breach.status, breach.message)
        return
    cell.outputs = [nbformat.from_dict(output) for output in result.outputs]
    cell.execution_count = result.execution_count
    if result.error is not None and owner is not None:
        judging.errors.setdefault(owner.id, result.error)


def _judge_cell(judging: _Judging, cell: NotebookNode, exercise: Exercise) -> None:
    if exercise.id not in judging.verdicts:
        judging.verdicts[exercise.id] = _judged(judging, exercise)
    cell.outputs = [_drawn(judging.verdicts[exercise.id], exercise)]


def _judged(judging: _Judging, exercise: Exercise) -> Verdict:
    if not exercise.rules.forbids:
        return _judged_freely(judging, exercise)
    return judging.without_forbidden.verdict(exercise, lambda: _judged_freely(judging, exercise))


def _judged_freely(judging: _Judging, exercise: Exercise) -> Verdict:
    judged = judging.processes.judge(exercise)
    if judged.breach is not None:
        judging.processes.cells.append(_stub(exercise, judged.breach))
    return judged.verdict or _unjudged(exercise, judging.errors.get(exercise.id), judged.error)


def _stub(exercise: Exercise, breach: Breach) -> str:
    """Takes the place of a function that ended its process, so that later cells fail at once instead of dying too."""
    reason = f"{exercise.name} is not called again: its check ended with {breach.status}"
    return f"def {exercise.name}(*args, **kwargs):\n    raise RuntimeError({reason!r})"


def _unjudged(exercise: Exercise, above: Raised | None, here: Raised | None) -> Verdict:
    """Explains why the check cell never reached the judge, in the words of the cell that failed."""
    if above is not None and above.kind == "NotImplementedError":
        return stopped(exercise.id, exercise.points, Status.NOT_WRITTEN, "not written yet")
    if above is not None:
        where = f" (line {above.line}: {above.source.strip()})" if above.line is not None else ""
        message = f"the cell above the check raised {above.kind}: {above.message}{where}"
    elif here is not None:
        message = f"the check could not start: {here.kind}: {here.message}"
    else:
        message = "the judge was not let through to the function"
        return stopped(exercise.id, exercise.points, Status.BLOCKED, message)
    return stopped(exercise.id, exercise.points, Status.ERROR, message)


def _note(text: str) -> NotebookNode:
    return new_output("stream", name="stderr", text=f"The grader stopped this cell: {text}\n")


def _drawn(verdict: Verdict, exercise: Exercise) -> NotebookNode:
    from autograder.reports.student import Report

    bundle: dict[str, Any] = Report(verdict, local=False, groups=exercise.groups)._repr_mimebundle_()
    return new_output("display_data", data=bundle)
