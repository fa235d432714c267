"""The state of a notebook comes before the answer: a real kernel, to which cells are sent as JupyterLab does."""

import json
import shutil

import pytest
from answers import ROOT
from cells_in_kernel import cells_in_kernel

SETUP = "import numpy as np\nfrom autograder import check"
RIGHT = "def scores(X, W, b):\n    return X @ W.T + b"
CHECK = 'check("linear.scores", scores)'
PRAISE = "every case passes"
SOFTMAX = (
    "def softmax(x):\n    e = np.exp(x - x.max(axis=-1, keepdims=True))\n    return e / e.sum(axis=-1, keepdims=True)"
)
CONV = "04_convolution"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The course's folder of notebooks, with the ones of two assignments."""
    course = tmp_path_factory.mktemp("course")
    for name in ("01_linear_classification", CONV):
        (course / "notebooks" / name).mkdir(parents=True)
        shutil.copy(ROOT / "notebooks" / name / f"{name}.ipynb", course / "notebooks" / name)
    return course / "notebooks" / CONV


@pytest.fixture(scope="module")
def kernel(folder):
    """One kernel for all tests: every test runs its cells under ids of its own."""
    with cells_in_kernel(folder, ROOT) as cells:
        assert cells.run(SETUP, "setup") == ""
        yield cells


@pytest.fixture
def run(kernel, request):
    """Runs a cell in the kernel, in which nothing of an earlier test is defined."""
    kernel.run("for name in ('scores', 'softmax', 'helper', 'conv2d', 'output_size'):\n    globals().pop(name, None)")

    def run(source: str, cell: str = "") -> str:
        return kernel.run(source, f"{request.node.name}:{cell}" if cell else "")

    return run


# --- an older function ------------------------------------------------------------------------------------


BROKEN = {
    "a syntax error": "def scores(X, W, b)\n    return X @ W.T + b",
    "an error before the function": "import no_such_module\n" + RIGHT,
    "an indentation error": "def scores(X, W, b):\nreturn X @ W.T",
    "another name with a syntax error": "def scoers(X, W, b:\n    return X @ W.T",
}


WITHOUT_IDS = ("a syntax error", "an error before the function", "an indentation error")
"""A front end that sends no ids of cells leaves nothing to see of a cell that now defines another name."""


@pytest.mark.parametrize(
    ("name", "ids"), [*((name, True) for name in BROKEN), *((name, False) for name in WITHOUT_IDS)]
)
def test_after_a_cell_that_failed_no_older_function_is_praised(run, name, ids):
    cell = "a" if ids else ""
    run(RIGHT, cell)
    assert PRAISE in run(CHECK)
    run(BROKEN[name], cell)
    said = run(CHECK)
    assert PRAISE not in said
    assert "not checked yet" in said
    assert "the cell that defines `scores` failed when it last ran" in said
    assert ("IndentationError in line 2" in said) is (name == "an indentation error")
    assert "Correct that cell and run it" in said
    run(RIGHT, cell)
    assert PRAISE in run(CHECK)


def test_a_function_that_was_renamed_is_not_judged_under_its_old_name(run):
    run(SOFTMAX, "a")
    check = 'check("linear.softmax", softmax)'
    assert PRAISE in run(check)
    run(SOFTMAX.replace("def softmax", "def softmx"), "a")
    said = run(check)
    assert PRAISE not in said
    assert "the cell that defined `softmax` now defines `softmx`" in " ".join(said.split())
    assert "Write softmax in place of softmx" in said


def test_a_function_that_was_removed_is_not_judged(run):
    run(RIGHT, "a")
    run("X = np.ones((2, 3))", "a")
    said = run(CHECK)
    assert PRAISE not in said
    assert "does not define it any more" in " ".join(said.split())


def test_an_older_function_that_the_answer_calls_is_named(run):
    run("def helper(X, W):\n    return X @ W.T", "a")
    run("def scores(X, W, b):\n    return helper(X, W) + b", "b")
    assert PRAISE in run(CHECK)
    run("def helper(X, W)\n    return X @ W.T", "a")
    said = " ".join(run(CHECK).split())
    assert PRAISE not in said
    assert "an older `helper`, which `scores` calls, would be used" in said


HONEST = {
    "two cells up": [(RIGHT, "a"), ("x = 1", "b"), ("y = 2", "c")],
    "defined again in a scratch cell": [(RIGHT.replace("+ b", ""), "a"), (RIGHT, "scratch")],
    "an error below the function": [(RIGHT.replace("+ b", ""), "a"), (RIGHT + "\n1 / 0", "a")],
    "a test cell that fails": [(RIGHT, "a"), ("scores(1)", "b"), ("assert scores is None", "c")],
    "a scratch cell that fails": [(RIGHT, "a"), ("def scores(X", "scratch")],
    "in another order": [("z = lambda: scores", "c"), (RIGHT, "b"), ("X = 3", "a"), ("z()", "c")],
    "a scratch cell used again and again": [(RIGHT, "a"), ("scores", "s"), ("x = scores", "s"), ("1 / 0", "s")],
    "corrected after a failure": [("def scores(X", "a"), (RIGHT, "a")],
    "wrapped": [(RIGHT, "a"), ("import functools\nscores = functools.cache(lambda *a: 0) and scores", "b")],
    "a magic above": [("%%time\n" + RIGHT, "a"), ("%pwd", "b")],
    "a file that is run": [("%%writefile mine.py\n" + RIGHT, "f"), ("%run mine.py", "a"), ("%pwd", "a")],
    "a file that is imported": [
        ("%%writefile yours.py\n" + RIGHT, "f"),
        ("from yours import scores", "a"),
        ("x = scores", "a"),
    ],
    "autoreload": [
        ("%load_ext autoreload\n%autoreload 2", "r"),
        ("%%writefile ours.py\n" + RIGHT.replace("+ b", "- b"), "f"),
        ("from ours import scores", "a"),
        ("%%writefile ours.py\n" + RIGHT + "\n# longer than before", "f"),
        ("x = 1", "c"),
    ],
    "under another name first": [(RIGHT.replace("scores", "mine"), "a"), ("scores = mine", "b")],
}


@pytest.mark.parametrize("name", HONEST)
def test_honest_work_is_judged(run, name):
    for source, cell in HONEST[name]:
        run(source, cell)
    assert PRAISE in run(CHECK)


# --- names that are not there -----------------------------------------------------------------------------


CONV2D = "def output_length(size):\n    return output_size(size, 3, 1, 0)"


def test_a_name_of_a_cell_that_has_not_run_names_the_section(run):
    run("def conv2d(x, w, b=None, stride=1, padding=0):\n    return output_size(x.shape[2], 3, stride, padding)", "a")
    said = run('check("cnn.conv2d", conv2d)')
    assert "`output_size` is defined in section 4.3: that cell has not run" in said
    assert "Next: Run that cell, then run this cell again." in said


def test_a_name_that_no_cell_defines_is_an_ordinary_error(run):
    run("def conv2d(x, w, b=None, stride=1, padding=0):\n    return outptu_size(x)", "a")
    said = run('check("cnn.conv2d", conv2d)')
    assert "NameError: name 'outptu_size' is not defined" in said
    assert "has not run" not in said


def test_an_answer_whose_cell_has_not_run_is_found(run):
    said = run('check("cnn.output_size", output_size)')
    assert "`output_size` is defined in section 4.3: that cell has not run. Run that cell" in said


def test_an_answer_whose_cell_failed_is_told_so(run):
    run("def output_size(size\n    return 1", "a")
    said = run('check("cnn.output_size", output_size)')
    assert "`output_size` is not defined: the cell that defines it failed when it last ran (SyntaxError" in said


def test_the_line_that_ended_a_cell_is_named_through_the_names_that_it_cost(run):
    run("\n%matplotlib nonsense\nimport numpy\ndef helper(): pass", "a")
    said = " ".join(run("def scores(X, W, b): return helper(X, W, b)\n" + CHECK).split())
    assert "`helper` is not defined: the cell that defines it failed when it last ran" in said
    assert "line 2, `%matplotlib nonsense`: " in said
    run("import not_there as softmax", "a")
    run("helper = softmax.wrap", "b")
    said = " ".join(run("def scores(X, W, b): return helper(X, W, b)\n" + CHECK).split())
    assert "`helper` is not defined, because `softmax` is not defined: the cell that defines it failed" in said
    assert "line 1, `import not_there as softmax`: ModuleNotFoundError: No module named 'not_there')" in said
    assert "The course has matplotlib, numpy," in said


def test_the_students_own_file_is_read_first(kernel, folder):
    cells = [{"cell_type": "markdown", "source": "## 4.3.1 Mine"}, {"cell_type": "code", "source": ["def own(): 1"]}]
    (folder / f"{CONV} (1).ipynb").write_text(json.dumps({"cells": cells}))
    kernel.run("def output_size(*a):\n    return own()", "output_size")
    said = kernel.run('check("cnn.output_size", output_size)')
    assert "`own` is defined in section 4.3.1: that cell has not run" in said


def test_in_a_fresh_kernel_the_setup_cell_is_offered(folder, tmp_path):
    profile = tmp_path / "profile_default"
    profile.mkdir()
    shutil.copy(ROOT / "autograder" / "notebook_state" / "ipython_kernel_config.json", profile)
    with cells_in_kernel(tmp_path, ROOT, IPYTHONDIR=str(tmp_path)) as cells:
        said = cells.run('check("cnn.output_size", output_size)', "output_size_check")
        assert "NameError: name 'check' is not defined" in said
        assert "`check` comes from the setup cell at the top of the notebook: that cell has not run." in said
        file = str(folder / f"{CONV}.ipynb")
        cells.run(f"import os\nos.environ['JPY_SESSION_NAME'] = {file!r}")
        assert "`check` is defined in the setup cell at the top of the notebook: that cell has not run." in cells.run(
            'check("cnn.output_size", output_size)'
        )
        cells.run("def output_size(n\n", "output_size")
        cells.run(SETUP, "setup")
        assert "failed when it last ran" in cells.run('check("cnn.output_size", output_size)')
        assert "has not run" not in cells.run("a_name_of_no_cell")


# --- lines that were left ---------------------------------------------------------------------------------


def test_a_line_that_was_left_is_named(run):
    run("def scores(X, W, b):\n    s = X @ W.T + b\n    # YOUR CODE HERE\n    raise NotImplementedError()", "a")
    said = " ".join(run(CHECK).split())
    assert "line 4, `raise NotImplementedError()`, still stands below your code" in said
    assert "Next: Delete the line raise NotImplementedError()" in said
    run("def scores(X, W, b):\n    # YOUR CODE HERE\n    raise NotImplementedError()", "a")
    assert "not written yet" in run(CHECK)


# --- the watchdog -----------------------------------------------------------------------------------------

ENDLESS = "def scores(X, W, b):\n    open('loops', 'w').close()\n    n = 0\n    while True:\n        n += 1"


def test_a_loop_without_end_is_stopped_and_the_kernel_goes_on(tmp_path):
    (tmp_path / "notebooks").mkdir()
    table = (ROOT / "course.toml").read_text()
    (tmp_path / "course.toml").write_text(table + "\n[help]\nseconds = 0.5\n")
    with cells_in_kernel(tmp_path / "notebooks", ROOT) as cells:
        cells.run(SETUP, "setup")
        cells.run(ENDLESS, "a")
        said = cells.run(CHECK, "check")
        assert "ran out of time" in said
        assert "the code ran longer than 0.5 s and was stopped at line" in said
        assert "of `scores`" in said
        assert "called with" in said
        assert cells.status == "ok"
        cells.run(RIGHT, "a")
        assert PRAISE in cells.run(CHECK, "check")


def test_the_stop_button_gives_the_same_report_and_no_frames(kernel, folder):
    kernel.run(ENDLESS, "scores")
    said = kernel.run(CHECK, "check", stop_when=folder / "loops")
    assert "you stopped the code after" in said
    assert "of `scores`" in said
    assert "called with" in said
    assert "KeyboardInterrupt: the check was stopped" in said
    assert "autograder" not in said.replace("autograder check", "")
    assert kernel.status == "error", "the cells that wait do not run"
    kernel.run(RIGHT, "scores")
    assert PRAISE in kernel.run(CHECK, "check")
