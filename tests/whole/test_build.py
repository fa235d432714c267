import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from autograder.exercises import ASSIGNMENTS, exercises_of
from autograder.pipeline.authoring.build import build, build_one, out_of_step
from autograder.pipeline.authoring.leaks import leaked_lines, solution_lines
from autograder.pipeline.course import Course, CourseError

ROOT = Path(__file__).parents[2]


def sources(place):
    """A course of text sources alone."""
    shutil.copytree(ROOT / "solutions", place / "solutions", ignore=shutil.ignore_patterns("*.ipynb"))
    (place / "notebooks").mkdir()
    shutil.copy(ROOT / "nbgrader_config.py", place)
    return Course(place, place / "classroom")


@pytest.fixture
def course(tmp_path):
    return sources(tmp_path)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A course that was built once; what the build wrote first and what it wrote the second time."""
    made = sources(tmp_path_factory.mktemp("built"))
    return made, build(made), build(made)


def notebooks(course):
    """The bytes of all notebooks, by place."""
    return {
        str(path.relative_to(course.root)): path.read_bytes()
        for folder in ("solutions", "notebooks")
        for path in sorted((course.root / folder).rglob("*.ipynb"))
        if ".ipynb_checkpoints" not in path.parts
    }


def test_what_is_committed_is_what_the_sources_say():
    assert out_of_step(Course(ROOT, ROOT / "classroom")) == []


def test_builds_are_byte_for_byte_the_same_in_other_processes(course, built):
    """Another order of sets, another folder, another process: the same bytes."""
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    script = "import sys; from pathlib import Path; from autograder.pipeline.authoring.build import build; "
    script += "from autograder.pipeline.course import Course; build(Course(Path(sys.argv[1]), Path()))"
    environment = os.environ | {"PYTHONHASHSEED": seed}
    subprocess.run([sys.executable, "-c", script, str(course.root)], check=True, env=environment, cwd=ROOT)
    found = notebooks(course)
    assert len(found) == 2 * len(ASSIGNMENTS)
    assert found == notebooks(built[0])


def test_a_second_build_changes_nothing(built):
    made, first, second = built
    assert len(first) == 2 * len(ASSIGNMENTS)
    assert second == []
    assert out_of_step(made) == []


def test_an_edited_source_or_notebook_is_out_of_step(built, tmp_path):
    shutil.copytree(built[0].root, tmp_path, dirs_exist_ok=True)
    course = Course(tmp_path, tmp_path / "classroom")
    release = course.release("02_mlp_forward")
    release.write_text(release.read_text().replace("Forward", "Backward"))
    source = course.source("01_linear_classification")
    source.write_text(source.read_text() + "\n# %% [markdown]\n# One more word.\n")
    found = [problem.split(" is ")[0] for problem in out_of_step(course)]
    assert sorted(found) == [
        "notebooks/01_linear_classification/01_linear_classification.ipynb",
        "notebooks/02_mlp_forward/02_mlp_forward.ipynb",
        "solutions/01_linear_classification/01_linear_classification.ipynb",
    ]


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_the_release_holds_no_solution_and_no_output(assignment, built):
    master, release = (nbformat.read(place(assignment), as_version=4) for place in (built[0].master, built[0].release))
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


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"grade_id": "relu"', '"grade_id": "linear"', "several cells are called linear; give each its own grade_id"),
        ("### END SOLUTION", "", "no end solution statement"),
        (
            'check("mlp.relu", relu)',
            'check("mlp.relu", ReLU)',
            r'cell relu_check must be exactly check\("mlp.relu", relu\)',
        ),
        ('"solution": true', '"solution": "perhaps"', "metadata"),
    ],
)
def test_what_is_wrong_with_a_source_is_one_sentence(course, old, new, said):
    source = course.source("02_mlp_forward")
    text = source.read_text()
    assert old in text
    source.write_text(text.replace(old, new, 1))
    with pytest.raises(CourseError, match=rf"solutions/02_mlp_forward\.py.*{said}"):
        build(course, ["02_mlp_forward"])


def test_exercises_are_listed_in_the_notebooks_order(course):
    name, table = "01_linear_classification", ASSIGNMENTS.table
    one = table.assignments[name]
    swapped = replace(one, exercises=(one.exercises[1], one.exercises[0], *one.exercises[2:]))
    said = r"has scores_check where course\.toml lists predict: one order for both"
    other = replace(table, assignments={**table.assignments, name: swapped})
    with ASSIGNMENTS.using(other), pytest.raises(CourseError, match=said):
        build(course, [name])


def test_a_missing_source_is_one_sentence(course):
    course.source("02_mlp_forward").unlink()
    with pytest.raises(CourseError, match=r"02_mlp_forward\.py does not exist"):
        build(course)
    assert not course.release("01_linear_classification").exists()


NBGRADER = """
import sys
from nbgrader.apps import NbGraderAPI
from traitlets.config.loader import PyFileConfigLoader

api = NbGraderAPI(config=PyFileConfigLoader("nbgrader_config.py", path=".").load_config())
for name in sys.argv[1:]:
    done = api.generate_assignment(name)
    assert done["success"], done["log"]
"""


def test_nbgrader_itself_generates_the_same_release(built, tmp_path):
    shutil.copytree(built[0].root, tmp_path, dirs_exist_ok=True)
    course = Course(tmp_path, tmp_path / "classroom")
    shutil.rmtree(course.notebooks)
    command = [sys.executable, "-c", NBGRADER, *ASSIGNMENTS]
    done = subprocess.run(command, cwd=course.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in ASSIGNMENTS:
        theirs, ours = (json.loads(made.release(name).read_text()) for made in (course, built[0]))
        assert theirs["cells"] == ours["cells"]


def test_every_code_cell_is_the_students_or_locked(built):
    for name in ASSIGNMENTS:
        for cell in nbformat.read(built[0].release(name), as_version=4).cells:
            if cell.cell_type == "code":
                data = cell.metadata["nbgrader"]
                assert data["solution"] or data["locked"]
