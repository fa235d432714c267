"""What libraries leave among the temporary files while notebooks are graded does not stay."""

import json
import shutil

import nbformat
import pytest
from command_line import ROOT, run_apart

from autograder.exercises import exercises_of
from autograder.pipeline.authoring.release import release
from autograder.pipeline.authoring.simulate import fill_in
from autograder.pipeline.course import Course

pytestmark = pytest.mark.xdist_group("temporary files")
NAME = "09_gnn_training"
"""PyG writes a template for each kind of layer that it meets, in the judge's process and in the student's."""


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    root = tmp_path_factory.mktemp("temporary") / "course"
    course = Course(root, root / "classroom")
    for folder in ("solutions", "notebooks"):
        (root / folder / NAME).mkdir(parents=True)
        shutil.copy(ROOT / folder / NAME / f"{NAME}.ipynb", root / folder / NAME)
    shutil.copy(ROOT / "solutions" / f"{NAME}.py", root / "solutions")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    right = {each.name: next(iter(each.right.values())) for each in exercises_of(NAME) if each.right}
    notebook = nbformat.reads(Course(ROOT, ROOT).release(NAME).read_text("utf-8"), as_version=4)
    path = course.submission("somebody", NAME)
    path.parent.mkdir(parents=True)
    path.write_text(nbformat.writes(fill_in(notebook, right, "Because.")), "utf-8")
    course.secret.write_bytes(b"the secret of these tests")
    release(course, [NAME])
    return course


def test_grading_a_notebook_of_pyg_leaves_nothing(course, tmp_path):
    done = run_apart("grade", "09", "--workers", 1, "--format", "json", cwd=course.root, TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    (graded,) = json.loads(done.stdout)["submissions"]
    assert graded["score"] > 0
    assert list(tmp_path.iterdir()) == []
