"""The warm server: loads the libraries once, then forks one process for every run. Knows no answers.

Started by the host as `python -m autograder.sandbox.server DESCRIPTOR ROOT MODULE...`. The control socket brings one
request for each run, with two descriptors: the run's channel, which the child keeps, and its lifeline, which stays
here. On the lifeline the host reads the process id and in the end the exit status. A "c" from the host asks for the
processor time of the run, read here, where no student can reach; any other byte, or the lifeline's end, kills the run.
When the control socket ends, so does everything else.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from autograder.sandbox import child
from autograder.sandbox.limits import Limits
from autograder.sandbox.processes import adopt_orphans, cpu_nanoseconds, kill_group, kill_orphans, kill_rest

__all__ = ["REQUEST_BYTES", "main"]

REQUEST_BYTES = 1 << 16
_WARM = ("numpy", "IPython", "matplotlib.pyplot", "matplotlib_inline.backend_inline", "autograder.sandbox.shell")


@dataclass
class _Server:
    control: socket.socket
    runs: dict[int, socket.socket] = field(default_factory=dict)
    """Lifelines by process id."""

    def __post_init__(self) -> None:
        self.woken, self.waker = socket.socketpair()
        self.waker.setblocking(False)
        self.woken.setblocking(False)
        signal.set_wakeup_fd(self.waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def loop(self) -> child.Job | None:
        """Serves until the host is gone (None); in a forked child, that child's job."""
        while True:
            poll = select.poll()
            lifelines = {line.fileno(): pid for pid, line in self.runs.items()}
            for number in (self.control.fileno(), self.woken.fileno(), *lifelines):
                poll.register(number, select.POLLIN)
            ready = {number for number, _ in poll.poll()}
            if self.woken.fileno() in ready:
                with suppress(BlockingIOError):
                    self.woken.recv(4096)
                self.reap()
            for number in ready & set(lifelines):
                if lifelines[number] in self.runs:
                    self.answer(lifelines[number])
            if self.control.fileno() in ready:
                data, descriptors, _, _ = socket.recv_fds(self.control, REQUEST_BYTES, 2)
                if not data:
                    return None
                job = self.fork(json.loads(data), descriptors)
                if job is not None:
                    return job

    def fork(self, request: dict[str, object], descriptors: list[int]) -> child.Job | None:
        """Starts a run; returns its job in the new process only."""
        channel, lifeline = (socket.socket(fileno=number) for number in descriptors)
        pid = os.fork()
        if pid:
            channel.close()
            self.runs[pid] = lifeline
            _tell(lifeline, {"pid": pid})
            return None
        for other in (self.control, self.woken, self.waker, lifeline, *self.runs.values()):
            other.close()
        forbids = tuple(map(str, request["forbids"]))  # type: ignore[call-overload]
        return child.Job(channel, Path(str(request["folder"])), Limits(**request["limits"]), forbids)  # type: ignore[arg-type]

    def answer(self, pid: int) -> None:
        """Does what the host says on a run's lifeline."""
        try:
            word = self.runs[pid].recv(1, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            word = b""
        if word == b"c":
            _tell(self.runs[pid], {"cpu": cpu_nanoseconds(pid)})
        else:
            kill_group(pid)

    def reap(self) -> None:
        """Collects the dead, kills what they left and tells the host."""
        for pid in list(self.runs):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                lifeline = self.runs.pop(pid)
                kill_rest(pid)
                kill_orphans(set(self.runs))
                _tell(lifeline, {"exit": os.waitstatus_to_exitcode(status)})
                lifeline.close()
        with suppress(ChildProcessError):
            while not self.runs and os.waitpid(-1, os.WNOHANG)[0]:
                pass

    def close(self) -> None:
        """Kills every run."""
        for pid, lifeline in self.runs.items():
            kill_group(pid)
            lifeline.close()
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)
        kill_orphans(set())


def _tell(lifeline: socket.socket, message: dict[str, int]) -> None:
    with suppress(OSError):
        lifeline.sendall(json.dumps(message).encode() + b"\n")


def _warm_up(modules: list[str]) -> None:
    for name in (*_WARM, *modules):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def main(arguments: list[str]) -> None:
    """Serves the host at the other end of a descriptor."""
    control = socket.socket(fileno=int(arguments[0]))
    adopt_orphans()
    _warm_up(arguments[2:])
    server = _Server(control)
    with suppress(OSError):  # the host may be gone by now: then the loop ends at once
        control.sendall(b"ready")
    job = server.loop()
    if job is not None:
        del server, control
        child.run(job)
    server.close()
    shutil.rmtree(arguments[1], ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
