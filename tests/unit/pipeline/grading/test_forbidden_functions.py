"""Exercises with forbidden functions are judged where these are gone, always."""

from dataclasses import replace

import nbformat
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from nbformat.v4 import new_code_cell, new_notebook

from autograder.calls import Status
from autograder.exercise import Case, CaseResult, Exercise, Rules, Verdict
from autograder.pipeline.grading.forbidden_functions import blame, uses_forbidden
from autograder.pipeline.grading.judge_notebook import judge_notebook
from autograder.sandbox.host.sandbox import Sandbox

SECRET = b"a secret of these tests"


def conv(x, w):
    """(H, W) and (K, K) to (H - K + 1, W - K + 1)."""
    return np.einsum("ijkl,kl->ij", np.lib.stride_tricks.sliding_window_view(x, w.shape), w)


def total(x):
    return F.conv2d(torch.from_numpy(x)[None, None], torch.ones(1, 1, *x.shape, dtype=torch.float64)).item()


CONV = Exercise(
    id="toy.conv",
    reference=conv,
    signature="conv(x (H, W), w (K, K))",
    groups={"basics": 2, "corners": 1},
    visible=lambda rng: [
        Case("small", (rng.standard_normal((3, 3)), rng.standard_normal((2, 2)))),
        Case("one", (rng.standard_normal((2, 2)), rng.standard_normal((2, 2))), group="corners"),
    ],
    hidden=lambda rng: [Case("larger", (rng.standard_normal((6, 5)), rng.standard_normal((3, 2))))],
    rules=Rules(forbids=("torch.conv2d", "scipy.signal")),
)
TOTAL = replace(CONV, id="toy.total", reference=total, signature="total(x)", groups={"basics": 1}, rules=Rules(),
                visible=lambda rng: [Case("small", (rng.standard_normal((2, 2)),))], hidden=lambda rng: [])  # fmt: skip

IMPORTS = "import numpy as np\nimport torch\nimport torch.nn.functional as F\nfrom autograder import check"
ORACLE = """
def oracle(x, w):
    return F.conv2d(*(torch.tensor(a)[None, None] for a in (x, w)))[0, 0].numpy()
shown = oracle(np.ones((3, 3)), np.ones((2, 2)))
afterwards = 7
"""
HONEST = "def conv(x, w):\n    return np.einsum('ijkl,kl->ij', np.lib.stride_tricks.sliding_window_view(x, w.shape), w)"
CALLED = "def conv(x, w):\n    return F.conv2d(*(torch.tensor(a)[None, None] for a in (x, w)))[0, 0].numpy()"


def cell(grade_id, source, *, given=True):
    marks = {
        "grade": False,
        "grade_id": grade_id,
        "locked": given,
        "schema_version": 3,
        "solution": not given,
        "task": False,
    }
    return new_code_cell(source, metadata={"nbgrader": marks})


def notebook(answer, *, before="", after="def total(x):\n    return float(x.sum())"):
    cells = [
        cell("imports", IMPORTS),
        cell("oracle", ORACLE),
        cell("own", before, given=False),
        cell("conv", answer, given=False),
        cell("conv_check", 'check("toy.conv", conv)'),
        cell("total", after, given=False),
        cell("total_check", 'check("toy.total", total)'),
    ]
    return new_notebook(cells=cells)


class Counted(Sandbox):
    """Notes what was forbidden in the processes it started."""

    def start(self, forbids=()):
        self.started = [*getattr(self, "started", []), forbids]
        return super().start(forbids)


@pytest.fixture(scope="module")
def warm():
    with Counted(isolation="process", preload=("torch", "scipy.signal")) as box:
        yield box


@pytest.fixture
def sandbox(warm):
    warm.started = []
    return warm


def judged(sandbox, made):
    return judge_notebook(sandbox, made, [CONV, TOTAL], SECRET)


def test_plain_code_is_judged_without_it_too(sandbox):
    verdicts = judged(sandbox, notebook(HONEST))
    assert [verdict.status for verdict in verdicts.values()] == [Status.PASSED, Status.PASSED]
    assert sandbox.started == [(), CONV.rules.forbids]


def test_an_exercise_that_forbids_nothing_needs_no_second_process(sandbox):
    verdicts = judge_notebook(sandbox, notebook(HONEST), [TOTAL], SECRET)
    assert [verdict.status for verdict in verdicts.values()] == [Status.PASSED]
    assert sandbox.started == [()]


def test_given_cells_and_ones_own_may_use_it_for_a_comparison(sandbox):
    own = "mine = getattr(np, 'ones')\nassert oracle(mine((3, 3)), mine((2, 2))).shape == (2, 2)\nhalf = afterwards / 2"
    verdicts = judged(sandbox, notebook(f"{HONEST} * (half / 3.5)", before=own))
    assert [verdict.status for verdict in verdicts.values()] == [Status.PASSED, Status.PASSED]
    assert sandbox.started == [(), CONV.rules.forbids]


def test_what_only_shows_something_runs_once(sandbox):
    """A training that nothing is asked about is not repeated where something is gone."""
    shown = cell("shown", "after_a_training = 7")
    shown.metadata.tags = ["demo"]
    made = notebook(f"{HONEST} * (0 if 'after_a_training' in globals() else 1)")
    made.cells.insert(2, shown)
    verdicts = judge_notebook(sandbox, made, [CONV], SECRET, demos=True)
    assert verdicts["toy.conv"].status is Status.PASSED, "the process without it never ran the cell"
    assert sandbox.started == [(), CONV.rules.forbids]


HIDDEN_SIZE = "def conv(x, w):\n    if x.shape == (6, 5):\n        return oracle(x, w)\n    return mine(x, w)"
THREADED = """
from concurrent.futures import ThreadPoolExecutor
def conv(x, w):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(oracle, x, w).result()
"""
EXECUTED = f"exec(''.join(map(chr, {[*map(ord, CALLED)]})))"
BY_A_TEXT = (
    "import typing\nclass Way:\n    a: '__import__(\"torch\").conv2d'\n"
    "def conv(x, w):\n    way = typing.get_type_hints(Way)['a']\n"
    "    return way(*(torch.tensor(a)[None, None] for a in (x, w)))[0, 0].numpy()"
)
BY_SCIPY = "def conv(x, w):\n    from scipy import signal\n    return signal.correlate2d(x, w, 'valid')"


@pytest.mark.parametrize(
    ("answer", "points"),
    [(CALLED, 0), (HIDDEN_SIZE, 1), (THREADED, 0), (EXECUTED, 0), (BY_A_TEXT, 0), (BY_SCIPY, 0), ("conv = oracle", 0)],
    ids=["called", "hidden size", "thread", "exec", "text", "scipy", "given"],
)
def test_no_way_leads_to_it(sandbox, answer, points):
    own = HONEST.replace("conv", "mine")
    verdicts = judged(sandbox, notebook(answer, before=own))
    verdict = verdicts["toy.conv"]
    assert verdict.points == points
    assert uses_forbidden(verdict)
    assert verdicts["toy.total"].status is Status.PASSED
    visible = [case.message for case in verdict.cases if not case.hidden and not case.passed]
    assert all(
        message.endswith("does the work that this exercise asks of you: write it yourself") for message in visible
    )


def test_an_exercise_without_the_rule_may_use_it(sandbox):
    product = "F.conv2d(*(torch.tensor(a)[None, None] for a in (x, np.ones(x.shape)))).item()"
    after = f"def total(x):\n    return {product}"
    assert judged(sandbox, notebook(CALLED, after=after))["toy.total"].status is Status.PASSED


DIES = """
import os
def conv(x, w):
    try:
        return oracle(x, w)
    except PermissionError:
        os._exit(3)
"""
LIES = """
from autograder.sandbox.guest import forbid
forbid.refuse.__globals__["_called"] = type("Never", (list,), {"append": lambda *_: None})()
def conv(x, w):
    try:
        return oracle(x, w)
    except PermissionError:
        return x
"""


@pytest.mark.parametrize(("answer", "status"), [(DIES, Status.FAILED), (LIES, Status.FAILED)], ids=["dies", "lies"])
def test_what_is_right_with_it_alone_is_blamed(sandbox, answer, status):
    verdict = judged(sandbox, notebook(answer))["toy.conv"]
    assert (verdict.status, verdict.points) == (status, 0)
    assert uses_forbidden(verdict)


def test_an_honest_mistake_is_told_as_one(sandbox):
    wrong = "import operator\ndef conv(x, w):\n    return -1.0 * np.ones((x.shape[0] - 1, x.shape[1] - 1))"
    verdict = judged(sandbox, notebook(wrong))["toy.conv"]
    assert verdict.status is Status.FAILED
    assert not uses_forbidden(verdict)
    assert "every number differs" in verdict.message


def test_a_blank_answer_is_not_written(sandbox):
    blank = "import operator\ndef conv(x, w):\n    raise NotImplementedError"
    assert judged(sandbox, notebook(blank))["toy.conv"].status is Status.NOT_WRITTEN
    assert (
        judged(sandbox, notebook("import operator\nraise NotImplementedError"))["toy.conv"].status is Status.NOT_WRITTEN
    )


def test_blame_names_only_what_is_right_otherwise():
    cases = (CaseResult("a", "basics", False, True), CaseResult("b", "corners", False, False, "x", "values"))
    strict = Verdict("toy.conv", Status.PARTIAL, 2, 3, "b: x", cases=cases)
    free = Verdict("toy.conv", Status.PASSED, 3, 3, cases=tuple(replace(case, passed=True) for case in cases))
    blamed = blame(strict, free, "write it yourself")
    assert [(case.kind, case.message) for case in blamed.cases] == [("", ""), ("forbidden", "write it yourself")]
    assert (blamed.status, blamed.points) == (Status.PARTIAL, 2)
    assert nbformat.__version__


COMPILED = f"scale = torch.jit.trace(lambda a: a * 1.0, torch.ones(1))\n{HONEST} * scale(torch.ones(1)).item()"


def test_a_compiler_that_does_not_work_there_is_named(sandbox):
    verdict = judged(sandbox, notebook(COMPILED))["toy.conv"]
    assert verdict.message == "torch.jit.trace does not work where torch.conv2d and its like are gone: leave it out"
