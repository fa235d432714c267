"""What is opened once and looked at by several modules: sandboxes, a Jupyter kernel, solved notebooks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import pytest
from answers import ROOT, handed_in, released, right_answers
from long_judged import LONG_JUDGED
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook
from said import said_of, with_values

from autograder.exercise import Verdict
from autograder.exercises import ASSIGNMENTS, exercises_of
from autograder.pipeline.grading.judge_notebook import judge_notebook
from autograder.pipeline.grading.preload import preload
from autograder.pipeline.grading.warm_sandbox import Setup, open_sandbox
from autograder.sandbox.host.isolation import available
from autograder.sandbox.host.sandbox import Sandbox
from autograder.sandbox.kernel.limits import Limits

PATIENT = Limits(cell_seconds=600.0, notebook_seconds=3600.0)
"""Demonstrations train for half a minute, and longer on a busy machine."""
LIKE_NEW = """
import os, tempfile
import matplotlib.pyplot
matplotlib.pyplot.close("all")
os.chdir(tempfile.mkdtemp(dir={folder!r}))
printers = get_ipython().display_formatter.formatters["image/png"].type_printers
for kind, printer in list(printers.items()):
    if getattr(printer, "args", ()) and "course_lib" in getattr(printer.func, "__module__", ""):
        printers[kind] = printer.args[0]
get_ipython().reset(new_session=True)
"""
"""Between two notebooks: no name, no figure and no count is left, and pictures have no text of the course's any more.
Only modules are left, which take seconds to import."""


@pytest.fixture(scope="session")
def sealed_sandbox(assignment: str) -> Iterator[Sandbox]:
    """Where an assignment's notebooks are graded: its library holds none of the answers."""
    with open_sandbox(assignment, released(assignment), Setup("process")) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def all_modules() -> tuple[str, ...]:
    """What the course's notebooks import."""
    return tuple(dict.fromkeys(module for name in ASSIGNMENTS for module in preload(name, released(name))))


@pytest.fixture(scope="session")
def whole(all_modules: tuple[str, ...]) -> Iterator[Sandbox]:
    """Here the library is whole, as in JupyterLab, where the cells that only show something run."""
    with Sandbox("process", limits=PATIENT, preload=all_modules) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def jailed(all_modules: tuple[str, ...]) -> Iterator[Sandbox]:
    """The same library in the strongest jail of this machine, where data beside the course are not seen."""
    strongest = [rung.name for rung in available() if rung.ok][-1]
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("COURSE_DATA", "/nowhere")
            sandbox = stack.enter_context(Sandbox(strongest, limits=PATIENT, preload=all_modules))
        yield sandbox


Kernel = Callable[[Sequence[str]], list[NotebookNode]]


@pytest.fixture(scope="session")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """Runs cells in a Jupyter kernel that holds no names yet, and gives them back with their outputs."""
    folder = str(tmp_path_factory.mktemp("kernel"))
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COURSE_DATA": "/nowhere"}
    client = NotebookClient(new_notebook(), kernel_name="python3", allow_errors=True)

    def run(sources: Sequence[str]) -> list[NotebookNode]:
        client.nb = new_notebook(cells=[new_code_cell(source) for source in (LIKE_NEW.format(folder=folder), *sources)])
        client.reset_execution_trackers()
        like_new, *cells = client.nb.cells
        assert client.execute_cell(like_new, 0).outputs == []
        client.reset_execution_trackers()
        for index, cell in enumerate(cells, start=1):
            client.execute_cell(cell, index, execution_count=client.code_cells_executed + 1)
        return cells

    with client.setup_kernel(cwd=folder, env=environment):
        yield run


@dataclass(frozen=True)
class Solved:
    """A notebook with the instructor's answers after it ran, demonstrations and all, and what the judge says of it."""

    notebook: NotebookNode
    verdicts: dict[str, Verdict]
    checks: frozenset[str]


@pytest.fixture(scope="session")
def solved(whole: Sandbox, assignment: str) -> Solved:
    """The one run of an assignment's solved notebook as in JupyterLab, with the values that its text speaks of.

    Where the judge would train on hidden cases, and once more without what is forbidden, it tries the visible ones, as
    checks do there. The rest is for `test_whole_course`.
    """
    notebook = with_values(handed_in(assignment, right_answers(assignment)), said_of(assignment))
    exercises = tuple(
        replace(each, hidden=lambda rng: (), rules=replace(each.rules, forbids=())) if each.id in LONG_JUDGED else each
        for each in exercises_of(assignment)
    )
    verdicts = judge_notebook(whole, notebook, exercises, None, demos=True, patience=10)
    return Solved(notebook, verdicts, frozenset(f"{each.name}_check" for each in exercises))
