"""Right answers of every notebook, moved about as students move them: each is found, and no stub undoes it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from copy import deepcopy

import pytest
from check_bindings import (
    PROSE,
    at,
    bindings_at_checks,
    copied,
    given,
    insert,
    restored,
    right,
    right_bindings,
    right_notebook,
    stubs,
    text,
    write,
)  # fmt: skip
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from autograder.exercises import ASSIGNMENTS
from autograder.pipeline.cells import check_id, grade_id, is_open_question, is_solution
from autograder.pipeline.intake.restore import Restored

FIRST = next(name for name in ASSIGNMENTS if name.startswith("01"))
Damage = Callable[[NotebookNode, list[str]], None]


def assert_all_found(assignment: str, damage: Damage) -> Restored:
    answers = right(assignment)
    notebook = right_notebook(assignment)
    damage(notebook, list(answers))
    result = restored(assignment, notebook)
    assert bindings_at_checks(result.notebook, answers) == right_bindings(assignment)
    assert all("\n" not in flag and len(flag) < 1500 for flag in result.flags)
    locked = [cell for cell in given(assignment).cells if not is_solution(cell)]
    kept = {cell.id: cell.source for cell in result.notebook.cells}
    assert [kept[cell.id] for cell in locked] == [cell.source for cell in locked]
    for cell in result.notebook.cells:
        if is_open_question(cell):
            assert cell.source == PROSE
    return result


# --- how students move them -------------------------------------------------------------------------------


def emptied(notebook: NotebookNode, names: Iterable[str]) -> None:
    for name in names:
        write(notebook, name, "")


def as_stubs(notebook: NotebookNode, names: Iterable[str]) -> None:
    for name in names:
        write(notebook, name, f"{stubs()[name]}\n    # later")


def deleted(notebook: NotebookNode, names: Iterable[str]) -> None:
    gone = set(names)
    notebook.cells = [cell for cell in notebook.cells if grade_id(cell) not in gone]


LEFT = {"emptied": emptied, "stubs": as_stubs, "deleted": deleted}


def in_one_solution_cell(place: int, left: str) -> Damage:
    def damage(notebook: NotebookNode, names: list[str]) -> None:
        keeper = names[min(place, len(names) - 1)] if place >= 0 else names[-1]
        everything = "\n\n\n".join(text(notebook, name) for name in names)
        LEFT[left](notebook, [name for name in names if name != keeper])
        write(notebook, keeper, everything)

    return damage


def in_one_own_cell(place: int, left: str) -> Damage:
    def damage(notebook: NotebookNode, names: list[str]) -> None:
        everything = "\n\n\n".join(text(notebook, name) for name in names)
        LEFT[left](notebook, names)
        insert(notebook, place if place >= 0 else len(notebook.cells), everything)

    return damage


def in_own_cells_at_the_end(left: str, *, backwards: bool) -> Damage:
    def damage(notebook: NotebookNode, names: list[str]) -> None:
        sources = [text(notebook, name) for name in names]
        LEFT[left](notebook, names)
        insert(notebook, len(notebook.cells), *(sources[::-1] if backwards else sources))

    return damage


def beside_the_stub(left: str, after: str) -> Damage:
    """An own cell right before or behind the stub, or behind the check."""

    def damage(notebook: NotebookNode, names: list[str]) -> None:
        for name in names:
            source = text(notebook, name)
            anchor = check_id(name) if after == "check" else name
            place = at(notebook, anchor) + (after != "nothing")
            insert(notebook, place, source)
            LEFT[left](notebook, [name])

    return damage


def every_other_is_elsewhere(notebook: NotebookNode, names: list[str]) -> None:
    """Half of the answers in their cells, the others together at the end."""
    sources = [text(notebook, name) for name in names[1::2]]
    emptied(notebook, names[1::2])
    insert(notebook, len(notebook.cells), "\n\n".join(sources))


def pairs_in_one_cell(left: str) -> Damage:
    def damage(notebook: NotebookNode, names: list[str]) -> None:
        for one, two in zip(names[::2], names[1::2], strict=False):
            write(notebook, one, f"{text(notebook, one)}\n\n\n{text(notebook, two)}")
            LEFT[left](notebook, [two])

    return damage


def typed_above_checks(notebook: NotebookNode, names: list[str]) -> None:
    for name in names:
        check = check_id(name)
        write(notebook, check, f"{text(notebook, name)}\n\n{text(notebook, check)}")
        as_stubs(notebook, [name])


def typed_into_setup(notebook: NotebookNode, names: list[str]) -> None:
    everything = "\n\n\n".join(text(notebook, name) for name in names)
    write(notebook, "setup", f"{text(notebook, 'setup')}\n\n{everything}")
    emptied(notebook, names)


def merged_with_checks(notebook: NotebookNode, names: list[str]) -> None:
    for name in names:
        write(notebook, name, f"{text(notebook, name)}\n\n{text(notebook, check_id(name))}")
        deleted(notebook, [check_id(name)])


def _rotate(notebook: NotebookNode, names: list[str], *, cell_ids: bool, by: int = 1) -> None:
    cells = [notebook.cells[at(notebook, name)] for name in names]
    marks = [cell.metadata for cell in cells]
    ids = [cell.id for cell in cells]
    for k, cell in enumerate(cells):
        cell.metadata = marks[(k + by) % len(cells)]
        if cell_ids:
            cell.id = ids[(k + by) % len(cells)]


def rotated(notebook: NotebookNode, names: list[str]) -> None:
    _rotate(notebook, names, cell_ids=False)


def rotated_with_cell_ids(notebook: NotebookNode, names: list[str]) -> None:
    _rotate(notebook, names, cell_ids=True, by=-1)


def two_swapped(notebook: NotebookNode, names: list[str]) -> None:
    _rotate(notebook, [names[0], names[-1]], cell_ids=False)


def rotated_with_prose(notebook: NotebookNode, names: list[str]) -> None:
    questions = [grade_id(cell) for cell in notebook.cells if is_open_question(cell)]
    _rotate(notebook, [*names, *questions], cell_ids=True)


def one_grade_id(notebook: NotebookNode, names: list[str]) -> None:
    for name in names[1:]:
        notebook.cells[at(notebook, name)].metadata = notebook.cells[at(notebook, names[0])].metadata


def without_ids(notebook: NotebookNode, names: list[str]) -> None:
    for cell in notebook.cells:
        cell.metadata = NotebookNode()
        cell.pop("id", None)


def tried_below(notebook: NotebookNode, names: list[str]) -> None:
    """A copy of each solution cell below its check, in which the function is only tried."""
    tries = (
        "{0} = {0}(np.eye(3))",
        "now = {0}(np.eye(3))\n{0} = now",
        "{0} = [1, 2, 3]",
        "print({0}(np.eye(3)))",
        "for {0} in range(3):\n    pass",
        "{0} = list(map({0}, [np.eye(3)]))",
        "{0} += 1",
        "from course_lib.support import {0}",
    )
    for k, name in enumerate(names):
        notebook.cells.insert(
            at(notebook, check_id(name)) + 1, copied(notebook, name, tries[k % len(tries)].format(name))
        )


def helpers_below(notebook: NotebookNode, names: list[str]) -> None:
    """At the end: a helper of a helper, then the answers with the helper in front of each."""
    sources = [f"{text(notebook, name)}\n\n\nready_{name} = helper_{name}" for name in names]
    emptied(notebook, names)
    for name, source in zip(names, sources, strict=True):
        insert(notebook, len(notebook.cells), f"deep_{name} = 1", f"helper_{name} = deep_{name}", source)


MOVES: dict[str, Damage] = {
    **{
        f"one solution cell {place}, others {left}": in_one_solution_cell(place, left)
        for place in (0, 2, -1)
        for left in LEFT
    },
    **{f"one own cell {place}, {left}": in_one_own_cell(place, left) for place in (0, 3, -1) for left in LEFT},
    **{f"own cells at the end, {left}": in_own_cells_at_the_end(left, backwards=False) for left in LEFT},
    "own cells at the end, backwards": in_own_cells_at_the_end("emptied", backwards=True),
    **{
        f"own cell, {left}, after {after}": beside_the_stub(left, after)
        for left in ("emptied", "stubs")
        for after in ("nothing", "stub", "check")
    },
    "every other": every_other_is_elsewhere,
    **{f"pairs, {left}": pairs_in_one_cell(left) for left in LEFT},
    "above checks": typed_above_checks,
    "into setup": typed_into_setup,
    "merged with checks": merged_with_checks,
    "rotated": rotated,
    "rotated with cell ids": rotated_with_cell_ids,
    "two swapped": two_swapped,
    "rotated with prose": rotated_with_prose,
    "one grade id": one_grade_id,
    "without ids": without_ids,
    "tried below": tried_below,
    "helpers below": helpers_below,
}


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_every_answer_is_found_wherever_it_was_moved(assignment: str) -> None:
    failed = {}
    for name, damage in MOVES.items():
        try:
            assert_all_found(assignment, damage)
        except AssertionError as error:
            failed[name] = str(error)[:300]
    assert failed == {}


# --- one exercise at a time --------------------------------------------------------------------------------

SOFTMAX = "def softmax(logits):\n    e = np.exp(logits - logits.max())\n    return e / e.sum()"
VECTORIZED = "softmax = np.vectorize(softmax, signature='(c)->(c)')"
TRIED = "softmax = softmax(np.eye(3))"
STUB = "def softmax(logits):\n    raise NotImplementedError()"
CACHED = "softmax = lru_cache(maxsize=None)(softmax)"


def seen_by_softmax(*cells: str | tuple[str, str]) -> tuple[list[str], Restored]:
    """What the check of `softmax` sees; a pair is a cell with the id of the solution cell, "check" the check cell."""
    notebook = deepcopy(given(FIRST))
    place, check = at(notebook, "softmax"), notebook.cells[at(notebook, "softmax_check")]
    rows = [
        deepcopy(check)
        if each == "check"
        else copied(notebook, "softmax", each[1])
        if isinstance(each, tuple)
        else new_code_cell(each)
        for each in cells
    ]
    notebook.cells[place : place + 2] = rows
    result = restored(FIRST, notebook)
    return bindings_at_checks(result.notebook, ["softmax"])["softmax"], result


def said(source: str) -> str:
    return ast.unparse(ast.parse(source).body[0])


def value(source: str) -> str:
    return source.partition(" = ")[2]


WRAPPED = [said(SOFTMAX), ast.unparse(ast.parse(value(VECTORIZED)))]


@pytest.mark.parametrize(
    "cells",
    [
        (("id", SOFTMAX), ("id", VECTORIZED), "check"),
        (("id", SOFTMAX), VECTORIZED, "check"),
        (("id", f"{SOFTMAX}\n{VECTORIZED}"), "check"),
        (("id", "shift = 1"), ("id", SOFTMAX), ("id", VECTORIZED), ("id", "print(1)"), "check"),
        (SOFTMAX, VECTORIZED, "check"),
        (SOFTMAX, VECTORIZED, ("id", ""), "check"),
        (SOFTMAX, VECTORIZED, ("id", STUB), "check"),
        (("id", STUB), SOFTMAX, VECTORIZED, "check"),
        (("id", STUB), "check", SOFTMAX, VECTORIZED),
        (("id", STUB), "check", SOFTMAX, "shift = 1", VECTORIZED, TRIED),
        ("check", ("id", SOFTMAX), ("id", VECTORIZED)),
        (("id", SOFTMAX), ("id", VECTORIZED), "check", ("id", TRIED)),
        (("id", SOFTMAX), VECTORIZED, ("id", STUB), "check"),
        (("id", "softmax = 3"), ("id", SOFTMAX), VECTORIZED, "check"),
    ],
)
def test_a_wrapper_stays_behind_what_it_wraps(cells: tuple[str | tuple[str, str], ...]) -> None:
    assert seen_by_softmax(*cells)[0] == WRAPPED


def test_a_function_wrapped_twice_is_wrapped_twice() -> None:
    assert seen_by_softmax(("id", SOFTMAX), ("id", VECTORIZED), ("id", CACHED), "check")[0] == [
        *WRAPPED,
        ast.unparse(ast.parse(value(CACHED))),
    ]


@pytest.mark.parametrize(
    "cells",
    [
        (("id", SOFTMAX), "check", ("id", TRIED)),
        (("id", SOFTMAX), "check", ("id", "softmax = probabilities")),
        (("id", SOFTMAX), "check", ("id", "from scipy.special import softmax")),
        (("id", SOFTMAX), "check", ("id", VECTORIZED)),
        (("id", TRIED), ("id", SOFTMAX), "check"),
        (("id", SOFTMAX), "check", "def softmax(x):\n    return 7"),
        (("id", SOFTMAX), "check", ("id", STUB)),
        (("id", f"{STUB}\n    # to do"), "check", SOFTMAX),
        (("id", STUB.replace("raise", "e = 1\n    raise")), "check", SOFTMAX),
        (("id", STUB.replace("raise", "e = 1\n    raise")), ("id", SOFTMAX), "check"),
        (("id", "def softmax(x):\n    return 7"), "check", SOFTMAX, "check"),
        (("id", STUB), "def softmax(x):\n    return 7", "check", "shift = 1", SOFTMAX, "check"),
        (("id", STUB), "check", "def softmax(x):\n    return 7", SOFTMAX),
        (("id", f"{SOFTMAX}\ncheck('linear.softmax', softmax)"),),
        ((f"{SOFTMAX}\ncheck('linear.softmax', softmax)"), ("id", STUB)),
        (("id", STUB), f"{STUB}\n{SOFTMAX}", "check"),
    ],
)
def test_the_definition_that_was_checked_counts(cells: tuple[str | tuple[str, str], ...]) -> None:
    seen, result = seen_by_softmax(*cells)
    assert seen == [said(SOFTMAX)]
    assert [cell.source for cell in result.notebook.cells if cell.source == given(FIRST).cells[0].source]


@pytest.mark.parametrize(
    "source",
    [
        "from scipy.special import softmax",
        "import mine as softmax",
        "softmax = partial(exp_share, axis=1)",
        "scores_again, softmax = build()",
        "softmax: object = make()",
    ],
)
@pytest.mark.parametrize("left", [("id", ""), ("id", STUB), "shift = 1"])
@pytest.mark.parametrize("place", range(4))
def test_every_way_to_bind_a_name_counts(source: str, left: str | tuple[str, str], place: int) -> None:
    cells: list[str | tuple[str, str]] = [left, "check", "last = 1"]
    cells.insert(place, source)
    assert seen_by_softmax(*cells)[0] not in ([], ["stub"])


def test_a_cell_that_moves_up_leaves_no_older_one_below() -> None:
    _, result = seen_by_softmax(("id", STUB), "check", "def softmax(x):\n    return 7", SOFTMAX, "later = softmax")
    texts = [cell.source for cell in result.notebook.cells]
    places = [texts.index(text) for text in ("def softmax(x):\n    return 7", SOFTMAX, "later = softmax")]
    check = texts.index('check("linear.softmax", softmax)')
    assert places[0] < places[1] < check < places[2]


def test_nothing_that_a_student_wrote_is_lost() -> None:
    mine = [f"mine_{k} = {k}" for k in range(6)]
    _, result = seen_by_softmax(mine[0], ("id", mine[1]), ("id", SOFTMAX), ("id", mine[2]), "check", ("id", mine[3]))
    texts = [cell.source for cell in result.notebook.cells]
    assert [text for text in texts if text in mine] == mine[:4]


def test_a_blank_notebook_stays_blank() -> None:
    for assignment in ASSIGNMENTS:
        result = restored(assignment, deepcopy(given(assignment)))
        assert [cell.source for cell in result.notebook.cells] == [cell.source for cell in given(assignment).cells]
        assert result.flags == ()


def test_an_exercise_that_nobody_answered_gets_its_stub_back() -> None:
    for cells in ((), (("id", ""), "check"), ("check", TRIED), (("id", STUB),)):
        seen, result = seen_by_softmax(*cells)
        assert seen == ["stub"]
        assert text(result.notebook, "softmax") in (text(given(FIRST), "softmax"), STUB)
