"""One run, seen from the trusted side: sends cells and calls, trusts nothing that comes back."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

from autograder.exercise import Breach, Call, Outcome, Raised, Status
from autograder.objects import AnswerRaised
from autograder.sandbox.host.outputs import checked_outputs, length
from autograder.sandbox.host.pipes import Channel, Clock, Gone, Late, Lifeline
from autograder.sandbox.kernel.control import Exited
from autograder.sandbox.kernel.limits import Limits
from autograder.sandbox.kernel.scratch import remove
from autograder.sandbox.wire import messages
from autograder.sandbox.wire.calls import outcome, raised_from, request
from autograder.sandbox.wire.frames import Frame, WireError
from autograder.sandbox.wire.functions import Lent
from autograder.sandbox.wire.graphs import leaves_of
from autograder.sandbox.wire.values import encode

__all__ = ["CellResult", "JailBroken", "Run", "SandboxError"]

_Asked = Frame[messages.Call] | Frame[messages.Differentiate]

_KILL_SECONDS = 10.0
_DEATH_SECONDS = 1.0
_START_SECONDS = 180.0
_SLACK = 2
"""The process counts its own output differently; more than this many times the limit cannot be an honest mistake."""

_MESSAGES = {
    Status.MEMORY: "the code used more than {memory} MB of memory: look for arrays or lists that grow too large",
    Status.OUTPUT: "the code produced more than {output} kB of output: look for a print inside a long loop",
    Status.BLOCKED: "the code interfered with the grader's connection: look at what it closes, and leave that alone",
}  # fmt: skip
_SIGNALS = {
    signal.SIGSEGV: "a segmentation fault: look for wrong addresses in ctypes, or endless recursion",
    signal.SIGABRT: "an abort: a library gave up, often on impossible sizes",
    signal.SIGKILL: "the signal SIGKILL: the code killed its process, or the machine ran out of memory",
}


class SandboxError(RuntimeError):
    """The sandbox itself does not work; no student is to blame."""


class JailBroken(SandboxError, ValueError):
    """The chosen isolation does not hold on this machine, so nothing may run in it."""


@dataclass(frozen=True)
class CellResult:
    """What one cell showed and raised. `execution_count` is None if nothing ran."""

    outputs: list[dict[str, Any]]
    execution_count: int | None
    error: Raised | None
    seconds: float


class Run:
    """One student's process. A context manager; closing it kills whatever the process started."""

    def __init__(
        self,
        pid: int,
        channel: Channel,
        lifeline: Lifeline,
        folder: Path | None,
        limits: Limits,
        force: Callable[[], None],
    ) -> None:
        """Takes over a newly forked process; `force` ends it if the server does not."""
        self.pid = pid
        self._channel = channel
        self._lifeline = lifeline
        self._folder = folder
        self._limits = limits
        self._force = force
        self._spent = 0.0
        self._shown = 0
        self._breach: Breach | None = None
        self._ended = False
        self.closed = False

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
            message, _ = self._channel.receive(Clock(_START_SECONDS))
        except (Late, Gone, WireError) as error:
            raise SandboxError(f"the sandbox's process did not start ({type(error).__name__})") from None
        if not isinstance(message, messages.Ready):
            said = message.reason if isinstance(message, messages.Failed) else _out_of_turn(message)
            raise SandboxError(f"the sandbox's process did not start: {said}")

    def execute(
        self, source: str, *, judge: Callable[[Call], None] | None = None, seconds: float | None = None
    ) -> CellResult:
        """Runs one cell.

        Args:
            source: the cell's text.
            judge: called once, when the cell announces an answer, with a function that calls that answer.
            seconds: wall clock for the cell and the judged calls together, the judge's own time not counted.

        Raises:
            Breach: the process broke a limit or died. From then on every call raises it.
        """
        return self._ask(messages.Execute(source), judge, seconds)

    def judge(self, name: str, judge: Callable[[Call], None], seconds: float | None = None) -> CellResult:
        """Judges the object that the notebook has under that name, without running a cell.

        Args:
            name: a name in the notebook; if it is not defined, the result's error is a NameError.
            judge: called once, with a function that calls the answer.
            seconds: wall clock for the judged calls together, the judge's own time not counted.

        Raises:
            Breach: the process broke a limit or died. From then on every call raises it.
        """
        return self._ask(messages.Judge(name), judge, seconds)

    def _ask(
        self,
        asked: messages.Execute | messages.Judge,
        judge: Callable[[Call], None] | None,
        seconds: float | None,
    ) -> CellResult:
        if self._breach is not None:
            raise self._breach
        clock = self._clock(self._limits.cell_seconds if seconds is None else seconds)
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
            self._spent += clock.used

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

    def _clock(self, seconds: float) -> Clock:
        left = self._limits.notebook_seconds - self._spent
        if left < seconds:
            return Clock(left, "the notebook as a whole used up its time: look for the cells that take long")
        said = f"the code ran longer than {seconds:.3g} s and was stopped: look for a loop that never ends or waits"
        return Clock(seconds, said)

    def _attend(self, clock: Clock, judge: Callable[[Call], None] | None) -> CellResult:
        """Answers the process until the cell is finished."""
        while True:
            with self._watched(clock):
                message, _ = self._receive(clock)
                if isinstance(message, messages.Finished):
                    return self._result(message)
                if not isinstance(message, messages.Check):
                    raise WireError(_out_of_turn(message))
            if judge is not None:
                chosen, judge = judge, None
                self._judge(chosen, clock)
            with self._watched(clock):
                self._channel.send(messages.Done(), clock)

    def _judge(self, judge: Callable[[Call], None], clock: Clock) -> None:
        over, lent = False, Lent()

        def ask(asked: _Asked, leaves: list[Any], cpu: bool = False) -> Outcome:
            if self._breach is not None:
                raise self._breach
            if over:
                raise RuntimeError("this cell is over: the function can only be called while it is judged")
            with clock.running():
                with self._watched(clock):
                    before = self._lifeline.cpu() if cpu else None
                    answer, seconds = self._call(asked, lent, clock)
                    done = replace(outcome(answer, lent, leaves, pull), seconds=seconds)
                    after = self._lifeline.cpu() if before is not None else None
                return replace(done, cpu=after - before) if before is not None and after is not None else done

        def pull(number: int, upstream: list[Any]) -> Any:
            tree, buffers = encode(upstream)
            done = ask((messages.Differentiate(number, tree), buffers), [])
            if done.raised is not None:
                raise AnswerRaised(done.raised)
            return done.value

        def call(
            args: tuple[Any, ...],
            kwargs: Mapping[str, Any],
            through: str | int = "",
            *,
            cpu: bool = False,
            steps: int = 0,
            keep: bool = False,
        ) -> Outcome:
            leaves = leaves_of((args, kwargs)) if keep else []
            return ask(request(args, kwargs, through, lent, steps, keep), leaves, cpu)

        with clock.stopped():
            judge(call)
        over = True
        if self._breach is not None:
            raise self._breach

    def _call(self, asked: _Asked, lent: Lent, clock: Clock) -> tuple[Frame[messages.Outcome], float]:
        """The answer to one request, and the seconds that it took."""
        before = clock.used
        question, buffers = asked
        self._channel.send(question, clock, buffers)
        while True:
            message, buffers = self._receive(clock)
            if isinstance(message, messages.Outcome):
                return (message, buffers), clock.used - before
            if not isinstance(message, messages.Invoke | messages.Differentiate):
                raise WireError(_out_of_turn(message))
            with clock.stopped():  # what the judge itself computes costs the student nothing
                answer, buffers = lent.answer((message, buffers))
            self._channel.send(answer, clock, buffers)

    def _receive(self, clock: Clock) -> Frame[messages.FromGuest]:
        frame = self._channel.receive(clock, lambda: self._look(clock))
        if isinstance(frame[0], messages.Breach):
            self._fail(Status(frame[0].status))
        return frame

    def _look(self, clock: Clock) -> None:
        """Ends a run that uses more than one core, more threads or more files than allowed."""
        facts, limits = self._lifeline.look(), self._limits
        if facts is None:
            return
        if clock.cpu is None:
            clock.cpu = facts.cpu
        most = limits.cores * clock.seconds
        if facts.cpu - clock.cpu > most:
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
        return CellResult(checked_outputs(done.outputs), done.execution_count, raised, done.seconds)

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
        except (WireError, RecursionError):
            self._fail(Status.BLOCKED)

    def _fail(self, status: Status) -> NoReturn:
        limits = self._limits
        text = _MESSAGES[status].format(memory=limits.memory_bytes >> 20, output=limits.output_bytes // 1000)
        self._end(Breach(status, text))

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
            return Breach(Status.BLOCKED, _MESSAGES[Status.BLOCKED])
        self._ended = True
        code = exited.code
        if code < 0:
            if -code == signal.SIGXCPU:
                return Breach(Status.TIMEOUT, "the notebook as a whole used up its processor time")
            with suppress(ValueError):
                number = signal.Signals(-code)
                cause = _SIGNALS.get(number, f"the signal {number.name}")
                return Breach(Status.CRASHED, f"the process died from {cause}")
            return Breach(Status.CRASHED, f"the process died from the signal {-code}")
        return Breach(
            Status.EXITED, f"the code ended its process with exit code {code}: remove os._exit and similar calls"
        )

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
            self._force()
            clock = Clock(_DEATH_SECONDS)
            with suppress(Late, Gone, WireError):
                while True:
                    self._channel.receive(clock)


def _out_of_turn(message: messages.FromGuest) -> str:
    return f"{type(message).__name__} out of turn"
