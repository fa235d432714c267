"""What `check` and `progress` draw under a cell: HTML in JupyterLab, plain text in a terminal.

Standard library only, because a notebook loads this module with its first check.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from autograder.calls import Status
from autograder.exercise import Verdict
from autograder.reports import student_html, student_text
from autograder.reports.progress import ProgressReport, ProgressRow
from autograder.reports.words import number

__all__ = ["ProgressReport", "ProgressRow", "Report"]


@dataclass(frozen=True)
class Report:
    """What a student sees of one exercise.

    Attributes:
        verdict: what the judge says.
        local: True for the student's own check, which tries visible cases only; False for the final grade.
        groups: points of each group, if known; they are then shown beside the group's name.
        steps: how many steps of help are open; 0 leaves them folded, and plain text, which cannot fold, shows the first
            of each ladder.
        ask: how plain text says to see more, with `{}` for the number of the step.
    """

    verdict: Verdict
    local: bool
    groups: Mapping[str, float] = field(default_factory=dict)
    steps: int = 0
    ask: str = ""

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self.html(), "text/plain": self.text()}

    def __str__(self) -> str:
        return self.text()

    def hint(self, step: int = 1) -> Report:
        """The same report with the help open up to that step, of the hints and of a slip that was found."""
        return replace(self, steps=max(1, step))

    def html(self, *, style: bool = True) -> str:
        """One self-contained `<div>`; `style=False` leaves out the style sheet, for a page with many reports."""
        page = student_html.Page(self.verdict, self._points(), self.groups, self.steps, copies=self.local)
        return page.html(style=style)

    def text(self) -> str:
        """The same in at most 40 lines of 88 columns, without markup."""
        return student_text.text(self.verdict, self._points(), self.groups, self.steps, self.ask)

    def _points(self) -> str:
        points, most = number(self.verdict.points), number(self.verdict.max_points)
        if self.verdict.status is Status.NEEDS_MANUAL:
            return f"up to {most} points"
        return f"{points} / {most} points" + (" on the visible cases" if self.local else "")
