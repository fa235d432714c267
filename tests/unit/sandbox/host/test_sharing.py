"""Submissions that are graded at the same time: what one of them does costs the others nothing."""

import os
import subprocess
import sys
import time
from contextlib import ExitStack

import pytest
from rungs import HERE, LIMITS

from autograder.calls import Breach, Status
from autograder.sandbox.host import processors
from autograder.sandbox.host.pipes import Clock, Facts
from autograder.sandbox.host.sandbox import Sandbox
from autograder.sandbox.kernel.priority import NICE

STRONGEST = [name for name, rung in HERE.items() if rung.ok][-1]
several_processors = pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2, reason="this machine has one processor"
)
PLACE = "import os\nprint(*os.sched_getaffinity(0), os.getpriority(os.PRIO_PROCESS, 0))"
BUSY = """
import threading, numpy as np
go = threading.Event()
def busy(a=np.ones(100_000)):
    go.wait()  # a thread that starts beside busy ones waits for its turn behind all of them
    while True:
        np.sin(a)  # without the interpreter's lock; BLAS ends a process in which too many threads multiply
for _ in range(60):
    threading.Thread(target=busy, daemon=True).start()
go.set()
"""
WORK = "import time\nbegin = time.process_time()\nwhile time.process_time() - begin < {seconds}: pass"


@pytest.fixture(autouse=True)
def nobody_else(monkeypatch):
    """The sandboxes of other tests have processors of their own."""
    monkeypatch.setattr(processors, "_NAME", f"autograder-test-{os.getpid()}")


@several_processors
def test_two_submissions_have_a_processor_each_and_give_way_to_the_grader():
    with (
        Sandbox(STRONGEST, limits=LIMITS) as first,
        Sandbox(STRONGEST, limits=LIMITS) as second,
        first.start() as run,
        second.start() as other,
    ):
        places = [list(map(int, each.execute(PLACE).outputs[0]["text"].split())) for each in (run, other)]
        own = os.getpriority(os.PRIO_PROCESS, 0)
        assert [nice for _, nice in places] == [min(own + NICE, 19)] * 2
        assert places[0][0] != places[1][0]
        if STRONGEST != "process":
            refused = run.execute("os.sched_setaffinity(0, range(os.cpu_count()))").error
            assert refused.kind == "PermissionError"
        run.execute(BUSY)
        assert other.execute(WORK.format(seconds=1.0), seconds=2.0).error is None


@several_processors
def test_processors_are_shared_out_and_given_back():
    own = os.sched_getaffinity(0)
    with ExitStack() as stack:
        claimed = [processors.claim(stack) for _ in range(2 * len(own))]
        assert set(claimed) <= own
    with ExitStack() as stack:
        assert processors.claim(stack) in own


@several_processors
def test_waiting_for_a_busy_processor_is_no_timeout_and_sleeping_is_one():
    with Sandbox(STRONGEST, limits=LIMITS) as sandbox, sandbox.start() as run:
        place = run.execute(PLACE).outputs[0]["text"].split()[0]
        burn = f"import os\nos.sched_setaffinity(0, {{{place}}})\nprint(flush=True)\nwhile True: pass"
        burning = [subprocess.Popen([sys.executable, "-c", burn], stdout=subprocess.PIPE) for _ in range(2)]
        try:
            for each in burning:
                assert each.stdout is not None
                each.stdout.readline()  # it has begun
            begin = time.monotonic()
            assert run.execute(WORK.format(seconds=1.0), seconds=1.6).error is None
            assert time.monotonic() - begin > 1.6
        finally:
            for each in burning:
                each.kill()
                each.communicate()
        with pytest.raises(Breach) as caught:
            run.execute("time.sleep(30)", seconds=0.5)
        assert caught.value.status is Status.TIMEOUT


def test_only_waiting_for_others_is_left_out(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def used(cpu: float, waited: float, seconds: float = 10.0) -> float:
        now[0] = 100.0
        clock = Clock(seconds, before=Facts(5.0, 1, 0, 3.0))
        now[0] += 8.0
        clock.excuse(Facts(5.0 + cpu, 1, 0, 3.0 + waited))
        return clock.used

    assert used(cpu=2.0, waited=6.0) == 2.0
    assert used(cpu=1.0, waited=0.0) == 8.0  # it slept
    assert used(cpu=7.5, waited=7.0) == 7.5  # its own threads had the processor
    assert used(cpu=0.0, waited=8.0, seconds=0.5) == 3.5  # ten times the limit is the end
