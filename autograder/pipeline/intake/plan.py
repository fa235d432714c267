"""Where each cell of a submission goes in the course's notebook, and what an instructor may want to know of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from nbformat import NotebookNode

from autograder.pipeline.cells import is_solution
from autograder.pipeline.intake.notebook_file import StudentCell

__all__ = ["Plan", "Position", "shown"]

Position = tuple[int, int, int]
"""A slot; whether the cell comes before it (-1), fills it (0) or comes after it (1); the cell's own index."""


@dataclass
class Plan:
    """What becomes of a submission's cells. A slot is an index into `given`, the master's cells.

    Attributes:
        given: the master's cells.
        cells: the student's, with what they added to given cells as cells of their own.
        places: the cells recognised so far: index in `cells` -> slot.
        answers: the cell that fills a solution slot.
        positions: where the student's own cells go.
        dropped: the cells that are left out.
        notes: what an instructor may want to know -> the cells it is about.
    """

    given: list[NotebookNode]
    cells: tuple[StudentCell, ...]
    places: dict[int, int] = field(default_factory=dict)
    answers: dict[int, StudentCell] = field(default_factory=dict)
    positions: dict[int, Position] = field(default_factory=dict)
    dropped: set[int] = field(default_factory=set)
    notes: dict[str, list[str]] = field(default_factory=dict)

    def open_cells(self) -> list[int]:
        """The cells that are neither recognised nor dropped."""
        return [i for i in range(len(self.cells)) if i not in self.places and i not in self.dropped]

    def solution_slots(self, kind: str) -> list[int]:
        """The slots that a student fills with cells of a kind, "code" or "markdown"."""
        return [slot for slot, cell in enumerate(self.given) if is_solution(cell) and cell.cell_type == kind]

    def note(self, what: str, cell: str) -> None:
        """Adds a cell to a note."""
        self.notes.setdefault(what, []).append(cell)

    def flags(self) -> tuple[str, ...]:
        """One sentence per note."""
        return tuple(f"{what}: {', '.join(dict.fromkeys(names))}" for what, names in self.notes.items())


def shown(text: str, longest: int = 60) -> str:
    """The first line of what a student wrote between backticks, safe to print."""
    line = text.strip().partition("\n")[0][: longest + 1]
    line = "".join(letter if letter.isprintable() else "\ufffd" for letter in line.replace("\t", " ").replace("`", "'"))
    return f"`{line}`" if len(line) <= longest else f"`{line[:longest].rstrip()}…`"
