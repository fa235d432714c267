import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from autograder.exercises import ASSIGNMENTS, exercises_of
from autograder.pipeline.authoring.build import build, build_one, out_of_step
from autograder.pipeline.authoring.leaks import leaked_lines, solution_lines
from autograder.pipeline.course import Course, CourseError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def course(tmp_path):
    shutil.copytree(ROOT / "solutions", tmp_path / "solutions", ignore=shutil.ignore_patterns("*.ipynb"))
    (tmp_path / "notebooks").mkdir()
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    return Course(tmp_path, tmp_path / "classroom")


def test_what_is_committed_is_what_the_sources_say():
    assert out_of_step(Course(ROOT, ROOT / "classroom")) == []


def test_builds_are_byte_for_byte_the_same_in_other_processes(course):
    script = "import sys; from pathlib import Path; from autograder.pipeline.authoring.build import build; "
    script += "from autograder.pipeline.course import Course; build(Course(Path(sys.argv[1]), Path()))"
    texts = []
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", script, str(course.root)], check=True, env=environment, cwd=ROOT)
        texts.append([course.release(name).read_bytes() + course.master(name).read_bytes() for name in ASSIGNMENTS])
        shutil.rmtree(course.notebooks)
    assert texts[0] == texts[1]


def test_a_second_build_changes_nothing(course):
    assert len(build(course)) == 2 * len(ASSIGNMENTS)
    assert build(course) == []
    assert out_of_step(course) == []


def test_an_edited_source_or_notebook_is_out_of_step(course):
    build(course)
    release = course.release("02_mlp_forward")
    release.write_text(release.read_text().replace("Forward", "Backward"))
    assert [problem.split(" is ")[0] for problem in out_of_step(course)] == [
        "notebooks/02_mlp_forward/02_mlp_forward.ipynb"
    ]
    source = course.source("01_linear_classification")
    source.write_text(source.read_text() + "\n# %% [markdown]\n# One more word.\n")
    assert len(out_of_step(course)) == 3


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_the_release_holds_no_solution_and_no_output(assignment):
    built = build_one(Course(ROOT, ROOT / "classroom"), assignment)
    master, release = nbformat.reads(built.master, as_version=4), nbformat.reads(built.release, as_version=4)
    lines = list(solution_lines(master))
    assert len(lines) >= len(exercises_of(assignment))
    assert leaked_lines(master, release) == []
    for exercise in exercises_of(assignment):
        cell = next(
            cell for cell in release.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == exercise.name
        )
        assert "# YOUR CODE HERE\n" in cell.source
        assert "raise NotImplementedError()\n" in cell.source + "\n"
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in release.cells)


def test_a_release_that_would_leak_is_refused(course):
    assignment = "01_linear_classification"
    master = nbformat.reads(build_one(course, assignment).master, as_version=4)
    telling = max(solution_lines(master), key=len)
    source = course.source(assignment)
    source.write_text(source.read_text() + f"\n# %% [markdown]\n# {telling}\n")
    with pytest.raises(CourseError, match="would show solution text"):
        build(course)
    assert not course.release(assignment).exists()


def test_points_stand_with_the_exercise_alone(course):
    source = course.source("02_mlp_forward")
    header = '"grade_id": "relu_check", "locked": true'
    assert source.read_text().count(header) == 1
    source.write_text(source.read_text().replace(header, f'{header}, "points": 1'))
    with pytest.raises(CourseError, match=r"relu_check states points, which autograder/exercises/mlp/relu\.py gives"):
        build(course)


def test_a_missing_source_is_one_sentence(course):
    course.source("02_mlp_forward").unlink()
    with pytest.raises(CourseError, match=r"02_mlp_forward\.py does not exist"):
        build(course)
    assert not course.release("01_linear_classification").exists()


def test_nbgrader_itself_generates_the_same_release(course):
    build(course)
    ours = {name: course.release(name).read_text() for name in ASSIGNMENTS}
    shutil.rmtree(course.notebooks)
    for name in ASSIGNMENTS:
        command = [sys.executable, "-m", "nbgrader", "generate_assignment", name]
        done = subprocess.run(command, cwd=course.root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        theirs = json.loads(course.release(name).read_text())
        assert theirs["cells"] == json.loads(ours[name])["cells"]


def test_every_code_cell_is_the_students_or_locked():
    for name in ASSIGNMENTS:
        notebook = nbformat.reads(build_one(Course(ROOT, ROOT), name).release, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                data = cell.metadata["nbgrader"]
                assert data["solution"] or data["locked"]
