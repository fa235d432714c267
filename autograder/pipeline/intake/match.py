"""Which cell of a submission is which cell of the course's notebook.

Decided by grade id, else by nbformat id, else by content and position. The ids in a submission are claims: what the
course's notebook does not confirm counts for nothing. Source is searched with patterns, never parsed, because deep
nesting can crash a parser.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from nbformat import NotebookNode

from autograder.pipeline.cells import grade_id, is_grade, is_solution
from autograder.pipeline.intake.notebook_file import StudentCell

__all__ = ["Plan", "match"]

_CHECK_CALL = re.compile(r"""check\(\s*["'][\w.]+["']\s*,\s*[\w.]+[\s,]*\)[\s;]*""")
_IMPORT = re.compile(r"^(?:import|from)\s[^\n(]*(?:\([^)]*\))?[^\n]*", re.MULTILINE)
_DEFINITION = re.compile(r"^(?:(?:async\s+)?def|class)\s+(\w+)", re.MULTILINE)
_ALIKE = 0.5
_LONG = 20_000
_MOST_OWN_CELLS = 500


@dataclass
class Plan:
    """Where each cell of a submission goes. A slot is an index into `given`, the master's cells."""

    given: list[NotebookNode]
    cells: tuple[StudentCell, ...]
    places: dict[int, int] = field(default_factory=dict)
    """The cells recognised so far: index in the submission -> slot."""
    answers: dict[int, StudentCell] = field(default_factory=dict)
    """The cell that fills a solution slot."""
    salvaged: dict[int, str] = field(default_factory=dict)
    """Imports that the student added to a given cell, by slot."""
    dropped: set[int] = field(default_factory=set)
    notes: dict[str, list[str]] = field(default_factory=dict)
    """What an instructor may want to know -> the cells it is about."""

    def open_cells(self) -> list[int]:
        """The cells that are neither recognised nor dropped."""
        return [i for i in range(len(self.cells)) if i not in self.places and i not in self.dropped]

    def solution_slots(self) -> list[int]:
        """The slots that a student fills."""
        return [slot for slot, cell in enumerate(self.given) if is_solution(cell)]

    def note(self, what: str, cell: str) -> None:
        """Adds a cell to a note."""
        self.notes.setdefault(what, []).append(cell)

    def flags(self) -> tuple[str, ...]:
        """One sentence per note."""
        return tuple(f"{what}: {', '.join(dict.fromkeys(names))}" for what, names in self.notes.items())


def match(given: list[NotebookNode], cells: tuple[StudentCell, ...]) -> Plan:
    """Sorts a submission's cells into answers, the student's own cells, and what is dropped."""
    plan = Plan(given, cells)
    for step in (_recognise, _release_copies, _recognise_edited, _note_edits):
        step(plan)
    for step in (_choose_answers, _by_definition, _by_place, _limit_own_cells, _note_damage):
        step(plan)
    return plan


def _plain(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().split("\n"))


def _same(cell: StudentCell, given: NotebookNode) -> bool:
    return _plain(cell.source) == _plain(given.source)


# --- the given cells -------------------------------------------------------------------------------------


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
        elif not cell.source.strip() or cell.kind == "raw" or _is_check(cell.source):
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
            if _is_check(cell.source) or cell.kind == "raw":
                plan.dropped.add(i)


def _recognise_edited(plan: Plan) -> None:
    """Without ids, a cell that shares half of its lines with a given cell is that cell, edited."""
    free = [
        (slot, given, _lines(given.source))
        for slot, given in enumerate(plan.given)
        if slot not in plan.places.values() and not is_solution(given)
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


def _note_edits(plan: Plan) -> None:
    """Given cells that the student changed: the course's version runs, once; added imports are kept."""
    for i, slot in plan.places.items():
        cell, given = plan.cells[i], plan.given[slot]
        if is_solution(given) or _same(cell, given):
            continue
        if grade_id(given):
            plan.note("locked cells were edited; the course's version was used", grade_id(given))
        elif given.cell_type == cell.kind == "code" and len(cell.source) < _LONG:
            _salvage(plan, cell, slot)


def _salvage(plan: Plan, cell: StudentCell, slot: int) -> None:
    given = plan.given[slot].source
    added = [line for line in _IMPORT.findall(cell.source) if line not in given]
    if added:
        plan.salvaged[slot] = "\n".join([*filter(None, [plan.salvaged.get(slot)]), *added])
    for name in sorted(set(_DEFINITION.findall(cell.source)) - set(_DEFINITION.findall(given))):
        plan.note("definitions were written into a given cell and left out", name)


# --- the answers -----------------------------------------------------------------------------------------


def _defines(cell: StudentCell, name: str) -> bool:
    """Whether the cell binds the name at the top level."""
    name = re.escape(name)
    pattern = rf"^(?:(?:async[ \t]+)?def|class)[ \t]+{name}\b|^{name}[ \t]*(?::[^=\n]*)?=(?!=)"
    return cell.kind == "code" and re.search(pattern, cell.source, re.MULTILINE) is not None


def _is_written(plan: Plan, slot: int, cell: StudentCell) -> bool:
    return bool(cell.source.strip()) and not _same(cell, plan.given[slot])


def _choose_answers(plan: Plan) -> None:
    """Of several cells for one slot, the last with an answer wins; the others may be helpers."""
    for slot in plan.solution_slots():
        claims = [i for i in sorted(plan.places) if plan.places[i] == slot]
        if not claims:
            continue
        name = grade_id(plan.given[slot])
        written = [i for i in claims if _is_written(plan, slot, plan.cells[i])]
        defining = [i for i in written if _defines(plan.cells[i], name)]
        best = (defining or written or claims)[-1]
        plan.answers[slot] = plan.cells[best]
        for i in claims:
            if i != best:
                plan.note("more than one cell was handed in; the last with an answer was used", name)
                del plan.places[i]
                if i in defining or i not in written:
                    plan.dropped.add(i)


def _by_definition(plan: Plan) -> None:
    """Fills a slot without an answer with the student's last other cell that defines the function."""
    for slot in plan.solution_slots():
        name = grade_id(plan.given[slot])
        if slot in plan.answers and _is_written(plan, slot, plan.answers[slot]):
            continue
        defining = [i for i in plan.open_cells() if _defines(plan.cells[i], name)]
        if defining:
            plan.dropped.update(i for i, place in plan.places.items() if place == slot)
            plan.places = {i: place for i, place in plan.places.items() if place != slot}
            _fill(plan, slot, defining[-1], "answers outside their cells were found by the name they define")


def _by_place(plan: Plan) -> None:
    """Fills a slot still without a cell with an unplaced cell of its kind between the known neighbours."""
    for slot in plan.solution_slots():
        if slot in plan.answers:
            continue
        before = max((i for i, place in plan.places.items() if place < slot), default=-1)
        later = (i for i, place in plan.places.items() if place > slot and i > before)
        after = min(later, default=len(plan.cells))
        kind = plan.given[slot].cell_type
        between = [i for i in plan.open_cells() if before < i < after and plan.cells[i].kind == kind]
        if plan.places and between and (kind == "markdown" or len(between) == 1):
            _fill(plan, slot, between[-1], "solution cells had lost their ids and were found by their position")
        else:
            _miss(plan, slot)


def _fill(plan: Plan, slot: int, i: int, how: str) -> None:
    plan.places[i] = slot
    plan.answers[slot] = plan.cells[i]
    plan.note(how, grade_id(plan.given[slot]))


def _miss(plan: Plan, slot: int) -> None:
    """No cell: the slot gets its stub, unless another answer defines the function, which the stub would undo."""
    name = grade_id(plan.given[slot])
    if any(_defines(cell, name) for cell in plan.answers.values()):
        plan.answers[slot] = StudentCell("code", f"# {name} is defined in another cell")
        plan.note("solution cells are missing; another cell defines them", name)
    else:
        plan.note("solution cells are missing; empty ones were put back", name)


def _limit_own_cells(plan: Plan) -> None:
    extra = plan.open_cells()[_MOST_OWN_CELLS:]
    if extra:
        plan.dropped.update(extra)
        plan.note(f"only {_MOST_OWN_CELLS} extra cells are kept; left out", f"{len(extra)} cells")


def _note_damage(plan: Plan) -> None:
    """Notes what was repaired: lost metadata, and checks that are missing or duplicated."""
    found = list(plan.places.values())
    for slot, cell in enumerate(plan.given):
        if is_grade(cell) and not is_solution(cell) and found:
            if slot not in found:
                plan.note("checks are missing; they were put back", grade_id(cell))
            elif found.count(slot) > 1:
                plan.note("checks appear more than once; one of each was kept", grade_id(cell))
    for i, slot in plan.places.items():
        if is_solution(plan.given[slot]) and plan.cells[i].grade_id != grade_id(plan.given[slot]):
            plan.note("cells lost their metadata; they were recognised all the same", grade_id(plan.given[slot]))
