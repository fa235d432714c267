"""The processes that run one notebook, and the judging of its exercises.

A process runs the notebook's cells in order and judges nothing. At each check it leaves a copy of itself, which waits
with the state of that moment. When the last cell has run, the process is killed with everything it started, and only
then are the copies judged, one after the other: whatever a copy gets to know, nothing is left that could show it.

The first such process has everything. Others, in which something is gone from the start, are for exercises that forbid
it. A process that dies in a cell is replaced by a fresh one, which runs the same cells again; its copies live on.
All processes share one clock.

Visible cases come first, in all copies of all processes, because students are shown what a function answered to them.
Sometimes only the hidden cases tell that an exercise needs one more process: what that one answers is not shown.

Where no copies can be made, see `Sandbox.makes_copies`, and on a GPU, whose state no fork takes along, the judged
process is a second one that runs the cells up to each check.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from autograder.calls import Breach, Call, Forgives, Raised, Status
from autograder.exercise import Exercise, Verdict
from autograder.judge.conceal import concealed, concealed_breach
from autograder.judge.evaluate import stopped
from autograder.pipeline.grading.guarded import GuardedEvaluation, limited_memory
from autograder.pipeline.grading.judge_death import JudgeFailed
from autograder.pipeline.grading.stages import EXERCISE_AT_FAULT, here
from autograder.sandbox.host.run import CellResult
from autograder.sandbox.host.sandbox import Run, Sandbox

__all__ = ["SLACK_SECONDS", "Judged", "NotebookProcesses"]

CELL_SECONDS = 60.0
GRACE_SECONDS = 2.0
"""For the way to the judge and back, on top of an exercise's own limit; not multiplied on slow machines."""
SLACK_SECONDS = 300.0
"""On top of the notebook's own clock, which ends a cell first: for starting processes."""

MEMORY_BYTES = 512 << 20
"""What this process may take while a cell runs: the outputs of one cell and what they are made of."""

CHECK_SECONDS = 1.8
"""How long a slip is looked for in an answer that fails: a student waits for `autograder check`."""
GRADE_SECONDS = 0.4
"""The same where a class is graded."""

Gone = tuple[str, ...]
Cell = tuple[str, Forgives]
"""A cell's source, and which of its statements may fail."""


@dataclass(frozen=True)
class Judged:
    """The outcome of judging one exercise.

    Attributes:
        verdict: the judge's verdict; None if the judge was not let through to the answer.
        error: what was raised instead, if anything.
    """

    verdict: Verdict | None
    error: Raised | None = None


@dataclass
class _Copy:
    """The state at one exercise's check, and how far it has been judged.

    Attributes:
        exercise: what it is judged by.
        cells: how many cells ran before.
        run: the waiting process; None if there is none (any more).
        used: how many seconds it has worked.
        breach: how it ended, if it did.
        evaluation: set once the judge was let through to the answer.
        error: what was raised where an answer was expected.
        is_late: whether hidden cases had been tried, of whatever exercise, before its process ran.
    """

    exercise: Exercise
    cells: int
    run: Run | None = None
    used: float = 0.0
    breach: Breach | None = None
    evaluation: GuardedEvaluation | None = None
    error: Raised | None = None
    is_late: bool = False

    def leave(self, run: Run) -> None:
        """Makes a process leave this copy."""
        try:
            self.run = run.copy()
        except Breach as breach:
            self.end(breach)

    def end(self, breach: Breach) -> None:
        """Notes how the process ended."""
        self.breach = breach
        self.close()
        if self.evaluation is not None:
            self.evaluation.stop(breach)

    def close(self) -> None:
        """Ends the process."""
        if self.run is not None:
            self.run.close()
            self.run = None

    def judged(self) -> Judged:
        """What came of it."""
        exercise, breach = self.exercise, self.breach
        if self.evaluation is not None:
            verdict = self.evaluation.verdict()
        elif breach is not None:
            breach = concealed_breach(breach) if self.is_late else breach
            verdict = stopped(exercise.id, exercise.points, breach.status, breach.message)
        else:
            return Judged(None, None if self.is_late else self.error)
        return Judged(concealed(verdict) if self.is_late else verdict, self.error)


@dataclass
class NotebookProcesses:
    """One notebook's processes and copies, by what is gone from them: () is where nothing is.

    Attributes:
        sandbox: starts the processes.
        deadline: when the cells together, later the judged calls, run out of time, by the monotonic clock.
        patience: multiplies every limit but the grace.
        device: the device of the judged cases' tensors.
        secret: seeds the hidden cases; None leaves them out.
        texts: what defines each answer, by the exercise's id, on the lines of its cell.
        cells: those that ran to their end, in order: what a fresh process has to run.
    """

    sandbox: Sandbox
    deadline: float
    patience: float
    device: str
    secret: bytes | None
    texts: dict[str, str] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)
    _running: Run | None = None
    _checks: list[tuple[Exercise, int]] = field(default_factory=list)
    """The exercises in the order of their checks, and how many cells ran before."""
    _copies: dict[Gone, dict[str, _Copy]] = field(default_factory=dict)
    """By what is gone and the exercise's id."""
    _replays: dict[Gone, tuple[Run, int]] = field(default_factory=dict)
    """Where there are no copies: the process, and how many cells it has run."""
    _hidden_began: bool = False

    def __post_init__(self) -> None:
        self._makes_copies = self.device == "cpu" and self.sandbox.makes_copies

    # --- the notebook runs ---

    def execute(self, source: str, forgives: Forgives = Forgives.NOTHING, *, shows: bool = False) -> CellResult:
        """Runs a cell in the process with everything, and notes it for the other processes unless it only `shows`.

        `forgives` says which statements may fail without keeping the rest of the cell from running.

        Raises:
            Breach: the process broke a limit or died; the next cell gets a fresh one.
        """
        try:
            process, seconds = self._process(), self._cell_seconds()
            with limited_memory(MEMORY_BYTES):
                result = process.execute(source, seconds=seconds, forgives=forgives)
        except Breach:
            self.finish()
            raise
        if not shows:
            self.cells.append((source, forgives))
        return result

    def reach_check(self, exercise: Exercise) -> None:
        """Leaves a copy with the state of now, to be judged once the notebook has ended."""
        self._checks.append((exercise, len(self.cells)))
        copy = _Copy(exercise, len(self.cells))
        self._copies.setdefault((), {})[exercise.id] = copy
        if not self._makes_copies:
            return
        try:
            copy.leave(self._process())
        except Breach as breach:
            copy.end(breach)
        if self._running is not None and self._running.over:
            self.finish()

    def finish(self) -> None:
        """Ends the process with everything it started, its copies excepted."""
        if self._running is not None:
            self._running.close()
            self._running = None

    def _process(self) -> Run:
        """The process with everything, which has run all cells so far."""
        if self._running is None:
            self._running = self.sandbox.start()
            self._run(self._running, self.cells)
        return self._running

    def _run(self, run: Run, cells: Iterable[Cell]) -> None:
        for source, forgives in cells:
            with limited_memory(MEMORY_BYTES):
                run.execute(source, seconds=self._cell_seconds(), forgives=forgives)

    # --- its exercises are judged ---

    def judge_visible(self, exercises: Iterable[Exercise], gone: Gone = ()) -> None:
        """Tries the visible cases of several exercises, before `judge` tries the rest of any.

        A student is shown what a function answered to them, so none of these may know by then what another one was
        called with on hidden cases.
        """
        copies = self._copies_without(gone)
        for exercise in exercises:
            if exercise.id in copies:
                self._try(copies[exercise.id])

    def passed(self, exercise: Exercise, gone: Gone = ()) -> int:
        """How many cases and properties of an exercise have passed there so far."""
        copy = self._copies_without(gone).get(exercise.id)
        return copy.evaluation.passed if copy is not None and copy.evaluation is not None else 0

    def judge(self, exercise: Exercise, gone: Gone = ()) -> Judged:
        """Judges an exercise with the state at its check, where those functions are gone; once for each `gone`.

        It begins when the notebook has ended.
        """
        copy = self._copies_without(gone).pop(exercise.id, _Copy(exercise, 0))
        if not self._makes_copies:
            self._replay(copy, gone)
        self._try(copy)
        self._try(copy, hidden=True)
        self._explain(copy)
        if copy.run is not None and not self._makes_copies:
            self._replays[gone] = copy.run, copy.cells
        else:
            copy.close()
        return copy.judged()

    def close(self) -> None:
        """Ends all processes."""
        self.finish()
        for copy in (copy for copies in self._copies.values() for copy in copies.values()):
            copy.close()
        for run, _ in self._replays.values():
            run.close()

    def _try(self, copy: _Copy, *, hidden: bool = False) -> None:
        """Tries one part of an exercise; does nothing where that is done already, or cannot be done."""
        exercise, run, reached = copy.exercise, copy.run, False
        if run is None or (copy.evaluation is not None) is not hidden:
            return
        self._hidden_began = self._hidden_began or hidden

        def judge(call: Call) -> None:
            nonlocal reached
            reached = True
            if copy.evaluation is None:
                copy.evaluation = GuardedEvaluation(
                    exercise, self.secret, self.device, self.patience, is_late=copy.is_late
                )
                copy.evaluation.try_visible(call)
            else:
                copy.evaluation.try_hidden(call)

        limit, used, before = self.patience * exercise.seconds + GRACE_SECONDS, copy.used, run.spent
        try:
            done = run.judge(exercise.name, judge, min(limit, used + self._seconds_left()), used)
        except Breach as breach:
            copy.end(breach)
            return
        except JudgeFailed:  # the process may be in the middle of a call
            copy.close()
            return
        copy.used += run.spent - before
        if not reached:
            copy.error = copy.error or done.error
            if hidden:
                copy.end(Breach(Status.BLOCKED, "the judge was not let through to the function"))
            else:
                copy.close()

    def _explain(self, copy: _Copy) -> None:
        """Looks for the slip in an answer, once all is tried: its process may end then, at no cost."""
        exercise, run, evaluation, text = copy.exercise, copy.run, copy.evaluation, self.texts.get(copy.exercise.id)
        if run is None or evaluation is None or copy.is_late or not text:
            return
        seconds = CHECK_SECONDS if self.secret is None else GRADE_SECONDS
        limit = min(self.patience * (seconds + GRACE_SECONDS), self._seconds_left())
        try:
            run.judge(exercise.name, lambda call: evaluation.explain(call, text, seconds), copy.used + limit, copy.used)
        except Breach:
            copy.close()

    def _copies_without(self, gone: Gone) -> dict[str, _Copy]:
        """The copies at the checks; where something is gone, of those exercises that forbid nothing else."""
        if gone not in self._copies:
            checks = [(each, cells) for each, cells in self._checks if set(each.rules.forbids) <= set(gone)]
            late = self._hidden_began and self._makes_copies
            copies = [_Copy(each, cells, is_late=late) for each, cells in checks if each.rules.forbids]
            self._copies[gone] = {copy.exercise.id: copy for copy in copies}
            if self._makes_copies:
                self._run_to(copies, gone)
                self.judge_visible((copy.exercise for copy in copies), gone)
        return self._copies[gone]

    def _run_to(self, copies: Sequence[_Copy], gone: Gone) -> None:
        """Runs the cells up to the last of several checks in a process of their own, which leaves those copies."""
        done = 0
        here().enter(EXERCISE_AT_FAULT[0], "", max(self.deadline - time.monotonic(), 0.0) + SLACK_SECONDS)
        with self.sandbox.start(gone) as run:
            for copy in copies:
                try:
                    self._run(run, self.cells[done : copy.cells])
                except Breach as breach:
                    copy.end(breach)
                else:
                    copy.leave(run)
                done = copy.cells

    def _replay(self, copy: _Copy, gone: Gone) -> None:
        """Where there are no copies: runs the cells up to a check in a process that is judged at each."""
        run, done = self._replays.pop(gone, (None, 0))
        copy.run = run or self.sandbox.start(gone)
        try:
            self._run(copy.run, self.cells[done : copy.cells])
        except Breach as breach:
            copy.end(breach)

    # --- time ---

    def _cell_seconds(self) -> float:
        return min(CELL_SECONDS * self.patience, self._seconds_left())

    def _seconds_left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Breach(Status.TIMEOUT, "the notebook as a whole used up its time")
        return left
