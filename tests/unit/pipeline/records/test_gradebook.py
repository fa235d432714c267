"""The gradebook as nbgrader itself reads it back."""

from __future__ import annotations

import csv
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from autograder.calls import Status
from autograder.exercise import Graded, Verdict
from autograder.pipeline.course import CourseError
from autograder.pipeline.intake.restore import restore
from autograder.pipeline.records.gradebook import GradebookWriter

NAME = "01_linear_classification"
COURSE_ID = "neural_networks"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'classroom' / 'gradebook.db'}"


@pytest.fixture
def writer(url: str, release: NotebookNode) -> Iterator[GradebookWriter]:
    with GradebookWriter(url, patience=0.2, course_id=COURSE_ID) as writer:
        writer.register(NAME, release)
        yield writer


def graded(
    student: str = "alice", scores: float = 2, predict: float = 1.5, why: Status = Status.NEEDS_MANUAL
) -> Graded:
    verdicts = (
        Verdict("linear.scores", Status.PASSED if scores else Status.FAILED, scores, 2),
        Verdict("linear.predict", Status.PARTIAL, predict, 4),
        Verdict("linear.why", why, 0, 3),
    )
    return Graded(student, NAME, sum(v.points for v in verdicts), 9, 0.1, exercises=verdicts)


def restored(release: NotebookNode, submission: NotebookNode) -> NotebookNode:
    return restore(release, nbformat.writes(submission).encode()).notebook


def by_hand(url: str, cell: str, student: str = "alice", **values: object) -> None:
    """What a person does in the formgrader."""
    with Gradebook(url) as book:
        row = book.find_grade(cell, NAME, NAME, student)
        for name, value in values.items():
            setattr(row, name, value)
        book.db.commit()


def everything(url: str) -> list[tuple[object, ...]]:
    """Every row of every table, ids included."""
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        names = [
            row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        ]
        rows = [(name, *row) for name in names for row in connection.execute(f"SELECT * FROM {name}")]
    connection.close()
    return sorted(rows, key=repr)


# --- register ---------------------------------------------------------------------------------------------


def test_registers_what_nbgrader_would(url: str, writer: GradebookWriter, release: NotebookNode) -> None:
    with Gradebook(url) as book:
        assignment = book.find_assignment(NAME)
        notebook = book.find_notebook(NAME, NAME)
        assert assignment.course_id == COURSE_ID
        assert assignment.max_score == 9
        assert (notebook.max_code_score, notebook.max_written_score) == (6, 3)
        assert '"name": "python3"' in notebook.kernelspec
        assert {cell.name: cell.max_score for cell in notebook.grade_cells} == {
            "scores_check": 2,
            "predict_check": 4,
            "why": 3,
        }
        assert {cell.name for cell in notebook.solution_cells} == {"scores", "predict", "why"}
        checksums = {cell.name: (cell.checksum, cell.locked) for cell in notebook.source_cells}
    marks = [cell.metadata.nbgrader for cell in release.cells if "nbgrader" in cell.metadata]
    assert checksums == {m.grade_id: (m.checksum, m.locked) for m in marks}


def test_registering_again_changes_nothing(
    url: str, writer: GradebookWriter, release: NotebookNode, source: NotebookNode
) -> None:
    before = everything(url)
    writer.register(NAME, release)
    writer.register(NAME, source)
    assert everything(url) == before


def test_changed_points_reach_submissions(
    url: str, writer: GradebookWriter, answered: NotebookNode, release: NotebookNode
) -> None:
    writer.record(graded(), restored(release, answered), None)
    release.cells[5].metadata.nbgrader.points = 7
    writer.register(NAME, release)
    with Gradebook(url) as book:
        assert book.find_submission(NAME, "alice").max_score == 14
        assert book.find_submission(NAME, "alice").score == 3.5


def test_an_added_exercise_reaches_submissions(
    url: str, writer: GradebookWriter, release: NotebookNode, answered: NotebookNode
) -> None:
    writer.record(graded(), restored(release, answered), None)
    both = [nbformat.from_dict(cell) for cell in release.cells[4:6]]
    for cell, name in zip(both, ("extra", "extra_check"), strict=True):
        cell.metadata.nbgrader.grade_id = name
        cell.id = name
    release.cells += both
    writer.register(NAME, release)
    with Gradebook(url) as book:
        assert book.find_grade("extra_check", NAME, NAME, "alice").needs_manual_grade
        assert book.find_comment("extra", NAME, NAME, "alice").comment is None


def test_a_removed_exercise_goes_with_its_grades(
    url: str, writer: GradebookWriter, release: NotebookNode, answered: NotebookNode
) -> None:
    writer.record(graded(), restored(release, answered), None)
    release.cells = [cell for cell in release.cells if cell.id not in ("predict", "predict_check", "setup")]
    writer.register(NAME, release)
    with Gradebook(url) as book:
        assert book.find_submission(NAME, "alice").score == 2
        assert book.find_submission(NAME, "alice").max_score == 5
        assert {cell.name for cell in book.find_notebook(NAME, NAME).source_cells} == {"scores", "scores_check", "why"}
    leftovers = [row for row in everything(url) if row[0] in ("grade", "comment") and None in row[2:4]]
    assert leftovers == []


def test_an_exercise_graded_by_hand_is_not_removed(
    url: str, writer: GradebookWriter, release: NotebookNode, answered: NotebookNode
) -> None:
    writer.record(graded(), restored(release, answered), None)
    by_hand(url, "why", manual_score=2.0)
    before = everything(url)
    release.cells = [cell for cell in release.cells if cell.id != "why"]
    with pytest.raises(CourseError, match="no longer has the cell why"):
        writer.register(NAME, release)
    assert everything(url) == before


# --- record -----------------------------------------------------------------------------------------------


def test_records_points_as_nbgrader_adds_them_up(
    url: str, writer: GradebookWriter, release: NotebookNode, answered: NotebookNode
) -> None:
    writer.record(graded(), restored(release, answered), None)
    with Gradebook(url) as book:
        submission = book.find_submission(NAME, "alice")
        assert (submission.score, submission.max_score) == (3.5, 9)
        assert (submission.code_score, submission.written_score) == (3.5, 0)
        assert submission.needs_manual_grade
        assert book.find_student("alice").score == 3.5
        why = book.find_grade("why", NAME, NAME, "alice")
        assert (why.auto_score, why.needs_manual_grade) == (None, True)
        check = book.find_grade("scores_check", NAME, NAME, "alice")
        assert (check.auto_score, check.needs_manual_grade) == (2, False)
        assert book.find_comment("scores", NAME, NAME, "alice").comment is None


def test_untouched_cells_have_no_response(url: str, writer: GradebookWriter, release: NotebookNode) -> None:
    writer.record(graded(scores=0, predict=0, why=Status.NOT_WRITTEN), restored(release, release), None)
    with Gradebook(url) as book:
        for name in ("scores", "predict", "why"):
            assert book.find_comment(name, NAME, NAME, "alice").comment == "No response."
        why = book.find_grade("why", NAME, NAME, "alice")
        assert (why.auto_score, why.needs_manual_grade) == (0, False)
        assert not book.find_submission(NAME, "alice").needs_manual_grade


def test_no_notebook_is_recorded_with_nothing(url: str, writer: GradebookWriter) -> None:
    writer.record(graded(scores=0, predict=0, why=Status.MISSING), None, None)
    with Gradebook(url) as book:
        submission = book.find_submission(NAME, "alice")
        assert (submission.score, submission.needs_manual_grade) == (0, False)


def test_a_regrade_replaces_and_never_doubles(
    url: str, writer: GradebookWriter, release: NotebookNode, answered: NotebookNode
) -> None:
    notebook = restored(release, answered)
    writer.record(graded(), notebook, None)
    before = everything(url)
    writer.record(graded(), notebook, None)
    assert everything(url) == before
    writer.record(graded(scores=0, predict=4), notebook, None)
    with Gradebook(url) as book:
        assert book.find_submission(NAME, "alice").score == 4
        assert len(book.find_submission_notebook(NAME, NAME, "alice").grades) == 3
    assert len(everything(url)) == len(before)


def test_what_a_person_wrote_survives(
    url: str, writer: GradebookWriter, release: NotebookNode, answered: NotebookNode
) -> None:
    notebook = restored(release, answered)
    writer.record(graded(), notebook, None)
    by_hand(url, "why", manual_score=2.5, extra_credit=0.5, needs_manual_grade=False)
    by_hand(url, "predict_check", extra_credit=1.0)
    with Gradebook(url) as book:
        book.find_comment("why", NAME, NAME, "alice").manual_comment = "well said"
        book.find_submission_notebook(NAME, NAME, "alice").flagged = True
        book.grant_extension(NAME, "alice", days=2)
    writer.record(graded(scores=0), notebook, None)
    with Gradebook(url) as book:
        assert book.find_submission(NAME, "alice").score == 1.5 + 1 + 2.5 + 0.5
        assert book.find_grade("why", NAME, NAME, "alice").needs_manual_grade
        assert not book.find_grade("predict_check", NAME, NAME, "alice").needs_manual_grade
        assert book.find_comment("why", NAME, NAME, "alice").comment == "well said"
        assert book.find_submission_notebook(NAME, NAME, "alice").flagged
        assert book.find_submission(NAME, "alice").extension == timedelta(days=2)


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 3, 1, 12, 0),
        datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
        datetime(2026, 3, 1, 14, 0, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_timestamps_are_kept_in_utc(url: str, writer: GradebookWriter, moment: datetime) -> None:
    writer.record(graded(), None, moment)
    with Gradebook(url) as book:
        book.update_or_create_assignment(NAME, duedate="2026-03-01 11:00:00")
        submission = book.find_submission(NAME, "alice")
        assert submission.timestamp == datetime(2026, 3, 1, 12, 0)
        assert submission.total_seconds_late == 3600
    writer.record(graded(), None, None)
    with Gradebook(url) as book:
        assert book.find_submission(NAME, "alice").timestamp is None


@pytest.mark.parametrize("student", ["Ana María", "o'brien", "=cmd()", "../x", 'x"; DROP TABLE grade; --', "学生"])
def test_any_student_id_is_only_text(url: str, writer: GradebookWriter, student: str) -> None:
    writer.record(graded(student), None, None)
    writer.record(graded("bob", scores=0), None, None)
    assert writer.has(student, NAME)
    with Gradebook(url) as book:
        assert {s.id: s.score for s in book.students} == {student: 3.5, "bob": 1.5}


def test_has_tells_who_is_recorded(writer: GradebookWriter) -> None:
    assert not writer.has("alice", NAME)
    writer.record(graded(), None, None)
    assert writer.has("alice", NAME)
    assert not writer.has("alice", "02_mlp_forward")
    assert not writer.has("bob", NAME)


# --- what goes wrong --------------------------------------------------------------------------------------


def test_an_unregistered_assignment_is_an_error(url: str, writer: GradebookWriter) -> None:
    before = everything(url)
    with pytest.raises(CourseError, match="run autograder release 02_mlp_forward"):
        writer.record(replace(graded(), assignment="02_mlp_forward"), None, None)
    assert everything(url) == before


@pytest.mark.parametrize("keep", [0, 1])
def test_a_failure_leaves_the_old_record_whole(url: str, writer: GradebookWriter, keep: int) -> None:
    """The second exercise has no verdict, or one with other points: nothing of the submission is recorded."""
    writer.record(graded(), None, None)
    before = everything(url)
    bad = graded(scores=0)
    wrong = bad.exercises[:1] + (replace(bad.exercises[1], max_points=5),) * keep
    with pytest.raises(CourseError, match="predict_check has 4 points in the gradebook and"):
        writer.record(replace(bad, exercises=wrong), None, datetime(2026, 1, 1))
    with pytest.raises(CourseError):
        writer.record(replace(bad, student="new", exercises=wrong), None, None)
    assert everything(url) == before


def test_a_busy_database_is_waited_for(url: str, writer: GradebookWriter) -> None:
    other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    timer = threading.Timer(0.7, lambda: other.execute("ROLLBACK"))
    timer.start()
    writer.record(graded(), None, None)
    timer.join()
    other.close()
    assert writer.has("alice", NAME)


def test_a_database_that_stays_busy_is_one_clear_line(url: str, writer: GradebookWriter) -> None:
    other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(CourseError, match="another grader") as caught:
        writer.record(graded(), None, None)
    other.execute("ROLLBACK")
    other.close()
    assert "\n" not in str(caught.value)
    writer.record(graded(), None, None)


def test_writers_in_two_threads_lose_nothing(url: str, release: NotebookNode) -> None:
    def write(first: int) -> None:
        with GradebookWriter(url, patience=10) as writer:
            writer.register(NAME, release)
            for i in range(first, first + 10):
                writer.record(graded(f"s{i}"), None, None)

    threads = [threading.Thread(target=write, args=(first,)) for first in (0, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Gradebook(url) as book:
        assert len(book.students) == 20
        assert all(student.score == 3.5 for student in book.students)


def test_a_file_that_is_no_database_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "gradebook.db"
    path.write_text("not a database, and long enough to be looked at" * 50)
    with pytest.raises(CourseError, match="not a database") as caught, GradebookWriter(f"sqlite:///{path}"):
        raise AssertionError("opened")
    assert "\n" not in str(caught.value)


def test_another_version_of_nbgrader_is_refused(url: str, writer: GradebookWriter) -> None:
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '167914646830'")
    connection.close()
    with pytest.raises(CourseError, match="nbgrader db upgrade"), GradebookWriter(url):
        raise AssertionError("opened")


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "classroom").write_text("a file")
    with pytest.raises(CourseError, match="folder"), GradebookWriter(f"sqlite:///{tmp_path}/classroom/gradebook.db"):
        raise AssertionError("opened")


# --- nbgrader reads it ------------------------------------------------------------------------------------


@pytest.fixture
def course(tmp_path: Path, writer: GradebookWriter, release: NotebookNode, answered: NotebookNode) -> Path:
    """A graded class of two on disk, in the course's own folders."""
    shutil.copy(Path(__file__).parents[4] / "nbgrader_config.py", tmp_path)
    for folder in ("solutions", "notebooks"):
        path = tmp_path / folder / NAME / f"{NAME}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(nbformat.writes(release))
    for student, score in (("alice", 2.0), ("bob", 0.0)):
        for step in ("submitted", "autograded"):
            path = tmp_path / "classroom" / step / student / NAME / f"{NAME}.ipynb"
            path.parent.mkdir(parents=True)
            path.write_text(nbformat.writes(restored(release, answered)))
        handed_in = tmp_path / "classroom" / "submitted" / student / NAME / "timestamp.txt"
        handed_in.write_text("2026-03-01 12:00:00 UTC")  # the formgrader compares it with the gradebook's
        writer.record(graded(student, scores=score), restored(release, answered), datetime(2026, 3, 1, 12))
    return tmp_path


@pytest.mark.filterwarnings(r"ignore:datetime\.datetime\.utcnow:DeprecationWarning")  # nbgrader's, from Python 3.12 on
def test_the_formgrader_s_api_reads_it(course: Path, url: str) -> None:
    config = Config()
    config.CourseDirectory.root = str(course)
    config.CourseDirectory.db_url = url
    config.CourseDirectory.course_id = COURSE_ID
    for step in ("submitted", "autograded", "feedback"):
        config.CourseDirectory[f"{step}_directory"] = f"classroom/{step}"
    config.CourseDirectory.source_directory, config.CourseDirectory.release_directory = "solutions", "notebooks"
    api = NbGraderAPI(CourseDirectory(config=config), config=config)
    submissions = {row["student"]: row for row in api.get_submissions(NAME)}
    assert {name: row["score"] for name, row in submissions.items()} == {"alice": 3.5, "bob": 1.5}
    assert all(row["autograded"] and row["needs_manual_grade"] for row in submissions.values())
    (mine,) = api.get_student_submissions("alice")
    assert (mine["score"], mine["max_score"], mine["timestamp"]) == (3.5, 9, "2026-03-01T12:00:00")
    (notebook,) = api.get_student_notebook_submissions("alice", NAME)
    assert (notebook["code_score"], notebook["max_written_score"]) == (3.5, 3)
    assert [row["name"] for row in api.get_assignments()] == [NAME]
    assert len(api.get_notebook_submission_indices(NAME, NAME)) == 2
    assert {row["id"] for row in api.get_students()} == {"alice", "bob"}


def test_nbgrader_exports_it(course: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    subprocess.run(
        [sys.executable, "-m", "nbgrader", "export", "--to=grades.csv"],
        cwd=course, env={**os.environ, "PATH": path}, check=True, capture_output=True, timeout=600,
    )  # fmt: skip
    with (course / "grades.csv").open() as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert {name: float(row["score"]) for name, row in rows.items()} == {"alice": 3.5, "bob": 1.5}
    assert rows["alice"]["max_score"] == "9.0"
    assert rows["alice"]["timestamp"].startswith("2026-03-01 12:00")
