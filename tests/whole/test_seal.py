"""The library that a graded process sees holds no answer: not by import, source, cache or memory."""

import ast
import importlib
import inspect
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from answers import each_assignment, released

from autograder.exercise import Rules
from autograder.exercises import ASSIGNMENTS, exercises_of
from autograder.judge.cases import visible_cases
from autograder.judge.prepared import Prepared
from autograder.judge.trial import try_case
from autograder.pipeline.grading.seal import seal
from autograder.sandbox.guest.messenger import loopback


@pytest.fixture(scope="session")
def library(assignment, tmp_path_factory):
    target = tmp_path_factory.mktemp("library")
    seal(assignment, target, released(assignment))
    return target


@pytest.fixture
def run(sealed_sandbox):
    with sealed_sandbox.start() as run:
        yield run


def later(assignment):
    names = list(ASSIGNMENTS)
    return [id_ for name in names[names.index(assignment) :] for id_ in ASSIGNMENTS[name].ids]


def definitions(folder: Path, topic: str) -> dict[str, ast.stmt]:
    place = folder / "course_lib" / topic
    files = place.rglob("*.py") if place.is_dir() else [place.with_suffix(".py")]
    trees = [ast.parse(path.read_text("utf-8")) for path in files]
    return {
        node.name: node for tree in trees for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    }


def is_sealed(node: ast.stmt) -> bool:
    assert isinstance(node, (ast.FunctionDef, ast.ClassDef))
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    if isinstance(node, ast.ClassDef):
        return len(body) == 1 and is_sealed(body[0])
    return len(body) == 1 and isinstance(body[0], ast.Raise)


@each_assignment
def test_references_of_this_and_later_assignments_are_sealed_and_earlier_ones_whole(assignment, library):
    for name, known in ASSIGNMENTS.items():
        there = definitions(library, known.topic)
        for function, id_ in zip(known.exercises, known.ids, strict=True):
            assert is_sealed(there[function]) is (id_ in later(assignment)), (name, function)
            assert ast.get_docstring(there[function])


@each_assignment
def test_helpers_that_only_sealed_functions_use_are_gone(assignment, library):
    topics = {id_.partition(".")[0] for id_ in later(assignment)}
    earlier = {known.topic for name, known in ASSIGNMENTS.items() if name < assignment}
    for topic in topics - earlier:
        whole = {name for name, node in definitions(library, topic).items() if name.startswith("_")}
        own = topic == ASSIGNMENTS[assignment].topic
        assert not whole or own, f"{topic} keeps {sorted(whole)}"


@each_assignment
def test_only_the_visible_part_is_there(library):
    rooms = {path.relative_to(library / "autograder").parts[0] for path in (library / "autograder").rglob("*.py")}
    files = {
        "__init__.py",
        "calls.py",
        "check.py",
        "exercise.py",
        "forbidden_names.py",
        "local_progress.py",
        "objects.py",
    }
    assert rooms == {*files, "harness", "sandbox"}
    ends = {path.parent.name for path in (library / "autograder" / "sandbox").glob("*/*.py")}
    assert ends == {"guest", "kernel", "wire"}
    assert not list(library.rglob("*.pyc"))
    assert not list(library.rglob("__pycache__"))


@each_assignment
def test_the_assignments_own_references_say_what_they_are(assignment, run):
    topic, function = ASSIGNMENTS[assignment].topic, ASSIGNMENTS[assignment].exercises[0]
    error = run.execute(f"from course_lib.{topic} import {function}\n{function}()").error
    assert error is not None
    assert error.message == f"{topic}.{function} is what this notebook asks of you: write it yourself" or (
        error.kind == "TypeError"
    )


@each_assignment
def test_no_module_of_the_judge_can_be_imported(run):
    for name in ("exercises", "judge", "pipeline", "reports", "cli", "sandbox.host"):
        error = run.execute(f"import autograder.{name}").error
        assert error is not None
        assert error.kind == "ModuleNotFoundError", name


LOOKS = """
import gc, importlib, inspect, linecache, sys
import course_lib.{topic} as topic
from pathlib import Path

found = []
source = inspect.getsource(topic.{function})
found.append(source)
home = Path(topic.__file__).parent
found += [path.read_text("utf-8") for path in Path(topic.__file__).parent.glob("*.py") if path.stem == "{topic}"]
found += [repr(path) for path in home.rglob("*.pyc") if "{topic}" in path.stem and path.stat().st_mtime == 0]
found += [str(one.__code__.co_names) for one in gc.get_objects()
          if inspect.isfunction(one) and one.__module__ == topic.__name__ and one.__name__ == "{function}"]
found += [line for entry in list(linecache.cache.values()) if len(entry) == 4 for line in entry[2]
          if "{topic}" in entry[3]]
for text in found:
    print(text)
"""


def whole_lines(function) -> set[str]:
    """Lines of a reference that only it has: what a look at it would bring out."""
    source = inspect.getsource(function)
    tree = ast.parse(source)
    body = tree.body[0].body[1:]  # type: ignore[attr-defined]
    lines = {line.strip() for node in body for line in ast.unparse(node).split("\n")}
    return {line for line in lines if len(line) > 25 and not line.startswith(("raise", "def ", "return self"))}


@each_assignment
def test_looking_for_a_reference_shows_nothing_of_it(assignment, run):
    for exercise in exercises_of(assignment):
        lines = whole_lines(exercise.reference)
        source = LOOKS.format(topic=exercise.topic, function=exercise.name)
        result = run.execute(source)
        assert result.error is None, (exercise.id, result.error)
        shown = "".join(output.get("text", "") for output in result.outputs)
        assert exercise.name in shown
        assert [line for line in lines if line in shown] == []


def test_helpers_that_would_answer_are_sealed_where_they_do(tmp_path):
    for assignment in ASSIGNMENTS:
        names = {name for exercise in exercises_of(assignment) for name in exercise.helpers}
        if not names:
            continue
        target = tmp_path / assignment
        target.mkdir()
        seal(assignment, target)
        for name in names:
            module, _, function = name.partition(".")
            assert is_sealed(definitions(target, module)[function])


def test_the_helpers_named_exist():
    helpers = {exercise.id: exercise.helpers for name in ASSIGNMENTS for exercise in exercises_of(name)}
    assert helpers["cnn.train_epoch"] == ("training.fit", "training._step")
    for names in helpers.values():
        for name in names:
            module, _, function = name.partition(".")
            assert hasattr(importlib.import_module(f"course_lib.{module}"), function)


def shared_functions(library: Path, assignment: str):
    """Functions that the library still holds outside of the topics' own modules, as they are in the repository.

    Those that return None or a diagram, as the pictures do, answer nothing; mypy holds them to it.
    """
    topics = {known.topic for known in ASSIGNMENTS.values()}
    for path in sorted((library / "course_lib").rglob("*.py")):
        parts = path.relative_to(library).with_suffix("").parts
        if parts[1] in topics:
            continue
        module = importlib.import_module(".".join(parts).removesuffix(".__init__"))
        for node in ast.parse(path.read_text("utf-8")).body:
            if not isinstance(node, ast.FunctionDef) or is_sealed(node) or not hasattr(module, node.name):
                continue
            if node.returns is None or ast.unparse(node.returns) not in ("None", "Diagram"):
                yield getattr(module, node.name)


class Tried:
    """An exercise without its rules and properties: the reference works its visible cases out once."""

    def __init__(self, exercise):
        self.exercise = replace(exercise, rules=Rules(), properties=())
        self._plan = Prepared(self.exercise, None)

    def kind(self, ready, function) -> str:
        """What is wrong with the function's answer to a case; nothing where it is right."""
        return try_case(self.exercise, ready, loopback(function), hidden=False).result.kind

    def takes(self, function) -> bool:
        """Whether a function takes what an answer does, and gives something of that kind for the first case."""
        first = self._plan.visible[0]
        try:
            inspect.signature(function).bind(*first.case.args, **first.case.kwargs)
        except (TypeError, ValueError):
            return False
        return self.kind(first, function) not in ("exception", "type")

    def answered(self, function) -> set[str]:
        """The groups that a function would get."""
        if not self._plan.remembers_nothing:
            self._plan = Prepared(self.exercise, None)
        wrong = {ready.case.group for ready in self._plan.visible if self.kind(ready, function)}
        return {ready.case.group for ready in self._plan.visible} - wrong


@each_assignment
def test_no_shared_helper_answers_an_exercise(assignment, library):
    tried = [Tried(exercise) for exercise in exercises_of(assignment) if exercise.through is None]
    answers = []
    for function in shared_functions(library, assignment):
        for one in tried:
            if one.takes(function) and one.answered(function):
                answers.append(f"{function.__module__}.{function.__name__} answers {one.exercise.id}")
        plt.close("all")
    assert answers == []


def test_a_helper_that_answers_would_be_found():
    [exercise, *_] = exercises_of("01_linear_classification")
    assert Tried(exercise).takes(exercise.reference)
    assert Tried(exercise).answered(exercise.reference) == {case.group for case in visible_cases(exercise)}
    assert not Tried(exercise).takes(plt.figure)
