"""course.toml: what it says counts, what is wrong with it is one sentence, and nobody reads it before it is needed."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from autograder import exercises
from autograder.exercises import ASSIGNMENTS, CourseTable, CourseTableError, exercises_of, find
from autograder.exercises.course_table import Help, read, weighted
from autograder.pipeline.authoring.build import build_one
from autograder.pipeline.course import Course, find_course

ROOT = Path(__file__).parents[3]
ONE = """
[[assignment]]
name = "01_linear_classification"
title = "Linear classification"
topic = "linear"
exercises = ["scores", "predict"]
"""
TWO = """
[[assignment]]
name = "02_mlp_forward"
title = "Forward propagation"
topic = "mlp"
exercises = ["relu"]
needs = ["01_linear_classification"]
"""


@pytest.fixture
def table(tmp_path):
    """Reads a text as the table of a course."""

    def make(text: str) -> CourseTable:
        path = tmp_path / "course.toml"
        path.write_text(text)
        read.cache_clear()
        return read(path)

    return make


def test_a_table_is_read_as_it_stands(table):
    found = table(ONE + TWO + '[points]\n"mlp.relu" = 2.5\n')
    assert list(found.assignments) == ["01_linear_classification", "02_mlp_forward"]
    first, second = found.assignments.values()
    assert (first.title, first.ids, first.needs) == ("Linear classification", ("linear.scores", "linear.predict"), ())
    assert second.needs == ("01_linear_classification",)
    assert found.points == {"mlp.relu": 2.5}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[assignment", "cannot be read: "),
        ("", r"lists no assignments: .* \[\[assignment\]\]"),
        ("assignment = 3", "lists no assignments"),
        (ONE + "[policy]\n", r"'policy' means nothing here; write \[\[assignment\]\], \[points\] or \[help\]"),
        (
            ONE + 'teacher = "ada"\n',
            "assignment 1: 'teacher' is not a key of an assignment; known keys are name, title, topic",
        ),
        (ONE.replace('title = "Linear classification"', ""), "assignment 1: title must be text; it is missing"),
        (ONE.replace('"linear"', "3"), "assignment 1: topic must be text; it is 3"),
        (ONE.replace('["scores", "predict"]', '"scores"'), "exercises must be a list of names; it is 'scores'"),
        (ONE.replace('["scores", "predict"]', "[1]"), r"exercises must be a list of names; it is \[1\]"),
        (ONE.replace('["scores", "predict"]', "[]"), r"\(01_linear_classification\): it asks for no exercise"),
        (ONE.replace('"predict"', '"scores"'), "linear.scores is asked for twice; name it once"),
        (ONE + ONE, r"assignment 2 \(01_linear_classification\): the name is taken by an earlier assignment"),
        (ONE + ONE.replace("01_", "02_"), "linear.scores is asked for twice"),
        (
            ONE.replace('"scores"', '"score"'),
            r"no exercise is called linear\.score; .* write autograder/exercises/linear",
        ),
        (ONE.replace('"scores"', '"__init__"'), r"no exercise is called linear\.__init__"),
        (TWO + ONE, "it needs '01_linear_classification', which is not an earlier assignment; correct its name"),
        (
            ONE + '[points]\n"linear.score" = 3\n',
            r"no assignment asks for 'linear\.score'; did you mean \"linear\.scores\"\?",
        ),
        (ONE + "[points]\nlinear.scores = 3\n", r"no assignment asks for 'linear'; did you mean"),
        (ONE + "[points]\n7 = 3\n", r"no assignment asks for '7'; write an id in quotes, such as"),
        (
            ONE + 'hours = "three"\n',
            r"\(01_\w+\): hours is 'three'; it must be a number from 0 to 100",
        ),
        (ONE + "hours = -1\n", r"hours is -1; it must be a number"),
        (ONE + "hours = true\n", r"hours is True; it must be a number"),
        (ONE + '[points]\n"linear.scores" = 0\n', r"linear\.scores gives 0; points are a number above 0"),
        (ONE + '[points]\n"linear.scores" = -1.5\n', r"linear\.scores gives -1\.5; points are"),
        (ONE + '[points]\n"linear.scores" = "3"\n', r"linear\.scores gives '3'; points are"),
        (ONE + '[points]\n"linear.scores" = true\n', r"linear\.scores gives True; points are"),
        (ONE + '[points]\n"linear.scores" = inf\n', r"linear\.scores gives inf; points are"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_the_file(table, tmp_path, text, said):
    with pytest.raises(CourseTableError, match=said) as raised:
        table(text)
    assert str(raised.value).startswith(str(tmp_path / "course.toml"))


def test_points_must_be_a_table(table):
    with pytest.raises(CourseTableError, match="points must be a table"):
        table("points = 3\n" + ONE)


@pytest.mark.parametrize(
    ("groups", "total", "expected"),
    [
        ({"basics": 2, "geometry": 1}, 6, {"basics": 4, "geometry": 2}),
        ({"a": 1, "b": 1, "c": 1}, 1, {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}),
        ({"all": 3}, 0.5, {"all": 0.5}),
    ],
)
def test_groups_keep_their_proportions(groups, total, expected):
    found = weighted(groups, total)
    assert found == pytest.approx(expected)
    assert sum(found.values()) == total


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of its own in the current folder, whose relu is worth more."""
    for folder in ("solutions", "notebooks"):
        (tmp_path / folder).mkdir()
    shutil.copy(ROOT / "solutions/02_mlp_forward.py", tmp_path / "solutions")
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    text = (ROOT / "course.toml").read_text("utf-8")
    (tmp_path / "course.toml").write_text(text + '\n[points]\n"mlp.sigmoid" = 3\n"mlp.relu" = 1.5\n', "utf-8")
    read.cache_clear()
    monkeypatch.setattr(ASSIGNMENTS, "_chosen", None)
    monkeypatch.chdir(tmp_path / "notebooks")
    return Course(tmp_path, tmp_path / "classroom")


def test_the_table_around_the_current_folder_counts(course):
    assert find("mlp.sigmoid").points == 3
    assert find("mlp.sigmoid").groups == {"basics": 1.5, "extremes": 1.5}
    assert find("mlp.sigmoid") is find("mlp.sigmoid"), "what is prepared for it would be prepared again"
    assert find("mlp.linear").groups == {"basics": 1, "corners": 1}


def test_notebooks_are_built_with_the_points_of_the_course(course):
    built = build_one(course, "02_mlp_forward")
    for text in (built.master, built.release):
        cells = {
            cell.metadata.nbgrader.grade_id: cell
            for cell in nbformat.reads(text, as_version=4).cells
            if cell.metadata.get("nbgrader")
        }
        points = {name: cells[f"{name}_check"].metadata.nbgrader.points for name in ("relu", "sigmoid", "linear")}
        assert points == {"relu": 1.5, "sigmoid": 3, "linear": 2}
        assert [type(worth) for worth in points.values()] == [float, int, int]


def test_without_a_course_around_it_the_one_beside_the_package_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(ASSIGNMENTS, "_chosen", None)
    monkeypatch.chdir(tmp_path)
    assert ASSIGNMENTS.table == read(ROOT / "course.toml")


def test_a_course_that_is_named_counts_wherever_one_is(course, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert find("mlp.sigmoid").points == 2
    find_course(tmp_path)
    assert find("mlp.sigmoid").points == 3
    find_course(ROOT)
    assert find("mlp.sigmoid").points == 2


def test_a_worker_elsewhere_can_be_told_the_table(course, tmp_path, monkeypatch):
    table = ASSIGNMENTS.table
    monkeypatch.chdir(ROOT)
    with ASSIGNMENTS.using(table):
        assert find("mlp.sigmoid").points == 3
        with ASSIGNMENTS.using(None):
            assert find("mlp.sigmoid").points == 3
    assert find("mlp.sigmoid").points == 2


def test_the_command_line_says_what_is_wrong_in_one_line(course, tmp_path):
    path = tmp_path / "course.toml"
    path.write_text(path.read_text("utf-8").replace('"mlp.relu" = 1.5', '"mlp.rely" = 1.5'), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "autograder.cli", "build", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.strip() == (
        f"autograder: {path}, [points]: no assignment asks for 'mlp.rely'; did you mean \"mlp.relu\"?"
    )


def broken(course, name, text):
    """Finds an exercise in a copy of the package whose file has another text."""
    package = course.root / "autograder"
    shutil.copytree(ROOT / "autograder", package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "exercises" / f"{name}.py").write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "autograder.cli", "build", "--course", course.root, "02"],
        capture_output=True, text=True, check=False, cwd=course.root, env=os.environ | {"PYTHONPATH": str(course.root)},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("points={", "point={", r"mlp\.forward, line \d+ of forward\.py: TypeError: .*'point'"),
        ("ASKS = Asks(", "ASKS = Asks((", r"mlp\.forward, line \d+ of forward\.py: SyntaxError"),
        ("ASKS = Asks(", "ASKS = Asked(", r"mlp\.forward, line \d+ of forward\.py: NameError: name 'Asked'"),
        ("@hidden", "", "mlp.forward has no cases marked @hidden"),
        ('"values = [x]"', '"values = [y]"', r"mlp\.forward: the text 'values = \[y\]' of a slip does not occur"),
    ],
)
def test_what_is_wrong_in_an_exercises_file_is_one_error_and_status_2(course, old, new, said):
    text = (ROOT / "autograder/exercises/mlp/forward.py").read_text("utf-8")
    assert old in text
    done = broken(course, "mlp/forward", text.replace(old, new))
    assert done.returncode == 2, done.stderr
    assert re.search(said, done.stderr)
    assert "Traceback" not in done.stderr


def test_the_course_caps_the_help_of_an_exercise(monkeypatch):
    declared = replace(find("linear.scores"), hints=("a nudge", "an idea", "nearly all"))
    monkeypatch.setattr("autograder.exercises._declared", lambda _: declared)
    exercises._in_course.cache_clear()
    try:
        with ASSIGNMENTS.using(replace(ASSIGNMENTS.table, help=Help(hints=2, slip_steps=1))):
            found = find("linear.scores")
    finally:
        exercises._in_course.cache_clear()
    assert found.hints == ("a nudge", "an idea")
    assert found.slip_steps == 1


# --- what is imported when ------------------------------------------------------------------------------


def loaded(script: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, json\n{script}\nprint(json.dumps(sorted(sys.modules)))"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return json.loads(done.stdout)


def test_one_exercise_is_found_without_the_others():
    modules = loaded("from autograder.exercises import find\nassert find('gnn.degree').points == 1")
    found = [name for name in modules if re.match(r"autograder\.exercises\.\w+\.", name)]
    assert found == ["autograder.exercises.gnn.degree", "autograder.exercises.gnn.inputs"]


def test_what_needs_no_torch_does_not_load_it():
    assert "torch" not in loaded("from autograder.exercises import find\nfind('cnn.conv2d')")


def test_importing_the_exercises_reads_and_loads_none():
    modules = loaded("from pathlib import Path\nPath.read_text = None\nimport autograder.exercises")
    assert not [name for name in modules if re.match(r"autograder\.exercises\.\w+\.", name)]


# --- the course's own table -----------------------------------------------------------------------------


def test_every_exercise_that_is_written_is_asked_for():
    there = {
        f"{path.parent.name}.{path.stem}"
        for path in (ROOT / "autograder/exercises").glob("*/*.py")
        if "ASKS = " in path.read_text("utf-8")
    }
    assert there == {id_ for assignment in ASSIGNMENTS.values() for id_ in assignment.ids}


def test_an_assignment_needs_the_notebooks_that_its_text_refers_to():
    names = {int(name.split("_")[0]): name for name in ASSIGNMENTS}
    for number, (name, assignment) in zip(names, ASSIGNMENTS.items(), strict=True):
        text = " ".join(line.lstrip("# ") for line in (ROOT / f"solutions/{name}.py").read_text("utf-8").split("\n"))
        meant = {
            int(digits)
            for found in re.finditer(r"[Nn]otebooks? (\d+)(?:(?:,| and| to) (\d+))*", text)
            for digits in re.findall(r"\d+", found[0])
        }
        assert assignment.needs == tuple(names[each] for each in sorted(meant) if each < number), name


def test_points_stand_with_the_exercises_alone():
    assert not re.search(r'_check"[^\n]*"points"', "".join(path.read_text() for path in ROOT.glob("solutions/*.py")))
    assert "points" not in tomllib.loads((ROOT / "course.toml").read_text("utf-8"))
    for assignment in ASSIGNMENTS:
        for exercise in exercises_of(assignment):
            assert all(worth == int(worth) > 0 for worth in exercise.groups.values())
