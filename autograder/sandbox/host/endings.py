"""How runs end, in words for the student, and the errors that are nobody's but the sandbox's own."""

from __future__ import annotations

import signal
from contextlib import suppress

from autograder.calls import Breach, Status
from autograder.sandbox.kernel.limits import Limits

__all__ = ["JailBroken", "SandboxError", "broken", "died", "kept_too_much", "too_slow"]

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


def broken(status: Status, limits: Limits) -> Breach:
    """A limit that was broken: memory, output, or the rule to leave the grader's connection alone."""
    text = _MESSAGES[status].format(memory=limits.memory_bytes >> 20, output=limits.output_bytes // 1000)
    return Breach(status, text)


def kept_too_much(limits: Limits) -> Breach:
    """The copies of a notebook's process, one for each check, hold too much memory together."""
    most = limits.memory_bytes >> 20
    text = f"what the notebook holds in memory at its checks adds up to more than {most} MB: delete what is done with"
    return Breach(Status.MEMORY, text)


def too_slow(seconds: float, lost_threads: int) -> str:
    """What is said when time is up; a copy may have waited in vain for threads that it did not take along."""
    said = f"the code ran longer than {seconds:.3g} s and was stopped: look for a loop that never ends or waits"
    if not lost_threads:
        return said
    which = f"{lost_threads} threads" if lost_threads > 1 else "a thread"
    return f"{said}; an earlier cell left {which} running, and none of them runs here: start threads in the function"


def died(code: int) -> Breach:
    """A process that ended by itself; a negative code is the signal that ended it."""
    if code >= 0:
        text = f"the code ended its process with exit code {code}: remove os._exit and similar calls"
        return Breach(Status.EXITED, text)
    if -code == signal.SIGXCPU:
        return Breach(Status.TIMEOUT, "the notebook as a whole used up its processor time")
    with suppress(ValueError):
        number = signal.Signals(-code)
        cause = _SIGNALS.get(number, f"the signal {number.name}")
        return Breach(Status.CRASHED, f"the process died from {cause}")
    return Breach(Status.CRASHED, f"the process died from the signal {-code}")
