"""Which of a student's code cells answers which exercise, wherever it was written.

A cell that carries the id of a solution cell fills it, unless what it defines says otherwise. Every function that the
student wrote has to be defined before its check: a cell that stands below is brought up, with the helpers that it
needs. A stub is put back only where nothing that the student wrote defines the name.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from autograder.pipeline.cells import check_id, grade_id, is_demo, is_solution
from autograder.pipeline.intake.notebook_file import StudentCell
from autograder.pipeline.intake.plan import Plan
from autograder.pipeline.intake.statements import Binding, code_lines, statements, words

__all__ = ["choose_answers"]

_STUB = "raise NotImplementedError"


def _elsewhere(name: str) -> str:
    return f"# {name} is defined in another cell"


def choose_answers(plan: Plan) -> None:
    """Fills the solution slots for code, and says where the student's other cells go."""
    texts = _Texts(plan)
    _follow_definitions(plan, texts)
    chosen = _choose(plan, texts)
    _place_own_cells(plan, texts)
    answers = _Answers(plan, texts, chosen)
    for name, slot in texts.slots.items():
        answers.bring_up(name, slot)
        answers.fill(name, slot)


class _Texts:
    """What the cells say: which names they bind, and whether they hold more than a stub."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.slots = {grade_id(plan.given[slot]): slot for slot in plan.solution_slots("code")}
        """The solution slots by the name of their function, in the order of the notebook."""
        checks = {grade_id(cell): slot for slot, cell in enumerate(plan.given)}
        self.checks = {name: checks.get(check_id(name), slot + 1) for name, slot in self.slots.items()}
        """The slot that a function has to be defined before, by its name."""
        self._stubs = {name: Counter(code_lines(plan.given[slot].source)) for name, slot in self.slots.items()}
        self._written: dict[tuple[int, str], bool] = {}
        self._bound: dict[int, dict[str, Binding]] = {}
        self._stubs_in: dict[int, set[str]] = {}
        self._unfinished: dict[int, set[str]] = {}

    def is_written(self, i: int, name: str) -> bool:
        """Whether a cell holds more than lines of the stub."""
        if (i, name) not in self._written:
            lines = Counter(code_lines(self._plan.cells[i].source))
            self._written[i, name] = bool(lines) and not lines <= self._stubs[name]
        return self._written[i, name]

    def bound(self, i: int) -> dict[str, Binding]:
        """The names that a cell binds, stubs apart, and the strongest way in which it does."""
        if i not in self._bound:
            self._read(i)
        return self._bound[i]

    def stubs_in(self, i: int) -> set[str]:
        """The exercises whose stub is in a cell."""
        if i not in self._stubs_in:
            self._read(i)
        return self._stubs_in[i]

    def defines(self, i: int, name: str) -> bool:
        """Whether a cell holds a definition of a name, and one from which the stub's last line is gone."""
        return self.bound(i).get(name) is Binding.DEFINES and not self.is_unfinished(i, name)

    def is_unfinished(self, i: int, name: str) -> bool:
        """Whether a cell's definition of an exercise's name still raises NotImplementedError somewhere."""
        return name in self.bound(i) and name in self._unfinished[i]

    def gives(self, i: int, name: str) -> bool:
        """Whether a cell gives a name a value that does not come from the name."""
        return self.bound(i).get(name, Binding.TRIES) >= Binding.ASSIGNS

    def without_stub(self, source: str, name: str) -> str:
        """A cell's text with a note in the place of the stub of an exercise."""
        for statement in statements(source):
            lines = Counter(code_lines(statement.text))
            if any(bound == name for bound, _ in statement.bound) and lines <= self._stubs[name]:
                source = source.replace(statement.text, _elsewhere(name), 1)
        return source

    def _read(self, i: int) -> None:
        bound: dict[str, Binding] = {}
        stubs: set[str] = set()
        unfinished: set[str] = set()
        for statement in statements(self._plan.cells[i].source):
            lines = Counter(code_lines(statement.text)) if _STUB in statement.text else None
            for name, how in statement.bound:
                stub = self._stubs.get(name)
                if stub is not None and ((lines is not None and lines <= stub) or not self.is_written(i, name)):
                    stubs.add(name)
                    continue
                bound[name] = max(how, bound.get(name, Binding.TRIES))
                if how is Binding.DEFINES:
                    (unfinished.discard if lines is None else unfinished.add)(name)
        self._bound[i], self._stubs_in[i], self._unfinished[i] = bound, stubs, unfinished


def _follow_definitions(plan: Plan, texts: _Texts) -> None:
    """A cell whose id names one exercise and that defines only another one belongs to the other."""
    claims = [(i, slot) for i, slot in sorted(plan.places.items()) if is_solution(plan.given[slot])]
    proper = {name for i, slot in claims if texts.gives(i, name := grade_id(plan.given[slot]))}
    for i, slot in claims:
        name = grade_id(plan.given[slot])
        mentioned = {*texts.stubs_in(i), *texts.bound(i)}
        is_code_slot = plan.given[slot].cell_type == "code"
        if name in mentioned or (not is_code_slot and plan.cells[i].kind != "code"):
            continue
        others = [
            each for each in texts.slots if texts.bound(i).get(each) is Binding.DEFINES or each in texts.stubs_in(i)
        ]
        free = [each for each in others if each not in proper]
        if others or plan.cells[i].kind == "markdown":
            del plan.places[i]
        if free:
            plan.places[i] = texts.slots[free[0]]
            if free[0] in texts.bound(i):
                proper.add(free[0])
                plan.note("cells carried the name of another exercise; what they define counted", free[0])
        elif others and not texts.bound(i):
            plan.dropped.add(i)


def _choose(plan: Plan, texts: _Texts) -> dict[int, int]:
    """Of several cells for one slot the last that defines the function; the others are the student's own."""
    chosen: dict[int, int] = {}
    claims: dict[int, list[int]] = {}
    for i, slot in sorted(plan.places.items()):
        claims.setdefault(slot, []).append(i)
    for name, slot in texts.slots.items():
        if slot not in claims:
            continue
        check = min(claims.get(texts.checks[name], [len(plan.cells)]))
        written = [i for i in claims[slot] if texts.is_written(i, name)]
        giving = [i for i in written if texts.gives(i, name)]
        defining = [i for i in giving if texts.defines(i, name)]
        before = [i for i in giving if i < check]
        others = [i for i in claims[slot] if not texts.bound(i).get(name)]
        unclear = [i for i in others if i in written]
        above = [i for i in unclear if i < check]
        best = (defining or before or giving or above or unclear or others or [-1])[-1]
        if best >= 0:
            chosen[slot] = best
        for i in claims[slot]:
            if i != best:
                plan.note(
                    "more than one cell was handed in; the last that answers was used, the others kept beside it", name
                )
                del plan.places[i]
                if i not in written:
                    plan.dropped.add(i)
    return chosen


def _place_own_cells(plan: Plan, texts: _Texts) -> None:
    """The student's own cells come after the recognised cell above them; a top one with answers after the imports."""
    own = set(plan.open_cells())
    in_order = _in_order(plan)
    imports = next((slot for slot, cell in enumerate(plan.given) if cell.cell_type == "code"), len(plan.given))
    anchor, with_answers = -1, False
    for i, cell in enumerate(plan.cells):
        if i in own:
            if cell.kind == "code" and anchor < imports:
                with_answers = with_answers or any(texts.gives(i, name) for name in texts.slots)
                below_imports = with_answers and not is_solution(plan.given[imports])
                plan.positions[i] = (imports if below_imports else anchor, 1, i)
            else:
                plan.positions[i] = (anchor, 1, i)
        elif i in in_order:
            anchor = plan.places[i]


def _in_order(plan: Plan) -> set[int]:
    """The most given cells that stand in the course's order, and the solution cells that fit between them.

    A cell that was moved says nothing about its neighbours.
    """
    ends: list[int] = []
    cells: list[int] = []
    before: dict[int, int] = {}
    for i, slot in sorted(plan.places.items()):
        if not is_solution(plan.given[slot]):
            length = bisect_left(ends, slot)
            before[i] = cells[length - 1] if length else -1
            ends[length : length + 1] = [slot]
            cells[length : length + 1] = [i]
    found: list[int] = []
    i = cells[-1] if cells else -1
    while i >= 0:
        found.append(i)
        i = before[i]
    fitting: set[int] = set()
    last = -1
    for i, slot in sorted(plan.places.items()):
        while found and found[-1] < i:
            found.pop()
        if (found and found[-1] == i) or last < slot < (plan.places[found[-1]] if found else len(plan.given)):
            fitting.add(i)
            last = slot
    return fitting


class _Answers:
    """The slots being filled, in the order of the notebook."""

    def __init__(self, plan: Plan, texts: _Texts, chosen: dict[int, int]) -> None:
        self._plan = plan
        self._texts = texts
        self._chosen = chosen
        self._claimed = set(chosen)
        self._where = {i: (slot, 0, i) for slot, i in chosen.items()}
        self._where |= {i: at for i, at in plan.positions.items() if plan.cells[i].kind == "code"}
        self._givers: dict[str, list[int]] = {}
        """By name, the cells that give it a value."""
        for i in sorted(self._where):
            for name, how in texts.bound(i).items():
                if how >= Binding.ASSIGNS:
                    self._givers.setdefault(name, []).append(i)
        self._last_checks = {slot: i for i, slot in sorted(plan.places.items())}
        self._first_checks = {slot: i for i, slot in sorted(plan.places.items(), reverse=True)}
        for name, slot in texts.slots.items():
            if slot in chosen and texts.gives(chosen[slot], name):
                self._keep_order(chosen[slot], name, slot)
            if name in self._givers:
                self._leave_out_stubs(name)

    def _keep_order(self, i: int, name: str, slot: int) -> None:
        """Where an answer was not in its own place: what came before and after it still does."""
        check = self._texts.checks[name]
        first = self._first_checks.get(check, len(self._plan.cells))
        if i > first:
            self._gather(i, name, slot, check)
        for j in list(self._own_code()):
            if j > i and self._where[j] < (slot, 0, 0) and name in self._texts.bound(j):
                self._plan.positions[j] = self._where[j] = (slot if j < first else check, 1, j)

    def _leave_out_stubs(self, name: str) -> None:
        """Takes the stub of a function that is defined somewhere out of cells that hold other things as well."""
        cells = list(self._plan.cells)
        for i in self._where:
            if name in self._texts.stubs_in(i):
                rest = self._texts.without_stub(cells[i].source, name) if self._texts.is_written(i, name) else ""
                cells[i] = replace(cells[i], source=rest or _elsewhere(name))
        self._plan.cells = tuple(cells)

    def bring_up(self, name: str, slot: int) -> None:
        """Moves what defines a function before its check, if nothing above does."""
        check = self._texts.checks[name]
        givers = self._givers.get(name, [])
        below = [i for i in givers if self._where[i] >= (check, 0, 0)]
        if not below:
            return
        defining = [i for i in below if self._texts.defines(i, name)]
        again = [i for i in defining if i in self._plan.positions and i < self._last_checks.get(check, -1)]
        if again:
            self._move(again[-1], name, slot)
        elif all(self._texts.is_unfinished(i, name) for i in givers if i not in below) and (
            defining or len(below) == len(givers)
        ):
            self._move((defining or below)[-1], name, slot)

    def _move(self, i: int, name: str, slot: int) -> None:
        check = self._texts.checks[name]
        if i not in self._plan.positions:  # it is the answer of a later exercise too
            del self._chosen[self._where[i][0]], self._plan.places[i]
        is_free = not self._is_answered(name, slot)
        self._gather(i, name, slot if is_free else check, check)
        self._plan.positions[i] = self._where[i] = (check, -1, i)
        if is_free:
            self._take(i, slot)
        self._plan.note("answers outside their cells were found by the name they define", name)

    def _gather(self, i: int, name: str, slot: int, check: int) -> None:
        """Takes along, where a cell moves up, what it needs, what it replaces, and what wraps it."""
        own, texts = self._plan.positions, self._texts
        below = [j for j in self._own_code() if self._where[j] >= (check, 0, 0)]
        names = texts.slots.keys() & texts.bound(i).keys()
        replaced = {j for j in self._own_code() if j < i and self._where[j] > (slot, 0, 0)}
        replaced = {j for j in replaced if not names.isdisjoint(texts.bound(j))}
        was_below = i > self._first_checks.get(check, len(self._plan.cells))
        wrapping = {j for j in below if was_below and j > i and texts.bound(j).get(name) is Binding.WRAPS}
        for j in {*self._needed(i, (check, 0, 0)), *replaced, *wrapping} - {i}:
            own[j] = self._where[j] = (slot if j < i else check, -1, j)

    def _needed(self, i: int, check: tuple[int, int, int]) -> set[int]:
        """The student's own cells below a check that define what a cell needs, and what those need."""
        found: set[int] = set()
        waiting, seen = [i], set[str]()
        while waiting:
            for word in words(self._plan.cells[waiting.pop()].source) - seen:
                seen.add(word)
                givers = self._givers.get(word, []) if word not in self._texts.slots else []
                if all(self._where[j] >= check for j in givers):
                    more = {j for j in givers if j in self._plan.positions and j != i} - found
                    found |= more
                    waiting += more
        return found

    def fill(self, name: str, slot: int) -> None:
        """The text of a slot: the answer, or a note where another cell has it; nothing where the stub comes back."""
        plan, i = self._plan, self._chosen.get(slot)
        if self._is_answered(name, slot) and i is not None:
            plan.answers[slot] = plan.cells[i]
            return
        above = [j for j in self._givers.get(name, []) if self._where[j] < (self._texts.checks[name], 0, 0)]
        beside = next((j for j in self._beside(slot) if j in above), None)
        if beside is not None:
            self._take(beside, slot)
            plan.note("answers outside their cells were found by the name they define", name)
        elif above:
            plan.answers[slot] = StudentCell("code", _elsewhere(name))
            what = "hold no answer" if slot in self._claimed else "are missing"
            plan.note(f"solution cells {what}; another cell defines them", name)
        elif slot in self._claimed and i is not None:
            plan.answers[slot] = plan.cells[i]
        else:
            self._by_place(name, slot)

    def _is_answered(self, name: str, slot: int) -> bool:
        i = self._chosen.get(slot)
        return i is not None and self._texts.is_written(i, name)

    def _take(self, i: int, slot: int) -> None:
        """Puts one of the student's own cells into a slot."""
        self._plan.positions.pop(i, None)
        self._plan.places[i] = slot
        self._plan.answers[slot] = self._plan.cells[i]
        self._chosen[slot] = i
        self._where[i] = (slot, 0, i)

    def _beside(self, slot: int) -> Iterator[int]:
        """The student's own code cells right before and right after a slot, with no other code that runs between."""
        own = sorted((self._where[i], i) for i in self._own_code())
        above = [(at, i) for at, i in own if at < (slot, 0, 0)][-1:]
        below = [(at, i) for at, i in own if at > (slot, 0, 0)][:1]
        for at, i in (*below, *above):
            first, last = (at[0] + (at[1] >= 0), slot) if at < (slot, 0, 0) else (slot + 1, at[0] + (at[1] >= 0))
            if all(cell.cell_type != "code" or is_demo(cell) for cell in self._plan.given[first:last]):
                yield i

    def _own_code(self) -> Iterable[int]:
        return (i for i in self._plan.positions if self._plan.cells[i].kind == "code")

    def _by_place(self, name: str, slot: int) -> None:
        """The one code cell between the known neighbours, for an answer that defines nothing."""
        plan = self._plan
        before = max((i for i, place in plan.places.items() if place < slot), default=-1)
        later = (i for i, place in plan.places.items() if place > slot and i > before)
        after = min(later, default=len(plan.cells))
        between = [i for i in self._own_code() if before < i < after]
        others = self._texts.slots
        if plan.places and len(between) == 1 and others.keys().isdisjoint(self._texts.bound(between[0])):
            self._take(between[0], slot)
            plan.note("solution cells had lost their ids and were found by their position", name)
        else:
            plan.note("solution cells are missing; empty ones were put back", name)
