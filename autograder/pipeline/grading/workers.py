"""Worker processes, seen from the recorder: they judge, it watches, and their death costs one exercise of one student.

A worker does one job at a time and notes its stage on a page of shared memory. If it dies or its judge takes too long,
the page says which exercise was at fault: that exercise gets a status and a flag, and a fresh worker does the job again
without it. So a submission ends after at most two deaths for each of its exercises, one in a cell and one in its judge,
and none begins again after ten minutes. A worker that somebody killed is replaced, and the job repeated, before any
exercise is suspected.
"""

from __future__ import annotations

import atexit
import json
import mmap
import os
import pickle
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from threading import Lock

from autograder.calls import Status
from autograder.pipeline.grading.judge_death import JudgeDeath
from autograder.pipeline.grading.stages import NOBODY_AT_FAULT, SIZE, Stages
from autograder.pipeline.grading.submission import HandedIn, Job, Result, grader_failed, judge_died
from autograder.pipeline.grading.warm_sandbox import Setup
from autograder.pipeline.grading.worker_process import LENGTH
from autograder.reports.store import from_plain
from autograder.sandbox.host.run import JailBroken, SandboxError

__all__ = ["Closed", "Worker", "close", "grade_apart"]

MOST_BYTES = 500_000_000
"""Of one result: a notebook with all its outputs, as text."""
MOST_SECONDS = 600.0
"""Of one submission, after which no death is followed by another worker; a slow machine gets more."""
_LOOK_SECONDS = 0.1
_START_SECONDS = 300.0
_STOP_SECONDS = 10.0
_ATTEMPTS = 3
"""How many workers of a job may be killed from outside, or fail to start, before that is no longer an accident."""
_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


class Closed(RuntimeError):
    """The worker was told to end while it had a job."""


class _Ended(Exception):
    """The worker's process ended before it had answered.

    Attributes:
        death: the stage in which it ended, and how.
        from_outside: whether somebody may have killed it.
        said: the last lines that it printed.
    """

    def __init__(self, death: JudgeDeath, from_outside: bool, said: str):
        super().__init__(death.reason)
        self.death = death
        self.from_outside = from_outside
        self.said = said


class Worker:
    """One worker process at a time, started when there is a job and replaced when it ends."""

    def __init__(self) -> None:
        self._process: _Process | None = None
        self._lock = Lock()
        self._closed = False

    def grade(self, job: Job, setup: Setup, handed_in: HandedIn) -> Result:
        """Grades one submission in the worker process; a death of that process becomes a status of an exercise.

        Raises:
            SandboxError: the sandbox does not work, or no worker starts.
            ValueError: this machine lacks the isolation.
            Closed: `close` or `kill` was called meanwhile.
        """
        deaths: list[JudgeDeath] = []
        unexplained, began = 0, time.monotonic()
        while True:
            try:
                return self._attempt(job, setup, handed_in, tuple(deaths))
            except _Ended as ended:
                death, nobody = ended.death, ended.death.stage in NOBODY_AT_FAULT
                if nobody or ended.from_outside:
                    unexplained += 1
                    if unexplained < _ATTEMPTS:
                        continue
                    if nobody:
                        raise SandboxError(f"no worker process stays alive ({death.reason}): {ended.said}") from None
                known = {(each.exercise, each.is_in_a_cell) for each in deaths}
                deaths.append(death)
                if not death.exercise or (death.exercise, death.is_in_a_cell) in known:
                    return judge_died(job, handed_in, deaths)
                if time.monotonic() - began > job.patience * MOST_SECONDS:
                    too_long = f"{job.patience * MOST_SECONDS / 60:.0f} minutes in all"
                    deaths.append(JudgeDeath(Status.TIMEOUT, too_long, death.stage))
                    return judge_died(job, handed_in, deaths)

    def _attempt(self, job: Job, setup: Setup, handed_in: HandedIn, deaths: tuple[JudgeDeath, ...]) -> Result:
        process = self._living()
        try:
            answer = process.ask(pickle.dumps((job, setup, handed_in, deaths)))
        except BaseException:
            self._drop(process)
            if self._closed:
                raise Closed("the worker was closed") from None
            raise
        try:
            return _result(answer, job)
        except (KeyError, TypeError, RecursionError, UnicodeError, json.JSONDecodeError, _Malformed) as error:
            self._drop(process)
            return grader_failed(job, f"its worker answered with something else: {type(error).__name__}")

    def _living(self) -> _Process:
        with self._lock:
            if self._closed:
                raise Closed("the worker is closed")
            if self._process is not None and not self._process.is_alive:
                self._process.kill()
                self._process = None
            if self._process is None:
                self._process = _Process()
            return self._process

    def _drop(self, process: _Process) -> None:
        process.kill()
        with self._lock:
            if self._process is process:
                self._process = None

    def hang_up(self) -> None:
        """Lets the process end by itself, and accepts no further job."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                self._process.hang_up()

    def close(self) -> None:
        """Ends the process, once it has put away its sandbox."""
        self.hang_up()
        with self._lock:
            if self._process is not None:
                self._process.close()
                self._process = None

    def kill(self) -> None:
        """Ends the process at once; whoever waits for a result gets `Closed`."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                self._process.signal_death()

    def reopen(self) -> None:
        """Accepts jobs again."""
        self._closed = False


class _Malformed(Exception):
    """An answer that is not a result of the job."""


def _result(answer: bytes, job: Job) -> Result:
    """The result in a worker's answer.

    Raises:
        SandboxError: the worker could not grade at all.
        ValueError: its machine lacks the isolation.
    """
    found = json.loads(answer)
    if "failed" in found:
        raise (JailBroken if found["failed"] == "isolation" else SandboxError)(str(found["message"]))
    try:
        graded = from_plain(found["graded"])
    except ValueError as error:
        raise _Malformed(str(error)) from None
    texts = [found[name] for name in ("notebook", "fingerprint", "isolation")]
    if (graded.student, graded.assignment) != (job.student, job.assignment) or {*map(type, texts)} != {str}:
        raise _Malformed("a result of another job")
    return Result(graded, *texts)


class _Process:
    """One process with its socket, its page and what it prints."""

    def __init__(self) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        with tempfile.TemporaryFile() as file:
            file.truncate(SIZE)
            self._stages = Stages(mmap.mmap(file.fileno(), SIZE))
            self._stages.enter(NOBODY_AT_FAULT[0], seconds=_START_SECONDS)
            self._channel, theirs = socket.socketpair()
            with theirs:
                given = (theirs.fileno(), file.fileno())
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "autograder.pipeline.grading.worker_process", *map(str, given)],
                    pass_fds=given,
                    stdin=subprocess.DEVNULL,
                    stdout=self._log,
                    stderr=self._log,
                    env=os.environ | {"PYTHONPATH": os.pathsep.join(_search_path())},
                    start_new_session=True,  # Ctrl-C reaches the recorder alone
                )
        self._channel.settimeout(_START_SECONDS)

    @property
    def is_alive(self) -> bool:
        """Whether it runs and has not hung up."""
        return self._process.poll() is None and not select.select([self._channel], [], [], 0)[0]

    def ask(self, data: bytes) -> bytes:
        """The answer to a job.

        Raises:
            _Ended: the process ended first, by itself or because its stage took too long.
        """
        try:
            self._channel.sendall(LENGTH.pack(len(data)) + data)
            (length,) = LENGTH.unpack(self._exactly(LENGTH.size))
            if length > MOST_BYTES:
                raise OSError("an answer of an absurd size")
            return self._exactly(length)
        except TimeoutError:
            self.signal_death()
            stage, exercise = self._post_mortem()
            raise _Ended(JudgeDeath(Status.TIMEOUT, "stopped", stage, exercise), False, self._said()) from None
        except OSError:
            stage, exercise = self._post_mortem()
            reason, from_outside = self._how()
            raise _Ended(JudgeDeath(Status.CRASHED, reason, stage, exercise), from_outside, self._said()) from None

    def _exactly(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            if not select.select([self._channel], [], [], _LOOK_SECONDS)[0]:
                if self._stages.overdue:
                    raise TimeoutError
                continue
            part = self._channel.recv(min(count - len(data), 1 << 20))
            if not part:
                raise ConnectionResetError
            data += part
        return bytes(data)

    def _post_mortem(self) -> tuple[str, str]:
        """The stage and the exercise in which it ended."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_SECONDS)
        self.signal_death()
        self._process.wait()
        return self._stages.read()

    def _how(self) -> tuple[str, bool]:
        """How it ended, and whether somebody may have killed it."""
        code = self._process.returncode
        if code >= 0:
            return f"exit code {code}", False
        with suppress(ValueError):
            number = signal.Signals(-code)
            return f"signal {number.name}", number in _FROM_OUTSIDE
        return f"signal {-code}", False

    def _said(self) -> str:
        """The end of what it printed, on one line."""
        with suppress(OSError, ValueError):
            self._log.seek(0)
            return " ".join(self._log.read().decode("utf-8", "replace").split())[-1000:] or "it printed nothing"
        return "it printed nothing"

    def signal_death(self) -> None:
        """Kills it; whoever waits for it notices."""
        if self._process.poll() is None:
            self._process.kill()

    def hang_up(self) -> None:
        """Tells it that no job will come."""
        with suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)

    def kill(self) -> None:
        """Kills it and lets go of everything."""
        self.signal_death()
        self._process.wait()
        self._let_go()

    def close(self) -> None:
        """Waits for its end, and kills it if that does not come."""
        end = time.monotonic() + _STOP_SECONDS
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(max(end - time.monotonic(), 0))
        self.kill()

    def _let_go(self) -> None:
        self._channel.close()
        self._log.close()


def _search_path() -> list[str]:
    """Where this process finds modules, for a process that has to find the same ones."""
    root = str(Path(__file__).resolve().parents[3])
    return [path for path in dict.fromkeys((*sys.path, root)) if path]


# --- the worker of this process --------------------------------------------------------------------------

_own = Worker()
_own_lock = Lock()


def grade_apart(job: Job, setup: Setup, handed_in: HandedIn) -> Result:
    """Grades one submission in this process's own worker, which stays warm; other threads wait.

    Raises:
        SandboxError: the sandbox does not work, or no worker starts.
        ValueError: this machine lacks the isolation.
    """
    with _own_lock:
        _own.reopen()
        return _own.grade(job, setup, handed_in)


def close() -> None:
    """Ends this process's own worker, if there is one."""
    _own.close()


atexit.register(close)
