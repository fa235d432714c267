"""A notebook's cells as text: which names each of them defines, and in which section it stands."""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Cell", "Names", "defining", "files_of", "glimpse", "names_in", "place_of", "read_cells"]

_LARGEST_FILE = 50_000_000
"""Bytes of a notebook that is read; most of them are pictures."""
_PYTHON_MAGICS = ("time", "timeit", "capture", "prun")
_SECTION = re.compile(r"^#+ +(\d+(?:\.\d+)+)\b", re.MULTILINE)


@dataclass(frozen=True)
class Cell:
    """One cell: its id in the notebook file, its kind ("code" or "markdown"), its text, whether it is a demo."""

    id: str
    kind: str
    source: str
    is_demo: bool = False


@dataclass(frozen=True)
class Names:
    """What a cell's text gives names to when it runs.

    Attributes:
        defined: by `def`, `class`, `=` and the like.
        functions: of these, by `def` and `class`.
        imported: by `import`.
    """

    defined: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    imported: frozenset[str] = frozenset()


# --- names ----------------------------------------------------------------------------------------------


def names_in(source: str) -> Names:
    """The names that a cell's text gives at its outermost level, as far as a text with errors can be read."""
    text = _without_magics(source)
    try:
        tree = compile(text, "<cell>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Names(frozenset(_guessed(text)))
    functions: set[str] = set()
    others: set[str] = set()
    imported: set[str] = set()
    _collect(tree.body, functions, others, imported)
    return Names(frozenset(functions | others), frozenset(functions), frozenset(imported))


def glimpse(source: str) -> Names:
    """The same by words alone: nothing is parsed, so that any text will do."""
    functions = re.findall(r"^(?:async +)?(?:def|class) +(\w+)", source, re.MULTILINE)
    others = re.findall(r"^(\w+) *=(?!=)", source, re.MULTILINE)
    imported = re.findall(r"^(?:from +[\w.]+ +)?import +(\w+)", source, re.MULTILINE)
    return Names(frozenset(functions + others), frozenset(functions), frozenset(imported))


def _without_magics(source: str) -> str:
    """The text with IPython's own lines left out; nothing of a cell in another language."""
    first, _, rest = source.lstrip().partition("\n")
    if first.startswith("%%"):
        return rest if first[2:].split(" ")[0] in _PYTHON_MAGICS else ""
    return re.sub(r"^([ \t]*)[%!?].*$", r"\1pass", source, flags=re.MULTILINE)


def _guessed(text: str) -> Iterator[str]:
    """What a text that is no Python seems to define."""
    found = [*re.finditer(r"^(?:async +)?(?:def|class) +(\w+)|^(\w+) *=(?!=)", text, re.MULTILINE)]
    found = found or [*re.finditer(r"^[ \t]*(?:async +)?(?:def|class) +(\w+)", text, re.MULTILINE)][:1]
    for match in found:
        yield next(name for name in match.groups() if name)


def _collect(body: Iterable[ast.AST], functions: set[str], others: set[str], imported: set[str]) -> None:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            functions.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            imported.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store):
                others.add(node.id)
        elif not isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            _collect(ast.iter_child_nodes(node), functions, others, imported)


# --- places ---------------------------------------------------------------------------------------------


def defining(cells: Sequence[Cell], name: str, reads: Callable[[str], Names] = names_in) -> int | None:
    """The cell that defines a name: the one that is called like it, else the first; None if there is none."""
    code = [index for index, cell in enumerate(cells) if cell.kind == "code" and not cell.is_demo]
    texts = {index: reads(cells[index].source) for index in code if name in cells[index].source}
    found = [index for index, names in texts.items() if name in names.defined or name in names.imported]
    return next((index for index in found if cells[index].id == name), found[0] if found else None)


def place_of(cells: Sequence[Cell], index: int) -> str:
    """Where a cell stands: "section 4.2", or "the setup cell at the top of the notebook"."""
    if cells[index].id == "setup":
        return "the setup cell at the top of the notebook"
    for cell in reversed(cells[:index]):
        if cell.kind == "markdown" and (sections := _SECTION.findall(cell.source)):
            return f"section {sections[-1]}"
    return "a cell at the top of the notebook"


# --- files ----------------------------------------------------------------------------------------------


def read_cells(path: Path) -> tuple[Cell, ...]:
    """The cells of a notebook file; none if it cannot be read."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            return ()
        cells = json.loads(path.read_text("utf-8"))["cells"]
        return tuple(map(_cell, cells))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ()


def _cell(entry: dict[str, Any]) -> Cell:
    demo = "demo" in entry.get("metadata", {}).get("tags", ())
    return Cell(str(entry.get("id", "")), entry["cell_type"], "".join(entry["source"]), demo)


def files_of(assignment: str | None) -> Iterator[Path]:
    """The notebook at hand, then the course's own: the one that Jupyter names, one beside it, the released one."""
    here = Path.cwd()
    named = os.environ.get("JPY_SESSION_NAME", "")
    if named.endswith(".ipynb"):
        yield Path(named)
    if assignment is None:
        beside = list(here.glob("*.ipynb"))
        yield from beside if len(beside) == 1 else ()
        return
    yield from sorted(here.glob(f"{assignment}*.ipynb"))
    for folder in (here, *here.parents):
        released = folder / "notebooks" / assignment / f"{assignment}.ipynb"
        if released.is_file():
            yield released
            return
