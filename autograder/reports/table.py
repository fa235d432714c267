"""`grade --format table`: who got what and why, in a terminal 100 columns wide."""

from __future__ import annotations

import io
from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from autograder.calls import Status
from autograder.exercise import ClassGrading, Graded
from autograder.reports.class_stats import AssignmentSummary, ExerciseSummary, summarise
from autograder.reports.words import STATUSES, number, one_line, percent, short_name, why

__all__ = ["class_table", "to_table"]

_COLOURS = {
    Status.PASSED: "green",
    Status.PARTIAL: "blue",
    Status.FAILED: "red",
    Status.ERROR: "red",
    Status.NOT_WRITTEN: "dim",
    Status.MISSING: "dim",
    Status.NEEDS_MANUAL: "cyan",
}


def to_table(grading: ClassGrading, *, width: int = 100) -> str:
    """The tables as plain text without colours."""
    out = io.StringIO()
    Console(file=out, width=width, color_system=None, legacy_windows=False).print(class_table(grading))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def class_table(grading: ClassGrading) -> RenderableType:
    """What rich prints: for each assignment one row per student, then one row per exercise."""
    if not grading.submissions:
        return Text("No submission has been graded.")
    parts: list[RenderableType] = []
    for summary in summarise(grading):
        mean = f"mean {summary.mean:.0f} %, median {summary.median:.0f} %"
        count = len(summary.submissions)
        head = f"{one_line(summary.name, 60)}: {count} submission{'s' if count != 1 else ''}, {mean}"
        parts += [Text(head, style="bold"), _students(summary), Text(), _exercises(summary), Text()]
    parts.append(Padding(_legend(grading.submissions), (0, 1)))
    parts.append(
        Padding(Text(f"Isolation: {one_line(grading.isolation)}. Device: {one_line(grading.device)}."), (0, 1))
    )
    return Group(*parts)


def _table() -> Table:
    return Table(box=None, pad_edge=True, header_style="dim", expand=False)


def _students(summary: AssignmentSummary) -> Table:
    table = _table()
    table.add_column("Student", max_width=20, no_wrap=True, overflow="ellipsis")
    table.add_column("Score", justify="right", no_wrap=True)
    table.add_column("%", justify="right", no_wrap=True)
    table.add_column(" ".join(str(index % 10) for index in range(1, len(summary.exercises) + 1)), no_wrap=True)
    table.add_column("Why", overflow="fold")
    ids = [exercise.id for exercise in summary.exercises]
    for graded in summary.submissions:
        table.add_row(
            Text(one_line(graded.student, 60)),
            f"{number(graded.score)}/{number(graded.max_score)}",
            f"{percent(graded.score, graded.max_score):.0f}",
            _symbols(graded, ids),
            _reasons(graded),
        )
    return table


def _symbols(graded: Graded, ids: list[str]) -> Text:
    statuses = {verdict.id: verdict.status for verdict in graded.exercises}
    parts = [_symbol(statuses.get(id_, Status.MISSING)) for id_ in ids]
    return Text(" ").join(parts)


def _symbol(status: Status) -> Text:
    return Text(STATUSES[status].symbol, style=_COLOURS.get(status, "magenta"))


def _reasons(graded: Graded) -> Text:
    """Flags first, then the first exercise that lost points, then how many more did."""
    text = Text()
    for flag in graded.flags:
        text.append(f"⚑ {one_line(flag, 80)}\n", style="yellow")
    calm = (Status.PASSED, Status.NEEDS_MANUAL)
    short = [verdict for verdict in graded.exercises if verdict.status not in calm]
    if not short:
        text.append("complete" if graded.exercises else "nothing to judge", style="dim")
        return text
    written = [verdict for verdict in short if verdict.status is not Status.NOT_WRITTEN]
    if not written:
        names = ", ".join(short_name(verdict.id) for verdict in short)
        text.append(
            "nothing written" if len(short) == len(graded.exercises) else f"not written: {names}",
            style="dim",
        )
        return text
    told = why(written[0])
    if len(short) == len(graded.exercises) and len({why(verdict) for verdict in short}) == 1:
        text.append(one_line(told, 110))
        return text
    text.append(f"{short_name(written[0].id)}: ", style="bold")
    text.append(one_line(told, 110))
    if len(short) > 1:
        text.append(f" (+{len(short) - 1} more)", style="dim")
    return text


def _exercises(summary: AssignmentSummary) -> Table:
    table = _table()
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("Exercise", max_width=24, no_wrap=True, overflow="ellipsis")
    table.add_column("Passed", justify="right", no_wrap=True)
    table.add_column("Points", justify="right", no_wrap=True)
    table.add_column("Most common misconception, and the hidden case missed most", overflow="fold")
    for index, exercise in enumerate(summary.exercises, 1):
        table.add_row(
            str(index),
            Text(one_line(exercise.id, 60)),
            f"{exercise.passed}/{exercise.total}",
            f"{exercise.share:.0f} %",
            _to_teach(exercise),
        )
    return table


def _to_teach(exercise: ExerciseSummary) -> Text:
    lines = [f"{len(held.students)}×  {one_line(held.sentence, 120)}" for held in exercise.held[:1]]
    lines += [f"{case.missed} of {case.tried} miss “{case.name}”: {case.kind}" for case in exercise.hardest[:1]]
    return Text("\n".join(lines))


def _legend(submissions: Iterable[Graded]) -> Text:
    used = {verdict.status for graded in submissions for verdict in graded.exercises}
    text = Text("Legend:  ")
    for status in Status:
        if status in used:
            text.append_text(_symbol(status)).append(f" {STATUSES[status].word}   ")
    return text
