"""Every notebook through the real sandbox: right work in three styles, a blank one, and each known mistake."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

import nbformat
import pytest

from autograder.exercise import Exercise, Status, Verdict
from autograder.exercises import ASSIGNMENTS, exercises_of
from autograder.pipeline.course import find_course
from autograder.pipeline.roster import misconception_source, reference_sources
from autograder.pipeline.run import judge_notebook
from autograder.pipeline.simulate import fill_in
from autograder.pipeline.warm import Setup, open_sandbox, preload
from autograder.sandbox.host import Sandbox

SECRET = b"a secret of these tests"
COURSE = find_course()

each_assignment = pytest.mark.parametrize(
    "assignment", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in ASSIGNMENTS], scope="module"
)


@pytest.fixture(scope="module")
def sandbox(assignment):
    master = nbformat.reads(COURSE.release(assignment).read_text("utf-8"), as_version=4)
    with open_sandbox(assignment, master, Setup("process")) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def whole(assignment):
    """Here the library is whole, as in JupyterLab, where the cells that only show something run."""
    master = nbformat.reads(COURSE.release(assignment).read_text("utf-8"), as_version=4)
    with Sandbox("process", preload=preload(assignment, master)) as sandbox:
        yield sandbox


def judged(sandbox: Sandbox, assignment: str, answers: Mapping[str, str], *, demos: bool = False) -> dict[str, Verdict]:
    notebook = fill_in(nbformat.reads(COURSE.release(assignment).read_text("utf-8"), as_version=4), dict(answers))
    verdicts = judge_notebook(sandbox, notebook, exercises_of(assignment), SECRET, demos=demos)
    if demos:
        raised = [output for cell in notebook.cells for output in cell.get("outputs", ()) if "ename" in output]
        assert raised == []
    return verdicts


def right_answers(assignment: str) -> dict[str, str]:
    master = nbformat.reads(COURSE.master(assignment).read_text("utf-8"), as_version=4)
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id", ""): cell.source for cell in master.cells}
    names = {exercise.name for exercise in exercises_of(assignment)}
    return {name: source for name, source in reference_sources(cells).items() if name in names}


def holders(exercises: tuple[Exercise, ...]) -> list[dict[str, str]]:
    """Answers that together hold every misconception of a notebook, one in each exercise at a time."""
    most = max(len(exercise.misconceptions) for exercise in exercises)
    return [
        {
            exercise.name: misconception_source(exercise, exercise.misconceptions[index])
            for exercise in exercises
            if index < len(exercise.misconceptions)
        }
        for index in range(most)
    ]


@each_assignment
def test_the_solutions_get_full_marks_and_every_cell_runs(whole, assignment):
    for id_, verdict in judged(whole, assignment, right_answers(assignment), demos=True).items():
        assert (id_, verdict.status, verdict.message) == (id_, Status.PASSED, "")


@each_assignment
@pytest.mark.parametrize("style", ["loops", "other formula"])
def test_independent_right_work_gets_full_marks(sandbox, assignment, style):
    styles = importlib.import_module(f"solutions_{ASSIGNMENTS[assignment].topic}").STYLES[style]
    names = {exercise.name for exercise in exercises_of(assignment)}
    assert names <= set(styles)
    answers = {name: source for name, source in styles.items() if name in names}
    for id_, verdict in judged(sandbox, assignment, answers).items():
        assert (id_, verdict.points, verdict.message) == (id_, verdict.max_points, "")


@each_assignment
def test_a_blank_notebook_gets_nothing_and_every_cell_runs(whole, assignment):
    verdicts = judged(whole, assignment, {}, demos=True)
    assert {verdict.status for verdict in verdicts.values()} == {Status.NOT_WRITTEN}
    assert sum(verdict.points for verdict in verdicts.values()) == 0


@each_assignment
def test_every_mistake_loses_points_and_is_named(sandbox, assignment):
    exercises = {exercise.id: exercise for exercise in exercises_of(assignment)}
    right = right_answers(assignment)
    for index, answers in enumerate(holders(tuple(exercises.values()))):
        for id_, verdict in judged(sandbox, assignment, right | answers).items():
            if exercises[id_].name not in answers:
                assert (id_, verdict.status) == (id_, Status.PASSED)
                continue
            mistake = exercises[id_].misconceptions[index]
            assert (id_, mistake.name, verdict.misconception) == (id_, mistake.name, mistake.name)
            assert verdict.points < verdict.max_points
