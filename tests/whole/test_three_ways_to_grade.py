"""One engine behind three ways to grade: `autograder grade`, `nbgrader autograde` and the formgrader's button."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from small_class import CLASS, NAME, ROOT, grades, make_course
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader
from traitlets.utils.importstring import import_item

from autograder.pipeline import nbgrader_door
from autograder.pipeline.course import Course
from autograder.pipeline.grading import nbgrader_plugin, workers
from autograder.pipeline.grading.grade import Plan, grade

pytestmark = [
    pytest.mark.xdist_group("three ways to grade"),
    pytest.mark.filterwarnings("ignore:Object of type <Submitted"),  # nbgrader's own way with SQLAlchemy
]


def nbgrader(course: Course, *arguments: str, status: int = 0) -> str:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments, "--JudgeSubmission.isolation=process"],
        cwd=course.root, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    return done.stderr


def formgrader(course: Course) -> NbGraderAPI:
    """nbgrader's API as the formgrader's button uses it."""
    config: Config = PyFileConfigLoader("nbgrader_config.py", path=str(course.root)).load_config()
    config.JudgeSubmission.isolation = "process"
    return NbGraderAPI(CourseDirectory(config=config), config=config)


@pytest.fixture(scope="module")
def by_autograder(tmp_path_factory: pytest.TempPathFactory) -> Course:
    course = make_course(tmp_path_factory.mktemp("course") / "autograder")
    grade(course, Plan((NAME,), isolation="process"))
    return course


@pytest.fixture(scope="module")
def by_button(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    course = make_course(tmp_path_factory.mktemp("course") / "button")
    api = formgrader(course)
    for student in sorted(api.get_submitted_students(NAME)):
        result = api.autograde(NAME, student)
        assert result["success"], result
    yield course
    workers.close()


def test_the_command_gives_the_same_gradebook(by_autograder: Course, tmp_path: Path) -> None:
    course = make_course(tmp_path / "my course")
    log = nbgrader(course, "autograde", NAME)
    assert "ERROR" not in log
    assert grades(course) == grades(by_autograder)
    for student in CLASS:
        path = Path(student) / NAME / f"{NAME}.ipynb"
        same = [nbformat.read(folder / path, as_version=4) for folder in (course.autograded, by_autograder.autograded)]
        assert [cell.source for cell in same[0].cells] == [cell.source for cell in same[1].cells]
    assert "Skipping existing assignment" in nbgrader(course, "autograde", NAME)
    done = grade(course, Plan((NAME,), isolation="process"))  # nothing is graded twice
    assert {one.student: one.score for one in done.submissions} == {
        student: cells["all"][0] for student, cells in grades(course).items()
    }


def test_the_button_gives_the_same_gradebook(by_autograder: Course, by_button: Course) -> None:
    found = grades(by_button)
    assert found == grades(by_autograder)
    assert found["right"]["all"][0] > found["mistaken"]["all"][0] > found["broken"]["all"][0] == 0
    assert found["renamed"] == found["right"]
    assert found["forging"]["relu_check"] == (0.0, None, False)


def test_the_formgrader_sees_what_autograder_graded(by_autograder: Course) -> None:
    rows = {row["student"]: row for row in formgrader(by_autograder).get_submissions(NAME)}
    assert set(rows) == {*CLASS, "renamed"}
    assert all(row["autograded"] for row in rows.values())
    assert rows["right"]["needs_manual_grade"]
    assert not rows["broken"]["needs_manual_grade"]


@pytest.mark.parametrize("name", ["JudgeSubmission", "UnreadExporter", "expect_notebook"])
def test_a_config_may_give_the_plugin_its_former_name(name: str) -> None:
    assert getattr(nbgrader_door, name) is getattr(nbgrader_plugin, name)
    assert import_item(f"autograder.pipeline.nbgrader_door.{name}") is getattr(nbgrader_plugin, name)


def by_hand(course: Course, student: str, cell: str, score: float | None = None, extra: float | None = None) -> None:
    with Gradebook(course.gradebook_url) as book:
        row = book.find_grade(cell, NAME, NAME, student)
        row.manual_score, row.extra_credit, row.needs_manual_grade = score, extra, False
        book.find_comment(cell.removesuffix("_check"), NAME, NAME, student).manual_comment = f"about {cell}"
        book.db.commit()


def test_what_people_gave_survives_the_command_and_the_button(by_button: Course) -> None:
    before = grades(by_button)
    by_hand(by_button, "right", "why_silent", score=2)
    by_hand(by_button, "mistaken", "relu_check", score=1, extra=0.5)
    expected = grades(by_button)
    assert expected != before
    assert formgrader(by_button).autograde(NAME, "mistaken")["success"]
    grade(by_button, Plan((NAME,), student="right", isolation="process", force=True))
    after = grades(by_button)
    for student in ("right", "mistaken"):
        assert after[student]["all"] == expected[student]["all"]
    assert after["mistaken"]["relu_check"] == (0.0, 1.0, True)  # looked at again, as nbgrader asks
    with Gradebook(by_button.gradebook_url) as book:
        assert book.find_comment("why_silent", NAME, NAME, "right").comment == "about why_silent"
    others = set(CLASS) - {"right", "mistaken"}
    assert {name: after[name] for name in others} == {name: before[name] for name in others}


def test_a_resubmission_replaces_its_own_grades_either_way(by_button: Course) -> None:
    before = grades(by_button)
    path = by_button.submission("dying", NAME)
    path.write_text(CLASS["right"], "utf-8")
    assert formgrader(by_button).autograde(NAME, "dying")["success"]
    better = grades(by_button)
    assert better["dying"]["all"][0] == sum(
        cells[0] for name, cells in better["right"].items() if name.endswith("_check")
    )
    path.write_text(CLASS["mistaken"], "utf-8")
    grade(by_button, Plan((NAME,), isolation="process"))
    after = grades(by_button)
    assert after["dying"]["relu_check"] == (0.0, None, False)
    path.unlink()
    grade(by_button, Plan((NAME,), isolation="process"))
    gone = grades(by_button)
    assert gone["dying"]["all"][0] == 0
    assert {name: cells for name, cells in gone.items() if name != "dying"} == {
        name: cells for name, cells in before.items() if name != "dying"
    }


def test_late_penalties_are_those_of_nbgrader_s_plugin(by_autograder: Course, tmp_path: Path) -> None:
    course = make_course(tmp_path / "late")
    plugin = """
from nbgrader.plugins import BasePlugin

class HalfAPointAnHour(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return total_seconds_late / 7200

c.AssignLatePenalties.plugin_class = HalfAPointAnHour
"""
    with (course.root / "nbgrader_config.py").open("a") as file:
        file.write(plugin)
    course = Course(course.root, course.classroom)  # which reads its configuration anew
    with Gradebook(course.gradebook_url) as book:
        book.update_or_create_assignment(NAME, duedate=datetime(2026, 3, 1, 10))
    grade(course, Plan((NAME,), student="right", isolation="process"))
    nbgrader(course, "autograde", NAME, "--student=mistaken")
    late, in_time = grades(course), grades(by_autograder)
    assert late["right"]["all"][2] == late["mistaken"]["all"][2] == 1.0
    assert in_time["right"]["all"][2] is None
    for student in ("right", "mistaken"):
        assert {**late[student], "all": ()} == {**in_time[student], "all": ()}
    grade(course, Plan((NAME,), student="broken", isolation="process"))
    assert grades(course)["broken"]["all"] == (0.0, in_time["broken"]["all"][1], 0.0)  # no less than nothing


def test_without_isolation_that_holds_nothing_runs(by_button: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.sandbox.host.isolation.TRUSTWORTHY", ())
    api = formgrader(by_button)
    api.config.JudgeSubmission.isolation = "auto"
    before = grades(by_button)
    result = api.autograde(NAME, "right")
    assert not result["success"]
    assert "--isolation process" in result["log"]
    assert "NBGRADER_EXECUTION" not in os.environ  # else every later check in this server's kernels would raise
    assert grades(by_button)["right"]["relu_check"] == before["right"]["relu_check"]


def test_feedback_says_the_same_after_the_command_and_the_button(by_autograder: Course, by_button: Course) -> None:
    from autograder.pipeline.publishing.class_feedback import feedback_for_class

    for course in (by_autograder, by_button):
        pages = feedback_for_class(course, [NAME], "forging")
        page = pages.written[0].read_text("utf-8")
        assert pages.plain == ()
        assert "<script>alert(1)" not in page
        assert "<img src=x" not in page
    assert json.loads((by_button.verdicts / NAME / "right.json").read_text())["isolation"] == "process"


def test_the_button_in_jupyter_s_server_grades(by_autograder: Course, tmp_path: Path) -> None:
    """The formgrader's own address, in a server of its own, as the page calls it."""
    course = make_course(tmp_path / "course")
    with (course.root / "nbgrader_config.py").open("a") as file:
        file.write('\nc.JudgeSubmission.isolation = "process"\n')
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser", f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0", "--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True",
        "--ServerApp.jpserver_extensions={'nbgrader.server_extensions.formgrader': True}",
        f"--ServerApp.root_dir={course.root}",
    ]  # fmt: skip
    places = {"HOME": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path / "none"), "PYTHONPATH": str(ROOT)}
    address = f"http://127.0.0.1:{port}/formgrader/api/submission/{NAME}"
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=course.root, env=os.environ | places, stdout=log, stderr=log)
    try:
        for _ in range(3000):
            with suppress(OSError), urllib.request.urlopen(f"{address}/right", timeout=300) as page:
                assert json.loads(page.read())["autograded"] is False
                break
            assert server.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.1)
        button = urllib.request.Request(f"{address}/right/autograde", method="POST")
        with urllib.request.urlopen(button, timeout=600) as page:
            assert json.loads(page.read())["success"]
        with urllib.request.urlopen(f"{address}/right", timeout=300) as page:
            assert json.loads(page.read())["autograded"] is True
    finally:
        server.terminate()
        server.wait(30)
    assert grades(course)["right"] == grades(by_autograder)["right"]
