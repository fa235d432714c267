"""Which cell of a submission is which cell of the course's notebook.

Given cells are decided by grade id, else by nbformat id, else by content and position; `answers.py` and `prose.py` go
on with the cells that a student fills. The ids in a submission are claims: what the course's notebook does not confirm
counts for nothing. Source is searched with patterns, never parsed, because deep nesting can crash a parser.
"""

from __future__ import annotations

import re
from collections import Counter

from nbformat import NotebookNode

from autograder.pipeline.cells import grade_id, is_grade, is_solution
from autograder.pipeline.intake.additions import keep_additions
from autograder.pipeline.intake.answers import choose_answers
from autograder.pipeline.intake.notebook_file import StudentCell
from autograder.pipeline.intake.plan import Plan
from autograder.pipeline.intake.prose import place_prose

__all__ = ["match"]

_CHECK_CALL = re.compile(r"""check\(\s*["'][\w.]+["']\s*,\s*[\w.]+[\s,]*\)[\s;]*""")
_ALIKE = 0.5
_LONG = 20_000
_MOST_OWN_CELLS = 500


def match(given: list[NotebookNode], cells: tuple[StudentCell, ...]) -> Plan:
    """Sorts a submission's cells into answers, the student's own cells, and what is dropped."""
    plan = Plan(given, cells)
    for step in (_recognise, _release_copies, _recognise_edited, keep_additions):
        step(plan)
    for step in (choose_answers, place_prose, _limit_own_cells, _note_damage):
        step(plan)
    return plan


def _plain(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().split("\n"))


def _same(cell: StudentCell, given: NotebookNode) -> bool:
    return _plain(cell.source) == _plain(given.source)


def _recognise(plan: Plan) -> None:
    """A cell equal to a given cell is that cell, else the ids decide; a check is never the student's own."""
    slots: dict[str, list[int]] = {}
    for number, given in enumerate(plan.given):
        slots.setdefault(_plain(given.source), []).append(number)
    claimed = _claims(plan)
    taken = set(claimed.values())
    for i, cell in enumerate(plan.cells):
        slot: int | None = claimed.get(i)
        same = slots.get(_plain(cell.source), [])
        if same and slot not in same and (slot is None or not is_solution(plan.given[same[0]])):
            slot = next((free for free in same if free not in taken), same[0])
            taken.add(slot)
        if _is_check(cell.source) and slot is not None and is_solution(plan.given[slot]):
            slot = None
        if slot is not None:
            plan.places[i] = slot
        elif not (cell.source.strip() or cell.images) or _is_check(cell.source):
            plan.dropped.add(i)


def _claims(plan: Plan) -> dict[int, int]:
    """What the ids of a submission say: index in the submission -> slot."""
    by_grade_id = {grade_id(cell): slot for slot, cell in enumerate(plan.given) if grade_id(cell)}
    by_cell_id = {(cell.id, cell.cell_type): slot for slot, cell in enumerate(plan.given) if "id" in cell}
    claims = {
        i: by_grade_id.get(cell.grade_id, by_cell_id.get((cell.cell_id, cell.kind)))
        for i, cell in enumerate(plan.cells)
    }
    return {i: slot for i, slot in claims.items() if slot is not None}


def _is_check(source: str) -> bool:
    if len(source) > 500:
        return False
    lines = [line.strip() for line in source.split("\n")]
    code = "\n".join(line for line in lines if line and not line.startswith("#"))
    return _CHECK_CALL.fullmatch(code) is not None


def _release_copies(plan: Plan) -> None:
    """Copying a cell copies its ids: a changed copy beside the original is the student's own."""
    intact = {slot for i, slot in plan.places.items() if _same(plan.cells[i], plan.given[slot])}
    for i, slot in list(plan.places.items()):
        cell, given = plan.cells[i], plan.given[slot]
        if slot in intact and not is_solution(given) and not _same(cell, given):
            del plan.places[i]
            if _is_check(cell.source) or not cell.source.strip():
                plan.dropped.add(i)


def _recognise_edited(plan: Plan) -> None:
    """Without ids, a cell that shares half of its lines with a given cell is that cell, edited."""
    taken = set(plan.places.values())
    free = [
        (slot, given, _lines(given.source))
        for slot, given in enumerate(plan.given)
        if slot not in taken and not is_solution(given)
    ]
    for i in plan.open_cells():
        cell = plan.cells[i]
        lines = _lines(cell.source[:_LONG])
        for entry in free:
            slot, given, expected = entry
            alike = (lines & expected).total() / max(lines.total(), expected.total(), 1)
            if given.cell_type == cell.kind and alike >= _ALIKE:
                plan.places[i] = slot
                free.remove(entry)
                break


def _lines(source: str) -> Counter[str]:
    return Counter(line.strip() for line in source.split("\n") if line.strip())


def _limit_own_cells(plan: Plan) -> None:
    extra = plan.open_cells()[_MOST_OWN_CELLS:]
    if extra:
        plan.dropped.update(extra)
        plan.note(f"only {_MOST_OWN_CELLS} extra cells are kept; left out", f"{len(extra)} cells")


def _note_damage(plan: Plan) -> None:
    """Notes what was repaired: lost metadata, and checks that are missing or duplicated."""
    found = list(plan.places.values())
    count, known = Counter(found), {grade_id(cell) for cell in plan.given if grade_id(cell)}
    for slot, cell in enumerate(plan.given):
        if is_grade(cell) and not is_solution(cell) and found:
            if slot not in count:
                plan.note("checks are missing; they were put back", grade_id(cell))
            elif count[slot] > 1:
                plan.note("checks appear more than once; one of each was kept", grade_id(cell))
    for i, slot in plan.places.items():
        given, cell = plan.given[slot], plan.cells[i]
        if is_solution(given) and cell.grade_id not in known and cell.cell_id == given.get("id"):
            plan.note("cells lost their metadata; they were recognised all the same", grade_id(given))
