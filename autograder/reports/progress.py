"""What `autograder.progress()` draws: how much of the notebook and of the course is done.

Standard library only, because a notebook loads this module with its first check.
"""

from __future__ import annotations

from dataclasses import dataclass

from autograder.reports.style import STYLE
from autograder.reports.words import number, one_line, percent, safe

__all__ = ["ProgressReport", "ProgressRow"]


@dataclass(frozen=True)
class ProgressRow:
    """One assignment: its title, the exercises that pass, the points so far; `here` marks the open notebook."""

    title: str
    done: int
    total: int
    points: float
    max_points: float
    here: bool = False


@dataclass(frozen=True)
class ProgressReport:
    """A bar for each assignment and one for the total, from the last check of each exercise."""

    rows: tuple[ProgressRow, ...]

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self.html(), "text/plain": self.text()}

    def __str__(self) -> str:
        return self.text()

    def total(self) -> ProgressRow:
        """The sum over all assignments."""
        rows = self.rows
        return ProgressRow(
            "Total",
            sum(row.done for row in rows),
            sum(row.total for row in rows),
            sum(row.points for row in rows),
            sum(row.max_points for row in rows),
        )

    def html(self) -> str:
        """One self-contained `<div>`."""
        if not self.rows:
            return f'<div class="agr agr-blank">{STYLE}<p>No exercise has been checked yet.</p></div>'
        body = "".join(_html_row(row) for row in self.rows)
        if len(self.rows) > 1:
            body += _html_row(self.total(), last=True)
        head = (
            "<tr><th>Assignment</th><th>Progress</th>"
            '<th class="agr-num">Exercises</th><th class="agr-num">Points</th></tr>'
        )
        return (
            f'<div class="agr agr-part">{STYLE}<div class="agr-head"><b>Your progress</b>'
            '<span class="agr-points">from the last check of each exercise, on the visible cases</span></div>'
            f"<table>{head}{body}</table></div>"
        )

    def text(self) -> str:
        """A line for each assignment, without any markup."""
        if not self.rows:
            return "No exercise has been checked yet."
        rows = [*self.rows, self.total()] if len(self.rows) > 1 else list(self.rows)
        width = min(40, max(len(one_line(row.title, 40)) for row in rows))
        lines = ["Your progress (from the last check of each exercise, on the visible cases)"]
        return "\n".join(lines + [_text_row(row, width) for row in rows])


def _share(row: ProgressRow) -> float:
    return percent(row.points, row.max_points)


def _html_row(row: ProgressRow, *, last: bool = False) -> str:
    share = _share(row)
    mark = "▸ " if row.here else ""
    done = " ✓" if row.done == row.total > 0 else ""
    full = " agr-full" if done else ""
    row_class = ' class="agr-sum"' if last else ""
    return (
        f"<tr{row_class}><td>{mark}{safe(row.title, 120)}{done}</td>"
        f'<td style="width:40%"><span class="agr-bar{full}" role="img" aria-label="{share:.0f} percent">'
        f'<i style="width:{share:.1f}%"></i></span></td>'
        f'<td class="agr-num">{row.done} / {row.total}</td>'
        f'<td class="agr-num">{number(row.points)} / {number(row.max_points)}</td></tr>'
    )


def _text_row(row: ProgressRow, width: int) -> str:
    filled = int(_share(row) / 5)
    mark = "▸" if row.here else " "
    done = " ✓" if row.done == row.total > 0 else ""
    return (
        f"{mark} {one_line(row.title, width):<{width}}  {'█' * filled}{'░' * (20 - filled)}  "
        f"{row.done}/{row.total} exercises, {number(row.points)}/{number(row.max_points)} points{done}"
    )
