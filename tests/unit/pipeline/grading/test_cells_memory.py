"""While cells run, in whichever process, the worker's memory is limited as it is while an answer is judged."""

import resource
import sys

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder.calls import Status
from autograder.exercise import Case, Exercise, Rules
from autograder.pipeline.grading.judge_notebook import judge_notebook
from autograder.sandbox.host.pipes import Channel
from autograder.sandbox.host.sandbox import Sandbox

SLOPE = Exercise(
    id="toy.slope",
    reference=lambda x: 2.0,
    signature="slope(x)",
    groups={"basics": 1},
    visible=lambda rng: [Case("shown", (1.0,))],
    hidden=lambda rng: [],
    rules=Rules(forbids=("numpy.gradient",)),
)


def cell(grade_id, source, *, given=True):
    marks = {"grade": given, "grade_id": grade_id, "locked": given, "schema_version": 3, "solution": not given}
    return new_code_cell(source, metadata={"nbgrader": marks | {"task": False}})


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="this system does not limit a process's memory")
def test_nothing_is_received_without_a_limit_but_readiness(monkeypatch):
    true, seen = Channel.receive, []

    def receive(self, clock, look=None, most=0):
        message, buffers = true(self, clock, look, most)
        limited = resource.getrlimit(resource.RLIMIT_DATA)[0] != resource.RLIM_INFINITY
        seen.append((type(message).__name__, limited, most > 0))
        return message, buffers

    monkeypatch.setattr(Channel, "receive", receive)
    cells = [cell("slope", "def slope(x):\n    return 2.0", given=False), cell("slope_check", "check('toy.slope')")]
    with Sandbox("process") as sandbox:
        verdict = judge_notebook(sandbox, new_notebook(cells=cells), [SLOPE], b"secret")["toy.slope"]
    assert verdict.status is Status.PASSED
    assert {kind for kind, _, _ in seen} == {"Ready", "Finished", "Forked", "Check", "Outcome"}
    assert all(bounded for _, _, bounded in seen)
    ran = [limited for kind, limited, _ in seen if kind == "Finished"]
    assert ran.count(True) == 2, "the cell ran in two processes"
    assert all(limited for kind, limited, _ in seen if kind == "Outcome")
