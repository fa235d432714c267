"""What `collect` says of a call, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from autograder.pipeline.intake.attempts import Attempt
from autograder.pipeline.intake.collect import Collected, Listed, Row
from autograder.pipeline.moments import written

__all__ = ["as_json", "told"]

_MOST_FILES = 5
_MOST_LINES = 100
_WHAT = ("new", "newer", "older", "same")


def told(done: Collected, place: str, dry_run: bool, options: str = "") -> list[str]:
    """The table, then whom to write to, what was left out, what belongs to nobody, and one line of counts."""
    lines = list(_table(done.rows))
    if done.left:
        lines += ["", "Beside notebooks, left out:", *_listed(done.left)]
    if done.without:
        lines += ["", "Handed in no notebook; these are the people to write to:", *_listed(done.without)]
    if done.nobodys:
        lines += ["", "Nobody's; each waits until you say whose it is:", *_nobodys(done.nobodys, dry_run)]
        first = next((one.kept for one in done.nobodys if one.kept), "FILE")
        lines += [
            f"To settle one: autograder collect {first} --student ID{options}",
            "or correct students.csv and collect again.",
        ]
    counts = [f"{sum(row.what == what for row in done.rows)} {what}" for what in _WHAT]
    counts += [f"{len(done.nobodys)} nobody's", f"{len(done.problems)} remarks"]
    where = "nothing was written (--dry-run)" if dry_run else f"in {place}"
    return [*lines, *([""] if lines else []), f"{', '.join(counts)}; {where}"]


def as_json(done: Collected) -> str:
    """The same for programs."""
    return msgspec.json.format(msgspec.json.encode({"schema": 1, **msgspec.to_builtins(done)}), indent=2).decode()


def _table(rows: list[Row]) -> Iterator[str]:
    """One line a notebook, in columns."""
    cells = [("student", "assignment", "", "handed in", "late")]
    cells += [(row.student, row.assignment, row.what, _when(row.attempt), _late(row.attempt)) for row in rows]
    if rows:
        widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
        for row in cells:
            yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _when(attempt: Attempt) -> str:
    if attempt.submitted_at is not None:
        return written(attempt.submitted_at.replace(microsecond=0))
    return f"{attempt.local:%Y-%m-%d %H:%M:%S}, zone unknown" if attempt.local is not None else "unknown"


def _late(attempt: Attempt) -> str:
    return "unknown" if attempt.late == "unknown" else "late" if attempt.late else "no"


def _listed(people: list[Listed]) -> Iterator[str]:
    for one in people[:_MOST_LINES]:
        more = f", and {len(one.files) - _MOST_FILES} more" if len(one.files) > _MOST_FILES else ""
        yield f"  {one.who or 'unknown'}: {', '.join(one.files[:_MOST_FILES])}{more}"
    if len(people) > _MOST_LINES:
        yield f"  and {len(people) - _MOST_LINES} more people"


def _nobodys(files: list[Listed], dry_run: bool) -> Iterator[str]:
    for one in files[:_MOST_LINES]:
        where = f"\n    {'it would wait' if dry_run else 'kept'} in {one.kept}"
        kept = where if one.kept else "\n    too many wait already: it was not kept"
        yield f"  {one.files[0]}: {one.why}{kept}"
    if len(files) > _MOST_LINES:
        yield f"  and {len(files) - _MOST_LINES} more files"
