"""Cells of a class, through the real command line, go on as in Jupyter; what fails all the same says its cause."""

import json

import nbformat
import pytest
from command_line import run
from nbformat.v4 import new_code_cell
from small_class import NAME, ROOT, answered

from autograder.exercises import exercises_of
from autograder.pipeline.course import Course

RIGHT = {exercise.name: exercise.right["loops"] for exercise in exercises_of(NAME)}
LINES = {
    "linear": "!pip install -q einops\nfiles = !ls\n%pip install einops",
    "relu": "%matplotlib notebook\n%autosave 60\nimport matplotlib\nmatplotlib.use('TkAgg')",
    "sigmoid": "%load_ext nb_black\nimport os\nos.system('nvidia-smi')\nif True:\n    !wget -q https://example.org/w.npz",
    "forward": "import subprocess\ngit = subprocess.check_output(['git', 'log']).decode()\nprint(git.strip())",
    "he_init": "from google.colab import drive\ndrive.mount('/content/drive')\nimport seaborn as sns\nsns.set_theme()",
    "parameter_count": "seed = int(input('seed? '))\nprint(seed)\nwith open('weights.txt') as file: print(file.read())",
    "mac_count": "import urllib.request\nurllib.request.urlretrieve('https://example.org/x', 'x')\n%matplotlib widget",
}
HELPERS = {
    "linear": "weights = np.load('weights.npy')\n1 / 0\ndef product(a, c): return a @ c",
    "relu": "import seaborn as sns\n!ls\npalette = sns.color_palette()\ndef positive(x): return np.maximum(x, 0)",
    "sigmoid": "import numba\n@numba.njit\ndef half(x): return x / 2",
    "forward": "from helpers import *\nlayers = everything(3)",
    "he_init": "%%time\nimport tensorflow as tf\ndef deviation(n): return np.sqrt(2 / n)",
}
USES = {
    "linear": "def linear(x, W, b):\n    return product(x, W.T) + b",
    "relu": "def relu(x):\n    return positive(x)",
    "sigmoid": "def sigmoid(x):\n    return half(x)",
    "forward": "def forward(*_):\n    return layers",
    "he_init": "def he_init(rng, sizes):\n    return sns.anything(sizes)",
}
LOOP = "    import multiprocessing\n    with multiprocessing.Pool(2) as pool:\n        return pool.map(abs, [1])"
WRONG = {
    "linear": f"def linear(x, W, b):\n{LOOP}",
    "relu": "def relu(x):\n    return np.matrix(np.atleast_2d(np.maximum(x, 0)))",
    "sigmoid": "def sigmoid(x):\n    return np.ma.masked_less(1 / (1 + np.exp(-x)), 0)",
    "mac_count": "def mac_count(sizes, batch=1):\n    return int(input('how many? '))",
    "parameter_count": "def parameter_count(sizes):\n    import os\n    os.fork()",
}


def with_lines(lines):
    return answered(**{name: f"{text}\n{RIGHT[name]}" for name, text in lines.items()})


def with_cells(cells, answers):
    book = nbformat.reads(answered(**answers), as_version=4)
    for name, source in cells.items():
        at = next(i for i, cell in enumerate(book.cells) if cell.metadata.get("nbgrader", {}).get("grade_id") == name)
        book.cells.insert(at, new_code_cell(source))
    return nbformat.writes(book)


CLASS = {"lines": with_lines(LINES), "helpers": with_cells(HELPERS, USES), "causes": answered(**WRONG)}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    course = Course(ROOT, tmp_path_factory.mktemp("class"))
    for student, text in CLASS.items():
        path = course.submission(student, NAME)
        path.parent.mkdir(parents=True)
        path.write_text(text, "utf-8")
    (course.submission("helpers", NAME).parent / "weights.npy").write_bytes(b"\x93NUMPY")
    return course


@pytest.fixture(scope="module")
def graded(course):
    """Every student's flags, and what became of the exercises."""
    assert run("release", NAME, "--classroom", course.classroom).returncode == 0
    output = course.classroom / "grades.json"
    done = run("grade", NAME, "--classroom", course.classroom, "--format", "json", "--output", output)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(output.read_text("utf-8"))["submissions"]
    return {one["student"]: (one["flags"], {each["id"][4:]: each for each in one["exercises"]}) for one in found}


@pytest.mark.parametrize("name", LINES)
def test_a_line_that_lacks_something_costs_itself_and_not_the_function_below(graded, name):
    _, exercises = graded["lines"]
    assert (exercises[name]["status"], exercises[name]["message"]) == ("passed", "")


def test_the_instructor_is_told_which_lines_were_left_out(graded):
    (flag,), _ = graded["lines"]
    assert flag.startswith(
        "cells could not do everything here: line 1, `!pip install -q einops`: no programs can be started here "
        "(cell linear)"
    )
    assert flag.endswith("more")
    assert len(flag) < 1_000


def test_a_cell_of_ones_own_goes_on_after_a_line_that_fails(graded):
    _, exercises = graded["helpers"]
    assert {exercises[name]["status"] for name in ("linear", "relu")} == {"passed"}


CAUSES = {
    ("helpers", "sigmoid"): "`half` is not defined, because `numba` is not defined: its cell could not run line 1, "
    "`import numba`: no module named numba",
    ("helpers", "forward"): "line 1, `from helpers import *`: no module named helpers",
    ("helpers", "he_init"): "`sns` is not defined: its cell could not run line 1, `import seaborn as sns`: no module "
    "named seaborn",
    ("causes", "linear"): "no second processes here: call the function in a loop, without a pool or a process",
    ("causes", "relu"): "an np.matrix (wrap it with np.asarray(...)); expected a NumPy array",
    ("causes", "sigmoid"): "a masked array (give what is masked a value: call .filled(...) on it); expected a NumPy",
    ("causes", "mac_count"): "there is nobody to answer input() here",
    ("causes", "parameter_count"): "no new processes here",
}


@pytest.mark.parametrize(("student", "name"), CAUSES)
def test_the_message_names_the_cause(graded, student, name):
    exercise = graded[student][1][name]
    assert CAUSES[student, name] in exercise["message"]
    assert exercise["status"] in ("error", "failed")


def test_the_notebook_as_it_ran_shows_what_was_left_out(graded, course):
    ran = nbformat.read(course.autograded / "lines" / NAME / f"{NAME}.ipynb", as_version=4)
    shown = "".join(output.get("text", "") for cell in ran.cells for output in cell.get("outputs", ()))
    assert "no programs can be started here: `pip install -q einops` was skipped" in shown


def test_a_students_own_check_says_the_same(tmp_path):
    """Nothing is started there either, and no file is fetched."""
    marker = tmp_path / "made"
    lines = LINES | {"relu": f"!touch {marker}\n{LINES['relu']}"}
    path = tmp_path / f"{NAME}.ipynb"
    path.write_text(with_lines(lines), "utf-8")
    done = run("check", path)
    assert done.stdout.count("every case passes") == len(LINES), done.stdout + done.stderr
    assert "Note: no programs can be started here" in done.stdout
    assert not marker.exists()
