"""Judges one exercise with limits on the judge's own time and memory, and turns the judge's exceptions into a status.

The judge computes with what students return, and anything may happen to it then. Its own time is what passes outside
of the calls to the student's function, which have their own clock, and what functions take that it lends to them; the
parent process watches it. Its memory is limited
by the system, relative to what the process has when it begins: RLIMIT_DATA counts what a process may write to, not the
libraries and reservations in its address space, which are many times as large with torch, and more so with CUDA. An
allocation beyond it fails and is an exception, where the machine's own lack of memory would be a kill.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from autograder.exercise import Breach, Call, Exercise, Outcome, Status, Verdict
from autograder.judge.evaluate import evaluate
from autograder.pipeline.grading.judge_death import JudgeDeath, JudgeFailed, status_of
from autograder.pipeline.grading.stages import here
from autograder.sandbox.host.run import SandboxError

__all__ = ["MEMORY_BYTES", "evaluate_guarded"]

MEMORY_BYTES = 2 << 30
"""What judging one exercise may take: as much as a student's process. The largest of the course takes 70 MB."""
_GRACE_SECONDS = 60.0
"""On top of a call's own clock, which ends it first: for a function that was lent, and for decoding the answer."""
_AFTERWARDS_SECONDS = 120.0
"""Until the next stage is noted: the way back, and drawing the verdict."""


def evaluate_guarded(
    exercise: Exercise, call: Call, *, secret: bytes | None, device: str = "cpu", patience: float = 1.0
) -> Verdict:
    """Judges the answer that `call` reaches, as `evaluate` does, within the judge's limits.

    Raises:
        JudgeFailed: the judge raised an exception; it holds the verdict.
        Breach: the student's process is gone.
    """
    watched = _Watched(exercise, call, patience)
    try:
        with limited_memory(MEMORY_BYTES):
            return evaluate(exercise, watched, secret=secret, device=device, enter=watched.enter)
    except SandboxError:
        raise
    except (Exception, _NoMemory) as error:
        cause = error.__cause__ if isinstance(error, _NoMemory) and error.__cause__ is not None else error
        death = JudgeDeath(status_of(cause), type(cause).__name__, here().read()[0], exercise.id)
        here().failures.append(death.flag)
        raise JudgeFailed(death.verdict(exercise)) from error
    finally:
        here().extend(patience * _AFTERWARDS_SECONDS)


class _NoMemory(BaseException):
    """Memory ran out within a call, which is then half done; no handler in the judge may take it for an answer."""


class _Watched:
    """A call to the student's function; while it does not run, the judge's own time passes."""

    def __init__(self, exercise: Exercise, call: Call, patience: float) -> None:
        self._id = exercise.id
        self._call = call
        self._of_calls = patience * exercise.seconds + patience * _GRACE_SECONDS
        self._left = patience * (exercise.judge_seconds + exercise.seconds)  # gradients are asked for outside of calls
        self._since = time.monotonic()
        self._stages = here()
        self.enter("judging")

    def enter(self, stage: str) -> None:
        """Notes what the judge does now."""
        now = time.monotonic()
        self._left -= now - self._since
        self._since = now
        self._stages.enter(stage, self._id, max(self._left, 0.001))

    def __call__(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], through: str | int = "", **how: Any
    ) -> Outcome:
        began = time.monotonic()
        self._left -= began - self._since
        if self._left <= 0:
            self._over()
        self._stages.extend(self._of_calls + self._left)
        try:
            done = self._call(args, kwargs, through, **how)
            self._left -= max(time.monotonic() - began - done.seconds, 0.0)
            return done
        except Exception as error:
            if status_of(error) is Status.MEMORY:
                raise _NoMemory from error
            raise
        finally:
            self._since = time.monotonic()
            self._stages.extend(max(self._left, 0.001))

    def _over(self) -> NoReturn:
        death = JudgeDeath(Status.TIMEOUT, "stopped", self._stages.read()[0], self._id)
        self._stages.failures.append(death.flag)
        raise Breach(death.status, death.message)


@contextmanager
def limited_memory(more: int) -> Iterator[None]:
    """Within the block this process may take that many bytes more; no limit where the system has none."""
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
