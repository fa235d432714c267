"""Runs one restored notebook in the sandbox and has its exercises judged where their check cells stand.

When the student's process dies, the exercise at fault gets the named status and a fresh process replays the cells that
had run, so that the later exercises are judged all the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.exercise import Breach, Call, Exercise, Raised, Status, Verdict
from autograder.judge.evaluate import evaluate, stopped
from autograder.pipeline.grading.strict import Strict, blame, uses_forbidden
from autograder.sandbox.host.sandbox import Run, Sandbox

__all__ = ["is_demo", "judge_notebook"]

GRACE_SECONDS = 2.0


@dataclass
class _State:
    """One notebook's run so far."""

    start: Callable[[], Run]
    deadline: float
    patience: float
    device: str
    strict: Strict
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    errors: dict[str, Raised] = field(default_factory=dict)
    replayable: list[str] = field(default_factory=list)
    run: Run | None = None

    def process(self) -> Run:
        """The process that runs the cells; a fresh one, brought to the same point, when the last one died."""
        if self.run is None:
            self.run = self.start()
            for source in self.replayable:
                self.run.execute(source, seconds=self.seconds_left())
        return self.run

    def seconds_left(self) -> float:
        """What is left of the notebook's time; a Breach when nothing is."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Breach(Status.TIMEOUT, "the notebook as a whole used up its time")
        return left

    def lose(self) -> None:
        """Gives the dead process up."""
        if self.run is not None:
            self.run.close()
            self.run = None


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

    `patience` multiplies every time limit but the few seconds of grace: a slow machine wants more than 1.
    `device` is where the tensors of judged cases are: "cpu" or "cuda".
    Given cells tagged `demo` only show something (a picture, a long training): they are left out unless asked for.
    """
    checks = {f"{exercise.name}_check": exercise for exercise in exercises}
    deadline = time.monotonic() + patience * seconds
    forbidden = tuple(sorted({name for exercise in exercises for name in exercise.rules.forbids}))
    strict = Strict(sandbox, deadline, patience, device, forbidden)
    state = _State(sandbox.start, deadline, patience, device, strict)
    owners = _owners(notebook, checks)
    try:
        for cell, owner in zip(notebook.cells, owners, strict=True):
            if cell.cell_type != "code" or (is_demo(cell) and not demos):
                continue
            exercise = checks.get(_grade_id(cell))
            state.strict.read(cell.source, given=_is_given(cell))
            if exercise is not None:
                _judge_cell(state, cell, exercise, secret)
            else:
                _run_cell(state, cell, owner)
    finally:
        state.lose()
        state.strict.close()
    return {
        exercise.id: state.verdicts.get(exercise.id)
        or stopped(exercise.id, exercise.points, Status.MISSING, "the notebook has no check cell for this exercise")
        for exercise in exercises
    }


def _grade_id(cell: NotebookNode) -> str:
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def is_demo(cell: NotebookNode) -> bool:
    """Whether a given cell is there to be looked at; the tags of restored given cells are the master's."""
    return "demo" in cell.metadata.get("tags", ()) and not cell.metadata.get("nbgrader", {}).get("solution", False)


def _owners(notebook: NotebookNode, checks: dict[str, Exercise]) -> list[Exercise | None]:
    """Whose fault it is when a cell dies: a student's cell belongs to the check that follows; given cells to none."""
    owners: list[Exercise | None] = []
    following: Exercise | None = None
    for cell in reversed(notebook.cells):
        following = checks.get(_grade_id(cell), following)
        owners.append(None if _is_given(cell) else following)
    return owners[::-1]


def _is_given(cell: NotebookNode) -> bool:
    data = cell.metadata.get("nbgrader", {})
    return bool(data.get("locked", False) and not data.get("solution", False))


def _run_cell(state: _State, cell: NotebookNode, owner: Exercise | None) -> None:
    try:
        result = state.process().execute(cell.source, seconds=min(60.0 * state.patience, state.seconds_left()))
    except Breach as breach:
        state.lose()
        cell.outputs = [_note(breach.message)]
        if owner is not None and owner.id not in state.verdicts:
            state.verdicts[owner.id] = stopped(owner.id, owner.points, breach.status, breach.message)
        return
    cell.outputs = [nbformat.from_dict(output) for output in result.outputs]
    cell.execution_count = result.execution_count
    state.replayable.append(cell.source)
    if result.error is not None and owner is not None:
        state.errors.setdefault(owner.id, result.error)


def _judge_cell(state: _State, cell: NotebookNode, exercise: Exercise, secret: bytes | None) -> None:
    if exercise.id not in state.verdicts:
        state.verdicts[exercise.id] = _judged(state, exercise, secret)
    cell.outputs = [_drawn(state.verdicts[exercise.id], exercise)]


def _judged(state: _State, exercise: Exercise, secret: bytes | None) -> Verdict:
    strict = state.strict.verdict(exercise, secret, state.replayable, GRACE_SECONDS)
    if strict is not None and (strict.points == exercise.points or uses_forbidden(strict)):
        return strict
    free = _judged_freely(state, exercise, secret)
    return blame(exercise, strict, free) if strict is not None and strict.points < free.points else free


def _judged_freely(state: _State, exercise: Exercise, secret: bytes | None) -> Verdict:
    verdicts: list[Verdict] = []

    def judge(call: Call) -> None:
        verdicts.append(evaluate(exercise, call, secret=secret, device=state.device))

    try:
        process = state.process()
        limit = min(state.patience * exercise.seconds + GRACE_SECONDS, state.seconds_left())
        result = process.judge(exercise.name, judge, limit)
    except Breach as breach:
        state.lose()
        state.replayable.append(_stub(exercise, breach))
        return verdicts[0] if verdicts else stopped(exercise.id, exercise.points, breach.status, breach.message)
    if verdicts:
        return verdicts[0]
    return _unjudged(exercise, state.errors.get(exercise.id), result.error)


def _stub(exercise: Exercise, breach: Breach) -> str:
    """Takes the place of a function that ended its process, so that later cells fail at once instead of dying too."""
    reason = f"{exercise.name} is not called again: its check ended with {breach.status}"
    return f"def {exercise.name}(*args, **kwargs):\n    raise RuntimeError({reason!r})"


def _unjudged(exercise: Exercise, above: Raised | None, here: Raised | None) -> Verdict:
    """The check cell never reached the judge: says why, in the words of the cell that failed."""
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
    from nbformat.v4 import new_output

    return new_output("stream", name="stderr", text=f"The grader stopped this cell: {text}\n")


def _drawn(verdict: Verdict, exercise: Exercise) -> NotebookNode:
    from nbformat.v4 import new_output

    from autograder.reports.student import Report

    bundle: dict[str, Any] = Report(verdict, local=False, groups=exercise.groups)._repr_mimebundle_()
    return new_output("display_data", data=bundle)
