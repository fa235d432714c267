"""What a warm server loads, no submission pays for."""

from __future__ import annotations

import ast
import os
import subprocess
import sys

import nbformat
import pytest
from answers import ROOT, each_assignment, released

from autograder.exercises import ASSIGNMENTS
from autograder.pipeline.cells import is_demo
from autograder.pipeline.grading.preload import preload

LARGE = ("sklearn", "torch", "torch_geometric", "scipy", "matplotlib", "IPython", "mnist1d", "course_lib", "autograder")
DATA_FILES = {"sklearn.datasets.data", "sklearn.datasets.descr", "sklearn.datasets.images"}
"""Empty modules that importlib makes of folders as it reads files there."""


@each_assignment
def test_the_given_cells_load_nothing_more(sealed_sandbox, assignment):
    given = [cell.source for cell in released(assignment).cells if cell.cell_type == "code" and not is_demo(cell)]
    with sealed_sandbox.start() as run:
        run.execute("import sys\n_before = set(sys.modules)")
        for source in given:
            if "check(" not in source:
                assert run.execute(source).error is None, source
        shown = run.execute("sorted(set(sys.modules) - _before)").outputs[-1]["data"]["text/plain"]
    found = set(ast.literal_eval(shown)) - DATA_FILES
    assert {name for name in found if name.partition(".")[0] in LARGE} == set()


def notebook(*sources: str, demo: bool = False) -> nbformat.NotebookNode:
    tags = {"tags": ["demo"]} if demo else {}
    cells = [nbformat.v4.new_code_cell(source, metadata=tags) for source in sources]
    return nbformat.v4.new_notebook(cells=cells)


FIRST = next(iter(ASSIGNMENTS))


def test_what_a_called_function_imports_is_loaded():
    assert "sklearn.datasets" in preload(FIRST, notebook("from course_lib import data", "data.digits()"))
    assert "torch_geometric.datasets" in preload(FIRST, notebook("from course_lib import graphs\ngraphs.karate()"))


def test_what_is_not_called_or_only_shown_is_not_loaded():
    imported = notebook("from course_lib import data")
    assert "sklearn.datasets" not in preload(FIRST, imported)
    shown = notebook("from course_lib import data", "data.digits()", demo=True)
    assert "course_lib.data" in preload(FIRST, shown)
    assert "sklearn.datasets" not in preload(FIRST, shown)


def test_a_cell_that_is_no_python_stops_nothing():
    assert "numpy" in preload(FIRST, notebook("%%bash\nls -l", "%matplotlib inline"))


@pytest.mark.parametrize("assignment", [FIRST, "09_gnn_training"])
def test_finding_out_what_is_loaded_loads_none_of_it(assignment):
    source = (
        "import sys; from answers import released; from autograder.pipeline.grading.preload import preload; "
        f"modules = preload({assignment!r}, released({assignment!r})); "
        "assert 'numpy' in modules; print(sorted({'sklearn', 'scipy', 'torch', 'matplotlib'} & set(sys.modules)))"
    )
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "helpers")])
    done = subprocess.run(
        [sys.executable, "-c", source],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr
