"""One run, seen from the trusted side: sends cells and calls, trusts nothing that comes back.

A run can leave copies of itself, each with the state at that moment. A copy is a run like any other and outlives the
one that it is a copy of.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

from autograder.calls import Breach, Call, Forgives, Outcome, Raised, Skipped, Status
from autograder.sandbox.host.calls import Asked, Calls, Talk, out_of_turn
from autograder.sandbox.host.endings import JailBroken, SandboxError, broken, died, kept_too_much, too_slow
from autograder.sandbox.host.outputs import checked_outputs, length
from autograder.sandbox.host.pipes import Channel, Clock, Facts, Gone, Late, Lifeline, Server
from autograder.sandbox.kernel.control import Exited, Started
from autograder.sandbox.kernel.limits import Limits
from autograder.sandbox.kernel.scratch import remove
from autograder.sandbox.wire import messages
from autograder.sandbox.wire.calls import raised_from, skipped_from
from autograder.sandbox.wire.frames import Frame, TooLarge, WireError

__all__ = ["CellResult", "JailBroken", "Run", "SandboxError"]

_Read = Callable[[Frame[messages.Outcome]], Outcome]

_KILL_SECONDS = 10.0
_DEATH_SECONDS = 1.0
_START_SECONDS = 180.0
_COPY_SECONDS = 10.0
_SLACK = 2
"""The process counts its own output differently; more than this many times the limit cannot be an honest mistake."""
_ESCAPED = 6
"""Bytes that one character of an output may take in a message."""
_MOST_SAID = 1 << 16
"""Bytes of any message that carries no outputs and no answer."""


@dataclass(frozen=True)
class CellResult:
    """What one cell showed, raised and skipped. `execution_count` is None if nothing ran."""

    outputs: list[dict[str, Any]]
    execution_count: int | None
    error: Raised | None
    seconds: float
    skipped: tuple[Skipped, ...] = ()


class Run:
    """One student's process. A context manager; closing it kills whatever the process started."""

    def __init__(
        self,
        pid: int,
        channel: Channel,
        lifeline: Lifeline,
        folder: Path | None,
        limits: Limits,
        server: Server,
    ) -> None:
        """Takes over a newly forked process."""
        self.pid = pid
        self._channel = channel
        self._lifeline = lifeline
        self._folder = folder
        self._limits = limits
        self._server = server
        self._spent = 0.0
        self._last: Facts | None = None
        self._shown = 0
        self._breach: Breach | None = None
        self._ended = False
        self.closed = False
        self._frozen = False
        self.lost_threads = 0
        """Of a copy: how many threads the original had besides the first; they say so themselves."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def settle(self) -> None:
        """Waits until the process is ready for cells.

        Raises:
            SandboxError: it is not.
        """
        try:
            message, _ = self._channel.receive(Clock(_START_SECONDS), most=_MOST_SAID)
        except (Late, Gone, TooLarge, WireError) as error:
            raise SandboxError(f"the sandbox's process did not start ({type(error).__name__})") from None
        if not isinstance(message, messages.Ready):
            said = message.reason if isinstance(message, messages.Failed) else out_of_turn(message)
            raise SandboxError(f"the sandbox's process did not start: {said}")

    def execute(
        self,
        source: str,
        *,
        judge: Callable[[Call], None] | None = None,
        seconds: float | None = None,
        forgives: Forgives = Forgives.NOTHING,
    ) -> CellResult:
        """Runs one cell.

        Args:
            source: the cell's text.
            judge: called once, when the cell announces an answer, with a function that calls that answer.
            seconds: wall clock for the cell and the judged calls together, the judge's own time not counted.
            forgives: which statements may fail without keeping the rest of the cell from running.

        Raises:
            Breach: the process broke a limit or died. From then on every call raises it.
        """
        return self._ask(messages.Execute(source, forgives), judge, seconds)

    def judge(
        self, name: str, judge: Callable[[Call], None], seconds: float | None = None, used: float = 0.0
    ) -> CellResult:
        """Judges the object that the notebook has under that name, without running a cell.

        Args:
            name: a name in the notebook; if it is not defined, the result's error is a NameError.
            judge: called once, with a function that calls the answer.
            seconds: wall clock for the judged calls together, the judge's own time not counted.
            used: how much of it earlier calls have used.

        Raises:
            Breach: the process broke a limit or died. From then on every call raises it.
        """
        return self._ask(messages.Judge(name), judge, seconds, used)

    @property
    def over(self) -> bool:
        """Whether the process has ended, so that every call raises."""
        return self._breach is not None

    @property
    def spent(self) -> float:
        """Seconds that the process has worked."""
        return self._spent

    def copy(self) -> Run:
        """Forks the process between two cells; the copy waits, with the state of now, and outlives the original.

        Raises:
            Breach: there is no copy. If the process answered and is still intact, it can go on.
        """
        if self._breach is not None:
            raise self._breach
        clock = Clock(_COPY_SECONDS, "the process could not be copied in time: look for hooks on forks")
        channel, their_channel = socket.socketpair()
        line, their_line = socket.socketpair()
        lifeline = Lifeline(line)
        try:
            with self._watched(clock):
                with their_channel, their_line:
                    self._server.request_copy(self.pid, their_channel, their_line)
                threads = self._forked(clock)
            pid = self._copied(lifeline)
        except BaseException:
            channel.close()
            lifeline.close()
            raise
        finally:
            self._spent += clock.used
        self._folder = None  # now the server removes it, after the last of them
        copy = Run(pid, Channel(channel, lifeline), lifeline, None, self._limits, self._server)
        copy.lost_threads, copy._frozen = threads, True
        return copy

    def _forked(self, clock: Clock) -> int:
        """Asks the process to fork; returns how many threads the copy lost."""
        self._channel.send(messages.Fork(), clock)
        message, _ = self._receive(clock, _MOST_SAID)
        if isinstance(message, messages.Forked):
            return message.threads
        if isinstance(message, messages.Failed):
            raise Breach(Status.ERROR, message.reason)
        raise WireError(out_of_turn(message))

    def _copied(self, lifeline: Lifeline) -> int:
        """The process id of the copy, which by now the server knows."""
        try:
            kept = lifeline.kept()
            started = lifeline.hear(Started, _DEATH_SECONDS)
        except Gone:
            started = None
        if started is None:
            raise broken(Status.BLOCKED, self._limits)
        if kept > self._limits.memory_bytes:
            raise kept_too_much(self._limits)
        return started.pid

    def _ask(
        self,
        asked: messages.Execute | messages.Judge,
        judge: Callable[[Call], None] | None,
        seconds: float | None,
        used: float = 0.0,
    ) -> CellResult:
        if self._breach is not None:
            raise self._breach
        if self._frozen:
            self._frozen = False
            self._lifeline.thaw()
        clock = self._clock(self._limits.cell_seconds if seconds is None else seconds, used)
        try:
            with self._watched(clock):
                self._channel.send(asked, clock)
            return self._attend(clock, judge)
        except Breach:
            raise
        except BaseException:  # the judge's own error, or Ctrl-C: the process is in the middle of something
            self._breach = Breach(Status.EXITED, "the run was given up")
            self._kill()
            raise
        finally:
            self._spent += clock.used - used

    def close(self) -> None:
        """Kills the process with everything it started, and removes its folder."""
        if self.closed:
            return
        self.closed = True
        self._kill()
        self._channel.close()
        self._lifeline.close()
        if self._folder is not None:
            remove(self._folder)
        self._breach = self._breach or Breach(Status.EXITED, "the run is closed")

    # --- a cell ---

    def _clock(self, seconds: float, used: float = 0.0) -> Clock:
        left = self._limits.notebook_seconds - self._spent
        if left < seconds - used:
            said = "the notebook as a whole used up its time: look for the cells that take long"
            return Clock(left, said, self._last)
        return Clock(seconds, too_slow(seconds, self.lost_threads), self._last, used)

    def _attend(self, clock: Clock, judge: Callable[[Call], None] | None) -> CellResult:
        """Answers the process until the cell is finished."""
        while True:
            with self._watched(clock):
                result = self._checked_or_finished(clock)
            if result is not None:
                return result
            if judge is not None:
                chosen, judge = judge, None
                self._judge(chosen, clock)
            with self._watched(clock):
                self._channel.send(messages.Done(), clock)

    def _checked_or_finished(self, clock: Clock) -> CellResult | None:
        """What the process says while no answer is judged: a result, or None where it announces an answer.

        This process has little memory to spare for it.
        """
        most = _MOST_SAID + _ESCAPED * _SLACK * self._limits.output_bytes
        try:
            message, _ = self._receive(clock, most)
            if isinstance(message, messages.Finished):
                return self._result(message)
        except TooLarge as refused:
            self._fail(Status.OUTPUT if refused.kind == "finished" else Status.BLOCKED)
        except MemoryError:
            self._fail(Status.OUTPUT)
        if not isinstance(message, messages.Check):
            raise WireError(out_of_turn(message))
        return None

    def _judge(self, judge: Callable[[Call], None], clock: Clock) -> None:
        over = False

        def ask(asked: Asked, calls: Calls, read: _Read, cpu: bool, most: int) -> Outcome:
            if self._breach is not None:
                raise self._breach
            if over:
                raise RuntimeError("this cell is over: the function can only be called while it is judged")
            with clock.running():
                with self._watched(clock):
                    before = self._lifeline.cpu() if cpu else None
                    done = Talk(self._channel.send, self._receive, clock, most).outcome(asked, calls.lent, read)
                    after = self._lifeline.cpu() if before is not None else None
                return replace(done, cpu=after - before) if before is not None and after is not None else done

        with clock.stopped():
            judge(Calls(ask))
        over = True
        if self._breach is not None:
            raise self._breach

    def _receive(self, clock: Clock, most: int = 0) -> Frame[messages.FromGuest]:
        frame = self._channel.receive(clock, lambda: self._look(clock), most)
        if isinstance(frame[0], messages.Breach):
            self._fail(Status(frame[0].status))
        return frame

    def _look(self, clock: Clock) -> None:
        """Ends a run that uses more than one core, more threads or more files than allowed."""
        facts, limits = self._lifeline.look(), self._limits
        if facts is None:
            return
        self._last = facts
        clock.excuse(facts)
        most = limits.cores * clock.seconds
        if facts.cpu - clock.before.cpu > most:
            said = f"the code used more than {most:.3g} s of processor time on several threads, and was stopped"
            self._end(Breach(Status.TIMEOUT, said))
        if facts.threads > limits.most_threads:
            said = f"the code started more than {limits.threads} threads: look for a loop that starts them"
            self._end(Breach(Status.MEMORY, said))
        if facts.files > limits.scratch_bytes:
            said = f"the code wrote more than {limits.scratch_bytes >> 20} MB of files: look for a loop that writes"
            self._end(Breach(Status.OUTPUT, said))

    def _result(self, done: messages.Finished) -> CellResult:
        size = length(done.outputs)
        self._shown += size
        if size > _SLACK * self._limits.output_bytes or self._shown > _SLACK * self._limits.notebook_output_bytes:
            self._fail(Status.OUTPUT)
        raised = raised_from(done.error) if done.error is not None else None
        skipped = tuple(map(skipped_from, done.skipped))
        return CellResult(checked_outputs(done.outputs), done.execution_count, raised, done.seconds, skipped)

    # --- the end ---

    @contextmanager
    def _watched(self, clock: Clock) -> Iterator[None]:
        """Turns anything that goes wrong with the process into a Breach, and ends the process."""
        try:
            yield
        except Late:
            self._end(Breach(Status.TIMEOUT, clock.over))
        except Gone:
            self._end(self._post_mortem())
        except (TooLarge, WireError, RecursionError):
            self._fail(Status.BLOCKED)

    def _fail(self, status: Status) -> NoReturn:
        self._end(broken(status, self._limits))

    def _end(self, breach: Breach) -> NoReturn:
        self._breach = self._breach or breach
        self._kill()
        raise self._breach

    def _post_mortem(self) -> Breach:
        """How the process ended, in words."""
        try:
            exited = self._lifeline.hear(Exited, _DEATH_SECONDS)
        except Gone:
            return Breach(Status.CRASHED, "the code killed the process that supervises it: it must not kill processes")
        if exited is None:
            return broken(Status.BLOCKED, self._limits)
        self._ended = True
        return died(exited.code)

    def _kill(self) -> None:
        """Kills the process and everything it started, once."""
        if self._ended:
            return
        self._ended = True
        self._lifeline.kill()
        try:
            dead = self._lifeline.hear(Exited, _KILL_SECONDS) is not None
        except Gone:
            dead = False
        if not dead:
            self._server.force(self.pid)
            clock = Clock(_DEATH_SECONDS)
            with suppress(Late, Gone, TooLarge, WireError):
                while True:
                    self._channel.receive(clock, most=_MOST_SAID)
