"""What a warm server loads before the first submission: read from a notebook's given cells and the library they use.

The library imports large packages only inside the functions that need them (`data.digits` needs scikit-learn, which
takes a second), so the functions that the given cells call are followed by name.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from nbformat import NotebookNode

from autograder.exercises import ASSIGNMENTS
from autograder.pipeline.cells import is_demo, is_solution

__all__ = ["preload"]

_ALWAYS = (
    "numpy",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_agg",
    "autograder.check",
)
_LIBRARY = "course_lib"


def preload(assignment: str, master: NotebookNode) -> tuple[str, ...]:
    """The modules that every submission of an assignment needs, so that none has to import them."""
    given = [cell for cell in master.cells if cell.cell_type == "code" and not is_solution(cell)]
    modules = dict.fromkeys(_ALWAYS)
    names: set[str] = set()
    for cell in given:
        tree = _parsed(cell.source)
        modules.update(dict.fromkeys(_imported(tree)))
        if not is_demo(cell):
            names |= _mentioned(tree)
    modules[f"autograder.harness.{ASSIGNMENTS[assignment].topic}"] = None
    modules.update(dict.fromkeys(_needed_inside(set(modules), names)))
    return tuple(name for name in modules if _is_there(name))


def _needed_inside(modules: set[str], names: set[str]) -> Iterator[str]:
    """What the library's functions of these names import when called, followed through the functions they call."""
    library = {name for name in modules if name.startswith(f"{_LIBRARY}.") and _is_there(name)}
    followed: set[tuple[str, str]] = set()
    while found := {(module, name) for module in library for name in _functions(module) if name in names} - followed:
        followed |= found
        for module, name in sorted(found):
            function = _functions(module)[name]
            names = names | _mentioned(function)
            inside = list(_imported(function))
            library |= {each for each in inside if each.startswith(f"{_LIBRARY}.") and _is_there(each)}
            yield from inside


@cache
def _functions(module: str) -> dict[str, ast.FunctionDef]:
    """A module's functions by name, including those of the library modules that it imports."""
    spec = _spec(module)
    if spec is None or spec.origin is None:
        return {}
    tree = _parsed(Path(spec.origin).read_text("utf-8"))
    found: dict[str, ast.FunctionDef] = {}
    for name in dict.fromkeys(each for node in tree.body for each in _imported(node, deep=False)):
        if name.startswith(f"{_LIBRARY}.") and name != module and _is_there(name):
            found |= _functions(name)
    return found | {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def _parsed(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError:  # a cell with a magic
        return ast.Module([], [])


def _mentioned(tree: ast.AST) -> set[str]:
    """The names that are looked up: `data` and `digits` of `data.digits()`."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return names | {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def _imported(tree: ast.AST, *, deep: bool = True) -> Iterator[str]:
    for node in ast.walk(tree) if deep else (tree,):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if alias.name.islower())


def _is_there(name: str) -> bool:
    """Whether a name is a module that can be imported; `course_lib.data.digits` is not, it is a function in one."""
    return _spec(name) is not None


@cache
def _spec(name: str) -> ModuleSpec | None:
    """Where a module is, or None; unlike `importlib.util.find_spec` it imports no package on the way there."""
    package, _, _ = name.rpartition(".")
    if not package:
        try:
            return importlib.util.find_spec(name)
        except ValueError:  # a module that says nothing of its origin, like `__main__`
            return None
    above = _spec(package)
    if above is None or above.submodule_search_locations is None:
        return None
    return PathFinder.find_spec(name, list(above.submodule_search_locations))
