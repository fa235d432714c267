"""nbgrader's own commands in a copy of the course."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbgrader.coursedir import CourseDirectory
from traitlets.config.loader import PyFileConfigLoader

from autograder.pipeline.course import Course
from autograder.pipeline.records.gradebook import GradebookWriter

NAME = "01_linear_classification"
CONFIG = Path(__file__).parents[4] / "nbgrader_config.py"


@pytest.fixture
def course(tmp_path: Path, source: NotebookNode) -> Course:
    """A course folder with one instructor's notebook and nothing generated; spaces and dots in its path."""
    root = tmp_path / "my course v1.0"
    course = Course(root, root / "classroom")
    course.master(NAME).parent.mkdir(parents=True)
    course.master(NAME).write_text(nbformat.writes(source))
    course.source(NAME).write_text("# the text source beside it")
    shutil.copy(CONFIG, root)
    return course


def nbgrader(course: Course, *arguments: str) -> str:
    """Runs a command as an instructor does, in the course's folder; its log, or an error."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=course.root, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stderr


def rows(course: Course) -> list[tuple[object, ...]]:
    """The gradebook's rows without their random ids."""
    with sqlite3.connect(course.gradebook_url.removeprefix("sqlite:///")) as connection:
        queries = (
            "SELECT id FROM course",
            "SELECT name, duedate, course_id FROM assignment",
            "SELECT name, kernelspec FROM notebook",
            "SELECT name, type FROM base_cell",
            "SELECT name, max_score, cell_type FROM grade_cells JOIN base_cell USING (id)",
            "SELECT name, cell_type, locked, source, checksum FROM source_cell",
            "SELECT version_num FROM alembic_version",
        )
        found = [tuple(row) for query in queries for row in connection.execute(query)]
    connection.close()
    return sorted(found, key=repr)


def test_the_folders_are_those_of_the_course(course: Course) -> None:
    config = PyFileConfigLoader("nbgrader_config.py", path=str(course.root)).load_config()
    folders = CourseDirectory(config=config)

    def at(step: str, student: str) -> Path:
        return Path(os.path.normpath(folders.format_path(step, student, NAME))) / f"{NAME}.ipynb"

    assert at(folders.source_directory, ".") == course.master(NAME)
    assert at(folders.release_directory, ".") == course.release(NAME)
    assert at(folders.submitted_directory, "alice") == course.submission("alice", NAME)
    assert at(folders.autograded_directory, "alice").parents[2] == course.autograded
    assert at(folders.feedback_directory, "alice").parents[2] == course.feedback
    assert folders.db_url == course.gradebook_url
    assert folders.course_id == course.course_id == "neural_networks"
    assert course.classroom.is_dir()


def test_a_course_that_cannot_be_written_still_loads(course: Course) -> None:
    course.classroom.write_text("in the way")
    config = PyFileConfigLoader("nbgrader_config.py", path=str(course.root)).load_config()
    assert config.CourseDirectory.release_directory == "notebooks"


def test_generate_assignment_writes_the_release_and_the_same_gradebook(
    course: Course, release: NotebookNode, source: NotebookNode
) -> None:
    nbgrader(course, "generate_assignment", NAME)
    written = nbformat.reads(course.release(NAME).read_text("utf-8"), as_version=4)
    assert written == release
    by_nbgrader = rows(course)
    with GradebookWriter(course.gradebook_url, course_id=course.course_id) as writer:
        writer.register(NAME, source)
    assert rows(course) == by_nbgrader
    Path(course.gradebook_url.removeprefix("sqlite:///")).unlink()
    with GradebookWriter(course.gradebook_url, course_id=course.course_id) as writer:
        writer.register(NAME, release)
    assert rows(course) == by_nbgrader
    log = nbgrader(course, "generate_assignment", NAME, "--force")
    assert "ERROR" not in log
    assert rows(course) == by_nbgrader
