"""Order and place: arguments swapped, ranges and slices by one, indices beside the right one."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograder.mutations.source import Edit, Source

__all__ = ["arguments", "indices", "ranges", "slices"]


_SYMMETRIC = {
    "max", "min", "maximum", "minimum", "fmax", "fmin", "gcd", "equal", "array_equal", "result_type", "promote_types",
    "logaddexp",
}  # fmt: skip
"""Functions that do not care for the order of their arguments."""


def _called(node: ast.Call) -> str:
    return str(getattr(node.func, "id", getattr(node.func, "attr", "")))


def arguments(source: Source, node: ast.AST) -> Iterator[Edit]:
    """Two arguments in the other order; a keyword argument left out; the parts of a returned tuple swapped."""
    if isinstance(node, ast.Call):
        for at in range(0 if _called(node) in _SYMMETRIC else len(node.args) - 1):
            one, two = source.segment(node.args[at]), source.segment(node.args[at + 1])
            if one != two and not isinstance(node.args[at], ast.Starred):
                swapped = [source.segment(argument) for argument in node.args]
                swapped[at], swapped[at + 1] = two, one
                named = [source.segment(keyword) for keyword in node.keywords]
                new = f"{source.segment(node.func)}({', '.join(swapped + named)})"
                yield source.replaced("arguments", node, new)
        for keyword in node.keywords:
            if keyword.arg not in ("axis", "dim", "keepdims", "keepdim", "dtype", "device", "strict", "ddof", None):
                parts = [source.segment(each) for each in (*node.args, *node.keywords) if each is not keyword]
                new = f"{source.segment(node.func)}({', '.join(parts)})"
                yield source.rewritten("arguments", node, new, source.segment(keyword), "")
    elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
        parts = [source.segment(part) for part in node.value.elts]
        for at in range(len(parts) - 1):
            swapped = [*parts[:at], parts[at + 1], parts[at], *parts[at + 2 :]]
            yield source.replaced("arguments", node.value, f"({', '.join(swapped)})")


def ranges(source: Source, node: ast.AST) -> Iterator[Edit]:
    """A range that starts or ends one place off, or runs the other way."""
    if not isinstance(node, ast.Call) or _called(node) not in ("range", "arange"):
        return
    call, parts = source.segment(node.func), [source.segment(argument) for argument in node.args]
    named = [source.segment(keyword) for keyword in node.keywords]
    bounds = [0] if len(parts) == 1 else [0, 1] if len(parts) > 1 else []
    for at in bounds:
        for change in ("+ 1", "- 1"):
            moved = [*parts[:at], f"{_bracketed(parts[at])} {change}", *parts[at + 1 :]]
            yield source.replaced("range", node, f"{call}({', '.join(moved + named)})")
    if len(parts) == 1:
        yield source.replaced("range", node, f"{call}({', '.join(['1', *parts, *named])})")
    if len(parts) == 3:
        yield source.replaced("range", node, f"{call}({', '.join(parts[:2] + named)})")
    loop = source.parents.get(node)
    if call == "range" and isinstance(loop, ast.For) and _counts(loop) and _carries(loop):
        yield source.replaced("range", node, f"reversed({source.segment(node)})")


def _counts(loop: ast.For) -> bool:
    """Whether the loop uses the number of the round."""
    names = {node.id for node in ast.walk(loop.target) if isinstance(node, ast.Name)}
    return any(isinstance(node, ast.Name) and node.id in names for each in loop.body for node in ast.walk(each))


def _carries(loop: ast.For) -> bool:
    """Whether a round of the loop uses what the round before has left, other than to add to it."""
    stored: dict[str, int] = {}
    for node in ast.walk(loop):
        if isinstance(node, ast.Assign) and not _adds_to_itself(node):
            for name in (each for target in node.targets for each in ast.walk(target)):
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                    stored.setdefault(name.id, node.lineno)
    return any(
        isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.lineno <= stored.get(node.id, -1)
        for each in loop.body
        for node in ast.walk(each)
    )


def _adds_to_itself(node: ast.Assign) -> bool:
    """Whether it is `total = total + ...`."""
    value = node.value
    while isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        value = value.left
    return value is not node.value and ast.unparse(value) == ast.unparse(node.targets[0])


def _bracketed(text: str) -> str:
    return text if text.isidentifier() or text.isdigit() else f"({text})"


def slices(source: Source, node: ast.AST) -> Iterator[Edit]:
    """A slice that starts or ends one place off, or has no bound or step."""
    if not isinstance(node, ast.Slice):
        return
    for bound in (node.lower, node.upper):
        if bound is not None:
            for change in ("+ 1", "- 1"):
                yield source.replaced("slice", bound, f"{_bracketed(source.segment(bound))} {change}")
    low = source.segment(node.lower) if node.lower else ""
    high = source.segment(node.upper) if node.upper else ""
    step = f":{source.segment(node.step)}" if node.step else ""
    start = _slice_edit(source, node)
    if node.lower is not None:
        yield start("slice", f":{high}{step}")
    if node.upper is not None:
        yield start("slice", f"{low}:{step}")
    if node.step is not None:
        yield start("slice", f"{low}:{high}")


def _slice_edit(source: Source, node: ast.Slice):  # type: ignore[no-untyped-def]
    def edit(kind: str, new: str) -> Edit:
        return source.replaced(kind, node, new)

    return edit


def indices(source: Source, node: ast.AST) -> Iterator[Edit]:
    """The entry beside the right one."""
    if not isinstance(node, ast.Subscript) or (isinstance(node.value, ast.Attribute) and node.value.attr == "shape"):
        return
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    for part in parts:
        if isinstance(part, (ast.Name, ast.BinOp)) and isinstance(node.ctx, ast.Load):
            text = _bracketed(source.segment(part))
            yield source.replaced("index", part, f"{text} - 1")
    plain = [part for part in parts if isinstance(part, ast.Name)]
    if len(plain) == len(parts) == 2:
        one, two = (source.segment(part) for part in parts)
        yield source.replaced("index", node, f"{source.segment(node.value)}[{two}, {one}]")
