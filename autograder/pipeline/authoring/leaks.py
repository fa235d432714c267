"""Does a release show what students have to find out? Compares it with the solution regions, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nbformat import NotebookNode

from autograder.pipeline.cells import is_solution

__all__ = ["leaked_lines", "solution_lines"]

TRIVIAL = re.compile(r"(return|pass|break|continue|else:|try:|import|from)\b\s*[\w., ]*$|^\W*$|^\s*#")
SHORTEST = 12


def solution_lines(notebook: NotebookNode) -> Iterator[str]:
    """The lines of an instructor's notebook that give answers away: those in solution regions, without trivia."""
    for cell in notebook.cells:
        if not is_solution(cell):
            continue
        lines = cell.source.split("\n")
        marked = any("BEGIN SOLUTION" in line for line in lines)
        inside = not marked
        for line in lines:
            if "BEGIN SOLUTION" in line or "END SOLUTION" in line:
                inside = "BEGIN" in line
            elif inside and _tells(line):
                yield _normal(line)


def leaked_lines(master: NotebookNode, release: NotebookNode) -> list[str]:
    """Solution lines found in the release's cells, and markers left behind."""
    shown = {_normal(line) for cell in release.cells for line in cell.source.split("\n")}
    text = "\n".join(cell.source for cell in release.cells)
    leaks = [line for line in solution_lines(master) if line in shown]
    leaks += [marker for marker in ("BEGIN SOLUTION", "END SOLUTION", "BEGIN HIDDEN TESTS") if marker in text]
    if any(cell.get("outputs") for cell in release.cells):
        leaks.append("an output")
    return leaks


def _tells(line: str) -> bool:
    return len(line.strip()) >= SHORTEST and TRIVIAL.match(line.strip()) is None


def _normal(line: str) -> str:
    return " ".join(line.split())
