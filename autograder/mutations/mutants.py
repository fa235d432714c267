"""All mutants of a right answer, each under a name of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from autograder.mutations.rules import edits
from autograder.mutations.subject import Subject
from autograder.mutations.whole import Seen, behaviours

__all__ = ["Mutant", "mutants"]


@dataclass(frozen=True)
class Mutant:
    """A right answer with one change: `name` says which answer, which line and which change."""

    name: str
    kind: str
    text: str


def mutants(subject: Subject, seen: Seen | None) -> Iterator[Mutant]:
    """Every mutant by rule, then those that behave in another way as a whole, in a fixed order.

    Args:
        subject: the right answer.
        seen: what its calls look like; None for a class, of which only the text is mutated.
    """
    lines = [" ".join(line.split()) for line in subject.text.splitlines()]
    counts: Counter[str] = Counter()
    for edit in edits(subject.text):
        name = f"{subject.style} | {lines[edit.line - 1]} | {edit.name}"
        counts[name] += 1
        count = f" #{counts[name]}" if counts[name] > 1 else ""
        yield Mutant(name + count, edit.kind, edit.text)
    if seen is not None:
        for edit in behaviours(subject.text, subject.name, seen):
            yield Mutant(f"{subject.style} | {edit.old}", edit.kind, edit.text)
