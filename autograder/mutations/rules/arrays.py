"""What goes wrong with arrays: axes, reductions, kept dimensions, transposes, dtypes, a function like the right one."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograder.mutations.source import Edit, Source

__all__ = ["axes", "dtypes", "estimates", "functions", "kept_dimensions", "shapes", "transposes"]

REDUCTIONS = (
    "sum",
    "mean",
    "max",
    "min",
    "prod",
    "amax",
    "amin",
    "argmax",
    "argmin",
    "any",
    "all",
    "std",
    "var",
    "cumsum",
)
LIKE: dict[str, tuple[str, ...]] = {
    "sum": ("mean", "max"), "mean": ("sum",), "max": ("min", "sum"), "min": ("max",), "amax": ("amin",),
    "amin": ("amax",), "prod": ("sum",), "argmax": ("argmin",), "argmin": ("argmax",), "any": ("all",),
    "all": ("any",), "var": ("std",), "std": ("var",), "cumsum": ("cumprod",), "maximum": ("minimum",),
    "minimum": ("maximum",), "floor": ("ceil", "round"), "ceil": ("floor",), "round": ("floor",),
    "rint": ("floor",), "trunc": ("floor",), "exp": ("expm1", "exp2"), "log": ("log2", "log1p"),
    "log2": ("log",), "zeros": ("ones",), "ones": ("zeros",), "zeros_like": ("ones_like",),
    "ones_like": ("zeros_like",), "sin": ("cos",), "cos": ("sin",), "tanh": ("sin",), "less": ("less_equal",),
    "greater": ("greater_equal",), "triu": ("tril",), "tril": ("triu",), "standard_normal": ("random",),
    "normal": ("uniform",), "randn": ("rand",), "hstack": ("vstack",), "vstack": ("hstack",), "relu": ("abs",),
    "real": ("imag",), "imag": ("real",), "append": ("extend",), "argsort": ("sort",),
    "appendleft": ("append",), "popleft": ("pop",), "bincount": ("unique",), "eval": ("train",),
    "train": ("eval",), "bit_and": ("bit_or",), "sqrt": ("square",), "square": ("sqrt",),
}  # fmt: skip
_DROPPED = {
    "exp", "log", "sqrt", "abs", "square", "floor", "ceil", "round", "rint", "tanh", "sigmoid", "relu", "conj",
    "flip", "sort", "sorted", "reversed", "clip", "clamp", "clone", "copy", "maximum", "minimum", "log_softmax",
    "softmax", "clamp_min", "squeeze", "astype", "to", "conjugate", "unsqueeze", "cumsum", "max", "min", "set",
    "nan_to_num",
}  # fmt: skip
_SWAPPED_DTYPES = {
    "float64": ("float32",), "float32": ("float64",), "int64": ("int32",), "int32": ("int64", "int8"),
    "int8": ("int32", "uint8"), "uint8": ("int8",), "float": ("int",), "double": ("float",),
    "float16": ("float32",), "complex128": ("complex64",), "complex64": ("complex128",), "bool": ("float",),
    "long": ("int",),
}  # fmt: skip


def name_of(call: ast.Call) -> str:
    """The last part of what is called."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _is_module(node: ast.expr) -> bool:
    root = node
    while isinstance(root, ast.Attribute):
        root = root.value
    return isinstance(root, ast.Name) and root.id in ("np", "numpy", "torch", "math", "F", "nn", "functional")


def axes(source: Source, node: ast.AST) -> Iterator[Edit]:
    """Another axis, or none."""
    if not isinstance(node, ast.Call):
        return
    for keyword in node.keywords:
        if keyword.arg in ("axis", "dim"):
            for other in _other_axes(keyword.value, source):
                yield source.replaced("axis", keyword.value, other)
            yield source.rewritten("axis", node, _without(source, node, keyword), source.segment(keyword.value), "")
    at = 1 if isinstance(node.func, ast.Attribute) and _is_module(node.func.value) else 0
    if name_of(node) in REDUCTIONS and len(node.args) > at and _axis_number(node.args[at]) is not None:
        for other in _other_axes(node.args[at], source):
            yield source.replaced("axis", node.args[at], other)


def _axis_number(node: ast.expr) -> int | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        found = _axis_number(node.operand)
        return None if found is None else -found
    value = getattr(node, "value", None)
    return value if isinstance(node, ast.Constant) and type(value) is int else None


def _other_axes(node: ast.expr, source: Source) -> list[str]:
    number = _axis_number(node)
    if number is not None:
        return {0: ["1", "-1"], 1: ["0", "2"], -1: ["0", "-2"]}.get(number, ["0", "1"])
    if isinstance(node, ast.Tuple):
        parts = [source.segment(each) for each in node.elts]
        return [f"({', '.join(parts[:i] + parts[i + 1 :])},)" for i in range(len(parts))] + parts[:1]
    return []


def _without(source: Source, call: ast.Call, dropped: ast.keyword) -> str:
    parts = [source.segment(argument) for argument in call.args]
    parts += [source.segment(keyword) for keyword in call.keywords if keyword is not dropped]
    return f"{source.segment(call.func)}({', '.join(parts)})"


def kept_dimensions(source: Source, node: ast.AST) -> Iterator[Edit]:
    """Dimensions kept or lost by a reduction."""
    if not isinstance(node, ast.Call):
        return
    for keyword in node.keywords:
        if keyword.arg in ("keepdims", "keepdim"):
            yield source.rewritten("keepdims", node, _without(source, node, keyword), source.segment(keyword), "")


def estimates(source: Source, node: ast.AST) -> Iterator[Edit]:
    """Biased for unbiased, and the other way round."""
    if not isinstance(node, ast.Call) or name_of(node) not in ("var", "std"):
        return
    named = {keyword.arg: keyword for keyword in node.keywords}
    for name in ("ddof", "correction", "unbiased"):
        if name in named:
            yield source.rewritten(
                "estimate", node, _without(source, node, named[name]), source.segment(named[name]), ""
            )
    if not named.keys() & {"ddof", "correction", "unbiased"}:
        numpy = source.segment(node.func).startswith("np.")
        for extra in ("ddof=1",) if numpy else ("correction=0", "ddof=1"):
            comma = ", " if node.args or node.keywords else ""
            yield source.replaced("estimate", node, f"{source.segment(node)[:-1]}{comma}{extra})")


def functions(source: Source, node: ast.AST) -> Iterator[Edit]:
    """A function much like the right one, or none at all."""
    if not isinstance(node, ast.Call):
        return
    name = name_of(node)
    start = source.segment(node.func.value) if isinstance(node.func, ast.Attribute) else ""
    arguments = source.segment(node)[len(source.segment(node.func)) :]
    for other in LIKE.get(name, ()):
        kind = "reduction" if name in REDUCTIONS else "function"
        new = f"{start}.{other}" if start else other
        yield source.rewritten(kind, node, new + arguments, source.segment(node.func), new)
    if name in _DROPPED:
        inner = node.func.value if isinstance(node.func, ast.Attribute) and not _is_module(node.func) else None
        if inner is None and node.args:
            inner = node.args[0]
        if inner is not None and not isinstance(inner, (ast.Starred, ast.GeneratorExp)):
            yield source.replaced("function", node, source.segment(inner))


def transposes(source: Source, node: ast.AST) -> Iterator[Edit]:
    """A transpose too few or too many."""
    if isinstance(node, ast.Attribute) and node.attr in ("T", "mT", "H"):
        yield source.replaced("transpose", node, source.segment(node.value))
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        for operand in (node.left, node.right):
            if isinstance(operand, (ast.Name, ast.Subscript)):
                yield source.replaced("transpose", operand, f"{source.segment(operand)}.T")
    elif isinstance(node, ast.Call) and name_of(node) in ("transpose", "permute", "swapaxes") and len(node.args) >= 2:
        parts = [source.segment(argument) for argument in node.args]
        for at in range(len(parts) - 1):
            swapped = [*parts[:at], parts[at + 1], parts[at], *parts[at + 2 :]]
            new = f"{source.segment(node.func)}({', '.join(swapped)})"
            yield source.replaced("transpose", node, new)
        if isinstance(node.func, ast.Attribute) and not _is_module(node.func):
            yield source.replaced("transpose", node, source.segment(node.func.value))


def shapes(source: Source, node: ast.AST) -> Iterator[Edit]:
    """A length of another axis; a new axis in another place, or none."""
    if not isinstance(node, ast.Subscript):
        return
    if isinstance(node.value, ast.Attribute) and node.value.attr == "shape" and _axis_number(node.slice) is not None:
        for other in _other_axes(node.slice, source):
            yield source.replaced("shape", node.slice, other)
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    texts = [source.segment(part) for part in parts]
    if "None" in texts and len(texts) > 1:
        base = source.segment(node.value)
        yield source.replaced("shape", node, f"{base}[{', '.join(reversed(texts))}]")
        yield source.replaced("shape", node, f"{base}[{', '.join(text for text in texts if text != 'None')}]")


def dtypes(source: Source, node: ast.AST) -> Iterator[Edit]:
    """Another dtype, or none."""
    if isinstance(node, ast.Attribute) and _is_module(node.value) and node.attr in _SWAPPED_DTYPES:
        if not isinstance(source.parents.get(node), ast.Call) or node is not source.parents[node].func:  # type: ignore[attr-defined]
            for other in _SWAPPED_DTYPES[node.attr]:
                yield source.replaced("dtype", node, f"{source.segment(node.value)}.{other}")
    elif isinstance(node, ast.Call):
        for keyword in node.keywords:
            if keyword.arg == "dtype":
                yield source.rewritten("dtype", node, _without(source, node, keyword), source.segment(keyword), "")
