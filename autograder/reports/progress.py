"""What `autograder.progress()` and `autograder.course_plan()` draw: how much is done, what is next, and where it is.

Standard library only, because a notebook loads this module with its first check.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from autograder.reports.style import STYLE
from autograder.reports.words import number, one_line, percent, safe

__all__ = ["CoursePlan", "ProgressReport", "ProgressRow"]

MAP = "Map of the course"


@dataclass(frozen=True)
class ProgressRow:
    """One assignment.

    Attributes:
        title: with its number.
        done, total: exercises that pass, and all of them.
        points, max_points: from the last check of each exercise.
        here: marks the open notebook.
        name: as course.toml has it.
        address: of the notebook, relative to the open one; empty where there is none.
        todo: the first exercise that does not pass yet; empty where all do.
        needs: names of the notebooks that it builds on.
        hours: how long it takes, an estimate.
    """

    title: str
    done: int
    total: int
    points: float
    max_points: float
    here: bool = False
    name: str = ""
    address: str = ""
    todo: str = ""
    needs: tuple[str, ...] = ()
    hours: float = 0.0

    @property
    def number(self) -> str:
        """The notebook's, as its title has it."""
        return self.title.partition(" ")[0]

    @property
    def todo_address(self) -> str:
        """Where the text of the next exercise begins."""
        return f"{self.address}#Exercise:-{self.todo}" if self.address and self.todo else ""


@dataclass(frozen=True)
class ProgressReport:
    """A bar for each assignment and one for the total, from the last check of each exercise; then what is next."""

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

    def next_row(self) -> ProgressRow | None:
        """The notebook to go on in: the open one, else the first after it that is not done, else the first of all."""
        last = max((place for place, row in enumerate(self.rows) if row.here), default=0)
        left = [row for row in (*self.rows[last:], *self.rows) if row.todo]
        return next((row for row in left if row.here), left[0] if left else None)

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
            f"<table>{head}{body}</table>{self._next_html()}</div>"
        )

    def text(self) -> str:
        """A line for each assignment, without any markup."""
        if not self.rows:
            return "No exercise has been checked yet."
        rows = [*self.rows, self.total()] if len(self.rows) > 1 else list(self.rows)
        width = min(40, max(len(one_line(row.title, 40)) for row in rows))
        lines = ["Your progress (from the last check of each exercise, on the visible cases)"]
        return "\n".join(lines + [_text_row(row, width) for row in rows] + self._next_text())

    def _map(self) -> ProgressRow | None:
        """The start page, unless it is the open notebook."""
        return next((row for row in self.rows if row.number == "0" and row.address and not row.here), None)

    def _next_html(self) -> str:
        row, found = self.next_row(), []
        if row is not None:
            exercise = _link(row.todo_address, f"<code>{safe(row.todo, 120)}</code>")
            found.append(f"Next: {exercise} in {_link(row.address, safe(row.title, 120))}")
        elif any(row.name for row in self.rows):
            found.append("Every exercise passes.")
        if (start := self._map()) is not None:
            found.append(_link(start.address, MAP))
        return f'<p class="agr-next">{" · ".join(found)}</p>' if found else ""

    def _next_text(self) -> list[str]:
        row, found = self.next_row(), []
        if row is not None:
            found.append(_at(f"Next: {one_line(row.todo, 60)} in {one_line(row.title, 40)}", row.address))
        elif any(row.name for row in self.rows):
            found.append("Every exercise passes.")
        if (start := self._map()) is not None:
            found.append(_at(MAP, start.address))
        return found


@dataclass(frozen=True)
class CoursePlan(ProgressReport):
    """Each notebook with a link, how long it takes, what it builds on, and how much of it is done."""

    def html(self) -> str:
        """One self-contained `<div>`."""
        if not self.rows:
            return super().html()
        head = (
            '<tr><th>Notebook</th><th class="agr-num">Hours</th><th>Builds on</th>'
            '<th class="agr-num">Exercises</th></tr>'
        )
        body = "".join(self._plan_html(row) for row in self.rows)
        return (
            f'<div class="agr agr-part">{STYLE}<div class="agr-head"><b>The notebooks</b>'
            f'<span class="agr-points">{self._whole()}</span></div>'
            f"<table>{head}{body}</table>{self._next_html()}</div>"
        )

    def text(self) -> str:
        """A line for each notebook, without any markup."""
        if not self.rows:
            return super().text()
        width = max(len(one_line(row.title, 40)) for row in self.rows)
        lines = [f"The notebooks ({self._whole()})"]
        for row in self.rows:
            needs = ", ".join(need.number for need in self._needed(row)) or "nothing"
            mark = "▸" if row.here else " "
            lines.append(
                f"{mark} {one_line(row.title, 40):<{width}}  {_hours(row):>6}  {row.done}/{row.total} exercises, "
                f"builds on {needs}"
            )
        return "\n".join(lines + self._next_text())

    def _whole(self) -> str:
        total = self.total()
        hours = sum(row.hours for row in self.rows)
        return f"{total.done} of {total.total} exercises; hours are estimates, about {hours:.0f} in all"

    def _needed(self, row: ProgressRow) -> list[ProgressRow]:
        return [other for other in self.rows if other.name in row.needs]

    def _plan_html(self, row: ProgressRow) -> str:
        needs = ", ".join(_link(need.address, safe(need.number, 8)) for need in self._needed(row)) or "nothing"
        mark, done = "▸ " if row.here else "", " ✓" if row.done == row.total > 0 else ""
        return (
            f"<tr><td>{mark}{_link(row.address, safe(row.title, 120))}{done}</td>"
            f'<td class="agr-num">{_hours(row)}</td><td>{needs}</td>'
            f'<td class="agr-num">{row.done} / {row.total}</td></tr>'
        )


def _hours(row: ProgressRow) -> str:
    if not row.hours:
        return ""
    return f"{row.hours:g} h" if row.hours >= 1 else f"{60 * row.hours:.0f} min"


def _link(address: str, label: str) -> str:
    """HTML of a label that leads to a notebook; the label alone where there is no address."""
    return f'<a href="{escape(address, quote=True)}">{label}</a>' if address else label


def _at(sentence: str, address: str) -> str:
    return f"{sentence} ({address})" if address else sentence


def _share(row: ProgressRow) -> float:
    return percent(row.points, row.max_points)


def _html_row(row: ProgressRow, *, last: bool = False) -> str:
    share = _share(row)
    mark = "▸ " if row.here else ""
    done = " ✓" if row.done == row.total > 0 else ""
    full = " agr-full" if done else ""
    row_class = ' class="agr-sum"' if last else ""
    return (
        f"<tr{row_class}><td>{mark}{_link(row.address, safe(row.title, 120))}{done}</td>"
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
