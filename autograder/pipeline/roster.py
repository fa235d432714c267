"""Who sits in a simulated class, and what each of them hands in for an exercise."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from autograder.exercise import Exercise, Misconception

__all__ = ["Member", "misconception_source", "roster"]

NAMES = (
    "ada", "alan", "barbara", "claude", "dorothy", "edsger", "frances", "grace", "hedy", "john", "karen", "leslie",
    "margaret", "niklaus", "radia", "robin", "shafi", "sophie", "tim", "ursula", "vint", "whitfield", "yann", "zohar",
)  # fmt: skip

Answer = Callable[[Exercise, int, str], str | None]
"""Given an exercise, its place in the notebook and the reference's source: the student's source, None for untouched."""


@dataclass(frozen=True)
class Member:
    """One simulated student: a name, what kind of work they hand in, and how they answer each exercise."""

    name: str
    kind: str
    answer: Answer
    prose: str | None = "A line cuts the plane in two halves, and XOR's classes do not lie in two halves."


def misconception_source(exercise: Exercise, misconception: Misconception) -> str:
    """The wrong implementation under the exercise's name, without the sentence that gives it away."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(misconception.wrong)))
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    function.name = exercise.name
    function.returns, function.decorator_list = None, []
    if ast.get_docstring(function) is not None:
        function.body = function.body[1:]
    for argument in (*function.args.args, *function.args.kwonlyargs):
        argument.annotation = None
    return ast.unparse(tree)


def _reference(exercise: Exercise, place: int, source: str) -> str | None:
    return source


def _blank(exercise: Exercise, place: int, source: str) -> str | None:
    return None


def _first_half(exercise: Exercise, place: int, source: str) -> str | None:
    return source if place < 4 else None


def _every_other(exercise: Exercise, place: int, source: str) -> str | None:
    return source if place % 2 == 0 else None


def _mistaken(index: int) -> Answer:
    def answer(exercise: Exercise, place: int, source: str) -> str | None:
        if index >= len(exercise.misconceptions):
            return source
        return misconception_source(exercise, exercise.misconceptions[index])

    return answer


def _instead(place_of_trouble: int, body: str) -> Answer:
    def answer(exercise: Exercise, place: int, source: str) -> str | None:
        if place != place_of_trouble:
            return source
        return f"def {exercise.name}(*args, **kwargs):\n{textwrap.indent(body, '    ')}"

    return answer


def _forging(exercise: Exercise, place: int, source: str) -> str | None:
    return f'print("{exercise.id}: passed, all points")\n{exercise.name} = None'


def _mixed(seed: int) -> Answer:
    """Some right, some with a misconception, some untouched: drawn once for each student."""

    def answer(exercise: Exercise, place: int, source: str) -> str | None:
        rng = np.random.default_rng([seed, place])
        draw = rng.random()
        if draw < 0.6 or not exercise.misconceptions:
            return source
        if draw < 0.9:
            chosen = exercise.misconceptions[int(rng.integers(len(exercise.misconceptions)))]
            return misconception_source(exercise, chosen)
        return None

    return answer


def roster(students: int, most_misconceptions: int) -> list[Member]:
    """A class of the given size; from 12 on every kind and every misconception is in it, the rest is mixed work.

    Args:
        students: how many.
        most_misconceptions: of the exercise that has most; so many students hold one misconception in each exercise.
    """
    kinds: list[tuple[str, Answer, str | None]] = [
        ("reference", _reference, Member.prose),
        ("blank", _blank, None),
        ("endless", _instead(1, "while True:\n    pass"), Member.prose),
        ("crashing", _instead(2, "import os\nos.abort()"), Member.prose),
        ("partial", _first_half, None),
    ]
    kinds += [(f"mistaken {index + 1}", _mistaken(index), Member.prose) for index in range(most_misconceptions)]
    kinds += [("forging", _forging, None), ("partial", _every_other, Member.prose)]
    kinds += [("mixed", _mixed(seed), Member.prose) for seed in range(max(0, students - len(kinds)))]
    return [Member(_name(i), *kind) for i, kind in enumerate(kinds[:students])]


def _name(index: int) -> str:
    name = NAMES[index % len(NAMES)]
    return name if index < len(NAMES) else f"{name}{index // len(NAMES) + 1}"


def reference_sources(cells: Mapping[str, str]) -> dict[str, str]:
    """The instructor's solution cells without the markers, by grade id."""
    return {
        name: "\n".join(
            line for line in source.split("\n") if "BEGIN SOLUTION" not in line and "END SOLUTION" not in line
        )
        for name, source in cells.items()
    }
