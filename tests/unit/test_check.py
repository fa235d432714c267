"""`check` as notebooks call it, without a grader."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import autograder
from autograder import local_judge, local_progress
from autograder.exercises import ASSIGNMENTS, UnknownExercise
from course_lib import linear

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Every test runs in a notebooks folder of its own and forgets what was checked."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    monkeypatch.setattr(local_progress, "_latest", {})
    return folder


def drawn(answer, id_="linear.scores") -> dict[str, str]:
    return autograder.check(id_, answer)._repr_mimebundle_()


def no_bias(X, W, b):
    return X @ W.T


def wrong_shape(X, W, b):
    return (X @ W.T + b)[0]


def wrong_dtype(X, W, b):
    return (X @ W.T + b).astype(np.float16)


def wrong_value(X, W, b):
    return X @ W.T + b + 0.125 * np.arange(len(X))[:, None] ** 2 + 0.37


def raising(X, W, b):
    return X @ W.T + b[:, 7]


def unwritten(X, W, b):
    # YOUR CODE HERE
    raise NotImplementedError()


def test_each_kind_of_answer_looks_different_and_says_what_to_do():
    answers = (linear.scores, no_bias, wrong_shape, wrong_dtype, wrong_value, raising, unwritten)
    pages = [drawn(answer) for answer in answers]
    assert len({page["text/plain"] for page in pages}) == len(pages)
    assert len({page["text/html"] for page in pages}) == len(pages)
    for page, word in zip(
        pages, ("points", "bias", "shape", "dtype", "numbers", "IndexError", "ot written"), strict=True
    ):
        assert word in page["text/plain"], page["text/plain"]
        assert word in page["text/html"]


def test_the_students_own_line_is_shown_when_it_raises():
    assert "return X @ W.T + b[:, 7]" in drawn(raising)["text/plain"]


def test_the_smallest_failing_case_can_be_copied_and_called():
    first = "scores(np.array([[1., 2.], [3., -1.]]), np.array([[1., 3.], [0., 2.]]), np.array([10., -10.]))"
    text = drawn(no_bias)["text/plain"]
    code = text.partition("to try it:\n")[2].partition("\nNext")[0].partition("\n  ✗")[0]
    assert " ".join(code.split()).replace("( ", "(").replace(", )", ")") == first
    assert "»7.«" in text
    assert "»17.«" in text


def test_a_case_can_be_fetched_by_its_name():
    case = autograder.case("linear.scores", "two examples, two classes")
    assert linear.scores(*case.args, **case.kwargs)[0, 0] == 17.0
    with pytest.raises(LookupError, match="has no case called 'three'; there are 'two examples, two classes'"):
        autograder.case("linear.scores", "three")


def test_a_case_with_a_lent_model_is_called_as_a_check_does(capsys):
    def evaluate(model, loader, device):
        print("batches:", [len(y) for _, y in loader])
        return model.training

    def broken(model, loader, device):
        raise KeyError("mine")

    assert autograder.run_case("cnn.evaluate", "two batches of six", evaluate) is True
    assert capsys.readouterr().out == "batches: [6, 6]\n"
    with pytest.raises(KeyError, match="mine"):
        autograder.run_case("cnn.evaluate", "two batches of six", broken)
    with pytest.raises(LookupError, match="has no case called 'six'"):
        autograder.run_case("cnn.evaluate", "six", evaluate)


def noisy(X, W, b):
    print("the shape is", X.shape)
    return X @ W.T + b * (len(X) < 3)


def test_prints_are_folded_under_their_cases(capsys):
    page = drawn(noisy)
    assert capsys.readouterr().out == ""
    shown, others = page["text/html"].split("What your function printed here")
    assert others.count("the shape is (") > 1
    assert others.index("the shape is (") < others.index("What your function printed in ")
    assert "the shape is (" not in shown


def endless(X, W, b):
    for _ in range(500):
        print("x" * 99)
    return X @ W.T + b


def test_of_a_flood_the_beginning_is_kept(capsys):
    page = drawn(endless)["text/html"]
    assert "more characters" in page
    assert len(page) < 100_000
    assert capsys.readouterr().out == ""
    assert "2 / 2 points" in page


def test_what_is_not_a_function_is_said_to_be_none():
    assert "function" in drawn(np.zeros(3))["text/plain"]


def test_stock_nbgrader_raises_unless_every_case_passes(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    assert autograder.check("linear.scores", linear.scores) is None
    with pytest.raises(AssertionError, match=r"linear\.scores"):
        autograder.check("linear.scores", no_bias)


def test_an_unknown_id_is_one_sentence():
    with pytest.raises(UnknownExercise, match="no exercise is called"):
        autograder.check("linear.scoers", linear.scores)


def test_progress_counts_the_latest_checks(here):
    autograder.check("linear.scores", linear.scores)
    autograder.check("linear.predict", no_bias)
    _, first, second, *_ = autograder.progress().rows
    assert (first.done, first.total, first.here, first.todo) == (1, 9, True, "predict")
    assert (second.done, second.here) == (0, False)
    kept = json.loads((here / ".progress.json").read_text())
    assert kept["linear.scores"]["status"] == "passed"


def test_progress_survives_a_damaged_or_unwritable_file(here):
    (here / ".progress.json").write_text("[1, 2")
    autograder.check("linear.scores", linear.scores)
    assert autograder.progress().rows[1].done == 1
    (here / ".progress.json").unlink()
    (here / ".progress.json").mkdir()
    autograder.check("linear.predict", linear.predict)
    assert autograder.progress().rows[1].done == 2


@pytest.fixture
def notebooks(tmp_path, monkeypatch):
    """A course's folder with three notebooks, of which the second is open."""
    folder = tmp_path / "course" / "notebooks"
    for name in ("00_start", "01_linear_classification", "02_mlp_forward"):
        (folder / name).mkdir(parents=True)
        (folder / name / f"{name}.ipynb").write_text("{}")
    monkeypatch.chdir(folder / "01_linear_classification")
    return folder


def test_rows_lead_to_the_notebooks_that_are_there(notebooks):
    start, first, second, third, *_ = autograder.course_plan().rows
    assert start.address == "../00_start/00_start.ipynb"
    assert first.address == "01_linear_classification.ipynb"
    assert (second.address, third.address) == ("../02_mlp_forward/02_mlp_forward.ipynb", "")
    assert (first.here, second.here) == (True, False)


def test_notebooks_that_were_handed_out_without_their_folder_are_found(notebooks, monkeypatch):
    fetched = notebooks.rename(notebooks.parent / "my course")
    monkeypatch.chdir(fetched / "02_mlp_forward")
    assert autograder.course_plan().rows[1].address == "../01_linear_classification/01_linear_classification.ipynb"
    monkeypatch.chdir(fetched.parent)
    assert autograder.course_plan().rows[1].address == ""


def test_a_notebook_elsewhere_in_the_course_leads_to_the_release(notebooks, monkeypatch):
    (notebooks.parent / "nbgrader_config.py").write_text("")
    (notebooks.parent / "a draft").mkdir()
    monkeypatch.chdir(notebooks.parent / "a draft")
    assert autograder.course_plan().rows[0].address == "../notebooks/00_start/00_start.ipynb"


def test_a_preview_shows_what_a_check_does_and_remembers_nothing(here):
    wrong, right = autograder.preview("linear.scores", no_bias), autograder.preview("linear.scores", linear.scores)
    assert wrong.html() == autograder.check("linear.scores", no_bias).html()
    assert right.verdict.status == "passed"
    assert not (here / ".progress.json").exists() or "passed" not in (here / ".progress.json").read_text()
    assert autograder.progress().rows[1].done == 0


def test_a_preview_opens_as_many_hints_as_it_is_told(here):
    report = autograder.preview("start.average", lambda numbers: 3.0, hints=2)
    assert report.steps == 2
    assert autograder.preview("start.average", lambda numbers: 3.0).steps == 0


def test_the_map_shows_every_notebook(notebooks):
    text = autograder.course_map().text
    assert text.startswith(f"A map of the {len(ASSIGNMENTS)} notebooks")
    assert "2 · Forward propagation builds on 1 · Linear classification" in text


def test_import_loads_nothing_heavy():
    script = (
        "import sys, autograder; print([m for m in ('torch', 'torch_geometric', 'sklearn', 'matplotlib', 'nbgrader',"
    )
    script += " 'nbformat', 'IPython') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_the_stop_button_during_the_search_for_a_slip_leaves_the_report(monkeypatch, capsys):
    def stopped(work, seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(local_judge, "aside", stopped)
    with pytest.raises(KeyboardInterrupt, match="the check was stopped"):
        autograder.check("linear.scores", scores)
    said = capsys.readouterr().out
    assert "linear.scores" in said
    assert "called with" in said


def scores(X, W, b):
    return 0.5 * (X @ W.T + b) + 0.25
