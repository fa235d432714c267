"""What is exported are the final scores: the judge's, people's, and what lateness took off."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from small_class import NAME, make_course

from autograder.calls import Status
from autograder.exercise import Graded
from autograder.exercises import exercises_of
from autograder.judge.evaluate import stopped
from autograder.pipeline.course import Course
from autograder.pipeline.records.final_scores import final_grading, waiting
from autograder.pipeline.records.gradebook import GradebookWriter
from autograder.pipeline.records.verdict_store import StoredVerdicts, save_verdicts
from autograder.reports import render


@pytest.fixture
def course(tmp_path: Path) -> Course:
    made = make_course(tmp_path / "course")
    exercises = exercises_of(NAME)
    with GradebookWriter(made.gradebook_url, late=lambda student, score, seconds: 1.5) as book:
        for student, status in (("4711", Status.PASSED), ("=ada", Status.FAILED), ("gone", Status.MISSING)):
            points = 1.0 if status is Status.PASSED else 0.0
            verdicts = [stopped(each.id, each.points, status, "") for each in exercises]
            verdicts = [type(each)(each.id, status, points * each.max_points, each.max_points) for each in verdicts]
            verdicts.append(stopped("mlp.why_silent", 3.0, Status.NEEDS_MANUAL if points else status, ""))
            most = sum(each.max_points for each in verdicts)
            graded = Graded(student, NAME, sum(each.points for each in verdicts), most, 1.0, (), tuple(verdicts))
            save_verdicts(made, StoredVerdicts(graded, "x", "process", "cpu"))
            if status is not Status.MISSING:
                book.record(graded, None, datetime(2026, 3, 1))
    return made


def total() -> float:
    return sum(exercise.points for exercise in exercises_of(NAME))


def test_points_given_by_hand_and_lateness_count(course: Course) -> None:
    before = {one.student: one.score for one in final_grading(course, [NAME]).submissions}
    assert before == {"4711": total(), "=ada": 0, "gone": 0}
    with Gradebook(course.gradebook_url) as book:
        grade = book.find_grade("why_silent", NAME, NAME, "4711")
        grade.manual_score, grade.extra_credit = 2.0, 0.5
        book.find_submission_notebook(NAME, NAME, "4711").late_submission_penalty = 1.0
        book.db.commit()
    after = {one.student: one for one in final_grading(course, [NAME]).submissions}
    assert after["4711"].score == total() + 1.5
    assert after["4711"].flags == ("points deducted for lateness: 1",)
    assert after["4711"].exercises[-1].points == 2.5


def test_canvas_gets_its_columns(course: Course) -> None:
    rows = list(csv.reader(io.StringIO(render(final_grading(course, [NAME]), "canvas"))))
    assert rows[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", NAME]
    assert rows[1] == ["    Points Possible", "", "", "", "", f"{total() + 3:g}"]
    assert rows[2:] == [
        ["4711", "4711", "", "", "", f"{total():g}"],
        ["'=ada", "", "'=ada", "", "", "0"],
        ["gone", "", "gone", "", "", ""],
    ]


def test_those_who_wait_for_a_person_are_counted(course: Course) -> None:
    with Gradebook(course.gradebook_url) as book:
        grade = book.find_grade("why_silent", NAME, NAME, "4711")
        grade.needs_manual_grade, grade.auto_score = True, None
        book.db.commit()
    assert waiting(course, final_grading(course, [NAME])) == 1
