"""A plain function as code: by its name in a library, or by its source with the values that it holds."""

from __future__ import annotations

import ast
import builtins
import inspect
import sys
import textwrap
from collections.abc import Mapping
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

__all__ = ["NoCode", "source_of"]

_ANSWERS = "course_lib."
_KNOWN = {"numpy": "np", "torch": "torch"}
"""Modules that a notebook has imported, under these names."""


class NoCode(Exception):
    """A value that cannot be written as code."""


def source_of(value: Any) -> tuple[list[str], str, Mapping[str, Any]]:
    """The lines that a function needs, an expression for it, and the variables that must exist before those lines.

    Raises:
        NoCode: there is no such code.
    """
    if named := _in_library(value):
        return [], named, {}
    if type(value) is not FunctionType:
        raise NoCode
    module, name = value.__module__, value.__name__
    if module.startswith(_ANSWERS):
        if getattr(sys.modules.get(module), name, None) is not value:
            raise NoCode
        return [f"import {module}"], f"{module}.{name}", {}
    lines, held = _names(value)
    node = _node(value)
    if isinstance(node, ast.Lambda):
        return lines, ast.unparse(node), held
    if value not in inspect.getclosurevars(value).globals.values():  # one that calls itself keeps its name
        node.name = name = f"the_{name}"  # the notebook may have a function of that name
    return [*lines, ast.unparse(node)], name, held


def _in_library(value: Any) -> str:
    name = getattr(value, "__name__", "")
    torch = sys.modules.get("torch")
    places: list[tuple[str, Any]] = [("", builtins), ("np.", np)]
    if torch is not None:
        places += [("torch.", torch), ("torch.nn.functional.", torch.nn.functional)]
    return next((start + name for start, place in places if name and getattr(place, name, None) is value), "")


def _names(function: FunctionType) -> tuple[list[str], dict[str, Any]]:
    """What the function uses and a notebook does not know: lines that define it, and values that it holds."""
    used = inspect.getclosurevars(function)
    lines: list[str] = []
    held: dict[str, Any] = dict(used.nonlocals)
    for name, value in used.globals.items():
        if value is function:
            continue
        if isinstance(value, ModuleType):
            if _KNOWN.get(value.__name__) != name:
                lines.append(f"import {value.__name__} as {name}")
        elif isinstance(value, FunctionType):
            before, expression, more = source_of(value)
            held |= more
            lines += before if expression == name else [*before, f"{name} = {expression}"]
        elif isinstance(value, type):
            raise NoCode
        else:
            held[name] = value
    for value in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
        if not isinstance(value, bool | int | float | str | None):
            raise NoCode
    return lines, held


def _node(function: FunctionType) -> ast.FunctionDef | ast.Lambda:
    """Its syntax, without annotations: their names need not exist."""
    try:
        tree = ast.parse(textwrap.dedent("".join(inspect.findsource(function)[0])))
    except (OSError, SyntaxError, TypeError) as error:
        raise NoCode from error
    kind = ast.Lambda if function.__name__ == "<lambda>" else ast.FunctionDef
    line = function.__code__.co_firstlineno
    found = [node for node in ast.walk(tree) if isinstance(node, kind) and node.lineno == line]
    if len(found) != 1 or getattr(found[0], "decorator_list", None):
        raise NoCode
    (node,) = found
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    for argument in (*arguments, node.args.vararg, node.args.kwarg):
        if argument is not None:
            argument.annotation = None
    if isinstance(node, ast.FunctionDef):
        node.returns = None
        node.body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
        _at_top_level(node)
    return node


def _at_top_level(function: ast.FunctionDef) -> None:
    """What it changes of the function around it is a variable of the notebook there."""
    for node in ast.walk(function):
        for name, block in ast.iter_fields(node):
            if name == "body" and isinstance(block, list):
                block[:] = [ast.Global(each.names) if isinstance(each, ast.Nonlocal) else each for each in block]
