"""Every command reads and writes the gradebook that nbgrader_config.py names, and no other."""

from __future__ import annotations

import csv
import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import postgresql
import pytest
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from small_class import NAME, make_course
from sqlalchemy import make_url

from autograder.cli import main
from autograder.pipeline.course import Course, CourseError, find_course
from autograder.pipeline.records.database import open_gradebook
from autograder.pipeline.records.gradebook import GradebookWriter

STUDENTS = ("right", "mistaken")


def configured(root: Path, line: str) -> Course:
    """A course whose configuration ends with that line, with two students' work and nothing released."""
    course = make_course(root, release_it=False)
    for folder in course.submitted.iterdir():
        if folder.name not in STUDENTS:
            folder.rename(root / folder.name)
    with (root / "nbgrader_config.py").open("a") as file:
        file.write(f"\n{line}\n")
    return Course(root, course.classroom)


def autograder(course: Course, *words: str) -> str:
    """What a command prints in the course's folder; a failure is this test's."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["autograder", *words])
        patch.chdir(course.root)
        try:
            main()
            status = 0
        except SystemExit as error:
            status = error.code or 0
    assert status == 0, err.getvalue()
    return out.getvalue()


def whole_evening(course: Course) -> None:
    """Release to export, as an instructor goes through it; a person's points are in every page and table."""
    autograder(course, "release", NAME)
    autograder(course, "grade", NAME, "--workers", "1", "--isolation", "process")
    with Gradebook(course.gradebook_url) as book:
        notebook = book.find_submission_notebook(NAME, NAME, "right")
        (asked,) = [grade for grade in notebook.grades if grade.needs_manual_grade]
        asked.manual_score = 1.5
        asked.needs_manual_grade = False
        book.db.commit()
        score, most = notebook.score, notebook.max_score
        assert {each.student_id for each in book.assignment_submissions(NAME)} == set(STUDENTS)
        assert book.find_assignment(NAME).course_id == course.course_id
    assert score > 1.5
    assert f"{len(STUDENTS)} pages" in autograder(course, "feedback", NAME)
    page = (course.feedback / "right" / NAME / f"{NAME}.html").read_text("utf-8")
    assert f"(Score: {score:.1f} / {most:.1f})" in page
    autograder(course, "report", NAME)
    assert "right" in (course.classroom / "report.html").read_text("utf-8")
    rows = {row["student"]: row for row in csv.DictReader(io.StringIO(autograder(course, "export", "csv", NAME)))}
    assert float(rows["right"]["score"]) == score
    assert "mistaken and right are" in autograder(course, "similar", NAME)
    assert not (course.classroom / "gradebook.db").exists()


@pytest.mark.parametrize("line", [
    "c.CourseDirectory.db_url = f'sqlite:///{root}/elsewhere/grades.db'; c.CourseDirectory.course_id = 'other'",
    "c.CourseDirectory.db_url = 'sqlite:///elsewhere/grades.db'",
], ids=["absolute", "relative"])  # fmt: skip
def test_another_sqlite_file(tmp_path: Path, line: str) -> None:
    course = configured(tmp_path / "course", line)
    assert course.gradebook_url == f"sqlite:///{course.root / 'elsewhere' / 'grades.db'}"
    assert course.course_id == ("other" if "other" in line else "neural_networks")
    whole_evening(course)
    assert (course.root / "elsewhere" / "grades.db").is_file()


def test_a_postgresql_server(tmp_path: Path) -> None:
    if postgresql.programs() is None:
        pytest.skip("this machine lacks PostgreSQL's server (the programs initdb and postgres)")
    with postgresql.server() as url:
        whole_evening(configured(tmp_path / "course", f"c.CourseDirectory.db_url = {url!r}"))


def test_another_classroom_has_its_own_file(tmp_path: Path) -> None:
    configured(tmp_path / "course", "c.CourseDirectory.db_url = 'sqlite:////somewhere/else.db'")
    other = Course(tmp_path / "course", tmp_path / "other")
    assert other.gradebook_url == f"sqlite:///{tmp_path / 'other' / 'gradebook.db'}"
    odd = Course(tmp_path / "course", tmp_path / "100%41? #")
    assert make_url(odd.gradebook_url).database == str(odd.classroom / "gradebook.db")


def test_a_classroom_behind_a_link_is_the_courses_own(tmp_path: Path) -> None:
    root = configured(tmp_path / "course", "c.CourseDirectory.db_url = 'sqlite:////somewhere/else.db'").root
    (root / "classroom").rename(tmp_path / "disk")
    (root / "classroom").symlink_to(tmp_path / "disk")
    assert find_course(root).gradebook_url == "sqlite:////somewhere/else.db"


def test_where_none_is_named_it_is_nbgraders_own_choice(tmp_path: Path) -> None:
    course = configured(tmp_path / "course", "del c.CourseDirectory['db_url']")
    assert course.gradebook_url == CourseDirectory(config=course.nbgrader_config).db_url


@pytest.mark.parametrize(("line", "said"), [
    ("c.CourseDirectory.db_url = 'no address'", r"nbgrader_config\.py: c\.CourseDirectory\.db_url: Could not parse"),
    ("raise ValueError('by mistake')", r"nbgrader_config\.py: ValueError: by mistake"),
    ("raise SystemExit(3)", r"nbgrader_config\.py: SystemExit: 3"),
    ("c.CourseDirectory.db_url = 'sqlite:///:memory:'", "sqlite:///:memory: is gone when a command ends; name a file"),
    ("c.CourseDirectory.db_url = 'sqlite://'", "sqlite:// is gone when a command ends; name a file"),
])  # fmt: skip
def test_a_configuration_that_names_none_is_named(tmp_path: Path, line: str, said: str) -> None:
    course = configured(tmp_path / "course", line)
    with pytest.raises(CourseError, match=said):
        _ = course.gradebook_url


@pytest.mark.parametrize(("url", "cure"), [
    (
        "postgresql+psycopg2://ada:hidden@db/grades",
        r"needs the package psycopg2, .*: write postgresql\+psycopg:// and pip install --editable '\.\[postgresql\]'",
    ),
    ("mysql://ada:hidden@db/grades", "needs the package MySQLdb, which is not installed: install mysqlclient"),
    ("mysql+pymysql://ada:hidden@db/grades", "needs the package pymysql, which is not installed: install pymysql"),
    ("postgres://ada:hidden@db/grades", "no kind of database is called postgres; it is spelled postgresql"),
    ("nonesuch://ada:hidden@db/grades", "no kind of database is called nonesuch; write sqlite:// or postgresql://"),
])  # fmt: skip
def test_a_missing_driver_is_named_with_its_cure_and_without_the_password(url: str, cure: str) -> None:
    with pytest.raises(CourseError, match=cure) as writing:
        GradebookWriter(url)
    with pytest.raises(CourseError, match=cure) as reading, open_gradebook(url):
        pass
    assert "hidden" not in f"{writing.value}{reading.value}"


def test_a_server_out_of_reach_is_one_line_without_the_password(tmp_path: Path) -> None:
    url = f"postgresql+psycopg://ada:hidden@/grades?host={tmp_path}"
    with pytest.raises(CourseError, match="cannot be read") as caught, open_gradebook(url):
        pass
    assert "hidden" not in str(caught.value)
    assert "\n" not in str(caught.value)
