"""The table of `autograder prove`: for each exercise its mutants, and what became of them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

__all__ = ["ProofRow", "proof_table"]


@dataclass(frozen=True)
class ProofRow:
    """The mutants of one exercise; `seconds` is wall clock."""

    exercise: str
    killed: int
    equivalent: int
    surviving: int
    seconds: float

    @property
    def cells(self) -> tuple[str, ...]:
        """The row's texts; the score is the share of the wrong answers that lost points."""
        wrong = self.killed + self.surviving
        score = f"{100 * self.killed / wrong:.1f} %" if wrong else "-"
        counts = (wrong + self.equivalent, self.killed, self.equivalent, self.surviving)
        return (self.exercise, *map(str, counts), score, f"{self.seconds:.1f}")


def proof_table(rows: Sequence[ProofRow]) -> str:
    """One line per exercise and a last one for all, as plain text."""
    table = Table(box=None, header_style="dim", expand=False)
    table.add_column("exercise")
    for name in ("mutants", "killed", "equivalent", "surviving", "score", "seconds"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*row.cells)
    if len(rows) > 1:
        killed, equivalent = sum(row.killed for row in rows), sum(row.equivalent for row in rows)
        surviving, seconds = sum(row.surviving for row in rows), sum(row.seconds for row in rows)
        table.add_row(*ProofRow(f"all {len(rows)}", killed, equivalent, surviving, seconds).cells)
    out = io.StringIO()
    Console(file=out, width=110, color_system=None, legacy_windows=False).print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())
