"""Every notebook through the real sandbox: right work in three styles, a blank one, and each known mistake."""

from __future__ import annotations

from collections.abc import Container, Mapping

import nbformat
import pytest

from autograder.exercise import Exercise, Status, Verdict
from autograder.exercises import ASSIGNMENTS, exercises_of
from autograder.pipeline.authoring.simulate import fill_in
from autograder.pipeline.authoring.simulated_students import misconception_source, reference_sources
from autograder.pipeline.course import find_course
from autograder.pipeline.grading.judge_notebook import judge_notebook
from autograder.pipeline.grading.preload import preload
from autograder.pipeline.grading.warm_sandbox import Setup, open_sandbox
from autograder.sandbox.host.sandbox import Sandbox

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


def judged(
    sandbox: Sandbox, assignment: str, answers: Mapping[str, str], *, demos: bool = False, asked: Container[str] = ()
) -> dict[str, Verdict]:
    """The verdicts; where names are `asked`, the others' check cells are left out."""
    notebook = fill_in(nbformat.reads(COURSE.release(assignment).read_text("utf-8"), as_version=4), dict(answers))
    exercises = [each for each in exercises_of(assignment) if not asked or each.name in asked]
    left_out = {f"{each.name}_check" for each in exercises_of(assignment) if each not in exercises}
    notebook.cells = [
        cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id", "") not in left_out
    ]
    verdicts = judge_notebook(sandbox, notebook, exercises, SECRET, demos=demos)
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
    answers = {exercise.name: exercise.right[style] for exercise in exercises_of(assignment)}
    for id_, verdict in judged(sandbox, assignment, answers).items():
        assert (id_, verdict.points, verdict.message) == (id_, verdict.max_points, "")


@each_assignment
def test_a_blank_notebook_gets_nothing(sandbox, assignment):
    verdicts = judged(sandbox, assignment, {})
    assert {verdict.status for verdict in verdicts.values()} == {Status.NOT_WRITTEN}
    assert sum(verdict.points for verdict in verdicts.values()) == 0


@each_assignment
def test_every_mistake_loses_points_and_is_named(sandbox, assignment):
    exercises = {exercise.id: exercise for exercise in exercises_of(assignment)}
    right = right_answers(assignment)
    for index, answers in enumerate(holders(tuple(exercises.values()))):
        verdicts = judged(sandbox, assignment, right | answers, asked=answers)
        assert len(verdicts) == len(answers)
        for id_, verdict in verdicts.items():
            mistake = exercises[id_].misconceptions[index]
            assert (id_, mistake.name, verdict.misconception) == (id_, mistake.name, mistake.name)
            assert verdict.points < verdict.max_points
