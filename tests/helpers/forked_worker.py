"""Worker processes that are forked from this one, with everything loaded, and runs without a student's process.

The recorder's side, the worker's loop, its page of memory and the judge are the true ones; what is missing is the
sandbox. So a death of the judge costs a fork and no start of Python.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from autograder.pipeline.grading import worker_process, workers
from autograder.sandbox.guest.messenger import loopback
from autograder.sandbox.host.run import CellResult

__all__ = ["FakeRun", "fork_workers"]


class FakeRun:
    """A run whose cells do what `runs` does with their source; its functions are `answers`, by name."""

    lost_threads, over, spent = 0, False, 0.0

    def __init__(self, runs: Callable[[str], object], answers: Mapping[str, Any]) -> None:
        self.runs, self.answers = runs, answers

    def execute(self, source: str, **_: Any) -> CellResult:
        self.runs(source)
        return CellResult([], 1, None, 0.0)

    def judge(self, name: str, judge: Callable[[Any], None], *_: Any) -> CellResult:
        judge(loopback(self.answers[name]))
        return CellResult([], None, None, 0.0)

    def copy(self) -> FakeRun:
        return self

    def close(self) -> None:
        pass


class _Sandbox:
    isolation, makes_copies = "none", True

    def __init__(self, start: Callable[[], FakeRun]) -> None:
        self._start = start

    def start(self, forbids: tuple[str, ...] = ()) -> FakeRun:
        return self._start()


class _Forked:
    """As much of `subprocess.Popen` as the recorder needs."""

    def __init__(self, command: list[str], *, stdout: Any, **_: Any) -> None:
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            try:
                faulthandler.disable()
                for number in (signal.SIGINT, signal.SIGTERM):
                    signal.signal(number, signal.SIG_DFL)
                os.dup2(stdout.fileno(), 1)
                os.dup2(stdout.fileno(), 2)
                sys.argv = command[-3:]
                worker_process.main()
            finally:
                os._exit(1)

    def poll(self) -> int | None:
        if self.returncode is None:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if done else None
        return self.returncode

    def wait(self, timeout: float = 60.0) -> int:
        end = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("a forked worker", timeout)
            time.sleep(0.005)
        assert self.returncode is not None
        return self.returncode

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


class _Subprocess:
    Popen, DEVNULL, TimeoutExpired = _Forked, subprocess.DEVNULL, subprocess.TimeoutExpired


def fork_workers(patch: pytest.MonkeyPatch, start: Callable[[], FakeRun]) -> None:
    """From now on workers are forks of this process; `start` makes the run that a job's notebook gets."""

    @contextmanager
    def warm_sandbox(*_: Any) -> Any:
        yield _Sandbox(start)

    patch.setattr(workers, "subprocess", _Subprocess)
    patch.setattr(worker_process, "warm_sandbox", warm_sandbox)
