"""The lines that a notebook's cells could not run here: which names that cost, and what people are told of it.

What was skipped is the word of the student's process. It chooses sentences and decides no point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from autograder.calls import CONSEQUENCE, Skipped
from autograder.notebook_state.causes import cause_in_words, cure_for
from autograder.notebook_state.cells import Cell, place_of
from autograder.notebook_state.stale import Trouble
from autograder.sandbox.wire.text import clean

__all__ = ["SkippedLines"]

_MOST = 500
_MOST_FLAGGED = 4
_MOST_REMARKS = 3
_LONGEST_CHAIN = 4
_LONGEST_LINE = 80


@dataclass
class SkippedLines:
    """What was skipped, by the place of its cell in the notebook.

    Attributes:
        cells: the notebook's cells.
        found: the statements of each cell.
    """

    cells: Sequence[Cell]
    found: dict[int, tuple[Skipped, ...]] = field(default_factory=dict)

    def note(self, index: int, skipped: Sequence[Skipped]) -> None:
        """Notes what the cell at that place skipped; of very many lines only the first."""
        left = _MOST - sum(map(len, self.found.values()))
        self.found[index] = tuple(skipped[: max(left, 0)])

    def missing(self, name: str) -> Trouble | None:
        """Why a name is not defined, back to the first line that was skipped; None if no such line is to blame."""
        chain = self._chain(name)
        if not chain:
            return None
        _, index, skipped = chain[-1]
        raised = skipped.raised
        assert raised is not None
        said = skipped.reason or (f"{raised.kind}: {raised.message}" if raised.message else raised.kind)
        cause = cause_in_words(skipped.line, self._text(index, skipped), said)
        names = ", because ".join(f"`{known}` is not defined" for known, _, _ in chain)
        return Trouble(f"{names}: its cell could not run {cause}", cure_for(raised.kind))

    def remarks(self, cells: range) -> tuple[str, ...]:
        """What students are told of cells above a check that lacked something here: one line for each thing."""
        said: dict[str, str] = {}
        for index, each in self._lacking(cells):
            where = cause_in_words(each.line, self._text(index, each), "")
            said.setdefault(each.reason, f"{each.reason} (a cell above, {where})")
        return tuple(said.values())[:_MOST_REMARKS]

    def flag(self) -> str:
        """What instructors are told of the whole notebook; empty if nothing was lacking."""
        said = [
            f"{cause_in_words(each.line, self._text(index, each), each.reason)} ({self._place(index)})"
            for index, each in self._lacking(range(len(self.cells)))
        ]
        more = f"; and {len(said) - _MOST_FLAGGED} more" if len(said) > _MOST_FLAGGED else ""
        return f"cells could not do everything here: {'; '.join(said[:_MOST_FLAGGED])}{more}" if said else ""

    def _place(self, index: int) -> str:
        """Which cell it is, for people who look for it."""
        name = self.cells[index].id
        return f"cell {name}" if name else f"a cell of the student's own in {place_of(self.cells, index)}"

    def _lacking(self, cells: range) -> list[tuple[int, Skipped]]:
        """The lines that lacked something themselves, each with the place of its cell."""
        found = ((index, each) for index in cells for each in self.found.get(index, ()))
        return [(index, each) for index, each in found if each.reason and not each.reason.endswith(CONSEQUENCE)]

    def _chain(self, name: str) -> list[tuple[str, int, Skipped]]:
        """The name and those that it needed, each with its cell and the statement that was skipped."""
        chain: list[tuple[str, int, Skipped]] = []
        while len(chain) < _LONGEST_CHAIN and name not in (known for known, _, _ in chain):
            found = self._last(name)
            if found is None:
                break
            chain.append((name, *found))
            raised = found[1].raised
            name = raised.missing if raised is not None else ""
        return chain

    def _last(self, name: str) -> tuple[int, Skipped] | None:
        """The last failed statement that would have given a name its value; an import of everything may have."""
        failed = [
            (index, each)
            for index in sorted(self.found, reverse=True)
            for each in reversed(self.found[index])
            if each.raised is not None
        ]
        by_name = next((found for found in failed if name in found[1].names), None)
        return by_name or next((found for found in failed if name and "*" in found[1].names), None)

    def _text(self, index: int, skipped: Skipped) -> str:
        """The line, from the notebook itself."""
        lines = self.cells[index].source.splitlines()
        return clean(lines[skipped.line - 1].strip(), _LONGEST_LINE) if 0 < skipped.line <= len(lines) else ""
