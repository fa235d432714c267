"""Judges one exercise with limits on the judge's own time and memory, and turns the judge's exceptions into a status.

The judge computes with what students return, and anything may happen to it then. Its own time is what passes outside
of the calls to the student's function, which have their own clock, and what functions take that it lends to them; the
parent process watches it. Its memory is limited by the system, relative to what the process has when it begins:
RLIMIT_DATA counts what a process may write to, not the libraries and reservations in its address space, which are many
times as large with torch, and more so with CUDA. An allocation beyond it fails and is an exception, where the machine's
own lack of memory would be a kill.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from autograder.calls import Breach, Call, Outcome, Status
from autograder.exercise import Exercise, Verdict
from autograder.judge.conceal import concealed_breach
from autograder.judge.evaluate import Evaluation
from autograder.pipeline.grading.judge_death import JudgeDeath, JudgeFailed, status_of
from autograder.pipeline.grading.stages import here
from autograder.sandbox.host.run import SandboxError

__all__ = ["MEMORY_BYTES", "GuardedEvaluation"]

MEMORY_BYTES = 2 << 30
"""What judging one exercise may take: as much as a student's process. The largest of the course takes 70 MB."""
_GRACE_SECONDS = 60.0
"""On top of a call's own clock, which ends it first: for a function that was lent, and for decoding the answer."""
_AFTERWARDS_SECONDS = 120.0
"""Until the next stage is noted: the way back, and drawing the verdict."""


class GuardedEvaluation:
    """Judges one exercise as `Evaluation` does, within the judge's limits.

    Once the judge has failed, the verdict says so and nothing more is tried.
    """

    def __init__(
        self,
        exercise: Exercise,
        secret: bytes | None,
        device: str = "cpu",
        patience: float = 1.0,
        *,
        is_late: bool = False,
    ) -> None:
        """Takes what `Evaluation` takes.

        `patience` multiplies the limits of time; `is_late` says that hidden cases of the submission were tried before.
        """
        self._exercise, self._secret, self._device, self._patience = exercise, secret, device, patience
        self._clock = _OwnClock(exercise, patience)
        self._evaluation: Evaluation | None = None
        self._failed: Verdict | None = None
        self._conceals = is_late
        """Whether how the process ends may say something of a hidden case."""

    def try_visible(self, call: Call) -> None:
        """Tries the visible cases and properties.

        Raises:
            JudgeFailed: the judge raised an exception.
        """
        with self._guarded("judging"):
            self._prepared().try_visible(_Watched(call, self._clock, self._told))

    def try_hidden(self, call: Call) -> None:
        """Tries the rest.

        Raises:
            JudgeFailed: the judge raised an exception.
        """
        self._conceals = True
        with self._guarded("judging"):
            self._prepared().try_hidden(_Watched(call, self._clock, self._told))

    def explain(self, call: Call, text: str, seconds: float) -> None:
        """Looks for the slip in an answer that fails; whatever happens, points and status stay as they are.

        Raises:
            Breach: the answer's process is gone.
        """
        if self._failed is not None or self._evaluation is None or not text:
            return
        with suppress(JudgeFailed), self._guarded("diagnosing"):
            self._evaluation.diagnosis()
        if self._failed is not None:
            return
        self._clock.enter("explaining")
        try:
            with limited_memory(MEMORY_BYTES):
                self._evaluation.explain(_Watched(call, self._clock, self._told), text, self._patience * seconds)
        except (SandboxError, Breach):
            raise
        except (Exception, _NoMemory):  # the text is a student's: help that fails costs nobody a point
            self._evaluation.slip = ()
        finally:
            self._clock.leave()
            here().extend(self._patience * _AFTERWARDS_SECONDS)

    @property
    def passed(self) -> int:
        """How many cases and properties have passed so far; none once the judge has failed."""
        return self._evaluation.passed if self._evaluation is not None and self._failed is None else 0

    def stop(self, breach: Breach) -> None:
        """Ends the judging here, unless it has ended already."""
        if self._evaluation is not None:
            self._evaluation.stop(self._told(breach))

    def verdict(self) -> Verdict:
        """Points, status and diagnosis from what was tried, or how the judge failed."""
        with suppress(JudgeFailed), self._guarded("diagnosing"):
            return self._prepared().verdict()
        assert self._failed is not None
        return self._failed

    def _told(self, breach: Breach) -> Breach:
        """What a student is told of how the process ended."""
        return concealed_breach(breach) if self._conceals else breach

    def _prepared(self) -> Evaluation:
        if self._evaluation is None:
            self._evaluation = Evaluation(self._exercise, self._secret, self._device)
        return self._evaluation

    @contextmanager
    def _guarded(self, stage: str) -> Iterator[None]:
        if self._failed is not None:
            raise JudgeFailed(self._failed)
        self._clock.enter(stage)
        try:
            with limited_memory(MEMORY_BYTES):
                yield
        except (SandboxError, Breach):
            raise
        except (Exception, _NoMemory) as error:
            cause = error.__cause__ if isinstance(error, _NoMemory) and error.__cause__ is not None else error
            death = JudgeDeath(status_of(cause), type(cause).__name__, here().read()[0], self._exercise.id)
            here().failures.append(death.flag)
            self._failed = death.verdict(self._exercise)
            raise JudgeFailed(self._failed) from error
        finally:
            self._clock.leave()
            here().extend(self._patience * _AFTERWARDS_SECONDS)


class _NoMemory(BaseException):
    """Memory ran out within a call, which is then half done; no handler in the judge may take it for an answer."""


class _OwnClock:
    """The judge's own time for one exercise: what passes outside of the calls, in all stages together."""

    def __init__(self, exercise: Exercise, patience: float) -> None:
        self._id = exercise.id
        self._of_calls = patience * exercise.seconds + patience * _GRACE_SECONDS
        self._left = patience * (exercise.judge_seconds + exercise.seconds)  # gradients are asked for outside of calls
        self._since = time.monotonic()

    def enter(self, stage: str) -> None:
        """A stage begins."""
        self._since = time.monotonic()
        here().enter(stage, self._id, max(self._left, 0.001))

    def leave(self) -> None:
        """A stage is over."""
        self._left -= time.monotonic() - self._since

    def call_begins(self) -> float:
        """The clock stops; returns the moment.

        Raises:
            Breach: the judge's time is used up.
        """
        now = time.monotonic()
        self._left -= now - self._since
        self._since = now
        if self._left <= 0:
            self._over()
        here().extend(self._of_calls + self._left)
        return now

    def call_ends(self, own: float = 0.0) -> None:
        """The clock goes on; `own` seconds of the call were the judge's."""
        self._left -= own
        self._since = time.monotonic()
        here().extend(max(self._left, 0.001))

    def _over(self) -> NoReturn:
        death = JudgeDeath(Status.TIMEOUT, "stopped", here().read()[0], self._id)
        here().failures.append(death.flag)
        raise Breach(death.status, death.message)


class _Watched:
    """A call to the student's function; while it does not run, the judge's own time passes."""

    def __init__(self, call: Call, clock: _OwnClock, told: Callable[[Breach], Breach]) -> None:
        self._call = call
        self._clock = clock
        self._told = told

    def __call__(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], through: str | int = "", **how: Any
    ) -> Outcome:
        began, own = self._clock.call_begins(), 0.0
        try:
            done = self._call(args, kwargs, through, **how)
            own = max(time.monotonic() - began - done.seconds, 0.0)
            return done
        except Breach as breach:
            raise self._told(breach) from None
        except Exception as error:
            if status_of(error) is Status.MEMORY:
                raise _NoMemory from error
            raise
        finally:
            self._clock.call_ends(own)


@contextmanager
def limited_memory(more: int) -> Iterator[None]:
    """Within the block this process may take that many bytes more from the system, beside what it has used and freed.

    There is no limit where the system has none.
    """
    used = _writable_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if used is None or any(limit != resource.RLIM_INFINITY and limit < used + more for limit in (soft, hard)):
        yield
        return
    resource.setrlimit(resource.RLIMIT_DATA, (used + more, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _writable_bytes() -> int | None:
    """What RLIMIT_DATA counts; None where the system does not say (macOS, which does not enforce it either)."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[5])
    except OSError:
        return None
    return pages * resource.getpagesize()
