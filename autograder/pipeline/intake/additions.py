"""What a student typed into a given cell: the course's text runs, what was added becomes a cell of the student's own.

Such a cell comes after the given one. In the cell of a check, what stands above the check comes before it, as it ran.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from nbformat import NotebookNode

from autograder.pipeline.cells import grade_id, is_check, is_demo, is_open_question, is_solution
from autograder.pipeline.intake.notebook_file import StudentCell
from autograder.pipeline.intake.plan import Plan, shown
from autograder.pipeline.intake.statements import Binding, Statement, code_lines, statements, words

__all__ = ["keep_additions"]

_LONG = 20_000
_ALIKE = 0.5
_SAME_LINE = 0.7
_MOST_SHOWN = 4
_MOST_TYPED = 200
"""Statements of one cell that are kept."""


@dataclass
class _Typed:
    """What was typed into one given cell: what runs before it, what comes after it; what of it is named in flags."""

    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    edited: bool = False


def keep_additions(plan: Plan) -> None:
    """Takes a changed given cell apart; edits of the course's own lines are noted, not kept."""
    cells: list[StudentCell] = []
    places: dict[int, int] = {}
    dropped: set[int] = set()
    for i, cell in enumerate(plan.cells):
        slot = plan.places.get(i)
        given = plan.given[slot] if slot is not None else None
        typed = _Typed() if given is None or is_solution(given) else _typed(plan, cell, given, slot)
        cells += [StudentCell(cell.kind, text) for text in typed.before]
        if slot is not None:
            places[len(cells)] = slot
        elif i in plan.dropped:
            dropped.add(len(cells))
        cells.append(cell)
        pictures = cell.images if cell.kind == "markdown" else {}
        cells += [StudentCell(cell.kind, text, images=pictures) for text in typed.after]
        if given is not None:
            _note(plan, given, typed)
    plan.cells, plan.places, plan.dropped = tuple(cells), places, dropped


def _typed(plan: Plan, cell: StudentCell, given: NotebookNode, slot: int | None) -> _Typed:
    if cell.source.strip() == given.source.strip() and not cell.images:
        return _Typed()
    if len(cell.source) > _LONG or cell.kind != given.cell_type:
        too_long = [f"more than {_LONG:,} characters"] if len(cell.source) > _LONG else []
        return _Typed(left_out=too_long, edited=True)
    if cell.kind == "code":
        return _typed_code(cell.source, given)
    following = plan.given[slot + 1] if slot is not None and slot + 1 < len(plan.given) else None
    return _typed_text(cell, given, asks=following is not None and is_open_question(following))


def _note(plan: Plan, given: NotebookNode, typed: _Typed) -> None:
    name = grade_id(given) or "a cell of the course"
    if typed.edited and grade_id(given):
        plan.note("locked cells were edited; the course's version was used", name)
    for what, lines in (
        ("lines typed into given cells were kept as cells of the student's own", typed.kept),
        ("lines typed into given cells were left out", typed.left_out),
    ):
        if lines:
            more = f"; and {len(lines) - _MOST_SHOWN} more" if len(lines) > _MOST_SHOWN else ""
            plan.note(what, f"{name} ({'; '.join(lines[:_MOST_SHOWN])}{more})")


# --- code ------------------------------------------------------------------------------------------------


def _typed_code(source: str, given: NotebookNode) -> _Typed:
    """Statement by statement: the course's, the course's changed, or the student's."""
    expected = statements(given.source)
    left = Counter(map(_key, expected))
    added: list[tuple[Statement, bool]] = []
    written = statements(source)
    has_check, checked = any(map(_is_check_call, written)), False
    for statement in written:
        checked = checked or _is_check_call(statement)
        key = _key(statement)
        if left[key] > 0:
            left[key] -= 1
        elif not _is_check_call(statement):
            added.append((statement, checked))
    missing = [one for one in expected if left[_key(one)] > 0]
    typed = _Typed(edited=bool(missing))
    for statement, below in added[:_MOST_TYPED]:
        if not statement.imports and missing and _is_edit(statement, missing):
            typed.edited = True
        elif is_demo(given) and not _is_helper(statement):
            typed.left_out.append(_first_line(statement))
        else:
            typed.kept.append(_first_line(statement))
            goes_before = is_check(grade_id(given)) and not (below and has_check)
            (typed.before if goes_before else typed.after).append(statement.text)
    typed.left_out += [_first_line(one) for one, _ in added[_MOST_TYPED:]]
    typed.before, typed.after = _as_one(typed.before), _as_one(typed.after)
    return typed


def _as_one(texts: list[str]) -> list[str]:
    return ["\n".join(texts)] if texts else []


def _first_line(statement: Statement) -> str:
    return shown(next(iter(code_lines(statement.text)), statement.text))


def _key(statement: Statement) -> str:
    return "\n".join(code_lines(statement.text))


def _is_check_call(statement: Statement) -> bool:
    return statement.code[0].lstrip().startswith("check(")


def _is_helper(statement: Statement) -> bool:
    """Whether others may need it: an import, a constant, a function, a class."""
    return any(how >= Binding.ASSIGNS for _, how in statement.bound)


def _is_edit(statement: Statement, missing: Sequence[Statement]) -> bool:
    """Whether a statement is one of the course's that was changed."""
    names = {name for name, _ in statement.bound}
    own = words(statement.text)
    for other in missing:
        theirs = words(other.text)
        alike = len(own & theirs) / max(len(own | theirs), 1)
        if alike >= _ALIKE or names & {name for name, _ in other.bound}:
            return True
    return not names


# --- text ------------------------------------------------------------------------------------------------


def _typed_text(cell: StudentCell, given: NotebookNode, *, asks: bool) -> _Typed:
    """Lines added to a text of the course; of one that was changed only where it asks an open question."""
    given_lines = Counter(line.strip() for line in given.source.split("\n"))
    added: list[str] = []
    for line in cell.source.split("\n"):
        if given_lines[line.strip()] > 0:
            given_lines[line.strip()] -= 1
            added += [""] if not line.strip() and added and added[-1] else []
        elif line.strip() or (added and added[-1]):
            added.append(line.rstrip())
    missing = [line for line, count in given_lines.items() if count > 0 and line]
    if missing and not asks:
        return _Typed(edited=True)
    changed = [(line, words(line)) for line in missing]
    text = "\n".join(filter(None, (_without(line, changed) for line in added)) if missing else added).strip()
    return _Typed(after=[text] if text else [], edited=bool(missing))


def _without(line: str, changed: Sequence[tuple[str, set[str]]]) -> str:
    """What a line says more than the line of the course that it came from."""
    own = words(line)
    for other, theirs in changed:
        if line.strip().startswith(other):
            return line.strip()[len(other) :].strip()
        if len(own & theirs) >= _SAME_LINE * max(len(own | theirs), 1):
            return ""
    return line
