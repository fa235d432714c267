"""Runs one restored notebook in the sandbox, then judges its exercises with the state that each had at its check.

When the student's process dies in a cell, the exercise at fault gets the named status and a fresh process replays the
cells that had run, so that the later exercises are judged all the same.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output

from autograder.calls import Breach, Forgives, Raised, Status, Unwritten
from autograder.exercise import Exercise, Verdict
from autograder.judge.evaluate import stopped
from autograder.mutations.own_text import own_text
from autograder.pipeline.cells import check_id, grade_id, is_demo, is_given, is_solution
from autograder.pipeline.grading.cell_state import CellState
from autograder.pipeline.grading.forbidden_functions import WithoutForbidden
from autograder.pipeline.grading.judge_death import JudgeDeath
from autograder.pipeline.grading.notebook_processes import SLACK_SECONDS, NotebookProcesses
from autograder.pipeline.grading.stages import EXERCISE_AT_FAULT, here
from autograder.sandbox.host.sandbox import Sandbox

__all__ = ["judge_notebook"]


@dataclass
class _Judging:
    """One notebook's judging so far: verdicts, check cells and errors by the exercise's id.

    `left_out` are the exercises whose cells are not run again.
    """

    processes: NotebookProcesses
    without_forbidden: WithoutForbidden
    state: CellState
    left_out: frozenset[str] = frozenset()
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    checks: dict[str, tuple[Exercise, NotebookNode]] = field(default_factory=dict)
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
    deaths: Sequence[JudgeDeath] = (),
) -> dict[str, Verdict]:
    """Runs the code cells in order, then judges; fills in the outputs and returns a verdict for each exercise.

    `patience` multiplies every time limit except the few seconds of grace: a slow machine needs more than 1.
    `device` is the device of the judged cases' tensors: "cpu" or "cuda".
    Given cells tagged `demo` only show something (a picture, a long training): they are left out unless asked for, and
    where something forbidden is gone they never run.
    `deaths` says on which exercises the judge died before: these are not judged again.
    """
    checks = {check_id(exercise.name): exercise for exercise in exercises}
    processes = NotebookProcesses(sandbox, time.monotonic() + patience * seconds, patience, device, secret)
    left_out = frozenset(death.exercise for death in deaths if death.is_in_a_cell)
    forbidden = WithoutForbidden.of(processes, notebook, exercises)
    judging = _Judging(processes, forbidden, CellState.of(notebook), left_out)
    died = {death.exercise: death for death in deaths}
    judging.verdicts.update({each.id: died[each.id].verdict(each) for each in exercises if each.id in died})
    try:
        _run_cells(judging, notebook, checks, demos=demos)
        processes.finish()
        here().failures += filter(None, [judging.state.skipped.flag()])
        processes.deadline = time.monotonic() + patience * seconds  # cells that took long cost no right answer
        _judge_all(judging)
    finally:
        processes.close()
    for exercise, cell in judging.checks.values():
        cell.outputs = [_drawn(judging.verdicts[exercise.id], exercise)]
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


def _run_cells(judging: _Judging, notebook: NotebookNode, checks: dict[str, Exercise], *, demos: bool) -> None:
    sources: list[str] = []
    for index, (cell, owner) in enumerate(zip(notebook.cells, _owners(notebook, checks), strict=True)):
        if cell.cell_type != "code" or (is_demo(cell) and not demos):
            continue
        exercise = checks.get(grade_id(cell))
        _note_stage(judging, exercise or owner)
        if exercise is None:
            _run_cell(judging, cell, owner, index)
            sources.append(cell.source)
        else:
            texts = (own_text(source, exercise.name) for source in reversed(sources) if exercise.slip_steps)
            judging.processes.texts[exercise.id] = next((text for text in texts if text), "")
            judging.checks[exercise.id] = exercise, cell
            if exercise.id not in judging.verdicts:
                judging.processes.reach_check(exercise)


def _note_stage(judging: _Judging, at_fault: Exercise | None) -> None:
    rest = max(judging.processes.deadline - time.monotonic(), 0.0)
    here().enter(EXERCISE_AT_FAULT[0], at_fault.id if at_fault is not None else "", rest + SLACK_SECONDS)


def _run_cell(judging: _Judging, cell: NotebookNode, owner: Exercise | None, index: int) -> None:
    if owner is not None and owner.id in judging.left_out:
        cell.outputs = [_note(judging.verdicts[owner.id].message)]
        return
    try:
        result = judging.processes.execute(cell.source, _forgives(cell), shows=is_demo(cell))
    except Breach as breach:
        cell.outputs = [_note(breach.message)]
        if owner is not None and owner.id not in judging.verdicts:
            judging.verdicts[owner.id] = stopped(owner.id, owner.points, breach.status, breach.message)
        return
    cell.outputs = [nbformat.from_dict(output) for output in result.outputs]
    cell.execution_count = result.execution_count
    judging.state.skipped.note(index, result.skipped)
    if result.error is not None:
        judging.state.failed[index] = result.error
    if result.error is not None and owner is not None:
        judging.errors.setdefault(owner.id, result.error)


def _forgives(cell: NotebookNode) -> Forgives:
    """Which lines of a cell may fail: of an answer's those that lack something here, of the student's own cells any."""
    if is_given(cell):
        return Forgives.NOTHING
    return Forgives.SURROUNDINGS if is_solution(cell) else Forgives.STATEMENTS


def _judge_all(judging: _Judging) -> None:
    """Judges the exercises whose checks were reached, those that forbid something where that is gone.

    All processes run, and the visible cases of all exercises are tried in them, before any hidden case is.
    """
    _note_stage(judging, None)
    left = [exercise for exercise, _ in judging.checks.values() if exercise.id not in judging.verdicts]
    judging.without_forbidden.judge_visible(left)
    for exercise in left:
        judge_freely = partial(_judged_freely, judging, exercise)
        forbids = exercise.rules.forbids
        verdict = judging.without_forbidden.verdict(exercise, judge_freely) if forbids else judge_freely()
        judging.verdicts[exercise.id] = judging.state.explained(verdict, exercise)


def _judged_freely(judging: _Judging, exercise: Exercise) -> Verdict:
    """Judges an exercise where nothing is gone."""
    judged = judging.processes.judge(exercise)
    return judged.verdict or _unjudged(judging, exercise, judged.error)


def _unjudged(judging: _Judging, exercise: Exercise, here: Raised | None) -> Verdict:
    """Explains why the check cell never reached the judge, in the words of the cell that failed."""
    above = judging.errors.get(exercise.id)
    if above is not None and above.unwritten is Unwritten.STUB:
        return stopped(exercise.id, exercise.points, Status.NOT_WRITTEN, "not written yet")
    if above is not None:
        message, cure = f"the cell above the check raised {_said(above)}", ""
    elif here is not None and here.missing == exercise.name:
        trouble = judging.state.missing(exercise.name, exercise)
        message, cure = trouble.message, trouble.cure
    elif here is not None:
        message, cure = f"the check could not start: {here.kind}: {here.message}", ""
    else:
        message = "the judge was not let through to the function"
        return stopped(exercise.id, exercise.points, Status.BLOCKED, message)
    return replace(stopped(exercise.id, exercise.points, Status.ERROR, message), cure=cure)


def _said(raised: Raised) -> str:
    """An exception that ended a cell, with the line that raised it."""
    message = f": {raised.message}" if raised.message else ""
    where = f" (line {raised.line}: {raised.source.strip()})" if raised.line is not None else ""
    return f"{raised.kind}{message}{where}"


def _note(text: str) -> NotebookNode:
    return new_output("stream", name="stderr", text=f"The grader stopped this cell: {text}\n")


def _drawn(verdict: Verdict, exercise: Exercise) -> NotebookNode:
    from autograder.reports.student import Report

    bundle: dict[str, Any] = Report(verdict, local=False, groups=exercise.groups)._repr_mimebundle_()
    return new_output("display_data", data=bundle)
