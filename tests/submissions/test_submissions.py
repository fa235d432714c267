"""A judge is tried with whole submissions: hostile, wasteful, dying and odd ones, each between two honest students."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import nbformat
import numpy as np
import pytest
from command_line import ROOT, Done, run, run_apart
from corpus import Submission, read_corpus, written
from nbgrader.api import Gradebook
from odd_files import ODD_FILES, PROSE_ELSEWHERE

from autograder.exercises import ASSIGNMENTS, exercises_of, find
from autograder.judge.cases import hidden_cases
from autograder.pipeline.cells import is_open_question
from autograder.pipeline.course import Course
from autograder.pipeline.secret import read_secret
from autograder.pipeline.authoring.simulated_students import reference_sources
from autograder.pipeline.authoring.simulate import fill_in
from autograder.sandbox.host.isolation import TRUSTWORTHY, available
from autograder.sandbox.kernel.processes import adopt_orphans

CORPUS = read_corpus()
ASKED = sorted({one.assignment for one in CORPUS})
FIRST = "01_linear_classification"
ODD_NAMES = ("O'Brien \"Bob\"", "=cmd()", "名前 ü", "-rf", "a b  c", "{{7*7}}<b>")
STRONG = [rung.name for rung in available() if rung.ok and rung.name in TRUSTWORTHY]

pytestmark = [
    pytest.mark.xdist_group("submissions"),
    pytest.mark.skipif(not STRONG, reason="this machine has no isolation that holds against hostile code"),
]


def student(verdict: str, name: str) -> str:
    return f"{name} ({verdict})"


def right_notebook(assignment: str) -> str:
    course = Course(ROOT, ROOT / "classroom")
    master = nbformat.reads(course.master(assignment).read_text("utf-8"), as_version=4)
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id", ""): cell.source for cell in master.cells}
    names = {exercise.name for exercise in exercises_of(assignment)}
    answers = {name: source for name, source in reference_sources(cells).items() if name in names}
    released = nbformat.reads(course.release(assignment).read_text("utf-8"), as_version=4)
    return str(nbformat.writes(fill_in(released, answers, "A line has two sides.")))


def hand_in(course: Course, who: str, assignment: str, text: str) -> None:
    path = course.submission(who, assignment)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Course:
    return Course(ROOT, tmp_path_factory.mktemp("classroom"))


def hand_in_all(course: Course, corpus: list[Submission]) -> None:
    """Each of these submissions sits between honest ones."""
    for assignment in ASKED:
        right = right_notebook(assignment)
        chosen = [one for one in corpus if one.assignment == assignment]
        for number, one in enumerate(chosen):
            hand_in(course, student(one.verdict, one.name), assignment, written(one, right))
            if number % 8 == 0:
                hand_in(course, f"{one.name[:2]}_honest_{number}", assignment, right)


def hand_in_odd_files(course: Course) -> None:
    right = right_notebook(FIRST)
    for odd in ODD_FILES:
        folder = course.submission(student(odd.verdict, f"{odd.case}_{odd.name}"), FIRST).parent
        folder.mkdir(parents=True)
        odd.make(right, folder)
    for name in ODD_NAMES:
        hand_in(course, name, FIRST, right)


def command(course: Course, *arguments: object) -> Done:
    return (run_apart if arguments[0] == "grade" else run)(*arguments, "--classroom", course.classroom)


def left_behind() -> set[str]:
    """What the grader started and did not end: this process adopts what lost its parent, and looks below itself."""
    parents, lines = {os.getpid(): 0}, {os.getpid(): ""}
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            pid = int(place.name)
            line = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            parents[pid] = int((place / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1])
            lines[pid] = line
    below = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in below} - below:
        below |= more
    return {f"{pid} {lines[pid]}" for pid in below if re.search(r"autograder\.sandbox|time\.sleep\(600\)", lines[pid])}


def grade(course: Course, assignments: Iterable[str], patience: float) -> dict[tuple[str, str], dict]:
    """Grades what is not graded yet; everything that is known afterwards of these assignments."""
    before = left_behind()
    output = course.classroom / "grades.json"
    words = ("--workers", 2, "--patience", patience, "--format", "json", "--output", output)
    done = command(course, "grade", *assignments, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    deadline = time.monotonic() + 30
    while not left_behind() <= before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left_behind() <= before
    grades = json.loads(output.read_text("utf-8"))
    assert grades["isolation"] in STRONG
    return {(one["student"], one["assignment"]): one for one in grades["submissions"]}


@pytest.fixture(scope="module")
def graded(course) -> dict[tuple[str, str], dict]:
    """First those that end by the clock, with little time; then everyone else, with time enough on a busy machine."""
    adopt_orphans()
    assert command(course, "release", *ASKED).returncode == 0
    endless = [one for one in CORPUS if one.verdict == "timeout"]
    hand_in_all(course, endless)
    grade(course, {one.assignment for one in endless}, patience=0.2)
    hand_in_all(course, [one for one in CORPUS if one not in endless])
    hand_in_odd_files(course)
    return grade(course, ASKED, patience=4)


def statuses(submission: dict) -> dict[str, str]:
    return {entry["id"]: entry["status"] for entry in submission["exercises"]}


def judged(submission: dict) -> dict[str, dict]:
    ids = ASSIGNMENTS[submission["assignment"]].ids
    found = [entry for entry in submission["exercises"] if entry["id"] in ids]
    assert [entry["id"] for entry in found] == list(ids), "every exercise has exactly one verdict"
    return {entry["id"]: entry for entry in found}


@pytest.mark.parametrize("one", CORPUS, ids=lambda one: f"{one.verdict}-{one.name}")
def test_a_whole_submission_gets_the_verdict_it_is_filed_under(graded, one):
    entries = judged(graded[student(one.verdict, one.name), one.assignment])
    topic = ASSIGNMENTS[one.assignment].topic
    entry = entries.pop(f"{topic}.{one.cell}")
    assert (entry["status"], entry["message"]) == (one.verdict, entry["message"])
    if one.verdict == "passed":
        assert entry["points"] == entry["max_points"]
    else:
        assert entry["message"], "the student is told why"
        assert entry["points"] < entry["max_points"]
    fallen = {f"{topic}.{name}": one.verdict for name in one.falls_too}
    assert {id_: rest["status"] for id_, rest in entries.items()} == dict.fromkeys(entries, "passed") | fallen


@pytest.mark.parametrize("odd", ODD_FILES, ids=lambda odd: f"{odd.verdict}-{odd.case}_{odd.name}")
def test_an_odd_file_is_repaired_or_named(graded, odd):
    submission = graded[student(odd.verdict, f"{odd.case}_{odd.name}"), FIRST]
    assert {entry["status"] for entry in judged(submission).values()} == {odd.verdict}
    if odd.flagged:
        assert submission["flags"]
    if odd.verdict in ("unreadable", "missing"):
        assert all(entry["message"] for entry in judged(submission).values())


@pytest.mark.parametrize("name", ["prose_in_a_new_cell", "prose_in_the_question"])
def test_prose_outside_its_cell_is_shown_to_whoever_grades_by_hand(graded, course, name):
    who = student("passed", f"50_{name}")
    assert statuses(graded[who, FIRST])["linear.why_not_a_line"] == "needs_manual"
    ran = nbformat.read(course.autograded / who / FIRST / f"{FIRST}.ipynb", as_version=4)
    (answer,) = [cell.source for cell in ran.cells if PROSE_ELSEWHERE in cell.source]
    assert answer == next(cell.source for cell in ran.cells if is_open_question(cell))


def test_honest_students_get_full_marks_whoever_sits_beside_them(graded):
    honest = [one for (who, _), one in graded.items() if "_honest_" in who or who in ODD_NAMES]
    handed_in = [one for one in honest if set(statuses(one).values()) != {"missing"}]
    assert len({one["student"] for one in honest}) == len(handed_in) >= 10 + len(ODD_NAMES)
    for one in handed_in:
        assert {entry["status"] for entry in judged(one).values()} == {"passed"}, one["student"]


def test_every_numbered_case_of_a_notebook_is_there():
    cases = {one.case for one in CORPUS} | {odd.case for odd in ODD_FILES} | {41}
    elsewhere = {25, 39, 63}
    """The memory of a GPU needs one, archives go through `collect`, and busy threads are tried where what they take from
    others can be measured. All are tested apart."""
    assert cases | elsewhere == set(range(1, 65))


def test_no_number_of_a_hidden_case_is_in_what_was_kept_of_its_submission(graded, course):
    who = student("passed", "62_keeps_what_it_is_called_with")
    ran = (course.autograded / who / FIRST / f"{FIRST}.ipynb").read_text("utf-8")
    verdict = "".join(path.read_text("utf-8") for path in (course.verdicts / FIRST).glob("*62_*"))
    assert "KEPT" in ran and "linear.scores" in verdict
    scores = find("linear.scores")
    hidden = {repr(number) for case in hidden_cases(scores, read_secret(course)) for number in leaves(case.args)}
    found = [number for number in hidden if len(number) > 8 and (number in ran or number in verdict)]
    assert len(hidden) > 20
    assert not found


def leaves(value):
    """The numbers of nested arrays."""
    return np.concatenate([np.asarray(each).ravel() for each in value]).tolist()


def test_the_gradebook_is_intact_and_holds_the_same_scores(graded, course):
    with Gradebook(course.gradebook_url) as gradebook:
        for (who, assignment), one in graded.items():
            if set(statuses(one).values()) <= {"missing"}:
                continue
            submission = gradebook.find_submission(assignment, who)
            assert submission.score == pytest.approx(one["score"])


def test_no_answer_makes_a_large_verdict(graded, course):
    found = list(course.verdicts.rglob("*.json"))
    assert len(found) == len(graded)
    assert max(path.stat().st_size for path in found) < 500_000


def test_nothing_was_written_outside(graded, course):
    for folder in (course.classroom, course.classroom.parent, ROOT, Path("/"), Path.home(), Path("/tmp")):
        assert not (folder / "canary").exists()
        assert not (folder / "verdicts" / FIRST / "me.json").exists()


def test_students_names_do_no_harm_in_any_format(graded, course):
    table = command(course, "export", "csv").stdout
    assert "\n=cmd()" not in table
    assert command(course, "report").returncode == 0
    assert "{{7*7}}<b>" not in (course.classroom / "report.html").read_text("utf-8")
    junit = command(course, "grade", *ASKED, "--format", "junit")
    assert junit.returncode == 0, junit.stderr
