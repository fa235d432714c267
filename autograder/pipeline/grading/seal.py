"""A copy of the library that holds no answer to an assignment, for the processes that run its notebooks.

References of this assignment and of every later topic lose their bodies (`mlp.linear` would solve `linear.scores`), and
what only they used is removed; docstrings stay. Earlier references are building blocks and stay whole. Of later topics
only the names are left. No comments, no compiled caches, nothing from the judge.
"""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode

from autograder.exercise import Exercise
from autograder.exercises import ASSIGNMENTS, exercises_of
from autograder.pipeline.cells import is_solution
from autograder.sandbox.host.visible import copy_parts

__all__ = ["seal"]

Node = ast.FunctionDef | ast.ClassDef


def seal(assignment: str, target: Path, master: NotebookNode | None = None) -> None:
    """Writes the library that an assignment's notebooks may see into `target`.

    Args:
        assignment: its name; the functions that it asks for are sealed.
        target: an empty folder, or one that does not exist yet.
        master: the assignment's release; what its given cells import from the assignment's own topic stays whole,
            unless it is one of those functions.
    """
    copy_parts(target)
    order = list(ASSIGNMENTS)
    position = order.index(assignment)
    own = ASSIGNMENTS[assignment].topic
    asked = _functions(order[position:])
    earlier = _functions(order[:position])
    for topic in {known.topic for known in ASSIGNMENTS.values()}:
        files = _files(target, topic)
        if not asked.get(topic) or not files:
            continue
        kept = set(earlier.get(topic, ()))
        if topic == own and master is not None:
            kept |= _taken(master, topic)
        _seal_topic(topic, files, kept - asked[topic], _here(assignment))
        if topic != own and topic not in earlier:
            _remove_later_pictures(target, topic)
    _seal_helpers(target, exercises_of(assignment))


def _functions(assignments: Iterable[str]) -> dict[str, set[str]]:
    """The functions that assignments ask for, by topic."""
    found: dict[str, set[str]] = {}
    for name in assignments:
        found.setdefault(ASSIGNMENTS[name].topic, set()).update(ASSIGNMENTS[name].exercises)
    return found


def _here(assignment: str) -> dict[str, set[str]]:
    return {ASSIGNMENTS[assignment].topic: set(ASSIGNMENTS[assignment].exercises)}


# --- files ----------------------------------------------------------------------------------------------


def _files(target: Path, topic: str) -> list[Path]:
    place = target / "course_lib" / topic
    if place.is_dir():
        return sorted(place.rglob("*.py"))
    return [place.with_suffix(".py")] if place.with_suffix(".py").is_file() else []


def _remove_later_pictures(target: Path, topic: str) -> None:
    """Removes later topics' pictures: they draw what those functions compute, and no given cell here shows them."""
    place = target / "course_lib" / "viz" / topic
    if place.is_dir():
        shutil.rmtree(place)
    place.with_suffix(".py").unlink(missing_ok=True)


def _taken(master: NotebookNode, topic: str) -> set[str]:
    """Names that given cells import from their own topic's module."""
    names: set[str] = set()
    for cell in master.cells:
        if cell.cell_type != "code" or is_solution(cell):
            continue
        try:
            tree = ast.parse(cell.source)
        except SyntaxError:  # a cell with a magic
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"course_lib.{topic}"):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.Attribute):
                names.add(node.attr)
    return names


def _seal_helpers(target: Path, exercises: Iterable[Exercise]) -> None:
    """Empties what shared modules hold of the answers."""
    for name in dict.fromkeys(name for exercise in exercises for name in exercise.helpers):
        module, _, function = name.partition(".")
        path = target / "course_lib" / f"{module}.py"
        tree = ast.parse(path.read_text("utf-8"))
        tree.body = [
            _emptied(old, module, {module: {function}}) if isinstance(old, Node) and old.name == function else old
            for old in tree.body
        ]
        path.write_text(ast.unparse(ast.fix_missing_locations(tree)) + "\n", "utf-8")


# --- one topic ------------------------------------------------------------------------------------------


@dataclass
class _Topic:
    """What the files of one topic define, and what uses what; names are unique within a topic."""

    trees: dict[Path, ast.Module]
    uses: dict[str, set[str]] = field(default_factory=dict)
    defined: dict[str, Node] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for tree in self.trees.values():
            for statement in tree.body:
                for name in _bound(statement):
                    self.uses.setdefault(name, set()).update(_used(statement))
                if isinstance(statement, Node):
                    self.defined[statement.name] = statement

    def reach(self, roots: Iterable[str], sealed: set[str]) -> set[str]:
        """Everything that stays whole because the roots use it, except what is sealed."""
        found: set[str] = set()
        left = list(roots)
        while left:
            name = left.pop()
            if name in self.uses and name not in found and name not in sealed:
                found.add(name)
                left += self.uses[name]
        return found


def _seal_topic(topic: str, files: list[Path], kept: set[str], here: dict[str, set[str]]) -> None:
    known = _Topic({path: ast.parse(path.read_text("utf-8")) for path in files})
    public = {name for tree in known.trees.values() for name in _public(tree)}
    asked = {name for assignment in ASSIGNMENTS.values() if assignment.topic == topic for name in assignment.exercises}
    shapes = {name for name in public if _is_shape(known.defined.get(name)) and name not in asked}
    heads = {used for name in public for used in _head(known.defined.get(name))}
    whole = known.reach(kept | shapes | (heads - public), asked - kept)
    for path, tree in known.trees.items():
        tree.body = [new for old in tree.body for new in _sealed(old, topic, public, whole, here)]
        path.write_text(ast.unparse(ast.fix_missing_locations(tree)) + "\n", "utf-8")


def _sealed(
    statement: ast.stmt, topic: str, public: set[str], whole: set[str], here: dict[str, set[str]]
) -> list[ast.stmt]:
    """What is left of one statement in a module."""
    if isinstance(statement, Node):
        if statement.name in whole:
            return [statement]
        return [_emptied(statement, topic, here)] if statement.name in public else []
    if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith(f"course_lib.{topic}"):
        statement.names = [alias for alias in statement.names if alias.name in public | whole]
        return [statement] if statement.names else []
    bound = _bound(statement)
    return [] if bound and not bound & (whole | public | {"__all__"}) else [statement]


def _emptied(node: Node, topic: str, here: dict[str, set[str]]) -> Node:
    name = f"{topic}.{node.name}"
    why = "is what this notebook asks of you" if node.name in here.get(topic, ()) else "belongs to a later notebook"
    refusal = ast.parse(f"raise RuntimeError({f'{name} {why}: write it yourself'!r})").body
    docstring = ast.get_docstring(node, clean=False)
    text: list[ast.stmt] = [ast.Expr(ast.Constant(docstring))] if docstring is not None else []
    node.decorator_list = []
    if isinstance(node, ast.FunctionDef):
        node.body = text + refusal
        return node
    maker = ast.parse("def __init__(self, *args, **kwargs):\n    pass").body[0]
    assert isinstance(maker, ast.FunctionDef)
    maker.body = refusal
    node.bases, node.keywords, node.body = [], [], [*text, maker]
    return node


def _is_shape(node: Node | None) -> bool:
    """Whether a class only names fields: a record that signatures mention, which computes nothing."""
    return isinstance(node, ast.ClassDef) and not any(isinstance(part, ast.FunctionDef) for part in node.body)


def _head(node: Node | None) -> set[str]:
    """Names that a function needs when it is defined: those in its default values."""
    if not isinstance(node, ast.FunctionDef):
        return set()
    defaults = [*node.args.defaults, *(default for default in node.args.kw_defaults if default is not None)]
    return {used for default in defaults for used in _used(default)}


def _used(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _bound(statement: ast.stmt) -> set[str]:
    """Names that a module's statement defines, not counting imports."""
    if isinstance(statement, Node):
        return {statement.name}
    if isinstance(statement, ast.Assign):
        return {part.id for target in statement.targets for part in ast.walk(target) if isinstance(part, ast.Name)}
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return {statement.target.id}
    return set()


def _public(tree: ast.Module) -> set[str]:
    """A module's `__all__`."""
    names: set[str] = set()
    for statement in tree.body:
        bound = _bound(statement)
        if "__all__" in bound and isinstance(statement, ast.Assign):
            names |= set(ast.literal_eval(statement.value))
    return names
