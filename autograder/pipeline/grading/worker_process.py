"""The process that holds the sandbox's trusted end and the judge: grades one submission after another for its parent.

It is started by `workers` with two descriptors: a socket, and the page of memory to which it notes its stage. Jobs
arrive pickled, because the parent is trusted here. Results go back as JSON of limited size, because the parent does not
trust a process that has worked with students' answers: it checks what it gets.
"""

from __future__ import annotations

import os
import pickle
import resource
import select
import socket
import struct
import sys
from collections.abc import Sequence

import msgspec

from autograder.exercises import ASSIGNMENTS
from autograder.pipeline.grading import stages
from autograder.pipeline.grading.judge_death import JudgeDeath
from autograder.pipeline.grading.submission import HandedIn, Job, Result, grade_submission
from autograder.pipeline.grading.warm_sandbox import Setup, close, warm_sandbox
from autograder.reports.store import plain
from autograder.sandbox.host.run import SandboxError
from autograder.sandbox.kernel.processes import die_with_parent

__all__ = ["LENGTH", "grade_here", "main"]

LENGTH = struct.Struct("!Q")
"""In front of each job and each answer."""
_IDLE_SECONDS = 120.0
_OPENING_SECONDS = 600.0


def grade_here(job: Job, setup: Setup, handed_in: HandedIn, deaths: Sequence[JudgeDeath] = ()) -> Result:
    """Grades one submission in this process.

    Raises:
        ValueError: this machine lacks the isolation, or (JailBroken) it does not hold.
        SandboxError: the warm server does not start.
    """
    stages.here().enter("opening the sandbox", seconds=job.patience * _OPENING_SECONDS)
    with ASSIGNMENTS.using(job.table), warm_sandbox(job.assignment, job.master, setup) as sandbox:
        return grade_submission(sandbox, job, handed_in, setup.device, deaths)


def main() -> None:
    """Answers what arrives on the socket until it is closed or nothing has arrived for a while."""
    die_with_parent()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    channel = socket.socket(fileno=int(sys.argv[1]))
    stages.attach(int(sys.argv[2]))
    for descriptor in map(int, sys.argv[1:3]):
        os.set_inheritable(descriptor, False)
    stages.here().enter(stages.IDLE)
    while select.select([channel], [], [], _IDLE_SECONDS)[0]:
        data = _received(channel)
        if data is None:
            break
        answer = msgspec.json.encode(_answer(data))
        channel.sendall(LENGTH.pack(len(answer)) + answer)
        stages.here().enter(stages.IDLE)
    close()


def _received(channel: socket.socket) -> bytes | None:
    """What the parent sends next; None once it has closed the socket."""
    head = _exactly(channel, LENGTH.size)
    return _exactly(channel, LENGTH.unpack(head)[0]) if head is not None else None


def _exactly(channel: socket.socket, count: int) -> bytes | None:
    data = bytearray()
    while len(data) < count:
        part = channel.recv(min(count - len(data), 1 << 20))
        if not part:
            return None
        data += part
    return bytes(data)


def _answer(data: bytes) -> dict[str, object]:
    """A result as plain values, or what kept the submission from being graded at all.

    Raises:
        Exception: the submission itself was the reason; it may cost this process, but no other submission.
    """
    try:
        result = grade_here(*pickle.loads(data))
    except Exception as error:
        if stages.here().read()[0] not in stages.NOBODY_AT_FAULT:
            raise
        kind = "isolation" if isinstance(error, ValueError) else "sandbox"
        known = isinstance(error, (ValueError, SandboxError))
        return {"failed": kind, "message": str(error) if known else f"{type(error).__name__}: {error}"}
    return {
        "graded": plain(result.graded),
        "notebook": result.notebook,
        "fingerprint": result.fingerprint,
        "isolation": result.isolation,
    }


if __name__ == "__main__":
    main()
