"""Cells moved at random: what a check saw in the student's own order, it sees in the restored notebook."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from random import Random

import pytest
from check_bindings import (
    at,
    bindings_at_checks,
    copied,
    given,
    restored,
    right,
    right_bindings,
    right_notebook,
    run_names,
    stubs,
    text,
    write,
)  # fmt: skip
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from autograder.exercises import ASSIGNMENTS
from autograder.pipeline.cells import check_id, is_solution

FIRST = next(name for name in ASSIGNMENTS if name.startswith("01"))
NAMES = list(right(FIRST))
CHECKS = {f'check("linear.{name}", {name})': name for name in NAMES}
Change = Callable[[NotebookNode, Random, str], None]


def empties(notebook: NotebookNode, random: Random, name: str) -> None:
    write(notebook, name, "")


def joins_another(notebook: NotebookNode, random: Random, name: str) -> None:
    other = random.choice(NAMES)
    write(notebook, other, f"{text(notebook, other)}\n\n{text(notebook, name)}")
    if other != name:
        write(notebook, name, random.choice(["", stubs()[name]]))


def writes_it_elsewhere(notebook: NotebookNode, random: Random, name: str) -> None:
    source = text(notebook, name)
    write(notebook, name, random.choice(["", stubs()[name]]))
    notebook.cells.insert(random.randrange(len(notebook.cells) + 1), new_code_cell(source))


def wraps(notebook: NotebookNode, random: Random, name: str) -> None:
    notebook.cells.insert(at(notebook, name) + 1, copied(notebook, name, f"{name} = np.vectorize({name})"))


def tries(notebook: NotebookNode, random: Random, name: str) -> None:
    notebook.cells.insert(at(notebook, check_id(name)) + 1, copied(notebook, name, f"{name} = {name}(3)"))


def swaps_ids(notebook: NotebookNode, random: Random, name: str) -> None:
    one, two = notebook.cells[at(notebook, name)], notebook.cells[at(notebook, random.choice(NAMES))]
    one.metadata, two.metadata = two.metadata, one.metadata


def deletes(notebook: NotebookNode, random: Random, name: str) -> None:
    del notebook.cells[at(notebook, name)]


def adds_a_cell(notebook: NotebookNode, random: Random, name: str) -> None:
    cell = random.choice([copied(notebook, name, "x = 1"), new_code_cell("y = 1")])
    notebook.cells.insert(random.randrange(len(notebook.cells) + 1), cell)


CHANGES: tuple[Change, ...] = (
    empties, joins_another, writes_it_elsewhere, wraps, tries, swaps_ids, deletes, adds_a_cell,
)  # fmt: skip


def seen_by_the_student(notebook: NotebookNode) -> dict[str, list[str]]:
    """By exercise, what its name meant when its check was first reached, from the top."""
    course = {cell.source for cell in given(FIRST).cells if not is_solution(cell)}
    state: dict[str, list[str]] = {}
    seen: dict[str, list[str]] = {}
    for cell in notebook.cells:
        if cell.source.strip() in CHECKS:
            name = CHECKS[cell.source.strip()]
            seen.setdefault(name, list(state.get(name, [])))
        elif cell.cell_type == "code" and cell.source not in course:
            run_names(cell.source, state)
    return seen


@pytest.mark.parametrize("part", range(4))
def test_every_definition_is_seen_by_its_check(part: int) -> None:
    for seed in range(40 * part, 40 * part + 40):
        random, done = Random(seed), []
        notebook = right_notebook(FIRST)
        for _ in range(random.randrange(1, 9)):
            change, name = random.choice(CHANGES), random.choice(NAMES)
            with suppress(StopIteration):  # its cell is gone
                change(notebook, random, name)
                done.append(f"{change.__name__} {name}")
        theirs = seen_by_the_student(notebook)
        ours = bindings_at_checks(restored(FIRST, notebook).notebook, NAMES)
        defined: dict[str, set[str]] = {}
        for cell in notebook.cells:
            state: dict[str, list[str]] = {}
            run_names(cell.source if cell.cell_type == "code" else "", state)
            for name, found in state.items():
                defined.setdefault(name, set()).update(found)
        for name in NAMES:
            if (theirs.get(name) or ["nothing"])[0] not in ("stub", "nothing"):
                assert ours[name] == theirs[name], (seed, done)
            elif right_bindings(FIRST)[name][0] in defined.get(name, set()):
                assert ours[name][:1] == right_bindings(FIRST)[name], (seed, done)
