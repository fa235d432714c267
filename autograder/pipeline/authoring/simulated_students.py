"""The students of a simulated class, and what each of them hands in for an exercise."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from autograder.exercise import Exercise, Misconception
from autograder.exercises.slips import source_of

__all__ = ["MISTAKEN", "Member", "Slot", "misconception_source", "reference_sources", "simulated_class"]

NAMES = (
    "ada", "alan", "barbara", "claude", "dorothy", "edsger", "frances", "grace", "hedy", "john", "karen", "leslie",
    "margaret", "niklaus", "radia", "robin", "shafi", "sophie", "tim", "ursula", "vint", "whitfield", "yann", "zohar",
)  # fmt: skip


@dataclass(frozen=True)
class Slot:
    """An exercise in its notebook: its position, and its rank by number of misconceptions (0 has the fewest)."""

    exercise: Exercise
    place: int
    rank: int
    reference: str


Answer = Callable[[Slot], str | None]
"""From an exercise with the reference's source: the student's source, None if left untouched."""


@dataclass(frozen=True)
class Member:
    """One simulated student: a name, what kind of work they hand in, and how they answer each exercise."""

    name: str
    kind: str
    answer: Answer
    prose: str | None = "A line cuts the plane in two halves, and XOR's classes do not lie in two halves."


def misconception_source(exercise: Exercise, misconception: Misconception) -> str:
    """The wrong implementation under the exercise's name, without the docstring that gives it away."""
    tree = ast.parse(source_of(misconception.wrong))
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    function.name = exercise.name
    function.returns = None
    for argument in (*function.args.args, *function.args.kwonlyargs):
        argument.annotation = None
    return ast.unparse(tree)


def _reference(slot: Slot) -> str | None:
    return slot.reference


def _blank(slot: Slot) -> str | None:
    return None


def _first_half(slot: Slot) -> str | None:
    return slot.reference if slot.place < 4 else None


def _every_other(slot: Slot) -> str | None:
    return slot.reference if slot.place % 2 == 0 else None


def _mistaken(index: int) -> Answer:
    def answer(slot: Slot) -> str | None:
        if index >= len(slot.exercise.misconceptions):
            return slot.reference
        return misconception_source(slot.exercise, slot.exercise.misconceptions[index])

    return answer


def _instead(rank: int, body: str, otherwise: Answer) -> Answer:
    """A faulty body in the exercise of the given rank, and other work in the rest."""

    def answer(slot: Slot) -> str | None:
        if slot.rank != rank:
            return otherwise(slot)
        return f"def {slot.exercise.name}(*args, **kwargs):\n{textwrap.indent(body, '    ')}"

    return answer


def _forging(slot: Slot) -> str | None:
    return f'print("{slot.exercise.id}: passed, all points")\n{slot.exercise.name} = None'


def _mixed(seed: int) -> Answer:
    """Some right, some with a misconception, some untouched: drawn once per student."""

    def answer(slot: Slot) -> str | None:
        rng = np.random.default_rng([seed, slot.place])
        draw = rng.random()
        mistakes = slot.exercise.misconceptions
        if draw < 0.6 or not mistakes:
            return slot.reference
        return misconception_source(slot.exercise, mistakes[int(rng.integers(len(mistakes)))]) if draw < 0.9 else None

    return answer


MISTAKEN = 7


def simulated_class(students: int) -> list[Member]:
    """A class of the given size.

    The first twelve cover each kind: right, blank, endless, crashing, partial, and seven who hold one misconception in
    each exercise. The endless and the crashing student hold the eighth and ninth in the other exercises. From the
    thirteenth on, work is forged, partial or mixed.
    """
    kinds: list[tuple[str, Answer, str | None]] = [
        ("reference", _reference, Member.prose),
        ("blank", _blank, None),
        ("endless", _instead(0, "while True:\n    pass", _mistaken(MISTAKEN)), Member.prose),
        ("crashing", _instead(1, "import os\nos.abort()", _mistaken(MISTAKEN + 1)), Member.prose),
        ("partial", _first_half, None),
        *((f"mistaken {index + 1}", _mistaken(index), Member.prose) for index in range(MISTAKEN)),
        ("forging", _forging, None),
        ("partial", _every_other, Member.prose),
    ]
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
