"""CONTRIBUTING.md's recipe for a new exercise, followed literally in a copy: four files, and nothing else is needed."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from autograder.pipeline.cells import by_grade_id

ROOT = Path(__file__).parents[2]
NOTEBOOK = "02_mlp_forward"
PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
SECTION = PAGE.partition("## Adding an exercise\n")[2].partition("\n## ")[0]
BLOCKS = re.findall(r"^```(diff|python)\n(?:\+\+\+|#) (\S+)\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)

JUDGE = """
import json, sys
from autograder.exercises import exercises_of, find
from autograder.judge.evaluate import evaluate
from autograder.pipeline.authoring.simulated_students import misconception_source
from autograder.sandbox.guest.messenger import loopback
import numpy as np

def verdict(source):
    names = {"np": np}
    exec(source, names)
    found = evaluate(exercise, loopback(names[exercise.name]), secret=b"a secret")
    return {"points": found.points, "mistake": found.misconception}

exercise = find("mlp.leaky_relu")
json.dump({
    "order": [each.name for each in exercises_of("02_mlp_forward")],
    "points": exercise.points,
    "hints": exercise.hints,
    "reference": evaluate(exercise, loopback(exercise.reference), secret=b"a secret").points,
    "right": [verdict(source) for source in exercise.right.values()],
    "mistakes": {each.name: verdict(misconception_source(exercise, each)) for each in exercise.misconceptions},
}, sys.stdout)
"""


def files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def apply(text: str, change: str) -> str:
    """Each hunk's context and removed lines, which occur once, become its context and added lines."""
    for hunk in change.split("@@\n"):
        lines = hunk.splitlines()
        assert all(line[:1] in (" ", "+", "-") for line in lines)
        old = "".join(f"{line[1:]}\n" for line in lines if line[0] != "+")
        new = "".join(f"{line[1:]}\n" for line in lines if line[0] != "-")
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def run(course: Path, *command: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(course), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *command], cwd=course, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The course with the exercise that the page adds, its notebook built."""
    course = tmp_path_factory.mktemp("course")
    unneeded = shutil.ignore_patterns("__pycache__")
    for folder in ("autograder", "course_lib", f"solutions/{NOTEBOOK}", f"notebooks/{NOTEBOOK}"):
        shutil.copytree(ROOT / folder, course / folder, ignore=unneeded)
    for name in ("course.toml", "nbgrader_config.py", "pyproject.toml", f"solutions/{NOTEBOOK}.py"):
        shutil.copy(ROOT / name, course / name)
    before = files(course)
    for language, name, text in BLOCKS:
        path = course / name
        path.write_text(apply(path.read_text("utf-8"), text) if language == "diff" else text, "utf-8")
    run(course, "-m", "autograder.cli", "build", "02")
    after = files(course)
    changed = {name for name in after if before.get(name) != after[name]}
    return course, changed


def test_four_files_are_touched_and_the_build_changes_the_notebooks_alone(course):
    _, changed = course
    names = [name for _, name, _ in BLOCKS]
    assert len(names) == len(set(names)) == 4
    assert changed == {
        *names,
        f"solutions/{NOTEBOOK}/{NOTEBOOK}.ipynb",
        f"notebooks/{NOTEBOOK}/{NOTEBOOK}.ipynb",
    }


def test_the_notebooks_are_in_step_and_ask_for_it(course):
    place, _ = course
    assert "1 assignment" in run(place, "-m", "autograder.cli", "build", "--check", "02")
    release = (place / f"notebooks/{NOTEBOOK}/{NOTEBOOK}.ipynb").read_text("utf-8")
    cells = by_grade_id(nbformat.reads(release, as_version=4))
    assert cells["leaky_relu_check"].metadata.nbgrader.points == 2
    assert "raise NotImplementedError" in cells["leaky_relu"].source


def test_right_answers_get_full_marks_and_mistakes_are_named(course):
    place, _ = course
    found = json.loads(run(place, "-c", JUDGE))
    assert found["order"][1:4] == ["relu", "leaky_relu", "sigmoid"]
    assert found["points"] == found["reference"] == 2
    assert found["right"] == [{"points": 2, "mistake": ""}] * 2
    assert len(found["mistakes"]) >= 3
    for name, verdict in found["mistakes"].items():
        assert verdict["mistake"] == name
        assert verdict["points"] < 2


def test_the_new_exercise_keeps_the_rules_for_hints(course):
    place, _ = course
    first, second, last = json.loads(run(place, "-c", JUDGE))["hints"]
    assert all(20 <= len(hint) <= 300 for hint in (first, second, last))
    assert "`" not in first
    assert "`x > 0`" in last
    assert "np.where(x > 0, x, slope * x)" not in last.replace("`", "")


def test_the_new_files_pass_the_linters(course):
    place, _ = course
    names = [name for _, name, _ in BLOCKS if name.endswith(".py")]
    run(place, "-m", "ruff", "check", *names)
    run(place, "-m", "ruff", "format", "--check", *names)
