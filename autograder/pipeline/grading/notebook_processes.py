"""The processes that run one notebook, and the judging of an exercise in one of them.

A notebook has one process in which nothing is forbidden. If its code may reach what an exercise forbids, it has further
ones in which that is gone from the start. Each runs the notebook's cells as far as they have run; one that dies is
replaced by a fresh one that runs the same cells again. All of them share one clock.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from autograder.exercise import Breach, Call, Exercise, Raised, Status, Verdict
from autograder.judge.evaluate import stopped
from autograder.pipeline.grading.guarded import evaluate_guarded
from autograder.pipeline.grading.judge_death import JudgeFailed
from autograder.sandbox.host.run import CellResult
from autograder.sandbox.host.sandbox import Run, Sandbox

__all__ = ["Judged", "NotebookProcesses"]

CELL_SECONDS = 60.0
GRACE_SECONDS = 2.0
"""For the way to the judge and back, on top of an exercise's own limit; not multiplied on slow machines."""


@dataclass(frozen=True)
class Judged:
    """The outcome of judging one exercise.

    Attributes:
        verdict: the judge's verdict; None if the check cell never reached the judge.
        error: what the check cell raised.
        breach: how the process ended, if it did.
    """

    verdict: Verdict | None
    error: Raised | None = None
    breach: Breach | None = None


@dataclass
class _Process:
    """One process, and how many of the notebook's cells it has run."""

    run: Run
    done: int = 0


@dataclass
class NotebookProcesses:
    """One notebook's processes, by what is gone from them: () is the one in which nothing is.

    Attributes:
        sandbox: starts the processes.
        deadline: when the notebook as a whole runs out of time, by the monotonic clock.
        patience: multiplies every limit but the grace.
        device: the device of the judged cases' tensors.
        secret: seeds the hidden cases; None leaves them out.
        cells: the sources that ran to their end, in order: what a fresh process has to run.
    """

    sandbox: Sandbox
    deadline: float
    patience: float
    device: str
    secret: bytes | None
    cells: list[str] = field(default_factory=list)
    _processes: dict[tuple[str, ...], _Process] = field(default_factory=dict)

    def execute(self, source: str) -> CellResult:
        """Runs a cell in the process with nothing gone, and notes it for the other processes.

        Raises:
            Breach: the process broke a limit or died; it is given up.
        """
        try:
            process = self._brought_along(())
            result = process.run.execute(source, seconds=self._cell_seconds())
        except Breach:
            self._give_up(())
            raise
        self.cells.append(source)
        process.done += 1
        return result

    def judge(self, exercise: Exercise, gone: tuple[str, ...] = ()) -> Judged:
        """Judges an exercise in the process without those functions, after all cells that have run so far."""
        verdicts: list[Verdict] = []

        def judge(call: Call) -> None:
            judged = evaluate_guarded(exercise, call, secret=self.secret, device=self.device, patience=self.patience)
            verdicts.append(judged)

        try:
            run = self._brought_along(gone).run
            limit = min(self.patience * exercise.seconds + GRACE_SECONDS, self._seconds_left())
            error = run.judge(exercise.name, judge, limit).error
        except Breach as breach:
            self._give_up(gone)
            ended = stopped(exercise.id, exercise.points, breach.status, breach.message)
            return Judged(verdicts[0] if verdicts else ended, breach=breach)
        except JudgeFailed as failed:  # the process may be in the middle of a call
            self._give_up(gone)
            return Judged(failed.verdict)
        return Judged(verdicts[0] if verdicts else None, error)

    def close(self) -> None:
        """Ends all processes."""
        for gone in list(self._processes):
            self._give_up(gone)

    def _brought_along(self, gone: tuple[str, ...]) -> _Process:
        """A process that has run all cells so far."""
        process = self._processes.get(gone)
        if process is None:
            process = self._processes[gone] = _Process(self.sandbox.start(gone))
        for source in self._missed(process):
            process.run.execute(source, seconds=self._cell_seconds())
            process.done += 1
        return process

    def _missed(self, process: _Process) -> Sequence[str]:
        return self.cells[process.done :]

    def _cell_seconds(self) -> float:
        return min(CELL_SECONDS * self.patience, self._seconds_left())

    def _seconds_left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Breach(Status.TIMEOUT, "the notebook as a whole used up its time")
        return left

    def _give_up(self, gone: tuple[str, ...]) -> None:
        process = self._processes.pop(gone, None)
        if process is not None:
            process.run.close()
